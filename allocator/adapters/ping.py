"""Pings an outside watch: URL/start, URL, URL/fail, as healthchecks.io and its kind understand them.

https://healthchecks.io/docs/http_api/ (success is the URL itself). The URL is a secret: it is never logged.
"""

from __future__ import annotations

TIMEOUT = (3.0, 5.0)
"""Seconds to connect and to answer: a watch that is down delays a run by no more."""
_PATHS = {"start": "/start", "success": "", "fail": "/fail"}


class WebPing:
    """Tells the watch at `url`; what it answers, and whether, changes nothing."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def __call__(self, event: str) -> None:
        import requests  # a tenth of the start of commands that ask no server

        try:
            requests.get(f"{self._url}{_PATHS[event]}", timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException:
            return
