"""Query results in pages: SOQL run once, its rows kept behind a locator until two days have passed."""

from __future__ import annotations

import secrets
import string
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allocator.sandbox.clock import Clock
from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.salesforce.soql import SoqlError, execute
from allocator.sandbox.wire import ApiError, Headers

LOCATOR_AGE = timedelta(days=2)
KEPT = 200
LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Cursor:
    """The rows as they were when the query ran: later writes do not show on later pages."""

    records: list[dict[str, Any]]
    total: int
    size: int
    made: datetime


class Queries:
    """Runs SOQL and hands out pages."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._clock: Clock = org.clock
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._lock = threading.Lock()

    def run(
        self, text: str, version: str, headers: Headers, *, deleted: bool, user: str | None = None
    ) -> dict[str, Any]:
        size = batch_size(headers)
        try:
            result = execute(
                text,
                self._org.schema,
                self._org.records.rows,
                now=self._clock.now(),
                version=version,
                include_deleted=deleted,
                user=user,
            )
        except SoqlError as error:
            raise ApiError(400, error.code, error.message) from None
        cursor = Cursor(result.records, result.total_size, size, self._clock.now())
        if len(cursor.records) <= size:
            return {"totalSize": cursor.total, "done": True, "records": cursor.records}
        return self._page(self._keep(cursor), cursor, 0, version)

    def more(self, locator: str, version: str) -> dict[str, Any]:
        """Help article 000384958 lists the codes for a locator that is old, cut short or out of range."""
        name, _, place = locator.partition("-")
        with self._lock:
            cursor = self._cursors.get(name)
        if cursor is None or self._clock.now() - cursor.made > LOCATOR_AGE:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if not place.isdigit() or int(place) > len(cursor.records):
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(name, cursor, int(place), version)

    def clear(self) -> None:
        with self._lock:
            self._cursors.clear()

    def _keep(self, cursor: Cursor) -> str:
        name = "0r8" + "".join(secrets.choice(LETTERS) for _ in range(15))
        with self._lock:
            self._cursors[name] = cursor
            while len(self._cursors) > KEPT:
                self._cursors.popitem(last=False)
        return name

    def _page(self, name: str, cursor: Cursor, start: int, version: str) -> dict[str, Any]:
        end = start + cursor.size
        page = {"totalSize": cursor.total, "done": end >= len(cursor.records)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{name}-{end}"
        return {**page, "records": cursor.records[start:end]}


def batch_size(headers: Headers) -> int:
    """ "Query Options Header" (REST API Developer Guide): 200 to 2,000, the default is the most."""
    for part in headers.get("Sforce-Query-Options", "").split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdigit():
            return min(max(int(value), 200), 2000)
    return 2000
