"""What every store tells of past runs, so that they can be replayed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from store_cases import NOW, TEAM, begin, commit, end, given, held, lead, planned, settled

from allocator.domain.lead import LeadKey, State
from allocator.domain.past import Past
from allocator.domain.plan import Plan
from allocator.domain.records import Lease

SEEN = {"now": NOW.isoformat(), "asked": True, "unusable": {"005ben": "crm_inactive"}, "intake": ["00G1"]}
LEAD = {"created": 1_767_603_600_000_000, "stamp": 1_767_603_600_000_000, "fields": {"Country": "Zoë ␀ \x00"}}


def noted(plan: Plan) -> Plan:
    """As the planner makes it: with what it saw."""
    return replace(plan, decided=tuple(replace(d, seen=LEAD) for d in plan.decided), seen=SEEN)


def a_run(store: Any, hour: int, count: int, *, first: int = 0) -> tuple[Lease, list[LeadKey]]:
    """A run that gave turns to so many new leads; it is still open."""
    lease = begin(store, at=NOW + timedelta(hours=hour))
    keys = [lead(first + n).key for n in range(count)]
    store.add_pulled(lease, "salesforce", [lead(first + n) for n in range(count)], None)
    commit(store, lease, noted(planned(store, keys)), at=NOW + timedelta(hours=hour))
    return lease, keys


def past(store: Any, hours: float = 0, most: int = 1000) -> Past:
    found: Past = store.past(NOW + timedelta(hours=hours), most=most)
    return found


def test_runs_come_back_with_what_they_and_their_decisions_saw(store: Any) -> None:
    assert store.past(NOW, most=10) is None
    lease, keys = a_run(store, 0, 2)
    store.settle(
        lease, [settled(keys[0]), settled(keys[1], State.TAKEN, detail="005x", give_back=True)], at=NOW
    )
    end(store, lease)
    (run,) = past(store).runs
    assert (run.now, run.asked, run.version, run.live) == (NOW, True, "v1", True)
    assert (run.unusable, run.intake) == (SEEN["unusable"], frozenset({"00G1"}))
    told = {d.key: d for d in run.decisions}
    assert [told[k].state for k in keys] == ["confirmed", "taken"]
    assert [told[k].settled_run for k in keys] == [1, 1]
    assert (told[keys[1]].detail, told[keys[0]].record.fields) == ("005x", LEAD["fields"])
    assert told[keys[0]].record.created == NOW


def test_ledgers_are_those_of_before_the_first_run(store: Any) -> None:
    lease, _ = a_run(store, 0, 5)
    end(store, lease)
    before = {place: book.canonical() for place, book in store.ledgers().items()}
    lease, keys = a_run(store, 1, 4, first=5)
    store.settle(lease, [settled(keys[1], State.TAKEN, give_back=True)], at=NOW)
    end(store, lease)
    found = past(store, 0.5)
    assert {place: book.canonical() for place, book in found.ledgers.items()} == before
    assert len(found.given) == 5


def test_what_was_given_before_and_given_back_since_is_told_with_its_turn(store: Any) -> None:
    lease, keys = a_run(store, 0, 3)
    owner = store.decisions(keys[2])[0]["turn"].turn.owner
    before = {place: book.canonical() for place, book in store.ledgers().items()}
    end(store, lease)
    lease, _ = a_run(store, 1, 0)
    store.settle(lease, [settled(keys[2], State.TAKEN, give_back=True)], at=NOW)
    end(store, lease)
    found = past(store, 0.5)
    (refund,) = found.refunds
    assert (refund.run, refund.team, refund.person, refund.at) == (2, TEAM, owner, NOW)
    assert refund.booking is not None and refund.booking.sequence == 3
    assert 3 in found.recent[TEAM, owner]
    assert {place: book.canonical() for place, book in found.ledgers.items()} == before


def test_leads_that_were_held_before_the_first_run_are_told(store: Any) -> None:
    lease = begin(store)
    keys = [lead(n).key for n in range(4)]
    store.add_pulled(lease, "salesforce", [lead(n) for n in range(4)], None)
    commit(store, lease, noted(Plan((*(held(k) for k in keys[:3]), given(keys[3], "ana")), {})))
    store.settle(lease, [settled(keys[3]), settled(keys[2], State.CLOSED, reason="deleted")], at=NOW)
    end(store, lease)
    lease = begin(store, at=NOW + timedelta(hours=1))
    store.settle(lease, [settled(keys[1], State.TAKEN, detail="005x")], at=NOW + timedelta(hours=1))
    commit(store, lease, noted(Plan((), {})), at=NOW + timedelta(hours=1))
    end(store, lease)
    found = past(store, 0.5)
    assert [one.key for one in found.held] == keys[:2]
    assert [one.settled_run for one in found.held] == [None, 2]
    assert [run.decisions for run in found.runs] == [()]


def test_whole_runs_are_left_out_to_stay_within_the_most(store: Any) -> None:
    for hour in range(3):
        lease, _ = a_run(store, hour, 2, first=2 * hour)
        end(store, lease)
    assert [run.run for run in past(store, most=4).runs] == [2, 3]
    assert past(store, most=4).cut and not past(store).cut
    assert [run.run for run in past(store, most=1).runs] == [3]


def test_runs_that_say_nothing_are_counted_as_older(store: Any) -> None:
    lease, _ = a_run(store, 0, 1)
    store.add_pulled(lease, "salesforce", [lead(8), lead(9)], None)
    end(store, lease)
    lease = begin(store, at=NOW + timedelta(hours=1))
    commit(store, lease, planned(store, [lead(8).key]), at=NOW + timedelta(hours=1))
    end(store, lease)
    assert (past(store).runs, past(store).older) == ((), 2)
    lease, _ = a_run(store, 2, 1, first=20)
    end(store, lease)
    assert ([run.run for run in past(store).runs], past(store).older) == ([3], 2)
