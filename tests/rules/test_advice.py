"""Warnings that need more than one cell: who serves what the rules ask for, and what was probably typed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from workbooks import Sheets, build, changed, small

from rules.errors import Problem
from rules.workbook.check import check, check_book
from rules.workbook.contents import contents_of
from rules.workbook.read import book_of

MONDAY = date(2026, 11, 2)
SHIPPED = Path(__file__).parents[2] / "routing_tables.xlsx"


def told(data: bytes, code: str) -> list[Problem]:
    problems = check_book(book_of(contents_of(data)), version="", on=MONDAY).problems
    assert not [p for p in problems if p.severity == "error"], problems
    return [p for p in problems if p.code == code]


@pytest.mark.parametrize("on", ["2026-11-02", "2026-12-24", "2027-07-01", "2031-01-01"])
def test_the_shipped_workbook_is_without_a_word_on_any_day(on: str) -> None:
    assert check(SHIPPED, on=date.fromisoformat(on)).problems == ()


# -- languages and tags ---


def two_layers(language: str, region: str = "EMEA") -> Sheets:
    """Country asks for a language and sets a region; Team gives leads of a region to Enterprise."""
    sheets = small()
    sheets["Country"][0][7:] = ["Then Language", "From"]
    sheets["Country"][1][7] = language
    sheets["Team"][1][3] = region
    return sheets


def test_a_language_asked_for_in_one_layer_is_missed_in_a_team_that_another_layer_names() -> None:
    (problem,) = told(build(two_layers("sv")), "T416")

    assert (problem.sheet, problem.cell, problem.rule_id, problem.value) == ("Country", "H2", "K-1", "sv")
    assert "team Enterprise, by rule T-1" in problem.message


def test_a_language_that_somebody_speaks_who_is_away_is_not_missed() -> None:
    assert told(build(two_layers("de")), "T416") == []


def test_a_language_is_not_missed_in_a_team_that_never_gets_such_leads() -> None:
    assert told(build(two_layers("sv", region="APAC")), "T416") == []


def test_who_has_left_speaks_for_nobody() -> None:
    sheets = small()
    sheets["Team"][1][7] = "en"
    assert told(build(sheets), "T416") == []
    sheets["Salespeople"][1] += [None, "2026-10-31"]
    (problem,) = told(build(sheets), "T416")
    assert problem.cell == "H2"


# -- days to come ---


def test_days_without_anybody_in_a_team_are_named_and_counted() -> None:
    sheets = small()
    sheets["Absences"] += [
        [person, date(2026, 11, first), date(2026, 11, last), "holiday", None]
        for person, first, last in (("P-001", 16, 18), ("P-003", 16, 20), ("P-001", 20, 20))
    ]

    (problem,) = told(build(sheets), "T415")

    assert problem.cell == "A2"
    assert "on 4 of the next 28 days: 2026-11-16 to 2026-11-18, 2026-11-20." in problem.message


def test_days_beyond_four_weeks_are_not_looked_at() -> None:
    sheets = small()
    sheets["Salespeople"][1] += [None, "2026-12-15"]
    for row in sheets["Salespeople"][2:]:
        row += [None] * (10 - len(row)) + ["2026-12-15"]
    assert told(build(sheets), "T415") == []


def test_of_many_ended_rules_twenty_are_named_and_the_rest_counted() -> None:
    sheets = small()
    sheets["Country"] += [
        ["yes", 100 + n, f"E-{n}", "FR", "*", "EMEA", None, None, "2026-10-01"] for n in range(25)
    ]
    ended = told(build(sheets), "T311")
    assert len(ended) == 21
    assert [p.message for p in ended if not p.cell] == ["5 more rules of this sheet have ended."]


# -- what was probably typed ---


@pytest.mark.parametrize(
    ("code", "value", "meant"),
    [
        ("007", 7, "007"),
        ("00042", 42, "00042"),
        ("1E5", 100000.0, "1E5"),
        ("2e3", 2000, "2e3"),
        ("1-Mar", date(2026, 3, 1), "1-Mar"),
        ("MAR01", date(2026, 3, 1), "MAR-1"),
        ("SEP26", date(2026, 9, 26), "SEP26"),
        ("OTHER", 12345678901234567, "123456789012345 and more digits"),
        ("OTHER", 1067, "1067"),
    ],
)
def test_a_damaged_code_is_likely_a_known_one_that_becomes_the_same_value(
    code: str, value: object, meant: str
) -> None:
    problems = check_book(
        book_of(contents_of(changed({"Values!C2": code, "Values!B2": code, "Team!E2": value}))), version=""
    ).problems
    (problem,) = (p for p in problems if p.code == "R04")
    assert (problem.cell, problem.suggestion) == ("E2", meant)


def test_a_range_that_became_a_day_is_told_as_the_range() -> None:
    data = changed({"Country!E2": date(2026, 5, 1)})
    (problem,) = check_book(book_of(contents_of(data)), version="").problems
    assert (problem.code, problem.suggestion) == ("R04", "1..5")
    assert "a number or a range" in problem.message


def test_letters_that_look_alike_are_named_and_the_other_spelling_is_suggested() -> None:
    data = changed({"Team!F2": "Entеrprise"})
    (problem,) = check_book(book_of(contents_of(data)), version="").problems
    assert (problem.code, problem.suggestion) == ("R07", "Enterprise")
    assert 'the Cyrillic letter "е" (U+0435)' in problem.message


def test_a_name_all_of_look_alikes_is_suggested_the_team_it_looks_like() -> None:
    data = changed({"Teams!A3": "COPE", "Salespeople!E3": "COPE", "Team!F2": "СОРЕ"})
    (problem,) = check_book(book_of(contents_of(data)), version="").problems
    assert (problem.code, problem.suggestion) == ("T306", "COPE")


def test_a_short_crm_id_is_shown_with_its_18_characters() -> None:
    (problem,) = told(changed({"Salespeople!D2": "0055g00000AaB01"}), "T409")
    assert problem.suggestion.startswith("0055g00000AaB01")
    assert len(problem.suggestion) == 18


def test_an_ambiguous_country_is_told_from_a_misspelt_one_and_no_code_is_guessed() -> None:
    (problem,) = check_book(book_of(contents_of(changed({"Country!D2": "Congo"}))), version="").problems
    assert (problem.code, problem.suggestion) == ("T203", "")
    assert "more than one thing" in problem.message


def test_the_dots_that_a_spreadsheet_joins_are_told_as_the_range() -> None:
    (problem,) = check_book(book_of(contents_of(changed({"Country!E2": "50…249"}))), version="").problems
    assert (problem.code, problem.suggestion) == ("T212", "50..249")
