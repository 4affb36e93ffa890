"""sObject collections: up to 200 rows in one call, a result for each of them inside HTTP 200."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from allocator.sandbox.faults import Faults, Moment, WholeReply
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.rest import Call, Rest, fields_named, render
from allocator.sandbox.salesforce.schema import ObjectType, to18, valid_id
from allocator.sandbox.salesforce.writer import Writer, named_type
from allocator.sandbox.wire import ApiError, Request, Response, flag, missing_resource, wrong_method

MOST, MOST_READ, MOST_CHUNKS = 200, 2000, 10
ROLLED_BACK = (
    "Record rolled back because not all records were valid and the request was using AllOrNone header"
)
Result = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One row of the request: its id where it names one, and the write."""

    record: str | None
    write: Callable[[], Result]


class Collections:
    """Serves /composite/sobjects."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def serve(self, call: Call) -> Response:
        rest = call.parts[2:]
        if not rest:
            work = {"POST": self._create, "PATCH": self._update, "DELETE": self._delete}.get(call.method)
            if work is None:
                raise wrong_method(call.method, "POST,PATCH,DELETE")
            return work(call)
        kind = self._rest.org.records.type(rest[0])
        if len(rest) == 1 and call.method in ("GET", "POST"):
            return self._read(call, kind)
        if len(rest) == 2 and call.method == "PATCH":
            return self._upsert(call, kind, rest[1])
        raise missing_resource() if len(rest) > 2 else wrong_method(call.method, "GET,POST,PATCH")

    def _create(self, call: Call) -> Response:
        body, records = _records(call)
        writer = self._rest.writer(call.request)

        def item(record: Row) -> Item:
            return Item(None, lambda: _done(writer.create(self._kind(record), record)["Id"]))

        return self._all(call, [item(record) for record in records], flag(body.get("allOrNone")))

    def _update(self, call: Call) -> Response:
        body, records = _records(call)
        writer = self._rest.writer(call.request)
        seen: set[str] = set()

        def item(record: Row) -> Item:
            record_id = _own_id(record)
            return Item(_as18(record_id), lambda: self._updated(writer, record, record_id, seen))

        return self._all(call, [item(record) for record in records], flag(body.get("allOrNone")))

    def _updated(self, writer: Writer, record: Row, record_id: str | None, seen: set[str]) -> Result:
        kind = self._kind(record)
        if not record_id:
            raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
        row = _find(writer, kind, record_id)
        if row["Id"] in seen:
            raise ApiError(400, "DUPLICATE_VALUE", f"Duplicate id specified: {row['Id']}", ["Id"])
        seen.add(row["Id"])
        return _done(writer.update(kind, row, _without_id(record))["Id"])

    def _delete(self, call: Call) -> Response:
        ids = _ids(call.request.params.get("ids"), MOST)
        writer = self._rest.writer(call.request)
        all_or_none = flag(call.request.params.get("allOrNone"))
        items = [Item(_as18(record_id), lambda i=record_id: self._deleted(writer, i)) for record_id in ids]
        return self._all(call, items, all_or_none)

    def _deleted(self, writer: Writer, record_id: str) -> Result:
        kind = self._rest.org.records.type_of(record_id) if valid_id(record_id) else None
        if kind is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
        row = _find(writer, kind, record_id)
        writer.delete(kind, row)
        return _done(row["Id"])

    def _upsert(self, call: Call, kind: ObjectType, name: str) -> Response:
        body, records = _records(call)
        writer = self._rest.writer(call.request)
        field = kind.field(name)
        if field is None or not (field.external_id or field.id_lookup or field.name == "Id"):
            text = f"Provided external ID field does not exist or is not accessible: {name}"
            raise ApiError(404, "NOT_FOUND", text)

        def item(record: Row) -> Item:
            return Item(_as18(_own_id(record)), lambda: self._upserted(writer, kind, field.name, record))

        return self._all(call, [item(record) for record in records], flag(body.get("allOrNone")))

    def _upserted(self, writer: Writer, kind: ObjectType, name: str, record: Row) -> Result:
        if self._kind(record).name != kind.name:
            raise ApiError(400, "INVALID_TYPE", f"All records must be of type {kind.name}")
        value = next((record[key] for key in record if key.lower() == name.lower()), None)
        if value in (None, "") and name == "Id":
            return {**_done(writer.create(kind, _without_id(record))["Id"]), "created": True}
        if value in (None, ""):
            raise ApiError(400, "MISSING_ARGUMENT", f"{name} not specified", [name])
        rows = writer.matches(kind, name, str(value))
        if len(rows) > 1:
            raise ApiError(
                400, "DUPLICATE_EXTERNAL_ID", f"more than one record found for external id field: {name}"
            )
        fields = {key: text for key, text in record.items() if key.lower() not in ("id", name.lower())}
        if rows:
            return {**_done(writer.update(kind, rows[0], fields)["Id"]), "created": False}
        return {**_done(writer.create(kind, {**fields, name: value})["Id"]), "created": True}

    def _read(self, call: Call, kind: ObjectType) -> Response:
        """Rows in the order of the ids; null for one that is missing."""
        if call.method == "POST":
            body = call.request.json()
            if not isinstance(body, dict) or not isinstance(body.get("ids"), list):
                raise ApiError(400, "JSON_PARSER_ERROR", "Missing required field: ids")
            ids, names = body["ids"], body.get("fields") or []
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise ApiError(400, "JSON_PARSER_ERROR", "fields must be a list of names")
        else:
            ids = _ids(call.request.params.get("ids"), MOST_READ)
            names = [name for name in call.request.params.get("fields", "").split(",") if name]
        if len(ids) > MOST_READ:
            raise ApiError(
                400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_READ} records"
            )
        if not names:
            raise ApiError(400, "MISSING_ARGUMENT", "The fields parameter is required")
        fields_named(kind, names)
        return Response(200, [self._row(call, kind, str(record_id), names) for record_id in ids])

    def _row(self, call: Call, kind: ObjectType, record_id: str, names: list[str]) -> Any:
        row = self._rest.org.records.get(kind.name, _as18(record_id) or "")
        return None if row is None or row.get("IsDeleted") else render(kind, row, call.version, names)

    def _kind(self, record: Row) -> ObjectType:
        name = named_type(record)
        kind = self._rest.org.schema.object(name) if name else None
        if kind is None:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return kind

    def _all(self, call: Call, items: list[Item], all_or_none: bool) -> Response:
        records = self._rest.org.records
        with records.undoable() as journal:
            results = [self._one(call.request, item) for item in items]
            if all_or_none and not all(result["success"] for result in results):
                records.roll_back(journal)
                results = [_rolled_back(result) for result in results]
        call.request.entry["result"] = results
        return Response(200, results)

    def _one(self, request: Request, item: Item) -> Result:
        faults: Faults = self._rest.faults

        def work() -> Response:
            try:
                return Response(200, item.write())
            except ApiError as error:
                return Response(200, {"success": False, "errors": [error.row_error()]})

        # Only a row that names its record has a moment of its own: the request's was judged before.
        if item.record is None:
            return work().body  # type: ignore[no-any-return]
        answer = faults.around(Moment(request, item.record, item=True), work)
        if answer.truncate or isinstance(answer.body, bytes):
            raise WholeReply(answer)
        return answer.body if isinstance(answer.body, dict) else _faulty(answer)


def _faulty(answer: Response) -> Result:
    """A fault's error list, as a row's result shows it."""
    error = (
        answer.body[0] if isinstance(answer.body, list) else {"errorCode": "UNKNOWN_EXCEPTION", "message": ""}
    )
    shown = {"statusCode": error["errorCode"], "message": error["message"], "fields": []}
    return {"success": False, "errors": [shown]}


def _records(call: Call) -> tuple[dict[str, Any], list[Row]]:
    body = call.request.json()
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "Missing required field or wrong type: records")
    if len(records) > MOST:
        text = f"record limit reached. cannot submit more than {MOST} records in this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", text)
    chunks = [name for name, _ in groupby(records, lambda r: str(named_type(r)).lower())]
    if len(chunks) > MOST_CHUNKS:
        text = f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data."
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    return body, records


def _ids(text: str | None, most: int) -> list[str]:
    ids = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not ids:
        raise ApiError(400, "MISSING_ARGUMENT", "The ids parameter is required")
    if len(ids) > most:
        raise ApiError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records"
        )
    return ids


def _find(writer: Writer, kind: ObjectType, record_id: str) -> Row:
    """In a collection a wrong id is the row's own error: MALFORMED_ID for another type's."""
    if not valid_id(record_id) or record_id[:3] != kind.key_prefix:
        text = f"{kind.label} ID: id value of incorrect type: {record_id}"
        raise ApiError(400, "MALFORMED_ID", text, ["Id"])
    try:
        return writer.find(kind, record_id)
    except ApiError as error:
        if error.code == "NOT_FOUND":
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from None
        raise


def _own_id(record: Row) -> str | None:
    value = next((record[key] for key in record if key.lower() == "id"), None)
    return None if value is None else str(value)


def _without_id(record: Row) -> Row:
    return {key: value for key, value in record.items() if key.lower() != "id"}


def _as18(record_id: str | None) -> str | None:
    return to18(record_id) if record_id and valid_id(record_id) else None


def _done(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}


def _rolled_back(result: Result) -> Result:
    if not result["success"]:
        return result
    error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": ROLLED_BACK, "fields": []}
    return {"success": False, "errors": [error]}
