"""Marketing systems and the people who work in them: what a test of the port's promises may do there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import requests

from allocator.adapters.clock import FixedClock
from allocator.adapters.marketing.drop import DropSource
from allocator.adapters.marketing.hubspot import HubspotSettings, HubspotSource
from allocator.adapters.marketing.memory import TEXTS, MemorySource
from allocator.domain.sync.values import FieldInfo
from allocator.ports import LeadSource
from allocator.sandbox.app import Sandbox
from rules.field_values import FieldType

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OWN = ("crm_lead_id", "crm_contact_id")
LANGUAGE = FieldInfo(FieldType("picklist", options=("de", "en"), restricted=True))


class Readable(Protocol):
    """Something that leads come from."""

    email: str
    """What its field of e-mail addresses is called."""

    @property
    def source(self) -> LeadSource: ...
    def add(self, email: str) -> str: ...


class World(Readable, Protocol):
    """A marketing system whose records somebody changes, and whose search may lag."""

    def edit(self, id: str, **values: str) -> None: ...
    def archive(self, id: str) -> None: ...
    def restore(self, id: str) -> None: ...
    def merge(self, winner: str, loser: str) -> None: ...
    def leave_intake(self, id: str) -> None: ...
    def owner(self, email: str) -> str: ...
    def later(self, seconds: float) -> None: ...
    def lag(self, seconds: float) -> None: ...


class MemoryWorld:
    email = "email"

    def __init__(self) -> None:
        self._time = MONDAY
        self.source = MemorySource(now=lambda: self._time, fields={**TEXTS, "hs_language": LANGUAGE})

    def add(self, email: str) -> str:
        return self.source.add(email=email)

    def edit(self, id: str, **values: str) -> None:
        self.source.edit(id, **values)

    def archive(self, id: str) -> None:
        self.source.archive(id)

    def restore(self, id: str) -> None:
        self.source.restore(id)

    def merge(self, winner: str, loser: str) -> None:
        self.source.merge(winner, loser)

    def leave_intake(self, id: str) -> None:
        self.source.set_intake(id, False)

    def owner(self, email: str) -> str:
        return self.source.add_owner(email)

    def later(self, seconds: float) -> None:
        self._time += timedelta(seconds=seconds)

    def lag(self, seconds: float) -> None:
        self.source.lag = timedelta(seconds=seconds)


class HubspotWorld:
    """An account in the sandbox, emptied."""

    email = "email"

    def __init__(self, sandbox: Sandbox, **settings: Any) -> None:
        sandbox.reset()
        self.url, self.token = sandbox.url, sandbox.info()["hubspot"]["token"]
        self._time = MONDAY
        self.waits: list[float] = []
        self.later(0)
        self.lag(0)
        for name in OWN:
            self.property(name)
        own = HubspotSettings(token=self.token, url=self.url, **settings)
        names = ("firstname", "lastname", "email", "hs_language", "closedate")
        self.source = HubspotSource(own, properties=names, sleep=self.waits.append)

    def add(self, email: str) -> str:
        made = self.control("POST", "hubspot/add", {"properties": {"email": email, "lifecyclestage": "lead"}})
        return str(made["id"])

    def edit(self, id: str, **values: str) -> None:
        self.control("POST", "hubspot/edit", {"id": id, "properties": values})

    def archive(self, id: str) -> None:
        self.control("POST", "hubspot/archive", {"id": id})

    def restore(self, id: str) -> None:
        self.control("POST", "hubspot/restore", {"id": id})

    def merge(self, winner: str, loser: str) -> None:
        self.control("POST", "hubspot/merge", {"id": winner, "others": [loser]})

    def leave_intake(self, id: str) -> None:
        self.edit(id, lifecyclestage="customer")

    def owner(self, email: str) -> str:
        [made] = [
            one for one in self.control("PUT", "hubspot/owners", [{"email": email}]) if one["email"] == email
        ]
        return str(made["id"])

    def later(self, seconds: float) -> None:
        self._time += timedelta(seconds=seconds)
        self.control("POST", "clock", {"now": self._time.isoformat()})

    def lag(self, seconds: float) -> None:
        lags = {"search_lag_create": seconds, "search_lag_update": seconds}
        self.control("PUT", "hubspot/settings", lags)

    def property(self, name: str, **more: Any) -> None:
        """An administrator adds a property."""
        body = {"name": name, "label": name, "type": "string", "fieldType": "text", **more}
        answer = requests.post(
            f"{self.url}/crm/v3/properties/contacts",
            json={"groupName": "contactinformation", **body},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )
        assert answer.status_code == 201, answer.text

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


class DropWorld:
    email = "Email"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.source = DropSource(folder, clock=FixedClock(MONDAY), sleep=lambda seconds: None)

    def add(self, email: str) -> str:
        self._count += 1
        (self._folder / f"{self._count}.csv").write_text(f"Email\n{email}\n", encoding="utf-8")
        found = [record for page in self.source.pull(None) for record in page]
        [made] = [record for record in found if record.values["Email"] == email]
        return made.key.source_id
