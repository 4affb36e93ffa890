"""The rules of a layer, compiled: per column, a value gives the rows whose cell accepts it, as the bits of
one int.

The rows that hold are the AND over the columns; the lowest set bit is the first of them. Rows without a cell
in a column accept everything there. Memory is bounded: see `_Memory`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from rules.condition import Condition, Cut, any_value, fits, point
from rules.fold import fold
from rules.model import Fact, FactValue, Row, Unmapped

LAYER_BYTES: Final = 32 * 1024 * 1024
_ENTRY_BYTES = 200

Cell = tuple[Condition, tuple[int, ...]]
"""A distinct condition of a column, and the rows that have it."""
_DAYS_KEPT = 64


class _Memory:
    """Value -> bits, least recently used values dropped by the half once they take more than their share of
    bytes."""

    __slots__ = ("_bytes", "_half", "_old", "_young")

    def __init__(self, budget: int) -> None:
        self._half = budget // 2
        self._young: dict[object, int] = {}
        self._old: dict[object, int] = {}
        self._bytes = 0

    def get(self, value: object) -> int | None:
        found = self._young.get(value)
        if found is None and (found := self._old.get(value)) is not None:
            self.put(value, found, found.bit_length() // 8)
        return found

    def put(self, value: object, bits: int, size: int) -> None:
        self._bytes += size + _ENTRY_BYTES
        if self._bytes > self._half:
            self._old, self._young, self._bytes = self._young, {}, size + _ENTRY_BYTES
        self._young[value] = bits


class Column:
    """One condition column: `bits(value)` is the set of rows (bit i is row i) whose cell accepts the value.

    `cells` are its distinct conditions, each with its rows.
    """

    def __init__(self, fact: Fact, conditions: Sequence[Condition], *, budget: int = LAYER_BYTES) -> None:
        self.fact = fact
        self.size = len(conditions)
        cells: dict[Condition, list[int]] = {}
        for row, condition in enumerate(conditions):
            cells.setdefault(condition, []).append(row)
        self.cells: tuple[Cell, ...] = tuple((c, tuple(rows)) for c, rows in cells.items())
        self.none = _int(self._rows(c.accepts_none for c, _ in self.cells))
        self.unmapped = _int(self._rows(c.accepts_unmapped for c, _ in self.cells))
        self._always = _int(self._rows(c.is_any for c, _ in self.cells))
        self._memory = _Memory(budget)

    def bits(self, value: FactValue) -> int:
        """The rows that accept a normalised value."""
        if value is None:
            return self.none
        if type(value) is Unmapped:
            return self.unmapped
        found = self._memory.get(value)
        return self._miss(value) if found is None else found

    def _miss(self, value: FactValue) -> int:
        raise NotImplementedError

    def _rows(self, accepts: Iterable[bool]) -> bytes:
        rows = bytearray(self.size // 8 + 1)
        for (_, held), accepted in zip(self.cells, accepts, strict=True):
            if accepted:
                _mark(rows, held, on=True)
        return bytes(rows)


class TextColumn(Column):
    """Texts and codes: values that no cell names share one int; a named one starts from it."""

    def __init__(self, fact: Fact, conditions: Sequence[Condition], *, budget: int = LAYER_BYTES) -> None:
        super().__init__(fact, conditions, budget=budget)
        self._by_literal: dict[str, list[int]] = {}
        self._by_pattern: dict[str, list[int]] = {}
        for number, (condition, _) in enumerate(self.cells):
            for literal in condition.literals | condition.not_literals:
                self._by_literal.setdefault(literal, []).append(number)
            for pattern in {*condition.patterns, *condition.not_patterns}:
                self._by_pattern.setdefault(pattern, []).append(number)
        self._others = self._rows(c.accepts_other for c, _ in self.cells)
        self.base = _int(self._others)

    def _miss(self, value: FactValue) -> int:
        if not isinstance(value, str):
            return self._always
        touched = self._touched(fold(value))
        bits = self._of(fold(value), touched) if touched else self.base
        self._memory.put(value, bits, len(value) + (self.size // 8 if touched else 0))
        return bits

    def _touched(self, key: str) -> set[int]:
        """The cells that name a key, by a literal or a pattern: only they may treat it unlike an unnamed
        one."""
        touched = set(self._by_literal.get(key, ()))
        for pattern, numbers in self._by_pattern.items():
            if fits(pattern, key):
                touched.update(numbers)
        return touched

    def _of(self, key: str, touched: Iterable[int]) -> int:
        rows = bytearray(self._others)
        for number in touched:
            condition, held = self.cells[number]
            _mark(rows, held, on=condition.accepts_key(key))
        return _int(rows)


class LineColumn(Column):
    """Numbers and days: the cells' cuts part the line into segments; within one all values have the same
    rows.

    Going up the line, each cut switches some rows on or off. The state is kept at every `_STRIDE`th cut; a
    segment's rows are worked out from there when a value first falls into it.
    """

    _STRIDE = 32

    def __init__(self, fact: Fact, conditions: Sequence[Condition], *, budget: int = LAYER_BYTES) -> None:
        super().__init__(fact, conditions, budget=budget)
        switches: dict[Cut, list[tuple[tuple[int, ...], bool]]] = {}
        for condition, held in self.cells:
            for low, high in condition.intervals:
                switches.setdefault(low, []).append((held, True))
                switches.setdefault(high, []).append((held, False))
        self._cuts = sorted(switches)
        self._switches = [switches[cut] for cut in self._cuts]
        self._states: list[bytes] = []
        rows = bytearray(self.size // 8 + 1)
        for number, switched in enumerate(self._switches):
            if number % self._STRIDE == 0:
                self._states.append(bytes(rows))
            _switch(rows, switched)
        self._segment_of = _Memory(budget // 4)

    def bits(self, value: FactValue) -> int:
        """The rows that accept a normalised value."""
        if value is None:
            return self.none
        if type(value) is Unmapped:
            return self.unmapped
        segment = self._segment_of.get(value)
        if segment is None:
            if not isinstance(value, (Decimal, date)) or not self._cuts:
                return self._always
            segment = bisect_right(self._cuts, (point(value), 0))
            self._segment_of.put(value, segment, 0)
        found = self._memory.get(segment)
        return self._of_segment(segment) if found is None else found

    def _of_segment(self, segment: int) -> int:
        """The rows between two cuts: what the cuts below leave switched on."""
        start = min(segment // self._STRIDE, len(self._states) - 1)
        rows = bytearray(self._states[start])
        for switched in self._switches[start * self._STRIDE : segment]:
            _switch(rows, switched)
        bits = _int(rows)
        self._memory.put(segment, bits, self.size // 8)
        return bits


def _switch(rows: bytearray, switched: Iterable[tuple[tuple[int, ...], bool]]) -> None:
    for held, on in switched:
        _mark(rows, held, on=on)


def _int(rows: bytes | bytearray) -> int:
    return int.from_bytes(rows, "little")


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
    columns: list[Column] = []
    for name, cells in by_name.items():
        type_ = next(iter(cells.values())).type
        filled = [cells.get(i, any_value(type_)) for i in range(len(rows))]
        kind = LineColumn if type_ in ("number", "date") else TextColumn
        columns.append(kind(Fact(name, type_), filled, budget=LAYER_BYTES // len(by_name)))
    return tuple(sorted(columns, key=_openness))


def _openness(column: Column) -> int:
    return sum(len(rows) for condition, rows in column.cells if condition.accepts_other)
