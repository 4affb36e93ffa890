"""The control interface below /_sandbox: records, log, history, faults, clock, settings, reset."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allocator.sandbox.clock import parse_iso, wire
from allocator.sandbox.hubspot.control import HubControl
from allocator.sandbox.salesforce.org import INTEGRATION_USER
from allocator.sandbox.salesforce.people import ACTS
from allocator.sandbox.salesforce.schema import to18
from allocator.sandbox.salesforce.schema_setup import set_up
from allocator.sandbox.wire import ApiError, Request, Response, missing_resource, wrong_method

if TYPE_CHECKING:
    from allocator.sandbox.app import Sandbox


LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}


def _only_ours(request: Request) -> None:
    """A web page must not drive this: neither by a name that leads here, nor from an origin of its own."""
    for header in ("Host", "Origin"):
        text = request.headers.get(header)
        if text is not None and _host_of(text) not in LOCAL_NAMES:
            raise ApiError(403, "FORBIDDEN", f"the control interface is for loopback: {header} {text!r}")


def fault_record(text: str) -> str:
    """The record that a fault names: a HubSpot id or an e-mail address as it is, a CRM id in full."""
    return text if text.isdigit() or "@" in text else to18(text)


def _host_of(text: str) -> str | None:
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        return None


class Control:
    """Answers on loopback only; nothing of it is logged or counted."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._hubspot = HubControl(sandbox.portal)

    def serve(self, request: Request) -> Response:
        parts = [part for part in request.path.split("/") if part][1:]
        found: Callable[[Request, list[str]], Response] | None = {
            "records": self._records,
            "requests": self._requests,
            "history": self._history,
            "faults": self._faults,
            "release": self._release,
            "act": self._act,
            "clock": self._clock,
            "reset": self._reset,
            "settings": self._settings,
            "info": self._info,
            "fields": self._fields,
            "hubspot": self._hubspot.serve,
            **dict.fromkeys(ACTS, self._person),
        }.get(parts[0] if parts else "")
        try:
            _only_ours(request)
            if found is None:
                raise missing_resource()
            return found(request, parts)
        except ApiError as error:
            return error.response()
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, re.error) as error:
            return ApiError(400, "BAD_REQUEST", f"{type(error).__name__}: {error}").response()

    def _records(self, request: Request, parts: list[str]) -> Response:
        kind = self._sandbox.org.records.type(parts[1] if len(parts) > 1 else "")
        if request.method == "GET":
            return Response(200, self._sandbox.org.records.rows(kind.name))
        if request.method not in ("PUT", "POST"):
            raise wrong_method(request.method, "GET,PUT")
        given = request.json()
        rows = given if isinstance(given, list) else [given]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("rows must be a list of objects")
        done = [self._sandbox.org.records.put_raw(kind, row, INTEGRATION_USER) for row in rows]
        return Response(200, [{"Id": row["Id"]} for row in done])

    def _requests(self, request: Request, parts: list[str]) -> Response:
        if request.method == "DELETE":
            self._sandbox.log.clear()
            return Response(204)
        return Response(200, self._sandbox.log.entries())

    def _history(self, request: Request, parts: list[str]) -> Response:
        return Response(200, list(self._sandbox.org.records.history))

    def _faults(self, request: Request, parts: list[str]) -> Response:
        if request.method == "GET":
            return Response(200, self._sandbox.faults.shown())
        if request.method == "DELETE":
            self._sandbox.faults.clear()
            return Response(204)
        spec = request.json()
        if not isinstance(spec, dict):
            raise ValueError("a fault is an object")
        return Response(200, {"id": self._sandbox.faults.add(spec, fault_record)})

    def _release(self, request: Request, parts: list[str]) -> Response:
        body = request.json() or {}
        released = self._sandbox.faults.release(str(body.get("id")))
        if released is None:
            raise ApiError(404, "NOT_FOUND", "no such fault")
        return Response(200, {"id": body["id"], "released": released})

    def _act(self, request: Request, parts: list[str]) -> Response:
        """A person takes, converts or edits a record now."""
        body = request.json() or {}
        kind, record = body["do"], to18(body["record"])
        if kind not in ("take", "convert", "edit"):
            raise ValueError("do must be take, convert or edit")
        self._sandbox.person_acts(kind, record, body.get("by"), body.get("fields") or {})
        return Response(204)

    def _person(self, request: Request, parts: list[str]) -> Response:
        """A person does it by the rules of the org; the answer is what came of it, or the vendor's error."""
        if request.method != "POST":
            raise wrong_method(request.method, "POST")
        return Response(200, self._sandbox.people.act(parts[0], request.json() or {}))

    def _fields(self, request: Request, parts: list[str]) -> Response:
        """Custom fields, and other rules for fields that are there: what an administrator sets up."""
        kind = self._sandbox.org.records.type(parts[1] if len(parts) > 1 else "")
        if request.method == "PUT":
            for spec in request.json() or []:
                set_up(self._sandbox.org.schema, kind, spec)
        elif request.method != "GET":
            raise wrong_method(request.method, "GET,PUT")
        return Response(200, [found.describe() for found in kind.fields])

    def _clock(self, request: Request, parts: list[str]) -> Response:
        if request.method == "POST":
            self._sandbox.clock.set(parse_iso(str((request.json() or {})["now"])))
        return Response(200, {"now": wire(self._sandbox.clock.now())})

    def _reset(self, request: Request, parts: list[str]) -> Response:
        if request.method != "POST":
            raise wrong_method(request.method, "POST")
        self._sandbox.reset()
        return Response(204)

    def _settings(self, request: Request, parts: list[str]) -> Response:
        settings = self._sandbox.org.settings
        if request.method in ("PUT", "POST", "PATCH"):
            settings.change(request.json() or {})
        return Response(200, dict(vars(settings)))

    def _info(self, request: Request, parts: list[str]) -> Response:
        return Response(200, self._sandbox.info())
