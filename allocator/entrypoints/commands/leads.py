"""`allocator leads held | retry | reject`: what waits for a person, and deciding it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.lead import LeadKey
from allocator.domain.records import LeadRow
from allocator.domain.take_backs import Ended, TakeBack
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.errors import UnknownName
from allocator.ports import Store
from allocator.service import undo
from allocator.service.waiting_links import HELD as LINKS_HELD
from allocator.service.waiting_links import held_rows

app = typer.Typer(help="Leads that wait for a person.", no_args_is_help=True)


@app.command("held", epilog="Example:  allocator leads held --json")
def held(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """List every held lead with its reason, oldest first."""
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        leads = [_held(store, row) for row in store.held()]
        linked = len(held_rows(store))
    finally:
        store.close()
    if as_json:
        console.emit({"leads": leads, "linked_held": linked})
        return console.OK
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in ("Lead", "Reason", "Since", "Detail"):
        table.add_column(header, no_wrap=header != "Detail")
    for lead in leads:
        since = (lead["since"] or "")[:16]
        table.add_row(lead["lead"], lead["reason"], since, console.plain(lead["detail"], width=80))
        for one in lead["ended"]:
            table.add_row("", "", one["at"][:16], console.plain(_said(one), width=80))
    console.out.print(table if leads else "No lead is held.")
    if linked:
        are = "is" if linked == 1 else "are"
        console.out.print(f"{console.count(linked, 'linked record')} {are} held by the sync: {LINKS_HELD}")
    return console.OK


@app.command("retry", epilog="Example:  allocator leads retry 00Q5g00000LeadAEAA")
def retry(
    lead: Annotated[list[str] | None, typer.Argument(help="Lead ids; with --all every held lead.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every held lead.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Have the next run decide held leads again, whatever their reason."""
    if bool(lead) == everything:
        raise typer.BadParameter("name leads, or say --all", param_hint="LEAD")
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        keys = None if everything else [key_of(store, text) for text in lead or ()]
        n = store.retry_held(keys, at=clock_from().now())
    finally:
        store.close()
    if as_json:
        console.emit({"retried": n})
    else:
        console.out.print(f"{n} held leads are decided again by the next run.")
    return console.OK


@app.command("reject", epilog='Example:  allocator leads reject 00Q5g00000LeadAEAA --reason "no German"')
def reject(
    lead: Annotated[list[str], typer.Argument(metavar="ID...", help="Lead ids.")],
    reason: Annotated[str, typer.Option(help="Why; kept here, never written to the CRM.")],
    by: Annotated[str, typer.Option("--by", help="Who says so; shown with the reason.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Have the next run take leads back from who got them, and give them to somebody else who can.

    The turn counts or is given back as the team's column Reject says.
    """
    if not reason.strip():
        raise typer.BadParameter("say why in a few words", param_hint="--reason")
    store, now = bootstrap.store_of(load_settings(config)), clock_from().now()
    try:
        rows = store.leads({key_of(store, text) for text in lead})
        asked = [TakeBack(r.key, r.epoch, Ended.REJECTED, now, reason.strip(), by) for r in rows]
        undo.reject(store, asked)
    finally:
        store.close()
    if as_json:
        console.emit({"rejected": [{"lead": str(r.key), "person": r.person, "team": r.team} for r in rows]})
    else:
        them = "it back and decides it" if len(rows) == 1 else "them back and decides them"
        console.out.print(f"{console.count(len(rows), 'lead')} rejected. The next run takes {them} again.")
    return console.OK


def _held(store: Store, row: LeadRow) -> dict[str, Any]:
    since = row.since and row.since.isoformat()
    ended = [_ended(one) for one in store.decisions(row.key) if one["ended"]] if row.hops else []
    return {
        "lead": str(row.key), "reason": row.reason, "detail": row.detail, "since": since, "ended": ended,
    }  # fmt: skip


def _ended(one: Mapping[str, Any]) -> dict[str, Any]:
    """Who had it, how that ended, and the reason that was given."""
    at = one["ended_at"].isoformat()
    return {"person": one["person"], "how": str(one["ended"]), "at": at, "reason": one["ended_why"]}


def _said(one: Mapping[str, Any]) -> str:
    why = f": {one['reason']}" if one["reason"] else ""
    return f"{one['how']} by {one['person'] or 'a queue'}{why}"


def key_of(store: Store, text: str) -> LeadKey:
    """The one lead that a text names. Raises UnknownName when none or several fit."""
    rows = store.find(text)
    if not rows:
        raise UnknownName(
            f"No lead {text!r} is known here. Write the CRM's id (00Q...), or source and id (hubspot:101); "
            "a record of a marketing system is known once a run has found it in intake."
        )
    if len(rows) > 1:
        names = ", ".join(str(r.key) for r in rows[:5])
        raise UnknownName(f"{text!r} fits several leads: {names}. Name one of them.")
    return rows[0].key
