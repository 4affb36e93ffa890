"""From a store of the first version to this one: nothing is lost, and the old program leaves it alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from allocator.adapters.store.decide import idempotency_key
from allocator.adapters.store.engine import Database, parse_url
from allocator.adapters.store.sql import open_store, schema_version, upgrade_store
from allocator.domain.lead import Effect, LeadKey, State
from allocator.domain.records import Settlement
from allocator.domain.slots import SlotRow, SlotState, Try
from allocator.errors import AllocatorError, SchemaError

EIGHT, NINE = "2026-01-05T08:00Z", "2026-01-05T09:00Z"
_VERSIONS = "allocator.adapters.store.schema._versions"
_SLOT = "INSERT INTO slots VALUES ('{0}', '{1}', '2026-01-05T09:01:00.000000Z', {2})"
_RUN = """INSERT INTO runs (run, slot, started_by, state, started, finished, live, tables_version, token,
    host, pid, summary) VALUES ({0}, '{1}', 'cli', '{2}',
    '2026-01-05T09:01:00.000000Z', '2026-01-05T09:01:00.000000Z', true, 'v1', {0}, 'h', 7, '{3}')"""

_VERSION = """INSERT INTO tables_versions (number, sha256, content, accepted_at, origin, saved_by)
    VALUES (1, 'v1', {0}, '2026-01-05T09:01:00.000000Z', 'host:x', 'mia')"""


def write(url: str, *statements: str) -> None:
    database = Database(parse_url(url))
    try:
        for statement in statements:
            database.write(lambda c, s=statement: c.exec_driver_sql(s) and None)
    finally:
        database.close()


@pytest.fixture
def first_version(sql_backend: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store as the first version left it: one hour done, one tried and still open."""
    with monkeypatch.context() as patch:
        patch.setattr(_VERSIONS, lambda: ("0001",))
        assert upgrade_store(sql_backend.url) == "0001"
    write(
        sql_backend.url,
        _SLOT.format(EIGHT, "done", 1), _SLOT.format(NINE, "open", "NULL"),
        _RUN.format(1, EIGHT, "done", '{"a":1}'), _RUN.format(2, NINE, "failed", '{"again":true}'),
        "UPDATE lease SET token = 2",
    )  # fmt: skip
    url: str = sql_backend.url
    return url


def test_the_program_asks_for_the_upgrade_and_touches_nothing_before(first_version: str) -> None:
    with pytest.raises(SchemaError, match=r"version 0001, .*Run: allocator store upgrade"):
        open_store(first_version)
    assert schema_version(first_version) == "0001"


def test_slots_and_runs_are_kept_and_go_on(first_version: str) -> None:
    upgrade_store(first_version)
    store = open_store(first_version)
    finished = datetime(2026, 1, 5, 9, 1, tzinfo=UTC)
    assert [(row.run, row.slot, row.state, dict(row.summary)) for row in store.runs()] == [
        (2, NINE, "failed", {"again": True}), (1, EIGHT, "done", {"a": 1})
    ]  # fmt: skip
    assert list(store.slots()) == [SlotRow(NINE, SlotState.OPEN, (Try(finished, again=True),))]
    assert store.last_done() == finished
    lease = store.begin_run(
        slot="2026-01-05T10:00Z", by="serve", at=finished, live=True, seconds=90, once=True
    )
    store.end_run(lease, at=finished, state="done", summary={})
    states = store.database.read(
        lambda c: c.execute(sa.text("SELECT slot, state, done_by_run FROM slots ORDER BY 1")).all()
    )
    assert [tuple(row) for row in states] == [
        (EIGHT, "done", 1), (NINE, "failed", None), ("2026-01-05T10:00Z", "done", 3)
    ]  # fmt: skip
    store.close()


def test_a_version_accepted_before_versions_had_states_runs_and_old_runs_stop_no_replay(
    first_version: str,
) -> None:
    content = "X'6162'" if first_version.startswith("sqlite") else r"'\x6162'"
    write(
        first_version,
        _VERSION.format(content),
    )
    upgrade_store(first_version)
    store = open_store(first_version)
    version = store.tables()
    assert version is not None and (version.sha256, version.content, version.saved_by) == ("v1", b"ab", "mia")
    assert (version.state, version.how, version.rows, version.moves) == ("accepted", "file", None, None)
    assert store.past(datetime(2026, 1, 1, tzinfo=UTC), most=10) is None
    store.close()


def test_a_run_still_needs_its_slot_and_a_slot_one_of_the_states(first_version: str) -> None:
    upgrade_store(first_version)
    refused = [
        _RUN.format(9, "2026-01-05T23:00Z", "done", "{}"),
        "DELETE FROM slots WHERE done_by_run = 1",
        _SLOT.format("2026-01-05T11:00Z", "forgotten", "NULL"),
        _SLOT.format(EIGHT, "open", "NULL"),
    ]
    for statement in refused:
        with pytest.raises(AllocatorError, match="the store refused a row and nothing was changed"):
            write(first_version, statement)
    write(first_version, *(_SLOT.format(f"x{state}", state.value, "NULL") for state in SlotState))


def test_an_upgraded_store_has_the_same_tables_and_indexes_as_a_new_one(
    first_version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    upgrade_store(first_version)
    upgraded = shape(first_version)
    assert "slots_state" in str(upgraded)
    if first_version.startswith("sqlite"):
        new = f"sqlite:///{tmp_path / 'new.db'}"
        upgrade_store(new)
        assert shape(new) == upgraded


def shape(url: str) -> Any:
    database = Database(parse_url(url))
    try:
        made = sa.inspect(database.engine)
        return {
            name: (
                [(c["name"], str(c["type"]), c["nullable"]) for c in made.get_columns(name)],
                sorted(str(index["name"]) for index in made.get_indexes(name)),
                made.get_foreign_keys(name), made.get_check_constraints(name),
            )
            for name in made.get_table_names()
        }  # fmt: skip
    finally:
        database.close()


_BEFORE_THE_SYNC = (
    """INSERT INTO leads (source, source_id, created, stamp, crm_owner, fields, unreadable, state, epoch,
    detail, lane, basis, since, run, live, hops)
    VALUES ('salesforce', '{0}', '{1}', '{1}', '005', '{{}}', '', '{2}', 1, '', '', '', '{1}', 1, true, 0)""",
    """INSERT INTO decisions (source, source_id, epoch, at, run, state, detail, lane, owner, basis,
    tables_version, live, given_back, trace, ended_why)
    VALUES ('salesforce', '{0}', 1, '{1}', 1, '{2}', '', '', '005', '', 'v1', true, false, '{{}}', '')""",
)
_LINK = "INSERT INTO links VALUES ('salesforce', '{0}', 'salesforce', '{1}', '{2}', '{3}', '{4}')"
_WRITE = """INSERT INTO outbox (id, kind, idempotency_key, source, source_id, epoch, owner, state, attempts,
    created) VALUES (1, 'owner', '{0}', 'salesforce', '{1}', 1, '005', 'pending', 1, '{2}')"""


def test_links_and_waiting_writes_of_a_store_without_the_sync_go_on(
    sql_backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two Leads of the CRM have become one Contact; one is not delivered yet."""
    url, at = sql_backend.url, "2026-01-05T09:01:00.000000Z"
    with monkeypatch.context() as patch:
        patch.setattr(_VERSIONS, lambda: ("0005",))
        assert upgrade_store(url) == "0005"
    ids = {"00Q1": "confirmed", "00Q2": "confirmed", "00Q3": "decided"}
    rows = [text.format(one, at, state) for text in _BEFORE_THE_SYNC for one, state in ids.items()]
    contacts = [_LINK.format(one, "Contact", "0031", "live", at) for one in ("00Q1", "00Q2")]
    old = [_LINK.format(one, "Lead", one, "converted", at) for one in ("00Q1", "00Q2")]
    waiting = LeadKey("salesforce", "00Q3")
    slot = [
        _SLOT.format(EIGHT, "open", "NULL"),
        _RUN.format(1, EIGHT, "failed", "{}"),
        "UPDATE lease SET token = 2",
    ]
    write(url, *slot, *rows, *contacts, *old, _WRITE.format(idempotency_key(waiting, 1), "00Q3", at))
    upgrade_store(url)
    store = open_store(url)
    assert [(k.object, k.crm_id, k.state) for k in store.links(state="live")] == [
        ("Contact", "0031", "live")
    ] * 2
    assert len(store.links(state="converted")) == 2
    (pending,) = store.pending()
    assert (pending.key, pending.effect, pending.object, pending.attempts) == (waiting, Effect.OWNER, "", 1)
    assert store.decisions(waiting)[0]["effect"] == "owner"
    lease = store.begin_run(slot="", by="cli", at=datetime(2026, 1, 6, tzinfo=UTC), live=True, seconds=90)
    store.settle(lease, [Settlement(waiting, 1, State.CONFIRMED)], at=datetime(2026, 1, 6, tzinfo=UTC))
    assert store.pending() == []
    assert [k.crm_id for k in store.links(keys=[waiting], state="live")] == ["00Q3"]
    assert store.syncs() == store.pending_sync() == store.conflicts() == []
    store.close()


def test_the_database_itself_refuses_a_second_live_link_of_a_marketing_record(sql_backend: Any) -> None:
    sql_backend.open()
    link = "INSERT INTO links VALUES ('hubspot', '{0}', 'salesforce', 'Lead', '{1}', '{2}', 'x')"
    write(sql_backend.url, link.format(1, "00Q1", "live"), link.format(2, "00Q1", "merged"))
    for refused in (
        link.format(1, "00Q2", "live"),
        link.format(3, "00Q1", "live"),
        link.format(4, "y", "lost"),
    ):
        with pytest.raises(AllocatorError, match="the store refused a row and nothing was changed"):
            write(sql_backend.url, refused)


def test_the_old_program_refuses_the_new_store_and_leaves_it_alone(
    first_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = upgrade_store(first_version)
    monkeypatch.setattr(_VERSIONS, lambda: ("0001",))
    for refused in (open_store, upgrade_store):
        with pytest.raises(SchemaError, match=f"version {new}, this program knows 0001 at most. Upgrade"):
            refused(first_version)
    assert schema_version(first_version) == new


def test_a_new_store_is_never_seen_half_made(sql_backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from allocator.adapters.store import schema

    seen: list[str | None] = []
    real = schema._step

    def looked(database: Database, version: str) -> None:
        real(database, version)
        seen.append(schema_version(sql_backend.url))

    monkeypatch.setattr(schema, "_step", looked)
    open_store(sql_backend.url).close()
    assert set(seen) == {schema.newest_version()}
