"""Reads, checks and writes `routing_tables.xlsx`. Importing it loads no spreadsheet library: a call does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rules.model import RoutingTables


def load(path: str | Path) -> RoutingTables:
    """The checked tables of the workbook at `path`; WorkbookError with every mistake if it has any."""
    from rules.workbook import check

    return check.load(path)


def load_bytes(data: bytes, *, name: str = "routing_tables.xlsx") -> RoutingTables:
    """As `load`, for a workbook that is already in memory; `name` is what messages call it."""
    from rules.workbook import check

    return check.load_bytes(data, name=name)
