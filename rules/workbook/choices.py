"""The choices of a team: columns of sheet Teams that each have a default (docs/reference/team-choices.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Literal, TypeVar

from rules.fold import fold
from rules.hours import show_hours
from rules.model import CatchUp, Team
from rules.workbook import fields
from rules.workbook.by_type import Form, by_type, show_by_type
from rules.workbook.calendar_cell import calendar
from rules.workbook.hours_cell import team_hours
from rules.workbook.report import Report
from rules.workbook.sheets import Cell, Line

CATCH_UP: Final = ("Catch-up rate", "Catch-up cap", "Catch-up expiry", "Catch-up pace")
COLUMNS: Final = (
    "Fairness",
    "Limit",
    "After absence",
    *CATCH_UP,
    "Taken by hand",
    "Owner override",
    "Reject",
    "Delegate",
    "Lane",
    "Holiday calendar",
    "Working hours",
    "Outside hours",
)
MOST_LEADS: Final = 1_000
MOST_DAYS: Final = 366
FASTEST: Final = 100

_Word = TypeVar("_Word", bound=str)
_FAIRNESS: Final[Mapping[str, Literal["turns", "totals"]]] = {"turns": "turns", "totals": "totals"}
_ABSENCE: Final[Mapping[str, Literal["none", "catch up"]]] = {"none": "none", "catch up": "catch up"}
_CHARGE: Final[Mapping[str, Literal["charge", "free"]]] = {"charge": "charge", "free": "free"}
_REJECT: Final[Mapping[str, Literal["charge", "refund"]]] = {"charge": "charge", "refund": "refund"}
_DELEGATE: Final[Mapping[str, Literal["none", "absentee", "delegate"]]] = {
    "none": "none",
    "absentee": "absentee",
    "delegate": "delegate",
    "charged to the absentee": "absentee",
    "charged to the delegate": "delegate",
}
_LANE: Final[Mapping[str, Literal["by lane", "one lane"]]] = {"by lane": "by lane", "one lane": "one lane"}
_OUTSIDE: Final[Mapping[str, Literal["wait", "next"]]] = {"wait": "wait", "next": "next"}


def with_choices(team: Team, line: Line, default_hours: str, report: Report) -> Team:
    """The team with what its row chooses; a cell that cannot be used is reported and counts as blank."""
    return replace(
        team,
        fairness=_word(line["Fairness"], _FAIRNESS, "turns", report),
        limit=fields.whole(line["Limit"], report, low=1, high=MOST_LEADS, default=team.limit) or team.limit,
        after_absence=_after_absence(line, report),
        taken_by_hand=_word(line["Taken by hand"], _CHARGE, "charge", report),
        owner_override=_word(line["Owner override"], _CHARGE, "free", report),
        reject=_word(line["Reject"], _REJECT, "charge", report),
        delegate=_word(line["Delegate"], _DELEGATE, "none", report),
        lanes=_word(line["Lane"], _LANE, "by lane", report) == "by lane",
        holidays=calendar(line["Holiday calendar"], report),
        hours=team_hours(line["Working hours"], default_hours, report),
        outside_hours=_word(line["Outside hours"], _OUTSIDE, "wait", report),
    )


def _word(cell: Cell, words: Mapping[str, _Word], default: _Word, report: Report) -> _Word:
    chosen = fields.choice(cell, words, report, default=default)
    return next(word for word in words.values() if word == chosen)


def team_texts(team: Team) -> dict[str, str]:
    """What the team's row says, by column, as `with_choices` reads it; defaults are written out."""
    catch_up = {
        column: show_by_type(
            {
                kind: getattr(terms, column.removeprefix("Catch-up "))
                for kind, terms in team.after_absence.items()
            },
            percent=form.percent,
        )
        for column, form in zip(CATCH_UP, _FORMS, strict=True)
    }
    return {
        "Fairness": team.fairness,
        "Limit": str(team.limit),
        "After absence": "catch up" if team.after_absence else "none",
        **catch_up,
        "Taken by hand": team.taken_by_hand,
        "Owner override": team.owner_override,
        "Reject": team.reject,
        "Delegate": team.delegate,
        "Lane": "by lane" if team.lanes else "one lane",
        "Holiday calendar": team.holidays,
        "Working hours": show_hours(team.hours),
        "Outside hours": team.outside_hours,
    }


# --- catch-up ---


def _after_absence(line: Line, report: Report) -> dict[str, CatchUp]:
    """Folded absence type -> what its misses are made good by, "" for every other type; empty for none.

    Where rates are given by type and none for the other types, those are not made good.
    """
    rate, cap, expiry, pace = (
        by_type(line[column], form, report) for column, form in zip(CATCH_UP, _FORMS, strict=True)
    )
    if _word(line["After absence"], _ABSENCE, "none", report) == "none":
        return {}
    usual = CatchUp()
    other = CatchUp(
        rate=rate.get("", 0 if rate else usual.rate),
        cap=cap.get("", usual.cap),
        expiry=expiry.get("", usual.expiry),
        pace=pace.get("", usual.pace),
    )
    found = {"": other}
    for kind in _kinds(rate, cap, expiry, pace):
        found[kind] = CatchUp(
            rate=rate.get(kind, other.rate),
            cap=cap.get(kind, other.cap),
            expiry=expiry.get(kind, other.expiry),
            pace=pace.get(kind, other.pace),
        )
    return found


_FORMS: Final = (
    Form("a whole percentage", 0, 100, percent=True),
    Form("a whole number of leads", 1, MOST_LEADS),
    Form("a whole number of days", 1, MOST_DAYS),
    Form("a whole number of leads", 1, FASTEST),
)


def _kinds(*cells: Mapping[str, int]) -> Iterable[str]:
    return dict.fromkeys(kind for cell in cells for kind in cell if kind)


def typed_kinds(line: Line) -> dict[str, tuple[Cell, str]]:
    """Folded absence type -> the first Catch-up cell of a row that names it, and how it is typed there."""
    found: dict[str, tuple[Cell, str]] = {}
    for column, form in zip(CATCH_UP, _FORMS, strict=True):
        for kind in by_type(line[column], form, Report(), as_typed=True):
            if kind:
                found.setdefault(fold(kind), (line[column], kind))
    return found
