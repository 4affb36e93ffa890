"""What every command shares: options, results on stdout, the rest on stderr, and exit codes."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from allocator.errors import BusyError, ConfigError, FencedError, SourceError, UnknownName
from allocator.ports import Progress as ProgressCallback
from rules.errors import WorkbookError

OK, UNEXPECTED, USAGE, REFUSED, HELD, UNREACHABLE, BUSY, CONFIGURATION = range(8)
"""Exit codes (contracts section 4)."""

ConfigOption = Annotated[
    Path, typer.Option("--config", help="The configuration file.", metavar="FILE", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else there.")]
DEFAULT_CONFIG = Path("allocator.toml")

PIPE_WIDTH = 160
"""Columns where there is no terminal: in a log file nothing needs to be wrapped at 80."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPE_WIDTH)


def emit(value: Mapping[str, Any]) -> None:
    """Print one JSON object, with its schema first; pure ASCII, since texts of leads may hold anything."""
    body = {"schema": 1, **{k: v for k, v in value.items() if k != "schema"}}
    sys.stdout.write(json.dumps(body, default=str) + "\n")
    sys.stdout.flush()


def exit_code(error: BaseException) -> int:
    """Which exit code an error means."""
    if isinstance(error, WorkbookError):
        return REFUSED
    if isinstance(error, UnknownName):
        return USAGE
    if isinstance(error, BusyError | FencedError):
        return BUSY
    if isinstance(error, ConfigError):
        return CONFIGURATION
    return UNREACHABLE if isinstance(error, SourceError) else UNEXPECTED


def place_of(error: BaseException) -> str:
    """Where in our code it was raised, without the values that its message may quote."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "allocator" in f.filename or "rules" in f.filename] or list(frames)
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno} in {ours[-1].name}" if ours else ""


def count(number: int, noun: str) -> str:
    """1 error, 2 errors."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plain(text: object, *, width: int = 0) -> str:
    """Text from outside for a terminal: no control characters (they could draw), no markup, cut to width."""
    clean = "".join(c if c.isprintable() else " " for c in str(text))
    if width and len(clean) > width:
        clean = clean[: width - 1] + "…"
    return clean.replace("[", r"\[")


def until(text: str | None) -> str:
    """ " until 2026-03-06" for a day, " until 2026-03-02 11:00 UTC" for an instant, nothing for neither."""
    if not text or "T" not in text:
        return f" until {text}" if text else ""
    return f" until {datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def hang(label: str, text: str) -> None:
    """A label and a text whose further lines stand under its first; both may hold markup."""
    grid = Table.grid(padding=0)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(label, text)
    out.print(grid)


def pack(label: str, items: Iterable[str]) -> None:
    """Short texts behind a label, several to a line, none broken where a line is long enough for it."""
    room = max(20, out.width - len(label))
    lines = [""]
    for item in items:
        longer = f"{lines[-1]}  {item}" if lines[-1] else item
        if len(longer) > room and lines[-1]:
            lines.append(item)
        else:
            lines[-1] = longer
    hang(label, "\n".join(lines))


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[ProgressCallback]:
    """A bar per stage on stderr while work goes on; nothing without a terminal."""
    if quiet or not err.is_terminal:
        yield lambda stage, done, total: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show
