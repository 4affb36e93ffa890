"""What somebody would have needed to get a lead, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allocator.domain.counterfactual import Higher, Rule, WhatIf
from rules.eligibility import Why
from rules.model import RoutingTables
from rules.shares import U

_NEEDED = {
    Why.INACTIVE: "to be active",
    Why.NOT_STARTED: "to have started",
    Why.ENDED: "to be in the team still",
    Why.PAUSED: "not to be paused",
    Why.ABSENT: "to be present",
    Why.HOLIDAY: "to have no public holiday",
    Why.OUTSIDE_HOURS: "to be in working hours",
    Why.CRM_INACTIVE: "to be active in the CRM",
    "crm_unknown": "to be known to the CRM",
    Why.LANGUAGE: "to speak {language}",
    Why.TAGS: "to have {tags}",
    Why.WEEKLY_CAP: "to be under the weekly cap",
    Why.DAILY_CAP: "to be under the daily cap",
    Why.NOT_FIRST: "not to have had it before",
}
_FIRST_BY: Mapping[Rule, str] = {
    "credit over all lanes": "more credit over all lanes",
    "last turn": "longer since the last turn",
    "Person ID": "by Person ID",
}
_FEW = U // 2000
"""Below this an amount would be shown as 0.000 leads."""


class Names:
    """What people are called; the Person ID of who is not on Salespeople."""

    def __init__(self, tables: RoutingTables | None) -> None:
        self._rows = tables.people_by_id if tables else {}

    def __call__(self, person: str) -> str:
        rows = self._rows.get(person)
        return rows[0].name if rows else person


def sentence(one: WhatIf, names: Names, needs: Mapping[str, Any]) -> str:
    """ "to be present and a credit more than 0.333 higher: when equal, Ben Bauer comes first (...)"."""
    parts = [needed(why, needs) for why in one.lifted]
    if one.catch_ups:
        whose = " and ".join(names(person) for person in one.catch_ups)
        parts.append(f"no catch-up lead due to {whose}")
    if one.credit:
        parts.append(_credit(one.credit, names))
    said = " and ".join(parts)
    if not one.known:
        said += "; whether that was enough cannot be told from the turn"
    if one.at_limit:
        said += "; at the limit, so without a share of this lead"
    if one.served_by:
        said += f"; {names(one.served_by)} would have served"
    return said


def needed(why: str, needs: Mapping[str, Any]) -> str:
    """What is the opposite of a reason to be out."""
    told = _NEEDED.get(why)
    if told is None:
        return f"not to be out ({why})"
    language, tags = (_listed(needs.get(name)) for name in ("language", "tags"))
    return told.format(language=language or "the language", tags=f"the tag {tags}" if tags else "the tags")


def _listed(value: object) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value or ()))  # type: ignore[call-overload]


def _credit(higher: Higher, names: Names) -> str:
    rival, rule = names(higher.tie.rival), _FIRST_BY[higher.tie.rule]
    if higher.tie.wins:
        return f"a credit {amount(higher.units)} higher: then equal to {rival}'s, and first ({rule})"
    if not higher.equal_at:
        return f"the least bit more credit: it was equal, and {rival} came first ({rule})"
    return f"a credit more than {amount(higher.equal_at)} higher: when equal, {rival} comes first ({rule})"


def amount(units: int) -> str:
    """In leads; in units where it would not show."""
    return f"{units / U:.3f}" if units >= _FEW else f"{units:,} of {U:,} units"
