"""New Leads that the CRM refuses: each is held by itself, with code and field; the others go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from arrivals_world import World, user

from allocator.domain.lead import LeadKey
from rules.field_values import FieldType


def run_with(world: World, act: Callable[[], object]) -> None:
    """A run in which this happens between decision and creation."""
    real = world.store.commit_plan

    def decided(*args: object, **more: object) -> None:
        real(*args, **more)
        act()

    world.store.commit_plan = decided
    world.run()
    world.store.commit_plan = real


def are_made(world: World, *numbers: str) -> None:
    for number in numbers:
        assert len(world.made(number)) == 1
        assert world.ended(number) == ("confirmed", None)


def cost_nothing(world: World) -> bool:
    """Whether every turn that stands brought a Lead."""
    standing = [
        row.key
        for row in world.store.leads()
        for turn in world.store.turns_of(LeadKey(*row.key))
        if not turn.given_back
    ]
    return all(world.made(key.source_id) for key in standing)


def test_a_value_that_a_picklist_does_not_take_holds_its_own_lead_alone_and_names_the_field() -> None:
    world = World()
    before, odd, after = world.add("ada"), world.add("bea", country="Atlantis"), world.add("cia")
    countries = FieldType("picklist", options=("DE",), restricted=True)

    def restricted() -> None:  # by a record type, which no describe of the object tells
        shape = world.crm.shape["Lead"]
        shape["Country"] = replace(shape["Country"], type=countries)

    run_with(world, restricted)
    are_made(world, before, after)
    assert world.ended(odd) == ("held", "crm_rejected")
    assert world.lead_row(odd).detail == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Country"
    assert cost_nothing(world)


def test_a_field_of_the_orgs_own_that_must_be_filled_is_named() -> None:
    world = World()
    ada = world.add()
    status = world.crm.shape["Lead"]["Title"]
    world.crm.shape["Lead"]["Title"] = replace(status, required=True)
    world.run()
    assert world.ended(ada) == ("held", "crm_rejected")
    assert world.lead_row(ada).detail == "REQUIRED_FIELD_MISSING: Title"
    assert cost_nothing(world)
    world.source.edit(ada, jobtitle="Countess")
    world.run()
    are_made(world, ada)


def test_who_is_deactivated_between_decision_and_creation_gets_nothing_and_the_others_theirs() -> None:
    world = World()
    ada, bea, cia = (world.add(name) for name in ("ada", "bea", "cia"))
    run_with(world, lambda: world.deactivate("ben"))
    are_made(world, ada, cia)
    assert world.ended(bea) == ("held", "owner_refused")
    assert world.lead_row(bea).detail.startswith("INACTIVE_OWNER_OR_USER")
    assert cost_nothing(world)
    world.run()
    are_made(world, bea)
    assert world.lead(bea).owner != user("ben")
