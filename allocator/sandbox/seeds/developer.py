"""The stock records of a Developer Edition org, read from its exported CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allocator.sandbox.clock import wire
from allocator.sandbox.salesforce.leads_csv import custom_name
from allocator.sandbox.salesforce.org import INTEGRATION_USER, Org
from allocator.sandbox.salesforce.schema import Field, valid_id
from allocator.sandbox.salesforce.values import NUMBERS
from allocator.sandbox.seeds.empty import put, user

OBJECTS = ("Account", "Contact", "Lead", "Opportunity")
US_DATE, US_STAMP = "%m/%d/%y", "%m/%d/%y %I:%M %p"


def load(org: Org, folder: Path) -> list[dict[str, Any]]:
    """Load the exports; owners that the files name become users. Returns what could not be loaded."""
    refused: list[dict[str, Any]] = []
    for name in OBJECTS:
        path = folder / f"{name}.csv"
        if not path.exists():
            refused.append({"line": 0, "reason": f"{path.name} is not in the folder"})
            continue
        rows = list(_rows(org, name, path, refused))
        _users(org, rows)
        put(org, name, rows)
    return refused


def _rows(org: Org, name: str, path: Path, refused: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    kind = org.records.type(name)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for cells in reader:
            if not valid_id(cells.get("Id")):
                refused.append({"line": reader.line_num, "reason": f"{path.name}: no valid Id"})
                continue
            row = {}
            for header, text in cells.items():
                field = kind.field(header) or org.schema.add_custom_field(name, custom_name(header))
                row[field.name] = _value(field, (text or "").strip())
            yield _finished(row)


def _finished(row: dict[str, Any]) -> dict[str, Any]:
    """An export without owner or creation date gets the ones that its other columns allow."""
    kept = {name: value for name, value in row.items() if value is not None}
    kept.setdefault("OwnerId", INTEGRATION_USER)
    kept.setdefault("CreatedDate", kept.get("LastModifiedDate", "2026-02-23T20:55:00.000+0000"))
    return kept


def _users(org: Org, rows: list[dict[str, Any]]) -> None:
    for owner in dict.fromkeys(row["OwnerId"] for row in rows):
        if org.records.get("User", owner) is None:
            put(
                org,
                "User",
                [user(owner, "Developer", "Edition", f"developer.{owner[:15].lower()}@example.com")],
            )


def _value(field: Field, text: str) -> Any:
    if not text:
        return None
    if field.type == "boolean":
        return text.upper() == "TRUE"
    if field.type in NUMBERS:
        return float(text) if "." in text else int(text)
    if field.type == "date":
        return datetime.strptime(text, US_DATE).date().isoformat()  # noqa: DTZ007 (a day has no zone)
    if field.type == "datetime":
        pattern = US_STAMP if " " in text else US_DATE
        return wire(datetime.strptime(text, pattern).replace(tzinfo=UTC))
    return text
