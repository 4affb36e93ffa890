"""A layer's columns cut into regions that no cell tells apart, each with the rows that accept it.

The rows come from the same compiled columns that `decide` reads. A set of rows is an int, bit i is row i by
Order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Final

from rules.columns import Column
from rules.condition import Condition, fits, point
from rules.fold import fold
from rules.layers import CompiledLayer
from rules.model import FactValue, Unmapped
from rules.proof.possible import Sources, Values

DAY: Final = ""
"""The name of the axis of days, which no fact has."""
_MOST_KEPT_BITS: Final = 800_000_000
_MOST_WORK_BITS: Final = 200_000_000_000
_BLOCKS_FROM: Final = 16
_FEW: Final = 8

Regions = Sequence[int]


class Axis:
    """One column: its regions, each a value that stands for it, and which regions each row accepts."""

    def __init__(self, name: str, values: Sequence[FactValue], bits: Callable[[FactValue], int]) -> None:
        self.name = name
        self.values = values
        self.complete = True
        self.cells: list[Regions] = []
        self.cell_of: Sequence[int] = ()
        self.keeps = True
        self._bits = bits
        self._kept: list[int | None] = [None] * len(values)
        self._blocks: dict[tuple[int, int], tuple[int, int]] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        self._hardest: dict[int, int] = {}

    def rows(self, region: int) -> int:
        """The rows that accept a region."""
        found = self._kept[region]
        if found is None:
            found = self._bits(self.values[region])
            if self.keeps:
                self._kept[region] = found
        return found

    def span(self, cell: int) -> tuple[int, int]:
        """The rows that accept all regions of a cell, and those that accept any of them."""
        found = self._spans.get(cell)
        if found is None:
            regions = self.cells[cell]
            found = self._over(regions) if regions else (-1, 0)
            if self.keeps or len(regions) > 1:
                self._spans[cell] = found
        return found

    def hardest(self, cell: int) -> int:
        """The region of a cell that the fewest rows accept."""
        found = self._hardest.get(cell)
        if found is None:
            found = min(self.cells[cell], key=lambda r: (self.rows(r).bit_count(), r))
            self._hardest[cell] = found
        return found

    def of_row(self, row: int) -> Regions:
        """The regions that a row accepts."""
        return self.cells[self.cell_of[row]]

    def is_any(self, row: int) -> bool:
        """Whether a row accepts every region."""
        return len(self.of_row(row)) == len(self.values)

    def _over(self, regions: Regions) -> tuple[int, int]:
        if not self.keeps or not isinstance(regions, range) or len(regions) < _BLOCKS_FROM:
            every, some = -1, 0
            for region in regions:
                every, some = every & self.rows(region), some | self.rows(region)
            return every, some
        every, some = -1, 0
        low, high, size = regions.start, regions.stop, 0
        while low < high:
            for at in (low,) if low & 1 else ():
                every, some, low = every & self._block(size, at)[0], some | self._block(size, at)[1], low + 1
            for at in (high - 1,) if high & 1 and low < high else ():
                every, some, high = every & self._block(size, at)[0], some | self._block(size, at)[1], at
            low, high, size = low >> 1, high >> 1, size + 1
        return every, some

    def _block(self, size: int, at: int) -> tuple[int, int]:
        """`span` of 2 ** size regions in a row."""
        if size == 0:
            return (self.rows(at),) * 2
        found = self._blocks.get((size, at))
        if found is None:
            (a, b), (c, d) = self._block(size - 1, 2 * at), self._block(size - 1, 2 * at + 1)
            found = self._blocks[size, at] = (a & c, b | d)
        return found


@dataclass(frozen=True, slots=True)
class Space:
    """The axes of a layer. Not `feasible` when they are too fine to be worked with."""

    layer: CompiledLayer
    axes: tuple[Axis, ...]
    feasible: bool

    @property
    def size(self) -> int:
        return len(self.layer.rows)


def space_of(layer: CompiledLayer, origin: Sources, on: date | None) -> Space:
    """A layer's axes: its columns, and the days from `on` (any day when None)."""
    axes, feasible = [], True
    for column in (None, *layer.columns):
        axis = _days(layer, on) if column is None else _axis(column, origin)
        axes.append(axis)
        feasible = _is_feasible(axis, len(layer.rows)) and feasible
    return Space(layer, tuple(axes), feasible)


def _is_feasible(axis: Axis, rows: int) -> bool:
    """Whether an axis can be worked with; one of very many texts without keeping the rows of each."""
    size = len(axis.values)
    axis.keeps = size * rows <= _MOST_KEPT_BITS
    has_ranges = any(isinstance(c, range) for c in axis.cells if len(c) < size)
    work = sum(min(len(c), 40) if isinstance(c, range) else len(c) for c in axis.cells)
    return (axis.keeps or not has_ranges) and (work + size) * rows <= _MOST_WORK_BITS


def _days(layer: CompiledLayer, on: date | None) -> Axis:
    """The days on which the rows in force change."""
    first = on or date.min
    days = {first}
    for row in layer.rows:
        if row.from_ and row.from_ > first:
            days.add(row.from_)
        if row.until and first <= row.until < date.max:
            days.add(row.until + timedelta(days=1))
    ascending = sorted(days)
    axis = Axis(DAY, ascending, lambda day: layer.days.bits(day))  # type: ignore[arg-type]
    cells: dict[tuple[date | None, date | None], int] = {}
    axis.cell_of = [cells.setdefault((r.from_, r.until), len(cells)) for r in layer.rows]
    for begin, end in cells:
        low = bisect_left(ascending, begin) if begin else 0
        high = bisect_left(ascending, end + timedelta(days=1)) if end and end < date.max else len(ascending)
        axis.cells.append(range(low, max(low, high)))
    return axis


def _axis(column: Column, origin: Sources) -> Axis:
    values = origin.values(column.fact, [c for c, _ in column.cells])
    axis = Axis(column.fact.name, values.values, column.bits)
    axis.complete = values.complete
    places = _Places(values)
    of_row = [0] * column.size
    for number, (condition, rows) in enumerate(column.cells):
        axis.cells.append(places.of(condition))
        for row in rows:
            of_row[row] = number
    axis.cell_of = of_row
    return axis


class _Places:
    """Finds the regions of a condition among a column's values."""

    def __init__(self, values: Values) -> None:
        self._values = values.values
        self._texts = {fold(v): n for n, v in enumerate(values.values) if isinstance(v, str)}
        self._points = [(point(v), 0) for v in values.values if isinstance(v, (Decimal, date))]
        self._first = next((n for n, v in enumerate(values.values) if isinstance(v, (Decimal, date))), 0)
        self._fitting: dict[str, frozenset[int]] = {}

    def of(self, condition: Condition) -> Regions:
        """The regions of a condition, ascending."""
        if condition.is_any:
            return range(len(self._values))
        extra = [
            n
            for n, v in enumerate(self._values[-2:], start=max(0, len(self._values) - 2))
            if (v is None and condition.accepts_none)
            or (isinstance(v, Unmapped) and condition.accepts_unmapped)
        ]
        if condition.type in ("number", "date"):
            ranges = [self._range(low, high) for low, high in condition.intervals]
            return ranges[0] if len(ranges) == 1 and not extra else tuple(chain(*ranges, extra))
        return (*sorted(self._of_texts(condition)), *extra)

    def _range(self, low: tuple[Decimal, int], high: tuple[Decimal, int]) -> range:
        return range(
            self._first + bisect_left(self._points, low), self._first + bisect_left(self._points, high)
        )

    def _of_texts(self, condition: Condition) -> Iterable[int]:
        if condition.accepts_other:
            found = set(self._texts.values())
        else:
            found = {self._texts[key] for key in condition.literals if key in self._texts}
            found = found.union(*(self._fits(p) for p in condition.patterns))
        found -= {self._texts[key] for key in condition.not_literals if key in self._texts}
        return found.difference(*(self._fits(p) for p in condition.not_patterns))

    def _fits(self, pattern: str) -> frozenset[int]:
        found = self._fitting.get(pattern)
        if found is None:
            found = frozenset(n for key, n in self._texts.items() if fits(pattern, key))
            self._fitting[pattern] = found
        return found


def numbers_of(rows: int) -> list[int]:
    """The rows of a set, ascending."""
    found: list[int] = []
    if rows.bit_count() > _FEW:
        text = bin(rows)[:1:-1]
        at = text.find("1")
        while at >= 0:
            found.append(at)
            at = text.find("1", at + 1)
        return found
    while rows:
        found.append((rows & -rows).bit_length() - 1)
        rows &= rows - 1
    return found


def as_set(numbers: Iterable[int]) -> int:
    """The set of some rows."""
    rows = bytearray()
    for n in numbers:
        if n >> 3 >= len(rows):
            rows.extend(bytes((n >> 3) + 1 - len(rows)))
        rows[n >> 3] |= 1 << (n & 7)
    return int.from_bytes(rows, "little")
