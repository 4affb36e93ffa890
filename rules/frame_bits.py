"""The rows of a layer as bits in arrays, 64 rows a word: what each class of a column's values accepts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rules.columns import Column, LineColumn, TextColumn
from rules.fold import fold
from rules.frame_codes import Ints
from rules.model import FactValue, Unmapped

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.intp]

_NONE, _UNMAPPED, _ALWAYS, _OTHER, _NAMED = range(5)
"""What a column makes of a value: missing, unmapped, not comparable, named by no cell; from there on the
literals of a text column, or the stretches above each cut of a line of numbers."""
_ONE: Final = np.uint64(1)
_MOST_WORDS: Final = 500_000
"""A column's table is worked out as a whole if it is no larger, else block by block."""


@dataclass(frozen=True, slots=True)
class Flips:
    """Single bits that differ from the line before: at which literal or cut, in which row; sorted by row."""

    number: Ints
    row: Ints

    def within(self, low: int, high: int) -> tuple[Ints, Places, Words]:
        """Those of the words from `low` to `high`: number, word counted from `low`, bit."""
        start, end = np.searchsorted(self.row, (low * 64, high * 64))
        row = self.row[start:end]
        return self.number[start:end], (row >> 6) - low, _ONE << (row & 63).astype(np.uint64)

    def placed(self, order: Places, rows: Ints) -> Flips:
        """The same where row `rows[p]` stands at place p; `order` sorts `rows`."""
        by_row = rows.take(order)
        start = np.searchsorted(by_row, self.row, side="left")
        count = np.searchsorted(by_row, self.row, side="right") - start
        which = np.repeat(np.arange(len(self.row)), count)
        offset = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        place = order.take(start.take(which) + offset)
        return _sorted(self.number.take(which), place)


def flips(parts: Iterable[tuple[int, Sequence[int]]]) -> Flips:
    """Flips from numbers and the rows of each."""
    numbers: list[int] = []
    counts: list[int] = []
    rows: list[int] = []
    for number, held in parts:
        numbers.append(number)
        counts.append(len(held))
        rows.extend(held)
    return _sorted(np.repeat(np.array(numbers, dtype=np.int32), np.array(counts, dtype=np.intp)), rows)


def _sorted(number: Ints, row: npt.ArrayLike) -> Flips:
    rows = np.asarray(row, dtype=np.int32)
    order = np.argsort(rows, kind="stable")
    return Flips(number.take(order), rows.take(order))


def words_of(sets: Sequence[int], size: int) -> Words:
    """Sets of that many rows, one line of words each."""
    length = 8 * (size // 64 + 1)
    data = b"".join(each.to_bytes(length, "little") for each in sets)
    return np.frombuffer(data, dtype="<u8").reshape(len(sets), -1)


def placed_words(lines: Words, rows: Ints) -> Words:
    """The same sets where row `rows[p]` stands at place p."""
    bits = np.unpackbits(lines.view(np.uint8), axis=1, bitorder="little").take(rows, axis=1)
    packed = np.packbits(bits, axis=1, bitorder="little")
    whole = np.zeros((len(lines), 8 * (len(rows) // 64 + 1)), dtype=np.uint8)
    whole[:, : packed.shape[1]] = packed
    return whole.view(np.uint64)


@dataclass(frozen=True, slots=True)
class Bits:
    """One column of a layer: lines for what no cell names, and the flips of each literal or cut.

    The line of a literal is that of the unnamed values with its own flips; the line above a cut is the one
    below it with the cut's flips.
    """

    column: Column
    numbers: dict[str, int]
    unnamed: Words
    flips: Flips

    def placed(self, order: Places, rows: Ints) -> Bits:
        """The same where row `rows[p]` stands at place p."""
        return Bits(
            self.column, self.numbers, placed_words(self.unnamed, rows), self.flips.placed(order, rows)
        )


def bits_of(column: Column) -> Bits:
    """A compiled column as arrays."""
    numbers: dict[str, int] = {}
    base = 0
    if isinstance(column, TextColumn):
        numbers = {literal: number for number, literal in enumerate(column.by_literal)}
        found = flips((n, rows) for text, n in numbers.items() for rows in column.unlike_others(text))
        base = column.base
    else:
        assert isinstance(column, LineColumn)
        found = flips((n, rows) for n, switched in enumerate(column.switches) for rows, _ in switched)
    unnamed = words_of((column.none, column.unmapped, column.always, base), column.size)
    return Bits(column, numbers, unnamed, found)


class Kinds:
    """What one column tells apart among the classes of a fact.

    `of_class` gives the kind of each class; there are `size` of them. Texts that no cell names, but patterns
    fit, have flips of their own.
    """

    def __init__(self, bits: Bits, samples: Sequence[FactValue]) -> None:
        kinds, self.more = _kinds(bits, samples)
        self.present, of_class = np.unique(np.array(kinds, dtype=np.int32), return_inverse=True)
        self.size = len(self.present)
        self.of_class: Ints = of_class.astype(np.int32)


class Table:
    """What the values of each kind accept in one column, as lines of words."""

    def __init__(self, bits: Bits, kinds: Kinds, order: Places, rows: Ints) -> None:
        self._is_line = isinstance(bits.column, LineColumn)
        self._kinds = kinds
        self._unnamed = bits.unnamed
        self._flips = (
            _joined(bits.flips, kinds.more.placed(order, rows)) if len(kinds.more.row) else bits.flips
        )
        length = bits.unnamed.shape[1]
        self._whole = self._lines(0, length) if kinds.size * length <= _MOST_WORDS else None

    def block(self, low: int, high: int) -> Words:
        """The line of each kind, for the words from `low` to `high`."""
        return self._lines(low, high) if self._whole is None else self._whole[:, low:high]

    def _lines(self, low: int, high: int) -> Words:
        which, lines = self.differing(low, high)
        return lines.take(which, axis=0)

    def differing(self, low: int, high: int) -> tuple[Places, Words]:
        """The lines that differ for the words from `low` to `high`, and which of them each kind has."""
        number, word, bit = self._flips.within(low, high)
        named, line = _numbered(number)
        lines = np.zeros((_NAMED + len(named), high - low), dtype=np.uint64)
        lines[:_NAMED] = self._unnamed[:, low:high]
        if not self._is_line:
            lines[_NAMED:] = lines[_OTHER]
        np.bitwise_xor.at(lines.reshape(-1), (line + _NAMED) * (high - low) + word, bit)
        if self._is_line:
            np.bitwise_xor.accumulate(lines[_OTHER:], axis=0, out=lines[_OTHER:])
        return self._line_of(named), lines

    def _line_of(self, named: Ints) -> Places:
        """Which line each kind has when only these literals or cuts differ."""
        wanted = self._kinds.present - _NAMED
        place = np.searchsorted(named, wanted)
        if self._is_line:
            # So many of the cuts lie below the stretch.
            found = place + _OTHER
        else:
            is_named = np.append(named, -1).take(place) == wanted
            found = np.where(is_named, place + _NAMED, _OTHER)
        return np.where(wanted < 0, self._kinds.present, found)


def _numbered(numbers: Ints) -> tuple[Ints, Places]:
    """The distinct numbers, ascending, and which of them each is; without sorting, for they are not high."""
    there = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=bool)
    there[numbers] = True
    return np.flatnonzero(there).astype(np.int32), (np.cumsum(there) - 1).take(numbers)


def _joined(one: Flips, other: Flips) -> Flips:
    return _sorted(np.concatenate((one.number, other.number)), np.concatenate((one.row, other.row)))


def _kinds(bits: Bits, samples: Sequence[FactValue]) -> tuple[list[int], Flips]:
    """The column's kind of each value. Texts that patterns fit, but no cell names, get numbers and flips of
    their own."""
    column, kinds = bits.column, []
    patterned: dict[tuple[str, ...], int] = {}
    parts: list[tuple[int, Sequence[int]]] = []
    for value in samples:
        if value is None or isinstance(value, Unmapped):
            kinds.append(_NONE if value is None else _UNMAPPED)
            continue
        kind = column.kind(value)
        if isinstance(kind, tuple):
            key, fitting = kind
            number = bits.numbers[key] if key else -1
            if fitting and not key and (number := patterned.get(fitting, -1)) < 0:
                number = patterned[fitting] = len(bits.numbers) + len(patterned)
                assert isinstance(column, TextColumn) and isinstance(value, str)
                parts += [(number, rows) for rows in column.unlike_others(fold(value))]
            kinds.append(_NAMED + number)
        else:
            kinds.append(_ALWAYS if kind is None else _NAMED + kind)
    return kinds, flips(parts)
