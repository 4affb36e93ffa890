"""Reads one cell as what its column holds: a code, a yes or no, a number, a date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from rules.workbook.damage import probable_original, what_happened
from rules.workbook.report import Report
from rules.workbook.sheets import Cell, Line
from rules.workbook.text import key

_YES: Final = {"yes", "true", "x", "1", "y"}
_NO: Final = {"no", "false", "0", "n"}
_EPOCH: Final = date(1899, 12, 30)
_FIRST_YEAR: Final = 2000
_LITERAL: Final = re.compile(r'"[^"]*"|\\.')
"""Parts of a number format that are shown as they stand."""
_PERCENT: Final = re.compile(r"(\d{1,3}(?:[.,]\d+)?) ?(%?)")


def text(cell: Cell, report: Report, *, required: bool = False) -> str:
    """The text of a cell that holds a name or code; a number or date is what a spreadsheet made of one."""
    if cell.broken:
        return ""
    if cell.blank:
        if required:
            missing(cell, report)
        return ""
    if cell.raw.kind in ("number", "date"):
        turned(cell, report)
        return ""
    return cell.text


def missing(cell: Cell, report: Report) -> None:
    name = cell.place.column
    if not name or not cell.place.address:
        return  # the whole column is missing: reported once, at the header
    report.error("T103", cell.place, f"{name} is empty.", f"fill in {name}, or delete the whole row")


def turned(
    cell: Cell, report: Report, *, wanted: str = "text", likely: str = "", known: Iterable[str] = ()
) -> None:
    """Report a number or date that was something else: `likely` this, or one of the `known` codes."""
    what = "date" if cell.raw.kind == "date" else "number"
    original = likely or probable_original(cell.raw.value, known)
    report.error(
        "R04",
        cell.place,
        f"{cell.place.column} should be {wanted}, but the spreadsheet has turned it into the {what} "
        f"{cell.text}: {what_happened(cell.raw.value)}.",
        f"format the cell as text and type it again (was it {original}?)",
        suggestion=original,
    )


def yes_or_no(cell: Cell, report: Report, *, default: bool | None = None) -> bool:
    """True or False; a blank is `default`, or an error where there is none."""
    if cell.broken:
        return False
    if cell.blank and default is not None:
        return default
    if cell.blank:
        missing(cell, report)
        return False
    word = key(cell.text)
    if word in _YES or word in _NO:
        return word in _YES
    report.error(
        "T104", cell.place, f'{cell.place.column} "{cell.text}" is neither yes nor no.', "type yes or no"
    )
    return False


def choice(
    cell: Cell, choices: Mapping[str, str], report: Report, *, default: str | None = None, code: str = "T104"
) -> str:
    """One of a few words, by its key; `choices` maps what may be typed to what it means."""
    typed = text(cell, report, required=default is None)
    if not typed:
        return default or ""
    by_key = {key(word): meaning for word, meaning in choices.items()}
    if key(typed) in by_key:
        return by_key[key(typed)]
    words = ", ".join(choices)
    report.error(
        code,
        cell.place,
        f'{cell.place.column} "{typed}" is not one of the choices.',
        f"type one of: {words}",
        suggestion=report.nearest(typed, choices),
    )
    return default or ""


def whole(cell: Cell, report: Report, *, low: int, high: int, default: int | None) -> int | None:
    """A whole number between two bounds; a blank is the default."""
    if cell.broken or cell.blank:
        return default
    number = decimal(cell)
    if number is not None and number == number.to_integral_value() and low <= number <= high:
        return int(number)
    report.error(
        "R11",
        cell.place,
        f'{cell.place.column} "{cell.text}" is not a whole number from {low} to {high:,}.',
        f"type a whole number from {low} to {high:,}, or leave it blank",
    )
    return default


def decimal(cell: Cell) -> Decimal | None:
    """The number in a cell, whether typed as a number or as text."""
    if cell.raw.kind not in ("number", "text"):
        return None
    try:
        number = Decimal(cell.text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 12 else None


def percentage(cell: Cell) -> Decimal | None:
    """The per cent that a cell says: 20 for "20 %", 20, and for what a spreadsheet makes of it, 0.2.

    A plain number 1 may be 100 % or 1 %: it is neither, unless its format shows a per cent sign.
    """
    if cell.raw.kind == "number":
        number, shown = decimal(cell), "%" in _LITERAL.sub("", cell.raw.format)
        if number is None or number < 0 or (number == 1 and not shown):
            return None
        return (round(number * 100, 6) if number < 1 or shown else number).normalize()
    found = _PERCENT.fullmatch(cell.text) if cell.raw.kind == "text" else None
    share = Decimal(found[1].replace(",", ".")) if found else Decimal(-1)
    return share.normalize() if found and (found[2] or share >= 1 or not share) else None


def day(cell: Cell, report: Report, *, required: bool = False) -> date | None:
    """A whole day: a real date cell, or text such as 2026-12-24."""
    if cell.broken:
        return None
    if cell.blank:
        if required:
            missing(cell, report)
        return None
    found = _day(cell.raw.value, cell.text)
    if found is not None and found.year >= _FIRST_YEAR:
        return found
    report.error(
        "R09",
        cell.place,
        f'{cell.place.column} "{cell.text}" is not a date that can be used.',
        "type it as year-month-day, for example 2026-12-24",
        suggestion=_meant(cell.raw.value),
    )
    return None


def _day(value: object, shown: str) -> date | None:
    if isinstance(value, datetime):
        return value.date() if value.time() == datetime.min.time() else None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(shown) if len(shown) == 10 else None
    except ValueError:
        return None


def _meant(value: object) -> str:
    if isinstance(value, int | float) and 36_526 <= value < 80_000:
        return (_EPOCH + timedelta(days=int(value))).isoformat()
    return ""


def span(
    line: Line, first: str, last: str, report: Report, *, required: bool = False
) -> tuple[date | None, date | None]:
    """Two days, both included; an error if the second is before the first."""
    if not required and line.is_blank(first) and line.is_blank(last):
        return None, None
    begin = day(line[first], report, required=required)
    end = day(line[last], report, required=required)
    if begin and end and begin > end:
        report.error(
            "R09",
            line[last].place,
            f"{last} {end} is before {first} {begin}.",
            f"swap the two days, or correct {last}",
        )
    return begin, end
