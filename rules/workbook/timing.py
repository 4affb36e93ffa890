"""Warnings about rules that have ended or have not begun."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from rules.model import Layer, Row
from rules.workbook.report import Place, Report

MOST: Final = 20
"""Rules of one sheet that are named; of the rest only the number is said."""


def warn_out_of_time(layers: Iterable[Layer], report: Report, on: date) -> None:
    """T311 for rules whose Until has passed, T314 for those whose From is to come."""
    for layer in layers:
        ended = [row for row in layer.rows if row.until and row.until < on]
        to_come = [row for row in layer.rows if row.from_ and row.from_ > on]
        for row in ended[:MOST]:
            message = f"rule {row.rule_id} ended on {row.until}."
            report.warn("T311", _place(row, "Until", row.until), message, "delete the row, or correct Until")
        for row in to_come[:MOST]:
            message = f"rule {row.rule_id} begins on {row.from_} and does nothing before."
            report.warn(
                "T314", _place(row, "From", row.from_), message, "correct From if it is meant to hold now"
            )
        _count("T311", layer, ended, "have ended", report)
        _count("T314", layer, to_come, "have not begun", report)


def _count(code: str, layer: Layer, rows: list[Row], what: str, report: Report) -> None:
    if len(rows) > MOST:
        message = f"{len(rows) - MOST} more rules of this sheet {what}."
        report.warn(code, Place(layer.sheet), message, "filter the sheet by its From and Until to see them")


def _place(row: Row, column: str, day: date | None) -> Place:
    return Place(row.sheet, row.row, row.cells.get(column, ""), column, str(day), row.rule_id)
