"""Batches: up to 100 inputs in one call, results in no order, and 207 where only some of them were done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from allocator.sandbox.faults import Faults, Moment, WholeReply
from allocator.sandbox.hubspot.answers import HubError, NotThere, answer, conflict, invalid, read_body, stamp
from allocator.sandbox.hubspot.calls import Call, shown, written, wrong_method
from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.hubspot.records import Records
from allocator.sandbox.hubspot.values import text_of
from allocator.sandbox.log import open_sub
from allocator.sandbox.wire import Response

MOST, MOST_WITH_HISTORY = 100, 50
TRACE = "objectWriteTraceId"
METHODS = {"create": "POST", "update": "PATCH", "upsert": "PATCH", "archive": "DELETE"}
Row = dict[str, Any]


@dataclass
class Item:
    """One input: what it is about, and what is to be done."""

    given: Row
    record: str | None
    """Its id, or the e-mail address of a contact that is to be made: what a fault names."""
    work: Callable[[], Row]
    trace: str = ""


@dataclass
class Outcome:
    results: list[Row] = field(default_factory=list)
    errors: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Batches:
    """Serves /batch/read, create, update, upsert and archive."""

    def __init__(self, portal: Portal, faults: Faults) -> None:
        self._portal, self._faults = portal, faults

    def serve(self, call: Call, records: Records) -> Response:
        kind = call.parts[2] if len(call.parts) == 3 else ""
        makers: dict[str, Callable[[Records, Row], Item]] = {
            "create": self._create,
            "update": self._update,
            "upsert": self._upsert,
            "archive": self._archive,
        }
        if call.method != "POST":
            raise wrong_method(call)
        if kind != "read" and kind not in makers:
            raise NotThere
        body = read_body(call.request)
        started = self._portal.clock.exact()
        inputs = _inputs(body, MOST_WITH_HISTORY if body.get("propertiesWithHistory") else MOST)
        if kind == "read":
            items = [self._read(records, call, body, one) for one in inputs]
        else:
            items = [makers[kind](records, one) for one in inputs]
            self._refuse_whole(records, kind, items)
        outcome = self._done(call, kind, items)
        if kind == "archive" and not outcome.errors:
            return Response(204)
        return self._answer(records, kind, outcome, stamp(started))

    def _answer(self, records: Records, kind: str, outcome: Outcome, started: str) -> Response:
        if outcome.missing:
            outcome.errors.append(NotThere(records.kind.title).item({"ids": outcome.missing}))
        body: Row = {
            "status": "COMPLETE",
            "results": outcome.results[::-1],
            "startedAt": started,
            "completedAt": stamp(self._portal.clock.exact()),
        }
        if outcome.errors:
            return answer(207, {**body, "numErrors": len(outcome.errors), "errors": outcome.errors})
        return answer(201 if kind == "create" else 200, body)

    # -- the inputs -----------------------------------------------------------------------------------------

    def _read(self, records: Records, call: Call, body: Row, given: Row) -> Item:
        name, by = text_of(given.get("id")), body.get("idProperty")
        archived = call.flag("archived")

        def work() -> Row:
            record = records.find(name, by, archived=archived)
            return shown(
                records, record, body.get("properties") or (), body.get("propertiesWithHistory") or ()
            )

        return Item(given, self._named(records, name, by), work)

    def _create(self, records: Records, given: Row) -> Item:
        def work() -> Row:
            record = records.create(self._portal.checked(records, given.get("properties")))
            return written(records, record)

        values = given.get("properties")
        email = values.get("email") if isinstance(values, dict) else None
        return Item(given, text_of(email) or None, work, _trace(given))

    def _update(self, records: Records, given: Row) -> Item:
        name, by = text_of(given.get("id")), given.get("idProperty")

        def work() -> Row:
            record = records.find(name, by)
            values = self._portal.checked(records, given.get("properties"))
            records.update(record, values)
            return written(records, record, values)

        return Item(given, self._named(records, name, by), work, _trace(given))

    def _upsert(self, records: Records, given: Row) -> Item:
        name, by = text_of(given.get("id")), given.get("idProperty")

        def work() -> Row:
            values = self._portal.checked(records, given.get("properties"))
            try:
                record = records.find(name, by)
            except NotThere:
                if not by or by == "hs_object_id":
                    raise
                keyed = self._portal.checked(records, {by: name})
                return written(records, records.create({**keyed, **values}), new=True)
            records.update(record, values)
            return written(records, record, values, new=False)

        return Item(given, self._named(records, name, by), work, _trace(given))

    def _archive(self, records: Records, given: Row) -> Item:
        name = text_of(given.get("id"))

        def work() -> Row:
            record = records.rows.get(records.winner(name))
            if record is not None and record.archived is None:
                records.archive(record)
            return {"id": name}

        return Item(given, name, work)

    def _named(self, records: Records, name: str, by: str | None) -> str:
        if not by:
            return name
        with self._portal.lock:
            try:
                return records.find(name, by).id
            except HubError:
                return name

    # -- the work -------------------------------------------------------------------------------------------

    def _refuse_whole(self, records: Records, kind: str, items: list[Item]) -> None:
        """Only inputs that all have a trace id fail one by one; else one bad input refuses the batch."""
        names = [item.given.get("id") for item in items]
        twice = {text_of(name) for name in names if name is not None and names.count(name) > 1}
        if twice and kind != "archive":
            raise invalid(f"Duplicate IDs found in batch input: [{', '.join(sorted(twice))}]")
        traced = all(item.trace for item in items)
        if kind == "archive" or traced or self._portal.settings.partial_batches == "always":
            return
        emails: set[str] = set()
        with self._portal.lock:
            for item in items:
                values = self._check(records, kind, item)
                email = values.get("email") if kind == "create" else None
                if email in emails:
                    raise conflict("of another input")
                emails |= {email} if email else set()

    def _check(self, records: Records, kind: str, item: Item) -> dict[str, str]:
        values = self._portal.checked(records, item.given.get("properties"))
        own: str | None = None
        if kind != "create":
            try:
                own = records.find(text_of(item.given.get("id")), item.given.get("idProperty")).id
            except NotThere:
                return values
        records.check_free(values, own)
        return values

    def _done(self, call: Call, kind: str, items: list[Item]) -> Outcome:
        outcome = Outcome()
        seen: set[str] = set()
        for item in items:
            response = self._one(call, kind, item)
            if response.truncate or isinstance(response.body, bytes):
                raise WholeReply(response)
            if response.status >= 400:
                _failed(outcome, item, response.body)
            elif response.body["id"] not in seen or kind != "read":
                seen.add(response.body["id"])
                outcome.results.append({**response.body, **_traced(item)})
        return outcome

    def _one(self, call: Call, kind: str, item: Item) -> Response:
        sub = _opened(call, kind, item)

        def work() -> Response:
            try:
                with self._portal.lock:
                    row = item.work()
                response = answer(201 if kind == "create" or row.get("new") else 200, row)
                sub["id"] = row["id"]
            except HubError as error:
                response = answer(error.status, error.body())
            sub["done"] = response.status
            return response

        moment = Moment(call.request, record=item.record, item=True)
        response = self._faults.around(moment, work)
        sub["status"] = response.status
        return response


def _opened(call: Call, kind: str, item: Item) -> Row:
    """The entry of one input that writes; reads of a batch are told by its body."""
    if kind == "read":
        return {}
    base = call.request.raw_path.partition("/batch/")[0]
    name = text_of(item.given.get("id"))
    sub = open_sub(call.request.entry, METHODS[kind], f"{base}/{name}".rstrip("/"), {}, item.given)
    sub["id"] = item.record if kind != "create" else None
    return sub


def _failed(outcome: Outcome, item: Item, body: Row) -> None:
    """Inputs whose record is not there share one entry; any other failure has its own."""
    name = text_of(item.given.get("id"))
    if body.get("category") == "OBJECT_NOT_FOUND" and not item.trace:
        outcome.missing.append(name)
        return
    ids = {"ids": [name]} if name else {}
    ids |= {TRACE: [item.trace]} if item.trace else {}
    entry = {"status": "error", "category": body.get("category") or body.get("errorType")}
    entry |= {"message": body.get("message"), "context": {**(body.get("context") or {}), **ids}}
    if body.get("errors"):
        entry["errors"] = body["errors"]
    outcome.errors.append(entry)


def _traced(item: Item) -> Row:
    return {TRACE: item.trace} if item.trace else {}


def _trace(given: Row) -> str:
    return str(given.get(TRACE) or "")


def _inputs(body: Row, most: int) -> list[Row]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs) or not inputs:
        raise invalid("Some required fields were not set: [inputs]")
    if any(not isinstance(one.get("idProperty") or "", str) for one in (body, *inputs)):
        raise invalid("Invalid input JSON: idProperty must be a string")
    if len(inputs) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request is {most}")
    return inputs
