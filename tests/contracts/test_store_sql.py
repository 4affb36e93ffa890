"""What a store on a database promises beyond the port: copies, schema, and faults on the way."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_cases import (
    NOW,
    TEAM,
    begin,
    commit,
    decided_leads,
    end,
    everything,
    lead,
    lose_the_answer,
    planned,
    pulled,
    settled,
)

from allocator.adapters.store import tables
from allocator.adapters.store.sql import open_store, schema_version, upgrade_store
from allocator.domain.lead import State
from allocator.errors import ConfigError, SchemaError, SourceError

# --- durability, backup, schema ---------------------------------------------------------------------------


def test_another_store_on_the_same_data_sees_all_of_it(backend: Any, store: Any) -> None:
    lease = begin(store)
    decided_leads(store, lease, 5)
    before = everything(store)
    if backend.kind != "memory":
        store.close()
    assert everything(backend.open()) == before


def test_a_backup_is_whole_private_and_replaces_nothing(backend: Any, store: Any, tmp_path: Path) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 5)
    store.settle(lease, [settled(keys[0]), settled(keys[1], State.TAKEN, give_back=True)], at=NOW)
    copy = tmp_path / "copy.db"
    store.backup(str(copy))
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="exists already"):
        store.backup(str(copy))
    with pytest.raises((ConfigError, OSError)):
        store.backup(str(tmp_path / "nowhere" / "copy.db"))
    assert {p.name for p in tmp_path.iterdir()} <= {"copy.db", "allocator.db", "allocator.db-journal"}
    if backend.kind != "memory":
        restored = open_store(f"sqlite:///{copy}")
        assert everything(restored) == everything(store)
        restored.close()


def test_a_backup_is_made_while_another_transaction_writes(sql_backend: Any, tmp_path: Path) -> None:
    store, other = sql_backend.open(), sql_backend.open()
    lease = begin(store)
    decided_leads(store, lease, 5)
    before = everything(store)
    with other.database.connect(writing=True) as connection:
        connection.execute(sa.update(tables.leads).values(state="closed"))
        store.backup(str(tmp_path / "copy.db"))
        connection.rollback()
    restored = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    assert everything(restored) == before
    restored.close()


def test_a_new_database_is_made_and_knows_its_version(sql_backend: Any) -> None:
    assert schema_version(sql_backend.url) is None
    sql_backend.open()
    version = schema_version(sql_backend.url)
    assert upgrade_store(sql_backend.url) == version


def test_programs_that_open_a_new_database_at_once_all_get_it(sql_backend: Any) -> None:
    ready, outcomes = threading.Barrier(4), []

    def race() -> None:
        ready.wait()
        store = open_store(sql_backend.url)
        outcomes.append(store.last_run_number())
        store.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [0] * 4


def set_version(backend: Any, version: str) -> None:
    backend.write(sa.text("UPDATE alembic_version SET version_num = :v").bindparams(v=version))


def test_a_newer_schema_is_refused_and_left_alone(sql_backend: Any) -> None:
    sql_backend.open()
    set_version(sql_backend, "9999")
    for refused in (open_store, upgrade_store):
        with pytest.raises(SchemaError, match=r"version 9999, .*Upgrade the program"):
            refused(sql_backend.url)


def test_an_older_schema_names_the_command(sql_backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sql_backend.open()
    now = schema_version(sql_backend.url)
    monkeypatch.setattr("allocator.adapters.store.schema._versions", lambda: ["0001", now, "9999"])
    expected = f"the store's schema is version {now}, this program needs 9999. Run: allocator store upgrade"
    with pytest.raises(SchemaError) as refused:
        open_store(sql_backend.url)
    assert str(refused.value) == expected


def test_a_database_of_another_program_is_not_touched(sql_backend: Any) -> None:
    sql_backend.open()
    sql_backend.write(sa.text("DROP TABLE alembic_version"))
    with pytest.raises(SchemaError, match="another program"):
        open_store(sql_backend.url)


def test_the_tables_that_the_program_knows_are_those_of_the_schema(sql_backend: Any) -> None:
    store = sql_backend.open()
    made = sa.inspect(store.database.engine)
    assert set(made.get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    for name, table in tables.metadata.tables.items():
        assert [c["name"] for c in made.get_columns(name)] == [c.name for c in table.columns], name
        assert made.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key], (
            name
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://mia:s3cret@127.0.0.1:1/allocator?connect_timeout=1",
        "postgresql://mia:s3cret@127.0.0.1:port/allocator",
        "mysql://mia:s3cret@127.0.0.1/allocator",
        "s3cret",
        "sqlite://",
        "sqlite:////nowhere/s3cret-not-here/allocator.db",
    ],
)
def test_a_store_that_cannot_be_opened_says_so_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allocator.adapters.store.engine._FIRST_PAUSE", 0)
    with pytest.raises((ConfigError, SourceError)) as refused:
        open_store(url)
    assert "s3cret" not in str(refused.value).replace("s3cret-not-here", "")
    assert refused.value.__cause__ is None


# --- faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done"])
def test_a_commit_whose_answer_is_lost_is_done_exactly_once(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    def losing(work: Callable[[Any], Any]) -> Any:
        store = open_store(postgresql_database)
        with monkeypatch.context() as patch:
            commits = lose_the_answer(store, patch, after=after)
            result = work(store)
        assert len(commits) == 2
        store.close()
        return result

    store = open_store(postgresql_database)
    lease = losing(begin)
    assert losing(lambda s: s.add_pulled(lease, "salesforce", [lead(n) for n in range(4)], NOW)) == 4
    plan = planned(store, [lead(n).key for n in range(3)])
    losing(lambda s: commit(s, lease, plan))
    losing(lambda s: s.settle(lease, [settled(lead(0).key, State.TAKEN, give_back=True)], at=NOW))
    losing(lambda s: end(s, lease))
    assert [(row.run, row.state) for row in store.runs()] == [(1, "done")]
    assert [len(store.decisions(lead(n).key)) for n in range(4)] == [1, 1, 1, 0]
    assert sum(store.ledgers()[TEAM, ""].credits.values()) == 0
    assert [w.key for w in store.pending()] == [lead(1).key, lead(2).key]
    store.close()


def test_connections_that_the_server_cut_are_replaced(postgresql_database: str) -> None:
    store, other = open_store(postgresql_database), open_store(postgresql_database)
    lease = begin(store)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with other.database.connect(writing=True) as connection:
        connection.execute(sa.text(f"{cut} AND datname = current_database()"))
    assert len(decided_leads(store, lease, 2)) == 2
    store.close()
    other.close()


def test_a_writer_waits_for_another_one(sql_backend: Any) -> None:
    store, other = sql_backend.open(), sql_backend.open()
    lease = begin(store)
    with other.database.connect(writing=True) as connection:
        connection.execute(sa.update(tables.lease).values(host="x"))
        late = threading.Thread(target=lambda: pulled(store, lease, 3))
        late.start()
        late.join(timeout=0.2)
        assert late.is_alive()
        connection.rollback()
    late.join()
    assert len(store.leads()) == 3


def test_a_database_file_that_is_deleted_or_damaged_is_said_and_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "allocator.db"
    store = open_store(f"sqlite:///{path}")
    store.close()
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ConfigError, match="is damaged"):
        store.leads()
    store.close()
    path.unlink()
    with pytest.raises(SourceError, match="cannot be used now"):
        store.leads()
    assert not path.exists()
