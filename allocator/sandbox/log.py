"""The request log: one entry a request outside /_sandbox, numbered in order of arrival.

`status` is what was answered (null while held, or when the reply was cut), `done` what the work ended with
(null when it was never done), `body` what was sent, `result` the rows of a collection's answer. All keys are
there from the start, because an entry is read while its request still runs.
"""

import copy
import threading
from typing import Any


class RequestLog:
    """Entries are filled while their request runs, so that a cut or held one shows status null."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def open(self, method: str, path: str, headers: dict[str, str], body: Any) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "n": 0,
            "method": method,
            "path": path,
            "headers": headers,
            "status": None,
            "done": None,
            "sub": [],
            "body": body,
            "result": None,
        }
        with self._lock:
            entry["n"] = len(self._entries) + 1
            self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return copy.deepcopy(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def open_sub(
    entry: dict[str, Any], method: str, url: str, headers: dict[str, str], body: Any
) -> dict[str, Any]:
    """A sub-request's entry: it has a status as soon as it is through, even when the whole reply is cut."""
    sub: dict[str, Any] = {"method": method, "url": url, "headers": headers, "status": None}
    sub |= {"done": None, "body": body, "result": None}
    entry["sub"].append(sub)
    return sub
