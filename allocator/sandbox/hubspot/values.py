"""Values of properties: what a write may set, and how it is kept. All values are strings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from allocator.sandbox.hubspot.answers import HubError, stamp
from allocator.sandbox.hubspot.definitions import Property

Values = dict[str, str]
EMAIL = re.compile(r"[^@\s,;<>()\[\]\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]{2,}")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
MILLISECONDS = re.compile(r"-?\d{8,15}")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")


class Refused(Exception):
    """A value that its property does not take: HubSpot's code and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def checked(given: Any, known: Mapping[str, Property], owners: Callable[[str], bool]) -> dict[str, str]:
    """What is to be written, or one error that names every property at fault."""
    if not isinstance(given, dict):
        raise HubError(400, "VALIDATION_ERROR", "Some required fields were not set: [properties]")
    kept: dict[str, str] = {}
    refused: list[tuple[str, Refused]] = []
    for name, value in given.items():
        try:
            kept[name] = _value(name, value, known, owners)
        except Refused as error:
            refused.append((name, error))
    if refused:
        raise _not_valid(refused)
    return kept


def _not_valid(refused: list[tuple[str, Refused]]) -> HubError:
    said = [
        {"isValid": False, "message": error.message, "error": error.code, "name": name}
        for name, error in refused
    ]
    details = [
        {"message": error.message, "code": error.code, "context": {"propertyName": [name]}}
        for name, error in refused
    ]
    text = f"Property values were not valid: {json.dumps(said, separators=(',', ':'))}"
    return HubError(400, "VALIDATION_ERROR", text, details)


def _value(name: str, value: Any, known: Mapping[str, Property], owners: Callable[[str], bool]) -> str:
    found = known.get(name)
    if found is None:
        raise Refused("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if found.read_only:
        raise Refused("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    text = text_of(value)
    if text == "":
        return text
    if name == "hubspot_owner_id" and not owners(text):
        raise Refused("INVALID_OWNER_ID", f"{text} is not a valid owner ID")
    return KEEPERS[found.type](found, text)


def text_of(value: Any) -> str:
    """A JSON value as the string that is kept; null clears, as the empty string does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _string(found: Property, text: str) -> str:
    if found.name != "email":
        return text
    if EMAIL.fullmatch(text.strip()) is None:
        raise Refused("INVALID_EMAIL", f"Email address {text} is invalid")
    return text.strip().lower()


def _number(found: Property, text: str) -> str:
    if NUMBER.fullmatch(text) is None:
        raise Refused("INVALID_DOUBLE", f"{text} was not a valid number.")
    return text


def _date(found: Property, text: str) -> str:
    moment = moment_of(text)
    if moment is None or (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise Refused("INVALID_DATE", f"{text} was not a valid date.")
    return moment.date().isoformat()


def _datetime(found: Property, text: str) -> str:
    moment = moment_of(text)
    if moment is None:
        raise Refused("INVALID_LONG", f"{text} was not a valid long.")
    return stamp(moment)


def _options(found: Property, text: str) -> str:
    allowed = {value for value, _ in found.options}
    chosen = [part for part in text.split(";") if part] if found.field_type == "checkbox" else [text]
    wrong = [part for part in chosen if part not in allowed]
    if wrong and found.name not in ("hubspot_owner_id", "hs_pipeline"):
        listed = ", ".join(value for value, _ in found.options)
        raise Refused("INVALID_OPTION", f"{wrong[0]} was not one of the allowed options: [{listed}]")
    return text


def _bool(found: Property, text: str) -> str:
    if text not in ("true", "false"):
        raise Refused("INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
    return text


KEEPERS: dict[str, Callable[[Property, str], str]] = {
    "string": _string,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "enumeration": _options,
    "bool": _bool,
}


def moment_of(text: str) -> datetime | None:
    """A date, an ISO moment or milliseconds since 1970, as a moment in UTC."""
    try:
        if MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if ISO.fullmatch(text) or re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
