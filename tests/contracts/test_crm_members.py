"""Members of campaigns without a marketing record: what every CRM promises, and what wraps one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crm_record_acts import KEY, create, read
from crm_worlds import MemoryWorld, World, sandbox_world

from allocator.adapters.crm.cached import CachedCRM
from allocator.adapters.crm.predicting import PredictingCRM
from allocator.domain.sync.values import CrmWrite
from allocator.ports import CRM


@pytest.fixture(params=["memory", "salesforce"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    else:
        with sandbox_world() as made:
            yield made


def members(crm: CRM, kind: str, *names: str) -> list[str]:
    return [one.id for page in crm.members(kind, names, ["LastName"]) for one in page]


def test_members_of_a_campaign_are_shown_with_their_values_each_once(world: World) -> None:
    lead, other = world.lead(email="a@x.example"), world.lead(email="b@x.example")
    contact = world.contact("c@x.example", world.user("Ana"))
    for one in (lead, contact):
        world.campaign(one, "Newsletter")
    world.campaign(lead, "Fair 2026")
    world.campaign(other, "Another")
    (page,) = world.crm.members("Lead", ["newsletter", "Fair 2026"], ["LastName"])
    assert [(one.id, one.email, one.values) for one in page] == [(lead, "a@x.example", {"LastName": "Lead"})]
    assert members(world.crm, "Contact", "Newsletter") == [contact]


def test_who_has_a_marketing_record_is_not_among_them(world: World) -> None:
    ana = world.user("Ana")
    lead, contact = create(world, ana).id, world.contact("c@x.example", ana, **{KEY: "hubspot:9"})
    for one in (lead, contact):
        world.campaign(one, "Newsletter")
    assert members(world.crm, "Lead", "Newsletter") == members(world.crm, "Contact", "Newsletter") == []


def test_deleted_ones_are_left_out(world: World) -> None:
    lead = world.lead(email="a@x.example")
    world.campaign(lead, "Newsletter")
    world.delete(lead)
    assert members(world.crm, "Lead", "Newsletter") == []


def test_a_converted_lead_is_a_member_no_more(world: World) -> None:
    world.user("Ana")
    lead = world.lead(email="a@x.example", owner=world.user("Ben"))
    world.campaign(lead, "Newsletter")
    world.convert(lead)
    assert members(world.crm, "Lead", "Newsletter") == []


def test_a_name_that_no_campaign_has_and_no_names_at_all_find_nobody(world: World) -> None:
    world.campaign(world.lead(email="a@x.example"), "Newsletter")
    assert members(world.crm, "Lead") == members(world.crm, "Lead", "x' OR Id != '", "") == []


def test_the_runs_cache_and_a_dry_run_show_members_and_a_dry_run_knows_whom_it_linked(world: World) -> None:
    lead, other = world.lead(email="a@x.example"), world.lead(email="b@x.example")
    for one in (lead, other):
        world.campaign(one, "Newsletter")
    assert sorted(members(CachedCRM(world.crm), "Lead", "Newsletter")) == sorted([lead, other])
    dry = PredictingCRM(world.crm)
    stamp = read(world, lead).stamp
    assert stamp is not None
    dry.write([CrmWrite("Lead", lead, {KEY: "hubspot:1"}, stamp)])
    assert members(dry, "Lead", "Newsletter") == [other]
    assert len(members(world.crm, "Lead", "Newsletter")) == 2
