"""HubspotSource: the port's promises over the parts of this folder. One object serves one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.marketing.hubspot.client import Client
from allocator.adapters.marketing.hubspot.read import Reader
from allocator.adapters.marketing.hubspot.settings import HubspotSettings, check
from allocator.adapters.marketing.hubspot.shape import SOURCE
from allocator.adapters.marketing.hubspot.write import Writer
from allocator.domain.records import CrmUsage
from allocator.domain.sync.intake import IntakeDoubt, doubt_of
from allocator.domain.sync.values import FieldInfo, LeftOut, Made, SourceAnswer, SourceRecord, SourceWrite
from allocator.ports import Clock


class HubspotSource:
    """The contacts of a HubSpot account.

    `properties` names those to read, or tells them when they are first needed; None: all that are not
    hidden. What the account does not have is left out.
    """

    name = SOURCE
    takes_writes = True

    def __init__(
        self,
        settings: HubspotSettings,
        *,
        properties: Collection[str] | Callable[[], Collection[str] | None] | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], object] = time.sleep,
        timeouts: Timeouts | None = None,
    ) -> None:
        check(settings)
        self._settings = settings
        self._client = Client(settings, clock=clock, sleep=sleep, timeouts=timeouts or Timeouts())
        self.usage: CrmUsage = self._client.usage
        wanted = properties if callable(properties) else lambda: properties
        self._reader = Reader(self._client, settings, wanted)
        self._writer = Writer(self._client, settings)

    @property
    def overlap(self) -> timedelta:
        return self._settings.overlap

    def close(self) -> None:
        self._client.close()

    def now(self) -> datetime:
        return self._client.now()

    def fields(self) -> Mapping[str, FieldInfo]:
        return self._reader.fields()

    def owner_ids(self) -> Mapping[str, str]:
        """E-mail address in small letters -> id of the owner who can be given contacts."""
        return {email: owner for owner, email in self._reader.owners(archived=False).items()}

    def owner_emails(self) -> Mapping[str, str]:
        """Owner id -> e-mail address in small letters, of those who left too."""
        return {**self._reader.owners(archived=True), **self._reader.owners(archived=False)}

    def pull(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        yield from self._reader.pull(since)

    def read(self, ids: Collection[str], *, stamps: bool = False) -> Mapping[str, SourceRecord]:
        return self._reader.read(ids, stamps=stamps)

    def write(self, writes: Sequence[SourceWrite]) -> Sequence[SourceAnswer]:
        return self._writer.write(writes)

    def create(self, records: Sequence[Mapping[str, object]]) -> Sequence[Made]:
        return self._writer.create(records)

    def owned(self) -> int:
        """How many contacts would be in intake if nobody owned them."""
        return self._reader.owned()

    def intake_doubt(self) -> IntakeDoubt | None:
        own = self._settings
        by = "" if own.list else own.intake_field
        return doubt_of(self.fields(), intake_field=by, intake=own.intake, owner_field=own.owner_field)

    def taken(self) -> None:
        """Contacts stay where they are."""

    def left_out(self) -> Sequence[LeftOut]:
        return ()
