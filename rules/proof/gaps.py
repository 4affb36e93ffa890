"""Known combinations of campaign, country and product that no rule decides, as few cubes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from math import prod
from typing import Final

from rules.facts import vocabulary_of
from rules.known import COUNTRY, NONE_CODE, fact_key
from rules.layers import CompiledLayer, compiled, decide
from rules.model import FactValue, RoutingTables
from rules.proof.arriving import Lead, raw
from rules.proof.cubes import Box, Line, cubes_of, weight
from rules.proof.walk import Walk

GRID: Final = ("campaign", COUNTRY, "product")
MOST_CUBES: Final = 20
MOST_OPEN: Final = 0.3
_MOST_BITS: Final = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Cube:
    """Combinations that stay open, as the values of each fact (None: all known ones), and a lead of one of
    them that nothing decides. `never`: whatever else a lead says; else it depends on that."""

    never: bool
    values: tuple[tuple[str, tuple[str, ...] | None], ...]
    size: int
    lead: Lead


@dataclass(frozen=True, slots=True)
class Gaps:
    """The largest cubes first; `more` combinations are open beyond them, `open` in all of `total`. With
    `too_many` open the one cube is only an example. Not `finished` when there was too much to look at."""

    facts: tuple[str, ...] = ()
    cubes: tuple[Cube, ...] = ()
    open: int = 0
    total: int = 0
    more: int = 0
    too_many: bool = False
    finished: bool = True


@dataclass(frozen=True, slots=True)
class _Side:
    """One fact of the grid: its known values in classes that no rule tells apart."""

    name: str
    classes: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.classes))


def find_gaps(tables: RoutingTables, *, on: date) -> Gaps:
    """What no rule decides on a day. A lead held because nothing matches is undecided, one that a rule holds
    is not. Values that leads bring but nobody listed, and unmapped ones, do not count."""
    layers = compiled(tables)
    sides = tuple(_sides(tables, layers, on))
    if not sides or _catches_all(layers, on):
        return Gaps()
    return _Search(
        tables, sides, Walk(tables, {s.name: [c[0] for c in s.classes] for s in sides}, on), on
    ).gaps()


def _is_feasible(layers: tuple[CompiledLayer, ...], sides: tuple[_Side, ...]) -> bool:
    """Whether the rows of every value fit into memory side by side."""
    cells = sum(len(column.cells) for layer in layers for column in layer.columns)
    return (2 * cells + sum(len(s.classes) for s in sides)) * sum(len(a.rows) for a in layers) < _MOST_BITS


def _catches_all(layers: tuple[CompiledLayer, ...], on: date) -> bool:
    """Whether some layer takes and decides every lead that comes so far, and all come so far."""
    for layer in layers:
        in_force = layer.days.bits(on)
        for number, row in enumerate(layer.rows):
            if not row.decides:
                break
            if in_force >> number & 1 and all(c.is_any for _, c in row.conditions):
                return True
        if layer.layer.when_nothing_matches == "hold":
            return False
    return False


def _sides(tables: RoutingTables, layers: tuple[CompiledLayer, ...], on: date) -> Iterator[_Side]:
    """The facts of the grid that some rule reads and that have known values."""
    columns = [column for layer in layers for column in layer.columns]
    for key in GRID:
        readers = [column for column in columns if fact_key(column.fact.name) == key]
        classes: dict[tuple[int, ...], list[str]] = {}
        for code in _known(tables, key, on) if readers else ():
            classes.setdefault(tuple(column.bits(code) for column in readers), []).append(code)
        if classes:
            yield _Side(readers[0].fact.name, tuple(map(tuple, classes.values())))


def _known(tables: RoutingTables, key: str, on: date) -> list[str]:
    """The known codes of a fact that have not ended."""
    listed = [v for v in tables.values if fact_key(v.fact) == key and v.code != NONE_CODE]
    ended = {v.code for v in listed if v.until and v.until < on}
    return [code for code in vocabulary_of(tables).codes(key) if code not in ended and code != NONE_CODE]


class _Search:
    """Looks at every cell of the grid of classes; keeps the open ones as sets over the last side."""

    def __init__(self, tables: RoutingTables, sides: tuple[_Side, ...], walk: Walk, on: date) -> None:
        self._tables = tables
        self._walk = walk
        self._on = on
        self._facts = tuple(side.name for side in sides)
        self._sides = (*sides, *(_Side("", (("",),)) for _ in range(len(GRID) - len(sides))))
        self._weights = tuple(tuple(len(c) for c in side.classes) for side in self._sides)
        self._total = prod(side.size for side in sides)
        self._never: dict[Line, int] = {}
        self._depends: dict[Line, int] = {}
        self._open = 0

    def gaps(self) -> Gaps:
        """The whole answer."""
        finished = self._look() and self._walk.complete
        found = Gaps(self._facts, open=self._open, total=self._total, finished=finished)
        if self._is_too_much():
            cells = self._never or self._depends
            line = next(iter(cells))
            cube = self._cube(bool(self._never), ((line[0],), (line[1],), (_lowest(cells[line]),)), 1)
            return replace(found, cubes=(cube,) if cube else (), too_many=bool(cube))
        boxes = [(size, True, box) for size, box in cubes_of(self._never, self._weights, MOST_CUBES)]
        boxes += [(size, False, box) for size, box in cubes_of(self._depends, self._weights, MOST_CUBES)]
        boxes.sort(key=lambda each: (-each[0], not each[1]))
        cubes = [self._cube(never, box, size) for size, never, box in boxes[:MOST_CUBES]]
        shown = tuple(cube for cube in cubes if cube)
        return replace(found, cubes=shown, more=self._open - sum(cube.size for cube in shown))

    def _is_too_much(self) -> bool:
        return self._open > MOST_OPEN * self._total

    def _look(self) -> bool:
        """Judge cell after cell; False when the visits run out or too much is open."""
        first, second, last = self._sides
        values = [codes[0] for codes in last.classes]
        for line in product(range(len(first.classes)), range(len(second.classes))):
            never, depends = self._walk.line(self._at(*line), last.name, values)
            self._note(line, self._never, never)
            self._note(line, self._depends, depends)
            if self._walk.exhausted or self._is_too_much():
                return False
        return True

    def _note(self, line: Line, kind: dict[Line, int], places: int) -> None:
        if places:
            kind[line] = places
            first, second, last = self._weights
            self._open += first[line[0]] * second[line[1]] * weight(places, last)

    def _at(self, *places: int) -> dict[str, FactValue]:
        """The facts of a cell, or of a line of cells."""
        named = zip(self._facts, self._sides, places, strict=False)
        return {name: side.classes[place][0] for name, side, place in named}

    def _cube(self, never: bool, box: Box, size: int) -> Cube | None:
        """The box with its codes and an example; None when `decide` says otherwise."""
        facts = self._at(*(places[0] for places in box))
        undecided = self._walk.outcome(facts).undecided
        if undecided is None:
            return None
        words = vocabulary_of(self._tables)
        every = {**facts, **undecided}
        lead = {name: raw(words, name, value) for name, value in every.items() if value is not None}
        decision = decide(self._tables, lead, on=self._on)
        if decision.team or decision.owner or decision.reason == "rule_hold":
            return None
        return Cube(never, tuple(self._values(box)), size, lead)

    def _values(self, box: Box) -> Iterator[tuple[str, tuple[str, ...] | None]]:
        for name, side, places in zip(self._facts, self._sides, box, strict=False):
            codes = tuple(code for place in places for code in side.classes[place])
            yield name, None if len(codes) == side.size else codes


def _lowest(places: int) -> int:
    return (places & -places).bit_length() - 1
