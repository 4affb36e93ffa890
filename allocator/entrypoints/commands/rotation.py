"""`allocator rotation show`: whose turn is next, who is out, and who has which credit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.commands import rename
from allocator.entrypoints.commands.explain import known_facts
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.names import team_named
from allocator.entrypoints.out_words import moment, out
from allocator.service.next_turns import rotation_object
from rules.model import RoutingTables

app = typer.Typer(help="Whose turn it is.", no_args_is_help=True)
rename.register(app)

EPILOG = (
    'Examples:  allocator rotation show "Enterprise" --next 20   |   '
    'allocator rotation show "Enterprise" --facts country=FR language=fr'
)


@app.callback()
def group() -> None:
    """Whose turn it is."""


@app.command("show", epilog=EPILOG)
def show(
    team: Annotated[str, typer.Argument(help="A team's name.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[FACT=VALUE]...", hidden=True)] = None,
    lane: Annotated[str | None, typer.Option(help="One lane only.")] = None,
    facts: Annotated[
        list[str] | None,
        typer.Option("--facts", metavar="FACT=VALUE...", help="For a lead with these facts."),
    ] = None,
    following: Annotated[int, typer.Option("--next", min=1, max=1000, help="How many turns.")] = 10,
    at: Annotated[str | None, typer.Option(help="Who is there at this instant (ISO 8601).")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """The order of the next turns if nothing changes, each credit, and who is out, why, until when."""
    pairs = [*(facts or ()), *(more or ())]
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
        chosen = team_named(tables, team)
        given = known_facts(pairs, settings, tables, option="--facts") if pairs else None
        now = clock_from(at).now()
        found = rotation_object(tables, chosen, now=now, store=store, n=following, lane=lane, facts=given)
    finally:
        store.close()
    if as_json:
        console.emit(found)
    else:
        _print(found, tables)
    return console.OK


# --- in words ---


class _Names:
    """What people are called, for a terminal."""

    def __init__(self, tables: RoutingTables, team: str) -> None:
        self._names = {i: rows[0].name for i, rows in tables.people_by_id.items()}
        self._team = {p.id for p in tables.team_by_name[team].people}

    def __call__(self, person: str) -> str:
        return plain(self._names.get(person, person))

    def left(self, person: str) -> str:
        return "" if person in self._team else " (not in the team)"


def _print(found: dict[str, Any], tables: RoutingTables) -> None:
    names = _Names(tables, found["team"])
    if pause := found["paused"]:
        who = "the service" if pause["kind"] == "service" else found["team"]
        end = f" until {moment(pause['until'], found['time_zone'])}" if pause["until"] else ""
        said = plain(f"{who} is paused{end}: {pause['reason']}")
        console.out.print(f"[yellow]{said}[/]; then the order is")
    if asked := found["facts"]:
        _print_facts(asked)
    for lane in found["lanes"]:
        title = f"{found['team']}, lane {lane['lane']}" if lane["lane"] else found["team"]
        console.out.print(f"[bold]{plain(title)}[/]")
        _print_turns(lane, found, names)
        _print_credits(lane, found, names)
    for one in found["lanes"][0]["out"]:
        console.hang("  out: ", f"{names(one['id'])}, {plain(out(one, found['time_zone']))}")


def _print_facts(asked: dict[str, Any]) -> None:
    needs = "; ".join(
        f"{name} {value if isinstance(value, str) else ', '.join(value)}"
        for name, value in asked["needs"].items()
    )
    rule = f" ({asked['rule_id']})" if asked["rule_id"] else ""
    console.out.print(plain(f"for a lead that needs {needs or 'nothing special'}{rule}"))
    if asked["warning"]:
        console.out.print(f"[yellow]{plain(asked['warning'])}[/]")


def _print_turns(lane: dict[str, Any], found: dict[str, Any], names: _Names) -> None:
    for place, one in enumerate(lane["next"], 1):
        credit = f"credit {one['credit'] / found['unit']:+.3f}"
        notes = "; ".join(_notes(one, found, names))
        line = f"  {place:>3}  {names(one['id']):<24} {credit}{'  ' + notes if notes else ''}"
        console.out.print(line, soft_wrap=True)
    if nobody := lane["nobody"]:
        then = "then nobody can take a lead" if lane["next"] else "nobody can take a lead now"
        goes = {"hold": "it is held", "queue": "it goes to the team's queue"}.get(
            nobody["if_nobody"], f"it goes to team {nobody['fallback_team']}"
        )
        console.hang("  ", plain(f"{then} ({nobody['detail']}): {goes}"))


def _notes(one: dict[str, Any], found: dict[str, Any], names: _Names) -> Iterator[str]:
    if one["kind"] in ("catch-up", "beyond the limit"):
        yield one["kind"]
    if one.get("served_by"):
        yield f"served by {names(one['served_by'])}"
    for gone in one["drops_out"]:
        yield f"then {names(gone['id'])} is out: {plain(out(gone, found['time_zone']))}"


def _print_credits(lane: dict[str, Any], found: dict[str, Any], names: _Names) -> None:
    """What each is owed now (above zero) or owes, the most first; and leads that absences still bring."""
    ranked = sorted(lane["credits"].items(), key=lambda one: (-one[1], one[0]))
    unit = found["unit"]
    if ranked:
        each = (f"{names(i)}{names.left(i)} {credit / unit:+.3f}" for i, credit in ranked)
        console.pack("  credits now, in leads: ", each)
    for one in lane["vouchers"]:
        kind = f" ({plain(one['type'])})" if one["type"] else ""
        due = ", the next one is due" if one["due"] else ""
        said = f"{one['amount'] / unit:.3f} leads for the absence from {one['since']}{kind}"
        console.hang("  catch-up: ", f"{names(one['id'])}, {said}, until {one['expires']}{due}")
