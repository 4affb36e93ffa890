"""What a run says of writes that had no answer, and of what it holds and would do."""

from __future__ import annotations

from arrivals_world import World


def test_a_write_without_an_answer_is_counted_until_the_next_run_has_looked() -> None:
    world = World()
    world.add()
    world.source.faults.fail("write")
    made = world.run().summary["sync"]["hubspot"]
    assert made["waiting"] == 1
    assert world.run().summary["sync"]["hubspot"]["waiting"] == 0
