"""A database as the store uses it: opened from a URL, read in one snapshot, written in whole transactions."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from allocator.errors import AllocatorError, BrokenStore, ConfigError, StoreError

T = TypeVar("T")

TRIES = 5
_BUSY_SECONDS = 10
_FIRST_PAUSE = 0.1
_AGAIN = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03"})
"""serialization failure, deadlock, lock not available, server going down or coming up."""
_HINT = "store must be sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def parse_url(url: str, base: Path | None = None) -> URL:
    """The store's URL, a file made absolute from `base`. Raises ConfigError, which repeats none of it."""
    try:
        parsed = make_url(url)
        name = parsed.drivername.partition("+")[0]
    except (SQLAlchemyError, ValueError):
        raise ConfigError(f"{_HINT}; this is neither") from None
    if name in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if name != "sqlite":
        raise ConfigError(f"{_HINT}; {name}: is not known")
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise ConfigError(f"{_HINT}; a store in memory would forget everything")
    return URL.create("sqlite", database=str((base or Path.cwd()) / parsed.database))


def shown(url: URL) -> str:
    """The URL as people may see it: no password, no parameters."""
    if url.drivername == "sqlite":
        return f"sqlite:///{url.database}"
    host = url.host or "local socket"
    return f"postgresql://{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


class Database:
    """One database. `read` and `write` run a function in one transaction, repeated as a whole where safe."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.name = shown(url)
        self.sqlite = url.drivername == "sqlite"
        self.engine: Engine = _sqlite(url) if self.sqlite else _postgresql(url)

    def close(self) -> None:
        self.engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """`work` on one consistent snapshot; it must not write."""
        return self._repeat(work, None, writing=False)

    def write(
        self, work: Callable[[Connection], T], *, adopt: Callable[[Connection], T | None] | None = None
    ) -> T:
        """`work` in one transaction, repeated as a whole when the database asks for it or is lost on the way.

        When the answer to a COMMIT is lost nobody knows whether it happened. Then `adopt` looks first, in the
        next transaction: what it returns, if not None, is the result of the commit that did happen. Work
        without `adopt` must change nothing when it is done twice; of two counts the larger one is meant.
        """
        return self._repeat(work, adopt, writing=True)

    def connect(self, *, writing: bool) -> Connection:
        """A connection whose transactions lock for writing from their start, or read one snapshot."""
        if self.sqlite:
            return self.engine.connect().execution_options(reading=not writing)
        if writing:
            return self.engine.connect()
        return self.engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def _repeat(
        self,
        work: Callable[[Connection], T],
        adopt: Callable[[Connection], T | None] | None,
        *,
        writing: bool,
    ) -> T:
        lost: list[T] = []
        for attempt in range(1, TRIES + 1):
            try:
                return _larger(lost, self._once(work, adopt, lost, writing=writing))
            except DBAPIError as error:
                if attempt == TRIES or not _may_repeat(error, sqlite=self.sqlite):
                    raise self.explain(error) from None
            time.sleep(_FIRST_PAUSE * 3 ** (attempt - 1))
        raise AssertionError("the loop returns or raises")

    def _once(
        self,
        work: Callable[[Connection], T],
        adopt: Callable[[Connection], T | None] | None,
        lost: list[T],
        *,
        writing: bool,
    ) -> T:
        with self.connect(writing=writing) as connection:
            try:
                done = adopt(connection) if lost and adopt else None
                result = work(connection) if done is None else done
            except BaseException:
                with contextlib.suppress(DBAPIError):
                    connection.rollback()
                raise
            lost.append(result)  # from here until the answer, nobody knows
            try:
                connection.commit()
            except BaseException:
                connection.invalidate()  # it may still be inside its transaction: the next try needs another
                raise
            lost.pop()
            return result

    def explain(self, error: DBAPIError) -> AllocatorError:
        """The database's own words as one of our errors: first line only, since the rest may quote a lead."""
        said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
        if isinstance(error, IntegrityError):
            return AllocatorError(f"the store refused a row and nothing was changed: {said}")
        if "malformed" in said or "not a database" in said:
            return BrokenStore(
                f"the store {self.name} is damaged ({said}). Keep the file and restore the last backup"
            )
        if self.url.password:
            said = said.replace(str(self.url.password), "***")
        return StoreError(f"the store {self.name} cannot be used now: {said}")


def _larger(lost: list[T], result: T) -> T:
    if isinstance(result, int):
        counts = [result, *(r for r in lost if isinstance(r, int))]
        return max(counts)
    return result


def now(connection: Connection) -> datetime:
    """The database's own clock, not the transaction's start."""
    if connection.dialect.name == "sqlite":
        text = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')").scalar_one()
        return datetime.fromisoformat(text)
    moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return moment.astimezone(UTC)


def _may_repeat(error: DBAPIError, *, sqlite: bool) -> bool:
    if sqlite:
        return "locked" in str(error.orig) or "busy" in str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or state in _AGAIN or (state or "").startswith("08"):
        return True
    return state is None and isinstance(error, sa.exc.OperationalError) and "password" not in str(error.orig)


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "").absolute()
    _private_file(path)

    def connect() -> sqlite3.Connection:
        """Never makes a file: one that was deleted under us must not come back empty."""
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False
        )

    engine = sa.create_engine(url, hide_parameters=True, creator=connect)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours: the driver would begin late, and never for DDL
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _private_file(path: Path) -> None:
    """A new database file is for its owner alone; its journal takes over the mode."""
    with contextlib.suppress(FileExistsError):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except (FileNotFoundError, NotADirectoryError):
            raise BrokenStore(f"the store's folder {path.parent} does not exist") from None
        except PermissionError:
            raise BrokenStore(f"the store's file {path} cannot be written") from None


def _postgresql(url: URL) -> Engine:
    engine = sa.create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": _BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:  # a stopped process must not hold up the others for ever
            cursor.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
            cursor.execute("SET idle_in_transaction_session_timeout = '60s'")
            cursor.execute("SET client_encoding = 'UTF8'")
        connection.commit()

    return engine
