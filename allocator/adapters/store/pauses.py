"""The pauses that somebody set: one for each person, team, and the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.tables import pauses
from allocator.domain.pauses import Pause, Paused, in_force


def put(connection: Connection, one: Pause) -> None:
    """Replaces an earlier one of the same."""
    remove(connection, one.kind, one.name)
    row = {
        "kind": one.kind.value, "name": one.name, "since": one.since, "until": one.until,
        "said_by": one.by, "reason": one.reason,
    }  # fmt: skip
    insert_rows(connection, pauses, [row])


def remove(connection: Connection, kind: Paused, name: str) -> None:
    connection.execute(sa.delete(pauses).where(pauses.c.kind == kind.value, pauses.c.name == name))


def at(connection: Connection, now: datetime) -> Sequence[Pause]:
    """Those in force."""
    rows = connection.execute(sa.select(pauses))
    found = (Pause(Paused(r.kind), r.name, r.since, r.until, r.said_by, r.reason) for r in rows)
    return in_force(found, now)
