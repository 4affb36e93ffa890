"""Values of the field mapping as JSON that the store keeps, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from allocator.adapters.store.tables import time_text
from rules.field_rules import Agreed, Conflict, FieldProblem, Write
from rules.field_values import dump, load


def agreed_json(agreed: Mapping[str, Agreed]) -> dict[str, list[str | None]]:
    return {rule: [dump(one.ours), dump(one.theirs), one.apart] for rule, one in agreed.items()}


class StoredAgreed(Mapping[str, Agreed]):
    """Agreed values, read from their JSON text when one is asked for: of most rows nobody asks for any."""

    __slots__ = ("_read", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._read: Mapping[str, Sequence[Any]] | None = None

    @property
    def _stored(self) -> Mapping[str, Sequence[Any]]:
        if self._read is None:
            self._read = json.loads(self._text)
        return self._read or {}

    def __getitem__(self, rule: str) -> Agreed:
        ours, theirs, apart = self._stored[rule]
        value = load(ours)
        return Agreed(value, value if theirs == ours else load(theirs), apart)

    def __contains__(self, rule: object) -> bool:
        """A name that is in the text needs no reading of it: quotes within values are written otherwise."""
        return f"{json.dumps(rule)}: [" in self._text or rule in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def __repr__(self) -> str:
        return repr(dict(self))


def writes_json(writes: Iterable[Write]) -> list[list[str]]:
    return [[w.rule, w.field, dump(w.value), dump(w.before), w.reason] for w in writes]


def writes_of(stored: Iterable[Sequence[Any]]) -> tuple[Write, ...]:
    return tuple(
        Write(rule, name, load(value), load(before), reason) for rule, name, value, before, reason in stored
    )


def conflict_json(one: Conflict) -> dict[str, Any]:
    times = {"kept_at": _time(one.kept_at), "lost_at": _time(one.lost_at)}
    return asdict(one) | {"kept": dump(one.kept), "lost": dump(one.lost)} | times


def conflict_of(stored: Mapping[str, Any]) -> Conflict:
    values = {"kept": load(stored["kept"]), "lost": load(stored["lost"])}
    times = {name: _moment(stored[name]) for name in ("kept_at", "lost_at")}
    return Conflict(**{**stored, **values, **times})


def problems_json(problems: Iterable[FieldProblem]) -> list[dict[str, Any]]:
    return [asdict(one) for one in problems]


def problems_of(stored: Iterable[Mapping[str, Any]]) -> tuple[FieldProblem, ...]:
    return tuple(FieldProblem(**one) for one in stored)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
