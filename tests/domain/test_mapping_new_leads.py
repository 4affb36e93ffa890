"""What a new Lead gets from its marketing record, and what the systems show to be wrong with the mapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from mapping_world import (
    CITY,
    CRM,
    OURS,
    World,
    blank,
    field_map,
    infos,
    of,
    record,
    sides,
)

from allocator.domain.lead import LeadKey
from allocator.domain.sync.mapping import lacks
from allocator.domain.sync.mapping_doubts import doubts
from allocator.domain.sync.values import FieldInfo
from rules.default_fields import DEFAULT_FIELDS
from rules.field_rules import Agreed
from rules.field_values import FieldType
from rules.model import FieldMapping
from rules.workbook.fields_sheet import HEADERS

# --- a new Lead -------------------------------------------------------------------------------------------


def test_a_new_lead_gets_what_is_pushed_in_the_crms_kinds_also_by_the_rule_never() -> None:
    crm = {**CRM, "Lead": {**CRM["Lead"], "A__c": of("number"), "B__c": of("date"),
                           "City": FieldInfo(FieldType(), writable=False)}}  # fmt: skip
    mapping = field_map(
        FieldMapping("a", "A__c", rule="never"), FieldMapping("b", "B__c", direction="two-way"), CITY,
        FieldMapping("c", "State", direction="pull"), FieldMapping("phone", "Marketing_Id__c"), crm=crm,
    )  # fmt: skip
    new = mapping.new_lead(record(a="12.50", b="2026-11-16", city="Rome", c="BY", phone="1"))
    assert new.fields == {"A__c": Decimal("12.5"), "B__c": date(2026, 11, 16), "City": "Rome"}
    assert new.problems == ()
    assert new.agreed["a=A__c"] == Agreed("12.50", Decimal("12.5"))


def test_a_value_that_does_not_fit_is_left_out_and_named_by_record_and_field() -> None:
    crm = {**CRM, "Lead": {**CRM["Lead"], "A__c": of("number")}}
    new = field_map(FieldMapping("a", "A__c"), CITY, crm=crm).new_lead(record(a="many", city="Rome"))
    assert new.fields == {"City": "Rome"}
    assert [(p.record, p.field, p.code) for p in new.problems] == [("hubspot:101", "a", "no_conversion")]


def test_what_a_new_lead_lacks_is_told_by_the_names_of_the_setting() -> None:
    new = field_map(*DEFAULT_FIELDS).new_lead(record(lastname="Alvarez", company=" ", email=None))
    assert lacks(new.fields, ("LastName", "Company", "email", "Fax")) == ("Company", "email", "Fax")
    assert lacks(new.fields, ()) == ()


def test_rules_see_the_raw_values_and_the_would_be_lead_also_where_the_crm_lacks_the_field() -> None:
    mapping = field_map(CITY, FieldMapping("a", "Campaign__c"), FieldMapping("b", "State", direction="pull"))
    assert mapping.facts_fields(record(city=" Rome", a="WEB", b="BY")) == {
        "city": " Rome", "a": "WEB", "b": "BY", "City": " Rome", "Campaign__c": "WEB",
    }  # fmt: skip


def test_the_columns_of_files_are_the_leads_fields_unless_a_row_for_them_says_otherwise() -> None:
    mapping = field_map(
        CITY, FieldMapping("Town", "City", source="drop"), source="drop", lead_names=True,
        ours=infos("Town LastName City Shoe"), write_back={},
    )  # fmt: skip
    new = mapping.new_lead(
        record(
            LeadKey("drop", "f-1"), Town="Rome", City="Bonn", LastName="Chi", Shoe="43", Marketing_Id__c="x"
        )
    )
    assert new.fields == {"City": "Rome", "LastName": "Chi"}
    assert mapping.new_lead(record(LeadKey("drop", "f-2"), LastName="Ben")).problems == ()


# --- doubts -----------------------------------------------------------------------------------------------


def on_sheet(row: FieldMapping, number: int = 2) -> FieldMapping:
    cells = {header: f"{letter}{number}" for header, letter in zip(HEADERS, "ABCDEFGH", strict=True)}
    return replace(row, row=number, cells=cells)


def said(row: FieldMapping, **changes: Any) -> list[tuple[str, str]]:
    found = doubts([on_sheet(row)], sides(**changes))
    assert all(p.severity == "warning" and p.sheet == "Fields" and p.row == 2 and p.fix for p in found)
    return [(p.code, p.cell) for p in found]


def lead(**fields: FieldInfo) -> dict[str, Any]:
    return {**CRM, "Lead": {**CRM["Lead"], **fields}}


def test_what_a_side_lacks_is_named_by_its_cell_with_the_nearest_name() -> None:
    (found,) = doubts([on_sheet(FieldMapping("city", "Citty"))], sides())
    assert (found.code, found.cell, found.value) == ("T508", "B2", "Citty")
    assert found.fix.startswith("type City, or ask the administrator")
    assert said(FieldMapping("cities", "City", "MailingTown", "Nothing")) == [
        ("T509", "A2"), ("T508", "C2"), ("T508", "D2"),
    ]  # fmt: skip
    assert said(CITY) == []
    (lacking,) = doubts([on_sheet(FieldMapping("cities", "City"))], sides())
    assert lacking.message == "There is no field cities in HubSpot that the allocator may see."


def test_the_nearest_name_is_one_that_the_row_may_write() -> None:
    closed = FieldInfo(FieldType(), writable=False)
    (found,) = doubts([on_sheet(FieldMapping("city", "Citty"))], sides(crm=lead(City=closed)))
    assert found.fix.startswith("correct the name")
    pulled = [on_sheet(FieldMapping("citty", "City", direction="pull"))]
    (found,) = doubts(pulled, sides(ours={**OURS, "city": closed}))
    assert found.fix.startswith("correct the name")


def test_a_field_that_cannot_be_written_is_named_only_where_it_would_be() -> None:
    closed = FieldInfo(FieldType(), creatable=False, writable=False)
    assert said(FieldMapping("city", "City"), crm=lead(City=closed)) == [("T510", "B2")]
    assert said(FieldMapping("city", "City", direction="pull"), crm=lead(City=closed)) == []
    ours = {**OURS, "city": closed}
    assert said(FieldMapping("city", "City", direction="two-way"), ours=ours) == [("T510", "A2")]
    assert said(FieldMapping("city", "City"), ours=ours) == []


def test_of_a_two_way_row_that_can_go_one_way_that_way_is_carried() -> None:
    closed = FieldInfo(FieldType(), writable=False)
    for changes, direction in (
        ({"crm": lead(City=closed)}, "pull"),
        ({"ours": {**OURS, "city": closed}}, "push"),
    ):
        assert field_map(CITY, **changes).rules_for("lead")[0].direction == direction


def test_kinds_that_never_fit_are_left_out_and_named() -> None:
    changes = {"ours": {**OURS, "a": of("number")}, "crm": lead(A__c=of("date"))}
    row = FieldMapping("a", "A__c", direction="two-way")
    assert set(said(row, **changes)) == {("T511", "B2")}
    assert field_map(row, **changes).lead_fields() == ("Marketing_Id__c",)
    assert said(row, ours={**OURS, "a": of("date")}, crm=lead(A__c=of("datetime"))) == []


def test_options_that_the_other_field_does_not_take_are_listed() -> None:
    ours = {**OURS, "a": of("picklist", options=("hot", "Cold", "warm"))}
    crm = lead(A__c=of("picklist", options=("Hot", "cold"), restricted=True))
    (found,) = doubts([on_sheet(FieldMapping("a", "A__c"))], sides(ours=ours, crm=crm))
    assert (found.code, found.cell) == ("T512", "B2")
    assert found.message == "1 of the 3 options of a are none of A__c: warm."


def test_fields_that_the_allocator_needs_for_itself_are_named_and_left_alone() -> None:
    for row, cell in (
        (FieldMapping("a", "marketing_id__c"), "B2"),
        (FieldMapping("crm_status", "State", direction="pull"), "A2"),
    ):
        assert said(row) == [("T513", cell)]
        world = World(field_map(row), dict.fromkeys(OURS), blank("Lead", State="BY"))
        world.cycle()
        assert (world.lead["Marketing_Id__c"], world.ours["crm_status"]) == ("hubspot:101", "Open")


def test_the_default_mapping_is_doubted_without_a_cell() -> None:
    found = doubts(DEFAULT_FIELDS, sides())
    assert {(p.cell, p.row) for p in found} == {("", None)}
    assert "hs_language" in {p.value for p in found}
