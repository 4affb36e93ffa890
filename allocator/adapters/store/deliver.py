"""Delivering what was decided: the outbox, and what became of each write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import ledger as books
from allocator.adapters.store import links, turn_rows
from allocator.adapters.store.bulk import update_rows
from allocator.adapters.store.decide import forget_writes
from allocator.adapters.store.leads import by_key, chunks, refresh
from allocator.adapters.store.tables import decisions, leads, outbox, runs, turns
from allocator.domain.by_hand import Charge, Charged
from allocator.domain.lead import Effect, LeadKey, State
from allocator.domain.records import PendingWrite, Settlement
from allocator.errors import AllocatorError

_FINAL: Mapping[State, frozenset[State]] = {
    State.DECIDED: frozenset({State.CONFIRMED, State.TAKEN, State.HELD, State.CLOSED}),
    State.HELD: frozenset({State.TAKEN, State.CLOSED}),
    State.WAITING: frozenset({State.TAKEN, State.CLOSED}),
}
"""From where to where a settlement leads. Who waits or is held may leave intake by a person's hand."""


def pending(connection: Connection) -> list[PendingWrite]:
    """What is not settled yet, in order of decision."""
    o, d = outbox.c, decisions.c
    query = (
        sa.select(
            o.id, o.source, o.source_id, o.epoch, o.owner, d.person, d.team, o.attempts, o.kind, o.object,
            o.object_id,
        )
        .join(decisions, sa.and_(d.source == o.source, d.source_id == o.source_id, d.epoch == o.epoch))
        .where(o.state == "pending")
        .order_by(o.id)
    )  # fmt: skip
    return [
        PendingWrite(
            r.id, LeadKey(r.source, r.source_id), r.epoch, r.owner, r.person, r.team, r.attempts,
            Effect(r.kind), r.object, r.object_id,
        )
        for r in connection.execute(query)
    ]  # fmt: skip


def attempt(connection: Connection, ids: Sequence[int], at: datetime) -> None:
    for part in chunks(ids):
        connection.execute(
            sa.update(outbox)
            .where(outbox.c.id.in_(part), outbox.c.state == "pending")
            .values(attempts=outbox.c.attempts + 1, last_attempt=at)
        )


def settle(
    connection: Connection,
    settlements: Sequence[Settlement],
    *,
    at: datetime,
    run: int,
    charge: Charge | None = None,
) -> None:
    """Final states. What is settled alike already is left alone; what is settled otherwise is refused."""
    standing = _standing(connection, [s.key for s in settlements])
    new = [s for s in _each_once(settlements) if _is_new(s, standing.get(s.key))]
    if not new:
        return
    _save_leads(connection, new, standing, at)
    decided = [s for s in new if standing[s.key].state != State.WAITING.value]
    _save_decisions(connection, decided, standing, at, run)
    refresh(connection, [s.record for s in new if s.record is not None])
    _give_back(connection, [s for s in decided if s.give_back], at=at, run=run)
    if charge is not None:
        _charge(connection, charge(books.ledgers(connection), {s.key for s in new}), at=at, run=run)
    confirmed = [s for s in new if s.state is State.CONFIRMED and standing[s.key].live]
    links.save(connection, [s.link for s in confirmed if s.link is not None])
    own = [s.key for s in confirmed if s.link is None and _effect(standing[s.key]) is Effect.OWNER]
    links.link_to_itself(connection, own, at)


def _charge(connection: Connection, charged: Charged, *, at: datetime, run: int) -> None:
    """Leads taken by hand: each is a turn of its own."""
    if charged.turns:
        live = connection.execute(sa.select(runs.c.live).where(runs.c.run == run)).scalar()
        turn_rows.save(connection, charged.turns, {"at": at, "run": run, "live": bool(live)})
        books.save(connection, charged.ledgers)


def _standing(connection: Connection, keys: Collection[LeadKey]) -> dict[LeadKey, Any]:
    """Each lead beside the decision of its current epoch."""
    d = decisions.c
    query = sa.select(
        leads.c.source, leads.c.source_id, leads.c.state, leads.c.epoch, leads.c.reason, leads.c.live,
        leads.c.basis,
        leads.c.last_person,
        d.given_back,
        d.settled_run,
        d.effect,
    ).outerjoin(
        decisions,
        sa.and_(d.source == leads.c.source, d.source_id == leads.c.source_id, d.epoch == leads.c.epoch),
    )  # fmt: skip
    return {
        LeadKey(row.source, row.source_id): row
        for condition in by_key(leads, keys)
        for row in connection.execute(query.where(condition))
    }


def _each_once(settlements: Sequence[Settlement]) -> list[Settlement]:
    seen: dict[LeadKey, Settlement] = {}
    for settlement in settlements:
        if settlement.key in seen and seen[settlement.key] != settlement:
            raise AllocatorError(f"lead {settlement.key} is settled in two ways at once: nothing was changed")
        seen[settlement.key] = settlement
    return list(seen.values())


def _is_new(settlement: Settlement, standing: Row[Any] | None) -> bool:
    """False when it is settled just so already. Raises AllocatorError when it cannot be settled so."""
    if standing is None or standing.epoch != settlement.epoch:
        raise AllocatorError(f"lead {settlement.key} is not at epoch {settlement.epoch}: nothing was changed")
    if (standing.state, standing.reason) == (settlement.state.value, settlement.reason):
        return False
    if settlement.state not in _FINAL.get(State(standing.state), frozenset()):
        raise AllocatorError(
            f"lead {settlement.key} is {standing.state} for epoch {settlement.epoch},"
            f" it cannot become {settlement.state}: nothing was changed"
        )
    return True


def _save_leads(
    connection: Connection, new: Sequence[Settlement], standing: Mapping[LeadKey, Row[Any]], at: datetime
) -> None:
    rows = [
        _key(s.key)
        | _end(s, standing[s.key])
        | {"since": at, "last_person": s.avoid or standing[s.key].last_person}
        | {"taker": s.taker, "taker_team": s.taker_team}
        | {"settled_stamp": s.stamp if s.state is State.CONFIRMED else None}
        for s in new
    ]
    update_rows(connection, leads, rows, key=("source", "source_id"))


def _save_decisions(
    connection: Connection,
    decided: Sequence[Settlement],
    standing: Mapping[LeadKey, Row[Any]],
    at: datetime,
    run: int,
) -> None:
    """A lead that waits has left its last decision behind; that one stays as it was."""
    rows = [
        _key(s.key)
        | _end(s, standing[s.key])
        | {"epoch": s.epoch, "settled_at": at, "settled_run": standing[s.key].settled_run or run}
        | {"given_back": _given_back(s, standing[s.key])}
        for s in decided
    ]
    update_rows(connection, decisions, rows, key=("source", "source_id", "epoch"))
    forget_writes(connection, [(s.key, s.epoch, _effect(standing[s.key])) for s in decided])


def _key(key: LeadKey) -> dict[str, Any]:
    return {"source": key.source, "source_id": key.source_id}


def _end(settlement: Settlement, standing: Row[Any]) -> dict[str, Any]:
    """What its hold depends on stays what the decision depended on, unless the settlement says otherwise."""
    return {
        "state": settlement.state.value, "reason": settlement.reason, "detail": settlement.detail,
        "basis": settlement.basis or standing.basis,
    }  # fmt: skip


def _effect(standing: Row[Any]) -> Effect:
    return Effect(standing.effect or Effect.OWNER)


def _given_back(settlement: Settlement, standing: Row[Any]) -> bool:
    return settlement.give_back or bool(standing.given_back)


def _give_back(connection: Connection, settlements: Sequence[Settlement], *, at: datetime, run: int) -> None:
    """The turns of these leads, one refund each; a decision without a turn has nothing to give back."""
    wanted = {s.key: s for s in settlements}
    rows: dict[str, list[Row[Any]]] = {}
    refunded = books.refunded()
    for condition in by_key(turns, list(wanted)):
        for row in connection.execute(sa.select(turns).where(condition, ~refunded)):
            settlement = wanted[LeadKey(row.source, row.source_id)]
            if row.epoch == settlement.epoch:
                rows.setdefault(settlement.reason or settlement.state.value, []).append(row)
    for reason, found in sorted(rows.items()):
        books.give_back(connection, found, at=at, run=run, reason=reason)
