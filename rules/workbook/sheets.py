"""Finds the table on a sheet: its header row, its columns by name, its rows with cleaned cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rules.workbook.areas import column_letters
from rules.workbook.lines import Cell, Line, LineReader
from rules.workbook.out_of_sight import warn_out_of_sight
from rules.workbook.read import RawCell, RawSheet
from rules.workbook.report import Place, Report
from rules.workbook.text import clean, key, nearest, one_line

HEADER_ROWS: Final = 20

__all__ = ["Cell", "Line", "Spec", "Table", "read_table"]


@dataclass(frozen=True, slots=True)
class Spec:
    """The columns of a sheet by their printed names. `free` are beginnings that any fact may follow.

    `later` are columns of later releases with the one text each may hold today, besides nothing.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    later: Mapping[str, str] = field(default_factory=dict)
    free: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.required, *self.optional, *self.later)


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet that has been understood. `headers` gives the place of each column's header."""

    title: str
    headers: Mapping[str, Place]
    lines: tuple[Line, ...]


def read_table(sheet: RawSheet, spec: Spec, report: Report) -> Table:
    """The sheet's table; what is wrong with its headers and cells goes to the report."""
    header_row = find_header(sheet, spec)
    if header_row is None:
        wanted = ", ".join(spec.required)
        report.error(
            "R12",
            Place(sheet.title, 1, "A1"),
            f"Sheet {sheet.title} has no header row within its first 20 rows.",
            f"put the headers into row 1: {wanted}",
        )
        return Table(sheet.title, {}, ())
    columns = _columns(sheet, header_row, spec, report)
    headers = {name: _place(sheet.title, header_row, column, name, name) for column, name in columns.items()}
    _check_required(sheet, header_row, spec, headers, report)
    _check_shape(sheet, header_row, columns, report)
    lines = tuple(_lines(sheet, header_row, columns, spec, report))
    return Table(sheet.title, headers, lines)


def find_header(sheet: RawSheet, spec: Spec) -> int | None:
    """The row with the most headers that the sheet may have; None where there are too few in any."""
    best, found = 0, None
    for row in range(1, HEADER_ROWS + 1):
        cells = sheet.rows.get(row, {})
        known = sum(1 for c in cells.values() if c.kind == "text" and header_name(str(c.value), spec))
        if known > best:
            best, found = known, row
    return found if best >= min(2, len(spec.required)) else None


def header_name(text: str, spec: Spec) -> str:
    """The printed name of a header however it is typed; empty if it is none of the sheet's."""
    words = one_line(clean(text))
    if name := _by_key(spec.names).get(key(words)):
        return name
    for start in spec.free:
        head, _, rest = words.partition(" ")
        if key(head) == key(start) and rest.strip():
            return f"{start} {rest.strip()}"
    return ""


@lru_cache(maxsize=64)
def _by_key(names: tuple[str, ...]) -> Mapping[str, str]:
    """Each printed name by what it is compared by; of two alike, the first."""
    return {key(name): name for name in reversed(names)}


def _columns(sheet: RawSheet, header_row: int, spec: Spec, report: Report) -> dict[int, str]:
    columns: dict[int, str] = {}
    first: dict[str, str] = {}
    for column, raw in sorted(sheet.rows[header_row].items()):
        text = one_line(clean(str(raw.value)))
        place = _place(sheet.title, header_row, column, text, text)
        name = header_name(text, spec)
        if text.startswith("#"):
            continue
        if not name:
            _unknown_header(text, place, spec, report)
        elif key(name) in first:
            report.error(
                "R01",
                place,
                f'The header "{text}" stands twice, in {first[key(name)]} and {place.address}.',
                "delete one of the two columns, or begin its header with # to make it a note",
            )
        else:
            first[key(name)] = place.address
            columns[column] = name
    return columns


def _unknown_header(text: str, place: Place, spec: Spec, report: Report) -> None:
    meant = nearest(text, (*spec.names, *(f"{start} ..." for start in spec.free)))
    ask = f"type {meant}, or begin" if meant else "begin"
    report.error(
        "R01",
        place,
        f'Sheet {place.sheet} knows no column "{text}".',
        f"{ask} the header with # to make the column a note",
        suggestion=meant,
    )


def _check_required(
    sheet: RawSheet, row: int, spec: Spec, headers: Mapping[str, Place], report: Report
) -> None:
    for name in spec.required:
        if name not in headers:
            report.error(
                "R01",
                Place(sheet.title, row, f"A{row}", name),
                f"Sheet {sheet.title} needs a column {name}.",
                f"type the header {name} into row {row}, above its column",
            )


def _check_shape(sheet: RawSheet, header_row: int, columns: Mapping[int, str], report: Report) -> None:
    for area in sheet.merged:
        if area.last_row >= header_row:
            report.error(
                "R08",
                Place(sheet.title, area.first_row, area.start),
                f"The cells {area} are merged; only the first of them has a value.",
                "undo the merge and fill every cell",
            )
    warn_out_of_sight(sheet, header_row, columns, report)
    _check_headless(sheet, header_row, columns, report)


def _check_headless(sheet: RawSheet, header_row: int, columns: Mapping[int, str], report: Report) -> None:
    titled = set(columns) | set(sheet.rows[header_row])
    seen: set[int] = set()
    for row, cells in sorted(sheet.rows.items()):
        for column, raw in cells.items():
            if row > header_row and column not in titled and column not in seen and _says(raw):
                seen.add(column)
                report.error(
                    "R01",
                    _place(sheet.title, row, column, "", str(raw.value)),
                    f"Column {column_letters(column)} has values but no header.",
                    "give the column a header, or delete it; a header that begins with # makes it a note",
                )


def _says(raw: RawCell) -> bool:
    return bool(str(raw.value).strip())


def _lines(
    sheet: RawSheet, header_row: int, columns: Mapping[int, str], spec: Spec, report: Report
) -> Iterator[Line]:
    reader = LineReader(sheet.title, columns, report)
    for row, raws in sorted(sheet.rows.items()):
        line = reader.read(row, raws) if row > header_row else None
        if line:
            _check_later(line, spec, report)
            yield line


def _check_later(line: Line, spec: Spec, report: Report) -> None:
    for name, default in spec.later.items():
        cell = line[name]
        if not cell.blank and not cell.broken and key(cell.text) != key(default):
            report.error(
                "T107",
                cell.place,
                f'{name} "{cell.text}" is not supported by this version.',
                f"leave it blank or type {default}" if default else "leave it blank",
                suggestion=default,
            )


def _place(title: str, row: int, column: int, name: str, text: str) -> Place:
    return Place(title, row, f"{column_letters(column)}{row}", name, text[:200])
