"""A process that is killed at any statement leaves a whole store, and the next run goes on from it."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from allocator.adapters.store.schema import _versions
from allocator.adapters.store.sql import SqlStore, open_store, schema_version, upgrade_store
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import Assigned, Plan, TurnRow
from allocator.domain.records import Settlement
from rules.rotation import Rotation

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
COUNT = 6
PEOPLE = {"ana": 1, "ben": 2, "chi": 1}
LEADS = [
    Record(LeadKey("salesforce", f"00Q{n:015d}"), NOW + timedelta(seconds=n), NOW, "00G")
    for n in range(COUNT)
]


def one_run(store: SqlStore) -> None:
    """What a run does to the store, whatever an earlier one left undone."""
    lease = store.begin_run(slot="2026-01-05T09", by="cli", at=NOW, live=True, seconds=90)
    store.add_pulled(lease, "salesforce", LEADS, NOW)
    waiting = store.leads(states=[State.WAITING])
    if waiting:
        store.commit_plan(lease, planned(store, [row.key for row in waiting]), at=NOW, tables_version="v1")
    writes = store.pending()
    store.attempt(lease, [write.id for write in writes])
    lost = writes[::3]
    ends = [
        Settlement(w.key, w.epoch, State.TAKEN if w in lost else State.CONFIRMED, give_back=w in lost)
        for w in writes
    ]
    store.settle(lease, ends, at=NOW)
    store.end_run(lease, at=NOW, state="done", summary={})


def planned(store: SqlStore, keys: list[LeadKey]) -> Plan:
    rotation = Rotation({lane: book for (_, lane), book in store.ledgers().items()})
    decided = []
    for key in keys:
        turn = rotation.take("", PEOPLE)
        row = TurnRow("Enterprise", "", turn, key, 1)
        decided.append(
            Assigned(
                key, 1, State.DECIDED, None, "", "turn", "Enterprise", "", turn.owner, turn.owner, row, "", {}
            )
        )
    return Plan(tuple(decided), {("Enterprise", ""): rotation.ledger("")})


class Killer:
    """Ends this process, without a word, right before statement `at` or its commit."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0
        sa.event.listen(sa.Engine, "before_cursor_execute", self.step)
        sa.event.listen(sa.Engine, "commit", self.step)

    def step(self, *_: Any) -> None:
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Do `work` in a process that dies at `step`; False when the work was done before."""
    child = os.fork()
    if child == 0:
        failed = 1
        try:
            Killer(step)
            work()
            failed = 0
        finally:
            os._exit(failed)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, f"step {step} raised"
    return os.WIFSIGNALED(status)


def rows(path: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def whole(path: Path) -> None:
    """What must hold at every commit, read as plain rows."""
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    counts = rows(
        path,
        "SELECT (SELECT count(*) FROM leads), (SELECT count(*) FROM marks), (SELECT count(*) FROM decisions),"
        " (SELECT count(*) FROM turns),"
        " (SELECT count(*) FROM leads WHERE epoch = 1)",
    )[0]
    assert counts[:2] in ((0, 0), (COUNT, 1))
    assert counts[2:] in ((0,) * 3, (COUNT,) * 3)
    assert rows(path, "SELECT coalesce(sum(credit), 0) FROM ledger") == [(0,)]
    assert [n for (n,) in rows(path, "SELECT number FROM turns ORDER BY 1")] == list(range(1, counts[3] + 1))
    settled = rows(path, "SELECT count(*) FROM leads WHERE state IN ('confirmed', 'taken')")[0][0]
    refunds = rows(path, "SELECT count(*) FROM refunds")[0][0]
    waits = rows(path, "SELECT count(*) FROM outbox WHERE state = 'pending'")[0][0]
    assert (settled, refunds, waits) in ((0, 0, counts[2]), (COUNT, 2, 0))


def test_a_run_killed_at_any_statement_leaves_a_whole_store_and_the_next_one_finishes(tmp_path: Path) -> None:
    path = tmp_path / "allocator.db"
    clean = tmp_path / "clean.db"
    upgrade_store(f"sqlite:///{clean}")
    image = clean.read_bytes()
    one_run(open_store(f"sqlite:///{clean}"))
    owners = "SELECT source_id, owner, state FROM leads ORDER BY 1"

    def run() -> None:
        one_run(open_store(f"sqlite:///{path}"))

    step = kills = 0
    while True:
        step += 1
        path.write_bytes(image)
        if not killed_at(step, run):
            break
        kills += 1
        whole(path)
        one_run(open_store(f"sqlite:///{path}"))
        whole(path)
        assert rows(path, owners) == rows(clean, owners)
        assert rows(path, "SELECT state FROM runs ORDER BY run DESC LIMIT 1") == [("done",)]
    assert kills >= 40


SHAPE = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
KEPT = "SELECT run, slot, state, summary FROM runs ORDER BY 1"


def first_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store as the first version left it: one hour done, one tried and still open."""
    with monkeypatch.context() as patch:
        patch.setattr("allocator.adapters.store.schema._versions", lambda: ("0001",))
        upgrade_store(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.executescript(
        """PRAGMA foreign_keys = ON;
        INSERT INTO slots VALUES ('2026-01-05T08:00Z', 'done', '2026-01-05T08:00:00.000000Z', 1);
        INSERT INTO slots VALUES ('2026-01-05T09:00Z', 'open', '2026-01-05T09:00:00.000000Z', NULL);
        INSERT INTO runs SELECT 1, slot, 'cli', 'done', opened, opened, 1, 'v1', 1, 'h', 7, '{"a":1}'
            FROM slots WHERE state = 'done';
        INSERT INTO runs SELECT 2, slot, 'cli', 'failed', opened, opened, 1, 'v1', 2, 'h', 7, '{}'
            FROM slots WHERE state = 'open';"""
    )
    connection.close()


def _up_to(last: str, versions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(version for version in versions if version <= last)


@pytest.mark.parametrize("old", [None, "0001"])
def test_a_migration_killed_at_any_statement_leaves_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str | None
) -> None:
    path, clean = tmp_path / "allocator.db", tmp_path / "clean.db"
    if old:
        first_version(clean, monkeypatch)
    image = clean.read_bytes() if old else b""
    shapes = {old: rows(clean, SHAPE)} if old else {}
    for version in [one for one in _versions() if one > old] if old else [_versions()[-1]]:
        with monkeypatch.context() as patch:
            patch.setattr("allocator.adapters.store.schema._versions", partial(_up_to, version, _versions()))
            new = upgrade_store(f"sqlite:///{clean}")
        shapes[new] = rows(clean, SHAPE)
    url, step, kept, finished = f"sqlite:///{path}", 0, rows(clean, KEPT), set[bytes]()
    while True:
        step += 1
        Path(f"{path}-journal").unlink(missing_ok=True)
        path.write_bytes(image)
        shapes.setdefault(old, rows(path, SHAPE))
        if not killed_at(step, lambda: upgrade_store(url) and None):
            break
        version = schema_version(url)
        assert version in shapes, "an old one, a new one or one between them, and that whole"
        assert rows(path, SHAPE) == shapes[version]
        left = path.read_bytes()
        if left in finished:
            continue  # the same file, byte for byte, goes the same way
        finished.add(left)
        assert upgrade_store(url) == new
        assert rows(path, SHAPE) == shapes[new]
        assert rows(path, KEPT) == kept
        assert rows(path, "PRAGMA foreign_key_check") == []
        open_store(url).close()
    assert step >= 15


@pytest.mark.parametrize("mode", [0o600])
def test_the_store_s_files_are_for_their_owner_alone(tmp_path: Path, mode: int) -> None:
    old = os.umask(0)
    try:
        one_run(open_store("sqlite:///allocator.db", base=tmp_path))
    finally:
        os.umask(old)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {mode}
