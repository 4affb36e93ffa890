"""Contacts of the HubSpot sandbox one at a time: token, shapes, validation, stamps, archive, merge."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from hub_client import CONTACTS, DATED, RECORDED, Hub, recorded, refusal

NOBODY = "99999999999"


@pytest.mark.parametrize("token", [None, "Bearer pat-eu1-wrong", "Basic eDp5", "pat"])
def test_a_wrong_or_missing_token_is_401(hub: Hub, token: str | None) -> None:
    answer = requests.get(hub.url + CONTACTS, headers={"Authorization": token} if token else {}, timeout=10)
    assert refusal(answer) == (401, "INVALID_AUTHENTICATION")
    assert "X-HubSpot-RateLimit-Max" not in answer.headers


def test_both_styles_of_path_lead_to_the_same_contacts(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    assert hub.call("GET", f"{DATED}/{record}").json() == hub.call("GET", record).json()
    assert hub.call("PATCH", f"{DATED}/{record}", json={"properties": {"city": "Bath"}}).status_code == 200
    assert hub.call("POST", f"{DATED}/batch/read", json={"inputs": [{"id": record}]}).status_code == 200
    assert hub.call("POST", f"{DATED}/search", json={}).status_code == 200
    assert hub.call("GET", "/crm/properties/2026-03/contacts/email").json()["name"] == "email"
    assert hub.read(record, "city")["city"] == "Bath"


def test_a_new_contact_has_what_hubspot_fills_in(hub: Hub) -> None:
    answer = hub.call("POST", "", json={"properties": {"email": "Ada@Example.com", "firstname": "Ada"}})
    made = answer.json()
    assert answer.headers["Location"].endswith(f"/contacts/{made['id']}")
    values = made["properties"]
    assert (values["email"], values["lifecyclestage"], values["hs_email_domain"]) == (
        "ada@example.com", "lead", "example.com",
    )  # fmt: skip
    assert values["hs_object_id"] == made["id"]
    assert values["createdate"] == values["lastmodifieddate"] == made["createdAt"] == made["updatedAt"]


def test_an_e_mail_address_that_exists_is_409_with_its_id(hub: Hub) -> None:
    ada = hub.make(email="ada@example.com")
    answer = hub.call("POST", "", json={"properties": {"email": "ADA@example.com"}})
    assert refusal(answer) == (409, "CONFLICT")
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {ada}"
    other = hub.make(email="grace@example.com")
    assert refusal(hub.patch(other, email="ada@example.com")) == (409, "CONFLICT")
    assert hub.patch(ada, email="ada@example.com").status_code == 200


def test_a_contact_is_found_by_its_e_mail_address(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    found = hub.call("GET", "ada@example.com", params={"idProperty": "email"})
    assert found.json()["id"] == record
    changed = hub.call(
        "PATCH", "ada@example.com", params={"idProperty": "email"}, json={"properties": {"city": "Rome"}}
    )
    assert changed.json()["id"] == record and hub.read(record, "city")["city"] == "Rome"


def test_what_is_not_there_is_a_page_not_json(hub: Hub) -> None:
    for answer in (
        hub.call("GET", NOBODY),
        hub.patch(NOBODY, city="Rome"),
        hub.call("GET", "/crm/v3/nothing"),
    ):
        assert answer.status_code == 404 and answer.headers["Content-Type"].startswith("text/html")
        assert answer.headers["X-HubSpot-NotFound"] == "true"


def test_all_values_are_strings_and_the_empty_one_clears(hub: Hub) -> None:
    record = hub.make(email="ada@example.com", city="Rome", crm_converted=True, company=7)
    assert hub.read(record, "city", "crm_converted", "company", "state", "nonsense") | {
        "city": "Rome", "crm_converted": "true", "company": "7", "state": None,
    } == hub.read(record, "city", "crm_converted", "company", "state")  # fmt: skip
    hub.patch(record, city="", company=None)
    assert hub.read(record, "city", "company")["city"] == hub.read(record, "company")["company"] == ""


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no_such", "x", "PROPERTY_DOESNT_EXIST"),
        ("hs_object_id", "1", "READ_ONLY_VALUE"),
        ("lifecyclestage", "Lead", "INVALID_OPTION"),
        ("numemployees", "7", "INVALID_OPTION"),
        ("crm_converted", "yes", "INVALID_OPTION"),
        ("email", "ada at example", "INVALID_EMAIL"),
        ("closedate", "tomorrow", "INVALID_LONG"),
        ("hubspot_owner_id", "7", "INVALID_OWNER_ID"),
    ],
)
def test_a_value_that_is_not_taken_is_400_and_names_its_property(
    hub: Hub, name: str, value: str, code: str
) -> None:
    record = hub.make(email="ada@example.com")
    before = hub.row(record)
    answer = hub.patch(record, city="Rome", **{name: value})
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["errors"] == [
        {"message": answer.json()["errors"][0]["message"], "code": code, "context": {"propertyName": [name]}}
    ]
    assert f'"error":"{code}","name":"{name}"' in answer.json()["message"]
    assert hub.row(record) == before


def test_numbers_dates_and_moments_are_checked_and_kept_in_one_form(hub: Hub) -> None:
    for name, kind, field in (("score", "number", "number"), ("day", "date", "date")):
        given = {
            "name": name,
            "label": name,
            "type": kind,
            "fieldType": field,
            "groupName": "contactinformation",
        }
        assert hub.call("POST", "/crm/v3/properties/contacts", json=given).status_code == 201
    record = hub.make(score=3.5, day="1571443200000", closedate="2026-11-02T10:00:00+01:00")
    values = hub.read(record, "score", "day", "closedate")
    assert (values["score"], values["day"], values["closedate"]) == (
        "3.5", "2019-10-19", "2026-11-02T09:00:00.000Z",
    )  # fmt: skip
    for name, value in (
        ("score", " 3"),
        ("score", "three"),
        ("day", "2026-11-02T10:00:00Z"),
        ("day", "2.11."),
    ):
        assert refusal(hub.patch(record, **{name: value})) == (400, "VALIDATION_ERROR")


def test_the_stamp_moves_with_any_write_also_of_a_hidden_property_or_the_same_value(hub: Hub) -> None:
    record = hub.make(email="ada@example.com", city="Rome")
    stamps = [hub.read(record)["lastmodifieddate"]]
    for written in ({"city": "Rome"}, {"hs_pipeline": "other"}, {"crm_lead_id": "00Q1"}):
        hub.patch(record, **written)
        stamps.append(hub.read(record)["lastmodifieddate"])
    assert stamps == sorted(set(stamps))


def test_the_history_of_a_property_is_newest_first_and_tells_who(hub: Hub) -> None:
    record = hub.make(email="ada@example.com", city="Rome")
    hub.control("POST", "hubspot/edit", {"id": record, "properties": {"city": "Bath"}})
    hub.patch(record, city="Bath")
    params = {"propertiesWithHistory": "city,state", "properties": "email"}
    past = hub.call("GET", record, params=params).json()["propertiesWithHistory"]
    assert [(one["value"], one["sourceType"]) for one in past["city"]] == [
        ("Bath", "CRM_UI"), ("Rome", "INTEGRATION"),
    ]  # fmt: skip
    assert past["state"] == [] and past["city"][0]["timestamp"] > past["city"][1]["timestamp"]


def test_an_archived_contact_is_gone_but_for_who_asks_for_archived_ones(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    assert hub.call("DELETE", record).status_code == hub.call("DELETE", record).status_code == 204
    assert hub.call("GET", record).status_code == hub.patch(record, city="Rome").status_code == 404
    assert hub.call("GET", "").json() == {"results": []}
    asked = hub.call("GET", "", params={"archived": "true"}).json()["results"]
    assert [(one["id"], one["archived"]) for one in asked] == [(record, True)] and asked[0]["archivedAt"]
    assert hub.make(email="ada@example.com") != record


def test_a_list_is_paged_by_the_id_that_comes_next(hub: Hub) -> None:
    made = [hub.make(firstname=str(number)) for number in range(5)]
    seen: list[str] = []
    path: str | None = f"{CONTACTS}?limit=2&properties=firstname,city&properties=email"
    while path:
        page = hub.call("GET", path).json()
        seen += [one["id"] for one in page["results"]]
        assert all({"firstname", "city", "email"} < set(one["properties"]) for one in page["results"])
        path = page["paging"]["next"]["link"].removeprefix(hub.url) if "paging" in page else None
    assert seen == made
    for wrong in (
        {"limit": 101},
        {"limit": 0},
        {"limit": 51, "propertiesWithHistory": "city"},
        {"after": "x"},
    ):
        assert refusal(hub.call("GET", "", params=wrong)) == (400, "VALIDATION_ERROR")


def test_a_merge_leaves_one_contact_that_answers_to_both_ids(hub: Hub) -> None:
    winner = hub.make(email="ada@example.com", city="Rome")
    loser = hub.make(email="king@example.com", city="Bath", state="Kent", lifecyclestage="customer")
    body = {"primaryObjectId": winner, "objectIdToMerge": loser}
    assert hub.call("POST", "merge", json=body).json()["id"] == winner
    for name, params in ((loser, {}), ("king@example.com", {"idProperty": "email"})):
        assert hub.call("GET", name, params=params).json()["id"] == winner
    values = hub.read(
        winner, "city", "state", "lifecyclestage", "hs_merged_object_ids", "hs_additional_emails"
    )
    assert [values[name] for name in ("city", "state", "lifecyclestage")] == ["Rome", "Kent", "customer"]
    assert (values["hs_merged_object_ids"], values["hs_additional_emails"]) == (loser, "king@example.com")
    assert [one["id"] for one in hub.call("GET", "").json()["results"]] == [winner]
    both = hub.batch("read", {"id": winner}, {"id": loser}).json()["results"]
    assert [one["id"] for one in both] == [winner]
    assert hub.patch(loser, city="Oslo").json()["id"] == winner
    third = hub.make(email="third@example.com")
    hub.call("POST", "merge", json={"primaryObjectId": third, "objectIdToMerge": winner})
    assert hub.read(third, "hs_merged_object_ids")["hs_merged_object_ids"] == f"{loser};{winner}"
    assert hub.call("GET", loser).json()["id"] == third


def test_a_merge_of_what_is_not_there_or_of_one_with_itself_is_refused(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    for other, status in ((record, 400), (NOBODY, 404), ("", 400)):
        body = {"primaryObjectId": record, "objectIdToMerge": other}
        assert hub.call("POST", "merge", json=body).status_code == status


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"properties": []}'])
def test_a_body_that_is_no_object_is_400(hub: Hub, body: bytes) -> None:
    answer = hub.call("POST", "", data=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_companies_have_their_own_stamp_and_no_unique_address(hub: Hub) -> None:
    path = "/crm/v3/objects/companies"
    made = hub.call(
        "POST", path, json={"properties": {"name": "Engines", "domain": "engines.example"}}
    ).json()
    assert made["properties"]["website"] == "engines.example"
    again = hub.call("POST", path, json={"properties": {"name": "Engines", "domain": "engines.example"}})
    assert again.status_code == 201
    one = hub.call("GET", f"{path}/{made['id']}").json()["properties"]
    assert set(one) == {"createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"}
    assert hub.call("GET", f"/crm/v3/objects/0-2/{made['id']}").status_code == 200
    assert refusal(hub.call("GET", "/crm/v3/objects/rockets")) == (400, "VALIDATION_ERROR")


def keys(value: Any) -> Any:
    """The shape of an answer: its keys, and of a list the shape of its first."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in value.items()}
    return [keys(one) for one in value[:1]] if isinstance(value, list) else type(value)


@pytest.mark.shared_data
def test_answers_have_the_shape_of_recorded_ones(hub: Hub) -> None:
    given, made, *_ = recorded("lifecycle/contacts/find.yml")
    answer = hub.call("POST", "", data=given, headers={"Content-Type": "application/json"})
    want, got = json.loads(made), answer.json()
    beyond = {"hs_currently_enrolled_in_prospecting_agent", "hs_membership_has_accessed_private_content"}
    beyond |= {"hs_registered_member"}
    assert set(want["properties"]) - beyond == set(got["properties"])
    assert set(want) == set(got)
    _, one = recorded("contacts/find_by_id.yml")
    assert keys(json.loads(one)) == keys(hub.call("GET", got["id"]).json())
    bodies = recorded("contacts/patch_last_name.yml")
    changed = hub.patch(got["id"], lastname="Meyup updated").json()
    assert keys(json.loads(bodies[3])) == keys(changed)
    hub.make(email="emailmaria@example.com")
    _, page = recorded("contacts/list_first_with_props.yml")
    first = hub.call("GET", "", params={"limit": 1, "properties": "email,firstname"}).json()
    assert keys(json.loads(page)) == keys(first)


@pytest.mark.shared_data
def test_a_page_for_what_is_not_there_reads_as_recorded(hub: Hub) -> None:
    text = (RECORDED / "vcr_cassettes/contacts/find_missing_user_by_email.yml").read_text("utf-8")
    lines = [line.strip() for line in hub.call("GET", NOBODY).text.splitlines()]
    assert all(line in text for line in lines)


@pytest.mark.shared_data
def test_property_definitions_read_as_recorded_ones(hub: Hub) -> None:
    real = {
        one["name"]: one for one in json.loads((RECORDED / "fixtures/contact_properties.json").read_text())
    }
    mine = hub.call("GET", "/crm/v3/properties/contacts").json()["results"]
    for one in mine:
        if one["hubspotDefined"]:
            same = ("type", "fieldType", "externalOptions", "hasUniqueValue", "hidden", "calculated")
            assert {key: real[one["name"]][key] for key in same} == {key: one[key] for key in same}, one[
                "name"
            ]
            assert {o["value"] for o in one["options"]} <= {o["value"] for o in real[one["name"]]["options"]}
            read_only = real[one["name"]]["modificationMetadata"]["readOnlyValue"]
            assert one["modificationMetadata"]["readOnlyValue"] is read_only
