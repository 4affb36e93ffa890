"""A CRM for dry runs: reads are real, writes are remembered and answered as if they had succeeded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from allocator.domain.lead import CrmUser, LeadStatus, Match, OwnerWrite, Record, WriteAnswer, WriteResult
from allocator.domain.records import CrmUsage
from allocator.ports import CRM


class PredictingCRM:
    """Wraps a CRM; nothing it does changes it. Leads "given" here read back as their new owner's."""

    def __init__(self, inner: CRM) -> None:
        self.name = inner.name
        self._inner = inner
        self._given: dict[str, OwnerWrite] = {}

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
        for page in self._inner.pull():
            yield [r for r in page if r.key.source_id not in self._given]

    def converted_since(self, mark: datetime) -> Sequence[LeadStatus]:
        return self._inner.converted_since(mark)

    def status(self, ids: Collection[str]) -> Mapping[str, LeadStatus]:
        asked = [i for i in ids if i not in self._given]
        found = dict(self._inner.status(asked)) if asked else {}
        for lead in ids:
            if lead in self._given:
                write = self._given[lead]
                found[lead] = LeadStatus(id=lead, owner=write.owner, stamp=write.stamp)
        return found

    def users(self) -> Mapping[str, CrmUser]:
        return self._inner.users()

    def campaigns_of(self, ids: Collection[str]) -> Mapping[str, Mapping[str, object]]:
        return self._inner.campaigns_of(ids)

    def people_by_email(self, emails: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        """As the CRM says, with the owners that this dry run gave."""
        found = self._inner.people_by_email(emails)
        return {email: tuple(self._as_given(m) for m in matches) for email, matches in found.items()}

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        return self._inner.accounts_by_domain(domains)

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        self._given.update((w.id, w) for w in writes)
        return [WriteAnswer(w.id, WriteResult.WRITTEN) for w in writes]

    def _as_given(self, match: Match) -> Match:
        write = self._given.get(match.id)
        return replace(match, owner=write.owner) if write else match
