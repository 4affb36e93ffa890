"""The last layers, in which every row decides: a lead is decided when any row of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import Final, Protocol

from rules.layers import CompiledLayer
from rules.model import FactValue
from rules.proof.cover import Budget, cover
from rules.proof.unreachable import localised

Facts = Mapping[str, FactValue]
_MOST_HARD: Final = 40


class OpenFact(Protocol):
    """A fact that is left open, and the values that stand for all it can be."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> tuple[FactValue, ...]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether some lead is decided, and what an undecided one says besides; not `known` when the second was
    given up."""

    decided: bool
    undecided: Facts | None
    known: bool = True


class Block:
    """Layers in a row as one: all their rows side by side, bits of one int."""

    def __init__(
        self,
        layers: Sequence[CompiledLayer],
        open_: Sequence[OpenFact],
        grid: Mapping[str, Sequence[FactValue]],
        on: date,
        budget: Budget,
    ) -> None:
        self._layers = layers
        self._open = open_
        self._budget = budget
        self._in_force = self._joined([layer.days.bits(on) for layer in layers])
        self._bits: dict[tuple[str, FactValue], int] = {}
        self._names = {column.fact.name for layer in layers for column in layer.columns}
        self._columns = [[self.bits(f.name, v) for v in f.values] for f in open_]
        self._always = reduce(and_, (m for column in self._columns for m in column), self._in_force)
        self._ever = reduce(and_, (reduce(or_, column) for column in self._columns), self._in_force)
        self._free = {
            name: reduce(and_, (self.bits(name, value) for value in values)) for name, values in grid.items()
        }
        self._judged: dict[int, tuple[int, ...] | None] = {}
        self._hard: list[tuple[int, tuple[int, ...]]] = []

    def _joined(self, rows: Sequence[int]) -> int:
        joined, shift = 0, 0
        for layer, of_layer in zip(self._layers, rows, strict=True):
            joined |= of_layer << shift
            shift += len(layer.rows)
        return joined

    def bits(self, name: str, value: FactValue) -> int:
        """The rows that accept a value of a fact."""
        found = self._bits.get((name, value))
        if found is None:
            every = [(1 << len(layer.rows)) - 1 for layer in self._layers]
            columns = [{c.fact.name: c for c in layer.columns}.get(name) for layer in self._layers]
            found = self._joined([c.bits(value) if c else e for c, e in zip(columns, every, strict=True)])
            self._bits[name, value] = found
        return found

    def outcome(self, facts: Facts, given: Facts, box: Sequence[int]) -> Outcome:
        """What happens to leads with these facts, these set by rows, and open ones of the box."""
        rows, every = self._in_force, {**facts, **given}
        opened = {fact.name for fact in self._open}
        for name in self._names:
            if name in every or name not in opened:
                rows &= self.bits(name, every.get(name))
        full = [(1 << len(fact.values)) - 1 for fact in self._open]
        if not opened & given.keys() and list(box) == full:
            return self._whole(rows & self._ever)
        return self._part(rows, given, box)

    def line(self, facts: Facts, name: str, values: Sequence[FactValue]) -> tuple[int, int]:
        """For a fact's values beside these facts, when nothing is set by rows: those with which no lead is
        decided, and those with which some lead is not, each as bits."""
        every = reduce(and_, (self.bits(n, facts[n]) for n in facts), self._ever)
        missed = [every & missing for missing, _ in self._hard]
        never = depends = 0
        if every & self._always & self._free.get(name, -1):
            return never, depends
        for place, value in enumerate(values):
            accepting = self.bits(name, value)
            rows = every & accepting
            if not rows:
                never |= 1 << place
            elif not rows & self._always and (
                any(not accepting & m for m in missed) or self._whole(rows).undecided is not None
            ):
                depends |= 1 << place
        return never, depends

    def _whole(self, rows: int) -> Outcome:
        """The outcome when nothing is known of the open facts: remembered."""
        if not rows:
            return Outcome(False, self.point([1] * len(self._open)))
        if rows & self._always:
            return Outcome(True, None)
        if rows in self._judged:
            point = self._judged[rows]
            return Outcome(True, self._facts(point) if point is not None else None)
        for missing, point in self._hard:
            if not rows & missing:
                return Outcome(True, self._facts(point))
        covered, point = self._cover(rows, [dict(enumerate(column)) for column in self._columns])
        if covered is None:
            return Outcome(True, None, known=False)
        self._judged[rows] = point
        if point is not None and len(self._hard) < _MOST_HARD:
            missing = reduce(and_, (c[n] for c, n in zip(self._columns, point, strict=True)), self._in_force)
            self._hard.append((missing, point))
        return Outcome(True, self._facts(point) if point is not None else None)

    def _part(self, rows: int, given: Facts, box: Sequence[int]) -> Outcome:
        columns: list[dict[int, int]] = []
        for fact, column, mask in zip(self._open, self._columns, box, strict=True):
            some = dict.fromkeys(range(len(column)), rows) if fact.name in given else dict(enumerate(column))
            columns.append({n: bits for n, bits in some.items() if mask >> n & 1})
        for sets in columns:
            rows &= reduce(or_, sets.values())
        if not rows:
            return Outcome(False, self.point(box))
        covered, point = self._cover(rows, columns)
        return Outcome(True, self._facts(point) if point is not None else None, known=covered is not None)

    def _cover(
        self, rows: int, columns: Sequence[Mapping[int, int]]
    ) -> tuple[bool | None, tuple[int, ...] | None]:
        """Whether the rows accept everything, and a point that they do not."""
        question = self._budget.question()
        sets = [{mask & rows: n for n, mask in sorted(column.items(), reverse=True)} for column in columns]
        local = localised(sets, rows, question)
        answer = cover(local.box, local.rows, question)
        return answer.covered, local.at(answer.point) if answer.covered is False else None

    def _facts(self, point: Sequence[int]) -> Facts:
        return {fact.name: fact.values[n] for fact, n in zip(self._open, point, strict=True)}

    def point(self, box: Sequence[int]) -> Facts:
        """The open facts at the first point of a box."""
        return self._facts([(mask & -mask).bit_length() - 1 for mask in box])
