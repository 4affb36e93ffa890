"""What a name in a query means: fields, relationship paths and functions, compiled once to plain closures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from allocator.sandbox.salesforce import soql_ast as ast
from allocator.sandbox.salesforce.schema import Field, ObjectType, Schema, to18
from allocator.sandbox.salesforce.soql_errors import (
    INVALID_FIELD,
    MALFORMED_QUERY,
    Reporter,
    no_such_column,
    unknown_relationship,
)
from allocator.sandbox.salesforce.soql_functions import DATE_FUNCTIONS, PASSING_FUNCTIONS
from allocator.sandbox.salesforce.soql_values import fold, stored_instant

Row = dict[str, Any]
Getter = Callable[[Any], Any]
MAX_HOPS = 5
AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_FLOATS = NUMBERS - {"int", "long"}


@dataclass(frozen=True)
class Operand:
    """Something that has a value for each row: `get` as the wire shows it, `key` as it compares."""

    name: str
    type: str
    get: Getter
    key: Getter
    position: int
    field: Field | None = None

    @property
    def is_id(self) -> bool:
        return self.type in ("id", "reference")

    @property
    def is_text(self) -> bool:
        return self.type == "string" or (self.field is not None and self.field.is_text)


@dataclass
class Data:
    """The rows that a query sees, with the look-ups that its relationships need, each built once."""

    schema: Schema
    rows: Callable[[str], Iterable[Row]]
    now: datetime
    zone: tzinfo
    base: str
    include_deleted: bool
    user: str | None = None
    _by_id: dict[str, dict[str, Row]] = field(default_factory=dict)
    _children: dict[tuple[str, str], dict[str, list[Row]]] = field(default_factory=dict)

    def live(self, name: str) -> list[Row]:
        """The rows of an object, without the recycle bin unless it was asked for."""
        found = self.rows(name)
        return list(found) if self.include_deleted else [row for row in found if not row.get("IsDeleted")]

    def by_id(self, name: str) -> dict[str, Row]:
        """Rows by 15-character id. A parent in the recycle bin still shows through its children."""
        known = self._by_id.get(name)
        if known is None:
            rows = self.rows(name) if self.schema.object(name) else ()
            known = self._by_id[name] = {row["Id"][:15]: row for row in rows}
        return known

    def children(self, name: str, reference: str) -> dict[str, list[Row]]:
        """Rows of an object by the 15-character id in one of their reference fields."""
        known = self._children.get((name, reference))
        if known is None:
            known = self._children[name, reference] = {}
            for row in self.live(name):
                if row.get(reference):
                    known.setdefault(row[reference][:15], []).append(row)
        return known

    def type_of(self, row: Row) -> str:
        """The object of a row, told by its id."""
        found = self.schema.object_of_id(row["Id"])
        return found.name if found is not None else "Name"

    def attributes(self, name: str) -> Callable[[Row], dict[str, str]]:
        """What starts every record: its type and address."""
        if name == "Name":
            return lambda row: {"type": "Name", "url": f"{self.base}{self.type_of(row)}/{row['Id']}"}
        start = f"{self.base}{name}/"
        return lambda row: {"type": name, "url": start + row["Id"]}


@dataclass(frozen=True)
class Hop:
    """One step from a row to the row that a reference field points at."""

    name: str
    target: ObjectType
    parent: Callable[[Row], Row | None]


class Scope:
    """The names of one FROM: its object, its alias, and what can be reached from there."""

    def __init__(self, entity: ObjectType, alias: str | None, data: Data, report: Reporter) -> None:
        self.entity = entity
        self.data = data
        self.report = report
        self._alias = alias.lower() if alias else None

    def operand(self, source: ast.Operand) -> Operand:
        """The meaning of a path or function for each row. Raises SoqlError for what does not exist."""
        if isinstance(source, ast.Call):
            return self._function(source)
        hops, found = self.path(source)
        return self._through(hops, found, source)

    def path(self, token: ast.Path) -> tuple[tuple[Hop, ...], Field]:
        """The relationships of a path and the field at its end."""
        hops, entity, last = self._walk(token)
        found = entity.field(last)
        if found is None:
            self.report.fail(INVALID_FIELD, no_such_column(last, entity.name), token.start_pos)
        return hops, found

    def relationship(self, token: ast.Path) -> tuple[tuple[Hop, ...], Field]:
        """Like `path`, for a path that ends in a relationship (TYPEOF Owner)."""
        hops, entity, last = self._walk(token)
        found = entity.relationship(last)
        if found is None:
            self.report.fail(INVALID_FIELD, unknown_relationship(last), token.start_pos)
        return hops, found

    def _walk(self, token: ast.Path) -> tuple[tuple[Hop, ...], ObjectType, str]:
        *names, last = self._without_prefix(token.split("."))
        if len(names) > MAX_HOPS:
            text = f"SOQL relationship queries may go up at most {MAX_HOPS} levels: {token}"
            self.report.fail(MALFORMED_QUERY, text, token.start_pos)
        entity, hops = self.entity, []
        for name in names:
            hop = self._hop(entity, name, token)
            hops.append(hop)
            entity = hop.target
        return tuple(hops), entity, last

    def _without_prefix(self, names: list[str]) -> list[str]:
        """`l.Name` and `Lead.Name` mean `Name`; a relationship of that name comes first."""
        head = names[0].lower()
        if len(names) == 1 or head not in (self._alias, self.entity.name.lower()):
            return names
        return names if head != self._alias and self.entity.relationship(head) else names[1:]

    def _hop(self, entity: ObjectType, name: str, token: ast.Path) -> Hop:
        reference = entity.relationship(name)
        target = self._target(reference) if reference is not None else None
        if reference is None or target is None or not reference.relationship_name:
            self.report.fail(INVALID_FIELD, unknown_relationship(name), token.start_pos)
        return Hop(reference.relationship_name, target, self.parent_getter(reference))

    def _target(self, reference: Field) -> ObjectType | None:
        if reference.polymorphic:
            return self.data.schema.name_object
        return self.data.schema.object(reference.reference_to[0])

    def parent_getter(self, reference: Field) -> Callable[[Row], Row | None]:
        """From a row to the row that its reference points at, or None."""
        name, data = reference.name, self.data

        def parent(row: Row) -> Row | None:
            found = row.get(name)
            if not found or not isinstance(found, str):
                return None
            tables = (data.by_id(target) for target in reference.reference_to)
            return next((table[found[:15]] for table in tables if found[:15] in table), None)

        return parent

    def _through(self, hops: tuple[Hop, ...], found: Field, token: ast.Path) -> Operand:
        entity = hops[-1].target if hops else self.entity
        get = climbing(hops, value_getter(found, entity, self.data))
        key = climbing(hops, get_key) if (get_key := stored_key(found, entity)) else key_of(get, found)
        if found.type == "boolean":
            # No parent, no tick: a boolean is never null in a comparison.
            plain = key
            key = lambda row: bool(plain(row))  # noqa: E731
        position = token.start_pos or 0
        return Operand(found.name, found.type, get, key, position, found)

    def _function(self, call: ast.Call) -> Operand:
        if call.upper in AGGREGATES:
            text = f"aggregate functions are not allowed here: {call.name}"
            self.report.fail(MALFORMED_QUERY, text, call.name.start_pos)
        if len(call.arguments) != 1 or call.upper not in DATE_FUNCTIONS.keys() | PASSING_FUNCTIONS:
            self.report.fail(MALFORMED_QUERY, f"unexpected token: '{call.name}'", call.name.start_pos)
        inner = self.operand(call.arguments[0])
        if call.upper in PASSING_FUNCTIONS:
            return inner
        return self._date_function(call, inner)

    def _date_function(self, call: ast.Call, inner: Operand) -> Operand:
        function = DATE_FUNCTIONS[call.upper]
        if inner.type not in function.takes:
            text = f"field {inner.name} does not support date function {call.name}"
            self.report.fail(INVALID_FIELD, text, call.name.start_pos)
        get = function.over(inner.get, self._zone_of(call))
        return Operand(inner.name, function.gives, get, get, call.name.start_pos or 0)

    def _zone_of(self, call: ast.Call) -> tzinfo:
        """Date functions count in UTC unless convertTimezone() stands inside."""
        inner = call.arguments[0]
        converts = isinstance(inner, ast.Call) and inner.upper == "CONVERTTIMEZONE"
        return self.data.zone if converts else UTC


def climbing(hops: tuple[Hop, ...], get: Getter) -> Getter:
    """A getter on the row at the end of the hops; None where the chain breaks."""
    for hop in reversed(hops):
        get = _after(hop.parent, get)
    return get


def _after(parent: Callable[[Row], Row | None], get: Getter) -> Getter:
    def getter(row: Row) -> Any:
        above = parent(row)
        return None if above is None else get(above)

    return getter


def value_getter(found: Field, entity: ObjectType, data: Data) -> Getter:
    """The wire value of a field of a row."""
    name = found.name
    if found.type == "address":
        return _address(found, entity)
    if entity.name == "Name" and name == "Type":
        return lambda row: _name_type(data.type_of(row), row)
    if found.type == "boolean":
        return lambda row: bool(row.get(name))
    if found.type in _FLOATS:
        return lambda row: float(value) if isinstance(value := row.get(name), int) else value
    if found.type == "datetime":
        return lambda row: stored_instant(value) if isinstance(value := row.get(name), str) else value
    if found.type in ("id", "reference"):
        return lambda row: (
            to18(value) if isinstance(value := row.get(name), str) and len(value) == 15 else value
        )
    if name == "Name" and (entity.field("LastName") or entity.name == "Name"):
        return lambda row: row.get("Name") or _full_name(row)
    if found.is_text:
        return lambda row: row.get(name) or None
    return lambda row: row.get(name)


def stored_key(found: Field, entity: ObjectType) -> Getter | None:
    """The comparable value straight from the row for the types that queries filter most, else None."""
    name = found.name
    if found.type in ("id", "reference"):
        return lambda row: value[:15] if isinstance(value := row.get(name), str) and value else None
    if found.is_text and name not in ("Name", "Type") and not found.case_sensitive:
        return lambda row: fold(str(value)) if (value := row.get(name)) else None
    return None


def key_of(get: Getter, found: Field) -> Getter:
    """The comparable form of a getter's value."""
    kind = found.type
    if found.case_sensitive:
        return get
    if kind in ("boolean", "address"):
        return get
    # The control interface stores anything at all: a value of a wrong kind compares as null.
    if kind in NUMBERS:
        return lambda row: value if isinstance(value := get(row), int | float) else None
    if kind == "date":
        return lambda row: value[:10] if isinstance(value := get(row), str) else None
    if kind == "datetime":
        return lambda row: value if isinstance(value := get(row), str) else None
    return lambda row: None if (value := get(row)) is None else fold(str(value))


def _full_name(row: Row) -> str | None:
    return " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part) or None


def _name_type(entity: str, row: Row) -> str:
    """`Owner.Type`: the vendor says Queue of a group that is one."""
    return "Queue" if entity == "Group" and row.get("Type") == "Queue" else entity


def _address(found: Field, entity: ObjectType) -> Getter:
    """A compound address, put together from its parts; null when they all are."""
    prefix = found.name.removesuffix("Address")
    parts = [part.name for part in entity.fields if part.compound_field == found.name]
    named = sorted((_lower_first(part.removeprefix(prefix)), part) for part in parts)

    def get(row: Row) -> dict[str, Any] | None:
        value = {key: row.get(part) for key, part in named}
        return value if any(v is not None for v in value.values()) else None

    return get


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
