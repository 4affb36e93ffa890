"""A table of links as people send it: each row read, and every wrong one named with its fix."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.ids import crm_id
from allocator.domain.sync.relations import is_own, place
from allocator.domain.sync.values import Linked

COLUMNS: Final = ("source", "source_id", "crm", "object", "crm_id", "state", "since")
OBJECTS: Final = ("Lead", "Contact")

_PREFIXES: Final = {"Lead": "00Q", "Contact": "003"}
_SOURCE_IDS: Final = {"hubspot": re.compile(r"\d{1,20}", re.ASCII)}
"""Sources whose ids have a form that can be checked."""
_HARMLESS: Final = re.compile(r"'\s*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with a row (1 is the header), and what to do."""

    row: int
    column: str
    value: str
    message: str
    fix: str

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.message}. Fix: {self.fix}."


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A good row: its link and where it stands."""

    row: int
    link: Link


def read_rows(
    rows: Iterable[Sequence[str]], *, crm: str, sources: Collection[str], now: datetime
) -> tuple[list[LinkRow], list[RowProblem]]:
    """The links of a table whose first row is the header. A blank date is `now`; blank rows are none."""
    each = enumerate(rows, start=1)
    problems = [*_header_problems(next(each, (1, ()))[1])]
    if problems:
        return [], problems
    found: list[LinkRow] = []
    for number, cells in each:
        if not any(cell.strip() for cell in cells):
            continue
        reader = _Row(number, cells, crm, sources, now)
        link = reader.link()
        problems += reader.problems
        if link is not None:
            found.append(LinkRow(number, link))
    return found, [*problems, *_doubles(found)]


def clashes(rows: Sequence[LinkRow], known: Sequence[Link]) -> list[RowProblem]:
    """Rows that cannot stand beside the links that are there and that the table leaves as they are."""
    said = {place(one.link) for one in rows}
    left = [k for k in known if k.state == Linked.LIVE and place(k) not in said and not is_own(k)]
    by_record = {(k.key, k.crm): k for k in left}
    by_object = {_object(k): k for k in left}
    found: list[RowProblem] = []
    for one in rows:
        link = one.link
        if link.state != Linked.LIVE or is_own(link):
            continue
        if other := by_record.get((link.key, link.crm)):
            there = f"{link.key} has a live link to {other.object} {other.crm_id} already"
            fix = f"add a row that says how the link to {other.crm_id} ended, or leave this row out"
            found.append(RowProblem(one.row, "source_id", link.key.source_id, there, fix))
        if (other := by_object.get(_object(link))) and other.key != link.key:
            there = f"{link.object} {link.crm_id} has a live link to {other.key} already"
            fix = f"add a row that says how the link of {other.key} ended, or leave this row out"
            found.append(RowProblem(one.row, "crm_id", link.crm_id, there, fix))
    return found


def _object(link: Link) -> tuple[str, str, str, str]:
    return (link.key.source, link.crm, link.object, link.crm_id)


def _header_problems(header: Sequence[str]) -> Iterator[RowProblem]:
    names = [cell.strip().lower() for cell in header]
    if tuple(names) != COLUMNS:
        fix = f"write exactly {','.join(COLUMNS)}, as links export does"
        yield RowProblem(1, "", ",".join(header)[:80], "the header is not that of a table of links", fix)


class _Row:
    """One row being read; what is wrong with it is collected."""

    def __init__(
        self, number: int, cells: Sequence[str], crm: str, sources: Collection[str], now: datetime
    ) -> None:
        self.number, self.crm, self.sources, self.now = number, crm, sources, now
        self.problems: list[RowProblem] = []
        if len(cells) != len(COLUMNS):
            message = f"it has {len(cells)} cells, not {len(COLUMNS)}"
            self._wrong("", "", message, "write one cell for each column; quote a cell that holds a comma")
        self.cells: Mapping[str, str] = {
            name: _plain(cell) for name, cell in zip(COLUMNS, cells, strict=False)
        }

    def link(self) -> Link | None:
        if self.problems:
            return None
        source = self._one_of("source", sorted({*self.sources, self.crm}))
        crm = self._one_of("crm", [self.crm])
        kind = self._one_of("object", OBJECTS)
        state = self._one_of("state", [state.value for state in Linked])
        there = self._crm_id("crm_id", kind) if kind else ""
        key = LeadKey(source, self._source_id(source))
        since = self._since()
        if crm and source == crm and kind == "Lead" and there and key.source_id and key.source_id != there:
            message = f"a Lead of {crm} itself can only be linked to itself"
            self._wrong("crm_id", there, message, f"write {key.source_id}, or name the marketing system")
        return None if self.problems else Link(key, crm, kind, there, state, since)

    def _wrong(self, column: str, value: str, message: str, fix: str) -> str:
        self.problems.append(RowProblem(self.number, column, value[:80], message, fix))
        return ""

    def _one_of(self, column: str, known: Sequence[str]) -> str:
        value = self.cells[column]
        if value in known:
            return value
        message = f"{value!r} is no {column}" if value else "it is empty"
        return self._wrong(column, value, message, f"write {' or '.join(known)}")

    def _source_id(self, source: str) -> str:
        value = self.cells["source_id"]
        if not value:
            return self._wrong("source_id", value, "it is empty", "write the marketing record's id")
        if source == self.crm:
            return self._crm_id("source_id", "Lead")
        form = _SOURCE_IDS.get(source)
        if form is not None and not form.fullmatch(value):
            fix = "write the record's id as the marketing system shows it, in digits only"
            return self._wrong("source_id", value, f"{value!r} is no id of {source}", fix)
        return value

    def _crm_id(self, column: str, kind: str) -> str:
        value = self.cells[column]
        found = crm_id(value, kind)
        if not found:
            fix = f"write the {kind}'s id of 15 or 18 characters, which begins with {_PREFIXES[kind]}"
            return self._wrong(column, value, f"{value!r} is no id of a {kind}", fix)
        if len(value) == 18 and value != found:
            message = f"the last three characters of {value} do not fit the others: its case was changed"
            return self._wrong(
                column, value, message, "copy the id anew from the CRM, not from a spreadsheet"
            )
        return found

    def _since(self) -> datetime:
        text = self.cells["since"]
        if not text:
            return self.now
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            fix = "write a moment such as 2026-03-01T09:00:00Z, or leave it empty"
            self._wrong("since", text, f"{text!r} is no moment with a zone", fix)
            return self.now
        return moment.astimezone(UTC)


def _plain(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running a cell."""
    return (cell[1:] if _HARMLESS.match(cell) else cell).strip()


def _doubles(rows: Sequence[LinkRow]) -> Iterator[RowProblem]:
    """A link said twice, and live links that cannot stand beside each other."""
    by_place: dict[object, list[LinkRow]] = defaultdict(list)
    by_record: dict[object, list[LinkRow]] = defaultdict(list)
    by_object: dict[object, list[LinkRow]] = defaultdict(list)
    for one in rows:
        by_place[place(one.link)].append(one)
    for first, *others in by_place.values():
        for one in others:
            message = f"row {first.row} says the same link"
            yield RowProblem(one.row, "crm_id", one.link.crm_id, message, "delete one of the two rows")
        if first.link.state == Linked.LIVE and not is_own(first.link):
            by_record[first.link.key, first.link.crm].append(first)
            by_object[_object(first.link)].append(first)
    for first, *others in by_record.values():
        for one in others:
            message = f"row {first.row} gives {one.link.key} a live link already"
            yield RowProblem(one.row, "state", "live", message, "say of one of them how it ended")
    for first, *others in by_object.values():
        for one in others:
            message = f"row {first.row} links {one.link.object} {one.link.crm_id} to {first.link.key}"
            yield RowProblem(one.row, "crm_id", one.link.crm_id, message, "say of one of them how it ended")
