"""Leads as pulled and where they stand, and the mark of each source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.bulk import insert_rows, update_rows
from allocator.adapters.store.tables import decisions, leads, marks
from allocator.domain.by_hand import OBSERVED
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.records import LeadRow

CHUNK = 1000
AFRESH: Mapping[str, Any] = {
    "state": State.WAITING.value, "reason": None, "detail": "", "decided_by": None, "team": None, "lane": "",
    "person": None, "owner": None, "basis": "", "taker": None, "taker_team": None, "settled_stamp": None,
}  # fmt: skip
_RECORD = ("created", "stamp", "crm_owner", "fields", "unreadable")


def chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Parts small enough for one statement's parameters on each database."""
    rest = iter(items)
    while part := list(islice(rest, CHUNK)):
        yield part


def upsert(connection: Connection, table: sa.Table) -> Any:
    """An INSERT that can say ON CONFLICT, in the connection's dialect."""
    return sqlite_insert(table) if connection.dialect.name == "sqlite" else postgresql_insert(table)


def by_key(table: sa.Table, keys: Collection[LeadKey]) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that together select these keys, each within a statement's limits."""
    sources: dict[str, set[str]] = {}
    for source, source_id in keys:
        sources.setdefault(source, set()).add(source_id)
    for source, ids in sorted(sources.items()):
        for part in chunks(sorted(ids)):
            yield sa.and_(table.c.source == source, table.c.source_id.in_(part))


def one(table: sa.Table) -> sa.ColumnElement[bool]:
    """The row of a key, for updates of many: parameters k_source and k_id."""
    return sa.and_(table.c.source == sa.bindparam("k_source"), table.c.source_id == sa.bindparam("k_id"))


def named(key: LeadKey) -> dict[str, str]:
    return {"k_source": key.source, "k_id": key.source_id}


# --- pull -------------------------------------------------------------------------------------------------


def add_pulled(
    connection: Connection, records: Sequence[Record], at_mark: datetime | None, source: str
) -> int:
    """New leads as waiting, known ones refreshed, the mark forward. Returns how many are new."""
    newest: dict[LeadKey, Record] = {}
    for record in records:
        if record.key not in newest or newest[record.key].stamp <= record.stamp:
            newest[record.key] = record
    known = {LeadKey(row.source, row.source_id) for row in _keys(connection, newest)}
    _save(connection, newest.values())
    if at_mark is not None:
        forward(connection, source, at_mark)
    return len(newest) - len(known)


def mark(connection: Connection, source: str) -> datetime | None:
    return connection.execute(sa.select(marks.c.mark).where(marks.c.source == source)).scalar()


def record_values(record: Record) -> dict[str, Any]:
    return {
        "created": record.created, "stamp": record.stamp, "crm_owner": record.owner,
        "fields": record.fields, "unreadable": record.unreadable,
    }  # fmt: skip


def refresh(connection: Connection, records: Collection[Record]) -> None:
    """Records of known leads as last read."""
    rows = [{"source": r.key.source, "source_id": r.key.source_id} | record_values(r) for r in records]
    update_rows(connection, leads, rows, key=("source", "source_id"))


def _keys(connection: Connection, keys: Collection[LeadKey]) -> Iterator[Any]:
    for condition in by_key(leads, keys):
        yield from connection.execute(sa.select(leads.c.source, leads.c.source_id).where(condition))


def _save(connection: Connection, records: Collection[Record]) -> None:
    waiting = dict(AFRESH) | {"epoch": 0, "live": True}
    insert_rows(
        connection,
        leads,
        [
            {"source": r.key.source, "source_id": r.key.source_id, "since": r.created}
            | waiting
            | record_values(r)
            for r in records
        ],
        _refresh_if_changed,
    )


def _refresh_if_changed(insert: Any) -> Any:
    new = {name: insert.excluded[name] for name in _RECORD}
    changed = sa.or_(*(leads.c[name] != value for name, value in new.items()))
    return insert.on_conflict_do_update(index_elements=["source", "source_id"], set_=new, where=changed)


def forward(connection: Connection, source: str, to: datetime) -> None:
    """Move a mark; one that is ahead already stays."""
    insert = upsert(connection, marks)
    later = insert.on_conflict_do_update(
        index_elements=["source"],
        set_={"mark": insert.excluded.mark},
        where=marks.c.mark < insert.excluded.mark,
    )
    connection.execute(later, {"source": source, "mark": to})


# --- reading ----------------------------------------------------------------------------------------------


def rows(
    connection: Connection,
    keys: Collection[LeadKey] | None = None,
    states: Collection[State] | None = None,
) -> list[LeadRow]:
    """By key, by state or both, ordered by (created, key)."""
    conditions = [sa.true()] if keys is None else list(by_key(leads, keys))
    found: list[LeadRow] = []
    for condition in conditions:
        query = sa.select(leads).where(condition)
        if states is not None:
            query = query.where(leads.c.state.in_([State(s).value for s in states]))
        found.extend(_lead(row) for row in connection.execute(query))
    return sorted(found, key=lambda row: (row.record.created, row.key))


def held_count(connection: Connection) -> int:
    query = sa.select(sa.func.count()).select_from(leads).where(leads.c.state == State.HELD.value)
    return int(connection.execute(query).scalar_one())


def find(connection: Connection, text: str) -> list[LeadRow]:
    """By "source:id", by id, or by the first 15 characters of an 18-character id; case counts."""
    source, _, source_id = text.partition(":")
    matches = [leads.c.source_id == text, sa.and_(leads.c.source == source, leads.c.source_id == source_id)]
    for short in {text, source_id}:
        if len(short) == 15 and short.isascii():
            matches.append(sa.and_(leads.c.source_id > short, leads.c.source_id < short + "\x7f"))
    found = [_lead(row) for row in connection.execute(sa.select(leads).where(sa.or_(*matches)))]
    fits = [row for row in found if _is(row.key, text)]
    return sorted(fits, key=lambda row: (row.record.created, row.key))


def _is(key: LeadKey, text: str) -> bool:
    short = len(key.source_id) == 18 and key.source_id[:15] in (text, text.removeprefix(f"{key.source}:"))
    return text in (key.source_id, str(key)) or short


def _lead(row: Row[Any]) -> LeadRow:
    key = LeadKey(row.source, row.source_id)
    record = Record(
        key=key, created=row.created, stamp=row.stamp, owner=row.crm_owner, fields=row.fields,
        unreadable=row.unreadable,
    )  # fmt: skip
    return LeadRow(
        key=key, record=record, state=State(row.state), epoch=row.epoch, reason=row.reason, detail=row.detail,
        by=row.decided_by, team=row.team, lane=row.lane, person=row.person, owner=row.owner, since=row.since,
        basis=row.basis, last_person=row.last_person, run=row.run, live=bool(row.live),
        hops=row.hops, settled_stamp=row.settled_stamp, taker=row.taker, taker_team=row.taker_team,
    )  # fmt: skip


# --- back to waiting --------------------------------------------------------------------------------------


def wait_again(connection: Connection) -> int:
    """Leads whose current decision is gone (it was observed only) wait, at their last epoch that is left."""
    left = (
        sa.select(sa.func.coalesce(sa.func.max(decisions.c.epoch), 0))
        .where(decisions.c.source == leads.c.source, decisions.c.source_id == leads.c.source_id)
        .scalar_subquery()
    )
    values = dict(AFRESH) | {"epoch": left, "live": True, "run": None, "detail": OBSERVED}
    return connection.execute(sa.update(leads).where(leads.c.live.is_(False)).values(values)).rowcount


def retry(connection: Connection, keys: Collection[LeadKey] | None) -> int:
    """Held leads forget their hold and how often they were rejected: the next run decides them."""
    conditions = [sa.true()] if keys is None else list(by_key(leads, keys))
    return sum(
        connection.execute(
            sa.update(leads).where(leads.c.state == State.HELD.value, condition).values(basis="", hops=0)
        ).rowcount
        for condition in conditions
    )
