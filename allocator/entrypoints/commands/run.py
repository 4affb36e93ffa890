"""`allocator run`: one run now, or what it would do."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import Settings, load_settings
from allocator.entrypoints import console, metrics
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.errors import AllocatorError, ConfigError, StoreError
from allocator.ports import Clock
from allocator.service.run import Job, Outcome
from allocator.service.run import run as run_once
from rules.model import RoutingTables

STOPPED = 130
INTERRUPT_SECONDS = 3.0
"""How long Ctrl-C waits for threads that are in the middle of a request."""
SYNC_WORDS = {
    "created": "Leads created", "linked": "linked to who was there", "made": "", "switched": "links moved",
    "to_crm": "written to the CRM", "to_marketing": "", "conflicts": "conflicts",
    "problems": "with values that do not fit", "held": "linked and held", "rejected": "rows not taken",
    "waiting": "written without an answer, which the next run looks up", "looked_at": "looked at",
}  # fmt: skip
"""The counts of `sync` in the order and the words in which they are told."""
EPILOG = (
    "Examples:  allocator run --dry-run   |   allocator run --json   |   allocator run --config prod.toml"
)


def register(app: typer.Typer) -> None:
    app.command("run", epilog=EPILOG)(command)


def command(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen; write nothing.")
    ] = False,
    at: Annotated[str | None, typer.Option(help="With --dry-run: as of this instant (ISO 8601).")] = None,
    as_json: JsonOption = False,
) -> int:
    """Pull, decide, deliver and report, once.

    Exit code 0: done, or no leads. 4: something of this run is held or could not be delivered yet, or rows of
    a file were not taken. 3: the
    workbook is refused and there is no last good version. 5: the CRM, or a marketing system, cannot be
    reached or refused us (a marketing system is left out, the rest is done). 6: another run works.
    """
    if at and not dry_run:
        raise typer.BadParameter("--at goes with --dry-run", param_hint="--at")
    settings = load_settings(config)

    def tell(outcome: Outcome, names: dict[str, str]) -> None:
        if as_json:
            console.emit(outcome.summary)
        else:
            show(outcome.summary, names, dry_run=dry_run, target=settings.salesforce.url)

    def leave(outcome: Outcome) -> None:
        """The CRM keeps a request waiting: nothing in this process can call it back, so end the process."""
        console.err.show_cursor()
        tell(outcome, {})
        _exit_now(console.OK)

    with console.progress_bars(quiet=as_json) as progress, _stop_on_signals() as stop:
        clock = clock_from(at)
        wire = bootstrap.job if dry_run else _told_job
        job = wire(settings, clock=clock, progress=progress, stop=stop, leave=leave)
        try:
            with bootstrap.preview(job) if dry_run else _mailing(settings, job) as chosen:
                outcome = run_once(chosen, by="cli")
                silent = as_json or not outcome.summary["teams"]
                names = {} if silent else names_of(bootstrap.current_tables(settings, chosen.store))
        finally:
            job.store.close()
    tell(outcome, names)
    if outcome.trouble is not None:
        console.err.print(str(outcome.trouble), markup=False)
    for name, trouble in outcome.apart.items():
        console.err.print(f"{name}: {trouble}", markup=False)
    return code_of(outcome)


@contextmanager
def _mailing(settings: Settings, job: Job) -> Iterator[Job]:
    """After the run, however it ended: the mails that are due are sent, the textfile is renewed."""
    try:
        yield job
    except Exception as error:
        if bootstrap.tell_without_store(settings, error, job.clock.now()) == 0:
            _afterwards(settings, job)
        raise
    _afterwards(settings, job)


def _told_job(settings: Settings, *, clock: Clock, **parts: Any) -> Job:
    """The job; on-call is told when it cannot be made."""
    with bootstrap.telling_without_store(settings, clock):
        try:
            return bootstrap.job(settings, clock=clock, **parts)
        except ConfigError as error:
            with suppress(AllocatorError):  # it may be the store that cannot be used
                _tell(settings, error, clock)
            raise


def _tell(settings: Settings, error: Exception, clock: Clock) -> None:
    store = bootstrap.store_of(settings)
    try:
        bootstrap.tell_of(settings, store, error, clock.now())
        bootstrap.send_mails(settings, store, clock)
    finally:
        store.close()


def _afterwards(settings: Settings, job: Job) -> None:
    with suppress(StoreError):
        bootstrap.look_at_the_mails(settings, job.store, job.clock.now())
        bootstrap.send_mails(settings, job.store, job.clock)
        if settings.serve.metrics_file is not None:
            body = metrics.text(job.store, bootstrap.program(), now=job.clock.now())
            metrics.write_file(settings.serve.metrics_file, body)


def code_of(outcome: Outcome) -> int:
    """The exit code of a run that ended."""
    if outcome.trouble is not None:
        return console.exit_code(outcome.trouble)
    leads = outcome.summary["leads"]
    if outcome.state == "handed_over":
        return console.OK
    for trouble in outcome.apart.values():
        return console.exit_code(trouble)
    rejected = any(counts.get("rejected") for counts in outcome.summary["sync"].values())
    return console.HELD if leads["held"] or leads["retry"] or rejected else console.OK


def names_of(tables: RoutingTables) -> dict[str, str]:
    """Person ID -> name."""
    return {person: rows[0].name for person, rows in tables.people_by_id.items()}


def show(made: dict[str, Any], names: dict[str, str], *, dry_run: bool, target: str) -> None:
    """What a run did, or would do, in a few lines."""
    counts = made["leads"]
    title = "Dry run: nothing was written" if dry_run else f"Run {made['run']}"
    mode = "" if made["live"] else "  (observe mode: nothing is written to the CRM)"
    console.out.print(f"[bold]{title}[/]  {console.plain(target)}{mode}")
    shown = ("pulled", "redecided", "returned", "assigned", "held", "taken", "closed", "retry", "held_total")
    console.pack("  ", (f"{name} {counts[name]}" for name in shown))
    if made["teams"]:
        console.out.print(split_table(made["teams"], names))
    if made["held_reasons"]:
        held = (f"{reason} {n}" for reason, n in made["held_reasons"].items())
        console.pack("  held: ", [*held, "(allocator leads held)"])
    for name, counts in made["sync"].items():
        failed = made["sources"].get(name, {}).get("trouble") is not None
        console.pack(f"  {name}: ", sync_words(name, counts, failed=failed))
    for note in made["notes"]:
        console.hang("  note: ", console.plain(note))
    console.out.print(f"  {made['crm']['requests']} CRM calls, {made['seconds']:.1f} s")


def sync_words(name: str, counts: dict[str, int], *, failed: bool) -> list[str]:
    """What was done with a marketing system; one that failed is never said to have had nothing to do."""
    words = {**SYNC_WORDS, "to_marketing": f"written to {name}", "made": f"made in {name}"}
    told = [f"{said} {counts[key]}" for key, said in words.items() if counts.get(key)]
    return [*told, "not all was done, see the note"] if failed else told or ["nothing to do"]


def split_table(teams: dict[str, dict[str, int]], names: dict[str, str] | None = None) -> Table:
    """Leads per team and person, with bars."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header, justify in (("Team", "left"), ("Person", "left"), ("Leads", "right"), ("", "left")):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]
    most = max((n for people in teams.values() for n in people.values()), default=1)
    for team, people in teams.items():
        shown = console.plain(team)
        for person, n in people.items():
            who = console.plain((names or {}).get(person, person))
            table.add_row(shown, who, str(n), "[green]" + "█" * max(1, round(24 * n / most)) + "[/]")
            shown = ""
    return table


@contextmanager
def _stop_on_signals() -> Iterator[Any]:
    """SIGTERM finishes the batch and hands the rest over; a second one, or Ctrl-C, ends now.

    What a killed run leaves behind, the next one carries on from: ending at once loses nothing.
    """
    asked = threading.Event()

    def on_term(number: int, frame: object) -> None:
        if asked.is_set():
            _end(STOPPED)
        asked.set()

    def on_interrupt(number: int, frame: object) -> None:
        asked.set()
        grace = threading.Timer(INTERRUPT_SECONDS, _end, [STOPPED])  # threads may wait for a silent CRM
        grace.daemon = True
        grace.start()
        raise KeyboardInterrupt

    handlers = {signal.SIGTERM: on_term, signal.SIGINT: on_interrupt}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(code: int) -> None:
    console.err.show_cursor()
    sys.stderr.write("stopped\n")
    _exit_now(code)


def _exit_now(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
