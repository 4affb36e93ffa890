"""Which contacts of HubSpot are new leads: of the stage or the list, owned by nobody, not in the CRM yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from hub import STAMP, HubspotWorld, ScriptedOrg, contact, found, scripted

from allocator.errors import SourceError
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


# --- a list instead of a stage ---


def test_the_members_of_a_list_are_new_leads_whatever_their_stage(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, list="7")
    inside, late, outside, owned = (world.add(f"{name}@a.example") for name in ("ana", "ben", "chi", "dan"))
    world.leave_intake(late)
    world.edit(owned, hubspot_owner_id=world.owner("rep@acme.example"))
    world.control("PUT", "hubspot/lists", {"7": [inside, late, owned], "8": [outside]})
    assert recent(world) == {inside, late} and world.source.owned() == 1
    shown = world.source.read([inside, outside, owned])
    assert [shown[x].in_intake for x in (inside, outside, owned)] == [True, False, False]
    assert {record.key.source_id for page in world.source.pull(None) for record in page} == {
        inside, late, outside, owned,
    }  # fmt: skip


def test_a_list_is_read_to_its_end_and_once_in_a_run(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, list="7")
    rows = [{"id": str(n), "properties": {"email": f"p{n}@a.example"}} for n in range(1, 302)]
    world.control("PUT", "hubspot/contacts", rows)
    world.control("PUT", "hubspot/lists", {"7": [row["id"] for row in rows]})
    world.later(3600)
    assert sum(len(page) for page in world.source.pull(world.source.now())) == 301
    assert world.source.usage.by_kind["pull"] == 3 and world.source.usage.by_kind["read"] == 4


def test_a_contact_that_the_crm_has_already_is_no_new_lead_of_a_list(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, list="7")
    marked, archived = world.add("ana@a.example"), world.add("ben@b.example")
    world.control("PUT", "hubspot/lists", {"7": [marked, archived]})
    world.edit(marked, crm_lead_id="00Q000000000001EAA")
    world.archive(archived)
    assert recent(world) == set()


def test_a_list_that_is_not_there_stops_the_system_and_is_named(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, list="404")
    with pytest.raises(SourceError, match="no list 404"):
        list(world.source.pull(None))
