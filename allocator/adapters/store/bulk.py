"""Thousands of rows in one statement, on each database the fastest way it has.

SQLite takes them row by row from one prepared statement; PostgreSQL takes them all as one JSON text, which
costs the driver least (arrays of texts cost ten times more). Values are made ready a column at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection

from allocator.adapters.store.tables import Json, Time, Words, escape, json_text, time_text

Rows = Sequence[Mapping[str, Any]]


def insert_rows(
    connection: Connection, table: sa.Table, rows: Rows, conflict: Callable[[Any], Any] | None = None
) -> None:
    """Insert the rows, which all have the keys of the first. `conflict` adds ON CONFLICT to the statement."""
    if not rows:
        return
    names = list(rows[0])
    columns = {name: _ready(table.c[name], [row[name] for row in rows]) for name in names}
    if connection.dialect.name == "sqlite":
        plain: Any = sqlite_insert(table)
        _by_row(connection, conflict(plain) if conflict else plain, columns)
    else:
        whole: Any = postgresql_insert(table).from_select(names, sa.select(*_at_once(table, names)))
        connection.execute(conflict(whole) if conflict else whole, _as_one(columns))


def update_rows(
    connection: Connection,
    table: sa.Table,
    rows: Rows,
    *,
    key: Sequence[str],
    where: sa.ColumnElement[bool] | None = None,
) -> None:
    """Set what each row holds beside its `key`, where the key fits."""
    if not rows:
        return
    names = list(rows[0])
    columns = {f"v_{name}": _ready(table.c[name], [row[name] for row in rows]) for name in names}
    if connection.dialect.name == "sqlite":
        value: Any = {n: sa.bindparam(f"v_{n}", type_=table.c[n].type) for n in names}
    else:
        value = dict(zip(names, _at_once(table, names), strict=True))
    fits = [table.c[name] == value[name] for name in key]
    if where is not None:
        fits.append(where)
    statement = sa.update(table).where(*fits).values({name: value[name] for name in names if name not in key})
    if connection.dialect.name == "sqlite":
        _by_row(connection, statement, columns)
    else:
        connection.execute(statement, _as_one(columns))


def _ready(column: sa.Column[Any], values: list[Any]) -> list[Any]:
    """What `Words`, `Time` and `Json` would make of each value."""
    if isinstance(column.type, Words):
        return [None if v is None else escape(v) for v in values]
    if isinstance(column.type, Json):
        return [json_text(v) for v in values]
    if isinstance(column.type, Time):
        seen = {v: None if v is None else time_text(v) for v in set(values)}
        return [seen[v] for v in values]
    return values


def _by_row(connection: Connection, statement: Any, columns: Mapping[str, list[Any]]) -> None:
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    fixed = compiled.params
    count = len(next(iter(columns.values())))
    ordered = [columns.get(name) or [fixed[name]] * count for name in compiled.positiontup]
    connection.exec_driver_sql(str(compiled), list(zip(*ordered, strict=True)))


def _at_once(table: sa.Table, names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The columns of the rows that `_as_one` sends. Short names, since each row repeats them."""
    typed = [sa.column(f"c{n}", _sent_as(table.c[name])) for n, name in enumerate(names)]
    rows = sa.func.json_to_recordset(sa.cast(sa.bindparam("v_rows", type_=sa.Text), postgresql.JSON))
    return list(rows.table_valued(*typed, name="v").render_derived(name="v", with_types=True).c)


def _as_one(columns: Mapping[str, list[Any]]) -> dict[str, str]:
    short = [f"c{n}" for n in range(len(columns))]
    return {
        "v_rows": json_text(
            [dict(zip(short, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        )
    }


def _sent_as(column: sa.Column[Any]) -> Any:
    return column.type if isinstance(column.type, sa.BigInteger | sa.Boolean) else sa.Text()
