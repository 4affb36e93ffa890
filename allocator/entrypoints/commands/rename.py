"""`allocator rotation rename`: a team's ledger goes on under its new name; shown first."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.renamed import Renaming, renaming
from allocator.entrypoints import console
from allocator.entrypoints.commands.run import names_of
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.names import team_named
from allocator.errors import BusyError
from allocator.ports import Store
from rules.model import RoutingTables

EPILOG = 'Example:  allocator rotation rename "Enterprise" "Key accounts"'


def register(app: typer.Typer) -> None:
    app.command("rename", epilog=EPILOG)(command)


def command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="What the team was called.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What the workbook calls it now.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Give a renamed team its own ledger back: credits, turns, vouchers, caps and a pause.

    Save the workbook with the new name first, then say this before the next run. Exit code 2: one of the
    names does not fit, or nobody said yes. 6: a run is at work.
    """
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        _refuse_while_at_work(store)
        tables = bootstrap.next_tables(settings, store, clock_from())
        found = renaming(store.ledgers(), tables, old, team_named(tables, new).name)
        if not as_json:
            _show(found, tables)
        _agree(found, yes=yes, quiet=as_json)
        store.rename_team(found.old, found.new)
    finally:
        store.close()
    if as_json:
        console.emit(found.shown)
    else:
        console.out.print(f"Done. {plain(found.new)} goes on where {plain(found.old)} was.")
    return console.OK


def _refuse_while_at_work(store: Store) -> None:
    """Before anybody is asked; the store looks again."""
    if active := store.active():
        raise BusyError(f"busy: run {active.run} is at work. Wait until it is over, then rename again.")


def _agree(found: Renaming, *, yes: bool, quiet: bool) -> None:
    """Raises BadParameter where nobody can be asked, Abort when the answer is no."""
    if yes:
        return
    if quiet or not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at: say --yes to rename", param_hint="--yes")
    typer.confirm(f"Move {console.count(found.turns, 'turn')} to {found.new}?", abort=True, err=True)


def _show(found: Renaming, tables: RoutingTables) -> None:
    names, shown = names_of(tables), found.shown
    console.out.print(f"[bold]{plain(found.old)} goes on as {plain(found.new)}[/]")
    for one in shown["lanes"]:
        lane = f"lane {one['lane']}: " if one["lane"] else ""
        console.out.print(plain(f"  {lane}{console.count(one['turns'], 'turn')}, numbers stay as they are"))
        ranked = sorted(one["credits"].items(), key=lambda each: (-each[1], each[0]))
        credits = (f"{plain(names.get(i, i))} {credit / shown['unit']:+.3f}" for i, credit in ranked)
        console.pack("  credits, in leads: ", credits)
        if one["vouchers"]:
            console.out.print(f"  {console.count(one['vouchers'], 'voucher')} of absences")
