"""Turns as rows of the store, and back: what many turns share is stored once (`eligibility`)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.leads import chunks
from allocator.adapters.store.tables import eligibility, json_text, turns
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey
from rules.eligibility import Skipped
from rules.turn import Booking, Turn
from rules.vouchers import VoucherMove


def save(connection: Connection, taken: Sequence[TurnRow], common: Mapping[str, Any]) -> None:
    """New rows; `common` is the run, the time and whether they are meant for the CRM."""
    if not taken:
        return
    contents: dict[str, Any] = {}
    hashes: dict[Any, str] = {}
    rows = []
    for row in taken:
        distinct = _distinct(row)
        if distinct not in hashes:
            content = content_of(row)
            hashes[distinct] = short_hash(content)
            contents[hashes[distinct]] = content
        rows.append({**_columns(row, hashes[distinct]), **common})
    known: set[str] = set()
    for part in chunks(contents):
        query = sa.select(eligibility.c.sha256).where(eligibility.c.sha256.in_(part))
        known.update(connection.execute(query).scalars())
    new = [{"sha256": sha, "content": content} for sha, content in contents.items() if sha not in known]
    insert_rows(connection, eligibility, new)
    insert_rows(connection, turns, rows)


def _distinct(row: TurnRow) -> tuple[object, ...]:
    turn = row.turn
    weights = tuple(s.weight for s in row.skipped)
    return (
        tuple(turn.weights.items()), tuple(turn.shares.items()), row.skipped, weights, turn.able,
        tuple(turn.serves.items()),
    )  # fmt: skip


def short_hash(content: Any) -> str:
    """Half a sha256 of the JSON, which is plenty to tell contents apart."""
    return hashlib.sha256(json_text(content).encode()).hexdigest()[:32]


def content_of(row: TurnRow) -> dict[str, Any]:
    """Who earned what, who could take it if not all of them, whom a delegate serves, who was out and why."""
    turn = row.turn
    content: dict[str, Any] = {
        "ids": list(turn.weights),
        "weights": dict(turn.weights),
        "shares": dict(turn.shares),
        "skipped": [
            {"id": s.id, "why": str(s.why), "until": s.until and s.until.isoformat(), "also": list(s.also)}
            | {"weight": s.weight}
            for s in row.skipped
        ],
    }
    if turn.able is not None:
        content["able"] = list(turn.able)
    if turn.serves:
        content["serves"] = dict(turn.serves)
    return content


def _columns(row: TurnRow, sha256: str) -> dict[str, Any]:
    """Snapshots are lists in the order of `ids`; team credits are left out where they are the lane's.

    A last turn is told by how many turns of the team ago it was, 0 for never.
    """
    turn = row.turn
    before, team = _as_multiples(turn.before.values()), _as_multiples(turn.team_before.values())
    last = [turn.sequence - one if one else 0 for one in turn.last_before.values()]
    return {
        "team": row.team, "lane": row.lane, "number": turn.number, "sequence": turn.sequence,
        "kind": turn.kind, "owner": turn.owner, "payer": turn.payer, "paid": turn.paid,
        "credit_limit": turn.limit, "before": before, "team_before": None if team == before else team,
        "last_before": last, "eligibility": sha256, "source": row.key.source,
        "source_id": row.key.source_id, "epoch": row.epoch,
        "vouchers": [[m.person, m.absence, m.change, m.expires.isoformat()] for m in turn.vouchers] or None,
        "due": {i: day.isoformat() for i, day in turn.due.items()} or None,
    }  # fmt: skip


def turn_row(row: Row[Any], content: Mapping[str, Any]) -> TurnRow:
    """The turn of a row of `turns`, with the content of its eligibility."""
    before = _by_id(row.before, content)
    able = content.get("able")
    turn = Turn(
        number=row.number, sequence=row.sequence, kind=row.kind, owner=row.owner, payer=row.payer,
        weights=content["weights"], shares=content["shares"], before=before, paid=row.paid,
        team_before=before if row.team_before is None else _by_id(row.team_before, content),
        last_before=_last(row, content), limit=row.credit_limit,
        able=None if able is None else tuple(able), serves=content.get("serves", {}),
        vouchers=moves(row.vouchers),
        due={i: date.fromisoformat(day) for i, day in (row.due or {}).items()},
    )  # fmt: skip
    return TurnRow(
        row.team, row.lane, turn, LeadKey(row.source, row.source_id), row.epoch, skipped_of(content)
    )


def booking(row: Row[Any], shares: Mapping[str, int]) -> Booking:
    """What a stored turn changed in the books."""
    return Booking(
        row.lane, row.sequence, row.owner, shares, row.paid, row.payer, moves(row.vouchers), row.kind
    )


def moves(stored: Sequence[Sequence[Any]] | None) -> tuple[VoucherMove, ...]:
    """What a turn changed in vouchers."""
    return tuple(VoucherMove(p, a, change, date.fromisoformat(day)) for p, a, change, day in stored or ())


def _as_multiples(credits: Iterable[int]) -> list[Any]:
    """Credits as [their greatest common divisor, [how many times it]]: shares of a lead have few divisors."""
    plain = list(credits)
    unit = math.gcd(*plain)
    return [unit, [credit // unit for credit in plain]] if unit > 1 else plain


def _by_id(stored: Any, content: Mapping[str, Any]) -> dict[str, int]:
    """Rows of earlier versions hold the names with the numbers."""
    if isinstance(stored, dict):
        return dict(stored)
    if len(stored) == 2 and isinstance(stored[1], list):
        stored = [stored[0] * times for times in stored[1]]
    return dict(zip(content["ids"], stored, strict=True))


def _last(row: Row[Any], content: Mapping[str, Any]) -> dict[str, int]:
    if isinstance(row.last_before, dict):
        return dict(row.last_before)
    return {i: row.sequence - ago if ago else 0 for i, ago in _by_id(row.last_before, content).items()}


def skipped_of(content: Mapping[str, Any]) -> tuple[Skipped, ...]:
    """Who was out, from the content of an eligibility."""
    return tuple(
        Skipped(s["id"], s["why"], _until(s["until"]), tuple(s["also"]), s.get("weight", 1))
        for s in content["skipped"]
    )


def _until(text: str | None) -> date | None:
    """A day, or an instant."""
    if not text:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
