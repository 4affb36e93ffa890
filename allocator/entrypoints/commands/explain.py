"""`allocator explain LEAD` and `explain --set fact=value`: why this owner, from the stored decision."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import Settings, load_settings
from allocator.entrypoints import console
from allocator.entrypoints.commands.leads import key_of
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.timeline_table import show_timeline
from allocator.entrypoints.turn_words import show_out, show_turn
from allocator.errors import UnknownName
from allocator.service import why
from rules.facts import fact_key
from rules.model import RoutingTables

EPILOG = (
    "Examples:  allocator explain 00Q5g00000LeadAEAA   |   "
    "allocator explain --set country=DE --set campaign=WEB-2026-DACH"
)
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FACT=VALUE", help="A made-up fact; repeatable.")
]


def register(app: typer.Typer) -> None:
    app.command("explain", epilog=EPILOG)(command)


def command(
    lead: Annotated[str | None, typer.Argument(help="A lead's id.")] = None,
    facts: SetOption = None,
    at: Annotated[str | None, typer.Option(help="With --set: as of this instant (ISO 8601).")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Why a lead has its owner, or what the rules say to facts you type: every layer, row and credit.

    Exit code 1 where a stored turn does not fit its own numbers.
    """
    if (lead is None) == (not facts):
        raise typer.BadParameter("name a lead, or facts with --set", param_hint="LEAD")
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
        if lead is not None:
            key = key_of(store, lead)
            found = why.explain_lead(store, store.leads([key])[0], tables)
        else:
            now = clock_from(at).now()
            made_up = why.explain_facts(
                tables, known_facts(facts or [], settings, tables), now=now, store=store
            )
            found = why.made_up_object(made_up, tables)
    finally:
        store.close()
    if as_json:
        console.emit(found)
    else:
        show(found, tables)
        show_timeline(found)
    if error := found.get("error"):
        console.err.print(plain(error))
        return console.UNEXPECTED
    return console.OK


def known_facts(
    pairs: list[str], settings: Settings, tables: RoutingTables, *, option: str = "--set"
) -> dict[str, str]:
    """`parse_facts`, each name known to the configuration or the workbook. Raises UnknownName otherwise."""
    facts = parse_facts(pairs, option)
    known = {fact_key(name) for name in (*settings.fact_fields(), *tables.fact_by_name)}
    for name in facts:
        if fact_key(name) not in known:
            near = difflib.get_close_matches(fact_key(name), known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(known))}."
            raise UnknownName(f"No fact is called {name!r}. {hint}")
    return facts


def parse_facts(pairs: list[str], option: str) -> dict[str, str]:
    """fact=value texts as a mapping; the fact's name in lower case."""
    facts = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{pair!r} is not FACT=VALUE", param_hint=option)
        facts[name.strip().casefold()] = value
    return facts


def show(found: dict[str, Any], tables: RoutingTables) -> None:
    """The answer in words: who and why first, then every step."""
    out = console.out
    names = {i: rows[0].name for i, rows in tables.people_by_id.items()}
    console.hang(f"[bold]{plain(found['lead'] or 'A lead with these facts')}[/]  ", headline(found, names))
    console.pack("  facts: ", (f"{k}={plain(v, width=40)}" for k, v in found["facts"].items()))
    for step in found["steps"]:
        sets = ", ".join(f"{k} = {plain(v, width=40)}" for k, v in step["sets"].items())
        place = f"row {step['row']} ({plain(step['rule_id'])}), {plain(step['cell'])}"
        console.hang(f"  {plain(step['layer'])}: ", f"{place}  {sets}")
    for layer in found.get("layers", ()):
        if layer["matched"] is None:
            out.print(f"  {plain(layer['layer'])}: no row held")
        for near in layer["nearly"]:
            console.hang("    [dim]nearly: [/]", f"[dim]{plain(near['why'])}[/]")
    for look in found.get("considered", ()):
        console.hang(f"  {plain(look['what'])}: ", _considered(look))
    for turn in _turns_of_now(found):
        show_turn(turn, names)
    if not found["turn"]:
        show_out(found.get("skipped", ()), names)
    for link in found.get("links", ()):
        out.print(f"  link: {link['object']} {link['crm_id']} ({link['state']} {link['since'][:16]})")
    _show_back(found)
    for one in found.get("earlier", ()):
        end = one["reason"] or names.get(one["person"] or "", one["person"] or "nobody")
        out.print(f"  earlier: epoch {one['epoch']} {one['state']}, {plain(end)} ({one['at'][:16]})")
    if found.get("tables_version"):
        run, epoch = found["run"] or "-", found["epoch"] or "-"
        out.print(f"  tables {found['tables_version'][:8]}  run {run}  epoch {epoch}")


def _turns_of_now(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns of the decision that holds: one that was given back first, then what a taker was charged."""
    if "turns" not in found:
        return [found["turn"]] if found["turn"] else []
    return [turn for turn in found["turns"] if turn["epoch"] == found["epoch"]]


def _show_back(found: dict[str, Any]) -> None:
    """That it was rejected or undone, and why; and how earlier decisions ended."""
    if (asked := found.get("take_back")) and asked["state"] != "done":
        by, why = f" by {asked['by']}" if asked["by"] else "", asked["detail"] or "the next run takes it back"
        console.hang("  ", plain(f"{asked['how']}{by} ({asked['at'][:16]}), {asked['reason']}: {why}"))
    for one in (found, *found.get("earlier", ())):
        if ended := one.get("ended"):
            reason = f": {ended['reason']}" if ended["reason"] else ""
            console.hang("  ", plain(f"epoch {one['epoch']} {ended['how']} ({ended['at'][:16]}){reason}"))


def headline(found: dict[str, Any], names: dict[str, str]) -> str:
    """State and owner in one line."""
    if found["state"] in ("held", "closed"):
        detail = f": {plain(found['detail'])}" if found["detail"] else ""
        return f"[yellow]{found['state']} ({found['reason']})[/]{detail}"
    person = found["person"] or {}
    if found["state"] == "taken":
        return _taken(found, names)
    who = person.get("name") or names.get(person.get("id") or "", person.get("crm_user_id"))
    team = f", team {plain(found['team'])}" if found["team"] else ""
    return f"[green]{found['state']}[/] {plain(who)} by {found['by']}{team}"


def _taken(found: dict[str, Any], names: dict[str, str]) -> str:
    """Who took it by hand, what they were charged, and whose turn it had been."""
    by_hand = found["by_hand"]
    if by_hand is None:
        return f"[yellow]taken[/]: {plain(found['detail'])}"
    taker = by_hand.get("person") or {}
    said = f"[yellow]taken[/] by hand by {plain(taker.get('name') or 'CRM user ' + found['detail'])}"
    if by_hand.get("charged"):
        said += f", charged one lead (turn {by_hand['turn']} of {plain(by_hand['team'])})"
    elif by_hand.get("turn"):
        said += ", beyond the limit: nothing was charged"
    else:
        said += ", at no charge"
    gone = [turn for turn in _turns_of_now(found) if turn["given_back"]]
    whose = names.get(gone[-1]["owner"], gone[-1]["owner"]) if gone else None
    return f"{said}; {plain(whose)}'s turn was given back" if whose else said


def _considered(look: dict[str, Any]) -> str:
    verdict = f"not used, {look['why_not']}" if "why_not" in look else f"{look.get('person', 'used')}"
    records = ", ".join(look.get("records", ())) or look.get("key", "")
    seen = f" (seen {look['seen'][:16]}, {look.get('age_seconds', 0)} s old)" if "seen" in look else ""
    return plain(f"{records}{seen}: {verdict}")
