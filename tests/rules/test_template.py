"""The workbooks that we write: the shipped one and an org's first, read back without a word of complaint."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from workbooks import ANA, BEN, crm_id

from rules.layers import decide
from rules.model import Decision
from rules.workbook import load
from rules.workbook.check import SHEETS, check
from rules.workbook.column_guide import BLANK_IS_WRONG, LISTS
from rules.workbook.company import SheetContent, new_company, rule_sheet, shipped_company
from rules.workbook.company_rules import COLUMNS
from rules.workbook.template import main, template_bytes, write_org_template, write_template

SHIPPED = Path(__file__).parents[2] / "routing_tables.xlsx"
MONDAY = date(2026, 11, 16)
TABLES = load(SHIPPED)


def test_the_shipped_workbook_has_neither_errors_nor_warnings() -> None:
    checked = check(SHIPPED, on=MONDAY)
    assert [str(p) for p in checked.problems] == []
    assert checked.ok


@pytest.mark.parametrize("day", [date(2026, 12, 14), date(2027, 3, 22), date(2027, 12, 20)])
def test_the_shipped_workbook_has_no_warnings_before_holidays_either(day: date) -> None:
    assert [str(p) for p in check(SHIPPED, on=day).problems] == []


def test_the_shipped_workbook_shows_choices_of_teams() -> None:
    teams = TABLES.team_by_name
    assert teams["Mid-market DACH"].after_absence["holiday"].rate == 0
    assert (teams["Enterprise Americas"].reject, teams["Enterprise Americas"].delegate) == (
        "refund",
        "absentee",
    )
    assert teams["Partner desk"].holidays == "GB-ENG"
    assert [a.delegate for p in teams["Enterprise Americas"].people for a in p.absences] == ["P-026"]


def test_the_shipped_workbook_is_what_the_template_writes(tmp_path: Path) -> None:
    written = tmp_path / "again.xlsx"
    assert main([str(written)]) == 0
    assert _content(written.read_bytes()) == _content(SHIPPED.read_bytes())


def test_the_same_company_gives_the_same_bytes() -> None:
    assert template_bytes(shipped_company()) == template_bytes(shipped_company())


def test_the_shipped_company_is_of_the_size_it_says() -> None:
    assert len(TABLES.teams) == 8
    assert len(TABLES.people_by_id) == 40
    assert sum(value.fact == "campaign" for value in TABLES.values) == 60
    assert [layer.name for layer in TABLES.layers] == ["Campaign", "Country", "Product", "Team"]
    assert 60 <= sum(len(layer.rows) for layer in TABLES.layers) <= 100
    assert {row.sets[0][1] for row in TABLES.layers[1].rows if row.sets} == {"EMEA", "Americas", "APAC"}


@pytest.mark.parametrize(
    ("team", "facts"),
    [
        ("Enterprise", {"country": "Germany", "employees": 4000}),
        ("Enterprise", {"country": "FR", "employees": 500, "campaign": "Demo request"}),
        ("Mid-market DACH", {"country": "Österreich", "employees": "120"}),
        ("Mid-market DACH", {"country": "CH", "campaign": "EVT-2026-DACH"}),
        ("Mid-market Europe", {"country": "Spain", "employees": 50}),
        ("Small business EMEA", {"country": "Scotland"}),
        ("Small business EMEA", {"country": "Namibia", "employees": 49}),
        ("Enterprise Americas", {"country": "US", "employees": 2000, "industry": "pharma"}),
        ("Small business Americas", {"country": "Brazil", "employees": 999}),
        ("Asia Pacific", {"country": "日本", "product": "Analytics Pro"}),
        ("Partner desk", {"campaign": "Reseller desk 2026"}),
    ],
)
def test_every_team_of_the_shipped_company_is_reached(team: str, facts: dict[str, object]) -> None:
    assert _decide(facts).team == team


def test_what_a_row_asks_of_the_taker_somebody_in_the_team_has() -> None:
    for facts in (
        {"country": "DE"},
        {"country": "JP"},
        {"country": "MX"},
        {"country": "DE", "employees": 5000},
    ):
        decision = _decide(facts)
        able = [
            person
            for person in TABLES.team_by_name[decision.team or ""].people
            if decision.needs["language"] in person.languages
        ]
        assert len(able) >= 2, facts


def test_hot_campaigns_have_a_lane_of_their_own() -> None:
    assert _decide({"campaign": "Pricing page", "country": "DE"}).lane == "hot"
    assert _decide({"campaign": "White paper", "country": "DE"}).lane == ""


def test_leads_without_a_country_and_with_an_unknown_one_are_held_with_a_reason() -> None:
    assert _decide({"country": "", "campaign": "Chat"}).reason == "rule_hold"
    assert _decide({"country": "Untied Kingdom"}).reason == "unmapped_value"
    assert _decide({"country": "DE", "product": "Select", "campaign": "Google"}).team == "Mid-market DACH"


def test_each_data_sheet_is_a_table_with_a_frozen_header_text_columns_and_dropdowns() -> None:
    book = load_workbook(SHIPPED)
    assert book.sheetnames[0] == "Read me"
    assert set(SHEETS) < set(book.sheetnames)
    for title in book.sheetnames[1:]:
        sheet = book[title]
        assert isinstance(sheet, Worksheet)
        (table,) = sheet.tables.values()
        assert table.ref == sheet.dimensions
        assert sheet.freeze_panes
    assert {*LISTS, BLANK_IS_WRONG} == set(book.defined_names)
    country = book["Country"]
    assert country.column_dimensions["D"].number_format == "@"
    assert "Team_names" in {rule.formula1 for rule in book["Team"].data_validations.dataValidation}
    assert [(p.name, p.value) for p in book.custom_doc_props.props] == [("Schema version", "1")]


def test_every_column_that_the_reader_knows_is_in_the_shipped_workbook_or_a_later_release() -> None:
    by_title = {sheet.title: sheet.headers for sheet in shipped_company().sheets}
    for title, spec in SHEETS.items():
        assert set(spec.required) <= set(by_title[title])
        assert set(by_title[title]) <= {*spec.required, *spec.optional}


def test_an_orgs_first_workbook_has_its_users_in_one_team_and_holds_every_lead(tmp_path: Path) -> None:
    path = tmp_path / "routing_tables.xlsx"
    users = [(ANA, "Ana Alvarez", "ana@example.com"), (BEN, "Ben Bauer", "ben@example.com")]
    write_org_template(path, users=users, contact="ops@example.com", time_zone="Europe/Paris")
    checked = check(path, on=MONDAY)

    assert checked.problems == ()
    tables = checked.tables
    assert tables
    assert [(p.name, p.crm_user_id, p.team) for p in tables.teams[0].people] == [
        ("Ana Alvarez", ANA, "Sales"),
        ("Ben Bauer", BEN, "Sales"),
    ]
    for facts in ({}, {"country": "DE", "campaign": "Webinar"}, {"country": "Nowhere", "employees": "many"}):
        decision = decide(tables, facts, on=MONDAY)
        assert (decision.reason, decision.detail) == ("rule_hold", "rules not written yet")


def test_the_command_wants_exactly_one_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


_WORD = st.text(st.characters(codec="utf-8", categories=("Lu", "Ll", "Nd")), min_size=1, max_size=12)


@settings(max_examples=8, deadline=None)
@given(st.lists(_WORD, min_size=1, max_size=6, unique_by=str.casefold), st.integers(0, 3))
def test_what_is_written_is_read_back(names: list[str], holds: int) -> None:
    users = [
        (crm_id(f"0055g00000AaC{n:02}"), f"Person {name} {n}", f"p{n}@example.com")
        for n, name in enumerate(names)
    ]
    company = new_company(users, contact="", time_zone="UTC")
    rows = [("*", "*", "*", f"{number}", "*", "*", None, None, None, "later") for number in range(holds)]
    sheets = tuple(_team_sheet(sheet, rows) for sheet in company.sheets)
    data = template_bytes(type(company)(sheets))
    checked = check(data)
    if any(p.code == "R07" for p in checked.problems):
        return  # a name that mixes alphabets is rightly refused

    assert checked.ok, [str(p) for p in checked.problems]
    tables = checked.tables
    assert tables
    assert [p.crm_user_id for p in tables.teams[0].people] == [user[0] for user in users]
    assert len(tables.layers[-1].rows) == holds
    assert Counter(row.hold for row in tables.layers[-1].rows) == Counter({"later": holds} if holds else {})


def test_write_template_writes_the_bytes(tmp_path: Path) -> None:
    write_template(tmp_path / "a.xlsx", shipped_company())
    assert (tmp_path / "a.xlsx").read_bytes() == template_bytes(shipped_company())


def _team_sheet(sheet: SheetContent, rows: list[tuple[str | None, ...]]) -> SheetContent:
    return rule_sheet("Team", COLUMNS["Team"], rows, "T") if sheet.title == "Team" else sheet


def _decide(facts: dict[str, object]) -> Decision:
    return decide(TABLES, facts, on=MONDAY)


def _content(data: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = load_workbook(io.BytesIO(data))
    return {
        sheet.title: [tuple(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets
    }
