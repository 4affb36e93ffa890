"""Who may take this lead now: the set E of fairness.md section 1, and why each other person may not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

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
    afresh; for who has not started, the first day; else None.
    """

    id: str
    why: str
    until: date | None = None
    also: tuple[str, ...] = ()

    @property
    def reasons(self) -> frozenset[str]:
        return frozenset((self.why, *self.also))


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is asked of everybody: the team's day, the languages and tags the lead needs."""

    today: date
    languages: frozenset[str]
    tags: frozenset[str]


def eligible(
    team: Team,
    facts: Mapping[str, object],
    now: datetime,
    taken: Mapping[str, Taken | tuple[int, int]],
    *,
    unusable: Mapping[str, str] | None = None,
    not_first: frozenset[str] = frozenset(),
    paused: Mapping[str, datetime | date | None] | None = None,
) -> tuple[dict[str, int], tuple[Skipped, ...]]:
    """Who of the team may take a lead at `now`, with weights, and everybody else with the reason.

    `facts` are a decision's needs: `language` ("de") and `tags` (a tuple, or "a, b"); every one is asked
    for, compared without case. `taken` counts the automatic leads of this team's current day and week,
    missing meaning none. `unusable` says whom the CRM refuses and why, `paused` who is out at once and until
    when. Who is in `not_first` stands back while anybody else can. Days are whole days in the team's time
    zone, both ends included.

    Both results are in code-point order of the Person ID, whatever the order of the sheet; together they hold
    everybody of the team once. Raises ValueError when `now` has no zone.
    """
    moment = _moment(team, facts, now)
    candidates: dict[str, int] = {}
    skipped: list[Skipped] = []
    for person in sorted(team.people, key=lambda p: p.id):
        given = taken.get(person.id, (0, 0))
        reasons = tuple(_reasons(person, moment, given, unusable or {}, paused or {}))
        if reasons:
            (why, until), *others = reasons
            skipped.append(Skipped(person.id, why, until, tuple(w for w, _ in others)))
        else:
            candidates[person.id] = person.weight
    return _first_choice(candidates, skipped, not_first)


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


def _moment(team: Team, facts: Mapping[str, object], now: datetime) -> _Moment:
    if now.utcoffset() is None:
        raise ValueError("`now` must carry a time zone")
    today = now.astimezone(ZoneInfo(team.time_zone)).date()
    return _Moment(today, _words(facts.get("language")), _words(facts.get("tags")))


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
    moment: _Moment,
    taken: tuple[int, int],
    unusable: Mapping[str, str],
    paused: Mapping[str, datetime | date | None],
) -> Iterator[tuple[str, date | None]]:
    yield from _not_here(person, moment.today, paused)
    if person.id in unusable:
        yield unusable[person.id] or Why.CRM_INACTIVE.value, None
    if not moment.languages <= _words(person.languages):
        yield Why.LANGUAGE.value, None
    if not moment.tags <= _words(person.tags):
        yield Why.TAGS.value, None
    yield from _capped(person, moment.today, taken)


def _not_here(
    person: Salesperson, today: date, paused: Mapping[str, datetime | date | None]
) -> Iterator[tuple[str, date | None]]:
    if not person.active:
        yield Why.INACTIVE.value, None
    if person.start and today < person.start:
        yield Why.NOT_STARTED.value, person.start
    if person.end and today > person.end:
        yield Why.ENDED.value, None
    if person.id in paused:
        yield Why.PAUSED.value, paused[person.id]
    if back := _away_until(person, today):
        yield Why.ABSENT.value, back


def _away_until(person: Salesperson, today: date) -> date | None:
    """The last day of the absence that holds today, absences that overlap or touch being one."""
    last: date | None = None
    for absence in sorted(person.absences, key=lambda a: a.from_):
        day = last + timedelta(days=1) if last else today
        if absence.from_ <= day <= absence.until:
            last = absence.until
    return last


def _capped(person: Salesperson, today: date, taken: tuple[int, int]) -> Iterator[tuple[str, date | None]]:
    day, week = taken
    if person.weekly_cap is not None and week >= person.weekly_cap:
        yield Why.WEEKLY_CAP.value, today + timedelta(days=7 - today.weekday())
    if person.daily_cap is not None and day >= person.daily_cap:
        yield Why.DAILY_CAP.value, today + timedelta(days=1)


def _first_choice(
    candidates: dict[str, int], skipped: list[Skipped], not_first: frozenset[str]
) -> tuple[dict[str, int], tuple[Skipped, ...]]:
    first = {i: weight for i, weight in candidates.items() if i not in not_first}
    if not first or len(first) == len(candidates):
        return candidates, tuple(skipped)
    back = (Skipped(i, Why.NOT_FIRST.value) for i in candidates if i in not_first)
    return first, tuple(sorted((*skipped, *back), key=lambda s: s.id))
