"""The stores that the contract suite runs over: memory, an SQLite file, a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from quick_store import put_store

from allocator.adapters.store import tables
from allocator.adapters.store.holder import Holder, this_process
from allocator.adapters.store.memory import MemoryStore
from allocator.adapters.store.sql import SqlStore, open_store

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass
class Backend:
    """One empty store, other stores on the same data, and a hand inside it."""

    kind: str
    url: str
    make: Callable[[], Any]
    opened: list[Any] = field(default_factory=list)

    def open(self) -> Any:
        """Another store on the same data, as another process would have it."""
        if self.kind == "memory" and self.opened:
            return MemoryStore(of=self.opened[0])
        self.opened.append(self.make())
        return self.opened[-1]

    def expire_lease(self) -> None:
        """As if the lease's time had passed."""
        if self.kind == "memory":
            self.opened[0].box.state.expires = LONG_AGO
        else:
            self.write(sa.update(tables.lease).values(expires=LONG_AGO))

    def hold_as(self, holder: Holder) -> None:
        """As if this process had taken the lease."""
        if self.kind == "memory":
            self.opened[0].box.state.holder = holder
        else:
            values = {"host": holder.host, "boot": holder.boot, "pid": holder.pid}
            self.write(sa.update(tables.lease).values(process_start=holder.process_start, **values))

    def write(self, statement: Any) -> None:
        self.opened[0].database.write(lambda c: c.execute(statement) and None)

    def close(self) -> None:
        for store in self.opened:
            store.close()


@pytest.fixture
def postgresql_database(postgresql_server: Any) -> str:
    """The URL of an empty database: always the same one, emptied, which is faster than a new one."""
    postgresql: str = postgresql_server.get_uri()
    admin = sa.create_engine(sa.make_url(postgresql).set(drivername="postgresql+psycopg"))
    with admin.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(sa.text(f"{others} AND datname = current_database()"))
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    admin.dispose()
    return postgresql


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "memory":
        made = Backend("memory", "", MemoryStore)
    else:
        url = f"sqlite:///{tmp_path / 'allocator.db'}"
        if request.param == "postgresql":
            url = request.getfixturevalue("postgresql_database")
        else:
            put_store(tmp_path / "allocator.db")
        made = Backend(request.param, url, lambda: open_store(url))
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    url = f"sqlite:///{tmp_path / 'allocator.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_database")
    made = Backend(request.param, url, lambda: open_store(url))
    yield made
    made.close()


@pytest.fixture
def store(backend: Backend) -> SqlStore | MemoryStore:
    made: SqlStore | MemoryStore = backend.open()
    return made


@pytest.fixture
def dead_process() -> Holder:
    """A process of this boot that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        start = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        child.kill()
    assert not os.path.exists(f"/proc/{child.pid}")
    return replace(this_process(), pid=child.pid, process_start=start)
