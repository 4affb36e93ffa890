"""`allocator resume person | team | service`: the end of a pause, at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.pauses import Pause, Paused
from allocator.entrypoints import console
from allocator.entrypoints.commands.pause import Tables, with_store
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.names import person_named, team_named
from allocator.ports import Store

app = typer.Typer(help="End a pause.", no_args_is_help=True)


@app.command("person", epilog="Example:  allocator resume person ana")
def resume_person(
    name: Annotated[str, typer.Argument(help="A Person ID, e-mail or full name.", metavar="NAME")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """This person takes part again from the next run on."""
    return _end(config, as_json, Paused.PERSON, name, lambda tables: person_named(tables.read(), name))


@app.command("team", epilog="Example:  allocator resume team Enterprise")
def resume_team(
    name: Annotated[str, typer.Argument(help="A team's name.", metavar="NAME")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """The next run gives out what this team's leads are, oldest first."""
    return _end(config, as_json, Paused.TEAM, name, lambda tables: team_named(tables.read(), name).name)


@app.command("service", epilog="Example:  allocator resume service")
def resume_service(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Runs do their work again, the next one what has gathered."""
    return _end(config, as_json, Paused.SERVICE, "", lambda tables: "")


def _end(config: Path, as_json: bool, kind: Paused, typed: str, find: Callable[[Tables], str]) -> int:
    """Whoever is paused under exactly this name needs not be in the tables any more."""
    settings, now = load_settings(config), clock_from().now()

    def work(store: Store) -> tuple[str, Pause | None]:
        paused = {pause.name: pause for pause in store.pauses(now=now) if pause.kind is kind}
        name = typed if typed in paused else find(Tables(settings, store))
        store.resume(kind, name)
        return name, paused.get(name)

    name, ended = with_store(settings, work)
    if as_json:
        console.emit({"resumed": ended.shown if ended else None})
        return console.OK
    who = plain(f"{kind} {name}") if name else "the service"
    what = "goes on with the next run" if ended else "was not paused: nothing to do"
    console.out.print(f"{who} {what}.")
    return console.OK
