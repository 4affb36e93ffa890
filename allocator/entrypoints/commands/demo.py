"""`allocator demo`: the main job on a sandbox of its own, and what it did."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import Settings, load_settings
from allocator.domain.lead import State
from allocator.domain.records import LeadRow
from allocator.entrypoints import console
from allocator.entrypoints.commands import explain
from allocator.entrypoints.commands.demo_conversion import ConversionStory
from allocator.entrypoints.commands.demo_hours import LaterHours, run_at
from allocator.entrypoints.commands.init import Answers, FactOption, make, parse_facts
from allocator.entrypoints.commands.run import split_table
from allocator.entrypoints.commands.sandbox import MapOption, parse_map
from allocator.entrypoints.console import JsonOption, plain
from allocator.entrypoints.conversion_words import show_story
from allocator.errors import ConfigError
from allocator.ports import Store
from allocator.sandbox.app import Sandbox
from allocator.sandbox.mailbox import Mailbox
from allocator.service import why
from allocator.service.run import Outcome
from rules.model import RoutingTables

NAIVE_CALLS = 4
"""Calls a lead that a plain connector makes: account, user, update, and the update's check."""
HELD_SHOWN = 10


def register(app: typer.Typer) -> None:
    app.command("demo", epilog="Examples:  allocator demo   |   allocator demo --story conversion")(command)


def command(
    leads: Annotated[Path | None, typer.Option(help="Your own leads as CSV instead of the samples.")] = None,
    field_map: MapOption = None,
    fact: FactOption = None,
    workbook: Annotated[Path | None, typer.Option(help="Your own workbook.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Work in this folder and leave it all running.")] = None,
    story: Annotated[
        str | None, typer.Option(help="Another one: conversion (HubSpot, Lead, Contact).")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Start a sandbox CRM with 240 leads, run three hours, show who got what, why, and an alert's mails.

    All of it on this machine.
    """
    if story is not None:
        return _tell_story(story, [leads, field_map, fact, workbook, keep], as_json=as_json)
    if leads is not None and not leads.exists():
        raise typer.BadParameter(f"there is no {leads}", param_hint="--leads")
    with _folder(keep) as folder:
        state = folder / "sandbox"
        with (
            Sandbox(0, False, state, "demo", None, leads, parse_map(field_map)) as sandbox,
            Mailbox(keep and keep / "mails") as mailbox,
        ):
            file = _make(sandbox, folder, workbook, fact, mailbox)
            settings = load_settings(file)
            now = clock_from().now()
            outcome = _run(settings, now, quiet=as_json)
            later = _later(settings, outcome, sandbox, mailbox)
            if keep is None:
                later.play(now)
            _tell(settings, outcome, sandbox, later, as_json=as_json)
            if keep is not None:
                _stay(sandbox, file, keep / "mails")
            elif not as_json:
                _show_next()
    return console.OK


def _tell_story(story: str, others: Sequence[object], *, as_json: bool) -> int:
    """One of the stories, which take no other options."""
    if story != "conversion":
        raise typer.BadParameter(f"there is no story {story!r}; there is: conversion", param_hint="--story")
    if any(others):
        raise typer.BadParameter("a story takes no other options but --json", param_hint="--story")
    with _folder(None) as folder:
        told = ConversionStory(folder).play().as_object()
    if as_json:
        console.emit(told)
    else:
        show_story(told)
    return console.OK


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        if (keep / "config").exists():
            raise ConfigError(f"{keep} holds an earlier demo. Remove it, or name another folder.")
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="allocator-demo-") as folder:
        yield Path(folder)


def _make(
    sandbox: Sandbox, folder: Path, workbook: Path | None, fact: list[str] | None, mailbox: Mailbox
) -> Path:
    info = sandbox.info()
    queues = (next(iter(info["queues"])),)
    return make(
        Answers(
            folder=folder / "config",
            url=info["url"],
            client_id=info["client_id"],
            secret=info["client_secret"],
            queues=queues,
            workbook=workbook,
            facts=parse_facts(fact),
            live=True,
            smtp=mailbox.url,
            oncall=("oncall@example.com",),
            editors=("marketing-ops@example.com",),
        )
    )


def _run(settings: Settings, now: datetime, *, quiet: bool) -> Outcome:
    with console.progress_bars(quiet=quiet) as progress:
        return run_at(settings, now, progress=progress)


def _later(settings: Settings, first: Outcome, sandbox: Sandbox, mailbox: Mailbox) -> LaterHours:
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
    finally:
        store.close()
    return LaterHours(settings, sandbox, mailbox, tables, first)


def _tell(
    settings: Settings, outcome: Outcome, sandbox: Sandbox, later: LaterHours, *, as_json: bool
) -> None:
    if as_json:
        console.emit({**outcome.summary, "not_loaded": sandbox.load_report, **later.as_object()})
        return
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
        _show_split(outcome.summary, tables)
        _show_three(store, tables, outcome.summary["run"])
        _show_held(store)
    finally:
        store.close()
    later.show()
    _show_calls(outcome.summary)
    for row in sandbox.load_report[:HELD_SHOWN]:
        console.out.print(f"not loaded: line {row['line']}: {plain(row['reason'], width=80)}")


def _show_split(made: dict[str, Any], tables: RoutingTables) -> None:
    counts = made["leads"]
    names = {i: rows[0].name for i, rows in tables.people_by_id.items()}
    console.out.print(
        f"\n[bold]{counts['pulled']} leads pulled, {counts['assigned']} assigned, {counts['held']} held[/] "
        f"in {made['seconds']:.1f} s\n"
    )
    console.out.print(split_table(made["teams"], names))


def _show_three(store: Store, tables: RoutingTables, run: int) -> None:
    """One by turn, one that somebody already knew, one from another team; of the first hour."""
    chosen = three(row for row in store.leads(states=[State.CONFIRMED]) if row.run == run)
    console.out.print(f"\n[bold]{console.count(len(chosen), 'lead')} explained[/]\n")
    for row in chosen:
        explain.show(why.explain_lead(store, row, tables), tables)
        console.out.print()


def three(rows: Any) -> list[LeadRow]:
    """At most three leads, as different as they come: by what decided, then by team."""
    chosen: dict[tuple[str | None, str | None], LeadRow] = {}
    for row in rows:
        chosen.setdefault((row.by, row.team), row)
    kinds: dict[str | None, LeadRow] = {}
    for row in chosen.values():
        kinds.setdefault(row.by, row)
    picked = list(kinds.values())[:3]
    picked += [row for row in chosen.values() if row not in picked]
    return picked[:3]


def _show_held(store: Store) -> None:
    rows = store.held()
    if not rows:
        return
    console.out.print(f"[bold]{len(rows)} held[/]: nobody got them, and each says why\n")
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
    for row in rows[:HELD_SHOWN]:
        table.add_row(row.key.source_id, row.reason or "", plain(row.detail, width=78))
    console.out.print(table)
    if len(rows) > HELD_SHOWN:
        console.out.print(f"and {len(rows) - HELD_SHOWN} more")


def _show_calls(made: dict[str, Any]) -> None:
    naive = 1 + NAIVE_CALLS * made["leads"]["pulled"]
    calls = made["crm"]["requests"]
    beside = f" (a connector that asks per lead needs {naive:,})" if naive > calls else ""
    console.out.print(f"\n[bold]{calls} CRM calls[/]{beside}\n")


def _show_next() -> None:
    console.out.print("Next:  allocator demo --keep playground     leaves it all running to play with")
    console.out.print("       docs/quickstart.md                   from here to your own CRM\n")


def _stay(sandbox: Sandbox, file: Path, mails: Path) -> None:
    """Serve until somebody ends it."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    console.out.print(f"The sandbox serves at {sandbox.url} until Ctrl-C. In another terminal:", markup=False)
    for words in (
        "run",
        "leads held",
        'rotation show "Enterprise"',
        'fairness --team "Enterprise"',
        "runs list",
        "tables check",
        "serve",
    ):
        console.out.print(f"  allocator {words} --config {file}", markup=False, soft_wrap=True)
    console.out.print(
        f"Mails to oncall@ and marketing-ops@example.com arrive as files in {mails}.", markup=False
    )
    console.out.print("To change the rules step by step: docs/tutorials/change-the-tables.md", markup=False)
    console.out.file.flush()
    over.wait()


__all__ = ["command", "register", "three"]
