"""Leads that come back: returned by a person, rejected, or undone with their run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import ledger as books
from allocator.adapters.store.bulk import insert_rows, update_rows
from allocator.adapters.store.decide import forget_writes
from allocator.adapters.store.leads import AFRESH, by_key, rows
from allocator.adapters.store.tables import decisions, take_backs, turns
from allocator.adapters.store.tables import leads as leads_table
from allocator.domain.lead import Effect, LeadKey, State
from allocator.domain.records import LeadRow
from allocator.domain.take_backs import (
    NOT_BY_OWNER,
    Asked,
    BackEnd,
    Ended,
    Given,
    TakeBack,
    already,
    cannot,
    check_returned,
    check_taken_back,
)

Place = tuple[LeadKey, int]
"""A decision: its lead and epoch."""
_EPOCH = ("source", "source_id", "epoch")


# --- asking -----------------------------------------------------------------------------------------------


def ask(connection: Connection, asked: Sequence[TakeBack]) -> dict[LeadKey, str]:
    """Note each intent that can be noted. Returns why the others cannot."""
    known = {row.key: row for row in rows(connection, [one.key for one in asked])}
    there = {(one.key, one.epoch): one for one in listed(connection, keys=[one.key for one in asked])}
    other = _not_by_owner(connection, [one.key for one in asked])
    refused: dict[LeadKey, str] = {}
    new: list[TakeBack] = []
    for one in asked:
        before = there.get((one.key, one.epoch))
        if before == one:
            continue  # noted by this very call, whose answer was lost
        why = cannot(known.get(one.key), one.epoch) or already(before)
        if (one.key, one.epoch) in other:
            why = why or NOT_BY_OWNER
        if why:
            refused[one.key] = why
        else:
            new.append(one)
    _delete(connection, new)
    insert_rows(connection, take_backs, [_values(one) for one in new])
    return refused


def _not_by_owner(connection: Connection, keys: Collection[LeadKey]) -> set[Place]:
    """Decisions that made a Lead or a link."""
    d = decisions.c
    query = sa.select(d.source, d.source_id, d.epoch).where(d.effect.is_not(None))
    parts = by_key(decisions, keys)
    found = (row for part in parts for row in connection.execute(query.where(part)))
    return {(LeadKey(row.source, row.source_id), row.epoch) for row in found}


def listed(
    connection: Connection,
    states: Collection[Asked] | None = None,
    keys: Collection[LeadKey] | None = None,
    of_run: int | None = None,
) -> list[TakeBack]:
    """By state, lead or undone run; in the order in which they were asked for."""
    conditions = [sa.true()] if keys is None else list(by_key(take_backs, keys))
    query = sa.select(take_backs)
    if states is not None:
        query = query.where(take_backs.c.state.in_([state.value for state in states]))
    if of_run is not None:
        query = query.where(take_backs.c.of_run == of_run)
    found = [_take_back(row) for part in conditions for row in connection.execute(query.where(part))]
    return sorted(found, key=lambda one: (one.asked, one.key, one.epoch))


def attempt(connection: Connection, places: Iterable[Place]) -> None:
    """These are about to be written."""
    told = [{"k_source": k.source, "k_id": k.source_id, "k_epoch": epoch} for k, epoch in places]
    if told:
        here = sa.and_(_here(take_backs), take_backs.c.state == Asked.PENDING.value)
        more = sa.update(take_backs).where(here).values(attempts=take_backs.c.attempts + 1)
        connection.execute(more, told)


# --- what became of it ------------------------------------------------------------------------------------


def settle(connection: Connection, ends: Sequence[BackEnd], *, at: datetime, run: int) -> None:
    """Done or dropped, once: what is settled already is left alone."""
    pending = {(o.key, o.epoch): o for o in listed(connection, [Asked.PENDING], [e.key for e in ends])}
    new = [end for end in ends if (end.key, end.epoch) in pending]
    back = [end for end in new if end.done]
    _wait_again(connection, [(e.key, e.epoch, pending[e.key, e.epoch].why) for e in back], at)
    for end in back:
        asked = pending[end.key, end.epoch]
        _end(connection, end.key, end.epoch, asked.why, asked.reason, at=at)
    refunded = {(e.key, e.epoch): str(pending[e.key, e.epoch].why) for e in back if e.refund}
    _mark_given_back(connection, list(refunded), run)
    give_back(connection, refunded, at=at, run=run)
    forget_writes(connection, [(e.key, e.epoch, Effect.OWNER) for e in back])
    told = [
        {
            **_key(e.key), "epoch": e.epoch, "state": (Asked.DONE if e.done else Asked.DROPPED).value,
            "done": at, "detail": e.detail,
        }
        for e in new
    ]  # fmt: skip
    update_rows(connection, take_backs, told, key=_EPOCH)


def put_back(
    connection: Connection,
    returned: Sequence[LeadRow],
    *,
    at: datetime,
    run: int,
    refund: Collection[LeadKey],
) -> None:
    """Leads that had left intake wait again; who was given them last is remembered."""
    stored = {row.key: row for row in rows(connection, [row.key for row in returned])}
    again = [known for row in returned if (known := check_returned(row, stored.get(row.key)))]
    _return(connection, again, at)
    given = [row for row in again if row.state is State.CONFIRMED]
    for row in given:
        _end(connection, row.key, row.epoch, Ended.RETURNED, "", at=at)
    wanted = {(row.key, row.epoch): str(Ended.RETURNED) for row in again if row.key in refund}
    _mark_given_back(connection, [(r.key, r.epoch) for r in given if r.key in refund], run)
    give_back(connection, wanted, at=at, run=run)


def _wait_again(connection: Connection, back: Sequence[tuple[LeadKey, int, Ended]], at: datetime) -> None:
    """An undone lead waits as if it had never been given; who rejected one stands back."""
    stored = {row.key: row for row in rows(connection, [key for key, _, _ in back])}
    standing = [(check_taken_back(key, epoch, stored.get(key)), why) for key, epoch, why in back]
    changed = [
        _waits(row, at, last=row.person if why is Ended.REJECTED else row.last_person,
               hops=row.hops + (why is Ended.REJECTED))
        for row, why in standing
    ]  # fmt: skip
    update_rows(connection, leads_table, changed, key=("source", "source_id"))


def _return(connection: Connection, again: Sequence[LeadRow], at: datetime) -> None:
    changed = [
        _waits(row, at, last=row.had_it, hops=row.hops + (row.state is State.CONFIRMED)) for row in again
    ]
    update_rows(connection, leads_table, changed, key=("source", "source_id"))


def _waits(row: LeadRow, at: datetime, *, last: str | None, hops: int) -> dict[str, Any]:
    return {**_key(row.key), **AFRESH, "since": at, "last_person": last, "hops": hops}


def _end(connection: Connection, key: LeadKey, epoch: int, why: Ended, reason: str, *, at: datetime) -> None:
    here = _here(decisions)
    ended = sa.update(decisions).where(here).values(ended=why.value, ended_at=at, ended_why=reason)
    connection.execute(ended, {"k_source": key.source, "k_id": key.source_id, "k_epoch": epoch})


def give_back(connection: Connection, wanted: Mapping[Place, str], *, at: datetime, run: int) -> None:
    """The turns of these decisions that stand, one refund each with its reason; what a taker paid too."""
    by_reason: dict[str, list[Row[Any]]] = {}
    for row in _standing_turns(connection, {key for key, _ in wanted}):
        reason = wanted.get((LeadKey(row.source, row.source_id), row.epoch))
        if reason is not None:
            by_reason.setdefault(reason, []).append(row)
    for reason, found in sorted(by_reason.items()):
        books.give_back(connection, found, at=at, run=run, reason=reason)


def _mark_given_back(connection: Connection, places: Sequence[Place], run: int) -> None:
    """Of decisions that gave a lead to somebody: caps no longer count it, from this run on."""
    told = [{"k_source": k.source, "k_id": k.source_id, "k_epoch": epoch} for k, epoch in places]
    if told:
        back = sa.update(decisions).where(_here(decisions)).values(given_back=True, settled_run=run)
        connection.execute(back, told)


def _standing_turns(connection: Connection, keys: Collection[LeadKey]) -> Iterable[Row[Any]]:
    live = sa.select(turns).where(~books.refunded())
    for condition in by_key(turns, keys):
        yield from connection.execute(live.where(condition)).all()


# --- what a run gave --------------------------------------------------------------------------------------


def given_in(connection: Connection, run: int) -> list[Given]:
    """What a run gave to somebody, by lead; the lane is the one of the ledger where a turn stands."""
    d, t = decisions.c, turns.c
    own = sa.and_(t.source == d.source, t.source_id == d.source_id, t.epoch == d.epoch, ~books.refunded())
    standing = sa.select(sa.func.count()).select_from(turns).where(own).correlate(decisions)
    ledger = sa.select(sa.func.max(t.lane)).where(own).correlate(decisions).scalar_subquery()
    lane = sa.func.coalesce(ledger, d.lane, type_=d.lane.type).label("lane")
    columns = (d.source, d.source_id, d.epoch, d.team, lane, d.person, d.owner, d.ended)
    query = sa.select(*columns, standing.scalar_subquery().label("turns"))
    found = connection.execute(query.where(d.run == run, d.owner.is_not(None), d.live.is_(True)))
    given = [
        Given(
            LeadKey(r.source, r.source_id), r.epoch, r.team, r.lane, r.person, r.owner,
            Ended(r.ended) if r.ended else None, r.turns,
        )
        for r in found
    ]  # fmt: skip
    return sorted(given, key=lambda one: one.key)


# --- rows -------------------------------------------------------------------------------------------------


def _key(key: LeadKey) -> dict[str, Any]:
    return {"source": key.source, "source_id": key.source_id}


def _here(table: sa.Table) -> sa.ColumnElement[bool]:
    """The row of a decision, for statements over many: parameters k_source, k_id and k_epoch."""
    c = table.c
    return sa.and_(
        c.source == sa.bindparam("k_source"),
        c.source_id == sa.bindparam("k_id"),
        c.epoch == sa.bindparam("k_epoch"),
    )


def _delete(connection: Connection, asked: Sequence[TakeBack]) -> None:
    """An earlier intent that was dropped makes room for the new one."""
    told = [{"k_source": o.key.source, "k_id": o.key.source_id, "k_epoch": o.epoch} for o in asked]
    if told:
        connection.execute(sa.delete(take_backs).where(_here(take_backs)), told)


def _values(one: TakeBack) -> dict[str, Any]:
    return {
        **_key(one.key), "epoch": one.epoch, "why": one.why.value, "of_run": one.of_run,
        "reason": one.reason, "said_by": one.by, "asked": one.asked, "state": one.state.value,
        "attempts": one.attempts, "done": one.done, "detail": one.detail,
    }  # fmt: skip


def _take_back(row: Row[Any]) -> TakeBack:
    one = TakeBack(
        key=LeadKey(row.source, row.source_id), epoch=row.epoch, why=Ended(row.why), asked=row.asked,
        reason=row.reason, by=row.said_by, of_run=row.of_run,
    )  # fmt: skip
    return replace(one, state=Asked(row.state), attempts=row.attempts, done=row.done, detail=row.detail)
