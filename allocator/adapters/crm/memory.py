"""A CRM in memory for tests and experiments: the port's promises, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

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
from allocator.domain.records import CrmUsage
from allocator.errors import ConfigError

PAGE = 2000


@dataclass(slots=True)
class MemoryLead:
    """One Lead, free to change: set `stamp` too when the change is to be noticed."""

    id: str
    owner: str
    created: datetime
    stamp: datetime
    fields: dict[str, object] = field(default_factory=dict)
    campaign: dict[str, object] = field(default_factory=dict)
    """"CampaignMember.<path>" fields of its newest membership."""
    converted: bool = False
    deleted: bool = False
    master_id: str | None = None
    contact_id: str | None = None

    def status(self) -> LeadStatus:
        known = (self.id, self.owner, self.stamp, self.converted, self.deleted)
        return LeadStatus(*known, master_id=self.master_id, contact_id=self.contact_id)


class MemoryCRM:
    """Queues, users and Leads made by the `add_` methods, which return ids of Salesforce's form."""

    name = "salesforce"
    missing_fields = ()

    def __init__(
        self, *, intake: Sequence[str] = ("Inbound Leads",), now: Callable[[], datetime] | None = None
    ) -> None:
        self.usage = CrmUsage()
        self.leads: dict[str, MemoryLead] = {}
        self.queues: dict[str, str] = {}
        self._intake = tuple(intake)
        self._users: dict[str, CrmUser] = {}
        self._contacts: dict[str, tuple[str, str]] = {}
        self._accounts: dict[str, tuple[str, str]] = {}
        self._numbers = count(1)
        self._now = now or (lambda: datetime.now(UTC).replace(microsecond=0))
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

    def add_contact(self, *, email: str, owner: str) -> str:
        contact = self._id("003", "AAA")
        self._contacts[contact] = (_folded(email), owner)
        return contact

    def add_account(self, *, domain: str, owner: str) -> str:
        account = self._id("001", "AAA")
        self._accounts[account] = (_folded(domain), owner)
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
            ("Lead", one.id, one.owner, _folded(str(one.fields.get("Email") or "")))
            for one in self.leads.values()
            if not (one.converted or one.deleted)
        ]
        rows += [("Contact", contact, owner, email) for contact, (email, owner) in self._contacts.items()]
        return {email: self._matches(rows, _folded(email)) for email in emails}

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        self._count("accounts")
        rows = [("Account", account, owner, domain) for account, (domain, owner) in self._accounts.items()]
        return {domain: self._matches(rows, _folded(domain)) for domain in domains}

    def _matches(self, rows: Sequence[tuple[str, str, str, str]], wanted: str) -> tuple[Match, ...]:
        seen = self._now()
        return tuple(Match(kind, one, owner, seen) for kind, one, owner, key in rows if key and key == wanted)

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        for _ in range(0, len(writes), 25):
            self._count("write")
        return [WriteAnswer(write.id, self._written(write)) for write in writes]

    def _written(self, write: OwnerWrite) -> WriteResult:
        lead = self.leads.get(write.id)
        if lead is None or lead.deleted:
            return WriteResult.GONE
        if lead.stamp > write.stamp:
            return WriteResult.CHANGED
        if lead.converted:
            return WriteResult.CONVERTED
        if write.owner not in self.queues.values() and not self._active(write.owner):
            return WriteResult.REFUSED_OWNER
        lead.owner, lead.stamp = write.owner, self._now()
        return WriteResult.WRITTEN

    def _active(self, user: str) -> bool:
        return user in self._users and self._users[user].active

    def _count(self, kind: str) -> None:
        self.usage.requests += 1
        self.usage.by_kind[kind] = self.usage.by_kind.get(kind, 0) + 1

    def _id(self, prefix: str, suffix: str) -> str:
        return f"{prefix}{next(self._numbers):012d}{suffix}"


def _record(lead: MemoryLead) -> Record:
    return Record(LeadKey(MemoryCRM.name, lead.id), lead.created, lead.stamp, lead.owner, dict(lead.fields))


def _folded(text: str) -> str:
    return text.strip().lower()
