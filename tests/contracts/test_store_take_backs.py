"""What every store promises of leads that come back: returned, rejected, or undone with their run."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_cases import (
    NOW,
    PEOPLE,
    TEAM,
    begin,
    canonical,
    commit,
    decided_leads,
    end,
    everything,
    given,
    held,
    lead,
    planned,
    pulled,
    settled,
)

from allocator.domain.by_hand import Charged
from allocator.domain.lead import LeadKey, State
from allocator.domain.plan import Plan, TurnRow
from allocator.domain.records import Lease
from allocator.domain.slots import NO_SLOT, SlotState, slot_of, step
from allocator.domain.take_backs import Asked, BackEnd, Ended, TakeBack
from allocator.errors import AllocatorError, FencedError
from rules.rotation import Ledger, Rotation

LATER = NOW + timedelta(hours=1)


def rejected(key: LeadKey, epoch: int = 1, **more: Any) -> TakeBack:
    return TakeBack(key, epoch, Ended.REJECTED, NOW, "no budget", "Ana", **more)


def undone(key: LeadKey, of_run: int = 1, epoch: int = 1) -> TakeBack:
    return TakeBack(key, epoch, Ended.UNDONE, NOW, "", "", of_run)


def back(one: TakeBack, *, refund: bool = True) -> BackEnd:
    return BackEnd(one.key, one.epoch, done=True, refund=refund)


def confirmed(store: Any, lease: Lease, count: int) -> list[LeadKey]:
    keys = decided_leads(store, lease, count)
    store.settle(lease, [settled(key, stamp=NOW) for key in keys], at=NOW)
    return keys


def ledger(store: Any) -> dict[Any, Any]:
    """Every lane where somebody has credit: a lane that was never used is one where nobody has any."""
    return {place: book for place, book in canonical(store).items() if book[0]}


def test_a_confirmed_lead_remembers_its_stamp_until_it_waits_again(store: Any) -> None:
    lease = begin(store)
    (key,) = confirmed(store, lease, 1)
    assert store.leads([key])[0].settled_stamp == NOW
    store.return_leads(lease, store.leads([key]), at=LATER)
    assert store.leads([key])[0].settled_stamp is None


def test_what_was_asked_for_is_there_for_other_processes_in_the_order_of_asking(
    backend: Any, store: Any
) -> None:
    lease = begin(store)
    keys = confirmed(store, lease, 3)
    first = replace(rejected(keys[2]), asked=NOW)
    second = replace(undone(keys[0], of_run=1), asked=LATER)
    assert store.ask_back([first]) == store.ask_back([second]) == {}
    other = backend.open()
    assert list(other.take_backs()) == [first, second]
    assert list(other.take_backs(of_run=1)) == list(other.take_backs(keys=[keys[0]])) == [second]
    assert list(other.take_backs(states=[Asked.DONE])) == []


def test_only_what_somebody_has_can_be_asked_back_and_only_once(store: Any) -> None:
    lease = begin(store)
    (key,) = confirmed(store, lease, 1)
    held_one, waits = lead(7), lead(8)
    store.add_pulled(lease, "salesforce", [held_one, waits], None)
    commit(store, lease, Plan((held(held_one.key),), {}))
    assert store.ask_back([rejected(key)]) == {}
    again = replace(rejected(key), asked=LATER)
    others = [again, rejected(held_one.key), rejected(waits.key, 0), rejected(lead(9).key)]
    why = store.ask_back(others)
    assert set(why) == {one.key for one in others}
    assert "already" in why[key] and "held" in why[held_one.key] and "waits" in why[waits.key]
    assert list(store.take_backs()) == [rejected(key)]


def test_what_observe_mode_decided_cannot_be_asked_back(store: Any) -> None:
    lease = begin(store, live=False)
    (key,) = decided_leads(store, lease, 1)
    assert "observe mode" in store.ask_back([rejected(key)])[key]
    assert list(store.given_in(1)) == []


def test_a_lead_that_is_taken_back_waits_at_its_epoch_and_its_decision_says_why(store: Any) -> None:
    lease = begin(store)
    one, two = confirmed(store, lease, 2)
    owner = store.leads([one])[0].person
    store.ask_back([rejected(one), undone(two)])
    store.try_back(lease, [(one, 1)])
    assert [b.attempts for b in store.take_backs(keys=[one])] == [1]
    store.settle_back(lease, [back(rejected(one), refund=False), back(undone(two))], at=LATER)
    rows = {row.key: row for row in store.leads([one, two])}
    assert {(r.state, r.epoch, r.owner, r.since) for r in rows.values()} == {(State.WAITING, 1, None, LATER)}
    assert (rows[one].last_person, rows[one].hops) == (owner, 1)
    assert (rows[two].last_person, rows[two].hops) == (None, 0)
    told = store.decisions(one)[0]
    assert (told["ended"], told["ended_at"], told["ended_why"]) == ("rejected", LATER, "no budget")
    assert (told["given_back"], store.decisions(two)[0]["given_back"]) == (False, True)
    assert {b.state for b in store.take_backs()} == {Asked.DONE}
    assert canonical(store) != {}
    commit(store, lease, planned(store, [two], epoch=2), at=LATER)
    assert store.decisions(two)[0]["epoch"] == 2


def test_settling_twice_or_under_a_lost_lease_changes_nothing(backend: Any, store: Any) -> None:
    lease = begin(store)
    keys = confirmed(store, lease, 2)
    store.ask_back([rejected(key) for key in keys])
    ends = [back(rejected(keys[0])), BackEnd(keys[1], 1, done=False, detail="Ben owns it now")]
    store.settle_back(lease, ends, at=LATER)
    before, told = everything(store), list(store.take_backs())
    store.settle_back(lease, ends, at=LATER + timedelta(hours=1))
    assert (everything(store), list(store.take_backs())) == (before, told)
    assert [(b.state, b.detail) for b in told] == [(Asked.DONE, ""), (Asked.DROPPED, "Ben owns it now")]
    assert store.ask_back([replace(rejected(keys[1]), asked=LATER)]) == {}
    backend.expire_lease()
    begin(store)
    with pytest.raises(FencedError):
        store.settle_back(lease, [back(rejected(keys[1]))], at=LATER)
    assert everything(store) == before


def test_a_lead_that_moved_on_cannot_be_taken_back(store: Any) -> None:
    lease = begin(store)
    (key,) = confirmed(store, lease, 1)
    store.ask_back([rejected(key)])
    store.return_leads(lease, store.leads([key]), at=LATER)
    before = everything(store)
    with pytest.raises(AllocatorError, match="cannot be taken back"):
        store.settle_back(lease, [back(rejected(key))], at=LATER)
    assert everything(store) == before


def test_what_was_not_delivered_is_never_delivered_once_it_is_taken_back(store: Any) -> None:
    lease = begin(store)
    (key,) = decided_leads(store, lease, 1)
    store.ask_back([undone(key)])
    store.settle_back(lease, [back(undone(key))], at=LATER)
    assert (store.pending(), canonical(store)) == ([], {})


def test_a_returned_lead_counts_a_hop_and_its_turn_is_given_back_where_the_team_says_so(store: Any) -> None:
    lease = begin(store)
    keys = confirmed(store, lease, 2)
    before = canonical(store)
    store.return_leads(lease, store.leads([keys[0]]), at=LATER)
    assert canonical(store) == before
    store.return_leads(lease, store.leads(keys), at=LATER, refund=keys)
    assert [row.hops for row in store.leads(keys)] == [1, 1]
    assert [store.decisions(key)[0]["ended"] for key in keys] == ["returned", "returned"]
    assert [store.decisions(key)[0]["given_back"] for key in keys] == [False, True]


def test_what_a_taker_was_charged_is_given_back_when_the_lead_is_put_back(store: Any) -> None:
    lease = begin(store)
    (key,) = decided_leads(store, lease, 1)

    def charge(ledgers: Mapping[tuple[str, str], Ledger], settled: Collection[LeadKey]) -> Charged:
        rotation = Rotation({lane: book for (_, lane), book in ledgers.items()})
        turn = rotation.charge("", PEOPLE, "dee", 1, "by hand")
        return Charged((TurnRow(TEAM, "", turn, key, 1),), {(TEAM, ""): rotation.ledger("")})

    taken = settled(key, State.TAKEN, give_back=True, taker="dee", taker_team=TEAM)
    store.settle(lease, [taken], at=NOW, charge=charge)
    assert canonical(store) != {}
    store.return_leads(lease, store.leads([key]), at=LATER, refund=[key])
    assert canonical(store) == {}
    (row,) = store.leads([key])
    assert (row.taker, row.taker_team, row.hops) == (None, None, 0)


def test_retrying_a_held_lead_forgets_how_often_it_was_rejected(store: Any) -> None:
    lease = begin(store)
    (key,) = confirmed(store, lease, 1)
    store.return_leads(lease, store.leads([key]), at=LATER)
    commit(store, lease, Plan((held(key, epoch=2),), {}), at=LATER)
    assert store.leads([key])[0].hops == 1
    store.retry_held([key], at=LATER)
    assert store.leads([key])[0].hops == 0


def test_what_a_run_gave_is_told_with_the_turns_that_stand(store: Any) -> None:
    lease = begin(store)
    turn, free = (record.key for record in pulled(store, lease, 2))
    plan = planned(store, [turn])
    commit(store, lease, replace(plan, decided=(*plan.decided, given(free, "ana"))))
    assert [(g.key, g.person, g.turns) for g in store.given_in(1)] == [(turn, "ben", 1), (free, "ana", 0)]
    store.ask_back([undone(turn)])
    store.settle_back(lease, [back(undone(turn))], at=LATER)
    assert [(g.ended, g.turns) for g in store.given_in(1)] == [(Ended.UNDONE, 0), (None, 0)]
    assert list(store.given_in(2)) == []


@pytest.mark.parametrize("seed", range(3))
def test_runs_that_are_undone_in_any_order_leave_the_ledger_as_before_them(store: Any, seed: int) -> None:
    """F22: whatever runs at the end are undone, in whatever order, the ledger is the one of that moment."""
    rng, numbers, runs, moments = random.Random(seed), itertools.count(), [], []
    for _ in range(6):
        moments.append(ledger(store))
        lease = begin(store)
        records = [lead(n) for n in itertools.islice(numbers, rng.randint(1, 5))]
        store.add_pulled(lease, "salesforce", records, None)
        commit(store, lease, planned(store, [r.key for r in records], lane=rng.choice(["", "hot"])))
        store.settle(lease, [settled(r.key, stamp=NOW) for r in records], at=NOW)
        runs.append([undone(r.key, lease.run) for r in records])
        end(store, lease)
    point = rng.randrange(6)
    lease = begin(store)
    for asked in rng.sample(runs[point:], len(runs[point:])):
        assert store.ask_back(asked) == {}
        for one in rng.sample(asked, len(asked)):
            store.settle_back(lease, [back(one)], at=LATER)
    assert ledger(store) == moments[point]


def test_what_answers_for_no_hour_leaves_the_hours_as_they_are(store: Any) -> None:
    lease = begin(store)
    assert store.last_done() is None
    end(store, lease, "failed")
    before = [row for row in store.slots() if row.slot != NO_SLOT]
    for state in ("failed", "done"):
        lease = store.begin_run(slot=NO_SLOT, by="undo", at=LATER, live=True, seconds=90)
        needed = step(LATER, store.slots(), store.active())
        assert needed.start is None and needed.close is None, "nothing is skipped, nothing is started"
        store.end_run(lease, at=LATER, state=state, summary={})
    assert [row for row in store.slots() if row.slot != NO_SLOT] == before
    assert before[0].state is SlotState.OPEN
    assert store.last_done() is None
    assert step(LATER, store.slots(), store.active()).start == slot_of(LATER)
