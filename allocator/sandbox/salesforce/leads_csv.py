"""Loads a CSV of leads: headers mapped to fields, odd rows mended or reported, none dropped in silence.

Decisions. A header is a standard field when it is the field's API name or one of the usual spellings below;
anything else becomes a custom field. Audit, owner and conversion fields count only under their exact API
names (a real export): Id is kept when it is a Lead's, CreatedDate when it is ISO 8601, IsConverted and
Converted* as given. OwnerId and the other stamps are the sandbox's own: every lead belongs to the first
queue. Rows without CreatedDate lie one second apart in the file's order, so that their order is total.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from allocator.sandbox.clock import parse_iso, wire
from allocator.sandbox.salesforce.org import INTEGRATION_USER, Org
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import Field, ObjectType, to18, valid_id
from allocator.sandbox.salesforce.values import stored
from allocator.sandbox.wire import ApiError

NOT_PROVIDED = "[not provided]"
MOST_CHARACTERS = 16_000_000
LONG_TEXT = 131_072
SPELLINGS = {
    "FirstName": "first name;given name;forename;vorname",
    "LastName": "last name;surname;family name;nachname",
    "Company": "company;company name;organization;organisation;account name",
    "Email": "email;e-mail;email address;mail",
    "Phone": "phone;phone number;telephone;tel",
    "MobilePhone": "mobile;mobile phone;cell phone",
    "Title": "title;job title;position",
    "City": "city;town",
    "Country": "country",
    "State": "state;province;state/province",
    "PostalCode": "postal code;zip;zip code;postcode;zip/postal code",
    "Street": "street;address line 1",
    "CountryCode": "country code",
    "LeadSource": "lead source;source",
    "Industry": "industry",
    "Website": "website;web site;url",
    "Description": "description;comments;notes",
    "NumberOfEmployees": "employees;number of employees;no. of employees",
    "AnnualRevenue": "annual revenue;revenue",
    "Salutation": "salutation",
    "Rating": "rating",
    "Status": "lead status",
    "Fax": "fax",
}
EXACT_ONLY = {
    "Address",
    "ConvertedAccountId",
    "ConvertedContactId",
    "ConvertedDate",
    "ConvertedOpportunityId",
    "CreatedById",
    "CreatedDate",
    "Id",
    "IndividualId",
    "IsConverted",
    "IsDeleted",
    "IsUnreadByOwner",
    "Jigsaw",
    "JigsawContactId",
    "LastActivityDate",
    "LastModifiedById",
    "LastModifiedDate",
    "LastReferencedDate",
    "LastViewedDate",
    "MasterRecordId",
    "Name",
    "OwnerId",
    "PhotoUrl",
    "Status",
    "SystemModstamp",
}
OURS = {
    "CreatedById",
    "IsDeleted",
    "LastModifiedById",
    "LastModifiedDate",
    "Name",
    "OwnerId",
    "SystemModstamp",
}


@dataclass
class Loaded:
    """What became of the file; `rows = loaded + refused`, blank lines apart."""

    refused: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"rows": 0, "loaded": 0, "refused": 0, "blank": 0})

    def refuse(self, line: int, reason: str) -> None:
        self.counts["refused"] += 1
        self.refused.append({"line": line, "reason": reason})


def load_leads(org: Org, path: Path, field_map: Mapping[str, str]) -> Loaded:
    """Load the file into the first queue; UnicodeDecodeError never: such rows are reported."""
    loaded = Loaded()
    lines = _lines(path, loaded)
    _, header = next(lines, (0, []))
    if not header:
        loaded.refuse(1, "the file holds no header")
        return loaded
    if not _is_utf8(header):
        loaded.refuse(1, "the header is not UTF-8: save the file as CSV in UTF-8")
        return loaded
    for name in _unknown(header, field_map):
        loaded.refused.append({"line": 1, "reason": f"the file has no column {name!r} to map"})
    columns = _columns(org, header, field_map)
    rows = list(_rows(org, columns, lines, loaded))
    kind, owner = org.records.type("Lead"), next(iter(org.queues().values()))
    start = org.clock.now() - timedelta(seconds=len(rows))
    for place, row in enumerate(rows):
        _store(org, kind, row, owner, wire(start + timedelta(seconds=place)))
        loaded.counts["loaded"] += 1
    return loaded


def _store(org: Org, kind: ObjectType, row: Row, owner: str, created: str) -> None:
    stamp = row.get("CreatedDate") or created
    given = {
        "CreatedDate": stamp,
        "LastModifiedDate": stamp,
        "SystemModstamp": stamp,
        "OwnerId": owner,
        "IsUnreadByOwner": True,
    }
    org.records.insert(kind, {**given, **row}, INTEGRATION_USER)


def _lines(path: Path, loaded: Loaded) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they end on. A row that was quoted as a whole is one cell: it is read again."""
    csv.field_size_limit(MOST_CHARACTERS)
    width, separator = 0, _separator(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                loaded.counts["blank"] += 1
                continue
            if width > 1 and len(cells) == 1 and separator in cells[0]:
                cells = next(csv.reader([cells[0]], delimiter=separator))
            width = width or len(cells)
            yield reader.line_num, cells


def _separator(path: Path) -> str:
    """A comma, unless the header holds more semicolons or tabs, as spreadsheets of some countries write."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        header = re.sub(r'"[^"]*"', "", file.readline(MOST_CHARACTERS))
    return max(",;\t", key=header.count)


def _is_utf8(cells: list[str]) -> bool:
    try:
        "".join(cells).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unknown(header: list[str], field_map: Mapping[str, str]) -> list[str]:
    known = {_plain(name) for name in header}
    return [name for name in field_map if _plain(name) not in known]


def _columns(org: Org, header: list[str], field_map: Mapping[str, str]) -> list[Field]:
    """One field a column; `field_map` wins over every guess, and a name is used once."""
    mapped = {_plain(name): target for name, target in field_map.items()}
    kind = org.records.type("Lead")
    taken: set[str] = set()
    named = (kind.field(mapped[plain]) for name in header if (plain := _plain(name)) in mapped)
    kept = {found.name for found in named if found is not None}
    columns: list[Field] = []
    for name in header:
        wanted = mapped.get(_plain(name))
        found = _column(org, kind, name.strip(), wanted, taken if wanted else taken | kept)
        taken.add(found.name)
        columns.append(found)
    return columns


def _column(org: Org, kind: ObjectType, header: str, wanted: str | None, taken: set[str]) -> Field:
    found = kind.field(wanted) if wanted else _standard(kind, header)
    if found is not None and found.name not in taken:
        return found
    name = wanted or custom_name(header)
    while name in taken or (name != wanted and kind.field(name) and not kind.field(name).custom):  # type: ignore[union-attr]
        name = f"{name.removesuffix('__c')}_2__c"
    return kind.field(name) or org.schema.add_custom_field("Lead", name, label=header)


def _standard(kind: ObjectType, header: str) -> Field | None:
    exact = kind.field(header)
    if exact is not None and (exact.name == header or exact.name not in EXACT_ONLY):
        return exact
    plain = _plain(header)
    return next(
        (kind.field(name) for name, texts in SPELLINGS.items() if plain in map(_plain, texts.split(";"))),
        None,
    )


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()


def custom_name(header: str) -> str:
    """The API name that a column gets: words joined by underscores, then `__c`."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", header.removesuffix("__c")).strip("_") or "Column"
    return f"{name if name[0].isalpha() else 'X' + name}__c"


def _rows(
    org: Org, columns: list[Field], lines: Iterator[tuple[int, list[str]]], loaded: Loaded
) -> Iterator[Row]:
    seen: set[str] = {row["Id"] for row in org.records.rows("Lead")}
    for line, cells in lines:
        loaded.counts["rows"] += 1
        try:
            row = _row(columns, cells)
            if row.get("Id") in seen:
                raise ValueError(f"Id: {row['Id']} is in the file or the org already")
        except ApiError as error:
            loaded.refuse(line, error.message)
        except ValueError as error:
            loaded.refuse(line, str(error))
        else:
            seen.update([row["Id"]] if row.get("Id") else [])
            yield row


def _row(columns: list[Field], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells where the header has {len(columns)}")
    if not _is_utf8(cells):
        raise ValueError("not UTF-8")
    row = {
        found.name: value
        for found, cell in zip(columns, cells, strict=True)
        if (value := _value(found, cell.strip())) is not None
    }
    row.setdefault("LastName", _key(columns, cells))
    row.setdefault("Company", NOT_PROVIDED)
    return row


def _value(found: Field, text: str) -> Any:
    if not text or found.name in OURS:
        return None
    if found.name == "Id":
        return to18(text) if valid_id(text) and text.startswith("00Q") else None
    if found.type == "address":
        return _compound(text)
    if found.type == "boolean":
        return text.lower() in ("true", "1", "yes")
    if found.type == "datetime":
        return _stamp(text)
    if found.type == "email" and len(text) <= found.length:
        return text  # a wrong address in a list of leads is still a lead
    if found.custom and found.type == "string" and len(text) > found.length:
        found.type, found.length = "textarea", LONG_TEXT
    return stored(found, text)


def _compound(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _stamp(text: str) -> str | None:
    try:
        return wire(parse_iso(text))
    except ValueError:
        return None


def _key(columns: list[Field], cells: list[str]) -> str:
    """A key stands in for a missing name: the first column called an id, or the first filled one."""
    named = [
        cell
        for found, cell in zip(columns, cells, strict=True)
        if re.search(r"(\b|_)id\b", found.label.lower())
    ]
    filled = [cell.strip() for cell in [*named, *cells] if cell.strip()]
    return filled[0][:80]
