"""The rules of a layer, compiled: per column, a value gives the rows whose cell accepts it, as the bits of one int.

The rows that hold are the AND over the columns; the lowest set bit is the first of them. Rows without a cell in a
column accept everything there. Memory is bounded: see `_Memory`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from rules.condition import Condition, Cut, any_value, fits, point
from rules.fold import fold
from rules.model import Fact, FactValue, Row, Unmapped

LAYER_BYTES: Final = 32 * 1024 * 1024
_ENTRY_BYTES = 200
_DAYS_KEPT = 64


class _Memory:
    """Value -> bits, least recently used values dropped by the half once they take more than their share of bytes."""

    __slots__ = ("_bytes", "_half", "_old", "_young")

    def __init__(self, budget: int) -> None:
        self._half = budget // 2
        self._young: dict[object, int] = {}
        self._old: dict[object, int] = {}
        self._bytes = 0

    def get(self, value: object) -> int | None:
        found = self._young.get(value)
        if found is None and (found := self._old.get(value)) is not None:
            self.put(value, found, 0)
        return found

    def put(self, value: object, bits: int, size: int) -> None:
        self._bytes += size + _ENTRY_BYTES
        if self._bytes > self._half:
            self._old, self._young, self._bytes = self._young, {}, size + _ENTRY_BYTES
        self._young[value] = bits


class Column:
    """One condition column: `bits(value)` is the set of rows (bit i is row i) whose cell accepts the value."""

    def __init__(self, fact: Fact, conditions: Sequence[Condition], *, budget: int = LAYER_BYTES) -> None:
        self.fact = fact
        self.size = len(conditions)
        cells: dict[Condition, list[int]] = {}
        for row, condition in enumerate(conditions):
            cells.setdefault(condition, []).append(row)
        self.cells: tuple[tuple[Condition, tuple[int, ...]], ...] = tuple(
            (c, tuple(r)) for c, r in cells.items()
        )
        self.none = self._rows(c.accepts_none for c, _ in self.cells)
        self.unmapped = self._rows(c.accepts_unmapped for c, _ in self.cells)
        self._memory = _Memory(budget)
        self._index()

    def bits(self, value: FactValue) -> int:
        """The rows that accept a normalised value."""
        if value is None:
            return self.none
        if type(value) is Unmapped:
            return self.unmapped
        found = self._memory.get(value)
        return self._miss(value) if found is None else found

    def _miss(self, value: FactValue) -> int:
        if isinstance(value, str):
            bits, own = self._of_key(fold(value)) if not self._is_line else (self._always, False)
            size = len(value)
        else:
            bits, own, size = *self._of_point(value), 0
        self._memory.put(value, bits, size + self.size // 8 if own else size)
        return bits

    def _index(self) -> None:
        """Which cells name a literal, which have patterns, where the line is cut."""
        self._is_line = self.fact.type in ("number", "date")
        self._always = self._rows(c.is_any for c, _ in self.cells)
        self._by_literal: dict[str, list[int]] = {}
        self._by_pattern: dict[str, list[int]] = {}
        for number, (condition, _) in enumerate(self.cells):
            for literal in condition.literals | condition.not_literals:
                self._by_literal.setdefault(literal, []).append(number)
            for pattern in {*condition.patterns, *condition.not_patterns}:
                self._by_pattern.setdefault(pattern, []).append(number)
        self._others = self._row_bytes(c.accepts_other for c, _ in self.cells)
        self._base = int.from_bytes(self._others, "little")
        cuts: set[Cut] = {cut for c, _ in self.cells for interval in c.intervals for cut in interval}
        self._cuts = sorted(cuts)
        self._segments: dict[int, int] = {}

    def _of_key(self, key: str) -> tuple[int, bool]:
        """The rows that accept a folded text, and whether these bits are its own (not those of unnamed texts)."""
        touched = list(self._by_literal.get(key, ()))
        for pattern, numbers in self._by_pattern.items():
            if fits(pattern, key):
                touched += numbers
        if not touched:
            return self._base, False
        rows = bytearray(self._others)
        for number in set(touched):
            condition, held = self.cells[number]
            _mark(rows, held, on=condition.accepts_key(key))
        return int.from_bytes(rows, "little"), True

    def _of_point(self, value: FactValue) -> tuple[int, bool]:
        if not self._is_line or value is None or isinstance(value, (str, Unmapped)):
            return self._always, False
        at = point(value)
        segment = bisect_right(self._cuts, (at, 0))
        found = self._segments.get(segment)
        if found is None:
            found = self._rows(c.accepts_point(at) for c, _ in self.cells)
            # As many as there are cuts; past this many bytes they are worked out again instead of kept.
            if len(self._segments) * self.size // 8 < LAYER_BYTES // 4:
                self._segments[segment] = found
        return found, False

    def _rows(self, accepts: Iterable[bool]) -> int:
        return int.from_bytes(self._row_bytes(accepts), "little")

    def _row_bytes(self, accepts: Iterable[bool]) -> bytes:
        rows = bytearray(self.size // 8 + 1)
        for (_, held), accepted in zip(self.cells, accepts, strict=True):
            if accepted:
                _mark(rows, held, on=True)
        return bytes(rows)


def _mark(rows: bytearray, which: Iterable[int], *, on: bool) -> None:
    if on:
        for row in which:
            rows[row >> 3] |= 1 << (row & 7)
    else:
        for row in which:
            rows[row >> 3] &= ~(1 << (row & 7))


class Days:
    """The column that every layer has: the rows in force on a day, From and Until included."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._all = (1 << len(rows)) - 1
        self._limited = [(i, r.from_, r.until) for i, r in enumerate(rows) if r.from_ or r.until]
        self._kept: dict[date, int] = {}

    def bits(self, on: date) -> int:
        """The rows in force on a day."""
        if not self._limited:
            return self._all
        found = self._kept.get(on)
        if found is None:
            found = self._all
            for row, from_, until in self._limited:
                if (from_ and on < from_) or (until and on > until):
                    found &= ~(1 << row)
            if len(self._kept) >= _DAYS_KEPT:
                self._kept.clear()
            self._kept[on] = found
        return found


def columns_of(rows: Sequence[Row]) -> tuple[Column, ...]:
    """A column for each fact that any row conditions, those that refuse most rows first."""
    by_name: dict[str, dict[int, Condition]] = {}
    for number, row in enumerate(rows):
        for name, condition in row.conditions:
            by_name.setdefault(name, {})[number] = condition
    columns = []
    for name, cells in by_name.items():
        type_ = next(iter(cells.values())).type
        filled = [cells.get(i, any_value(type_)) for i in range(len(rows))]
        columns.append(Column(Fact(name, type_), filled, budget=LAYER_BYTES // len(by_name)))
    return tuple(sorted(columns, key=_openness))


def _openness(column: Column) -> int:
    return sum(len(rows) for condition, rows in column.cells if condition.accepts_other)
