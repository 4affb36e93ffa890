"""Whole runs over a CRM, a marketing system and a store in memory: what the tests of arrivals happen in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from fixed_tables import FixedTables

from allocator.adapters.crm.memory import MemoryCRM, MemoryLead
from allocator.adapters.marketing.memory import MemorySource
from allocator.adapters.store.memory import MemoryStore
from allocator.adapters.store.sql import open_store
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import LeadKey
from allocator.domain.records import LeadRow, Link
from allocator.service.run import Job, Outcome, run
from allocator.service.sync.stage import Marketing
from rules.default_fields import DEFAULT_FIELDS
from rules.facts import default_facts
from rules.model import Layer, RoutingTables, Row, Salesperson, Team

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
PEOPLE = ("ana", "ben", "chi")
WRITE_BACK = {
    "lead_id": "crm_lead_id", "contact_id": "crm_contact_id", "account_id": "crm_account_id",
    "converted": "crm_converted", "status": "crm_status", "owner": "crm_owner",
}  # fmt: skip


def user(name: str) -> str:
    return f"005{name:>012}AAA".replace(" ", "0")


def tables(**settings: str) -> RoutingTables:
    """Everything goes to team Enterprise: Ana, Ben and Chi in turn."""
    people = tuple(
        Salesperson(name, name.title(), f"{name}@example.com", user(name), "Enterprise") for name in PEOPLE
    )
    rule = Row("Team", "Team", 2, "T-1", Decimal(1), (), (), team="Enterprise")
    layers = (Layer("Team", "Team", Decimal(1), "continue", (rule,)),)
    named = {name.replace("_", " "): value for name, value in settings.items()}
    return RoutingTables(
        "a" * 8, named, default_facts(), (), {}, layers, (Team("Enterprise", "UTC", people),),
        fields=DEFAULT_FIELDS,
    )  # fmt: skip


@dataclass
class World:
    """One CRM, one marketing system, one store, run after run an hour apart."""

    tables: RoutingTables = field(default_factory=tables)
    at: datetime = START
    live: bool = True
    folder: Path | None = None
    """Where the store is a database."""

    def __post_init__(self) -> None:
        self.store: Any = self._database() if self.folder else MemoryStore(now=self.now)
        self.crm = MemoryCRM(now=self.now)
        self.source = MemorySource(now=self.now)
        for name in PEOPLE:
            self.crm.add_user(name.title(), id=user(name), email=f"{name}@example.com")

    def _database(self) -> Any:
        return open_store(f"sqlite:///{self.folder}/store.db")

    def now(self) -> datetime:
        return self.at

    def job(self, *, store: Any = None, crm: Any = None, sources: Sequence[Any] | None = None) -> Job:
        chosen = (self.source,) if sources is None else tuple(sources)
        marketing = Marketing(chosen, {"hubspot": WRITE_BACK})
        return Job(
            crm or self.crm, store or self.store, FixedTables(self.tables), self, SALESFORCE_FACTS,
            live=self.live, marketing=marketing,
        )  # fmt: skip

    def run(self, *, stop: Callable[[], bool] = lambda: False, **parts: Any) -> Outcome:
        self.at += timedelta(hours=1)
        return run(replace(self.job(**parts), stop=stop), by="test")

    def add(self, name: str = "ada", **more: object) -> str:
        """A new contact with all that a Lead needs."""
        self.at += timedelta(seconds=1)
        values = {
            "firstname": name.title(), "lastname": "Lovelace", "company": "Analytical",
            "email": f"{name}@analytical.example", "country": "DE",
        }  # fmt: skip
        return self.source.add(**{**values, **more})

    def lead_row(self, number: str) -> LeadRow:
        (row,) = self.store.leads([LeadKey("hubspot", number)])
        return row

    def ended(self, number: str) -> tuple[str, str | None]:
        row = self.lead_row(number)
        return str(row.state), row.reason

    def made(self, number: str) -> list[MemoryLead]:
        """Every Lead that ever got this record's external id and is not in the bin."""
        key = f"hubspot:{number}"
        leads = self.crm.leads.values()
        return [one for one in leads if one.fields.get("Marketing_Id__c") == key and not one.deleted]

    def lead(self, number: str) -> MemoryLead:
        (one,) = self.made(number)
        return one

    def live_link(self, number: str) -> Link | None:
        links = self.store.links(keys=[LeadKey("hubspot", number)], state="live")
        return links[0] if links else None

    def told(self, number: str) -> Mapping[str, str]:
        """What the contact holds of the CRM."""
        values = self.source.record(number).values
        return {name: values.get(field, "") for name, field in WRITE_BACK.items()}

    def deactivate(self, name: str, *, active: bool = False) -> None:
        self.crm._users[user(name)] = replace(self.crm._users[user(name)], active=active)
