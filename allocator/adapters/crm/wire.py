"""Canonical field values as the CRM's JSON holds them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from rules.field_values import FieldValue

Json = str | int | float | bool | None


def to_json(value: FieldValue) -> Json:
    """Days as YYYY-MM-DD, moments in UTC, several options with ; between them, nothing as null.

    A fraction goes as the double that prints like it, which is what the CRM keeps.
    """
    match value:
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case tuple():
            return ";".join(value)
    return value


def body_of(fields: Mapping[str, FieldValue]) -> dict[str, Json]:
    return {name: to_json(value) for name, value in fields.items()}
