"""Committing a plan: decisions, turns, ledger, outbox and lead states, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from allocator.adapters.store import ledger as books
from allocator.adapters.store import shapes, turn_rows
from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.leads import by_key, chunks, wait_again
from allocator.adapters.store.tables import (
    decisions,
    json_text,
    leads,
    outbox,
    refunds,
    runs,
    turns,
)
from allocator.domain.lead import Effect, LeadKey, State
from allocator.domain.plan import Assigned, Plan, TurnRow
from allocator.errors import AllocatorError


def idempotency_key(key: LeadKey, epoch: int, effect: Effect = Effect.OWNER) -> str:
    """One effect on the world has one key for ever."""
    said = json_text([key.source, key.source_id, epoch, effect.value])
    return hashlib.sha256(said.encode()).hexdigest()


def commit(
    connection: Connection, plan: Plan, *, run: int, live: bool, at: datetime, tables_version: str
) -> None:
    """Write the whole plan. Raises AllocatorError when it does not fit; the transaction is to be undone."""
    says = {"tables_version": tables_version} | ({"seen": plan.seen} if plan.seen is not None else {})
    connection.execute(sa.update(runs).where(runs.c.run == run).values(says))
    if not plan.decided:
        return
    _refuse_gaps(connection, plan.turns)
    common = {"at": at, "run": run, "live": live}
    packer = shapes.Packer()
    rows = [{**_decision(d, tables_version, packer), **common} for d in plan.decided]
    shapes.save(connection, packer.found)
    try:
        insert_rows(connection, decisions, rows)
    except IntegrityError:
        raise AllocatorError(
            "a lead of this plan is already decided for its epoch, or not in the store: nothing was changed"
        ) from None
    turn_rows.save(connection, plan.turns, common)
    books.save(connection, plan.ledgers)
    _save_writes(connection, plan.decided, at=at, live=live)
    _move_leads(connection, plan.decided, run)


def committed(connection: Connection, plan: Plan, *, run: int, at: datetime) -> bool | None:
    """True when exactly this plan is in the store already; None when none of it is."""
    found, packer = _stored(connection, plan.decided), shapes.Packer()
    for decided in plan.decided:
        row = found.get((decided.key, decided.epoch))
        if row is None:
            return None
        packed = packer.pack(decided.trace, decided.seen)
        stored = (row.run, row.at, row.owner, row.shape, row.trace)
        if stored != (run, at, decided.owner, packed["shape"], _as_stored(packed["trace"])):
            return None
    return True if plan.decided else None


def drop_observed(connection: Connection) -> int:
    """Remove decisions that were never meant for the CRM, with their turns. How many leads wait again."""
    observed = sa.select(turns).where(turns.c.live.is_(False))
    every = list(connection.execute(observed))
    standing = list(connection.execute(observed.where(~books.refunded())))
    places = sa.select(turns.c.team, turns.c.lane, turns.c.number).where(turns.c.live.is_(False))
    connection.execute(
        sa.delete(refunds).where(sa.tuple_(refunds.c.team, refunds.c.lane, refunds.c.number).in_(places))
    )
    connection.execute(sa.delete(turns).where(turns.c.live.is_(False)))
    if every:
        books.unbook(connection, standing)
    connection.execute(sa.delete(outbox).where(outbox.c.state == "observed"))
    connection.execute(sa.delete(decisions).where(decisions.c.live.is_(False)))
    return wait_again(connection)


def _stored(connection: Connection, decided: Sequence[Assigned]) -> dict[tuple[LeadKey, int], Any]:
    wanted = {(d.key, d.epoch) for d in decided}
    c = decisions.c
    found: dict[tuple[LeadKey, int], Any] = {}
    for condition in by_key(decisions, {key for key, _ in wanted}):
        query = sa.select(c.source, c.source_id, c.epoch, c.run, c.at, c.owner, c.shape, c.trace).where(
            condition
        )
        for row in connection.execute(query):
            place = (LeadKey(row.source, row.source_id), row.epoch)
            if place in wanted:
                found[place] = row
    return found


def _as_stored(trace: Mapping[str, Any]) -> Any:
    return decisions.c.trace.type.process_result_value(json_text(trace), None)  # type: ignore[attr-defined]


def _refuse_gaps(connection: Connection, taken: Sequence[TurnRow]) -> None:
    """Numbers go on from the last one without a gap, in the lane and in the team."""
    numbers = books.expected(connection, {(row.team, row.lane) for row in taken})
    sequences = books.expected_sequence(connection, {row.team for row in taken})
    for row in taken:
        place = (row.team, row.lane)
        if row.turn.number != numbers[place] or row.turn.sequence != sequences[row.team]:
            raise AllocatorError(
                f"turn {row.turn.number} of {row.team} {row.lane!r} does not follow the last one"
                f" ({numbers[place] - 1}): the ledger was read before somebody else's turns"
            )
        numbers[place] += 1
        sequences[row.team] += 1


def _decision(decided: Assigned, tables_version: str, packer: shapes.Packer) -> dict[str, Any]:
    return {
        **packer.pack(decided.trace, decided.seen),
        "source": decided.key.source, "source_id": decided.key.source_id, "epoch": decided.epoch,
        "state": decided.state.value, "reason": decided.reason, "detail": decided.detail,
        "decided_by": decided.by, "team": decided.team, "lane": decided.lane, "person": decided.person,
        "owner": decided.owner, "basis": decided.basis, "tables_version": tables_version,
        "given_back": False, "settled_at": None,
        "effect": None if decided.effect is Effect.OWNER else decided.effect.value,
    }  # fmt: skip


def _save_writes(connection: Connection, decided: Sequence[Assigned], *, at: datetime, live: bool) -> None:
    """One effect for each lead that has an owner now; in observe mode it is there but never carried out."""
    next_id = (connection.execute(sa.select(sa.func.max(outbox.c.id))).scalar() or 0) + 1
    given = [d for d in decided if d.state is State.DECIDED]
    rows = [
        {
            "id": number, "kind": d.effect.value,
            "idempotency_key": idempotency_key(d.key, d.epoch, d.effect),
            "source": d.key.source, "source_id": d.key.source_id, "epoch": d.epoch, "owner": d.owner or "",
            "object": d.object, "object_id": d.object_id,
            "state": "pending" if live else "observed", "attempts": 0, "created": at,
        }
        for number, d in enumerate(given, start=next_id)
    ]  # fmt: skip
    insert_rows(connection, outbox, rows)


def forget_writes(connection: Connection, places: Iterable[tuple[LeadKey, int, Effect]]) -> None:
    """What was settled, or never will be sent, leaves the outbox; the decision says how it ended."""
    for part in chunks(idempotency_key(*place) for place in places):
        mine = outbox.c.idempotency_key.in_(part)
        connection.execute(sa.delete(outbox).where(mine, outbox.c.state == "pending"))


def _move_leads(connection: Connection, decided: Sequence[Assigned], run: int) -> None:
    """Each lead stands where its new decision says, at the new epoch."""
    d = decisions.c
    same = (
        "state",
        "reason",
        "detail",
        "decided_by",
        "team",
        "lane",
        "person",
        "owner",
        "basis",
        "live",
        "epoch",
    )
    moved = connection.execute(
        sa.update(leads)
        .where(leads.c.source == d.source, leads.c.source_id == d.source_id)
        .where(d.run == run, d.epoch > leads.c.epoch)
        .values({name: d[name] for name in same} | {"since": d.at, "run": d.run})
    ).rowcount
    if moved != len(decided):
        raise AllocatorError("the plan decides a lead that is not in the store, or for an old epoch")
