"""Leads of marketing systems in a database: what replays, statements, answers and pauses make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from arrivals_world import World, tables, user

from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import LeadKey
from allocator.domain.pauses import Pause, Paused
from allocator.domain.replay import Replay
from allocator.domain.statement import Period
from allocator.domain.take_backs import Ended, TakeBack
from allocator.domain.walked import RawLeads, Walked
from allocator.errors import UnknownName
from allocator.service.compare import Days, compare
from allocator.service.impact import measure
from allocator.service.next_turns import rotation_object
from allocator.service.statement import statements
from allocator.service.timeline import timeline
from allocator.service.undo import reject, undo
from allocator.service.why import explain_lead
from rules.model import RoutingTables


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(folder=tmp_path)
    yield made
    made.store.close()


def played(world: World) -> dict[str, str]:
    """Three hours in which contacts are made, linked, held for all that there is, and made in the end."""
    world.crm.add_lead(created=world.at, owner=user("chi"), Email="cia@analytical.example", LastName="C")
    world.crm.add_contact(email="dee@analytical.example", owner=user("ben"), person_account=True)
    who = {name: world.add(name) for name in ("ada", "bea", "cia", "dee")}
    who["eva"] = world.add("eva", company="")
    who["fay"] = world.add("ada")
    world.crm.add_lead(created=world.at, Email="own@example.com", Country="DE")
    world.run()
    world.source.edit(who["eva"], company="Analytical")
    who["gil"] = world.add("gil")
    world.run()
    world.run()
    return who


def test_a_database_holds_the_same_as_the_store_in_memory(world: World) -> None:
    other = World()
    for one in (world, other):
        who = played(one)
        for name in ("ada", "bea", "eva", "gil"):
            assert one.ended(who[name]) == ("confirmed", None)
            assert len(one.made(who[name])) == 1
            assert one.told(who[name])["lead_id"] == one.lead(who[name]).id
        assert one.ended(who["cia"]) == ("confirmed", None)
        assert one.ended(who["dee"]) == ("held", "person_account")
        assert one.ended(who["fay"]) == ("held", "ambiguous_match")
    rows = [
        [(r.key, r.state, r.reason, r.epoch, r.owner, r.by) for r in w.store.leads()] for w in (world, other)
    ]
    assert rows[0] == rows[1]
    assert world.store.ledgers() == other.store.ledgers()


def test_the_same_tables_on_past_runs_move_nobody(world: World) -> None:
    played(world)
    found = measure(
        world.store, tables(), tables(), read=lambda sha: None, fact_fields=SALESFORCE_FACTS, now=world.at
    )
    assert found is not None
    assert found.moved == ()
    assert found.leads == 5  # those that somebody had to be chosen for


def only_ben() -> RoutingTables:
    """As `tables`, but all of it is Ben's."""
    usual = tables()
    (team,) = usual.teams
    return replace(usual, version="b" * 8, teams=(replace(team, people=team.people[1:2]),))


def held_for_want_of_people(world: World) -> str:
    """A contact that came while nobody was there; now they are back."""
    for name in ("ana", "ben", "chi"):
        world.deactivate(name)
    ada = world.add()
    world.run()
    assert world.ended(ada) == ("held", "nobody_available")
    for name in ("ana", "ben", "chi"):
        world.deactivate(name, active=True)
    return ada


@pytest.mark.parametrize("kind", ["database", "memory"])
def test_a_contact_that_was_held_and_then_linked_is_given_to_nobody_in_a_replay(
    world: World, kind: str
) -> None:
    world = World() if kind == "memory" else world
    ada = held_for_want_of_people(world)
    world.crm.add_lead(created=world.at, owner=user("chi"), Email="ada@analytical.example", LastName="L")
    bea = world.add("bea")
    world.run()
    assert world.ended(ada) == ("confirmed", None)
    assert world.live_link(ada) is not None
    world.add("cia")
    world.run()
    found = measure(
        world.store, tables(), only_ben(), read=lambda sha: None, fact_fields=SALESFORCE_FACTS, now=world.at
    )
    assert found is not None
    moved = {one.lead for one in found.moved}
    assert moved == {f"hubspot:{bea}"}


@pytest.mark.parametrize("kind", ["database", "memory"])
def test_a_contact_that_its_match_held_meanwhile_is_decided_in_a_replay_when_it_was(
    world: World, kind: str
) -> None:
    world = World() if kind == "memory" else world
    ada = held_for_want_of_people(world)
    mail = "ada@analytical.example"
    two = [world.crm.add_lead(created=world.at, owner=user("chi"), Email=mail).id for _ in range(2)]
    bea = world.add("bea")
    world.run()
    assert world.ended(ada) == ("held", "ambiguous_match")
    assert world.lead(bea).owner == user("ana")
    for one in two:
        world.crm.delete(one)
    world.run()
    assert world.lead(ada).owner == user("ben")
    found = measure(
        world.store, tables(), tables(), read=lambda sha: None, fact_fields=SALESFORCE_FACTS, now=world.at
    )
    assert found is not None
    assert found.moved == ()
    past = world.store.past(world.at - timedelta(days=1), most=1000)
    fates = (
        Replay(past, tables(), Walked(tables(), RawLeads(past, SALESFORCE_FACTS)), lambda sha: None)
        .go()
        .fates
    )
    assert fates[LeadKey("hubspot", ada)].owner == user("ben")
    assert fates[LeadKey("hubspot", bea)].owner == user("ana")


def test_a_statement_counts_what_was_made_as_turns_and_what_was_linked_as_none(world: World) -> None:
    played(world)
    (one,) = statements(world.store, tables(), team=None, period=Period(), by_lane=False)
    (whole,) = one.parts
    assert whole.given == 5
    assert sum(line.got for line in whole.lines) == sum(line.fair_share for line in whole.lines)
    assert sum(line.counts["turn"] for line in whole.lines) == 5
    order = rotation_object(tables(), tables().teams[0], now=world.at, store=world.store, n=3)
    assert len(order["lanes"][0]["next"]) == 3


def test_every_lead_can_be_explained(world: World) -> None:
    who = played(world)
    for number in who.values():
        (row,) = world.store.leads([LeadKey("hubspot", number)])
        told = explain_lead(world.store, row, tables())
        assert told["state"] == row.state
        assert timeline(world.store, row, {})


def test_linking_somebody_counts_to_no_cap(world: World) -> None:
    played(world)
    assert len(world.store.given_since(world.at.replace(hour=0))) == 5


def test_observed_contacts_are_not_compared_with_the_leads_of_the_crm(world: World) -> None:
    world.live = False
    played(world)
    found = compare(world.crm, world.store, tables(), days=Days())
    assert found["leads"] == 1


def test_a_made_lead_is_not_taken_back_by_the_allocator(world: World) -> None:
    who = played(world)
    row = world.lead_row(who["ada"])
    with pytest.raises(UnknownName, match=world.lead(who["ada"]).id):
        reject(world.store, [TakeBack(row.key, row.epoch, Ended.REJECTED, world.at, "no")])
    done = undo(world.job(), 1)
    left = {one.given.key: one.why for one in done.left}
    assert f"Lead {world.lead(who['ada']).id} of the CRM now" in left[row.key]
    assert {one.key.source for one in done.back} == {"salesforce"}
    world.run()
    assert world.lead(who["ada"]).owner == row.owner


def test_a_pause_of_the_service_makes_nothing_and_the_next_run_goes_on(world: World) -> None:
    ada = world.add()
    real = world.store.commit_plan

    def paused(*args: object, **more: object) -> None:
        real(*args, **more)
        world.store.pause(Pause(Paused.SERVICE, "", since=world.at, reason="stop"))

    world.store.commit_plan = paused
    outcome = world.run()
    world.store.commit_plan = real
    assert outcome.summary["paused"]
    assert world.made(ada) == []
    assert world.ended(ada) == ("decided", None)
    world.store.resume(Paused.SERVICE, "")
    world.run()
    assert world.lead(ada).owner == user("ana")
    assert world.lead_row(ada).epoch == 1


def test_who_is_paused_between_decision_and_creation_gets_nothing(world: World) -> None:
    ada = world.add()
    real = world.store.commit_plan

    def paused(*args: object, **more: object) -> None:
        real(*args, **more)
        world.store.pause(Pause(Paused.PERSON, "ana", since=world.at, reason="ill"))

    world.store.commit_plan = paused
    world.run()
    world.store.commit_plan = real
    assert world.ended(ada) == ("held", "paused")
    world.run()
    assert world.lead(ada).owner == user("ben")


def test_a_run_that_is_stopped_hands_over_before_it_makes_anything(world: World) -> None:
    ada = world.add()
    real, asked = world.store.commit_plan, []

    def decided(*args: object, **more: object) -> None:
        real(*args, **more)
        asked.append(True)

    world.store.commit_plan = decided
    outcome = world.run(stop=lambda: bool(asked))
    world.store.commit_plan = real
    assert outcome.state == "handed_over"
    assert world.made(ada) == []
    world.run()
    assert len(world.made(ada)) == 1
    assert world.lead_row(ada).epoch == 1
