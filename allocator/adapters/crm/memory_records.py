"""The CRM in memory as the sync sees it: Leads, Contacts and Accounts, read and written field by field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

from allocator.adapters.crm.memory_rows import (
    MemoryAccount,
    MemoryContact,
    MemoryFault,
    MemoryLead,
    MemoryRow,
    Operation,
    folded,
    standard_fields,
)
from allocator.adapters.crm.wire import body_of
from allocator.domain.lead import CrmUser, WriteAnswer, WriteResult
from allocator.domain.records import CrmUsage
from allocator.domain.sync.external_id import need_fit
from allocator.domain.sync.values import CrmRecord, CrmWrite, FieldInfo, Made, NewLead
from allocator.errors import QuotaError, SourceError

A = TypeVar("A")
B = TypeVar("B")

PAGE = 2000
READ_AT_ONCE = 200
QUERIES_AT_ONCE = 5
WRITE_AT_ONCE = 25
NO_ANSWERS = {
    "lost": (WriteResult.UNKNOWN, "NO_ANSWER"),
    "dropped": (WriteResult.UNKNOWN, "NO_ANSWER"),
    "unsent": (WriteResult.UNSENT, "NO_CONNECTION"),
    "locked": (WriteResult.LOCKED, "UNABLE_TO_LOCK_ROW"),
    "quota": (WriteResult.UNSENT, "REQUEST_LIMIT_EXCEEDED"),
    "down": (WriteResult.UNKNOWN, "NO_ANSWER"),
}


class MemoryRecords:
    """The port CrmRecords. `shape` are the fields by object, free to change before they are asked for.

    `permissive`: writes to converted Leads succeed, as with the permission "View and Edit Converted Leads".
    `no_duplicates`: a rule refuses a new Lead whose e-mail a Lead or Contact has. `faults` are taken one for
    each request of their operation, the first that fits.
    """

    def __init__(self, *, external_id: str, now: Callable[[], datetime] | None) -> None:
        self.usage = CrmUsage()
        self.leads: dict[str, MemoryLead] = {}
        self.contacts: dict[str, MemoryContact] = {}
        self.accounts: dict[str, MemoryAccount] = {}
        self.queues: dict[str, str] = {}
        self.memberships: dict[str, set[str]] = {}
        """Lead or Contact -> names of the campaigns that it is a member of."""
        self.shape = standard_fields(external_id)
        self.permissive = False
        self.no_duplicates = False
        self.faults: list[MemoryFault] = []
        self.history: list[tuple[str, str, str, Mapping[str, object]]] = []
        """Writes that were executed: operation, object, id, values."""
        self._external_id = external_id
        self._users: dict[str, CrmUser] = {}
        self._described: set[str] = set()
        self._numbers = count(1)
        self._now = now or (lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def external_id(self) -> str:
        return self._external_id

    def describe(self, object: str) -> Mapping[str, FieldInfo]:
        if object not in self._described:
            self._asked("describe", "describe")
            self._described.add(object)
        return dict(self.shape[object])

    # reading

    def records(self, object: str, ids: Collection[str], fields: Sequence[str]) -> Mapping[str, CrmRecord]:
        for _ in range(0, len(ids), READ_AT_ONCE):
            self._asked("records", "read")
        rows = self._rows(object)
        return {
            one: self._shown(object, rows[one], fields) if one in rows else _unknown(object, one)
            for one in ids
        }

    def records_of(
        self, wanted: Mapping[str, Collection[str]], fields: Mapping[str, Sequence[str]]
    ) -> Mapping[tuple[str, str], CrmRecord]:
        shown = {object: self.records(object, ids, fields[object]) for object, ids in wanted.items() if ids}
        return {(object, id): one for object, some in shown.items() for id, one in some.items()}

    def changed(self, object: str, since: datetime, fields: Sequence[str]) -> Iterator[Sequence[CrmRecord]]:
        self._need_external_id(object)
        rows = [one for one in self._rows(object).values() if self._key(one) and one.stamp >= since]
        found = [
            self._shown(object, one, fields) for one in sorted(rows, key=lambda one: (one.stamp, one.id))
        ]
        for start in range(0, max(len(found), 1), PAGE):
            self._asked("changed", "read")
            yield found[start : start + PAGE]

    def members(
        self, object: str, campaigns: Collection[str], fields: Sequence[str]
    ) -> Iterator[Sequence[CrmRecord]]:
        self._need_external_id(object)
        names = {folded(name) for name in campaigns}
        self._asked("members", "members")
        found = [
            one.id
            for one in self._rows(object).values()
            if names & {folded(name) for name in self.memberships.get(one.id, ())}
            and not (one.deleted or self._key(one) or getattr(one, "converted", False))
        ]
        for start in range(0, len(found), READ_AT_ONCE):
            yield list(self.records(object, found[start : start + READ_AT_ONCE], fields).values())

    def matching(
        self,
        object: str,
        *,
        external_ids: Collection[str] = (),
        emails: Collection[str] = (),
        fields: Sequence[str] = (),
        deleted: bool = False,
    ) -> Sequence[CrmRecord]:
        if external_ids:
            self._need_external_id(object)
        keys, addresses = {folded(x) for x in external_ids} - {""}, {folded(x) for x in emails} - {""}
        queries = sum(-(-len(texts) // READ_AT_ONCE) for texts in (keys, addresses))
        for _ in range(0, queries, QUERIES_AT_ONCE):
            self._asked("matching", "read")
        return [
            self._shown(object, one, fields)
            for one in self._rows(object).values()
            if (deleted or not one.deleted)
            and (folded(self._key(one)) in keys or folded(one.fields.get("Email")) in addresses)
        ]

    def _shown(self, object: str, one: MemoryRow, fields: Sequence[str]) -> CrmRecord:
        shown = CrmRecord(
            object,
            one.id,
            deleted=one.deleted,
            master_id=one.master_id,
            owner=one.owner,
            external_id=self._key(one),
            email=str(one.fields.get("Email") or ""),
            stamp=one.stamp.replace(microsecond=0),
            moved=one.stamp,
        )
        if isinstance(one, MemoryLead):
            return replace(
                shown,
                converted=one.converted,
                contact_id=one.contact_id,
                account_id=one.account_id,
                status=str(one.fields.get("Status") or ""),
                values=self._values(object, one, fields),
            )
        if isinstance(one, MemoryContact):
            return self._shown_contact(shown, one, fields)
        return replace(shown, values=self._values(object, one, fields))

    def _shown_contact(self, shown: CrmRecord, one: MemoryContact, fields: Sequence[str]) -> CrmRecord:
        account = self.accounts.get(one.account_id or "")
        own = [name for name in fields if not name.startswith("Account.")]
        theirs = [name.removeprefix("Account.") for name in fields if name.startswith("Account.")]
        values = self._values("Contact", one, own)
        values |= {f"Account.{k}": v for k, v in self._values("Account", account, theirs).items()}
        return replace(
            shown,
            account_id=one.account_id,
            person_account=one.person_account,
            account_owner=account.owner if account else "",
            account_stamp=account.stamp.replace(microsecond=0) if account else None,
            values=values,
        )

    def _values(self, object: str, one: MemoryRow | None, fields: Sequence[str]) -> dict[str, object]:
        known = [name for name in fields if name in self.shape[object]]
        if one is None:
            return dict.fromkeys(known)
        return {name: one.owner if name == "OwnerId" else one.fields.get(name) for name in known}

    # writing

    def create(self, leads: Sequence[NewLead]) -> Sequence[Made]:
        self._need_external_id("Lead")
        made: list[Made] = []
        for start in range(0, len(leads), WRITE_AT_ONCE):
            some = leads[start : start + WRITE_AT_ONCE]
            made += self._sent("create", some, self._made, lambda _, result, code: Made(result, detail=code))
        return made

    def _made(self, new: NewLead) -> Made:
        found = [one for one in self.leads.values() if not one.deleted and self._key(one) == new.external_id]
        if len(found) > 1:
            ids = tuple(one.id for one in found)
            return Made(WriteResult.REJECTED, detail="DUPLICATE_EXTERNAL_ID", matches=ids)
        body = body_of(new.fields) | {self._external_id: new.external_id}
        if found and found[0].converted and not self.permissive:
            return Made(WriteResult.CONVERTED, detail="CANNOT_UPDATE_CONVERTED_LEAD")
        code, fields = self._refusal("Lead", body, new=not found)
        if code:
            return Made(WriteResult.REJECTED, detail=code, fields=fields)
        if not self._may_own(new.owner):
            return Made(WriteResult.REFUSED_OWNER, detail="INACTIVE_OWNER_OR_USER")
        if same := () if found else self._same_email(str(body.get("Email") or "")):
            return Made(WriteResult.REJECTED, detail="DUPLICATES_DETECTED", matches=same)
        now = self._now()
        lead = found[0] if found else MemoryLead(self._id("00Q", "EAA"), new.owner, now, now)
        lead.fields |= body
        lead.owner, lead.stamp, self.leads[lead.id] = new.owner, now, lead
        self.history.append(("create", "Lead", lead.id, body))
        return Made(WriteResult.WRITTEN, lead.id)

    def _same_email(self, email: str) -> tuple[str, ...]:
        if not self.no_duplicates or not email:
            return ()
        people: list[MemoryLead | MemoryContact] = [*self.leads.values(), *self.contacts.values()]
        live = (one for one in people if not one.deleted and not getattr(one, "converted", False))
        return tuple(one.id for one in live if folded(one.fields.get("Email")) == folded(email))

    def write(self, writes: Sequence[CrmWrite]) -> Sequence[WriteAnswer]:
        answers: list[WriteAnswer] = []
        for start in range(0, len(writes), WRITE_AT_ONCE):
            some = writes[start : start + WRITE_AT_ONCE]
            answers += self._sent("write", some, self._set, lambda w, r, code: WriteAnswer(w.id, r, code))
        return answers

    def _set(self, write: CrmWrite) -> WriteAnswer:
        one, body = self._rows(write.object).get(write.id), body_of(write.fields)
        if one is None or one.deleted:
            return WriteAnswer(write.id, WriteResult.GONE, "ENTITY_IS_DELETED")
        if one.stamp.replace(microsecond=0) > write.stamp:
            return WriteAnswer(write.id, WriteResult.CHANGED, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE")
        if isinstance(one, MemoryLead) and one.converted and not self.permissive:
            return WriteAnswer(write.id, WriteResult.CONVERTED, "CANNOT_UPDATE_CONVERTED_LEAD")
        if code := self._refusal(write.object, body, of=one)[0]:
            return WriteAnswer(write.id, WriteResult.REJECTED, code)
        one.owner = str(body.pop("OwnerId", one.owner))
        one.fields |= body
        one.stamp = self._now()
        self.history.append(("write", write.object, one.id, body))
        return WriteAnswer(write.id, WriteResult.WRITTEN)

    def _refusal(
        self, object: str, body: Mapping[str, object], *, new: bool = False, of: MemoryRow | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """The code with which the CRM refuses these values, and the fields; empty when it takes them."""
        shape = self.shape[object]
        if unfit := tuple(name for name in body if name not in shape or not shape[name].writable):
            return "INVALID_FIELD_FOR_INSERT_UPDATE", unfit
        needed = (name for name, info in shape.items() if info.required and (new or name in body))
        if lacking := tuple(name for name in needed if not body.get(name)):
            return "REQUIRED_FIELD_MISSING", lacking
        for name, value in body.items():
            if code := _misfit(value, shape[name]):
                return code, (name,)
        key = body.get(self._external_id)
        others = (one for one in self._rows(object).values() if one is not of and not one.deleted)
        taken = of is not None and key and any(self._key(one) == key for one in others)
        return ("DUPLICATE_VALUE", (self._external_id,)) if taken else ("", ())

    def _may_own(self, owner: str) -> bool:
        return owner in self.queues.values() or (owner in self._users and self._users[owner].active)

    # requests

    def _sent(
        self,
        operation: Operation,
        some: Sequence[A],
        execute: Callable[[A], B],
        no_answer: Callable[[A, WriteResult, str], B],
    ) -> list[B]:
        """One request with these, as its fault lets it."""
        fault = self._fault(operation, "write")
        done = [] if fault not in (None, "lost") else [execute(one) for one in some]
        return done if fault is None else [no_answer(one, *NO_ANSWERS[fault]) for one in some]

    def _asked(self, operation: Operation, kind: str) -> None:
        fault = self._fault(operation, kind)
        if fault == "quota":
            raise QuotaError("The CRM allows no more requests for now. The next run goes on.")
        if fault is not None:
            raise SourceError("The CRM gave no usable answer. The next run tries again.")

    def _fault(self, operation: Operation, kind: str) -> str | None:
        self._count(kind)
        fault = next((one for one in self.faults if one.operation == operation), None)
        if fault is None:
            return None
        self.faults.remove(fault)
        if fault.act:
            fault.act()
        return fault.what

    def _count(self, kind: str) -> None:
        self.usage.requests += 1
        self.usage.by_kind[kind] = self.usage.by_kind.get(kind, 0) + 1

    # rows

    def _rows(self, object: str) -> Mapping[str, MemoryRow]:
        kinds: dict[str, Mapping[str, MemoryRow]] = {
            "Lead": self.leads,
            "Contact": self.contacts,
            "Account": self.accounts,
        }
        return kinds[object]

    def _key(self, one: MemoryRow) -> str:
        return str(one.fields.get(self._external_id) or "") if self._external_id else ""

    def _need_external_id(self, object: str) -> None:
        need_fit(self._external_id, self.shape.__getitem__, (object,))

    def _id(self, prefix: str, suffix: str) -> str:
        return f"{prefix}{next(self._numbers):012d}{suffix}"


def _misfit(value: object, info: FieldInfo) -> str:
    if value in (None, ""):
        return "" if info.type.nullable else "REQUIRED_FIELD_MISSING"
    parts = str(value).split(";") if info.type.kind == "multi_picklist" else [str(value)]
    if info.type.restricted and not set(parts) <= set(info.type.options):
        return "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    return "STRING_TOO_LONG" if info.type.length and len(str(value)) > info.type.length else ""


def _unknown(object: str, one: str) -> CrmRecord:
    return CrmRecord(object, one, known=False, deleted=None, person_account=None)
