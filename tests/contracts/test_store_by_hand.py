"""Leads taken by hand: the turn that they cost is booked with their settlement, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from store_cases import NOW, PEOPLE, TEAM, begin, commit, decided_leads, end, lead, planned, pulled

from allocator.domain.by_hand import Charged
from allocator.domain.lead import LeadKey, State
from allocator.domain.plan import Plan, TurnRow
from allocator.domain.records import Settlement
from rules.lineup import Lineup
from rules.model import CatchUp
from rules.rotation import Ledger, Rotation, U, rederive, split_of
from rules.vouchers import Missed

DEE = "005dee"


def taken(key: LeadKey, epoch: int = 1, **more: Any) -> Settlement:
    return Settlement(
        key, epoch, State.TAKEN, detail=DEE, give_back=True, taker="dee", taker_team=TEAM, **more
    )


def charging(
    ledgers: Mapping[tuple[str, str], Ledger], settled: Collection[LeadKey], lane: str = ""
) -> Charged:
    rotation = Rotation({at: book for (team, at), book in ledgers.items() if team == TEAM})
    turns = tuple(
        TurnRow(TEAM, lane, rotation.charge(lane, PEOPLE, "dee", 1, "by hand"), key, 1)
        for key in sorted(settled)
    )
    return Charged(turns, {(TEAM, lane): rotation.ledger(lane)} if turns else {})


def test_the_turn_is_given_back_and_the_taker_pays(store: Any) -> None:
    lease = begin(store)
    first, second, _ = decided_leads(store, lease, 3)
    store.settle(lease, [taken(first), taken(second)], at=NOW, charge=charging)
    book = store.ledgers()[TEAM, ""]
    assert sum(book.credits.values()) == 0
    assert book.credits["dee"] == 2 * (U // 5 - U)
    assert (book.next_number, book.next_sequence) == (6, 6)
    own = store.decisions(first)[0]
    assert (own["state"], own["given_back"]) == ("taken", True)
    (row,) = store.leads([first])
    assert (row.taker, row.taker_team) == ("dee", TEAM)


def test_settling_twice_charges_once(store: Any) -> None:
    lease = begin(store)
    (first,) = decided_leads(store, lease, 1)
    for _ in range(2):
        store.settle(lease, [taken(first)], at=NOW, charge=charging)
    assert store.ledgers()[TEAM, ""].next_number == 3


def test_a_charge_that_fails_leaves_the_lead_as_it_was(store: Any) -> None:
    lease = begin(store)
    (first,) = decided_leads(store, lease, 1)
    before = store.ledgers()[TEAM, ""]

    def broken(*_: object) -> Charged:
        raise RuntimeError("no power")

    with pytest.raises(RuntimeError):
        store.settle(lease, [taken(first)], at=NOW, charge=broken)
    assert store.ledgers()[TEAM, ""] == before
    assert [row.state for row in store.leads([first])] == [State.DECIDED]


def test_a_lead_that_waited_has_a_turn_without_a_decision(store: Any) -> None:
    lease = begin(store)
    (record,) = pulled(store, lease, 1)
    store.settle(lease, [taken(record.key, epoch=0)], at=NOW, charge=charging)
    assert store.ledgers()[TEAM, ""].credits["dee"] < 0
    assert store.decisions(record.key) == []


def test_what_was_taken_by_hand_counts_to_caps_until_it_comes_back(store: Any) -> None:
    lease = begin(store)
    (first,) = decided_leads(store, lease, 1)
    store.settle(lease, [taken(first)], at=NOW, charge=charging)
    assert list(store.given_since(NOW)) == [(TEAM, "dee", NOW)]
    assert list(store.given_since(NOW + timedelta(seconds=1))) == []
    (row,) = store.leads([first])
    store.return_leads(lease, [row], at=NOW)
    assert list(store.given_since(NOW)) == []


def test_what_observe_mode_charged_is_dropped(store: Any) -> None:
    watching = begin(store, live=False)
    (first,) = decided_leads(store, watching, 1)
    (record,) = [lead(7)]
    store.add_pulled(watching, "salesforce", [record], None)
    store.settle(watching, [taken(record.key, epoch=0)], at=NOW, charge=charging)
    end(store, watching)
    live = begin(store)
    store.drop_observed(live)
    assert not any(any(book.credits.values()) for book in store.ledgers().values())
    assert first


# -- what else a turn holds


def catching(absent: int) -> Lineup:
    split = split_of({"ana": 1, "ben": 1} if absent else {"ana": 1, "ben": 1, "chi": 1})
    missed = {"chi": Missed("2026-01-05 sick", 1, 100, 10, date(2026, 2, 8))} if absent else {}
    return Lineup(split.weights, split, missed=missed, policy={"": CatchUp()}, today=date(2026, 1, 5))


def test_vouchers_delegates_and_who_could_take_it_come_back_as_they_were(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 6)]
    rotation = Rotation()
    rows = [
        TurnRow(TEAM, "", rotation.take("", catching(absent=k < 4)), key, 1) for k, key in enumerate(keys)
    ]
    made = planned(store, keys)
    decided = tuple(
        replace(one, turn=row, person=row.turn.owner) for one, row in zip(made.decided, rows, strict=True)
    )
    commit(store, lease, Plan(decided, {(TEAM, ""): rotation.ledger("")}))
    assert [row.turn.kind for row in rows].count("catch-up") == 1
    for key, row in zip(keys, rows, strict=True):
        turn = store.decisions(key)[0]["turn"].turn
        assert (turn.vouchers, turn.due, turn.changes) == (row.turn.vouchers, row.turn.due, row.turn.changes)
        assert rederive(turn) == turn.owner
    book, kept = store.ledgers()[TEAM, ""], rotation.ledger("")
    assert (book.canonical(), book.vouchers, book.streak) == (kept.canonical(), kept.vouchers, kept.streak)
    back = [Settlement(key, 1, State.TAKEN, detail="005zoe", give_back=True) for key in keys]
    store.settle(lease, back[::-1], at=NOW)
    assert store.ledgers()[TEAM, ""].canonical() == Ledger().canonical()
