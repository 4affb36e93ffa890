"""A corpus of bad workbooks: one mistake each, and the one code and cell that it must get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

import pytest
from openpyxl import Workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.worksheet.table import Table
from workbooks import ANA, BEN, QUEUE, build, changed, edited, small

from rules.errors import Problem
from rules.workbook.check import check, check_book
from rules.workbook.codes import CODES
from rules.workbook.contents import contents_of
from rules.workbook.read import book_of

TODAY = date(2026, 11, 2)
Cells = dict[str, object]
Edit = Callable[[Workbook], object]

REACH = {"T310", "T318", "T319", "T320", "T321", "T322", "T323", "T324"}
"""What is proven about rules has tests of its own; here it may be said besides."""


def place(problem: Problem) -> str:
    return f"{problem.sheet}!{problem.cell}" if problem.cell else problem.sheet


def problems_of(data: bytes) -> tuple[Problem, ...]:
    """What the check says, without the child process that reads strangers' files: that has its own tests."""
    return check_book(book_of(contents_of(data)), version="", on=TODAY).problems


def told(data: bytes, severity: str) -> list[tuple[str, str]]:
    problems = problems_of(data)
    return [(p.code, place(p)) for p in problems if p.severity == severity and p.code not in REACH]


# -- one cell that refuses the workbook: code, the cell that is named, what was changed ---

HEADERS: list[tuple[str, str, Cells]] = [
    ("T108", "Country!D1", {"Country!D1": "If contry"}),
    ("R01", "Country!D1", {"Country!D1": "Land"}),
    ("R01", "Country!E1", {"Country!E1": "if  COUNTRY"}),
    ("R01", "Country!E1", {"Country!E1": "Ｉf\u00a0country "}),
    ("R01", "Salespeople!F1", {"Salespeople!F1": "Wieght"}),
    ("R01", "Team!I2", {"Team!I2": "a value under no header"}),
    ("R01", "Values!G1", {"Values!G1": 2026}),
    ("R01", "Teams!G1", {"Teams!G1": "Team"}),
    ("T108", "Country!D1", {"Country!D1": "If colour"}),
    ("T304", "Country!E1", {"Country!E1": "If region", "Country!E2": "*", "Country!E3": "*"}),
    ("T305", "Country!F1", {"Country!F1": "Then Country"}),
    ("T305", "Country!F1", {"Country!F1": "Then Employees"}),
]
DAMAGED: list[tuple[str, str, Cells]] = [
    ("R02", "Country!D2", {"Country!D2": '="DE"'}),
    ("R02", "Country!D2", {"Country!D2": "=NOW()"}),
    ("R02", "Country!B2", {"Country!B2": "=5*2"}),
    ("R02", "Salespeople!D2", {"Salespeople!D2": "=A2"}),
    ("R02", "Settings!B2", {"Settings!B2": "=RAND()"}),
    ("R03", "Country!D2", {"Country!D2": "#N/A"}),
    ("R03", "Salespeople!E2", {"Salespeople!E2": "#REF!"}),
    ("R03", "Team!E2", {"Team!E2": "#DIV/0!"}),
    ("R03", "Team!E2", {"Team!E2": "#SPILL!"}),
    ("R04", "Team!E2", {"Team!E2": 7}),
    ("R04", "Team!E2", {"Team!E2": 100000.0}),
    ("R04", "Team!E2", {"Team!E2": date(2026, 3, 1)}),
    ("R04", "Team!E2", {"Team!E2": 12345678901234567890}),
    ("R04", "Team!E2", {"Team!E2": 0.1 + 0.2}),
    ("R04", "Team!E2", {"Team!E2": "1.23457E+15"}),
    ("R04", "Values!B2", {"Values!B2": "1,2E+17"}),
    ("R04", "Values!B2", {"Values!B2": 4711}),
    ("R04", "Country!C2", {"Country!C2": 12}),
    ("R04", "Country!E2", {"Country!E2": datetime.combine(date(2026, 1, 5), time())}),
    ("R04", "Country!D2", {"Country!D2": 49}),
    ("R04", "Country!F2", {"Country!F2": date(2026, 10, 11)}),
    ("R04", "Teams!A3", {"Teams!A3": 2024, "Salespeople!E3": "2024"}),
    ("R04", "Groups!C2", {"Groups!C2": 49}),
    ("R06", "Team!F2", {"Team!F2": "Enter\u202eprise"}),
    ("R06", "Salespeople!B2", {"Salespeople!B2": "Ana \u2066Alvarez\u2069"}),
    ("R06", "Country!D2", {"Country!D2": "\u200fDE"}),
    ("R07", "Teams!A2", {"Teams!A2": "Еnterprise"}),
    ("R07", "Team!F2", {"Team!F2": "Enterprisе"}),
    ("R07", "Groups!A2", {"Groups!A2": "@DАСН"}),
    ("R07", "Team!E2", {"Team!E2": "WEB-2О26-DАCH"}),
    ("R07", "Teams!A3", {"Teams!A3": "Saleж", "Salespeople!E3": "Saleж"}),
    ("R07", "Teams!A4",
     {"Teams!A3": "COPE", "Salespeople!E3": "COPE", "Teams!A4": "СОРЕ", "Salespeople!E4": "СОРЕ"}),
    ("R13", "Team!E2", {"Team!E2": "x" * 12_000}),
    ("R13", "Values!D2", {"Values!D2": "y, " * 10_900}),
]  # fmt: skip
DAYS: list[tuple[str, str, Cells]] = [
    ("R09", "Absences!C2", {"Absences!C2": date(2026, 11, 15)}),
    ("R09", "Country!I2", {"Country!H2": date(2026, 12, 2), "Country!I2": date(2026, 12, 1)}),
    ("R09", "Salespeople!K2", {"Salespeople!J2": "2026-12-02", "Salespeople!K2": "2026-12-01"}),
    ("R09", "Values!F2", {"Values!E2": "2026-12-02", "Values!F2": "2026-12-01"}),
    ("R09", "Absences!B2", {"Absences!B2": "03/04/2026"}),
    ("R09", "Absences!B2", {"Absences!B2": "16.11.2026"}),
    ("R09", "Absences!B2", {"Absences!B2": "2026-02-30"}),
    ("R09", "Absences!B2", {"Absences!B2": "1900-02-29"}),
    ("R09", "Country!I2", {"Country!I2": 46_342}),
    ("R09", "Absences!C2", {"Absences!C2": datetime.combine(date(2026, 11, 20), time(12))}),
    ("R09", "Country!I2", {"Country!I2": "end of year"}),
    ("R09", "Owner overrides!C2", {"Owner overrides!C2": "soon"}),
    ("T410", "Settings!B2", {"Settings!B2": "MEZ"}),
    ("T410", "Teams!B2", {"Teams!B2": "GMT+1 (Berlin)"}),
]
PEOPLE: list[tuple[str, str, Cells]] = [
    ("R11", "Salespeople!F2", {"Salespeople!F2": 0}),
    ("R11", "Salespeople!F2", {"Salespeople!F2": -1}),
    ("R11", "Salespeople!F2", {"Salespeople!F2": 1_000_000_000}),
    ("R11", "Salespeople!F2", {"Salespeople!F2": 1.5}),
    ("R11", "Salespeople!F2", {"Salespeople!F2": "much"}),
    ("R11", "Salespeople!G2", {"Salespeople!G2": 0}),
    ("R11", "Salespeople!G2", {"Salespeople!G2": "5 a day"}),
    ("T103", "Salespeople!D2", {"Salespeople!D2": None}),
    ("T103", "Salespeople!A2", {"Salespeople!A2": None, "Absences!A2": "P-003"}),
    ("T103", "Salespeople!H2", {"Salespeople!H2": None}),
    ("T103", "Absences!B2", {"Absences!B2": None}),
    ("T103", "Teams!A3", {"Teams!C3": "hold"}),
    ("T104", "Salespeople!H2", {"Salespeople!H2": "perhaps"}),
    ("T401", "Salespeople!D3", {"Salespeople!D3": ANA}),
    ("T401", "Salespeople!A5",
     {f"Salespeople!{c}5": v for c, v in
      zip("ABCDEH", ("P-001", "Ana Alvarez", "ana@example.com", ANA, "Enterprise", "yes"), strict=True)}),
    ("T401", "Teams!A3", {"Teams!A3": "enterprise"}),
    ("T402", "Salespeople!E2", {"Salespeople!E2": "Enterprice"}),
    ("T402", "Teams!C2", {"Teams!C2": "fallback team: Mid-market"}),
    ("T403", "Absences!A2", {"Absences!A2": "Ben Baur"}),
    ("T403", "Owner overrides!B2", {"Owner overrides!B2": "P-009"}),
    ("T404", "Absences!A2", {"Salespeople!B4": "Ben Bauer"}),
    ("T405", "Teams!A3", {"Teams!A3": "Mid-market"}),
    ("T405", "Teams!A2", {"Salespeople!H2": "no", "Salespeople!H3": "no", "Salespeople!H4": "no"}),
    ("T406", "Teams!C2", {"Teams!C2": "Enterprise"}),
    ("T406", "Teams!C3", {"Teams!C2": "Mid-market", "Teams!A3": "Mid-market", "Teams!C3": "Enterprise",
                          "Salespeople!E4": "Mid-market"}),
    ("T406", "Teams!C4", {"Teams!C2": "Mid", "Teams!A3": "Mid", "Teams!C3": "Small", "Teams!A4": "Small",
                          "Teams!C4": "Enterprise", "Salespeople!E3": "Mid", "Salespeople!E4": "Small"}),
    ("T407", "Teams!D2", {"Teams!C2": "queue"}),
    ("T407", "Teams!C2", {"Teams!C2": "fallback team"}),
    ("T408", "Salespeople!D2", {"Salespeople!D2": "0055g00000AaB0"}),
    ("T408", "Salespeople!D2", {"Salespeople!D2": ANA.lower()}),
    ("T408", "Salespeople!D2", {"Salespeople!D2": ANA[:17] + ("A" if ANA[17] != "A" else "B")}),
    ("T408", "Salespeople!D2", {"Salespeople!D2": QUEUE}),
    ("T408", "Teams!D2", {"Teams!D2": BEN}),
    ("T411", "Salespeople!C2", {"Salespeople!C2": "ana@example"}),
    ("T411", "Teams!E2", {"Teams!E2": "a@example.com, b@example.com"}),
    ("T412", "Salespeople!B5",
     {"Teams!A3": "Mid", **{f"Salespeople!{c}5": v for c, v in
      zip("ABCDEH", ("P-001", "Ann Alvarez", "ana@example.com", ANA, "Mid", "yes"), strict=True)}}),
    ("T414", "Owner overrides!A2", {"Owner overrides!A2": "Globex Incorporated"}),
    ("T414", "Owner overrides!A3", {"Owner overrides!A3": "https://www.globex.example/"}),
]  # fmt: skip


def choice(column: str, value: object, **more: object) -> Cells:
    """A choice of the team in column G of sheet Teams, and another one in H."""
    cells: Cells = {"Teams!G1": column, "Teams!G2": value}
    for name, other in more.items():
        cells |= {"Teams!H1": name.replace("_", " "), "Teams!H2": other}
    return cells


CHOICES: list[tuple[str, str, Cells]] = [
    (code, "Teams!G2", choice(column, value))
    for code, column, value in (
        ("T104", "Fairness", "equal"), ("T104", "After absence", "yes"), ("T104", "Taken by hand", "ignore"),
        ("T104", "Owner override", "refund"), ("T104", "REJECT", "free"), ("T104", "Delegate", "yes"),
        ("T104", "Lane", "two lanes"), ("T104", "Outside hours", "night"), ("R04", "Lane", 1),
        ("R11", "Limit", 0), ("R11", "Limit", "five"), ("R11", "Limit", 2.5), ("R11", "limit", 1001),
        ("T417", "Holiday calendar", "DE-BX"), ("T417", "Holiday calendar", "Germany"),
        ("T417", "Holiday calendar", "XX"), ("T417", "Holiday calendar", "x" * 500),
        ("R04", "Holiday calendar", 49), ("T418", "Working hours", "9-17"),
        ("T418", "Working hours", "Mon-Fri"), ("T418", "Working hours", "09:00-17:00"),
        ("T418", "Working hours", "Mon-Fri 25:00-26:00"), ("T418", "Working hours", "Mo-Fr 09:00-17:00"),
        ("T419", "Catch-up rate", "half"), ("T419", "Catch-up rate", "120 %"), ("T419", "Catch-up rate", 1),
        ("T419", "Catch-up rate", "12.5 %"), ("T419", "Catch-up rate", "Sick: 100 %, sick: 50 %"),
        ("T419", "Catch-up rate", "100 %, 50 %"), ("T419", "Catch-up rate", ": 50 %"),
        ("T419", "Catch-up rate", "Sick 50 %"), ("T419", "Catch-up rate", date(2026, 5, 1)),
        ("T419", "Catch-up cap", 0), ("T419", "Catch-up cap", "Sick: many"), ("T419", "Catch-up cap", "5 %"),
        ("T419", "Catch-up expiry", 367), ("T419", "Catch-up pace", "Sick: 0, 1"),
        ("T419", "Catch-up pace", -1),
        ("R02", "Limit", "=5"), ("R03", "Working hours", "#N/A"),
    )
] + [
    ("T418", "Settings!B3", {"Settings!A3": "Working hours", "Settings!B3": "9-17"}),
    ("T418", "Salespeople!L2", {"Salespeople!L1": "Working hours", "Salespeople!L2": "Mon-Fri"}),
    ("T403", "Absences!E2", {"Absences!E2": "Chi Chem"}),
    ("T404", "Absences!E2",
     {"Absences!E2": "Ana Alvarez", "Salespeople!B4": "Ana Alvarez", "Team!G3": "P-001"}),
    ("T422", "Absences!E2", {"Absences!E2": "ben@example.com"}),
]  # fmt: skip
LISTS: list[tuple[str, str, Cells]] = [
    ("T104", "Facts!B2", {"Facts!B2": "list"}),
    ("T105", "Settings!A2", {"Settings!A2": "Timezone of us"}),
    ("T105", "Settings!A3", {"Settings!A3": "TIME ZONE", "Settings!B3": "UTC"}),
    ("T106", "Settings!B3", {"Settings!A3": "Same e-mail", "Settings!B3": "maybe"}),
    ("T108", "Values!A2", {"Values!A2": "campagin"}),
    ("T108", "Groups!B2", {"Groups!B2": "contry"}),
    ("T109", "Facts!A3", {"Facts!A3": "SOURCE", "Facts!B3": "text"}),
    ("T109", "Values!B3", {"Values!A3": "campaign", "Values!B3": "web-2026-dach"}),
    ("T109", "Values!B3", {"Values!A3": "campaign", "Values!B3": "WEB–2026–DACH"}),
    ("T109", "Values!D3", {"Values!A3": "campaign", "Values!B3": "OTHER", "Values!D3": "Wéb Dach"}),
    ("T109", "Groups!A3", {"Groups!A3": "@dach", "Groups!B3": "country", "Groups!C3": "FR"}),
    ("T110", "Groups!A3", {"Groups!A3": "EU", "Groups!B3": "country", "Groups!C3": "FR"}),
    ("T103", "Groups!C3", {"Groups!A3": "@EU", "Groups!B3": "country"}),
    ("T203", "Groups!C2", {"Groups!C2": "DE, Austira"}),
    ("T216", "Groups!C2", {"Groups!C2": "DE, @DACH"}),
    ("T216", "Groups!C2", {"Groups!C2": "DE, not CH"}),
    ("T111", "Layers!C2", {"Layers!C2": "Countries"}),
    ("T111", "Layers!B3", {"Layers!B3": "country"}),
    ("T303", "Layers!A3", {"Layers!A3": 10}),
    ("T308", "Layers!A3", {"Layers!A3": "last"}),
    ("T104", "Layers!D3", {"Layers!D3": "stop"}),
]
CONDITIONS: list[tuple[str, str, Cells]] = [
    (code, "Country!D2", {"Country!D2": text})
    for code, text in (
        ("T201", None), ("T202", "DE,,AT"), ("T202", "DE;"), ("T203", "Genmany"), ("T203", "EU"),
        ("T203", "XX"), ("T203", "Congo"), ("T204", "@DAHC"), ("T205", "D*"), ("T206", "any"),
        ("T206", "(blank)"), ("T207", '"DE'), ("T207", '"DE" AT'), ("T208", "Korea, Republic of"),
        ("T209", "not"), ("T209", "!!DE"), ("T209", "not *"), ("T210", "GB, not UK"),
    )
] + [
    (code, "Country!E2", {"Country!E2": text})
    for code, text in (
        ("T212", "1,000"), ("T212", "1.000"), ("T212", "1 000"), ("T212", "1k"), ("T212", "50+"),
        ("T212", "50-249"), ("T212", "fifty"), ("T213", "249..50"), ("T213", "..49"),
        ("T211", ">=50, <=249"), ("T210", "5, not 1..9"),
    )
] + [
    ("T204", "Team!E2", {"Team!E2": "@gmail.com"}),
    ("T208", "Team!E2", {"Team!E2": "Webinar, Q3", "Values!C2": "Webinar, Q3"}),
    ("T208", "Team!E2", {"Team!E2": "Not Specified", "Values!C2": "Not specified"}),
    ("T215", "Team!E2", {"Team!E2": "@DACH"}),
    ("T217", "Team!E2", {"Team!E2": "*a" * 21}),
    ("T217", "Team!E2", {"Team!E2": ", ".join(f"a{n}*" for n in range(201))}),
    ("T214", "Country!E2", {"Country!E1": "If created", "Country!E2": "31.01.2026"}),
    ("T214", "Country!E2", {"Country!E1": "If created", "Country!E2": "2026-02-30"}),
    ("T214", "Country!E2", {"Country!E1": "If created", "Country!E2": "2026-03"}),
    ("R04", "Country!E2", {"Country!E1": "If created", "Country!E2": 46_054}),
]  # fmt: skip
RULES: list[tuple[str, str, Cells]] = [
    ("T103", "Country!C2", {"Country!C2": None}),
    ("T103", "Country!B2", {"Country!B2": None}),
    ("T104", "Country!A2", {"Country!A2": "maybe"}),
    ("T301", "Country!F2", {"Country!F2": None}),
    ("T302", "Team!G2", {"Team!G2": "Ben Bauer"}),
    ("T303", "Country!B3", {"Country!B3": "10.0"}),
    ("T303", "Country!C3", {"Country!C3": "k-1"}),
    ("T303", "Team!C2", {"Team!C2": "K-1"}),
    ("T306", "Team!F2", {"Team!F2": "Enterpris"}),
    ("T306", "Team!F2", {"Team!F2": "NULL"}),
    ("T307", "Team!G3", {"Team!G3": "Ana Alvares"}),
    ("T308", "Country!B2", {"Country!B2": "after 5"}),
    ("T308", "Country!B2", {"Country!B2": "NaN"}),
]
ERRORS = [*HEADERS, *DAMAGED, *DAYS, *PEOPLE, *CHOICES, *LISTS, *CONDITIONS, *RULES]


def name_of(case: tuple[str, str, Cells]) -> str:
    code, cell, changes = case
    return f"{code} {cell} {next(iter(changes.values()))!r}"[:60]


@pytest.mark.parametrize(("code", "cell", "changes"), ERRORS, ids=map(name_of, ERRORS))
def test_one_mistake_is_one_error_at_its_cell(code: str, cell: str, changes: Cells) -> None:
    assert told(changed(changes), "error") == [(code, cell)]


# -- a whole sheet or file ---


def delete(title: str) -> Edit:
    return lambda book: book.remove(book[title])


def rename(title: str, new: str) -> Edit:
    return lambda book: setattr(book[title], "title", new)


def drop_column(title: str, column: int) -> Edit:
    return lambda book: book[title].delete_cols(column)


def merge(title: str, area: str) -> Edit:
    return lambda book: book[title].merge_cells(area)


def sheets(book: Workbook) -> None:
    for number in range(300):
        book.create_sheet(f"Extra {number}")


def later_schema(book: Workbook) -> None:
    book.custom_doc_props.append(StringProperty(name="Schema version", value="9"))


def push_down(book: Workbook) -> None:
    book["Teams"].insert_rows(1, 25)


WHOLE: list[tuple[str, str, Edit]] = [
    ("T101", "Teams", delete("Teams")),
    ("T101", "Salespeople", rename("Salespeople", "Sales people team")),
    ("T101", "Layers", delete("Layers")),
    ("T111", "Layers!C2", delete("Country")),
    ("T111", "Layers!C2", rename("Country", "Land")),
    ("R01", "Salespeople!A1", drop_column("Salespeople", 4)),
    ("R01", "Country!A1", drop_column("Country", 2)),
    ("R01", "Absences!A1", drop_column("Absences", 3)),
    ("R08", "Country!F2", merge("Country", "F2:F3")),
    ("R08", "Salespeople!E2", merge("Salespeople", "E2:E4")),
    ("R12", "Teams!A1", push_down),
    ("R13", "(file)", sheets),
    ("T112", "(file)", later_schema),
]


@pytest.mark.parametrize(("code", "cell", "edit"), WHOLE, ids=[f"{c} {p}" for c, p, _ in WHOLE])
def test_one_mistake_with_a_sheet_is_named_first(code: str, cell: str, edit: Edit) -> None:
    assert (code, cell) in told(edited(edit), "error")


# -- what is warned about and can go live ---


def hide_row(book: Workbook) -> None:
    book["Country"].row_dimensions[2].hidden = True


def hide(title: str, state: str = "hidden") -> Edit:
    return lambda book: setattr(book[title], "sheet_state", state)


def hide_column(book: Workbook) -> None:
    book["Country"].column_dimensions["E"].hidden = True


def short_table(book: Workbook) -> None:
    book["Country"].add_table(Table(displayName="Rules", ref="A1:I2"))


def filter_away(book: Workbook) -> None:
    book["Team"].auto_filter.ref = "A1:H3"
    book["Team"].auto_filter.add_filter_column(3, ["EMEA"])
    book["Team"].row_dimensions[3].hidden = True


def serves(person: str) -> Cells:
    """Ben's absence has this delegate."""
    return {"Absences!E2": person}


SECOND_TEAM: Cells = {"Teams!A3": "Mid", "Salespeople!E2": "Mid"}
FIVE_LANES: Cells = {
    f"Country!{column}{row}": value
    for row, country in enumerate(("DE", "AT", "CH", "FR", "NL"), start=2)
    for column, value in zip(
        "ABCDEFJ", ("yes", row, f"K-{row}", country, "*", "EMEA", f"lane {row}"), strict=True
    )
} | {"Country!J1": "Then Lane", "Country!G3": None}

WARNED: list[tuple[str, str, Cells | Edit]] = [
    ("R06", "Team!F2", {"Team!F2": "Enterprise\u00a0"}),
    ("R06", "Team!F2", {"Team!F2": "Enter\u200bprise"}),
    ("R06", "Salespeople!B2", {"Salespeople!B2": "\ufeffAna Alvarez"}),
    ("R06", "Team!F2", {"Team!F2": "Enter\u00adprise"}),
    ("R08", "Country!A2", hide_row),
    ("R08", "Country!E1", hide_column),
    ("R08", "Team!A3", filter_away),
    ("R08", "Groups", hide("Groups")),
    ("R08", "Values", hide("Values", "veryHidden")),
    ("T102", "Grups", lambda book: book.create_sheet("Grups").append(["x"])),
    ("T113", "Settings!B3", {"Settings!A3": "De-duplication window", "Settings!B3": "7"}),
    ("T114", "Country!A3", short_table),
    (
        "T115",
        "Values!D2",
        {"Values!A2": "country", "Values!B2": "AT", "Values!C2": None, "Values!D2": "Germany"},
    ),
    ("T251", "Country!D2", {"Country!D2": "DE, not FR"}),
    ("T251", "Country!D2", {"Country!D2": "DE, Germany"}),
    ("T251", "Team!E2", {"Team!E2": "WEB-*, WEB-2026-*"}),
    ("T252", "Team!E2", {"Team!E2": "WEB-2026-DACK"}),
    ("T252", "Team!E2", {"Team!E2": "website, Inc."}),
    ("T253", "Country!D2", {"Country!D1": "If industry", "Country!D2": "Not interested"}),
    ("T309", "Country!A1", {"Country!A2": "no", "Country!A3": "no"}),
    ("T311", "Country!I2", {"Country!I2": "2026-11-01"}),
    ("T312", "Country!B3", {"Country!B2": 30}),
    ("T314", "Country!H2", {"Country!H2": "2026-11-03"}),
    ("T315", "Team!D2", {"Team!D2": "EMEA, EMAE"}),
    ("T315", "Team!D2", {"Team!D2": "!EMAE"}),
    ("T317", "Facts!A3", {"Facts!A3": "shoe size", "Facts!B3": "number"}),
    ("T317", "Country!F2", {"Country!F1": "Then Area", "Team!D1": "If industry"}),
    ("T409", "Salespeople!D2", {"Salespeople!D2": ANA[:15]}),
    ("T409", "Teams!D2", {"Teams!D2": QUEUE[:15]}),
    ("T413", "Salespeople!F2", {"Salespeople!F2": 21}),
    ("T415", "Teams!A2", {f"Salespeople!J{row}": "2026-11-30" for row in (2, 3, 4)}),
    ("T415", "Teams!A3", {"Teams!A3": "Mid", "Salespeople!E3": "Mid"}),
    ("T416", "Team!H2", {"Team!H2": "fr"}),
    ("T416", "Team!H2", {"Team!H2": "German"}),
    (
        "T416",
        "Country!G2",
        {"Country!G1": "Then Language", "Country!G2": "sv", "Country!G3": None, "Country!F3": "EMEA"},
    ),
    ("T416", "Team!H2", {"Team!H1": "Then Tags", "Team!H2": "healthcare"}),
    ("T420", "Teams!G2", choice("Catch-up rate", "Sik: 100 %, 0 %", After_absence="catch up")),
    ("T420", "Teams!G2", choice("Catch-up pace", "Holliday: 2", After_absence="Catch-up")),
    ("T421", "Teams!G2", choice("Catch-up cap", 5)),
    ("T421", "Teams!G2", choice("Catch-up rate", 0.5, Catch__up_pace=2)),
    ("T421", "Teams!G2", choice("Outside hours", "next")),
    ("T421", "Absences!E2", {"Absences!E2": "Ana Alvarez"}),
    ("T423", "Absences!E2", {**choice("Delegate", "absentee"), "Absences!E2": "chi@example.com"}),
    (
        "T423",
        "Absences!E2",
        {
            **choice("Delegate", "delegate"),
            **serves("Ana Alvarez"),
            "Absences!A3": "P-001",
            "Absences!B3": "2026-11-20",
            "Absences!C3": "2026-11-24",
        },
    ),
    ("T423", "Absences!E2", {**choice("Delegate", "absentee"), **serves("P-001"), **SECOND_TEAM}),
    ("T423", "Absences!E2", {**choice("Delegate", "absentee"), **serves("P-001"), "Salespeople!H2": "no"}),
    (
        "T423",
        "Absences!E2",
        {**choice("Delegate", "absentee"), **serves("P-001"), "Salespeople!J2": "2026-11-17"},
    ),
    (
        "T424",
        "Salespeople!L2",
        {
            **choice("Working hours", "Mon-Fri 09:00-17:00"),
            "Salespeople!L1": "Working Hours",
            "Salespeople!L2": "Sat, Sun 10:00-14:00",
        },
    ),
    ("T425", "Teams!A2", FIVE_LANES),
    ("T425", "Teams!G2", {**FIVE_LANES, **choice("Lane", "by lane")}),
]


@pytest.mark.parametrize(("code", "cell", "change"), WARNED, ids=[f"{c} {p}" for c, p, _ in WARNED])
def test_one_doubtful_thing_is_one_warning_and_refuses_nothing(
    code: str, cell: str, change: Cells | Edit
) -> None:
    data = edited(change) if callable(change) else changed(change)
    assert told(data, "error") == []
    assert told(data, "warning") == [(code, cell)]


def test_a_bad_workbook_is_read_by_the_child_process_likewise() -> None:
    data = changed({"Country!D2": "Genmany", "Team!F2": "Enterprice"})
    assert check(data, on=TODAY).problems == problems_of(data)


def test_the_corpus_is_large_and_the_workbook_it_starts_from_is_without_a_word() -> None:
    assert len(ERRORS) + len(WHOLE) + len(WARNED) >= 120
    assert problems_of(build(small())) == ()
    assert {code for code, *_ in (*ERRORS, *WHOLE, *WARNED)} <= set(CODES)
