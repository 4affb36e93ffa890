"""The daily request limit: counting, the header on each answer, and the limits resource."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.wire import ApiError

DAY = timedelta(hours=24)
OTHERS = {
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DataStorageMB": 5,
    "FileStorageMB": 20,
    "SingleEmail": 15,
}


class Usage:
    """Requests of the last 24 hours by the sandbox's clock. A composite counts as one."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._times: deque[datetime] = deque()
        self._lock = threading.Lock()

    def used(self) -> int:
        now = self._org.clock.now()
        with self._lock:
            while self._times and now - self._times[0] >= DAY:
                self._times.popleft()
            return len(self._times)

    def count(self) -> None:
        """One more request, or REQUEST_LIMIT_EXCEEDED when the day's are used up."""
        if self.used() >= self._org.settings.api_limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        with self._lock:
            self._times.append(self._org.clock.now())

    def header(self) -> str:
        return f"api-usage={self.used()}/{self._org.settings.api_limit}"

    def limits(self) -> dict[str, Any]:
        most = self._org.settings.api_limit
        daily = {"Max": most, "Remaining": max(most - self.used(), 0)}
        return {"DailyApiRequests": daily} | {name: {"Max": n, "Remaining": n} for name, n in OTHERS.items()}

    def clear(self) -> None:
        with self._lock:
            self._times.clear()
