"""One value of a write: checked against its field's type, length and picklist, and stored."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

from allocator.sandbox.clock import parse_iso, wire
from allocator.sandbox.salesforce.schema import Field, to18, valid_id
from allocator.sandbox.wire import ApiError

EMAIL = re.compile(r"[^@\s,;<>()\[\]\"]+@[^@\s,;<>()\[\]\"]+\.[^@\s.,;<>()\[\]\"]{2,}")
NUMBERS = {"int", "double", "currency", "percent", "long"}
INT_LIMIT = 2**31


def stored(found: Field, value: Any) -> Any:
    """The value as it is kept; ApiError names the field that is wrong."""
    if value is None or value == "":
        return None
    if found.type == "boolean":
        return _boolean(value)
    if found.type in NUMBERS:
        return _number(found, value)
    if found.type == "date":
        return _date(value)
    if found.type == "datetime":
        return _datetime(value)
    if found.type in ("reference", "id"):
        return _reference(found, value)
    return _text(found, value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _cannot_read("boolean", value)


def _number(found: Field, value: Any) -> float | int:
    whole = found.type in ("int", "long")
    try:
        number = float(value) if not isinstance(value, bool | list | dict) else None
    except ValueError:
        number = None
    if number is None or not math.isfinite(number) or (whole and number != int(number)):
        raise _cannot_read("int" if whole else "double", value)
    digits = 31 if found.type == "int" else 60
    if abs(number) >= 2**digits:
        text = f"{_label(found)}: value outside of valid range on numeric field: {value}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", text, [found.name])
    return int(number) if whole or isinstance(value, int) else number


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise _cannot_read("date", value) from None


def _datetime(value: Any) -> str:
    try:
        return wire(parse_iso(str(value)))
    except ValueError:
        raise _cannot_read("datetime", value) from None


def _reference(found: Field, value: Any) -> str:
    """ "Create Records Using Collections" (REST API Developer Guide) shows the code and the sentence."""
    if not isinstance(value, str) or not valid_id(value):
        text = f"{_label(found)}: id value of incorrect type: {value}"
        raise ApiError(400, "MALFORMED_ID", text, [found.name])
    return to18(value)


def _text(found: Field, value: Any) -> str | None:
    if isinstance(value, dict | list):
        kind = "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
        raise _cannot_read("string", value, kind)
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if not text:
        return None
    if found.length and len(text) > found.length:
        message = f"{_label(found)}: data value too large: {text[:200]} (max length={found.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, [found.name])
    if found.type == "email" and not EMAIL.fullmatch(text):
        message = f"{_label(found)}: invalid email address: {text}"
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", message, [found.name])
    return _picked(found, text)


def _picked(found: Field, text: str) -> str:
    if not found.restricted_picklist or not found.picklist_values:
        return text
    if text not in [value for value, _, _ in found.picklist_values]:
        message = f"{_label(found)}: bad value for restricted picklist field: {text}"
        raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [found.name])
    return text


def _label(found: Field) -> str:
    return found.label or found.name


def _cannot_read(kind: str, value: Any, token: str | None = None) -> ApiError:
    names = {
        bool: "VALUE_TRUE" if value else "VALUE_FALSE",
        int: "VALUE_NUMBER_INT",
        float: "VALUE_NUMBER_FLOAT",
    }
    token = token or names.get(type(value), "VALUE_STRING")
    text = f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing"
    return ApiError(400, "JSON_PARSER_ERROR", f"{text} a required field at [line:1, column:1]")
