"""A CRM in memory for tests and experiments: the port's promises, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from allocator.adapters.crm.memory_acts import MemoryActs
from allocator.adapters.crm.memory_records import PAGE, WRITE_AT_ONCE
from allocator.adapters.crm.memory_rows import MemoryAccount, MemoryContact, MemoryFault, MemoryLead, folded
from allocator.domain.lead import (
    CrmUser,
    LeadKey,
    LeadStatus,
    Match,
    OwnerWrite,
    Record,
    WriteAnswer,
    WriteResult,
)
from allocator.errors import ConfigError

__all__ = ["MemoryAccount", "MemoryCRM", "MemoryContact", "MemoryFault", "MemoryLead"]


class MemoryCRM(MemoryActs):
    """Queues, users and records made by the `add_` methods, which return ids of Salesforce's form."""

    name = "salesforce"
    missing_fields = ()

    def __init__(
        self,
        *,
        intake: Sequence[str] = ("Inbound Leads",),
        now: Callable[[], datetime] | None = None,
        external_id: str = "Marketing_Id__c",
    ) -> None:
        super().__init__(external_id=external_id, now=now)
        self._intake = tuple(intake)
        for queue in self._intake:
            self.add_queue(queue)

    def add_queue(self, name: str) -> str:
        self.queues[name] = self._id("00G", "EAA")
        return self.queues[name]

    def add_user(self, name: str, *, active: bool = True, email: str = "", id: str | None = None) -> str:
        """The same id again replaces the user."""
        user = CrmUser(id or self._id("005", "AAA"), name, active, email)
        self._users[user.id] = user
        return user.id

    def add_lead(
        self, *, owner: str | None = None, created: datetime | None = None, **fields: object
    ) -> MemoryLead:
        """A Lead in the first intake queue unless `owner` says otherwise."""
        at = created or self._now()
        lead = MemoryLead(self._id("00Q", "EAA"), owner or self.queues[self._intake[0]], at, at, dict(fields))
        self.leads[lead.id] = lead
        return lead

    def add_contact(
        self,
        *,
        email: str,
        owner: str,
        account: str | None = None,
        person_account: bool = False,
        **fields: object,
    ) -> str:
        now, contact = self._now(), self._id("003", "AAA")
        values = {"Email": email, **fields}
        made = MemoryContact(contact, owner, now, now, values, account, person_account=person_account)
        self.contacts[contact] = made
        return contact

    def add_account(self, *, domain: str, owner: str, **fields: object) -> str:
        now, account = self._now(), self._id("001", "AAA")
        values = {"Name": domain, "Website": domain, **fields}
        self.accounts[account] = MemoryAccount(account, owner, now, now, values)
        return account

    def intake_ids(self) -> frozenset[str]:
        by_name = self.queues | {user.name: user.id for user in self._users.values()}
        for name in self._intake:
            if name not in by_name:
                raise ConfigError(
                    f'The intake "{name}" is no queue and no user of this CRM. Name one that is.'
                )
        return frozenset(by_name[name] for name in self._intake)

    def queue_ids(self) -> frozenset[str]:
        return frozenset(self.queues.values())

    def now(self) -> datetime:
        return self._now()

    def pull(self) -> Iterator[Sequence[Record]]:
        intake = self.intake_ids()
        found = [one for one in self.leads.values() if not (one.converted or one.deleted)]
        records = [
            _record(one)
            for one in sorted(found, key=lambda one: (one.created, one.id))
            if one.owner in intake
        ]
        for start in range(0, max(len(records), 1), PAGE):
            self._count("pull")
            yield records[start : start + PAGE]

    def converted_since(self, mark: datetime) -> Sequence[LeadStatus]:
        self._count("read")
        return [one.status() for one in self.leads.values() if one.converted and one.stamp >= mark]

    def status(self, ids: Collection[str]) -> Mapping[str, LeadStatus]:
        self._count("read")
        return {lead: self._status(lead) for lead in ids}

    def _status(self, lead: str) -> LeadStatus:
        found = self.leads.get(lead)
        return found.status() if found else LeadStatus(lead, "", None, converted=None, known=False)

    def users(self) -> Mapping[str, CrmUser]:
        self._count("users")
        return dict(self._users)

    def campaigns_of(self, ids: Collection[str]) -> Mapping[str, Mapping[str, object]]:
        self._count("members")
        found = {lead: self.leads[lead].campaign for lead in ids if lead in self.leads}
        return {lead: dict(fields) for lead, fields in found.items() if fields}

    def people_by_email(self, emails: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        self._count("people")
        rows = [
            ("Lead", one.id, one.owner, folded(one.fields.get("Email")))
            for one in self.leads.values()
            if not (one.converted or one.deleted)
        ]
        rows += [
            ("Contact", one.id, one.owner, folded(one.fields.get("Email")))
            for one in self.contacts.values()
            if not one.deleted
        ]
        return {email: self._matches(rows, folded(email)) for email in emails}

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        self._count("accounts")
        rows = [
            ("Account", one.id, one.owner, folded(one.fields.get("Website")))
            for one in self.accounts.values()
            if not one.deleted
        ]
        return {domain: self._matches(rows, folded(domain)) for domain in domains}

    def _matches(self, rows: Sequence[tuple[str, str, str, str]], wanted: str) -> tuple[Match, ...]:
        seen = self._now()
        return tuple(Match(kind, one, owner, seen) for kind, one, owner, key in rows if key and key == wanted)

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        answers: list[WriteAnswer] = []
        for start in range(0, len(writes), WRITE_AT_ONCE):
            some = writes[start : start + WRITE_AT_ONCE]
            answers += self._sent("give", some, self._given, lambda w, r, code: WriteAnswer(w.id, r, code))
        return answers

    def _given(self, write: OwnerWrite) -> WriteAnswer:
        return WriteAnswer(write.id, self._written(write))

    def _written(self, write: OwnerWrite) -> WriteResult:
        lead = self.leads.get(write.id)
        if lead is None or lead.deleted:
            return WriteResult.GONE
        if lead.stamp.replace(microsecond=0) > write.stamp:
            return WriteResult.CHANGED
        if lead.converted and not self.permissive:
            return WriteResult.CONVERTED
        if not self._may_own(write.owner):
            return WriteResult.REFUSED_OWNER
        lead.owner, lead.stamp = write.owner, self._now()
        return WriteResult.WRITTEN


def _record(lead: MemoryLead) -> Record:
    return Record(LeadKey(MemoryCRM.name, lead.id), lead.created, lead.stamp, lead.owner, dict(lead.fields))
