"""The lease with its fencing token, and the rows of runs and slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import hours
from allocator.adapters.store.engine import now
from allocator.adapters.store.holder import Holder, surely_dead
from allocator.adapters.store.tables import lease, runs
from allocator.domain.records import Lease, RunRow
from allocator.domain.slots import Active
from allocator.errors import BusyError, FencedError

RUNNING, DONE, FAILED = "running", "done", "failed"


def begin(
    connection: Connection,
    me: Holder,
    *,
    claim: str,
    slot: str,
    by: str,
    at: datetime,
    live: bool,
    seconds: int,
    once: bool,
) -> Lease:
    """Take the lease, or raise BusyError. `claim` names this one call."""
    held, moment = _locked(connection), now(connection)
    if held.run is not None:
        _refuse_if_alive(connection, held, moment)
    if once:
        hours.refuse_unless_open(connection, slot)
    if held.run is not None:
        _close_run(connection, held.run, at, FAILED, {})
    last = connection.execute(sa.select(sa.func.max(runs.c.run))).scalar() or 0
    taken = Lease(held.token + 1, last + 1, moment + timedelta(seconds=seconds))
    connection.execute(
        sa.update(lease).values(
            token=taken.token, run=taken.run, claim=claim, host=me.host, boot=me.boot, pid=me.pid,
            process_start=me.process_start, acquired=moment, renewed=moment, expires=taken.expires,
        )
    )  # fmt: skip
    if slot:
        hours.add(connection, [slot], at)
    else:
        hours.add_none(connection, at)
    connection.execute(
        sa.insert(runs).values(
            run=taken.run, slot=slot, started_by=by, state=RUNNING, started=at, live=live,
            token=taken.token, host=me.host, pid=me.pid, summary={},
        )
    )  # fmt: skip
    return taken


def claimed(connection: Connection, claim: str) -> Lease | None:
    """The lease that this very call took, if its commit happened."""
    held = _locked(connection)
    return Lease(held.token, held.run, held.expires) if held.run is not None and held.claim == claim else None


def fence(connection: Connection, mine: Lease) -> None:
    """Lock the lease row for this transaction. Raises FencedError when the lease is no longer `mine`."""
    held = _locked(connection)
    if held.token != mine.token or held.run != mine.run:
        whose = f"run {held.run} has it now" if held.run is not None else "it was ended"
        raise FencedError(f"run {mine.run} no longer holds the lease ({whose}): nothing was written")


def lock(connection: Connection) -> None:
    """Wait for whoever writes under the lease now, without having it."""
    _locked(connection)


def refuse_while_at_work(connection: Connection) -> None:
    """With the lock held. Raises BusyError while a run holds the lease and may be alive."""
    held = _locked(connection)
    if held.run is not None:
        _refuse_if_alive(connection, held, now(connection))


def renew(connection: Connection, mine: Lease, seconds: int) -> Lease:
    moment = now(connection)
    expires = moment + timedelta(seconds=seconds)
    connection.execute(sa.update(lease).values(renewed=moment, expires=expires))
    return Lease(mine.token, mine.run, expires)


def end(connection: Connection, mine: Lease, at: datetime, state: str, summary: Mapping[str, Any]) -> None:
    """Close the run, its slot when it is done, and free the lease."""
    _close_run(connection, mine.run, at, state, summary)
    if state == DONE:
        hours.done(connection, mine.run)
    connection.execute(sa.update(lease).values(run=None))


def ended(connection: Connection, mine: Lease, state: str) -> bool | None:
    """True when this lease's run is closed as `state` already; else None."""
    found = connection.execute(
        sa.select(runs.c.state).where(runs.c.run == mine.run, runs.c.token == mine.token)
    ).scalar()
    return True if found == state else None


def listed(connection: Connection, limit: int) -> Sequence[RunRow]:
    query = sa.select(runs).order_by(runs.c.run.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query)]


def one(connection: Connection, number: int) -> RunRow | None:
    row = connection.execute(sa.select(runs).where(runs.c.run == number)).first()
    return None if row is None else _run(row)


def last_number(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.max(runs.c.run))).scalar() or 0


def is_live(connection: Connection, mine: Lease) -> bool:
    return bool(connection.execute(sa.select(runs.c.live).where(runs.c.run == mine.run)).scalar_one())


def active(connection: Connection) -> Active | None:
    """The run that holds the lease and may still be at work."""
    held = connection.execute(sa.select(lease)).one()
    holder = Holder(held.host, held.boot, held.pid, held.process_start)
    if held.run is None or held.expires <= now(connection) or surely_dead(holder):
        return None
    slot = connection.execute(sa.select(runs.c.slot).where(runs.c.run == held.run)).scalar_one()
    return Active(held.run, slot)


def _locked(connection: Connection) -> Row[Any]:
    return connection.execute(sa.select(lease).with_for_update()).one()


def _refuse_if_alive(connection: Connection, held: Row[Any], moment: datetime) -> None:
    holder = Holder(held.host, held.boot, held.pid, held.process_start)
    if held.expires <= moment or surely_dead(holder):
        return
    started = connection.execute(sa.select(runs.c.started).where(runs.c.run == held.run)).scalar_one()
    raise BusyError(
        f"busy: run {held.run} since {_second(started)} ({held.host}, pid {held.pid});"
        f" it ends by itself or its lease expires at {_second(held.expires)}"
    )


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _close_run(
    connection: Connection, number: int, at: datetime, state: str, summary: Mapping[str, Any]
) -> None:
    values: dict[str, Any] = {"state": state, "finished": at, "summary": dict(summary)}
    if version := summary.get("tables_version"):
        values["tables_version"] = version
    connection.execute(sa.update(runs).where(runs.c.run == number).values(values))


def _run(row: Row[Any]) -> RunRow:
    return RunRow(
        run=row.run, slot=row.slot, by=row.started_by, state=row.state, started=row.started,
        finished=row.finished, live=bool(row.live), tables_version=row.tables_version, summary=row.summary,
    )  # fmt: skip
