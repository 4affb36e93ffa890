"""How a team stands for one lead: everybody in the lineup, or skipped with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from rules.eligibility import (
    Moment,
    Paused,
    Skipped,
    Taken,
    Why,
    hours_of,
    is_away,
    moment_of,
    reasons_of,
)
from rules.hours import next_start
from rules.lineup import MOST, Lineup
from rules.model import Absence, Salesperson, Team
from rules.shares import split_of
from rules.vouchers import Missed, missed

_UNSKILLED = frozenset({Why.LANGUAGE, Why.TAGS, Why.NOT_FIRST})
"""What stops somebody who is present and under cap from taking this lead."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`lineup` is who stands for the lead, None when nobody may take it; `skipped` is everybody else.

    With a delegate who serves for them, an absentee is in the lineup. Everybody of the team is there once.
    """

    lineup: Lineup | None
    skipped: tuple[Skipped, ...]


def eligible(
    team: Team,
    facts: Mapping[str, object],
    now: datetime,
    taken: Mapping[str, Taken | tuple[int, int]],
    *,
    unusable: Mapping[str, str] | None = None,
    not_first: frozenset[str] = frozenset(),
    paused: Paused | None = None,
) -> tuple[dict[str, int], tuple[Skipped, ...]]:
    """Who of the team may take a lead at `now`, with weights, and everybody else with the reason.

    `facts` are a decision's needs: `language` ("de") and `tags` (a tuple, or "a, b"); every one is asked
    for, compared without case. `taken` counts the leads of this team's current day and week, missing meaning
    none. `unusable` says whom the CRM refuses and why, `paused` who is out at once and until when. Who is in
    `not_first` stands back while anybody else can. Days are whole days in the team's time zone, both ends
    included.

    Both results are in code-point order of the Person ID, whatever the order of the sheet; together they hold
    everybody of the team once. Raises ValueError when `now` has no zone.
    """
    found = line_up(team, facts, now, taken, unusable=unusable, not_first=not_first, paused=paused)
    return dict(found.lineup.able) if found.lineup else {}, found.skipped


def line_up(
    team: Team,
    facts: Mapping[str, object],
    now: datetime,
    taken: Mapping[str, Taken | tuple[int, int]],
    *,
    unusable: Mapping[str, str] | None = None,
    not_first: frozenset[str] = frozenset(),
    paused: Paused | None = None,
) -> Standing:
    """`eligible`, with who else earns, who is served by a delegate, and who misses the lead (section 3)."""
    moment = moment_of(team, facts, now)
    reasons = {
        person.id: reasons_of(person, moment, taken.get(person.id, (0, 0)), unusable or {}, paused or {})
        for person in team.people
    }
    everybody = _Everybody(team, moment, reasons)
    if team.outside_hours == "next":
        everybody.let_who_works_next()
    everybody.let_stand_back(not_first)
    return everybody.standing()


class _Everybody:
    """A team's people with every reason against each, in code-point order."""

    def __init__(
        self, team: Team, moment: Moment, reasons: dict[str, tuple[tuple[str, date | None], ...]]
    ) -> None:
        self.team, self.moment, self.reasons = team, moment, reasons
        self.people = {person.id: person for person in sorted(team.people, key=lambda p: p.id)}

    def let_who_works_next(self) -> None:
        """At night the lead is for whoever works next, if nobody works now.

        Who would work by then too, but for an absence, lacks only what they lack by day as well.
        """
        if not all(self.reasons.values()):
            return
        starts = {i: self._next_start(p) for i, p in self.people.items() if self._only(i, Why.OUTSIDE_HOURS)}
        first = min((start for start in starts.values() if start), default=None)
        if first is None:
            return
        for i, start in starts.items():
            if start == first:
                self.reasons[i] = ()
        for i, person in self.people.items():
            if Why.OUTSIDE_HOURS in self._whys(i) and self._would_work_by(first, person):
                self.reasons[i] = tuple(r for r in self.reasons[i] if r[0] != Why.OUTSIDE_HOURS)

    def _would_work_by(self, first: datetime, person: Salesperson) -> bool:
        start = self._next_start(replace(person, absences=()))
        return start is not None and start <= first

    def _next_start(self, person: Salesperson) -> datetime | None:
        hours = hours_of(person, self.team)
        return next_start(hours, self.moment.local, lambda day: is_away(person, self.team, day))

    def let_stand_back(self, not_first: frozenset[str]) -> None:
        """Who is not first choice is out while anybody else can."""
        able = [i for i, why in self.reasons.items() if not why]
        if any(i not in not_first for i in able):
            for i in not_first.intersection(able):
                self.reasons[i] = ((Why.NOT_FIRST.value, None),)

    def standing(self) -> Standing:
        able = {i: p.weight for i, p in self.people.items() if not self.reasons[i]}
        serves = self._serves(able)
        policy = self.team.after_absence
        misses = self._missed(serves) if policy and able else {}
        if self.team.delegate == "delegate":
            for absentee, delegate in serves.items():
                able[delegate] += self.people[absentee].weight
            serves = {}
        able = dict(sorted({**able, **{i: self.people[i].weight for i in serves}}.items()))
        skipped = tuple(self._skipped(i) for i in self.people if i not in able)
        if not able:
            return Standing(None, skipped)
        split = split_of(self._earning(able), most=MOST)
        whole = split.weights if split.weights == able else able
        return Standing(Lineup(whole, split, serves, misses, policy, self.moment.today), skipped)

    def _earning(self, able: dict[str, int]) -> dict[str, int]:
        """Whose shares count: E, or where totals are to be even everybody who is present and under cap."""
        if self.team.fairness == "turns":
            return able
        lacking = {i for i in self.people if i not in able and _UNSKILLED.issuperset(self._whys(i))}
        return {**able, **{i: self.people[i].weight for i in lacking}}

    def _serves(self, able: Mapping[str, int]) -> dict[str, str]:
        """Absentee -> delegate, for who is out only by an absence with a delegate who can take the lead."""
        if self.team.delegate == "none":
            return {}
        away = (i for i in self.people if self._only(i, Why.ABSENT))
        named = {i: [a.delegate for a in self._absences(i) if a.delegate in able] for i in away}
        return {i: delegates[0] or "" for i, delegates in named.items() if delegates}

    def _missed(self, served: Mapping[str, str]) -> dict[str, Missed]:
        found = {}
        for i, person in self.people.items():
            if i not in served and self._only(i, Why.ABSENT):
                policy = self.team.after_absence
                misses = [missed(absence, person.weight, policy) for absence in self._absences(i)]
                if best := max(filter(None, misses), key=lambda miss: miss.rate, default=None):
                    found[i] = best
        return found

    def _absences(self, i: str) -> list[Absence]:
        today = self.moment.today
        return [a for a in self.people[i].absences if a.from_ <= today <= a.until]

    def _only(self, i: str, why: Why) -> bool:
        return self._whys(i) == (why.value,)

    def _whys(self, i: str) -> tuple[str, ...]:
        return tuple(why for why, _ in self.reasons[i])

    def _skipped(self, i: str) -> Skipped:
        (why, until), *others = self.reasons[i]
        return Skipped(i, why, until, tuple(w for w, _ in others), self.people[i].weight)
