"""What spreadsheets do to codes, named for what it is, and what was probably typed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from rules.fold import fold

EXACT_DIGITS: Final = 15
"""Digits of a number that a spreadsheet keeps."""
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EPOCH: Final = date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 80_000
"""The numbers of the days of this century in a spreadsheet."""
_SCIENTIFIC: Final = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE)
_ERRORS: Final = frozenset({
    "#n/a", "#ref!", "#div/0!", "#value!", "#name?", "#num!", "#null!", "#spill!", "#calc!", "#getting_data",
})  # fmt: skip


def is_error_text(text: str) -> bool:
    """Whether a text is a spreadsheet's error value that was saved as text."""
    return text[:1] == "#" and text.lower() in _ERRORS


def is_scientific(text: str) -> bool:
    """Whether a text is what a long number looks like in a narrow column: `1.23457E+15`."""
    return "+" in text and _SCIENTIFIC.fullmatch(text) is not None


def what_happened(value: object) -> str:
    """What a spreadsheet does to a code that ends as this number or date."""
    if isinstance(value, date):
        return "it takes codes such as MAR-1 or 1-2 for dates"
    if not isinstance(value, int | float):
        return "it takes digits for numbers"
    digits = _digits(value)
    if digits.isdigit() and len(digits) > EXACT_DIGITS:
        return f"of so long a number it keeps only {EXACT_DIGITS} digits"
    if digits.isdigit() and _zeros(digits) >= 5:
        return "it takes codes such as 1E5 for 100000"
    return "it drops leading zeros" if digits.isdigit() else "it takes digits for numbers"


def probable_original(value: object, known: Iterable[str] = ()) -> str:
    """What a person probably typed before the spreadsheet changed it: one of the `known` codes if it can have
    become this value."""
    likely = _ways(value)
    by_key = {fold(code): code for code in known}
    listed = [by_key[fold(way)] for way in likely if fold(way) in by_key]
    listed += [code for key, code in by_key.items() if not isinstance(value, date) and _is_number(key, value)]
    return next(iter(dict.fromkeys(listed)), likely[0])


def as_range(value: object) -> str:
    """The range that became this date (1-5, 5 January to some), or the day that this number stands for."""
    if isinstance(value, date):
        low, high = sorted((value.month, value.day))
        return f"{low}..{high}"
    if isinstance(value, int | float) and _FIRST_SERIAL <= value < _LAST_SERIAL:
        return (_EPOCH + timedelta(days=int(value))).isoformat()
    return "2026-01-31"


def _ways(value: object) -> list[str]:
    """What may have been typed, the likeliest first."""
    if isinstance(value, date):
        month, day, year = _MONTHS[value.month - 1], value.day, f"{value.year % 100:02}"
        short = f"{value.month}-{day}"
        named = [f"{month}-{day}", f"{day}-{month}", f"{month}{day}", f"{month}-{year}", f"{month}{year}"]
        return [*named, short, f"{day}-{value.month}", f"{value.month}/{day}"]
    if not isinstance(value, int | float):
        return [str(value)]
    digits = _digits(value)
    if not digits.isdigit():
        return [digits]
    if len(digits) > EXACT_DIGITS:
        return [f"{digits[:EXACT_DIGITS]} and more digits"]
    zeros = _zeros(digits)
    padded = [digits.zfill(length) for length in range(len(digits) + 1, 11)]
    if zeros >= 5:
        return [f"{digits[:-zeros]}E{zeros}", digits]
    return [f"00{digits}" if len(digits) == 1 else digits, *padded]


def _digits(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else str(value)


def _zeros(digits: str) -> int:
    return len(digits) - len(digits.rstrip("0"))


def _is_number(key: str, value: object) -> bool:
    """Whether a code, typed into a cell that is not formatted as text, becomes this number."""
    if not re.fullmatch(r"\d+(?:e\d{1,3}|\.\d+)?", key, re.ASCII):
        return False
    return float(key) == value
