"""Impact knows what was rejected, put back and undone: it agrees with runs under other tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fixed_tables import FixedTables
from impact_world import START, World, company, moves, person, row

from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import State
from allocator.domain.take_backs import Ended, TakeBack
from allocator.service.run import Job
from allocator.service.undo import reject, undo
from rules.model import Team

HOURS = [START + timedelta(hours=h) for h in (0, 1, 2, 3, 25, 26)]
TEAMS = (
    Team("Enterprise", "UTC", (person("ana", "Enterprise", weight=2), person("ben", "Enterprise"),
                               person("chi", "Enterprise")), reject="refund"),
    Team("Desk", "UTC", (person("dee", "Desk"), person("eli", "Desk"), person("fay", "Desk"))),
)  # fmt: skip
APART = {"same e-mail": "ignore"}


def tables(version: str, germany: str) -> Any:
    rules = (row("Team", "T-1", {"country": "DE"}, team=germany), row("Team", "T-2", {}, team="Enterprise"))
    return company(version, country=(), team=rules, teams=TEAMS, overrides=(), settings=APART)


A, B = tables("a", "Desk"), tables("b", "Enterprise")


class BackWorld(World):
    """A world in which leads are rejected and runs undone."""

    def reject(self, number: int) -> None:
        found = self.store.find(self.id(number))[0]
        asked = TakeBack(found.key, found.epoch, Ended.REJECTED, self.now, "no")
        reject(self.store, [asked])

    def undo(self, run: int) -> None:
        job = Job(self.crm, self.store, FixedTables(A), _Clock(self), SALESFORCE_FACTS, live=True)
        undo(job, run)


class _Clock:
    def __init__(self, world: World) -> None:
        self.world = world

    def now(self) -> datetime:
        return self.world.now


def happens(random: Random, world: BackWorld, at: datetime) -> list[tuple[str, Any]]:
    """New leads; some of the others are rejected or put back; one run is undone."""
    events: list[tuple[str, Any]] = [
        ("new", {"Country": random.choice(["DE", "FR"])}) for _ in range(random.randint(1, 5))
    ]
    if at == HOURS[3]:
        events.append(("undo", 3))
    rows = {r.key.source_id: r for r in world.store.leads()}
    for number, lead in enumerate(world.crm.leads.values()):
        if rows[lead.id].state is State.CONFIRMED and rows[lead.id].run != 3 and random.random() < 0.3:
            events.append((random.choice(["reject", "put_back"]), number))
    return events


MakeWorld = Callable[[], BackWorld]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MakeWorld]:
    made: list[BackWorld] = []

    def make() -> BackWorld:
        made.append(BackWorld(tmp_path / str(len(made))))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def played(random: Random, one: BackWorld) -> Sequence[Any]:
    script = []
    for at in HOURS:
        events = happens(random, one, at)
        one.hour(A, at, events)
        script.append((at, events))
    return script


@pytest.mark.parametrize("seed", [1, 2])
def test_what_came_back_in_past_runs_comes_back_under_other_tables_too(world: MakeWorld, seed: int) -> None:
    one, other = world(), world()
    other.play(B, played(Random(seed), one))
    days = (one.now - START) / timedelta(days=1)
    found = one.impact(A, B, days)
    assert {m.lead: (m.before, m.after) for m in found.moved} == moves(one.places(), other.places())
    assert found.moved
    assert one.impact(A, A, days).moved == ()


@pytest.mark.parametrize("since", [1.5, 24])
def test_what_was_given_before_the_first_of_these_runs_and_came_back_since_is_known(
    world: MakeWorld, since: float
) -> None:
    one, other = world(), world()
    script = played(Random(5), one)
    for at, events in script:
        other.hour(A if at < START + timedelta(hours=since) else B, at, events)
    days = (one.now - START - timedelta(hours=since)) / timedelta(days=1) - 0.01
    found = one.impact(A, B, days)
    told = {m.lead: m.after for m in found.moved}
    expected = {k: after for k, (_, after) in moves(one.places(), other.places()).items()}
    assert told == expected
