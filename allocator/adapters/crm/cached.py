"""One run's cache in front of a CRM: a distinct key is asked once, also when the CRM knows nothing of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from cachetools import Cache

from allocator.domain.lead import CrmUser, LeadStatus, Match, OwnerWrite, Record, WriteAnswer
from allocator.domain.records import CrmUsage
from allocator.domain.sync.values import CrmRecord, CrmWrite, FieldInfo, Made, NewLead
from allocator.ports import CRM

V = TypeVar("V")
Fields = Mapping[str, object]
Matches = tuple[Match, ...]


class CachedCRM:
    """Look-ups are kept for the life of this object: make one a run. Reads of records are never kept.

    The lock is held while the CRM is asked, so that two threads never ask the same; cachetools' caches break
    without one. A match's age counts from its `seen`, which is when the CRM said it.
    """

    def __init__(self, inner: CRM) -> None:
        self.name = inner.name
        self._inner = inner
        self._lock = threading.RLock()
        self._users: Cache[str, Mapping[str, CrmUser]] = Cache(maxsize=1)
        self._infos: Cache[str, Mapping[str, FieldInfo]] = Cache(maxsize=math.inf)
        # Nothing is ever evicted: a run's keys are bounded by its leads, and each may be asked only once.
        self._members: Cache[str, Fields | None] = Cache(maxsize=math.inf)
        self._people: Cache[str, Matches | None] = Cache(maxsize=math.inf)
        self._accounts: Cache[str, Matches | None] = Cache(maxsize=math.inf)

    @property
    def usage(self) -> CrmUsage:
        return self._inner.usage

    @property
    def missing_fields(self) -> Collection[str]:
        return self._inner.missing_fields

    def intake_ids(self) -> frozenset[str]:
        return self._inner.intake_ids()

    def queue_ids(self) -> frozenset[str]:
        return self._inner.queue_ids()

    def now(self) -> datetime:
        return self._inner.now()

    def pull(self) -> Iterator[Sequence[Record]]:
        return self._inner.pull()

    def converted_since(self, mark: datetime) -> Sequence[LeadStatus]:
        return self._inner.converted_since(mark)

    def status(self, ids: Collection[str]) -> Mapping[str, LeadStatus]:
        return self._inner.status(ids)

    def users(self) -> Mapping[str, CrmUser]:
        with self._lock:
            known = self._users.get("all")
            self._count(hits=known is not None, misses=known is None)
            if known is None:
                known = self._users["all"] = dict(self._inner.users())
            return known

    def campaigns_of(self, ids: Collection[str]) -> Mapping[str, Fields]:
        found = self._ask(self._members, ids, self._inner.campaigns_of, key=str)
        return {lead: fields for lead, fields in found.items() if fields is not None}

    def people_by_email(self, emails: Collection[str]) -> Mapping[str, Matches]:
        found = self._ask(self._people, emails, self._inner.people_by_email, key=_folded)
        return {email: matches or () for email, matches in found.items()}

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, Matches]:
        found = self._ask(self._accounts, domains, self._inner.accounts_by_domain, key=_folded)
        return {domain: matches or () for domain, matches in found.items()}

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        try:
            return self._inner.give(writes)
        finally:
            self._forget({write.id for write in writes})

    @property
    def external_id(self) -> str:
        return self._inner.external_id

    def describe(self, object: str) -> Mapping[str, FieldInfo]:
        with self._lock:
            if object not in self._infos:
                self._infos[object] = self._inner.describe(object)
            return self._infos[object]

    def records(self, object: str, ids: Collection[str], fields: Sequence[str]) -> Mapping[str, CrmRecord]:
        return self._inner.records(object, ids, fields)

    def records_of(
        self, wanted: Mapping[str, Collection[str]], fields: Mapping[str, Sequence[str]]
    ) -> Mapping[tuple[str, str], CrmRecord]:
        return self._inner.records_of(wanted, fields)

    def changed(self, object: str, since: datetime, fields: Sequence[str]) -> Iterator[Sequence[CrmRecord]]:
        return self._inner.changed(object, since, fields)

    def members(
        self, object: str, campaigns: Collection[str], fields: Sequence[str]
    ) -> Iterator[Sequence[CrmRecord]]:
        return self._inner.members(object, campaigns, fields)

    def matching(
        self,
        object: str,
        *,
        external_ids: Collection[str] = (),
        emails: Collection[str] = (),
        fields: Sequence[str] = (),
        deleted: bool = False,
    ) -> Sequence[CrmRecord]:
        return self._inner.matching(
            object, external_ids=external_ids, emails=emails, fields=fields, deleted=deleted
        )

    def create(self, leads: Sequence[NewLead]) -> Sequence[Made]:
        made: Sequence[Made] = ()
        try:
            made = self._inner.create(leads)
            return made
        finally:
            self._forget({one.id for one in made if one.id}, [lead.fields for lead in leads])

    def write(self, writes: Sequence[CrmWrite]) -> Sequence[WriteAnswer]:
        try:
            return self._inner.write(writes)
        finally:
            self._forget({write.id for write in writes}, [write.fields for write in writes])

    def _ask(
        self,
        cache: Cache[str, V | None],
        asked: Collection[str],
        ask: Callable[[Collection[str]], Mapping[str, V]],
        *,
        key: Callable[[str], str],
    ) -> dict[str, V | None]:
        with self._lock:
            keys = {text: key(text) for text in asked}
            wanted = set(keys.values())
            missing = sorted(one for one in wanted if one not in cache)
            self._count(hits=len(wanted) - len(missing), misses=len(missing))
            if missing:
                found = ask(missing)
                cache.update({one: found.get(one) for one in missing})
            return {text: cache[one] for text, one in keys.items()}

    def _forget(self, ids: set[str], written: Sequence[Fields] = ()) -> None:
        """What was kept of these records, and of the e-mails that were written."""
        emails = {_folded(str(fields["Email"])) for fields in written if fields.get("Email")}
        with self._lock:
            for cache in (self._people, self._accounts):
                stale = [key for key, found in cache.items() if any(match.id in ids for match in found or ())]
                for key in stale:
                    del cache[key]
            for email in emails:
                self._people.pop(email, None)

    def _count(self, *, hits: int, misses: int) -> None:
        self.usage.cache_hits += hits
        self.usage.cache_misses += misses


def _folded(text: str) -> str:
    return text.strip().lower()
