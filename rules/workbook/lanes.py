"""Warns about teams whose turns the rules divide into many lanes, each with a ledger of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Final

from rules.fold import fold
from rules.known import fact_key
from rules.layers import decide
from rules.model import RoutingTables, Row
from rules.witness import example_leads
from rules.workbook.effects import team_lines
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Table

MOST: Final = 4
"""Lanes of one team that nothing is said about."""
_PAIRS: Final = 30
"""Rules that set a lane, and rules that give to a team, tried together for one lane."""
_TRIES: Final = 3_000
"""Example leads decided in all, so that the check of a large workbook stays quick."""
_NAMED: Final = 8
"""Lanes that are named."""


_Givers = Mapping[str, Mapping[int, list[Row]]]


@dataclass(frozen=True, slots=True)
class _Look:
    """The day on which leads are decided, and how many more may be."""

    on: date
    tries: Iterator[int]


def warn_many_lanes(tables: RoutingTables, teams: Table | None, report: Report, on: date) -> None:
    """T425 for each team Lane by lane that gets leads of more than four lanes.

    A lane counts when an example lead of it is seen to reach the team; among very many rules some may go
    untold.
    """
    setters = _setters(tables)
    if len(setters) <= MOST:
        return
    givers, look = _givers(tables), _Look(on, iter(range(_TRIES)))
    for team, line in team_lines(tables, teams):
        name, own = team.name, givers.get(team.name, {})
        asked = setters.items() if team.lanes else ()
        lanes = [lane for lane, by in asked if _reaches(tables, name, lane, _pairs(name, by, own), look)]
        if len(lanes) > MOST:
            cell = line["Lane"] if line["Lane"].place.address else line["Team"]
            _warn(name, lanes, cell.place, report)


def _warn(team: str, lanes: Sequence[str], place: Place, report: Report) -> None:
    named = ", ".join(lanes[:_NAMED]) + (" and more" if lanes[_NAMED:] else "")
    report.warn(
        "T425",
        place,
        f"rules divide the turns of team {team} into {len(lanes)} lanes: {named}. Each is shared on its own, "
        "so it takes longer until everyone has had a turn in each.",
        "type one lane into Lane, or set fewer lanes in Then Lane",
    )


def _setters(tables: RoutingTables) -> dict[str, list[tuple[int, Row]]]:
    """Lane -> the rules that set it, with the number of their layer."""
    found: dict[str, list[tuple[int, Row]]] = {}
    spelled: dict[str, str] = {}
    for number, layer in enumerate(tables.layers):
        for row in layer.rows:
            for kind, lane in row.sets:
                if fact_key(kind) == "lane":
                    found.setdefault(spelled.setdefault(fold(lane), lane), []).append((number, row))
    return found


def _reaches(
    tables: RoutingTables, team: str, lane: str, pairs: Iterable[tuple[Row, Row]], look: _Look
) -> bool:
    """Whether an example lead of the lane is seen to reach the team."""
    for setter, giver in islice(pairs, _PAIRS):
        for lead in example_leads(tables, [setter, _after(setter, giver)]):
            if next(look.tries, None) is None:
                return False
            decision = decide(tables, lead, on=look.on)
            if decision.team == team and fold(decision.lane) == fold(lane):
                return True
    return False


def _after(setter: Row, giver: Row) -> Row:
    """The rule without what the other one sets as it wants it."""
    given = {fact_key(name): text for name, text in setter.sets}
    left = tuple(
        (name, condition)
        for name, condition in giver.conditions
        if giver is setter or not (fact_key(name) in given and condition.matches(given[fact_key(name)]))
    )
    return replace(giver, conditions=left)


def _givers(tables: RoutingTables) -> _Givers:
    """Team -> the rules that give to it, with the number of their layer, from the first layer on."""
    found: dict[str, dict[int, list[Row]]] = {}
    for number, layer in enumerate(tables.layers):
        for row in layer.rows:
            if row.team is not None:
                found.setdefault(row.team, {}).setdefault(number, []).append(row)
    return found


def _pairs(
    team: str, setters: Iterable[tuple[int, Row]], givers: Mapping[int, Iterable[Row]]
) -> Iterator[tuple[Row, Row]]:
    """A rule that sets the lane, and one that then gives to the team; it may be the same."""
    for number, setter in setters:
        if setter.team == team:
            yield setter, setter
        elif not setter.decides:
            later = (row for n, rows in givers.items() if n > number for row in rows)
            yield from ((setter, row) for row in later)
