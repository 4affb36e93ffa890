"""A CRM for dry runs: reads are real, writes are remembered and answered as if they had succeeded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from allocator.adapters.crm.predicted import Predicted, folded
from allocator.domain.lead import CrmUser, LeadStatus, Match, OwnerWrite, Record, WriteAnswer, WriteResult
from allocator.domain.records import CrmUsage
from allocator.domain.sync.values import CrmRecord, CrmWrite, FieldInfo, Made, NewLead
from allocator.ports import CRM


class PredictingCRM:
    """Wraps a CRM; nothing it does changes it. What is given, made and written here reads back as if it were
    so."""

    def __init__(self, inner: CRM) -> None:
        self.name = inner.name
        self._inner = inner
        self._given: dict[str, OwnerWrite] = {}
        self._predicted = Predicted(inner.external_id)

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
        made = {i: status for i in ids if (status := self._predicted.status(i))}
        asked = [i for i in ids if i not in self._given and i not in made]
        found = made | dict(self._inner.status(asked) if asked else {})
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
        """As the CRM says, with the owners that this dry run gave and the Leads that it made."""
        found = self._inner.people_by_email(emails)
        return {
            email: tuple(self._as_given(m) for m in (*matches, *self._predicted.people(email)))
            for email, matches in found.items()
        }

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        return self._inner.accounts_by_domain(domains)

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        self._given.update((w.id, w) for w in writes)
        return [WriteAnswer(w.id, WriteResult.WRITTEN) for w in writes]

    def _as_given(self, match: Match) -> Match:
        write = self._given.get(match.id)
        return replace(match, owner=write.owner) if write else match

    @property
    def external_id(self) -> str:
        return self._inner.external_id

    def describe(self, object: str) -> Mapping[str, FieldInfo]:
        return self._inner.describe(object)

    def records(self, object: str, ids: Collection[str], fields: Sequence[str]) -> Mapping[str, CrmRecord]:
        made = self._made(object, fields, ids)
        asked = [i for i in ids if i not in made]
        found = self._inner.records(object, asked, fields) if asked else {}
        return {i: self._seen(found[i] if i in found else made[i], fields) for i in ids}

    def records_of(
        self, wanted: Mapping[str, Collection[str]], fields: Mapping[str, Sequence[str]]
    ) -> Mapping[tuple[str, str], CrmRecord]:
        shown = {object: self.records(object, ids, fields[object]) for object, ids in wanted.items() if ids}
        return {(object, id): one for object, some in shown.items() for id, one in some.items()}

    def changed(self, object: str, since: datetime, fields: Sequence[str]) -> Iterator[Sequence[CrmRecord]]:
        for page in self._inner.changed(object, since, fields):
            yield [self._seen(record, fields) for record in page]
        made = self._made(object, fields).values()
        yield [self._seen(record, fields) for record in made if record.moved and record.moved >= since]

    def members(
        self, object: str, campaigns: Collection[str], fields: Sequence[str]
    ) -> Iterator[Sequence[CrmRecord]]:
        for page in self._inner.members(object, campaigns, fields):
            seen = [self._seen(record, fields) for record in page]
            yield [record for record in seen if not record.external_id]

    def matching(
        self,
        object: str,
        *,
        external_ids: Collection[str] = (),
        emails: Collection[str] = (),
        fields: Sequence[str] = (),
        deleted: bool = False,
    ) -> Sequence[CrmRecord]:
        keys, addresses = {folded(x) for x in external_ids} - {""}, {folded(x) for x in emails} - {""}
        found = self._inner.matching(
            object, external_ids=external_ids, emails=emails, fields=fields, deleted=deleted
        )
        since = self._predicted.written_with(object, keys, addresses) - {record.id for record in found}
        written = self._inner.records(object, since, fields).values() if since else ()
        all_of_them = [*found, *(one for one in written if one.known and (deleted or not one.deleted))]
        seen = [self._seen(one, fields) for one in all_of_them]
        seen += [self._seen(one, fields) for one in self._made(object, fields).values()]
        return [one for one in seen if folded(one.external_id) in keys or folded(one.email) in addresses]

    def create(self, leads: Sequence[NewLead]) -> Sequence[Made]:
        return [Made(WriteResult.WRITTEN, self._predicted.make(lead, self.now())) for lead in leads]

    def write(self, writes: Sequence[CrmWrite]) -> Sequence[WriteAnswer]:
        for write in writes:
            self._predicted.write(write, self.now())
        return [WriteAnswer(write.id, WriteResult.WRITTEN) for write in writes]

    def _made(
        self, object: str, fields: Sequence[str], ids: Collection[str] | None = None
    ) -> Mapping[str, CrmRecord]:
        shown = self._inner.describe(object)
        return self._predicted.made(object, [name for name in fields if name in shown], ids)

    def _seen(self, record: CrmRecord, fields: Sequence[str]) -> CrmRecord:
        given = self._given.get(record.id)
        seen = self._predicted.seen(record, fields)
        return replace(seen, owner=given.owner) if given else seen
