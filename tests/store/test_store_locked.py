"""A SQLite store that somebody else reads or writes for a while."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.engine import Connection

from allocator.adapters.store.sql import open_store


def test_a_commit_that_a_reader_held_up_is_tried_again_on_another_connection(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = open_store(f"sqlite:///{path}")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM alembic_version").fetchall()
    tries: list[int] = []

    def work(connection: Connection) -> int:
        tries.append(1)
        if len(tries) > 1:
            reader.execute("COMMIT")
        connection.exec_driver_sql("PRAGMA busy_timeout=20")
        connection.exec_driver_sql("INSERT INTO marks VALUES ('a', '2026-11-02T09:00:00.000000Z')")
        return 1

    assert store.database.write(work) == 1
    assert len(tries) == 2
    found = reader.execute("SELECT source FROM marks").fetchall()
    assert found == [("a",)]
    store.close()
    reader.close()
