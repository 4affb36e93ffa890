"""What a dry run would have made and written, shown as the CRM would show it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from allocator.adapters.crm.wire import body_of
from allocator.domain.lead import LeadStatus, Match
from allocator.domain.sync.values import CrmRecord, CrmWrite, NewLead

Key = tuple[str, str]
Body = Mapping[str, object]
ACCOUNT = "Account."


class Predicted:
    """Leads that were not made, by the id that they were given here, and values that were not written."""

    def __init__(self, external_id: str) -> None:
        self._external_id = external_id
        self._made: dict[str, tuple[NewLead, datetime]] = {}
        self._ids: dict[str, str] = {}
        self._written: dict[Key, tuple[dict[str, object], datetime]] = {}

    def make(self, lead: NewLead, now: datetime) -> str:
        """The id it has from now on; the same one for the same external id."""
        one = self._ids.setdefault(lead.external_id, f"00Qdryrun{len(self._made) + 1:06d}EAA")
        self._made[one] = (lead, now)
        return one

    def write(self, write: CrmWrite, now: datetime) -> None:
        before = self._written.get((write.object, write.id), ({}, now))[0]
        self._written[(write.object, write.id)] = (before | body_of(write.fields), now)

    def made(
        self, object: str, fields: Sequence[str], ids: Collection[str] | None = None
    ) -> dict[str, CrmRecord]:
        """The Leads of here, or those of these ids, with what was written to them since."""
        if object != "Lead":
            return {}
        some = self._made if ids is None else [one for one in ids if one in self._made]
        shown = {one: self._new(one, *self._made[one], fields) for one in some}
        return {one: self.seen(record, fields) for one, record in shown.items()}

    def _new(self, one: str, lead: NewLead, at: datetime, fields: Sequence[str]) -> CrmRecord:
        body = {**body_of(lead.fields), self._external_id: lead.external_id, "OwnerId": lead.owner}
        return CrmRecord(
            "Lead",
            one,
            converted=False,
            owner=lead.owner,
            external_id=lead.external_id,
            email=str(body.get("Email") or ""),
            stamp=at.replace(microsecond=0),
            moved=at,
            values={name: body.get(name) for name in fields},
        )

    def seen(self, record: CrmRecord, fields: Sequence[str]) -> CrmRecord:
        """The record as it would be after the writes."""
        body, at = self._written.get((record.object, record.id), (None, None))
        if body is not None and at is not None and record.known:
            values = {**record.values, **{name: body[name] for name in fields if name in body}}
            record = replace(record, stamp=at.replace(microsecond=0), moved=at, values=values)
            record = replace(
                record,
                email=str(body.get("Email", record.email) or ""),
                external_id=str(body.get(self._external_id, record.external_id) or ""),
                status=str(body.get("Status", record.status) or ""),
            )
        return self._with_account(record, fields)

    def _with_account(self, record: CrmRecord, fields: Sequence[str]) -> CrmRecord:
        body, at = self._written.get(("Account", record.account_id or ""), (None, None))
        if record.object != "Contact" or body is None or at is None:
            return record
        theirs = {f"{ACCOUNT}{name}": value for name, value in body.items()}
        values = {**record.values, **{name: theirs[name] for name in fields if name in theirs}}
        return replace(record, account_stamp=at.replace(microsecond=0), values=values)

    def written_with(self, object: str, keys: Collection[str], emails: Collection[str]) -> set[str]:
        """Ids of records that have one of these external ids or e-mails only since a write of here."""
        return {
            one
            for (kind, one), (body, _) in self._written.items()
            if kind == object
            and one not in self._made
            and (folded(body.get(self._external_id)) in keys or folded(body.get("Email")) in emails)
        }

    def status(self, one: str) -> LeadStatus | None:
        if one not in self._made:
            return None
        lead, at = self._made[one]
        return LeadStatus(one, lead.owner, at.replace(microsecond=0))

    def people(self, email: str) -> Iterable[Match]:
        """Matches among the Leads of here."""
        for one, (lead, at) in self._made.items():
            if folded(lead.fields.get("Email")) == folded(email) != "":
                yield Match("Lead", one, lead.owner, at)


def folded(text: object) -> str:
    return str(text or "").strip().lower()
