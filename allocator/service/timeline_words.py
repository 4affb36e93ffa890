"""What happened to a person's records, in plain words: reasons of writes, conflicts and plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from allocator.domain.lead import Closed
from rules.field_rules import Conflict, ConflictReason, Side, Write, WriteReason
from rules.field_values import FieldValue, shown
from rules.plans.profile import REASONS, PlanReason

CRM: Final = "the CRM"

_WRITTEN: Final[Mapping[WriteReason, str]] = {
    "changed": "it changed in {source}",
    "filled": "it was empty here, and {source} has a value",
    "later": "both sides changed it, and {source} did so later",
    "tie": "both sides changed it in the same moment, and {source} wins where nobody was later",
    "direction": "{source} has the say in this field",
    "first": "the sides had never agreed on it, and {source} has the say",
    "created": "the record is new here",
}

_LOST: Final[Mapping[ConflictReason, str]] = {
    "later": "both sides changed it, and {winner} did so later",
    "tie": "both sides changed it in the same moment, and {winner} wins where nobody was later",
    "direction": "it was changed where {winner} has the say in this field",
    "refilled": "it was emptied by a person and is filled again, as the rule only-if-empty wants",
    "first": "the sides had never agreed on it, and {winner} has the say",
    "apart": "the sides had been left with different values until {winner} changed",
    "coarser": "it said more than {winner} can hold",
}

_OWN: Final = "@"
"""What the names of rules begin with that no row of sheet Fields made."""

_TOLD: Final[Mapping[Side, str]] = {
    "ours": f"{CRM} says so, and the marketing record is told",
    "theirs": "it says which marketing record this is",
}

_CLOSED: Final[Mapping[str, str]] = {
    Closed.CONVERTED: "it became a Contact",
    Closed.DELETED: "it was deleted",
    Closed.MERGED: "it was merged into another record",
}


def because(write: Write, side: Side, marketing: str) -> str:
    """Why a field of `side` was written; `marketing` is the marketing system's name."""
    if write.rule.startswith(_OWN):
        return _TOLD[side]
    return _WRITTEN[write.reason].format(source=named("theirs" if side == "ours" else "ours", marketing))


def lost_because(conflict: Conflict, marketing: str) -> str:
    """Why one of two values was written over."""
    return _LOST[conflict.reason].format(winner=named(conflict.winner, marketing))


def named(side: Side, marketing: str) -> str:
    """What people call a side."""
    return marketing if side == "ours" else CRM


def plan_reason(reason: str) -> tuple[str, str]:
    """What a held plan's reason means, and what to do; both empty where it is not of the closed list."""
    known = next((name for name in get_args(PlanReason) if name == reason), None)
    return REASONS[known] if known else ("", "")


def closed(reason: str | None) -> str:
    """Why a lead is closed."""
    return _CLOSED.get(reason or "", reason or "")


def value(of: FieldValue) -> str | None:
    """A canonical value as text; None for empty."""
    return None if of is None else shown(of)
