"""A team that got another name: every store moves all that counts by it, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from store_cases import (
    NOW,
    TEAM,
    begin,
    canonical,
    commit,
    end,
    everything,
    held,
    lead,
    lose_the_answer,
    planned,
    settled,
)

from allocator.adapters.store.sql import open_store
from allocator.domain.lead import LeadKey, State
from allocator.domain.pauses import Pause, Paused
from allocator.errors import BusyError, UnknownName
from rules.vouchers import Voucher

NEW = "Key accounts"


def a_run(store: Any, numbers: range, *, team: str = TEAM, lane: str = "") -> list[LeadKey]:
    """A run that gave turns to these new leads; the first of them was taken by somebody else."""
    lease = begin(store)
    records = [lead(n) for n in numbers]
    store.add_pulled(lease, "salesforce", records, None)
    keys = [record.key for record in records]
    commit(store, lease, planned(store, keys, team=team, lane=lane))
    taken = settled(keys[0], State.TAKEN, give_back=True, taker="ben", taker_team=team)
    store.settle(lease, [taken, *map(settled, keys[1:])], at=NOW)
    end(store, lease)
    return keys


@pytest.mark.parametrize("new", [TEAM.lower(), "Größe\ud800\x00␀"])
def test_all_that_counts_by_the_old_name_counts_by_the_new_one(store: Any, new: str) -> None:
    first = a_run(store, range(5))
    second = a_run(store, range(5, 8), lane="hot")
    before, turns = store.ledgers(), {key: store.turns_of(key) for key in (*first, *second)}
    given = store.given_since(NOW)
    assert store.rename_team(TEAM, new) == 8
    assert store.ledgers() == {(new, lane): book for (_, lane), book in before.items()}
    assert store.given_since(NOW) == [(new, person, at) for _, person, at in given]
    for key, were in turns.items():
        assert store.turns_of(key) == [replace(one, row=replace(one.row, team=new)) for one in were]
        assert {one["team"] for one in store.decisions(key)} == {new}
    assert {row.team for row in store.leads()} == {new}
    assert {row.taker_team for row in store.leads()} == {new, None}
    assert {row.team for page in store.export_turns() for row in page} == {new}
    assert set(store.accounts(None, None)) == {new}


def test_turns_go_on_and_come_back_under_the_new_name(store: Any) -> None:
    keys = a_run(store, range(5))
    moved = store.rename_team(TEAM, NEW)
    more = a_run(store, range(5, 9), team=NEW)
    numbers = [one.row.turn.number for key in (*keys, *more) for one in store.turns_of(key)]
    assert numbers == list(range(1, moved + len(more) + 1))
    for key in (*keys, *more):
        (one,) = store.turns_of(key)
        assert store.ledger_before(one.row) is not None


def test_a_team_renamed_and_renamed_back_is_as_it_was(store: Any) -> None:
    a_run(store, range(5))
    a_run(store, range(5, 8), lane="hot")
    a_run(store, range(8, 11), team="Small business")
    was = everything(store)
    store.rename_team(TEAM, NEW)
    assert everything(store) != was
    store.rename_team(NEW, TEAM)
    assert everything(store) == was


def test_vouchers_go_with_their_team(sql_backend: Any) -> None:
    store = sql_backend.open()
    lease = begin(store)
    store.add_pulled(lease, "salesforce", [lead(1)], None)
    plan = planned(store, [lead(1).key])
    due = {("ana", "2026-01-01"): Voucher(3, 5, date(2026, 3, 1))}
    commit(
        store, lease, replace(plan, ledgers={p: replace(b, vouchers=due) for p, b in plan.ledgers.items()})
    )
    end(store, lease)
    store.rename_team(TEAM, NEW)
    assert store.ledgers()[NEW, ""].vouchers == due


def test_a_pause_goes_with_its_team_unless_the_new_name_has_its_own(store: Any) -> None:
    a_run(store, range(2))
    store.pause(Pause(Paused.TEAM, TEAM, NOW, None, "olga", "inventory"))
    store.rename_team(TEAM, NEW)
    (moved,) = store.pauses(now=NOW)
    assert (moved.name, moved.reason) == (NEW, "inventory")
    own = Pause(Paused.TEAM, TEAM, NOW, None, "olga", "its own")
    store.pause(own)
    store.rename_team(NEW, TEAM)
    assert own in store.pauses(now=NOW)


def test_a_team_with_turns_of_its_own_takes_no_other_ledger(store: Any) -> None:
    a_run(store, range(3))
    a_run(store, range(3, 4), team=NEW)
    was = everything(store)
    for old, new, why in ((TEAM, NEW, "taken turns of its own"), ("Nobody", "Somebody", "No team 'Nobody'")):
        with pytest.raises(UnknownName, match=why):
            store.rename_team(old, new)
    with pytest.raises(UnknownName):
        store.rename_team(TEAM, TEAM)
    assert everything(store) == was


def test_a_team_that_only_held_leads_so_far_takes_the_ledger(store: Any) -> None:
    a_run(store, range(3))
    lease = begin(store)
    store.add_pulled(lease, "salesforce", [lead(3)], None)
    one = replace(held(lead(3).key), team=NEW)
    commit(store, lease, replace(planned(store, []), decided=(one,)))
    end(store, lease)
    was = canonical(store)
    store.rename_team(TEAM, NEW)
    assert canonical(store) == {(NEW, ""): was[TEAM, ""]}


def test_nothing_is_renamed_while_a_run_is_at_work_but_after_one_that_died(backend: Any) -> None:
    store = backend.open()
    a_run(store, range(3))
    begin(store)
    was = everything(store)
    with pytest.raises(BusyError, match="busy: run 2"):
        backend.open().rename_team(TEAM, NEW)
    assert everything(store) == was
    backend.expire_lease()
    assert store.rename_team(TEAM, NEW) == 3


@pytest.mark.parametrize("after", [False, True])
def test_a_rename_whose_answer_is_lost_is_done_exactly_once(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    store, other = open_store(postgresql_database), open_store(postgresql_database)
    a_run(store, range(3))
    commits = lose_the_answer(other, monkeypatch, after=after)
    assert (other.rename_team(TEAM, NEW), len(commits) > 0) == (3, True)
    assert list(store.ledgers()) == [(NEW, "")]
    for one in (store, other):
        one.close()
