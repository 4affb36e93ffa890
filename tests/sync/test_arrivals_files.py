"""Leads out of files, which show each of them once; and what is in the CRM's own intake as well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from arrivals_world import World, tables, user

from allocator.adapters.marketing.memory import MemorySource
from allocator.domain.lead import LeadKey, State
from allocator.domain.records import Link
from allocator.domain.sync.values import FieldInfo
from rules.field_values import FieldType

NAMES = ("FirstName", "LastName", "Company", "Email", "Country")


class Killed(BaseException):
    pass


class Files(MemorySource):
    """Once it was told that they are taken, its rows are shown no more."""

    def taken(self) -> None:
        super().taken()
        for one in self.ids:
            self.set_intake(one, False)


def world_of_files(**settings: str) -> World:
    world = World(tables(**settings))
    world.source = Files(
        now=world.now, name="drop", fields={name: FieldInfo(FieldType()) for name in NAMES}, marked=(),
        takes_writes=False,
    )  # fmt: skip
    return world


def row(world: World, **more: str) -> LeadKey:
    values = {"LastName": "Lovelace", "Company": "Analytical", "Email": "ada@analytical.example"}
    return LeadKey("drop", world.source.add(**{**values, **more}))


def state(world: World, key: LeadKey) -> tuple[State, str | None]:
    (found,) = world.store.leads([key])
    return found.state, found.reason


def test_a_row_becomes_a_lead_with_an_owner_and_is_never_written_back() -> None:
    world = world_of_files()
    key = row(world)
    before = world.source.record(key.source_id).values
    outcome = world.run()
    (lead,) = world.crm.leads.values()
    assert (lead.owner, lead.fields["Marketing_Id__c"]) == (user("ana"), str(key))
    assert world.source.record(key.source_id).values == before
    assert outcome.summary["sync"]["drop"]["created"] == 1
    assert outcome.summary["sync"]["drop"]["to_marketing"] == 0


def test_a_row_that_is_held_is_decided_again_after_its_file_was_put_away() -> None:
    world = world_of_files()
    key = row(world, Company="")
    world.run()
    assert state(world, key) == (State.HELD, "incomplete")
    world.run()
    assert state(world, key) == (State.HELD, "incomplete")
    world.crm.shape["Lead"]["Company"] = FieldInfo(FieldType())
    world.tables = replace(tables(new_lead_needs="LastName"), version="b" * 8)
    world.run()
    assert state(world, key) == (State.CONFIRMED, None)


@pytest.mark.parametrize("state_of_link", ["live", "deleted"])
def test_a_held_row_that_a_person_linked_is_done_and_takes_no_turn_in_any_run(state_of_link: str) -> None:
    world = world_of_files()
    key = row(world, Company="")
    there = world.crm.add_lead(created=world.at, owner=user("ben"), LastName="L", Company="A")
    world.run()
    assert state(world, key) == (State.HELD, "incomplete")
    world.tables = replace(tables(new_lead_needs="LastName"), version="b" * 8)
    lease = world.store.begin_run(slot="", by="hand", at=world.at, live=True, seconds=90)
    link = Link(key, world.crm.name, "Lead", there.id, state_of_link, world.at)
    world.store.save_links(lease, [link])
    world.store.end_run(lease, at=world.at, state="done", summary={})
    for _ in range(2):
        world.run()
        assert state(world, key)[0] in (State.TAKEN, State.CLOSED)
        assert world.store.ledgers() == {}
        assert len(world.crm.leads) == 1


@pytest.mark.parametrize("step", ["commit_plan", "attempt", "settle", "end_run"])
def test_a_run_killed_after_the_file_was_put_away_loses_no_row(step: str) -> None:
    world = world_of_files()
    key = row(world)
    real = getattr(world.store, step)

    def die(*args: object, **more: object) -> None:
        raise Killed

    setattr(world.store, step, die)
    with pytest.raises(Killed):
        world.run()
    setattr(world.store, step, real)
    world.store.box.state.expires = world.at
    world.run()
    assert state(world, key) == (State.CONFIRMED, None)
    assert len(world.crm.leads) == 1


def test_the_same_rows_under_another_name_are_no_new_leads() -> None:
    world = world_of_files()
    key = row(world)
    world.run()
    world.source.set_intake(key.source_id, True)
    outcome = world.run()
    assert len(world.crm.leads) == 1
    assert outcome.summary["leads"]["assigned"] == outcome.summary["leads"]["returned"] == 0


def test_a_contact_whose_person_waits_in_the_crms_own_intake_is_linked_and_the_lead_decided_by_itself() -> (
    None
):
    world = World()
    there = world.crm.add_lead(created=world.at, Email="ada@analytical.example", LastName="L", Company="A")
    ada = world.add()
    outcome = world.run()
    assert there.owner == user("ana")
    assert len(world.crm.leads) == 1
    link = world.live_link(ada)
    assert link is not None
    assert link.crm_id == there.id
    assert outcome.summary["leads"]["assigned"] == 2
    assert outcome.summary["teams"] == {"Enterprise": {"ana": 1}}
    world.run()
    assert there.owner == user("ana")
    assert there.fields["Marketing_Id__c"] == f"hubspot:{ada}"
