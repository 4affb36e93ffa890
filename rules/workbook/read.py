"""The bytes of a workbook as plain cells. They are parsed in a process of their own, under limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from rules.errors import Problem, WorkbookError
from rules.workbook.areas import Area
from rules.workbook.child import OUT_OF_MEMORY
from rules.workbook.contents import unreadable
from rules.workbook.gate import check_container

Kind = Literal["text", "number", "bool", "date", "formula", "error"]

_MOMENTS: Final[dict[str, Callable[[Any], object]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda seconds: timedelta(seconds=seconds),
}
_KEPT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What of the environment a Python may need to start; the child gets nothing else of it."""
_ROOT: Final = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child may take: bytes of memory, seconds of processor time, seconds until it must be done."""

    memory: int = 1024 * 1024 * 1024
    cpu_seconds: int = 30
    seconds: float = 60.0


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class RawCell:
    """A cell as the file holds it: what kind of thing stands in it, and the thing.

    `format` is a number's own format, `saved` the value that a formula had when the file was saved.
    """

    kind: Kind
    value: object
    format: str = ""
    saved: str = ""


@dataclass(frozen=True, slots=True)
class RawSheet:
    """The filled cells of one sheet by row and column number, both from 1. Equal cells are one object."""

    title: str
    rows: Mapping[int, Mapping[int, RawCell]]
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    filtered: bool = False
    """Whether a filter has been set, so that rows may be out of sight."""
    merged: tuple[Area, ...] = ()
    tables: tuple[Area, ...] = ()
    """The ranges of the sheet's Excel Tables, with their headers."""


@dataclass(frozen=True, slots=True)
class Book:
    """A whole workbook: its sheets in their order, who saved it last, and its schema version if given."""

    sheets: tuple[RawSheet, ...]
    saved_by: str = ""
    schema: str = ""
    warnings: tuple[Problem, ...] = ()
    """What the file holds that is never used."""


def read_book(data: bytes, *, limits: Limits = LIMITS) -> Book:
    """The cells of a workbook; WorkbookError W01 to W19 if it cannot be read, or not within the limits."""
    check_container(data)
    return book_of(ask(child_command(limits), data, limits))


def child_command(limits: Limits = LIMITS) -> list[str]:
    """A fresh interpreter that knows this package and nothing of the environment's others."""
    code = (
        f"import sys; sys.path.append({_ROOT!r}); "
        f"from rules.workbook.child import main; main({limits.memory}, {limits.cpu_seconds})"
    )
    return [sys.executable, "-I", "-S", "-c", code]


def ask(command: Sequence[str], data: bytes, limits: Limits = LIMITS) -> dict[str, Any]:
    """What a child says about a file. WorkbookError if it refuses it, W17 to W19 if it says nothing.

    Nothing that the child writes elsewhere is kept: it could be anything.
    """
    try:
        done = subprocess.run(
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.seconds,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much("time") from None
    if done.returncode:
        _explain(done.returncode)
    try:
        said: dict[str, Any] = json.loads(done.stdout)
        refused = [Problem(**problem) for problem in said.get("refused", ())]
    except (ValueError, TypeError) as error:
        raise unreadable(error) from error
    if refused:
        raise WorkbookError(refused)
    return said


def _explain(code: int) -> NoReturn:
    """Why a child ended as it should not: the exit code, negative for a signal."""
    if code == OUT_OF_MEMORY:
        raise _too_much("memory")
    if code < 0 and -code == getattr(signal, "SIGXCPU", 0):
        raise _too_much("time")
    if code < 0:
        raise _stopped(-code)
    raise unreadable(RuntimeError())


def _too_much(what: str) -> WorkbookError:
    message = f"The workbook takes more {what} to read than a workbook may."
    fix = "delete empty rows, columns and sheets, and pictures; or copy the sheets into a new workbook"
    return WorkbookError([Problem("W17", "(file)", message, fix)])


def _stopped(number: int) -> WorkbookError:
    message = f"The program that reads the workbook broke down over it (signal {number})."
    fix = "open it in your spreadsheet program and save it as a new Excel workbook (.xlsx)"
    return WorkbookError([Problem("W19", "(file)", message, fix)])


def book_of(said: Mapping[str, Any]) -> Book:
    """The book of what contents.contents_of gives."""
    cells = [_cell(*atom) for atom in said["atoms"]]
    return Book(
        sheets=tuple(_sheet(sheet, cells) for sheet in said["sheets"]),
        saved_by=said["saved_by"],
        schema=said["schema"],
        warnings=tuple(Problem(**problem) for problem in said["warnings"]),
    )


def _cell(kind: str, value: Any, format_: str = "", saved: str = "") -> RawCell:
    if kind in _MOMENTS:
        return RawCell("date", _MOMENTS[kind](value))
    return RawCell(kind, value, format_, saved)  # type: ignore[arg-type]


def _sheet(said: Mapping[str, Any], cells: Sequence[RawCell]) -> RawSheet:
    cell = cells.__getitem__
    return RawSheet(
        title=said["title"],
        rows={row[0]: dict(zip(row[1::2], map(cell, row[2::2]), strict=True)) for row in said["rows"]},
        hidden=said["hidden"],
        hidden_rows=frozenset(said["hidden_rows"]),
        hidden_columns=frozenset(said["hidden_columns"]),
        filtered=said["filtered"],
        merged=tuple(Area(*area) for area in said["merged"]),
        tables=tuple(Area(*area) for area in said["tables"]),
    )
