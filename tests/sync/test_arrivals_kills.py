"""Killed before, after and in the middle of each step of a run that makes Leads: one Lead for one record, one
owner an epoch, turns without a gap. In this process: from the kill on nothing that the dead one says reaches
the store or a system any more, but a creation that was on its way may still arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from arrivals_world import World, user
from doomed import Doom, Doomed, Killed

from allocator.adapters.crm.memory import MemoryFault
from allocator.domain.lead import LeadKey, State
from allocator.service.run import run

STEPS = frozenset({
    "begin_run", "add_pulled", "commit_plan", "attempt", "settle", "save_links", "commit_sync",
    "attempt_sync", "settle_sync", "set_mark", "end_run", "pull", "matching", "records", "create", "write",
    "read", "taken", "describe", "fields",
})  # fmt: skip
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def doom_at(at: int = 0, moment: str = "") -> Doom:
    """Death at that step; at none by default."""
    return Doom(at, moment, STEPS, sends="create")


def story() -> tuple[World, list[str]]:
    """Two contacts that become Leads, one that is a Lead already, and two with one e-mail."""
    world = World()
    world.crm.add_lead(created=world.at, owner=user("chi"), Email="cia@analytical.example", LastName="C")
    numbers = [world.add("ada"), world.add("bea"), world.add("cia"), world.add("bea")]
    world.crm.add_lead(created=world.at)
    return world, numbers


def doomed_run(world: World, doom: Doom) -> None:
    world.at += timedelta(hours=1)
    parts: dict[str, Any] = {
        "store": Doomed(world.store, doom), "crm": Doomed(world.crm, doom),
        "sources": [Doomed(world.source, doom)],
    }  # fmt: skip
    try:
        run(world.job(**parts), by="test")
    except Killed:
        if world.store.box.state.expires:
            world.store.box.state.expires = LONG_AGO


def steps_of_a_run() -> list[str]:
    world, _ = story()
    doom = doom_at()
    doomed_run(world, doom)
    return doom.steps


def is_whole(world: World, numbers: list[str]) -> None:
    """What must be so once all is said and done, whatever happened on the way."""
    ada, bea, cia, other = numbers
    for number in (ada, bea):
        assert len(world.made(number)) == 1
        assert world.ended(number) == ("confirmed", None)
        assert world.lead(number).owner == world.lead_row(number).owner
        assert world.told(number)["lead_id"] == world.lead(number).id
    assert world.ended(cia) == ("confirmed", None)
    assert world.ended(other) == ("held", "ambiguous_match")
    assert world.made(other) == []
    for book in world.store.ledgers().values():
        assert sum(book.credits.values()) == 0
    taken = [t.turn.number for row in world.store.leads() for t in turns(world, row.key)]
    assert sorted(taken) == list(range(1, len(taken) + 1))
    assert not world.store.pending()
    assert not world.store.leads(states=[State.WAITING, State.DECIDED])


def turns(world: World, key: LeadKey) -> list[Any]:
    return [one.row for one in world.store.turns_of(key)]


@pytest.mark.parametrize("moment", ["before", "after", "middle", "late"])
def test_a_run_that_makes_leads_is_carried_on_wherever_it_was_killed(moment: str) -> None:
    steps = steps_of_a_run()
    assert {"create", "commit_plan", "attempt", "settle", "matching", "taken"} <= set(steps)
    for at, name in enumerate(steps, start=1):
        if moment in ("middle", "late") and name != "create":
            continue
        world, numbers = story()
        doom = doom_at(at, moment)
        doomed_run(world, doom)
        assert doom.dead, name
        if doom.late:
            world.crm.create(doom.late)
        world.run()
        if moment == "middle":
            world.run()
        is_whole(world, numbers)


def test_the_dead_ones_creation_that_arrives_after_the_next_run_has_read_makes_no_second_lead() -> None:
    world, numbers = story()
    steps = steps_of_a_run()
    doom = doom_at(steps.index("create") + 1, "late")
    doomed_run(world, doom)
    world.run()
    world.crm.create(doom.late)
    world.run()
    is_whole(world, numbers)


@pytest.mark.parametrize("what", ["lost", "dropped", "down"])
def test_an_answer_to_a_creation_that_never_came_makes_no_second_lead(what: Any) -> None:
    world, numbers = story()
    world.crm.faults.append(MemoryFault("create", what))
    world.run()
    owners = {n: row.owner for n in numbers[:2] if (row := world.lead_row(n)).owner}
    world.run()
    is_whole(world, numbers)
    for number, owner in owners.items():
        assert world.lead(number).owner == owner
        assert world.lead_row(number).epoch == 1


def test_a_creation_that_was_not_sent_for_want_of_calls_is_sent_by_the_next_run() -> None:
    world, numbers = story()
    world.crm.faults.append(MemoryFault("create", "quota"))
    outcome = world.run()
    assert outcome.trouble is not None
    assert outcome.summary["leads"]["retry"] == 2
    world.run()
    is_whole(world, numbers)


def test_a_lead_whose_creation_got_no_answer_is_believed_though_somebody_has_taken_it() -> None:
    world = World()
    ada = world.add()

    def taken() -> None:
        world.lead(ada).owner = user("chi")

    world.crm.faults.append(MemoryFault("create", "lost"))
    world.crm.faults += [MemoryFault("matching"), MemoryFault("matching"), MemoryFault("matching", act=taken)]
    world.run()
    assert world.ended(ada) == ("taken", None)
    assert world.live_link(ada) is not None
    world.run()
    assert world.lead(ada).owner == user("chi")


def lost_then(act: Callable[[World, str], object]) -> tuple[World, str]:
    """A Lead whose creation got no answer and was not found again in that run; then this happened to it."""
    world = World()
    ada = world.add()
    looks = [MemoryFault("matching"), MemoryFault("matching"), MemoryFault("matching", "down")]
    world.crm.faults += [MemoryFault("create", "lost"), *looks]
    world.run()
    assert world.ended(ada) == ("decided", None)
    act(world, world.lead(ada).id)
    return world, ada


def test_a_lead_whose_creation_got_no_answer_and_that_was_deleted_is_not_made_again() -> None:
    world, ada = lost_then(lambda world, lead: world.crm.delete(lead))
    world.run()
    assert world.ended(ada) == ("closed", "deleted")
    assert world.made(ada) == []
    assert all(sum(book.credits.values()) == 0 for book in world.store.ledgers().values())
    assert not world.store.pending()
    world.run()
    assert world.made(ada) == []
    assert world.ended(ada) == ("closed", "deleted")


def test_a_lead_whose_creation_got_no_answer_and_that_is_restored_later_is_kept_in_step() -> None:
    world, ada = lost_then(lambda world, lead: world.crm.delete(lead))
    world.run()
    (gone,) = world.crm.leads
    world.crm.undelete(gone)
    world.source.edit(ada, jobtitle="Countess")
    world.run()
    lead = world.lead(ada)
    assert lead.fields["Title"] == "Countess"


def test_a_lead_whose_creation_got_no_answer_and_that_lost_a_merge_leads_to_the_winner() -> None:
    def merged(world: World, lead: str) -> None:
        winner = world.crm.add_lead(created=world.at, owner=user("chi"), LastName="L", Company="A")
        world.crm.merge(winner.id, lead)

    world, ada = lost_then(merged)
    world.run()
    assert world.ended(ada) == ("closed", "merged")
    link = world.live_link(ada)
    assert link is not None
    assert world.crm.leads[link.crm_id].owner == user("chi")
    assert [one.id for one in world.made(ada)] == [link.crm_id]
    assert len(world.crm.leads) == 2


def test_a_lead_that_was_deleted_and_made_once_more_by_somebody_counts_as_the_one_that_is_there() -> None:
    world, ada = lost_then(lambda world, lead: world.crm.delete(lead))
    again = world.crm.add_lead(created=world.at, owner=user("ana"), Marketing_Id__c=f"hubspot:{ada}")
    world.run()
    assert world.ended(ada) == ("confirmed", None)
    assert [one.id for one in world.made(ada)] == [again.id]


def test_locked_records_are_tried_again_in_the_same_run() -> None:
    world = World()
    ada = world.add()
    world.crm.faults.append(MemoryFault("create", "locked"))
    world.run()
    assert world.ended(ada) == ("confirmed", None)
