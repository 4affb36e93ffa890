"""The fairness statement: what each person of a team was due, what it cost them to be out, and what they got.

Formula: fairness.md section 4a. Amounts are in units, `U` of them are one lead; every column of costs sums to
zero over the team exactly, and opening + fair share - got = closing for everybody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from allocator.domain.lead import By, State
from rules.eligibility import Skipped, Why
from rules.shares import U
from rules.turn import Turn

BEYOND = "beyond the limit"
COLUMNS = (
    "turn", "delegated", "catch-up", "by hand", "override", BEYOND, "held", "given back", "queue", "gone",
)  # fmt: skip
"""Where a lead of the team can be: each is in exactly one. `gone`: somebody outside the team took it, or it
was converted or deleted, before anybody was given it."""
PEOPLES = COLUMNS[:6]
"""The columns of leads that a person of the team has."""
COUNTED = (*PEOPLES, "free", "served for others", "given up", "given back")
"""What a person's leads and turns are counted by. free: outside the rotation, at no charge. given up: they
were charged, and it is not theirs any more. given back: turns."""

_NOT_IN_TEAM = frozenset({Why.INACTIVE.value, Why.NOT_STARTED.value, Why.ENDED.value})
_SKILL = frozenset({Why.LANGUAGE.value, Why.TAGS.value, Why.NOT_FIRST.value})
_CAP = frozenset({Why.WEEKLY_CAP.value, Why.DAILY_CAP.value})
_HERE = frozenset({State.DECIDED, State.CONFIRMED, State.TAKEN})


# --- what a store counts ---


@dataclass(frozen=True, slots=True, eq=False)
class Eligibility:
    """Who stood for a lead, stored once for many turns: who earned, who could take it, and who was out."""

    weights: Mapping[str, int]
    shares: Mapping[str, int]
    able: tuple[str, ...] | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def could(self) -> tuple[str, ...]:
        return tuple(self.weights) if self.able is None else self.able


@dataclass(frozen=True, slots=True)
class TurnsAlike:
    """So many turns that differ in nothing a statement asks for. `stays`: the lead is still with who got it;
    it is not where they rejected it at their own charge."""

    lane: str
    kind: str
    owner: str
    payer: str
    paid: int
    given_back: bool
    stays: bool
    count: int
    who: Eligibility


@dataclass(frozen=True, slots=True)
class LeadsAlike:
    """So many leads that stand alike. `kind` and `paid` are those of the turn that stands for the current
    decision, None without one; `person` is that turn's owner, or who took the lead, or whom it was given."""

    lane: str
    state: State
    by: str | None
    person: str | None
    kind: str | None
    paid: bool
    given_back: bool
    count: int


@dataclass(frozen=True, slots=True)
class Account:
    """All that a team's statement is made of. `opening` maps (lane, Person ID) to credits before the period,
    `first` and `last` are the instants of the first and last lead in it."""

    turns: Sequence[TurnsAlike] = ()
    leads: Sequence[LeadsAlike] = ()
    opening: Mapping[tuple[str, str], int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def lanes(self) -> tuple[str, ...]:
        named = {t.lane for t in self.turns} | {one.lane for one in self.leads}
        return tuple(sorted(named | {lane for (lane, _), credit in self.opening.items() if credit}))


class ExportRow(NamedTuple):
    """A turn as `runs export --turns` shows it."""

    team: str
    lane: str
    lead: str
    at: datetime
    given_back: bool
    turn: Turn
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in the team's time zone, both included; None is open."""

    first: date | None = None
    last: date | None = None

    def bounds(self, zone: str) -> tuple[datetime | None, datetime | None]:
        """The instants between which it lies, the second one excluded."""
        end = None if self.last is None else self.last + timedelta(days=1)
        return _midnight(self.first, zone), _midnight(end, zone)


def _midnight(day: date | None, zone: str) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), tzinfo=ZoneInfo(zone))


# --- what a reader sees ---


@dataclass(frozen=True, slots=True)
class Line:
    """One person's statement. Amounts in units; `counts` in leads, by `COUNTED`.

    share_of_all - absence - skill - cap - limit = fair_share = got + owed. `absence`, `skill`, `cap` and
    `limit` are what was lost to each; below zero it is what others' loss brought.
    """

    id: str
    could_have: int
    share_of_all: int
    absence: int
    skill: int
    cap: int
    limit: int
    fair_share: int
    got: int
    opening: int
    totals_share: int
    has: int
    counts: Mapping[str, int]

    @property
    def owed(self) -> int:
        return self.fair_share - self.got

    @property
    def difference(self) -> int:
        """Got less fair share: above zero, more than due."""
        return self.got - self.fair_share

    @property
    def closing(self) -> int:
        return self.opening + self.owed


@dataclass(frozen=True, slots=True)
class Statement:
    """A team's statement over a period. `lane` None: all lanes together. `leads` counts by `COLUMNS`."""

    team: str
    lane: str | None
    first: date | None
    last: date | None
    lines: tuple[Line, ...]
    leads: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.leads.values())

    @property
    def given(self) -> int:
        """Leads that a person of the team has."""
        return sum(self.leads[name] for name in PEOPLES)

    @property
    def uneven(self) -> int:
        """What would have to change hands for everyone to be exactly even, in units."""
        return sum(max(line.closing, 0) for line in self.lines)


def statement(
    team: str, account: Account, period: Period, zone: str, *, lane: str | None = None
) -> Statement:
    """The statement of all lanes together, or of one. Days that are open are those of the leads."""
    sums = _Sums()
    for turns in _by_content(t for t in account.turns if lane in (None, t.lane)):
        sums.add(turns)
    leads = Counter(dict.fromkeys(COLUMNS, 0))
    for one in account.leads:
        if lane in (None, one.lane):
            leads[sums.add_lead(one)] += one.count
    for (own, person), credit in account.opening.items():
        if lane in (None, own):
            sums.units["opening"][person] += credit
    return Statement(
        team=team,
        lane=lane,
        first=period.first or _day(account.first, zone),
        last=period.last or _day(account.last, zone),
        lines=sums.lines(),
        leads=dict(leads),
    )


def column_of(one: LeadsAlike) -> str:
    """The one column that these leads are in."""
    if one.state is State.HELD:
        return "held"
    if one.state in _HERE and one.kind:
        return _kind(one.kind, paid=one.paid)
    if one.state in (State.DECIDED, State.CONFIRMED):
        return "queue" if one.by == By.FALLBACK_QUEUE else "override"
    if one.state is State.TAKEN and one.person:
        return "by hand"
    back = one.given_back or one.kind or one.state is State.WAITING
    return "given back" if back else "gone"


def _kind(kind: str, *, paid: bool) -> str:
    return kind if paid or kind == "catch-up" else BEYOND


def _day(at: datetime | None, zone: str) -> date | None:
    return None if at is None else at.astimezone(ZoneInfo(zone)).date()


def _by_content(turns: Iterable[TurnsAlike]) -> Iterator[list[TurnsAlike]]:
    found: dict[int, list[TurnsAlike]] = defaultdict(list)
    for one in turns:
        found[id(one.who)].append(one)
    yield from found.values()


# --- the sums ---


class _Sums:
    """Columns in the making: name -> Person ID -> amount."""

    def __init__(self) -> None:
        self.units: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, turns: Sequence[TurnsAlike]) -> None:
        """Turns for which the same people stood."""
        who, payers, standing = turns[0].who, Counter[str](), 0
        for one in turns:
            self._count(one)
            if not one.given_back:
                standing += one.count
                payers[one.payer] += one.count if one.paid else 0
        for person in who.could if standing else ():
            self.counts["could"][person] += standing
        if payers.total():
            self._earn(who, payers)

    def _count(self, one: TurnsAlike) -> None:
        if one.given_back:
            self.counts["given back"][one.owner] += one.count
            return
        kind = _kind(one.kind, paid=bool(one.paid))
        self.counts[kind][one.payer] += one.count
        if one.paid:
            self.counts["got"][one.payer] += one.count
        if one.owner != one.payer:
            self.counts["served for others"][one.owner] += one.count
        if not one.stays:
            self.counts["given up"][one.owner] += one.count

    def _earn(self, who: Eligibility, payers: Counter[str]) -> None:
        """A lead divided among each of the nested sets; what does not divide is the payer's."""
        for name, weights in _nested(who).items():
            whole = sum(weights.values())
            self._book(name, {i: weight * U // whole for i, weight in weights.items()}, payers)
        self._book("fair share", who.shares, payers)

    def _book(self, name: str, shares: Mapping[str, int], payers: Counter[str]) -> None:
        column, times, rest = self.units[name], payers.total(), U - sum(shares.values())
        for person, share in shares.items():
            column[person] += share * times
        for person, number in payers.items():
            column[person] += rest * number

    def add_lead(self, one: LeadsAlike) -> str:
        """Count leads as their person's; the column they are in."""
        column = column_of(one)
        if column in PEOPLES and one.person:
            self.counts["has"][one.person] += one.count
            if not one.kind:
                self.counts["free"][one.person] += one.count
        return column

    def lines(self) -> tuple[Line, ...]:
        columns = (*self.units.values(), *self.counts.values())
        people = {person for column in columns for person, amount in column.items() if amount}
        return tuple(self._line(person) for person in sorted(people))

    def _line(self, person: str) -> Line:
        units = {name: column[person] for name, column in self.units.items()}
        everybody, present, skilled, under_cap, fair = (
            units.get(name, 0) for name in ("team", "present", "skilled", "under cap", "fair share")
        )
        return Line(
            id=person,
            could_have=self.counts["could"][person],
            share_of_all=everybody,
            absence=everybody - present,
            skill=present - skilled,
            cap=skilled - under_cap,
            limit=under_cap - fair,
            fair_share=fair,
            got=self.counts["got"][person] * U,
            opening=units.get("opening", 0),
            totals_share=units.get("totals", 0),
            has=self.counts["has"][person],
            counts={name: self.counts[name][person] for name in COUNTED},
        )


def _nested(who: Eligibility) -> dict[str, Mapping[str, int]]:
    """team > present > skilled > under cap, with weights, and who is present and under cap for totals.

    Who earned is in all of them. Where a team counts totals, who lacks a skill earns too: there a skill costs
    nothing, and everybody present counts as skilled.
    """
    team, present, skilled, totals = (dict(who.weights) for _ in range(4))
    even = any(s.id in who.weights and s.reasons <= _SKILL for s in who.skipped)
    for one in who.skipped:
        reasons = one.reasons
        if one.id in who.weights or reasons & _NOT_IN_TEAM:
            continue
        team[one.id] = one.weight
        if reasons <= _SKILL | _CAP:
            present[one.id] = one.weight
        if reasons <= _CAP or (even and reasons <= _SKILL | _CAP):
            skilled[one.id] = one.weight
        if reasons <= _SKILL:
            totals[one.id] = one.weight
    return {
        "team": team,
        "present": present,
        "skilled": skilled,
        "under cap": who.weights,
        "totals": totals,
    }
