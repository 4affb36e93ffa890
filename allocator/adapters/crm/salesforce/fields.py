"""A describe's entries as the fields that a mapping can name.

"sObject Describe" (REST API Developer Guide, resources_sobject_describe.htm) and "Field Types" (Object
Reference, field_types.htm).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from allocator.domain.sync.values import FieldInfo
from rules.field_values import FieldType, Kind

KINDS: dict[str, Kind] = {
    "boolean": "flag",
    "currency": "number",
    "date": "date",
    "datetime": "datetime",
    "double": "number",
    "int": "number",
    "long": "number",
    "multipicklist": "multi_picklist",
    "percent": "number",
    "picklist": "picklist",
}
"""Everything else is text: names, e-mails, phones, URLs, references."""
COMPOUND = frozenset({"address", "base64", "location"})
"""Neither texts nor writable: their parts are fields of their own."""


def infos(described: Iterable[Mapping[str, Any]]) -> dict[str, FieldInfo]:
    """Field name -> what it holds; what cannot be mapped is left out."""
    named = ((entry.get("name"), entry) for entry in described if entry.get("type") not in COMPOUND)
    return {name: info(entry) for name, entry in named if isinstance(name, str) and name}


def info(entry: Mapping[str, Any]) -> FieldInfo:
    creatable, nullable = entry.get("createable") is True, entry.get("nillable") is not False
    given = nullable or entry.get("defaultedOnCreate") is True or entry.get("type") == "boolean"
    return FieldInfo(
        type=type_of(entry),
        creatable=creatable,
        writable=entry.get("updateable") is True,
        required=creatable and not given,
        any_case=entry.get("type") == "email",
        unique_id=entry.get("externalId") is True and entry.get("unique") is True,
    )


def type_of(entry: Mapping[str, Any]) -> FieldType:
    kind = KINDS.get(str(entry.get("type")), "text")
    nullable = entry.get("nillable") is not False and kind != "flag"
    if kind == "number":
        return _number(entry, nullable=nullable)
    if kind in ("picklist", "multi_picklist"):
        restricted = entry.get("restrictedPicklist") is True
        return FieldType(kind, options=_active(entry), restricted=restricted, nullable=nullable)
    return FieldType(kind, length=_whole(entry, "length") if kind == "text" else None, nullable=nullable)


def _number(entry: Mapping[str, Any], *, nullable: bool) -> FieldType:
    """An int tells its digits, the others their precision, of which `scale` are decimals."""
    decimals = entry.get("scale")
    return FieldType(
        "number",
        digits=_whole(entry, "precision") or _whole(entry, "digits"),
        decimals=decimals if isinstance(decimals, int) else None,
        nullable=nullable,
    )


def _active(entry: Mapping[str, Any]) -> tuple[str, ...]:
    values = entry.get("picklistValues")
    options = [one for one in values if isinstance(one, Mapping)] if isinstance(values, list) else []
    active = (one.get("value") for one in options if one.get("active") is not False)
    return tuple(value for value in active if isinstance(value, str))


def _whole(entry: Mapping[str, Any], name: str) -> int | None:
    """A limit; 0 says that there is none."""
    value = entry.get(name)
    return value if isinstance(value, int) and value > 0 else None
