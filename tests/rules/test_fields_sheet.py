"""Sheet Fields: what it says, in which spellings; every mistake is named by its cell, with what to type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from workbooks import Rows, build, small

from rules.default_fields import DEFAULT_FIELDS
from rules.errors import Problem
from rules.model import FieldMapping, RoutingTables
from rules.workbook import load
from rules.workbook.check import Checked, check_book
from rules.workbook.contents import contents_of
from rules.workbook.diff import diff, in_words
from rules.workbook.fields_sheet import HEADERS
from rules.workbook.read import book_of

ROOT = Path(__file__).parents[2]


def checked(*rows: list[object], head: tuple[str, ...] = HEADERS) -> Checked:
    sheets = small()
    sheets["Fields"] = [list(head), *rows]
    return at_once(sheets)


def at_once(sheets: Mapping[str, Rows]) -> Checked:
    """What `check` says; the cells are read in this process, since a child for each takes the most time."""
    return check_book(book_of(contents_of(build(sheets))), version="")


def tables_of(sheets: Mapping[str, Rows]) -> RoutingTables:
    found = at_once(sheets).tables
    assert found
    return found


def row(
    marketing: object = "city",
    lead: object = "City",
    contact: object = "MailingCity",
    account: object = None,
    direction: object = "push",
    rule: object = None,
    source: object = None,
) -> list[object]:
    return [marketing, lead, contact, account, direction, rule, source]


def read(*rows: list[object]) -> tuple[FieldMapping, ...]:
    found = checked(*rows)
    assert found.tables, found.problems
    return found.tables.fields


def problems(*rows: list[object]) -> list[Problem]:
    return [p for p in checked(*rows).problems if p.sheet == "Fields"]


def test_a_row_says_which_fields_in_which_direction_by_which_rule() -> None:
    (one,) = read(row("company", "Company", None, "Name", "two-way", "only if empty", "HubSpot"))
    assert one == FieldMapping("company", "Company", "", "Name", "two-way", "only if empty", "hubspot")
    assert (one.row, one.cells["Lead Field"], one.cells["Source"]) == (2, "B2", "G2")


@pytest.mark.parametrize("typed", ["two-way", "Two way", "TWOWAY", "two_way", "bidirectional", "both"])
def test_a_direction_may_be_spelt_as_people_do(typed: str) -> None:
    assert read(row(direction=typed))[0].direction == "two-way"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (None, "overwrite"),
        ("Only If Empty", "only if empty"),
        ("if empty", "only if empty"),
        ("NEVER", "never"),
    ],
)
def test_a_rule_may_be_spelt_as_people_do_and_is_overwrite_when_blank(typed: str | None, meant: str) -> None:
    assert read(row(rule=typed))[0].rule == meant


def test_headers_may_stand_in_any_order_and_spelling_and_most_may_be_missing() -> None:
    found = checked(["pull", "City", "city"], head=("DIRECTION", "lead_field", "marketing field"))
    assert found.tables
    assert found.tables.fields == (FieldMapping("city", "City", direction="pull"),)
    assert found.tables.fields[0].cells["Marketing Field"] == "C2"


def test_a_workbook_without_the_sheet_has_the_default_mapping() -> None:
    assert tables_of(small()).fields == DEFAULT_FIELDS


def test_the_shipped_workbook_says_the_default_mapping() -> None:
    tables = load(ROOT / "routing_tables.xlsx")
    assert tables.fields == DEFAULT_FIELDS
    assert all(one.cells for one in tables.fields)


def test_a_sheet_without_rows_carries_nothing_and_the_check_says_so() -> None:
    found = checked()
    assert found.tables
    assert found.tables.fields == ()
    assert [(p.code, p.severity, p.cell) for p in found.problems] == [("T609", "warning", "A1")]


WRONG: list[tuple[str, str, list[list[object]], str]] = [
    ("T104", "E2", [row(direction="to and fro")], "push, pull, two-way"),
    ("T104", "E2", [row(direction="psuh")], "push"),
    ("T103", "E2", [row(direction=None)], "fill in Direction"),
    ("T104", "F2", [row(rule="only if emtpy")], "only if empty"),
    ("T103", "A2", [row(marketing=None)], "fill in Marketing Field"),
    ("T602", "A2", [row(lead=None, contact=None)], "Lead Field, Contact Field, Account Field"),
    ("T601", "A2", [row(marketing="first name")], "type firstname"),
    ("T601", "B2", [row(lead="Last Name")], "type LastName"),
    ("T601", "D2", [row(contact=None, account="Account.Name")], "type Name"),
    ("T601", "C2", [row(contact="Account.Name")], "type Name into Account Field"),
    ("T601", "C2", [row(contact="Straße")], "type the name that the system's own settings show"),
    ("T601", "C2", [row(contact="State/Province")], "type the name that the system's own settings show"),
    ("T603", "B3", [row(), row("town", "city", None)], "keep one of the two rows"),
    ("T603", "C3", [row(), row("town", None, "MAILINGCITY")], "keep one of the two rows"),
    ("T603", "D3", [row(account="Site"), row("site", None, None, "Site")], "keep one of the two rows"),
    ("T603", "B3", [row(source="hubspot"), row("town")], "another Source"),
    ("T604", "A3", [row(direction="pull"), row("City", "Town", None, direction="two-way")], "keep one"),
    ("T606", "F2", [row(direction="pull", rule="never")], "overwrite or only if empty"),
    ("T607", "E3", [row(), row(direction="pull")], "two-way"),
    ("T605", "B2", [row(lead="OwnerId", contact=None)], "the allocator gives owners"),
    ("T605", "C2", [row(contact="ownerid")], "the allocator gives owners"),
    ("T605", "B2", [row(lead="Marketing_Id__c")], "keeps the marketing record's id"),
    ("T605", "B2", [row(lead="Name")], "FirstName and LastName"),
    ("R02", "B2", [row(lead="=A2")], ""),
    ("R04", "B2", [row(lead=45000)], ""),
]


@pytest.mark.parametrize(("code", "cell", "rows", "fix"), WRONG)
def test_a_mistake_is_named_by_its_cell_with_what_to_do(
    code: str, cell: str, rows: list[list[object]], fix: str
) -> None:
    found = checked(*rows)
    wrong = [p for p in found.problems if p.sheet == "Fields" and p.severity == "error"]
    assert found.tables is None
    assert (code, cell) in [(p.code, p.cell) for p in wrong]
    assert fix in next(p.fix for p in wrong if (p.code, p.cell) == (code, cell))


@pytest.mark.parametrize(
    "name",
    ["Id", "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId", "CreatedDate",
     "SystemModstamp", "LastModifiedDate", "MasterRecordId", "IsDeleted"],
)  # fmt: skip
def test_what_the_crm_alone_writes_is_refused_as_a_target_and_may_be_pulled(name: str) -> None:
    assert [(p.code, p.cell) for p in problems(row(lead=name, contact=None))] == [("T605", "B2")]
    assert problems(row(lead=name, contact=None, direction="pull")) == []


def test_the_nearest_direction_is_suggested() -> None:
    (wrong,) = problems(row(direction="pusch"))
    assert wrong.suggestion == "push"


def test_several_mistakes_are_said_at_once_in_the_order_of_the_rows() -> None:
    found = problems(row(direction="up"), row("a b"), row("zip", "Id", None))
    assert [(p.code, p.cell) for p in found] == [("T104", "E2"), ("T601", "A3"), ("T605", "B4")]


@pytest.mark.parametrize(
    "rows",
    [
        [row(source="hubspot"), row("town", source="drop")],
        [row("email", "Email", "Email", None, "two-way"), row("email", "Second_Email__c", None)],
        [row("country", "Country", None), row("country", None, "MailingCountry", None)],
        [row("a", "A__c", None, None, "push"), row("b", "A__c", None, None, "pull")],
        [row("a", "A__c", None, None, "pull"), row("a", None, "B__c", None, "pull")],
        [row("name", None, None, "Name")],
        [row("city", rule="never"), row("zip", "Zip__c", None, None, "two-way", "never")],
    ],
    ids=["for two systems", "one into two", "Lead and Contact apart", "handed on", "pulled in turn",
         "an Account's Name", "for new Leads only"],
)  # fmt: skip
def test_rows_that_do_not_get_in_each_others_way_are_taken(rows: list[list[object]]) -> None:
    assert problems(*rows) == []


def test_values_that_would_go_round_for_ever_are_refused_however_long_the_way() -> None:
    found = problems(
        row("a", "A__c", None, None, "push"), row("b", "A__c", None, None, "pull"),
        row("b", "B__c", None, None, "push"), row("a", "B__c", None, None, "pull"),
    )  # fmt: skip
    assert [(p.code, p.cell) for p in found] == [("T607", "E5")]
    assert "Rows 2, 3, 4, 5" in found[0].message


def test_a_row_for_an_unknown_system_is_a_warning_with_the_nearest_one() -> None:
    found = checked(row(source="hubsport"), row("zip", "PostalCode", None))
    assert found.tables
    (warned,) = [p for p in found.problems if p.sheet == "Fields"]
    assert (warned.code, warned.severity, warned.cell, warned.suggestion) == (
        "T608",
        "warning",
        "G2",
        "hubspot",
    )


def test_an_account_field_that_a_pull_does_not_use_is_a_warning() -> None:
    found = problems(row(account="BillingCity", direction="pull"))
    assert [(p.code, p.severity, p.cell) for p in found] == [("T610", "warning", "D2")]


def test_what_has_changed_is_said_by_marketing_field_wherever_the_row_stands() -> None:
    before = tables_of({**small(), "Fields": [list(HEADERS), row(), row("zip", "PostalCode", None)]})
    moved = [row("zip", "Zip__c", None), row(), row("fax", "Fax", None)]
    after = tables_of({**small(), "Fields": [list(HEADERS), *moved]})
    found = diff(before, after)
    assert [(c.sheet, c.id, c.cell) for c in found.added] == [("Fields", "fax", "A4")]
    changes = [(c.id, c.field, c.before, c.after) for c in found.changed]
    assert changes == [("zip", "Lead Field", "PostalCode", "Zip__c")]
    assert not found.removed
    lines = [line for section in in_words(found) if section.title == "Fields" for line in section.lines]
    assert lines[0] == "1 field mapping added: fax"


def test_nothing_is_said_where_the_default_mapping_is_written_out() -> None:
    rows = [
        [m.marketing, m.lead, m.contact, m.account, m.direction, m.rule, m.source]
        for m in reversed(DEFAULT_FIELDS)
    ]
    assert not diff(tables_of(small()), tables_of({**small(), "Fields": [list(HEADERS), *rows]}))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(None, "id, e-mail"), ("id, e-mail", "id, e-mail"), ("E-Mail; ID", "id, e-mail"), ("id", "id"),
     ("id and email", "id, e-mail")],
)  # fmt: skip
def test_new_leads_are_matched_by_id_and_e_mail_or_by_id_alone(typed: str | None, meant: str) -> None:
    assert setting("Match new leads by", typed) == (meant, [])


@pytest.mark.parametrize("typed", ["e-mail", "name", "id, e-mail, phone"])
def test_another_way_to_match_is_refused_by_its_cell(typed: str) -> None:
    assert setting("Match new leads by", typed)[1] == [("T106", "B3")]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(None, "LastName, Company, Email"), ("LastName; Email", "LastName, Email"), ("Nothing", "nothing"),
     ("Email, email", "email")],
)  # fmt: skip
def test_what_a_new_lead_needs_is_a_list_of_its_fields(typed: str | None, meant: str) -> None:
    assert setting("New lead needs", typed) == (meant, [])


@pytest.mark.parametrize("typed", ["Last Name", "nothing, Email", "Account.Name"])
def test_what_is_no_list_of_fields_is_refused_by_its_cell(typed: str) -> None:
    assert setting("New lead needs", typed)[1] == [("T106", "B3")]


def setting(name: str, value: object) -> tuple[str, list[tuple[str, str]]]:
    sheets = small()
    sheets["Settings"].append([name, value])
    found = at_once(sheets)
    wrong = [(p.code, p.cell) for p in found.problems if p.severity == "error"]
    return (found.tables.settings[name.lower()] if found.tables else ""), wrong
