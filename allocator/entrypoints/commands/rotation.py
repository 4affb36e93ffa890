"""`allocator rotation show`: whose turn is next."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.errors import UnknownName
from allocator.service import why
from rules.fold import fold
from rules.model import RoutingTables, Team

app = typer.Typer(help="Whose turn it is.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Whose turn it is."""


@app.command("show", epilog='Example:  allocator rotation show "Enterprise" --next 20')
def show(
    team: Annotated[str, typer.Argument(help="A team's name.")],
    following: Annotated[int, typer.Option("--next", min=1, max=1000, help="How many turns.")] = 10,
    at: Annotated[str | None, typer.Option(help="As of this instant (ISO 8601).")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """The order of the next turns if nothing changes, each credit, and who is out, why, until when."""
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
        chosen = team_named(tables, team)
        found = why.rotation_object(tables, chosen, now=clock_from(at).now(), store=store, n=following)
    finally:
        store.close()
    if as_json:
        console.emit(found)
    else:
        _print(found, tables)
    return console.OK


def team_named(tables: RoutingTables, text: str) -> Team:
    """The team of that name, whatever case and accents. Raises UnknownName with the nearest name."""
    names = {fold(t.name): t for t in tables.teams}
    if fold(text) in names:
        return names[fold(text)]
    near = difflib.get_close_matches(fold(text), names, n=1, cutoff=0.3)
    hint = f" Did you mean {names[near[0]].name}?" if near else ""
    raise UnknownName(f"There is no team {text!r}.{hint}")


def _print(found: dict[str, Any], tables: RoutingTables) -> None:
    names = {i: rows[0].name for i, rows in tables.people_by_id.items()}
    if pause := found["paused"]:
        who = "the service" if pause["kind"] == "service" else found["team"]
        said = f"{who} is paused{console.until(pause['until'])}: {pause['reason']}"
        console.out.print(f"[yellow]{plain(said)}[/]; then the order is")
    for lane in found["lanes"]:
        title = f"{found['team']}, lane {lane['lane']}" if lane["lane"] else found["team"]
        console.out.print(f"[bold]{plain(title)}[/]")
        for place, one in enumerate(lane["next"], 1):
            credit = one["credit"] / found["unit"]
            console.out.print(
                f"  {place:>3}  {plain(names.get(one['id'], one['id'])):<24} credit {credit:+.3f}"
            )
        if not lane["next"]:
            console.out.print("  nobody can take a lead now")
    for one in found["lanes"][0]["out"]:
        until = console.until(one["until"])
        console.out.print(f"  out: {plain(names.get(one['id'], one['id']))}, {one['why']}{until}")
