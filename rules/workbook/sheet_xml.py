"""One pass over the XML of a sheet: value, formula, type and format of each filled cell, and what is hidden.

Nothing is trusted: not the sheet's own `dimension`, not the order of rows, not that a cell has an address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

from rules.workbook.areas import (
    MAX_COLUMNS,
    MAX_ROWS,
    Area,
    column_letters,
    read_area,
    split_address,
)
from rules.workbook.atoms import Atoms, unescaped
from rules.workbook.extent import MAX_CELLS, too_far, too_many_cells, too_many_rows

SPACES: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
"""The namespace of spreadsheets: as most programs write it, and as strict ones do."""
MOST_AREAS: Final = 1_000
_TRUE: Final = ("1", "true")

Attributes = Mapping[str, str]


class Budget:
    """How many cells may still be read, over all sheets."""

    def __init__(self, cells: int = MAX_CELLS) -> None:
        self.cells = cells


class SheetReader:
    """What one sheet holds. `rows` gives column and atom in turns: {2: [1, 17, 3, 4]} is A2 and C2.

    Most of a workbook is cells with a value: `_start` and `_end` see to these themselves.
    """

    def __init__(self, title: str, atoms: Atoms, budget: Budget) -> None:
        self.rows: dict[int, list[int]] = {}
        self.hidden_rows: list[int] = []
        self.hidden_columns: set[int] = set()
        self.merged: list[Area] = []
        self.filtered = False
        self._title, self._atoms, self._budget = title, atoms, budget
        self._letters: dict[str, int] = {}
        self._formulas: dict[str, str] = {}
        self._pieces: list[str] = []
        self._row = self._column = self._phonetic = 0
        self._filled: list[int] = []
        self._digits = "0"
        self._cell: Attributes = {}
        self._value = self._shared = ""
        self._formula: str | None = None
        self._inline: list[str] | None = None

    def read(self, content: bytes) -> None:
        """Read the whole sheet. WorkbookError W14 to W16 where it is too large; else what expat raises."""
        self._content = content
        self._parser = parser = parser_of()
        parser.StartElementHandler = self._first
        parser.CharacterDataHandler = self._pieces.append
        parser.Parse(content, True)

    def _first(self, name: str, attributes: Attributes) -> None:
        """The outermost element: its namespace is that of all that is read."""
        space, _, _ = name.rpartition(" ")
        if space not in SPACES:
            raise ValueError("not a sheet")
        self._c, self._v = f"{space} c", f"{space} v"
        self._starts = {f"{space} {plain}": handler for plain, handler in self._start_handlers().items()}
        self._ends = {f"{space} {plain}": handler for plain, handler in self._end_handlers().items()}
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == self._c:
            self._cell = attributes
            self._budget.cells -= 1
        elif name == self._v:
            self._pieces.clear()
        elif handler := self._starts.get(name):
            handler(attributes)

    def _end(self, name: str) -> None:
        if name == self._c:
            self._end_cell()
        elif name == self._v:
            self._value = "".join(self._pieces)
        elif handler := self._ends.get(name):
            handler()

    def _start_handlers(self) -> dict[str, Callable[[Attributes], None]]:
        return {
            "t": self._start_text,
            "f": self._start_formula,
            "is": self._start_inline,
            "rPh": self._start_phonetic,
            "row": self._start_row,
            "col": self._hide_columns,
            "mergeCell": self._merge,
            "filterColumn": self._filter,
        }

    def _end_handlers(self) -> dict[str, Callable[[], None]]:
        return {"t": self._end_inline_text, "f": self._end_formula, "rPh": self._end_phonetic}

    # rows and columns

    def _start_row(self, attributes: Attributes) -> None:
        number = attributes.get("r")
        self._go_to(int(number) if number else self._row + 1)
        self._column = 0
        if self._row > MAX_ROWS:
            rest = self._content[self._parser.CurrentByteIndex :]
            raise too_many_rows(
                self._title, rest, last=max((n for n, row in self.rows.items() if row), default=0)
            )
        if attributes.get("hidden") in _TRUE:
            self.hidden_rows.append(self._row)

    def _go_to(self, row: int) -> None:
        if row < 1:
            raise ValueError("not the number of a row")
        self._row, self._digits = row, str(row)
        self._filled = self.rows.setdefault(row, [])

    def _hide_columns(self, attributes: Attributes) -> None:
        if attributes.get("hidden") in _TRUE:
            first, last = int(attributes.get("min", "1")), int(attributes.get("max", "1"))
            self.hidden_columns.update(range(max(first, 1), min(last, MAX_COLUMNS) + 1))

    def _merge(self, attributes: Attributes) -> None:
        if len(self.merged) < MOST_AREAS:
            self.merged.append(read_area(attributes.get("ref", "")))

    def _filter(self, attributes: Attributes) -> None:
        self.filtered = True

    # a cell

    def _end_cell(self) -> None:
        attributes = self._cell
        address = attributes.get("r")
        column = self._letters.get(address.removesuffix(self._digits)) if address else self._column + 1
        self._column = column = column or self._find_column(address or "")
        atom = self._atom(attributes)
        if self._budget.cells < 0:
            raise too_many_cells()
        if atom is None:
            return
        if column > MAX_COLUMNS or self._row > MAX_ROWS:
            raise too_far(self._title, f"{column_letters(column)}{self._row}")
        self._filled += (column, atom)

    def _atom(self, attributes: Attributes) -> int | None:
        """The number of what the cell holds, None if it holds nothing."""
        value, self._value = self._value, ""
        if self._formula is not None:
            formula, self._formula = self._formula, None
            return self._atoms.formula(formula, value)
        kind = attributes.get("t", "n")
        if kind == "inlineStr":
            inline, self._inline = self._inline, None
            return None if inline is None else self._atoms.text("".join(inline))
        return self._atoms.number(kind, attributes.get("s", ""), value) if value else None

    def _find_column(self, address: str) -> int:
        row, column = split_address(address)
        if not row:
            raise ValueError("not the number of a row")
        if row == self._row:
            self._letters[address.removesuffix(self._digits)] = column
        else:  # a cell goes by its own address, wherever it stands
            self._go_to(row)
        return column

    def _start_text(self, attributes: Attributes) -> None:
        self._pieces.clear()

    def _start_inline(self, attributes: Attributes) -> None:
        self._inline = []

    def _end_inline_text(self) -> None:
        if self._inline is not None and not self._phonetic:
            self._inline.append("".join(self._pieces))

    def _start_phonetic(self, attributes: Attributes) -> None:
        self._phonetic += 1

    def _end_phonetic(self) -> None:
        self._phonetic -= 1

    def _start_formula(self, attributes: Attributes) -> None:
        self._pieces.clear()
        self._shared = attributes.get("si", "") if attributes.get("t") == "shared" else ""

    def _end_formula(self) -> None:
        self._formula = "".join(self._pieces)
        if self._shared and self._formula:
            self._formulas[self._shared] = self._formula
        elif self._shared:
            self._formula = self._formulas.get(self._shared, "")


def shared_texts(content: bytes) -> list[str]:
    """The texts that cells refer to by number, without the readings that East Asian ones may carry."""
    texts: list[str] = []
    pieces: list[str] = []
    text: list[str] = []
    phonetic = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal phonetic
        plain = name.rpartition(" ")[2]
        if plain == "si":
            text.clear()
        elif plain == "t":
            pieces.clear()
        elif plain == "rPh":
            phonetic += 1

    def end(name: str) -> None:
        nonlocal phonetic
        plain = name.rpartition(" ")[2]
        if plain == "t" and not phonetic:
            text.extend(pieces)
        elif plain == "rPh":
            phonetic -= 1
        elif plain == "si":
            texts.append(unescaped("".join(text)))

    parser = parser_of()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = pieces.append
    parser.Parse(content, True)
    return texts


def parser_of() -> expat.XMLParserType:
    """A parser that joins the pieces of a text and tells names as "namespace name"."""
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*declared: object) -> None:
    """The gate lets none through; were there one, nothing that it declares would be looked at."""
    raise ValueError("a document type")
