"""Writes a workbook for people to edit: tables, dropdowns, frozen headers, a page that teaches the grammar.

`python -m rules.workbook.template PATH` writes the shipped one.
"""

from __future__ import annotations

import io
import math
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, get_args

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from rules.model import FactType
from rules.vocabulary import fact_key
from rules.workbook.column_guide import Column, column_of
from rules.workbook.company import AsIs, Company, SheetContent, new_company, shipped_company
from rules.workbook.looks import ROOM, Area, define_names, help_with
from rules.workbook.read_me import READ_ME

SCHEMA: Final = 1
_READ_ME_WIDTHS: Final = (50, 66, 76)
_LINE: Final = 15.0
"""The height of one line of text."""
_UNDER: Final = Border(bottom=Side(style="thin", color="D9D9D9"))
"""For programs that do not draw a table's stripes."""
_A4: Final = 9
_CREATED: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - the file's fixed birthday, which has no zone
_FORMATS: Final = {"date": "yyyy-mm-dd", "number": "General", "text": "@"}
_WIDE: Final = {"Note": 48, "Aliases": 34, "Members": 52, "Company domain or Account ID": 32}
_FROZEN: Final = {"Teams": "B2", "Salespeople": "C2"}
"""Sheets so wide that whom a row is about must stay in sight."""
_DEEP: Final = PatternFill("solid", fgColor="1F4E78")
_FONT: Final = "Calibri"
_BLUE: Final = "1F4E78"
_HEAD: Final = Font(name=_FONT, bold=True, color="FFFFFF")


def write_template(path: str | Path, company: Company) -> None:
    """Write the workbook of a company; the same company always gives the same content."""
    Path(path).write_bytes(template_bytes(company))


@cache
def shipped_bytes() -> bytes:
    """The demo company's workbook."""
    return template_bytes(shipped_company())


def write_org_template(
    path: str | Path, *, users: Iterable[tuple[str, str, str]], contact: str = "", time_zone: str = "UTC"
) -> None:
    """Write a first workbook for an org: all its users (CRM user id, name, e-mail) in one team, no rules yet.

    Its one rule holds every lead, so that nothing is assigned before somebody has written rules.
    """
    write_template(path, new_company(tuple(users), contact=contact, time_zone=time_zone))


def template_bytes(company: Company) -> bytes:
    """The workbook as bytes, with fixed times inside."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    _write_read_me(first, company)
    types = _fact_types(company)
    for number, content in enumerate(company.sheets):
        _write_sheet(book.create_sheet(content.title), content, types, number)
    define_names(book, _places(company))
    book.properties.creator = book.properties.lastModifiedBy = "Lead allocator"
    book.properties.title = "Routing tables"
    book.properties.created = _CREATED
    book.custom_doc_props.append(StringProperty(name="Schema version", value=str(SCHEMA)))  # type: ignore[attr-defined]
    buffer = io.BytesIO()
    book.save(buffer)
    return _with_fixed_times(buffer.getvalue())


def _fact_types(company: Company) -> dict[str, FactType]:
    """The types that sheet Facts gives, by `fact_key`."""
    rows = (row for sheet in company.sheets if sheet.title == "Facts" for row in sheet.rows)
    kinds = {word: word for word in get_args(FactType)}
    return {fact_key(str(row[0])): kinds.get(str(row[1]), "text") for row in rows}


def _places(company: Company) -> dict[tuple[str, str], str]:
    return {
        (sheet.title, header): get_column_letter(number)
        for sheet in company.sheets
        for number, header in enumerate(sheet.headers, start=1)
    }


def _write_sheet(sheet: Worksheet, content: SheetContent, types: Mapping[str, FactType], number: int) -> None:
    columns = {
        h: column_of(content.title, h, is_rules=content.is_rules, types=types) for h in content.headers
    }
    if not content.headers:
        _write_plain(sheet, content)
        return
    sheet.append(content.headers)
    for row in content.rows:
        sheet.append(row)
    last = max(len(content.rows) + 1, 2)
    for place, (header, column) in enumerate(columns.items()):
        letter = get_column_letter(place + 1)
        _format_column(sheet, letter, header, column, [row[place] for row in content.rows])
        _style_header(sheet, f"{letter}1")
    _set_heights(sheet, content)
    settings = [str(row[0]) for row in content.rows] if content.title == "Settings" else []
    help_with(sheet, Area(content.title, columns, content.is_rules, last + ROOM), settings)
    _add_table(sheet, content, last, number)
    sheet.print_title_rows = "1:1"
    _print_on_one_width(sheet)


def _write_plain(sheet: Worksheet, content: SheetContent) -> None:
    for number, row in enumerate(content.rows, start=1):
        sheet.append(row)
        for place, value in enumerate(row, start=1):
            if isinstance(value, str):
                _keep_text(sheet.cell(number, place), value)


def _set_heights(sheet: Worksheet, content: SheetContent) -> None:
    sheet.row_dimensions[1].height = 22
    for number, row in enumerate(content.rows, start=2):
        wrapped = [(str(v), _WIDE[h]) for h, v in zip(content.headers, row, strict=True) if v and h in _WIDE]
        lines = max((_lines(text, width) for text, width in wrapped), default=1)
        sheet.row_dimensions[number].height = _LINE * lines


def _add_table(sheet: Worksheet, content: SheetContent, last: int, number: int) -> None:
    sheet.freeze_panes = "D2" if content.is_rules else _FROZEN.get(content.title, "A2")
    area = f"A1:{get_column_letter(len(content.headers))}{last}"
    name = re.sub(r"\W", "_", content.title)
    if name != content.title.replace(" ", "_") or name[:1].isdigit():
        name = f"_{name}_{number}"  # a table's name has only letters, and no other table has it
    table = Table(displayName=f"{name}_table", ref=area)
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight9", showRowStripes=True)
    sheet.add_table(table)


def _format_column(
    sheet: Worksheet, letter: str, header: str, column: Column, values: Sequence[object]
) -> None:
    form = _FORMATS[column.form]
    dimension = sheet.column_dimensions[letter]
    dimension.number_format = form
    longest = max((len(str(v)) for v in values if v is not None), default=0)
    dimension.width = _WIDE.get(header, min(max(longest, len(header) + 3, 9) + 2, 42))
    cells = [sheet[f"{letter}{number}"] for number in range(2, len(values) + 2)]
    for first in cells[:1]:
        first.number_format, first.border = form, _UNDER
        first.alignment = Alignment(horizontal="left", vertical="top", wrap_text=header in _WIDE)
    for cell, value in zip(cells, values, strict=True):
        cell._style = copy(cells[0]._style)  # looking each style up anew takes half of the whole time
        if isinstance(value, str):
            _keep_text(cell, value)


def _keep_text(cell: Cell | MergedCell, value: str) -> None:
    """A text that begins with = stays a text."""
    if not isinstance(value, AsIs):
        cell.data_type = "s"


def _style_header(sheet: Worksheet, address: str) -> None:
    cell = sheet[address]
    cell.font, cell.fill = _HEAD, _DEEP
    cell.alignment = Alignment(vertical="center")
    cell.number_format = "@"


def _print_on_one_width(sheet: Worksheet) -> None:
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", _A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _write_read_me(sheet: Worksheet, company: Company) -> None:
    sheet.title = "Read me"
    sheet.sheet_view.showGridLines = False
    for letter, width in zip("ABC", _READ_ME_WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    for kind, *texts in READ_ME:
        sheet.append([text.replace("{contact}", company.contact or "your administrator") for text in texts])
        _style_line(sheet, kind, sheet.max_row)
    _print_on_one_width(sheet)
    sheet.page_setup.fitToHeight = 1


def _style_line(sheet: Worksheet, kind: str, row: int) -> None:
    sheet.row_dimensions[row].height = _height(sheet, kind, row)
    for cell in sheet[row]:
        cell.number_format = "@"
        cell.alignment = Alignment(vertical="top", wrap_text=kind == "row")
        if kind == "title":
            cell.font = Font(name=_FONT, bold=True, size=18, color=_BLUE)
        elif kind == "heading":
            cell.font = Font(name=_FONT, bold=True, size=13, color=_BLUE)
        elif kind == "header" and cell.value:
            cell.font, cell.fill = _HEAD, _DEEP
        elif kind == "row":
            cell.border = _UNDER
            cell.font = Font(name=_FONT, bold=cell.column == 1)


def _height(sheet: Worksheet, kind: str, row: int) -> float:
    if kind != "row":
        return {"title": 30.0, "heading": 22.0}.get(kind, _LINE)
    pairs = zip(sheet[row], _READ_ME_WIDTHS, strict=True)
    return _LINE * max(_lines(str(cell.value), width) for cell, width in pairs)


def _lines(text: str, width: float) -> int:
    """How many lines a text takes in a column; words do not break, so a little less than its width fits."""
    return max(1, math.ceil(len(text) / (width * 0.92)))


def _with_fixed_times(data: bytes) -> bytes:
    """The same archive with one fixed date in place of now."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "docProps/core.xml":
                stamp = f"{_CREATED:%Y-%m-%dT%H:%M:%SZ}".encode()
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, content)
            part = zipfile.ZipInfo(info.filename, date_time=(2026, 1, 1, 0, 0, 0))
            part.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(part, content)
    return buffer.getvalue()


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m rules.workbook.template PATH", file=sys.stderr)
        return 2
    Path(arguments[0]).write_bytes(shipped_bytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
