"""The rows of the org: stored, changed, deleted and rolled back, with a history of every commit."""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from allocator.sandbox.clock import Clock, parse_iso, wire
from allocator.sandbox.salesforce.schema import Field, ObjectType, Schema, to18, valid_id
from allocator.sandbox.wire import missing_resource

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
STAMPS = ("LastModifiedDate", "SystemModstamp")
Row = dict[str, Any]


class Records:
    """Rows by object and 18-character id. A row is replaced, never changed in place: readers need no lock."""

    def __init__(self, schema: Schema, clock: Clock) -> None:
        self.schema, self.clock = schema, clock
        self.lock = threading.RLock()
        self.history: list[dict[str, Any]] = []
        self._tables: dict[str, dict[str, Row]] = {}
        self._made: dict[str, int] = {}
        self._undo = threading.local()

    def type(self, name: str) -> ObjectType:
        found = self.schema.object(name)
        if found is None:
            raise missing_resource()
        return found

    def type_of(self, record_id: str) -> ObjectType | None:
        return self.schema.object_of_id(record_id)

    def rows(self, name: str) -> list[Row]:
        kind = self.schema.object(name)
        if kind is None:
            return []
        with self.lock:
            return list(self._table(kind.name).values())

    def live(self, name: str) -> Iterator[Row]:
        return (row for row in self.rows(name) if not row.get("IsDeleted"))

    def get(self, name: str, record_id: str) -> Row | None:
        return self._table(name).get(record_id)

    def _table(self, name: str) -> dict[str, Row]:
        return self._tables.setdefault(name, {})

    def new_id(self, kind: ObjectType) -> str:
        """Ids grow in the order of creation, as a real org's do."""
        table = self._table(kind.name)
        while True:
            number = self._made[kind.name] = self._made.get(kind.name, 0) + 1
            record_id = to18(f"{kind.key_prefix}5g00000{_base62(number, 5)}")
            if record_id not in table:
                return record_id

    def insert(self, kind: ObjectType, values: Row, by: str, *, request: int | None = None) -> Row:
        with self.lock:
            record_id = values.get("Id") or self.new_id(kind)
            now = wire(self.clock.now())
            row = {**_defaults(kind), **self._audit(kind, now, by), **values, "Id": record_id}
            return self._commit(kind, None, row, by, request)

    def change(self, kind: ObjectType, row: Row, values: Row, by: str, *, request: int | None = None) -> Row:
        with self.lock:
            current = self._table(kind.name).get(row["Id"], row)
            stamp = {name: wire(self.clock.now()) for name in STAMPS if kind.field(name)}
            if kind.field("LastModifiedById"):
                stamp["LastModifiedById"] = by
            if "OwnerId" in values and values["OwnerId"] != current.get("OwnerId"):
                stamp["IsUnreadByOwner"] = True
            known = {name: value for name, value in stamp.items() if kind.field(name)}
            return self._commit(kind, current, {**current, **known, **values}, by, request)

    def put_raw(self, kind: ObjectType, given: Row, by: str) -> Row:
        """A row as the control interface gives it: any field, no rule; stamps move unless they are given."""
        with self.lock:
            values = dict(
                self._raw_value(kind, name, value) for name, value in given.items() if name != "attributes"
            )
            old = self._table(kind.name).get(values.get("Id") or "")
            if old is None:
                return self.insert(kind, values, by)
            keep = any(name in values for name in STAMPS)
            return self.change(kind, old, values if not keep else {**_stamps_of(old), **values}, by)

    def _raw_value(self, kind: ObjectType, name: str, value: Any) -> tuple[str, Any]:
        found = kind.field(name)
        if found is not None and found.name == "Id":
            return found.name, self._own_id(kind, value)
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            raise ValueError(f"not a field name: {name!r}")
        if found is None:
            self._learn(kind, name, value)
            return name, value
        return found.name, _wire_value(found, value)

    def _own_id(self, kind: ObjectType, value: Any) -> str | None:
        """Everything else of a row may be nonsense; its id is what every look-up goes by."""
        if not value:
            return None
        owner = self.type_of(to18(value))
        if owner is not None and owner.name != kind.name:
            raise ValueError(f"{value} is the id of a {owner.name}, not of a {kind.name}")
        return to18(value)

    def _learn(self, kind: ObjectType, name: str, value: Any) -> None:
        """A field that the schema lacks becomes a custom field of the kind its value shows."""
        made = Field(
            name=name, label=name.removesuffix("__c").replace("_", " "), custom=True, permissionable=True
        )
        kind.add(replace(made, **_shape(value)))

    def _audit(self, kind: ObjectType, now: str, by: str) -> Row:
        row = {"IsDeleted": False, "CreatedDate": now, "CreatedById": by, "LastModifiedById": by}
        row |= dict.fromkeys(STAMPS, now)
        return {name: value for name, value in row.items() if kind.field(name) or name == "IsDeleted"}

    def _commit(self, kind: ObjectType, old: Row | None, row: Row, by: str, request: int | None) -> Row:
        row = with_computed(kind, row)
        self._table(kind.name)[row["Id"]] = row
        journal = getattr(self._undo, "journal", None)
        if journal is not None:
            journal.append((kind.name, row["Id"], old))
        self._remember(kind, old, row, by, request)
        return row

    def _remember(self, kind: ObjectType, old: Row | None, row: Row, by: str, request: int | None) -> None:
        before = old or {}
        names = [name for name in row if row[name] != before.get(name)]
        entry = {
            "request": request,
            "object": kind.name,
            "id": row["Id"],
            "by": by,
            "at": wire(self.clock.now()),
            "created": old is None,
            "changes": {name: [before.get(name), row[name]] for name in names},
        }
        self.history.append(entry)

    @contextmanager
    def undoable(self) -> Iterator[list[tuple[str, str, Row | None]]]:
        """Collect what this thread commits, so that `roll_back` can take it back."""
        outer = getattr(self._undo, "journal", None)
        self._undo.journal = journal = []
        try:
            yield journal
        finally:
            self._undo.journal = outer
            if outer is not None:
                outer.extend(journal)

    def roll_back(self, journal: list[tuple[str, str, Row | None]]) -> None:
        """Nobody outside saw these commits: they leave the rows and the history."""
        with self.lock:
            for name, record_id, old in reversed(journal):
                if old is None:
                    self._table(name).pop(record_id, None)
                else:
                    self._table(name)[record_id] = old
                self._unremember(record_id)
            journal.clear()

    def _unremember(self, record_id: str) -> None:
        for index in range(len(self.history) - 1, -1, -1):
            if self.history[index]["id"] == record_id:
                del self.history[index]
                return

    def dump(self) -> dict[str, Any]:
        with self.lock:
            return {"tables": copy.deepcopy(self._tables), "made": dict(self._made)}

    def load(self, saved: dict[str, Any]) -> None:
        with self.lock:
            self._tables, self._made = saved["tables"], saved["made"]
            self.history.clear()

    def load_rows(self, name: str, rows: Iterable[Row], by: str) -> None:
        """Seed rows, stored as they are."""
        kind = self.type(name)
        for row in rows:
            self.put_raw(kind, row, by)


def with_computed(kind: ObjectType, row: Row) -> Row:
    """Fields that the vendor derives: a person's Name, and who a campaign member stands for."""
    if kind.name in ("Lead", "Contact", "User"):
        parts = (row.get("FirstName"), row.get("LastName"))
        row = {**row, "Name": " ".join(part for part in parts if part) or row.get("Name")}
    if kind.name == "CampaignMember":
        row = {**row, "LeadOrContactId": row.get("ContactId") or row.get("LeadId")}
    return row


def _stamps_of(row: Row) -> Row:
    return {name: row.get(name) for name in STAMPS}


def _defaults(kind: ObjectType) -> Row:
    return {found.name: found.default_value for found in kind.fields if found.default_value is not None}


def _shape(value: Any) -> dict[str, Any]:
    """The kind of custom field that could hold this value."""
    if isinstance(value, bool):
        return {"type": "boolean", "nillable": False, "defaulted_on_create": True, "default_value": False}
    if isinstance(value, int | float):
        return {"type": "double", "precision": 18, "scale": 2}
    if isinstance(value, str) and len(value) > 255:
        return {"type": "textarea", "length": 131_072}
    return {"type": "string", "length": 255}


def _wire_value(found: Field, value: Any) -> Any:
    """Datetimes and ids in the one form that the rest of the sandbox compares."""
    if not isinstance(value, str):
        return value
    if found.type == "datetime":
        try:
            return wire(parse_iso(value))
        except ValueError:
            return value
    if found.type in ("id", "reference") and len(value) == 15 and valid_id(value):
        return to18(value)
    return value


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits = BASE62[rest] + digits
    return digits
