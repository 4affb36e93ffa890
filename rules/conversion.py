"""Which CRM object a marketing record writes to now: the Lead, the Contact it became, or none.

Facts about conversion, deletion and merging: protocols.md sections 2.3 and 2.5 (Salesforce).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Flag = bool | int | str | None
"""A yes or no as CRMs and their exports write it: True, 1, "1", "true", "yes"; None for not read."""

PlanReason = Literal["contact_missing", "deleted", "merged", "unreadable"]

PLAN_REASONS: tuple[str, ...] = get_args(PlanReason)
"""The closed list.

contact_missing: the Lead is converted, but its Contact is gone or cannot be seen; never created again.
deleted: in the recycle bin; an undelete restores the same id, so this is not for ever.
merged: lost a merge; the record lives on as `master_id`.
unreadable: what was read is not enough, or contradicts itself.
"""


@dataclass(frozen=True, slots=True)
class RecordState:
    """A CRM Lead as last read. An id is None or blank when the CRM gave none.

    `converted` has no default: who did not read it must say None. `contact_deleted` speaks of the Contact
    that `contact_id` names.
    """

    converted: Flag
    deleted: Flag = False
    master_id: str | None = None
    lead_id: str | None = None
    contact_id: str | None = None
    contact_deleted: Flag = False


@dataclass(frozen=True, slots=True)
class LeadPlan:
    """Write to this Lead."""

    lead_id: str


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """Write to this Contact; the Lead it was converted from is never written again."""

    contact_id: str
    lead_id: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Write to nothing, for this reason of the closed list."""

    reason: PlanReason


Plan = LeadPlan | ContactPlan | Held


def choose_plan(state: RecordState) -> Plan:
    """Exactly one plan for every state; raises nothing.

    Deletion comes first: nothing else of a deleted record counts. A flag that was not read is never taken
    for "no": with the permission to edit converted leads Salesforce answers success to a write on a dead
    Lead, so a Lead is written only when it is known not to be converted. For the same reason marks of a
    conversion or merge (a Contact, a master) on a record that is flagged otherwise hold it. Ids are not
    checked for their kind.
    """
    match read_flag(state.deleted):
        case True:
            return Held("merged" if _given(state.master_id) else "deleted")
        case None:
            return Held("unreadable")
    if _given(state.master_id):
        return Held("unreadable")
    match read_flag(state.converted):
        case True:
            return _converted(state)
        case False:
            return _not_converted(state)
    return Held("unreadable")


def read_flag(value: object) -> bool | None:
    """True, False, or None when the value says neither. Case and blanks do not matter."""
    text = str(value).strip().casefold() if isinstance(value, bool | int | str) else ""
    if text in {"true", "1", "yes"}:
        return True
    return False if text in {"false", "0", "no"} else None


def _converted(state: RecordState) -> Plan:
    if not _given(state.contact_id):
        return Held("contact_missing")
    match read_flag(state.contact_deleted):
        case True:
            return Held("contact_missing")
        case None:
            return Held("unreadable")
    return ContactPlan(_id(state.contact_id), _id(state.lead_id) or None)


def _not_converted(state: RecordState) -> Plan:
    if _given(state.contact_id) or not _given(state.lead_id):
        return Held("unreadable")
    return LeadPlan(_id(state.lead_id))


def _id(text: str | None) -> str:
    return (text or "").strip()


def _given(text: str | None) -> bool:
    return bool(_id(text))
