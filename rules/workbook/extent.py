"""How far the cells of a workbook may reach, and which cell or row is named where they reach too far."""

from __future__ import annotations

import re
from typing import Final

from rules.errors import Problem, WorkbookError

MAX_CELLS: Final = 2_000_000

_FILLED: Final = (b"<v>", b":v>", b"<is>", b":is>", b"<f>", b":f>", b"<f ", b":f ")
_CELL: Final = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]+[0-9]+)["']""")
_ROW: Final = re.compile(rb"""row\b[^<>]*?\sr\s*=\s*["']([0-9]+)["']""")


def too_many_cells() -> WorkbookError:
    """W14: the sheets have more cells than can be read in good time."""
    return WorkbookError(
        [
            Problem(
                "W14",
                "(file)",
                "The workbook has more than 2 million cells.",
                "delete empty rows and columns that are only formatted",
            )
        ]
    )


def too_many_rows(title: str, rest: bytes, *, last: int) -> WorkbookError:
    """W16 if a value stands in `rest`, the XML of the rows beyond the limit; else W15: they are empty.

    `last` is the last row above them that has a value.
    """
    at = min((found for mark in _FILLED if (found := rest.find(mark)) >= 0), default=-1)
    if at < 0:
        return WorkbookError([_empty_rows(title, _last_row(rest), last)])
    start = max(rest.rfind(b"<c ", 0, at), rest.rfind(b":c ", 0, at), 0)
    named = _CELL.search(rest, start, at)
    return too_far(title, named[1].decode().upper() if named else "A50001")


def too_far(title: str, cell: str) -> WorkbookError:
    """W16, naming the cell."""
    return WorkbookError(
        [
            Problem(
                "W16",
                title,
                f"There is a value in {cell}; a sheet may have 50,000 rows and 256 columns.",
                f"delete what stands in {cell}, or move it up and to the left",
                cell=cell,
                row=int(cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")[:9]),
            )
        ]
    )


def _last_row(rest: bytes) -> str:
    start = max(rest.rfind(b"<row"), rest.rfind(b":row"), 0)
    found = _ROW.search(rest, start)
    return f"{int(found[1][:9]):,}" if found else "more than 50,000"


def _empty_rows(title: str, rows: str, last: int) -> Problem:
    return Problem(
        "W15",
        title,
        f"The sheet has {rows} rows, but nothing stands below row {last}.",
        f"delete empty rows below row {last} (select them down to the end, Delete rows) and save",
        cell=f"A{last + 1}",
        row=last + 1,
    )
