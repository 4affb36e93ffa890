"""The HubSpot sandbox's account: properties, owners, associations, control calls, state, commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hub_client import Hub, refusal

from allocator.entrypoints.cli import main
from allocator.sandbox.app import Sandbox
from allocator.sandbox.seeds import demo

PROPERTIES = "/crm/v3/properties/contacts"
MOOD: dict[str, Any] = {
    "name": "mood",
    "label": "Mood",
    "type": "enumeration",
    "fieldType": "checkbox",
    "groupName": "contactinformation",
    "options": [{"label": "Blue", "value": "blue"}, {"label": "Red", "value": "red"}],
}


def test_an_account_adds_a_property_and_writes_it(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    assert hub.patch(record, mood="blue").status_code == 400
    made = hub.call("POST", PROPERTIES, json=MOOD)
    assert (made.status_code, made.json()["name"], made.json()["hubspotDefined"]) == (201, "mood", False)
    assert hub.call("GET", f"{PROPERTIES}/mood").json()["options"][1]["value"] == "red"
    assert hub.patch(record, mood="blue;red").status_code == 200
    assert hub.patch(record, mood="blue;green").status_code == 400
    assert refusal(hub.call("POST", PROPERTIES, json=MOOD)) == (409, "CONFLICT")
    assert hub.call("DELETE", f"{PROPERTIES}/mood").status_code == 204
    assert refusal(hub.call("GET", f"{PROPERTIES}/mood")) == (404, "OBJECT_NOT_FOUND")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Mood"},
        {"name": "hs_mood"},
        {"type": "text"},
        {"fieldType": "date"},
        {"options": []},
        {"label": ""},
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(hub: Hub, wrong: dict[str, Any]) -> None:
    assert refusal(hub.call("POST", PROPERTIES, json={**MOOD, **wrong})) == (400, "VALIDATION_ERROR")


def test_the_demo_account_has_the_properties_of_the_write_back_and_an_empty_one_has_not(hub: Hub) -> None:
    mine = {one["name"]: one["type"] for one in hub.call("GET", PROPERTIES).json()["results"]}
    back = ("crm_lead_id", "crm_contact_id", "crm_account_id", "crm_converted", "crm_status", "crm_owner")
    own = (*back, "campaign_code", "product_interest", "lead_source")
    assert set(own) <= set(mine) and mine["crm_converted"] == "bool"
    with Sandbox(seed="empty") as sandbox:
        new = Hub(sandbox)
        assert not set(own) & {one["name"] for one in new.call("GET", PROPERTIES).json()["results"]}
        assert new.call("GET", "/crm/v3/owners").json() == {"results": []}


def test_the_owners_are_the_salespeople_of_the_demo_company(hub: Hub) -> None:
    found: list[dict[str, Any]] = []
    after: str | None = "0"
    while after:
        page = hub.call("GET", "/crm/v3/owners", params={"limit": 10, "after": after}).json()
        found += page["results"]
        after = page["paging"]["next"]["after"] if "paging" in page else None
    assert [one["email"] for one in found] == [person["email"] for person in demo.company()["people"]]
    ana = hub.call("GET", "/crm/owners/2026-03", params={"email": "ANA.alvarez@example.com"}).json()[
        "results"
    ]
    assert [one["firstName"] for one in ana] == ["Ana"]
    record = hub.make(email="ada@example.com", hubspot_owner_id=ana[0]["id"])
    hub.control("PUT", "hubspot/owners", [{"id": ana[0]["id"], "archived": True}])
    active = hub.call("GET", "/crm/v3/owners", params={"limit": 500}).json()["results"]
    archived = hub.call("GET", "/crm/v3/owners", params={"archived": "true"}).json()["results"]
    assert len(active) == len(found) - 1 and [one["id"] for one in archived] == [ana[0]["id"]]
    assert hub.read(record, "hubspot_owner_id")["hubspot_owner_id"] == ana[0]["id"]


def test_a_contact_and_a_company_are_associated_both_ways(hub: Hub) -> None:
    contact = hub.make(email="ada@example.com")
    company = hub.call("POST", "/crm/v3/objects/companies", json={"properties": {"name": "Engines"}}).json()[
        "id"
    ]
    path = f"/crm/v4/objects/contact/{contact}/associations"
    made = hub.call("PUT", f"{path}/default/company/{company}")
    assert made.status_code == 200 and len(made.json()["results"]) == 2
    hub.call("PUT", f"{path}/default/company/{company}")
    there = hub.call("GET", f"{path}/companies").json()["results"]
    back = hub.call("GET", f"/crm/objects/2026-03/companies/{company}/associations/contacts").json()[
        "results"
    ]
    assert [one["toObjectId"] for one in there] == [int(company)]
    assert [one["toObjectId"] for one in back] == [int(contact)]
    assert hub.call("PUT", f"{path}/default/company/1").status_code == 404


def test_rows_are_stored_raw_and_shown_with_history_archived_ones_too(hub: Hub) -> None:
    rows = [
        {"id": "7", "properties": {"email": "not an address", "lastmodifieddate": "2026-01-01T00:00:00Z"}},
        {"properties": {"city": "Rome", "crm_converted": True}},
    ]
    ids = [row["id"] for row in hub.control("PUT", "hubspot/contacts", rows)]
    assert ids[0] == "7" and hub.found() == ids
    assert hub.row("7")["properties"]["lastmodifieddate"] == "2026-01-01T00:00:00.000Z"
    assert "lifecyclestage" not in hub.row("7")["properties"]
    hub.control("POST", "hubspot/edit", {"id": ids[1], "properties": {"city": "Bath"}})
    hub.control("POST", "hubspot/archive", {"id": ids[1]})
    shown = hub.row(ids[1])
    assert shown["archived"] and [one["value"] for one in shown["history"]["city"]] == ["Bath", "Rome"]
    assert hub.control("POST", "hubspot/restore", {"id": ids[1]}) == {"do": "restore", "id": ids[1]}
    assert hub.read(ids[1], "city")["city"] == "Bath"


def test_a_person_is_bound_by_the_rules_too(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    for path, body, status in (
        ("edit", {"id": record, "properties": {"no_such": "x"}}, 400),
        ("edit", {"id": record}, 400),
        ("edit", {"id": "1", "properties": {"city": "x"}}, 404),
        ("restore", {"id": record}, 404),
        ("add", {"properties": {"email": "ada@example.com"}}, 409),
        ("merge", {"id": record, "others": [record]}, 400),
        ("archive", [], 400),
        ("dance", {}, 404),
    ):
        assert hub.call("POST", f"/_sandbox/hubspot/{path}", json=body).status_code == status, path


def test_a_reset_takes_the_account_back_to_its_start(hub: Hub) -> None:
    hub.make(email="ada@example.com")
    hub.call("POST", PROPERTIES, json=MOOD)
    hub.settings(limits={"daily": 1}, search_lag_create=0)
    hub.control("POST", "reset")
    assert hub.control("GET", "hubspot/contacts") == []
    assert hub.call("GET", f"{PROPERTIES}/mood").status_code == 404
    assert hub.control("GET", "hubspot/settings")["search_lag_create"] == 10
    assert hub.make(email="ada@example.com") == "73000000001"


def test_the_account_and_its_token_outlive_a_stop(tmp_path: Path) -> None:
    with Sandbox(seed="demo", state_dir=tmp_path) as sandbox:
        hub = Hub(sandbox)
        hub.call("POST", PROPERTIES, json=MOOD)
        winner, loser = hub.make(email="ada@example.com", mood="red"), hub.make(email="king@example.com")
        hub.control("POST", "hubspot/merge", {"id": winner, "others": [loser]})
        hub.settings(search_lag_create=0, limits={"daily": 1000})
        before = (sandbox.info()["hubspot"]["token"], hub.control("GET", "hubspot/contacts"))
        assert (tmp_path / "hubspot.token").stat().st_mode & 0o777 == 0o600
    with Sandbox(state_dir=tmp_path) as sandbox:
        hub = Hub(sandbox)
        assert (sandbox.info()["hubspot"]["token"], hub.control("GET", "hubspot/contacts")) == before
        assert hub.call("GET", loser).json()["id"] == winner and hub.found() == [winner]
        assert hub.patch(winner, mood="blue").status_code == 200
        assert hub.control("GET", "hubspot/settings")["limits"]["daily"] == 1000
        assert refusal(hub.call("POST", "", json={"properties": {"email": "king@example.com"}}))[0] == 409
        assert hub.call("GET", "/crm/v3/owners").json()["results"]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    with pytest.raises(SystemExit) as stop:
        main(["sandbox", "marketing", *words])
    said = capsys.readouterr()
    return int(stop.value.code or 0), json.loads(said.out) if "--json" in words else said.out, said.err


def test_the_command_does_what_marketing_people_do(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--url", hub.url, "--json")
    code, done, _ = run(capsys, "add", "email=ada@example.com", "lastname=Lovelace", *at)
    record = done["id"]
    assert (code, done["properties"]["lastname"]) == (0, "Lovelace")
    assert hub.read(record, "lifecyclestage")["lifecyclestage"] == "lead"
    code, done, _ = run(capsys, "edit", record, "city=Rome = Roma", "lastname=", *at)
    assert (code, done["properties"]) == (0, {"city": "Rome = Roma", "lastname": ""})
    other = hub.make(email="king@example.com")
    assert run(capsys, "merge", record, other, *at)[1]["merged"] == [other]
    assert run(capsys, "archive", record, *at)[0] == 0 and hub.row(record)["archived"]
    assert run(capsys, "restore", record, *at)[0] == 0 and not hub.row(record)["archived"]
    code, text, _ = run(capsys, "edit", record, "city=Bath", "--url", hub.url)
    assert code == 0 and record in text and "city = Bath" in text


def test_the_command_says_what_is_wrong(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    for code, words in (
        (2, ("edit", "7", "city=Rome")),
        (2, ("edit", "7")),
        (2, ("archive", "7", "8")),
        (2, ("merge", "7")),
        (2, ("add", "city")),
        (2, ("sell", "7")),
        (1, ("add", "no_such=x")),
    ):
        assert run(capsys, *words, "--url", hub.url)[0] == code, words
