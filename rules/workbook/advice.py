"""Warnings about tables that can be used, but hardly as their author meant them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import Final

from rules.condition import Condition
from rules.model import Layer, RoutingTables, Row
from rules.workbook import staffing, timing, unused
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Table

_MOST_COLUMNS: Final = 8
_Key = frozenset[tuple[str, int]]


def give_advice(
    tables: RoutingTables, sheets: Mapping[str, Table], report: Report, *, on: date | None
) -> None:
    """Warn about tables that are without error; `sheets` are those they were read from, by name. With `on`
    (today) also about what depends on the day."""
    for layer in tables.layers:
        _warn_shadowed(layer, report)
    unused.warn_unused_facts(tables, sheets.get("Facts"), report)
    unused.warn_never_set(tables, report)
    if on:
        timing.warn_out_of_time(tables.layers, report, on)
        staffing.warn_absent(tables, sheets.get("Teams"), report, on)
        staffing.warn_unserved(tables, report, on)


def _warn_shadowed(layer: Layer, report: Report) -> None:
    """A rule never gets a lead if one rule above has some of its conditions and no others."""
    seen: dict[_Key, Row] = {}
    numbers: dict[Condition, int] = {}
    for row in layer.rows:
        key = frozenset(
            (fact, numbers.setdefault(c, len(numbers))) for fact, c in row.conditions if not c.is_any
        )
        above = next((seen[part] for part in _parts(key) if part in seen), None)
        if above:
            report.warn(
                "T310",
                _place(row, "Order", row.rule_id),
                f"rule {row.rule_id} can never match: {above.rule_id} (row {above.row}) above "
                "catches the same leads.",
                f"move it above {above.rule_id}, or make {above.rule_id} narrower",
                suggestion=above.rule_id,
            )
        elif row.from_ is None and row.until is None:
            seen.setdefault(key, row)


def _parts(key: _Key) -> Iterator[_Key]:
    """The key's subsets: fewer conditions catch more leads."""
    if len(key) > _MOST_COLUMNS:
        yield from (key, frozenset())
        return
    for size in range(len(key) + 1):
        yield from map(frozenset, combinations(key, size))


def _place(row: Row, column: str, text: str) -> Place:
    return Place(row.sheet, row.row, row.cells.get(column, ""), column, text, row.rule_id)
