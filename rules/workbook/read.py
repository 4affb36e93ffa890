"""The bytes of a workbook that passed the gate as plain cells. The one place that reads with openpyxl."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from xml.etree.ElementTree import iterparse

from openpyxl import load_workbook
from openpyxl.utils.cell import get_column_letter, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet._reader import FORMULA_TAG, MERGE_TAG, ROW_TAG, WorkSheetParser

from rules.errors import Problem, WorkbookError
from rules.workbook.extent import MAX_COLUMNS, MAX_ROWS

Kind = Literal["text", "number", "bool", "date", "formula", "error"]

_UNREADABLE: Final = (
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    SyntaxError,  # what XML parsers raise
    OSError,  # what openpyxl raises where no workbook is inside
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
)


@dataclass(frozen=True, slots=True)
class RawCell:
    """A cell as the file holds it: what kind of thing stands in it, and the thing."""

    kind: Kind
    value: object


@dataclass(frozen=True, slots=True)
class RawSheet:
    """The filled cells of one sheet by row and column number, both from 1."""

    title: str
    rows: Mapping[int, Mapping[int, RawCell]]
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    merged: tuple[tuple[int, int, str], ...] = ()
    """First row, last row and text ("B2:C3") of each merged area."""


@dataclass(frozen=True, slots=True)
class Book:
    """A whole workbook: its sheets in their order, who saved it last, and its schema version if given."""

    sheets: tuple[RawSheet, ...]
    saved_by: str = ""
    schema: str = ""


def read_book(data: bytes) -> Book:
    """The cells of a workbook that has passed the gate; WorkbookError W18 if the file makes no sense."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True)
            sheets = tuple(_sheet(sheet, book) for sheet in book.worksheets)
        return Book(sheets, saved_by=_saved_by(book), schema=_schema(book))
    except _UNREADABLE as error:
        raise WorkbookError([_unreadable(error)]) from error


def _unreadable(error: BaseException) -> Problem:
    return Problem(
        "W18",
        "(file)",
        "The workbook cannot be read: its parts do not fit together.",
        "open it in your spreadsheet program and save it as a new Excel workbook (.xlsx)",
        value=type(error).__name__,
    )


def _saved_by(book: Workbook) -> str:
    return str(book.properties.lastModifiedBy or book.properties.creator or "")


def _schema(book: Workbook) -> str:
    for item in book.custom_doc_props.props:  # type: ignore[attr-defined]
        if item.name == "Schema version":
            return str(item.value).removesuffix(".0")  # LibreOffice saves 1 as 1.0
    return ""


class _SheetReader(WorkSheetParser):
    """Reads values and merged areas only. What openpyxl would also build (links, merged cells, styles of
    empty cells), it builds for each cell of an area, however large a file says that the area is."""

    hidden_rows: set[int]
    merged: list[tuple[int, int, str]]

    def cells(self) -> Iterator[dict[str, Any]]:
        """Every cell with a value; hidden rows and merged areas are known when all have been taken."""
        self.hidden_rows, self.merged = set(), []
        for _, element in iterparse(self.source):
            if element.tag == ROW_TAG:
                yield from self._row(element)
                element.clear()
            elif element.tag == MERGE_TAG:
                self.merged += [_area(str(area.get("ref"))) for area in element]

    def _row(self, element: Any) -> Iterator[dict[str, Any]]:
        element[:] = [cell for cell in element if len(cell) or not cell.get("r")]
        row, cells = self.parse_row(element)
        if element.get("hidden") in ("1", "true"):
            self.hidden_rows.add(row)
        yield from (cell for cell in cells if cell["value"] is not None)

    def parse_formula(self, element: Any) -> str:
        """The formula as it stands: none is used, so that one which leans on another needs no translation."""
        return "=" + (element.findtext(FORMULA_TAG) or "")


def _area(reference: str) -> tuple[int, int, str]:
    left, first, right, last = range_boundaries(reference)
    first, last = first or 1, last or MAX_ROWS
    return (
        first,
        last,
        f"{get_column_letter(left or 1)}{first}:{get_column_letter(right or MAX_COLUMNS)}{last}",
    )


def _sheet(sheet: Any, book: Any) -> RawSheet:
    rows: dict[int, dict[int, RawCell]] = {}
    with sheet._get_source() as source:
        reader = _SheetReader(
            source,
            sheet._shared_strings,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for cell in reader.cells():
            rows.setdefault(cell["row"], {})[cell["column"]] = _cell(cell["data_type"], cell["value"])
    return RawSheet(
        title=sheet.title,
        rows=rows,
        hidden=sheet.sheet_state != "visible",
        hidden_rows=frozenset(reader.hidden_rows),
        merged=tuple(reader.merged),
    )


def _cell(kind: str, value: Any) -> RawCell:
    if kind == "f":
        return RawCell("formula", str(value))
    if kind == "e":
        return RawCell("error", str(value))
    if isinstance(value, bool):
        return RawCell("bool", value)
    if isinstance(value, int | float):
        return RawCell("number", value)
    if isinstance(value, datetime | date | time | timedelta):
        return RawCell("date", value)
    return RawCell("text", str(value))
