"""Days ahead on which nobody of a team is there, though somebody would work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from rules.holiday_calendar import holiday
from rules.model import RoutingTables, Salesperson, Team


class Gap(NamedTuple):
    """Days on which nobody of a team is there, both included."""

    team: str
    first: date
    last: date


class _Day(Enum):
    """STAFFED: somebody is there; EMPTY: nobody, on a day of work; OFF: nobody works on this weekday."""

    STAFFED = 1
    EMPTY = 2
    HOLIDAY = 3
    OFF = 4


def days_without_anybody(tables: RoutingTables, today: date, days: int = 28) -> tuple[Gap, ...]:
    """Days from `today` on, `days` of them, on which nobody who is active in a team is there.

    Absences, Start and End count, caps do not. Public holidays of the team's calendar and days outside its
    working hours are told only together with a working day on which nobody is there: alone they are as the
    team wants it.
    """
    return tuple(gap for team in tables.teams for gap in _gaps(team, today, days))


def _gaps(team: Team, today: date, days: int) -> Iterator[Gap]:
    ahead = [(day, _kind(team, day)) for day in (today + timedelta(days=n) for n in range(days))]
    for staffed, run in groupby(ahead, key=lambda one: one[1] is _Day.STAFFED):
        kinds = dict(run)
        if not staffed and _Day.EMPTY in kinds.values():
            whole = [day for day, kind in kinds.items() if kind is not _Day.OFF]
            yield Gap(team.name, whole[0], whole[-1])


def _kind(team: Team, day: date) -> _Day:
    if team.holidays and holiday(team.holidays, day):
        return _Day.HOLIDAY
    workers = [person for person in team.people if person.active and _works(person, team, day)]
    if any(_is_there(person, day) for person in workers):
        return _Day.STAFFED
    never = not any(person.active for person in team.people)
    return _Day.EMPTY if workers or never else _Day.OFF


def _works(person: Salesperson, team: Team, day: date) -> bool:
    hours = team.hours if person.hours is None else person.hours
    return hours is None or any(shift.weekday == day.weekday() for shift in hours)


def _is_there(person: Salesperson, day: date) -> bool:
    joined = not person.start or person.start <= day
    left = person.end is not None and person.end < day
    return joined and not left and not any(a.from_ <= day <= a.until for a in person.absences)
