"""What is written to HubSpot: batches of contacts, each answer told to the contact that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allocator.adapters.marketing.hubspot import shape
from allocator.adapters.marketing.hubspot.client import Client
from allocator.adapters.marketing.hubspot.errors import NoAnswer, Refused, code_of, existing_ids, listed
from allocator.adapters.marketing.hubspot.settings import HubspotSettings
from allocator.adapters.marketing.wire import as_text
from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import Made, SourceAnswer, SourceWrite
from allocator.errors import LoginError, QuotaError, SourceError

BATCH = 100
GONE = frozenset({"OBJECT_NOT_FOUND", "CONTACT_NOT_FOUND"})
ABOUT_INPUTS = frozenset({400, 409, 422})
"""With these a whole batch is refused for what one of its inputs holds; with others for the call itself."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a batch: what its answer is known by, and what is sent."""

    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """What became of one input."""

    result: WriteResult
    detail: str = ""
    id: str = ""
    stamp: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    matches: tuple[str, ...] = ()


class Writer:
    def __init__(self, client: Client, settings: HubspotSettings) -> None:
        self._client, self._settings = client, settings

    def write(self, writes: Sequence[SourceWrite]) -> list[SourceAnswer]:
        """Two writes of one contact go into two batches, so that an answer is about one of them."""
        ends: list[End | None] = [None] * len(writes)
        for places in _rounds([write.id for write in writes]):
            inputs = [Input(writes[i].id, _update(writes[i])) for i in places]
            found = self._send("update", "write", inputs, _by_id)
            for i in places:
                ends[i] = found[writes[i].id]
        return [
            SourceAnswer(write.id, end.result, end.detail, end.stamp, _stored(write, end.values))
            for write, end in zip(writes, ends, strict=True)
            if end is not None
        ]

    def create(self, records: Sequence[Mapping[str, object]]) -> list[Made]:
        inputs = [Input(f"new-{i}", _creation(f"new-{i}", one)) for i, one in enumerate(records)]
        found: dict[str, End] = {}
        for start in range(0, len(inputs), BATCH):
            found |= self._send("create", "create", inputs[start : start + BATCH], _by_trace)
        ends = [found[one.name] for one in inputs]
        return [Made(end.result, end.id, end.detail, end.matches) for end in ends]

    def _send(
        self, what: str, kind: str, inputs: Sequence[Input], name_of: Callable[[Any, Sequence[Input]], str]
    ) -> dict[str, End]:
        """One end for each input, by its name. A batch that is refused as a whole, since one input is
        wrong, is sent in halves until the wrong one stands alone."""
        try:
            answer = self._client.send(
                f"{self._settings.contacts}/batch/{what}", kind, {"inputs": [one.body for one in inputs]}
            )
        except Refused as error:
            return self._refused(error, what, kind, inputs, name_of)
        except SourceError as error:
            end = _failed(error)
            return {one.name: end for one in inputs}
        return _ends(answer, inputs, name_of)

    def _refused(
        self,
        error: Refused,
        what: str,
        kind: str,
        inputs: Sequence[Input],
        name_of: Callable[[Any, Sequence[Input]], str],
    ) -> dict[str, End]:
        code = error.code or f"HTTP_{error.status}"
        if error.status not in ABOUT_INPUTS and code not in GONE:
            return {one.name: End(WriteResult.UNSENT, code) for one in inputs}
        if len(inputs) == 1:
            return {inputs[0].name: _rejected(code, error.existing)}
        middle = len(inputs) // 2
        halves = (inputs[:middle], inputs[middle:])
        return {name: end for half in halves for name, end in self._send(what, kind, half, name_of).items()}


def _update(write: SourceWrite) -> dict[str, Any]:
    """Only a batch whose every input has a trace is carried out in part; without, one wrong input refuses
    all of them."""
    texts = {name: as_text(value) for name, value in write.fields.items()}
    return {"id": write.id, "objectWriteTraceId": write.id, "properties": texts}


def _creation(name: str, values: Mapping[str, object]) -> dict[str, Any]:
    texts = {key: text for key, value in values.items() if (text := as_text(value))}
    return {"objectWriteTraceId": name, "properties": texts}


def _rounds(ids: Sequence[str]) -> list[list[int]]:
    """Places of writes in batches, in order, no id twice in one."""
    batches: list[list[int]] = []
    seen: list[set[str]] = []
    first: dict[str, int] = {}
    for place, one in enumerate(ids):
        at = first.get(one, 0)
        while at < len(batches) and (one in seen[at] or len(batches[at]) >= BATCH):
            at += 1
        if at == len(batches):
            batches.append([])
            seen.append(set())
        batches[at].append(place)
        seen[at].add(one)
        first[one] = at + 1
    return batches


def _failed(error: SourceError) -> End:
    """A batch without an answer of its own: sent or surely not."""
    if isinstance(error, NoAnswer):
        return End(WriteResult.UNKNOWN if error.sent else WriteResult.UNSENT)
    if isinstance(error, QuotaError):
        return End(WriteResult.UNSENT, "DAILY")
    return End(WriteResult.UNSENT, "NOT_ALLOWED" if isinstance(error, LoginError) else "")


def _ends(
    answer: Any, inputs: Sequence[Input], name_of: Callable[[Any, Sequence[Input]], str]
) -> dict[str, End]:
    """By what the answer says of each input, in whatever order; one that it does not name is unknown."""
    ends = {one.name: End(WriteResult.UNKNOWN) for one in inputs}
    for part in listed(answer, "errors"):
        for name in _named(part, inputs):
            ends[name] = _rejected(code_of(part), existing_ids(part))
    for row in listed(answer, "results"):
        name = name_of(row, inputs)
        if name in ends:
            ends[name] = _written(row)
    return ends


def _written(row: Mapping[str, Any]) -> End:
    try:
        values = shape.properties(row)
        return End(WriteResult.WRITTEN, id=shape.identity(row), stamp=shape.stamp_of(row), values=values)
    except NoAnswer:
        return End(WriteResult.WRITTEN, id=str(row.get("id", "")))


def _stored(write: SourceWrite, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What became of what was sent; an answer shows more than that."""
    return {name: shown[name] for name in write.fields if name in shown}


def _rejected(code: str, existing: tuple[str, ...] = ()) -> End:
    return End(WriteResult.GONE if code in GONE else WriteResult.REJECTED, code, matches=existing)


def _named(part: Any, inputs: Sequence[Input]) -> list[str]:
    """The inputs that an error of a batch is about."""
    if not isinstance(part, dict):
        return []
    context = part.get("context")
    told = [*listed(context, "ids"), *listed(context, "objectWriteTraceId"), part.get("objectWriteTraceId")]
    names = {one.name for one in inputs}
    found = [str(one) for one in told if str(one) in names]
    return found or ([inputs[0].name] if len(inputs) == 1 else [])


def _by_id(row: Any, inputs: Sequence[Input]) -> str:
    """By the contact that was written: one that was merged away answers with another id, and is unknown."""
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) else ""


def _by_trace(row: Any, inputs: Sequence[Input]) -> str:
    """By the trace that was sent along; where it does not come back, by the unique e-mail address."""
    if not isinstance(row, dict):
        return ""
    trace = row.get("objectWriteTraceId")
    if isinstance(trace, str) and trace:
        return trace
    email = _email(row.get("properties"))
    same = [one.name for one in inputs if email and _email(one.body["properties"]) == email]
    return same[0] if len(same) == 1 else inputs[0].name if len(inputs) == 1 else ""


def _email(values: Any) -> str:
    email = values.get("email") if isinstance(values, dict) else None
    return email.strip().lower() if isinstance(email, str) else ""
