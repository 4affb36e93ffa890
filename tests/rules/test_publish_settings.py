"""Settings that govern when a new version goes live: what may be typed, and what is refused by its cell."""

from __future__ import annotations

import pytest
from workbooks import build, small

from rules.errors import Problem
from rules.workbook.check import check


def read(setting: str, value: object) -> tuple[str, list[tuple[str, str]]]:
    """The setting as the tables have it, and the problems by code and cell."""
    sheets = small()
    sheets["Settings"].append([setting, value])
    checked = check(build(sheets))
    wrong: list[Problem] = [p for p in checked.problems if p.severity == "error"]
    found = checked.tables.settings[setting.lower()] if checked.tables else ""
    return found, [(p.code, p.cell) for p in wrong]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("20 %", "20 %"), ("20%", "20 %"), ("20", "20 %"), (20, "20 %"), (0.2, "20 %"), ("12.5 %", "12.5 %"),
        ("1 %", "1 %"), ("12,5%", "12.5 %"), ("0.5 %", "0.5 %"), ("0 %", "0 %"), (0, "0 %"),
        ("100%", "100 %"),
        (None, ""), ("  ", ""),
    ],
)  # fmt: skip
def test_a_threshold_is_a_percentage_however_the_spreadsheet_keeps_it(typed: object, meant: str) -> None:
    assert read("Publish threshold", typed) == (meant, [])


@pytest.mark.parametrize("typed", ["0.2", "-5 %", "101 %", "a fifth", 1, "20 % of leads", 1e9])
def test_what_may_be_two_percentages_or_none_is_refused_by_its_cell(typed: object) -> None:
    assert read("Publish threshold", typed)[1] == [("T106", "B3")]


@pytest.mark.parametrize("typed", ["4ECD9a21", " 4ecd9a21 "])
def test_a_code_is_read_whatever_its_case(typed: str) -> None:
    assert read("Accept version", typed) == ("4ecd9a21", [])


def test_a_code_of_digits_alone_may_have_become_a_number() -> None:
    assert read("Accept version", 12345678) == ("12345678", [])


@pytest.mark.parametrize("typed", ["4ecd9a2", "4ecd9a211", "yes", 12e40])
def test_what_can_be_no_code_is_refused_by_its_cell(typed: object) -> None:
    assert read("Accept version", typed)[1] == [("T106", "B3")]


def test_impact_looks_back_two_weeks_unless_a_number_of_days_is_given() -> None:
    assert read("Impact days", None) == ("14", [])
    assert read("Impact days", 30) == ("30", [])
    assert read("Impact days", "0")[1] == [("R11", "B3")]
