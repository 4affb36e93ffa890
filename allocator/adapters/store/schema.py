"""The schema's version, and the way from an older one to the newest: each migration in one transaction."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from allocator.adapters.store.engine import Database, parse_url
from allocator.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x616C6C6F63


def upgrade_store(url: str, *, base: Path | None = None) -> str:
    """Bring the store to this program's schema and return its version. Killed at any moment: old or new."""
    database = Database(parse_url(url, base))
    try:
        return upgrade(database)
    finally:
        database.close()


def schema_version(url: str, *, base: Path | None = None) -> str | None:
    """The store's schema version; None for an empty database, or no file. Makes nothing."""
    parsed = parse_url(url, base)
    if parsed.drivername == "sqlite" and not Path(parsed.database or "").exists():
        return None
    database = Database(parsed)
    try:
        return database.read(_version)
    finally:
        database.close()


def newest_version() -> str:
    """The schema that this program needs."""
    return _versions()[-1]


def upgrade(database: Database) -> str:
    """`upgrade_store` for a database that is open."""
    current = database.read(_version)
    _refuse_newer(current)
    # A new database is made in one step: nobody who opens it meanwhile may find it old.
    for version in _versions() if current else [newest_version()]:
        _step(database, version)
    return newest_version()


def ensure(database: Database) -> None:
    """An empty database is made; any other must have this program's schema. Raises SchemaError."""
    current = database.read(_version)
    if current is None:
        upgrade(database)
        return
    _refuse_newer(current)
    if current != newest_version():
        raise SchemaError(
            f"the store's schema is version {current}, this program needs {newest_version()}."
            " Run: allocator store upgrade"
        )


def _refuse_newer(current: str | None) -> None:
    if current is not None and current not in _versions():
        raise SchemaError(
            f"the store's schema is version {current}, this program knows {newest_version()} at most."
            " Upgrade the program"
        )


def _step(database: Database, version: str) -> None:
    """One migration in one transaction; another process that is upgrading is waited for."""
    with database.connect(writing=True) as connection:
        try:
            with connection.begin():
                if not database.sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                if (_version(connection) or "") < version:
                    from alembic import command  # every command asks for the version, few upgrade

                    config = _config()
                    config.attributes["connection"] = connection
                    command.upgrade(config, version)
        except DBAPIError as error:
            raise database.explain(error) from None


def _version(connection: Connection) -> str | None:
    names = sa.inspect(connection).get_table_names()
    if "alembic_version" in names:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None and names == ["alembic_version"] else str(found)
    if names:
        raise SchemaError(
            "the database holds tables of another program. Give the store a database of its own"
        )
    return None


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _versions() -> tuple[str, ...]:
    """All versions, oldest first: what the migrations' files begin with."""
    return tuple(sorted(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")))
