"""A company that changes for years: people join, leave, move, fall ill; teams get leads in bursts.

Plain mutable values with their own idea of who is there. `tables` writes them down as routing tables, which
is all that the product sees of them; scale_judge.py reads the plain values and nothing of the product.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from rules.cells import parse_cell
from rules.facts import default_facts
from rules.model import Absence, CatchUp, KnownValue, Layer, RoutingTables, Row, Salesperson, Team
from rules.vocabulary import vocabulary

START = datetime(2026, 11, 2, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
LANGUAGES = {"DE": "de", "FR": "fr"}
COUNTRIES = ("US",) * 10 + ("GB",) * 5 + ("DE",) * 4 + ("FR",)
CATCH_UP = CatchUp(rate=100, cap=3, expiry=30, pace=1)
FACTS = default_facts()

EVENTS_A_WEEK = 2_000 / 104
"""Joins, leaves and absences of 500 people."""
OTHERS_A_WEEK = 500 / 104
"""Weights, moves, renames, re-ordered sheets, caps, skills."""


@dataclass
class Away:
    """Days off, both ends included."""

    first: date
    last: date
    delegate: str | None = None


@dataclass
class Member:
    id: str
    name: str
    weight: int = 1
    daily: int | None = None
    weekly: int | None = None
    languages: set[str] = field(default_factory=set)
    active: bool = True
    end: date | None = None
    away: list[Away] = field(default_factory=list)

    @property
    def crm(self) -> str:
        return f"005{self.id[1:]:>012}AAA".replace(" ", "0")

    def gone(self, day: date) -> bool:
        return not self.active or (self.end is not None and day > self.end)

    def absence(self, day: date) -> Away | None:
        return next((a for a in self.away if a.first <= day <= a.last), None)


@dataclass
class Group:
    """A team. In `calm` ones nobody is ever away; their first weeks are the constant team of F1 and F3."""

    name: str
    zone: ZoneInfo
    members: list[Member] = field(default_factory=list)
    calm: bool = False
    lanes: bool = False
    delegates: bool = False
    catches_up: bool = False
    refunds: bool = False

    def day(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()


class Company:
    """Everybody there is, changed in place by what happens to them."""

    def __init__(self, people: int, teams: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.groups = [self._group(number, teams) for number in range(teams)]
        self.counts: dict[str, int] = {}
        self.version = self._people = 0
        for number in range(people):
            self._hire(self.groups[number % teams])
        self._written: RoutingTables | None = None
        self._layers = _layers(self.groups)

    def _group(self, number: int, teams: int) -> Group:
        calm = number < max(2, teams // 20)
        kind = -1 if calm else number % 10 if teams >= 10 else 4 + number % 6
        zone = ZoneInfo(ZONES[number % len(ZONES)])
        return Group(
            f"Team {number:03}", zone, calm=calm, lanes=kind in (2, 3, 8), delegates=kind in (4, 5, 7),
            catches_up=kind == 6, refunds=kind in (7, 8),
        )  # fmt: skip

    def _hire(self, group: Group) -> Member:
        self._people += 1
        speaks = {word for word, part in (("de", 0.6), ("fr", 0.4)) if self.chance.random() < part}
        weight = self.chance.choice((1, 1, 1, 2, 3)) if group.name[-1] in "1357" else 1
        one = Member(f"P{self._people:05}", f"Person {self._people}", weight, languages=speaks)
        if not group.calm and self.chance.random() < 0.3:
            one.daily, one.weekly = self.chance.randint(3, 8), self.chance.choice((None, 15, 20))
        group.members.append(one)
        return one

    # --- what happens ---

    def happens(self, hours: int, people: float) -> list[tuple[int, str]]:
        """(hour, what), in order: for 500 people as often as in the two years."""
        part = hours / 168 * people / 500
        changes = ["absence"] * 13 + ["join"] * 3 + ["leave"] * 3
        others = ["weight", "move", "rename", "order", "caps", "skills"]
        kinds = self.chance.choices(changes, k=round(EVENTS_A_WEEK * part))
        kinds += self.chance.choices(others, k=round(OTHERS_A_WEEK * part))
        found = [(self.chance.randrange(hours), kind) for kind in kinds]
        return sorted([*found, (hours // 3, "calm_join"), (hours // 2, "calm_leave")])

    def happen(self, what: str, now: datetime) -> None:
        """One change, to somebody; what cannot be at the moment does not happen."""
        lively = [g for g in self.groups if not g.calm]
        if getattr(self, f"_{what}")(self.chance.choice(lively), now):
            self.counts[what] = self.counts.get(what, 0) + 1
            self.version += 1
            self._written = None

    def _absence(self, group: Group, now: datetime) -> bool:
        one, today = self._anybody(group, now), group.day(now)
        first = today + timedelta(days=self.chance.randint(0, 3))
        last = first + timedelta(days=self.chance.choice((0, 0, 1, 2, 4, 11)))
        if one is None or any(a.last >= first - timedelta(days=1) for a in one.away):
            return False
        others = [m.id for m in group.members if m is not one and not m.gone(today)]
        delegate = self.chance.choice(others) if group.delegates and others else None
        one.away = [
            *[a for a in one.away if a.last >= today - timedelta(days=60)],
            Away(first, last, delegate),
        ]
        return True

    def _join(self, group: Group, now: datetime) -> bool:
        """To the smallest of three teams."""
        self._hire(min(self.chance.sample(self.groups, 3), key=lambda g: (g.calm, len(g.members))))
        return True

    def _leave(self, group: Group, now: datetime) -> bool:
        """The row goes, or says End, or is not Active; the other two go with the next who leaves."""
        one, today = self._anybody(group, now), group.day(now)
        if one is None or len(self._there(group, now)) < 3:
            return False
        group.members = [m for m in group.members if not m.gone(today)]
        how = self.chance.randrange(3)
        if how == 0:
            group.members.remove(one)
        elif how == 1:
            one.end = today
        else:
            one.active = False
        return True

    def _move(self, group: Group, now: datetime) -> bool:
        one = self._anybody(group, now)
        other = self.chance.choice([g for g in self.groups if not g.calm])
        if one is None or other is group or len(self._there(group, now)) < 3:
            return False
        group.members.remove(one)
        other.members.append(one)
        return True

    def _weight(self, group: Group, now: datetime) -> bool:
        return self._change(group, now, "weight", self.chance.randint(1, 3))

    def _rename(self, group: Group, now: datetime) -> bool:
        return self._change(group, now, "name", f"Renamed {self.version}")

    def _caps(self, group: Group, now: datetime) -> bool:
        caps = self.chance.choice((None, self.chance.randint(3, 8)))
        return self._change(group, now, "daily", caps)

    def _skills(self, group: Group, now: datetime) -> bool:
        return self._change(group, now, "languages", set(self.chance.sample(("de", "fr"), 1)))

    def _order(self, group: Group, now: datetime) -> bool:
        self.chance.shuffle(group.members)
        self.chance.shuffle(self.groups)
        return True

    def _calm_join(self, group: Group, now: datetime) -> bool:
        self._hire(min((g for g in self.groups if g.calm), key=lambda g: g.name))
        return True

    def _calm_leave(self, group: Group, now: datetime) -> bool:
        max((g for g in self.groups if g.calm), key=lambda g: g.name).members.pop(0)
        return True

    def _change(self, group: Group, now: datetime, what: str, to: object) -> bool:
        one = self._anybody(group, now)
        if one is None or getattr(one, what) == to:
            return False
        setattr(one, what, to)
        return True

    def _there(self, group: Group, now: datetime) -> list[Member]:
        return [m for m in group.members if not m.gone(group.day(now))]

    def _anybody(self, group: Group, now: datetime) -> Member | None:
        there = self._there(group, now)
        return self.chance.choice(there) if there else None

    # --- leads ---

    def leads(self) -> list[tuple[Group, str, int]]:
        """Team, country and staff of each lead of an hour: more than half are empty, some bring a burst."""
        if self.chance.random() < 0.55:
            return []
        among, count = self.groups, self.chance.randint(1, 8)
        if self.chance.random() < 0.25:
            among, count = (
                self.chance.sample(self.groups, min(6, len(self.groups))),
                self.chance.randint(20, 60),
            )
        return [self._lead(self.chance.choice(among)) for _ in range(count)]

    def _lead(self, group: Group) -> tuple[Group, str, int]:
        country = self.chance.choice(COUNTRIES)
        needs = LANGUAGES.get(country)
        if group.calm or (needs and not any(needs in m.languages for m in group.members)):
            country = "US"
        return group, country, max(1, int(self.chance.lognormvariate(4, 2)))

    # --- as the product sees it ---

    @property
    def tables(self) -> RoutingTables:
        """The workbook as it stands now."""
        if self._written is None:
            teams = tuple(_team(group) for group in self.groups)
            values = _campaigns(self.groups)
            version = f"{self.version:064x}"
            self._written = RoutingTables(version, {}, FACTS, values, {}, self._layers, teams)
        return self._written


def campaign(group: Group) -> str:
    return f"C-{group.name[-3:]}"


def _campaigns(groups: Sequence[Group]) -> tuple[KnownValue, ...]:
    return tuple(KnownValue("campaign", campaign(g)) for g in sorted(groups, key=lambda g: g.name))


def _layers(groups: Sequence[Group]) -> tuple[Layer, ...]:
    words = vocabulary(FACTS, _campaigns(groups))
    kinds = {fact.name: fact for fact in FACTS}

    def row(sheet: str, number: int, fact: str, cell: str, team: str | None = None, **sets: str) -> Row:
        condition = parse_cell(cell, kinds[fact], words).condition
        then = {f"Then {name}": text for name, text in ({"team": team} if team else sets).items()}
        texts = {f"If {fact}": cell} | then
        cells = {header: f"{'EFGH'[place]}{number + 1}" for place, header in enumerate(texts)}
        return Row(
            sheet, sheet, number + 1, f"{sheet[0]}-{number}", Decimal(number), ((fact, condition),),
            tuple(sets.items()), team, cells=cells, texts=texts,
        )  # fmt: skip

    country = [
        row("Country", n, "country", c, region="EMEA", language=w)
        for n, (c, w) in enumerate(LANGUAGES.items(), 1)
    ]
    size = [
        row("Size", 1, "employees", ">=1000", segment="Large", lane="hot"),
        row("Size", 2, "employees", "<1000", segment="Small"),
    ]
    named = sorted(groups, key=lambda g: g.name)
    team = [row("Team", n, "campaign", campaign(g), g.name) for n, g in enumerate(named, 1)]
    sheets = (("Country", country, "continue"), ("Size", size, "continue"), ("Team", team, "hold"))
    return tuple(Layer(s, s, Decimal(n), w, tuple(rows)) for n, (s, rows, w) in enumerate(sheets))  # type: ignore[arg-type]


def _team(group: Group) -> Team:
    return Team(
        group.name, group.zone.key, tuple(_person(group, m) for m in group.members),
        after_absence={"": CATCH_UP} if group.catches_up else {},
        delegate="absentee" if group.delegates else "none",
        reject="refund" if group.refunds else "charge", lanes=group.lanes,
    )  # fmt: skip


def _person(group: Group, one: Member) -> Salesperson:
    return Salesperson(
        one.id, one.name, f"{one.id}@example.com", one.crm, group.name, one.weight, one.daily, one.weekly,
        frozenset(one.languages), active=one.active, end=one.end,
        absences=tuple(Absence(a.first, a.last, "", a.delegate) for a in one.away),
    )  # fmt: skip
