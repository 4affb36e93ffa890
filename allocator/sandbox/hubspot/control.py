"""The control calls below /_sandbox/hubspot: rows, what a person does, owners, settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allocator.sandbox.hubspot.answers import HubError, NotThere, stamp
from allocator.sandbox.hubspot.calls import written
from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.hubspot.records import PERSON, Record, Records
from allocator.sandbox.hubspot.values import text_of
from allocator.sandbox.wire import ApiError, Request, Response, missing_resource, wrong_method

ACTS = ("add", "edit", "archive", "restore", "merge")


class HubControl:
    """Answers what /_sandbox/hubspot/... asks."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def serve(self, request: Request, parts: list[str]) -> Response:
        name = parts[1] if len(parts) == 2 else ""
        with self._portal.lock:
            if name in ("contacts", "companies"):
                return self._rows(request, self._portal.records(name))
            if name in ACTS:
                return self._act(name, request)
            if name == "owners":
                return self._owners(request)
            if name == "lists":
                return self._lists(request)
            if name == "settings":
                return self._settings(request)
        raise missing_resource()

    def _rows(self, request: Request, records: Records) -> Response:
        if request.method == "GET":
            return Response(200, [_row(records, one) for one in _in_order(records)])
        if request.method not in ("PUT", "POST"):
            raise wrong_method(request.method, "GET,PUT")
        given = request.json()
        rows = given if isinstance(given, list) else [given]
        if not all(isinstance(row, dict) and isinstance(row.get("properties"), dict) for row in rows):
            raise ValueError('rows must be a list of {"id"?, "properties": {}}')
        return Response(200, [{"id": records.put_raw(row, text_of).id} for row in rows])

    def _act(self, name: str, request: Request) -> Response:
        if request.method != "POST":
            raise wrong_method(request.method, "POST")
        body = request.json()
        if not isinstance(body, dict):
            raise ValueError("an act is an object")
        try:
            return Response(200, {"do": name, **self._done(name, body)})
        except NotThere:
            raise ApiError(404, "NOT_FOUND", f"there is no record {body.get('id')}") from None
        except HubError as error:
            raise ApiError(error.status, error.category, error.message) from None

    def _done(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        given = body.get("properties") or {}
        if name == "add":
            return _told(self._portal.contacts, self._portal.add(given), given)
        record_id = text_of(body["id"])
        records = self._portal.holder(record_id) or self._portal.contacts
        if name == "edit":
            if not given:
                raise ValueError("edit needs properties")
            return _told(records, self._portal.edit(record_id, given), given)
        record = records.find(record_id, archived=name == "restore")
        if name == "merge":
            others = [records.find(text_of(other)) for other in body["others"]]
            for other in others:
                records.merge(record, other, PERSON)
            return {"id": record.id, "merged": [other.id for other in others]}
        getattr(records, name)(record)
        return {"id": record.id}

    def _owners(self, request: Request) -> Response:
        """Add an owner, or change one that is there: {"id"?, "email", "first", "last", "archived"}."""
        owners = self._portal.owners
        if request.method in ("PUT", "POST"):
            for row in request.json() or []:
                own = row.get("id") or self._portal.add_owner(row["email"], "", "").id
                owners[own] = replace(owners[own], **{**row, "id": own})
        return Response(200, [owner.shown() for owner in owners.values()])

    def _lists(self, request: Request) -> Response:
        """Who is in which list: {"7": ["101", ...]} sets those that it names."""
        if request.method in ("PUT", "POST"):
            given = request.json()
            if not isinstance(given, dict) or not all(isinstance(ids, list) for ids in given.values()):
                raise ValueError('lists are {"ID": ["CONTACT", ...]}')
            self._portal.lists |= {str(name): [text_of(one) for one in ids] for name, ids in given.items()}
        return Response(200, dict(self._portal.lists))

    def _settings(self, request: Request) -> Response:
        if request.method in ("PUT", "POST", "PATCH"):
            self._portal.settings.change(request.json() or {})
        return Response(200, dict(vars(self._portal.settings)))


def _in_order(records: Records) -> list[Record]:
    return sorted(records.rows.values(), key=lambda one: int(one.id))


def _row(records: Records, record: Record) -> dict[str, Any]:
    swallowed = [loser for loser in records.aliases if records.winner(loser) == record.id]
    archived = stamp(record.archived) if record.archived else None
    return {
        "id": record.id,
        "properties": dict(record.properties),
        "archived": record.archived is not None,
        "archivedAt": archived,
        "merged": swallowed,
        "history": record.history,
    }


def _told(records: Records, record: Record, given: dict[str, Any]) -> dict[str, Any]:
    shown = written(records, record)["properties"]
    return {"id": record.id, "properties": {name: shown.get(name) for name in given}}
