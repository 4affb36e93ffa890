"""Incidents and silences as rows; the book that `think` reads, and what it wants written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import mails as post
from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.tables import incidents, silences, time_text
from allocator.domain.alerts import (
    Book,
    Changes,
    Finding,
    Incident,
    Level,
    Reader,
    Silence,
    Think,
    Told,
)
from allocator.errors import UnknownName


def change(connection: Connection, think: Think, now: datetime) -> Changes:
    """Read the book, think, write. The caller holds the lock that makes this one at a time."""
    changes = think(book(connection, now))
    for incident in changes.incidents:
        _save(connection, incident)
    post.add(connection, changes.mails)
    return changes


def written(connection: Connection, changes: Changes) -> Changes | None:
    """These very changes if the store holds them; None when it does not, or when there are none."""
    names = [incident.id for incident in changes.incidents]
    rows = connection.execute(sa.select(incidents).where(incidents.c.id.in_(names)))
    stored = {row.id: _incident(row) for row in rows}
    return changes if names and stored == {i.id: i for i in changes.incidents} else None


def book(connection: Connection, now: datetime) -> Book:
    alive = connection.execute(sa.select(incidents).where(incidents.c.live).order_by(incidents.c.number))
    last = connection.execute(sa.select(sa.func.max(incidents.c.number))).scalar() or 0
    alerts, answers = post.counted_today(connection, now)
    return Book(
        incidents=tuple(_incident(row) for row in alive),
        silences=tuple(silences_at(connection, now)),
        mailed_today=alerts, answered_today=answers, last_number=last,
    )  # fmt: skip


def listed(connection: Connection, limit: int) -> Sequence[Incident]:
    """Open ones first, then the newest of the others."""
    closed = sa.case((incidents.c.resolved.is_(None), 0), else_=1)
    query = sa.select(incidents).order_by(closed, incidents.c.number.desc()).limit(limit)
    return [_incident(row) for row in connection.execute(query)]


def ack(connection: Connection, name: str, until: datetime, by: str) -> Incident:
    query = sa.select(incidents).where(incidents.c.id == name.upper(), incidents.c.resolved.is_(None))
    row = connection.execute(query).first()
    if row is None:
        raise UnknownName(f"No open incident is called {name}. See: allocator alerts list")
    incident = replace(_incident(row), acked_until=until, acked_by=by)
    _save(connection, incident)
    return incident


def silence(connection: Connection, one: Silence) -> None:
    connection.execute(sa.delete(silences).where(silences.c.kind == one.kind, silences.c.place == one.key))
    row = {"kind": one.kind, "place": one.key, "until": one.until, "said_by": one.by, "reason": one.reason}
    insert_rows(connection, silences, [row])


def silences_at(connection: Connection, now: datetime) -> Sequence[Silence]:
    query = sa.select(silences).where(silences.c.until > now).order_by(silences.c.kind, silences.c.place)
    return [Silence(r.kind, r.place, r.until, r.said_by, r.reason) for r in connection.execute(query)]


def _save(connection: Connection, incident: Incident) -> None:
    number = connection.execute(sa.select(incidents.c.number).where(incidents.c.id == incident.id)).scalar()
    values = _row(incident)
    if number is not None:
        connection.execute(sa.update(incidents).where(incidents.c.number == number).values(values))
        return
    last = connection.execute(sa.select(sa.func.max(incidents.c.number))).scalar() or 0
    connection.execute(sa.insert(incidents).values(number=last + 1, id=incident.id, **values))


def _row(incident: Incident) -> dict[str, Any]:
    told = {
        address: {"at": time_text(t.at), "count": t.count, "mails": t.mails, "edition": t.edition}
        for address, t in incident.told.items()
    }
    return {
        "kind": incident.finding.kind, "place": incident.finding.key, "opened": incident.opened,
        "seen": incident.seen, "count": incident.count, "resolved": incident.resolved,
        "live": incident.resolved is None or bool(told), "told": told,
        "finding": {**asdict(incident.finding), "readers": sorted(incident.finding.readers)},
        "acked_until": incident.acked_until, "acked_by": incident.acked_by,
    }  # fmt: skip


def _incident(row: Row[Any]) -> Incident:
    told = {
        address: Told(datetime.fromisoformat(t["at"]), t["count"], t["mails"], t["edition"])
        for address, t in row.told.items()
    }
    return Incident(
        id=row.id, finding=_finding(row.finding), opened=row.opened, seen=row.seen,
        count=row._mapping["count"],  # a row is a tuple too, and those have a method of that name
        resolved=row.resolved, told=told, acked_until=row.acked_until, acked_by=row.acked_by,
    )  # fmt: skip


def _finding(stored: Mapping[str, Any]) -> Finding:
    return Finding(
        kind=stored["kind"], key=stored["key"], count=stored["count"], total=stored["total"],
        level=Level(stored["level"]) if stored["level"] else None,
        readers=frozenset(Reader(r) for r in stored["readers"]),
        causes=tuple((code, n) for code, n in stored["causes"]), leads=tuple(stored["leads"]),
        details=tuple(stored["details"]), edition=stored["edition"],
    )  # fmt: skip
