"""Two CRMs and the people who work in them: what a test of the port's promises may do to the other side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import requests

from allocator.adapters.crm.memory import MemoryCRM
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
    def contact(self, email: str, owner: str) -> str: ...
    def account(self, domain: str, owner: str) -> str: ...
    def campaign(self, lead: str, name: str) -> None: ...
    def take(self, lead: str, owner: str) -> None: ...
    def convert(self, lead: str) -> None: ...
    def delete(self, lead: str) -> None: ...
    def deactivate(self, user: str) -> None: ...


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
            owner=owner or None, created=created, Email=email or None, Country=country
        ).id

    def contact(self, email: str, owner: str) -> str:
        return self.crm.add_contact(email=email, owner=owner)

    def account(self, domain: str, owner: str) -> str:
        return self.crm.add_account(domain=domain, owner=owner)

    def campaign(self, lead: str, name: str) -> None:
        self.crm.leads[lead].campaign = {"CampaignMember.Campaign.Name": name}

    def take(self, lead: str, owner: str) -> None:
        self.crm.leads[lead].owner = owner
        self._touch(lead)

    def convert(self, lead: str) -> None:
        self.crm.leads[lead].converted = True
        self.crm.leads[lead].contact_id = self.crm.add_contact(email="", owner=self.queue)
        self._touch(lead)

    def delete(self, lead: str) -> None:
        self.crm.leads[lead].deleted = True
        self._touch(lead)

    def deactivate(self, user: str) -> None:
        self.crm.add_user("gone", active=False, id=user)

    def _touch(self, lead: str) -> None:
        self._time += timedelta(seconds=2)
        self.crm.leads[lead].stamp = self._time


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

    def contact(self, email: str, owner: str) -> str:
        return self._put("Contact", {"LastName": "Contact", "Email": email, "OwnerId": owner})

    def account(self, domain: str, owner: str) -> str:
        return self._put("Account", {"Name": domain, "Website": f"https://www.{domain}/", "OwnerId": owner})

    def campaign(self, lead: str, name: str) -> None:
        campaign = self._put("Campaign", {"Name": name})
        self._put("CampaignMember", {"LeadId": lead, "CampaignId": campaign, "Status": "Sent"})
        self._later()

    def take(self, lead: str, owner: str) -> None:
        self._act("take", lead, by=owner)

    def convert(self, lead: str) -> None:
        self._act("convert", lead)

    def delete(self, lead: str) -> None:
        self._later()
        self._put("Lead", {"Id": lead, "IsDeleted": True})

    def deactivate(self, user: str) -> None:
        self._put("User", {"Id": user, "IsActive": False})

    def _act(self, what: str, lead: str, **more: Any) -> None:
        """A person acts while the lead is read next."""
        self._later()
        on = {"method": "GET", "path": "query", "record": lead}
        self._control("POST", "faults", {"on": on, "do": what, **more})
        self.crm.status([lead])
        self._control("DELETE", "faults")

    def _later(self) -> None:
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
