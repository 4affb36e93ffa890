"""`allocator runs list | show | compare | export | undo`: what past runs did."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.config import load_settings
from allocator.domain.records import RunRow
from allocator.entrypoints import console
from allocator.entrypoints.commands import compare, export, undo
from allocator.entrypoints.commands.run import split_table
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.errors import UnknownName

app = typer.Typer(help="Past runs.", no_args_is_help=True)
compare.register(app)
export.register(app)
undo.register(app)


@app.command("list", epilog="Example:  allocator runs list --limit 5")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """The newest runs, each with its counts."""
    store = bootstrap.store_of(load_settings(config))
    try:
        rows = [as_object(row) for row in store.runs(limit)]
    finally:
        store.close()
    if as_json:
        console.emit({"runs": rows})
        return console.OK
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in ("Run", "Started", "State", "By", "Assigned", "Held", "Retry", ""):
        table.add_column(header)
    for row in rows:
        leads = row.get("leads", {})
        counts = (str(leads.get(k, "-")) for k in ("assigned", "held", "retry"))
        why = plain(row.get("error") or _paused(row), width=60)
        table.add_row(str(row["run"]), row["started"][:19], row["state"], row["by"], *counts, why)
    console.out.print(table if rows else "No run yet.")
    return console.OK


@app.command("show", epilog="Example:  allocator runs show 12 --json")
def show_run(
    number: Annotated[int, typer.Argument(help="The run's number.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """One run in full."""
    store = bootstrap.store_of(load_settings(config))
    try:
        row = store.run(number)
    finally:
        store.close()
    if row is None:
        raise UnknownName(f"There is no run {number}. See: allocator runs list")
    found = as_object(row)
    if as_json:
        console.emit(found)
        return console.OK
    console.out.print(
        f"[bold]Run {row.run}[/]  {row.state}  {found['started'][:19]} to {(found['finished'] or '-')[:19]}"
    )
    for key in ("leads", "held_reasons"):
        if found.get(key):
            console.pack("  ", (f"{name} {n}" for name, n in found[key].items()))
    if found.get("crm"):
        console.out.print(f"  {found['crm']['requests']} CRM calls, {found['seconds']:.1f} s")
    if found.get("error") or row.state == "failed":
        why = found.get("error", "it ended without a word: killed, or the machine went down")
        console.hang("  ", plain(why))
    if paused := _paused(found):
        console.hang("  ", plain(paused))
    if found.get("teams"):
        console.out.print(split_table(found["teams"]))
    return console.OK


def _paused(found: dict[str, Any]) -> str:
    """Why a run did nothing, or not all of it."""
    pause = found.get("paused")
    return f"the service was paused: {pause['reason']}" if pause else ""


def as_object(row: RunRow) -> dict[str, Any]:
    """The run object and its state, start and finish."""
    base = {
        "run": row.run,
        "slot": row.slot,
        "by": row.by,
        "tables_version": row.tables_version,
        "live": row.live,
    }
    times = {"started": row.started.isoformat(), "finished": row.finished and row.finished.isoformat()}
    return {**base, **row.summary, "state": row.state, **times}
