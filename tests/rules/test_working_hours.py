"""Working hours are read as people type them, and asked for in the team's own clock, twice a year changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.hours import ALWAYS, HoursError, ends, is_working, next_start, parse_hours, show_hours
from rules.model import Shift

BERLIN, NEW_YORK, LORD_HOWE = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
)
OFFICE = parse_hours("Mon-Fri 09:00-17:30")
QUARTER = timedelta(minutes=15)


def never(day: date) -> bool:
    return False


def on(*days: str) -> Callable[[date], bool]:
    return lambda day: day.isoformat() in days


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def offset_of(moment: datetime | None) -> float:
    assert moment is not None
    return (moment.utcoffset() or timedelta()).total_seconds() / 3600


# Reading and showing


def test_each_day_of_a_range_works_from_the_first_time_until_the_second() -> None:
    assert parse_hours("Mon-Fri 09:00-17:30") == tuple(Shift(day, 9 * 60, 17 * 60 + 30) for day in range(5))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Mon-Fri 09:00-17:30", "Mon-Fri 09:00-17:30"),
        ("monday–friday 9:00 – 17:30", "Mon-Fri 09:00-17:30"),
        ("MON, WED, Thurs 08:30-12:00", "Mon, Wed-Thu 08:30-12:00"),
        ("Mon-Fri 09:00-12:00, 13:00-17:00", "Mon-Fri 09:00-12:00, 13:00-17:00"),
        ("Mon-Fri 09:00-12:00; Mon-Fri 13:00-17:00", "Mon-Fri 09:00-12:00, 13:00-17:00"),
        ("Fri 09:00-12:00; Mon-Thu 09:00-17:00;", "Mon-Thu 09:00-17:00; Fri 09:00-12:00"),
        ("Mon 09:00-12:00; Mon 11:00-14:00; Mon 14:00-15:00", "Mon 09:00-15:00"),
        ("Fri-Mon 10:00-11:00", "Mon, Fri-Sun 10:00-11:00"),
        ("Mon-Fri 22:00-06:00", "Mon-Fri 22:00-06:00"),
        ("Sun 22:00-06:00", "Sun 22:00-06:00"),
        ("Sun 22:00-00:00", "Sun 22:00-24:00"),
        ("Sat-Sun 00:00-24:00", "Sat-Sun 00:00-24:00"),
        ("Mon 09:00-24:00; Tue 00:00-09:00", "Mon 09:00-24:00; Tue 00:00-09:00"),
        ("Mon-Sun 00:00-24:00", "always"),
        ("Mon-Sun 12:00-24:00, 00:00-12:00", "always"),
        ("always", "always"),
        (" 24/7 ", "always"),
        ("Mon 09:00-17:00", "Mon 09:00-17:00"),
    ],
)
def test_hours_are_shown_as_people_would_type_them(typed: str, shown: str) -> None:
    assert show_hours(parse_hours(typed)) == shown
    assert parse_hours(shown) == parse_hours(typed)


def test_no_hours_of_ones_own_are_shown_as_always() -> None:
    assert show_hours(None) == show_hours(ALWAYS) == "always"
    assert parse_hours("always") == ALWAYS


WRITE_ALL = "write days and times, such as Mon-Fri 09:00-17:30, or always."
IN_ENGLISH = "write them in English, such as Mon, or Mon-Fri."
BY_24_HOURS = "write from and until by the 24-hour clock, such as 09:00-17:30."
AT_MOST = "write from 00:00 to 23:59, and until 24:00 at most."


@pytest.mark.parametrize(
    ("typed", "wrong", "fix"),
    [
        ("", "There are no working hours here", WRITE_ALL),
        (" ;, ", "There are no working hours here", WRITE_ALL),
        ("Mo-Fr 09:00-17:00", '"Mo-Fr" names no days', IN_ENGLISH),
        ("Mon-Wed-Fri 09:00-17:00", '"Mon-Wed-Fri" names no days', IN_ENGLISH),
        ("Mon 09:00-17:00; Sun closed", '"closed" names no days', IN_ENGLISH),
        ("Mon-Fri 09:00-17:00 always", '"always" names no days', IN_ENGLISH),
        ("Mon-Fri 9-17", '"9-17" is no working time', BY_24_HOURS),
        ("Mon 9am-5pm", '"9am-5pm" is no working time', BY_24_HOURS),
        ("Mon-Fri", '"Mon-Fri" has no times', "write them after the days, such as Mon-Fri 09:00-17:30."),
        ("Mon 09:00-12:00; Tue", '"Tue" has no times', "write them after the days, such as Tue 09:00-17:30."),
        (
            "9:00-17:00 Mon",
            '"9:00-17:00" stands for no day',
            "write the days before it, such as Mon-Fri 9:00-17:00.",
        ),
        ("Mon 09:00-09:00", '"09:00-09:00" begins when it ends', "write 00:00-24:00 for the whole day."),
        ("Mon 24:00-06:00", '"24:00-06:00" holds no time of day', AT_MOST),
        ("Mon 09:60-12:00", '"09:60-12:00" holds no time of day', AT_MOST),
        ("Mon 09:00-12:60", '"09:00-12:60" holds no time of day', AT_MOST),
        ("Mon 09:00-24:01", '"09:00-24:01" holds no time of day', AT_MOST),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_write_instead(typed: str, wrong: str, fix: str) -> None:
    with pytest.raises(HoursError) as caught:
        parse_hours(typed)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == f"{wrong}: {fix}"
    assert (caught.value.message, caught.value.fix) == (f"{wrong}.", fix)


@given(text=st.text(max_size=40) | st.text(alphabet="MonTueFri0123459:-,; 24/7", max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        shifts = parse_hours(text)
    except HoursError as error:
        assert str(error).endswith(".")
    else:
        assert shifts
        assert parse_hours(show_hours(shifts)) == shifts


def shifts_of(step: int) -> st.SearchStrategy[tuple[Shift, ...]]:
    """Any weeks, with times that are multiples of `step` minutes, as `parse_hours` gives them."""
    minute = st.integers(0, 24 * 60 // step).map(lambda n: n * step)
    times = st.tuples(minute, minute).filter(lambda t: t[0] < t[1])
    shift = st.builds(lambda day, t: Shift(day, *t), st.integers(0, 6), times)
    # What is shown is read: so the reader makes them one where they overlap.
    return st.lists(shift, min_size=1, max_size=12).map(lambda found: parse_hours(show_hours(tuple(found))))


@settings(max_examples=300)
@given(shifts=shifts_of(1))
def test_what_is_shown_is_read_as_the_same_shifts(shifts: tuple[Shift, ...]) -> None:
    assert parse_hours(show_hours(shifts)) == shifts
    days = [(s.weekday, s.begin) for s in shifts]
    assert days == sorted(days)
    assert all(0 <= s.weekday <= 6 and 0 <= s.begin < s.end <= 1440 for s in shifts)
    assert all(a.weekday != b.weekday or a.end < b.begin for a, b in pairwise(shifts))


@given(
    found=st.lists(
        st.builds(
            lambda d, b, n: Shift(d, b, min(1440, b + n)), *map(st.integers, (0, 0, 1), (6, 1439, 1440))
        ),
        min_size=1,
        max_size=8,
    )
)
def test_showing_and_reading_changes_no_minute_of_the_week(found: list[Shift]) -> None:
    read = parse_hours(show_hours(tuple(found)))
    for minute in {m for s in found for m in (s.begin, s.end - 1, s.end, s.begin - 1)}:
        for weekday in range(7):
            typed = any(s.weekday == weekday and s.begin <= minute < s.end for s in found)
            assert typed == any(s.weekday == weekday and s.begin <= minute < s.end for s in read)


# Who works when


@pytest.mark.parametrize(
    ("moment", "works"),
    [
        ("2026-11-02T08:59:59.999999", False),
        ("2026-11-02T09:00", True),
        ("2026-11-02T17:29:59.999999", True),
        ("2026-11-02T17:30", False),
        ("2026-11-07T12:00", False),
    ],
)
def test_a_shift_has_its_first_moment_and_not_its_last(moment: str, works: bool) -> None:
    assert is_working(OFFICE, at(moment)) is works
    assert is_working(None, at(moment))
    assert is_working(ALWAYS, at(moment))


def test_a_night_shift_works_on_both_sides_of_midnight_also_from_sunday_to_monday() -> None:
    night = parse_hours("Sun 22:00-06:00")
    inside = ("2026-11-01T22:00", "2026-11-02T00:00", "2026-11-02T05:59")
    assert all(is_working(night, at(moment)) for moment in inside)
    assert not any(is_working(night, at(moment)) for moment in ("2026-11-01T21:59", "2026-11-02T06:00"))
    assert ends(night, at("2026-11-01T23:00")) == at("2026-11-02T06:00")


@pytest.mark.parametrize(
    ("moment", "start"),
    [
        ("2026-11-06T17:30", "2026-11-09T09:00"),
        ("2026-11-06T17:29:30.25", "2026-11-06T17:29:30.25"),
        ("2026-11-07T12:00:00.5", "2026-11-09T09:00"),
        ("2026-11-09T08:00", "2026-11-09T09:00"),
    ],
)
def test_a_lead_that_comes_outside_hours_waits_for_the_next_shift(moment: str, start: str) -> None:
    assert next_start(OFFICE, at(moment), never) == at(start)


def test_a_day_that_is_away_is_passed_over() -> None:
    eve = at("2026-12-24T18:00")
    assert next_start(OFFICE, eve, on("2026-12-25")) == at("2026-12-28T09:00")
    assert next_start(OFFICE, at("2026-12-25T12:00"), on("2026-12-25")) == at("2026-12-28T09:00")
    assert next_start(None, at("2026-12-25T12:00"), on("2026-12-25")) == at("2026-12-26T00:00")


def test_who_is_away_for_a_year_starts_at_no_time() -> None:
    now = at("2026-11-02T12:00")
    assert next_start(OFFICE, now, lambda day: True) is None
    back = date(2026, 11, 2) + timedelta(days=366)
    assert next_start(None, now, lambda day: day < back) == at(f"{back}T00:00")
    assert next_start(None, now, lambda day: day <= back) is None


def test_shifts_that_touch_end_as_one() -> None:
    two = parse_hours("Mon 09:00-12:00, 13:00-24:00; Tue 00:00-24:00; Wed 00:00-03:00")
    assert ends(two, at("2026-11-02T10:00")) == at("2026-11-02T12:00")
    assert ends(two, at("2026-11-02T13:00")) == at("2026-11-04T03:00")
    assert ends(two, at("2026-11-02T13:00"), on("2026-11-03")) == at("2026-11-03T00:00")


def test_who_always_works_ends_only_before_a_day_away() -> None:
    assert ends(None, at("2026-11-02T10:00:00.5")) is None
    assert ends(ALWAYS, at("2026-11-02T10:00")) is None
    assert ends(ALWAYS, at("2026-12-02T10:00"), on("2026-12-25")) == at("2026-12-25T00:00")


def test_outside_hours_there_is_no_end_to_ask_for() -> None:
    with pytest.raises(ValueError, match="is no working time"):
        ends(OFFICE, at("2026-11-02T17:30"))
    with pytest.raises(ValueError, match="is no working time"):
        ends(OFFICE, at("2026-11-02T12:00"), on("2026-11-02"))


def test_a_moment_without_a_time_zone_is_refused() -> None:
    for ask in (lambda t: next_start(OFFICE, t, never), lambda t: ends(OFFICE, t)):
        with pytest.raises(ValueError, match="must carry a time zone"):
            ask(datetime(2026, 11, 2, 12))  # noqa: DTZ001


# The clock is changed


def test_a_shift_that_begins_in_the_skipped_hour_begins_when_the_clock_goes_on() -> None:
    night = parse_hours("Sun 02:30-06:00")
    start = next_start(night, at("2026-03-29T00:00"), never)
    assert start == at("2026-03-29T03:00")
    assert offset_of(start) == 2
    assert ends(night, start) == at("2026-03-29T06:00")
    start = next_start(night, at("2026-03-08T00:00", NEW_YORK), never)
    assert (start, offset_of(start)) == (at("2026-03-08T03:00", NEW_YORK), -4)


def test_the_clock_goes_on_at_the_full_second_whatever_the_moment_asked_at() -> None:
    asked = at("2026-03-29T00:00:00.5")
    assert next_start(parse_hours("Sun 02:30-06:00"), asked, never) == at("2026-03-29T03:00")


def test_a_clock_that_skips_half_an_hour_skips_no_more() -> None:
    start = next_start(parse_hours("Sun 02:15-06:00"), at("2026-10-04T00:00", LORD_HOWE), never)
    assert (start, offset_of(start)) == (at("2026-10-04T02:30", LORD_HOWE), 11)


def test_a_shift_that_lies_in_the_skipped_hour_is_not_on_that_day() -> None:
    start = next_start(parse_hours("Sun 02:00-03:00"), at("2026-03-29T00:00"), never)
    assert start == at("2026-04-05T02:00")


def test_a_shift_over_the_skipped_hour_is_an_hour_shorter() -> None:
    night = parse_hours("Sat 22:00-06:00")
    end = ends(night, at("2026-03-28T22:00"))
    assert end == at("2026-03-29T06:00")
    assert end.astimezone(UTC) - at("2026-03-28T22:00").astimezone(UTC) == timedelta(hours=7)


def test_what_the_clock_repeats_is_worked_twice() -> None:
    early, late = at("2026-10-25T02:30"), at("2026-10-25T02:30", fold=1)
    hours = parse_hours("Sun 02:00-02:45")
    assert is_working(hours, early) and is_working(hours, late)
    assert offset_of(ends(hours, early)) == 2
    again = next_start(hours, at("2026-10-25T02:50"), never)
    assert again is not None
    assert (again.isoformat(), again.fold) == ("2026-10-25T02:00:00+01:00", 1)
    assert offset_of(ends(hours, late)) == 1
    assert ends(parse_hours("Sun 01:00-05:00"), late) == at("2026-10-25T05:00")


def test_a_day_that_a_country_left_out_has_no_shift() -> None:
    apia = ZoneInfo("Pacific/Apia")  # it went from Thursday 29 to Saturday 31 December 2011
    start = next_start(parse_hours("Fri-Sat 09:00-17:00"), at("2011-12-29T12:00", apia), never)
    assert start == at("2011-12-31T09:00", apia)


def test_a_day_that_begins_at_one_o_clock_has_its_shift_from_then() -> None:
    santiago = ZoneInfo("America/Santiago")
    start = next_start(parse_hours("Sun 00:00-08:00"), at("2026-09-05T12:00", santiago), never)
    assert (start, offset_of(start)) == (at("2026-09-06T01:00", santiago), -3)


CHANGES = {
    BERLIN: ("2026-03-29T01:00", "2026-10-25T01:00"),
    NEW_YORK: ("2026-03-08T07:00", "2026-11-01T06:00"),
    LORD_HOWE: ("2026-04-04T15:00", "2026-10-03T15:30"),
    ZoneInfo("America/Santiago"): ("2026-04-05T03:00", "2026-09-06T04:00"),
    ZoneInfo("America/St_Johns"): ("2007-03-11T03:31", "2007-11-04T02:31"),
}


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """A quarter of an hour from three days before to two after a change of a clock."""
    zone = draw(st.sampled_from(list(CHANGES)))
    change = datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone]))).replace(tzinfo=UTC)
    whole = change.replace(minute=change.minute // 15 * 15)
    return (whole + draw(st.integers(-3 * 96, 2 * 96)) * QUARTER).astimezone(zone)


def works(shifts: tuple[Shift, ...], moment: datetime, away: set[date]) -> bool:
    return is_working(shifts, moment) and moment.date() not in away


def steps(local: datetime, end: datetime) -> list[datetime]:
    """The quarters of an hour from `local` until before `end`, counted in true time."""
    begin = local.astimezone(UTC)
    count = int((end.astimezone(UTC) - begin) / QUARTER)
    return [(begin + n * QUARTER).astimezone(local.tzinfo) for n in range(min(count, 10 * 96))]


@settings(max_examples=200)
@given(local=moments(), shifts=shifts_of(15), data=st.data())
def test_the_next_start_is_working_time_and_nothing_before_it_is(
    local: datetime, shifts: tuple[Shift, ...], data: st.DataObject
) -> None:
    week = [local.date() + timedelta(days=n) for n in range(8)]
    away = data.draw(st.sets(st.sampled_from(week), max_size=4))
    start = next_start(shifts, local, away.__contains__)
    assert start is not None and start.tzinfo is local.tzinfo
    assert start.astimezone(UTC) >= local.astimezone(UTC)
    assert works(shifts, start, away)
    assert not any(works(shifts, moment, away) for moment in steps(local, start))


@settings(max_examples=200)
@given(local=moments(), shifts=shifts_of(15), data=st.data())
def test_until_the_end_everything_is_working_time_and_the_end_is_none(
    local: datetime, shifts: tuple[Shift, ...], data: st.DataObject
) -> None:
    away = data.draw(
        st.sets(st.sampled_from([local.date() + timedelta(days=n) for n in range(4)]), max_size=2)
    )
    if not works(shifts, local, away):
        with pytest.raises(ValueError, match="is no working time"):
            ends(shifts, local, away.__contains__)
        return
    end = ends(shifts, local, away.__contains__)
    if end is None:
        assert shifts == ALWAYS and not {day for day in away if day > local.date()}
        return
    assert not works(shifts, end, away)
    assert all(works(shifts, moment, away) for moment in steps(local, end))
