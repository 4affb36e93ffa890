"""Doctor and the check ask HubSpot and the CRM about the fields of sheet Fields."""

from __future__ import annotations

from examined import look
from openpyxl import load_workbook
from org import Org


def with_hubspot(org: Org) -> None:
    account = org.info["hubspot"]
    token = org.config.parent / "hubspot.token"
    token.write_text(account["token"], encoding="utf-8")
    token.chmod(0o600)
    with org.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[hubspot]\nurl = "{account["url"]}"\ntoken_file = "hubspot.token"\n')


def map_city_to(org: Org, lead: str) -> None:
    """City is on another Lead field from now on."""
    path = org.config.parent / "routing_tables.xlsx"
    book = load_workbook(path)
    for row in book["Fields"].iter_rows(min_row=2):
        if row[0].value == "city":
            row[1].value = lead
    book.save(path)


def test_without_a_marketing_system_nobody_is_asked(org: Org) -> None:
    _, checks = look(org)
    assert checks["field_mapping"]["message"] == "no HubSpot account is configured"


def test_the_shipped_mapping_has_fields_on_both_sides(org: Org) -> None:
    with_hubspot(org)
    _, checks = look(org)
    assert checks["field_mapping"]["status"] == "ok", checks["field_mapping"]
    _, said = org("tables", "check")
    assert [p for p in said["problems"] if p["sheet"] == "Fields"] == []


def test_a_field_that_the_crm_lacks_is_a_warning_by_its_cell_and_the_run_goes_on(org: Org) -> None:
    with_hubspot(org)
    map_city_to(org, "Citty")
    code, checks = look(org)
    assert (code, checks["field_mapping"]["status"]) == (0, "warning")
    assert "T508 Fields!B8" in checks["field_mapping"]["message"]
    code, said = org("tables", "check")
    (found,) = [p for p in said["problems"] if p["sheet"] == "Fields"]
    assert (code, found["code"], found["severity"], found["cell"]) == (0, "T508", "warning", "B8")
    assert found["fix"].startswith("type City,")
    assert org("run")[0] in (0, 4)
