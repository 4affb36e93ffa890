"""Faults: which request they meet, at which moment, and what happens to it, to its record or to its reply."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import unquote_plus

from allocator.sandbox.hubspot.answers import fault_answer
from allocator.sandbox.hubspot.calls import is_hubspot
from allocator.sandbox.server import Cut
from allocator.sandbox.wire import ApiError, Request, Response

KINDS = {
    "delay",
    "status",
    "html",
    "drop",
    "reset",
    "truncate",
    "expire",
    "lock",
    "take",
    "convert",
    "edit",
    "hold",
}
ON = {"method", "path", "record", "nth", "times"}
MOST_SECONDS = 86_400
ABOUT_A_RECORD = {"lock", "take", "convert", "edit"}
BY_A_PERSON = {"take", "convert", "edit"}
CODES = {
    400: ("BAD_REQUEST", "The request could not be understood"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    412: ("PRECONDITION_FAILED", "A precondition of the request failed"),
    429: ("REQUEST_LIMIT_EXCEEDED", "Too many requests"),
    500: (
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId: 1234567890-1 (99)",
    ),
    502: ("BAD_GATEWAY", "Bad gateway"),
    503: ("SERVER_UNAVAILABLE", "Server unavailable"),
    504: ("GATEWAY_TIMEOUT", "Gateway timeout"),
}
PAGE = b"<!DOCTYPE html><html><head><title>Login | Salesforce</title></head><body>Log in</body></html>"


class WholeReply(Exception):
    """A fault at a sub-request that replaces or tears the reply around it."""

    def __init__(self, response: Response) -> None:
        super().__init__("whole reply")
        self.response = response


class World(Protocol):
    """What a fault does to the CRM itself."""

    def person_acts(self, kind: str, record: str, by: str | None, fields: dict[str, Any]) -> None: ...
    def expire(self, request: Request) -> None: ...


@dataclass
class Fault:
    """One POST to /_sandbox/faults and what became of it."""

    id: str
    do: str
    after: bool
    method: str | None
    path: re.Pattern[str] | None
    record: str | None
    nth: int
    times: int
    options: dict[str, Any]
    spec: dict[str, Any]
    seen: int = 0
    hits: int = 0
    holding: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    cut_the_dead: bool = False

    def counts(self) -> bool:
        """Count one matching request; true when this one is among those that fire."""
        self.seen += 1
        fires = self.seen >= self.nth and (self.times <= 0 or self.seen < self.nth + self.times)
        self.hits += fires
        return fires

    def shown(self) -> dict[str, Any]:
        counters = {"seen": self.seen, "hits": self.hits, "holding": self.holding}
        return {**self.spec, "id": self.id, **counters}


@dataclass(frozen=True)
class Moment:
    """A request as faults see it: `many` marks one of several records, `item` a record of such a one."""

    request: Request
    record: str | None = None
    many: bool = False
    item: bool = False

    @property
    def targets(self) -> list[Request]:
        """The request itself, then the composite around it: a path may name either."""
        return [self.request] if self.request.outer is None else [self.request, self.request.outer]


class Faults:
    """The armed faults, in the order they came."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: dict[str, Fault] = {}
        self._made = 0
        self._lock = threading.Lock()
        self.stopping = threading.Event()

    def add(self, spec: dict[str, Any], to18: Callable[[str], str]) -> str:
        with self._lock:
            self._made += 1
            fault = read_fault(f"f{self._made}", spec, to18)
            self._faults[fault.id] = fault
        return fault.id

    def shown(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.shown() for fault in self._faults.values()]

    def release(self, fault_id: str) -> int | None:
        """Let go what this fault holds now; how many that were, or None for an unknown fault."""
        with self._lock:
            fault = self._faults.get(fault_id)
            if fault is None:
                return None
            opened, fault.gate = fault.gate, threading.Event()
            released = fault.holding
        opened.set()
        return released

    def clear(self, *, cut: bool = False) -> None:
        """Forget all. Held requests go on, but for those whose client is gone: their request is lost."""
        with self._lock:
            faults, self._faults = list(self._faults.values()), {}
        for fault in faults:
            fault.cut_the_dead = True
            if cut:
                fault.options["cut"] = True
            fault.gate.set()

    def stop(self) -> None:
        self.stopping.set()
        self.clear(cut=True)

    def around(self, moment: Moment, work: Callable[[], Response]) -> Response:
        """Run `work` with the faults that meet this moment before and after it."""
        met = self._met(moment)
        for fault in met:
            if not fault.after and (answer := self._apply(fault, moment, work)) is not None:
                return answer
        response = work()
        for fault in met:
            if fault.after:
                response = self._apply(fault, moment, lambda done=response: done) or response
        return response

    def _met(self, moment: Moment) -> list[Fault]:
        with self._lock:
            return [fault for fault in self._faults.values() if meets(fault, moment) and fault.counts()]

    def _apply(self, fault: Fault, moment: Moment, work: Callable[[], Response]) -> Response | None:
        return getattr(self, f"_do_{fault.do}")(fault, moment, work)  # type: ignore[no-any-return]

    def _do_delay(self, fault: Fault, moment: Moment, work: Any) -> None:
        fault.gate.wait(float(fault.options.get("seconds") or 0))

    def _do_status(self, fault: Fault, moment: Moment, work: Any) -> Response:
        if moment.request.raw_path.startswith("/services/oauth2/"):
            error = {
                "error": fault.options.get("code") or "unknown_error",
                "error_description": "retry your request",
            }
            return Response(int(fault.options.get("status") or 500), error)
        return refusal(fault.options, moment.request)

    def _do_html(self, fault: Fault, moment: Moment, work: Any) -> Response:
        status = int(fault.options.get("status") or 200)
        return Response(status, PAGE, content_type="text/html;charset=UTF-8")

    def _do_drop(self, fault: Fault, moment: Moment, work: Any) -> None:
        self._wait(fault, moment)
        raise Cut(reset=False)

    def _do_reset(self, fault: Fault, moment: Moment, work: Any) -> None:
        raise Cut(reset=True)

    def _do_truncate(self, fault: Fault, moment: Moment, work: Callable[[], Response]) -> Response:
        """Before its commit a write is not done at all; a read has to be, or there is nothing to halve."""
        if not fault.after and moment.request.method not in ("GET", "HEAD"):
            return Response(200, b'{"id" : "00Q', truncate=True)
        whole = work()
        return replace(whole, truncate=True)

    def _do_expire(self, fault: Fault, moment: Moment, work: Any) -> Response:
        self._world.expire(moment.request)
        return refusal({"status": 401}, moment.request)

    def _do_lock(self, fault: Fault, moment: Moment, work: Any) -> Response:
        if is_hubspot(moment.request):
            return fault_answer({"status": 423}, moment.request)
        text = f"unable to obtain exclusive access to this record or 1 records: {moment.record}"
        return ApiError(400, "UNABLE_TO_LOCK_ROW", text, []).response()

    def _person(self, fault: Fault, moment: Moment, work: Any) -> None:
        record = moment.record or fault.record
        if record:
            fields = fault.options.get("fields") or {}
            self._world.person_acts(fault.do, record, fault.options.get("by"), fields)

    _do_take = _do_convert = _do_edit = _person

    def _do_hold(self, fault: Fault, moment: Moment, work: Any) -> None:
        self._wait(fault, moment)
        lost = fault.cut_the_dead and not moment.targets[-1].alive()
        if lost or fault.options.get("cut") or self.stopping.is_set():
            raise Cut(reset=False)

    def _wait(self, fault: Fault, moment: Moment) -> None:
        with self._lock:
            fault.holding += 1
            gate = fault.gate
        gate.wait()
        with self._lock:
            fault.holding -= 1


def meets(fault: Fault, moment: Moment) -> bool:
    """Does the fault mean this moment? What meets a composite itself does not meet its sub-requests again."""
    outer = moment.request.outer
    about_a_record = bool(fault.record) or fault.do in ABOUT_A_RECORD
    if (moment.many and fault.do in ABOUT_A_RECORD) or (moment.item and not about_a_record):
        return False
    if outer is None or about_a_record:
        return any(_names(fault, target) for target in moment.targets) and _record_fits(fault, moment)
    return _names(fault, moment.request) and not _names(fault, outer)


def _names(fault: Fault, request: Request) -> bool:
    if fault.method and fault.method != request.method:
        return False
    texts = (request.target, unquote_plus(request.target))
    return fault.path is None or any(fault.path.search(text) for text in texts)


def _record_fits(fault: Fault, moment: Moment) -> bool:
    if moment.record is not None:
        return fault.record in (None, moment.record)
    if fault.do == "lock":
        return False
    if fault.do in BY_A_PERSON:
        # A read that names no record can still be the moment at which somebody touches one.
        return fault.record is not None and _reads(moment.request) and fault.path is not None
    return fault.record is None


def _reads(request: Request) -> bool:
    searching = is_hubspot(request) and request.raw_path.endswith("/search")
    return request.method == "GET" or searching


def read_fault(fault_id: str, spec: dict[str, Any], to18: Callable[[str], str]) -> Fault:
    """A fault from its JSON; ValueError says what is wrong with it."""
    on, do = _checked_on(spec.get("on") or {}), spec.get("do")
    _check_options(spec)
    if not isinstance(do, str) or do not in KINDS:
        raise ValueError(f"do must be one of {', '.join(sorted(KINDS))}")
    if spec.get("when", "before") not in ("before", "after_commit"):
        raise ValueError("when must be before or after_commit")
    record = on.get("record") or spec.get("record")
    method = str(on["method"]).upper() if on.get("method") else None
    options = {key: spec[key] for key in spec if key not in ("on", "when", "do", "id")}
    return Fault(
        id=fault_id,
        do=do,
        after=spec.get("when") == "after_commit" and do != "lock",
        method=None if method == "*" else method,
        path=re.compile(on["path"]) if on.get("path") else None,
        record=to18(str(record)) if record else None,
        nth=int(on.get("nth", 1)),
        times=int(on.get("times", 1)),
        options=options,
        spec=dict(spec),
    )


def _checked_on(on: Any) -> dict[str, Any]:
    """A word that nobody knows would otherwise mean every request."""
    if not isinstance(on, dict):
        raise ValueError("on must be an object")
    if unknown := sorted(set(on) - ON):
        raise ValueError(f"on knows {', '.join(sorted(ON))}, not {', '.join(unknown)}")
    return on


def _check_options(spec: dict[str, Any]) -> None:
    status, seconds, fields = spec.get("status"), spec.get("seconds"), spec.get("fields")
    if status is not None and not 200 <= int(status) <= 599:
        raise ValueError("status must be 200 to 599")
    if seconds is not None and not 0 <= float(seconds) <= MOST_SECONDS:
        raise ValueError(f"seconds must be 0 to {MOST_SECONDS}")
    if fields is not None and not isinstance(fields, dict):
        raise ValueError("fields must be an object")


def refusal(options: dict[str, Any], request: Request) -> Response:
    """An error as the system words it that was called."""
    return fault_answer(options, request) if is_hubspot(request) else vendor_error(options)


def vendor_error(options: dict[str, Any]) -> Response:
    """An error as the REST API words it; `code`, `message` and `seconds` (Retry-After) may be given."""
    status = int(options.get("status") or 500)
    code, message = CODES.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred"))
    response = ApiError(status, options.get("code") or code, options.get("message") or message).response()
    if options.get("seconds") is not None:
        response.headers["Retry-After"] = str(options["seconds"])
    return response
