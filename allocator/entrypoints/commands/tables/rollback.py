"""`allocator tables rollback VERSION`: an earlier version is live again from the next run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.records import TablesVersion
from allocator.domain.versions import code_of
from allocator.entrypoints import console
from allocator.entrypoints.commands.tables.history import as_object
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.errors import ConfigError
from allocator.service.shelf import Done

EPILOG = "Examples:  allocator tables rollback 4ecd9a21   |   allocator tables rollback 4ecd --save good.xlsx"


def command(
    version: Annotated[str, typer.Argument(help="An earlier version that ran: its first characters.")],
    save: Annotated[
        Path | None, typer.Option(help="Write that version to this new file too.", metavar="NEW.xlsx")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Make an earlier version live again from the next run on, on every host. The file is not touched.

    Exit code 3 when that version no longer passes the check, such as for a user who is an intake owner now.
    """
    settings, clock = load_settings(config), clock_from()
    store = bootstrap.store_of(settings)
    try:
        shelf = bootstrap.shelf_of(settings, store, asking=True)
        if save is not None and shelf.runs(version):
            return _only_saved(shelf.named(version), save, as_json=as_json)
        with _saved(shelf.named(version), save):
            done = shelf.roll_back(version, clock.now())
        bootstrap.send_mails(settings, store, clock)
    finally:
        store.close()
    if as_json:
        console.emit({**as_object(done.version, "live"), "saved_to": str(save) if save else None})
    else:
        _say(done, settings.workbook.name, save)
    return console.OK


@contextmanager
def _saved(version: TablesVersion, path: Path | None) -> Iterator[None]:
    """The version in a new file, which goes again when what follows fails. Raises ConfigError."""
    if path is None:
        yield
        return
    try:
        with path.open("xb") as file:
            file.write(version.content)
    except FileExistsError:
        raise ConfigError(f"{path} is there already and was left as it is. Name a new file.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Name another place.") from None
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _only_saved(version: TablesVersion, path: Path, *, as_json: bool) -> int:
    with _saved(version, path):
        pass
    if as_json:
        console.emit({**as_object(version, "live"), "saved_to": str(path)})
    else:
        console.out.print(f"{code_of(version.sha256)} runs already; {plain(path)} holds it now.")
    return console.OK


def _say(done: Done, name: str, save: Path | None) -> None:
    code, instead = code_of(done.version.sha256), code_of(done.instead_of.sha256)
    console.out.print(f"{code} is live again from the next run on, instead of {instead}. Editors are told.")
    console.out.print(
        f"{plain(name)} was not touched and has no say until it is changed and saved: then it is a new "
        "version, so mend in it first what was wrong."
    )
    if save is None:
        console.out.print(
            f"To go on from {code} instead, have it as a new file: allocator tables rollback {code} --save "
            "NEW.xlsx"
        )
    else:
        console.out.print(f"To go on from {code} instead, edit {plain(save)} and save it as {plain(name)}.")
