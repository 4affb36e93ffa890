"""A loopback server that answers as a test scripts it: what no honest org would say."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_plus

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings

QUEUE = "00G000000000001EAA"
ANA = "005000000000001AAA"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STAMP = "2026-03-02T08:00:00.000+0000"
HTML = b"<!DOCTYPE html><html><body>Log in to acme, secret-in-page</body></html>"


@dataclass(frozen=True)
class Reply:
    """`do`: answer, cut (close), reset, hang (until the test ends), truncate, stall (in mid-body)."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    do: str = "answer"


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: Any


def patience(*replies: Reply) -> float:
    """How long a client of this script waits."""
    return IMPATIENT if any(reply.do in ("hang", "stall") for reply in replies) else PATIENT


def error(status: int, code: str, message: str = "", **more: Any) -> Reply:
    return Reply(status, [{"errorCode": code, "message": message, **more}])


EXPIRED = error(401, "INVALID_SESSION_ID", "Session expired or invalid")
PATIENT, IMPATIENT = 30.0, 0.3
"""Seconds to wait for an answer; only where none will come is the wait a short one."""
CUT, RESET, HANG = Reply(do="cut"), Reply(do="reset"), Reply(do="hang")


def page(*rows: dict[str, Any], total: int | None = None, more: str | None = None) -> Reply:
    body = {"totalSize": len(rows) if total is None else total, "done": more is None, "records": list(rows)}
    return Reply(200, body | ({"nextRecordsUrl": more} if more else {}))


def lead(number: int, **more: Any) -> dict[str, Any]:
    return {
        "attributes": {"type": "Lead"},
        "Id": lead_id(number),
        "OwnerId": QUEUE,
        "CreatedDate": STAMP,
        "LastModifiedDate": STAMP,
        "SystemModstamp": STAMP,
        "Email": f"lead{number}@acme.example",
        **more,
    }


def lead_id(number: int) -> str:
    return f"00Q{number:012d}EAA"


def composite(*parts: tuple[str, int, Any]) -> Reply:
    """(referenceId, status, body) of each sub-request."""
    shown = [{"referenceId": name, "httpStatusCode": status, "body": body} for name, status, body in parts]
    return Reply(200, {"compositeResponse": shown})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the script."""


class ScriptedOrg:
    """`on(pattern, *replies)`: the first pattern found in "METHOD target" answers; the last reply repeats."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._script: list[tuple[re.Pattern[str], list[Reply]]] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._usual = [
            ("oauth2/token", self.token()),
            (
                "FROM QueueSobject",
                page({"QueueId": QUEUE, "Queue": {"Name": "Inbound", "DeveloperName": "In"}}),
            ),
            ("Lead/describe", Reply(200, {"fields": [{"name": "Email"}, {"name": "Country"}]})),
        ]

    def token(self, **changed: Any) -> Reply:
        return Reply(200, {"access_token": "00D!token-canary", "instance_url": self.url, **changed})

    def on(self, pattern: str, *replies: Reply) -> ScriptedOrg:
        self._script.append((re.compile(pattern, re.S), list(replies)))
        return self

    def answer(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            line = f"{seen.method} {unquote_plus(seen.target)}"
            for pattern, replies in self._script:
                if pattern.search(line):
                    return replies.pop(0) if len(replies) > 1 else replies[0]
        return next((reply for text, reply in self._usual if text in line), error(404, "NOT_FOUND"))

    def requests(self, pattern: str) -> list[Seen]:
        return [one for one in self.seen if re.search(pattern, f"{one.method} {unquote_plus(one.target)}")]

    def __enter__(self) -> ScriptedOrg:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class Waits(list[float]):
    """A sleep that only remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def crm_of(
    url: str,
    *,
    sleep: Waits | None = None,
    paths: tuple[str, ...] = ("Country",),
    patience: float = PATIENT,
    **more: Any,
) -> SalesforceCRM:
    given = {"client_id": "client-canary", "client_secret": "secret-canary", "intake": ("Inbound",), **more}
    settings = SalesforceSettings(url=url, **given)
    waits = Waits() if sleep is None else sleep
    return SalesforceCRM(
        settings, fact_paths=paths, sleep=waits, timeouts=Timeouts(patience, patience, patience)
    )


def _handler(org: ScriptedOrg) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                body = raw.decode()
            self._reply(org.answer(Seen(self.command, self.path, dict(self.headers.items()), body)))

        do_GET = do_POST = do_PATCH = _serve

        def _reply(self, reply: Reply) -> None:
            if reply.do == "hang":
                org.over.wait()
            if reply.do == "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if reply.do not in ("answer", "truncate", "stall"):
                self.close_connection = True
                return
            payload = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            headers = {"Date": format_datetime(MONDAY, usegmt=True), "Content-Length": str(len(payload))}
            for name, value in (headers | reply.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload[: len(payload) // 2] if reply.do in ("truncate", "stall") else payload)
            if reply.do == "stall":
                org.over.wait()
            self.close_connection = self.close_connection or reply.do == "truncate"

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler
