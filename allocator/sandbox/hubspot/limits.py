"""Rate limits by policy, counted on the sandbox's clock, and the headers that tell them."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

from allocator.sandbox.hubspot.answers import too_many
from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.wire import Response

WINDOWS = {
    "daily": (timedelta(days=1), "DAILY", 250_000),
    "ten_secondly": (timedelta(seconds=10), "TEN_SECONDLY_ROLLING", 100),
    "search_secondly": (timedelta(seconds=1), "SECONDLY", 5),
}
"""Each with its window, its policy's name, and the number that the headers tell while it is off."""


class Limits:
    """Calls of the windows that roll. A search counts by its own policy and the day's."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._times: dict[str, deque[datetime]] = {name: deque() for name in WINDOWS}
        self._lock = threading.Lock()

    def count(self, *, searching: bool) -> Response | None:
        """One more call, or the 429 of the first policy that has no room for it; that is not counted."""
        names = ("daily", "search_secondly" if searching else "ten_secondly")
        with self._lock:
            for name in names:
                most = self._portal.settings.limits[name]
                if most and self._used(name) >= most:
                    return too_many(WINDOWS[name][1])
            for name in names:
                self._times[name].append(self._portal.clock.exact())
        return None

    def _used(self, name: str) -> int:
        now, times = self._portal.clock.exact(), self._times[name]
        while times and not timedelta() <= now - times[0] < WINDOWS[name][0]:
            times.popleft()
        return len(times)

    def headers(self, *, searching: bool) -> dict[str, str]:
        """A search's answer tells of the day alone."""
        with self._lock:
            daily, rest = self._room("daily")
            told = {"X-HubSpot-RateLimit-Daily": daily, "X-HubSpot-RateLimit-Daily-Remaining": rest}
            if not searching:
                most, rest = self._room("ten_secondly")
                told |= {
                    "X-HubSpot-RateLimit-Interval-Milliseconds": 10_000,
                    "X-HubSpot-RateLimit-Max": most,
                    "X-HubSpot-RateLimit-Remaining": rest,
                    "X-HubSpot-RateLimit-Secondly": 10,
                    "X-HubSpot-RateLimit-Secondly-Remaining": 9,
                }
        return {name: str(number) for name, number in told.items()}

    def _room(self, name: str) -> tuple[int, int]:
        most = self._portal.settings.limits[name] or WINDOWS[name][2]
        return most, max(most - self._used(name), 0)

    def clear(self) -> None:
        with self._lock:
            for times in self._times.values():
                times.clear()
