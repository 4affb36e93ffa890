"""Walks with part of a lead known through all layers: whether some completion of it is decided, and whether
one is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from rules.facts import vocabulary_of
from rules.layers import CompiledLayer, compiled
from rules.model import Fact, FactValue, RoutingTables
from rules.proof.cover import Budget
from rules.proof.endgame import Block, Facts, Outcome
from rules.proof.possible import Sources, only_set, plausible

MOST_VISITS: Final = 3_000_000

Masks = tuple[int, ...]
"""For each open fact, which of its values: a box of what a lead may say besides."""


@dataclass(frozen=True, slots=True)
class Open:
    """A fact that is left open, and the values that stand for all it can be."""

    name: str
    values: tuple[FactValue, ...]


class Walk:
    """The layers on one day, for leads of which the facts of a grid are known and the others are open."""

    def __init__(self, tables: RoutingTables, grid: Mapping[str, Sequence[FactValue]], on: date) -> None:
        layers = compiled(tables)
        self._budget = Budget(MOST_VISITS)
        self.complete = True
        self._open = tuple(self._open_facts(tables, layers, grid))
        self._full = tuple((1 << len(fact.values)) - 1 for fact in self._open)
        first = _deciding_from(layers)
        self._stages = [_Stage(layer, self._open, on) for layer in layers[:first]]
        last = next((n for n, a in enumerate(layers) if n >= first and _holds(a)), len(layers) - 1)
        self._block = Block(layers[first : last + 1], self._open, grid, on, self._budget)

    @property
    def exhausted(self) -> bool:
        """Whether there were too many rows to visit."""
        return self._budget.left < 0

    def _open_facts(
        self, tables: RoutingTables, layers: Sequence[CompiledLayer], grid: Mapping[str, object]
    ) -> Iterator[Open]:
        origin = Sources(vocabulary_of(tables), frozenset())
        closed = only_set(tables)
        columns = [c for layer in layers for c in layer.columns if c.fact.name not in closed | grid.keys()]
        for fact in dict.fromkeys(c.fact for c in columns):
            conditions = [cell for c in columns if c.fact.name == fact.name for cell, _ in c.cells]
            values = origin.values(Fact(fact.name, fact.type), conditions)
            self.complete = self.complete and values.complete
            yield Open(fact.name, plausible(values, conditions))

    def line(self, facts: Facts, name: str, values: Sequence[FactValue]) -> tuple[int, int]:
        """Of a fact's values beside these facts of the grid, as bits: those with which no lead is decided,
        and those with which some lead is not."""
        self._budget.left -= len(values)
        if not self._stages and not self._budget.left < 0:
            return self._block.line(facts, name, values)
        never = depends = 0
        for place, value in enumerate(values):
            found = self.outcome({**facts, name: value} if name else facts)
            if found.undecided is not None:
                never |= (not found.decided) << place
                depends |= found.decided << place
        return never, depends

    def outcome(self, facts: Facts) -> Outcome:
        """What happens to leads with these facts, all those of the grid: whether some are decided, and what
        an undecided one says besides."""
        self._budget.left -= 1
        decided, undecided = False, None
        waiting: list[tuple[int, Facts, Masks]] = [(0, {}, self._full)]
        while waiting and not self.exhausted and not (decided and undecided is not None):
            number, given, box = waiting.pop()
            if number == len(self._stages):
                end = self._block.outcome(facts, given, box)
                self.complete = self.complete and end.known
                decided = decided or end.decided
                undecided = end.undecided if undecided is None else undecided
                continue
            stage = self._stages[number]
            for row, part in stage.parts(facts, given, box, self._budget):
                if row is not None and stage.layer.rows[row].decides:
                    decided = True
                elif row is None and _holds(stage.layer):
                    undecided = self._block.point(part)
                else:
                    sets = {} if row is None else dict(stage.layer.row(row).sets)
                    waiting.append((number + 1, {**given, **sets}, part))
        return Outcome(decided, undecided)


def _holds(layer: CompiledLayer) -> bool:
    return layer.layer.when_nothing_matches == "hold"


def _deciding_from(layers: Sequence[CompiledLayer]) -> int:
    """The first of the last layers of which all rows decide."""
    first = len(layers)
    while first and all(row.decides for row in layers[first - 1].rows):
        first -= 1
    return first


class _Stage:
    """A layer with rows that set facts: its leads are parted by the first row that holds."""

    def __init__(self, layer: CompiledLayer, open_: Sequence[Open], on: date) -> None:
        self.layer = layer
        self._in_force = layer.days.bits(on)
        self._places = {fact.name: n for n, fact in enumerate(open_)}
        self._columns = {c.fact.name: c for c in layer.columns}
        self._open = open_
        self._masks: dict[tuple[int, str], int] = {}

    def parts(
        self, facts: Facts, given: Facts, box: Masks, budget: Budget
    ) -> Iterator[tuple[int | None, Masks]]:
        """Each row that is the first to hold somewhere in the box, and where; None where none holds."""
        rows, free = self._in_force, []
        for name, column in self._columns.items():
            if name in given or name not in self._places:
                rows &= column.bits(given[name] if name in given else facts.get(name))
            else:
                free.append(name)
        waiting = [(rows, box)]
        while waiting:
            rows, box = waiting.pop()
            inside: Masks | None = None
            row = None
            while rows and inside is None and budget.left >= 0:
                budget.left -= 1
                row = (rows & -rows).bit_length() - 1
                rows &= rows - 1
                inside, outside = self._split(row, box, free)
            yield (row, inside) if inside is not None else (None, box)
            if inside is not None:
                waiting += [(rows, part) for part in outside]

    def _split(self, row: int, box: Masks, free: Sequence[str]) -> tuple[Masks | None, list[Masks]]:
        """The part of a box that a row accepts (None: nothing), and the rest in parts."""
        inside, outside = list(box), []
        for name in free:
            place = self._places[name]
            accepted = self._mask(row, name)
            if not inside[place] & accepted:
                return None, []
            if beyond := inside[place] & ~accepted:
                outside.append((*inside[:place], beyond, *inside[place + 1 :]))
            inside[place] &= accepted
        return tuple(inside), outside

    def _mask(self, row: int, name: str) -> int:
        found = self._masks.get((row, name))
        if found is None:
            values, column = self._open[self._places[name]].values, self._columns[name]
            found = sum(1 << n for n, value in enumerate(values) if column.bits(value) >> row & 1)
            self._masks[row, name] = found
        return found
