"""Leads and Contacts read together: what every CRM promises, in how many requests, and what wraps one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crm_record_acts import create
from crm_worlds import MemoryWorld, World, sandbox_world

from allocator.adapters.crm.cached import CachedCRM
from allocator.adapters.crm.predicting import PredictingCRM
from allocator.ports import CRM

FIELDS = {"Lead": ["Country"], "Contact": ["LastName", "Account.Name"]}


@pytest.fixture(params=["memory", "salesforce"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    else:
        with sandbox_world() as made:
            yield made


def test_leads_and_contacts_are_read_together_as_each_by_itself(world: World) -> None:
    ana = world.user("Ana")
    account = world.account("x.example", ana)
    lead, gone = world.lead(email="a@x.example"), world.lead()
    contact = world.contact("c@x.example", ana, account)
    world.delete(gone)
    never = "00Q000000009999EAA"
    wanted = {"Lead": [lead, gone, never], "Contact": [contact, "no id"]}
    crms: list[CRM] = [world.crm, CachedCRM(world.crm), PredictingCRM(world.crm)]
    for crm in crms:
        found = crm.records_of(wanted, FIELDS)
        assert found == {
            (kind, one): record
            for kind, ids in wanted.items()
            for one, record in crm.records(kind, ids, FIELDS[kind]).items()
        }
        assert found["Lead", gone].deleted and not found["Lead", never].known
        assert found["Contact", contact].values == {"LastName": "Contact", "Account.Name": "x.example"}


def test_one_object_alone_and_nothing_at_all_can_be_asked_for(world: World) -> None:
    lead = world.lead(email="a@x.example")
    found = world.crm.records_of({"Lead": [lead], "Contact": []}, FIELDS)
    assert [place for place, one in found.items() if one.known] == [("Lead", lead)]
    before = world.crm.usage.requests
    assert world.crm.records_of({}, FIELDS) == {}
    assert world.crm.usage.requests == before


def test_two_hundred_of_both_objects_are_one_request() -> None:
    with sandbox_world() as world:
        ana = world.user("Ana")
        leads = [create(world, ana).id]
        contacts = [world.contact("c@x.example", ana)]
        more = {
            "Lead": [*leads, *(f"00Q00000000{n:04d}EAA" for n in range(99))],
            "Contact": [*contacts, *(f"00300000000{n:04d}AAA" for n in range(99))],
        }
        for kind in ("Lead", "Contact", "Account"):
            world.crm.describe(kind)
        before = world.crm.usage.requests
        found = world.crm.records_of(more, FIELDS)
        assert world.crm.usage.requests == before + 1
        assert sorted(id for (_, id), one in found.items() if one.known) == sorted([*leads, *contacts])
