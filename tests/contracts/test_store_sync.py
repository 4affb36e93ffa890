"""What every store promises of links, of what both sides agreed on, and of the writes of fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from store_cases import NOW, begin, commit, end, given, lead, lose_the_answer, pulled, settled

from allocator.adapters.store.sql import open_store
from allocator.domain.lead import Effect, LeadKey, State
from allocator.domain.plan import Plan
from allocator.domain.records import Link
from allocator.domain.sync.values import SyncEnd, SyncRow, SyncState, SyncStep, SyncWrite
from allocator.domain.take_backs import NOT_BY_OWNER, Ended, TakeBack
from allocator.errors import AllocatorError, FencedError
from rules.field_rules import Agreed, Conflict, FieldProblem, Write

ONE, TWO = LeadKey("hubspot", "1"), LeadKey("hubspot", "2")
LEAD, OTHER, CONTACT = "00Q000000000901AAA", "00Q000000000902AAA", "003000000000901AAA"
LATER = NOW + timedelta(hours=1)


def link(key: LeadKey, crm_id: str = LEAD, state: str = "live", at: datetime = NOW) -> Link:
    return Link(key, "salesforce", "Contact" if crm_id.startswith("003") else "Lead", crm_id, state, at)


def write(key: LeadKey = ONE, name: str = "Title", **more: Any) -> SyncWrite:
    change = Write(name, name, "Boss", None, "changed")
    values: dict[str, Any] = {"agreed": {name: Agreed("Boss", "Boss")}, "writes": (change,)}
    return SyncWrite(key, "theirs", "Lead", LEAD, **(values | more))


def step(key: LeadKey = ONE, *writes: SyncWrite, **more: Any) -> SyncStep:
    conflicts, links = more.pop("conflicts", ()), more.pop("links", ())
    values: dict[str, Any] = {"plan": "lead", "since": NOW, "at": NOW}
    row = SyncRow(key, **(values | more))
    return SyncStep(row, writes, conflicts, links)


def conflict(lost: Any = "x", rule: str = "Title") -> Conflict:
    return Conflict(str(ONE), rule, rule, "ours", "Boss", lost, "later", NOW, None)


# --- links ------------------------------------------------------------------------------------------------


def test_links_are_added_and_brought_to_the_state_given(store: Any) -> None:
    lease = begin(store)
    store.save_links(lease, [link(ONE), link(TWO, OTHER)])
    store.save_links(lease, [link(ONE, at=LATER), link(ONE, CONTACT, "deleted")])
    assert store.links(keys=[ONE]) == [link(ONE, CONTACT, "deleted"), link(ONE)]
    store.save_links(lease, [link(ONE, CONTACT, at=LATER), link(ONE, state="converted", at=LATER)])
    assert store.links(keys=[ONE], state="live") == [link(ONE, CONTACT, at=LATER)]
    assert store.links(keys=[ONE], state="converted") == [link(ONE, state="converted", at=LATER)]
    assert store.links(source="hubspot", state="live") == store.links(state="live")
    assert store.links(source="salesforce") == []


def test_a_record_has_one_live_link_and_an_object_one_live_record_of_a_source(store: Any) -> None:
    lease = begin(store)
    store.save_links(lease, [link(ONE)])
    for new in ([link(ONE, CONTACT)], [link(TWO)], [link(TWO, OTHER), link(TWO, CONTACT)]):
        with pytest.raises(AllocatorError, match="nothing was changed"):
            store.save_links(lease, new)
    assert store.links() == [link(ONE)]
    drop = LeadKey("drop", "a1-1")
    store.save_links(lease, [link(drop), link(TWO, CONTACT, "merged")])
    assert len(store.links()) == 3


def test_two_links_change_places_in_one_call(store: Any) -> None:
    lease = begin(store)
    store.save_links(lease, [link(ONE), link(TWO, OTHER)])
    aside = [link(ONE, state="merged"), link(TWO, OTHER, "merged")]
    store.save_links(lease, [link(ONE, OTHER), link(TWO), *aside])
    assert store.links_to([("Lead", LEAD), ("Lead", OTHER)]) == {("Lead", LEAD): TWO, ("Lead", OTHER): ONE}


def test_an_object_leads_to_its_live_marketing_record_only(store: Any) -> None:
    lease = begin(store)
    own = LeadKey("salesforce", LEAD)
    drop = LeadKey("drop", "a1-1")
    store.save_links(lease, [link(own, LEAD), link(ONE), link(drop), link(TWO, OTHER, "deleted")])
    asked = [("Lead", LEAD), ("Contact", LEAD), ("Lead", OTHER)]
    assert store.links_to(asked) == {("Lead", LEAD): drop}
    assert store.links_to(asked, source="hubspot") == {("Lead", LEAD): ONE}
    assert store.links_to([]) == {}


def test_the_crms_own_leads_may_have_become_one_contact(store: Any) -> None:
    lease = begin(store)
    first, second = (record.key for record in pulled(store, lease, 2))
    commit(store, lease, Plan((given(first, "ana"), given(second, "ana")), {}))
    store.settle(lease, [settled(first), settled(second)], at=NOW)
    assert store.switch_links(lease, {first: CONTACT, second: CONTACT}, at=LATER) == 2
    assert len(store.links(state="live")) == len(store.links(state="converted")) == 2
    store.save_links(lease, [link(ONE, CONTACT)])
    assert store.links_to([("Contact", CONTACT)]) == {("Contact", CONTACT): ONE}


def test_a_lead_is_found_by_the_id_of_an_object_it_had_a_link_to_if_none_has_that_key(store: Any) -> None:
    lease = begin(store)
    crm_lead, marketing = lead(0), replace(lead(1), key=ONE)
    store.add_pulled(lease, "salesforce", [crm_lead, marketing], None)
    own = crm_lead.key.source_id
    store.save_links(lease, [link(ONE, own, "converted"), link(ONE, CONTACT), link(TWO, OTHER)])
    for text in (own, own[:15]):
        assert [row.key for row in store.find(text)] == [crm_lead.key]
        assert [found.key for found in store.links_of(text)] == [ONE]
    for text in (CONTACT, CONTACT[:15]):
        assert [row.key for row in store.find(text)] == [ONE]
        assert [found.key for found in store.links_of(text)] == [ONE]
    assert [row.key for row in store.find(f"salesforce:{own}")] == [crm_lead.key]
    assert [row.key for row in store.find("1")] == [ONE]
    assert store.find(OTHER) == store.links_of(CONTACT[:14]) == []
    assert [found.key for found in store.links_of(OTHER)] == [TWO]


# --- effects ----------------------------------------------------------------------------------------------


def decided_for_marketing(store: Any, lease: Any, **more: Any) -> None:
    records = [replace(lead(n), key=key) for n, key in enumerate([ONE, TWO])]
    store.add_pulled(lease, "hubspot", records, None)
    created = given(ONE, "ana", effect=Effect.CREATE)
    linked = given(TWO, "ben", effect=Effect.LINK, object="Contact", object_id=CONTACT)
    commit(store, lease, Plan((created, linked), {}))


def test_what_is_to_be_done_for_a_marketing_lead_waits_in_the_outbox(backend: Any, store: Any) -> None:
    decided_for_marketing(store, begin(store))
    found = [(w.key, w.effect, w.object, w.object_id) for w in backend.open().pending()]
    assert found == [(ONE, Effect.CREATE, "", ""), (TWO, Effect.LINK, "Contact", CONTACT)]
    assert store.decisions(ONE)[0]["effect"] == "create"


def test_a_confirmed_marketing_lead_gets_its_own_link_and_never_one_to_itself(store: Any) -> None:
    lease = begin(store)
    decided_for_marketing(store, lease)
    store.settle(lease, [settled(ONE, link=link(ONE)), settled(TWO)], at=LATER)
    assert store.pending() == []
    assert store.links() == [link(ONE)]
    assert [row.state for row in store.leads([ONE, TWO])] == [State.CONFIRMED, State.CONFIRMED]


def test_a_link_that_may_not_be_leaves_the_lead_unsettled(store: Any) -> None:
    lease = begin(store)
    decided_for_marketing(store, lease)
    store.save_links(lease, [link(LeadKey("hubspot", "3"))])
    with pytest.raises(AllocatorError, match="would be linked to 2 records of hubspot"):
        store.settle(lease, [settled(ONE, link=link(ONE))], at=LATER)
    assert len(store.pending()) == 2


def test_observed_decisions_on_marketing_leads_are_dropped_without_a_trace(store: Any) -> None:
    lease = begin(store, live=False)
    decided_for_marketing(store, lease)
    assert store.pending() == []
    assert store.drop_observed(lease) == 2
    assert [row.state for row in store.leads([ONE, TWO])] == [State.WAITING, State.WAITING]
    end(store, lease)
    decided_for_marketing(store, begin(store))
    assert len(store.pending()) == 2


def test_a_lead_of_a_marketing_system_is_not_taken_back(store: Any) -> None:
    lease = begin(store)
    decided_for_marketing(store, lease)
    store.settle(lease, [settled(ONE, link=link(ONE)), settled(TWO, link=link(TWO, CONTACT))], at=NOW)
    asked = [TakeBack(key, 1, Ended.UNDONE, LATER, of_run=1) for key in (ONE, TWO)]
    assert store.ask_back(asked) == {ONE: NOT_BY_OWNER, TWO: NOT_BY_OWNER}
    assert store.take_backs() == []


# --- rows and writes --------------------------------------------------------------------------------------


def test_all_kinds_of_values_come_back_as_they_were(backend: Any, store: Any) -> None:
    lease = begin(store)
    agreed = {
        "a": Agreed("Zoë \N{SNOWMAN}\nx", None),
        "b": Agreed(Decimal("1250.5"), True, "theirs"),
        "c": Agreed(date(2026, 2, 3), datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
        "d": Agreed(("x", "y"), False, "ours"),
    }
    writes = tuple(Write(rule, rule, one.ours, one.theirs, "later") for rule, one in agreed.items())
    problem = FieldProblem(str(ONE), "a", "Name", "ours", "too_long", "bad \ud800", "is long.", "cut it")
    row = SyncRow(
        ONE, "held", NOW, LATER, "ambiguous_match", "two ids", agreed, NOW, LATER, True, (problem,)
    )  # fmt: skip
    clash = conflict(("x", "y"))
    (made,) = store.commit_sync(
        lease, [SyncStep(row, (write(writes=writes, agreed=agreed, rerouted=True),), (clash,))], at=LATER
    )
    other = backend.open()
    assert other.syncs() == [row]
    assert other.pending_sync() == other.sync_writes(ONE) == [made]
    assert (made.writes, made.agreed, made.rerouted) == (writes, agreed, True)
    assert (made.state, made.attempts, made.run, made.created) == (SyncState.PENDING, 0, lease.run, LATER)
    (kept,) = other.conflicts()
    assert (kept.key, kept.run, kept.at, kept.conflict) == (ONE, lease.run, LATER, clash)


def test_rows_are_found_by_key_source_and_mark(store: Any) -> None:
    lease = begin(store)
    drop = LeadKey("drop", "1")
    store.commit_sync(lease, [step(TWO, again=True), step(ONE), step(drop, again=True)], at=NOW)
    assert [row.key for row in store.syncs()] == [drop, ONE, TWO]
    assert [row.key for row in store.syncs([TWO, drop])] == [drop, TWO]
    assert [row.key for row in store.syncs(source="hubspot", again=True)] == [TWO]
    assert [row.key for row in store.syncs(again=False)] == [ONE]
    assert store.syncs([]) == []


def test_a_newer_look_drops_what_still_waited(store: Any) -> None:
    lease = begin(store)
    old = store.commit_sync(lease, [step(ONE, write(), write(name="Phone")), step(TWO, write(TWO))], at=NOW)
    store.settle_sync(lease, [SyncEnd(old[0].id, ONE, SyncState.DONE)], at=NOW)
    (new,) = store.commit_sync(lease, [step(ONE, write(name="City"), detail="new")], at=LATER)
    assert new.id > old[2].id
    assert [w.id for w in store.pending_sync()] == [old[2].id, new.id]
    assert [w.id for w in store.pending_sync(source="drop")] == []
    assert [(w.state, w.done) for w in store.sync_writes(ONE)] == [
        (SyncState.DONE, NOW), (SyncState.DROPPED, LATER), (SyncState.PENDING, None)
    ]  # fmt: skip
    assert store.syncs([ONE])[0].detail == "new"


def test_a_settled_write_moves_the_base_and_says_so_once(backend: Any, store: Any) -> None:
    lease = begin(store)
    first, second = store.commit_sync(
        lease, [step(ONE, write(), write(name="Phone"), agreed={"City": Agreed("B", "B")})], at=NOW
    )
    store.attempt_sync(lease, [first.id, second.id])
    assert [w.attempts for w in backend.open().pending_sync()] == [1, 1]
    happened = SyncEnd(
        first.id, ONE, SyncState.DONE, agreed=first.agreed, our_stamp=NOW, their_stamp=LATER, again=True
    )  # fmt: skip
    refused = SyncEnd(second.id, ONE, SyncState.REFUSED, detail="INVALID_EMAIL", our_stamp=LATER)
    store.settle_sync(lease, [happened, refused], at=LATER)
    (row,) = store.syncs()
    assert row.agreed == {"City": Agreed("B", "B"), "Title": Agreed("Boss", "Boss")}
    assert (row.our_stamp, row.their_stamp, row.again) == (LATER, LATER, True)
    assert [(w.state, w.detail, w.done) for w in store.sync_writes(ONE)] == [
        (SyncState.DONE, "", LATER), (SyncState.REFUSED, "INVALID_EMAIL", LATER)
    ]  # fmt: skip
    store.settle_sync(lease, [SyncEnd(first.id, ONE, SyncState.REFUSED, again=False)], at=LATER)
    store.attempt_sync(lease, [first.id])
    assert (store.syncs()[0].again, store.sync_writes(ONE)[0].state) == (True, SyncState.DONE)
    assert store.sync_writes(ONE)[0].attempts == 1


def test_a_write_with_an_unknown_end_stays_and_its_record_is_marked(store: Any) -> None:
    lease = begin(store)
    (made,) = store.commit_sync(lease, [step(ONE, write())], at=NOW)
    store.settle_sync(lease, [SyncEnd(made.id, ONE, SyncState.PENDING, "timeout", again=True)], at=LATER)
    assert [(w.id, w.detail, w.done) for w in store.pending_sync()] == [(made.id, "timeout", None)]
    assert [row.key for row in store.syncs(again=True)] == [ONE]


def test_what_cannot_be_leaves_everything_as_it_was(store: Any) -> None:
    lease = begin(store)
    (made,) = store.commit_sync(lease, [step(ONE, write(), links=(link(ONE),))], at=NOW)
    before = (store.syncs(), store.pending_sync(), store.links(), store.conflicts())
    taken = step(TWO, write(TWO), links=(link(TWO),), conflicts=(conflict(),))
    for refused in ([step(ONE), taken], [step(TWO), step(TWO)]):
        with pytest.raises(AllocatorError, match="nothing was changed"):
            store.commit_sync(lease, refused, at=LATER)
    for wrong in (SyncEnd(made.id, TWO, SyncState.DONE), SyncEnd(99, ONE, SyncState.DONE)):
        with pytest.raises(AllocatorError, match="nothing was changed"):
            store.settle_sync(lease, [SyncEnd(made.id, ONE, SyncState.DONE), wrong], at=LATER)
    assert (store.syncs(), store.pending_sync(), store.links(), store.conflicts()) == before


def test_conflicts_are_told_newest_first_and_the_loser_is_kept(store: Any) -> None:
    lease = begin(store)
    for n in range(3):
        clashes = (conflict(f"{n}a"), conflict(f"{n}b"))
        store.commit_sync(lease, [step(ONE, conflicts=clashes), step(TWO)], at=NOW)
    assert [row.conflict.lost for row in store.conflicts(limit=3)] == ["2b", "2a", "1b"]
    assert len(store.conflicts([ONE, TWO])) == 6
    assert store.conflicts([TWO]) == []


def test_a_step_brings_links_rows_and_writes_together(store: Any) -> None:
    lease = begin(store)
    store.save_links(lease, [link(ONE)])
    switched = (link(ONE, state="converted", at=LATER), link(ONE, CONTACT, at=LATER))
    store.commit_sync(lease, [step(ONE, write(), links=switched, plan="contact")], at=LATER)
    assert store.links(state="live") == [link(ONE, CONTACT, at=LATER)]
    assert store.commit_sync(lease, [], at=LATER) == []


def test_a_mark_only_moves_forward(store: Any) -> None:
    lease = begin(store)
    store.set_mark(lease, "hubspot/changes", LATER)
    store.set_mark(lease, "hubspot/changes", NOW)
    assert store.mark("hubspot/changes") == LATER
    assert store.mark("hubspot/full") is None


def test_every_write_of_the_sync_is_fenced(backend: Any, store: Any) -> None:
    old = begin(store)
    (made,) = store.commit_sync(old, [step(ONE, write())], at=NOW)
    backend.expire_lease()
    begin(backend.open())
    late: list[Any] = [
        lambda: store.save_links(old, [link(ONE)]),
        lambda: store.commit_sync(old, [step(TWO)], at=LATER),
        lambda: store.attempt_sync(old, [made.id]),
        lambda: store.settle_sync(old, [SyncEnd(made.id, ONE, SyncState.DONE)], at=LATER),
        lambda: store.set_mark(old, "x", LATER),
    ]
    for late_write in late:
        with pytest.raises(FencedError):
            late_write()
    assert store.links() == [] and store.mark("x") is None
    assert store.pending_sync() == [made]


# --- databases --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [True, False])
def test_a_commit_whose_answer_is_lost_happens_once(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    store = open_store(postgresql_database)
    lease = begin(store)
    steps = [step(ONE, write(), write(name="Phone"), conflicts=(conflict(),)), step(TWO, write(TWO))]
    with monkeypatch.context() as patch:
        commits = lose_the_answer(store, patch, after=after)
        made = store.commit_sync(lease, steps, at=NOW)
    assert len(commits) == 2
    assert store.pending_sync() == made
    assert [w.state for w in store.sync_writes(ONE)] == [SyncState.PENDING] * 2
    assert len(store.conflicts()) == 1
    store.close()


def test_what_grows_is_looked_up_by_an_index(tmp_path: Any) -> None:
    """On SQLite only: PostgreSQL reads an empty table whole, whatever its indexes."""
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    seen: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            plan = connection.connection.dbapi_connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            seen.extend(row[3] for row in plan.fetchall())

    sa.event.listen(store.database.engine, "before_cursor_execute", explain)
    store.links_to([("Lead", LEAD)])
    store.links_of(LEAD)
    store.links_of(LEAD[:15])
    store.syncs(source="hubspot", again=True)
    store.pending_sync()
    used = [one.partition(" INDEX ")[2].partition(" ")[0] for one in seen]
    assert used == ["links_crm_id", "links_crm_id", "links_crm_id", "syncs_again", "sync_writes_pending"]
    store.close()


def test_a_backup_holds_the_sync_too(sql_backend: Any, tmp_path: Any) -> None:
    store = sql_backend.open()
    lease = begin(store)
    decided_for_marketing(store, lease)
    store.commit_sync(lease, [step(ONE, write(), conflicts=(conflict(),), links=(link(ONE),))], at=NOW)
    store.backup(str(tmp_path / "copy.db"))
    copy = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    for told in ("syncs", "pending_sync", "links", "conflicts", "pending"):
        assert list(getattr(copy, told)()) == list(getattr(store, told)())
    copy.close()
