"""What every store promises, up to the decision: one suite over memory, SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_cases import (
    NOW,
    SLOT,
    TEAM,
    TRACE,
    begin,
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

from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import Plan
from allocator.domain.records import PendingWrite, TablesVersion
from allocator.errors import AllocatorError, BusyError, FencedError

# --- runs and the lease -----------------------------------------------------------------------------------


def test_a_run_takes_the_lease_and_ends(store: Any) -> None:
    lease = begin(store)
    assert (lease.run, store.last_run_number(), store.run(1).state) == (1, 1, "running")
    store.end_run(lease, at=NOW, state="done", summary={"tables_version": "v9", "leads": {"pulled": 2}})
    row = store.run(1)
    assert (row.state, row.finished, row.summary["leads"]) == ("done", NOW, {"pulled": 2})
    assert (row.slot, row.by, row.live, row.tables_version) == (SLOT, "cli", True, "v9")


def test_runs_are_listed_newest_first(store: Any) -> None:
    for _ in range(3):
        end(store, begin(store))
    assert [row.run for row in store.runs(limit=2)] == [3, 2]
    assert store.run(9) is None


def test_a_second_run_is_told_who_is_busy_and_until_when(backend: Any, store: Any) -> None:
    begin(store)
    with pytest.raises(BusyError, match=r"^busy: run 1 since 2026-01-05T09:00:00Z \(.*pid \d+\); it ends by"):
        begin(backend.open())
    assert store.last_run_number() == 1


def test_an_expired_lease_is_taken_over_and_its_run_has_failed(backend: Any, store: Any) -> None:
    old = begin(store)
    backend.expire_lease()
    new = begin(backend.open())
    assert new.token > old.token
    assert [row.state for row in store.runs()] == ["running", "failed"]


def test_a_dead_holder_is_taken_over_at_once(backend: Any, store: Any, dead_process: Any) -> None:
    begin(store)
    backend.hold_as(dead_process)
    begin(backend.open())
    assert [row.state for row in store.runs()] == ["running", "failed"]


def test_a_holder_on_another_boot_counts_as_alive(backend: Any, store: Any, dead_process: Any) -> None:
    begin(store)
    backend.hold_as(replace(dead_process, boot="another boot"))
    with pytest.raises(BusyError):
        begin(backend.open())


def test_a_pid_that_was_used_again_is_not_the_holder(backend: Any, store: Any, dead_process: Any) -> None:
    begin(store)
    backend.hold_as(replace(dead_process, pid=1))
    assert begin(backend.open()).run == 2


def test_a_lease_that_expired_still_writes_while_nobody_took_over(backend: Any, store: Any) -> None:
    lease = begin(store)
    backend.expire_lease()
    assert len(decided_leads(store, lease, 2)) == 2
    assert store.renew(lease, seconds=60).expires > lease.expires - timedelta(seconds=60)


def test_every_write_of_a_lost_lease_is_refused_and_leaves_nothing(backend: Any, store: Any) -> None:
    old = begin(store)
    keys = decided_leads(store, old, 3)
    writes = store.pending()
    plan = planned(store, [lead(7).key])
    backend.expire_lease()
    begin(backend.open())
    before = everything(store)
    for refused in (
        lambda: store.renew(old, seconds=9),
        lambda: store.end_run(old, at=NOW, state="done", summary={}),
        lambda: store.accept_tables(old, TablesVersion("s", b"", NOW, "here")),
        lambda: store.add_pulled(old, "salesforce", [lead(7)], NOW),
        lambda: store.commit_plan(old, plan, at=NOW, tables_version="v1"),
        lambda: store.attempt(old, [w.id for w in writes]),
        lambda: store.settle(old, [settled(keys[0])], at=NOW),
        lambda: store.return_leads(old, store.leads(keys), at=NOW),
        lambda: store.drop_observed(old),
        lambda: store.switch_links(old, {keys[0]: "003"}, at=NOW),
    ):
        with pytest.raises(FencedError):
            refused()
    assert everything(store) == before
    assert store.tables() is None


def test_a_lease_that_was_ended_writes_no_more(store: Any) -> None:
    lease = begin(store)
    end(store, lease)
    with pytest.raises(FencedError):
        pulled(store, lease, 1)


def test_of_two_stores_racing_for_a_run_exactly_one_wins(backend: Any, store: Any) -> None:
    stores = [store, *(backend.open() for _ in range(3))]
    ready, outcomes = threading.Barrier(len(stores)), []

    def race(one: Any) -> None:
        ready.wait()
        try:
            outcomes.append(begin(one).run)
        except BusyError:
            outcomes.append(0)

    threads = [threading.Thread(target=race, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [0, 0, 0, 1]


# --- tables, pull -----------------------------------------------------------------------------------------


def test_the_newest_accepted_tables_count_and_old_ones_are_known(store: Any) -> None:
    lease = begin(store)
    assert store.tables() is None
    old, new = (TablesVersion(s, s.encode() + b"\x00\xff", NOW, "tables.xlsx", "mia") for s in ("old", "new"))
    for version in (old, new, new):
        store.accept_tables(lease, version)
    assert store.tables() == new
    assert [store.tables_known(s) for s in ("old", "new", "other")] == [True, True, False]
    store.accept_tables(lease, old)
    assert store.tables() == old


def test_pulled_leads_wait_and_pulling_again_adds_none(store: Any) -> None:
    lease = begin(store)
    records = [lead(2), lead(1), lead(2)]
    assert store.add_pulled(lease, "salesforce", records, NOW) == 2
    assert store.add_pulled(lease, "salesforce", iter(records), NOW) == 0
    rows = store.leads(states=[State.WAITING])
    assert [(row.record, row.epoch) for row in rows] == [(lead(1), 0), (lead(2), 0)]


def test_a_known_lead_is_refreshed_but_stays_where_it_stands(store: Any) -> None:
    lease = begin(store)
    key = decided_leads(store, lease, 1)[0]
    newer = replace(lead(0, Country="FR"), stamp=NOW + timedelta(hours=1), owner="005x")
    assert store.add_pulled(lease, "salesforce", [newer], None) == 0
    (row,) = store.leads([key])
    assert (row.record, row.state, row.epoch) == (newer, State.DECIDED, 1)


def test_the_mark_moves_with_its_rows_and_never_back(store: Any) -> None:
    lease = begin(store)
    assert store.mark("salesforce") is None
    store.add_pulled(lease, "salesforce", [lead(1)], NOW)
    store.add_pulled(lease, "salesforce", [lead(2)], NOW - timedelta(hours=1))
    store.add_pulled(lease, "salesforce", [lead(3)], None)
    assert (store.mark("salesforce"), len(store.leads())) == (NOW, 3)
    assert store.mark("other") is None


def test_rows_that_cannot_be_stored_leave_the_mark_alone(store: Any) -> None:
    lease = begin(store)
    with pytest.raises((TypeError, ValueError, AttributeError)):
        store.add_pulled(lease, "salesforce", [lead(1), None], NOW)  # type: ignore[list-item]
    assert (store.mark("salesforce"), store.leads()) == (None, [])


HOSTILE = (
    "\x00", "a\x00b␀␀c␀", "\ud800 lone \udfff", "'; DROP TABLE leads; --\"", "x" * 100_000, "\\u0000 \\x00",
    "<script>alert(1)</script>", "\r\nBcc: x@y.test", "\u202eright to left", "🦊 ünïcödé", "␀0000", "␀\x00",
    "%s %(x)s",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_come_back_as_they_were(store: Any, text: str) -> None:
    lease = begin(store)
    key = LeadKey("drop", f"id {text}")
    record = Record(key, NOW, NOW, text, {text: [text, {"deep": text}], "n": None, "f": 1.5, "b": True}, text)
    assert store.add_pulled(lease, "drop", [record], NOW) == 1
    assert store.add_pulled(lease, "drop", [record], NOW) == 0
    decision = replace(held(key), detail=text, trace={"facts": {text: text}})
    commit(store, lease, Plan((decision,), {}))
    (row,) = store.leads([key])
    assert (row.record, row.detail) == (record, text)
    assert store.decisions(key)[0]["trace"] == {"facts": {text: text}}
    assert [found.key for found in store.find(str(key))] == [key]


# --- reading ----------------------------------------------------------------------------------------------


def test_leads_are_selected_by_key_and_state_in_one_order(store: Any) -> None:
    lease = begin(store)
    records = [replace(lead(n), created=NOW) for n in (3, 1, 2)]
    store.add_pulled(lease, "salesforce", records, None)
    commit(store, lease, Plan((held(lead(2).key),), {}))
    assert [row.key for row in store.leads()] == [lead(n).key for n in (1, 2, 3)]
    assert [row.key for row in store.leads([lead(3).key, lead(2).key])] == [lead(2).key, lead(3).key]
    assert [row.key for row in store.leads([lead(3).key, lead(2).key], states=[State.HELD])] == [lead(2).key]
    assert store.leads([]) == store.leads([lead(99).key]) == []


def test_more_keys_than_one_statement_takes_are_no_problem(store: Any) -> None:
    lease = begin(store)
    records = pulled(store, lease, 2500)
    assert len(store.leads([r.key for r in records])) == 2500


def test_a_lead_is_found_by_key_id_and_short_id_with_case(store: Any) -> None:
    lease = begin(store)
    ids = ("00Q00000000abcdAAA", "00Q00000000ABCDAAA", "plain")
    for source in ("salesforce", "hubspot"):
        store.add_pulled(lease, source, [replace(lead(1), key=LeadKey(source, i)) for i in ids], None)
    named = {
        text: len(store.find(text)) for text in ("00Q00000000abcd", "salesforce:00Q00000000abcd", ids[1])
    }
    assert named == {"00Q00000000abcd": 2, "salesforce:00Q00000000abcd": 1, ids[1]: 2}
    assert store.find("hubspot:plain")[0].key == LeadKey("hubspot", "plain")
    assert [store.find(text) for text in ("00Q00000000aBcd", "pla", "", "%")] == [[]] * 4


# --- decide -----------------------------------------------------------------------------------------------


def test_a_plan_comes_back_whole(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 4)]
    plan = planned(store, keys[:3])
    plan = commit(store, lease, replace(plan, decided=(*plan.decided, held(keys[3]))))
    row = store.leads([keys[0]])[0]
    assert (row.state, row.epoch, row.person, row.owner) == (State.DECIDED, 1, "ben", "005ben")
    assert (row.team, row.by, row.since, row.basis, row.run) == (TEAM, "turn", NOW, "b1", 1)
    (shown,) = store.decisions(keys[0])
    assert (shown["turn"], shown["trace"]) == (plan.decided[0].turn, TRACE)
    assert (shown["run"], shown["at"], shown["tables_version"], shown["given_back"]) == (1, NOW, "v1", False)
    assert [(h.key, h.reason) for h in store.held()] == [(keys[3], "no_rule")]
    assert store.ledgers() == plan.ledgers
    assert store.run(1).tables_version == "v1"


def test_only_what_has_an_owner_waits_in_the_outbox_in_order(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 4)]
    plan = planned(store, [keys[2], keys[0]])
    commit(store, lease, replace(plan, decided=(*plan.decided, held(keys[1]), given(keys[3], "chi"))))
    writes: list[PendingWrite] = store.pending()
    assert [(w.key, w.owner, w.epoch, w.attempts) for w in writes] == [
        (keys[2], "005ben", 1, 0),
        (keys[0], "005ana", 1, 0),
        (keys[3], "005chi", 1, 0),
    ]
    assert (writes[0].person, writes[0].team) == ("ben", TEAM)


def test_a_lead_is_decided_once_for_an_epoch_or_nothing_changes(store: Any) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 2)
    fresh = [record.key for record in pulled(store, lease, 4)][2:]
    before = everything(store)
    with pytest.raises(AllocatorError, match="decided"):
        commit(store, lease, planned(store, [*fresh, keys[0]]))
    assert everything(store) == before


def test_a_lead_that_was_never_pulled_is_not_decided(store: Any) -> None:
    lease = begin(store)
    with pytest.raises(AllocatorError):
        commit(store, lease, planned(store, [lead(1).key]))
    assert (store.ledgers(), store.pending()) == ({}, [])


def test_turns_are_numbered_without_gaps_in_each_team_and_lane(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 12)]
    for start, (team, lane) in enumerate(((TEAM, ""), (TEAM, "hot"), (TEAM, ""), ("SMB", ""))):
        commit(store, lease, planned(store, keys[start * 3 : start * 3 + 3], team=team, lane=lane))
    turns = [store.decisions(key)[0]["turn"] for key in keys]
    numbers = [(t.team, t.lane, t.turn.number, t.turn.sequence) for t in turns]
    assert [n[2] for n in numbers] == [1, 2, 3, 1, 2, 3, 4, 5, 6, 1, 2, 3]
    assert [n[3] for n in numbers] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]
    books = store.ledgers()
    assert (books[TEAM, ""].next_number, books[TEAM, "hot"].next_number) == (7, 4)
    assert books[TEAM, ""].next_sequence == books[TEAM, "hot"].next_sequence == 10
    assert books[TEAM, ""].team_credits == books[TEAM, "hot"].team_credits


def test_turns_taken_from_an_old_ledger_are_refused(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 4)]
    stale = planned(store, keys[:2])
    commit(store, lease, planned(store, keys[2:]))
    before = everything(store)
    with pytest.raises(AllocatorError, match="follow"):
        commit(store, lease, stale)
    assert everything(store) == before


def test_an_empty_plan_changes_nothing(store: Any) -> None:
    lease = begin(store)
    commit(store, lease, Plan((), {}))
    assert (store.pending(), store.ledgers()) == ([], {})


def test_what_was_given_counts_from_a_moment_on_until_it_is_given_back(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 4)]
    commit(store, lease, planned(store, keys[:2]), at=NOW - timedelta(days=1))
    commit(store, lease, Plan((given(keys[2], "chi"), held(keys[3])), {}))
    assert store.given_since(NOW) == [(TEAM, "chi", NOW)]
    assert [person for _, person, _ in store.given_since(NOW - timedelta(days=1))] == ["ben", "ana", "chi"]
    store.settle(lease, [settled(keys[2], State.TAKEN, give_back=True)], at=NOW)
    assert store.given_since(NOW) == []
