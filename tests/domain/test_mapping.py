"""Field mapping between marketing and CRM: what goes where, under which plan, and that it comes to rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.domain.lead import LeadKey
from allocator.domain.sync.carried import missing_properties
from allocator.domain.sync.mapping import FieldMap, Plan, Sides, lacks
from allocator.domain.sync.mapping_doubts import doubts
from allocator.domain.sync.values import CrmRecord, FieldInfo, SourceRecord
from rules.default_fields import DEFAULT_FIELDS
from rules.field_rules import DIRECTIONS, WRITE_RULES, Agreed, Merged
from rules.field_values import FieldType, Kind
from rules.fields import merge
from rules.model import FieldMapping
from rules.workbook.fields_sheet import HEADERS, SPEC, read_fields
from rules.workbook.read import RawCell, RawSheet
from rules.workbook.report import Report
from rules.workbook.sheets import read_table

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
ANA, BEN = LeadKey("hubspot", "101"), LeadKey("hubspot", "102")
BACK = {"lead_id": "crm_lead_id", "contact_id": "crm_contact_id", "converted": "crm_converted",
        "status": "crm_status", "owner": "crm_owner"}  # fmt: skip
TEXT = FieldInfo(FieldType())
COMPANY = FieldMapping("company", "Company", account="Name")
CITY = FieldMapping("city", "City", "MailingCity", direction="two-way")


def infos(names: str, **others: FieldInfo) -> dict[str, FieldInfo]:
    return {**dict.fromkeys(names.split(), TEXT), **others}


def of(kind: Kind, **more: Any) -> FieldInfo:
    return FieldInfo(FieldType(kind, **more))


OURS = infos(
    "firstname lastname email phone jobtitle company city state zip country industry a b c "
    "crm_lead_id crm_contact_id crm_status crm_owner",
    crm_converted=of("flag"),
)
CRM = {
    "Lead": infos(
        "FirstName LastName Email Phone Title Company City State Country Marketing_Id__c A__c B__c"
    ),
    "Contact": infos(
        "FirstName LastName Email Phone Title MailingCity MailingState Marketing_Id__c A__c B__c"
    ),
    "Account": infos("Name Site"),
}


def sides(**changes: Any) -> Sides:
    return replace(Sides("hubspot", OURS, CRM, "Marketing_Id__c", BACK), **changes)


def field_map(*rows: FieldMapping, **changes: Any) -> FieldMap:
    return FieldMap(rows, sides(**changes))


def record(key: LeadKey = ANA, at: datetime = MONDAY, **values: Any) -> SourceRecord:
    return SourceRecord(key, MONDAY, at, values)


@dataclass
class World:
    """One marketing record and its CRM record, as both systems store them."""

    map: FieldMap
    ours: dict[str, Any]
    lead: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    base: dict[str, Agreed] = field(default_factory=dict)
    plan: Plan = "lead"
    key: LeadKey = ANA
    ours_at: datetime = MONDAY
    theirs_at: datetime = MONDAY

    def seen(self) -> tuple[Any, Any]:
        ours = self.map.ours_seen(SourceRecord(self.key, MONDAY, self.ours_at, self.ours))
        lead = CrmRecord("Lead", "00Q1", status="Open", stamp=self.theirs_at, values=self.lead)
        contact = None
        if self.plan == "contact":
            accounts = {f"Account.{name}": value for name, value in self.account.items()}
            contact = CrmRecord(
                "Contact", "0031", account_id="0011", stamp=self.theirs_at,
                external_id=self.contact.get("Marketing_Id__c") or "", values={**self.contact, **accounts},
            )  # fmt: skip
        return ours, self.map.theirs_seen(self.plan, lead, contact, "Ana Alvarez")

    def cycle(self) -> Merged:
        """One look: merge, write on both sides, remember."""
        ours, theirs = self.seen()
        done = merge(
            self.base, ours, theirs, self.map.rules_now(self.plan, self.base, ours, theirs),
            record=str(self.key),
        )  # fmt: skip
        for write in done.ours:
            self.ours[write.field] = write.value
        for write in done.theirs:
            object, name = self.map.target(write.rule, self.plan)
            {"Lead": self.lead, "Contact": self.contact, "Account": self.account}[object][name] = write.value
        self.base = dict(done.agreed)
        return done

    def convert(self, contact: Mapping[str, Any], account: Mapping[str, Any] | None = None) -> None:
        """Sales convert the Lead: these are the values of the Contact and the Account."""
        self.contact, self.account, self.plan = dict(contact), dict(account or {}), "contact"
        self.base = self.map.rebased(self.base, "lead", "contact", self.seen()[1])


def written(done: Merged) -> tuple[dict[str, Any], dict[str, Any]]:
    """To marketing and to the CRM."""
    return {w.field: w.value for w in done.ours}, {w.field: w.value for w in done.theirs}


def blank(object: str, **values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(CRM[object]), **values}


def at_rest(*rows: FieldMapping, ours: Mapping[str, Any], lead: Mapping[str, Any] | None = None) -> World:
    """A record whose Lead is in step with it."""
    world = World(field_map(*rows), {**dict.fromkeys(OURS), **ours}, blank("Lead", **(lead or {})))
    world.cycle()
    assert written(world.cycle()) == ({}, {})
    return world


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


def test_stamps_are_those_of_the_objects() -> None:
    later = MONDAY + timedelta(hours=1)
    contact = CrmRecord("Contact", "0031", account_id="0011", stamp=MONDAY, account_stamp=later,
                        values={"Account.Name": "Globex", "Phone": "1"})  # fmt: skip
    seen = field_map(COMPANY).theirs_seen("contact", None, contact, ahead=timedelta(minutes=1))
    assert seen.at("Phone") == MONDAY - timedelta(minutes=1)
    assert seen.at("Account.Name") == later - timedelta(minutes=1)
