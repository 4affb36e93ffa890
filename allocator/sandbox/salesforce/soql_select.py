"""The SELECT list of a plain query: from a stored row to the nested record that the wire shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from lark import Token

from allocator.sandbox.salesforce import soql_ast as ast
from allocator.sandbox.salesforce.schema import Field, ObjectType
from allocator.sandbox.salesforce.soql_errors import (
    INVALID_FIELD,
    INVALID_TYPE,
    MALFORMED_QUERY,
    unsupported_type,
)
from allocator.sandbox.salesforce.soql_functions import PASSING_FUNCTIONS
from allocator.sandbox.salesforce.soql_scope import Getter, Hop, Row, Scope, value_getter

FIELDS_LIMIT = 200
Children = Callable[[ast.Query, Scope], tuple[str, Getter]]


class Record:
    """The columns of one object in a record, in the order in which the query first names them."""

    def __init__(self, attributes: Getter) -> None:
        self._attributes = attributes
        self._columns: dict[str, Getter] = {}
        self._related: dict[str, tuple[Hop, Record]] = {}

    def put(self, name: str, get: Getter) -> bool:
        """Add a column; False when it is there already."""
        if name in self._columns:
            return False
        self._columns[name] = get
        return True

    def related(self, hop: Hop, attributes: Getter) -> "Record | None":
        """The nested record behind a relationship; None when a column has taken its name."""
        if hop.name not in self._related:
            if not self.put(hop.name, lambda row: None):
                return None
            self._related[hop.name] = (hop, Record(attributes))
        return self._related[hop.name][1]

    def build(self) -> Getter:
        """The closure that makes a record of a row."""
        columns = dict(self._columns)
        for name, (hop, nested) in self._related.items():
            columns[name] = _nested(hop, nested.build())
        pairs, attributes = tuple(columns.items()), self._attributes

        def record(row: Row) -> Row:
            made: Row = {"attributes": attributes(row)}
            for name, get in pairs:
                made[name] = get(row)
            return made

        return record


def _nested(hop: Hop, build: Getter) -> Getter:
    def get(row: Row) -> Row | None:
        parent = hop.parent(row)
        return None if parent is None else build(parent)

    return get


@dataclass
class Selection:
    """Compiles the SELECT list of one query; `children` compiles a query over child rows."""

    scope: Scope
    query: ast.Query
    children: Children

    def compile(self) -> Getter:
        """The closure that makes a record of a row."""
        record = Record(self._attributes(self.scope.entity))
        for item in self.query.items:
            self._add(record, item)
        return record.build()

    def _add(self, record: Record, item: ast.Item) -> None:
        if isinstance(item, ast.TypeOf):
            self._add_typeof(record, item)
        elif isinstance(item, ast.Child):
            name, get = self.children(item.query, self.scope)
            self._put(record, name, get, item.query.source)
        elif isinstance(item.source, ast.Call):
            self._add_call(record, item.source, item.alias)
        elif item.alias is not None:
            text = "only aggregate expressions use field aliasing"
            self.scope.report.fail(MALFORMED_QUERY, text, item.alias.start_pos)
        else:
            self._add_path(record, item.source)

    def _add_path(self, record: Record, token: ast.Path) -> None:
        hops, found = self.scope.path(token)
        entity = self.scope.entity
        for hop in hops:
            nested = record.related(hop, self._attributes(hop.target))
            if nested is None:
                self._duplicate(token)
            record, entity = nested, hop.target
        self._put(record, found.name, value_getter(found, entity, self.scope.data), token)

    def _add_call(self, record: Record, call: ast.Call, alias: Token | None) -> None:
        if call.upper == "FIELDS":
            self._add_fields(record, call)
        elif alias is not None and call.upper in PASSING_FUNCTIONS:
            self._put(record, str(alias), self.scope.operand(call).get, alias)
        elif call.upper in PASSING_FUNCTIONS and len(call.arguments) == 1:
            inner = call.arguments[0]
            self._add_call(record, inner, None) if isinstance(inner, ast.Call) else self._add_path(
                record, inner
            )
        else:
            self.scope.operand(call)
            text = f"{call.name} can only be selected in a query with GROUP BY"
            self.scope.report.fail(MALFORMED_QUERY, text, call.name.start_pos)

    def _add_fields(self, record: Record, call: ast.Call) -> None:
        """FIELDS(ALL | STANDARD | CUSTOM); the vendor wants a LIMIT where the number of fields is open."""
        token = call.arguments[0] if len(call.arguments) == 1 else call.name
        wanted = token.upper() if isinstance(token, Token) else ""
        if wanted not in ("ALL", "STANDARD", "CUSTOM"):
            self.scope.report.fail(MALFORMED_QUERY, f"unexpected token: '{token}'", call.name.start_pos)
        limit = self.query.limit
        if wanted != "STANDARD" and (limit is None or limit > FIELDS_LIMIT):
            text = f"The SOQL FIELDS function must have a LIMIT of at most {FIELDS_LIMIT}"
            self.scope.report.fail(MALFORMED_QUERY, text, call.name.start_pos)
        for found in self.scope.entity.fields:
            if wanted == "ALL" or found.custom == (wanted == "CUSTOM"):
                get = value_getter(found, self.scope.entity, self.scope.data)
                self._put(record, found.name, get, call.name)

    def _add_typeof(self, record: Record, item: ast.TypeOf) -> None:
        hops, reference = self.scope.relationship(item.path)
        if hops or not reference.polymorphic or not reference.relationship_name:
            text = f"TYPEOF needs a polymorphic relationship of the queried object: '{item.path}'"
            self.scope.report.fail(INVALID_FIELD, text, item.path.start_pos)
        builders = {entity: self._branch(entity, paths) for entity, paths in self._branches(item, reference)}
        name_object = self.scope.data.schema.name_object
        other = self._branch(name_object.name, item.otherwise) if item.otherwise else None
        get = self._switch(reference, builders, other)
        self._put(record, reference.relationship_name, get, item.path)

    def _branches(self, item: ast.TypeOf, reference: Field) -> list[tuple[str, tuple[ast.Path, ...]]]:
        found = []
        for token, paths in item.whens:
            entity = self.scope.data.schema.object(token)
            if entity is None or entity.name not in reference.reference_to:
                self.scope.report.fail(INVALID_TYPE, unsupported_type(token), token.start_pos)
            found.append((entity.name, paths))
        return found

    def _branch(self, name: str, paths: tuple[ast.Path, ...]) -> Getter:
        """The record of one WHEN or ELSE, compiled as a SELECT list of its own object."""
        schema = self.scope.data.schema
        entity = schema.object(name) or schema.name_object
        scope = Scope(entity, None, self.scope.data, self.scope.report)
        part = Selection(scope, self.query, self.children)
        record = Record(self._attributes(entity))
        for path in paths:
            part._add_path(record, path)
        return record.build()

    def _switch(self, reference: Field, builders: dict[str, Getter], other: Getter | None) -> Getter:
        parent, data = self.scope.parent_getter(reference), self.scope.data

        def get(row: Row) -> Any:
            found = parent(row)
            build = None if found is None else builders.get(data.type_of(found), other)
            return build(found) if build is not None else None

        return get

    def _attributes(self, entity: ObjectType) -> Getter:
        return self.scope.data.attributes(entity.name)

    def _put(self, record: Record, name: str, get: Getter, token: Token) -> None:
        if not record.put(name, get):
            shown = name if token.upper() == "FIELDS" else token
            self._duplicate(shown)

    def _duplicate(self, shown: str) -> NoReturn:
        # Without an excerpt, as the vendor's reference shows it under FIELDS().
        self.scope.report.fail(INVALID_FIELD, f"duplicate field selected: {shown}")
