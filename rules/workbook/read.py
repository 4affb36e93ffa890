"""The bytes of a workbook that passed the gate as plain cells. The one place that reads with openpyxl."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from rules.errors import Problem, WorkbookError

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
            book = load_workbook(io.BytesIO(data), data_only=False)
        sheets = tuple(_sheet(book[name]) for name in book.sheetnames if isinstance(book[name], Worksheet))
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


def _sheet(sheet: Worksheet) -> RawSheet:
    rows: dict[int, dict[int, RawCell]] = {}
    for (row, column), cell in sheet._cells.items():
        if cell.value is not None:
            rows.setdefault(row, {})[column] = _cell(cell)
    return RawSheet(
        title=sheet.title,
        rows=rows,
        hidden=sheet.sheet_state != "visible",
        hidden_rows=frozenset(int(n) for n, d in sheet.row_dimensions.items() if d.hidden),
        merged=tuple((a.min_row, a.max_row, str(a.coord)) for a in sheet.merged_cells.ranges),
    )


def _cell(cell: Any) -> RawCell:
    value = cell.value
    if cell.data_type == "f":
        return RawCell("formula", str(getattr(value, "text", value) or "="))
    if cell.data_type == "e":
        return RawCell("error", str(value))
    if isinstance(value, bool):
        return RawCell("bool", value)
    if isinstance(value, int | float):
        return RawCell("number", value)
    if isinstance(value, datetime | date | time | timedelta):
        return RawCell("date", value)
    return RawCell("text", str(value))
