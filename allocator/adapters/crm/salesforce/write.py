"""What is written: owners, fields and new Leads, as the parts of a composite and as what its answers mean.

"Conditional Requests" (intro_rest_conditional_requests.htm: If-Unmodified-Since on rows of Lead, Contact and
Account), "Assignment Rule Header" (headers_autoassign.htm: without FALSE the org's active rule re-owns the
Lead and answers success), "Insert or Update (Upsert) a Record Using an External ID" (dome_upsert.htm).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from allocator.adapters.crm.salesforce.errors import fields_in, made, written
from allocator.adapters.crm.salesforce.sending import Outcome, Part, Sender
from allocator.adapters.crm.salesforce.soql import to18
from allocator.adapters.crm.wire import body_of
from allocator.domain.lead import OwnerWrite, WriteAnswer, WriteResult
from allocator.domain.sync.values import CrmWrite, Made, NewLead


class Writer:
    """Sends each write once; the answers are in order, and nothing is raised for what the CRM does."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def give(self, writes: Sequence[OwnerWrite]) -> list[WriteAnswer]:
        found = self._sender.send([_owner_part(write) for write in writes])
        return [WriteAnswer(w.id, one.result, one.detail) for w, one in zip(writes, found, strict=True)]

    def write(self, writes: Sequence[CrmWrite]) -> list[WriteAnswer]:
        found = self._sender.send([_field_part(write) for write in writes])
        return [WriteAnswer(w.id, one.result, one.detail) for w, one in zip(writes, found, strict=True)]

    def create(self, leads: Sequence[NewLead], external_id: str) -> list[Made]:
        found = self._sender.send([_new_part(lead, external_id) for lead in leads])
        return [Made(one.result, one.id, one.detail, one.matches, one.fields) for one in found]


def _owner_part(write: OwnerWrite) -> Part | Outcome:
    lead, owner = to18(write.id), to18(write.owner)
    if lead is None or owner is None:
        return Outcome(WriteResult.GONE if lead is None else WriteResult.REFUSED_OWNER, "MALFORMED_ID")
    return Part(lead, f"sobjects/Lead/{lead}", {"OwnerId": owner}, _read, _unmodified(write.stamp))


def _field_part(write: CrmWrite) -> Part | Outcome:
    record = to18(write.id)
    if record is None:
        return Outcome(WriteResult.GONE, "MALFORMED_ID")
    path = f"sobjects/{write.object}/{record}"
    return Part(record, path, body_of(write.fields), _read, _unmodified(write.stamp))


def _new_part(lead: NewLead, field: str) -> Part | Outcome:
    """The body may not hold the field that the URL names."""
    owner = to18(lead.owner)
    if owner is None:
        return Outcome(WriteResult.REFUSED_OWNER, "MALFORMED_ID")
    body = body_of({name: value for name, value in lead.fields.items() if name != field})
    path = f"sobjects/Lead/{field}/{quote(lead.external_id, safe='')}"

    def read(status: Any, answer: Any) -> Outcome:
        return Outcome(*made(status, answer, field), fields=fields_in(answer))

    return Part(lead.external_id.lower(), path, body | {"OwnerId": owner}, read)


def _read(status: Any, body: Any) -> Outcome:
    return Outcome(*written(status, body))


def _unmodified(stamp: datetime) -> dict[str, str]:
    moment = stamp.astimezone(UTC).replace(microsecond=0)
    return {"If-Unmodified-Since": format_datetime(moment, usegmt=True)}
