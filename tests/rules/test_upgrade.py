"""An older workbook written anew: it means the same, has today's sheets, and loses no cell."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook import Workbook
from typed import tables
from workbooks import build, changed, edited, small

from rules.errors import WorkbookError
from rules.workbook import load_bytes
from rules.workbook.check import SCHEMA, SHEETS, check
from rules.workbook.company import shipped_company
from rules.workbook.diff import diff
from rules.workbook.template import template_bytes
from rules.workbook.upgrade import upgrade

MONDAY = date(2026, 11, 16)
MISSING = ("Settings", "Absences", "Facts", "Values", "Groups", "Owner overrides", "Fields")


def _bare() -> bytes:
    """The oldest kind of workbook: only the sheets and columns that must be there."""
    sheets = {title: rows for title, rows in small().items() if title not in MISSING}
    sheets["Country"][1][3] = "DE, AT, CH"
    sheets["Teams"] = [["Team"], ["Enterprise"]]
    return build(sheets)


BARE = _bare()


def _with_schema(number: str, data: bytes) -> bytes:
    book = load_workbook(io.BytesIO(data))
    book.custom_doc_props.append(StringProperty(name="Schema version", value=number))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "old",
    [BARE, changed({}), _with_schema("0", changed({})), template_bytes(shipped_company())],
    ids=["bare", "without a version", "version 0", "today's"],
)
def test_the_new_workbook_means_the_same_and_is_of_todays_version(old: bytes) -> None:
    done = upgrade(old)
    checked = check(done.data, on=MONDAY)
    assert checked.tables
    assert not diff(load_bytes(old), checked.tables)
    book = load_workbook(io.BytesIO(done.data))
    assert set(SHEETS) < set(book.sheetnames)
    assert [(p.name, p.value) for p in book.custom_doc_props.props] == [("Schema version", SCHEMA)]


def test_it_says_what_is_new() -> None:
    said = upgrade(BARE).changes
    assert said[0] == f"The version of the tables is {SCHEMA}; it was 0."
    assert {f"Sheet {title} is new." for title in MISSING} <= set(said)
    assert any(line.startswith("Sheet Teams has new columns: Time zone, ") for line in said)


def test_todays_workbook_only_gets_its_formats_anew() -> None:
    assert upgrade(template_bytes(shipped_company())).changes == ()


def test_columns_and_sheets_that_nobody_knows_are_kept() -> None:
    def edit(book: Workbook) -> None:
        country = book["Country"]
        country["J1"], country["J2"] = "Asked by", "Ana"
        country["K3"] = "no header"
        country["L1"], country["L2"] = "if COUNTRY", "twice"
        country["M1"], country["M3"] = "# mine", 12.5
        own = book.create_sheet("Plan 2027")
        own["B2"], own["C5"] = "=1+1", date(2027, 1, 1)

    done = upgrade(edited(edit))
    book = load_workbook(io.BytesIO(done.data))
    rows = list(book["Country"].iter_rows(values_only=True))
    kept = {str(h): [row[n] for row in rows[1:]] for n, h in enumerate(rows[0]) if str(h).startswith("#")}
    assert kept == {
        "# Asked by": ["Ana", None],
        "#": [None, "no header"],
        "# if COUNTRY": ["twice", None],
        "# mine": [None, 12.5],
    }
    assert book["Plan 2027"]["B2"].value == "=1+1"
    assert book["Plan 2027"]["C5"].value.date() == date(2027, 1, 1)
    assert 'Sheet Country: the column "Asked by" is now the note # Asked by.' in done.changes
    assert check(done.data).ok


def test_cells_are_what_they_were_numbers_dates_formulas_and_errors_too() -> None:
    """Also what the check refuses: it is for a person to mend, not for the upgrade to hide."""
    old = changed({"Country!D3": "#N/A", "Country!D2": "=A1", "Country!A2": True, "Team!B2": 12.5})
    old_codes = {(p.code, p.cell) for p in check(old).problems}
    done = upgrade(old)
    sheet = load_workbook(io.BytesIO(done.data))["Country"]
    assert (sheet["D3"].data_type, sheet["D2"].data_type) == ("e", "f")
    assert sheet["A2"].value is True
    assert {("R03", "D3"), ("R02", "D2")} <= {(p.code, p.cell) for p in check(done.data).problems} & old_codes


def test_a_setting_has_todays_name() -> None:
    old = changed({"Settings!A3": "Contact for errors", "Settings!B3": "ops@example.com"})
    done = upgrade(old)
    settings = load_workbook(io.BytesIO(done.data))["Settings"]
    names = [row[0] for row in settings.iter_rows(values_only=True)]
    assert "Contact for errors" not in names
    assert names.count("Contact") == 1
    assert load_bytes(done.data).settings["contact"] == "ops@example.com"


def test_a_newer_workbook_is_refused() -> None:
    with pytest.raises(WorkbookError) as refused:
        upgrade(_with_schema("2", changed({})))
    assert [p.code for p in refused.value.problems] == ["T112"]


def test_the_same_workbook_gives_the_same_bytes() -> None:
    assert upgrade(BARE).data == upgrade(BARE).data


def test_a_sheet_whose_name_is_no_name_of_a_table_is_written_all_the_same() -> None:
    sheets = small()
    sheets["2027 Länder (neu)"] = sheets.pop("Country")
    sheets["Layers"][1][2] = "2027 Länder (neu)"
    done = upgrade(build(sheets))
    book = load_workbook(io.BytesIO(done.data))
    names = [table for sheet in book.worksheets for table in sheet.tables]
    assert all(name.isidentifier() for name in names)
    assert len({name.casefold() for name in names}) == len(names)
    assert not diff(load_bytes(build(sheets)), load_bytes(done.data))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.xlsx").write_bytes(BARE)
    return tmp_path


def test_the_command_writes_a_new_file_and_leaves_the_old_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tables("upgrade", "old.xlsx", "new.xlsx") == 0
    said = capsys.readouterr().out
    assert "Sheet Groups is new." in said
    assert "Next:  allocator tables check new.xlsx" in said
    assert (folder / "old.xlsx").read_bytes() == BARE
    assert not diff(load_bytes(BARE), load_bytes((folder / "new.xlsx").read_bytes()))


def test_the_command_never_writes_over_a_file(folder: Path) -> None:
    (folder / "there.xlsx").write_bytes(b"mine")
    assert tables("upgrade", "old.xlsx", "there.xlsx") == 2
    assert tables("upgrade", "old.xlsx", "old.xlsx") == 2
    assert (folder / "there.xlsx").read_bytes() == b"mine"
    assert (folder / "old.xlsx").read_bytes() == BARE


def test_the_command_refuses_what_is_no_workbook_and_writes_nothing(folder: Path) -> None:
    (folder / "text.xlsx").write_bytes(b"Fact,Code")
    assert tables("upgrade", "text.xlsx", "new.xlsx") == 3
    assert tables("upgrade", "nothing.xlsx", "new.xlsx") == 3
    assert not (folder / "new.xlsx").exists()
