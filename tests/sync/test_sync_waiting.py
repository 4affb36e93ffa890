"""What a run says of writes that had no answer, and of what it holds and would do."""

from __future__ import annotations

from arrivals_world import World, user


def test_a_write_without_an_answer_is_counted_until_the_next_run_has_looked() -> None:
    world = World()
    world.add()
    world.source.faults.fail("write")
    made = world.run().summary["sync"]["hubspot"]
    assert made["waiting"] == 1
    assert world.run().summary["sync"]["hubspot"]["waiting"] == 0


def test_observe_mode_counts_what_would_be_made_and_linked() -> None:
    world = World(live=False)
    world.add("ada")
    world.add("bea")
    world.crm.add_lead(owner=user("ana"), LastName="Bell", Company="Bell", Email="bea@analytical.example")
    made = world.run().summary["sync"]["hubspot"]
    assert (made["created"], made["linked"]) == (1, 1)
    assert len(world.crm.leads) == 1, "nothing is written"
