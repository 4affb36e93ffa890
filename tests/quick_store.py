"""Makes databases quick in a test process. Neither what is asked of them nor what they answer changes."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

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
