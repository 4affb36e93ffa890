"""`allocator runs compare`: what observe mode would have done, beside who has the leads now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.service.compare import Days, Verdict, compare
from rules.model import RoutingTables

SHOWN = 20
"""Differing leads that are printed; --json gives all."""
WORDS: Mapping[Verdict, str] = {
    Verdict.SAME_PERSON: "have the owner we would have given",
    Verdict.SAME_TEAM: "went to somebody else in the same team",
    Verdict.OTHER_TEAM: "went to another team",
    Verdict.NOT_ON_SHEET: "went to somebody who is not on the sheet Salespeople",
    Verdict.GIVEN_THOUGH_HELD: "were given out, where we would have held them",
    Verdict.IN_INTAKE: "are still in intake",
    Verdict.CLOSED: "are closed: deleted, merged, or converted out of intake",
}


def register(app: typer.Typer) -> None:
    app.command("compare", epilog="Example:  allocator runs compare --from 2026-11-02 --to 2026-11-06")(
        command
    )


def command(
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Leads decided on this day or later.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Leads decided on this day or earlier.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Observe mode beside the people who give the leads today: where the two differ, and by which rule."""
    days = Days(_day(first, "--from"), _day(last, "--to"))
    if days.first and days.last and days.first > days.last:
        raise typer.BadParameter(f"{days.first} is after {days.last}", param_hint="--from")
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
        found = compare(bootstrap.crm_of(settings), store, tables, days=days)
    finally:
        store.close()
    if as_json:
        console.emit(found)
    else:
        _print(found, tables)
    return console.OK


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a day; write it as 2026-11-02", param_hint=option
        ) from None


def _print(found: Mapping[str, Any], tables: RoutingTables) -> None:
    if not found["leads"]:
        console.out.print(
            "Observe mode decided no lead here. What it decided is forgotten at the first live run, "
            "so compare before that."
        )
        return
    console.out.print(f"[bold]{console.count(found['leads'], 'lead')} decided in observe mode[/]")
    for verdict, words in WORDS.items():
        if n := found["counts"][verdict]:
            console.out.print(f"  {n:>5,}  {words}")
    names = {i: rows[0].name for i, rows in tables.people_by_id.items()}
    if found["teams"]:
        console.out.print(_shares(found["teams"], names))
    if found["different"]:
        console.pack(
            "Most by rule: ", (f"{plain(rule)} {n}" for rule, n in list(found["rules"].items())[:10])
        )
        console.out.print(_leads(found["different"][:SHOWN], names))
        if (more := len(found["different"]) - SHOWN) > 0:
            console.out.print(f"and {more:,} more: allocator runs compare --json")


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in headers:
        table.add_column(header, justify="right" if header in ("Ours", "Theirs") else "left")
    return table


def _shares(teams: Mapping[str, Mapping[str, Mapping[str, int]]], names: Mapping[str, str]) -> Table:
    table = _table("Team", "Person", "Ours", "Theirs")
    for team, people in teams.items():
        shown = plain(team)
        for person, both in people.items():
            table.add_row(shown, plain(names.get(person, person)), str(both["ours"]), str(both["theirs"]))
            shown = ""
    return table


def _leads(different: list[Mapping[str, Any]], names: Mapping[str, str]) -> Table:
    table = _table("Lead", "We say", "The CRM says", "By", "Rule")
    for one in different:
        rule = one["because"]
        place = f"{rule['rule_id']}, {rule['cell']}" if rule["rule_id"] else "-"
        ours, theirs = _who(one["ours"], names) or "held", _who(one["theirs"], names)
        row = (one["lead"].rpartition(":")[2], ours, theirs, one["by"] or one["reason"] or "-", place)
        table.add_row(*(plain(text) for text in row))
    return table


def _who(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if one["person"]:
        name = names.get(one["person"], one["person"])
        return f"{name}, {one['team']}" if one["team"] else str(name)
    return str(one["owner"] or "")
