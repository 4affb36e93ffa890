"""`allocator tables accept VERSION`: the version that waits is live from the next run on."""

from __future__ import annotations

from typing import Annotated

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.versions import code_of
from allocator.entrypoints import console
from allocator.entrypoints.commands.tables.history import as_object
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption

EPILOG = "Example:  allocator tables accept 4ecd9a21"


def command(
    version: Annotated[str, typer.Argument(help="The version that waits: its code, from the mail.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Let the version that waits go live from the next run on. Exit code 3 when it no longer passes."""
    settings, clock = load_settings(config), clock_from()
    store = bootstrap.store_of(settings)
    try:
        done = bootstrap.shelf_of(settings, store, asking=True).accept(version, clock.now())
        bootstrap.send_mails(settings, store, clock)
    finally:
        store.close()
    if as_json:
        console.emit(as_object(done.version, "live"))
    else:
        instead = code_of(done.instead_of.sha256)
        console.out.print(
            f"{code_of(done.version.sha256)} is live from the next run on, instead of {instead}."
        )
    return console.OK
