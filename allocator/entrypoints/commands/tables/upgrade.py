"""`allocator tables upgrade`: an older workbook written anew, in a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allocator.entrypoints import console, files
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from rules.workbook.check import SCHEMA, read_file
from rules.workbook.upgrade import upgrade

EPILOG = "Example:  allocator tables upgrade old.xlsx routing_tables.xlsx"


def command(
    old: Annotated[Path, typer.Argument(help="The workbook; it is not touched.", metavar="OLD.xlsx")],
    new: Annotated[Path, typer.Argument(help="The file to write.", metavar="NEW.xlsx")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Write a workbook anew with today's sheets, columns, dropdowns and formats. It means the same.

    Comments, own colours and widths are not carried over.
    """
    files.refuse_same(new, [old])
    if new.exists():
        raise files.exists(new)
    done = upgrade(read_file(old), name=old.name)
    files.write_new(new, done.data)
    if as_json:
        console.emit({"workbook": str(new), "from": done.schema, "to": SCHEMA, "changes": list(done.changes)})
        return console.OK
    for line in done.changes:
        console.out.print(line, markup=False, soft_wrap=True)
    console.out.print(f"Wrote {new}; {old} is as it was. Comments and own colours stay there.", markup=False)
    console.out.print(f"Next:  allocator tables check {new}", markup=False)
    return console.OK
