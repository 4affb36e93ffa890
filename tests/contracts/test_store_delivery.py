"""What every store promises, from the decision on: one suite over memory, SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_cases import (
    NOW,
    TEAM,
    begin,
    canonical,
    commit,
    decided_leads,
    end,
    everything,
    held,
    lead,
    planned,
    pulled,
    settled,
)

from allocator.domain.lead import State
from allocator.domain.plan import Plan
from allocator.errors import AllocatorError
from rules.rotation import U

# --- deliver ----------------------------------------------------------------------------------------------


def test_an_attempt_is_remembered(backend: Any, store: Any) -> None:
    lease = begin(store)
    decided_leads(store, lease, 3)
    ids = [write.id for write in store.pending()]
    store.attempt(lease, ids[:2])
    store.attempt(lease, ids[:1])
    assert [write.attempts for write in backend.open().pending()] == [2, 1, 0]


def test_a_settled_lead_leaves_the_outbox_and_a_confirmed_one_has_a_link(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 3)
    later = NOW + timedelta(minutes=1)
    fresh = replace(lead(0), owner="005ben", stamp=later)
    store.settle(
        lease,
        [
            settled(keys[0], record=fresh),
            settled(keys[1], State.HELD, reason="locked", detail="UNABLE_TO_LOCK_ROW"),
        ],
        at=later,
    )
    assert [write.key for write in store.pending()] == [keys[2]]
    rows = {row.key: row for row in store.leads(keys)}
    assert (rows[keys[0]].state, rows[keys[0]].record, rows[keys[0]].since) == (State.CONFIRMED, fresh, later)
    assert (rows[keys[1]].reason, rows[keys[1]].detail) == ("locked", "UNABLE_TO_LOCK_ROW")
    assert store.decisions(keys[1])[0]["state"] == "held"
    (link,) = store.links()
    assert (link.key, link.crm, link.object) == (keys[0], "salesforce", "Lead")
    assert (link.crm_id, link.state, link.since) == (keys[0].source_id, "live", later)


def test_settling_alike_again_changes_nothing_and_otherwise_is_refused(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 2)
    ends = [settled(keys[0]), settled(keys[1], State.TAKEN, give_back=True)]
    store.settle(lease, ends, at=NOW)
    before = everything(store)
    store.settle(lease, ends, at=NOW + timedelta(hours=1))
    for other in (
        settled(keys[0], State.TAKEN),
        settled(keys[1]),
        settled(keys[0], epoch=2),
        settled(lead(9).key),
    ):
        with pytest.raises(AllocatorError, match=r"nothing was changed|cannot become"):
            store.settle(lease, [other], at=NOW)
    assert everything(store) == before


def test_one_settlement_that_cannot_be_leaves_all_undone(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 2)
    before = everything(store)
    with pytest.raises(AllocatorError):
        store.settle(lease, [settled(keys[0]), settled(keys[1], epoch=5)], at=NOW)
    assert everything(store) == before


def test_giving_back_restores_the_ledger_and_the_number_stays_used(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 5)
    before, numbers = canonical(store), store.ledgers()[TEAM, ""].next_number
    more = [record.key for record in pulled(store, lease, 8)][5:]
    commit(store, lease, planned(store, more))
    for key in (more[1], more[0], more[2]):
        store.settle(lease, [settled(key, State.TAKEN, give_back=True)], at=NOW)
    assert canonical(store) == before
    assert store.ledgers()[TEAM, ""].next_number == numbers + 3
    assert [store.decisions(key)[0]["given_back"] for key in (*keys[:1], *more)] == [False, True, True, True]


def test_credits_sum_to_zero_whatever_is_given_back(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 20)]
    commit(store, lease, planned(store, keys[:10]))
    commit(store, lease, planned(store, keys[10:], lane="hot"))
    ends = [settled(key, State.TAKEN, give_back=bool(n % 3)) for n, key in enumerate(keys)]
    store.settle(lease, ends, at=NOW)
    books = store.ledgers()
    assert all(sum(book.credits.values()) == 0 for book in books.values())
    assert sum(books[TEAM, ""].team_credits.values()) == 0
    assert max(abs(c) for book in books.values() for c in book.credits.values()) <= 3 * U


def test_a_refused_owner_leaves_the_lead_held_for_the_next_epoch(store: Any) -> None:
    lease = begin(store)
    (key,) = decided_leads(store, lease, 1)
    refused = settled(key, State.HELD, reason="owner_refused", give_back=True)
    store.settle(lease, [replace(refused, avoid="ben")], at=NOW)
    assert (store.held()[0].last_person, store.held_count()) == ("ben", 1)
    assert canonical(store) == {}
    commit(store, lease, planned(store, [key], epoch=2))
    assert [(d["epoch"], d["state"], d["turn"].turn.number) for d in store.decisions(key)] == [
        (2, "decided", 2),
        (1, "held", 1),
    ]
    assert [write.epoch for write in store.pending()] == [2]


def test_a_rejected_write_is_held_on_what_its_decision_depended_on(store: Any) -> None:
    lease = begin(store)
    (key,) = decided_leads(store, lease, 1)
    before = store.leads([key])[0].basis
    rejected = settled(key, State.HELD, reason="crm_rejected", detail="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    store.settle(lease, [rejected], at=NOW)
    assert before and store.leads([key])[0].basis == before


def test_a_returned_lead_waits_again_and_knows_who_had_it(store: Any) -> None:
    lease = begin(store)
    (key,) = decided_leads(store, lease, 1)
    store.settle(lease, [settled(key)], at=NOW)
    rows = store.leads([key])
    store.return_leads(lease, rows, at=NOW + timedelta(hours=1))
    store.return_leads(lease, rows, at=NOW + timedelta(hours=2))
    (row,) = store.leads([key])
    assert (row.state, row.epoch, row.last_person) == (State.WAITING, 1, "ben")
    assert row.since == NOW + timedelta(hours=1)
    commit(store, lease, planned(store, [key], epoch=2))
    with pytest.raises(AllocatorError):
        store.return_leads(lease, rows, at=NOW)
    assert store.leads([key])[0].last_person == "ben"


def test_a_held_lead_that_left_intake_is_closed(store: Any) -> None:
    lease = begin(store)
    key = pulled(store, lease, 1)[0].key
    commit(store, lease, Plan((held(key),), {}))
    store.settle(lease, [settled(key, State.CLOSED, reason="converted")], at=NOW)
    assert (store.held(), store.leads([key])[0].state) == ([], State.CLOSED)


def test_a_waiting_lead_that_left_intake_settles_without_touching_its_last_decision(store: Any) -> None:
    lease = begin(store)
    (key,) = decided_leads(store, lease, 1)
    fresh = pulled(store, lease, 2)[1].key
    store.settle(lease, [settled(key)], at=NOW)
    store.return_leads(lease, store.leads([key]), at=NOW)
    before = store.decisions(key), canonical(store)
    gone = settled(key, State.TAKEN, detail="005x", give_back=True)
    never = settled(fresh, State.CLOSED, epoch=0, reason="deleted", give_back=True)
    for _ in range(2):
        store.settle(lease, [gone, never], at=NOW)
    assert [row.state for row in store.leads()] == [State.TAKEN, State.CLOSED]
    assert (store.decisions(key), canonical(store)) == before
    store.return_leads(lease, store.leads(), at=NOW)
    assert [(row.state, row.epoch) for row in store.leads()] == [(State.WAITING, 1), (State.WAITING, 0)]


def test_held_leads_are_decided_again_on_request(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 4)]
    plan = planned(store, keys[:1])
    commit(store, lease, replace(plan, decided=(*plan.decided, *(held(key) for key in keys[1:]))))
    assert store.retry_held([keys[0], keys[1]], at=NOW) == 1
    assert [row.basis for row in store.leads(keys)] == ["b1", "", "b1", "b1"]
    assert store.retry_held(None, at=NOW) == 3


# --- observe mode -----------------------------------------------------------------------------------------


def test_what_observe_mode_decides_is_never_sent_and_can_be_dropped(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 3)
    store.settle(lease, [settled(keys[0], State.HELD, reason="owner_refused", give_back=True)], at=NOW)
    end(store, lease)
    before = canonical(store)
    lease = begin(store, live=False)
    fresh = [record.key for record in pulled(store, lease, 6)][3:]
    commit(store, lease, planned(store, [fresh[0], fresh[1]]))
    commit(store, lease, planned(store, [keys[0]], epoch=2))
    commit(store, lease, Plan((held(fresh[2]),), {}))
    store.settle(lease, [settled(fresh[1], State.TAKEN, give_back=True)], at=NOW)
    assert [write.key for write in store.pending()] == keys[1:]
    assert not store.leads([fresh[0]])[0].live
    end(store, lease)

    lease = begin(store)
    assert store.drop_observed(lease) == 4
    assert store.drop_observed(lease) == 0
    assert canonical(store) == before
    rows = {row.key: (row.state, row.epoch, row.live) for row in store.leads()}
    assert [rows[key] for key in fresh] == [(State.WAITING, 0, True)] * 3
    assert rows[keys[0]] == (State.WAITING, 1, True)
    commit(store, lease, planned(store, [fresh[0]]))
    assert store.decisions(fresh[0])[0]["turn"].turn.number == 4


# --- links ------------------------------------------------------------------------------------------------


def test_a_link_is_switched_to_the_contact_once(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 3)
    store.settle(lease, [settled(key) for key in keys[:2]], at=NOW)
    contacts = {keys[0]: "003000000000001AAA", keys[2]: "003000000000002AAA"}
    assert store.switch_links(lease, contacts, at=NOW + timedelta(hours=1)) == 1
    assert store.switch_links(lease, contacts, at=NOW + timedelta(hours=2)) == 0
    found = [(link.object, link.crm_id, link.state) for link in store.links(keys=[keys[0]])]
    assert found == [("Contact", "003000000000001AAA", "live"), ("Lead", keys[0].source_id, "converted")]
    assert [link.key for link in store.links(state="converted")] == [keys[0]]
    assert [link.key for link in store.links(state="live")] == [keys[0], keys[1]]
    assert store.links(keys=[]) == []
