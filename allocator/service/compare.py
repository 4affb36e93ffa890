"""What observe mode would have done beside what people did: who has each of its leads in the CRM now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from allocator.domain.lead import By, LeadStatus, State
from allocator.domain.records import LeadRow
from allocator.ports import CRM, Store
from allocator.service.pull import closed_reason
from rules.model import RoutingTables


class Verdict(StrEnum):
    """How a lead that observe mode decided stands beside what people did with it."""

    SAME_PERSON = "same_person"
    SAME_TEAM = "same_team"
    OTHER_TEAM = "other_team"
    NOT_ON_SHEET = "not_on_sheet"
    GIVEN_THOUGH_HELD = "given_though_held"
    IN_INTAKE = "in_intake"
    CLOSED = "closed"


BOTH = (Verdict.SAME_PERSON, Verdict.SAME_TEAM, Verdict.OTHER_TEAM, Verdict.NOT_ON_SHEET)
"""Leads that we would have given to somebody and that somebody has: only these can be compared as shares."""
DIFFERENT = (*BOTH[1:], Verdict.GIVEN_THOUGH_HELD)
_LOOK_UPS = (By.OVERRIDE, By.PERSON_MATCH, By.ACCOUNT, By.DELEGATE)
_DECIDES = frozenset({"team", "owner", "hold"})
_ENDED = (State.DECIDED, State.HELD, State.TAKEN, State.CLOSED)


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days in the workbook's time zone, both included; no bound where there is none."""

    first: date | None = None
    last: date | None = None

    def hold(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Beside:
    """One lead: our row, its owner in the CRM, that owner's Person ID and team if the workbook knows them."""

    row: LeadRow
    verdict: Verdict
    owner: str
    person: str | None
    team: str | None


def compare(crm: CRM, store: Store, tables: RoutingTables, *, days: Days) -> dict[str, Any]:
    """Every lead whose standing decision is of observe mode, read again in the CRM.

    Nothing is written. Leads decided outside `days` are left out.
    """
    rows = _observed(crm, store, ZoneInfo(tables.time_zone), days)
    statuses = crm.status([row.key.source_id for row in rows]) if rows else {}
    intake = crm.intake_ids() if rows else frozenset()
    found = [_beside(row, statuses[row.key.source_id], tables, intake) for row in rows]
    different = [_different(one, store) for one in found if one.verdict in DIFFERENT]
    counts = Counter(one.verdict for one in found)
    return {
        "from": days.first and days.first.isoformat(),
        "to": days.last and days.last.isoformat(),
        "leads": len(found),
        "counts": {str(verdict): counts[verdict] for verdict in Verdict},
        "teams": _shares([one for one in found if one.verdict in BOTH]),
        "rules": _by_rule(different),
        "different": different,
    }


def _observed(crm: CRM, store: Store, zone: ZoneInfo, days: Days) -> list[LeadRow]:
    rows = [row for row in store.leads(states=_ENDED) if not row.live and row.key.source == crm.name]
    if days == Days():
        return rows
    return [row for row in rows if (at := _decided(row, store)) and days.hold(at.astimezone(zone).date())]


def _decided(row: LeadRow, store: Store) -> datetime | None:
    """When observe mode decided it; a lead that was taken or closed since has another date of its own."""
    if row.state in (State.DECIDED, State.HELD):
        return row.since
    history = store.decisions(row.key)
    return history[0]["at"] if history else None


def _beside(row: LeadRow, status: LeadStatus, tables: RoutingTables, intake: Collection[str]) -> Beside:
    person = tables.person_by_crm_user.get(status.owner)
    team = _team_of(person, row.team, tables)
    return Beside(row, _verdict(row, status, person, tables, intake), status.owner, person, team)


def _verdict(
    row: LeadRow, status: LeadStatus, person: str | None, tables: RoutingTables, intake: Collection[str]
) -> Verdict:
    """A converted lead counts by its owner, unless it was converted out of intake."""
    given_to_queue = row.person is None and row.owner == status.owner
    if status.deleted or not status.known or (closed_reason(status) and status.owner in intake):
        return Verdict.CLOSED
    if status.owner in intake and not given_to_queue:
        return Verdict.IN_INTAKE
    if row.owner is None:
        return Verdict.GIVEN_THOUGH_HELD
    if given_to_queue or (person is not None and person == row.person):
        return Verdict.SAME_PERSON
    if person is None:
        return Verdict.NOT_ON_SHEET
    ours = {row.team} if row.team else _teams(row.person, tables)
    return Verdict.SAME_TEAM if ours & _teams(person, tables) else Verdict.OTHER_TEAM


def _teams(person: str | None, tables: RoutingTables) -> set[str | None]:
    return {member.team for member in tables.people_by_id.get(person or "", ())}


def _team_of(person: str | None, ours: str | None, tables: RoutingTables) -> str | None:
    """Our team where the person belongs to it too, else the person's first one."""
    teams = [member.team for member in tables.people_by_id.get(person or "", ())]
    return ours if ours in teams else next(iter(teams), None)


def _shares(found: Sequence[Beside]) -> dict[str, dict[str, dict[str, int]]]:
    """Team -> Person ID -> how many we would have given, and how many they have."""
    ours = Counter(_place(one.row.team, one.row.person) for one in found)
    theirs = Counter(_place(one.team, one.person) for one in found)
    shares: dict[str, dict[str, dict[str, int]]] = {}
    for team, person in sorted(ours.keys() | theirs.keys()):
        if person:
            both = {"ours": ours[team, person], "theirs": theirs[team, person]}
            shares.setdefault(team, {})[person] = both
    return shares


def _place(team: str | None, person: str | None) -> tuple[str, str]:
    return team or "", person or ""


def _different(one: Beside, store: Store) -> dict[str, Any]:
    row = one.row
    history = store.decisions(row.key)
    trace: Mapping[str, Any] = history[0]["trace"] if history else {}
    step: Mapping[str, Any] = next(reversed(trace.get("steps") or [{}]))
    decisive = step if _DECIDES & set(step.get("sets", ())) else {}
    at = history[0]["at"] if history else row.since
    return {
        "lead": str(row.key),
        "verdict": str(one.verdict),
        "ours": {"team": row.team, "person": row.person, "owner": row.owner},
        "theirs": {"team": one.team, "person": one.person, "owner": one.owner},
        "by": row.by,
        "reason": row.reason,
        "because": {name: decisive.get(name) for name in ("sheet", "cell", "rule_id")},
        "at": at and at.isoformat(),
    }


def _by_rule(different: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Rule ID -> leads that differ, most first; a match or override goes by its kind."""
    return dict(Counter(map(_decider, different)).most_common())


def _decider(one: Mapping[str, Any]) -> str:
    rule: str | None = one["because"]["rule_id"]
    return rule if rule and one["by"] not in _LOOK_UPS else one["by"] or one["reason"] or "held"
