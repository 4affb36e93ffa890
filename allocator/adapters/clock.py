"""Time: the machine's, or one fixed instant for a question such as "what would happen at 09:00?"."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from allocator.errors import ConfigError

VARIABLE = "ALLOCATOR_NOW"


class SystemClock:
    """The machine's clock in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """Always the same instant."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at


def clock_from(at: str | None = None) -> SystemClock | FixedClock:
    """The clock that `--at` or ALLOCATOR_NOW asks for. Raises ConfigError when the text is no instant."""
    text = at or os.environ.get(VARIABLE)
    return FixedClock(parse_instant(text)) if text else SystemClock()


def parse_instant(text: str) -> datetime:
    """ISO 8601 with a zone, as aware UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no instant. Write it like 2026-11-02T09:00:00Z.") from None
    if at.tzinfo is None:
        raise ConfigError(f"{text!r} has no time zone. Write it like 2026-11-02T09:00:00Z.")
    return at.astimezone(UTC)
