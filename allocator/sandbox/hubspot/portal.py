"""The HubSpot account: its contacts and companies, owners, associations, settings, and its token."""

from __future__ import annotations

import os
import threading
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from allocator.sandbox.clock import Clock
from allocator.sandbox.hubspot import definitions
from allocator.sandbox.hubspot.answers import invalid, stamp
from allocator.sandbox.hubspot.definitions import Property
from allocator.sandbox.hubspot.records import COMPANIES, CONTACTS, PERSON, Record, Records
from allocator.sandbox.hubspot.values import Values, checked

OFF = {"ten_secondly": 0, "search_secondly": 0, "daily": 0}
BATCHES = ("traced", "always")


@dataclass
class Settings:
    """What PUT /_sandbox/hubspot/settings changes.

    The lags are seconds until the search index shows a created or changed record. `limits` are calls: 0 is
    no limit. `partial_batches`: with "traced", as the vendor has it, one bad input refuses the whole batch
    unless each input has an objectWriteTraceId; with "always" the others are done in any case.
    """

    search_lag_create: float = 10.0
    search_lag_update: float = 60.0
    limits: dict[str, int] = field(default_factory=lambda: dict(OFF))
    partial_batches: str = "traced"

    def change(self, values: dict[str, Any]) -> None:
        """ValueError, and nothing changed, for a setting or a value that there is not."""
        if unknown := set(values) - set(vars(self)):
            raise ValueError(f"unknown setting: {', '.join(sorted(unknown))}")
        limits = {**self.limits, **(values.get("limits") or {})}
        if set(limits) - set(OFF) or not all(isinstance(n, int) and n >= 0 for n in limits.values()):
            raise ValueError(f"limits are whole numbers of {', '.join(OFF)}; 0 is none")
        lags = {name: float(values[name]) for name in values if name.startswith("search_lag_")}
        batches = values.get("partial_batches", self.partial_batches)
        if min(lags.values(), default=0) < 0 or batches not in BATCHES:
            raise ValueError(f"a lag is not negative; partial_batches is one of {', '.join(BATCHES)}")
        for name, value in {**lags, "limits": limits, "partial_batches": batches}.items():
            setattr(self, name, value)


@dataclass(frozen=True)
class Owner:
    """A user of HubSpot who may own records."""

    id: str
    user_id: int
    email: str
    first: str
    last: str
    made: str
    archived: bool = False

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "email": self.email,
            "type": "PERSON",
            "firstName": self.first,
            "lastName": self.last,
            "userId": None if self.archived else self.user_id,
            "userIdIncludingInactive": self.user_id,
            "createdAt": self.made,
            "updatedAt": self.made,
            "archived": self.archived,
            "teams": [],
        }


class Portal:
    """One HubSpot account. `lock` guards its records."""

    def __init__(self, clock: Clock, token: str) -> None:
        self.clock, self.token = clock, token
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """An account as it is when it is new."""
        self.settings = Settings()
        self.made = stamp(self.clock.exact())
        self.owners: dict[str, Owner] = {}
        self.associations: list[tuple[str, str, str, str]] = []
        self.lists: dict[str, list[str]] = {}
        """Ids of contacts by the id of a list."""
        now = self.clock.exact
        self.contacts = Records(CONTACTS, definitions.contact_properties(), now)
        self.companies = Records(COMPANIES, definitions.company_properties(), now)

    def records(self, name: str) -> Records:
        """By any of the names that a path may have for an object type."""
        for found in (self.contacts, self.companies):
            kind = found.kind
            if name.lower() in (kind.name, kind.title.lower(), kind.type_id):
                return found
        raise invalid(f"Unable to infer object type from: {name}")

    def holder(self, record_id: str) -> Records | None:
        """The type of a record, by its id or the id of one that it swallowed."""
        kinds = (self.contacts, self.companies)
        return next((one for one in kinds if record_id in one.rows or record_id in one.aliases), None)

    def checked(self, records: Records, given: Any) -> Values:
        return checked(given, records.known, lambda owner: owner in self.owners)

    def add_owner(self, email: str, first: str, last: str) -> Owner:
        place = len(self.owners) + 1
        owner = Owner(str(41_000_000 + place), 51_000_000 + place, email, first, last, self.made)
        self.owners[owner.id] = owner
        return owner

    def edit(self, record_id: str, given: dict[str, Any]) -> Record:
        """A person changes a record in the browser, by the rules."""
        with self.lock:
            records = self.holder(record_id) or self.contacts
            record = records.find(record_id)
            records.update(record, self.checked(records, given), PERSON)
            return record

    def add(self, given: dict[str, Any]) -> Record:
        """A person, or a form, makes a contact."""
        with self.lock:
            return self.contacts.create(self.checked(self.contacts, given), PERSON)

    def behind_the_back(self, kind: str, record_id: str, by: str | None, fields: dict[str, Any]) -> None:
        """A fault's person edits or takes the record, with no rule asked; one that is gone stays so."""
        with self.lock:
            records = self.holder(record_id)
            record = records.rows.get(records.winner(record_id)) if records else None
            if records is None or record is None or kind not in ("take", "edit"):
                return
            values = {name: str(value or "") for name, value in fields.items()}
            if kind == "take":
                values = {"hubspot_owner_id": str(by or next(iter(self.owners), ""))}
            records.update(record, values, PERSON)

    def dump(self) -> dict[str, Any]:
        """All of it but the token, as JSON."""
        kinds = {"contacts": self.contacts, "companies": self.companies}
        return {
            "settings": asdict(self.settings),
            "made": self.made,
            "owners": [asdict(owner) for owner in self.owners.values()],
            "associations": self.associations,
            "lists": self.lists,
            "properties": {
                name: [asdict(one) for one in records.known.values() if one.own]
                for name, records in kinds.items()
            },
            **{name: records.dump() for name, records in kinds.items()},
        }

    def load(self, saved: dict[str, Any]) -> None:
        self.clear()
        self.settings, self.made = Settings(**saved["settings"]), saved["made"]
        self.owners = {one["id"]: Owner(**one) for one in saved["owners"]}
        self.associations = [(a, b, c, d) for a, b, c, d in saved["associations"]]
        self.lists = {name: list(ids) for name, ids in saved.get("lists", {}).items()}
        for name, records in (("contacts", self.contacts), ("companies", self.companies)):
            for values in saved["properties"][name]:
                options = tuple((value, label) for value, label in values["options"])
                records.known[values["name"]] = Property(**{**values, "options": options})
            records.load(saved[name])


def token_of(folder: Path) -> str:
    """The private app's token: made at the first start and kept, readable by the owner alone."""
    path = folder / "hubspot.token"
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    token = f"pat-eu1-{uuid.uuid4()}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(token)
    return token
