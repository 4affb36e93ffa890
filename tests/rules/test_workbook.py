"""What the check says about a workbook: each mistake by its code and cell, all of them at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.packaging.custom import IntProperty
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from workbooks import ACCOUNT, ANA, BEN, CHI, QUEUE, build, changed, edited, small

from rules.errors import Problem, WorkbookError
from rules.layers import decide
from rules.workbook import load, load_bytes
from rules.workbook.check import check
from rules.workbook.codes import CODES
from rules.workbook.read import RawCell, RawSheet
from rules.workbook.report import Report
from rules.workbook.sheets import Spec, read_table

MONDAY = date(2026, 11, 16)
MARCH_1 = datetime.fromisoformat("2026-03-01")
"""As a spreadsheet keeps a day: a moment without a zone."""

ERRORS: list[tuple[str, str, str, object]] = [
    ("R01", "Country!D1", "Country!D1", "Wenn country"),
    ("R01", "Country!E1", "Country!E1", "If Country"),
    ("R01", "Teams!A1", "Teams!A1", "Squad"),
    ("R01", "Settings!D2", "Settings!D2", "stray"),
    ("R02", "Country!D2", "Country!D2", '="D"&"E"'),
    ("R03", "Teams!A2", "Teams!A2", "#N/A"),
    ("R04", "Values!B2", "Values!B2", 7),
    ("R04", "Team!E2", "Team!E2", MARCH_1),
    ("R06", "Salespeople!B2", "Salespeople!B2", "Ana \u202eAlvarez"),
    ("R07", "Teams!A2", "Teams!A2", "Еntеrрrise"),
    ("R09", "Absences!B2", "Absences!B2", "03/04/2026"),
    ("R09", "Country!I2", "Country!I2", 46000),
    ("R09", "Absences!C2", "Absences!C2", date(2026, 11, 1)),
    ("R09", "Country!I2", "Country!I2", "2026-02-30"),
    ("R11", "Salespeople!F2", "Salespeople!F2", 0),
    ("R11", "Salespeople!F2", "Salespeople!F2", 1001),
    ("R11", "Salespeople!F2", "Salespeople!F2", 1.5),
    ("R11", "Salespeople!F2", "Salespeople!F2", "heavy"),
    ("R11", "Salespeople!G2", "Salespeople!G2", -1),
    ("R13", "Groups!C2", "Groups!C2", "DE," * 4000),
    ("T103", "Salespeople!B2", "Salespeople!B2", None),
    ("T103", "Country!C2", "Country!C2", None),
    ("T103", "Country!A2", "Country!A2", None),
    ("T104", "Country!A2", "Country!A2", "perhaps"),
    ("T104", "Layers!D2", "Layers!D2", "go on"),
    ("T105", "Settings!A2", "Settings!A2", "Tyme zone"),
    ("T106", "Settings!B3", "Settings!B3", "everybody"),
    ("T108", "Groups!B2", "Groups!B2", "contry"),
    ("T108", "Country!D1", "Country!D1", "If contry"),
    ("T109", "Facts!A3", "Facts!A3", "Source"),
    ("T109", "Values!B3", "Values!B3", "web-2026-dach"),
    ("T109", "Groups!A3", "Groups!A3", "@dach"),
    ("T110", "Groups!A2", "Groups!A2", "DACH"),
    ("T111", "Layers!C2", "Layers!C2", "Contry"),
    ("T111", "Layers!C3", "Layers!C3", "Country"),
    ("T201", "Country!D2", "Country!D2", None),
    ("T203", "Country!D2", "Country!D2", "Genmany"),
    ("T204", "Country!D2", "Country!D2", "@DAHC"),
    ("T203", "Groups!C2", "Groups!C2", "DE, Genmany"),
    ("T216", "Groups!C2", "Groups!C2", "DE, @DACH"),
    ("T212", "Country!E2", "Country!E2", "1,000"),
    ("T301", "Country!F2", "Country!F2", None),
    ("T302", "Team!G2", "Team!G2", "Ben Bauer"),
    ("T303", "Country!B3", "Country!B3", 10),
    ("T303", "Team!C2", "Team!C2", "K-1"),
    ("T303", "Layers!A3", "Layers!A3", 10),
    ("T304", "Country!E1", "Country!E1", "If region"),
    ("T305", "Country!F1", "Country!F1", "Then Industry"),
    ("T306", "Team!F2", "Team!F2", "Enterprize"),
    ("T307", "Team!G3", "Team!G3", "Ana Alvares"),
    ("T308", "Country!B2", "Country!B2", "first"),
    ("T401", "Salespeople!A3", "Salespeople!A3", "P-001"),
    ("T401", "Salespeople!D3", "Salespeople!D3", ANA),
    ("T401", "Teams!A3", "Teams!A3", "ENTERPRISE"),
    ("T402", "Salespeople!E2", "Salespeople!E2", "Enterprize"),
    ("T402", "Teams!C2", "Teams!C2", "Mid-market"),
    ("T403", "Absences!A2", "Absences!A2", "Ben Bower"),
    ("T404", "Absences!A2", "Salespeople!B4", "Ben Bauer"),
    ("T405", "Teams!A3", "Teams!A3", "Mid-market"),
    ("T406", "Teams!C2", "Teams!C2", "Enterprise"),
    ("T407", "Teams!D2", "Teams!C2", "queue"),
    ("T408", "Salespeople!D2", "Salespeople!D2", "0055g00000"),
    ("T408", "Salespeople!D2", "Salespeople!D2", QUEUE),
    ("T408", "Salespeople!D2", "Salespeople!D2", ANA.lower()),
    ("T410", "Settings!B2", "Settings!B2", "Berlin time"),
    ("T410", "Teams!B2", "Teams!B2", "Europe/Berlinn"),
    ("T411", "Salespeople!C2", "Salespeople!C2", "ana at example"),
    ("T414", "Owner overrides!A2", "Owner overrides!A2", "ana@globex.example"),
    ("T414", "Owner overrides!A3", "Owner overrides!A3", "www.Globex.example"),
]  # fmt: skip
"""Code, the cell it names, the cell that was changed, and what to."""

EXTRA: dict[str, dict[str, object]] = {
    "Settings!B3": {"Settings!A3": "Same e-mail"},
    "Facts!A3": {"Facts!B3": "text"},
    "Values!B3": {"Values!A3": "campaign"},
    "Groups!A3": {"Groups!B3": "country", "Groups!C3": "FR"},
    "Salespeople!A3": {
        "Salespeople!B3": "Ana Alvarez",
        "Salespeople!C3": "ana@example.com",
        "Salespeople!D3": ANA,
    },
}
"""What else a row needs for its one mistake to be the only one."""


@pytest.mark.parametrize(("code", "cell", "address", "value"), ERRORS)
def test_each_mistake_is_named_by_its_code_and_cell(
    code: str, cell: str, address: str, value: object
) -> None:
    problems = _problems(changed({**EXTRA.get(address, {}), address: value}))

    found = [p for p in problems if p.code == code and f"{p.sheet}!{p.cell}" == cell]
    assert found, [str(p) for p in problems]
    assert all(p.code in CODES and p.message and p.fix and p.severity == "error" for p in found)


def _delete(title: str) -> Callable[[Workbook], None]:
    return lambda book: book.remove(book[title])


def _merge(book: Workbook) -> None:
    book["Country"].merge_cells("F2:F3")


def _many_sheets(book: Workbook) -> None:
    for number in range(120):
        book.create_sheet(f"Extra {number}")


def _no_header(book: Workbook) -> None:
    book["Teams"].delete_rows(1)


def _later_schema(book: Workbook) -> None:
    book.custom_doc_props.append(IntProperty(name="Schema version", value=2))


def _contradiction(book: Workbook) -> None:
    book["Teams"].append(["Mid-market"])
    row = ["P-001", "Ann Alvarez", "ana@example.com", ANA, "Mid-market", 1, None, "yes"]
    book["Salespeople"].append(row)


def _circle(book: Workbook) -> None:
    book["Teams"]["C2"] = "Mid-market"
    book["Teams"].append(["Mid-market", None, "Enterprise"])
    book["Salespeople"].append(["P-001", "Ana Alvarez", "ana@example.com", ANA, "Mid-market", 1, None, "yes"])


@pytest.mark.parametrize(
    ("code", "place", "edit"),
    [
        ("R08", "Country!F2", _merge),
        ("R12", "Teams!A1", _no_header),
        ("R13", "(file)", _many_sheets),
        ("T101", "Teams", _delete("Teams")),
        ("T112", "(file)", _later_schema),
        ("T406", "Teams!C3", _circle),
        ("T412", "Salespeople!B5", _contradiction),
    ],
)
def test_each_mistake_of_a_whole_sheet_is_named(
    code: str, place: str, edit: Callable[[Workbook], None]
) -> None:
    problems = _problems(edited(edit))

    assert (code, place) in {(p.code, f"{p.sheet}!{p.cell}" if p.cell else p.sheet) for p in problems}


def _hide_row(book: Workbook) -> None:
    book["Country"].row_dimensions[2].hidden = True


def _hide_sheet(book: Workbook) -> None:
    book["Groups"].sheet_state = "hidden"


def _unused_sheet(book: Workbook) -> None:
    book.create_sheet("Grups").append(["x"])


def _short_id(book: Workbook) -> None:
    book["Salespeople"]["D2"] = ANA[:15]


def _no_break_space(book: Workbook) -> None:
    book["Team"]["F2"] = "Enterprise\u00a0\u200b"


def _unsorted(book: Workbook) -> None:
    book["Country"]["B2"] = 30


def _nothing_active(book: Workbook) -> None:
    book["Country"]["A2"] = book["Country"]["A3"] = "no"


def _shadowed(book: Workbook) -> None:
    book["Country"].append(["yes", 40, "K-3", "at, CH, de", ">=50", "North", None, None, None])


def _heavy(book: Workbook) -> None:
    book["Salespeople"]["F2"] = 21


def _expired(book: Workbook) -> None:
    book["Country"]["I2"] = date(2026, 11, 15)


@pytest.mark.parametrize(
    ("code", "place", "edit"),
    [
        ("R06", "Team!F2", _no_break_space),
        ("R08", "Country!A2", _hide_row),
        ("R08", "Groups!", _hide_sheet),
        ("T102", "Grups!", _unused_sheet),
        ("T251", "Country!D2", lambda book: book["Country"].__setitem__("D2", "DE, not FR")),
        ("T309", "Country!A1", _nothing_active),
        ("T310", "Country!B4", _shadowed),
        ("T311", "Country!I2", _expired),
        ("T312", "Country!B3", _unsorted),
        ("T409", "Salespeople!D2", _short_id),
        ("T413", "Salespeople!F2", _heavy),
    ],
)
def test_each_warning_names_its_cell_and_refuses_nothing(
    code: str, place: str, edit: Callable[[Workbook], None]
) -> None:
    checked = check(edited(edit), on=MONDAY)

    assert (code, place, "warning") in {(p.code, f"{p.sheet}!{p.cell}", p.severity) for p in checked.problems}
    assert checked.ok
    assert checked.tables is not None and checked.tables.warnings == checked.problems


def test_ten_different_mistakes_give_ten_named_cells_at_once_in_reading_order() -> None:
    mistakes: dict[str, object] = {
        "Settings!B2": "Berlin time",
        "Country!B3": 10,
        "Country!D2": "Genmany",
        "Team!F2": "Enterprize",
        "Team!G3": "Nobody at all",
        "Salespeople!D3": "0055g",
        "Salespeople!F2": 0,
        "Absences!B2": "03/04/2026",
        "Values!B2": 7,
        "Owner overrides!A2": "???",
    }
    with pytest.raises(WorkbookError) as caught:
        load_bytes(changed(mistakes))

    cells = [f"{p.sheet}!{p.cell}" for p in caught.value.problems]
    assert sorted(cells) == sorted(mistakes)
    sheets = list(small())
    assert cells == sorted(cells, key=lambda c: (sheets.index(c.split("!")[0]), int(c[-1])))


def test_a_rule_with_a_mistake_is_named_with_its_id_value_and_suggestion() -> None:
    (problem,) = _problems(changed({"Team!F2": "Enterprize"}))

    assert (problem.rule_id, problem.column, problem.row, problem.value) == (
        "T-1",
        "Then Team",
        2,
        "Enterprize",
    )
    assert problem.suggestion == "Enterprise"
    assert "Enterprise" in problem.fix


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("Teams!A2", "Еntеrрrise"),
        ("Teams!A2", "#N/A"),
        ("Salespeople!B2", "Ana \u202eAlvarez"),
        ("Salespeople!D3", ANA),
        ("Groups!C2", "DE, Genmany"),
        ("Groups!B2", "contry"),
        ("Country!F1", "Then Industry"),
    ],
)
def test_a_mistake_is_reported_once_and_not_wherever_its_name_is_used(address: str, value: object) -> None:
    assert len(_problems(changed({address: value}))) == 1


def test_a_code_that_became_a_number_is_shown_as_it_probably_was() -> None:
    for value, original in ((7, "007"), (100000.0, "1E5"), (MARCH_1, "MAR-1")):
        (problem, *_) = _problems(changed({"Values!B2": value}))
        assert problem.suggestion == original


def test_headers_are_found_without_case_spaces_width_or_no_break_spaces_and_below_other_rows() -> None:
    sheets = small()
    sheets["Teams"][0] = [
        "ＴＥＡＭ ",
        "time\u00a0zone",
        "IF NOBODY CAN",
        "crm queue id",
        "Alert Email",
        "# mine",
    ]
    sheets["Teams"][1][5] = "whatever =1"
    sheets["Teams"][:0] = [["Our teams"], []]

    assert load_bytes(build(sheets)).teams[0].time_zone == "Europe/Berlin"


def test_a_table_may_start_in_another_column_and_blank_rows_are_passed_over() -> None:
    sheets = small()
    sheets["Salespeople"] = [[None, *row] for row in sheets["Salespeople"]]
    sheets["Salespeople"].insert(2, [])
    sheets["Salespeople"] += [[" "], []]

    assert [p.name for p in load_bytes(build(sheets)).teams[0].people] == [
        "Ana Alvarez",
        "Ben Bauer",
        "Chi Chen",
    ]


def test_na_none_and_true_are_texts_and_namibia_is_a_country() -> None:
    sheets = small()
    sheets["Country"][1][3] = "NA, DE"
    sheets["Country"][1][5] = "None"
    sheets["Salespeople"][1][1] = "Null"
    sheets["Team"][2][6] = "Null"
    sheets["Team"].insert(2, ["yes", 15, True, "None", "*", "Enterprise", None, None])
    tables = load_bytes(build(sheets))

    assert decide(tables, {"country": "Namibia"}, on=MONDAY).team == "Enterprise"
    assert tables.teams[0].people[0].name == "Null"
    assert {row.rule_id for row in tables.layers[1].rows} == {"T-1", "TRUE", "T-2"}


def test_dates_are_real_dates_or_iso_texts_and_the_1904_calendar_counts() -> None:
    def edit(book: Workbook) -> None:
        book.epoch = CALENDAR_MAC_1904
        book["Absences"]["C2"] = "2026-11-21"

    (absence,) = load_bytes(edited(edit)).teams[0].people[1].absences
    assert (absence.from_, absence.until, absence.type) == (date(2026, 11, 16), date(2026, 11, 21), "holiday")


def test_the_tables_say_what_the_sheets_say() -> None:
    tables = load_bytes(build(small()))

    assert tables.time_zone == "Europe/Berlin"
    assert tables.settings["same e-mail"] == "owner"
    assert [layer.name for layer in tables.layers] == ["Country", "Team"]
    assert tables.groups == {"@DACH": ("DE", "AT", "CH")}
    assert tables.values[0].aliases == ("web dach", "website dach")
    assert [(o.key, o.person) for o in tables.overrides] == [("globex.example", "P-002"), (ACCOUNT, "P-003")]
    ana, ben, chi = tables.teams[0].people
    assert (ana.crm_user_id, ben.crm_user_id, chi.crm_user_id) == (ANA, BEN, CHI)
    assert ana.languages == {"en", "de"}
    assert (chi.weight, chi.daily_cap, chi.weekly_cap) == (1, 5, None)
    assert tables.warnings == ()


def test_a_decision_walks_the_loaded_layers_and_names_the_cells() -> None:
    tables = load_bytes(build(small()))
    decision = decide(tables, {"country": "Germany", "campaign": "web dach"}, on=MONDAY)

    assert decision.team == "Enterprise"
    assert [step.cell for step in decision.steps] == ["Country!F2", "Team!F2"]
    assert decide(tables, {}, on=MONDAY).reason == "rule_hold"
    assert decide(tables, {"country": "FR"}, on=MONDAY).owner == "P-001"


def test_one_person_may_stand_in_two_teams_with_one_person_id() -> None:
    def edit(book: Workbook) -> None:
        book["Teams"].append(["Mid-market", None, "Enterprise"])
        book["Salespeople"].append(
            ["P-002", "Ben Bauer", "ben@example.com", BEN, "Mid-market", 3, None, "yes"]
        )

    tables = load_bytes(edited(edit))
    assert [(p.team, p.weight, len(p.absences)) for p in tables.people_by_id["P-002"]] == [
        ("Enterprise", 1, 1),
        ("Mid-market", 3, 1),
    ]
    assert (tables.teams[1].if_nobody, tables.teams[1].fallback_team) == ("team", "Enterprise")


def test_inactive_rules_are_left_out_and_their_cells_are_not_judged() -> None:
    tables = load_bytes(changed({"Country!A2": "no", "Country!D2": "Genmany"}))

    assert [row.rule_id for row in tables.layers[0].rows] == ["K-2"]


def test_blank_conditions_mean_any_only_where_the_settings_say_so() -> None:
    cells: dict[str, object] = {"Settings!A3": "Blank means any", "Settings!B3": "yes", "Country!D2": None}
    tables = load_bytes(changed(cells))

    assert decide(tables, {"campaign": "WEB-2026-1"}, on=MONDAY).team == "Enterprise"


def test_a_column_of_a_later_release_may_hold_its_default() -> None:
    spec = Spec(required=("Team", "Note"), later={"Mood": "good"})

    def said(mood: str) -> list[tuple[str, str]]:
        words = (("Team", "Note", "MOOD"), ("Enterprise", "", mood))
        rows = {r: {c: RawCell("text", t) for c, t in enumerate(row, 1)} for r, row in enumerate(words, 1)}
        report = Report()
        read_table(RawSheet("Teams", rows), spec, report)
        return [(p.code, p.cell) for p in report.sorted(["Teams"])]

    assert said("Good") == said("") == []
    assert said("bad") == [("T107", "C2")]


def test_the_version_is_the_hash_of_the_bytes(tmp_path: Path) -> None:
    data = build(small())
    path = tmp_path / "tables.xlsx"
    path.write_bytes(data)

    assert load(path).version == load_bytes(data).version == check(path).sha256
    assert len(load(path).version) == 64


def test_importing_the_package_loads_no_spreadsheet_library() -> None:
    code = (
        "import sys, rules.model, rules.workbook\n"
        "from rules.workbook import load\n"
        "assert callable(rules.workbook.load)\n"
        "assert 'openpyxl' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _problems(data: bytes) -> list[Problem]:
    checked = check(data)
    assert not checked.ok
    return [p for p in checked.problems if p.severity == "error"]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError) as caught:
        load(tmp_path / "gone.xlsx")
    assert [p.code for p in caught.value.problems] == ["W00"]


@pytest.mark.timeout(60)
def test_thousands_of_mistakes_are_all_named_in_good_time() -> None:
    sheets = small()
    sheets["Values"] += [["campaign", f"C-{n:04}", f"Campaign {n}", None] for n in range(1_000)]
    sheets["Team"] += [["yes", n, f"X-{n}", "EMEA", f"Q-{n}", "Enterprize"] for n in range(30, 2_000)]
    sheets["Absences"] += [[f"Anna Alvares {n}", MARCH_1, MARCH_1] for n in range(2_000)]
    sheets["Salespeople"] += [
        ["P-001", "Ana Alvarez", "ana@example.com", ANA, f"Tm {n}"] for n in range(3_000)
    ]
    codes = [p.code for p in check(build(sheets)).problems]
    assert codes.count("T306") == codes.count("T252") == 1_970
    assert codes.count("T403") == 2_000
    assert codes.count("T103") == 3_000
