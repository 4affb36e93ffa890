"""SOQL text: the one quoting function, ids, and lists that fit a URL.

"Quoted String Escape Sequences" (SOQL Reference, sforce_api_calls_soql_select_quotedstringescapes.htm); a
URI of more than 16,384 bytes is refused ("Status Codes and Error Responses", 414).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote_plus

T = TypeVar("T")

ROOM = 14_000
"""Encoded characters that a list may take of a URL."""
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?", re.ASCII)
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"'}
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}


def matchable(text: str, longest: int) -> bool:
    """Whether a field of `longest` characters can hold this text at all, and a query may name it."""
    return 0 < len(text) <= longest and not any(unicodedata.category(char) in _FORBIDDEN for char in text)


def literal(text: str) -> str:
    """Text as a SOQL string. ValueError for control characters and lone surrogates: no field holds them."""
    if any(unicodedata.category(char) in _FORBIDDEN for char in text):
        raise ValueError("a control character cannot be part of a query")
    return "'" + "".join(_ESCAPES.get(char, char) for char in text) + "'"


def select(columns: Iterable[str], kind: str, where: str = "", order: str = "") -> str:
    """A query; `where` holds values only through `literal`, `listed` and `instant`."""
    parts = ["SELECT", ", ".join(columns), "FROM", kind]
    parts += ["WHERE", where] if where else []
    parts += ["ORDER BY", order] if order else []
    return " ".join(parts)


def listed(values: Iterable[str]) -> str:
    """("a","b") for IN; ValueError when empty, since Salesforce refuses IN ()."""
    shown = ",".join(literal(value) for value in values)
    if not shown:
        raise ValueError("an empty list matches nothing: ask no query")
    return f"({shown})"


def instant(moment: datetime) -> str:
    """A datetime literal in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to18(text: object) -> str | None:
    """An id in its 18-character form, or None when it is none. ("ID Field Type", Object Reference.)"""
    if not isinstance(text, str) or not _ID.fullmatch(text):
        return None
    head = text[:15]
    groups = (head[start : start + 5] for start in (0, 5, 10))
    bits = (sum(1 << place for place, char in enumerate(group) if "A" <= char <= "Z") for group in groups)
    return head + "".join(_SUFFIX[value] for value in bits)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def encoded(values: Iterable[str]) -> int:
    """How much of a URL these values take in a list."""
    return sum(len(quote_plus(literal(value))) + 3 for value in values)


def packed(items: Iterable[T], cost: Sequence[int], room: int = ROOM) -> list[list[T]]:
    """Items in groups whose costs fit `room` (one alone where it is larger)."""
    groups: list[list[T]] = []
    left = -1
    for item, price in zip(items, cost, strict=True):
        if price > left or not groups:
            groups.append([])
            left = room
        groups[-1].append(item)
        left -= price
    return groups
