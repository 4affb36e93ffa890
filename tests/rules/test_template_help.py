"""What a new workbook does for its editor: dropdowns, messages and colours, and what other programs keep."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.packaging.custom import FloatProperty
from openpyxl.workbook import Workbook
from openpyxl.worksheet.datavalidation import DataValidation

from rules.workbook import load_bytes
from rules.workbook.check import SHEETS, check
from rules.workbook.column_guide import BLANK_IS_WRONG, LISTS
from rules.workbook.company import Company, SheetContent, shipped_company
from rules.workbook.diff import diff
from rules.workbook.looks import LONGEST_TITLE
from rules.workbook.template import template_bytes

SHIPPED = template_bytes(shipped_company())
BOOK = load_workbook(io.BytesIO(SHIPPED))
TABLES = load_bytes(SHIPPED)
SOFFICE = shutil.which("soffice")
MONDAY = date(2026, 11, 16)
LONGEST_MESSAGE = 255
"""Letters of a message, and of a list in quotes, that Excel reads."""


def test_each_column_but_notes_says_what_to_type() -> None:
    book = BOOK
    for sheet in book.worksheets[1:]:
        headers = [str(cell.value) for cell in sheet[1]]
        told = {rule.promptTitle for rule in sheet.data_validations.dataValidation if rule.prompt}
        silent = {"Note", "Value"} if sheet.title == "Settings" else {"Note"}
        assert {h[:LONGEST_TITLE] for h in headers} - told <= silent, sheet.title


def test_messages_and_lists_are_as_short_as_excel_wants_them() -> None:
    for rule in _rules(BOOK):
        assert len(rule.promptTitle or "") <= LONGEST_TITLE
        assert len(rule.prompt or "") <= LONGEST_MESSAGE
        assert len(rule.formula1 or "") <= LONGEST_MESSAGE


def test_dropdowns_name_no_other_sheet_and_ask_back_rather_than_refuse() -> None:
    rules = list(_rules(BOOK))
    lists = [rule for rule in rules if rule.type == "list"]
    assert {rule.formula1 for rule in lists if not rule.formula1.startswith('"')} == set(LISTS)
    assert all("!" not in rule.formula1 for rule in lists)
    assert {rule.errorStyle for rule in lists if rule.showErrorMessage} == {"warning"}


@pytest.mark.parametrize(
    ("sheet", "cell", "choices"),
    [
        ("Country", "A2", '"yes,no"'),
        ("Country", "D900", ""),
        ("Country", "D300", "Group_names"),
        ("Team", "J2", "Team_names"),
        ("Layers", "D3", '"continue,hold"'),
        ("Teams", "C2", '"hold,queue,fallback team"'),
        ("Teams", "D2", "Team_names"),
        ("Absences", "A400", "People"),
        ("Values", "A2", "Fact_names"),
        ("Groups", "B2", "Fact_names"),
        ("Facts", "B5", '"text,closed,number,date"'),
        ("Settings", "B5", '"yes,no"'),
        ("Settings", "B6", '"owner,hold,ignore"'),
    ],
)
def test_a_dropdown_offers_what_the_column_takes(sheet: str, cell: str, choices: str) -> None:
    rules = BOOK[sheet].data_validations.dataValidation
    found = [rule.formula1 or "" for rule in rules if cell in rule.sqref]
    assert found == ([choices] if choices else [])


def test_settings_with_a_dropdown_are_the_ones_that_it_stands_beside() -> None:
    sheet = BOOK["Settings"]
    assert (sheet["A5"].value, sheet["A6"].value) == ("Blank means any", "Same e-mail")


def test_rows_that_do_not_count_and_cells_that_are_wrong_are_coloured() -> None:
    found = _colours(BOOK, "Country")
    assert any('LOWER($A2&"")="no"' in text for text in found["A2:K523"])
    assert "AND(ISNUMBER($J2),$J2<TODAY())" in found["A2:K523"]
    assert any("COUNTIFS" in text for text in found["B2:B523"])
    assert any("COUNTIF(" in text for text in found["C2:C523"])
    assert any(text.startswith(f"AND({BLANK_IS_WRONG}") for text in found["D2:D523"])
    assert "E2:E523" not in found


def test_columns_are_text_also_below_the_table() -> None:
    sheet = BOOK["Team"]
    forms = {str(cell.value): sheet.column_dimensions[cell.column_letter].number_format for cell in sheet[1]}
    assert {forms[h] for h in ("Rule ID", "If employees", "Then Team", "Note")} == {"@"}
    assert (forms["Order"], forms["Until"]) == ("General", "yyyy-mm-dd")


def test_each_table_has_its_own_number_and_the_headers_that_stand_above_it() -> None:
    with zipfile.ZipFile(io.BytesIO(SHIPPED)) as archive:
        tables = [archive.read(n).decode() for n in archive.namelist() if n.startswith("xl/tables/")]
    book = BOOK
    heads = {
        table.displayName: [cell.value for cell in sheet[1]]
        for sheet in book.worksheets
        for table in sheet.tables.values()
    }
    assert len({re.search(r' id="(\d+)"', text)[1] for text in tables}) == len(tables) == len(SHEETS) + 4  # type: ignore[index]
    for text in tables:
        name = re.search(r'displayName="(\w+)"', text)[1]  # type: ignore[index]
        assert re.findall(r'<tableColumn [^>]*name="([^"]*)"', text) == heads[name]
        assert len({h.casefold() for h in heads[name]}) == len(heads[name])


def test_colours_and_names_are_ones_that_the_file_has() -> None:
    with zipfile.ZipFile(io.BytesIO(SHIPPED)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    (formats,) = re.findall(r"<dxfs.*?</dxfs>", parts["xl/styles.xml"], re.DOTALL)
    sheets = "".join(text for name, text in parts.items() if name.startswith("xl/worksheets/sheet"))
    asked = {int(number) for number in re.findall(r'dxfId="(\d+)"', sheets)}
    assert asked == set(range(formats.count("<dxf>")))
    assert "#REF!" not in parts["xl/workbook.xml"]
    rules = re.findall(r"<formula>([^<]*)</formula>", sheets)
    assert rules
    assert not [text for text in rules if "{" in text or "!" in text]  # neither may stand in such a rule


def test_a_text_that_begins_like_a_formula_stays_a_text() -> None:
    sheets = tuple(
        SheetContent(s.title, s.headers, (*s.rows, ("@SUMS", "industry", "=1+1", None)))
        if s.title == "Groups"
        else s
        for s in shipped_company().sheets
    )
    assert load_bytes(template_bytes(Company(sheets))).groups["@SUMS"] == ("=1+1",)


def test_a_workbook_that_another_program_wrote_anew_means_the_same() -> None:
    """The number of the schema as a number, as LibreOffice saves it, and every part in other words."""
    book = load_workbook(io.BytesIO(SHIPPED))
    del book.custom_doc_props["Schema version"]
    book.custom_doc_props.append(FloatProperty(name="Schema version", value=1.0))
    for rule in _rules(book):
        rule.formula1 = rule.formula1 or "0"
    _is_the_same(_saved(book))


@pytest.mark.libreoffice
def test_a_workbook_that_libreoffice_saved_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "mine.xlsx").write_bytes(SHIPPED)
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    asked = [SOFFICE, home, "--headless", "--convert-to", "xlsx", "--outdir", "saved", "mine.xlsx"]
    subprocess.run([str(a) for a in asked], cwd=tmp_path, check=True, capture_output=True, timeout=240)
    saved = (tmp_path / "saved" / "mine.xlsx").read_bytes()
    assert saved != SHIPPED
    _is_the_same(saved)


def _is_the_same(saved: bytes) -> None:
    assert not diff(TABLES, load_bytes(saved))
    assert [str(p) for p in check(saved, on=MONDAY).problems] == []
    book = load_workbook(io.BytesIO(saved))
    assert _told(book) == _told(BOOK)
    for sheet in BOOK.worksheets:
        assert set(_colours(book, sheet.title)) == set(_colours(BOOK, sheet.title)), sheet.title
    assert set(book.defined_names) == {*LISTS, BLANK_IS_WRONG}


def _told(book: Workbook) -> list[tuple[str, ...]]:
    """The dropdowns and messages of each column, in whatever sequence the file has them."""
    return sorted(
        (sheet.title, str(area), rule.formula1 if rule.type == "list" else "", rule.prompt or "")
        for sheet in book.worksheets
        for rule in sheet.data_validations.dataValidation
        for area in rule.sqref
    )


def _colours(book: Workbook, title: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for area in book[title].conditional_formatting:
        found.setdefault(str(area.sqref), []).extend(text for rule in area.rules for text in rule.formula)
    return found


def _rules(book: Workbook) -> Iterator[DataValidation]:
    for sheet in book.worksheets:
        yield from sheet.data_validations.dataValidation


def _saved(book: Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
