"""The versions of the workbook: one row for each time that one became the newest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.tables import tables_versions
from allocator.domain.records import TablesVersion, judged_otherwise, stands
from allocator.domain.versions import KEPT, How, Moves, Rows, Standing

OPEN = (Standing.WAITING.value, Standing.NEXT.value)
_V = tables_versions.c
_LIGHT = [column for column in _V if column.name != "content"]


def running(connection: Connection) -> TablesVersion | None:
    """The newest accepted version, with its content."""
    return _first(connection, sa.select(tables_versions).where(_V.state == Standing.ACCEPTED.value))


def of(connection: Connection, sha256: str) -> TablesVersion | None:
    return _first(connection, sa.select(tables_versions).where(_V.sha256 == sha256))


def listed(connection: Connection, limit: int) -> Sequence[TablesVersion]:
    query = sa.select(*_LIGHT).order_by(_V.number.desc()).limit(limit)
    return [_version(row, b"") for row in connection.execute(query)]


def known(connection: Connection, sha256: str) -> bool:
    query = sa.select(_V.number).where(_V.sha256 == sha256).limit(1)
    return connection.execute(query).first() is not None


def put(connection: Connection, version: TablesVersion, after: str) -> bool:
    """`Store.put_tables`."""
    newest = connection.execute(sa.select(*_LIGHT).order_by(_V.number.desc()).limit(1)).first()
    if newest is not None and stands(_version(newest, b""), version):
        return True
    if newest is not None and judged_otherwise(_version(newest, b""), version):
        return False
    if after and _running_sha(connection) != after:
        return False
    number = newest.number + 1 if newest else 1
    if newest is not None and newest.state in OPEN and newest.sha256 == version.sha256:
        number = newest.number
        connection.execute(sa.delete(tables_versions).where(_V.number == number))
    _supersede(connection)
    connection.execute(sa.insert(tables_versions).values(number=number, **_row(version)))
    _forget(connection, number - KEPT)
    return True


def withdraw(connection: Connection, sha256: str) -> None:
    _supersede(connection, _V.sha256 == sha256)


def _running_sha(connection: Connection) -> str | None:
    query = sa.select(_V.sha256).where(_V.state == Standing.ACCEPTED.value)
    found: str | None = connection.execute(query.order_by(_V.number.desc()).limit(1)).scalar()
    return found


def _supersede(connection: Connection, *which: Any) -> None:
    change = sa.update(tables_versions).where(_V.state.in_(OPEN), *which)
    connection.execute(change.values(state=Standing.SUPERSEDED.value))


def _forget(connection: Connection, until: int) -> None:
    """A program that saves every minute must not fill the store."""
    old = sa.update(tables_versions).where(_V.state == Standing.SUPERSEDED.value, _V.number <= until)
    connection.execute(old.where(sa.func.length(_V.content) > 0).values(content=b""))


def _first(connection: Connection, query: sa.Select[Any]) -> TablesVersion | None:
    row = connection.execute(query.order_by(_V.number.desc()).limit(1)).first()
    return None if row is None else _version(row, bytes(row.content))


def _version(row: Row[Any], content: bytes) -> TablesVersion:
    return TablesVersion(
        row.sha256, content, row.accepted_at, row.origin, row.saved_by, Standing(row.state), How(row.how),
        row.base, row.warnings,
        None if row.added is None else Rows(row.added, row.changed, row.removed),
        None if row.leads is None else Moves(row.leads, row.moved),
    )  # fmt: skip


def _row(version: TablesVersion) -> dict[str, Any]:
    rows, moves = version.rows, version.moves
    return {
        "sha256": version.sha256, "content": version.content, "accepted_at": version.accepted_at,
        "origin": version.origin, "saved_by": version.saved_by, "state": version.state.value,
        "how": version.how.value, "base": version.base, "warnings": version.warnings,
        "added": rows.added if rows else None, "changed": rows.changed if rows else None,
        "removed": rows.removed if rows else None, "leads": moves.leads if moves else None,
        "moved": moves.moved if moves else None,
    }  # fmt: skip
