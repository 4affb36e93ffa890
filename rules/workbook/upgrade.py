"""Writes an older workbook anew: today's sheets, columns, dropdowns and formats; every cell as typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from rules.errors import Problem, RulesError, WorkbookError
from rules.facts import default_facts
from rules.fold import fold
from rules.workbook.check import IGNORED, SCHEMA, SHEETS, check
from rules.workbook.company import RULE_HEAD, RULE_TAIL, AsIs, Company, SheetContent, Value, new_company
from rules.workbook.diff import diff
from rules.workbook.layers_sheet import RULES
from rules.workbook.read import Book, RawCell, RawSheet, read_book
from rules.workbook.sheets import Spec, find_header, header_name
from rules.workbook.template import template_bytes
from rules.workbook.text import clean, key, one_line

OLDEST: Final = "0"
"""The schema of a workbook that does not say any: made by hand, or before workbooks said it."""
_FILLED: Final = ("Settings", "Facts")
"""Sheets whose rows of today are added where they are missing."""
_BEGUN: Final = (*_FILLED, "Fields")
"""Sheets that have rows of today where they are new: without them the same rows count."""
_RENAMED: Final[Mapping[str, Mapping[str, str]]] = {OLDEST: {"Contact for errors": "Contact"}}
"""By schema: settings that have another name today."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The new workbook, the schema of the old one, and what is different, a sentence each."""

    data: bytes
    schema: str
    changes: tuple[str, ...]


@dataclass(slots=True)
class _Writer:
    schema: str
    changes: list[str] = field(default_factory=list)

    def content(self, title: str, raw: RawSheet, spec: Spec, today: SheetContent | None) -> SheetContent:
        """A sheet's rows below today's headers, then its further columns."""
        head = find_header(raw, spec)
        if head is None:
            return self.plain(raw)
        if head > 1 and any(row < head for row in raw.rows):
            self.changes.append(f"Sheet {title}: what stood above the headers is left out.")
        places = self._places(title, raw, head, spec)
        headers = _in_sequence(list(places), today)
        if today is not None:
            new = [h for h in today.headers if h not in places]
            self._say_new(title, "column", new)
        lines = (cells for row, cells in sorted(raw.rows.items()) if row > head)
        rows = [tuple(_value(cells.get(places.get(h, 0))) for h in headers) for cells in lines]
        rows = [row for row in rows if any(value is not None for value in row)]
        return SheetContent(title, headers, tuple(rows))

    def plain(self, raw: RawSheet) -> SheetContent:
        """A sheet that the allocator does not know, cell by cell."""
        last = max((column for cells in raw.rows.values() for column in cells), default=0)
        rows = [
            tuple(_value(raw.rows.get(row, {}).get(column)) for column in range(1, last + 1))
            for row in range(1, max(raw.rows, default=0) + 1)
        ]
        return SheetContent(raw.title, (), tuple(rows))

    def _places(self, title: str, raw: RawSheet, head: int, spec: Spec) -> dict[str, int]:
        """The column of each header; one that nobody knows, or that stands twice, becomes a note."""
        places: dict[str, int] = {}
        filled = {column for row, cells in raw.rows.items() if row >= head for column in cells}
        for column in sorted(filled):
            cell = raw.rows[head].get(column)
            typed = one_line(clean(str(cell.value))) if cell else ""
            name = header_name(typed, spec)
            taken = {key(h) for h in places}
            if not name or key(name) in taken:
                name = _note(typed, taken)
                if name != typed:
                    self.changes.append(f'Sheet {title}: the column "{typed}" is now the note {name}.')
            places[name] = column
        return places

    def filled(self, sheet: SheetContent, today: SheetContent) -> SheetContent:
        """The sheet with the rows of today that it lacks, known by their first cell."""
        renamed = _RENAMED.get(self.schema, {}) if sheet.title == "Settings" else {}
        names = {key(old): new for old, new in renamed.items()}
        there = {key(str(row[0])) for row in sheet.rows if row[0] is not None}
        rows = [
            (names[key(str(row[0]))], *row[1:])
            if key(str(row[0])) in names and key(names[key(str(row[0]))]) not in there
            else row
            for row in sheet.rows
        ]
        there |= {key(str(row[0])) for row in rows}
        new = [row for row in today.rows if key(str(row[0])) not in there]
        for row in new:
            by_header = dict(zip(today.headers, row, strict=True))
            rows.append(tuple(by_header.get(h) for h in sheet.headers))
        self._say_new(sheet.title, "row", [str(row[0]) for row in new])
        return replace(sheet, rows=tuple(rows))

    def _say_new(self, title: str, what: str, names: list[str]) -> None:
        if names:
            several = f"a new {what}" if len(names) == 1 else f"new {what}s"
            self.changes.append(f"Sheet {title} has {several}: {', '.join(names)}.")


def upgrade(data: bytes, *, name: str = "routing_tables.xlsx") -> Upgraded:
    """The workbook as today's template writes it. Comments, own colours and widths are not carried over.

    WorkbookError when it cannot be read, or is of a schema that this program does not know yet.
    """
    book = read_book(data)
    schema = book.schema or OLDEST
    if not schema.isdigit() or int(schema) > int(SCHEMA):
        raise WorkbookError([_newer(schema, name)])
    writer = _Writer(schema)
    company = _company(book, writer)
    written = template_bytes(company)
    _check_meaning(data, written)
    if schema != SCHEMA:
        writer.changes.insert(0, f"The version of the tables is {SCHEMA}; it was {schema}.")
    return Upgraded(written, schema, tuple(writer.changes))


def _newer(schema: str, name: str) -> Problem:
    said = f"The workbook was made for version {schema} of the tables; this allocator knows {SCHEMA}."
    return Problem("T112", "(file)", said, "update the allocator first", value=name)


def _company(book: Book, writer: _Writer) -> Company:
    today = _today()
    raws = {fold(sheet.title): sheet for sheet in book.sheets}
    known = {name: writer.content(name, raws[fold(name)], spec, today[name])
             for name, spec in SHEETS.items() if fold(name) in raws}  # fmt: skip
    own = {fold(title) for title in (*SHEETS, IGNORED)}
    rules = list(_rules([raw for title, raw in raws.items() if title not in own], writer))
    for name in SHEETS:
        if name not in known:
            writer.changes.append(f"Sheet {name} is new.")
            known[name] = replace(today[name], rows=today[name].rows if name in _BEGUN else ())
        elif name in _FILLED and known[name].headers:
            known[name] = writer.filled(known[name], today[name])
    first = ("Settings", "Layers")
    sheets = [*(known.pop(name) for name in first), *(s for s in rules if s.headers), *known.values()]
    contact = next((row[1] for row in sheets[0].rows if key(str(row[0])) == "contact"), None)
    return Company((*sheets, *(s for s in rules if not s.headers)), str(contact or ""))


def _today() -> dict[str, SheetContent]:
    """The sheets of a new workbook; of the facts those that every workbook has."""
    sheets = {sheet.title: sheet for sheet in new_company((), contact="", time_zone="UTC").sheets}
    shipped = {fact.name for fact in default_facts()}
    facts = sheets["Facts"]
    sheets["Facts"] = replace(facts, rows=tuple(row for row in facts.rows if row[0] in shipped))
    return sheets


def _rules(others: list[RawSheet], writer: _Writer) -> Iterator[SheetContent]:
    """Sheets of rules as such, and all others as they are."""
    for raw in others:
        head = find_header(raw, RULES)
        cells = raw.rows[head].values() if head else ()
        if any(key(str(cell.value)) == key("Rule ID") for cell in cells):
            yield writer.content(raw.title, raw, RULES, None)
        elif raw.rows:
            yield writer.plain(raw)


def _in_sequence(headers: list[str], today: SheetContent | None) -> tuple[str, ...]:
    """Today's columns first; in a sheet of rules those that it must have, its own, then those at the end."""
    if today is not None:
        return (*today.headers, *(h for h in headers if h not in today.headers))
    ends = {*RULE_HEAD, *RULE_TAIL}
    own = [h for h in headers if h not in ends and not h.startswith("#")]
    notes = [h for h in headers if h.startswith("#")]
    return (*RULE_HEAD, *own, *RULE_TAIL, *notes)


def _note(typed: str, taken: set[str]) -> str:
    """A header for a column of notes that no other column has."""
    name = typed if typed.startswith("#") else f"# {typed}".strip()
    tried = (name, *(f"{name} {n}" for n in range(2, 300)))
    return next(text for text in tried if key(text) not in taken)


def _value(cell: RawCell | None) -> Value:
    if cell is None:
        return None
    if cell.kind in ("number", "bool", "date"):
        return cast(Value, cell.value)
    text = ILLEGAL_CHARACTERS_RE.sub("", str(cell.value))
    return AsIs(text) if cell.kind in ("formula", "error") else text


def _check_meaning(old: bytes, new: bytes) -> None:
    """RulesError rather than a workbook that means something else."""
    before = check(old).tables
    if before is None:
        return
    after = check(new).tables
    if after is None or diff(before, after):
        raise RulesError(
            "The workbook cannot be upgraded: the new one would not mean the same. Please report this."
        )
