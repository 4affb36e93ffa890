"""Which of the configured fields this org has: one describe per object and run.

"sObject Describe" (REST API Developer Guide, resources_sobject_describe.htm). A query that names one missing
field is refused whole, so what the org lacks is left out and remembered in `missing`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from allocator.adapters.crm.salesforce.client import Client
from allocator.adapters.crm.salesforce.errors import NoAnswer, Refused
from allocator.adapters.crm.salesforce.settings import check_path

MEMBER = "CampaignMember"
EMAIL = "Email"
SHARED = ("Id", "Name", "Email", "Type", "Username", "FirstName", "LastName", "Alias", "Title")
"""Fields of the Name object that a relation to several objects (Owner) can always show."""
NAMED = frozenset({"Account", "Campaign", "Contact", "Group", "Lead", "Profile", "RecordType", "User"})
"""Objects that surely have a Name, so that one describe less is asked; custom objects have one too."""


class Shape:
    """Configured path -> the path as the org writes it, for Lead and for CampaignMember."""

    def __init__(self, client: Client, paths: Sequence[str]) -> None:
        self._client = client
        wanted = tuple(dict.fromkeys(check_path(path) for path in (EMAIL, *paths)))
        prefix = f"{MEMBER}."
        self._members = tuple(path for path in wanted if path.startswith(prefix))
        self._leads = tuple(path for path in wanted if not path.startswith(prefix))
        self._described: dict[str, Mapping[str, Any] | None] = {}
        self._known: dict[str, dict[str, str]] = {}
        self._lock = threading.RLock()

    def missing(self) -> tuple[str, ...]:
        """Configured paths that the org lacks, or hides from us, of the objects that were described."""
        asked = {"Lead": self._leads, MEMBER: self._members}
        return tuple(p for kind, known in self._known.items() for p in asked[kind] if p not in known)

    def lead_fields(self) -> dict[str, str]:
        return self._resolved("Lead", {path: path for path in self._leads})

    def member_fields(self) -> dict[str, str]:
        if not self._members:
            return {}
        return self._resolved(MEMBER, {path: path.removeprefix(f"{MEMBER}.") for path in self._members})

    def described(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """The fields of an object that this user sees; none where it sees no such object. Asked once."""
        with self._lock:
            return tuple(_fields(self._describe(kind)))

    def _resolved(self, kind: str, paths: Mapping[str, str]) -> dict[str, str]:
        with self._lock:
            if kind not in self._known:
                names = {path: self._name(kind, inner.split(".")) for path, inner in paths.items()}
                self._known[kind] = {path: name for path, name in names.items() if name}
            return self._known[kind]

    def _name(self, kind: str, parts: Sequence[str]) -> str | None:
        """The path in the org's own spelling, or None when a part of it is missing."""
        described = self._describe(kind)
        head = parts[0].lower()
        if len(parts) == 1:
            return next((name for name in _names(described, "name") if name.lower() == head), None)
        for field in _fields(described):
            relation = field.get("relationshipName")
            if isinstance(relation, str) and relation.lower() == head:
                rest = self._beyond(field, parts[1:])
                return f"{relation}.{rest}" if rest else None
        return None

    def _beyond(self, field: Mapping[str, Any], parts: Sequence[str]) -> str | None:
        targets = [name for name in field.get("referenceTo") or () if isinstance(name, str)]
        if len(targets) == 1 and not (_named(targets[0]) and list(parts) == ["Name"]):
            return self._name(targets[0], parts)
        shared = [name for name in SHARED if [name.lower()] == [part.lower() for part in parts]]
        return shared[0] if shared else None

    def _describe(self, kind: str) -> Mapping[str, Any] | None:
        """None when the org has no such object, or hides it."""
        if kind not in self._described:
            self._described[kind] = self._asked(kind)
        return self._described[kind]

    def _asked(self, kind: str) -> Mapping[str, Any] | None:
        try:
            answer = self._client.get("describe", f"sobjects/{kind}/describe")
        except Refused as error:
            if error.status == 404 and kind != "Lead":
                return None
            raise
        if not isinstance(answer, dict) or not isinstance(answer.get("fields"), list):
            raise NoAnswer("a describe has no fields")
        return answer


def _named(kind: str) -> bool:
    return kind in NAMED or kind.endswith("__c")


def value_at(row: Mapping[str, Any], path: str) -> object:
    """The value at a dotted path of nested rows; None where a part is missing."""
    value: Any = row
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value[part] if part in value else _without_case(value, part)
    return value


def _without_case(row: Mapping[str, Any], name: str) -> Any:
    """Queries take a field's name in any case; answers show the org's own spelling."""
    return next((value for key, value in row.items() if key.lower() == name.lower()), None)


def _fields(described: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    return [field for field in (described or {}).get("fields", ()) if isinstance(field, Mapping)]


def _names(described: Mapping[str, Any] | None, key: str) -> list[str]:
    return [name for field in _fields(described) if isinstance(name := field.get(key), str)]
