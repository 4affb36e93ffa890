"""Leads, plans and settlements that the store's tests speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import Assigned, Plan, TurnRow
from allocator.domain.records import Lease, Settlement
from rules.rotation import Rotation, Skipped

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


def lose_the_answer(store: Any, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> list[int]:
    """The next COMMIT's connection breaks, before or after the database has done it."""
    dialect, commits = store.database.engine.dialect, []
    real = dialect.do_commit

    def do_commit(connection: Any) -> None:
        commits.append(1)
        if len(commits) > 1:
            return real(connection)
        if after:
            real(connection)
        connection.dbapi_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", do_commit)
    return commits
