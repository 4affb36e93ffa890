"""The command line: `allocator COMMAND`. Commands live one file each in `commands`."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from importlib import import_module
from typing import Any

import stamina
import structlog
import typer
from typer.exceptions import TyperException

from allocator.entrypoints import console, stuck
from allocator.errors import AllocatorError, StoreError
from rules.errors import RulesError, WorkbookError

COMMANDS = ("demo", "init", "run", "serve", "watch", "explain", "fairness", "doctor")
GROUPS = {
    "tables": "tables.group",
    "rotation": "rotation",
    "leads": "leads",
    "links": "links",
    "runs": "runs",
    "pause": "pause",
    "resume": "resume",
    "alerts": "alerts",
    "store": "store",
    "plans": "plans",
    "sandbox": "sandbox",
}
"""Name of a group -> its module in `commands`."""


def build(only: str | None = None) -> typer.Typer:
    """The command line, or a single command of it: the others' imports take longer than most commands do."""
    app = typer.Typer(
        name="allocator",
        help="Gives every new sales lead to the salesperson whose turn it fairly is.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # with a single command it stays `allocator COMMAND`
    for name in COMMANDS:
        if only in (None, name):
            _module(name).register(app)
    for name, module in GROUPS.items():
        if only in (None, name):
            app.add_typer(_module(module).app, name=name)
    return app


def _module(name: str) -> Any:
    return import_module(f"allocator.entrypoints.commands.{name}")


def _named(argv: list[str]) -> str | None:
    """The command that is asked for. A shell that completes a line asks for all of them."""
    first = argv[0] if argv else ""
    known = first in COMMANDS or first in GROUPS
    return first if known and "_ALLOCATOR_COMPLETE" not in os.environ else None


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its code. Errors are one sentence on stderr, never a traceback."""
    _quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no bars shows question marks
    sys.exit(_run(argv))


def _run(argv: list[str] | None) -> int:
    try:
        app = build(_named(sys.argv[1:] if argv is None else argv))
        result = app(args=argv, standalone_mode=False, prog_name="allocator")
        stuck.warn(argv if argv is not None else sys.argv[1:])
        return result if isinstance(result, int) else console.OK
    except typer.Exit as stop:
        return stop.exit_code
    except TyperException as error:
        _emit_error(type(error).__name__, error.format_message(), console.USAGE, argv)
        error.show()
        return console.USAGE
    except (KeyboardInterrupt, typer.Abort):
        console.err.print("stopped")
        return 130
    except (AllocatorError, RulesError) as error:
        if not isinstance(error, StoreError):
            stuck.warn(argv if argv is not None else sys.argv[1:])
        return _report(error, argv)
    except Exception as error:  # noqa: BLE001 (the last guard: a traceback's message might quote a lead)
        return _unexpected(error, argv)


def _emit_error(kind: str, message: str, code: int, argv: list[str] | None) -> None:
    """With --json, an error is the one object on stdout too."""
    if "--json" in (sys.argv if argv is None else argv):
        console.emit({"error": {"kind": kind, "message": message, "exit": code}})


def _unexpected(error: Exception, argv: list[str] | None) -> int:
    """Say what and where, not with which values. With ALLOCATOR_DEBUG set, all of it."""
    if os.environ.get("ALLOCATOR_DEBUG"):
        raise error
    said = f"unexpected {type(error).__name__} at {console.place_of(error)}. Please report this."
    _emit_error(type(error).__name__, said, console.UNEXPECTED, argv)
    console.err.print(said, markup=False)
    return console.UNEXPECTED


def _report(error: Exception, argv: list[str] | None) -> int:
    code = console.exit_code(error)
    _emit_error(type(error).__name__, str(error), code, argv)
    problems = error.problems if isinstance(error, WorkbookError) else ()
    for line in [str(p) for p in problems[:200]] or [str(error)]:
        console.err.print(line, markup=False, soft_wrap=True)
    return code


def _say_who_died(died: threading.ExceptHookArgs) -> None:
    """A thread that nobody guards: what and where, and no traceback, whose message might quote a lead."""
    name, error = died.thread.name if died.thread else "", died.exc_value
    place = console.place_of(error) if error else ""
    structlog.get_logger().warning("dead", part=name, error=died.exc_type.__name__, place=place)


def _quiet_libraries() -> None:
    """Libraries' debug lines quote queries and with them leads: only warnings, and ours through structlog."""
    threading.excepthook = _say_who_died
    stamina.instrumentation.set_on_retry_hooks(())
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    for name in ("urllib3", "simple_salesforce", "requests"):
        logging.getLogger(name).setLevel(logging.ERROR)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    main()
