"""`allocator tables history`: every version that was seen, and which one runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.config import load_settings
from allocator.domain.records import TablesVersion
from allocator.domain.versions import How, code_of
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain

EPILOG = "Examples:  allocator tables history   |   allocator tables history --limit 200 --json"
_HOWS = {How.CODE: "accepted by its code", How.COMMAND: "accepted by command", How.ROLLBACK: "rolled back to"}
_NUMBERS = ("Added", "Changed", "Removed", "Warnings")
Told = Sequence[tuple[TablesVersion, str]]


def command(
    limit: Annotated[int, typer.Option(min=1, help="How many versions at most, the newest.")] = 20,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Every version of the workbook that was good: when, from where, who saved it, what it changed."""
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        found = bootstrap.shelf_of(settings, store).history(limit=limit)
    finally:
        store.close()
    if as_json:
        console.emit({"versions": [as_object(version, state) for version, state in found]})
    elif found:
        console.out.print(_table(found))
    else:
        console.out.print("No version was seen yet. The first run accepts one: allocator run")
    return console.OK


def as_object(version: TablesVersion, state: str) -> dict[str, Any]:
    rows, moves = version.rows, version.moves
    return {
        "version": version.sha256, "state": state, "how": version.how.value,
        "at": version.accepted_at.isoformat(), "origin": version.origin, "saved_by": version.saved_by,
        "instead_of": version.base,
        "check": {"errors": 0, "warnings": version.warnings},
        "rows": {"added": rows.added, "changed": rows.changed, "removed": rows.removed} if rows else None,
        "impact": {"leads": moves.leads, "moved": moves.moved} if moves else None,
    }  # fmt: skip


def _table(found: Told) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in (
        "Version",
        "Since",
        "State",
        "Added",
        "Changed",
        "Removed",
        "Warnings",
        "Saved by",
        "From",
    ):
        table.add_column(header, justify="right" if header in _NUMBERS else "left")
    for version, state in found:
        rows = version.rows
        counts = (rows.added, rows.changed, rows.removed) if rows else (None, None, None)
        table.add_row(
            code_of(version.sha256), f"{version.accepted_at:%Y-%m-%d %H:%M}", _state(version, state),
            *map(_number, (*counts, version.warnings)), plain(version.saved_by, width=30),
            plain(version.origin),
        )  # fmt: skip
    return table


def _state(version: TablesVersion, state: str) -> str:
    if state == "waiting" and version.moves:
        return f"waiting: moves {version.moves.moved:,} of {version.moves.leads:,} leads"
    how = _HOWS.get(version.how, "")
    return f"[bold]live[/], {how}".rstrip(", ") if state == "live" else state


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
