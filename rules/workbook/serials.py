"""Days and times as spreadsheets keep them: a count of days, shown as a date by the cell's number format."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

Moment = Literal["", "date", "span"]
"""What a number format shows: a plain number, a date or time of day, or a length of time such as [h]:mm."""

_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's days have no time zone
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_MAC_DAYS: Final = 60
"""Up to here days of the 1900 system count a 29 February 1900 that never was."""
_BUILT_IN: Final = {14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 47, *range(27, 37), *range(50, 59)}
_BUILT_IN_SPAN: Final = 46
_LITERAL: Final = re.compile(r'".*?"|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]')
_LETTER: Final = re.compile(r"(?<![_\\])[dmhysDMHYS]")
_SPAN: Final = re.compile(r"\[(?:hh?|mm?|ss?)\]", re.IGNORECASE)
_DURATION: Final = re.compile(
    r"P(?:(?P<days>\d+)D)?T?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?"
)


def moment_of(format_id: int, code: str | None) -> Moment:
    """What a number format shows; `code` is the workbook's own format of this id, if it has one."""
    if code is None:
        return "span" if format_id == _BUILT_IN_SPAN else "date" if format_id in _BUILT_IN else ""
    first = _LITERAL.sub("", code.split(";")[0])
    if _SPAN.search(code.split(";")[0]):
        return "span"
    return "date" if _LETTER.search(first) else ""


def from_serial(value: float, *, is_1904: bool) -> datetime | time:
    """The day, to the millisecond; a time of day where there is no day. OverflowError beyond year 9999."""
    days, fraction = divmod(value, 1)
    rest = timedelta(milliseconds=round(fraction * 86_400_000))
    if 0 <= value < 1 and not rest.days:
        return (_EPOCH + rest).time()
    if 0 < value < _MAC_DAYS and not is_1904:
        days += 1
    return (_EPOCH_1904 if is_1904 else _EPOCH) + timedelta(days=days) + rest


def span_of(value: float) -> timedelta:
    """A length of time, to the millisecond."""
    return timedelta(milliseconds=round(timedelta(days=value) / timedelta(milliseconds=1)))


def from_iso(text: str) -> datetime | date | time | timedelta:
    """A moment written out, as strict workbooks do; ValueError if it is none."""
    plain = text.removesuffix("Z")
    if duration := _DURATION.fullmatch(plain):
        return timedelta(**{unit: float(n) for unit, n in duration.groupdict("0").items()})
    if "T" in plain.lstrip("T"):
        return datetime.fromisoformat(plain)
    return time.fromisoformat(plain) if ":" in plain else date.fromisoformat(plain)
