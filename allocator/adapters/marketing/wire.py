"""Canonical values as the texts that marketing systems take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rules.field_values import shown


def as_text(value: Any) -> str:
    """Days as YYYY-MM-DD, moments in UTC with a Z, true and false, options with ; between them, nothing
    as an empty text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return shown(value) or ""
