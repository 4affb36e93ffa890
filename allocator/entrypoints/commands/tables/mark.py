"""`allocator tables mark`: a copy of the workbook with every problem marked at its cell."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from allocator.entrypoints import console, files
from allocator.entrypoints.commands.tables.check import Examined, examine
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from rules.errors import Problem, WorkbookError
from rules.workbook.check import read_file
from rules.workbook.gate import gate
from rules.workbook.mark import is_marked, marked

EPILOG = "Example:  allocator tables mark routing_tables.xlsx"


def command(
    file: Annotated[
        Path | None, typer.Argument(help="The workbook; the configured one when left out.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="COPY.xlsx", help="The copy; NAME.checked.xlsx when left out.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Write a copy with wrong cells in colour and a note at each. The workbook itself is not touched."""
    examined = examine(file, config)
    copy = output or examined.path.with_name(f"{examined.path.stem}.checked.xlsx")
    _refuse(copy, examined)
    written = bool(examined.problems)
    if written:
        _write(copy, _marked(examined))
    if as_json:
        console.emit(
            {"copy": str(copy) if written else None, "ok": examined.ok, "problems": len(examined.problems)}
        )
    elif written:
        counted = console.count(len(examined.problems), "problem")
        console.out.print(
            f"Wrote {copy} with {counted} marked. Mend {examined.path}, not the copy.", markup=False
        )
    else:
        console.out.print(f"{examined.path.name} has no problems; nothing was written.", markup=False)
    return console.OK


def _refuse(copy: Path, examined: Examined) -> None:
    configured = [examined.settings.workbook] if examined.settings is not None else []
    files.refuse_same(copy, [examined.path, *configured])
    if copy.suffix.lower() != ".xlsx":
        raise typer.BadParameter(f"{copy} is no name of a workbook. Let it end in .xlsx.")
    if copy.stem.lower().endswith(".draft"):
        raise typer.BadParameter(f"{copy} would be taken for a draft. Name another file.")


def _marked(examined: Examined) -> bytes:
    data = read_file(examined.path)
    if hashlib.sha256(data).hexdigest() != examined.checked.sha256:
        raise typer.BadParameter(f"{examined.path} was saved meanwhile. Try again.")
    gate(data)
    try:
        return marked(data, examined.problems)
    except ValueError:
        message = "The workbook cannot be marked: its parts do not fit together."
        fix = "open it in your spreadsheet program and save it as a new Excel workbook (.xlsx)"
        raise WorkbookError([Problem("W18", "(file)", message, fix)]) from None


def _write(copy: Path, data: bytes) -> None:
    """A copy that nobody has saved since may be written anew; any other file stays."""
    if copy.is_file() and is_marked(copy.read_bytes()):
        files.write_over(copy, data)
    else:
        files.write_new(copy, data)
