"""The slots: which hour is done and by which run; signs of life, and the files that were answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.tables import answers, beats, runs, slots
from allocator.domain.records import Beat
from allocator.domain.slots import NO_SLOT, SlotRow, SlotState, Try, catches_up
from allocator.errors import SlotTaken

_KEEP_BEATS = timedelta(days=7)


def refuse_unless_open(connection: Connection, slot: str) -> None:
    state = connection.execute(sa.select(slots.c.state).where(slots.c.slot == slot)).scalar()
    if state not in (None, SlotState.OPEN.value):
        raise SlotTaken(f"the hour {slot} needs no run any more: it is {state}")


def add(connection: Connection, names: Collection[str], at: datetime) -> None:
    """Open rows where there are none."""
    rows = [{"slot": name, "state": SlotState.OPEN.value, "opened": at} for name in sorted(names)]
    insert_rows(connection, slots, rows, lambda insert: insert.on_conflict_do_nothing())


def add_none(connection: Connection, at: datetime) -> None:
    """The slot of what answers for no hour: it never needs a run."""
    row = {"slot": NO_SLOT, "state": SlotState.DONE.value, "opened": at}
    insert_rows(connection, slots, [row], lambda insert: insert.on_conflict_do_nothing())


def mark(connection: Connection, new: Collection[str], close: Mapping[str, SlotState], at: datetime) -> None:
    add(connection, {*new, *close}, at)
    for slot, state in close.items():
        _close(connection, slot, state)


def done(connection: Connection, run: int) -> None:
    """This run did its slot; the open ones before it are caught up, or have failed if they were tried."""
    slot = connection.execute(sa.select(runs.c.slot).where(runs.c.run == run)).scalar_one()
    ours = slots.c.slot == slot
    connection.execute(
        sa.update(slots)
        .where(ours, slots.c.state != SlotState.DONE.value)
        .values(state=SlotState.DONE.value, done_by_run=run)
    )
    before = connection.execute(_open().where(slots.c.slot < slot)).all()
    for earlier, state in catches_up(slot, _with_tries(connection, before)).items():
        _close(connection, earlier, state, run=run)


def rows(connection: Connection, limit: int) -> Sequence[SlotRow]:
    """The newest slot and the open ones, newest first."""
    newest = connection.execute(sa.select(slots).order_by(slots.c.slot.desc()).limit(1)).all()
    open_ = connection.execute(_open().order_by(slots.c.slot.desc()).limit(limit)).all()
    found = {row.slot: row for row in (*newest, *open_)}
    return _with_tries(connection, [found[slot] for slot in sorted(found, reverse=True)])


def last_done(connection: Connection) -> datetime | None:
    ran = sa.and_(runs.c.state == "done", runs.c.finished.is_not(None), runs.c.slot != NO_SLOT)
    query = sa.select(runs.c.finished).where(ran)
    found: datetime | None = connection.execute(query.order_by(runs.c.finished.desc()).limit(1)).scalar()
    return found


def _open() -> Any:
    return sa.select(slots).where(slots.c.state == SlotState.OPEN.value)


def _close(connection: Connection, slot: str, state: SlotState, *, run: int | None = None) -> None:
    connection.execute(
        sa.update(slots)
        .where(slots.c.slot == slot, slots.c.state == SlotState.OPEN.value)
        .values(state=state.value, done_by_run=run if state is SlotState.CAUGHT_UP else None)
    )


def _with_tries(connection: Connection, found: Sequence[Row[Any]]) -> list[SlotRow]:
    query = (
        sa.select(runs.c.slot, runs.c.finished, runs.c.summary)
        .join(slots, slots.c.slot == runs.c.slot)
        .where(slots.c.state == SlotState.OPEN.value, runs.c.state == "failed", runs.c.finished.is_not(None))
        .order_by(runs.c.run)
    )
    tries: dict[str, list[Try]] = {}
    for row in connection.execute(query):
        one = Try(row.finished, again=bool(row.summary.get("again")), silent=not row.summary)
        tries.setdefault(row.slot, []).append(one)
    return [SlotRow(row.slot, SlotState(row.state), tuple(tries.get(row.slot, ()))) for row in found]


# --- signs of life ----------------------------------------------------------------------------------------


def beat(connection: Connection, one: Beat) -> None:
    connection.execute(
        sa.delete(beats).where(
            sa.or_(
                beats.c.at < one.at - _KEEP_BEATS, sa.and_(beats.c.host == one.host, beats.c.pid == one.pid)
            )
        )
    )
    row = {"host": one.host, "pid": one.pid, "started": one.started, "at": one.at, "program": one.program}
    insert_rows(connection, beats, [row], lambda insert: insert.on_conflict_do_nothing())


def beats_listed(connection: Connection) -> Sequence[Beat]:
    query = sa.select(beats).order_by(beats.c.at.desc())
    return [Beat(r.host, r.pid, r.started, r.at, r.program) for r in connection.execute(query)]


# --- answered files ---------------------------------------------------------------------------------------


def answered(connection: Connection, place: str) -> str:
    found = connection.execute(sa.select(answers.c.seen).where(answers.c.place == place)).scalar()
    return found or ""


def answer(connection: Connection, place: str, seen: str, at: datetime) -> None:
    connection.execute(sa.delete(answers).where(answers.c.place == place))
    insert_rows(connection, answers, [{"place": place, "seen": seen, "at": at}])
