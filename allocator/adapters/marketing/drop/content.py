"""A file's bytes as leads by field, and the rows that are given back."""

from __future__ import annotations

from pathlib import PurePath

from allocator.adapters.marketing.drop.headers import Headers
from allocator.adapters.marketing.drop.parts import Content, Grid, Rejected, Unusable
from allocator.adapters.marketing.drop.sheets import read_workbook
from allocator.adapters.marketing.drop.texts import decode, read_text

TEXTS, BOOKS = (".csv", ".tsv", ".txt"), (".xlsx",)


def read_content(name: str, data: bytes, headers: Headers) -> Content:
    """Every row is in one of the two, except empty ones. Raises nothing: a file that cannot be used is one
    rejection."""
    try:
        return _content(_grid(name, data, headers), headers)
    except Unusable as error:
        return Content(rejected=(Rejected(0, f"The file cannot be used: {error}."),))


def _grid(name: str, data: bytes, headers: Headers) -> Grid:
    ending = PurePath(name).suffix.casefold()
    if not data:
        raise Unusable("it is empty. Put it here again when it is complete")
    if ending in BOOKS:
        return read_workbook(data)
    if ending in TEXTS:
        return read_text(decode(data), headers)
    raise Unusable("it is neither CSV nor XLSX. Save it as CSV UTF-8 or as .xlsx")


def _content(grid: Grid, headers: Headers) -> Content:
    columns = headers.columns(grid.header)
    leads, empty = {}, []
    for row in grid.rows:
        values = {field: row.cells[place].strip() for place, field in columns.items()}
        if any(values.values()):
            leads[row.number] = values
        else:
            empty.append(Rejected(row.number, "has nothing in the columns that are carried", row.cells))
    rejected = sorted((*grid.rejected, *empty), key=lambda one: one.number)
    return Content(grid.header, leads, tuple(rejected))
