"""Pairs of rows of which the order alone decides: same columns, different results, and neither is the other's
exception."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from rules.fold import fold
from rules.layers import decide
from rules.model import Decision, RoutingTables, Row
from rules.proof.arriving import Goal, Lead, Leads, believable
from rules.proof.cover import Budget
from rules.proof.regions import Axis, Regions, Space, as_set, numbers_of
from rules.proof.unreachable import Reach, is_taken

MOST_SHOWN: Final = 20
_MOST_PAIRS: Final = 1_000_000
_MOST_TRIED: Final = 200
_MOST_DAYS: Final = 6

Pair = tuple[int, int, int]
"""Number of the layer, the upper row and the lower one."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows of a layer and a lead that both accept and the upper one gets, on a day."""

    layer: int
    upper: Row
    lower: Row
    lead: Lead
    day: date


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The overlaps shown; `more` counts the pairs not looked at, by layer and the columns that they
    condition; not `counted` when even counting them was given up, so that there may be more still."""

    shown: tuple[Overlap, ...]
    more: Mapping[tuple[int, tuple[str, ...]], int]
    counted: bool


class Finder:
    """Finds the overlaps of tables. A pair counts as one only with a lead that `decide` confirms."""

    def __init__(
        self, tables: RoutingTables, spaces: Sequence[Space], reaches: Sequence[Reach], leads: Leads
    ) -> None:
        self._tables = tables
        self._spaces = spaces
        self._layers = [_Layer(space, reach.live) for space, reach in zip(spaces, reaches, strict=True)]
        self._leads = leads
        self._budget = Budget()

    def first(self, most: int = MOST_SHOWN) -> Overlaps:
        """The first overlaps in Order, and how many pairs more."""
        shown: list[Overlap] = []
        more: Counter[tuple[int, tuple[str, ...]]] = Counter()
        tried = visited = 0
        for number, layer in enumerate(self._layers):
            for upper, lower in layer.pairs():
                visited += 1
                if visited > _MOST_PAIRS:
                    return Overlaps(tuple(shown), more, counted=False)
                if not layer.crosses(upper, lower):
                    continue
                if len(shown) < most and tried < _MOST_TRIED:
                    tried += 1
                    settled, found = self._settle((number, upper, lower))
                    shown += [found] if found else []
                    if settled:
                        continue
                more[number, layer.columns(lower)] += 1
        return Overlaps(tuple(shown), more, counted=True)

    def of_rule(self, rule_id: str) -> Iterator[Overlap | None]:
        """Every overlap of one rule; None for a pair that took too long to settle."""
        for number, layer in enumerate(self._layers):
            for place, row in enumerate(layer.space.layer.rows):
                if fold(row.rule_id) == fold(rule_id):
                    for pair in layer.pairs_of(place):
                        settled, found = (
                            self._settle((number, *pair)) if layer.crosses(*pair) else (True, None)
                        )
                        if found or not settled:
                            yield found

    def _settle(self, pair: Pair) -> tuple[bool, Overlap | None]:
        """Whether it is settled that the order of a pair matters or not, and with which lead it does. It does
        not when rows above take all that they share, or no lead was found that comes there."""
        number, upper, lower = pair
        layer = self._layers[number]
        box, above = layer.shared(upper, lower), layer.live & ((1 << upper) - 1)
        answer, local = is_taken(layer.space, box, above, self._budget.question())
        if answer.covered is not False:
            return bool(answer.covered), None
        rows = layer.space.layer.rows
        likely = local.at(answer.point)[0]
        for region in (likely, *(r for r in box[0] if r != likely))[:_MOST_DAYS]:
            day = layer.day(region)
            goal = Goal(layer.space, 1 << upper | 1 << lower, above, box, day)
            for lead in self._leads.arriving(number, goal):
                if _reaches(rows[upper], decide(self._tables, lead, on=day)):
                    return True, Overlap(number, rows[upper], rows[lower], lead, day)
        return True, None


def _reaches(row: Row, decision: Decision) -> bool:
    return any((step.sheet, step.row) == (row.sheet, row.row) for step in decision.steps)


class _Layer:
    """The pairs of one layer."""

    def __init__(self, space: Space, live: int) -> None:
        self.space = space
        self.live = live if space.feasible else 0
        self._groups: dict[tuple[int, ...], list[int]] = {}
        self._conditioned: dict[int, tuple[int, ...]] = {}
        self._inside: dict[tuple[int, int, int], bool] = {}
        for row in numbers_of(self.live):
            key = tuple(n for n, a in enumerate(space.axes) if n and not a.is_any(row))
            self._conditioned[row] = key
            self._groups.setdefault(key, []).append(row)

    def columns(self, row: int) -> tuple[str, ...]:
        """The facts that a row conditions."""
        return tuple(sorted(self.space.axes[n].name for n in self._conditioned[row]))

    def day(self, region: int) -> date:
        """The day that stands for a region of days."""
        day = self.space.axes[0].values[region]
        assert isinstance(day, date)
        return day

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Pairs that share leads and the columns they condition, and differ in their results: the upper row
        first, lower rows in Order."""
        equal = self._equal_results()
        sets = {key: as_set(rows) for key, rows in self._groups.items()}
        for lower in numbers_of(self.live):
            others = sets[self._conditioned[lower]] & ((1 << lower) - 1) & ~equal[lower]
            yield from ((upper, lower) for upper in numbers_of(self._meeting(lower, others)))

    def pairs_of(self, row: int) -> Iterator[tuple[int, int]]:
        """Those pairs that one row is in."""
        if row not in self._conditioned:
            return
        others = as_set(self._groups[self._conditioned[row]]) & ~self._equal_results()[row]
        for other in numbers_of(self._meeting(row, others)):
            yield min(row, other), max(row, other)

    def _meeting(self, row: int, others: int) -> int:
        for number in (0, *self._conditioned[row]):
            axis = self.space.axes[number]
            others &= axis.span(axis.cell_of[row])[1]
            if not others:
                return 0
        return others

    def _equal_results(self) -> dict[int, int]:
        """For each row, the rows that do the same as it."""
        by_result: dict[object, list[int]] = {}
        for number in numbers_of(self.live):
            by_result.setdefault(_result(self.space.layer.rows[number]), []).append(number)
        sets = {result: as_set(rows) for result, rows in by_result.items()}
        return {n: sets[result] for result, rows in by_result.items() for n in rows}

    def crosses(self, upper: int, lower: int) -> bool:
        """Whether neither row lies inside the other."""
        numbers = (0, *self._conditioned[lower])
        return not all(self._is_inside(n, upper, lower) for n in numbers) and not all(
            self._is_inside(n, lower, upper) for n in numbers
        )

    def _is_inside(self, number: int, row: int, other: int) -> bool:
        """Whether a row's cell lies inside another one's."""
        axis = self.space.axes[number]
        key = number, axis.cell_of[row], axis.cell_of[other]
        found = self._inside.get(key)
        if found is None:
            found = self._inside[key] = set(axis.of_row(row)) <= set(axis.of_row(other))
        return found

    def shared(self, one: int, other: int) -> list[Regions]:
        """The box that two rows share, of values that leads have."""
        types = ("date", *(c.fact.type for c in self.space.layer.columns))
        return [
            believable(axis, _common(axis, one, other), type_)
            for axis, type_ in zip(self.space.axes, types, strict=True)
        ]


def _common(axis: Axis, one: int, other: int) -> Regions:
    if axis.is_any(one):
        return axis.of_row(other)
    regions = set(axis.of_row(other))
    return [r for r in axis.of_row(one) if r in regions]


def _result(row: Row) -> object:
    """What a row does, in a form in which equals are equal."""
    return row.team, row.owner, row.hold, frozenset((name, fold(text)) for name, text in row.sets)
