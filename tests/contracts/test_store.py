"""What every store promises: one suite over memory, SQLite and PostgreSQL."""

from __future__ import annotations

import stat
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from allocator.adapters.store import tables
from allocator.adapters.store.sql import open_store, schema_version, upgrade_store
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import Assigned, Plan, TurnRow
from allocator.errors import AllocatorError, BusyError, ConfigError, FencedError, SchemaError, SourceError
from allocator.ports import Lease, PendingWrite, Settlement, TablesVersion
from rules.rotation import Rotation, Skipped, U

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SLOT = "2026-01-05T09"
TEAM = "Enterprise"
PEOPLE = {"ana": 1, "ben": 2, "chi": 1}
ABSENT = (Skipped("dee", "absent", date(2026, 1, 9), ("daily_cap",)),)
TRACE = {"facts": {"country": "DE"}, "steps": [{"layer": "Team", "row": 4}], "needs": {}, "considered": []}


def begin(store: Any, *, live: bool = True, seconds: int = 90, at: datetime = NOW) -> Lease:
    lease: Lease = store.begin_run(slot=SLOT, by="cli", at=at, live=live, seconds=seconds)
    return lease


def end(store: Any, lease: Lease, state: str = "done") -> None:
    store.end_run(lease, at=NOW, state=state, summary={})


def lead(n: int, source: str = "salesforce", **fields: object) -> Record:
    key = LeadKey(source, f"00Q00000000{n:04d}AAA")
    return Record(
        key, NOW + timedelta(seconds=n), NOW, "00G000000000001AAA", {"Email": f"{n}@x.test", **fields}
    )


def pulled(store: Any, lease: Lease, count: int) -> list[Record]:
    records = [lead(n) for n in range(count)]
    store.add_pulled(lease, "salesforce", records, None)
    return records


def planned(store: Any, keys: Sequence[LeadKey], *, lane: str = "", team: str = TEAM, epoch: int = 1) -> Plan:
    """Each lead to whose turn it is, after the ledgers in the store."""
    rotation = Rotation({at: book for (name, at), book in store.ledgers().items() if name == team})
    decided = []
    for key in keys:
        turn = rotation.take(lane, PEOPLE)
        row = TurnRow(team, lane, turn, key, epoch, ABSENT)
        decided.append(given(key, turn.owner, epoch=epoch, turn=row, by="turn", team=team, lane=lane))
    return Plan(tuple(decided), {(team, lane): rotation.ledger(lane)} if keys else {})


def given(key: LeadKey, person: str | None, *, epoch: int = 1, **more: Any) -> Assigned:
    values: dict[str, Any] = {
        "state": State.DECIDED, "reason": None, "detail": "", "by": "override", "team": TEAM, "lane": "",
        "person": person, "owner": f"005{person}", "turn": None, "basis": "b1", "trace": TRACE,
    }  # fmt: skip
    return Assigned(key=key, epoch=epoch, **(values | more))


def held(key: LeadKey, *, epoch: int = 1) -> Assigned:
    no_one: dict[str, Any] = {"owner": None, "by": None, "state": State.HELD, "reason": "no_rule"}
    return replace(given(key, None, epoch=epoch), **no_one)


def commit(store: Any, lease: Lease, plan: Plan, at: datetime = NOW) -> Plan:
    store.commit_plan(lease, plan, at=at, tables_version="v1")
    return plan


def decided_leads(store: Any, lease: Lease, count: int) -> list[LeadKey]:
    keys = [record.key for record in pulled(store, lease, count)]
    commit(store, lease, planned(store, keys))
    return keys


def settled(key: LeadKey, state: State = State.CONFIRMED, **more: Any) -> Settlement:
    return Settlement(key, more.pop("epoch", 1), state, **more)


def canonical(store: Any) -> dict[Any, Any]:
    found = {place: book.canonical() for place, book in store.ledgers().items()}
    return {place: book for place, book in found.items() if any(book)}


def everything(store: Any) -> Any:
    """All that the port shows, to compare before and after."""
    rows = store.leads()
    decisions = [store.decisions(row.key) for row in rows]
    return rows, decisions, store.ledgers(), store.pending(), store.links(), store.mark("salesforce")


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
        lambda: store.retry_held(old, None, at=NOW),
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
    store.settle(lease, [refused], at=NOW)
    assert (store.held()[0].basis, canonical(store)) == ("", {})
    commit(store, lease, planned(store, [key], epoch=2))
    assert [(d["epoch"], d["state"], d["turn"].turn.number) for d in store.decisions(key)] == [
        (2, "decided", 2),
        (1, "held", 1),
    ]
    assert [write.epoch for write in store.pending()] == [2]


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


def test_held_leads_are_decided_again_on_request(store: Any) -> None:
    lease = begin(store)
    keys = [record.key for record in pulled(store, lease, 4)]
    plan = planned(store, keys[:1])
    commit(store, lease, replace(plan, decided=(*plan.decided, *(held(key) for key in keys[1:]))))
    assert store.retry_held(lease, [keys[0], keys[1]], at=NOW) == 1
    assert [row.basis for row in store.leads(keys)] == ["b1", "", "b1", "b1"]
    assert store.retry_held(lease, None, at=NOW) == 3


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


# --- durability, backup, schema ---------------------------------------------------------------------------


def test_another_store_on_the_same_data_sees_all_of_it(backend: Any, store: Any) -> None:
    lease = begin(store)
    decided_leads(store, lease, 5)
    before = everything(store)
    if backend.kind != "memory":
        store.close()
    assert everything(backend.open()) == before


def test_a_backup_is_whole_private_and_replaces_nothing(backend: Any, store: Any, tmp_path: Path) -> None:
    lease = begin(store)
    keys = decided_leads(store, lease, 5)
    store.settle(lease, [settled(keys[0]), settled(keys[1], State.TAKEN, give_back=True)], at=NOW)
    copy = tmp_path / "copy.db"
    store.backup(str(copy))
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="exists already"):
        store.backup(str(copy))
    with pytest.raises((ConfigError, OSError)):
        store.backup(str(tmp_path / "nowhere" / "copy.db"))
    assert {p.name for p in tmp_path.iterdir()} <= {"copy.db", "allocator.db", "allocator.db-journal"}
    if backend.kind != "memory":
        restored = open_store(f"sqlite:///{copy}")
        assert everything(restored) == everything(store)
        restored.close()


def test_a_backup_is_made_while_another_transaction_writes(sql_backend: Any, tmp_path: Path) -> None:
    store, other = sql_backend.open(), sql_backend.open()
    lease = begin(store)
    decided_leads(store, lease, 5)
    before = everything(store)
    with other.database.connect(writing=True) as connection:
        connection.execute(sa.update(tables.leads).values(state="closed"))
        store.backup(str(tmp_path / "copy.db"))
        connection.rollback()
    restored = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    assert everything(restored) == before
    restored.close()


def test_a_new_database_is_made_and_knows_its_version(sql_backend: Any) -> None:
    assert schema_version(sql_backend.url) is None
    sql_backend.open()
    version = schema_version(sql_backend.url)
    assert upgrade_store(sql_backend.url) == version


def set_version(backend: Any, version: str) -> None:
    backend.write(sa.text("UPDATE alembic_version SET version_num = :v").bindparams(v=version))


def test_a_newer_schema_is_refused_and_left_alone(sql_backend: Any) -> None:
    sql_backend.open()
    set_version(sql_backend, "9999")
    for refused in (open_store, upgrade_store):
        with pytest.raises(SchemaError, match=r"version 9999, .*Upgrade the program"):
            refused(sql_backend.url)


def test_an_older_schema_names_the_command(sql_backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sql_backend.open()
    monkeypatch.setattr("allocator.adapters.store.schema._versions", lambda: ["0001", "0002"])
    expected = "the store's schema is version 0001, this program needs 0002. Run: allocator store upgrade"
    with pytest.raises(SchemaError) as refused:
        open_store(sql_backend.url)
    assert str(refused.value) == expected


def test_a_database_of_another_program_is_not_touched(sql_backend: Any) -> None:
    sql_backend.open()
    sql_backend.write(sa.text("DROP TABLE alembic_version"))
    with pytest.raises(SchemaError, match="another program"):
        open_store(sql_backend.url)


def test_the_tables_that_the_program_knows_are_those_of_the_schema(sql_backend: Any) -> None:
    store = sql_backend.open()
    made = sa.inspect(store.database.engine)
    assert set(made.get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    for name, table in tables.metadata.tables.items():
        assert [c["name"] for c in made.get_columns(name)] == [c.name for c in table.columns], name
        assert made.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key], (
            name
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://mia:s3cret@127.0.0.1:1/allocator?connect_timeout=1",
        "postgresql://mia:s3cret@127.0.0.1:port/allocator",
        "mysql://mia:s3cret@127.0.0.1/allocator",
        "s3cret",
        "sqlite://",
        "sqlite:////nowhere/s3cret-not-here/allocator.db",
    ],
)
def test_a_store_that_cannot_be_opened_says_so_without_its_password(url: str) -> None:
    with pytest.raises((ConfigError, SourceError)) as refused:
        open_store(url)
    assert "s3cret" not in str(refused.value).replace("s3cret-not-here", "")
    assert refused.value.__cause__ is None
