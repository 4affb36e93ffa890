"""Days of a small company that really run: the same things happen in each world, only the tables differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from fixed_tables import FixedTables

from allocator.adapters.crm.memory import MemoryCRM, MemoryLead
from allocator.adapters.store.memory import MemoryStore
from allocator.adapters.store.sql import SqlStore, open_store
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.impact import Impact, Place
from allocator.domain.lead import OwnerWrite, State, WriteAnswer
from allocator.domain.records import LeadRow
from allocator.service.impact import measure
from allocator.service.run import Job, run
from rules.cells import parse_cell
from rules.facts import default_facts
from rules.model import Absence, Fact, Layer, OwnerOverride, RoutingTables, Row, Salesperson, Team
from rules.vocabulary import vocabulary

FACTS = (*default_facts(), Fact("tags", "text"))
WORDS = vocabulary(FACTS, ())
KINDS = {fact.name: fact for fact in FACTS}
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
PEOPLE = ("ana", "ben", "chi", "dee", "eli", "fay")
TAKERS = ("hand", *PEOPLE, *PEOPLE)
BY_HAND = "00500000000000HAND"


def user(name: str) -> str:
    return f"005{name:>015}".replace(" ", "0")


def taker(name: str) -> str:
    """The id of who takes a lead by hand: one of the people, or somebody whom no sheet knows."""
    return user(name) if name in PEOPLE else BY_HAND


def row(layer: str, rule_id: str, when: Mapping[str, str], **then: Any) -> Row:
    """A rule; `sets` in `then` is a mapping of facts, `cells` follow from its columns."""
    number = Decimal(rule_id.partition("-")[2])
    conditions = tuple((f, parse_cell(c, KINDS[f], WORDS).condition) for f, c in when.items())
    sets = tuple(dict(then.pop("sets", {})).items())
    texts = {f"If {f}": c for f, c in when.items()} | {f"Then {f}": t for f, t in sets}
    texts |= {f"Then {name}": then[name] for name in ("team", "owner", "hold") if name in then}
    cells = {header: f"{'EFGHIJ'[n]}{number}" for n, header in enumerate(texts)}
    return Row(layer, layer, int(number), rule_id, number, conditions, sets, cells=cells, texts=texts, **then)


def person(name: str, team: str, **more: Any) -> Salesperson:
    return Salesperson(name, name.title(), f"{name}@example.com", user(name), team, **more)


COUNTRY = (
    row("Country", "C-1", {"country": "DE, AT"}, sets={"region": "DACH", "language": "de"}),
    row("Country", "C-2", {"country": "FR"}, sets={"region": "West", "lane": "west"}),
    row("Country", "C-3", {"country": "(none)"}, hold="No country"),
)
TEAM = (
    row("Team", "T-1", {"region": "DACH", "employees": ">=500"}, team="Enterprise"),
    row("Team", "T-2", {"region": "DACH"}, team="Desk"),
    row("Team", "T-3", {"region": "West"}, team="Desk"),
    row("Team", "T-4", {"country": "US"}, team="Overseas"),
    row("Team", "T-5", {"country": "GB"}, team="Enterprise"),
    row("Team", "T-6", {"country": "IT"}, owner="ben"),
)
TEAMS = (
    Team(
        "Enterprise",
        "Europe/Berlin",
        (
            person("ana", "Enterprise", weight=2, languages=frozenset({"de"})),
            person("ben", "Enterprise", languages=frozenset({"de"}), weekly_cap=9),
            person("chi", "Enterprise", daily_cap=2),
        ),
    ),
    Team(
        "Desk",
        "UTC",
        (
            person("dee", "Desk", daily_cap=3, languages=frozenset({"de"})),
            person("eli", "Desk", absences=(Absence(date(2026, 11, 5), date(2026, 11, 6)),)),
        ),
        if_nobody="team",
        fallback_team="Enterprise",
    ),
    Team("Overseas", "America/New_York", (person("fay", "Overseas", daily_cap=2),)),
)


def company(
    version: str = "a",
    *,
    country: Sequence[Row] = COUNTRY,
    team: Sequence[Row] = TEAM,
    teams: Sequence[Team] = TEAMS,
    overrides: Iterable[OwnerOverride] = (OwnerOverride("globex.example", "chi", cell="B2"),),
    settings: Mapping[str, str] | None = None,
) -> RoutingTables:
    layers = (
        Layer("Country", "Country", Decimal(1), "continue", tuple(country)),
        Layer("Team", "Team", Decimal(2), "continue", tuple(team)),
    )
    return RoutingTables(
        version * 8, settings or {}, FACTS, (), {}, layers, tuple(teams), overrides=tuple(overrides)
    )


class Crm(MemoryCRM):
    """A CRM in which things happen between read and write."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.snatched: dict[str, str] = {}
        self.refused: set[str] = set()

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        for write in writes:
            if write.id in self.snatched:
                self.move(self.leads[write.id], self.snatched[write.id])
        real = dict(self._users)
        for owner in self.refused:
            self._users[owner] = replace(real[owner], active=False)
        try:
            return super().give(writes)
        finally:
            self._users = real

    def move(self, lead: MemoryLead, owner: str) -> None:
        lead.owner, lead.stamp = owner, self.now()

    def waits(self, number: int) -> bool:
        """Whether the lead is in intake."""
        lead = self.nth(number)
        return lead.owner in self.intake_ids() and not (lead.converted or lead.deleted)

    def nth(self, number: int) -> MemoryLead:
        return list(self.leads.values())[number]


@dataclass(frozen=True)
class Clock:
    world: World

    def now(self) -> datetime:
        return self.world.now


@dataclass
class World:
    """One store and one CRM; `happens` is what happened before each run, to be repeated elsewhere.

    Without a folder the store is in memory.
    """

    folder: Path | None = None
    now: datetime = START
    script: list[tuple[datetime, list[tuple[str, Any]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store: SqlStore | MemoryStore = MemoryStore()
        if self.folder is not None:
            self.folder.mkdir(parents=True)
            self.store = open_store(f"sqlite:///{self.folder / 'allocator.db'}")
        self.crm = Crm(now=lambda: self.now)
        for name in PEOPLE:
            self.crm.add_user(name, id=user(name))
        self.crm.add_user("Hand", id=BY_HAND)

    def hour(self, tables: RoutingTables, at: datetime, events: Sequence[tuple[str, Any]]) -> None:
        """What happens, and then a run."""
        self.now = at - timedelta(minutes=5)
        self.crm.snatched, self.crm.refused = {}, set()
        for what, about in events:
            getattr(self, what)(about)
        self.now = at
        job = Job(self.crm, self.store, FixedTables(tables), Clock(self), SALESFORCE_FACTS, live=True)
        run(job, by="test")
        self.now = at + timedelta(minutes=5)

    def play(
        self, tables: RoutingTables, script: Sequence[tuple[datetime, Sequence[tuple[str, Any]]]]
    ) -> None:
        """What happened elsewhere; a lead that somebody took from under a write is taken from intake here."""
        for at, events in script:
            self.hour(tables, at, events)
            for lead, taker in self.crm.snatched.items():
                if self.crm.leads[lead].owner in self.crm.intake_ids():
                    self.crm.move(self.crm.leads[lead], taker)

    # what happens

    def new(self, fields: Mapping[str, object]) -> None:
        self.crm.add_lead(**fields)

    def contact(self, about: tuple[str, str]) -> None:
        self.crm.add_contact(email=about[0], owner=user(about[1]))

    def take(self, about: tuple[int, str]) -> None:
        if self.crm.waits(about[0]):
            self.crm.move(self.crm.nth(about[0]), taker(about[1]))

    def convert(self, number: int) -> None:
        if self.crm.waits(number):
            lead = self.crm.nth(number)
            lead.converted, lead.stamp = True, self.now

    def put_back(self, number: int) -> None:
        self.crm.move(self.crm.nth(number), next(iter(self.crm.intake_ids())))

    def edit(self, about: tuple[int, Mapping[str, object]]) -> None:
        lead = self.crm.nth(about[0])
        lead.fields.update(about[1])
        lead.stamp = self.now

    def snatch(self, about: tuple[int, str]) -> None:
        self.crm.snatched[self.id(about[0])] = taker(about[1])

    def id(self, number: int) -> str:
        return self.crm.nth(number).id if number < len(self.crm.leads) else ""

    def refuse(self, name: str) -> None:
        self.crm.refused.add(user(name))

    def leave(self, name: str) -> None:
        self.crm.add_user(name, id=user(name), active=False)

    def come_back(self, name: str) -> None:
        self.crm.add_user(name, id=user(name))

    # what came of it

    def places(self) -> dict[str, Place]:
        return {str(row.key): _place(row) for row in self.store.leads()}

    def impact(
        self,
        before: RoutingTables,
        after: RoutingTables,
        days: float,
        *,
        read: Callable[[str], RoutingTables | None] = lambda sha: None,
        most: int = 10_000,
    ) -> Impact:
        found = measure(
            self.store, before, after, read=read, fact_fields=SALESFORCE_FACTS, now=self.now,
            days=days + 0.01, most=most,  # type: ignore[arg-type]
        )  # fmt: skip
        assert found is not None
        return found


def _place(row: LeadRow) -> Place:
    if row.state in (State.CONFIRMED, State.DECIDED):
        return Place(row.team, row.person)
    return Place(held=row.reason or "") if row.state is State.HELD else Place(held=str(row.state))


def moves(one: Mapping[str, Place], other: Mapping[str, Place]) -> dict[str, tuple[Place, Place]]:
    """Leads with another team or person."""

    def who(place: Place) -> object:
        return place.team, place.person, not place.held

    return {lead: (one[lead], other[lead]) for lead in one if who(one[lead]) != who(other[lead])}


def made_up(random: Random, hours: Sequence[datetime], world: World, tables: RoutingTables) -> list[Any]:
    """Runs with made-up events, played in this world as they are made up: what can happen depends on it."""
    script = []
    for at in hours:
        events = [("new", _fields(random)) for _ in range(random.randint(0, 6))]
        if at == hours[0]:  # the look-ups of leads that only the other world holds are nowhere to be read
            known = random.sample(range(10), 3)
            events += [("contact", (f"p{n}@acme.example", random.choice(PEOPLE))) for n in known]
        events += _happens(random, world)
        if random.random() < 0.2:
            events.append(("snatch", (len(world.crm.leads), random.choice(TAKERS))))
        world.hour(tables, at, events)
        script.append((at, [event for event in events if _was_noticed(event, world)]))
    return script


def _was_noticed(event: tuple[str, Any], world: World) -> bool:
    """Whether the store knows: who was refused or robbed of nothing leaves no trace there."""
    what, about = event
    rows, run = world.store.leads(), world.store.last_run_number()
    if what == "refuse":
        return any(r.run == run and r.reason == "owner_refused" and r.owner == user(about) for r in rows)
    if what == "snatch":
        return any(
            r.run == run and r.state is State.TAKEN and r.key.source_id == world.id(about[0]) for r in rows
        )
    return True


def _fields(random: Random) -> dict[str, object]:
    number = random.randint(0, 9)
    return {
        "Country": random.choice(["DE", "AT", "FR", "US", "GB", "IT", "", "Untied Kingdom"]),
        "NumberOfEmployees": random.choice([None, 10, 700]),
        "Email": random.choice([f"p{number}@acme.example", f"x{random.random()}@globex.example", None]),
    }


def _happens(random: Random, world: World) -> list[tuple[str, Any]]:
    """Something happens to a few of the leads; the store must be able to tell, so only what it saw."""
    rows = {row.key.source_id: row for row in world.store.leads()}
    events: list[tuple[str, Any]] = []
    for number, lead in enumerate(world.crm.leads.values()):
        row = rows.get(lead.id)
        if row is None or random.random() > 0.15:
            continue
        if row.state is State.HELD and lead.owner in world.crm.intake_ids():
            edit = ("edit", (number, {"Country": random.choice(["DE", "FR", "GB"])}))
            take = ("take", (number, random.choice(TAKERS)))
            events.append(random.choice([take, ("convert", number), edit, edit]))
        elif row.state in (State.CONFIRMED, State.TAKEN):
            events.append(("put_back", number))
    name = random.choice(PEOPLE)
    event = random.choice(["leave", "come_back", "come_back", "refuse", "nothing", "nothing", "nothing"])
    if event != "nothing":
        events.append((event, name))
    return events
