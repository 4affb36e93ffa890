"""XLSX: the one sheet that holds something, behind the gate that every workbook passes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from allocator.adapters.marketing.drop.parts import MAX_COLUMNS, MAX_ROWS, Grid, Rejected, Row, Unusable
from rules.errors import WorkbookError
from rules.field_values import shown
from rules.workbook.gate import gate

MOST_CELLS = 20_000_000
_ROW = re.compile(rb"<(?:\w+:)?row[\s>/]")
_CELL = re.compile(rb"<(?:\w+:)?c[\s>/]")
_NUMBER = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d{1,9})"')
_PLACE = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,4})\d')


def read_workbook(data: bytes) -> Grid:
    """Header, rows, and rows with a cell that is an error. Raises Unusable."""
    try:
        parts = gate(data)
    except WorkbookError as error:
        raise Unusable(_words(error)) from None
    _check_extent(parts)
    return _grid(_frame(data))


def _words(error: WorkbookError) -> str:
    problem = error.problems[0]
    return f"{problem.message} {problem.fix[:1].upper()}{problem.fix[1:]}"


def _check_extent(parts: Mapping[str, bytes]) -> None:
    """Before anybody makes a table of it: one cell in the last corner would be billions of empty ones."""
    for name, content in parts.items():
        if not name.casefold().startswith("xl/worksheets/") or not content:
            continue
        rows = max([int(one) for one in _NUMBER.findall(content)] + [len(_ROW.findall(content))], default=0)
        widest = max((len(_CELL.findall(row)) for row in _ROW.split(content)), default=0)
        columns = max([_column(one) for one in set(_PLACE.findall(content))] + [widest], default=0)
        if rows > MAX_ROWS + 1:
            raise Unusable(f"it reaches beyond row {MAX_ROWS:,}. Delete the rows below, or divide it")
        if columns > MAX_COLUMNS or rows * columns > MOST_CELLS:
            raise Unusable(f"it has more than {MAX_COLUMNS} columns, or too many cells. Divide it")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _frame(data: bytes) -> Any:
    """The cells of the only sheet that has any; an error in a cell comes as not-a-number."""
    import pandas as pd

    try:
        frames = pd.read_excel(
            io.BytesIO(data), sheet_name=None, header=None, dtype=object, keep_default_na=False,
            na_filter=False, engine="openpyxl",
        )  # fmt: skip
    except Exception:  # noqa: BLE001 (whatever the parser meets, it is the file's fault; its words quote cells)
        raise Unusable("it cannot be read as a workbook. Save it again as .xlsx or as CSV UTF-8") from None
    full = [frame for frame in frames.values() if frame.size]
    if not full:
        raise Unusable("it is empty. Put a row with the names of the columns first")
    if len(full) > 1:
        raise Unusable("more than one of its sheets holds something. Keep one sheet in each file")
    return full[0]


def _grid(frame: Any) -> Grid:
    rows = list(_rows(frame))
    if not rows:
        raise Unusable("it is empty. Put a row with the names of the columns first")
    first = rows[0]
    if isinstance(first, Rejected):
        raise Unusable("the row with the names of the columns holds an error. Mend that cell")
    return Grid(
        first.cells,
        tuple(one for one in rows[1:] if isinstance(one, Row)),
        tuple(one for one in rows[1:] if isinstance(one, Rejected)),
    )


def _rows(frame: Any) -> Iterator[Row | Rejected]:
    """Rows that are not empty, by the number that the spreadsheet shows."""
    for number, values in enumerate(frame.itertuples(index=False, name=None), start=1):
        cells = tuple(_text(value) for value in values)
        if any(_is_error(value) for value in values):
            yield Rejected(number, "a cell holds an error, such as #N/A. Mend its formula", cells)
        elif any(cell.strip() for cell in cells):
            yield Row(number, cells)


def _is_error(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _text(value: Any) -> str:
    """As a person reads it; a day without a time is a day."""
    if _is_error(value):
        return "(error)"
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return shown(value) or "" if isinstance(value, (str, int, float, bool)) else str(value)
