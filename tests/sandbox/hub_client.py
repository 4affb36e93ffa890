"""A plain HTTP client of the sandbox's HubSpot account, as an outside tester would write it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import requests
from sandbox_client import SHARED

from allocator.sandbox.app import Sandbox

RECORDED = SHARED / "recorded" / "hubspot_v3_cassettes" / "spec"
CONTACTS = "/crm/v3/objects/contacts"
DATED = "/crm/objects/2026-03/contacts"


class Hub:
    """Calls with the token of the private app; control calls without."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.url = sandbox, sandbox.url
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {sandbox.info()['hubspot']['token']}"
        if sandbox.info()["ca_file"]:
            self.http.verify = sandbox.info()["ca_file"]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        target = path if path.startswith(("/crm", "/_sandbox")) else f"{CONTACTS}{path and '/' + path}"
        return self.http.request(method, self.url + target, **{"timeout": 10, **options})

    def make(self, **properties: Any) -> str:
        answer = self.call("POST", "", json={"properties": properties})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def read(self, record: str, *names: str) -> dict[str, Any]:
        """The properties of a contact."""
        params = {"properties": ",".join(names)} if names else {}
        return self.call("GET", record, params=params).json()["properties"]

    def patch(self, record: str, **properties: Any) -> requests.Response:
        return self.call("PATCH", record, json={"properties": properties})

    def batch(self, kind: str, *inputs: dict[str, Any], **more: Any) -> requests.Response:
        return self.call("POST", f"batch/{kind}", json={"inputs": list(inputs), **more})

    def search(self, *filters: dict[str, Any], **more: Any) -> requests.Response:
        groups = {"filterGroups": [{"filters": list(filters)}]} if filters else {}
        return self.call("POST", "search", json={**groups, **more})

    def found(self, *filters: dict[str, Any], **more: Any) -> list[str]:
        """The ids that a search finds."""
        answer = self.search(*filters, **more)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["results"]]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.call(method, f"/_sandbox/{path}", json=body)
        return answer.json() if answer.content else None

    def settings(self, **values: Any) -> Any:
        return self.control("PUT", "hubspot/settings", values)

    def no_lag(self) -> None:
        self.settings(search_lag_create=0, search_lag_update=0)

    def later(self, seconds: float) -> None:
        """Move the sandbox's clock on; what it tells lies up to a second behind it."""
        now = datetime.fromisoformat(self.control("GET", "clock")["now"]) + timedelta(seconds=1)
        self.control("POST", "clock", {"now": (now + timedelta(seconds=seconds)).isoformat()})

    def row(self, record: str) -> dict[str, Any]:
        """A contact as the control interface shows it, archived or not."""
        return next(row for row in self.control("GET", "hubspot/contacts") if row["id"] == record)

    def fault(self, do: str, when: str = "before", on: dict[str, Any] | None = None, **options: Any) -> str:
        return self.control("POST", "faults", {"on": on or {}, "when": when, "do": do, **options})["id"]

    def log(self) -> list[dict[str, Any]]:
        return self.control("GET", "requests")


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """One filter of a search."""
    given = {} if value is None else {"value": value}
    return {"propertyName": name, "operator": operator, **given, **more}


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and category of an error."""
    assert answer.json()["status"] == "error" and answer.json()["correlationId"]
    return answer.status_code, answer.json()["category"]


def recorded(name: str) -> list[str]:
    """The bodies of a recorded exchange, in their order: requests and answers."""
    text = (RECORDED / "vcr_cassettes" / name).read_text("utf-8")
    folded = re.findall(r"^      string: '((?:[^']|'')*)'", text, re.MULTILINE)
    return [re.sub(r"\n\s*", " ", body).replace("''", "'") for body in folded]
