"""For many leads at once: the first row of a layer that accepts the classes of all their values.

The rows go by in blocks, and leads that have matched drop out. A layer of very many rows is filed first: a
row that lists a few values of one column is looked at only for the leads that have one of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rules.condition import Condition
from rules.fold import fold
from rules.frame_bits import Bits, Flips, Kinds, Places, Table, Words, bits_of, placed_words, words_of
from rules.frame_codes import Classes, Ints
from rules.layers import CompiledLayer

Codes = npt.NDArray[Any]
"""Codes of as many bytes as they need."""


_ONE: Final = np.uint64(1)
_NO_ROW: Final = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Sizes:
    """How the work is cut; what is found is the same for all.

    `block` is in words of 64 rows, `chunk` in words too: as many leads as have them in a block. `classes` is
    how many combinations of values are worked out beforehand. A layer of more than `index_rows` rows is filed
    when there are more than `index_leads` leads; its blocks are of `filed_block` words.
    """

    block: int = 32
    filed_block: int = 8
    chunk: int = 32_768
    classes: int = 4_096
    index_rows: int = 5_000
    index_leads: int = 100_000


MOST_LISTED = 8
"""A row is filed under at most so many values."""
LEAST_VALUES, MOST_VALUES = 8, 1_000
"""How many values a column may have to file by."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of a layer in the order in which they are looked at: row `rows[p]` at place p.

    With an index the rows are filed under `values`, numbers of literals of the column `index`, and ascend
    within each; else they ascend.
    """

    rows: Ints
    order: Places
    columns: tuple[Bits, ...]
    index: int | None = None
    values: Ints | None = None


class LayerBits:
    """A compiled layer as arrays: all rows in Order, and filed."""

    def __init__(self, layer: CompiledLayer) -> None:
        self.layer = layer
        self.facts = tuple(column.fact.name for column in layer.columns)
        every = np.arange(len(layer.rows), dtype=np.int32)
        columns = tuple(bits_of(column) for column in layer.columns)
        self.plain = Layout(every, every.astype(np.intp), columns)
        self._filed: tuple[Layout, ...] | None = None

    @property
    def filed(self) -> tuple[Layout, ...]:
        """The rows in parts, each filed by one column, and the rest; worked out when first asked for."""
        if self._filed is None:
            self._filed = tuple(_filed(self.plain))
        return self._filed


def _filed(plain: Layout) -> Iterator[Layout]:
    left = np.ones(len(plain.rows), dtype=bool)
    for index in _best_indexes(plain.columns):
        values, rows = _listed(plain.columns[index], left)
        if len(rows):
            left[rows] = False
            yield _laid_out(plain, rows, index, values)
    if left.any():
        yield _laid_out(plain, np.flatnonzero(left).astype(np.int32), None, None)


def _best_indexes(columns: Sequence[Bits]) -> list[int]:
    """The columns with the most values, as far as these are not too many."""
    sizes = {number: len(bits.numbers) for number, bits in enumerate(columns)}
    fitting = [number for number, size in sizes.items() if LEAST_VALUES <= size <= MOST_VALUES]
    return sorted(fitting, key=lambda number: -sizes[number])[:3]


def _listed(bits: Bits, left: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Value and row, in this order, of the rows left that list a few values and accept nothing else."""
    values: list[int] = []
    rows: list[int] = []
    for condition, held in bits.column.cells:
        if _lists_few(condition):
            numbers = [bits.numbers[literal] for literal in condition.literals]
            values += numbers * len(held)
            rows += [row for row in held for _ in numbers]
    value, row = np.array(values, dtype=np.int32), np.array(rows, dtype=np.int32)
    kept = left.take(row)
    value, row = value[kept], row[kept]
    order = np.lexsort((row, value))
    return value.take(order), row.take(order)


def _lists_few(condition: Condition) -> bool:
    if condition.accepts_other or condition.accepts_none or condition.accepts_unmapped or condition.patterns:
        return False
    return 0 < len(condition.literals) <= MOST_LISTED


def _laid_out(plain: Layout, rows: Ints, index: int | None, values: Ints | None) -> Layout:
    order = np.argsort(rows, kind="stable")
    columns = [bits.placed(order, rows) for bits in plain.columns]
    if index is not None and values is not None:
        # A row stands under each value that it lists, and there it is for that value only.
        only = Flips(values, np.arange(len(rows), dtype=np.int32))
        old = columns[index]
        columns[index] = Bits(old.column, old.numbers, np.zeros_like(old.unnamed), only)
    return Layout(rows, order, tuple(columns), index, values)


# --- the values of a frame --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """The days that leads are decided on: for each the rows in force, and which day each lead has."""

    rows: tuple[int, ...]
    codes: Ints


class _DayTable:
    """The rows in force on each day, as lines of words."""

    def __init__(self, rows: Sequence[int], layout: Layout, size: int) -> None:
        self._lines = placed_words(words_of(rows, size), layout.rows)

    def block(self, low: int, high: int) -> Words:
        """The line of each day, for the words from `low` to `high`."""
        return self._lines[:, low:high]

    def differing(self, low: int, high: int) -> tuple[Places, Words]:
        """The lines, and which of them each day has."""
        return np.arange(len(self._lines)), self.block(low, high)


_Tables = Sequence[Table | _DayTable]


class _Group:
    """Columns that are looked up together, by one code for each combination of their kinds."""

    def __init__(self, columns: Sequence[int], sizes: Sequence[int], *, most: int) -> None:
        self._columns = columns
        self._sizes = [sizes[column] for column in columns]
        self.size = math.prod(self._sizes)
        self._wide = self.size > most
        self._kinds = () if self._wide else np.unravel_index(np.arange(self.size), self._sizes)

    def codes(self, kinds: Sequence[Ints], codes: Sequence[Ints]) -> Codes:
        """The combination of each lead; `kinds` is the kind of each class, `codes` the leads' classes."""
        dtype = np.int16 if self.size < 32_768 else np.int32
        found: Codes = np.zeros(len(codes[0]), dtype=dtype)
        for column, size in zip(self._columns, self._sizes, strict=True):
            found *= dtype(size)
            found += kinds[column].astype(dtype).take(codes[column])
        return found

    def block(self, tables: _Tables, low: int, high: int) -> tuple[Places | None, Words]:
        """The lines of all combinations; of a column with very many kinds only those that differ, and which
        one each kind has."""
        if self._wide:
            return tables[self._columns[0]].differing(low, high)
        found = tables[self._columns[0]].block(low, high).take(self._kinds[0], axis=0)
        for column, kinds in zip(self._columns[1:], self._kinds[1:], strict=True):
            found &= tables[column].block(low, high).take(kinds, axis=0)
        return None, found


def _groups(sizes: Sequence[int], most: int) -> list[_Group]:
    """Few groups of at most so many combinations; a column with more stands alone."""
    bins: list[list[int]] = []
    for number in sorted(range(len(sizes)), key=lambda n: -sizes[n]):
        fitting = (b for b in bins if math.prod(sizes[n] for n in b) * sizes[number] <= most)
        place = next(fitting, None)
        if place is None:
            bins.append([number])
        else:
            place.append(number)
    return [_Group(columns, sizes, most=most) for columns in bins]


# --- the search -------------------------------------------------------------------------------------------


def first_rows(
    bits: LayerBits, codes: Mapping[str, Ints], classes: Mapping[str, Classes], days: Days, sizes: Sizes
) -> Ints:
    """For each lead the first row, by its place in Order, that is in force and accepts all its values; -1
    where none does. `codes` holds the classes of each fact's values."""
    size, count = len(bits.layer.rows), len(days.codes)
    best = np.full(count, size, dtype=np.int32)
    kinds = [
        Kinds(of, classes[name].samples) for of, name in zip(bits.plain.columns, bits.facts, strict=True)
    ]
    groups = _groups([*(kind.size for kind in kinds), len(days.rows)], sizes.classes)
    of_class = [*(kind.of_class for kind in kinds), np.arange(len(days.rows), dtype=np.int32)]
    every = [*(codes[name] for name in bits.facts), days.codes]
    looked_up = [group.codes(of_class, every) for group in groups]
    is_large = size > sizes.index_rows and count > sizes.index_leads
    for layout in bits.filed if is_large else (bits.plain,):
        search = _Search(layout, _tables(layout, kinds, days, size), groups, sizes.chunk)
        if layout.index is None:
            search.all(looked_up, best, sizes.block)
        else:
            name = bits.facts[layout.index]
            values = _numbers(layout.columns[layout.index], classes[name]).take(codes[name])
            search.filed(looked_up, values, best, sizes.filed_block)
    best[best == size] = -1
    return best


def _numbers(bits: Bits, classes: Classes) -> Ints:
    """The literal that each class is in this column, by number; -1 for none."""
    keys = (fold(value) if isinstance(value, str) else None for value in classes.samples)
    return np.array([-1 if key is None else bits.numbers.get(key, -1) for key in keys], dtype=np.int32)


def _tables(layout: Layout, kinds: Sequence[Kinds], days: Days, size: int) -> _Tables:
    tables: list[Table | _DayTable] = [
        Table(bits, kind, layout.order, layout.rows) for bits, kind in zip(layout.columns, kinds, strict=True)
    ]
    return [*tables, _DayTable(days.rows, layout, size)]


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks through one layout's rows."""

    layout: Layout
    tables: _Tables
    groups: Sequence[_Group]
    chunk: int

    def all(self, codes: Sequence[Codes], best: Ints, words: int) -> None:
        """Through all rows, for the leads that have none better yet."""
        left = np.arange(len(best), dtype=np.int32)
        for low, high in self._blocks(words):
            left = left[best.take(left) > self.layout.rows[low * 64]]
            if not len(left):
                break
            found = self._first([code.take(left) for code in codes], low, high)
            best[left] = np.minimum(best.take(left), found)

    def filed(self, codes: Sequence[Codes], values: Ints, best: Ints, words: int) -> None:
        """The leads by value; each block of rows with the leads that have one of the block's values."""
        filed, rows = self.layout.values, self.layout.rows
        assert filed is not None
        order = np.argsort(values.astype(np.int16), kind="stable").astype(np.int32)
        starts = np.searchsorted(values.take(order), np.arange(MOST_VALUES + 1))
        # From here on all is read from front to back, which is much quicker than by leaps.
        codes = [code.take(order) for code in codes]
        mine = best.take(order)
        for low, high in self._blocks(words):
            last = min(high * 64, len(rows)) - 1
            start, end = starts[filed[low * 64]], starts[filed[last] + 1]
            kept = np.flatnonzero(mine[start:end] > rows[low * 64 : last + 1].min())
            if len(kept):
                found = self._first([code[start:end].take(kept) for code in codes], low, high)
                mine[start + kept] = np.minimum(mine[start:end].take(kept), found)
        best[order] = mine

    def _blocks(self, words: int) -> Iterator[tuple[int, int]]:
        end = -(-len(self.layout.rows) // 64)
        for low in range(0, end, words):
            yield low, min(low + words, end)

    def _first(self, codes: Sequence[Codes], low: int, high: int) -> Ints:
        """The first row of a block that holds for each lead, or a number above all rows."""
        tables = [group.block(self.tables, low, high) for group in self.groups]
        rows = np.full((high - low) * 64 + 1, _NO_ROW, dtype=np.int32)
        here = self.layout.rows[low * 64 : high * 64]
        rows[: len(here)] = here
        count, step = len(codes[0]), max(1, self.chunk // (high - low))
        room = np.empty((2, min(step, count), high - low), dtype=np.uint64)
        found = np.empty(count, dtype=np.int32)
        for start in range(0, count, step):
            part = slice(start, start + step)
            place = _first_bits(tables, [code[part] for code in codes], room)
            rows.take(place, out=found[part], mode="clip")
        return found


def _first_bits(tables: Sequence[tuple[Places | None, Words]], codes: Sequence[Codes], room: Words) -> Places:
    """For each lead the first bit that its lines have in common; the number of bits for none. Works in
    `room`, since fresh memory costs more than the work itself."""
    common, other = room[:, : len(codes[0])]
    for number, ((which, lines), code) in enumerate(zip(tables, codes, strict=True)):
        line = code if which is None else which.take(code)
        lines.take(line, axis=0, out=other if number else common, mode="clip")
        if number:
            np.bitwise_and(common, other, out=common)
    width = common.shape[1]
    word = _first_filled(common != 0)
    bits = common.reshape(-1).take(np.arange(0, common.size, width) + word)
    return np.where(bits == 0, width * 64, word * 64 + _lowest(bits))


def _first_filled(filled: npt.NDArray[np.bool_]) -> Places:
    """The first True of each line; 0 where there is none."""
    if filled.shape[1] != 8:
        first: Places = np.argmax(filled, axis=1)
        return first
    # Eight bytes of one line are one number, which is several times as quick.
    eight: Words = filled.view(np.uint64).reshape(-1)
    return (_lowest(eight) >> 3) & 7


def _lowest(bits: Words) -> Places:
    """The number of the lowest bit set; 64 for none."""
    below: npt.NDArray[np.uint8] = np.bitwise_count((bits & (~bits + _ONE)) - _ONE)
    return below.astype(np.intp)
