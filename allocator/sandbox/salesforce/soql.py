"""SOQL, as the sandbox answers it: text, schema and rows in, wire-shaped records out.

The promise is the vendor's: what is not understood is MALFORMED_QUERY, an unknown field INVALID_FIELD and an
unknown object INVALID_TYPE, never an empty result. Source: "SOQL and SOSL Reference" and the REST guide's
error codes; the records look as recorded answers do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from allocator.sandbox.salesforce import soql_ast as ast
from allocator.sandbox.salesforce.schema import Schema
from allocator.sandbox.salesforce.soql_errors import (
    INVALID_TYPE,
    MALFORMED_QUERY,
    QUERY_TOO_COMPLICATED,
    TOO_COMPLICATED,
    Reporter,
    SoqlError,
    unknown_child,
    unsupported_type,
)
from allocator.sandbox.salesforce.soql_group import Grouping, is_aggregate, is_count
from allocator.sandbox.salesforce.soql_parse import parse
from allocator.sandbox.salesforce.soql_scope import Data, Getter, Operand, Row, Scope
from allocator.sandbox.salesforce.soql_select import Selection
from allocator.sandbox.salesforce.soql_where import Check, Conditions, joins_in

__all__ = ["Result", "SoqlError", "execute"]

_MAX_JOINS = 2
_WITH = ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE")


@dataclass(frozen=True)
class Result:
    """The whole answer, before it is cut into pages."""

    total_size: int
    records: list[Row]
    is_count: bool = False


def execute(
    text: str,
    schema: Schema,
    rows: Callable[[str], Iterable[Row]],
    *,
    now: datetime,
    version: str,
    include_deleted: bool = False,
    user: str | None = None,
    user_timezone: tzinfo = UTC,
) -> Result:
    """Answer a query. `rows` gives the stored rows of an object; `now` and the zone place TODAY.

    Raises SoqlError with the vendor's code and message.
    """
    base = f"/services/data/v{version.lstrip('v')}/sobjects/"
    data = Data(schema, rows, now, user_timezone, base, include_deleted, user)
    try:
        return _Execution(data, Reporter(text)).run(parse(text))
    except RecursionError:
        raise SoqlError(QUERY_TOO_COMPLICATED, TOO_COMPLICATED) from None


class _Execution:
    """One query with its sub-queries, over one look at the data."""

    def __init__(self, data: Data, report: Reporter) -> None:
        self._data = data
        self._report = report
        self._joining = False

    def run(self, query: ast.Query) -> Result:
        scope = self._scope(query)
        plan = self._plan(query, scope)
        rows = self._scoped(query, scope, self._data.live(scope.entity.name))
        if is_count(query):
            return Result(len(_window(query, plan.matching(rows))), [], is_count=True)
        records = plan.records(rows)
        return Result(len(records), records)

    def _scoped(self, query: ast.Query, scope: Scope, rows: list[Row]) -> list[Row]:
        """USING SCOPE: everything, or what the running user owns; the others need what this org lacks."""
        token = query.scope_token
        name = "everything" if token is None else token.lower()
        if name == "everything":
            return rows
        if name != "mine":
            text = f"scope '{token}' is not supported on {scope.entity.name}"
            self._report.fail(MALFORMED_QUERY, text, token.start_pos if token is not None else 0)
        if scope.entity.field("OwnerId") is None:
            text = f"scope 'mine' needs an owner, which {scope.entity.name} has not"
            self._report.fail(MALFORMED_QUERY, text, query.source.start_pos)
        return [row for row in rows if row.get("OwnerId") == self._data.user]

    def _scope(self, query: ast.Query) -> Scope:
        entity = self._data.schema.object(query.source)
        if entity is None or not entity.queryable:
            self._report.fail(INVALID_TYPE, unsupported_type(query.source), query.source.start_pos)
        return Scope(entity, query.alias, self._data, self._report)

    def _plan(self, query: ast.Query, scope: Scope) -> "_Plan":
        """Everything of the query compiled and checked, so that an error needs no rows to show."""
        self._check_clauses(query)
        where = self._filter(query, scope)
        if is_count(query) and not query.group:
            return _Plan(query, where, self._order(query, scope.operand), dict)
        if is_aggregate(query):
            return self._grouped(query, scope, where)
        build = Selection(scope, query, self._children).compile()
        return _Plan(query, where, self._order(query, scope.operand), build)

    def _filter(self, query: ast.Query, scope: Scope) -> Check | None:
        """WHERE, with the vendor's limits on semi-joins: two at most, on other objects, not nested."""
        if query.where is None:
            return None
        joins = joins_in(query.where)
        if len(joins) > _MAX_JOINS:
            text = f"Maximum {_MAX_JOINS} semi join sub-selects are allowed"
            self._report.fail(MALFORMED_QUERY, text, joins[_MAX_JOINS].position)
        for join in joins:
            if isinstance(join.right, ast.Query) and join.right.source.lower() == scope.entity.name.lower():
                text = "The inner and outer selects should not be on the same object type"
                self._report.fail(MALFORMED_QUERY, text, join.right.position)
        return self._conditions(scope.operand).compile(query.where)

    def _grouped(self, query: ast.Query, scope: Scope, where: Check | None) -> "_Plan":
        grouping = Grouping(scope, query)
        build = grouping.columns()
        having = self._conditions(grouping.operand).compile(query.having) if query.having else None
        order = self._order(query, grouping.ordering)
        return _Plan(query, where, order, build, grouping, having)

    def _check_clauses(self, query: ast.Query) -> None:
        if query.all_rows is not None:
            self._report.fail(
                MALFORMED_QUERY, "ALL ROWS not allowed in this context", query.all_rows.start_pos
            )
        if query.having is not None and not query.group:
            self._report.fail(MALFORMED_QUERY, "HAVING clause requires a GROUP BY clause", query.position)
        mode = query.with_token
        if mode is not None and mode.upper() not in _WITH:
            self._report.fail(MALFORMED_QUERY, f"unexpected token: '{mode}'", mode.start_pos)

    def _conditions(self, resolve: Callable[[ast.Operand], Operand]) -> Conditions:
        today = self._data.now.astimezone(self._data.zone).date()
        return Conditions(resolve, self._inner_ids, self._report, today, self._data.zone)

    def _order(self, query: ast.Query, resolve: Callable[[ast.Operand], Operand]) -> "list[_Key]":
        keys = []
        for sort in query.order:
            found = resolve(sort.source)
            if found.field is not None and not found.field.sortable:
                text = f"field '{found.name}' can not be sorted in a query call"
                self._report.fail(MALFORMED_QUERY, text, found.position)
            keys.append(_Key(found.key, sort.descending, sort.nulls_last))
        return keys

    def _inner_ids(self, query: ast.Query) -> frozenset[str]:
        """The ids that the query of a semi-join finds."""
        source = self._inner_source(query)
        scope = self._scope(query)
        found = scope.operand(source)
        if not found.is_id:
            text = f"The selected field in the subquery should be an id field, cannot use: '{found.name}'"
            self._report.fail(MALFORMED_QUERY, text, found.position)
        if self._joining:
            self._report.fail(
                MALFORMED_QUERY, "Nesting of semi join sub-selects is not supported", query.position
            )
        self._joining = True
        plan = self._plan(query, scope)
        self._joining = False
        matching = plan.matching(self._data.live(scope.entity.name))
        return frozenset(key for row in matching if (key := found.key(row)) is not None)

    def _inner_source(self, query: ast.Query) -> ast.Path:
        """The one field of a semi-join's query, which has nothing but FROM and WHERE besides."""
        item = query.items[0]
        if len(query.items) != 1 or not isinstance(item, ast.Column) or isinstance(item.source, ast.Call):
            text = "a sub-query of IN selects exactly one field"
            self._report.fail(MALFORMED_QUERY, text, query.position)
        if query.group or query.having or query.order or query.limit is not None or query.offset:
            text = "a sub-query of IN has no GROUP BY, HAVING, ORDER BY, LIMIT or OFFSET"
            self._report.fail(MALFORMED_QUERY, text, query.position)
        return item.source

    def _children(self, query: ast.Query, above: Scope) -> tuple[str, Getter]:
        """A query over child rows: the name of its column and what it holds for a parent."""
        *prefix, name = query.source.split(".")
        relationship = above.entity.child_relationship(name)
        child = self._data.schema.object(relationship.child) if relationship else None
        if child is None or relationship is None or relationship.name is None or len(prefix) > 1:
            self._report.fail(INVALID_TYPE, unknown_child(query.source), query.source.start_pos)
        if is_aggregate(query):
            text = "only root queries support aggregate expressions"
            self._report.fail(MALFORMED_QUERY, text, query.position)
        scope = Scope(child, query.alias, self._data, self._report)
        plan = self._plan(query, scope)
        by_parent, field = self._data.children, relationship.field

        def get(row: Row) -> Any:
            rows = by_parent(child.name, field).get(row["Id"][:15], [])
            records = plan.records(rows) if rows else []
            return {"totalSize": len(records), "done": True, "records": records} if records else None

        return relationship.name, get


@dataclass(frozen=True)
class _Key:
    """One key of ORDER BY, ready to sort by."""

    key: Getter
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class _Plan:
    """A compiled query."""

    query: ast.Query
    where: Check | None
    order: list[_Key]
    build: Getter
    grouping: Grouping | None = None
    having: Check | None = None

    def matching(self, rows: list[Row]) -> list[Row]:
        """The rows that WHERE lets through."""
        return rows if self.where is None else [row for row in rows if self.where(row)]

    def records(self, rows: list[Row]) -> list[Row]:
        """The wire records, filtered, grouped, sorted and cut."""
        found: list[Any] = self.matching(rows)
        if self.grouping is not None:
            found = self.grouping.groups(found)
            found = found if self.having is None else [group for group in found if self.having(group)]
        build = self.build
        return [build(row) for row in _window(self.query, _sorted(found, self.order))]


def _sorted(rows: list[Any], keys: list[_Key]) -> list[Any]:
    """Stable, so sorting by the last key first makes the first one lead."""
    for sort in reversed(keys):
        key = sort.key
        empty = [row for row in rows if key(row) is None]
        full = sorted((row for row in rows if key(row) is not None), key=key, reverse=sort.descending)
        rows = full + empty if sort.nulls_last else empty + full
    return rows


def _window(query: ast.Query, rows: list[Any]) -> list[Any]:
    end = None if query.limit is None else query.offset + query.limit
    return rows[query.offset : end]
