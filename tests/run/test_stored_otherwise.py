"""Through both sandboxes: addresses in small letters, links that the store lost, what is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from small_org import build, company
from two_systems import NEW, TwoSystems

HEADER = ["Marketing Field", "Lead Field", "Contact Field", "Account Field", "Direction"]
MAPPED = [
    ["firstname", "FirstName", "FirstName", None, "two-way"],
    ["lastname", "LastName", "LastName", None, "two-way"],
    ["email", "Email", "Email", None, "two-way"],
    ["company", "Company", None, "Name", "push"],
]


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def test_an_address_with_capitals_is_written_once_and_goes_back_and_forth_no_more(
    systems: TwoSystems,
) -> None:
    record = systems.hubspot("add", properties={**NEW, "email": "Kim.Novak@Contoso.example"})["id"]
    for _ in range(2):
        systems.next_run()
    [lead] = systems.records("Lead")
    systems.control("POST", "edit", {"record": lead["Id"], "fields": {"Email": "K.Novak@Contoso.example"}})
    systems.next_run()
    assert systems.written[-1] == [(("record", record), {"email": "K.Novak@Contoso.example"})]
    assert systems.contact_of(record)["email"] == "k.novak@contoso.example"
    systems.control("POST", "edit", {"record": lead["Id"], "fields": {"Email": "K.NOVAK@contoso.example"}})
    for _ in range(3):
        systems.next_run()
        assert systems.written[-1] == []
    systems.hubspot("edit", id=record, properties={"email": "Kim@Contoso.example"})
    systems.next_run()
    assert systems.written[-1] == [(("Lead", lead["Id"]), {"Email": "kim@contoso.example"})]
    systems.next_run()
    assert systems.written[-1] == []


def test_with_a_new_store_every_contact_is_linked_again_and_nothing_is_written_or_made(
    systems: TwoSystems,
) -> None:
    record = systems.hubspot("add", properties=NEW)["id"]
    for _ in range(2):
        systems.next_run()
    lead = systems.only("Lead")
    for one in systems.config.parent.glob("allocator.db*"):
        one.unlink()
    made = systems.next_run()
    assert made["sync"]["hubspot"]["linked"] == 1 and made["sync"]["hubspot"]["created"] == 0
    assert systems.written[-1] == [] and systems.only("Lead") == lead
    systems.hubspot("edit", id=record, properties={"phone": "+49 30 7"})
    systems.next_run()
    assert systems.written[-1] == [(("Lead", lead["Id"]), {"Phone": "+49 30 7"})]


def test_hubspot_is_asked_for_what_is_mapped_and_for_nothing_else(systems: TwoSystems) -> None:
    for name, hidden in (("secret_score", True), ("shoe_size", False), ("utm_campaign", False)):
        with_property(systems, name, hidden=hidden)
    rows = [*MAPPED, ["secret_score", "Description", None, None, "push"]]
    systems.book.write_bytes(build({**company(), "Fields": [HEADER, *rows]}))
    facts = '\n[facts]\ncampaign = ["utm_campaign"]\n'
    systems.config.write_text(systems.config.read_text() + facts)
    more = {"secret_score": "97", "utm_campaign": "Fair", "shoe_size": "43"}
    systems.hubspot("add", properties={**NEW, **more})
    systems.next_run()
    assert systems.only("Lead")["Description"] == "97"
    calls = [call for call in systems.requests() if "/objects/contacts/" in call["path"]]
    asked = [set(call["body"]["properties"]) for call in calls if "properties" in call["body"]]
    needed = {"secret_score", "utm_campaign", "lifecyclestage", "crm_lead_id", "hubspot_owner_id"}
    assert asked and all(needed <= names for names in asked)
    assert not {name for names in asked for name in names} & {"shoe_size", "message", "website", "jobtitle"}


def with_property(systems: TwoSystems, name: str, *, hidden: bool) -> None:
    hub = systems.info["hubspot"]
    body = {"name": name, "label": name, "type": "string", "fieldType": "text", "hidden": hidden}
    requests.post(
        f"{hub['url']}/crm/v3/properties/contacts",
        json={**body, "groupName": "contactinformation"},
        headers={"Authorization": f"Bearer {hub['token']}"},
        timeout=10,
    ).raise_for_status()
