"""Owner writes: conditional PATCHes in composite requests, four at a time, each sent at most once.

"Composite" (requests_composite.htm: 25 sub-requests, headers of their own), "Conditional Requests"
(intro_rest_conditional_requests.htm: If-Unmodified-Since on Lead rows) and "Assignment Rule Header"
(headers_autoassign.htm: without FALSE the org's active rule re-owns the Lead and answers success).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from allocator.adapters.crm.salesforce.client import AT_ONCE, Client
from allocator.adapters.crm.salesforce.errors import NoAnswer, Refused, written
from allocator.adapters.crm.salesforce.soql import to18
from allocator.domain.lead import OwnerWrite, WriteAnswer, WriteResult
from allocator.errors import LoginError, QuotaError, SourceError

SIZES = (25, 10, 5)
"""Records in a composite: at first, after a timeout, after another."""
NO_RULES = {"Sforce-Auto-Assign": "FALSE"}
PATIENCE = 8
"""So many composites in a row without an answer, and the rest is not sent in this run."""

Indexed = tuple[int, OwnerWrite]


class Writer:
    """Gives Leads to owners. What one timeout taught holds for the rest of the run."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.step = 0
        self.silent = 0

    def give(self, writes: Sequence[OwnerWrite]) -> list[WriteAnswer]:
        """One answer per write, in order; raises nothing for what the CRM does."""
        answers: dict[int, WriteAnswer] = {}
        sendable: list[Indexed] = []
        for index, write in enumerate(writes):
            refused = _unsendable(write)
            if refused:
                answers[index] = WriteAnswer(write.id, refused, "MALFORMED_ID")
            else:
                sendable.append((index, write))
        for some in _rounds(sendable):
            answers |= _Delivery(self, self._client, some).answers()
        return [answers[index] for index in range(len(writes))]


class _Delivery:
    """One round of writes, no Lead twice, shared out among at most four threads."""

    def __init__(self, writer: Writer, client: Client, writes: Sequence[Indexed]) -> None:
        self._writer, self._client, self._left = writer, client, list(writes)
        self._answers: dict[int, WriteAnswer] = {}
        self._lock = threading.Lock()
        self._halted = "NO_ANSWER" if writer.silent >= PATIENCE else ""

    def answers(self) -> dict[int, WriteAnswer]:
        threads = min(AT_ONCE, -(-len(self._left) // SIZES[self._writer.step]))
        if threads < 2:
            self._work()
        else:
            with ThreadPoolExecutor(max_workers=threads) as pool:
                for done in [pool.submit(self._work) for _ in range(threads)]:
                    done.result()
        return self._answers

    def _work(self) -> None:
        while batch := self._take():
            self._keep(batch, self._send(batch))

    def _take(self) -> list[Indexed]:
        """The next batch; once halted, everything that is left is answered as not sent."""
        with self._lock:
            if self._halted:
                self._answers |= {
                    i: WriteAnswer(w.id, WriteResult.UNSENT, self._halted) for i, w in self._left
                }
                self._left = []
            size = SIZES[self._writer.step]
            batch, self._left = self._left[:size], self._left[size:]
            return batch

    def _keep(self, batch: Sequence[Indexed], results: Sequence[tuple[WriteResult, str]]) -> None:
        with self._lock:
            for (index, write), (result, detail) in zip(batch, results, strict=True):
                self._answers[index] = WriteAnswer(write.id, result, detail)
                if result is WriteResult.UNSENT and detail == "REQUEST_LIMIT_EXCEEDED":
                    self._halted = detail

    def _send(self, batch: Sequence[Indexed]) -> list[tuple[WriteResult, str]]:
        parts = [self._part(number, write) for number, (_, write) in enumerate(batch)]
        try:
            # Log-in is tried again as often as any; the write itself is sent once.
            self._client.open()
            found = self._client.composite(
                "write", parts, lambda answer: read_results(answer, len(parts)), tries=1, headers=NO_RULES
            )
        except SourceError as error:
            return [self._failed(error, len(batch))] * len(batch)
        with self._lock:
            self._writer.silent = 0
        return found

    def _failed(self, error: SourceError, size: int) -> tuple[WriteResult, str]:
        """What a composite without results means for each of its writes, and for those not sent yet."""
        if isinstance(error, QuotaError):
            return self._halt(WriteResult.UNSENT, "REQUEST_LIMIT_EXCEEDED")
        if isinstance(error, LoginError):
            return self._halt(WriteResult.UNSENT, "LOGIN_REFUSED")
        if isinstance(error, Refused):
            if error.status == 400:
                return WriteResult.REJECTED, error.code
            result = WriteResult.UNKNOWN if error.status < 400 else WriteResult.UNSENT
            return self._halt(result, error.code)
        if isinstance(error, NoAnswer):
            return self._unanswered(error, size)
        return self._halt(WriteResult.UNKNOWN, "")

    def _unanswered(self, error: NoAnswer, size: int) -> tuple[WriteResult, str]:
        if not error.sent:
            return self._halt(WriteResult.UNSENT, "NO_CONNECTION")
        with self._lock:
            self._writer.silent += 1
            if error.timeout and size <= SIZES[self._writer.step] and self._writer.step < len(SIZES) - 1:
                self._writer.step += 1
            if self._writer.silent >= PATIENCE:
                self._halted = "NO_ANSWER"
        return WriteResult.UNKNOWN, "TIMEOUT" if error.timeout else "NO_ANSWER"

    def _halt(self, result: WriteResult, detail: str) -> tuple[WriteResult, str]:
        with self._lock:
            self._halted = self._halted or detail or "HALTED"
        return result, detail

    def _part(self, number: int, write: OwnerWrite) -> dict[str, Any]:
        stamp = format_datetime(write.stamp.astimezone(UTC).replace(microsecond=0), usegmt=True)
        return {
            "method": "PATCH",
            "url": f"{self._client.base}/sobjects/Lead/{to18(write.id)}",
            "referenceId": f"w{number}",
            "httpHeaders": {**NO_RULES, "If-Unmodified-Since": stamp},
            "body": {"OwnerId": to18(write.owner)},
        }


def read_results(answer: Any, count: int) -> list[tuple[WriteResult, str]]:
    """Results by referenceId; if any is missing, double or foreign, all are unknown."""
    results = answer.get("compositeResponse") if isinstance(answer, Mapping) else None
    parts = [part for part in results if isinstance(part, Mapping)] if isinstance(results, list) else []
    by_reference = {
        part.get("referenceId"): part for part in parts if isinstance(part.get("referenceId"), str)
    }
    wanted = [f"w{number}" for number in range(count)]
    if not isinstance(results, list) or len(results) != count or set(by_reference) != set(wanted):
        return [(WriteResult.UNKNOWN, "MISMATCH")] * count
    return [
        written(part.get("httpStatusCode"), part.get("body"))
        for part in map(by_reference.__getitem__, wanted)
    ]


def _rounds(writes: Sequence[Indexed]) -> list[list[Indexed]]:
    """Writes of one Lead never overlap: a second one waits for the next round."""
    rounds: list[list[Indexed]] = []
    times: dict[str, int] = {}
    for index, write in writes:
        lead = to18(write.id) or write.id
        turn = times[lead] = times.get(lead, -1) + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append((index, write))
    return rounds


def _unsendable(write: OwnerWrite) -> WriteResult | None:
    if to18(write.id) is None:
        return WriteResult.GONE
    return WriteResult.REFUSED_OWNER if to18(write.owner) is None else None
