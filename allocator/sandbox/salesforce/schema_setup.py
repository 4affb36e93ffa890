"""What an administrator sets up: custom fields, and other rules for fields that are there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allocator.sandbox.salesforce.schema import Field, ObjectType, Schema

SWITCHES = {"external_id": "external_id", "unique": "unique", "restricted": "restricted_picklist"}
KNOWN = {"name", "type", "length", "values", "required", *SWITCHES}


def set_up(schema: Schema, kind: ObjectType, spec: dict[str, Any]) -> Field:
    """A field from {"name", "type", "length", "values", "restricted", "required", "external_id", "unique"}.

    Of a field that is there only what is given changes, and its type and length stay. ValueError for a word
    that is not known.
    """
    if unknown := sorted(set(spec) - KNOWN):
        raise ValueError(f"a field knows {', '.join(sorted(KNOWN))}, not {', '.join(unknown)}")
    name, rules = str(spec["name"]), _rules(spec)
    old = kind.field(name)
    if old is None:
        shape = str(spec.get("type", "string"))
        made = schema.add_custom_field(kind.name, name, shape, length=int(spec.get("length", 255)))
        new = replace(made, **rules)
    else:
        made, new = old, replace(old, set_up=not old.custom, **rules)
    place = kind.fields.index(made)
    kind.add(new)
    kind.fields.insert(place, kind.fields.pop())  # the order is that of a describe
    return new


def _rules(spec: dict[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {key: bool(spec[name]) for name, key in SWITCHES.items() if name in spec}
    if "external_id" in spec:
        rules["id_lookup"] = bool(spec["external_id"])
    if "required" in spec:
        rules["nillable"] = not spec["required"]
    if "values" in spec:
        rules["picklist_values"] = tuple((str(value), True, False) for value in spec["values"])
    return rules
