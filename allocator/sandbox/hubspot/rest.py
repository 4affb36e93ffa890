"""The CRM API of HubSpot: log-in by token, limits, faults, and the resources of contacts and companies."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from allocator.sandbox.faults import Faults, Moment
from allocator.sandbox.hubspot.answers import (
    NO_CREDENTIALS,
    HubError,
    NotThere,
    answer,
    correlation,
    invalid,
    read_body,
)
from allocator.sandbox.hubspot.batch import Batches
from allocator.sandbox.hubspot.calls import Call, read_call, shown, written, wrong_method
from allocator.sandbox.hubspot.limits import Limits
from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.hubspot.records import Record, Records
from allocator.sandbox.hubspot.search import search
from allocator.sandbox.hubspot.setup import Setup
from allocator.sandbox.hubspot.values import moment_of, text_of
from allocator.sandbox.wire import Request, Response

PAGE, MOST, MOST_WITH_HISTORY = 10, 100, 50


class Hub:
    """Serves everything below /crm/."""

    def __init__(self, portal: Portal, faults: Faults) -> None:
        self._portal, self._faults = portal, faults
        self._batches, self._setup, self.limits = Batches(portal, faults), Setup(portal), Limits(portal)
        self.url = ""

    def serve(self, request: Request) -> Response:
        """One call with its faults; a single record's is a moment of that record."""
        try:
            call = read_call(request)
        except HubError:
            call = Call(request, "", ())

        def work() -> Response:
            response = self._guarded(call)
            request.entry["done"] = response.status
            return response

        response = self._faults.around(Moment(request, self._record(call), many=call.batch), work)
        response.headers = {"X-HubSpot-Correlation-Id": correlation(), **response.headers}
        return response

    def _record(self, call: Call) -> str | None:
        """The id of the record that a path names, by whatever property it names it."""
        name = call.named()
        if name is None or not call.one("idProperty"):
            return name
        try:
            with self._portal.lock:
                return self._portal.records(call.parts[0]).find(name, call.one("idProperty")).id
        except HubError:
            return name

    def _guarded(self, call: Call) -> Response:
        given = call.request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not secrets.compare_digest(given, f"Bearer {self._portal.token}".encode()):
            refused = HubError(401, "INVALID_AUTHENTICATION", NO_CREDENTIALS).response()
            refused.headers["X-HubSpot-Auth-Failure"] = "401 Unauthorized"
            return refused
        response = self.limits.count(searching=call.searching)
        if response is None:
            try:
                response = self._served(call)
            except HubError as error:
                response = error.response()
        response.headers |= self.limits.headers(searching=call.searching)
        return response

    def _served(self, call: Call) -> Response:
        if call.resource == "objects" and call.parts and "associations" not in call.parts[2:3]:
            records = self._portal.records(call.parts[0])
            # A batch takes the lock for each input: its faults may hold one, and must not hold the account.
            if call.batch:
                return self._batches.serve(call, records)
            with self._portal.lock:
                return self._objects(call, records)
        with self._portal.lock:
            return self._setup.serve(call)

    def _objects(self, call: Call, records: Records) -> Response:
        match call.method, call.parts[1:]:
            case "GET", ():
                return self._list(call, records)
            case "POST", ():
                return self._create(call, records)
            case "POST", ("search",):
                return self._search(call, records)
            case "POST", ("merge",):
                return self._merge(call, records)
            case "GET", (name,):
                return self._read(call, records, name)
            case "PATCH", (name,):
                return self._update(call, records, name)
            case "DELETE", (name,):
                return self._archive(records, name)
        if len(call.parts) > 2:
            raise NotThere
        raise wrong_method(call)

    def _list(self, call: Call, records: Records) -> Response:
        past = call.several("propertiesWithHistory")
        limit = self._limit(call, MOST_WITH_HISTORY if past else MOST)
        after = call.one("after") or "0"
        if not after.isdigit():
            raise invalid(f"Invalid value for after: {after}")
        rows = [row for row in records.listed(archived=call.flag("archived")) if int(row.id) >= int(after)]
        found = [shown(records, row, call.several("properties"), past) for row in rows[:limit]]
        if len(rows) <= limit:
            return answer(200, {"results": found})
        return answer(200, {"results": found, "paging": self._next(call, str(int(found[-1]["id"]) + 1))})

    def _limit(self, call: Call, most: int) -> int:
        text = call.one("limit") or str(PAGE)
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(f"The limit of {text} is not valid: it must be between 1 and {most}")
        return int(text)

    def _next(self, call: Call, after: str) -> dict[str, Any]:
        kept = {
            name: call.several(name) for name in ("properties", "propertiesWithHistory", "archived", "limit")
        }
        pairs = [(name, ",".join(texts)) for name, texts in kept.items() if texts]
        query = urlencode([*pairs, ("after", after)])
        return {"next": {"after": after, "link": f"{self.url}{call.request.raw_path}?{query}"}}

    def _create(self, call: Call, records: Records) -> Response:
        body = read_body(call.request)
        record = records.create(self._portal.checked(records, body.get("properties")))
        call.request.entry["id"] = record.id
        response = answer(201, written(records, record, **_traced(body)))
        response.headers["Location"] = f"{self.url}{call.request.raw_path.rstrip('/')}/{record.id}"
        return response

    def _read(self, call: Call, records: Records, name: str) -> Response:
        record = records.find(name, call.one("idProperty"), archived=call.flag("archived"))
        past = call.several("propertiesWithHistory")
        return answer(200, shown(records, record, call.several("properties"), past))

    def _update(self, call: Call, records: Records, name: str) -> Response:
        record = records.find(name, call.one("idProperty"))
        body = read_body(call.request)
        values = self._portal.checked(records, body.get("properties"))
        records.update(record, values)
        call.request.entry["id"] = record.id
        return answer(200, written(records, record, values, **_traced(body)))

    def _archive(self, records: Records, name: str) -> Response:
        """Archiving again is no error."""
        record = records.rows.get(records.winner(name))
        if record is None:
            raise NotThere(records.kind.title)
        if record.archived is None:
            records.archive(record)
        return Response(204)

    def _merge(self, call: Call, records: Records) -> Response:
        body = read_body(call.request)
        names = [text_of(body.get(key)) for key in ("primaryObjectId", "objectIdToMerge")]
        if not all(names):
            text = "Some required fields were not set: [primaryObjectId, objectIdToMerge]"
            raise HubError(400, "VALIDATION_ERROR", text)
        primary, other = (records.find(name) for name in names)
        return answer(200, written(records, records.merge(primary, other)))

    def _search(self, call: Call, records: Records) -> Response:
        body = read_body(call.request)
        page = search(records, self._portal.settings, self._portal.clock.exact(), body)
        names = body.get("properties") or ()
        found = [shown(records, _as_indexed(records, *hit), names) for hit in page["hits"]]
        paging = {"paging": {"next": {"after": page["after"]}}} if page["after"] else {}
        return answer(200, {"total": page["total"], "results": found, **paging})


def _traced(body: dict[str, Any]) -> dict[str, Any]:
    trace = body.get("objectWriteTraceId")
    return {"objectWriteTraceId": trace} if trace else {}


def _as_indexed(records: Records, record: Record, values: dict[str, str]) -> Record:
    """The record as the index has it, which may be older than the record is."""
    updated = moment_of(values.get(records.kind.stamp, "")) or record.updated
    return Record(record.id, values, record.created, updated)
