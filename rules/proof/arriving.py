"""Example leads: raw facts that walk to a layer and arrive there with the facts asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice, product
from typing import Final

from rules.facts import vocabulary_of
from rules.fold import fold
from rules.known import Vocabulary, fact_key
from rules.model import FactValue, RoutingTables, Unmapped
from rules.proof.cover import Budget
from rules.proof.regions import Axis, Regions, Space
from rules.proof.unreachable import is_taken

Facts = Mapping[str, FactValue]
Lead = Mapping[str, str]

_MOST_TRIES: Final = 60
_MOST_ROWS: Final = 12
_SOME_ROWS: Final = 3
_SOME_VALUES: Final = 8


@dataclass(frozen=True, slots=True)
class Goal:
    """To be the lead of a row of a layer, on a day, and be accepted by another row as well: `box` is what
    both accept, column by column as in the layer's axes, and `above` the rows that must not accept it."""

    space: Space
    rows: int
    above: int
    box: Sequence[Regions]
    day: date

    def allows(self, name: str, value: FactValue) -> bool:
        """Whether a value of a fact is accepted by all rows of the goal."""
        column = next((c for c in self.space.layer.columns if c.fact.name == name), None)
        return column is None or column.bits(value) & self.rows == self.rows

    @property
    def names(self) -> frozenset[str]:
        """The facts that the layer reads."""
        return frozenset(column.fact.name for column in self.space.layer.columns)


@dataclass(slots=True)
class _Search:
    """The way to a goal; counts how often a row was tried."""

    goal: Goal
    only_set: frozenset[str]
    values: Mapping[str, Sequence[FactValue]]
    budget: Budget = field(default_factory=Budget)
    tries: int = 0

    def allowed(self, name: str) -> Iterator[FactValue]:
        """The values of a fact that the goal allows, of all that some layer tells apart."""
        return (value for value in self.values[name] if self.goal.allows(name, value))


class Leads:
    """Finds example leads for tables, given the space of each layer in turn and the facts that only rows
    set."""

    def __init__(self, tables: RoutingTables, spaces: Sequence[Space], only_set: frozenset[str]) -> None:
        self._spaces = spaces
        self._only_set = only_set
        self._vocabulary = vocabulary_of(tables)
        values: dict[str, dict[FactValue, None]] = {}
        for axis in (axis for space in spaces for axis in space.axes[1:]):
            values.setdefault(axis.name, {}).update(dict.fromkeys(axis.values))
        self._values = {name: tuple(of_name) for name, of_name in values.items()}

    def arriving(self, number: int, goal: Goal) -> Iterator[Lead]:
        """Leads that should come to a layer and reach the goal there. The caller asks `decide`."""
        search = _Search(goal, self._only_set, self._values)
        for brought, given in self._walk(0, number, {}, {}, search):
            found = _chosen(goal.space, goal.box[1:], goal.above, {**brought, **given}, search)
            if found is not None:
                facts = {**found, **brought}
                yield {n: raw(self._vocabulary, n, value) for n, value in facts.items() if value is not None}

    def _walk(
        self, at: int, end: int, brought: Facts, given: Facts, search: _Search
    ) -> Iterator[tuple[Facts, Facts]]:
        if at == end:
            if all(search.goal.allows(name, given.get(name)) for name in self._only_set):
                yield brought, given
            return
        space = self._spaces[at]
        for row in _candidates(space, search.goal):
            for found in _ways(space, row, {**brought, **given}, search):
                search.tries += 1
                if search.tries > _MOST_TRIES:
                    return
                sets = {} if row is None else dict(space.layer.row(row).sets)
                yield from self._walk(at + 1, end, {**brought, **found}, {**given, **sets}, search)


def _candidates(space: Space, goal: Goal) -> Iterator[int | None]:
    """The rows that set what the goal allows, then no row at all, then some that set nothing of it."""
    setting: list[int] = []
    silent: list[int] = []
    for number, row in enumerate(space.layer.rows):
        if row.decides or len(setting) >= _MOST_ROWS:
            continue
        if not any(name in goal.names for name, _ in row.sets):
            silent.append(number)
        elif all(goal.allows(*each) for each in space.layer.row(number).sets):
            setting.append(number)
    yield from setting
    if space.layer.layer.when_nothing_matches == "continue":
        yield None
    yield from silent[:_SOME_ROWS]


def _ways(space: Space, row: int | None, fixed: Facts, search: _Search) -> Iterator[Facts]:
    """Values for the facts that are still free, with which this row (or none) is the first that holds; one
    way for each combination of values, as far as the goal reads them too."""
    above = (1 << (space.size if row is None else row)) - 1
    held = -1 if row is None else (1 << row) & space.layer.days.bits(search.goal.day)
    box: list[Regions] = []
    shared: dict[str, list[FactValue]] = {}
    for axis, column in zip(space.axes[1:], space.layer.columns, strict=True):
        regions = range(len(axis.values)) if row is None else axis.of_row(row)
        box.append(believable(axis, regions, column.fact.type))
        if axis.name in fixed or axis.name in search.only_set:
            held &= column.bits(fixed.get(axis.name))
        elif axis.name in search.goal.names:
            accepted = (v for v in search.allowed(axis.name) if held < 0 or column.bits(v) & held)
            shared[axis.name] = list(islice(accepted, _SOME_VALUES))
    for values in product(*shared.values()) if held else ():
        chosen = dict(zip(shared, values, strict=True))
        found = _chosen(space, box, above, {**fixed, **chosen}, search)
        if found is not None:
            yield {**chosen, **found}


def _chosen(space: Space, box: Sequence[Regions], rows: int, fixed: Facts, search: _Search) -> Facts | None:
    """Values of the box for the facts that are free, with which none of the rows holds on the day."""
    rows &= space.layer.days.bits(search.goal.day)
    free: list[tuple[Axis, Regions]] = []
    for axis, column, regions in zip(space.axes[1:], space.layer.columns, box, strict=True):
        if axis.name in fixed or axis.name in search.only_set:
            rows &= column.bits(fixed.get(axis.name))
        else:
            free.append((axis, regions))
    narrowed = Space(space.layer, tuple(axis for axis, _ in free), space.feasible)
    question = search.budget.question()
    answer, local = is_taken(narrowed, [regions for _, regions in free], rows, question)
    if answer.covered is not False:
        return None
    point = local.at(answer.point)
    return {axis.name: axis.values[region] for (axis, _), region in zip(free, point, strict=True)}


def believable(axis: Axis, regions: Regions, type_: str) -> Regions:
    """The regions without the unmapped one of a text, which no CRM sends; all when nothing else is left."""
    if type_ != "text":
        return regions
    return [r for r in regions if not isinstance(axis.values[r], Unmapped)] or regions


def raw(vocabulary: Vocabulary, name: str, value: FactValue) -> str:
    """A fact as a lead may say it."""
    if isinstance(value, str):
        spelt = vocabulary.spellings.get(fact_key(name), {}).get(fold(value))
        return spelt or next((c for c in vocabulary.codes(name) if fold(c) == fold(value)), value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.raw if isinstance(value, Unmapped) else str(value)
