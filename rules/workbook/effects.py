"""Warnings about choices of a team that change nothing, and working hours outside those of the team."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rules.fold import fold
from rules.hours import show_hours
from rules.model import RoutingTables, Salesperson, Team
from rules.workbook.choices import CATCH_UP, typed_kinds
from rules.workbook.report import Report
from rules.workbook.sheets import Line, Table

MOST: Final = 20
"""Cells of one sheet that are named."""


def warn_no_effect(tables: RoutingTables, sheets: Mapping[str, Table], report: Report) -> None:
    """T420, T421 and T424: cells of sheets Teams and Salespeople that can be read, and do nothing."""
    kinds = {fold(a.type): a.type for people in tables.people_by_id.values() for a in people[0].absences}
    for team, line in team_lines(tables, sheets.get("Teams")):
        if team.after_absence:
            _warn_kinds(line, kinds, report)
        else:
            _warn_catch_up(line, report)
        _warn_outside(team, line, report)
    _warn_hours(tables, sheets.get("Salespeople"), report)


def team_lines(tables: RoutingTables, teams: Table | None) -> Iterator[tuple[Team, Line]]:
    """Each team and its row."""
    by_name = {fold(team.name): team for team in tables.teams}
    for line in teams.lines if teams else ():
        if team := by_name.get(fold(line["Team"].text)):
            yield team, line


def _warn_kinds(line: Line, kinds: Mapping[str, str], report: Report) -> None:
    for kind, (cell, typed) in typed_kinds(line).items():
        if kind not in kinds:
            meant = report.nearest(typed, kinds.values())
            report.warn(
                "T420",
                cell.place,
                f'no absence on sheet Absences has the type "{typed}".',
                f"type {meant}, or use this type on sheet Absences" if meant else "correct it, or delete it",
                suggestion=meant,
            )


def _warn_catch_up(line: Line, report: Report) -> None:
    filled = [column for column in CATCH_UP if not line.is_blank(column)]
    if filled:
        several = f"{', '.join(filled[:-1])} and {filled[-1]}" if filled[1:] else filled[0]
        message = f"After absence is none, so {several} {'have' if filled[1:] else 'has'} no effect."
        report.warn(
            "T421", line[filled[0]].place, message, "type catch up into After absence, or empty the cell"
        )


def _warn_outside(team: Team, line: Line, report: Report) -> None:
    cell = line["Outside hours"]
    if cell.blank or team.hours is not None or any(person.hours for person in team.people):
        return
    message = f"team {team.name} has no working hours, so Outside hours has no effect."
    report.warn("T421", cell.place, message, "give the team Working hours, or empty the cell")


def _warn_hours(tables: RoutingTables, people: Table | None, report: Report) -> None:
    found = {(fold(p.id), fold(team.name)): (p, team) for team in tables.teams for p in team.people}
    told = 0
    for line in people.lines if people else ():
        person, team = found.get((fold(line["Person ID"].text), fold(line["Team"].text)), (None, None))
        if person and team and _never_meet(person, team) and told < MOST:
            told += 1
            message = (
                f"{person.name} works {show_hours(person.hours)}, on no day on which the team does: "
                f"{show_hours(team.hours)}."
            )
            report.warn(
                "T424", line["Working hours"].place, message, "correct the days here or on sheet Teams"
            )


def _never_meet(person: Salesperson, team: Team) -> bool:
    if person.hours is None or team.hours is None:
        return False
    return not {shift.weekday for shift in person.hours} & {shift.weekday for shift in team.hours}
