"""Colours cells of a sheet by editing only the styles and the sheet's own XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from openpyxl.utils.cell import column_index_from_string, coordinate_from_string, get_column_letter

from rules.errors import Severity
from rules.workbook.package import BOOK, Package
from rules.workbook.splice import Element, Patch, elements, with_attribute

FILLS: Final[Mapping[Severity, str]] = {"error": "FFFF8F8F", "warning": "FFFFE08A", "note": "FFCFE2F3"}
_SHEET: Final = "worksheet/sheetData"


class Styles:
    """The workbook's cell formats, each with a coloured twin once one is asked for."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._name = package.related(BOOK, "styles")
        part = package[self._name] if self._name else b"<styleSheet/>"
        self._patch = Patch(part)
        self._formats = elements(part, "styleSheet/cellXfs/xf")
        places = elements(part, "styleSheet/cellXfs", "styleSheet/fills")
        self._places = {place.name: place for place in places}
        self._fills = len(elements(part, "styleSheet/fills/fill"))
        self._twins: dict[tuple[int, Severity], int] = {}
        self._new: list[bytes] = []

    @property
    def usable(self) -> bool:
        return bool(self._formats) and self._fills > 0

    def coloured(self, number: int, severity: Severity) -> int:
        """The number of the format that looks like `number` on the severity's colour."""
        number = number if number < len(self._formats) else 0
        if (number, severity) not in self._twins:
            self._twins[number, severity] = len(self._formats) + len(self._new)
            self._new.append(self._twin(self._formats[number], severity))
        return self._twins[number, severity]

    def _twin(self, old: Element, severity: Severity) -> bytes:
        tag = self._patch.part[old.start : old.inside]
        tag = with_attribute(tag, "fillId", str(self._fills + list(FILLS).index(severity)))
        return with_attribute(tag, "applyFill", "1") + self._patch.part[old.inside : old.end]

    def save(self) -> None:
        if not self._new:
            return
        fills, formats = self._places["fills"], self._places["cellXfs"]
        self._append(fills, [_fill(fills.prefix, colour) for colour in FILLS.values()], self._fills)
        self._append(formats, self._new, len(self._formats))
        self._package[self._name] = self._patch.result()

    def _append(self, place: Element, new: list[bytes], before: int) -> None:
        tag = self._patch.part[place.start : place.inside]
        self._patch.replace(place.start, place.inside, with_attribute(tag, "count", str(before + len(new))))
        self._patch.append(place, b"".join(new))


def _fill(prefix: str, colour: str) -> bytes:
    p = prefix
    inner = f'<{p}fgColor rgb="{colour}"/><{p}bgColor indexed="64"/>'
    pattern = f'<{p}patternFill patternType="solid">{inner}</{p}patternFill>'
    return f"<{p}fill>{pattern}</{p}fill>".encode()


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    element: Element
    cells: Mapping[int, Element]


class Grid:
    """The rows and cells of one sheet's XML."""

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        found = elements(patch.part, _SHEET, f"{_SHEET}/row", f"{_SHEET}/row/c", "worksheet/cols/col")
        data = next((e for e in found if e.name == "sheetData"), None)
        if data is None:
            raise ValueError("the sheet has no cells at all")
        self._data = data
        self._columns = [e.attributes for e in found if e.name == "col"]
        self._rows = _rows(found)

    def colour(self, cells: Mapping[str, Severity], styles: Styles) -> None:
        """Colour each cell by its address; one that the file does not hold is made."""
        by_row: dict[int, dict[int, Severity]] = {}
        for address, severity in cells.items():
            letters, row = coordinate_from_string(address)
            by_row.setdefault(row, {})[column_index_from_string(letters)] = severity
        for number, wanted in sorted(by_row.items()):
            if number in self._rows:
                self._colour_row(self._rows[number], wanted, styles)
        missing = {n: wanted for n, wanted in by_row.items() if n not in self._rows}
        self._add_rows(missing, styles)

    def _colour_row(self, row: _Row, wanted: Mapping[int, Severity], styles: Styles) -> None:
        new: dict[int, bytes] = {}
        for column, severity in sorted(wanted.items()):
            if column in row.cells:
                self._restyle(row.cells[column], severity, styles)
            else:
                new[column] = self._cell(row, column, severity, styles)
        for column, text in new.items():
            after = next((e for n, e in sorted(row.cells.items()) if n > column), None)
            if after is not None:
                self._patch.insert(after.start, text)
            elif not row.element.empty:
                self._patch.insert(row.element.close, text)
        if row.element.empty and new:
            self._patch.append(row.element, b"".join(new.values()))

    def _restyle(self, cell: Element, severity: Severity, styles: Styles) -> None:
        style = styles.coloured(int(cell.attributes.get("s", 0)), severity)
        tag = self._patch.part[cell.start : cell.inside]
        self._patch.replace(cell.start, cell.inside, with_attribute(tag, "s", str(style)))

    def _cell(self, row: _Row, column: int, severity: Severity, styles: Styles) -> bytes:
        own = row.element.attributes.get("s", "0")
        style = styles.coloured(int(own) or self._column_style(column), severity)
        address = f"{get_column_letter(column)}{row.number}"
        return f'<{row.element.prefix}c r="{address}" s="{style}"/>'.encode()

    def _column_style(self, column: int) -> int:
        for line in self._columns:
            if int(line.get("min", 0)) <= column <= int(line.get("max", 0)):
                return int(line.get("style", 0))
        return 0

    def _add_rows(self, missing: Mapping[int, Mapping[int, Severity]], styles: Styles) -> None:
        texts = {number: self._new_row(number, wanted, styles) for number, wanted in sorted(missing.items())}
        if self._data.empty and texts:
            self._patch.append(self._data, b"".join(texts.values()))
            return
        for number, text in texts.items():
            after = next((r.element for n, r in sorted(self._rows.items()) if n > number), None)
            self._patch.insert(after.start if after else self._data.close, text)

    def _new_row(self, number: int, wanted: Mapping[int, Severity], styles: Styles) -> bytes:
        row = _Row(number, self._data, {})
        cells = b"".join(self._cell(row, c, severity, styles) for c, severity in sorted(wanted.items()))
        tag = f"{self._data.prefix}row"
        return f'<{tag} r="{number}">'.encode() + cells + f"</{tag}>".encode()


def _rows(found: list[Element]) -> dict[int, _Row]:
    """Rows by number, their cells by column; one that does not say its number follows the one before it."""
    starts = [n for n, e in enumerate(found) if e.name == "row"]
    rows: dict[int, _Row] = {}
    number = 0
    for first, behind in pairwise([*starts, len(found)]):
        element = found[first]
        number = int(element.attributes.get("r", number + 1))
        rows[number] = _Row(number, element, _cells(found[first + 1 : behind]))
    return rows


def _cells(found: list[Element]) -> dict[int, Element]:
    cells: dict[int, Element] = {}
    column = 0
    for element in found:
        if element.name == "c":
            address = element.attributes.get("r")
            column = column_index_from_string(coordinate_from_string(address)[0]) if address else column + 1
            cells[column] = element
    return cells
