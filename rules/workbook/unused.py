"""Warnings about facts that no rule uses, and values of a fact that no rule ever sets."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from rules.condition import Condition
from rules.facts import default_facts
from rules.fold import fold
from rules.known import fact_key
from rules.model import Layer, RoutingTables, Row
from rules.workbook.catalogue import SET_BY_ROWS, find_fact
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Table
from rules.workbook.text import key

_Given = Mapping[str, Mapping[str, str]]
"""Fact -> folded value -> the value as it is set."""

_OWN_MEANING: Final = frozenset({"language", "tags", "lane"})
"""Facts that mean something without a rule that reads them."""
MOST: Final = 20
"""Cells of one sheet that are named."""


def warn_unused_facts(tables: RoutingTables, facts: Table | None, report: Report) -> None:
    """T317 for each fact of sheet Facts, and each Then column, that no rule asks for."""
    if not any(layer.rows for layer in tables.layers):
        return
    read = _read(tables)
    shipped = {fact_key(fact.name) for fact in default_facts()}
    known = {fact_key(fact.name): fact for fact in tables.facts}
    for line in facts.lines if facts else ():
        fact = find_fact(line["Fact"].text, known)
        if fact and fact_key(fact.name) not in read | shipped:
            message = f"no rule uses the fact {fact.name}."
            report.warn(
                "T317", line["Fact"].place, message, "add a column If " + fact.name + ", or delete the row"
            )
    for layer in tables.layers:
        _warn_unread(layer, read, report)


def _read(tables: RoutingTables) -> set[str]:
    """The facts that rules have a column for, whatever stands in it."""
    headers = {header for layer in tables.layers for row in layer.rows[:1] for header in row.cells}
    return {fact_key(header[3:]) for header in headers if header.startswith("If ")}


def _warn_unread(layer: Layer, read: set[str], report: Report) -> None:
    told: set[str] = set()
    for row in layer.rows:
        for name, _ in row.sets:
            if fact_key(name) not in read | told | _OWN_MEANING:
                told.add(fact_key(name))
                place = _cell(row, f"Then {name}")
                message = f"rules of this sheet set {name}, which no rule uses."
                report.warn(
                    "T317", place, message, f"add a column If {name} to a later layer, or delete the column"
                )


def warn_never_set(tables: RoutingTables, report: Report) -> None:
    """T315 for each value in an If cell that no earlier layer sets, where leads bring no such fact. A rule
    that asks for nothing else can never match, and is told as such elsewhere."""
    brought = {fact_key(f.name) for f in tables.facts if f.note != "set by rules"} - SET_BY_ROWS
    given: dict[str, dict[str, str]] = {}
    for layer in tables.layers:
        only_set = {name: values for name, values in given.items() if name not in brought}
        found = ((row, *miss) for row in layer.rows for miss in _never_set(row, only_set))
        for row, name, value in islice(found, MOST):
            _warn_value(row, name, value, only_set[fact_key(name)], report)
        for row in layer.rows:
            for name, text in row.sets:
                given.setdefault(fact_key(name), {})[fold(text)] = text


def _never_set(row: Row, given: _Given) -> Iterator[tuple[str, str]]:
    """Fact and folded value, for each value that a row asks for in vain beside others."""
    for name, condition in row.conditions:
        values = given.get(fact_key(name))
        if values and _can_hold(condition, values):
            asked = condition.literals | condition.not_literals
            yield from ((name, value) for value in sorted(asked) if value not in values)


def _can_hold(condition: Condition, values: Mapping[str, str]) -> bool:
    return condition.accepts_none or any(condition.accepts_key(value) for value in values)


def _warn_value(row: Row, name: str, value: str, values: Mapping[str, str], report: Report) -> None:
    near = difflib.get_close_matches(value, values, n=1, cutoff=0.6)
    meant = values[near[0]] if near else ""
    report.warn(
        "T315",
        _cell(row, f"If {name}"),
        f'no earlier layer sets {name} to "{value}": this part of the cell does nothing.',
        f"type {meant}, or delete it" if meant else f"delete it, or set it in a column Then {name}",
        suggestion=meant,
    )


def _cell(row: Row, header: str) -> Place:
    found = next((name for name in row.cells if key(name) == key(header)), "")
    return Place(row.sheet, row.row, row.cells.get(found, ""), found, row.texts.get(found, ""), row.rule_id)
