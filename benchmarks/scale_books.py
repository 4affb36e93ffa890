"""What the judge of a scale run keeps: leads, ledgers by team and lane, vouchers. Plain values."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from scale_world import CATCH_UP, Away, Group, Member

from rules.rotation import Rotation

U = math.lcm(*range(1, 37))


class Broken(Exception):
    """A promise does not hold: which one, and where."""


def must(holds: bool, promise: str, where: str) -> None:
    if not holds:
        raise Broken(f"{promise}: {where}")


@dataclass
class Asked:
    """A lead that a run decides, and what became of it before."""

    id: str
    created: datetime
    group: Group
    country: str
    staff: int
    match: Member | None = None
    held: bool = False
    epoch: int = 0
    hops: int = 0
    last: str | None = None
    back: set[str] = field(default_factory=set)
    owner: str | None = None

    @property
    def lane(self) -> str:
        return "hot" if self.group.lanes and self.staff >= 1000 else ""


@dataclass
class Stand:
    """Who may take a lead (E), whom a delegate serves, and who misses it only by an absence."""

    weights: dict[str, int]
    serves: dict[str, str]
    missed: dict[str, tuple[int, Away]]


@dataclass
class Voucher:
    expires: date
    person: str
    amount: int = 0
    earned: int = 0


@dataclass
class Taken:
    """What one turn changed."""

    lane: str
    sequence: int
    payer: str
    owner: str
    shares: Mapping[str, int]
    paid: int


@dataclass
class Lane:
    """A ledger, and what is watched over it."""

    credits: Counter[str] = field(default_factory=Counter)
    number: int = 0
    vouchers: dict[tuple[str, date], Voucher] = field(default_factory=dict)
    caught_up: bool = False
    back: int = 0
    constant: dict[str, int] | None = None
    got: Counter[str] = field(default_factory=Counter)
    other_got: Counter[str] = field(default_factory=Counter)
    run: tuple[str, int] = ("", 0)
    joiner: Joiner | None = None
    known: set[str] = field(default_factory=set)
    frozen: dict[str, tuple[date, int]] = field(default_factory=dict)


@dataclass
class Joiner:
    """Who joined, and the team from then on, for as long as it stays so."""

    id: str
    weights: dict[str, int]
    exact: bool
    turns: int = 0
    fair: int = 0
    got: int = 0


@dataclass
class Book:
    """One team: its lanes, last turns, and how many people it had at once."""

    lanes: dict[str, Lane] = field(default_factory=lambda: defaultdict(Lane))
    live: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    sequence: int = 0
    most: int = 0
    been: set[str] = field(default_factory=set)
    here: set[str] = field(default_factory=set)
    returns: int = 0
    others: Rotation = field(default_factory=Rotation)

    def last(self, person: str) -> int:
        return self.live[person][-1] if self.live[person] else 0

    def over_lanes(self, person: str) -> int:
        return sum(lane.credits[person] for lane in self.lanes.values())


def good(lane: Lane, person: str, day: date) -> list[Voucher]:
    every = lane.vouchers.values()
    return [v for v in every if v.person == person and v.amount > 0 and v.expires >= day]


def due(lane: Lane, stand: Stand, day: date) -> str | None:
    """Whose catch-up lead it is: of those with a lead or more to make good the first to expire."""
    if lane.caught_up:
        return None
    found = []
    for person in stand.weights:
        mine = good(lane, person, day)
        if sum(v.amount for v in mine) >= U:
            found.append((min(v.expires for v in mine), person))
    return min(found)[1] if found else None


def miss(lane: Lane, person: str, weight: int, away: Away, whole: int) -> None:
    expires = away.last + timedelta(days=CATCH_UP.expiry)
    one = lane.vouchers.setdefault((person, away.first), Voucher(expires, person))
    part = min(weight * U * CATCH_UP.rate // (100 * (whole + weight)), CATCH_UP.cap * U - one.earned)
    one.amount, one.earned, one.expires = one.amount + part, one.earned + part, expires
