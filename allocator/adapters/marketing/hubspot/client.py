"""The guarded call: one session, bounded tries for what only reads, the waits that HubSpot asks for."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests
import stamina

from allocator.adapters.crm.http import Timeouts, Transport, retry_after
from allocator.adapters.marketing.hubspot.errors import ROLLING, NoAnswer, no_answer, quota_error, refusal
from allocator.adapters.marketing.hubspot.settings import HubspotSettings
from allocator.domain.records import CrmUsage
from allocator.errors import QuotaError, SourceError
from allocator.ports import Clock

T = TypeVar("T")

TRIES = 5
LONGEST_PAUSE = 30.0
LONGEST_WAIT = 60.0
"""Whoever asks for more is not waited for: the next run comes."""


class Client:
    """One run's calls to one account."""

    def __init__(
        self,
        settings: HubspotSettings,
        *,
        clock: Clock | None,
        sleep: Callable[[float], object],
        timeouts: Timeouts,
    ) -> None:
        self._settings, self._clock, self._sleep = settings, clock, sleep
        self.usage = CrmUsage()
        self.http = Transport(ca_file=settings.ca_file, timeouts=timeouts, count=self._count)
        self.http.allow(settings.url)
        self._exhausted = False

    def close(self) -> None:
        self.http.close()

    def now(self) -> datetime:
        """HubSpot's clock in its last answer; our own where it never told."""
        return self.http.date or (self._clock.now() if self._clock else datetime.now(UTC))

    def get(self, path: str, kind: str, params: Mapping[str, Any] | None = None) -> Any:
        """A page of something. Raises SourceError and its kin."""
        return self._patiently(lambda: self._once("GET", path, kind, params=params), reads=True)

    def ask(self, path: str, kind: str, body: Mapping[str, Any], parse: Callable[[Any], T]) -> T:
        """A POST that only reads. An answer that `parse` calls NoAnswer is asked for again."""
        return self._patiently(lambda: parse(self._once("POST", path, kind, json=body)), reads=True)

    def send(self, path: str, kind: str, body: Mapping[str, Any]) -> Any:
        """A POST that writes: sent again only where surely nothing was carried out, and it may work soon.

        Raises NoAnswer (`sent`: it may have been carried out), Refused, QuotaError, LoginError.
        """
        return self._patiently(lambda: self._once("POST", path, kind, json=body), reads=False)

    def _patiently(self, action: Callable[[], T], *, reads: bool) -> T:
        def again(error: Exception) -> bool:
            if not isinstance(error, NoAnswer) or error.wait > LONGEST_WAIT:
                return False
            waited.append(error.wait)
            return reads or (not error.sent and error.wait > 0)

        waited: list[float] = []
        last: NoAnswer | None = None
        try:
            # stamina counts; the waits are ours, since they depend on what HubSpot asks for.
            for attempt in stamina.retry_context(
                on=again, attempts=TRIES, timeout=None, wait_initial=0, wait_max=0, wait_jitter=0
            ):
                with attempt:
                    self._pause(attempt.num, waited[-1] if waited else 0.0)
                    return action()
        except NoAnswer as error:
            last = error
        raise last or SourceError("HubSpot was not asked.")

    def _pause(self, attempt: int, asked: float) -> None:
        """Full jitter between tries, and whatever the answer asked for."""
        if attempt == 1:
            return
        jitter = random.uniform(0, min(LONGEST_PAUSE, 0.5 * 2**attempt))
        self._sleep(asked + min(jitter, 1.0) if asked else jitter)

    def _once(self, method: str, path: str, kind: str, **options: Any) -> Any:
        """One request; what went wrong comes out as an error of ours that holds no text of the request."""
        if self._exhausted:
            raise quota_error()
        failure: SourceError
        try:
            response = self.http.request(
                method, f"{self._settings.url}{path}", kind=kind, headers=self._headers(), **options
            )
            if 200 <= response.status_code < 300:
                return response.json()
            failure = self._refusal(response)
        except (requests.RequestException, ValueError, RecursionError) as error:
            failure = no_answer(error)
        self._exhausted = isinstance(failure, QuotaError)
        raise failure

    def _refusal(self, response: requests.Response) -> SourceError:
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        return refusal(
            response.status_code,
            body,
            retry_after(response.headers.get("Retry-After"), self.http.date),
            _interval(response.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds")),
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._settings.token}", "Accept": "application/json"}

    def _count(self, kind: str) -> None:
        self.usage.requests += 1
        self.usage.by_kind[kind] = self.usage.by_kind.get(kind, 0) + 1


def _interval(milliseconds: str | None) -> float:
    """How long the window of the rolling limit is; ten seconds where the answer does not say."""
    text = (milliseconds or "").strip()
    return min(int(text) / 1000, ROLLING) if text.isdecimal() and len(text) < 9 else ROLLING
