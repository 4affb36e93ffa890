"""Which contacts of HubSpot are new leads: of the stage or the list, owned by nobody, not in the CRM yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from hub import STAMP, HubspotWorld, ScriptedOrg, contact, found, scripted

from allocator.sandbox.app import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed="empty") as made:
        yield made


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    with ScriptedOrg() as made:
        yield made


def recent(world: HubspotWorld) -> set[str]:
    """What a pull shows when nothing has changed for a while."""
    world.later(3600)
    pages = world.source.pull(world.source.now())
    return {record.key.source_id for page in pages for record in page if record.in_intake}


def test_a_contact_that_somebody_owns_is_no_new_lead_until_nobody_does(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox)
    owned, free = world.add("ana@a.example"), world.add("ben@b.example")
    world.edit(owned, hubspot_owner_id=world.owner("rep@acme.example"))
    assert recent(world) == {free} and world.source.owned() == 1
    assert not world.source.read([owned])[owned].in_intake
    world.edit(owned, hubspot_owner_id="")
    assert recent(world) == {owned, free} and world.source.owned() == 0


def test_without_an_owner_property_owners_do_not_matter(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, owner_field="")
    owned = world.add("ana@a.example")
    world.edit(owned, hubspot_owner_id=world.owner("rep@acme.example"))
    assert recent(world) == {owned} and world.source.owned() == 0


def test_the_search_for_new_leads_asks_for_those_that_nobody_owns(org: ScriptedOrg) -> None:
    org.on("POST .*/search", found(contact(1)))
    list(scripted(org).pull(datetime.fromisoformat(STAMP)))
    [asked] = org.requests("/search")
    intake = asked.body["filterGroups"][0]["filters"]
    assert {"propertyName": "hubspot_owner_id", "operator": "NOT_HAS_PROPERTY"} in intake
    assert len(intake) <= 6 and "hubspot_owner_id" in asked.body["properties"]
