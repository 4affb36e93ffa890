"""What was decided: decisions with their turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.tables import decisions, eligibility, turns
from allocator.domain.lead import LeadKey
from allocator.domain.plan import TurnRow
from rules.rotation import Skipped, Turn


def of_lead(connection: Connection, key: LeadKey) -> Sequence[Mapping[str, Any]]:
    """All epochs, newest first, each with its turn."""
    d, t = decisions.c, turns.c
    taken = sa.select(turns, eligibility.c.content).join(eligibility, eligibility.c.sha256 == t.eligibility)
    by_epoch = {
        row.epoch: _turn_row(row, key)
        for row in connection.execute(taken.where(t.source == key.source, t.source_id == key.source_id))
    }
    query = sa.select(decisions).where(d.source == key.source, d.source_id == key.source_id)
    return [
        _decision(row, by_epoch.get(row.epoch)) for row in connection.execute(query.order_by(d.epoch.desc()))
    ]


def _decision(row: Row[Any], turn: TurnRow | None) -> Mapping[str, Any]:
    return {
        "epoch": row.epoch, "at": row.at, "run": row.run, "state": row.state, "reason": row.reason,
        "detail": row.detail, "by": row.decided_by, "team": row.team, "lane": row.lane, "person": row.person,
        "owner": row.owner, "tables_version": row.tables_version, "trace": row.trace, "turn": turn,
        "given_back": bool(row.given_back), "live": bool(row.live),
    }  # fmt: skip


def _turn_row(row: Row[Any], key: LeadKey) -> TurnRow:
    content = row.content
    turn = Turn(
        number=row.number, sequence=row.sequence, kind=row.kind, owner=row.owner, payer=row.payer,
        weights=content["weights"], shares=content["shares"], before=row.before, paid=row.paid,
        team_before=row.team_before, last_before=row.last_before, limit=row.credit_limit,
    )  # fmt: skip
    skipped = tuple(
        Skipped(s["id"], s["why"], date.fromisoformat(s["until"]) if s["until"] else None, tuple(s["also"]))
        for s in content["skipped"]
    )
    return TurnRow(row.team, row.lane, turn, key, row.epoch, skipped)
