"""Which CRM object a marketing record writes to now: the Lead, the Contact it became, or none.

The conditions are data, one profile for each kind of CRM: `rules.plans`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules.plans.contact_with_leads import CONTACT_WITH_LEADS
from rules.plans.lead_or_contact import LEAD_OR_CONTACT
from rules.plans.profile import FLAG, PLAN_REASONS, PlanReason, Profile, ids

__all__ = [
    "PLAN_REASONS",
    "PROFILES",
    "ContactPlan",
    "Flag",
    "Held",
    "Ids",
    "LeadPlan",
    "Plan",
    "PlanReason",
    "RecordState",
    "choose_plan",
    "read_flag",
]

PROFILES = {profile.name: profile for profile in (LEAD_OR_CONTACT, CONTACT_WITH_LEADS)}
"""Every profile by its name; only the first has an adapter yet."""

Flag = bool | int | str | None
"""A yes or no as CRMs and their exports write it: True, 1, "1", "true", "yes"; None for not read."""

Ids = str | tuple[str, ...] | None
"""An id, or several where several records answer. None or blank when the CRM gave none."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """What the CRM holds of a marketing record, as last read.

    `converted` has no default: who did not read it must say None. It is a statecode where the CRM has that.
    `deleted` and `converted` speak of the Lead; `contact_deleted`, `person_account` and `marketing_only` of
    the Contact that `contact_id` names; `master_id` of the record that was `found`. In a CRM without person
    accounts `person_account` is False. A Lead that is linked and that the CRM does not know is `deleted`.
    """

    converted: Flag
    deleted: Flag = False
    master_id: Ids = None
    lead_id: Ids = None
    contact_id: Ids = None
    contact_deleted: Flag = False
    person_account: Flag = False
    marketing_only: Flag = None
    found: Literal["lead", "contact", "nothing"] = "lead"


@dataclass(frozen=True, slots=True)
class LeadPlan:
    """Write to this Lead; where `lead_id` is empty there is none yet, and it is created."""

    lead_id: str


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """Write to this Contact, and not to the Lead it came from, if it came from one."""

    contact_id: str
    lead_id: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Write to nothing, for this reason of the closed list."""

    reason: PlanReason


Plan = LeadPlan | ContactPlan | Held


def choose_plan(state: RecordState, profile: Profile = LEAD_OR_CONTACT) -> Plan:
    """Exactly one plan for every state; raises nothing.

    Deletion comes first: nothing else of a deleted record counts. A flag that was not read is never taken
    for "no": with the permission to edit converted leads Salesforce answers success to a write on a dead
    Lead, so a Lead is written only when it is known not to be converted. For the same reason marks of a
    conversion or merge (a Contact, a master) on a record that is flagged otherwise hold it. Ids are not
    checked for their kind.
    """
    row = profile.row(state)
    if row.reason is not None:
        return Held(row.reason)
    if row.plan == "lead":
        return LeadPlan("".join(ids(state.lead_id)))
    return ContactPlan("".join(ids(state.contact_id)), _only(state.lead_id))


def read_flag(value: object) -> bool | None:
    """True, False, or None when the value says neither. Case and blanks do not matter."""
    text = str(value).strip().casefold() if isinstance(value, bool | int | str) else ""
    said = FLAG.get(text)
    return None if said is None else said == "yes"


def _only(raw: Ids) -> str | None:
    found = ids(raw)
    return found[0] if len(found) == 1 else None
