"""`allocator serve`: the hourly service, its alerts and its health."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
import typer

from allocator import bootstrap
from allocator.adapters.clock import SystemClock
from allocator.config import Settings, load_settings
from allocator.domain.records import Beat
from allocator.entrypoints import console, metrics, web
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.entrypoints.scheduler import Alarm
from allocator.entrypoints.service import Minder, Parts, Service
from allocator.errors import AllocatorError
from allocator.ports import Store
from allocator.service.hours import Hours
from allocator.service.run import Outcome
from allocator.service.run import run as run_once

EPILOG = "Example:  allocator serve --config /etc/allocator/allocator.toml"
LOOK_EVERY = 20.0
"""Seconds between two looks at the workbook; it is answered when it stood still for one of them."""
CLOCK_EVERY = 30.0
POST_EVERY = 10.0
STOPPED = 130
TROUBLE = frozenset({"trouble", "dead", "run failed", "alarm"})
"""Events of the log that are warnings."""


def register(app: typer.Typer) -> None:
    app.command("serve", epilog=EPILOG)(command)


def command(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Run every hour until SIGTERM, mail alerts, answer saved workbooks, show health on /healthz.

    Several may share one store: one works, another takes over within two
    minutes. After SIGTERM it ends within ten seconds; what it had not
    finished, the next run does. The log goes to stderr. With --json one line
    on stdout says where the pages are.
    """
    settings = load_settings(config)
    bootstrap.refuse_clash()
    clock, log = SystemClock(), _log
    with bootstrap.telling_without_store(settings, clock):
        store = bootstrap.store_of(settings)
    started, program = clock.now(), bootstrap.program()

    service = Service(
        Parts(
            store=store,
            clock=clock,
            hours=Hours(store, clock, settings.serve.minute),
            run=_runs(settings, store, log),
            minders=_minders(settings, store, log, program),
            log=log,
            trouble=lambda error: bootstrap.tell_without_store(settings, error, clock.now()),
            beat=lambda now: Beat(bootstrap.host(), os.getpid(), started, now, program),
        )
    )

    def figures(of: Store | None) -> bytes:
        return metrics.text(of, program, now=clock.now(), beat_age=service.beat_age)

    app = web.application(
        web.Patiently(service.health, service.health_without_store),
        web.Patiently(lambda: figures(store), lambda: figures(None)),
    )
    pages = web.Pages(app, settings.serve.host, settings.serve.port)
    alarm = Alarm(
        service.wake.set, minute=settings.serve.minute, warn=lambda what: log("alarm", trouble=what)
    )
    pages.start()
    _stop_on_signals(service)
    log("serving", url=pages.url, live=settings.live, minute=settings.serve.minute, program=program)
    if as_json:
        console.emit({"url": pages.url, "pid": os.getpid(), "live": settings.live})
    code = service.serve(alarm)
    log("stopped", code=code)
    _exit_now(code)
    return code


def _log(event: str, **said: Any) -> None:
    logger = structlog.get_logger()
    (logger.warning if event in TROUBLE else logger.info)(event, **said)


def _runs(settings: Settings, store: Store, log: Callable[..., Any]) -> Callable[[Callable[[], bool]], Any]:
    """What the service does in its hour: a run on a CRM session of its own."""
    tables = bootstrap.tables_of(settings)

    def leave(outcome: Outcome) -> None:
        """The CRM keeps a request waiting: nothing in this process can call it back, so end the process."""
        with suppress(OSError, ValueError):
            log("run", **_said(outcome))
        _exit_now(console.OK)

    def once(stop: Callable[[], bool]) -> None:
        clock = SystemClock()
        try:
            job = bootstrap.job(
                settings, clock=clock, store=store, stop=stop, leave=leave, tables=tables, serving=True
            )
        except AllocatorError as error:
            bootstrap.tell_of(settings, store, error, clock.now())
            raise
        with bootstrap.telling_without_store(settings, clock):
            log("run", **_said(run_once(job, by="serve", once=True)))

    return once


def _said(outcome: Outcome) -> dict[str, Any]:
    made = outcome.summary
    counts = {k: v for k, v in made["leads"].items() if v}
    return {
        "run": made["run"],
        "slot": made["slot"],
        "state": outcome.state,
        "seconds": made["seconds"],
        **counts,
    }


def _minders(settings: Settings, store: Store, log: Callable[..., Any], program: str) -> tuple[Minder, ...]:
    clock = SystemClock()
    workbook = bootstrap.workbook_loop(settings, store, clock)

    def look_at_the_clock() -> None:
        bootstrap.look_at_the_clock(settings, store, clock.now(), serving=True)
        if settings.serve.metrics_file:
            body = metrics.text(store, program, now=clock.now())
            metrics.write_file(settings.serve.metrics_file, body)

    def send() -> None:
        done = bootstrap.send_mails(settings, store, clock)
        if done.sent or done.failed:
            log("mails", sent=done.sent, failed=done.failed)

    return (
        Minder("workbook", workbook.look, every=LOOK_EVERY, log=log),
        Minder("clock", look_at_the_clock, every=CLOCK_EVERY, log=log),
        Minder("post", send, every=POST_EVERY, log=log),
    )


def _stop_on_signals(service: Service) -> None:
    """The first signal hands over, a second one ends now: what a killed run leaves, the next carries on."""

    def on_signal(number: int, frame: object) -> None:
        if service.stopping.is_set():
            _exit_now(STOPPED)
        service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)


def _exit_now(code: int) -> None:
    """Threads that wait for a mail server or a CRM are not waited for: nothing is lost by leaving them."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, RuntimeError, ValueError):  # gone, or written to at this very moment
            stream.flush()
    os._exit(code)
