"""Warnings about tables that can be used, but hardly as their author meant them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from rules.model import RoutingTables
from rules.workbook import delegates, effects, lanes, staffing, timing, unused
from rules.workbook.reach import report_proofs
from rules.workbook.report import Report
from rules.workbook.sheets import Table


def give_advice(
    tables: RoutingTables, sheets: Mapping[str, Table], report: Report, *, on: date | None
) -> None:
    """Warn about tables that are without error; `sheets` are those they were read from, by name. With `on`
    (today) also about what depends on the day."""
    report_proofs(tables, report, on=on)
    unused.warn_unused_facts(tables, sheets.get("Facts"), report)
    unused.warn_never_set(tables, report)
    effects.warn_no_effect(tables, sheets, report)
    delegates.warn_delegates(tables, sheets.get("Absences"), report, on)
    if on:
        lanes.warn_many_lanes(tables, sheets.get("Teams"), report, on)
        timing.warn_out_of_time(tables.layers, report, on)
        staffing.warn_absent(tables, sheets.get("Teams"), report, on)
        staffing.warn_unserved(tables, report, on)
