"""Number and date items of a cell: `50..249`, `> 50`, `2026-01-01..2026-03-31`; each wrong form with its
mend."""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import date
from decimal import Decimal

from rules.condition import END, START, Interval, point
from rules.errors import RulesError

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_THOUSAND = re.compile(r"-?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_ITEM = re.compile(r"(>=|<=|>|<)?\s*(.+)", re.ASCII | re.DOTALL)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UNITS = {"k": 1_000, "t": 1_000, "m": 1_000_000, "mio": 1_000_000, "tsd": 1_000}


class CellError(RulesError):
    """A cell that cannot be read, or that can match nothing. Nothing is guessed: `fix` says what to type
    instead.

    `code` is a key of `rules.cells.CODES`, `suggestion` the likely value (`DE (Germany)`) or "".
    """

    def __init__(self, code: str, message: str, fix: str, suggestion: str = "") -> None:
        super().__init__(f"{message} Fix: {fix}")
        self.code = code
        self.message = message
        self.fix = fix
        self.suggestion = suggestion


def parse_number(text: str) -> Decimal | None:
    """A number as rules and leads may write it: digits, a minus, a decimal point. None for anything else,
    and for `1.000`, which is one to some and a thousand to others."""
    if len(text) > 40 or not _NUMBER.fullmatch(text) or _THOUSAND.fullmatch(text):
        return None
    return Decimal(text)


def parse_day(text: str) -> date | None:
    """A day as YYYY-MM-DD, or None."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_interval(text: str, *, is_date: bool) -> Interval:
    """One typed item of a number or date column. Raises CellError T212, T213 or T214 with what to type."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("≥", ">=").replace("≤", "<=")
    match = _ITEM.fullmatch(plain)
    sign, rest = match.groups() if match else ("", plain)
    if ".." in rest:
        return _range(plain, sign, rest, is_date)
    at = _point(rest, text, is_date)
    before, after = (at, 0), (at, 1)
    return {">=": (before, END), ">": (after, END), "<=": (START, after), "<": (START, before)}.get(
        sign or "", (before, after)
    )


def _range(plain: str, sign: str | None, rest: str, is_date: bool) -> Interval:
    low, _, high = (part.strip() for part in rest.partition(".."))
    if sign or not low or not high:
        fix = (
            f"type <={high}"
            if high and not low
            else f"type >={low}"
            if low and not high
            else "type LOW..HIGH"
        )
        raise CellError("T213", f'The range "{plain}" is not complete.', f"{fix}.", fix.removeprefix("type "))
    start, end = _point(low, plain, is_date), _point(high, plain, is_date)
    if start > end:
        raise CellError(
            "T213", f'The range "{plain}" is upside down.', f"type {high}..{low}.", f"{high}..{low}"
        )
    return (start, 0), (end, 1)


def _point(text: str, whole: str, is_date: bool) -> Decimal:
    found = parse_day(text) if is_date else parse_number(text)
    if found is None:
        raise _no_day(text, whole) if is_date else no_number(whole.strip())
    return point(found)


def no_number(text: str) -> CellError:
    """The error for a text that is no number, with the likely one."""
    likely = _likely_number(unicodedata.normalize("NFKC", text).strip())
    message = f'"{text}" is not a number, a comparison like >=50 or a range like 50..249.'
    if "," in text or "." in text or " " in text.strip():
        message = f'"{text}" is not a number: no thousands mark, no decimal comma.'
    return CellError("T212", message, f"type {likely or 'digits only, such as 1000 or 50..249'}.", likely)


def _likely_number(text: str) -> str:
    if match := re.fullmatch(r"(-?\d+)\s*(?:-|–|—|to)\s*(\d+)", text):
        return f"{match[1]}..{match[2]}"
    if match := re.fullmatch(r"(\d+)\s*\.{3,}\s*(\d+)", text):  # what a spreadsheet makes of .. by itself
        return f"{match[1]}..{match[2]}"
    if match := re.fullmatch(r"(\d+)\s*\+", text):
        return f">={match[1]}"
    if match := re.fullmatch(r"=\s*(\d+)", text):
        return match[1]
    if match := re.fullmatch(r"(\d{1,6})\s*([a-z]+)\.?", text.lower()):
        return str(int(match[1]) * _UNITS[match[2]]) if match[2] in _UNITS else match[1]
    sign, rest = re.fullmatch(r"(>=|<=|>|<|)\s*(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if re.fullmatch(r"\d{1,3}(?:[,.' ’]\d{3})+", rest):
        return sign + re.sub(r"\D", "", rest)
    if re.fullmatch(r"0+[1-9]\d*", rest):
        return str(sign) + rest.lstrip("0")
    return "; ".join(rest.split(",")) if re.fullmatch(r"\d+(?:,\d+)+", rest) else ""


def _no_day(text: str, whole: str) -> CellError:
    likely = _likely_day(text)
    message = f'"{whole.strip()}" is not a day: days are written YYYY-MM-DD.'
    if _DAY.fullmatch(text):
        message = f'There is no day "{text}".'
    return CellError("T214", message, f"type {likely or 'a day such as 2026-01-31'}.", likely)


def _likely_day(text: str) -> str:
    if match := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text):
        return _last_day(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        likely = f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}"
        return likely if parse_day(likely) else ""
    if (match := re.fullmatch(r"(\d{4})-(\d\d)", text)) and (last := _last_day(int(match[1]), int(match[2]))):
        return f"{text}-01..{last}"
    return f"{text}-01-01..{text}-12-31" if re.fullmatch(r"(19|20)\d\d", text) else ""


def _last_day(year: int, month: int) -> str:
    if not (1 <= month <= 12 and year >= 1):
        return ""
    return f"{year:04}-{month:02}-{calendar.monthrange(year, month)[1]:02}"
