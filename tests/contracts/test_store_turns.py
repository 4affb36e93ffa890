"""What every store tells of single turns: those of a lead, and the ledger that one was taken from."""

from __future__ import annotations

from typing import Any

from store_cases import PEOPLE, TEAM, begin, commit, end, lead, planned, settled

from allocator.domain.lead import LeadKey, State
from allocator.domain.taken_turns import fits


def a_run(store: Any, numbers: range, **where: Any) -> list[LeadKey]:
    """A run that gave turns to these new leads, delivered none of them, and ended."""
    lease = begin(store)
    records = [lead(n) for n in numbers]
    store.add_pulled(lease, "salesforce", records, None)
    keys = [record.key for record in records]
    commit(store, lease, planned(store, keys, **where))
    end(store, lease)
    return keys


def settle(store: Any, *settlements: Any) -> None:
    lease = begin(store)
    store.settle(lease, list(settlements), at=lease.expires)
    end(store, lease)


def test_the_turns_of_a_lead_are_told_with_those_given_back(store: Any) -> None:
    first, second = a_run(store, range(2))
    settle(store, settled(first, State.TAKEN, give_back=True))
    (gone,) = store.turns_of(first)
    assert (gone.row.key, gone.row.turn.number, gone.given_back, gone.why) == (first, 1, True, "taken")
    (stands,) = store.turns_of(second)
    assert (stands.row.turn.number, stands.given_back, stands.why, stands.run) == (2, False, "", 1)
    assert store.turns_of(lead(7).key) == []


def test_the_ledger_before_a_turn_is_the_one_it_was_taken_from(store: Any) -> None:
    known = []
    for number, lane in enumerate(("", "hot", "", "hot", "")):
        known.append((store.ledgers().get((TEAM, lane)), a_run(store, range(number, number + 1), lane=lane)))
    for ledger, (key,) in known:
        (one,) = store.turns_of(key)
        found = store.ledger_before(one.row)
        assert found is not None and fits(found, one.row.turn)
        if ledger is not None:
            assert {i: found.credits.get(i, 0) for i in PEOPLE} == {i: ledger.credits[i] for i in PEOPLE}
            assert found.last_turn == ledger.last_turn


def test_what_was_given_back_later_still_counts_in_the_ledger_before_a_turn(store: Any) -> None:
    keys = a_run(store, range(3))
    (last,) = a_run(store, range(3, 4))
    settle(store, settled(keys[0], State.TAKEN, give_back=True))
    (later,) = a_run(store, range(4, 5))
    for key in (last, later):
        (one,) = store.turns_of(key)
        found = store.ledger_before(one.row)
        assert found is not None and found.credits == dict(one.row.turn.before)


def test_a_turn_that_the_store_does_not_have_has_no_ledger_before_it(store: Any) -> None:
    (key,) = a_run(store, range(1))
    (one,) = store.turns_of(key)
    elsewhere = planned(store, [key], team="Nobody").turns[0]
    assert store.ledger_before(elsewhere) is None
    assert store.ledger_before(one.row) is not None
