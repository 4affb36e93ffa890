"""Whether a store can be used as it is: whole, of this program's schema, and writable. Makes nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection

from allocator.adapters.store import schema
from allocator.adapters.store.engine import Database, now, parse_url
from allocator.errors import ConfigError


class _Undo(Exception):
    """Ends a transaction that only tried whether it could write."""


def probe(url: str, *, base: Path | None = None) -> tuple[str, str, datetime | None]:
    """The store's name without secrets, its schema version, and its clock where that is another machine's.

    Raises ConfigError when there is none or it is damaged, SchemaError, StoreError when it cannot be used.
    """
    version = schema.schema_version(url, base=base)
    database = Database(parse_url(url, base)) if version else None
    if database is None:
        raise ConfigError("there is no store yet. Make it: allocator store upgrade")
    try:
        database.read(lambda c: _refuse_damage(c, database))
        schema.ensure(database)
        _try_to_write(database)
        return database.name, str(version), None if database.sqlite else database.read(now)
    finally:
        database.close()


def file_of(url: str, *, base: Path | None = None) -> Path | None:
    """The file of a SQLite store."""
    parsed = parse_url(url, base)
    return Path(parsed.database or "") if parsed.drivername == "sqlite" else None


def _refuse_damage(connection: Connection, database: Database) -> None:
    if not database.sqlite:
        return
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise ConfigError(f"the store {database.name} is damaged. Keep the file and restore the last backup")


def _try_to_write(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE beats SET program = program WHERE 1 = 0")
        if database.sqlite:  # nothing reaches the disk before a page is written
            connection.exec_driver_sql("CREATE TABLE doctor (tried INTEGER)")
        raise _Undo

    try:
        database.write(work)
    except _Undo:
        return
