"""Duplicate rules, required fields and restricted picklists: off until they are set up."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_client import BEN, KEEP, Client, error
from soap_client import Soap, as_list, code, lead_convert

ADA = {"FirstName": "Ada", "LastName": "Lovelace", "Company": "Engines", "Email": "ada@engines.example"}


def rules(client: Client, what: str) -> None:
    assert client.call("PUT", "/_sandbox/settings", json={"duplicate_rules": what}).status_code == 200


def create(client: Client, fields: dict[str, Any], base: str = "sobjects/Lead/", **headers: str) -> Any:
    return client.call("POST", base, json=fields, headers={**KEEP, **headers})


def test_without_rules_and_for_other_people_there_are_no_duplicates(client: Client) -> None:
    assert [create(client, ADA).status_code for _ in range(2)] == [201, 201]
    rules(client, "alert")
    assert create(client, {**ADA, "Email": "annabella@mills.example", "FirstName": "Anne"}).status_code == 201


@pytest.mark.parametrize(
    "known",
    [
        (
            "Lead",
            {"LastName": "LOVELACE", "FirstName": "ada", "Company": "X", "Email": "ADA@engines.example"},
        ),
        ("Contact", {"LastName": "Lovelace", "Email": "ada@engines.example"}),
        ("Lead", {"LastName": "Lovelace", "FirstName": "Ada", "Company": "Engines", "Title": "Countess"}),
    ],
)
def test_an_alert_refuses_the_same_person_with_the_records_that_match(
    client: Client, known: tuple[str, dict[str, Any]]
) -> None:
    name, fields = known
    record = client.put(name, fields)
    rules(client, "alert")
    answer = create(client, {**ADA, "Title": "Countess"})
    assert error(answer) == (400, "DUPLICATES_DETECTED")
    body = answer.json()[0]
    assert body["message"] == "Use one of these records?"
    result = body["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"]) == (True, "Standard_Lead_Duplicate_Rule")
    (match,) = result["matchResults"]
    assert (match["entityType"], match["size"], match["success"]) == (name, 1, True)
    assert match["matchRecords"][0]["record"]["Id"] == record
    assert "Email" not in match["matchRecords"][0]["record"]


def test_the_header_passes_an_alert_and_shows_the_record_but_passes_no_block(client: Client) -> None:
    client.put("Lead", ADA)
    rules(client, "alert")
    details = create(client, ADA, **{"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true"})
    shown = details.json()[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
    assert shown["Email"] == ADA["Email"]
    passes = {"Sforce-Duplicate-Rule-Header": "allowSave=true; runAsCurrentUser=true"}
    assert create(client, ADA, **passes).status_code == 201
    rules(client, "block")
    assert error(create(client, ADA, **passes)) == (400, "DUPLICATES_DETECTED")


def test_versions_before_the_header_do_not_read_it_and_spell_the_key_as_recorded(client: Client) -> None:
    client.put("Lead", ADA)
    rules(client, "alert")
    old = "/services/data/v51.0/sobjects/Lead/"
    answer = create(client, ADA, old, **{"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert answer.json()[0]["duplicateResut"]["allowSave"] is True


def test_a_block_refuses_edits_that_make_a_duplicate_and_no_others(client: Client) -> None:
    client.put("Lead", ADA)
    lead = client.lead(FirstName="Anne", LastName="Byron")
    rules(client, "block")
    assert client.update(lead, {"City": "Oslo", "Status": "Working - Contacted"}).status_code == 204
    same = {name: ADA[name] for name in ("Email", "FirstName", "LastName")}
    assert error(client.update(lead, same)) == (400, "DUPLICATES_DETECTED")
    rules(client, "alert")
    assert client.update(lead, {"Email": ADA["Email"]}).status_code == 204


def test_a_collection_names_the_duplicate_in_its_row(client: Client) -> None:
    client.put("Contact", {"LastName": "Lovelace", "FirstName": "Ada", "Email": ADA["Email"]})
    rules(client, "alert")
    rows = [
        {"attributes": {"type": "Lead"}, **ADA},
        {"attributes": {"type": "Lead"}, **ADA, "LastName": "B", "Email": "b@b.example"},
    ]
    found = create(client, {"records": rows}, "composite/sobjects").json()
    assert (found[0]["errors"][0]["statusCode"], found[1]["success"]) == ("DUPLICATES_DETECTED", True)
    assert found[0]["errors"][0]["duplicateResult"]["matchResults"][0]["entityType"] == "Contact"


def test_a_conversion_is_no_duplicate_of_its_own_lead_but_of_a_known_contact(client: Client) -> None:
    soap = Soap(client)
    known = client.put("Contact", {"LastName": "Lovelace", "FirstName": "Ada", "Email": ADA["Email"]})
    rules(client, "alert")
    refused = soap.convert(client.lead(**{**ADA, "OwnerId": BEN}))
    assert code(refused) == "DUPLICATES_DETECTED"
    found = as_list(refused["errors"]["duplicateResult"]["matchResults"])[0]
    assert (found["entityType"], found["matchRecords"]["record"]["Id"]) == ("Contact", known)
    passes = "<urn:DuplicateRuleHeader><urn:allowSave>true</urn:allowSave></urn:DuplicateRuleHeader>"
    lead = client.lead(**{**ADA, "OwnerId": BEN})
    assert soap.call("convertLead", lead_convert(lead), passes)[0]["success"]
    other = client.lead(OwnerId=BEN, FirstName="Anne", LastName="Byron", Email="anne@byron.example")
    assert soap.convert(other)["success"]


def test_fields_can_be_required_and_picklists_restricted(client: Client) -> None:
    fields = [
        {
            "name": "Segment__c",
            "type": "picklist",
            "values": ["A", "B"],
            "restricted": True,
            "required": True,
        },
        {"name": "LeadSource", "restricted": True},
    ]
    assert client.call("PUT", "/_sandbox/fields/Lead", json=fields).status_code == 200
    assert error(create(client, ADA)) == (400, "REQUIRED_FIELD_MISSING")
    wrong = create(client, {**ADA, "Segment__c": "C"})
    assert error(wrong) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert wrong.json()[0]["fields"] == ["Segment__c"]
    good = create(client, {**ADA, "Segment__c": "A", "LeadSource": "Web"})
    assert good.status_code == 201
    assert error(client.update(good.json()["id"], {"LeadSource": "Rumour"})) == (
        400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    )  # fmt: skip
    assert error(client.update(good.json()["id"], {"Segment__c": None})) == (400, "REQUIRED_FIELD_MISSING")
    described = client.call("GET", "sobjects/Lead/describe").json()["fields"]
    shown = next(row for row in described if row["name"] == "Segment__c")
    assert (shown["restrictedPicklist"], shown["nillable"]) == (True, False)


def test_an_unknown_setting_or_field_rule_is_refused_whole(client: Client) -> None:
    values = {"permissive_converted": True, "duplicate_rules": "maybe"}
    assert client.call("PUT", "/_sandbox/settings", json=values).status_code == 400
    assert client.call("GET", "/_sandbox/settings").json()["permissive_converted"] is False
    assert (
        client.call("PUT", "/_sandbox/fields/Lead", json=[{"name": "A__c", "colour": 1}]).status_code == 400
    )
