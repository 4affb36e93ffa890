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
from allocator.ports import CRM

V = TypeVar("V")
Fields = Mapping[str, object]
Matches = tuple[Match, ...]


class CachedCRM:
    """Look-ups are kept for the life of this object: make one a run. Reads of Leads are never kept.

    The lock is held while the CRM is asked, so that two threads never ask the same; cachetools' caches break
    without one. A match's age counts from its `seen`, which is when the CRM said it.
    """

    def __init__(self, inner: CRM) -> None:
        self.name = inner.name
        self._inner = inner
        self._lock = threading.RLock()
        self._users: Cache[str, Mapping[str, CrmUser]] = Cache(maxsize=1)
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

    def _forget(self, leads: set[str]) -> None:
        with self._lock:
            stale = [
                email
                for email, found in self._people.items()
                if any(match.id in leads for match in found or ())
            ]
            for email in stale:
                del self._people[email]

    def _count(self, *, hits: int, misses: int) -> None:
        self.usage.cache_hits += hits
        self.usage.cache_misses += misses


def _folded(text: str) -> str:
    return text.strip().lower()
