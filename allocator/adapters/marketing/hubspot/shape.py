"""HubSpot's JSON as our records and fields; whatever is not of the form that is documented is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from allocator.adapters.marketing.hubspot.errors import NoAnswer
from allocator.adapters.marketing.hubspot.settings import HubspotSettings
from allocator.domain.lead import LeadKey
from allocator.domain.sync.values import FieldInfo, SourceRecord
from rules.field_values import FieldType, Kind

SOURCE = "hubspot"
MERGED = "hs_merged_object_ids"
MODIFIED = "lastmodifieddate"
LONGEST_TEXT = 65_536
_KINDS: Mapping[str, Kind] = {"number": "number", "date": "date", "datetime": "datetime", "bool": "flag"}


def identity(row: Any) -> str:
    """The id of an object; NoAnswer where it has none."""
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, str) or not found.isascii() or not found.isdecimal():
        raise NoAnswer("a contact has no id")
    return found


def record(row: Mapping[str, Any], settings: HubspotSettings, members: Collection[str] = ()) -> SourceRecord:
    """One contact; `members` are in the list that intake goes by. Raises NoAnswer when it is not one."""
    values = properties(row)
    return SourceRecord(
        LeadKey(SOURCE, identity(row)),
        moment(row.get("createdAt")),
        stamp_of(row),
        values,
        in_intake=in_intake(values, settings, identity(row) in members),
        gone=row.get("archived") is True,
        stamps=_stamps(row.get("propertiesWithHistory")),
    )


def properties(row: Mapping[str, Any]) -> dict[str, Any]:
    found = row.get("properties")
    if not isinstance(found, dict):
        raise NoAnswer("a contact has no properties")
    return found


def in_intake(values: Mapping[str, Any], settings: HubspotSettings, is_member: bool) -> bool:
    if any(values.get(name) for name in (*settings.marked, settings.owner_field)):
        return False
    return is_member if settings.list else values.get(settings.intake_field) in settings.intake


def merged_ids(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the contacts that were merged into this one."""
    text = properties(row).get(MERGED)
    return tuple(part.strip() for part in text.split(";") if part.strip()) if isinstance(text, str) else ()


def stamp_of(row: Mapping[str, Any]) -> datetime:
    """When the contact changed: by the property that its search goes by, where it is shown."""
    shown = row.get("properties")
    own = shown.get(MODIFIED) if isinstance(shown, dict) else None
    return moment(own or row.get("updatedAt"))


def moment(text: Any) -> datetime:
    """An instant of HubSpot's, to the millisecond."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise NoAnswer("a contact does not say when it was made or changed") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _stamps(history: Any) -> dict[str, datetime]:
    """When each property changed last; one whose history cannot be read has none."""
    found = {}
    for name, versions in history.items() if isinstance(history, dict) else ():
        moments = [at for one in versions if (at := _version(one))] if isinstance(versions, list) else []
        if moments:
            found[name] = max(moments)
    return found


def _version(one: Any) -> datetime | None:
    try:
        return moment(one.get("timestamp")) if isinstance(one, dict) else None
    except NoAnswer:
        return None


def field_info(row: Mapping[str, Any]) -> FieldInfo:
    """A property's definition as a field."""
    meta = row.get("modificationMetadata")
    fixed = row.get("calculated") is True or (isinstance(meta, dict) and meta.get("readOnlyValue") is True)
    unique, is_email = row.get("hasUniqueValue") is True, row.get("name") == "email"
    return FieldInfo(_type(row), creatable=not fixed, writable=not fixed, any_case=is_email, unique_id=unique)


def _type(row: Mapping[str, Any]) -> FieldType:
    kind, shown = row.get("type"), row.get("fieldType")
    if kind in _KINDS or shown == "booleancheckbox":
        return FieldType(_KINDS.get(str(kind), "flag"))
    if kind != "enumeration":
        return FieldType(length=LONGEST_TEXT)
    rows = row.get("options") if isinstance(row.get("options"), list) else []
    options = tuple(str(one["value"]) for one in rows or () if isinstance(one, dict) and "value" in one)
    if not options:
        # Owners, teams and the like: their options are elsewhere.
        return FieldType("multi_picklist" if shown == "checkbox" else "text")
    chosen: Kind = "multi_picklist" if shown == "checkbox" else "picklist"
    return FieldType(chosen, options=options, restricted=True)
