"""A call as the resources see it: its resource, the parts of its path, its parameters; and records shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from allocator.sandbox.hubspot.answers import HubError, NotThere, stamp
from allocator.sandbox.hubspot.records import Record, Records
from allocator.sandbox.wire import Request

PATH = re.compile(
    r"/crm/(?:v[34]/(?P<plain>objects|properties|owners|associations|lists)"
    r"|(?P<dated>objects|properties|owners|associations|lists)/\d{4}-\d{2}(?:-beta)?)(?:/(?P<rest>.*))?"
)
AUTOMATIC = (
    "createdate",
    "hs_is_contact",
    "hs_is_unworked",
    "hs_object_id",
    "hs_object_source",
    "hs_object_source_id",
    "hs_object_source_label",
    "hs_pipeline",
    "lifecyclestage",
)
"""What the answer to a change shows beside what was changed."""


def is_hubspot(request: Request) -> bool:
    return request.raw_path.startswith("/crm/")


@dataclass(frozen=True)
class Call:
    """One call: /crm/v3/objects/contacts/1 and /crm/objects/2026-03/contacts/1 are the same one."""

    request: Request
    resource: str
    parts: tuple[str, ...]

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def searching(self) -> bool:
        return self.resource == "objects" and self.parts[1:] == ("search",)

    @property
    def batch(self) -> bool:
        return self.resource == "objects" and self.parts[1:2] == ("batch",)

    def named(self) -> str | None:
        """The record that the path names, as it names it."""
        many = self.parts[1:2] in (("batch",), ("search",), ("merge",))
        return self.parts[1] if self.resource == "objects" and len(self.parts) > 1 and not many else None

    def one(self, name: str) -> str | None:
        return next(iter(self.several(name)), None)

    def several(self, name: str) -> list[str]:
        """A parameter that may be repeated, and may hold a list with commas."""
        pairs = parse_qsl(urlsplit(self.request.target).query, keep_blank_values=True)
        return [
            part.strip() for key, text in pairs if key == name for part in text.split(",") if part.strip()
        ]

    def flag(self, name: str) -> bool:
        return (self.one(name) or "").lower() == "true"


def read_call(request: Request) -> Call:
    found = PATH.fullmatch(request.raw_path)
    if found is None:
        raise NotThere
    parts = [unquote(part) for part in (found["rest"] or "").split("/")]
    while parts and not parts[-1]:
        parts.pop()
    return Call(request, found["plain"] or found["dated"], tuple(parts))


def wrong_method(call: Call) -> HubError:
    return HubError(405, "METHOD_NOT_ALLOWED", f"{call.method} is not allowed here")


def shown(
    records: Records, record: Record, names: Iterable[str] = (), past: Iterable[str] = (), **more: Any
) -> dict[str, Any]:
    """A record with the properties that are asked for: null where it never had a value."""
    always = ("createdate", records.kind.stamp, "hs_object_id")
    asked = {*always, *names} if names else set(records.kind.shown)
    values = {name: record.properties.get(name) for name in sorted(asked) if name in records.known}
    return {**_framed(record, values, _history(records, record, past)), **more}


def written(records: Records, record: Record, names: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """The answer to a write: all that is set on a new record, else what was changed."""
    asked = {*names, *AUTOMATIC, records.kind.stamp} if names else set(record.properties)
    values = {name: record.properties[name] for name in sorted(asked) if name in record.properties}
    return {**_framed(record, values, {}), **more}


def _framed(record: Record, values: dict[str, Any], history: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record.id,
        "properties": values,
        **history,
        "createdAt": stamp(record.created),
        "updatedAt": stamp(record.updated),
        "archived": record.archived is not None,
        **({"archivedAt": stamp(record.archived)} if record.archived else {}),
    }


def _history(records: Records, record: Record, past: Iterable[str]) -> dict[str, Any]:
    """Newest first, the last twenty."""
    names = [name for name in past if name in records.known]
    if not names:
        return {}
    return {"propertiesWithHistory": {name: record.history.get(name, [])[:20] for name in names}}
