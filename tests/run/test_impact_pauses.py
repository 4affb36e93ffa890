"""Impact knows who was paused: it agrees with what runs under other tables do through the same pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from impact_world import START, World, company, made_up, moves, row

from allocator.domain.pauses import Pause, Paused
from rules.model import RoutingTables

HOURS = [START + timedelta(hours=h) for h in (0, 1, 2, 3, 25, 26, 27, 28)]
TO_OTHERS = (
    row("Team", "T-1", {"region": "DACH"}, team="Enterprise"),
    row("Team", "T-4", {"country": "US, GB, FR, IT"}, team="Overseas"),
)
A, B = company("a"), company("b", team=TO_OTHERS)
PAUSES: Mapping[datetime, Sequence[tuple[str, str, str]]] = {
    HOURS[1]: [("pause", "person", "ana"), ("pause", "team", "Desk")],
    HOURS[2]: [("pause", "person", "fay")],
    HOURS[3]: [("resume", "team", "Desk")],
    HOURS[4]: [("resume", "person", "ana"), ("pause", "person", "dee"), ("pause", "team", "Enterprise")],
    HOURS[6]: [("resume", "team", "Enterprise"), ("resume", "person", "fay")],
}
"""What is said before which run."""


class PausingWorld(World):
    """A world in which somebody pauses and resumes, unless it is `restless`."""

    restless = False

    def hour(self, tables: RoutingTables, at: datetime, events: Sequence[tuple[str, Any]]) -> None:
        for what, kind, name in PAUSES.get(at, ()) if not self.restless else ():
            if what == "pause":
                self.store.pause(Pause(Paused(kind), name, at, reason="test"))
            else:
                self.store.resume(Paused(kind), name)
        super().hour(tables, at, events)


MakeWorld = Callable[[], PausingWorld]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MakeWorld]:
    made: list[PausingWorld] = []

    def make() -> PausingWorld:
        made.append(PausingWorld(tmp_path / str(len(made))))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pauses_of_past_runs_count_under_other_tables_as_they_counted_then(
    world: MakeWorld, seed: int
) -> None:
    one, other = world(), world()
    other.play(B, made_up(Random(seed), HOURS, one, A))
    days = (one.now - START) / timedelta(days=1)
    found = one.impact(A, B, days)
    assert {m.lead: (m.before, m.after) for m in found.moved} == moves(one.places(), other.places())
    assert found.moved
    assert one.impact(A, A, days).moved == ()


def test_these_pauses_move_leads(world: MakeWorld) -> None:
    one, other = world(), world()
    other.restless = True
    other.play(A, made_up(Random(1), HOURS, one, A))
    assert moves(one.places(), other.places())


def test_a_lead_that_waited_only_for_a_paused_person_goes_to_them_in_the_run_after_the_pause(
    world: MakeWorld,
) -> None:
    """Under the real tables it was given at once, so no real run looked at it again."""
    one = world()
    one.restless = True
    one.store.pause(Pause(Paused.PERSON, "fay", START, START + timedelta(hours=2), reason="test"))
    lead = ("new", {"Country": "GB", "Email": "x@acme.example"})
    for hour in (1, 2):
        one.hour(A, START + timedelta(hours=hour), [lead] if hour == 1 else [])
    (moved,) = one.impact(A, B, 1).moved
    assert (moved.before.team, moved.after.person) == ("Enterprise", "fay")
