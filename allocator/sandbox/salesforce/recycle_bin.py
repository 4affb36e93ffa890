"""Delete, undelete and merge: what goes into the recycle bin, with whom, and what comes out again.

After "delete()", "undelete()" and "merge()" (SOAP API Developer Guide).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from allocator.sandbox.salesforce.conditions import changed_at
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import ObjectType, to18, valid_id
from allocator.sandbox.wire import ApiError

if TYPE_CHECKING:
    from allocator.sandbox.salesforce.writer import Writer

KEPT = timedelta(days=15)
MOST_MERGED = 2
# No field of the vendor's, and so in no answer: which deletion took this row along.
WITH = "_DeletedWith"


def delete(writer: Writer, kind: ObjectType, row: Row) -> None:
    """Into the bin, with the children that a delete of their parent deletes."""
    with writer.org.records.lock:
        _delete(writer, kind, row, None)


def _delete(writer: Writer, kind: ObjectType, row: Row, along_with: str | None) -> None:
    _change(writer, kind, row, {"IsDeleted": True} | ({WITH: along_with} if along_with else {}))
    for below, child in _children(writer, kind, row["Id"], cascading=True):
        _delete(writer, below, child, along_with or row["Id"])


def _children(
    writer: Writer, kind: ObjectType, parent: str, *, cascading: bool = False
) -> list[tuple[ObjectType, Row]]:
    """Live rows that point here by a named relationship."""
    found = []
    for relation in kind.child_relationships:
        if relation.name is None or (cascading and not relation.cascade_delete):
            continue
        below = writer.org.records.type(relation.child)
        rows = writer.org.records.live(relation.child)
        found += [(below, row) for row in rows if row.get(relation.field) == parent]
    return found


def delete_by_id(writer: Writer, record_id: str) -> Row:
    """delete() of one id."""
    kind = _kind_of(writer, record_id)
    if not kind.can("d"):
        text = f"entity type {kind.name} does not support delete"
        raise ApiError(400, "INSUFFICIENT_ACCESS_OR_READONLY", text, [])
    row = _live(writer, kind, record_id)
    delete(writer, kind, row)
    return {"id": row["Id"]}


def undelete(writer: Writer, record_id: str) -> Row:
    """Out of the bin, with what was deleted along. Children that a merge moved stay where they are."""
    kind = _kind_of(writer, record_id)
    if not kind.can("r"):
        text = "Entity type is not undeletable"
        raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])
    with writer.org.records.lock:
        row = writer.org.records.get(kind.name, to18(record_id))
        if row is None or not _in_bin(writer, row):
            raise ApiError(400, "UNDELETE_FAILED", "Entity is not in the recycle bin", [])
        _restore(writer, kind, row)
        for name in [found.name for found in writer.org.schema.objects]:
            for child in writer.org.records.rows(name):
                if child.get("IsDeleted") and child.get(WITH) == row["Id"]:
                    _restore(writer, writer.org.records.type(name), child)
    return {"id": row["Id"]}


def _in_bin(writer: Writer, row: Row) -> bool:
    """Deleted in its own name, and not so long ago that the bin was emptied."""
    if not row.get("IsDeleted") or row.get(WITH):
        return False
    now = writer.org.clock.now()
    return now - (changed_at(row, now) or now) <= KEPT


def _restore(writer: Writer, kind: ObjectType, row: Row) -> None:
    values: Row = {"IsDeleted": False}
    values |= {WITH: None} if WITH in row else {}
    values |= {"MasterRecordId": None} if row.get("MasterRecordId") else {}
    _change(writer, kind, row, values)


def merge(writer: Writer, kind: ObjectType, master_id: str, values: Row, others: list[str]) -> Row:
    """The others go into the bin and point at the master, which takes over their children and the values."""
    records = writer.org.records
    with records.lock, records.undoable() as journal:
        try:
            return _merge(writer, kind, master_id, values, others)
        except ApiError:
            records.roll_back(journal)
            raise


def _merge(writer: Writer, kind: ObjectType, master_id: str, values: Row, others: list[str]) -> Row:
    if not kind.can("m"):
        raise ApiError(400, "INVALID_TYPE", f"merge does not support {kind.name}", [])
    master = _live(writer, kind, master_id)
    losers = [_live(writer, kind, other) for other in others]
    ids = [row["Id"] for row in losers]
    if not 1 <= len(ids) <= MOST_MERGED or len({master["Id"], *ids}) <= len(ids):
        text = f"merge takes one master and one to {MOST_MERGED} other records"
        raise ApiError(400, "INVALID_ARGUMENT_TYPE", text, [])
    if kind.name == "Lead" and master.get("IsConverted"):
        raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    moved = [child for loser in losers for child in _move_children(writer, kind, loser, master)]
    for loser in losers:
        _change(writer, kind, loser, {"IsDeleted": True, "MasterRecordId": master["Id"]})
    writer.update(kind, master, values)
    return {"id": master["Id"], "mergedRecordIds": ids, "updatedRelatedIds": moved}


def _move_children(writer: Writer, kind: ObjectType, loser: Row, master: Row) -> list[str]:
    moved = []
    for below, child in _children(writer, kind, loser["Id"]):
        fields = [r.field for r in kind.child_relationships if r.child == below.name and r.name]
        values = {name: master["Id"] for name in fields if child.get(name) == loser["Id"]}
        _change(writer, below, child, values)
        moved.append(child["Id"])
    return list(dict.fromkeys(moved))


def _kind_of(writer: Writer, record_id: str) -> ObjectType:
    kind = writer.org.records.type_of(to18(record_id)) if valid_id(record_id) else None
    if kind is None:
        raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", [])
    return kind


def _live(writer: Writer, kind: ObjectType, record_id: str) -> Row:
    if _kind_of(writer, record_id).name != kind.name:
        text = f"{kind.label} ID: id value of incorrect type: {record_id}"
        raise ApiError(400, "MALFORMED_ID", text, [])
    row = writer.org.records.get(kind.name, to18(record_id))
    if row is None:
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    if row.get("IsDeleted"):
        raise ApiError(400, "ENTITY_IS_DELETED", "entity is deleted", [])
    return row


def _change(writer: Writer, kind: ObjectType, row: Row, values: Row) -> None:
    writer.org.records.change(kind, row, values, writer.user_id, request=writer.request)
