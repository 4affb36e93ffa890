"""Sheet Teams."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from rules.fold import fold
from rules.model import Team
from rules.workbook import choices, fields
from rules.workbook.ids import crm_id
from rules.workbook.lookalike import mixes_alphabets, strangers, twin
from rules.workbook.people import TeamNames, email, find_team
from rules.workbook.report import Place, Report
from rules.workbook.settings_sheet import time_zone
from rules.workbook.sheets import Cell, Line, Spec, Table

SPEC: Final = Spec(
    required=("Team",),
    optional=(
        "Time zone",
        "If nobody can",
        "Fallback team",
        "CRM queue ID",
        "Alert e-mail",
        *choices.COLUMNS,
        "Note",
    ),
)
_WORDS: Final = ("hold", "queue", "fallback team")
_NAMED: Final = re.compile(r"fallback\s+team\s*[:=]?\s*(.+)", re.IGNORECASE | re.DOTALL)
"""`Fallback team: X` in one cell."""


@dataclass(frozen=True, slots=True)
class Teams:
    """The teams without their people, their names, and the cell that each name stands in."""

    teams: tuple[Team, ...]
    names: TeamNames
    places: Mapping[str, Place]


def read_teams(table: Table | None, settings: Mapping[str, str], report: Report) -> Teams:
    """The teams of the sheet; `settings` give the time zone and working hours of those that name none."""
    named = _named(table.lines if table else (), report)
    lines = table.lines if table else ()
    readable = bool(lines) and all(_is_readable(line["Team"]) for line in lines)
    names = TeamNames({fold(name): name for name in named}, complete=readable)
    teams = tuple(_team(name, line, names, settings, report) for name, line in named.items())
    _check_circles(teams, named, report)
    return Teams(teams, names, {name: line["Team"].place for name, line in named.items()})


def _is_readable(cell: Cell) -> bool:
    return bool(cell.text) and cell.raw.kind not in ("number", "date")


def _named(lines: tuple[Line, ...], report: Report) -> dict[str, Line]:
    named: dict[str, Line] = {}
    first: dict[str, Line] = {}
    for line in lines:
        cell = line["Team"]
        name = fields.text(cell, report, required=True)
        if fold(name) in first:
            message = f'The team "{name}" already stands in row {first[fold(name)].row}.'
            report.error("T401", cell.place, message, "delete one of the two rows")
        elif fold(name) in _WORDS:
            report.error("T104", cell.place, f'A team cannot be called "{name}".', "give it another name")
        elif name:
            _check_letters(cell, name, named, report)
            first[fold(name)] = named[name] = line
    return named


def _check_letters(cell: Cell, name: str, named: Mapping[str, Line], report: Report) -> None:
    """A team's name must differ from the others by eye; else everybody would type the wrong one."""
    if other := twin(name, named):
        strange = strangers(other if name.isascii() else name)
        message = f'The team "{name}" looks like "{other}" in row {named[other].row}: one holds {strange}.'
        report.error("R07", cell.place, message, "type one of the two again by hand, or give it another name")
    elif mixes_alphabets(name):
        message = f'The team "{name}" mixes letters of two alphabets in one word.'
        report.error("R07", cell.place, message, "type the name again by hand in one alphabet")


def _team(name: str, line: Line, names: TeamNames, settings: Mapping[str, str], report: Report) -> Team:
    queue = crm_id(line["CRM queue ID"], "00G", report)
    kind, fallback = _if_nobody(line, name, names, report)
    if kind == "queue" and not queue and line["CRM queue ID"].blank:
        cell: Cell = line["CRM queue ID"] if line["CRM queue ID"].place.address else line["If nobody can"]
        message = f"Team {name} gives its leads to a queue if nobody can take them, but names none."
        report.error("T407", cell.place, message, "type the queue's id (00G...) into CRM queue ID")
    team = Team(
        name=name,
        time_zone=time_zone(line["Time zone"], report) or settings["time zone"],
        if_nobody=kind,
        fallback_team=fallback or None,
        queue_id=queue or None,
        alert_email=email(line["Alert e-mail"], report),
        cell=line["CRM queue ID"].place.address,
    )
    return choices.with_choices(team, line, settings["working hours"], report)


def _if_nobody(
    line: Line, name: str, names: TeamNames, report: Report
) -> tuple[Literal["hold", "team", "queue"], str]:
    cell, beside = line["If nobody can"], line["Fallback team"]
    word = fold(cell.text)
    if word in ("hold", "queue") and beside.text:
        message = f"If nobody can says {word}, and Fallback team names {beside.text}."
        report.error("T104", beside.place, message, "empty Fallback team, or type fallback team before it")
    if cell.broken or beside.broken or word == "hold":
        return "hold", ""
    if word == "queue":
        return "queue", ""
    named = _fallback_cell(cell, beside, names)
    if named is None:
        return "hold", ""
    if named.blank:
        message = f"Team {name} gives its leads to a fallback team if nobody can take them, but names none."
        fix = "type the team's name: Fallback team: NAME"
        report.error("T407", named.place if named.place.address else cell.place, message, fix)
        return "hold", ""
    fallback = find_team(named, names, report)
    if fallback == name:
        message = f"Team {name} is its own fallback team."
        report.error("T406", named.place, message, "type hold, queue, or the name of another team")
        return "hold", ""
    return ("team", fallback) if fallback else ("hold", "")


def _fallback_cell(cell: Cell, beside: Cell, names: TeamNames) -> Cell | None:
    """The cell that names the fallback team, blank if it should and does not; None if none is asked for."""
    if cell.blank:
        return None if beside.blank else beside
    if fold(cell.text) == "fallback team":
        return beside
    inside = _NAMED.fullmatch(cell.text)
    if inside and fold(cell.text) not in names.by_fold:
        return replace(cell, place=replace(cell.place, text=inside[1]))
    return cell


def _check_circles(teams: tuple[Team, ...], named: Mapping[str, Line], report: Report) -> None:
    following = {team.name: team.fallback_team for team in teams if team.fallback_team}
    told: set[str] = set()
    for start in following:
        walk = [start]
        while (step := following.get(walk[-1])) and step not in walk:
            walk.append(step)
        if step == start and not told & set(walk):
            told |= set(walk)
            circle = " -> ".join([*walk, start])
            report.error(
                "T406",
                _circle_place(named[walk[-1]]),
                f"The fallback teams go round in a circle: {circle}.",
                "let one of them hold its leads or give them to a queue",
            )


def _circle_place(line: Line) -> Place:
    """The cell that names the fallback team."""
    return line["Fallback team"].place if line["Fallback team"].text else line["If nobody can"].place
