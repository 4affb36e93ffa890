"""The rules of a layer, compiled: per column, a value gives the rows whose cell accepts it, as the bits of
one int.

The rows that hold are the AND over the columns; the lowest set bit is the first of them. Rows without a cell
in a column accept everything there. Memory is bounded: see `Pool`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from rules.condition import Condition, Cut, any_value, fits, point
from rules.fold import fold
from rules.model import Fact, FactValue, Row, Unmapped

LAYER_BYTES: Final = 32 * 1024 * 1024
_ENTRY_BYTES = 200

Known = str | Decimal | date
"""A fact that is neither missing nor unmapped."""

Kind = tuple[str, tuple[str, ...]] | int | None
"""Of a text: the literal it is, or "", and the patterns it fits; of a number or day: between which cuts it
lies; None where a column cannot compare the value, and only `*` accepts it."""

Cell = tuple[Condition, tuple[int, ...]]
"""A distinct condition of a column, and the rows that have it."""
_DAYS_KEPT = 64


class Pool:
    """The bytes that the memories of one layer share: past half of them all grow old, and the old goes.

    So what was used lately stays, and a value that comes back from old counts again.
    """

    def __init__(self, budget: int) -> None:
        self._half = budget // 2
        self._bytes = 0
        self._memories: list[Memory] = []

    def memory(self) -> Memory:
        """A new memory that takes its bytes from here."""
        self._memories.append(Memory(self))
        return self._memories[-1]

    def reserve(self, size: int) -> None:
        """Leave that many bytes to something that stays."""
        self._half -= size // 2

    def take(self, size: int) -> None:
        """Count an entry; the memories grow old when that is too much."""
        self._bytes += size
        if self._bytes > self._half:
            self._bytes = size
            for memory in self._memories:
                memory.grow_old()


class Memory:
    """Value -> bits of one column, as long as its layer's pool lasts.

    `young` is one and the same dict for ever: who needs to be quick may look there first.
    """

    __slots__ = ("_always", "_old", "_pool", "young")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._always: dict[object, int] = {}
        self.young: dict[object, int] = {}
        self._old: dict[object, int] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def get(self, value: object) -> int | None:
        """The bits kept for a value, or None."""
        found = self.young.get(value)
        if found is None and (found := self._old.pop(value, None)) is not None:
            self.put(value, found, found.bit_length() // 8)
        return found

    def put(self, value: object, bits: int, size: int) -> None:
        """Keep the bits of a value; `size` is what they take beyond the entry itself, in bytes."""
        self._pool.take(size + _ENTRY_BYTES)
        self.young[value] = bits

    def hold(self, value: object, bits: int) -> None:
        """Keep the bits of a value for ever."""
        self._always[value] = self.young[value] = bits

    def grow_old(self) -> None:
        """Forget what was not asked for since the last time."""
        self._old = self.young.copy()
        self.young.clear()
        self.young.update(self._always)


class Column(ABC):
    """One condition column: `bits(value)` is the set of rows (bit i is row i) whose cell accepts the value.

    `cells` are its distinct conditions, each with its rows.
    """

    def __init__(self, fact: Fact, conditions: Sequence[Condition], pool: Pool) -> None:
        self.fact = fact
        self.size = len(conditions)
        cells = _distinct(conditions)
        self.cells: tuple[Cell, ...] = tuple((c, tuple(rows)) for c, rows in cells.items())
        self.none = _int(self._rows(c.accepts_none for c, _ in self.cells))
        self.unmapped = _int(self._rows(c.accepts_unmapped for c, _ in self.cells))
        self.always = _int(self._rows(c.is_any for c, _ in self.cells))
        self.memory = pool.memory()
        self.memory.hold(None, self.none)

    def bits(self, value: FactValue) -> int:
        """The rows that accept a normalised value."""
        if value is None:
            return self.none
        if type(value) is Unmapped:
            return self.unmapped
        found = self.memory.get(value)
        return self._miss(value) if found is None else found

    @abstractmethod
    def kind(self, value: Known) -> Kind:
        """Values of one kind have the same rows: a few kinds, however many values."""

    @abstractmethod
    def _miss(self, value: FactValue) -> int:
        """The rows that accept a value that is not remembered."""

    def _rows(self, accepts: Iterable[bool]) -> bytes:
        rows = bytearray(self.size // 8 + 1)
        for (_, held), accepted in zip(self.cells, accepts, strict=True):
            if accepted:
                _mark(rows, held, on=True)
        return bytes(rows)


def _distinct(conditions: Sequence[Condition]) -> dict[Condition, list[int]]:
    """Each distinct condition with its rows. Equal ones are mostly one object, which is quick to tell."""
    by_id: dict[int, list[int]] = {}
    for row, condition in enumerate(conditions):
        by_id.setdefault(id(condition), []).append(row)
    cells: dict[Condition, list[int]] = {}
    for rows in by_id.values():
        cells.setdefault(conditions[rows[0]], []).extend(rows)
    return cells


class TextColumn(Column):
    """Texts and codes: values that no cell names share one int; a named one starts from it."""

    def __init__(self, fact: Fact, conditions: Sequence[Condition], pool: Pool) -> None:
        super().__init__(fact, conditions, pool)
        self.by_literal: dict[str, list[int]] = {}
        self._by_pattern: dict[str, list[int]] = {}
        for number, (condition, _) in enumerate(self.cells):
            for literal in condition.literals | condition.not_literals:
                self.by_literal.setdefault(literal, []).append(number)
            for pattern in {*condition.patterns, *condition.not_patterns}:
                self._by_pattern.setdefault(pattern, []).append(number)
        self._others = self._rows(c.accepts_other for c, _ in self.cells)
        self.base = _int(self._others)

    def _miss(self, value: FactValue) -> int:
        if not isinstance(value, str):
            return self.always
        touched = self._touched(fold(value))
        bits = self._of(fold(value), touched) if touched else self.base
        self.memory.put(value, bits, len(value) + (self.size // 8 if touched else 0))
        return bits

    def kind(self, value: Known) -> Kind:
        """Values of one kind have the same rows: a few kinds, however many values."""
        if not isinstance(value, str):
            return None
        key = fold(value)
        fitting = tuple(p for p in self._by_pattern if fits(p, key)) if self._by_pattern else ()
        return key if key in self.by_literal else "", fitting

    def _touched(self, key: str) -> set[int]:
        """The cells that name a key, by a literal or a pattern: only they may treat it unlike an unnamed
        one."""
        touched = set(self.by_literal.get(key, ()))
        for pattern, numbers in self._by_pattern.items():
            if fits(pattern, key):
                touched.update(numbers)
        return touched

    def unlike_others(self, key: str) -> Iterator[tuple[int, ...]]:
        """The rows that treat a folded key unlike one that no cell names, in parts."""
        for number in self._touched(key):
            condition, held = self.cells[number]
            if condition.accepts_key(key) != condition.accepts_other:
                yield held

    def _of(self, key: str, touched: Iterable[int]) -> int:
        rows = bytearray(self._others)
        for number in touched:
            condition, held = self.cells[number]
            _mark(rows, held, on=condition.accepts_key(key))
        return _int(rows)


class LineColumn(Column):
    """Numbers and days: the cells' cuts part the line into segments; within one all values have the same
    rows.

    Going up the line, each cut switches some rows on or off. The state is kept every `stride` cuts, as many
    as fit into `states` bytes; a segment between two of them is worked out from the one below.
    """

    def __init__(self, fact: Fact, conditions: Sequence[Condition], pool: Pool, *, states: int) -> None:
        super().__init__(fact, conditions, pool)
        switches: dict[Cut, list[tuple[tuple[int, ...], bool]]] = {}
        for condition, held in self.cells:
            for low, high in condition.intervals:
                switches.setdefault(low, []).append((held, True))
                switches.setdefault(high, []).append((held, False))
        self.cuts = sorted(switches)
        self.switches = [switches[cut] for cut in self.cuts]
        self._row_bytes = self.size // 8 + 1
        self._stride = 1 + len(self.cuts) * self._row_bytes // states
        self._states = self._walk()
        pool.reserve(len(self._states) * self._row_bytes)

    def _walk(self) -> list[int]:
        rows, states = bytearray(self._row_bytes), [0]
        for number, switched in enumerate(self.switches, start=1):
            _switch(rows, switched)
            if number % self._stride == 0:
                states.append(_int(rows))
        return states

    def _miss(self, value: FactValue) -> int:
        if not isinstance(value, (Decimal, date)) or not self.cuts:
            return self.always
        segment = bisect_right(self.cuts, (point(value), 0))
        bits = self._of_segment(segment)
        self.memory.put(value, bits, self._row_bytes if segment % self._stride else 0)
        return bits

    def kind(self, value: Known) -> Kind:
        """Values of one kind have the same rows: a few kinds, however many values."""
        return None if isinstance(value, str) else bisect_right(self.cuts, (point(value), 0))

    def _of_segment(self, segment: int) -> int:
        """The rows between two cuts: what the cuts below leave switched on."""
        start, beyond = divmod(segment, self._stride)
        if not beyond:
            return self._states[start]
        rows = bytearray(self._states[start].to_bytes(self._row_bytes, "little"))
        for switched in self.switches[segment - beyond : segment]:
            _switch(rows, switched)
        return _int(rows)


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
        self.every = (1 << len(rows)) - 1
        self.limited = [(i, r.from_, r.until) for i, r in enumerate(rows) if r.from_ or r.until]
        self._kept: dict[date, int] = {}

    def bits(self, on: date) -> int:
        """The rows in force on a day."""
        if not self.limited:
            return self.every
        found = self._kept.get(on)
        if found is None:
            found = self.every
            for row, from_, until in self.limited:
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
    types = {name: next(iter(cells.values())).type for name, cells in by_name.items()}
    lines = sum(t in ("number", "date") for t in types.values())
    pool = Pool(LAYER_BYTES)
    columns: list[Column] = []
    for name, cells in by_name.items():
        fact, anything = Fact(name, types[name]), any_value(types[name])
        filled = [cells.get(i, anything) for i in range(len(rows))]
        if fact.type in ("number", "date"):
            columns.append(LineColumn(fact, filled, pool, states=LAYER_BYTES // 2 // lines))
        else:
            columns.append(TextColumn(fact, filled, pool))
    return tuple(sorted(columns, key=_openness))


def _openness(column: Column) -> int:
    return sum(len(rows) for condition, rows in column.cells if condition.accepts_other)
