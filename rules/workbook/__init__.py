"""Reads, checks and writes `routing_tables.xlsx`. Light to import: the spreadsheet library comes with the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rules.model import RoutingTables


def load(path: str | Path) -> RoutingTables:
    """The checked tables of the workbook at `path`; WorkbookError with every mistake at once if it has any."""
    from rules.workbook import check

    return check.load(path)


def load_bytes(data: bytes, *, name: str = "routing_tables.xlsx") -> RoutingTables:
    """As `load`, for a workbook that is already in memory; `name` is what messages call it."""
    from rules.workbook import check

    return check.load_bytes(data, name=name)
