"""How far the cells of each sheet reach, told from the sheet's XML without building any cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rules.errors import Problem, WorkbookError

MAX_CELLS: Final = 2_000_000
MAX_ROWS: Final = 50_000
MAX_COLUMNS: Final = 256

_ROW: Final = re.compile(rb"""<(?:\w+:)?row\b[^<>]*?\br\s*=\s*["'](\d+)["']""")
_CELL: Final = re.compile(rb"<(?:\w+:)?c(?=[\s>/])")
_FILLED: Final = re.compile(
    rb"""<(?:\w+:)?c\s[^<>]*?\br\s*=\s*["']([A-Za-z]+)(\d+)["'](?:[^<>]*[^<>/])?>(?!</)"""
)
"""A cell with something in it, and its address."""


def check_extent(parts: Mapping[str, bytes], titles: Mapping[str, str]) -> None:
    """Refuse sheets that are too large to be read in good time, naming the cell or row that makes them so."""
    sheets = {n: c for n, c in parts.items() if b"sheetData" in c and n.endswith(".xml")}
    total = sum(len(_CELL.findall(content)) for content in sheets.values())
    if total > MAX_CELLS:
        raise WorkbookError([_too_many_cells(total)])
    problems = [p for name, content in sheets.items() if (p := _problem(titles.get(name, name), content))]
    if problems:
        raise WorkbookError(problems)


def _too_many_cells(total: int) -> Problem:
    return Problem(
        "W14",
        "(file)",
        f"The workbook has {total:,} cells; at most 2 million are allowed.",
        "delete empty rows and columns that are only formatted",
    )


def _problem(title: str, content: bytes) -> Problem | None:
    last = 0
    for letters, digits in _FILLED.findall(content):
        row = _number(digits)
        if row > MAX_ROWS or _column(letters) > MAX_COLUMNS:
            return _far(title, f"{letters.decode().upper()}{digits.decode()}", row)
        last = max(last, row)
    rows = max(map(_number, _ROW.findall(content)), default=0)
    if rows > MAX_ROWS:
        return _formatted(title, rows, last)
    return None


def _number(digits: bytes) -> int:
    return int(digits[:9])


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + letter - 64
    return number


def _far(title: str, cell: str, row: int) -> Problem:
    return Problem(
        "W16",
        title,
        f"There is a value in {cell}; a sheet may have 50,000 rows and 256 columns.",
        f"delete what stands in {cell}, or move it up",
        cell=cell,
        row=row,
    )


def _formatted(title: str, rows: int, last: int) -> Problem:
    return Problem(
        "W15",
        title,
        f"The sheet has {rows:,} rows, but nothing stands below row {last}.",
        f"delete the empty rows below row {last} (select them, then Delete rows) and save",
        cell=f"A{last + 1}",
        row=last + 1,
    )
