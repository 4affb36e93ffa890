"""Warnings about teams that cannot serve their leads: nobody is there, or nobody speaks the language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice
from typing import Final

from rules.fold import fold
from rules.layers import decide
from rules.model import RoutingTables, Row, Team
from rules.witness import example_leads
from rules.workbook.days_ahead import Gap, days_without_anybody
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Table
from rules.workbook.text import split_list

AHEAD: Final = 28
"""Days looked ahead."""
MOST: Final = 20
"""Teams that are named for what nobody there has."""
_SPANS: Final = 3
"""Spans of days that are named for one team."""
_PAIRS: Final = 30
"""Rules that ask for something, and rules that give to a team, tried together for one team."""
_TRIES: Final = 3_000
"""Example leads decided in all, so that the check of a large workbook stays quick."""
_ASKS: Final = {"language": "Then Language", "tags": "Then Tags"}


def warn_absent(tables: RoutingTables, teams: Table | None, report: Report, on: date) -> None:
    """T415 for each team with nobody present on some of the next 28 days."""
    gaps = days_without_anybody(tables, on, AHEAD)
    for name, found in groupby(gaps, key=lambda gap: gap.team):
        spans = list(found)
        days = sum((gap.last - gap.first).days + 1 for gap in spans)
        shown = ", ".join(_span(gap) for gap in spans[:_SPANS]) + (" and later" if spans[_SPANS:] else "")
        report.warn(
            "T415",
            _team_place(name, teams),
            f"nobody is there in team {name} on {days} of the next {AHEAD} days: {shown}.",
            "correct the absences, Start and End, or add somebody to the team",
        )


def _span(gap: Gap) -> str:
    return f"{gap.first}" if gap.first == gap.last else f"{gap.first} to {gap.last}"


def _team_place(name: str, teams: Table | None) -> Place:
    lines = teams.lines if teams else ()
    found = next((line["Team"].place for line in lines if fold(line["Team"].text) == fold(name)), None)
    return found or Place("Teams", text=name)


@dataclass(frozen=True, slots=True)
class _Ask:
    """A rule that asks for something the taker must have: a language or a tag."""

    kind: str
    word: str
    layer: int
    row: Row


def warn_unserved(tables: RoutingTables, report: Report, on: date) -> None:
    """T416 for each language or tag that rules ask for and nobody has in a team that gets such leads.

    Told only when an example lead shows it; among very many rules some may go untold.
    """
    found = list(_unserved(tables, on))
    for ask, giver, team in found[:MOST]:
        _warn(ask, giver, team, report)
    if len(found) > MOST:
        message = f"{len(found) - MOST} more teams get leads that need a language or tag nobody there has."
        report.warn("T416", Place("Salespeople"), message, "complete the columns Languages and Tags")


def _unserved(tables: RoutingTables, on: date) -> Iterator[tuple[_Ask, Row, Team]]:
    """What is asked for in vain: the rule that asks, the rule that gives to the team, and the team."""
    asks: dict[tuple[str, str], list[_Ask]] = {}
    for ask in _asks(tables):
        asks.setdefault((ask.kind, fold(ask.word)), []).append(ask)
    tries = iter(range(_TRIES))
    for (kind, word), rows in asks.items():
        for team in tables.teams:
            shown = None if _has(team, kind, word, on) else _first(tables, team, rows, on, tries)
            if shown:
                yield (*shown, team)


def _asks(tables: RoutingTables) -> Iterator[_Ask]:
    for number, layer in enumerate(tables.layers):
        for row in layer.rows:
            for kind, text in row.sets:
                words = split_list(text) if kind == "tags" else (text,)
                if kind in _ASKS:
                    yield from (_Ask(kind, word, number, row) for word in words)


def _has(team: Team, kind: str, word: str, on: date) -> bool:
    """Whether somebody who belongs to the team, present or not, has it."""
    return any(
        fold(word) in {fold(own) for own in (person.languages if kind == "language" else person.tags)}
        for person in team.people
        if person.active and not (person.end and person.end < on)
    )


def _first(
    tables: RoutingTables, team: Team, asks: list[_Ask], on: date, tries: Iterator[int]
) -> tuple[_Ask, Row] | None:
    """The first rules whose leads are seen to reach the team with what they ask for."""
    for ask, giver in islice(_pairs(tables, team, asks), _PAIRS):
        for lead in example_leads(tables, [ask.row, giver]):
            if next(tries, None) is None:
                return None
            if _reaches(tables, lead, team, ask, on):
                return ask, giver
    return None


def _pairs(tables: RoutingTables, team: Team, asks: Iterable[_Ask]) -> Iterator[tuple[_Ask, Row]]:
    givers = [
        (n, row) for n, layer in enumerate(tables.layers) for row in layer.rows if row.team == team.name
    ]
    for ask in asks:
        yield from (
            (ask, row) for n, row in givers if row is ask.row or (n > ask.layer and not ask.row.decides)
        )


def _reaches(tables: RoutingTables, lead: Mapping[str, object], team: Team, ask: _Ask, on: date) -> bool:
    decision = decide(tables, lead, on=on)
    needs = decision.needs.get(ask.kind, ())
    words = (needs,) if isinstance(needs, str) else needs
    return decision.team == team.name and fold(ask.word) in {fold(word) for word in words}


def _warn(ask: _Ask, giver: Row, team: Team, report: Report) -> None:
    column = _ASKS[ask.kind]
    place = Place(
        ask.row.sheet, ask.row.row, ask.row.cells.get(column, ""), column, ask.word, ask.row.rule_id
    )
    what = f"{ask.kind.removesuffix('s')} {ask.word}"
    how = "" if giver is ask.row else f", by rule {giver.rule_id}"
    verb = "speaks it" if ask.kind == "language" else "has it"
    where = "Languages" if ask.kind == "language" else "Tags"
    report.warn(
        "T416",
        place,
        f"leads that need {what} go to team {team.name}{how}, where nobody {verb}: they would be held.",
        f"add it to somebody's {where} on sheet Salespeople, or let another team have these leads",
    )
