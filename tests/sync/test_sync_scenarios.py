"""The cycle, and each fault between its read and its write: judged by what both systems have logged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sync_world import Crash, World, at_rest, writes

from allocator.adapters.crm.memory import MemoryFault
from allocator.domain.records import Link
from allocator.domain.sync.values import FieldInfo
from allocator.errors import QuotaError
from rules.field_values import FieldType

# --- the five steps -----------------------------------------------------------------------------------------


def test_an_edit_reaches_the_lead_and_after_its_conversion_the_contact_and_not_the_lead(world: World) -> None:
    id = at_rest(world)
    lead = world.lead(id)
    begun = len(world.log.events)
    world.edit_ours(id, phone="1")
    world.run()
    assert writes(world, begun) == [("Lead", {"Phone": "1"})]
    contact = world.act("convert", lead)
    world.edit_ours(id, phone="2")
    begun = len(world.log.events)
    world.run()
    assert ("Contact", {"Phone": "2"}) in writes(world, begun)
    assert not [x for x in world.written(begun) if x.id == lead]
    assert world.theirs(lead)["Phone"] == "1" and world.theirs(contact)["Phone"] == "2"
    assert world.links(id) == {lead: "converted", contact: "live"}
    assert world.row(id).plan == "contact"


def test_the_ids_come_back_and_the_leads_stays_after_the_conversion(world: World) -> None:
    id = at_rest(world)
    lead = world.lead(id)
    contact = world.act("convert", lead)
    world.settle(2)
    told = world.ours(id)
    assert (told["crm_lead_id"], told["crm_contact_id"], told["crm_converted"]) == (lead, contact, "true")
    assert told["crm_owner"] == "Ana" and told["crm_account_id"] == world.crm.contacts[contact].account_id


# --- between read and write ---------------------------------------------------------------------------------


def test_a_conversion_between_read_and_write_sends_the_edit_to_the_contact_once(world: World) -> None:
    id = at_rest(world)
    lead = world.lead(id)
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("write", None, lambda: world.act("convert", lead)))
    begun = len(world.log.events)
    result = world.run()
    done = [(x.object, dict(x.values)) for x in world.written(begun) if x.done and x.side == "theirs"]
    assert done == [("Contact", {"Phone": "1"})] and result.switched == 1
    assert "Phone" not in world.theirs(lead)


def test_an_org_that_swallows_a_write_to_a_dead_lead_is_found_out_by_the_read_back(world: World) -> None:
    """The conversion shares the second of the read, so the condition holds, and the org says nothing."""
    id = at_rest(world)
    lead = world.lead(id)
    world.crm.permissive = True
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("write", None, lambda: world.crm.convert(lead)))
    world.at += timedelta(hours=1)
    world.crm.leads[lead].stamp = world.at
    world.run(after=timedelta())
    link = world.live_link(id)
    assert link is not None and link.object == "Contact" and world.theirs(link.crm_id)["Phone"] == "1"
    sent = [x for x in world.store.sync_writes(world.key(id)) if x.object == "Contact"]
    assert [x.rerouted for x in sent] == [True]


def test_a_lead_that_a_person_changes_in_between_is_read_again_and_loses_nothing(world: World) -> None:
    id = at_rest(world)
    lead = world.lead(id)
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("write", None, lambda: world.edit_theirs(lead, Title="Boss")))
    world.settle(2)
    assert world.theirs(lead)["Phone"] == "1" and world.ours(id)["jobtitle"] == "Boss"
    assert not world.store.conflicts()


def test_a_lead_that_changes_each_time_is_left_for_the_next_cycle(world: World) -> None:
    id = at_rest(world)
    lead = world.lead(id)
    world.edit_ours(id, phone="1")
    world.crm.faults += [
        MemoryFault("write", None, lambda n=n: world.edit_theirs(lead, Title=f"t{n}")) for n in range(4)
    ]
    begun = len(world.log.events)
    world.run()
    assert len(world.written(begun)) == 4 and world.row(id).again
    world.settle(2)
    assert world.theirs(lead)["Phone"] == "1" and world.ours(id)["jobtitle"] == "t3"


def test_an_edit_of_our_side_under_our_own_write_is_seen_in_the_next_cycle(world: World) -> None:
    """Its stamp is older than that of our write, which is what the row knows."""
    id = at_rest(world)
    world.edit_theirs(world.lead(id), Phone="1")
    world.source.faults.before("write", lambda: world.edit_ours(id, jobtitle="Boss"))
    world.settle(2)
    assert world.ours(id)["phone"] == "1" and world.theirs(world.lead(id))["Title"] == "Boss"


def test_an_edit_in_the_second_of_our_write_is_seen_by_the_read_back(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    lead = world.lead(id)
    world.crm.faults += [
        MemoryFault("records"), MemoryFault("records", None, lambda: world.crm.edit(lead, Title="Boss")),
    ]  # fmt: skip
    world.settle(2)
    assert world.ours(id)["jobtitle"] == "Boss" and world.theirs(lead)["Phone"] == "1"


# --- answers that do not come -------------------------------------------------------------------------------


def test_a_write_whose_answer_is_lost_is_read_and_not_sent_twice(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("write", "lost"))
    begun = len(world.log.events)
    world.settle(3)
    assert writes(world, begun) == [("Lead", {"Phone": "1"})]


def test_a_write_that_never_arrived_is_sent_by_the_next_cycle(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("write", "dropped"))
    world.settle(2)
    assert world.theirs(world.lead(id))["Phone"] == "1"


def test_a_person_who_undoes_a_write_of_unknown_outcome_is_heard(world: World) -> None:
    id = at_rest(world, phone="0")
    world.edit_theirs(world.lead(id), Phone="1")
    world.source.faults.lose("write")
    world.source.faults.before("read", lambda: None)
    world.source.faults.before("read", lambda: world.source.faults.fail("read"))
    world.run()
    world.edit_ours(id, phone="0")
    world.settle(2)
    assert world.theirs(world.lead(id))["Phone"] == "0" and not world.store.conflicts()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["commit_sync", "attempt_sync", "settle_sync", "set_mark"])
def test_who_is_killed_at_any_step_loses_nothing_and_writes_nothing_twice(
    world: World, step: str, when: str
) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    world.edit_theirs(world.lead(id), Title="Boss")
    world.store.crash = (step, when)
    begun = len(world.log.events)
    with pytest.raises(Crash):
        world.run()
    world.settle(3)
    assert sorted(writes(world, begun), key=str) == [
        ("Lead", {"Phone": "1"}),
        ("record", {"jobtitle": "Boss"}),
    ]
    assert not world.store.conflicts()


def test_the_marks_move_only_after_the_work(world: World) -> None:
    id = at_rest(world)
    before = world.marks[-1]
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("write", "unsent"))
    result = world.run()
    assert result.trouble is not None and world.marks[-1] == before
    world.run()
    assert world.theirs(world.lead(id))["Phone"] == "1" and world.marks[-1] != before


def test_a_system_that_is_down_leaves_all_for_the_next_cycle_and_is_named(world: World) -> None:
    id = at_rest(world)
    world.edit_ours(id, phone="1")
    world.crm.faults.append(MemoryFault("records", "quota"))
    result = world.run()
    assert isinstance(result.trouble, QuotaError) and result.asked == "salesforce"
    world.source.faults.fail("read")
    assert world.run().asked == "hubspot"
    world.run()
    assert world.theirs(world.lead(id))["Phone"] == "1"


# --- refused ------------------------------------------------------------------------------------------------


def test_what_a_system_refuses_is_told_and_sent_again_only_when_a_side_has_changed(world: World) -> None:
    id, other = at_rest(world), at_rest(world)
    world.source.faults.refusing[id] = "INVALID_OPTION"
    for one in (id, other):
        world.edit_theirs(world.lead(one), Phone="1")
    begun = len(world.log.events)
    world.settle(3)
    world.full_hours = 0
    world.settle(2)
    assert len([x for x in world.written(begun) if x.id == id]) == 1
    assert world.ours(other)["phone"] == "1"
    (problem,) = world.row(id).problems
    assert problem.code == "rejected" and "INVALID_OPTION" in str(problem)
    world.source.faults.refusing.clear()
    world.edit_theirs(world.lead(id), Title="Boss")
    world.settle(2)
    assert world.ours(id)["phone"] == "1" and not world.row(id).problems


def test_a_value_that_is_refused_keeps_no_other_value_of_the_record_back(world: World) -> None:
    id = at_rest(world)
    closed = FieldInfo(FieldType(), writable=False)
    world.edit_ours(id, phone="1", jobtitle="bad")
    world.crm.faults.append(
        MemoryFault("write", None, lambda: world.crm.shape["Lead"].__setitem__("Title", closed))
    )
    world.run()
    assert world.theirs(world.lead(id))["Phone"] == "1"
    assert [(x.rule.partition("=")[0], x.code) for x in world.row(id).problems] == [("jobtitle", "rejected")]
    world.edit_theirs(world.lead(id), LastName="Rot", FirstName="Ev")
    world.source.faults.before("write", lambda: world.source._fields.__setitem__("lastname", closed))
    world.run()
    assert world.ours(id)["firstname"] == "Ev" and world.ours(id)["lastname"] == "Roth"
    assert "lastname" in {x.rule.partition("=")[0] for x in world.row(id).problems}


def test_a_person_who_edits_between_two_fields_sent_one_by_one_is_not_overwritten(world: World) -> None:
    id = at_rest(world)
    lead, closed = world.lead(id), FieldInfo(FieldType(), writable=False)
    world.edit_ours(id, phone="1", jobtitle="bad", firstname="Ev")
    world.crm.faults += [
        MemoryFault("write", None, lambda: world.crm.shape["Lead"].__setitem__("Title", closed)),
        MemoryFault("write", None, lambda: world.edit_theirs(lead, Phone="2", FirstName="2")),
    ]
    world.settle(3)
    lost = {x.conflict.lost for x in world.store.conflicts()}
    for name, theirs in (("phone", "Phone"), ("firstname", "FirstName")):
        assert world.ours(id)[name] == world.theirs(lead)[theirs] and lost & {"1", "2", "Ev"}


def test_a_record_that_cannot_get_its_external_id_is_seen_all_the_same(world: World) -> None:
    """The CRM's search finds only what has one, and another record has it already."""
    id = at_rest(world)
    other = world.crm.add_lead(owner=world.user, LastName="Roth", Company="Acme").id
    world.act("merge", other, world.lead(id))
    world.act("undelete", world.lead(id))
    with world.lease() as lease:
        links = [Link(world.key(id), "salesforce", "Lead", world.lead(id), "merged", world.at)]
        world.store.save_links(
            lease, [*links, Link(world.key(id), "salesforce", "Lead", other, "live", world.at)]
        )
    world.full_hours = 0
    world.run()
    world.full_hours = 10_000
    assert {x.rule for x in world.row(id).problems} == {"@external_id"}
    begun = len(world.log.events)
    world.edit_theirs(other, Phone="1")
    world.run()
    assert world.ours(id)["phone"] == "1" and len(world.written(begun)) <= 2
    begun = len(world.log.events)
    world.run()
    world.run()
    assert not world.written(begun)
