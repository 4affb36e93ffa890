"""A team that keeps one ledger for all lanes: what a run gave counts there, whatever the rules say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from store_cases import NOW, begin, commit, planned, pulled, settled


def test_what_a_run_gave_is_told_by_the_lane_of_its_turn(store: Any) -> None:
    lease = begin(store)
    first, second = (record.key for record in pulled(store, lease, 2))
    plan = planned(store, [first, second])
    commit(store, lease, replace(plan, decided=tuple(replace(one, lane="hot") for one in plan.decided)))
    store.settle(lease, [settled(first)], at=NOW)
    assert [(one.lane, one.turns) for one in store.given_in(lease.run)] == [("", 1)] * 2
