"""Deleted, merged, purged, archived, claimed twice: what a record that leads nowhere does, and does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sync_world import World, at_rest

from allocator.domain.records import Link
from allocator.domain.sync import route
from allocator.domain.sync.base import BASE_OF

# --- dead ends ----------------------------------------------------------------------------------------------


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


# --- our side -----------------------------------------------------------------------------------------------


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


def test_the_winner_of_a_merge_that_is_archived_gets_the_losers_link_once_and_no_more(world: World) -> None:
    winner = world.source.add(firstname="Eva", lastname="Roth")
    lost = at_rest(world)
    world.tick()
    world.source.merge(winner, lost)
    world.full_hours = 0
    world.settle(2)
    assert world.links(winner) == {world.lead(lost): "live"}
    world.source.archive(winner)
    stood = []
    for _ in range(4):
        world.run()
        stood.append(world.links(winner)[world.lead(lost)])
    assert stood == ["deleted"] * 4
    world.source.restore(winner)
    world.settle(2)
    assert world.links(winner) == {world.lead(lost): "live"} and world.row(winner).plan == "lead"


def test_what_was_refused_is_not_sent_again_because_a_hold_ends(world: World) -> None:
    """Its Lead says that it belongs to another record, and another Lead has the id that it is to get."""
    id, other = world.person(external_id=False), at_rest(world)
    world.crm.leads[world.lead(id)].fields["Marketing_Id__c"] = f"hubspot:{other}"
    world.crm.add_lead(owner=world.user, LastName="Roth", Company="A", Marketing_Id__c=f"hubspot:{id}")
    world.full_hours = 0
    stood = []
    for act in (world.source.archive, world.source.restore) * 2:
        act(other)
        world.settle(3)
        stood.append((world.row(id).plan, [problem.rule for problem in world.row(id).problems]))
    assert stood == [("lead", ["@external_id"]), ("held", ["@external_id"])] * 2
    refused = [x for x in world.written() if x.id == world.lead(id) and not x.done]
    assert len(refused) == 1 and world.results[-1].problems == 0


def test_what_another_record_emptied_meanwhile_is_not_emptied_when_the_contact_comes_back(
    world: World,
) -> None:
    one, two = at_rest(world, phone="1"), at_rest(world)
    contact = world.act("convert", world.lead(one))
    world.full_hours = 0
    world.settle(2)
    world.source.archive(one)
    world.settle(1)
    world.act("convert", world.lead(two), contact=contact)
    world.settle(2)
    assert world.ours(two)["phone"] == "1"
    world.edit_ours(two, phone=None)
    world.settle(1)
    assert not world.theirs(contact)["Phone"]
    world.source.archive(two)
    world.source.restore(one)
    world.settle(3)
    link = world.live_link(one)
    assert link is not None and link.crm_id == contact
    assert world.ours(one)["phone"] == world.theirs(contact)["Phone"] == "1"
