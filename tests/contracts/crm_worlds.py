"""Two CRMs and the people who work in them: what a test of the port's promises may do to the other side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import requests

from allocator.adapters.crm.memory import MemoryCRM, MemoryFault
from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings
from allocator.ports import CRM
from allocator.sandbox.app import Sandbox

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUEUE = "Inbound Leads"
PATHS = ("Country", "CampaignMember.Campaign.Name")


class World(Protocol):
    """A CRM with one intake queue, and somebody who changes its records."""

    crm: CRM
    queue: str

    def user(self, name: str, *, active: bool = True, email: str = "") -> str: ...
    def lead(self, *, email: str = "", country: str = "Germany", hours: int = 0, owner: str = "") -> str: ...
    def contact(self, email: str, owner: str, account: str = "", **fields: object) -> str: ...
    def account(self, domain: str, owner: str) -> str: ...
    def campaign(self, lead: str, name: str) -> None: ...
    def take(self, lead: str, owner: str) -> None: ...
    def convert(self, lead: str, contact: str = "", account: str = "") -> str: ...
    def delete(self, record: str) -> None: ...
    def undelete(self, record: str) -> None: ...
    def merge(self, winner: str, loser: str) -> None: ...
    def edit(self, record: str, **fields: object) -> None: ...
    def deactivate(self, user: str) -> None: ...
    def permit(self, *, converted: bool) -> None: ...
    def refuse_duplicates(self) -> None: ...
    def lose_answer(self, *, create: bool) -> None: ...
    def later(self) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self._time = MONDAY
        self.crm = MemoryCRM(intake=(QUEUE,), now=lambda: self._time)
        self.queue = self.crm.queues[QUEUE]

    def user(self, name: str, *, active: bool = True, email: str = "") -> str:
        return self.crm.add_user(name, active=active, email=email)

    def lead(self, *, email: str = "", country: str = "Germany", hours: int = 0, owner: str = "") -> str:
        created = MONDAY - timedelta(days=1) + timedelta(hours=hours)
        return self.crm.add_lead(
            owner=owner or None,
            created=created,
            LastName="Lead",
            Company="Acme",
            Email=email or None,
            Country=country,
        ).id

    def contact(self, email: str, owner: str, account: str = "", **fields: object) -> str:
        return self.crm.add_contact(
            email=email, owner=owner, account=account or None, LastName="Contact", **fields
        )

    def account(self, domain: str, owner: str) -> str:
        return self.crm.add_account(domain=domain, owner=owner)

    def campaign(self, lead: str, name: str) -> None:
        self.crm.memberships.setdefault(lead, set()).add(name)
        if lead in self.crm.leads:
            self.crm.leads[lead].campaign = {"CampaignMember.Campaign.Name": name}

    def take(self, lead: str, owner: str) -> None:
        self.edit(lead, OwnerId=owner)

    def convert(self, lead: str, contact: str = "", account: str = "") -> str:
        self.later()
        return self.crm.convert(lead, contact or None, account or None)

    def delete(self, record: str) -> None:
        self.later()
        self.crm.delete(record)

    def undelete(self, record: str) -> None:
        self.later()
        self.crm.undelete(record)

    def merge(self, winner: str, loser: str) -> None:
        self.later()
        self.crm.merge(winner, loser)

    def edit(self, record: str, **fields: object) -> None:
        self.later()
        self.crm.edit(record, **fields)

    def deactivate(self, user: str) -> None:
        self.crm.add_user("gone", active=False, id=user)

    def permit(self, *, converted: bool) -> None:
        self.crm.permissive = converted

    def refuse_duplicates(self) -> None:
        self.crm.no_duplicates = True

    def lose_answer(self, *, create: bool) -> None:
        self.crm.faults.append(MemoryFault("create" if create else "write", "lost"))

    def later(self) -> None:
        self._time += timedelta(seconds=2)


class SandboxWorld:
    def __init__(self, sandbox: Sandbox) -> None:
        self._url = sandbox.url
        self._moved = 0
        info = sandbox.info()
        self.queue = info["queues"][QUEUE]
        settings = SalesforceSettings(
            url=info["url"], client_id=info["client_id"], client_secret=info["client_secret"], intake=(QUEUE,)
        )
        self.crm = SalesforceCRM(settings, fact_paths=PATHS, sleep=lambda seconds: None)
        self._control("POST", "clock", {"now": MONDAY.isoformat()})

    def user(self, name: str, *, active: bool = True, email: str = "") -> str:
        row = {
            "Name": name,
            "LastName": name,
            "IsActive": active,
            "Email": email,
            "Username": f"{name}@x.example",
        }
        return self._put("User", row)

    def lead(self, *, email: str = "", country: str = "Germany", hours: int = 0, owner: str = "") -> str:
        at = (MONDAY - timedelta(days=1) + timedelta(hours=hours)).isoformat()
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)
        row = {"LastName": "Lead", "Company": "Acme", "Email": email or None, "Country": country}
        return self._put("Lead", {**row, "OwnerId": owner or self.queue, "IsConverted": False, **stamps})

    def contact(self, email: str, owner: str, account: str = "", **fields: object) -> str:
        row = {"LastName": "Contact", "Email": email, "OwnerId": owner, "AccountId": account or None}
        return self._put("Contact", {**row, **fields})

    def account(self, domain: str, owner: str) -> str:
        return self._put("Account", {"Name": domain, "Website": f"https://www.{domain}/", "OwnerId": owner})

    def campaign(self, lead: str, name: str) -> None:
        campaign = self._put("Campaign", {"Name": name})
        person = "ContactId" if lead.startswith("003") else "LeadId"
        self._put("CampaignMember", {person: lead, "CampaignId": campaign, "Status": "Sent"})
        self.later()

    def take(self, lead: str, owner: str) -> None:
        self._act("take", lead, by=owner)

    def convert(self, lead: str, contact: str = "", account: str = "") -> str:
        into = {name: one for name, one in (("contact", contact), ("account", account)) if one}
        return str(self._by_a_person("convert", record=lead, no_opportunity=True, **into)["contact"])

    def delete(self, record: str) -> None:
        self._by_a_person("delete", record=record)

    def undelete(self, record: str) -> None:
        self._by_a_person("undelete", record=record)

    def merge(self, winner: str, loser: str) -> None:
        self._by_a_person("merge", record=winner, others=[loser])

    def edit(self, record: str, **fields: object) -> None:
        self._by_a_person("edit", record=record, fields=fields)

    def deactivate(self, user: str) -> None:
        self._put("User", {"Id": user, "IsActive": False})

    def _act(self, what: str, lead: str, **more: Any) -> None:
        """A person acts while the lead is read next."""
        self.later()
        on = {"method": "GET", "path": "query", "record": lead}
        self._control("POST", "faults", {"on": on, "do": what, **more})
        self.crm.status([lead])
        self._control("DELETE", "faults")

    def _by_a_person(self, what: str, **body: object) -> dict[str, Any]:
        self.later()
        return dict(self._control("POST", what, body))

    def permit(self, *, converted: bool) -> None:
        self._control("PUT", "settings", {"permissive_converted": converted})

    def refuse_duplicates(self) -> None:
        self._control("PUT", "settings", {"duplicate_rules": "block"})

    def lose_answer(self, *, create: bool) -> None:
        on = {"method": "POST", "path": "composite$"}
        self._control("POST", "faults", {"on": on, "when": "after_commit", "do": "drop"})

    def later(self) -> None:
        self._moved += 2
        self._control("POST", "clock", {"now": (MONDAY + timedelta(seconds=self._moved)).isoformat()})

    def _put(self, kind: str, row: dict[str, Any]) -> str:
        return str(self._control("PUT", f"records/{kind}", [row])[0]["Id"])

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        response = requests.request(method, f"{self._url}/_sandbox/{path}", json=body, timeout=10)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None


@contextmanager
def sandbox_world() -> Iterator[SandboxWorld]:
    with Sandbox(seed="empty") as sandbox:
        yield SandboxWorld(sandbox)
