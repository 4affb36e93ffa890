"""What the editors are told about a new version: by Rule ID, person, dates and names, never by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from datetime import date

import pytest
from workbooks import ACCOUNT, Sheets, build, small

from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.check import check
from rules.workbook.days_ahead import days_without_anybody
from rules.workbook.diff import LINES, Difference, diff, in_words

MONDAY = date(2026, 11, 2)
AWAY = "2026-11-16 to 2026-11-20"


def tables(edit: Callable[[Sheets], object] = lambda sheets: None) -> RoutingTables:
    sheets = small()
    edit(sheets)
    return load_bytes(build(sheets))


def against_small(edit: Callable[[Sheets], object]) -> Difference:
    return diff(tables(), tables(edit))


def cell(sheet: str, row: int, column: int, text: object) -> Callable[[Sheets], object]:
    return lambda sheets: sheets[sheet][row].__setitem__(column, text)


def changed(edit: Callable[[Sheets], object]) -> list[tuple[str, ...]]:
    found = against_small(edit)
    assert (found.added, found.removed) == ((), ())
    return [astuple(c)[:5] for c in found.changed]


def words(found: Difference) -> dict[str, tuple[str, ...]]:
    return {section.title: section.lines for section in in_words(found)}


def test_the_same_tables_do_not_differ() -> None:
    found = against_small(lambda sheets: None)
    assert found == Difference()
    assert not found
    assert in_words(found) == ()


def test_a_rule_is_known_by_its_rule_id_wherever_it_stands() -> None:
    def turned(sheets: Sheets) -> None:
        sheets["Country"][1:] = sheets["Country"][:0:-1]
        sheets["Salespeople"][1:] = sheets["Salespeople"][:0:-1]
        sheets["Country"].insert(1, [])

    assert not against_small(turned)


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (cell("Country", 1, 3, "@DACH, FR"), "Country | K-1 | If country | @DACH | @DACH, FR"),
        (cell("Country", 1, 1, 12.5), "Country | K-1 | Order | 10 | 12.5"),
        (cell("Country", 1, 8, date(2027, 1, 31)), "Country | K-1 | Until |  | 2027-01-31"),
        (cell("Team", 1, 7, "de"), "Team | T-1 | Then Language |  | de"),
        (cell("Team", 2, 6, "ben@example.com"), "Team | T-2 | Then Owner | P-001 | P-002"),
        (cell("Layers", 1, 3, "hold"), "Layers | Country | When nothing matches | continue | hold"),
        (cell("Teams", 1, 1, "UTC"), "Teams | Enterprise | Time zone | Europe/Berlin | UTC"),
        (cell("Salespeople", 1, 5, 3), "Salespeople | P-001 in Enterprise | Weight | 1 | 3"),
        (cell("Salespeople", 3, 6, None), "Salespeople | P-003 in Enterprise | Daily cap | 5 | "),
        (cell("Absences", 1, 3, "sick"), f"Absences | P-002, {AWAY} | Type | holiday | sick"),
        (
            cell("Values", 1, 3, "web"),
            "Values | campaign WEB-2026-DACH | Aliases | web dach, website dach | web",
        ),
        (cell("Groups", 1, 2, "DE, AT"), "Groups | @DACH | Members | DE, AT, CH | DE, AT"),
        (cell("Owner overrides", 1, 1, "P-003"), "Owner overrides | globex.example | Person | P-002 | P-003"),
        (cell("Settings", 1, 0, "Contact"), "Settings | contact | Value |  | Europe/Berlin"),
        (cell("Facts", 1, 1, "text"), "Facts | source | Type | closed | text"),
    ],
)
def test_a_changed_cell_is_named_by_its_thing_and_column(
    edit: Callable[[Sheets], object], change: str
) -> None:
    assert changed(edit)[0] == tuple(change.split(" | "))


def test_the_same_texts_written_otherwise_do_not_differ() -> None:
    def otherwise(sheets: Sheets) -> None:
        sheets["Country"][0][3] = "IF  Country"
        sheets["Country"][1][0] = "TRUE"
        sheets["Country"][1][1] = "10.0"
        sheets["Team"][2][6] = "ana@example.com"  # the same person by another name

    assert not against_small(otherwise)


def test_a_rule_that_is_switched_off_counts_as_removed_and_back_on_as_added() -> None:
    off = against_small(cell("Country", 2, 0, "no"))
    assert [(c.sheet, c.id) for c in off.removed] == [("Country", "K-2")]
    assert words(off) == {"Rules": ("1 rule removed or no longer active: K-2",)}
    on = diff(tables(cell("Country", 2, 0, "no")), tables())
    assert words(on) == {"Rules": ("1 rule added: K-2",)}


def test_a_rule_that_moved_to_another_sheet_is_the_same_rule() -> None:
    def moved(sheets: Sheets) -> None:
        sheets["Country"][0][5:5] = ["If campaign", "Then Team", "Then Owner"]
        for row in sheets["Country"][1:]:
            row[5:5] = ["*", None, None]
        sheets["Country"].append(["yes", 30, "T-2", "*", "*", "*", None, "Ana Alvarez"])
        del sheets["Team"][2]

    found = against_small(moved)
    assert ("Country", "T-2", "Sheet", "Team", "Country") in [astuple(c)[:5] for c in found.changed]
    assert found.added == found.removed == ()


def test_who_changes_team_leaves_one_and_joins_the_other() -> None:
    def joined(sheets: Sheets) -> None:
        sheets["Teams"].append(["Partner", None, "hold", None, None, None])
        sheets["Salespeople"][3][4] = "Partner"

    found = against_small(joined)
    people = "Salespeople"
    assert [c.id for c in found.added if c.sheet == people] == ["P-003 in Partner"]
    assert [c.id for c in found.removed if c.sheet == people] == ["P-003 in Enterprise"]


def test_an_absence_of_somebody_in_two_teams_is_told_once() -> None:
    def twice(sheets: Sheets) -> None:
        sheets["Teams"].append(["Partner", None, "hold", None, None, None])
        sheets["Salespeople"].append([*sheets["Salespeople"][2][:4], "Partner", 1, None, "yes"])

    def longer(sheets: Sheets) -> None:
        twice(sheets)
        sheets["Absences"].append(["P-002", date(2026, 12, 24), date(2026, 12, 24)])

    found = diff(tables(twice), tables(longer))
    assert words(found) == {"Absences": ("1 absence added: P-002, 2026-12-24",)}


def test_a_fact_that_only_a_rules_column_made_stands_on_no_sheet() -> None:
    def tiered(sheets: Sheets) -> None:
        sheets["Country"][0].append("Then Territory")
        sheets["Country"][1].append("North")

    assert words(against_small(tiered)) == {"Rules": ("Rule K-1, Then Territory: nothing -> North",)}


def test_the_words_name_rules_by_id_and_say_before_and_after() -> None:
    def edit(sheets: Sheets) -> None:
        sheets["Country"][1][3] = "DE, AT"
        sheets["Country"] += [
            ["yes", order, f"K-{order}", "FR", "*", "EMEA", None, None, None] for order in (30, 40)
        ]
        sheets["Salespeople"][1][5] = 2
        sheets["Groups"].append(["@NORDICS", "country", "SE, NO"])

    assert words(against_small(edit)) == {
        "Rules": ("2 rules added: K-30, K-40", "Rule K-1, If country: @DACH -> DE, AT"),
        "Salespeople": ("Salesperson P-001 in Enterprise, Weight: 1 -> 2",),
        "Groups": ("1 group added: @NORDICS",),
    }


def test_the_words_hold_no_name_no_address_no_company_and_not_why_somebody_is_away() -> None:
    secret = "Canary"

    def edit(sheets: Sheets) -> None:
        sheets["Salespeople"][1][1] = f"{secret} Alvarez"
        sheets["Salespeople"][2][2] = f"{secret}@example.com"
        sheets["Team"][2][6] = f"{secret} Alvarez"
        sheets["Absences"][1][3] = secret
        sheets["Absences"].append(["P-003", date(2026, 12, 1), date(2026, 12, 2), secret])
        sheets["Teams"][1][4] = f"{secret}@example.com"
        sheets["Settings"] += [["Contact", secret], ["Editors", f"{secret}@example.com"]]
        sheets["Values"].append(["company", f"{secret} Ltd", None, f"{secret} Limited", None, None])
        sheets["Owner overrides"][1][0] = f"{secret}.example"
        sheets["Owner overrides"].append([f"{secret}-two.example", "P-001", None])
        sheets["Owner overrides"][2][1] = "P-001"

    said = words(against_small(edit))
    assert secret.lower() not in str(said).lower() and "globex" not in str(said).lower()
    assert said["Salespeople"] == (
        "Salesperson P-001 in Enterprise, Name: changed",
        "Salesperson P-002 in Enterprise, E-mail: changed",
    )
    assert said["Settings"] == ("Setting contact: changed", "Setting editors: changed")
    assert said["Owner overrides"][0] == "2 owner overrides added: in A2, in A4"
    assert said["Owner overrides"][-1] == f"Owner override {ACCOUNT}, Person: P-003 -> P-001"


def test_a_group_of_companies_changes_without_their_names() -> None:
    def grouped(members: str) -> Callable[[Sheets], None]:
        def edit(sheets: Sheets) -> None:
            sheets["Groups"].append(["@VIP", "company", members])
            sheets["Team"][0].append("If company")
            for n, row in enumerate(sheets["Team"][1:]):
                row.append("*" if n else "@VIP")

        return edit

    two, three = (tables(grouped(f"Globex, {last}")) for last in ("Initech", "Hooli"))
    assert words(diff(two, three)) == {"Groups": ("Group @VIP, Members: changed",)}
    assert diff(two, three).changed[0].after == "Globex, Hooli"


def test_a_section_is_capped_and_says_how_much_is_left_out() -> None:
    def many(sheets: Sheets) -> None:
        sheets["Country"] += [
            ["yes", n, f"K-{n}", "FR", "*", "EMEA", None, None, None] for n in range(30, 62)
        ]

    def other(sheets: Sheets) -> None:
        many(sheets)
        for row in sheets["Country"][3:]:
            row[3] = "FR, " * 40 + "BE"

    lines = words(diff(tables(many), tables(other)))["Rules"]
    assert len(lines) == LINES + 1
    assert lines[-1] == "and 12 more"
    assert max(map(len, lines)) < 120
    (added,) = words(against_small(many))["Rules"]
    assert added.startswith("32 rules added: K-30, K-31") and added.endswith("K-39 and 22 more")


def test_days_on_which_nobody_of_a_team_is_there_are_told_as_spans() -> None:
    def away(sheets: Sheets) -> None:
        sheets["Absences"] += [
            ["Ana Alvarez", date(2026, 11, 18), date(2026, 11, 30), "holiday"],
            ["Chi Chen", date(2026, 11, 10), date(2026, 11, 19), "holiday"],
            ["Chi Chen", date(2026, 11, 20), date(2026, 11, 20), "holiday"],
        ]

    gaps = days_without_anybody(tables(away), MONDAY)
    assert gaps == (("Enterprise", date(2026, 11, 18), date(2026, 11, 20)),)
    assert in_words(Difference(), gaps)[0].lines == (
        "Nobody is there in team Enterprise: 2026-11-18 to 2026-11-20",
    )
    assert days_without_anybody(tables(away), MONDAY, days=16) == ()
    assert days_without_anybody(tables(away), MONDAY, days=17)[0].last == date(2026, 11, 18)


def test_who_is_inactive_not_there_yet_or_gone_cannot_fill_a_gap() -> None:
    def thin(sheets: Sheets) -> None:
        sheets["Salespeople"][1][9:] = [None, date(2026, 11, 5)]  # Ana ends
        sheets["Salespeople"][2][7] = "no"
        sheets["Salespeople"][3] += [None, date(2026, 11, 8)]  # Chi begins

    gaps = days_without_anybody(tables(thin), MONDAY)
    assert gaps == (("Enterprise", date(2026, 11, 6), date(2026, 11, 7)),)


# --- the setting Editors ---


def with_editors(text: object) -> Sheets:
    return {**small(), "Settings": [["Setting", "Value"], ["Editors", text]]}


@pytest.mark.parametrize(
    "text", ["mia@example.com, noa@example.org", "mia@example.com;noa@example.org; MIA@example.com",
             "mia@example.com\nnoa@example.org\n"]
)  # fmt: skip
def test_the_editors_are_addresses_with_a_comma_semicolon_or_line_between(text: str) -> None:
    assert load_bytes(build(with_editors(text))).settings["editors"] == "mia@example.com, noa@example.org"


def test_there_are_no_editors_where_none_are_named() -> None:
    assert tables().settings["editors"] == ""
    assert load_bytes(build(with_editors(None))).settings["editors"] == ""


@pytest.mark.parametrize(
    "wrong", ["mia", "mia@example", "mia@example.com noa@example.org", "Mia <mia@example.com>", '"x']
)
def test_an_editor_that_is_no_address_is_refused_and_named(wrong: str) -> None:
    found = check(build(with_editors(f"noa@example.org; {wrong}")))
    assert [(p.code, p.sheet, p.cell, p.value) for p in found.problems] == [("T411", "Settings", "B2", wrong)]
    assert found.tables is None
