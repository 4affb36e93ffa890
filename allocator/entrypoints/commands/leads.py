"""`allocator leads held | retry`: what waits for a person, and deciding it again."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.lead import LeadKey
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.errors import UnknownName
from allocator.ports import Store

app = typer.Typer(help="Leads that wait for a person.", no_args_is_help=True)


@app.command("held", epilog="Example:  allocator leads held --json")
def held(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """List every held lead with its reason, oldest first."""
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        rows = store.held()
    finally:
        store.close()
    leads = [
        {"lead": str(r.key), "reason": r.reason, "detail": r.detail, "since": r.since and r.since.isoformat()}
        for r in rows
    ]
    if as_json:
        console.emit({"leads": leads})
        return console.OK
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in ("Lead", "Reason", "Since", "Detail"):
        table.add_column(header, no_wrap=header != "Detail")
    for lead in leads:
        since = (lead["since"] or "")[:16]
        table.add_row(lead["lead"], lead["reason"], since, console.plain(lead["detail"], width=80))
    console.out.print(table if leads else "No lead is held.")
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


def key_of(store: Store, text: str) -> LeadKey:
    """The one lead that a text names. Raises UnknownName when none or several fit."""
    rows = store.find(text)
    if not rows:
        raise UnknownName(f"No lead {text!r} is known here. Ids are as the CRM shows them (00Q...).")
    if len(rows) > 1:
        names = ", ".join(str(r.key) for r in rows[:5])
        raise UnknownName(f"{text!r} fits several leads: {names}. Name one of them.")
    return rows[0].key
