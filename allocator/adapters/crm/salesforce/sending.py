"""Writes of every kind on their way: PATCHes in composite requests, four at a time, each sent at most once.

"Composite" (requests_composite.htm: 25 sub-requests, headers of their own). What a composite without an
answer means for its writes, and when the rest is not sent, is decided here and nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from allocator.adapters.crm.salesforce.client import AT_ONCE, Client
from allocator.adapters.crm.salesforce.errors import NoAnswer, Refused
from allocator.domain.lead import WriteResult
from allocator.errors import LoginError, QuotaError, SourceError

SIZES = (25, 10, 5)
"""Records in a composite: at first, after a timeout, after another."""
NO_RULES = {"Sforce-Auto-Assign": "FALSE"}
PATIENCE = 8
"""So many composites in a row without an answer, and the rest is not sent in this run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write; `id` and `matches` where an answer named records, `fields` where it named
    fields."""

    result: WriteResult
    detail: str = ""
    id: str = ""
    matches: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One PATCH. `path` is below the API's version, `record` what no two writes at once may touch."""

    record: str
    path: str
    body: Mapping[str, Any]
    read: Callable[[Any, Any], Outcome]
    """Status and body of the answer -> what they mean."""
    headers: Mapping[str, str] = field(default_factory=dict)


Indexed = tuple[int, Part]


class Sender:
    """Sends what one run writes. What one timeout taught holds for the rest of the run."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.step = 0
        self.silent = 0

    def send(self, parts: Sequence[Part | Outcome]) -> list[Outcome]:
        """One outcome per part, in order; one that is known beforehand stays. Raises nothing."""
        outcomes = {place: part for place, part in enumerate(parts) if isinstance(part, Outcome)}
        sendable = [(place, part) for place, part in enumerate(parts) if isinstance(part, Part)]
        for some in _rounds(sendable):
            outcomes |= _Delivery(self, self._client, some).outcomes()
        return [outcomes[place] for place in range(len(parts))]


class _Delivery:
    """One round of writes, no record twice, shared out among at most four threads."""

    def __init__(self, sender: Sender, client: Client, parts: Sequence[Indexed]) -> None:
        self._sender, self._client, self._left = sender, client, list(parts)
        self._outcomes: dict[int, Outcome] = {}
        self._lock = threading.Lock()
        self._halted = "NO_ANSWER" if sender.silent >= PATIENCE else ""

    def outcomes(self) -> dict[int, Outcome]:
        threads = min(AT_ONCE, -(-len(self._left) // SIZES[self._sender.step]))
        if threads < 2:
            self._work()
        else:
            with ThreadPoolExecutor(max_workers=threads) as pool:
                for done in [pool.submit(self._work) for _ in range(threads)]:
                    done.result()
        return self._outcomes

    def _work(self) -> None:
        while batch := self._take():
            self._keep(batch, self._send([part for _, part in batch]))

    def _take(self) -> list[Indexed]:
        """The next batch; once halted, everything that is left is answered as not sent."""
        with self._lock:
            if self._halted:
                unsent = Outcome(WriteResult.UNSENT, self._halted)
                self._outcomes |= {place: unsent for place, _ in self._left}
                self._left = []
            size = SIZES[self._sender.step]
            batch, self._left = self._left[:size], self._left[size:]
            return batch

    def _keep(self, batch: Sequence[Indexed], outcomes: Sequence[Outcome]) -> None:
        with self._lock:
            for (place, _), outcome in zip(batch, outcomes, strict=True):
                self._outcomes[place] = outcome
                if outcome.result is WriteResult.UNSENT and outcome.detail == "REQUEST_LIMIT_EXCEEDED":
                    self._halted = outcome.detail

    def _send(self, parts: Sequence[Part]) -> list[Outcome]:
        requests = [self._request(number, part) for number, part in enumerate(parts)]
        try:
            # Log-in is tried again as often as any; the write itself is sent once.
            self._client.open()
            found = self._client.composite(
                "write", requests, lambda answer: read_results(answer, parts), tries=1, headers=NO_RULES
            )
        except SourceError as error:
            return [self._failed(error, len(parts))] * len(parts)
        with self._lock:
            self._sender.silent = 0
        return found

    def _request(self, number: int, part: Part) -> dict[str, Any]:
        return {
            "method": "PATCH",
            "url": f"{self._client.base}/{part.path}",
            "referenceId": f"w{number}",
            "httpHeaders": {**NO_RULES, **part.headers},
            "body": dict(part.body),
        }

    def _failed(self, error: SourceError, size: int) -> Outcome:
        """What a composite without results means for each of its writes, and for those not sent yet."""
        if isinstance(error, QuotaError):
            return self._halt(WriteResult.UNSENT, "REQUEST_LIMIT_EXCEEDED")
        if isinstance(error, LoginError):
            return self._halt(WriteResult.UNSENT, "LOGIN_REFUSED")
        if isinstance(error, Refused):
            if error.status == 400:
                return Outcome(WriteResult.REJECTED, error.code)
            result = WriteResult.UNKNOWN if error.status < 400 else WriteResult.UNSENT
            return self._halt(result, error.code)
        if isinstance(error, NoAnswer):
            return self._unanswered(error, size)
        return self._halt(WriteResult.UNKNOWN, "")

    def _unanswered(self, error: NoAnswer, size: int) -> Outcome:
        if not error.sent:
            return self._halt(WriteResult.UNSENT, "NO_CONNECTION")
        with self._lock:
            self._sender.silent += 1
            if error.timeout and size <= SIZES[self._sender.step] and self._sender.step < len(SIZES) - 1:
                self._sender.step += 1
            if self._sender.silent >= PATIENCE:
                self._halted = "NO_ANSWER"
        return Outcome(WriteResult.UNKNOWN, "TIMEOUT" if error.timeout else "NO_ANSWER")

    def _halt(self, result: WriteResult, detail: str) -> Outcome:
        with self._lock:
            self._halted = self._halted or detail or "HALTED"
        return Outcome(result, detail)


def read_results(answer: Any, sent: Sequence[Part]) -> list[Outcome]:
    """Outcomes by referenceId; if any is missing, double or foreign, all are unknown."""
    results = answer.get("compositeResponse") if isinstance(answer, Mapping) else None
    parts = [part for part in results if isinstance(part, Mapping)] if isinstance(results, list) else []
    by_reference = {
        part.get("referenceId"): part for part in parts if isinstance(part.get("referenceId"), str)
    }
    wanted = [f"w{number}" for number in range(len(sent))]
    if not isinstance(results, list) or len(results) != len(sent) or set(by_reference) != set(wanted):
        return [Outcome(WriteResult.UNKNOWN, "MISMATCH")] * len(sent)
    return [
        one.read(part.get("httpStatusCode"), part.get("body"))
        for one, part in zip(sent, map(by_reference.__getitem__, wanted), strict=True)
    ]


def _rounds(parts: Sequence[Indexed]) -> list[list[Indexed]]:
    """Writes of one record never overlap: a second one waits for the next round."""
    rounds: list[list[Indexed]] = []
    times: dict[str, int] = {}
    for place, part in parts:
        turn = times[part.record] = times.get(part.record, -1) + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append((place, part))
    return rounds
