"""Ways of taking turns that `fairness.py` compares: the product's ledger beside eight others.

The others are models, written from what the products document and publicly do; none of their code is here.
What is the same for all: who cannot take a lead (away, other language) is never given it, who stands in the
list and in which order does not change, and a rule sees a lead when an hourly run brings it. What each model
leaves out is said at its class, and it is left out in the product's favour where there is a choice.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from rules.lineup import Lineup
from rules.rotation import Rotation, split_of

Able = Mapping[str, int]
"""Who could take a lead, in the order of the list, with weights."""


@dataclass(frozen=True, slots=True)
class Team:
    """`people` in the order of the list; `speakers` of each language in the same order."""

    people: tuple[str, ...]
    weights: Mapping[str, int]
    speakers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Run:
    """One hourly run: `hour` counts from the first midnight, `leads` are the languages they ask for."""

    day: date
    hour: int
    leads: tuple[str, ...]
    away: frozenset[str] = field(default=frozenset())


class Rule(ABC):
    """A way of taking turns. `weighs`: it knows that some people are to get more than others."""

    name: ClassVar[str]
    used_by: ClassVar[str] = ""
    weighs: ClassVar[bool] = False

    def __init__(self, team: Team, chance: random.Random) -> None:
        self.team = team
        self.chance = chance

    def begin(self, run: Run) -> None:  # noqa: B027 - most rules need nothing here
        """A run starts."""

    @abstractmethod
    def pick(self, language: str, able: Able) -> str | None:
        """Who of `able` (never empty) takes the next lead; None: it waits for the next run."""


def following(people: Sequence[str], last: str | None, able: Able) -> str:
    """The next in the list after `last` who is able; from its top when `last` is not in it."""
    start = people.index(last) + 1 if last in people else 0
    return next(person for person in (*people[start:], *people[:start]) if person in able)


class IndexPointer(Rule):
    """One list, and who was last: the next in it takes the lead.

    Simplified: neither looks at absences when it picks, so both would give leads to who is away; here the
    pointer goes on to the next who can take the lead. A changed list can restart it; here it never changes.
    The pointer of SuiteCRM, which each log-in session keeps for itself, is one pointer here.
    """

    name = "index pointer"
    used_by = "Frappe, SuiteCRM"

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._last: str | None = None

    def pick(self, language: str, able: Able) -> str:
        self._last = following(self.team.people, self._last, able)
        return self._last


class PointerPerLanguage(Rule):
    """The same with a list and a pointer for each language, which is how a careful administrator sets it up.

    Simplified as the pointer above.
    """

    name = "index pointer per language"
    used_by = "Frappe, SuiteCRM"

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._last: dict[str, str] = {}

    def pick(self, language: str, able: Able) -> str:
        chosen = following(self.team.speakers[language], self._last.get(language), able)
        self._last[language] = chosen
        return chosen


class AfterNewest(Rule):
    """Of those who can take the lead, who stands in the list after the owner of their newest lead.

    Simplified: newest is the one given last, not the one created last; a user away counts as inactive.
    """

    name = "after the newest record's owner"
    used_by = "EspoCRM"

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._given = dict.fromkeys(team.people, 0)

    def pick(self, language: str, able: Able) -> str:
        newest = max(able, key=self._given.__getitem__)
        chosen = following(tuple(able), newest if self._given[newest] else None, able)
        self._given[chosen] = max(self._given.values()) + 1
        return chosen


class LeastRecent(Rule):
    """Who has waited longest for a lead; nobody yet first, in the order of the list.

    Simplified: one waiting order for the team; leads taken by hand and limits of load do not occur.
    """

    name = "least recently assigned"
    used_by = "Chatwoot, Dynamics 365"

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._given = dict.fromkeys(team.people, 0)

    def pick(self, language: str, able: Able) -> str:
        chosen = min(able, key=self._given.__getitem__)
        self._given[chosen] = max(self._given.values()) + 1
        return chosen


class DailyQuota(Rule):
    """In each run, round after round by what is left of everybody's quota of a day; equal quotas by lot.

    A quota is a capacity for 30 days divided by 30, less the leads of the last 24 hours; what is over all
    quotas waits. Simplified: who is away counts as opted out; oldest leads first (not by probability of
    success), no preferred leads; capacities add up to 360, 12 a day, which keeps up with the leads and needs
    no rounding (small capacities would be rounded to no lead at all).
    """

    name = "daily quota, ties by lot"
    used_by = "Odoo"
    weighs = True
    TEAM_A_DAY = 12

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        whole = sum(team.weights.values())
        self._quota = {p: self.TEAM_A_DAY * weight // whole for p, weight in team.weights.items()}
        self._given: dict[str, deque[int]] = {person: deque() for person in team.people}
        self._left: dict[str, int] = {}
        self._queue: list[str] = []
        self._hour = 0

    def begin(self, run: Run) -> None:
        self._hour = run.hour
        for hours in self._given.values():
            while hours and hours[0] <= run.hour - 24:
                hours.popleft()
        self._left = {p: quota - len(self._given[p]) for p, quota in self._quota.items()}
        order = {person: (-left, self.chance.random()) for person, left in self._left.items() if left > 0}
        self._queue = sorted(order, key=order.__getitem__)

    def pick(self, language: str, able: Able) -> str | None:
        chosen = next((person for person in self._queue if person in able), None)
        if chosen is None:
            return None
        self._given[chosen].append(self._hour)
        self._left[chosen] -= 1
        self._queue.remove(chosen)
        if self._left[chosen] > 0:
            self._queue.append(chosen)
        return chosen


class LowestCount(Rule):
    """Who has the fewest leads this month for their weight; equal counts in the order of the list.

    Simplified: counts start at zero with each month and know nothing of absences, as a counter field does.
    """

    name = "lowest count, new each month"
    used_by = "home-made flows"
    weighs = True

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._month = 0
        self._counts: Counter[str] = Counter()

    def begin(self, run: Run) -> None:
        if run.day.month != self._month:
            self._month = run.day.month
            self._counts.clear()

    def pick(self, language: str, able: Able) -> str:
        chosen = min(able, key=lambda person: self._counts[person] / able[person])
        self._counts[chosen] += 1
        return chosen


class Shortfall(Rule):
    """Who is furthest below their part of this month's leads, absences made up by an average.

    The part is weight / weights of all who speak the language, of what they all got this month plus all
    calibrations; a person's calibration is what the others got, on average, while that person was away this
    month. Equal shortfalls: the higher weight, then who has waited longest. Simplified: absences are known
    by day from the first hour on; nobody joins, so the calibration of new hosts does not occur; who is
    busy at the hour of a meeting does not occur.
    """

    name = "shortfall with calibration"
    used_by = "cal.com"
    weighs = True

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._month = 0
        self._away: frozenset[str] = frozenset()
        self._got: Counter[str] = Counter()
        self._missed: dict[str, Counter[str]] = {person: Counter() for person in team.people}
        self._last = dict.fromkeys(team.people, 0)

    def begin(self, run: Run) -> None:
        self._away = run.away
        if run.day.month != self._month:
            self._month = run.day.month
            self._got.clear()
            self._missed = {person: Counter() for person in self.team.people}

    def pick(self, language: str, able: Able) -> str:
        short = self._shortfalls(language, able) if len(able) > 1 else dict(able)
        chosen = max(able, key=lambda person: (short[person], able[person], -self._last[person]))
        self._got[chosen] += 1
        self._last[chosen] = max(self._last.values()) + 1
        for person in self._away:
            self._missed[person][chosen] += 1
        return chosen

    def _shortfalls(self, language: str, able: Able) -> dict[str, int]:
        """Times the sum of weights and the number of others, so that all are whole and ties are ties."""
        hosts = self.team.speakers[language]
        others, whole = len(hosts) - 1, sum(self.team.weights[host] for host in hosts)
        missed = {host: sum(self._missed[host][other] for other in hosts) for host in hosts}
        due = sum(self._got[host] for host in hosts) * others + sum(missed.values())
        return {p: due * able[p] - whole * (self._got[p] * others + missed[p]) for p in able}


class WeightedRandom(Rule):
    """A draw by weight among those who can take the lead. Nothing is simplified."""

    name = "weighted random"
    used_by = "home-made flows"
    weighs = True

    def pick(self, language: str, able: Able) -> str:
        return self.chance.choices(tuple(able), weights=tuple(able.values()))[0]


class CreditLedger(Rule):
    """The product's own rotation, as it is: one team, one lane, the default limit."""

    name = "credit ledger"
    used_by = "this product"
    weighs = True

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._rotation = Rotation()

    def pick(self, language: str, able: Able) -> str:
        return self._rotation.take("", able).owner

    def credits(self) -> Mapping[str, int]:
        """What its own books say, in units."""
        return self._rotation.ledger("").credits


class LedgerByTotals(Rule):
    """The product's own rotation for a team whose sheet says Fairness `totals`, with the default limit."""

    name = "credit ledger, by totals"
    used_by = "this product"
    weighs = True

    def __init__(self, team: Team, chance: random.Random) -> None:
        super().__init__(team, chance)
        self._rotation = Rotation()
        self._away: frozenset[str] = frozenset()

    def begin(self, run: Run) -> None:
        self._away = run.away

    def pick(self, language: str, able: Able) -> str:
        weights = self.team.weights
        present = split_of({p: weights[p] for p in self.team.people if p not in self._away})
        return self._rotation.take("", Lineup(able, present)).owner


RULES: tuple[type[Rule], ...] = (
    IndexPointer,
    PointerPerLanguage,
    AfterNewest,
    LeastRecent,
    DailyQuota,
    LowestCount,
    Shortfall,
    WeightedRandom,
    LedgerByTotals,
    CreditLedger,
)
