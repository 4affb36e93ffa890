"""Conflicts, searches that lag, outages, and what a cycle of the sync costs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sync_world import World, at_rest

from allocator.adapters.crm.memory import MemoryFault
from allocator.adapters.store.sql import open_store

# --- conflicts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field_stamps", [True, False])
def test_of_two_edits_of_one_field_the_later_wins_and_the_loser_is_kept(field_stamps: bool) -> None:
    world = World(field_stamps=field_stamps)
    id = at_rest(world)
    world.edit_theirs(world.lead(id), Phone="theirs")
    world.edit_ours(id, phone="ours")
    world.settle(2)
    assert world.ours(id)["phone"] == world.theirs(world.lead(id))["Phone"] == "ours"
    (row,) = world.store.conflicts()
    assert (row.conflict.lost, row.conflict.winner, row.conflict.reason) == ("theirs", "ours", "later")


def test_a_later_edit_of_another_field_does_not_decide_where_fields_have_stamps(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="ours")
    world.edit_theirs(world.lead(id), Phone="theirs")
    world.edit_ours(id, jobtitle="Boss")
    world.settle(2)
    assert world.ours(id)["phone"] == "theirs" and world.theirs(world.lead(id))["Title"] == "Boss"


def test_a_conflict_is_told_once_though_its_write_is_sent_three_times(world: World) -> None:
    id = at_rest(world)
    world.edit_theirs(world.lead(id), Phone="theirs")
    world.edit_ours(id, phone="ours")
    world.crm.faults += [MemoryFault("write", "locked"), MemoryFault("write", "dropped")]
    world.settle(3)
    assert world.theirs(world.lead(id))["Phone"] == "ours" and len(world.store.conflicts()) == 1


# --- searches -----------------------------------------------------------------------------------------------


def test_a_search_that_lags_delays_an_edit_and_brings_back_no_old_value() -> None:
    world = World(lag=timedelta(minutes=10))
    id = at_rest(world)
    world.at += timedelta(minutes=55)
    world.edit_ours(id, phone="1")
    world.run(after=timedelta(minutes=5))
    world.edit_theirs(world.lead(id), Title="Boss")
    world.settle(2)
    assert world.theirs(world.lead(id))["Phone"] == "1" and world.ours(id)["jobtitle"] == "Boss"


def test_after_an_outage_of_forty_days_everything_is_looked_at(world: World) -> None:
    ids = [at_rest(world) for _ in range(3)]
    world.edit_ours(ids[0], phone="1")
    world.act("purge", world.lead(ids[1]))
    world.source.archive(ids[2])
    result = world.run(after=timedelta(days=40))
    assert result.full and result.looked_at == 3
    assert world.theirs(world.lead(ids[0]))["Phone"] == "1"
    assert [world.row(id).reason for id in ids] == ["", "deleted", "deleted"]
    assert not world.run().full


# --- calls --------------------------------------------------------------------------------------------------


def test_what_we_wrote_ourselves_is_not_read_again(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    world.edit_theirs(world.lead(id), Title="Boss")
    world.run()
    begun = len(world.log.events)
    assert [world.run().looked_at for _ in range(3)] == [0, 0, 0]
    assert len(world.log.events) == begun


@pytest.mark.parametrize("many", [1, 130, 450])
def test_a_cycle_over_changed_records_costs_few_calls(many: int) -> None:
    world = World()
    ids = [world.person(phone="0") for _ in range(many)]
    world.settle(2)
    for id in ids:
        world.edit_ours(id, phone="1")
        world.edit_theirs(world.lead(id), Title="Boss")
    ours, theirs = dict(world.source.usage.by_kind), dict(world.crm.usage.by_kind)
    world.run()

    def cost(usage: object, kind: str, before: dict[str, int]) -> int:
        return usage.by_kind.get(kind, 0) - before.get(kind, 0)  # type: ignore[attr-defined]

    assert cost(world.source.usage, "read", ours) <= -(-many // 100)
    assert cost(world.source.usage, "write", ours) <= -(-many // 100)
    assert cost(world.crm.usage, "write", theirs) <= -(-many // 25)
    read_back = -(-many // 100)
    assert cost(world.crm.usage, "read", theirs) <= -(-many // 200) + read_back + 2  # two searches


def test_observe_mode_counts_and_writes_nothing(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    world.edit_theirs(world.lead(id), Title="Boss")
    world.live = False
    begun, row = len(world.log.events), world.row(id)
    result = world.run()
    assert (result.looked_at, result.to_crm, result.to_marketing) == (1, 1, 1)
    assert not world.written(begun) and world.row(id) == row and not world.store.pending_sync()


def test_a_source_that_takes_no_writes_is_left_alone() -> None:
    world = World(takes_writes=False)
    world.person()
    begun = len(world.log.events)
    assert world.run().looked_at == 0 and len(world.log.events) == begun


# --- stores ----------------------------------------------------------------------------------------------


def life(world: World) -> list[tuple[object, ...]]:
    """What is written in some cycles with a bit of everything."""
    one, two = world.person(phone="0"), world.person(external_id=False)
    world.settle(2)
    world.edit_ours(one, phone="1")
    world.edit_theirs(world.lead(one), Phone="2", Title="Boss")
    world.crm.faults.append(MemoryFault("write", "lost"))
    world.run()
    contact = world.act("convert", world.lead(two))
    world.edit_ours(two, phone="5")
    world.settle(2)
    world.act("delete", contact)
    world.run()
    world.act("undelete", contact)
    world.settle(2)
    return [(x.object, x.id, dict(x.values), x.facts["result"]) for x in world.written()]


def test_a_store_on_a_database_leads_to_the_same_writes(world: World, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    other = World(store=store)
    assert life(other) == life(world)
    kept = [(row.conflict.lost, row.conflict.kept) for row in world.store.conflicts()]
    assert [(row.conflict.lost, row.conflict.kept) for row in store.conflicts()] == kept != []
    ids = [one.key.source_id for one in world.store.syncs()]
    assert [other.links(id) for id in ids] == [world.links(id) for id in ids]
    assert [other.row(id) for id in ids] == [world.row(id) for id in ids]
    store.close()
