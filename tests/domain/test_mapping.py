"""Field mapping between marketing and CRM: what goes where, under which plan, and that it comes to rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_world import (
    ANA,
    BACK,
    BEN,
    CITY,
    COMPANY,
    CRM,
    MONDAY,
    OURS,
    TEXT,
    World,
    at_rest,
    blank,
    field_map,
    of,
    sides,
    written,
)

from allocator.domain.sync.carried import missing_properties
from allocator.domain.sync.mapping import FieldMap, Plan
from allocator.domain.sync.values import CrmRecord
from rules.default_fields import DEFAULT_FIELDS
from rules.field_rules import DIRECTIONS, WRITE_RULES, Agreed
from rules.fields import merge
from rules.model import FieldMapping
from rules.workbook.fields_sheet import HEADERS, SPEC, read_fields
from rules.workbook.read import RawCell, RawSheet
from rules.workbook.report import Report
from rules.workbook.sheets import read_table

# --- what is read and written where -----------------------------------------------------------------------


def test_each_plan_reads_its_own_objects_fields() -> None:
    mapping = field_map(COMPANY, CITY, FieldMapping("phone", "", "Phone"))
    assert mapping.lead_fields() == ("Company", "City", "Marketing_Id__c")
    assert mapping.contact_fields() == ("Account.Name", "MailingCity", "Phone", "Marketing_Id__c")
    assert set(mapping.our_fields()) == {"company", "city", "phone", *BACK.values()}


def test_names_are_found_in_any_case_and_written_as_the_systems_spell_them() -> None:
    mapping = field_map(FieldMapping("CITY", "city", "mailingcity"))
    assert (mapping.lead_fields()[0], mapping.contact_fields()[0]) == ("City", "MailingCity")
    assert mapping.our_fields()[0] == "city"


def test_writes_go_to_the_object_that_has_the_field() -> None:
    both = FieldMapping("a", "A__c", "A__c", "Site", "two-way")
    world = World(field_map(both, CITY), {**dict.fromkeys(OURS), "a": "1", "city": "Rome"}, plan="contact",
                  contact=blank("Contact"), account=blank("Account"))  # fmt: skip
    ours, theirs = world.seen()
    done = merge({}, ours, theirs, world.map.rules_now("contact", {}, ours, theirs), record="r")
    grouped = {
        object: {w.field for w in writes}
        for object, writes in world.map.by_object(done.theirs, "contact").items()
    }
    assert grouped == {"Contact": {"A__c", "MailingCity", "Marketing_Id__c"}, "Account": {"Account.Site"}}


def test_a_row_of_another_system_counts_for_nothing() -> None:
    assert field_map(replace(CITY, source="drop")).lead_fields() == ("Marketing_Id__c",)
    assert field_map(replace(CITY, source="HubSpot")).lead_fields() == ("City", "Marketing_Id__c")


def test_a_field_that_a_side_lacks_is_left_out_and_the_others_go_on() -> None:
    world = at_rest(CITY, FieldMapping("city", "", "Nowhere__c"), FieldMapping("nothing", "A__c"),
                    ours={"city": "Rome"})  # fmt: skip
    assert world.lead["City"] == "Rome"


def test_rule_names_change_with_the_fields_that_they_are_about() -> None:
    """Otherwise the value of the field that a row named before would pass for a change."""
    names = [field_map(row).rules_for("lead")[0].name for row in (CITY, replace(CITY, lead="State"))]
    assert names[0] != names[1]


def test_with_the_default_mapping_an_edit_reaches_the_lead_and_then_the_contact_and_its_account() -> None:
    start = {"lastname": "Alvarez", "company": "Globex", "email": "ana@globex.example", "state": "BY"}
    world = at_rest(*DEFAULT_FIELDS, ours=start)
    assert (world.lead["LastName"], world.lead["Company"]) == ("Alvarez", "Globex")
    world.convert(blank("Contact", LastName="Alvarez", Email="ana@globex.example", MailingState="BY",
                        Marketing_Id__c="hubspot:101"), blank("Account", Name="Globex"))  # fmt: skip
    told, sent = written(world.cycle())
    assert sent == {}
    assert told == {"crm_contact_id": "0031", "crm_converted": True}
    world.ours |= {"state": "BE", "company": "Globex Inc."}
    assert written(world.cycle()) == ({}, {"MailingState": "BE", "Account.Name": "Globex Inc."})
    assert written(world.cycle()) == ({}, {})


# --- what comes to rest -----------------------------------------------------------------------------------

_LETTERS = st.sampled_from(["x", "y", None])
_ROWS = st.lists(
    st.builds(
        FieldMapping,
        marketing=st.sampled_from("abc"),
        lead=st.sampled_from(["", "A__c", "B__c", "City"]),
        contact=st.sampled_from(["", "A__c", "B__c", "MailingCity"]),
        account=st.sampled_from(["", "Site", "Name"]),
        direction=st.sampled_from(DIRECTIONS),
        rule=st.sampled_from(WRITE_RULES),
    ),
    max_size=6,
)


def checked(rows: Sequence[FieldMapping]) -> tuple[FieldMapping, ...]:
    """Those rows that the check of the sheet lets through, as far as they go together."""
    kept: tuple[FieldMapping, ...] = ()
    for row in rows:
        report = Report()
        table = read_table(_sheet([*kept, row]), SPEC, report)
        read = read_fields(table, report)
        kept = kept if report.refused else read
    return kept


def _sheet(rows: Iterable[FieldMapping]) -> RawSheet:
    texts = [(r.marketing, r.lead, r.contact, r.account, r.direction, r.rule, r.source) for r in rows]
    cells = {
        number: {place: RawCell("text", text) for place, text in enumerate(line, start=1) if text}
        for number, line in enumerate([HEADERS, *texts], start=1)
    }
    return RawSheet("Fields", cells)


@settings(max_examples=150, deadline=None)
@given(_ROWS, st.lists(_LETTERS, min_size=11, max_size=11), st.sampled_from(["lead", "contact"]))
def test_whatever_rows_the_check_lets_through_come_to_rest(
    rows: list[FieldMapping], values: list[str | None], plan: Plan
) -> None:
    mapping = field_map(*checked(rows))
    three, lead, contact, account = values[:3], values[3:6], values[6:9], values[9:]
    world = World(
        mapping,
        {**dict.fromkeys(OURS), **dict(zip("abc", three, strict=True))},
        blank("Lead", **dict(zip(("A__c", "B__c", "City"), lead, strict=True))),
        blank("Contact", **dict(zip(("A__c", "B__c", "MailingCity"), contact, strict=True))),
        blank("Account", **dict(zip(("Site", "Name"), account, strict=True))),
        plan=plan,
    )
    for _ in range(len(rows) + 1):
        world.cycle()
    assert written(world.cycle()) == ({}, {})


_VALUES = st.fixed_dictionaries(dict.fromkeys(("lastname", "city", "phone", "a"), _LETTERS))
_CONVERTED = (
    FieldMapping("lastname", "LastName", "LastName", direction="two-way"),
    CITY,
    FieldMapping("phone", "Phone", "Phone", rule="only if empty"),
    FieldMapping("a", "A__c", "A__c", direction="pull"),
)
_PAIRS = {"LastName": "LastName", "City": "MailingCity", "Phone": "Phone", "A__c": "A__c"}


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.fixed_dictionaries(dict.fromkeys(_PAIRS, _LETTERS)))
def test_what_a_conversion_carries_over_is_no_change(ours: dict[str, Any], lead: dict[str, Any]) -> None:
    world = at_rest(*_CONVERTED, ours=ours, lead=lead)
    carried = {theirs: world.lead[name] for name, theirs in _PAIRS.items()}
    world.convert(blank("Contact", Marketing_Id__c="hubspot:101", **carried), blank("Account"))
    done = world.cycle()
    assert written(done) == ({"crm_contact_id": "0031", "crm_converted": True}, {})
    assert done.conflicts == ()


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.fixed_dictionaries(dict.fromkeys(_PAIRS.values(), _LETTERS)))
def test_no_value_is_lost_without_a_conflict_when_the_contact_shows_others(
    ours: dict[str, Any], contact: dict[str, Any]
) -> None:
    world = at_rest(*_CONVERTED, ours=ours)
    before = dict(world.ours)
    world.convert(blank("Contact", **contact), blank("Account"))
    done = world.cycle()
    kept = {c.lost for c in done.conflicts}
    for name, (here, there) in {
        "lastname": ("lastname", "LastName"),
        "city": ("city", "MailingCity"),
    }.items():
        assert before[name] in {None, world.ours[here], *kept}, name
        assert contact[there] in {None, world.contact[there], *kept}, name
    assert written(world.cycle()) == ({}, {})


def test_a_field_that_the_conversion_did_not_carry_over_is_filled_and_not_emptied() -> None:
    world = at_rest(CITY, ours={"city": "Rome"})
    world.convert(blank("Contact"), blank("Account"))
    done = world.cycle()
    assert written(done)[1] == {"MailingCity": "Rome", "Marketing_Id__c": "hubspot:101"}
    assert (world.ours["city"], done.conflicts) == ("Rome", ())


def test_an_edit_on_either_side_right_after_the_conversion_is_carried() -> None:
    world = at_rest(CITY, ours={"city": "Rome"})
    world.ours["city"] = "Bonn"
    world.convert(blank("Contact", MailingCity="Rome"), blank("Account"))
    done = world.cycle()
    assert (world.contact["MailingCity"], done.conflicts) == ("Bonn", ())


def test_a_contact_field_of_another_kind_than_the_leads_is_no_change() -> None:
    lead, contact = {**CRM["Lead"], "Size__c": TEXT}, {**CRM["Contact"], "Size__c": of("number", decimals=0)}
    mapping = field_map(FieldMapping("a", "Size__c", "Size__c", direction="two-way"),
                        crm={**CRM, "Lead": lead, "Contact": contact})  # fmt: skip
    world = World(mapping, {**dict.fromkeys(OURS), "a": "12"}, {**blank("Lead"), "Size__c": "12"})
    world.cycle()
    world.convert({**blank("Contact", Marketing_Id__c="hubspot:101"), "Size__c": 12.0}, blank("Account"))
    assert written(world.cycle())[1] == {}
    assert world.base["a=Size__c"] == Agreed("12", Decimal(12))


# --- an Account belongs to several people -----------------------------------------------------------------


def test_two_people_of_one_account_do_not_overwrite_each_others_spelling() -> None:
    account = blank("Account", Name="Globex Corporation")
    people = [
        World(field_map(COMPANY), {**dict.fromkeys(OURS), "company": name}, plan="contact", key=key,
              contact=blank("Contact"), account=account)
        for key, name in ((ANA, "Globex"), (BEN, "GLOBEX AG"))
    ]  # fmt: skip
    for _ in range(3):
        for one in people:
            one.cycle()
    assert account["Name"] == "Globex Corporation"
    people[0].ours["company"] = "Globex Inc."
    done = people[0].cycle()
    assert account["Name"] == "Globex Inc."
    for one in (*people, *people):
        assert "Account.Name" not in written(one.cycle())[1]
    assert [c.lost for c in done.conflicts] == ["Globex Corporation"]
    assert people[1].ours["company"] == "GLOBEX AG"


def test_a_conversion_into_an_existing_account_does_not_rename_it_but_a_later_edit_does() -> None:
    world = at_rest(COMPANY, ours={"company": "Globex"})
    world.convert(blank("Contact"), blank("Account", Name="Globex Corporation"))
    world.cycle()
    assert world.account["Name"] == "Globex Corporation"
    world.ours["company"] = "Globex Inc."
    done = world.cycle()
    assert world.account["Name"] == "Globex Inc."
    assert [c.lost for c in done.conflicts] == ["Globex Corporation"]


def test_an_edit_at_the_time_of_the_conversion_reaches_the_account() -> None:
    world = at_rest(COMPANY, ours={"company": "Globex"})
    world.ours["company"] = "Globex Inc."
    world.convert(blank("Contact"), blank("Account", Name="Globex"))
    done = world.cycle()
    assert (world.account["Name"], done.conflicts) == ("Globex Inc.", ())


def test_a_blank_field_of_the_account_is_filled() -> None:
    world = at_rest(replace(COMPANY, account="Site"), ours={"company": "Globex"})
    world.convert(blank("Contact"), blank("Account"))
    world.cycle()
    assert world.account["Site"] == "Globex"


# --- what is written back ---------------------------------------------------------------------------------


def test_ids_status_and_owner_are_told_once_and_never_emptied() -> None:
    world = World(field_map(), dict.fromkeys(OURS), blank("Lead"))
    told = {"crm_lead_id": "00Q1", "crm_converted": False, "crm_status": "Open", "crm_owner": "Ana Alvarez"}
    assert written(world.cycle())[0] == told
    ours, _ = world.seen()
    lead = CrmRecord("Lead", "00Q1", values=world.lead, external_id="hubspot:101", stamp=MONDAY)
    theirs = world.map.theirs_seen("lead", lead, None)
    rules = world.map.rules_now("lead", world.base, ours, theirs)
    assert merge(world.base, ours, theirs, rules, record="r").ours == ()


def test_the_lead_id_stays_when_only_the_contact_is_read() -> None:
    contact = CrmRecord("Contact", "0031", stamp=MONDAY, values=blank("Contact"))
    seen = field_map().theirs_seen("contact", None, contact, lead_id="00Q1")
    assert seen.values["@lead_id"] == "00Q1"
    with pytest.raises(ValueError, match="lead plan"):
        field_map().theirs_seen("lead", None, contact)


def test_a_property_that_the_system_lacks_or_that_is_used_twice_is_not_written() -> None:
    less = {name: info for name, info in OURS.items() if name != "crm_owner"}
    some = sides(ours=less, write_back={**BACK, "status": "crm_lead_id"})
    told = {r.ours for r in FieldMap((), some).rules_for("lead") if r.theirs.startswith("@")}
    assert told == {"crm_lead_id", "crm_contact_id", "crm_converted"}
    assert missing_properties(some) == {"owner": "crm_owner", "status": "crm_lead_id"}


@pytest.mark.parametrize(
    ("there", "sent"), [(None, {"Marketing_Id__c": "hubspot:101"}), ("HUBSPOT:101", {}), ("hubspot:7", {})]
)
def test_a_record_that_was_found_gets_the_external_id_where_it_has_none(
    there: str | None, sent: dict[str, str]
) -> None:
    world = World(field_map(), dict.fromkeys(OURS), blank("Lead", Marketing_Id__c=there))
    assert written(world.cycle())[1] == sent
    assert written(world.cycle())[1] == {}


def test_stamps_are_those_of_the_objects() -> None:
    later = MONDAY + timedelta(hours=1)
    contact = CrmRecord("Contact", "0031", account_id="0011", stamp=MONDAY, account_stamp=later,
                        values={"Account.Name": "Globex", "Phone": "1"})  # fmt: skip
    seen = field_map(COMPANY).theirs_seen("contact", None, contact, ahead=timedelta(minutes=1))
    assert seen.at("Phone") == MONDAY - timedelta(minutes=1)
    assert seen.at("Account.Name") == later - timedelta(minutes=1)
