"""Columns of a data frame as codes: each distinct value is read once, and values that no rule tells apart
share a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from rules.columns import Column, Kind
from rules.facts import normaliser_of
from rules.model import FactValue, RoutingTables, Unmapped

Ints = npt.NDArray[np.int32]

NONE: Final = 0
UNMAPPED: Final = 1
"""The first two classes of every fact."""


class Classes:
    """The classes of one fact: the rows of every column that reads the fact treat a class's values alike.

    `samples` holds a value of each.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.samples: list[FactValue] = [None, Unmapped("")]
        self.any_unmapped = False
        self._columns = tuple(columns)
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
        numbers = np.array([*[of.of(read(value)) for value in values], NONE], dtype=np.int32)
        found[name] = numbers.take(where)
    return found


def distinct(column: pd.Series[Any]) -> tuple[npt.NDArray[np.intp], list[object]]:
    """Which of the distinct values each cell holds (-1: none), and these as plain Python has them."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), dtype.categories.tolist()
    values: Any = column.array
    if isinstance(dtype, pd.StringDtype):
        values = values if dtype.storage == "pyarrow" else column.to_numpy(dtype=object)
    elif not (dtype.kind in "biuM" or dtype in ("float32", "float64", "Float32", "Float64")):
        values = np.asarray(column, dtype=object)
        if pd.api.types.infer_dtype(values, skipna=True) not in ("string", "empty"):
            return _distinct_objects(values)
    where, found = pd.factorize(values)
    return where, pd.Index(found).tolist()


def _distinct_objects(values: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.intp], list[object]]:
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
