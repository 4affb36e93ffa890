"""The sync's cycle through each fault by itself: judged by what both systems have logged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sync_world import Crash, World

from allocator.adapters.crm.memory import MemoryFault
from allocator.adapters.store.sql import open_store
from allocator.domain.records import Link
from allocator.domain.sync import route
from allocator.domain.sync.look import BASE_OF
from allocator.domain.sync.values import FieldInfo
from allocator.errors import QuotaError
from rules.field_values import FieldType


@pytest.fixture
def world() -> World:
    return World()


def at_rest(world: World, **values: str) -> str:
    """A person whose two sides are in step."""
    id = world.person(**values)
    world.settle(2)
    return id


def writes(world: World, begun: int) -> list[tuple[str, dict[str, object]]]:
    """What was sent since: to which object, and what."""
    return [(x.object, dict(x.values)) for x in world.written(begun)]


# --- the five steps ---------------------------------------------------------------------------------------


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


# --- between read and write -------------------------------------------------------------------------------


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


# --- answers that do not come -----------------------------------------------------------------------------


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


# --- refused ----------------------------------------------------------------------------------------------


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


# --- dead ends --------------------------------------------------------------------------------------------


def test_a_deleted_contact_holds_the_record_and_its_return_frees_it(world: World) -> None:
    id = at_rest(world)
    contact = world.act("convert", world.lead(id))
    world.settle(2)
    world.act("delete", contact)
    world.edit_ours(id, phone="1")
    begun = len(world.log.events)
    world.settle(3)
    assert not world.written(begun)
    assert (world.row(id).plan, world.row(id).reason) == ("held", "contact_missing")
    assert world.links(id)[contact] == "deleted"
    world.act("undelete", contact)
    world.settle(2)
    assert world.links(id)[contact] == "live" and world.theirs(contact)["Phone"] == "1"


def test_a_contact_deleted_before_its_conversion_was_seen_is_not_replaced_by_the_lead(world: World) -> None:
    id = at_rest(world)
    contact = world.act("convert", world.lead(id))
    world.act("delete", contact)
    world.edit_ours(id, phone="1")
    begun = len(world.log.events)
    world.settle(2)
    assert not [x for x in world.written(begun) if x.side == "theirs"]
    assert world.row(id).reason == "contact_missing"


def test_a_purged_lead_holds_the_record_and_none_is_made(world: World) -> None:
    id = at_rest(world)
    world.act("purge", world.lead(id))
    world.edit_ours(id, phone="1")
    leads = len(world.crm.leads)
    world.settle(2)
    assert world.row(id).reason == "deleted" and len(world.crm.leads) == leads


def test_the_winner_of_a_merge_gets_the_link_and_the_next_edit(world: World) -> None:
    id = at_rest(world, phone="0")
    winner = world.crm.add_lead(owner=world.user, LastName="Roth", Company="Acme").id
    world.act("merge", winner, world.lead(id))
    world.edit_ours(id, phone="1")
    world.settle(2)
    link = world.live_link(id)
    assert link is not None and link.crm_id == winner
    assert world.theirs(winner)["Phone"] == "1" and world.theirs(winner)["Marketing_Id__c"] == f"hubspot:{id}"


def test_what_the_winner_of_a_merge_lacks_is_filled_in_and_empties_nothing(world: World) -> None:
    id = at_rest(world, phone="0")
    winner = world.crm.add_lead(owner=world.user, LastName="Roth", Company="Acme").id
    world.act("merge", winner, world.lead(id))
    world.settle(2)
    assert world.ours(id)["phone"] == "0" and world.theirs(winner)["Phone"] == "0"
    assert world.row(id).agreed[BASE_OF].theirs == f"Lead {winner}"


def test_of_two_linked_leads_that_are_merged_the_loser_is_held_as_merged(world: World) -> None:
    kept, lost = at_rest(world), at_rest(world)
    world.act("merge", world.lead(kept), world.lead(lost))
    world.settle(2)
    assert world.row(lost).reason == "merged" and f"hubspot:{kept}" in world.row(lost).detail
    assert world.row(kept).plan == "lead" and world.links(lost)[world.lead(lost)] == "merged"


def test_merges_are_followed_to_the_end_and_past_a_conversion(world: World) -> None:
    id = at_rest(world)
    first, second = (world.crm.add_lead(owner=world.user, LastName="Roth", Company="A").id for _ in range(2))
    world.act("merge", first, world.lead(id))
    world.act("merge", second, first)
    contact = world.act("convert", second)
    world.settle(2)
    link = world.live_link(id)
    assert link is not None and link.crm_id == contact
    assert set(world.links(id).values()) == {"merged", "converted", "live"}


def test_the_second_of_two_records_that_become_one_contact_is_held(world: World) -> None:
    one, two = at_rest(world), at_rest(world)
    contact = world.act("convert", world.lead(one))
    world.settle(1)
    world.act("convert", world.lead(two), contact=contact)
    world.edit_ours(two, phone="2")
    begun = len(world.log.events)
    world.settle(3)
    assert (world.row(two).plan, world.row(two).reason) == ("held", "ambiguous_match")
    assert f"hubspot:{one}" in world.row(two).detail and not world.theirs(contact).get("Phone")
    assert not [x for x in world.written(begun) if x.side == "theirs"]


def test_a_contact_that_says_it_belongs_to_another_linked_record_is_not_taken(world: World) -> None:
    one, two = at_rest(world), at_rest(world)
    stranger = world.crm.add_contact(email="x", owner=world.user, Marketing_Id__c=f"hubspot:{two}")
    world.act("convert", world.lead(one), contact=stranger)
    world.settle(2)
    assert world.row(one).reason == "ambiguous_match" and f"hubspot:{two}" in world.row(one).detail
    assert world.theirs(stranger)["Marketing_Id__c"] == f"hubspot:{two}"


def test_a_conversion_into_a_contact_with_other_values_keeps_what_loses(world: World) -> None:
    id = at_rest(world, phone="0")
    there = world.crm.add_contact(email="x", owner=world.user, LastName="Roth-Alt", Phone="9")
    world.edit_theirs(there, Phone="99")
    world.act("convert", world.lead(id), contact=there)
    world.settle(2)
    assert world.ours(id)["phone"] == world.theirs(there)["Phone"]
    lost = {x.conflict.lost for x in world.store.conflicts(keys=[world.key(id)])}
    assert {"0", "99"} - {world.ours(id)["phone"]} <= lost


# --- our side ---------------------------------------------------------------------------------------------


def test_the_winner_of_a_merge_on_our_side_gets_the_link(world: World) -> None:
    lost = at_rest(world)
    winner = world.source.add(firstname="Eva", lastname="Roth", phone="7")
    world.tick()
    world.source.merge(winner, lost)
    world.full_hours = 0
    world.settle(3)
    link = world.live_link(winner)
    assert link is not None and link.crm_id == world.lead(lost) and world.row(lost).reason == "merged"
    told = world.theirs(link.crm_id)
    assert told["Marketing_Id__c"] == f"hubspot:{winner}" and told["Phone"] == "7"


def test_an_archived_record_is_held_and_linked_again_when_it_returns(world: World) -> None:
    id = at_rest(world)
    world.source.archive(id)
    world.edit_theirs(world.lead(id), Phone="1")
    begun = len(world.log.events)
    world.settle(2)
    assert world.row(id).reason == "deleted" and world.live_link(id) is None and not world.written(begun)
    world.source.restore(id)
    world.settle(2)
    assert world.live_link(id) is not None and world.ours(id)["phone"] == "1"


def test_a_record_that_gets_a_link_it_had_before_is_looked_at_in_the_next_cycle(world: World) -> None:
    """Its own look in the same batch would still see the link as ended."""
    lost, winner = at_rest(world), at_rest(world)
    had, gone = world.lead(lost), world.lead(winner)
    world.act("delete", gone)
    with world.lease() as lease:
        ended = Link(world.key(winner), "salesforce", "Lead", had, "merged", world.at + timedelta(days=1))
        world.store.save_links(lease, [ended])
    onward = world.crm.add_lead(owner=world.user, LastName="Roth", Company="Acme").id
    world.act("merge", onward, had)
    world.source.merge(winner, lost)
    world.full_hours = 0
    results = [world.run() for _ in range(3)]
    assert not any(result.left_out for result in results)
    link = world.live_link(winner)
    assert link is not None and link.crm_id == onward and world.row(winner).plan == "lead"


def test_one_record_with_contradicting_links_is_held_and_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, fine = at_rest(world), at_rest(world), at_rest(world)
    contact = world.act("convert", world.lead(one))
    world.act("convert", world.lead(two), contact=contact)
    world.edit_ours(fine, phone="1")
    monkeypatch.setattr(route, "_unless_taken", lambda plan, *_: (plan, ""))
    result = world.run()
    assert len(result.left_out) == 1 and world.theirs(world.lead(fine))["Phone"] == "1"
    assert sorted(world.row(id).plan for id in (one, two)) == ["contact", "held"]


# --- conflicts --------------------------------------------------------------------------------------------


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


# --- searches ---------------------------------------------------------------------------------------------


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


# --- calls ------------------------------------------------------------------------------------------------


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
