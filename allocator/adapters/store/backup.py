"""A consistent copy of the store in one SQLite file, while a run is on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from allocator.adapters.store import schema
from allocator.adapters.store.engine import Database
from allocator.adapters.store.leads import chunks
from allocator.adapters.store.tables import metadata
from allocator.errors import ConfigError


def write(database: Database, path: str) -> None:
    """Copy `database` to a new file at `path`, checked and for its owner alone.

    The file appears under its name only when it is whole. Raises ConfigError when there is one already.
    """
    target = Path(path)
    if target.exists() or target.is_symlink():
        raise ConfigError(f"{target} exists already. Name a new file for the backup")
    part = _part(target)
    try:
        _copy_sqlite(database, part) if database.sqlite else _copy_rows(database, part)
        _check(part)
        os.link(part, target)
    except FileExistsError:
        raise ConfigError(f"{target} exists already. Name a new file for the backup") from None
    except (sqlite3.Error, OSError) as error:
        raise ConfigError(f"the backup {target} could not be written: {error}") from None
    finally:
        for leftover in (part, part.with_name(part.name + "-journal")):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _part(target: Path) -> Path:
    """An empty file beside the target, mode 0600."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise ConfigError(f"the backup {target} could not be written: {error.strerror}") from None
    os.close(handle)
    return Path(name)


def _copy_sqlite(database: Database, part: Path) -> None:
    source = sqlite3.connect(
        f"{Path(database.url.database or '').absolute().as_uri()}?mode=ro", uri=True, timeout=10
    )
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(part)) as copy:
        source.backup(copy)  # all pages in one step: one snapshot
    _sync(part)


def _copy_rows(database: Database, part: Path) -> None:
    """Every row of one snapshot, into the same schema."""
    copy = Database(URL.create("sqlite", database=str(part)))
    try:
        schema.upgrade(copy)
        database.read(lambda source: copy.write(lambda target: _rows(source, target)))
    finally:
        copy.close()
    _sync(part)


def _rows(source: Connection, target: Connection) -> None:
    target.exec_driver_sql("DELETE FROM lease")
    for table in metadata.tables.values():
        for part in chunks(source.execution_options(yield_per=1000).execute(sa.select(table))):
            target.execute(sa.insert(table), [dict(row._mapping) for row in part])


def _check(part: Path) -> None:
    with contextlib.closing(sqlite3.connect(part)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        broken = copy.execute("PRAGMA foreign_key_check").fetchone()
    if found != "ok" or broken is not None:
        raise ConfigError(f"the copy is damaged ({found}): the store's file or its disk is at fault")


def _sync(part: Path) -> None:
    handle = os.open(part, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
