"""Another property is named for what the CRM tells of itself: nobody loses anything by that."""

from __future__ import annotations

import pytest
import sync_world
from sync_world import WRITE_BACK, World, at_rest


def named(world: World, monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    """The configuration as it is from now on."""
    monkeypatch.setattr(sync_world, "WRITE_BACK", {**WRITE_BACK, **names})
    world._map, world.full_hours = None, 1


def test_a_renamed_property_is_filled_without_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = at_rest(world, crm_person_id="")
    lead = world.lead(id)
    named(world, monkeypatch, lead_id="crm_person_id")
    world.settle(2)
    assert world.ours(id)["crm_person_id"] == lead
    assert world.store.conflicts() == []


def test_properties_that_change_places_lose_only_what_we_wrote(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = at_rest(world)
    named(world, monkeypatch, status="crm_owner", owner="crm_status")
    world.settle(2)
    assert world.ours(id)["crm_status"] == "Ana"
    assert world.store.conflicts() == []


def test_a_persons_own_text_in_the_property_is_kept_in_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_rest(world, notes="call after six")
    named(world, monkeypatch, owner="notes")
    world.settle(2)
    assert [row.conflict.lost for row in world.store.conflicts()] == ["call after six"]
