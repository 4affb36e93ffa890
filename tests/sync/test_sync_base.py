"""What both sides agreed on survives lost answers, holds and changes of the mapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sync_world import ROWS, World, at_rest, writes

from allocator.adapters.crm.memory import MemoryFault
from allocator.adapters.store.sql import open_store
from allocator.domain.sync.base import RULES_OF
from allocator.domain.sync.values import FieldInfo
from rules.field_values import FieldType
from rules.model import FieldMapping

# --- lost answers -------------------------------------------------------------------------------------------


def lose_the_answer_and_the_read_after_it(world: World) -> None:
    """The write to the marketing system is carried out, and nobody can say so."""
    faults = world.source.faults
    faults.lose("write")
    faults.after("write", lambda: faults.fail("read"))


def test_a_write_without_an_answer_that_a_hold_overtakes_is_found_out_all_the_same(world: World) -> None:
    """Or else who undoes it is taken for nobody, and gets the undone value again."""
    id = at_rest(world, phone="0")
    lead = world.lead(id)
    world.edit_theirs(lead, Phone="1")
    lose_the_answer_and_the_read_after_it(world)
    assert world.run().trouble is not None and world.store.pending_sync()
    world.act("delete", lead)
    world.run()
    assert world.row(id).plan == "held" and not world.store.pending_sync()
    world.edit_ours(id, phone="0")
    world.act("undelete", lead)
    world.settle(2)
    assert world.ours(id)["phone"] == world.theirs(lead)["Phone"] == "0"
    assert not world.store.conflicts()


def test_a_write_to_the_crm_without_an_answer_is_found_out_though_our_record_is_archived(
    world: World,
) -> None:
    id = at_rest(world, phone="0")
    lead = world.lead(id)
    world.edit_ours(id, phone="1")
    world.crm.faults += [MemoryFault("write", "lost"), MemoryFault("records"), MemoryFault("records", "down")]
    assert world.run().trouble is not None and world.store.pending_sync()
    world.source.archive(id)
    world.run()
    assert world.row(id).plan == "held"
    world.edit_theirs(lead, Phone="0")
    world.source.restore(id)
    world.settle(2)
    assert world.ours(id)["phone"] == world.theirs(lead)["Phone"] == "0"
    assert not world.store.conflicts()


def test_a_write_that_a_hold_overtakes_and_that_never_arrived_is_sent_when_it_ends(world: World) -> None:
    id = at_rest(world, phone="0")
    lead = world.lead(id)
    world.edit_theirs(lead, Phone="1")
    world.source.drops = 1
    world.source.faults.after("read", lambda: world.source.faults.fail("read"))
    assert world.run().trouble is not None and world.store.pending_sync()
    world.act("delete", lead)
    world.run()
    world.act("undelete", lead)
    world.settle(2)
    assert world.ours(id)["phone"] == "1" and not world.store.conflicts()


# --- another mapping ----------------------------------------------------------------------------------------

EMAIL = FieldMapping("email", "Email", "Email")


def test_a_changed_mapping_reaches_records_that_nobody_has_touched_once(world: World) -> None:
    at_rest(world, email="eva@example.com")
    contact = at_rest(world, email="ida@example.com")
    world.act("convert", world.lead(contact))
    world.settle(2)
    world.rows = (*ROWS, EMAIL)
    begun = len(world.log.events)
    assert [world.run().looked_at for _ in range(4)] == [2, 0, 0, 0]
    assert sorted(writes(world, begun), key=str) == [
        ("Contact", {"Email": "ida@example.com"}), ("Lead", {"Email": "eva@example.com"}),
    ]  # fmt: skip


def test_a_changed_direction_reaches_records_that_nobody_has_touched(world: World) -> None:
    id = at_rest(world, city="Bern")
    other = FieldMapping("city", "City", "MailingCity", direction="two-way")
    world.crm.leads[world.lead(id)].fields["City"] = "Basel"
    world.rows = (*ROWS[:-1], other)
    assert [world.run().looked_at for _ in range(3)] == [1, 0, 0]
    assert world.ours(id)["city"] == "Basel"


def test_a_rule_of_the_contact_makes_no_lead_due(world: World) -> None:
    at_rest(world), at_rest(world)
    world.rows = (*ROWS[:-1], FieldMapping("city", "City", "MailingState"))
    assert world.run().looked_at == 2  # the rule's name is of both fields
    world.rows = (*world.rows, FieldMapping("company", account="Industry"))
    assert world.run().looked_at == 0


def test_the_same_mapping_makes_nobody_due_whatever_its_order_or_the_options_of_its_picklists() -> None:
    world = World(rows=(*ROWS, EMAIL))
    id = at_rest(world)
    world.rows = tuple(reversed(world.rows))
    one = FieldInfo(FieldType("picklist", options=("A", "B")))
    world.crm.shape["Lead"]["Title"] = one
    assert world.run().looked_at == 1  # a text became a picklist
    world.crm.shape["Lead"]["Title"] = replace(one, type=replace(one.type, options=("A", "B", "C")))
    world.rows = (*ROWS[::-1], EMAIL)
    begun = len(world.log.events)
    assert [world.run().looked_at for _ in range(2)] == [0, 0] and len(world.log.events) == begun
    said = [name for name in world.row(id).agreed if name.startswith(RULES_OF)]
    assert said == [f"{RULES_OF}{world.map().fingerprint('lead')}"]


def test_records_of_an_older_mapping_that_could_not_be_reached_stay_due(world: World) -> None:
    ids = [at_rest(world) for _ in range(2)]
    world.rows = (*ROWS, EMAIL)
    world.crm.faults.append(MemoryFault("records", "down"))
    assert world.run().trouble is not None
    assert [world.run().looked_at for _ in range(2)] == [len(ids), 0]


def test_a_held_record_is_not_due_for_ever_because_of_an_older_mapping(world: World) -> None:
    id = at_rest(world)
    world.act("purge", world.lead(id))
    world.full_hours = 0
    world.run()
    world.full_hours = 10_000
    world.rows = (*ROWS, EMAIL)
    for _ in range(5):
        world.run(after=timedelta(days=10))
    assert world.run().looked_at == 0


@pytest.mark.parametrize("plan", ["lead", "contact"])
def test_a_database_keeps_the_rules_that_were_agreed_on_by(tmp_path: Path, plan: str) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    world = World(store=store)
    id = at_rest(world)
    if plan == "contact":
        world.act("convert", world.lead(id))
        world.settle(2)
    assert world.run().looked_at == 0 and world.row(id).plan == plan
    world.rows = (*ROWS, EMAIL)
    assert [world.run().looked_at for _ in range(2)] == [1, 0]
    store.close()


def test_a_field_that_was_not_mapped_while_its_record_changed_is_filled_and_not_emptied(world: World) -> None:
    id = at_rest(world, phone="1")
    world.rows = tuple(row for row in ROWS if row.marketing != "phone")
    world.settle(1)
    winner = world.crm.add_lead(owner=world.user, LastName="Roth", Company="Acme").id
    world.act("merge", winner, world.lead(id))
    world.settle(2)
    world.crm.leads[winner].fields["Phone"] = None
    world.rows = ROWS
    world.settle(2)
    assert world.ours(id)["phone"] == world.theirs(winner)["Phone"] == "1"


def test_an_edit_of_a_field_that_is_not_mapped_is_carried_over_once_it_is_again(world: World) -> None:
    id = at_rest(world, phone="1")
    world.rows = tuple(row for row in ROWS if row.marketing != "phone")
    world.edit_theirs(world.lead(id), Phone="2")
    world.settle(2)
    assert world.ours(id)["phone"] == "1"
    world.rows = ROWS
    world.run()
    assert world.ours(id)["phone"] == "2" and not world.store.conflicts()


# --- an object that was another record's meanwhile ----------------------------------------------------------


@pytest.mark.parametrize("same_cycle", [False, True])
def test_what_another_record_emptied_is_not_emptied_when_the_contact_comes_back_with_the_same_external_id(
    world: World, same_cycle: bool
) -> None:
    """The other record's id was refused, so that the Contact still names the one that gets it back."""
    pair = at_rest(world, phone="1"), at_rest(world, phone="1")
    one, two = reversed(pair) if same_cycle else pair  # who is looked at first frees it for who comes next
    contact = world.act("convert", world.lead(one))
    world.crm.add_contact(email="", owner=world.user, Marketing_Id__c=f"hubspot:{two}")
    world.full_hours = 0
    world.settle(2)
    world.source.archive(one)
    world.settle(1)
    world.act("convert", world.lead(two), contact=contact)
    world.settle(2)
    world.edit_ours(two, phone=None)
    world.settle(1)
    assert not world.theirs(contact)["Phone"] and world.theirs(contact)["Marketing_Id__c"] == f"hubspot:{one}"
    world.source.archive(two)
    world.source.restore(one)
    world.settle(1 if same_cycle else 2)
    link = world.live_link(one)
    assert link is not None and link.crm_id == contact
    world.settle(2)
    assert world.ours(one)["phone"] == world.theirs(contact)["Phone"] == "1"


def test_what_a_person_emptied_stays_empty_when_the_contact_was_another_records_only_before(
    world: World,
) -> None:
    two, one = at_rest(world), at_rest(world, phone="1")
    contact = world.act("convert", world.lead(two))
    world.full_hours = 0
    world.settle(2)
    world.source.archive(two)
    world.settle(1)
    world.act("convert", world.lead(one), contact=contact)
    world.settle(3)
    assert world.ours(one)["phone"] == world.theirs(contact)["Phone"] == "1"
    world.source.archive(one)
    world.settle(1)
    world.edit_theirs(contact, Phone=None)
    world.source.restore(one)
    world.settle(3)
    assert not world.ours(one)["phone"] and not world.theirs(contact)["Phone"]
