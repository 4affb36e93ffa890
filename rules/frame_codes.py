"""Columns of a data frame as codes: each distinct value is read once, and values that no rule tells apart
share a class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from rules.columns import Column, Kind, LineColumn
from rules.condition import Cut
from rules.facts import normaliser_of
from rules.model import FactValue, RoutingTables, Unmapped

Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.intp]
Objects = npt.NDArray[np.object_]

NONE: Final = 0
UNMAPPED: Final = 1
"""The first two classes of every fact."""
_EXACT: Final = 2**53
"""Whole numbers below it are the same as float and as int."""
_SAMPLE: Final = 2_000


class Classes:
    """The classes of one fact: the rows of every column that reads the fact treat a class's values alike.

    `samples` holds a value of each. `plain_numbers`: the fact is a number, and no text of digits means
    anything else.
    """

    def __init__(self, columns: Sequence[Column], *, plain_numbers: bool = False) -> None:
        self.samples: list[FactValue] = [None, Unmapped("")]
        self.any_unmapped = False
        self._columns = tuple(columns)
        self._on_a_line = plain_numbers and all(isinstance(c, LineColumn) for c in columns)
        self._numbers: dict[tuple[Kind, ...], int] = {}

    def of(self, value: FactValue) -> int:
        """The class of a value; a new one if need be."""
        if value is None:
            return NONE
        if isinstance(value, Unmapped):
            self.any_unmapped = True
            return UNMAPPED
        kinds = tuple([column.kind(value) for column in self._columns])
        found = self._numbers.get(kinds)
        if found is None:
            found = self._numbers[kinds] = len(self.samples)
            self.samples.append(value)
        return found

    def of_all(self, values: Sequence[object], read: Callable[[object], FactValue]) -> Ints:
        """The class of each raw value."""
        if not self._on_a_line:
            return np.array([self.of(read(value)) for value in values], dtype=np.int32)
        found = np.empty(len(values), dtype=np.int32)
        whole: dict[int, int] = {}
        for place, value in enumerate(values):
            number = _whole_number(value)
            if number is None:
                found[place] = self.of(read(value))
            else:
                whole[place] = number
        found[list(whole)] = self._of_numbers(list(whole.values()))
        return found

    def _of_numbers(self, numbers: Sequence[int]) -> Ints:
        """The class of each whole number: of one in each stretch between two cuts, for all in it."""
        lines = (c for c in self._columns if isinstance(c, LineColumn))
        cuts = np.unique(np.array([_least_above(cut) for line in lines for cut in line.cuts], dtype=np.int64))
        stretches = np.searchsorted(cuts, np.array(numbers, dtype=np.int64), side="right")
        _, first, which = np.unique(stretches, return_index=True, return_inverse=True)
        samples = [Decimal(numbers[place]) for place in first.tolist()]
        return np.array([self.of(sample) for sample in samples], dtype=np.int32).take(which)


def _whole_number(raw: Any) -> int | None:
    """The number that a raw value surely is; None leaves it to the reader of the fact."""
    kind = type(raw)
    if kind is str:
        plain = len(raw) < 16 and raw.isascii() and raw.isdigit() and (raw[0] != "0" or raw == "0")
        return int(raw) if plain else None
    if kind is int or (kind is float and raw == raw // 1):
        return int(raw) if -_EXACT < raw < _EXACT else None
    return None


def _least_above(cut: Cut) -> int:
    """The least whole number above a cut, or the nearest to it that counts as exact."""
    at, is_after = cut
    if not -_EXACT < at < _EXACT:
        return -_EXACT if at < 0 else _EXACT
    return math.floor(at) + 1 if is_after else math.ceil(at)


def coded(tables: RoutingTables, leads: pd.DataFrame, classes: dict[str, Classes]) -> dict[str, Ints]:
    """For each of these facts the class of every lead's value. As with `decide`, the last column that names
    a fact counts, in whatever spelling; a fact without a column is missing."""
    normaliser = normaliser_of(tables)
    labels = [label if isinstance(label, str) else "" for label in leads.columns]
    places = {normaliser.name(label): number for number, label in enumerate(labels) if label}
    found: dict[str, Ints] = {}
    for name, of in classes.items():
        if name not in places:
            found[name] = np.zeros(len(leads), dtype=np.int32)
            continue
        where, values = distinct(leads.iloc[:, places[name]])
        read = normaliser.reader(labels[places[name]])
        # A missing value is at -1, which is the last place.
        found[name] = np.append(of.of_all(values, read), np.int32(NONE)).take(where)
    return found


def distinct(column: pd.Series[Any]) -> tuple[Places, list[object]]:
    """Which of the distinct values each cell holds (-1: none), and these as plain Python has them."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), dtype.categories.tolist()
    is_plain = dtype.kind in "biuM" or dtype in ("float32", "float64", "Float32", "Float64")
    if is_plain or (isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow"):
        where, found = pd.factorize(column.array)
        return where, pd.Index(found).tolist()
    return _distinct_cells(np.ascontiguousarray(column.to_numpy(dtype=object)))


def _distinct_cells(cells: Objects) -> tuple[Places, list[object]]:
    """For an array of any objects. Equal texts are mostly one object, since what reads a file shares them:
    then their addresses are told apart first, which takes a quarter of the time."""
    addresses = np.frombuffer(cells, dtype=np.intp) if len(cells) else np.empty(0, dtype=np.intp)
    sample = addresses[:: len(cells) // _SAMPLE + 1]
    if len(np.unique(sample)) * 2 > len(sample):
        return _distinct_objects(cells)
    where, found = pd.factorize(addresses)
    first = np.empty(len(found), dtype=np.intp)
    first[where[::-1]] = np.arange(len(cells) - 1, -1, -1)
    which, values = _distinct_objects(cells.take(first))
    return which.take(where), values


def _distinct_objects(cells: Objects) -> tuple[Places, list[object]]:
    if pd.api.types.infer_dtype(cells, skipna=True) not in ("string", "empty"):
        return _distinct_kinds(cells)
    where, found = pd.factorize(cells)
    return where, pd.Index(found, dtype=object).tolist()


def _distinct_kinds(values: Objects) -> tuple[Places, list[object]]:
    """For cells of any kind: equal values of two types, such as 1, True and 1.0, are two texts."""
    seen: dict[tuple[type, object], int] = {}
    found: list[object] = []
    where = np.empty(len(values), dtype=np.intp)
    for place, value in enumerate(values):
        key = _key(value)
        number = seen.setdefault(key, len(found))
        if number == len(found):
            found.append(value)
        where[place] = number
    return where, found


def _key(value: object) -> tuple[type, object]:
    kind = type(value)
    if kind in (str, int, bool, Unmapped):
        return kind, value
    return kind, str(value)
