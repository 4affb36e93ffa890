"""A team's ledger under another name: every row that counts by the team's exact name."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store import lease
from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.tables import (
    decisions,
    last_turns,
    leads,
    ledger,
    pauses,
    refunds,
    turns,
    vouchers,
)
from allocator.domain.pauses import Paused
from allocator.domain.renamed import refuse

_BOOKS = (ledger, last_turns, vouchers)


def rename(connection: Connection, old: str, new: str) -> int:
    """`Store.rename_team`, under the lease's lock."""
    lease.refuse_while_at_work(connection)
    refuse(old, new, old_turns=_turns(connection, old), new_turns=_turns(connection, new))
    for table in _BOOKS:  # without turns, what the new name has is nothing but zeros
        connection.execute(sa.delete(table).where(table.c.team == new))
        _move(connection, table.c.team, old, new)
    moved = _turns(connection, old)
    _move_turns(connection, old, new)
    for column in (leads.c.team, leads.c.taker_team, decisions.c.team):
        _move(connection, column, old, new)
    _move_pause(connection, old, new)
    return moved


def renamed(connection: Connection, old: str, new: str) -> int | None:
    """How many turns were moved, if they were; else None."""
    return None if _turns(connection, old) else _turns(connection, new) or None


def _turns(connection: Connection, team: str) -> int:
    query = sa.select(sa.func.count()).select_from(turns).where(turns.c.team == team)
    return connection.execute(query).scalar_one()


def _move_turns(connection: Connection, old: str, new: str) -> None:
    """Refunds name their turn, and no turn may go while one does: they step aside meanwhile."""
    back = connection.execute(sa.select(refunds).where(refunds.c.team == old)).mappings().all()
    connection.execute(sa.delete(refunds).where(refunds.c.team == old))
    _move(connection, turns.c.team, old, new)
    insert_rows(connection, refunds, [{**row, "team": new} for row in back])


def _move_pause(connection: Connection, old: str, new: str) -> None:
    """A team that stands still does so under its new name, unless that has a pause of its own."""
    of_team = pauses.c.kind == Paused.TEAM.value
    if connection.execute(sa.select(pauses.c.name).where(of_team, pauses.c.name == new)).first() is None:
        connection.execute(sa.update(pauses).where(of_team, pauses.c.name == old).values(name=new))


def _move(connection: Connection, column: sa.Column[str], old: str, new: str) -> None:
    connection.execute(sa.update(column.table).where(column == old).values({column.name: new}))
