"""What every store promises about the versions of the tables: which one runs, which waits, what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_cases import NOW, begin

from allocator.domain.records import TablesVersion
from allocator.domain.versions import KEPT, How, Moves, Rows, Standing


def version(name: str, state: Standing = Standing.ACCEPTED, **more: Any) -> TablesVersion:
    return TablesVersion(name, name.encode() + b"\x00\xff", NOW, f"host:{name}", "mia", state, **more)


def states(store: Any) -> list[tuple[str, str]]:
    return [(v.sha256, v.state.value) for v in store.tables_versions()]


def test_everything_about_a_version_is_kept(store: Any) -> None:
    full = version("b", Standing.WAITING, base="a", warnings=3, rows=Rows(1, 2, 3), moves=Moves(100, 21))
    assert store.put_tables(version("a"))
    assert store.put_tables(full, after="a")
    assert store.tables_version("b") == full
    assert store.tables_version("a") == version("a")
    assert store.tables_version("c") is None
    assert list(store.tables_versions()) == [replace(full, content=b""), replace(version("a"), content=b"")]
    assert len(store.tables_versions(limit=1)) == 1


@pytest.mark.parametrize("state", [Standing.WAITING, Standing.NEXT])
def test_a_version_that_no_run_accepted_does_not_run(store: Any, state: Standing) -> None:
    store.put_tables(version("a"))
    store.put_tables(version("b", state))
    assert store.tables() == version("a")
    assert store.tables_known("b")


def test_a_newer_version_takes_the_place_of_one_that_waits(store: Any) -> None:
    store.put_tables(version("a"))
    store.put_tables(version("b", Standing.WAITING))
    store.put_tables(version("c", Standing.NEXT))
    store.put_tables(version("d", Standing.WAITING))
    assert states(store) == [("d", "waiting"), ("c", "superseded"), ("b", "superseded"), ("a", "accepted")]


def test_what_waited_or_was_next_becomes_the_accepted_one_in_one_row(store: Any) -> None:
    lease = begin(store)
    store.put_tables(version("a"))
    store.put_tables(version("b", Standing.WAITING, base="a"))
    assert store.put_tables(version("b", how=How.COMMAND, base="a"), after="a")
    assert states(store) == [("b", "accepted"), ("a", "accepted")]
    store.put_tables(version("c", Standing.NEXT, base="b"))
    assert store.accept_tables(lease, version("c", base="b"), after="b")
    assert states(store) == [("c", "accepted"), ("b", "accepted"), ("a", "accepted")]
    assert store.tables() == version("c", base="b")


def test_a_version_judged_against_another_than_the_one_that_runs_is_not_taken(store: Any) -> None:
    lease = begin(store)
    for name in ("a", "b"):
        store.put_tables(version(name))
    assert not store.put_tables(version("c", Standing.WAITING), after="a")
    assert not store.accept_tables(lease, version("c"), after="a")
    assert states(store) == [("b", "accepted"), ("a", "accepted")]
    assert store.accept_tables(lease, version("c"), after="b")


def test_of_two_servers_that_judge_a_version_at_once_and_otherwise_the_first_word_stands(store: Any) -> None:
    lease = begin(store)
    store.put_tables(version("a"))
    assert store.put_tables(version("b", Standing.WAITING, base="a"), after="a")
    assert not store.put_tables(version("b", Standing.NEXT, base="a"), after="a")
    assert not store.accept_tables(lease, version("b", base="a"), after="a")
    assert states(store) == [("b", "waiting"), ("a", "accepted")]
    store.put_tables(version("c", Standing.NEXT, base="a"), after="a")
    assert not store.put_tables(version("c", Standing.WAITING, base="a"), after="a")
    assert store.accept_tables(lease, version("c", base="a"), after="a")


def test_the_same_version_in_the_same_state_is_written_once(store: Any) -> None:
    store.put_tables(version("a"))
    for _ in range(3):
        assert store.put_tables(version("b", Standing.WAITING, base="a"), after="a")
    assert states(store) == [("b", "waiting"), ("a", "accepted")]
    store.put_tables(version("b", Standing.WAITING, base="x"))
    assert store.tables_version("b").base == "x" and len(states(store)) == 2


def test_going_back_is_a_new_row_of_the_old_version(store: Any) -> None:
    for name in ("a", "b"):
        store.put_tables(version(name))
    store.put_tables(version("c", Standing.WAITING))
    back = version("a", how=How.ROLLBACK)
    assert store.put_tables(back, after="b")
    assert states(store) == [("a", "accepted"), ("c", "superseded"), ("b", "accepted"), ("a", "accepted")]
    assert store.tables() == back == store.tables_version("a")


def test_what_is_withdrawn_was_superseded_and_nothing_else_changes(store: Any) -> None:
    store.put_tables(version("a"))
    store.put_tables(version("b", Standing.WAITING))
    store.withdraw_tables("a")
    store.withdraw_tables("x")
    assert states(store) == [("b", "waiting"), ("a", "accepted")]
    store.withdraw_tables("b")
    assert states(store) == [("b", "superseded"), ("a", "accepted")]


def test_the_content_of_what_was_superseded_long_ago_is_forgotten(store: Any) -> None:
    store.put_tables(version("a"))
    for n in range(KEPT + 1):
        moved = replace(version(f"n{n}", Standing.NEXT), accepted_at=NOW + timedelta(seconds=n))
        store.put_tables(moved)
    assert store.tables_version("n0").content == b"" and store.tables_known("n0")
    assert store.tables_version("n1").content != b""
    assert store.tables_version("a") == store.tables() == version("a")


def test_another_store_on_the_same_data_sees_the_same_versions(backend: Any, store: Any) -> None:
    store.put_tables(version("a"))
    other = backend.open()
    other.put_tables(version("b", Standing.WAITING))
    assert states(store) == states(other) == [("b", "waiting"), ("a", "accepted")]
