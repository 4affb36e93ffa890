"""`allocator tables template`: a new workbook to begin with."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from allocator import bootstrap
from allocator.config import load_settings
from allocator.entrypoints import console, files
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption

EPILOG = "Examples:  allocator tables template mine.xlsx   |   allocator tables template mine.xlsx --from-org"


def command(
    new: Annotated[Path, typer.Argument(help="The file to write.", metavar="NEW.xlsx")],
    from_org: Annotated[
        bool, typer.Option("--from-org", help="With the CRM's active users, and one rule that holds all.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Write a new workbook: the demo company's, or with --from-org one for your own org."""
    if new.exists():
        raise files.exists(new)
    users = None
    with tempfile.TemporaryDirectory(prefix="allocator-template-") as folder:
        made = Path(folder) / "new.xlsx"
        if from_org:
            users = bootstrap.org_template(load_settings(config), made)
        else:
            bootstrap.demo_template(made)
        files.write_new(new, made.read_bytes())
    if as_json:
        console.emit({"workbook": str(new), "users": users})
        return console.OK
    holds = "the demo company" if users is None else f"{console.count(users, 'user')} of the CRM in one team"
    console.out.print(f"Wrote {new}: {holds}. Its sheet Read me tells how to go on.", markup=False)
    return console.OK
