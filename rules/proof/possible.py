"""Which values a fact can have: finitely many that stand for all, as far as a set of cells can tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from itertools import pairwise
from math import floor
from typing import Final

from rules.condition import END, START, Condition, point
from rules.facts import default_facts, vocabulary_of
from rules.fold import fold
from rules.known import Vocabulary, fact_key
from rules.layers import CompiledLayer, compiled
from rules.model import Fact, FactValue, RoutingTables, Unmapped
from rules.proof.standins import stand_ins

SET_BY_ROWS: Final = frozenset({"region", "segment", "lane", "product line"})
"""Shipped facts that no lead brings."""
_SET_BY_RULES: Final = "set by rules"
"""The note of a fact that is known only from the Then column that sets it."""
UNREADABLE: Final = Unmapped("?")
_EXACT: Final = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Values:
    """Values that stand for all: ascending for numbers and days, then None and an unmapped one where they can
    be. `complete` says that no set of cells can hold all of them and miss a real one."""

    fact: Fact
    values: tuple[FactValue, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts of one layer come from: what earlier layers set, and what leads may bring."""

    vocabulary: Vocabulary
    only_set: frozenset[str]
    set_before: dict[str, tuple[FactValue, ...]] = field(default_factory=dict)

    def values(self, fact: Fact, conditions: Collection[Condition]) -> Values:
        """The values of a fact of this layer that these cells can tell apart."""
        given = self.set_before.get(fact.name, ())
        if given and fact.name in self.only_set:
            return Values(fact, _closed_by(given))
        texts = [v for v in given if isinstance(v, str)]
        if fact.type in ("number", "date"):
            found = Values(fact, tuple(_points(fact, conditions)))
        elif fact.type == "closed":
            codes = (*texts, *self.vocabulary.codes(fact.name))
            found = Values(fact, tuple(_codes(codes, conditions)))
        else:
            found = self._open(fact, conditions, texts)
        return Values(fact, (*found.values, None, UNREADABLE), found.complete)

    def _open(self, fact: Fact, conditions: Collection[Condition], texts: Sequence[str]) -> Values:
        spellings = self.vocabulary.spellings.get(fact_key(fact.name), {})
        hardest = stand_ins(conditions, (*spellings, *texts))
        named = _named(conditions)
        found = dict.fromkeys((*sorted(named), *(t for t in hardest.texts if fold(t) == t)))
        return Values(fact, tuple(found), hardest.complete)


def sources(tables: RoutingTables) -> tuple[Sources, ...]:
    """For each compiled layer, where its facts come from."""
    closed = only_set(tables)
    found: list[Sources] = []
    before: dict[str, dict[FactValue, None]] = {}
    for layer in compiled(tables):
        given = {name: tuple(values) for name, values in before.items()}
        found.append(Sources(vocabulary_of(tables), closed, given))
        for name, value in _sets(layer):
            before.setdefault(name, {})[value] = None
    return tuple(found)


def _sets(layer: CompiledLayer) -> Iterable[tuple[str, FactValue]]:
    """Each fact and value that a layer sets, once."""
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(layer.rows):
        if not seen.issuperset(row.sets):
            seen.update(row.sets)
            yield from layer.row(number).sets


def only_set(tables: RoutingTables) -> frozenset[str]:
    """The facts that a lead has only when a row has set them."""
    shipped = {fact_key(f.name) for f in default_facts()} - SET_BY_ROWS
    brought = {fact_key(f.name) for f in tables.facts if f.note != _SET_BY_RULES} - SET_BY_ROWS
    names = {name for layer in compiled(tables) for row in layer.rows for name, _ in row.sets}
    return frozenset(name for name in names if fact_key(name) not in shipped | brought)


def _closed_by(given: Sequence[FactValue]) -> tuple[FactValue, ...]:
    """What earlier layers set, or nothing; equal spellings once."""
    texts = {fold(v): v for v in reversed(given) if isinstance(v, str)}
    points = {point(v): v for v in given if isinstance(v, (Decimal, date))}
    unread = [v for v in given if isinstance(v, Unmapped)]
    return (*reversed(texts.values()), *(points[at] for at in sorted(points)), None, *unread[:1])


def _codes(codes: Iterable[str], conditions: Iterable[Condition]) -> Iterable[str]:
    """Each code that a cell names, and one that stands for all others."""
    named, others = _named(conditions), 0
    for code in dict.fromkeys(fold(c) for c in codes):
        if code in named or not others:
            others += code not in named
            yield code


def _named(conditions: Iterable[Condition]) -> set[str]:
    named: set[str] = set()
    for condition in conditions:
        named |= condition.literals
        named |= condition.not_literals
    return named


def _points(fact: Fact, conditions: Iterable[Condition]) -> Iterable[FactValue]:
    """A point of each stretch of the line that no cell cuts, ascending."""
    cuts = sorted({cut for c in conditions for interval in c.intervals for cut in interval} - {START, END})
    if not cuts:
        yield date(2000, 1, 1) if fact.type == "date" else Decimal(0)
        return
    first, last = _EXACT.subtract(cuts[0][0], 2), _EXACT.add(cuts[-1][0], 2)
    from_zero = fact.type == "number" and cuts[0] > (0, 0)
    bounds = ((Decimal(0), 0) if from_zero else (first, 1), *cuts, (last, 0))
    for (low, after), (high, behind) in pairwise(bounds):
        at = _between(low, high, after=bool(after), behind=bool(behind))
        if fact.type != "date":
            yield at
        elif at == at.to_integral_value() and date.min.toordinal() <= at <= date.max.toordinal():
            yield date.fromordinal(int(at))


def _between(low: Decimal, high: Decimal, *, after: bool, behind: bool) -> Decimal:
    """A point between two cuts, a whole number where there is one."""
    if not after:
        return low
    whole = Decimal(floor(low) + 1)
    if whole < high or (behind and whole == high):
        return whole
    return _EXACT.divide(_EXACT.add(low, high), 2)


def plausible(values: Values, conditions: Iterable[Condition]) -> tuple[FactValue, ...]:
    """The values without those that only pedants ask about: unmapped ones; fractions and numbers below 0
    where no cell speaks of any."""
    kept = [v for v in values.values if not isinstance(v, Unmapped)]
    if values.fact.type != "number":
        return tuple(kept)
    cuts = [at for c in conditions for i in c.intervals for at, _ in i if at.is_finite()]
    whole = all(at == at.to_integral_value() for at in cuts)
    natural = all(at >= 0 for at in cuts)
    return tuple(v for v in kept if not isinstance(v, Decimal) or _is_plausible(v, whole, natural))


def _is_plausible(number: Decimal, whole: bool, natural: bool) -> bool:
    return not (whole and number != number.to_integral_value()) and not (natural and number < 0)
