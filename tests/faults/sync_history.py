"""Says from the outside whether a history of both systems kept the promises of the sync.

Reads the CRM's commits and records, HubSpot's contacts with their histories, and the store's rows by plain
SQL: nothing of the product that could be wrong in the same way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from allocator.sandbox.salesforce.org import INTEGRATION_USER

Row = Mapping[str, Any]
PAIRS: Mapping[str, tuple[str, str]] = {
    "firstname": ("FirstName", "FirstName"),
    "lastname": ("LastName", "LastName"),
    "email": ("Email", "Email"),
    "phone": ("Phone", "Phone"),
    "jobtitle": ("Title", "Title"),
    "company": ("Company", ""),
    "city": ("City", "MailingCity"),
    "country": ("Country", "MailingCountry"),
}
"""Marketing field -> the fields of the Lead and of the Contact."""
TWO_WAY = ("firstname", "lastname", "email", "phone", "jobtitle")
UNWRITTEN = ("SystemModstamp", "LastModifiedDate", "LastModifiedById", "IsUnreadByOwner")
TABLES = ("links", "syncs", "sync_writes", "conflicts", "leads", "outbox")


@dataclass
class History:
    """`changes`: GET /_sandbox/history; `contacts`: GET /_sandbox/hubspot/contacts; `rows`: the store's."""

    changes: Sequence[Row]
    leads: Sequence[Row]
    people: Sequence[Row]
    contacts: Sequence[Row]
    rows: Mapping[str, Sequence[Row]]

    @cached_property
    def objects(self) -> dict[str, set[str]]:
        """Marketing record -> everything of the CRM that it was ever linked to."""
        found: dict[str, set[str]] = {}
        for link in self.rows["links"]:
            if link["source"] == "hubspot":
                found.setdefault(link["source_id"], set()).add(link["crm_id"])
        return found

    @cached_property
    def lost(self) -> set[tuple[str, str, str]]:
        """(record, field, value) that a conflict row keeps; the store writes "t:Paris" for the text Paris."""
        found = ((row["source_id"], json.loads(row["conflict"])) for row in self.rows["conflicts"])
        return {(record, one["field"], _text(one["lost"]).partition(":")[2]) for record, one in found}

    @cached_property
    def known(self) -> set[tuple[str, str]]:
        """(CRM id or HubSpot id + its field, value) that was ever there."""
        found = set()
        for one in self.changes:
            for name, (_, after) in one["changes"].items():
                found.add((f"{one['id']} {name}", _text(after)))
        for one in self.contacts:
            for name, versions in one["history"].items():
                found |= {(f"{one['id']} {name}", _text(version["value"])) for version in versions}
        return found

    def was_there(self, record: str, name: str, value: str) -> bool:
        """Whether the CRM ever showed this value of a marketing field."""
        places = ((id, theirs) for id in self.objects.get(record, ()) for theirs in PAIRS[name] if theirs)
        return any((f"{id} {theirs}", value) in self.known for id, theirs in places)


def read_rows(url: str) -> dict[str, list[Row]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            name: [
                dict(row._mapping) for row in connection.execute(sa.select("*").select_from(sa.table(name)))
            ]
            for name in TABLES
        }


def violations(h: History, *, at_rest: bool = True) -> list[str]:
    """What was broken. `at_rest`: nothing is on its way, so both sides must agree."""
    checks = [dead_leads, one_lead, one_link, nothing_lost, nothing_emptied]
    return [said for check in (*checks, *([agreed] if at_rest else [])) for said in check(h)]


# --- what was written -------------------------------------------------------------------------------------


def _ours(h: History, object: str = "") -> Iterator[Row]:
    """Commits that the product's requests made."""
    for one in h.changes:
        if one["by"] == INTEGRATION_USER and one["request"] and object in ("", one["object"]):
            yield one


def dead_leads(h: History) -> Iterator[str]:
    """What was written to a converted Lead is on its Contact, or was never done."""
    converted: dict[str, str] = {}
    for place, one in enumerate(h.changes):
        if one["object"] != "Lead":
            continue
        if one["changes"].get("IsConverted", [None, None])[1] is True:
            converted[one["id"]] = _contact_of(h, one["id"])
        elif one["id"] in converted and one["by"] == INTEGRATION_USER and one["request"]:
            for name, (_, value) in one["changes"].items():
                if name not in UNWRITTEN and not _came_over(h, place, converted[one["id"]], name, value):
                    yield f"{name} of the converted Lead {one['id']} was written: {value!r}"


def _contact_of(h: History, lead: str) -> str:
    return next(str(row["ConvertedContactId"]) for row in h.leads if row["Id"] == lead)


def _came_over(h: History, place: int, contact: str, name: str, value: Any) -> bool:
    theirs = next((there for here, there in PAIRS.values() if here == name), "")
    later = (one for one in h.changes[place:] if one["id"] == contact)
    return any(one["changes"].get(theirs, [None, None])[1] == value for one in later)


def one_lead(h: History) -> Iterator[str]:
    """One Lead was ever made for a record or for an address; one record of the CRM says it belongs to it."""
    made = [one["changes"] for one in _ours(h) if one["created"]]
    for field in ("Marketing_Id__c", "Email"):
        counts = Counter(_text(one[field][1]).casefold() for one in made if field in one)
        yield from (f"{n} records were made with {field} {value}" for value, n in counts.items() if n > 1)
    yield from (
        f"a {one['object']} was made" for one in _ours(h) if one["created"] and one["object"] != "Lead"
    )
    alive = [row for row in h.leads if not row["IsDeleted"] and not row["IsConverted"]]
    alive += [row for row in h.people if not row["IsDeleted"]]
    owned = Counter(str(row["Marketing_Id__c"]) for row in alive if row.get("Marketing_Id__c"))
    yield from (f"{n} records of the CRM belong to {key}" for key, n in owned.items() if n > 1)


def one_link(h: History) -> Iterator[str]:
    """A record has one live link, and an object one live record."""
    live = [row for row in h.rows["links"] if row["state"] == "live" and row["source"] != row["crm"]]
    for what in ("source_id", "crm_id"):
        counts = Counter((row["source"], row[what]) for row in live)
        yield from (f"{one} has {n} live links" for one, n in counts.items() if n > 1)


def nothing_lost(h: History) -> Iterator[str]:
    """What we replaced was on the other side too, or a conflict row keeps it."""
    for record, name, value in _replaced_in_hubspot(h):
        if not h.was_there(record, name, value) and (record, name, value) not in h.lost:
            yield f"{name} of contact {record} was {value!r}, which is nowhere any more"
    for id, name, value in _replaced_in_crm(h):
        owners = [record for record, ids in h.objects.items() if id in ids]
        ours = [one for one, pair in PAIRS.items() if name in pair]
        there = any((f"{record} {one}", value) in h.known for record in owners for one in ours)
        if not there and not any((record, name, value) in h.lost for record in owners):
            yield f"{name} of {id} was {value!r}, which is nowhere any more"


def _replaced_in_hubspot(h: History) -> Iterator[tuple[str, str, str]]:
    for one in h.contacts:
        for name, versions in one["history"].items():
            for new, old in pairwise(versions):
                is_ours = new["sourceType"] == "INTEGRATION" and old["sourceType"] != "INTEGRATION"
                if name in PAIRS and is_ours and old["value"] and old["value"] != new["value"]:
                    yield one["id"], name, old["value"]


def _replaced_in_crm(h: History) -> Iterator[tuple[str, str, str]]:
    names = {theirs for pair in PAIRS.values() for theirs in pair if theirs}
    for one in _ours(h):
        for name, (before, after) in one["changes"].items():
            if name in names and one["object"] in ("Lead", "Contact") and before and before != after:
                yield one["id"], name, _text(before)


def nothing_emptied(h: History) -> Iterator[str]:
    """A value became blank by us only where a person emptied the field on the other side."""
    for one in _ours(h):
        for name, (before, after) in one["changes"].items():
            ours = next((ours for ours, pair in PAIRS.items() if name in pair), "")
            records = [record for record, ids in h.objects.items() if one["id"] in ids]
            emptied = any((f"{record} {ours}", "") in h.known for record in records)
            if ours and before and not after and not emptied:
                yield f"{name} of {one['id']} was emptied by nobody"
    for contact in h.contacts:
        for name, versions in contact["history"].items():
            emptied = any(one["sourceType"] == "INTEGRATION" and not one["value"] for one in versions)
            if name in PAIRS and emptied and not h.was_there(contact["id"], name, ""):
                yield f"{name} of contact {contact['id']} was emptied by nobody"


# --- at rest ----------------------------------------------------------------------------------------------


def agreed(h: History) -> Iterator[str]:
    """Both sides show the same, but for what is held and what a problem is told of."""
    ours = {one["id"]: one["properties"] for one in h.contacts if not one["archived"]}
    theirs = {row["Id"]: row for row in (*h.leads, *h.people)}
    links = {row["source_id"]: row for row in h.rows["links"] if row["state"] == "live"}
    for row in h.rows["syncs"]:
        if row["plan"] == "held" or row["source_id"] not in ours:
            continue
        record, link = row["source_id"], links[row["source_id"]]
        known = {one["rule"].partition("=")[0] for one in json.loads(row["problems"])}
        for name, pair in PAIRS.items():
            there = pair[link["object"] == "Contact"]
            here, shown = _text(ours[record].get(name)), _text(theirs[link["crm_id"]].get(there))
            if there and name not in known and here != shown and (here or name not in TWO_WAY):
                yield f"{name} of contact {record} is {here!r}, {there} of {link['crm_id']} {shown!r}"
        told = "crm_contact_id" if link["object"] == "Contact" else "crm_lead_id"
        if ours[record].get(told) != link["crm_id"]:
            yield f"contact {record} has {told} {ours[record].get(told)!r} and is linked to {link['crm_id']}"
    yield from (
        f"a write of {row['source_id']} waits" for row in h.rows["sync_writes"] if row["state"] == "pending"
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
