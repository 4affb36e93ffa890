"""Example leads: raw facts that walk to a layer and arrive there with the facts asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from rules.facts import vocabulary_of
from rules.fold import fold
from rules.known import Vocabulary, fact_key
from rules.model import FactValue, RoutingTables, Unmapped
from rules.proof.cover import Budget
from rules.proof.regions import DAY, Axis, Regions, Space
from rules.proof.unreachable import is_taken

Facts = Mapping[str, FactValue]
Lead = Mapping[str, str]

_MOST_TRIES: Final = 60
_MOST_ROWS: Final = 12
_SOME_ROWS: Final = 3


@dataclass(slots=True)
class _Search:
    """What a lead must have when it comes to a layer, and on which day; counts how often one was tried."""

    wanted: Facts
    day: date
    only_set: frozenset[str]
    tries: int = 0
    budget: Budget = field(default_factory=Budget)


class Leads:
    """Finds example leads for tables, given the space of each layer in turn and the facts that only rows
    set."""

    def __init__(self, tables: RoutingTables, spaces: Sequence[Space], only_set: frozenset[str]) -> None:
        self._spaces = spaces
        self.only_set = only_set
        self._vocabulary = vocabulary_of(tables)

    def arriving(self, number: int, wanted: Facts, day: date) -> Iterator[Lead]:
        """Leads that should come to a layer with these facts; a few, the likeliest first. The caller asks
        `decide`."""
        search = _Search(wanted, day, self.only_set)
        brought = {name: value for name, value in wanted.items() if name not in self.only_set}
        for facts, given in self._walk(0, number, brought, {}, search):
            if all(same(given.get(name, facts.get(name)), v) for name, v in wanted.items()):
                yield self.lead(facts)

    def _walk(
        self, at: int, end: int, brought: Facts, given: Facts, search: _Search
    ) -> Iterator[tuple[Facts, Facts]]:
        if at == end:
            yield brought, given
            return
        space = self._spaces[at]
        for row in _candidates(space, search):
            search.tries += 1
            if search.tries > _MOST_TRIES:
                return
            found = _first_at(space, row, {**brought, **given}, search)
            if found is not None:
                sets = {} if row is None else dict(space.layer.row(row).sets)
                yield from self._walk(at + 1, end, {**brought, **found}, {**given, **sets}, search)

    def lead(self, facts: Facts) -> Lead:
        """Raw facts as a person writes them; what is missing is left out."""
        return {
            name: raw(self._vocabulary, name, value) for name, value in facts.items() if value is not None
        }


def _candidates(space: Space, search: _Search) -> Iterator[int | None]:
    """The rows that set what is wanted, then no row at all, then some that set nothing of it."""
    setting: list[int] = []
    silent: list[int] = []
    for number, row in enumerate(space.layer.rows):
        if row.decides or len(setting) >= _MOST_ROWS:
            continue
        if not any(name in search.wanted for name, _ in row.sets):
            silent.append(number)
        elif _agrees(space, number, search.wanted):
            setting.append(number)
    yield from setting
    if space.layer.layer.when_nothing_matches == "continue":
        yield None
    yield from silent[:_SOME_ROWS]


def _agrees(space: Space, number: int, wanted: Facts) -> bool:
    sets = space.layer.row(number).sets
    return all(same(wanted[name], value) for name, value in sets if name in wanted)


def _first_at(space: Space, row: int | None, fixed: Facts, search: _Search) -> Facts | None:
    """Values for the facts that are still free, with which this row (or none) is the first that holds."""
    above = (1 << (space.size if row is None else row)) - 1
    accepting = space.layer.days.bits(search.day)
    free: list[tuple[Axis, Regions]] = []
    for axis, column in zip(space.axes[1:], space.layer.columns, strict=True):
        if axis.name in fixed or axis.name in search.only_set:
            accepting &= column.bits(fixed.get(axis.name))
        else:
            regions = range(len(axis.values)) if row is None else axis.of_row(row)
            free.append((axis, believable(axis, regions, column.fact.type)))
    if row is not None and not accepting >> row & 1:
        return None
    narrowed = Space(space.layer, tuple(axis for axis, _ in free), space.feasible)
    question = search.budget.question()
    answer, local = is_taken(narrowed, [regions for _, regions in free], above & accepting, question)
    if answer.covered is not False:
        return None
    point = local.at(answer.point)
    return {axis.name: axis.values[region] for (axis, _), region in zip(free, point, strict=True)}


def believable(axis: Axis, regions: Regions, type_: str) -> Regions:
    """The regions without the unmapped one of a text, which no CRM sends; all when nothing else is left."""
    if type_ != "text":
        return regions
    return [r for r in regions if not isinstance(axis.values[r], Unmapped)] or regions


def same(one: FactValue, other: FactValue) -> bool:
    """Whether two facts mean the same."""
    if isinstance(one, str) and isinstance(other, str):
        return fold(one) == fold(other)
    return one == other or (isinstance(one, Unmapped) and isinstance(other, Unmapped))


def raw(vocabulary: Vocabulary, name: str, value: FactValue) -> str:
    """A fact as a lead may say it."""
    if isinstance(value, str):
        spelt = vocabulary.spellings.get(fact_key(name), {}).get(fold(value))
        return spelt or next((c for c in vocabulary.codes(name) if fold(c) == fold(value)), value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.raw if isinstance(value, Unmapped) else str(value)


def point_of(space: Space, regions: Sequence[int]) -> tuple[Facts, date]:
    """The facts and the day of a point of a layer's space."""
    values = {a.name: a.values[r] for a, r in zip(space.axes, regions, strict=True)}
    day = values.pop(DAY)
    assert isinstance(day, date)
    return values, day
