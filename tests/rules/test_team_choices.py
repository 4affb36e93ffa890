"""The choices of a team: what each cell means, what is proposed for a wrong one, and the defaults."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from workbooks import Sheets, build, edited, small

from rules.errors import Problem
from rules.hours import ALWAYS, parse_hours
from rules.model import CatchUp, RoutingTables, Team
from rules.workbook.check import Checked, check_book
from rules.workbook.choices import COLUMNS, team_texts
from rules.workbook.contents import contents_of
from rules.workbook.days_ahead import days_without_anybody
from rules.workbook.diff import diff, in_words
from rules.workbook.read import book_of
from rules.workbook.teams import SPEC

MONDAY = date(2026, 11, 16)
OFFICE = parse_hours("Mon-Fri 09:00-17:00")


def checked(data: bytes) -> Checked:
    return check_book(book_of(contents_of(data)), version="", on=MONDAY)


def tables(data: bytes) -> RoutingTables:
    found = checked(data)
    assert found.tables, [str(p) for p in found.problems]
    return found.tables


def choosing(
    choices: Mapping[str, object], *, settings: Mapping[str, object] | None = None, own: object = None
) -> bytes:
    """Team Enterprise with these choices; `own` are Ana's working hours."""
    sheets: Sheets = small()
    sheets["Settings"] += [[name, value] for name, value in (settings or {}).items()]
    sheets["Teams"][0] += list(choices)
    sheets["Teams"][1] += list(choices.values())
    sheets["Salespeople"][0].append("Working hours")
    sheets["Salespeople"][1] += [None, None, own]
    return build(sheets)


def team(choices: Mapping[str, object], **more: object) -> Team:
    return tables(choosing(choices, **more)).teams[0]  # type: ignore[arg-type]


def problem(choices: Mapping[str, object]) -> Problem:
    (found,) = (p for p in checked(choosing(choices)).problems if p.severity == "error")
    return found


def test_a_team_that_chooses_nothing_has_the_defaults() -> None:
    assert team({}) == replace(Team("Enterprise", "Europe/Berlin"), people=team({}).people)
    assert team(dict.fromkeys(COLUMNS)) == team({})


@pytest.mark.parametrize(
    ("column", "typed", "field", "meant"),
    [
        ("FAIRNESS", "Totals", "fairness", "totals"),
        ("limit", 3, "limit", 3),
        ("Limit", "1000", "limit", 1000),
        ("taken  by hand", "FREE", "taken_by_hand", "free"),
        ("Owner override", "charge", "owner_override", "charge"),
        ("Reject", "refund", "reject", "refund"),
        ("Delegate", "absentee", "delegate", "absentee"),
        ("Delegate", "Charged to the absentee", "delegate", "absentee"),
        ("Delegate", "charged to the delegate", "delegate", "delegate"),
        ("Lane", "One Lane", "lanes", False),
        ("Lane", "by lane", "lanes", True),
        ("Holiday calendar", "DE-BY", "holidays", "DE-BY"),
        ("holiday calendar", "gb-eng", "holidays", "GB-ENG"),
        ("Holiday calendar", "none", "holidays", ""),
        ("Holiday calendar", "NO", "holidays", "NO"),
        ("Working hours", "Mon-Fri 09:00-17:00", "hours", OFFICE),
        ("Working hours", "always", "hours", None),
        ("Outside hours", "next", "outside_hours", "next"),
    ],
)
def test_a_choice_is_read_without_case(column: str, typed: object, field: str, meant: object) -> None:
    assert getattr(team({column: typed}), field) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("DE-BX", "DE-BY"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("Germny", "DE"),
        ("Germany-BY", "DE-BY"),
        ("US-CAL", "US-CA"),
        ("GB-EN", "GB-ENG"),
        ("DE-ZZ", "DE"),
        ("Atlantis", ""),
    ],
)
def test_a_calendar_that_does_not_exist_is_told_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    found = problem({"Holiday calendar": typed})
    assert (found.code, found.cell, found.suggestion) == ("T417", "G2", meant)


@pytest.mark.parametrize(
    ("column", "typed", "meant"),
    [("Fairness", "total", "totals"), ("Outside hours", "waits", "wait"), ("Delegate", "absent", "absentee")],
)
def test_a_word_that_is_no_choice_is_told_with_the_nearest(column: str, typed: str, meant: str) -> None:
    found = problem({column: typed})
    assert (found.code, found.cell, found.suggestion) == ("T104", "G2", meant)


def test_working_hours_that_cannot_be_read_say_what_to_write() -> None:
    found = problem({"Working hours": "Mon-Fri"})
    assert found.message == 'Working hours: "Mon-Fri" has no times.'
    assert "09:00-17:30" in found.fix


# -- catch-up ---


def catch_up(**cells: object) -> Mapping[str, CatchUp]:
    return team(
        {"After absence": "catch up"} | {f"Catch-up {name}": cell for name, cell in cells.items()}
    ).after_absence


def test_catch_up_alone_makes_good_every_absence_as_usual() -> None:
    assert catch_up() == {"": CatchUp(rate=100, cap=10, expiry=30, pace=1)}


def test_a_cell_of_one_value_is_for_every_absence() -> None:
    assert catch_up(rate="50 %", cap=3, expiry="60", pace=2) == {"": CatchUp(50, 3, 60, 2)}


def test_a_cell_may_hold_values_by_absence_type() -> None:
    assert catch_up(rate="Sick: 100 %, Holiday: 0 %; 50%", cap="sick: 20\n5") == {
        "": CatchUp(rate=50, cap=5),
        "sick": CatchUp(rate=100, cap=20),
        "holiday": CatchUp(rate=0, cap=5),
    }


def test_absence_types_without_a_rate_are_not_made_good_and_without_another_value_have_its_default() -> None:
    found = catch_up(rate="Sick: 100 %", expiry="Parental leave: 90")
    assert found[""] == CatchUp(rate=0)
    assert found["sick"] == CatchUp(rate=100)
    assert found["parental leave"] == CatchUp(rate=0, expiry=90)


@pytest.mark.parametrize(("number", "rate"), [(0.5, 50), (0, 0), (0.07, 7), (50, 50), (100, 100), (0.29, 29)])
def test_a_percentage_that_the_spreadsheet_made_a_number_is_read_as_meant(number: float, rate: int) -> None:
    assert catch_up(rate=number)[""].rate == rate


@pytest.mark.parametrize(
    ("number", "format_", "rate"), [(1, "0%", 100), (0.25, "0.00%", 25), (1, "0.0 %", 100), (40, '0"%"', 40)]
)
def test_a_number_is_the_per_cent_that_its_cell_shows(number: float, format_: str, rate: int) -> None:
    def edit(book: Workbook) -> None:
        for row, values in enumerate((("After absence", "Catch-up rate"), ("catch up", number)), start=1):
            for column, value in zip("GH", values, strict=True):
                book["Teams"][f"{column}{row}"] = value
        book["Teams"]["H2"].number_format = format_

    assert tables(edited(edit)).teams[0].after_absence[""].rate == rate


def test_a_bare_number_one_may_be_one_or_a_hundred_per_cent_and_is_refused() -> None:
    assert problem({"After absence": "catch up", "Catch-up rate": 1}).code == "T419"


def test_an_absence_type_that_nobody_has_is_told_with_the_one_that_was_meant() -> None:
    found = checked(choosing({"After absence": "catch up", "Catch-up rate": "Holidays: 0 %, 50 %"}))
    (warning,) = found.problems
    assert (warning.code, warning.cell, warning.suggestion) == ("T420", "H2", "holiday")


# -- working hours ---


def test_a_team_without_hours_of_its_own_has_those_of_the_settings() -> None:
    office = {"Working hours": "mon-fri 9:00-17:00"}
    assert team({}, settings=office).hours == OFFICE
    assert team({"Working hours": None}, settings=office).hours == OFFICE
    assert team({"Working hours": "always"}, settings=office).hours is None
    assert team({"Working hours": "Sat 10:00-12:00"}, settings=office).hours == parse_hours("Sat 10:00-12:00")
    assert tables(choosing({}, settings=office)).settings["working hours"] == "Mon-Fri 09:00-17:00"


def test_a_person_may_have_hours_of_their_own() -> None:
    ana, ben, _ = team({"Working hours": "Mon-Fri 09:00-17:00"}, own="Mon-Wed 09:00-13:00").people
    assert ana.hours == parse_hours("Mon-Wed 09:00-13:00")
    assert ben.hours is None
    assert team({"Working hours": "Mon-Fri 09:00-17:00"}, own="always").people[0].hours == ALWAYS


def test_outside_hours_has_an_effect_where_one_person_has_hours() -> None:
    assert checked(choosing({"Outside hours": "next"}, own="Mon-Fri 09:00-13:00")).problems == ()
    assert [p.code for p in checked(choosing({"Outside hours": "next"})).problems] == ["T421"]


def test_a_person_who_works_on_other_days_than_the_team_is_told() -> None:
    (warning,) = checked(choosing({"Working hours": "Mon-Fri 09:00-17:00"}, own="Sat 10:00-12:00")).problems
    assert warning.code == "T424"
    assert "Ana Alvarez works Sat 10:00-12:00" in warning.message
    assert checked(choosing({}, own="Sat 10:00-12:00")).problems == ()


# -- delegates ---


def served_by(delegate: object, *, choice: object = "absentee") -> Sheets:
    sheets = small()
    sheets["Teams"][0].append("Delegate")
    sheets["Teams"][1].append(choice)
    sheets["Absences"][1][4] = delegate
    return sheets


@pytest.mark.parametrize("name", ["Ana Alvarez", "P-001", "ANA@example.com"])
def test_a_delegate_is_named_by_id_address_or_name(name: str) -> None:
    (absence,) = tables(build(served_by(name))).teams[0].people[1].absences
    assert absence.delegate == "P-001"
    assert checked(build(served_by(name))).problems == ()


def test_no_delegate_may_be_said_in_words() -> None:
    (absence,) = tables(build(served_by("none"))).teams[0].people[1].absences
    assert absence.delegate is None


def test_a_delegate_who_cannot_take_all_leads_is_told_by_what_they_lack() -> None:
    sheets = served_by("Chi Chen")
    sheets["Salespeople"][0].append("Tags")
    sheets["Salespeople"][2] += [None, None, "healthcare"]
    (warning,) = checked(build(sheets)).problems
    assert warning.code == "T423"
    assert "Chi Chen lacks the language de, the tag healthcare, which Ben Bauer has" in warning.message


def test_a_delegate_who_is_away_too_is_told_with_the_days() -> None:
    sheets = served_by("Ana Alvarez")
    sheets["Absences"].append(["P-001", date(2026, 11, 19), date(2026, 11, 30), None, None])
    (warning,) = checked(build(sheets)).problems
    assert warning.message == "Ana Alvarez is away too, from 2026-11-19 to 2026-11-20."


def test_nothing_is_said_of_the_delegate_of_an_absence_that_is_over() -> None:
    sheets = served_by("Chi Chen")
    sheets["Absences"][1][1:3] = [date(2026, 11, 2), date(2026, 11, 6)]
    assert checked(build(sheets)).problems == ()


# -- lanes ---


def lanes(count: int, **choices: object) -> bytes:
    sheets = small()
    sheets["Country"] = [
        [*sheets["Country"][0][:6], "Then Lane"],
        *(
            ["yes", n, f"K-{n}", country, "*", "EMEA", f"lane {n}" if n <= count else None]
            for n, country in enumerate(("DE", "AT", "CH", "FR", "NL", "BE"), start=1)
        ),
    ]
    sheets["Teams"][0] += list(choices)
    sheets["Teams"][1] += list(choices.values())
    return build(sheets)


def test_more_than_four_lanes_of_one_team_are_doubted() -> None:
    (warning,) = [p for p in checked(lanes(5)).problems if p.code == "T425"]
    assert "into 5 lanes: lane 1, lane 2, lane 3, lane 4, lane 5" in warning.message
    assert "T425" not in [p.code for p in checked(lanes(4)).problems]
    assert "T425" not in [p.code for p in checked(lanes(6, Lane="one lane")).problems]


def test_lanes_that_never_reach_a_team_are_not_counted_for_it() -> None:
    sheets = small()
    sheets["Country"] = [
        [*sheets["Country"][0][:6], "Then Lane"],
        *(
            ["yes", n, f"K-{n}", country, "*", "EMEA" if n < 5 else "Else", f"lane {n}"]
            for n, country in enumerate(("DE", "AT", "CH", "FR", "NL", "BE"), start=1)
        ),
    ]
    assert "T425" not in [p.code for p in checked(build(sheets)).problems]


# -- days ahead ---


def gaps(choices: Mapping[str, object], away: tuple[date, date], today: date) -> list[tuple[date, date]]:
    """Spans on which nobody is there when everybody is away on these days."""
    sheets = small()
    sheets["Teams"][0] += list(choices)
    sheets["Teams"][1] += list(choices.values())
    sheets["Absences"] = [sheets["Absences"][0], *([name, *away] for name in ("P-001", "P-002", "P-003"))]
    return [(g.first, g.last) for g in days_without_anybody(tables(build(sheets)), today)]


def test_public_holidays_count_where_the_days_beside_them_are_empty_too() -> None:
    away = date(2026, 12, 23), date(2026, 12, 24)
    assert gaps({}, away, date(2026, 12, 14)) == [away]
    assert gaps({"Holiday calendar": "DE-BY"}, away, date(2026, 12, 14)) == [(away[0], date(2026, 12, 26))]


def test_public_holidays_and_weekends_alone_are_as_the_team_wants_it() -> None:
    over = date(2026, 10, 1), date(2026, 10, 2)
    chosen = {"Holiday calendar": "DE-BY", "Working hours": "Mon-Fri 09:00-17:00"}
    assert gaps(chosen, over, date(2026, 12, 14)) == []


def test_an_empty_week_does_not_begin_or_end_on_days_on_which_nobody_works_anyway() -> None:
    week = date(2026, 11, 30), date(2026, 12, 4)
    both = date(2026, 11, 27), date(2026, 12, 7)
    office = {"Working hours": "Mon-Fri 09:00-17:00"}
    assert gaps(office, week, MONDAY) == [week]
    assert gaps(office, both, MONDAY) == [both]


# -- what is said of a change ---


CHANGES: list[tuple[str, object, str, str]] = [
    ("Fairness", "totals", "turns", "totals"),
    ("Limit", 3, "5", "3"),
    ("After absence", "catch up", "none", "catch up"),
    ("Taken by hand", "free", "charge", "free"),
    ("Owner override", "charge", "free", "charge"),
    ("Reject", "refund", "charge", "refund"),
    ("Delegate", "delegate", "none", "delegate"),
    ("Lane", "one lane", "by lane", "one lane"),
    ("Holiday calendar", "DE-BY", "nothing", "DE-BY"),
    ("Working hours", "Mon-Fri 9:00-17:00", "always", "Mon-Fri 09:00-17:00"),
    ("Outside hours", "next", "wait", "next"),
]


@pytest.mark.parametrize(("column", "typed", "before", "after"), CHANGES)
def test_a_change_of_a_choice_is_told_by_its_column(
    column: str, typed: object, before: str, after: str
) -> None:
    found = diff(tables(choosing({})), tables(choosing({column: typed})))
    said = {section.title: section.lines for section in in_words(found)}
    assert said["Teams"][0] == f"Team Enterprise, {column}: {before} -> {after}"


def test_a_change_of_catch_up_of_hours_and_of_a_delegate_is_told_by_its_column() -> None:
    catching = {"After absence": "catch up", "Catch-up rate": "Sick: 100 %, 50 %"}
    before, after = tables(choosing(catching)), tables(choosing({**catching, "Catch-up cap": "Sick: 20, 5"}))
    (section,) = in_words(diff(before, after))
    assert section.lines == ("Team Enterprise, Catch-up cap: 10 -> sick: 20, 5",)
    (own,) = in_words(diff(tables(choosing({})), tables(choosing({}, own="Mon 9:00-12:00"))))
    assert own.lines == ("Salesperson P-001 in Enterprise, Working hours: nothing -> Mon 09:00-12:00",)
    (served,) = in_words(diff(tables(build(served_by(None))), tables(build(served_by("Ana Alvarez")))))
    assert served.lines == ("Absence P-002, 2026-11-16 to 2026-11-20, Delegate: nothing -> P-001",)


def test_what_a_team_chooses_is_shown_so_that_it_is_read_as_the_same() -> None:
    chosen = {
        "After absence": "catch up",
        "Catch-up rate": "Sick: 100 %, Holiday: 0 %, 50 %",
        "Catch-up pace": "Sick: 2",
        "Holiday calendar": "US-CA",
        "Working hours": "Mon-Thu 22:00-06:00; Fri 09:00-12:00, 13:00-17:00",
        "Lane": "one lane",
        "Limit": 7,
    }
    first = team(chosen)
    again = team(team_texts(first))
    assert again == first
    assert set(team_texts(first)) == set(COLUMNS) <= set(SPEC.optional)


# -- cost ---


def test_a_workbook_without_a_calendar_loads_no_library_of_holidays(tmp_path: Path) -> None:
    path = tmp_path / "tables.xlsx"
    path.write_bytes(build(small()))
    code = (
        "import sys; from rules.workbook import load; load(sys.argv[1]); "
        "assert 'holidays' not in sys.modules and 'openpyxl' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_a_percentage_keeps_its_decimals() -> None:
    sheets = small()
    sheets["Settings"].append(["Publish threshold", 0.075])
    assert tables(build(sheets)).settings["publish threshold"] == "7.5 %"
