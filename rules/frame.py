"""`decide` for a data frame of leads: the same decisions, worked out column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rules.columns import Column
from rules.facts import facts_of, kept, vocabulary_of
from rules.frame_codes import UNMAPPED, Classes, Ints, coded, distinct
from rules.frame_match import Days, LayerBits, Sizes, first_rows
from rules.known import COUNTRY, LANGUAGE, fact_key
from rules.layers import CompiledLayer, Effects, compiled, decision_of, effects_of
from rules.model import Decision, RoutingTables, Row

__all__ = ["Coded", "Sizes", "Walk", "decide_frame", "walk_frame"]

Bools = npt.NDArray[np.bool_]
Dates: TypeAlias = date | Sequence[date] | pd.Series
"""One day for all leads, or a day for each."""

_REASONS: Final = (None, "rule_hold", "no_rule", "unmapped_value")


def decide_frame(tables: RoutingTables, leads: pd.DataFrame, *, on: Dates) -> pd.DataFrame:
    """Who gets each of these leads: team, owner, lane, reason and rule_id, under the index of `leads`.

    Row by row the same as `decide` says of the row's values under the names of their columns, on the day `on`
    (one for all, or one for each lead in turn). Columns of any type will do; None, NaN and NA are missing.
    """
    return walk_frame(tables, leads, on=on).frame()


@dataclass(frozen=True, slots=True)
class Coded:
    """One thing of every lead: `values[codes[i]]` for lead i."""

    codes: Ints
    values: tuple[Any, ...]

    def __getitem__(self, lead: int) -> Any:
        return self.values[self.codes[lead]]

    def objects(self) -> npt.NDArray[np.object_]:
        """The things themselves, lead by lead."""
        values = np.empty(len(self.values), dtype=object)
        values[:] = self.values
        return values.take(self.codes)


@dataclass(frozen=True, eq=False)
class Walk:
    """The way of each lead through the layers. Leads are counted from 0, whatever their index.

    `rows[n][i]`: which row of layer n (both by Order) held for lead i; -1 when none did or the lead did not
    get there. `unread[i]`: where no row held for lead i, one asks for a fact whose value nobody could read.
    What a whole decision says is there for single leads (`decision`) and, as codes, for all.
    """

    tables: RoutingTables
    leads: pd.DataFrame
    rows: tuple[Ints, ...]
    unread: Bools

    def __len__(self) -> int:
        return len(self.leads)

    def decision(self, lead: int) -> Decision:
        """What `decide` says of one lead, in full."""
        return decision_of(self.tables, self.raw(lead), [int(rows[lead]) for rows in self.rows])

    def raw(self, lead: int) -> dict[str, object]:
        """The raw values of one lead by the names of their columns."""
        labels = enumerate(self.leads.columns)
        return {label: self.leads.iat[lead, place] for place, label in labels if isinstance(label, str)}

    @cached_property
    def team(self) -> Coded:
        """The team that gets the lead, or None."""
        return self._last("team")

    @cached_property
    def owner(self) -> Coded:
        """The Person ID of the owner whom a row names, or None."""
        return self._last("owner")

    @cached_property
    def lane(self) -> Coded:
        """The lane that rows set, or ""."""
        return self._last("lane")

    @cached_property
    def language(self) -> Coded:
        """The language that the taker must speak, or None."""
        return self._last("language")

    @cached_property
    def tags(self) -> Coded:
        """The tags that the taker must have, or None."""
        return self._last("tags")

    @cached_property
    def rule_id(self) -> Coded:
        """The Rule ID of the last row that held, or ""."""
        return self._last("rule_id")

    @cached_property
    def reason(self) -> Coded:
        """Why the lead is held, or None for one that goes to a team or a person."""
        decided = (self.team.codes > 0) | (self.owner.codes > 0)
        held = self._last("hold").codes > 0
        codes = np.where(decided, 0, np.where(held, 1, np.where(self.unread, 3, 2)))
        return Coded(codes.astype(np.int32), _REASONS)

    def frame(self) -> pd.DataFrame:
        """The columns team, owner, lane, reason and rule_id, under the index of the leads."""
        names = ("team", "owner", "lane", "reason", "rule_id")
        columns = {name: getattr(self, name).objects() for name in names}
        return pd.DataFrame(columns, index=self.leads.index, dtype=object, copy=False)

    def _last(self, name: str) -> Coded:
        """What the last row on a lead's way that says anything of it says."""
        said = _sayings(self.tables)[name]
        codes = np.zeros(len(self), dtype=np.int32)
        for rows, of_row in zip(self.rows, said.of_rows, strict=True):
            found = of_row.take(rows)
            np.copyto(codes, found, where=found > 0)
        return Coded(codes, said.values)


def walk_frame(tables: RoutingTables, leads: pd.DataFrame, *, on: Dates, sizes: Sizes | None = None) -> Walk:
    """The way of each of these leads through the layers: `decide_frame` with all that `decide` tells.

    About as fast as `decide_frame`; what is not asked for is not worked out. `sizes` says how the work is
    cut, and changes no decision.
    """
    layers = _layers(tables)
    classes = _classes(tables, layers)
    walker = _Walker(classes, coded(tables, leads, classes), *_days(on, len(leads)), sizes or Sizes())
    rows = tuple([walker.layer(number, layers, tables) for number in range(len(layers))])
    return Walk(tables, leads, rows, walker.unread)


def _layers(tables: RoutingTables) -> tuple[LayerBits, ...]:
    return kept(tables, "_frame_layers", lambda: tuple(LayerBits(layer) for layer in compiled(tables)))


def _classes(tables: RoutingTables, layers: Sequence[LayerBits]) -> dict[str, Classes]:
    """The classes of each fact that a layer reads."""
    columns: dict[str, list[Column]] = {}
    for bits in layers:
        for column in bits.layer.columns:
            columns.setdefault(column.fact.name, []).append(column)
    numbers = {fact.name for fact in facts_of(tables) if fact.type == "number"}
    spelt = {*vocabulary_of(tables).spellings, COUNTRY, LANGUAGE}
    return {
        name: Classes(read, plain_numbers=name in numbers and fact_key(name) not in spelt)
        for name, read in columns.items()
    }


def _days(on: Dates, count: int) -> tuple[tuple[date, ...], Ints]:
    """The distinct days, and which of them each lead has."""
    if isinstance(on, date):
        return (on,), np.zeros(count, dtype=np.int32)
    where, found = distinct(pd.Series(on))
    days = [day for day in found if isinstance(day, date) and day == day]
    if len(where) != count or (where < 0).any() or len(days) < len(found):
        raise ValueError("Each lead needs a day. Give one day for all, or as many days as there are leads.")
    whole = tuple(day.date() if isinstance(day, datetime) else day for day in days)
    return whole, where.astype(np.int32)


class _Walker:
    """Takes all leads through the layers: what their facts are by now, and who is still on the way."""

    def __init__(
        self,
        classes: Mapping[str, Classes],
        codes: dict[str, Ints],
        days: tuple[date, ...],
        day_codes: Ints,
        sizes: Sizes,
    ) -> None:
        self.unread: Bools = np.zeros(len(day_codes), dtype=bool)
        self._classes, self._codes = classes, codes
        self._days, self._day_codes = days, day_codes
        self._sizes = sizes
        self._here = np.arange(len(day_codes), dtype=np.int32)

    def layer(self, number: int, layers: Sequence[LayerBits], tables: RoutingTables) -> Ints:
        """Through one layer: the row that held for each lead, or -1."""
        bits = layers[number]
        found = self._found(bits)
        rows = np.full(len(self.unread), -1, dtype=np.int32)
        rows[self._here] = found
        none = found < 0
        self._note_unread(bits.layer, self._here[none])
        read_later = {name for later in layers[number + 1 :] for name in later.facts}
        if read_later:
            self._set(bits.layer, self._here[~none], found[~none], read_later, tables)
        decides = np.array([*(row.decides for row in bits.layer.rows), True])
        goes_on = bits.layer.layer.when_nothing_matches != "hold"
        self._here = self._here[np.where(none, goes_on, ~decides[found])]
        return rows

    def _found(self, bits: LayerBits) -> Ints:
        everybody = len(self._here) == len(self.unread)
        codes = {
            name: self._codes[name] if everybody else self._codes[name].take(self._here)
            for name in bits.facts
        }
        masks = [bits.layer.days.bits(day) for day in self._days]
        number = {mask: place for place, mask in enumerate(dict.fromkeys(masks))}
        of_day = np.array([number[mask] for mask in masks], dtype=np.int32)
        days = Days(tuple(number), of_day.take(self._day_codes.take(self._here)))
        return first_rows(bits, codes, self._classes, days, self._sizes)

    def _note_unread(self, layer: CompiledLayer, leads: Ints) -> None:
        everything = (1 << len(layer.rows)) - 1
        for column in layer.columns:
            name = column.fact.name
            if self._classes[name].any_unmapped and column.unmapped != everything:
                self.unread[leads] |= self._codes[name].take(leads) == UNMAPPED

    def _set(
        self, layer: CompiledLayer, leads: Ints, rows: Ints, names: set[str], tables: RoutingTables
    ) -> None:
        """The facts that the rows set and later layers read."""
        effects = _effects(tables)
        for name in names:
            classes = self._classes[name]
            values = (dict(effects[row.sets].sets) if row.sets else {} for row in layer.rows)
            of_row = np.array([classes.of(v[name]) if name in v else -1 for v in values], dtype=np.int32)
            found = of_row.take(rows)
            self._codes[name][leads[found >= 0]] = found[found >= 0]


# --- what rows say ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """One thing that rows may say: for each layer and row the number of its value (0: nothing), and these.

    Each layer has a place more, for -1: no row.
    """

    of_rows: tuple[Ints, ...]
    values: tuple[Any, ...]


def _effects(tables: RoutingTables) -> dict[tuple[tuple[str, str], ...], Effects]:
    """What rows set, by their `sets`."""

    def make() -> dict[tuple[tuple[str, str], ...], Effects]:
        different = {row.sets for layer in compiled(tables) for row in layer.rows if row.sets}
        return {sets: effects_of(sets, tables) for sets in different}

    return kept(tables, "_frame_effects", make)


def _sayings(tables: RoutingTables) -> dict[str, _Said]:
    return kept(tables, "_frame_sayings", lambda: dict(_make_sayings(tables)))


def _make_sayings(tables: RoutingTables) -> Iterator[tuple[str, _Said]]:
    effects = _effects(tables) | {(): effects_of((), tables)}

    def lane(row: Row) -> object:
        return effects[row.sets].lane or None

    def need(name: str) -> Any:
        return lambda row: dict(effects[row.sets].needs).get(name)

    yield "team", _said(tables, lambda row: row.team, None)
    yield "owner", _said(tables, lambda row: row.owner, None)
    yield "hold", _said(tables, lambda row: row.hold, None)
    yield "rule_id", _said(tables, lambda row: row.rule_id, "")
    yield "lane", _said(tables, lane, "")
    yield "language", _said(tables, need("language"), None)
    yield "tags", _said(tables, need("tags"), None)


def _said(tables: RoutingTables, of: Any, nothing: object) -> _Said:
    numbers: dict[object, int] = {nothing: 0}
    said = []
    for layer in compiled(tables):
        values = [of(row) for row in layer.rows]
        codes = [0 if value is None else numbers.setdefault(value, len(numbers)) for value in values]
        said.append(np.array([*codes, 0], dtype=np.int32))
    return _Said(tuple(said), tuple(numbers))
