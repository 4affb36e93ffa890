"""Reads a cell that holds working hours, of a team, a person or the whole workbook."""

from __future__ import annotations

from rules.hours import ALWAYS, HoursError, parse_hours
from rules.model import Shift
from rules.workbook import fields
from rules.workbook.report import Report
from rules.workbook.sheets import Cell


def team_hours(cell: Cell, default: str, report: Report) -> tuple[Shift, ...] | None:
    """A team's working hours, None for always; of a blank those of `default`, the setting's text."""
    hours = own_hours(cell, report)
    if hours is None and default:
        hours = parse_hours(default)
    return None if hours == ALWAYS else hours


def own_hours(cell: Cell, report: Report) -> tuple[Shift, ...] | None:
    """The working hours that a cell gives, `always` being the whole week; None for a blank and for what
    cannot be read, which is reported."""
    typed = fields.text(cell, report)
    if not typed:
        return None
    try:
        return parse_hours(typed)
    except HoursError as error:
        fix = error.fix.removesuffix(".")
        report.error("T418", cell.place, f"{cell.place.column}: {error.message}", fix)
        return None
