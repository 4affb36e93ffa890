"""Warnings about delegates: who serves nobody, or could not take all leads of the one who is away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final

from rules.fold import fold
from rules.model import RoutingTables, Salesperson, Team
from rules.workbook import fields
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Line, Table

MOST: Final = 20
"""Doubts that are told."""


@dataclass(frozen=True, slots=True)
class _Service:
    """Who is away on which days, who is to serve meanwhile, and the cell that says so."""

    away: str
    delegate: str
    first: date
    last: date
    place: Place


@dataclass(frozen=True, slots=True)
class _Doubt:
    code: str
    place: Place
    message: str
    fix: str


def warn_delegates(tables: RoutingTables, absences: Table | None, report: Report, on: date | None) -> None:
    """T421 for a delegate where no team of the absentee has any, T423 for one who cannot always serve.

    With `on` (today) absences that are over are passed over.
    """
    found = (one for one in _services(tables, absences) if not on or one.last >= on)
    for doubt in islice((doubt for one in found for doubt in _doubts(tables, one)), MOST):
        report.warn(doubt.code, doubt.place, doubt.message, doubt.fix)


def _services(tables: RoutingTables, absences: Table | None) -> Iterator[_Service]:
    names = _names(tables)
    for line in absences.lines if absences else ():
        delegate = names.get(fold(line["Delegate"].text))
        if delegate and (days := _days(line)):
            yield _Service(names[fold(line["Person"].text)], delegate, *days, line["Delegate"].place)


def _names(tables: RoutingTables) -> Mapping[str, str]:
    """How a cell may name somebody, folded -> Person ID; who share a name go by their ids."""
    people = [rows[0] for rows in tables.people_by_id.values()]
    return {fold(s): p.id for p in people for s in (p.name, p.email)} | {fold(p.id): p.id for p in people}


def _days(line: Line) -> tuple[date, date] | None:
    first, last = fields.span(line, "From", "Until", Report())
    return (first, last) if first and last else None


def _doubts(tables: RoutingTables, one: _Service) -> Iterator[_Doubt]:
    teams = [row.team for row in tables.people_by_id[one.away]]
    asked = [team for name in teams if (team := tables.team_by_name[name]).delegate != "none"]
    if not asked:
        message = f"team {' and '.join(teams)} has no delegates, so this has no effect."
        fix = "type absentee or delegate into Delegate on sheet Teams, or empty the cell"
        yield _Doubt("T421", one.place, message, fix)
        return
    for team in asked:
        yield from _doubts_in(team, one)
    yield from _doubts_about_days(tables.people_by_id[one.delegate][0], one)


def _doubts_in(team: Team, one: _Service) -> Iterator[_Doubt]:
    rows = {person.id: person for person in team.people}
    away, delegate = rows[one.away], rows.get(one.delegate)
    if delegate is None:
        message = f"{one.place.text} is not in team {team.name}, and serves for nobody there."
        yield _Doubt("T423", one.place, message, "name somebody of the absentee's own team")
    elif lacking := _lacking(away, delegate):
        message = (
            f"{delegate.name} lacks {', '.join(lacking)}, which {away.name} has: such leads go to others."
        )
        yield _Doubt("T423", one.place, message, "name somebody who has the same Languages and Tags")


def _lacking(away: Salesperson, delegate: Salesperson) -> list[str]:
    languages = sorted(away.languages - delegate.languages)
    tags = sorted(away.tags - delegate.tags)
    return [*(f"the language {word}" for word in languages), *(f"the tag {word}" for word in tags)]


def _doubts_about_days(delegate: Salesperson, one: _Service) -> Iterator[_Doubt]:
    """Days of the absence on which the delegate is not there either."""
    fix = "name somebody who is there on these days"
    for absence in delegate.absences:
        first, last = max(absence.from_, one.first), min(absence.until, one.last)
        if first <= last:
            days = f"on {first}" if first == last else f"from {first} to {last}"
            yield _Doubt("T423", one.place, f"{delegate.name} is away too, {days}.", fix)
    if not delegate.active:
        yield _Doubt("T423", one.place, f"{delegate.name} is not Active.", fix)
    elif delegate.start and delegate.start > one.first:
        yield _Doubt("T423", one.place, f"{delegate.name} begins only on {delegate.start}.", fix)
    elif delegate.end and delegate.end < one.last:
        yield _Doubt("T423", one.place, f"{delegate.name} is there until {delegate.end} only.", fix)
