"""What was decided: decisions with their turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import shapes, turn_rows
from allocator.adapters.store.tables import decisions, eligibility, turns
from allocator.domain.lead import Effect, LeadKey
from allocator.domain.plan import TurnRow


def of_lead(connection: Connection, key: LeadKey) -> Sequence[Mapping[str, Any]]:
    """All epochs, newest first, each with its turn."""
    d, t = decisions.c, turns.c
    taken = sa.select(turns, eligibility.c.content).join(eligibility, eligibility.c.sha256 == t.eligibility)
    by_epoch = {
        row.epoch: turn_rows.turn_row(row, row.content)
        for row in connection.execute(
            taken.where(t.source == key.source, t.source_id == key.source_id).order_by(t.sequence)
        )
    }
    query = sa.select(decisions).where(d.source == key.source, d.source_id == key.source_id)
    rows = connection.execute(query.order_by(d.epoch.desc())).all()
    told = shapes.stored(connection, [row.shape for row in rows])
    return [_decision(row, by_epoch.get(row.epoch), told.get(row.shape)) for row in rows]


def _decision(row: Row[Any], turn: TurnRow | None, shape: shapes.Shape | None) -> Mapping[str, Any]:
    return {
        "epoch": row.epoch, "at": row.at, "run": row.run, "state": row.state, "reason": row.reason,
        "detail": row.detail, "by": row.decided_by, "team": row.team, "lane": row.lane, "person": row.person,
        "owner": row.owner, "tables_version": row.tables_version, "trace": shapes.trace_of(row.trace, shape),
        "turn": turn,
        "given_back": bool(row.given_back), "live": bool(row.live), "ended": row.ended,
        "settled_at": row.settled_at, "ended_at": row.ended_at, "ended_why": row.ended_why,
        "effect": row.effect or Effect.OWNER.value,
    }  # fmt: skip
