"""SalesforceCRM: the port's promises over the parts of this folder. One object serves one run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.crm.salesforce.client import Client
from allocator.adapters.crm.salesforce.errors import Refused
from allocator.adapters.crm.salesforce.lookup import Lookup
from allocator.adapters.crm.salesforce.members import Members
from allocator.adapters.crm.salesforce.read import SOURCE, Reader
from allocator.adapters.crm.salesforce.records import Records
from allocator.adapters.crm.salesforce.sending import Sender
from allocator.adapters.crm.salesforce.settings import SalesforceSettings, check
from allocator.adapters.crm.salesforce.shape import Shape
from allocator.adapters.crm.salesforce.write import Writer
from allocator.domain.lead import CrmUser, LeadStatus, Match, OwnerWrite, Record, WriteAnswer
from allocator.domain.records import CrmUsage
from allocator.domain.sync.values import CrmRecord, CrmWrite, FieldInfo, Made, NewLead
from allocator.errors import ConfigError
from allocator.ports import Clock


class SalesforceCRM:
    """A Salesforce org as a CRM. `fact_paths`: the configured paths ("Country", "CampaignMember.Status").

    Log-in happens with the first call. It logs in again at most three times, so make a new one for each run.
    """

    name = SOURCE

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        fact_paths: Sequence[str],
        clock: Clock | None = None,
        sleep: Callable[[float], object] = time.sleep,
        timeouts: Timeouts | None = None,
    ) -> None:
        check(settings)
        self._settings = settings
        self._client = Client(settings, clock=clock, sleep=sleep, timeouts=timeouts or Timeouts())
        self._shape = Shape(self._client, fact_paths)
        self._reader = Reader(self._client, self._shape)
        self._lookup = Lookup(self._client)
        self._records = Records(self._client, self._shape, settings.external_id)
        self._members = Members(self._client, self._shape, self._records)
        self._writer = Writer(Sender(self._client))
        self._intake: frozenset[str] | None = None
        self._lock = threading.Lock()

    @property
    def usage(self) -> CrmUsage:
        return self._client.usage

    @property
    def missing_fields(self) -> tuple[str, ...]:
        """Configured paths that the org lacks or hides; they are left out of every query."""
        return self._shape.missing()

    def lacking_fields(self) -> tuple[str, ...]:
        """`missing_fields` after the org was asked about every configured path."""
        self._shape.lead_fields()
        self._shape.member_fields()
        return self._shape.missing()

    def used_today(self) -> tuple[int, int] | None:
        """Requests of the last 24 hours and how many are allowed, as the last answer told."""
        return self._client.http.used

    def close(self) -> None:
        self._client.close()

    def intake_ids(self) -> frozenset[str]:
        with self._lock:
            if self._intake is None:
                self._intake = self._reader.intake(self._settings.intake)
            return self._intake

    def queue_ids(self) -> frozenset[str]:
        return self._reader.queues()

    def now(self) -> datetime:
        return self._client.now()

    def pull(self) -> Iterator[Sequence[Record]]:
        yield from self._reader.open_leads(self.intake_ids())

    def converted_since(self, mark: datetime) -> Sequence[LeadStatus]:
        return self._reader.converted_since(mark)

    def status(self, ids: Collection[str]) -> Mapping[str, LeadStatus]:
        return self._reader.status(ids)

    def users(self) -> Mapping[str, CrmUser]:
        return self._reader.users()

    def campaigns_of(self, ids: Collection[str]) -> Mapping[str, Mapping[str, object]]:
        return self._reader.campaigns_of(ids)

    def people_by_email(self, emails: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        return self._lookup.people(emails)

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        field = self._settings.account_domain_field
        try:
            return self._lookup.accounts(domains, field)
        except Refused as error:
            if error.code != "INVALID_FIELD":
                raise
            raise ConfigError(
                f'salesforce.account_domain_field "{field}" is no field of Account that we can read.'
            ) from None

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        return self._writer.give(writes)

    @property
    def external_id(self) -> str:
        return self._settings.external_id

    def describe(self, object: str) -> Mapping[str, FieldInfo]:
        return self._records.describe(object)

    def records(self, object: str, ids: Collection[str], fields: Sequence[str]) -> Mapping[str, CrmRecord]:
        return self._records.records(object, ids, fields)

    def records_of(
        self, wanted: Mapping[str, Collection[str]], fields: Mapping[str, Sequence[str]]
    ) -> Mapping[tuple[str, str], CrmRecord]:
        return self._records.records_of(wanted, fields)

    def changed(self, object: str, since: datetime, fields: Sequence[str]) -> Iterator[Sequence[CrmRecord]]:
        yield from self._records.changed(object, since, fields)

    def members(
        self, object: str, campaigns: Collection[str], fields: Sequence[str]
    ) -> Iterator[Sequence[CrmRecord]]:
        yield from self._members.members(object, campaigns, fields)

    def matching(
        self,
        object: str,
        *,
        external_ids: Collection[str] = (),
        emails: Collection[str] = (),
        fields: Sequence[str] = (),
        deleted: bool = False,
    ) -> Sequence[CrmRecord]:
        return self._records.matching(object, external_ids, emails, fields, deleted=deleted)

    def create(self, leads: Sequence[NewLead]) -> Sequence[Made]:
        self._records.need_external_id("Lead")
        return self._writer.create(leads, self.external_id)

    def write(self, writes: Sequence[CrmWrite]) -> Sequence[WriteAnswer]:
        return self._writer.write(writes)
