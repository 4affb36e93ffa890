"""`allocator store upgrade | backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allocator import bootstrap
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption

app = typer.Typer(help="What the allocator remembers.", no_args_is_help=True)


@app.command("upgrade", epilog="Example:  allocator store upgrade")
def upgrade(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Bring the store's schema to this program's version; an older program cannot read it any more."""
    version = bootstrap.upgrade(load_settings(config))
    if as_json:
        console.emit({"version": version})
    else:
        console.out.print(f"The store has schema version {version}.")
    return console.OK


@app.command("backup", epilog="Example:  allocator store backup backup-2026-11-02.db")
def backup(
    file: Annotated[Path, typer.Argument(help="A new file; an existing one is never overwritten.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Write a consistent copy of the store, also while a run is on."""
    store = bootstrap.store_of(load_settings(config))
    try:
        store.backup(str(file))
    finally:
        store.close()
    if as_json:
        console.emit({"file": str(file)})
    else:
        console.out.print(f"Wrote {file}.", markup=False)
    return console.OK
