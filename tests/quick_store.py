"""Makes databases quick in a test process. Neither what is asked of them nor what they answer changes."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from allocator.adapters.store.sql import open_store

_MOST = 4_000


class Compiled:
    """Statements as compiled before, for every engine of a kind: each command of a test opens its own."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        return self._kept.get((type(key[0]), *key[1:]))

    def __setitem__(self, key: Any, compiled: Any) -> None:
        if len(self._kept) > _MOST:
            self._kept.clear()
        self._kept[type(key[0]), *key[1:]] = compiled


def make_quick() -> None:
    """From now on, for every engine of this process."""
    compiled = Compiled()

    @event.listens_for(Engine, "engine_connect")
    def _compiled_once(connection: sa.Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    @event.listens_for(Pool, "checkout")
    def _no_power_is_cut(connection: Any, record: Any, _proxy: Any) -> None:
        """Processes are killed in tests, machines are not: what the system has been given, it keeps."""
        if isinstance(connection, sqlite3.Connection) and "quick" not in record.info:
            connection.execute("PRAGMA synchronous = OFF")
            record.info["quick"] = True


def put_store(file: Path) -> None:
    """A new store as the program makes it, without going through its migrations each time. One that is there
    is left alone."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as made:
        made.write(_new_store())
    file.with_name(f"{file.name}-journal").touch(0o600)  # empty, as the program leaves it


@cache
def _new_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        open_store("sqlite:///new.db", base=Path(folder)).close()
        return (Path(folder) / "new.db").read_bytes()
