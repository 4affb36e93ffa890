"""The REST resources of one org: which path and method does what, and single records."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from allocator.sandbox.clock import http_date, parse_iso, wire
from allocator.sandbox.faults import Faults, Moment
from allocator.sandbox.salesforce.conditions import (
    changed_at,
    check_same_tag,
    check_unmodified,
    condition,
    entity_tag,
    stamped_in,
    tags,
)
from allocator.sandbox.salesforce.duplicates import choice_of
from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.salesforce.query import Queries
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import Field, ObjectType, to18, valid_id
from allocator.sandbox.salesforce.usage import Usage
from allocator.sandbox.salesforce.writer import Writer, rules_run
from allocator.sandbox.wire import ApiError, Request, Response, missing_resource, wrong_method

OLDEST, NEWEST = 31, 68
SEASONS = ("Winter", "Spring", "Summer")
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass(frozen=True)
class Call:
    """A request below /services/data/vNN.0, with the parts of its path already decoded."""

    request: Request
    version: str
    parts: tuple[str, ...]

    @property
    def method(self) -> str:
        return self.request.method


Resource = Callable[[Call], Response]


class Rest:
    """Routes a call; composite resources come from their own modules through `extra`."""

    def __init__(self, org: Org, faults: Faults, usage: Usage) -> None:
        self.org, self.faults, self.usage = org, faults, usage
        self.queries = Queries(org)
        self.extra: dict[str, Resource] = {}

    def versions(self) -> Response:
        return Response(200, [_version_entry(number) for number in range(OLDEST, NEWEST + 1)])

    def serve(self, request: Request) -> Response:
        """Answer a call below /services/data/; its errors are answers too."""
        try:
            return self.route(_call(request))
        except ApiError as error:
            return error.response()

    def route(self, call: Call) -> Response:
        head = call.parts[0] if call.parts else ""
        resources: dict[str, Resource] = {
            "": self._index,
            "query": self._query,
            "queryall": self._query,
            "limits": self._limits,
            "sobjects": self._sobjects,
            **self.extra,
        }
        if head.lower() not in resources:
            raise missing_resource()
        return resources[head.lower()](call)

    def writer(self, request: Request) -> Writer:
        return Writer(
            self.org,
            str(request.user_id),
            rules_run(request.headers),
            (_outermost(request).entry or {}).get("n"),
            choice_of(request.headers, request.raw_path),
        )

    def _index(self, call: Call) -> Response:
        _allow(call, "GET", "HEAD")
        names = ("sobjects", "query", "queryAll", "limits", "composite")
        return Response(200, {name: f"/services/data/v{call.version}/{name}" for name in names})

    def _limits(self, call: Call) -> Response:
        _allow(call, "GET", "HEAD")
        if call.parts[1:2] == ("recordCount",):
            names = call.request.params.get("sObjects", "").split(",")
            kinds = [kind for name in names if (kind := self.org.schema.object(name.strip()))]
            counts = [{"count": sum(1 for _ in self.org.records.live(k.name)), "name": k.name} for k in kinds]
            return Response(200, {"sObjects": counts})
        return Response(200, self.usage.limits())

    def _query(self, call: Call) -> Response:
        if call.method not in ("GET", "HEAD"):
            raise wrong_method(call.method, "GET,HEAD")
        if len(call.parts) > 1:
            return Response(200, self.queries.more(call.parts[1], call.version))
        text = call.request.params.get("q")
        if not text:
            raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
        deleted = call.parts[0].lower() == "queryall"
        return Response(200, self._first_page(call, text, deleted=deleted))

    def _first_page(self, call: Call, text: str, *, deleted: bool) -> dict[str, Any]:
        request = call.request
        return self.queries.run(text, call.version, request.headers, deleted=deleted, user=request.user_id)

    def _sobjects(self, call: Call) -> Response:
        if len(call.parts) == 1:
            _allow(call, "GET", "HEAD")
            return Response(200, self.org.schema.describe_global(call.version))
        kind = self.org.records.type(call.parts[1])
        rest = call.parts[2:]
        if not rest:
            return self._object(call, kind)
        if len(rest) == 1 and rest[0] in ("describe", "updated", "deleted"):
            _allow(call, "GET", "HEAD")
            return {"describe": self._describe, "updated": self._updated, "deleted": self._deleted}[rest[0]](
                call, kind
            )
        if len(rest) == 1 and rest[0].lower() == "id" and call.method == "POST":
            return self._object(call, kind)
        if len(rest) == 1:
            return self._at_record(call, kind, rest[0])
        if len(rest) == 2:
            return self._by_external_id(call, kind, rest[0], rest[1])
        raise missing_resource()

    def _object(self, call: Call, kind: ObjectType) -> Response:
        if call.method == "POST":
            body = call.request.json()
            return self._meet(Moment(call.request), lambda: self._create(call, kind, body))
        _allow(call, "GET", "HEAD", "POST")
        return Response(200, {"objectDescribe": kind.basic(call.version), "recentItems": []})

    def _meet(self, moment: Moment, work: Callable[[], Response]) -> Response:
        """The moment of one record: faults before and after it see a refusal as an answer like any other."""

        def done() -> Response:
            try:
                response = work()
            except ApiError as error:
                response = error.response()
            moment.request.entry["done"] = response.status
            return response

        return self.faults.around(moment, done)

    def _describe(self, call: Call, kind: ObjectType) -> Response:
        since = condition(call.request, "If-Modified-Since")
        # The schema of a sandbox is as old as its organization.
        changed = parse_iso("2026-01-01T00:00:00Z")
        headers = {"Last-Modified": http_date(changed)}
        if since is not None and since >= changed:
            return Response(304, None, headers)
        return Response(200, kind.describe(call.version), headers)

    def _create(self, call: Call, kind: ObjectType, body: Any) -> Response:
        row = self.writer(call.request).create(kind, body)
        location = f"/services/data/v{call.version}/sobjects/{kind.name}/{row['Id']}"
        return Response(201, {"id": row["Id"], "success": True, "errors": []}, {"Location": location})

    def _at_record(self, call: Call, kind: ObjectType, record_id: str) -> Response:
        work = {"GET": self._read, "HEAD": self._read, "PATCH": self._update, "DELETE": self._delete}.get(
            call.method
        )
        if work is None:
            raise wrong_method(call.method, "GET,HEAD,PATCH,DELETE")
        body = call.request.json() if call.method == "PATCH" else None
        record = to18(record_id) if valid_id(record_id) else None
        return self._meet(Moment(call.request, record), lambda: work(call, kind, record_id, body))

    def _read(self, call: Call, kind: ObjectType, record_id: str, body: Any = None) -> Response:
        row = self.writer_for_reading(call.request).find(kind, record_id)
        return self._shown(call, kind, row)

    def writer_for_reading(self, request: Request) -> Writer:
        return Writer(self.org, str(request.user_id), rules=False)

    def _shown(self, call: Call, kind: ObjectType, row: Row) -> Response:
        check_unmodified(call.request, row)
        check_same_tag(kind, call.request, row)
        etag = entity_tag(kind, row)
        if etag and etag in (tags(call.request, "If-None-Match") or []):
            return Response(304, None, {"ETag": etag})
        since = condition(call.request, "If-Modified-Since")
        now = self.org.clock.now()
        changed = changed_at(row, now) or now
        if since is not None and changed <= since:
            return Response(304)
        names = [name.strip() for name in call.request.params.get("fields", "").split(",") if name.strip()]
        headers = {"Last-Modified": http_date(changed), **({"ETag": etag} if etag else {})}
        return Response(200, render(kind, row, call.version, names), headers)

    def _update(self, call: Call, kind: ObjectType, record_id: str, body: Any) -> Response:
        writer = self.writer(call.request)
        with self.org.records.lock:
            row = writer.find(kind, record_id)
            check_unmodified(call.request, row)
            check_same_tag(kind, call.request, row)
            writer.update(kind, row, body)
        return Response(204)

    def _delete(self, call: Call, kind: ObjectType, record_id: str, body: Any = None) -> Response:
        writer = self.writer(call.request)
        writer.delete(kind, writer.find(kind, record_id))
        return Response(204)

    def _by_external_id(self, call: Call, kind: ObjectType, name: str, value: str) -> Response:
        work = {"GET": self._read_by, "HEAD": self._read_by, "PATCH": self._upsert, "DELETE": self._delete_by}
        if call.method not in work:
            raise wrong_method(call.method, "GET,HEAD,PATCH,DELETE")
        body = call.request.json() if call.method == "PATCH" else None
        record = self._record_named(call, kind, name, value)
        moment = Moment(call.request, record)
        return self._meet(moment, lambda: work[call.method](call, kind, name, value, body))

    def _record_named(self, call: Call, kind: ObjectType, name: str, value: str) -> str | None:
        try:
            found = self.writer_for_reading(call.request).matches(kind, name, value)
        except ApiError:
            return None
        return found[0]["Id"] if len(found) == 1 else None

    def _one(self, call: Call, kind: ObjectType, name: str, value: str) -> Row | Response | None:
        rows = self.writer_for_reading(call.request).matches(kind, name, value)
        if len(rows) > 1:
            base = f"/services/data/v{call.version}/sobjects/{kind.name}/"
            return Response(300, [base + row["Id"] for row in rows])
        return rows[0] if rows else None

    def _read_by(self, call: Call, kind: ObjectType, name: str, value: str, body: Any = None) -> Response:
        found = self._one(call, kind, name, value)
        if found is None:
            raise missing_resource()
        return found if isinstance(found, Response) else self._shown(call, kind, found)

    def _delete_by(self, call: Call, kind: ObjectType, name: str, value: str, body: Any = None) -> Response:
        found = self._one(call, kind, name, value)
        if found is None:
            raise missing_resource()
        if not isinstance(found, Response):
            self.writer(call.request).delete(kind, found)
        return found if isinstance(found, Response) else Response(204)

    def _upsert(self, call: Call, kind: ObjectType, name: str, value: str, body: Any) -> Response:
        """ "Insert or Update (Upsert) a Record Using an External ID" (REST API Developer Guide)."""
        writer = self.writer(call.request)
        with self.org.records.lock:
            found = self._one(call, kind, name, value)
            if isinstance(found, Response):
                return found
            _no_key_in(kind, name, body)
            if found is not None:
                check_unmodified(call.request, found)
                writer.update(kind, found, body)
                return _upserted(found["Id"], call.version)
            if call.request.params.get("updateOnly", "").lower() == "true":
                raise missing_resource()
            field = kind.field(name)
            row = writer.create(kind, {**body, (field.name if field else name): value})
        return Response(201, {"id": row["Id"], "success": True, "errors": [], "created": True})

    def _updated(self, call: Call, kind: ObjectType) -> Response:
        """ "Get Updated" (REST API Developer Guide): seconds are ignored, the last 30 days can be asked."""
        start, end = self._window(call, days=30)
        rows = self.org.records.live(kind.name)
        ids = [row["Id"] for row in rows if stamped_in(row, start, end)]
        return Response(200, {"ids": ids, "latestDateCovered": wire(end)})

    def _deleted(self, call: Call, kind: ObjectType) -> Response:
        start, end = self._window(call, days=15)
        gone = [row for row in self.org.records.rows(kind.name) if row.get("IsDeleted")]
        found = [
            {"id": row["Id"], "deletedDate": row["SystemModstamp"]}
            for row in gone
            if stamped_in(row, start, end)
        ]
        earliest = wire(self.org.clock.now() - timedelta(days=15))
        body = {"deletedRecords": found, "earliestDateAvailable": earliest, "latestDateCovered": wire(end)}
        return Response(200, body)

    def _window(self, call: Call, days: int) -> tuple[datetime, datetime]:
        now = self.org.clock.now()
        try:
            # A "+" that was not encoded arrives as a space: the vendor refuses it, and so does this parser.
            start, end = (parse_iso(call.request.params[name]).replace(second=0) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise ApiError(
                400, "INVALID_REPLICATION_DATE", "start and end must be ISO 8601 datetimes"
            ) from None
        if end - start < timedelta(minutes=1):
            text = "endDate should be greater than startDate by at least one minute"
            raise ApiError(400, "INVALID_REPLICATION_DATE", text)
        if start < now - timedelta(days=days, minutes=1):
            raise ApiError(400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
        return start, min(end, now.replace(second=0) + timedelta(minutes=1))


def _outermost(request: Request) -> Request:
    return request if request.outer is None else _outermost(request.outer)


def _call(request: Request) -> Call:
    parts = [unquote(part) for part in request.raw_path.split("/")[3:]]
    while parts and not parts[-1]:
        parts.pop()
    found = re.fullmatch(r"v(\d{1,3})\.0", parts[0]) if parts else None
    if found is None:
        raise missing_resource()
    number = int(found[1])
    if number < OLDEST:
        text = f"API version {number}.0 is retired. Use a later version."
        raise ApiError(410, "UNSUPPORTED_API_VERSION", text)
    if number > NEWEST:
        raise missing_resource()
    return Call(request, f"{number}.0", tuple(parts[1:]))


def _version_entry(number: int) -> dict[str, str]:
    """Three releases a year; version 60 is Spring '24."""
    season_name, year = _release(number)
    label = f"{season_name} '{year:02d}"
    return {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def _release(number: int) -> tuple[str, int]:
    offset = number - 59  # version 59 is Winter '24
    return SEASONS[offset % 3], 24 + offset // 3


def _allow(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise wrong_method(call.method, ",".join(methods))


def _no_key_in(kind: ObjectType, name: str, body: Any) -> None:
    if not isinstance(body, dict):
        raise ApiError(
            400, "JSON_PARSER_ERROR", f"The request body must be an object with fields of {kind.name}"
        )
    if any(key.lower() == name.lower() for key in body):
        text = f"The {name} field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", text, [name])


def _upserted(record_id: str, version: str) -> Response:
    """The key `created` came with version 46; before, an update answered 204."""
    if float(version) < 46:
        return Response(204)
    return Response(200, {"id": record_id, "success": True, "errors": [], "created": False})


def render(kind: ObjectType, row: Row, version: str, names: list[str]) -> dict[str, Any]:
    """A record as a read shows it: attributes, then the fields asked for, or all; missing is null."""
    fields = fields_named(kind, names) if names else list(kind.fields)
    url = f"/services/data/v{version}/sobjects/{kind.name}/{quote(row['Id'])}"
    shown: dict[str, Any] = {"attributes": {"type": kind.name, "url": url}}
    if names and not any(name.lower() == "id" for name in names):
        fields = [*fields, kind.field("Id")]
    return shown | {found.name: _shown_value(kind, found, row) for found in fields if found}


def fields_named(kind: ObjectType, names: list[str]) -> list[Field | None]:
    fields = [kind.field(name) for name in names]
    for name, found in zip(names, fields, strict=True):
        if found is None:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
    return fields


def _shown_value(kind: ObjectType, found: Field, row: Row) -> Any:
    """A compound address is put together from its parts; null when they all are."""
    if found.type != "address":
        return row.get(found.name)
    prefix = found.name.removesuffix("Address")
    parts = [part for part in kind.fields if part.compound_field == found.name]
    values = {_lower_first(part.name.removeprefix(prefix)): row.get(part.name) for part in parts}
    return values if any(value is not None for value in values.values()) else None


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
