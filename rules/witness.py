"""Leads on which given rules are likely to hold together, for `decide` to confirm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Final

from rules.condition import END, START, Condition
from rules.facts import kept, vocabulary_of
from rules.known import LANGUAGE, fact_key
from rules.model import FactValue, RoutingTables, Row

_Conditions = tuple[tuple[str, Condition], ...]
_Setters = Mapping[str, Sequence[tuple[str, Row]]]
_Lead = dict[str, FactValue]

_ROWS: Final = 4
"""Rows tried that set a fact as another row wants it."""
_LEADS: Final = 8
"""Combinations of such rows tried for one question."""
_CODES: Final = 300
"""Known codes tried for one fact."""


def example_leads(tables: RoutingTables, rows: Iterable[Row]) -> Iterator[_Lead]:
    """A few leads on each of which all these rows may hold; what earlier rows must set for that is sought
    too. Rows above are not looked at: whether the rows decide is for `decide` to say."""
    pending = tuple(condition for row in rows for condition in row.conditions)
    setters = kept(tables, "_setters", lambda: _setters(tables))
    for asked in islice(_ways(pending, (), setters), _LEADS):
        lead = _lead(tables, asked)
        if lead is not None:
            yield lead


def _setters(tables: RoutingTables) -> _Setters:
    """Fact -> the texts that rows set it to, with those rows."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for layer in tables.layers:
        for row in layer.rows:
            for name, text in row.sets:
                found.setdefault(fact_key(name), []).append((text, row))
    return found


def _ways(pending: _Conditions, asked: _Conditions, setters: _Setters) -> Iterator[_Conditions]:
    """What is asked of the lead itself, for each choice of rows that set what the others read."""
    if not pending:
        yield asked
        return
    (name, condition), rest = pending[0], pending[1:]
    given = setters.get(fact_key(name))
    if condition.is_any:
        yield from _ways(rest, asked, setters)
    elif given is None or fact_key(name) == LANGUAGE:
        yield from _ways(rest, (*asked, (name, condition)), setters)
    else:
        for row in [row for text, row in given if condition.matches(text)][:_ROWS]:
            yield from _ways((*rest, *row.conditions), asked, setters)
        if condition.accepts_none:
            yield from _ways(rest, asked, setters)


def _lead(tables: RoutingTables, asked: _Conditions) -> _Lead | None:
    """Facts that meet all the conditions, or None where one cannot be met."""
    by_name: dict[str, list[Condition]] = {}
    for name, condition in asked:
        by_name.setdefault(name, []).append(condition)
    lead: _Lead = {}
    for name, conditions in by_name.items():
        fitting = (v for v in _values(tables, name, conditions) if all(c.matches(v) for c in conditions))
        for value in fitting:
            lead[name] = value
            break
        else:
            return None
    return lead


def _values(tables: RoutingTables, name: str, conditions: Sequence[Condition]) -> Iterator[FactValue]:
    """Values that the conditions may tell apart, the plainest first."""
    if conditions[0].type in ("number", "date"):
        yield from _points(conditions)
    else:
        yield from (literal for c in conditions for literal in sorted(c.literals))
        yield from (p.replace("*", "").replace("?", "x") for c in conditions for p in c.patterns)
        yield from (p.replace("*", "x").replace("?", "x") for c in conditions for p in c.patterns)
        yield from vocabulary_of(tables).codes(name)[:_CODES]
        yield "example"
    yield None


def _points(conditions: Sequence[Condition]) -> Iterator[FactValue]:
    cuts = {
        cut for c in conditions for interval in c.intervals for cut in interval if cut not in (START, END)
    }
    points = sorted({at + step for at, _ in cuts for step in (-1, 0, 1)}) or [Decimal(1)]
    if conditions[0].type == "number":
        yield from points
    else:
        last = date.max.toordinal()
        yield from (date.fromordinal(int(p)) for p in points if 0 < p <= last)
