"""Aggregate queries: COUNT(Id), SUM and their like, GROUP BY and HAVING.

A group is the list of its rows. Sources: vendor's SOQL reference, "Aggregate Functions", "GROUP BY".
"""

from collections.abc import Callable
from typing import Any

from allocator.sandbox.salesforce import soql_ast as ast
from allocator.sandbox.salesforce.soql_errors import INVALID_FIELD, MALFORMED_QUERY
from allocator.sandbox.salesforce.soql_functions import DATE_FUNCTIONS
from allocator.sandbox.salesforce.soql_scope import AGGREGATES, NUMBERS, Getter, Operand, Row, Scope

Group = list[Row]


def is_aggregate(query: ast.Query) -> bool:
    """True when the query gives AggregateResult records."""
    calls = [item.source for item in query.items if isinstance(item, ast.Column)]
    return bool(query.group) or any(isinstance(c, ast.Call) and c.upper in AGGREGATES for c in calls)


def is_count(query: ast.Query) -> bool:
    """True for `SELECT COUNT() FROM ...`, which answers with a number and no records."""
    item = query.items[0]
    if len(query.items) != 1 or not isinstance(item, ast.Column) or not isinstance(item.source, ast.Call):
        return False
    return item.source.upper == "COUNT" and not item.source.arguments and item.alias is None


class Grouping:
    """Compiles the names of an aggregate query: what they mean for a group rather than for a row."""

    def __init__(self, scope: Scope, query: ast.Query) -> None:
        self._scope = scope
        self._query = query
        self._by = [self._groupable(source) for source in query.group]
        self._names = [_normal(source, scope) for source in query.group]
        self._aliases = self._aliased()

    def groups(self, rows: list[Row]) -> list[Group]:
        """The rows by what they are grouped by; without GROUP BY all in one."""
        if not self._by:
            return [rows]
        keys = [operand.key for operand in self._by]
        found: dict[tuple[Any, ...], Group] = {}
        for row in rows:
            found.setdefault(tuple(key(row) for key in keys), []).append(row)
        return list(found.values())

    def columns(self) -> Callable[[Group], Row]:
        """The closure that makes an AggregateResult of a group."""
        pairs: dict[str, Getter] = {}
        for item in self._query.items:
            name, get = self._column(item, sum(name.startswith("expr") for name in pairs))
            if name in pairs:
                self._scope.report.fail(MALFORMED_QUERY, f"duplicate alias: {name}")
            pairs[name] = get
        return lambda group: {
            "attributes": {"type": "AggregateResult"},
            **{name: get(group) for name, get in pairs.items()},
        }

    def operand(self, source: ast.Operand) -> Operand:
        """The meaning of a path, a function or an alias for each group."""
        return self._meaning(source, "Field must be grouped or aggregated")

    def ordering(self, source: ast.Operand) -> Operand:
        """The same for ORDER BY, whose refusal the vendor words otherwise."""
        return self._meaning(source, "Ordered field must be grouped or aggregated")

    def _meaning(self, source: ast.Operand, refusal: str) -> Operand:
        if isinstance(source, ast.Call) and source.upper in AGGREGATES:
            return self._aggregate(source)
        if not isinstance(source, ast.Call) and source.lower() in self._aliases:
            return self._meaning(self._aliases[source.lower()], refusal)
        name = _normal(source, self._scope)
        if name not in self._names:
            text = f"{refusal}: {_shown(source)}"
            self._scope.report.fail(MALFORMED_QUERY, text, ast.position_of(source))
        return _of_first(self._by[self._names.index(name)])

    def _aliased(self) -> dict[str, ast.Operand]:
        """Aliases of aggregates may be sorted by."""
        items = [
            item for item in self._query.items if isinstance(item, ast.Column) and item.alias is not None
        ]
        return {
            item.alias.lower(): item.source
            for item in items
            if isinstance(item.source, ast.Call) and item.alias
        }

    def _groupable(self, source: ast.Operand) -> Operand:
        if isinstance(source, ast.Call) and source.upper not in DATE_FUNCTIONS:
            text = f"unexpected token: '{source.name}'"
            self._scope.report.fail(MALFORMED_QUERY, text, source.name.start_pos)
        found = self._scope.operand(source)
        if found.field is not None and not found.field.groupable:
            text = f"field '{found.name}' can not be grouped in a query call"
            self._scope.report.fail(MALFORMED_QUERY, text, found.position)
        return found

    def _column(self, item: ast.Item, unnamed: int) -> tuple[str, Getter]:
        if not isinstance(item, ast.Column):
            self._scope.report.fail(MALFORMED_QUERY, "a grouped query selects no sub-queries and no TYPEOF")
        found = self.operand(item.source)
        if item.alias is not None:
            return str(item.alias), found.get
        return f"expr{unnamed}" if isinstance(item.source, ast.Call) else found.name, found.get

    def _aggregate(self, call: ast.Call) -> Operand:
        if len(call.arguments) != 1:
            text = f"unexpected token: '{call.name}'"
            self._scope.report.fail(MALFORMED_QUERY, text, call.name.start_pos)
        inner = self._scope.operand(call.arguments[0])
        self._must_aggregate(call, inner)
        kind, get = _FOLDS[call.upper](inner)
        return Operand(str(call.name), kind, get, _comparable(get, inner, kind), call.name.start_pos or 0)

    def _must_aggregate(self, call: ast.Call, inner: Operand) -> None:
        allowed = inner.field is None or inner.field.aggregatable
        if call.upper in ("SUM", "AVG"):
            allowed = inner.type in NUMBERS
        if not allowed:
            text = f"field {inner.name} does not support aggregate operator {call.upper}"
            self._scope.report.fail(INVALID_FIELD, text, call.name.start_pos)


def _normal(source: ast.Operand, scope: Scope) -> str:
    """One spelling for one thing, so that `l.status` in SELECT is `Status` in GROUP BY."""
    if isinstance(source, ast.Call):
        inner = ",".join(_normal(part, scope) for part in source.arguments)
        return f"{source.upper}({inner})"
    hops, found = scope.path(source)
    return ".".join([*(hop.name for hop in hops), found.name])


def _shown(source: ast.Operand) -> str:
    if isinstance(source, ast.Call):
        return f"{source.name}({', '.join(_shown(part) for part in source.arguments)})"
    return str(source)


def _of_first(found: Operand) -> Operand:
    """What all rows of a group share is read from its first one."""
    get, key = found.get, found.key
    return Operand(
        found.name, found.type, lambda g: get(g[0]), lambda g: key(g[0]), found.position, found.field
    )


def _count(inner: Operand) -> tuple[str, Getter]:
    get = inner.get
    return "int", lambda group: sum(get(row) is not None for row in group)


def _distinct(inner: Operand) -> tuple[str, Getter]:
    key = inner.key
    return "int", lambda group: len({value for row in group if (value := key(row)) is not None})


def _sum(inner: Operand) -> tuple[str, Getter]:
    values = _values(inner)
    return inner.type, lambda group: sum(found) if (found := values(group)) else None


def _average(inner: Operand) -> tuple[str, Getter]:
    values = _values(inner)
    return "double", lambda group: sum(found) / len(found) if (found := values(group)) else None


def _extreme(choose: Callable[..., Any]) -> Callable[[Operand], tuple[str, Getter]]:
    def made(inner: Operand) -> tuple[str, Getter]:
        get, key = inner.get, inner.key

        def value(group: Group) -> Any:
            rows = [row for row in group if key(row) is not None]
            return get(choose(rows, key=key)) if rows else None

        return inner.type, value

    return made


def _values(inner: Operand) -> Callable[[Group], list[Any]]:
    get = inner.get
    return lambda group: [value for row in group if (value := get(row)) is not None]


def _comparable(get: Getter, inner: Operand, kind: str) -> Getter:
    """MIN and MAX of a text compare as texts do: without case."""
    if kind in NUMBERS or not inner.is_text:
        return get
    return lambda group: None if (value := get(group)) is None else str(value).lower()


_FOLDS = {
    "COUNT": _count,
    "COUNT_DISTINCT": _distinct,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme(min),
    "MAX": _extreme(max),
}
