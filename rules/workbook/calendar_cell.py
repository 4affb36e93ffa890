"""Reads a cell that names a calendar of public holidays: a country, or a part of one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from rules import countries, holiday_calendar
from rules.fold import fold
from rules.workbook import fields
from rules.workbook.report import Report
from rules.workbook.sheets import Cell
from rules.workbook.text import key

_DASHES: Final = re.compile(r"\s*[-_/\u2010-\u2015\u2212]\s*")


def calendar(cell: Cell, report: Report) -> str:
    """The calendar's code; nothing for a blank, `none`, and one that does not exist, which is reported."""
    typed = fields.text(cell, report)
    if not typed or key(typed) == "none":
        return ""
    code = _DASHES.sub("-", typed)
    if found := holiday_calendar.canonical(code):
        return found
    meant = "" if report.crowded else _meant(code)
    report.error(
        "T417",
        cell.place,
        f'There is no calendar of public holidays "{typed}".',
        f"type {meant}" if meant else "type a country such as DE, or a part of one such as DE-BY, or nothing",
        suggestion=meant,
    )
    return ""


def _meant(code: str) -> str:
    """The calendar of a country that is written out, of a part that is mistyped, or one that looks alike."""
    whole = countries.lookup(code)
    if whole and holiday_calendar.is_calendar(whole):
        return holiday_calendar.canonical(whole) or ""
    head, dash, part = code.partition("-")
    country = holiday_calendar.canonical(countries.lookup(head) or head)
    if country and dash:
        same = holiday_calendar.canonical(f"{country}-{part}")
        return same or _likest(f"{country}-{part}", _parts(country)) or country
    near = countries.closest(head)
    return near if near and holiday_calendar.is_calendar(near) else ""


def _parts(country: str) -> list[str]:
    return [code for code in holiday_calendar.calendars() if code.startswith(f"{country}-")]


def _likest(text: str, codes: Iterable[str]) -> str:
    """The code that begins most like the text; where several do, the one that is most like it."""

    def likeness(code: str) -> tuple[int, float, str]:
        typed, known = fold(text), fold(code)
        same = next((n for n, (a, b) in enumerate(zip(typed, known, strict=False)) if a != b), len(known))
        return same, difflib.SequenceMatcher(None, typed, known).ratio(), code

    found = max(codes, key=likeness, default="")
    return found if likeness(found)[0] > _COUNTRY else ""


_COUNTRY: Final = len("DE-")
