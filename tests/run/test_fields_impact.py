"""Impact claims no moved leads for a change of sheet Fields, and a change there is no reason to wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from impact_world import START, World, company, made_up

from rules.default_fields import DEFAULT_FIELDS


def test_another_mapping_moves_no_past_lead(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    before = replace(company("a"), fields=DEFAULT_FIELDS)
    hours = [START + timedelta(hours=n) for n in (0, 1, 25)]
    world.play(before, made_up(Random(1), hours, world, before))
    after = replace(before, version="b", fields=(replace(DEFAULT_FIELDS[0], lead="Nowhere__c"),))
    found = world.impact(before, after, 14)
    world.store.close()
    assert (found.moved, found.weight) == ((), 0)
    assert found.leads
