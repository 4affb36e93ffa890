"""The request log: one entry a request outside /_sandbox, numbered in order of arrival."""

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
    """A sub-request's entry; its status is what its work ended with, even when the outer reply was cut."""
    sub = {"method": method, "url": url, "headers": headers, "status": None, "body": body}
    entry.setdefault("sub", []).append(sub)
    return sub
