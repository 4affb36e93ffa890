"""Doctor looks at the CRM's field that holds the marketing record's id."""

from __future__ import annotations

from examined import edit, failed, look
from org import Org


def with_a_marketing_system(org: Org) -> None:
    with org.config.open("a", encoding="utf-8") as file:
        file.write('\n[drop]\nfolder = "arrivals"\n')
    (org.config.parent / "arrivals").mkdir()


def test_without_a_marketing_system_no_field_is_asked_for(org: Org) -> None:
    edit(org, "intake =", 'external_id = "Missing__c"\nintake =')
    _, checks = look(org)
    assert checks["external_id"]["status"] == "ok"
    assert checks["external_id"]["message"].startswith("not needed")


def test_a_unique_external_id_on_lead_and_contact_is_fine(org: Org) -> None:
    with_a_marketing_system(org)
    _, checks = look(org)
    assert checks["external_id"]["status"] == "ok", checks["external_id"]
    assert "Marketing_Id__c is a unique external id" in checks["external_id"]["message"]


def test_a_missing_field_comes_with_how_to_add_and_map_it(org: Org) -> None:
    with_a_marketing_system(org)
    edit(org, "intake =", 'external_id = "Missing__c"\nintake =')
    found = failed(org, "external_id", "error")
    assert "Lead and Contact without a field Missing__c" in found["message"] and found["code"] == "7"
    for step in ("Text field Missing__c", "External ID and Unique", "Map Lead Fields", "integration user"):
        assert step in found["fix"]


def test_a_field_that_is_not_unique_is_named_with_its_object(org: Org) -> None:
    with_a_marketing_system(org)
    org.control("PUT", "fields/Contact", [{"name": "Marketing_Id__c", "unique": False}])
    found = failed(org, "external_id", "error")
    assert found["message"] == "Marketing_Id__c of Contact is no unique external id"
    assert "edit the field Marketing_Id__c" in found["fix"]
