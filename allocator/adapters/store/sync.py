"""What both sides agreed on, record by record: the rows, the conflicts, and the outbox of field writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import links
from allocator.adapters.store.bulk import insert_rows, update_rows
from allocator.adapters.store.field_json import (
    StoredAgreed,
    agreed_json,
    conflict_json,
    conflict_of,
    problems_json,
    problems_of,
    writes_json,
    writes_of,
)
from allocator.adapters.store.leads import by_key, chunks
from allocator.adapters.store.tables import conflicts, sync_writes, syncs
from allocator.domain.lead import LeadKey
from allocator.domain.sync.relations import after, each_once
from allocator.domain.sync.values import ConflictRow, SyncEnd, SyncRow, SyncState, SyncStep, SyncWrite
from allocator.errors import AllocatorError

_PENDING = sa.text("sync_writes.state = 'pending'")
_AGAIN = sa.text("syncs.again")
"""Spelt as in the partial indexes."""
_KEY = ("source", "source_id")


# --- reading ----------------------------------------------------------------------------------------------


def rows(
    connection: Connection,
    keys: Collection[LeadKey] | None = None,
    source: str | None = None,
    again: bool | None = None,
) -> list[SyncRow]:
    """By key, source or mark, ordered by key."""
    query = _as_text(syncs)
    if source is not None:
        query = query.where(syncs.c.source == source)
    if again is not None:
        query = query.where(_AGAIN if again else syncs.c.again.is_(False))
    conditions = [sa.true()] if keys is None else list(by_key(syncs, keys))
    found = [_sync_row(row) for part in conditions for row in connection.execute(query.where(part))]
    return sorted(found, key=lambda row: row.key)


def pending(connection: Connection, source: str | None = None) -> list[SyncWrite]:
    """Writes not settled yet, in order."""
    rows = connection.execute(_as_text(sync_writes).where(_PENDING).order_by(sync_writes.c.id))
    # Not in the query: SQLite would look through every write that the source ever had.
    return [_write(row) for row in rows if source in (None, row.source)]


def writes_to(connection: Connection, key: LeadKey) -> list[SyncWrite]:
    """Every write of a record, oldest first."""
    query = _as_text(sync_writes).where(*by_key(sync_writes, [key])).order_by(sync_writes.c.id)
    return [_write(row) for row in connection.execute(query)]


def conflict_rows(connection: Connection, keys: Collection[LeadKey] | None, limit: int) -> list[ConflictRow]:
    """Newest first."""
    query = sa.select(conflicts).order_by(conflicts.c.number.desc()).limit(limit)
    conditions = [sa.true()] if keys is None else list(by_key(conflicts, keys))
    found = [row for part in conditions for row in connection.execute(query.where(part))]
    newest = sorted(found, key=lambda row: row.number, reverse=True)[:limit]
    return [ConflictRow(_key(row), row.run, row.at, conflict_of(row.conflict)) for row in newest]


# --- one look at each record ------------------------------------------------------------------------------


def commit(
    connection: Connection, steps: Sequence[SyncStep], *, run: int, at: datetime, claim: str
) -> list[SyncWrite]:
    """Rows, links, conflicts and pending writes. `claim` names this one call."""
    keys = each_once(steps)
    _drop_pending(connection, keys, at)
    insert_rows(connection, syncs, [_row_values(step.row) | {"claim": claim} for step in steps], _replace)
    _save_conflicts(connection, steps, run=run, at=at)
    links.save(connection, [link for step in steps for link in step.links])
    return _save_writes(connection, steps, run=run, at=at)


def committed(connection: Connection, steps: Sequence[SyncStep], claim: str) -> list[SyncWrite] | None:
    """The writes of this very call, if its commit happened."""
    keys = [step.row.key for step in steps]
    for part in by_key(syncs, keys[:1]):
        if connection.execute(sa.select(syncs.c.claim).where(part)).scalar() == claim:
            return _pending_of(connection, keys)
    return None


def _drop_pending(connection: Connection, keys: Collection[LeadKey], at: datetime) -> None:
    for part in by_key(sync_writes, keys):
        dropped = sa.update(sync_writes).where(part, sync_writes.c.state == SyncState.PENDING.value)
        connection.execute(dropped.values(state=SyncState.DROPPED.value, done=at))


def _replace(insert: Any) -> Any:
    new = {c.name: insert.excluded[c.name] for c in syncs.c if c.name not in _KEY}
    return insert.on_conflict_do_update(index_elements=_KEY, set_=new)


def _save_conflicts(connection: Connection, steps: Sequence[SyncStep], *, run: int, at: datetime) -> None:
    every = [(step.row.key, one) for step in steps for one in step.conflicts]
    told = [
        {**_key_values(key), "number": number, "run": run, "at": at, "conflict": conflict_json(one)}
        for number, (key, one) in enumerate(every, start=_next(connection, conflicts.c.number))
    ]
    insert_rows(connection, conflicts, told)


def _save_writes(
    connection: Connection, steps: Sequence[SyncStep], *, run: int, at: datetime
) -> list[SyncWrite]:
    new = [write for step in steps for write in step.writes]
    fresh = {"state": SyncState.PENDING, "attempts": 0, "run": run, "created": at, "done": None}
    made = [
        replace(write, id=number, **fresh)  # type: ignore[arg-type]
        for number, write in enumerate(new, start=_next(connection, sync_writes.c.id) if new else 1)
    ]
    insert_rows(connection, sync_writes, [_write_values(write) for write in made])
    return made


def _next(connection: Connection, number: sa.Column[Any]) -> int:
    return (connection.execute(sa.select(sa.func.max(number))).scalar() or 0) + 1


def _pending_of(connection: Connection, keys: Collection[LeadKey]) -> list[SyncWrite]:
    query = _as_text(sync_writes).where(sync_writes.c.state == SyncState.PENDING.value)
    found = [row for part in by_key(sync_writes, keys) for row in connection.execute(query.where(part))]
    return [_write(row) for row in sorted(found, key=lambda row: row.id)]


# --- delivery ---------------------------------------------------------------------------------------------


def attempt(connection: Connection, ids: Sequence[int]) -> None:
    """These are about to be sent."""
    for part in chunks(ids):
        more = sa.update(sync_writes).where(sync_writes.c.id.in_(part), _PENDING)
        connection.execute(more.values(attempts=sync_writes.c.attempts + 1))


def settle(connection: Connection, ends: Sequence[SyncEnd], at: datetime) -> None:
    """Final states, and what the sides agree on now; what is settled already stays as it is."""
    open_now = _still_open(connection, ends)
    new = [end for end in ends if end.id in open_now]
    told = [
        {
            "id": end.id, "state": end.state.value, "detail": end.detail,
            "done": None if end.state is SyncState.PENDING else at,
        }
        for end in new
    ]  # fmt: skip
    update_rows(connection, sync_writes, told, key=("id",))
    changed = {row.key: row for row in rows(connection, {end.key for end in new})}
    for end in new:
        changed[end.key] = after(changed[end.key], end)
    update_rows(connection, syncs, [_row_values(row) for row in changed.values()], key=_KEY)


def _still_open(connection: Connection, ends: Sequence[SyncEnd]) -> set[int]:
    """Raises AllocatorError for a write that its record does not have."""
    c = sync_writes.c
    query = sa.select(c.id, c.source, c.source_id, c.state)
    parts = chunks(sorted({end.id for end in ends}))
    found = {row.id: row for part in parts for row in connection.execute(query.where(c.id.in_(part)))}
    for end in ends:
        if end.id not in found or _key(found[end.id]) != end.key:
            raise AllocatorError(f"{end.key} has no write {end.id}: nothing was changed")
    return {number for number, row in found.items() if row.state == SyncState.PENDING.value}


def _as_text(table: sa.Table) -> sa.Select[Any]:
    """All columns; what was agreed on as its text."""
    columns = [sa.type_coerce(c, sa.Text).label(c.name) if c.name == "agreed" else c for c in table.c]
    return sa.select(*columns)


# --- rows -------------------------------------------------------------------------------------------------


def _key(row: Any) -> LeadKey:
    return LeadKey(row.source, row.source_id)


def _key_values(key: LeadKey) -> Mapping[str, Any]:
    return {"source": key.source, "source_id": key.source_id}


def _row_values(row: SyncRow) -> dict[str, Any]:
    return {
        **_key_values(row.key), "plan": row.plan, "reason": row.reason, "detail": row.detail,
        "since": row.since, "at": row.at, "agreed": agreed_json(row.agreed), "our_stamp": row.our_stamp,
        "their_stamp": row.their_stamp, "again": row.again, "problems": problems_json(row.problems),
    }  # fmt: skip


def _sync_row(row: Row[Any]) -> SyncRow:
    return SyncRow(
        key=_key(row), plan=row.plan, since=row.since, at=row.at, reason=row.reason, detail=row.detail,
        agreed=StoredAgreed(row.agreed), our_stamp=row.our_stamp, their_stamp=row.their_stamp,
        again=bool(row.again), problems=problems_of(row.problems),
    )  # fmt: skip


def _write_values(write: SyncWrite) -> dict[str, Any]:
    return {
        **_key_values(write.key), "id": write.id, "side": write.side, "object": write.object,
        "object_id": write.object_id, "writes": writes_json(write.writes),
        "agreed": agreed_json(write.agreed), "state": write.state.value, "attempts": write.attempts,
        "run": write.run, "created": write.created, "done": write.done, "detail": write.detail,
        "rerouted": write.rerouted,
    }  # fmt: skip


def _write(row: Row[Any]) -> SyncWrite:
    return SyncWrite(
        key=_key(row), side=row.side, object=row.object, object_id=row.object_id,
        writes=writes_of(row.writes), agreed=StoredAgreed(row.agreed), id=row.id, state=SyncState(row.state),
        attempts=row.attempts, run=row.run, created=row.created, done=row.done, detail=row.detail,
        rerouted=bool(row.rerouted),
    )  # fmt: skip
