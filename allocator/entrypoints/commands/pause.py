"""`allocator pause person | team | service | list`: who and what stands still, at once."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from, parse_instant
from allocator.config import Settings, load_settings
from allocator.domain.pauses import Pause, Paused, span
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.names import person_named, team_named
from allocator.errors import ConfigError
from allocator.ports import Store
from rules.model import RoutingTables

app = typer.Typer(help="Who and what stands still, without the workbook.", no_args_is_help=True)

LONGEST_REASON = 200
_SPAN = re.compile(r"(\d{1,4})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HOW = "write it like 2h, 3d, 2026-03-06 or 2026-03-06T12:00+01:00"

T = TypeVar("T")
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; shown wherever the pause is.")]
UntilOption = Annotated[
    str,
    typer.Option("--until", help="2h, 3d, a day (with all of it) or an instant; else until it is resumed."),
]
ByOption = Annotated[str, typer.Option("--by", help="Who says so; your user name when left out.")]


@app.command("person", epilog='Example:  allocator pause person ana --reason "at the doctor" --until 2h')
def pause_person(
    name: Annotated[str, typer.Argument(help="A Person ID, e-mail or full name.", metavar="NAME")],
    reason: ReasonOption,
    until: UntilOption = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Nobody's lead goes to this person until then, and their credit stands still."""

    def find(tables: Tables) -> tuple[str, str]:
        person = person_named(tables.read(), name)
        rows = tables.read().people_by_id[person]
        return person, tables.read().team_by_name[rows[0].team].time_zone

    does = "They get no lead and their credit stands still; leads on their way to them go to others."
    return _set(config, as_json, kind=Paused.PERSON, find=find, typed=Typed(reason, until, by), does=does)


@app.command(
    "team", epilog='Example:  allocator pause team Enterprise --reason "inventory" --until 2026-03-06'
)
def pause_team(
    name: Annotated[str, typer.Argument(help="A team's name.", metavar="NAME")],
    reason: ReasonOption,
    until: UntilOption = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """The team's leads are held until then, whatever its fallback; afterwards they go out oldest first."""

    def find(tables: Tables) -> tuple[str, str]:
        team = team_named(tables.read(), name)
        return team.name, team.time_zone

    does = "Its leads are held, with the reason paused; the first run afterwards gives them, oldest first."
    return _set(config, as_json, kind=Paused.TEAM, find=find, typed=Typed(reason, until, by), does=does)


@app.command(
    "service", epilog='Example:  allocator pause service --reason "the CRM is being moved" --until 3d'
)
def pause_service(
    reason: ReasonOption,
    until: UntilOption = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Runs read nothing and write nothing until then. A run that is at work stops at its next batch."""

    def find(tables: Tables) -> tuple[str, str]:
        return "", tables.read().time_zone if _is_day(until) else "UTC"

    does = "Runs read and write nothing; what is decided and not written yet waits."
    return _set(config, as_json, kind=Paused.SERVICE, find=find, typed=Typed(reason, until, by), does=does)


@app.command("list", epilog="Example:  allocator pause list --json")
def list_pauses(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Everything that is paused now."""
    settings, clock = load_settings(config), clock_from()
    found = with_store(settings, lambda store: store.pauses(now=clock.now()))
    if as_json:
        console.emit({"pauses": [pause.shown for pause in found]})
        return console.OK
    for pause in found:
        console.hang("  ", plain(f"{pause.said} (since {pause.since:%Y-%m-%d %H:%M} UTC)"))
    if not found:
        console.out.print("Nothing and nobody is paused.")
    return console.OK


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed about a pause, as it was typed."""

    reason: str
    until: str
    by: str


class Tables:
    """The tables that answer questions, read once and only if somebody asks."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._read: RoutingTables | None = None

    def read(self) -> RoutingTables:
        if self._read is None:
            self._read = bootstrap.current_tables(self._settings, self._store)
        return self._read


def with_store(settings: Settings, work: Callable[[Store], T]) -> T:
    store = bootstrap.store_of(settings)
    try:
        return work(store)
    finally:
        store.close()


def end_of(text: str, now: datetime, zone: str) -> datetime | None:
    """When a pause ends: a span from now, an instant, or a day with all of it, by the clock of `zone`.

    None when nothing is typed. Raises typer.BadParameter for anything else, and for what is over already.
    """
    text = text.strip()
    if not text:
        return None
    found = _SPAN.fullmatch(text.lower())
    end = now + timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else _instant(text, zone)
    if end <= now:
        raise typer.BadParameter(f"{text} is over already", param_hint="--until")
    return end


def _instant(text: str, zone: str) -> datetime:
    try:
        if not _is_day(text):
            return parse_instant(text)
        following = date.fromisoformat(text) + timedelta(days=1)
        return parse_instant(datetime.combine(following, time(), ZoneInfo(zone)).isoformat())
    except (ConfigError, ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no end: {_HOW}", param_hint="--until") from None


def _is_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()) is not None


def _set(
    config: Path,
    as_json: bool,
    *,
    kind: Paused,
    find: Callable[[Tables], tuple[str, str]],
    typed: Typed,
    does: str,
) -> int:
    """`find` gives the name and its time zone."""
    settings, now = load_settings(config), clock_from().now()
    reason = _reason(typed.reason)

    def work(store: Store) -> Pause:
        name, zone = find(Tables(settings, store))
        made = Pause(kind, name, now, end_of(typed.until, now, zone), typed.by.strip() or _me(), reason)
        store.pause(made)
        return made

    made = with_store(settings, work)
    if as_json:
        console.emit(made.shown)
    else:
        console.out.print(f"{plain(made.who)} is paused {span(made.until)}. {does}")
        console.out.print(f"End it earlier: allocator resume {_words(made)}")
    return console.OK


def _reason(typed: str) -> str:
    reason = " ".join(typed.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise typer.BadParameter(f"say why, in 1 to {LONGEST_REASON} characters", param_hint="--reason")
    return reason


def _me() -> str:
    """Who typed it; empty where the machine has no name for them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _words(pause: Pause) -> str:
    return str(pause.kind) if pause.kind is Paused.SERVICE else f'{pause.kind} "{plain(pause.name)}"'
