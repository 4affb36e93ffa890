"""Who may take this lead now: the set E of fairness.md section 1, and why each other person may not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from rules.holiday_calendar import holiday
from rules.hours import Hours, is_working, next_start
from rules.model import Salesperson, Team

EmptyReason = Literal["nobody_available", "all_capped", "no_skill"]


class Why(StrEnum):
    """The closed list of reasons, in the order in which one is named when several hold.

    The order nests as the fairness statement does: in the team, present, skilled, under cap. A reason that
    the caller gives in `unusable` stands where CRM_INACTIVE stands and keeps its own text.
    """

    INACTIVE = "inactive"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    PAUSED = "paused"
    ABSENT = "absent"
    HOLIDAY = "holiday"
    OUTSIDE_HOURS = "outside_hours"
    CRM_INACTIVE = "crm_inactive"
    LANGUAGE = "language"
    TAGS = "tags"
    WEEKLY_CAP = "weekly_cap"
    DAILY_CAP = "daily_cap"
    NOT_FIRST = "not_first"


class Taken(NamedTuple):
    """Automatic leads a person got in this team so far: in the team's current day, and week from Monday."""

    day: int = 0
    week: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A person who may not take the lead.

    `why` is a text of `Why`, or the caller's own text for a person whom the CRM refuses; `also` holds what
    else would have stopped them, in the same order. `until` belongs to `why`, in the team's time zone: for an
    absence its last day, as the sheet's Until says (absences that follow each other count as one); for a
    pause its end as the caller gave it, a day or an instant; for a cap the day on which counting starts
    afresh; outside working hours the instant at which the next begin; for who has not started, the first day;
    else None. `weight` is the person's.
    """

    id: str
    why: str
    until: date | None = None
    also: tuple[str, ...] = ()
    weight: int = field(default=1, compare=False)

    @property
    def reasons(self) -> frozenset[str]:
        return frozenset((self.why, *self.also))


Paused = Mapping[str, datetime | date | None]
"""Person ID -> until when, None for until somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is asked of everybody: the team's clock and public holiday, the languages and tags to have."""

    team: Team
    local: datetime
    holiday: str | None
    languages: frozenset[str]
    tags: frozenset[str]

    @property
    def today(self) -> date:
        return self.local.date()


def moment_of(team: Team, facts: Mapping[str, object], now: datetime) -> Moment:
    """What a lead with these needs asks of the team at `now`. Raises ValueError when `now` has no zone."""
    if now.utcoffset() is None:
        raise ValueError("`now` must carry a time zone")
    local = now.astimezone(ZoneInfo(team.time_zone))
    name = holiday(team.holidays, local.date()) if team.holidays else None
    return Moment(team, local, name, _words(facts.get("language")), _words(facts.get("tags")))


def reasons_of(
    person: Salesperson,
    moment: Moment,
    taken: tuple[int, int],
    unusable: Mapping[str, str],
    paused: Paused,
) -> tuple[tuple[str, date | None], ...]:
    """Every reason why this person may not take the lead, with its end; none for who may."""
    return tuple(_reasons(person, moment, taken, unusable, paused))


def hours_of(person: Salesperson, team: Team) -> Hours:
    """Their own working hours, or the team's."""
    return team.hours if person.hours is None else person.hours


def is_away(person: Salesperson, team: Team, day: date) -> bool:
    """Whether this is a day off: an absence, a public holiday, or not within Start and End."""
    begun = not person.start or person.start <= day
    ended = person.end is not None and day > person.end
    absent = any(a.from_ <= day <= a.until for a in person.absences)
    return not begun or ended or absent or bool(team.holidays and holiday(team.holidays, day))


def why_empty(skipped: Iterable[Skipped]) -> EmptyReason:
    """The held reason (contracts.md section 2) that fits when nobody may take the lead.

    no_skill: nobody who belongs to the team (inactive and ended rows do not) has the language and the tags,
    so waiting cannot help. all_capped: somebody is stopped by a cap alone. Else nobody_available.
    """
    everybody = tuple(s.reasons for s in skipped)
    members = [r for r in everybody if not r & {Why.INACTIVE, Why.ENDED}]
    if members and all(r & {Why.LANGUAGE, Why.TAGS} for r in members):
        return "no_skill"
    if any(r <= {Why.DAILY_CAP, Why.WEEKLY_CAP} for r in members):
        return "all_capped"
    return "nobody_available"


def _words(value: object) -> frozenset[str]:
    """ "de", "a, b" or a sequence of texts, folded."""
    if value is None:
        return frozenset()
    parts = re.split("[,;]", value) if isinstance(value, str) else value
    if not isinstance(parts, Iterable):
        raise TypeError(f"a language or tags must be text, not {type(value).__name__}")
    return frozenset(word for part in parts if (word := str(part).strip().casefold()))


def _reasons(
    person: Salesperson,
    moment: Moment,
    taken: tuple[int, int],
    unusable: Mapping[str, str],
    paused: Paused,
) -> Iterator[tuple[str, date | None]]:
    yield from _not_in_team(person, moment.today)
    if person.id in paused:
        yield Why.PAUSED.value, paused[person.id]
    yield from _not_here(person, moment)
    if person.id in unusable:
        yield unusable[person.id] or Why.CRM_INACTIVE.value, None
    if not moment.languages <= _words(person.languages):
        yield Why.LANGUAGE.value, None
    if not moment.tags <= _words(person.tags):
        yield Why.TAGS.value, None
    yield from _capped(person, moment.today, taken)


def _not_in_team(person: Salesperson, today: date) -> Iterator[tuple[str, date | None]]:
    if not person.active:
        yield Why.INACTIVE.value, None
    if person.start and today < person.start:
        yield Why.NOT_STARTED.value, person.start
    if person.end and today > person.end:
        yield Why.ENDED.value, None


def _not_here(person: Salesperson, moment: Moment) -> Iterator[tuple[str, date | None]]:
    if back := _away_until(person, moment.today):
        yield Why.ABSENT.value, back
    if moment.holiday:
        yield Why.HOLIDAY.value, moment.today
    hours = hours_of(person, moment.team)
    if not is_working(hours, moment.local):
        away = partial(is_away, person, moment.team)
        yield Why.OUTSIDE_HOURS.value, next_start(hours, moment.local, away)


def _away_until(person: Salesperson, today: date) -> date | None:
    """The last day of the absence that holds today, absences that overlap or touch being one."""
    last: date | None = None
    for absence in sorted(person.absences, key=lambda a: a.from_):
        day = last + min(timedelta(days=1), date.max - last) if last else today
        if absence.from_ <= day <= absence.until:
            last = absence.until
    return last


def _capped(person: Salesperson, today: date, taken: tuple[int, int]) -> Iterator[tuple[str, date | None]]:
    day, week = taken
    if person.weekly_cap is not None and week >= person.weekly_cap:
        yield Why.WEEKLY_CAP.value, today + timedelta(days=7 - today.weekday())
    if person.daily_cap is not None and day >= person.daily_cap:
        yield Why.DAILY_CAP.value, today + timedelta(days=1)
