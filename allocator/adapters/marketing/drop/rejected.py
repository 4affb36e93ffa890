"""NAME.rejected.csv: the rows that could not be taken, with number and reason, beside their file."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from allocator.adapters.marketing.drop.parts import Rejected

COLUMNS = ("Row", "Reason")
_OURS = re.compile(r".*\.rejected(?:\.\d+)?\.csv", re.IGNORECASE | re.DOTALL)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def is_rejected(name: str) -> bool:
    """Whether a file is one of these: it is never read as leads."""
    return bool(_OURS.fullmatch(name))


def write_rejected(file: Path, header: Sequence[str], rows: Sequence[Rejected]) -> Path:
    """Write it beside `file`, whole or not at all; what another file left under the name stays. Raises
    OSError."""
    content = as_csv(header, rows)
    number = 1
    while True:
        place = file.with_name(f"{file.name}.rejected{f'.{number}' if number > 1 else ''}.csv")
        if not place.exists():
            break
        if place.read_bytes() == content:
            return place
        number += 1
    half = place.with_name(f".{place.name}.tmp")
    half.write_bytes(content)
    os.replace(half, place)
    return place


def as_csv(header: Sequence[str], rows: Sequence[Rejected]) -> bytes:
    """With the mark by which spreadsheet programs know UTF-8."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow([*COLUMNS, *(harmless(cell) for cell in header)])
    for row in rows:
        table.writerow([row.number or "", row.reason, *(harmless(cell) for cell in row.cells)])
    return text.getvalue().encode("utf-8-sig", "replace")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet program takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
