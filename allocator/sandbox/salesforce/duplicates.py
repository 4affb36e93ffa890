"""Duplicate rules: who counts as the same person, and the error that says so.

After "Standard Lead Duplicate Rule", "Standard Contact Duplicate Rule" and "Standard Contact Matching Rule
and Standard Lead Matching Rule" (Salesforce Help), whose fuzzy comparisons are exact ones here, without case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import ObjectType
from allocator.sandbox.wire import ApiError, Headers, flag

if TYPE_CHECKING:
    from allocator.sandbox.salesforce.org import Org

PEOPLE = ("Lead", "Contact")
SINCE = 52  # the API version of Sforce-Duplicate-Rule-Header, and here of the key `duplicateResult`
TEXT = "Use one of these records?"
_COLUMNS = ("Street", "City", "PostalCode")
EQUATION = (
    ("first", "last", "Title", "company"),
    ("first", "last", "Email"),
    ("first", "last", "Phone", "company"),
    ("first", "last", "Street", "City"),
    ("first", "last", "Street", "PostalCode"),
    ("first", "last", "Street", "Phone"),
    ("first", "last", "Street", "Title"),
    ("first", "last", "Phone"),
)


@dataclass(frozen=True)
class Choice:
    """What a caller says of duplicates: "Duplicate Rule Header" (REST API Developer Guide)."""

    allow: bool = False
    details: bool = False
    version: float = 60.0


NOTHING_SAID = Choice()


def choice_of(headers: Headers, path: str) -> Choice:
    """The header's switches, all false without it; versions that do not know it do not read it."""
    found = re.search(r"/v(\d{1,3}\.\d)", path)
    version = float(found[1]) if found else 60.0
    text = headers.get("Sforce-Duplicate-Rule-Header", "") if version >= SINCE else ""
    pairs = (part.partition("=") for part in text.split(";"))
    said = {name.strip().lower(): flag(value) for name, _, value in pairs}
    return Choice(said.get("allowsave", False), said.get("includerecorddetails", False), version)


def check(org: Org, kind: ObjectType, row: Row, choice: Choice, apart_from: set[str]) -> None:
    """DUPLICATES_DETECTED for a person whom the org knows, unless the rule only alerts and may be passed."""
    rule = org.settings.duplicate_rules
    if rule == "off" or kind.name not in PEOPLE or (rule == "alert" and choice.allow):
        return
    matches = {name: list(_same(org, kind, row, name, apart_from)) for name in PEOPLE}
    if any(matches.values()):
        raise _error(kind, matches, choice, may_save=rule == "alert")


def matters(kind: ObjectType, values: Row) -> bool:
    """An edit runs the rules only when it touches a field that they compare."""
    place = "Mailing" if kind.name == "Contact" else ""
    named = {"FirstName", "LastName", "Title", "Email", "Phone", "Company", "AccountId"}
    return bool(named.union(place + name for name in _COLUMNS) & values.keys())


def _same(org: Org, kind: ObjectType, row: Row, name: str, apart_from: set[str]) -> Iterator[Row]:
    wanted = _person(org, kind.name, row)
    for other in org.records.live(name):
        if other.get("Id") not in apart_from and not other.get("IsConverted"):
            person = _person(org, name, other)
            if any(_equal(wanted, person, group) for group in EQUATION):
                yield other


def _equal(one: Row, two: Row, group: tuple[str, ...]) -> bool:
    """Blank names are passed over where an e-mail is compared too; no other blank equals anything."""
    lenient = ("first", "last") if "Email" in group else ()
    return all(
        (one[name] == two[name] and bool(one[name])) or (name in lenient and not (one[name] and two[name]))
        for name in group
    )


def _person(org: Org, name: str, row: Row) -> Row:
    """The compared fields of a lead or a contact under the same names."""
    place = "Mailing" if name == "Contact" else ""
    company = row.get("Company")
    if name == "Contact":
        company = (org.records.get("Account", str(row.get("AccountId"))) or {}).get("Name")
    values = {"first": row.get("FirstName"), "last": row.get("LastName"), "company": company}
    values |= {field: row.get(field) for field in ("Title", "Email", "Phone")}
    values |= {field: row.get(place + field) for field in _COLUMNS}
    return {field: str(value or "").strip().casefold() for field, value in values.items()}


def _error(kind: ObjectType, matches: dict[str, list[Row]], choice: Choice, *, may_save: bool) -> ApiError:
    result = {
        "allowSave": may_save,
        "duplicateRule": f"Standard_{kind.name}_Duplicate_Rule",
        "duplicateRuleEntityType": kind.name,
        "errorMessage": TEXT,
        "matchResults": [_match(name, rows, choice) for name, rows in matches.items() if rows],
    }
    # Answers recorded at 48.0 to 51.0 have the key without its "l".
    key = "duplicateResult" if choice.version >= SINCE else "duplicateResut"
    return ApiError(400, "DUPLICATES_DETECTED", TEXT, more={key: result})


def _match(name: str, rows: list[Row], choice: Choice) -> Row:
    return {
        "entityType": name,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": [_record(name, row, choice) for row in rows],
        "rule": f"Standard_{name}_Match_Rule_v1_0",
        "size": len(rows),
        "success": True,
    }


def _record(name: str, row: Row, choice: Choice) -> Row:
    url = f"/services/data/v{choice.version:.1f}/sobjects/{name}/{row['Id']}"
    fields: dict[str, Any] = {key: value for key, value in row.items() if not key.startswith("_")}
    shown = fields if choice.details else {"Id": row["Id"]}
    record = {"attributes": {"type": name, "url": url}, **shown}
    return {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
