"""For many leads at once: the first row of a layer that accepts the classes of all their values.

The rows go by in blocks, and leads that have matched drop out. A layer of very many rows is filed first: a
row that lists a few values of one column is looked at only for the leads that have one of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rules.condition import Condition
from rules.fold import fold
from rules.frame_bits import Bits, Flips, Places, Table, Words, bits_of, placed_words, words_of
from rules.frame_codes import Classes, Ints
from rules.layers import CompiledLayer


Codes = npt.NDArray[Any]
"""Codes of as many bytes as they need."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How the work is cut; what is found is the same for all.

    `block` is in words of 64 rows, `chunk` in leads, `classes` how many combinations of values are worked out
    beforehand. A layer of more than `index_rows` rows is filed when there are more than `index_leads` leads.
    """

    block: int = 32
    chunk: int = 4_096
    classes: int = 4_096
    index_rows: int = 20_000
    index_leads: int = 100_000


MOST_LISTED = 8
"""A row is filed under at most so many values."""
LEAST_VALUES, MOST_VALUES = 16, 1_000
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


class _Days:
    """The rows in force on each day, as a table."""

    def __init__(self, rows: Sequence[int], layout: Layout, size: int) -> None:
        self.size = len(rows)
        self.of_class = np.arange(self.size, dtype=np.int32)
        self._lines = placed_words(words_of(rows, size), layout.rows)

    def block(self, low: int, high: int) -> tuple[Places, Words]:
        return np.arange(self.size), self._lines[:, low:high]


class _Group:
    """Columns whose classes are looked up together: one code for each combination."""

    def __init__(self, tables: Sequence[Table | _Days], codes: Sequence[Ints], most: int) -> None:
        self._tables = tables
        self.size = int(np.prod([table.size for table in tables]))
        self._wide = self.size > most
        dtype = np.int16 if self.size < 32_768 else np.int32
        self.codes: Codes = np.zeros(len(codes[0]), dtype=dtype)
        for table, code in zip(tables, codes, strict=True):
            self.codes *= dtype(table.size)
            self.codes += table.of_class.astype(dtype).take(code)

    def block(self, low: int, high: int) -> tuple[Places | None, Words]:
        """The lines of all combinations; of a column with very many classes only those that differ, and which
        one each class has."""
        which, lines = self._tables[0].block(low, high)
        if self._wide:
            return which, lines
        found = lines.take(which, axis=0)
        for table in self._tables[1:]:
            which, lines = table.block(low, high)
            found = (found[:, None, :] & lines.take(which, axis=0)[None, :, :]).reshape(-1, high - low)
        return None, found


def _groups(tables: Sequence[Table | _Days], codes: Sequence[Ints], most: int) -> list[_Group]:
    """Few groups of at most so many combinations; a column with more stands alone."""
    bins: list[list[int]] = []
    sizes: list[int] = []
    for number in sorted(range(len(tables)), key=lambda n: -tables[n].size):
        size = tables[number].size
        place = next((i for i, taken in enumerate(sizes) if taken * size <= most), None)
        if place is None:
            bins.append([number])
            sizes.append(size)
        else:
            bins[place].append(number)
            sizes[place] *= size
    return [_Group([tables[n] for n in bin_], [codes[n] for n in bin_], most) for bin_ in bins]


# --- the search -------------------------------------------------------------------------------------------


def first_rows(
    bits: LayerBits, codes: Mapping[str, Ints], classes: Mapping[str, Classes], days: Days, sizes: Sizes
) -> Ints:
    """For each lead the first row, by its place in Order, that is in force and accepts all its values; -1
    where none does. `codes` holds the classes of each fact's values."""
    size, count = len(bits.layer.rows), len(days.codes)
    best = np.full(count, size, dtype=np.int32)
    is_large = size > sizes.index_rows and count > sizes.index_leads
    for layout in bits.filed if is_large else (bits.plain,):
        tables: list[Table | _Days] = [
            Table(column, classes[name].samples, layout.order, layout.rows)
            for name, column in zip(bits.facts, layout.columns, strict=True)
        ]
        tables.append(_Days(days.rows, layout, size))
        parts = [*(codes[name] for name in bits.facts), days.codes]
        groups = _groups(tables, parts, sizes.classes)
        if layout.index is None:
            _search_all(layout, groups, best, sizes)
        else:
            name = bits.facts[layout.index]
            values = _numbers(layout.columns[layout.index], classes[name]).take(codes[name])
            _search_filed(layout, groups, values, best, sizes)
    best[best == size] = -1
    return best


def _numbers(bits: Bits, classes: Classes) -> Ints:
    """The literal that each class is in this column, by number; -1 for none."""
    keys = (fold(value) if isinstance(value, str) else None for value in classes.samples)
    return np.array([-1 if key is None else bits.numbers.get(key, -1) for key in keys], dtype=np.int32)


def _search_all(layout: Layout, groups: Sequence[_Group], best: Ints, sizes: Sizes) -> None:
    """Through all rows, for the leads that have none better yet."""
    left = np.arange(len(best), dtype=np.int32)
    codes = [group.codes for group in groups]
    for low, high in _blocks(layout, sizes):
        kept = best.take(left) > layout.rows[low * 64]
        if not kept.all():
            left, codes = left[kept], [code[kept] for code in codes]
        if not len(left):
            break
        _search(layout, groups, codes, left, best, low, high, sizes.chunk)


def _search_filed(layout: Layout, groups: Sequence[_Group], values: Ints, best: Ints, sizes: Sizes) -> None:
    """The leads by value; each block of rows with the leads that have one of the block's values."""
    assert layout.values is not None and layout.index is not None
    top = len(layout.columns[layout.index].numbers)
    order = np.argsort(values.astype(np.int16), kind="stable").astype(np.int32)
    starts = np.searchsorted(values.take(order), np.arange(top + 1))
    codes = [group.codes.take(order) for group in groups]
    for low, high in _blocks(layout, sizes):
        last = min(high * 64, len(layout.rows)) - 1
        part = slice(starts[layout.values[low * 64]], starts[layout.values[last] + 1])
        left = order[part]
        kept = np.flatnonzero(best.take(left) > layout.rows[low * 64 : last + 1].min())
        if len(kept):
            held = [code[part].take(kept) for code in codes]
            _search(layout, groups, held, left.take(kept), best, low, high, sizes.chunk)


def _blocks(layout: Layout, sizes: Sizes) -> Iterator[tuple[int, int]]:
    end = -(-len(layout.rows) // 64)
    for low in range(0, end, sizes.block):
        yield low, min(low + sizes.block, end)


def _search(
    layout: Layout,
    groups: Sequence[_Group],
    codes: Sequence[Codes],
    left: Ints,
    best: Ints,
    low: int,
    high: int,
    chunk: int,
) -> None:
    """Look at one block of rows for these leads, and keep what is better."""
    lines = []
    held = []
    for group, code in zip(groups, codes, strict=True):
        which, found = group.block(low, high)
        lines.append(found)
        held.append(code if which is None else which.take(code))
    for start in range(0, len(left), chunk):
        place = _first_bits(lines, [code[start : start + chunk] for code in held])
        hit = np.flatnonzero(place >= 0)
        if len(hit):
            leads = left[start : start + chunk].take(hit)
            rows = layout.rows.take(low * 64 + place.take(hit))
            best[leads] = np.minimum(best.take(leads), rows)


def _first_bits(lines: Sequence[Words], codes: Sequence[Codes]) -> Places:
    """For each lead the first bit that its lines have in common; -1 for none."""
    common = lines[0].take(codes[0], axis=0)
    for line, code in zip(lines[1:], codes[1:], strict=True):
        common &= line.take(code, axis=0)
    word = (common != 0).argmax(axis=1)
    bits = common[np.arange(len(common)), word]
    place = word * 64 + np.bitwise_count((bits & (~bits + np.uint64(1))) - np.uint64(1))
    return np.where(bits == 0, -1, place)
