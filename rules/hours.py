"""Working hours: read and shown as text, and asked for who works when.

Hours are Shifts in wall-clock time; None means always. Moments are aware datetimes in the team's time zone. A
moment is inside a shift when the clock on the wall then is: what the clock skips in spring does not exist (a
shift that would begin there begins when the clock goes on), and what it repeats in autumn happens twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from rules.model import Shift

Hours = tuple[Shift, ...] | None

_DAY = 24 * 60
ALWAYS: Final = tuple(Shift(weekday, 0, _DAY) for weekday in range(7))
"""What `always` says where None would mean something else, such as the team's hours."""

HORIZON: Final = timedelta(days=366)
"""How far ahead is looked for a working time."""

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DASH = re.compile(r"\s*[-\u2010-\u2015\u2212]\s*")
_BETWEEN = re.compile(r"[\s,;]+")
_TIMES = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_WRITE_TIMES = "write from and until by the 24-hour clock, such as 09:00-17:30"
_WRITE_ALL = "write days and times, such as Mon-Fri 09:00-17:30, or always"


class HoursError(ValueError):
    """Working hours that cannot be read: which part is wrong (`message`), and what to do (`fix`)."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message}: {fix}.")
        self.message = f"{message}."
        self.fix = f"{fix}."


def parse_hours(text: str) -> tuple[Shift, ...]:
    """The shifts that a text names, in order; overlapping and touching ones of a day are one. Never ().

    `Mon-Fri 09:00-17:30`, `Mon, Wed 09:00-12:00, 13:00-17:00; Fri 22:00-06:00` (over midnight: two shifts),
    `always` and `24/7` (`ALWAYS`). Days are in English, full or short, and stand before their times; commas,
    semicolons and blanks only part. Raises HoursError, a ValueError.
    """
    words = [w for w in _BETWEEN.split(_DASH.sub("-", unicodedata.normalize("NFKC", text))) if w]
    if len(words) == 1 and words[0].casefold() in ("always", "24/7"):
        return ALWAYS
    if not words:
        raise HoursError("There are no working hours here", _WRITE_ALL)
    return _merged(shift for weekday, times in _pairs(words) for shift in _shifts(weekday, *times))


def show_hours(shifts: Hours) -> str:
    """The shortest text that `parse_hours` reads as these shifts: `Mon-Fri 09:00-17:30; Sat 22:00-06:00`."""
    merged = ALWAYS if shifts is None else _merged(shifts)
    if merged == ALWAYS:
        return "always"
    days_of: dict[str, list[int]] = {}
    for weekday in range(7):
        if times := ", ".join(_show_times(s) for s in _rejoined(merged) if s.weekday == weekday):
            days_of.setdefault(times, []).append(weekday)
    return "; ".join(f"{_show_days(days)} {times}" for times, days in days_of.items())


def is_working(shifts: Hours, local: datetime) -> bool:
    """Whether `local` lies in a shift: the first minute belongs to it, the last moment does not."""
    if shifts is None:
        return True
    weekday, minute = local.weekday(), local.hour * 60 + local.minute
    return any(s.weekday == weekday and s.begin <= minute < s.end for s in shifts)


def next_start(shifts: Hours, local: datetime, away: Callable[[date], bool]) -> datetime | None:
    """The first moment at or after `local` inside a shift, on a day that is not away; None when there is none
    within 366 days.

    It is `local` itself while that is working time. Raises ValueError when `local` carries no time zone.
    """
    for piece in _pieces(shifts, local, away):
        return piece.begin.astimezone(local.tzinfo)
    return None


def ends(shifts: Hours, local: datetime, away: Callable[[date], bool] = lambda day: False) -> datetime | None:
    """When the working time that `local` lies in ends: shifts that touch count as one, also over midnight,
    and a day that is away ends it. None when it goes on for the next 366 days.

    Raises ValueError when `local` is no working time, or carries no time zone.
    """
    end = now = local.astimezone(UTC)
    for piece in _pieces(shifts, local, away):
        if piece.begin != end:
            break
        end = piece.end
    if end == now:
        raise ValueError(f"{local.isoformat()} is no working time: ask for the next start instead")
    return end.astimezone(local.tzinfo) if end - now < HORIZON else None


# Reading


def _pairs(words: Iterable[str]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each weekday with each of its times. Days after times begin anew."""
    days: list[int] = []
    waiting = ""
    for word in words:
        if not word[0].isdigit():
            days = [*(days if waiting else ()), *_days(word)]
            waiting = word
            continue
        times = _times(word)
        if not days:
            raise HoursError(
                f'"{word}" stands for no day', f"write the days before it, such as Mon-Fri {word}"
            )
        waiting = ""
        yield from ((day, times) for day in days)
    if waiting:
        raise HoursError(
            f'"{waiting}" has no times', f"write them after the days, such as {waiting} 09:00-17:30"
        )


def _days(word: str) -> Iterator[int]:
    first, dash, last = word.partition("-")
    begin = _weekday(first, word)
    end = _weekday(last, word) if dash else begin
    return (weekday % 7 for weekday in range(begin, begin + (end - begin) % 7 + 1))


def _weekday(name: str, word: str) -> int:
    """The day that at least three letters begin."""
    if len(name) >= 3:
        for weekday, full in enumerate(_NAMES):
            if full.casefold().startswith(name.casefold()):
                return weekday
    raise HoursError(f'"{word[:60]}" names no days', "write them in English, such as Mon, or Mon-Fri")


def _times(word: str) -> tuple[int, int]:
    """Begin and end in minutes; an end before the begin is on the next day."""
    if not (found := _TIMES.fullmatch(word)):
        raise HoursError(f'"{word[:60]}" is no working time', _WRITE_TIMES)
    hour, minute, last_hour, last_minute = map(int, found.groups())
    begin, end = hour * 60 + minute, last_hour * 60 + last_minute
    if minute > 59 or last_minute > 59 or begin >= _DAY or end > _DAY:
        raise HoursError(
            f'"{word}" holds no time of day', "write from 00:00 to 23:59, and until 24:00 at most"
        )
    if begin == end:
        raise HoursError(f'"{word}" begins when it ends', "write 00:00-24:00 for the whole day")
    return begin, end


def _shifts(weekday: int, begin: int, end: int) -> Iterator[Shift]:
    if begin < end:
        yield Shift(weekday, begin, end)
        return
    yield Shift(weekday, begin, _DAY)
    if end:
        yield Shift((weekday + 1) % 7, 0, end)


def _merged(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """In order of the week, what overlaps or touches on a day made one."""
    kept: list[Shift] = []
    for shift in sorted(shifts, key=lambda s: (s.weekday, s.begin)):
        if kept and kept[-1].weekday == shift.weekday and shift.begin <= kept[-1].end:
            last = kept.pop()
            shift = Shift(last.weekday, last.begin, max(last.end, shift.end))
        kept.append(shift)
    return tuple(kept)


# Showing


def _rejoined(shifts: tuple[Shift, ...]) -> Iterator[Shift]:
    """Night shifts as they were written: from the evening to an end that is smaller than the begin."""
    mornings = {s.weekday: s for s in shifts if s.begin == 0}
    nights: dict[Shift, Shift] = {}
    for shift in shifts:
        morning = mornings.get((shift.weekday + 1) % 7)
        if shift.end == _DAY and morning and morning.end < shift.begin:
            nights[shift] = morning
    for shift in shifts:
        if shift in nights:
            yield Shift(shift.weekday, shift.begin, nights[shift].end)
        elif shift not in nights.values():
            yield shift


def _show_times(shift: Shift) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (shift.begin, shift.end))


def _show_days(days: list[int]) -> str:
    """`Mon-Wed, Fri`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join("-".join(_NAMES[day][:3] for day in dict.fromkeys((r[0], r[-1]))) for r in runs)


# Time


class _Stretch(NamedTuple):
    """A time from `begin` to `end`, both in UTC."""

    begin: datetime
    end: datetime


def _pieces(shifts: Hours, local: datetime, away: Callable[[date], bool]) -> Iterator[_Stretch]:
    """The working times from `local` on, in order, without what is over; each on one day."""
    if local.utcoffset() is None:
        raise ValueError("`local` must carry a time zone")
    now = local.astimezone(UTC)
    for stretch in _steady(local):
        offset = stretch.begin.astimezone(local.tzinfo).utcoffset() or timedelta()
        for piece in _in_stretch(ALWAYS if shifts is None else shifts, stretch, offset, away):
            if piece.end > now:
                yield _Stretch(max(piece.begin, now), piece.end)


def _steady(local: datetime) -> Iterator[_Stretch]:
    """The 366 days from `local` on, in stretches of at most a day in which the clock is not changed."""
    now = local.astimezone(UTC)
    begin = now.replace(microsecond=0)
    while begin < now + HORIZON:
        end = _until_change(begin, min(begin + timedelta(days=1), now + HORIZON), local)
        yield _Stretch(begin, end)
        begin = end


def _until_change(begin: datetime, end: datetime, local: datetime) -> datetime:
    """The first second after `begin` at which the zone of `local` has another offset, else `end`.

    No zone has changed its clock twice in a day.
    """

    def changed(seconds: int) -> bool:
        there = begin + timedelta(seconds=seconds)
        return there.astimezone(local.tzinfo).utcoffset() != offset

    offset = begin.astimezone(local.tzinfo).utcoffset()
    low, high = 0, int((end - begin).total_seconds())
    if not changed(high):
        return end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if changed(middle) else (middle, high)
    return begin + timedelta(seconds=high)


def _in_stretch(
    shifts: tuple[Shift, ...], stretch: _Stretch, offset: timedelta, away: Callable[[date], bool]
) -> Iterator[_Stretch]:
    """The parts of a steady stretch that lie in a shift."""
    first, last = ((moment + offset).date() for moment in stretch)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        todays = [s for s in shifts if s.weekday == day.weekday()]
        if not todays or away(day):
            continue
        midnight = datetime.combine(day, time(), UTC) - offset
        for shift in sorted(todays, key=lambda s: s.begin):
            begin = max(stretch.begin, midnight + timedelta(minutes=shift.begin))
            end = min(stretch.end, midnight + timedelta(minutes=shift.end))
            if begin < end:
                yield _Stretch(begin, end)
