"""Both sandboxes and an installation in one process, a record-by-record connector, and what their log says.

Clocks only move when they are told to.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import requests

from allocator.bootstrap import job
from allocator.config import load_settings
from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.slots import NO_SLOT
from allocator.entrypoints.commands.init import Answers, make
from allocator.sandbox.app import Sandbox
from allocator.service.run import run

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
QUEUE = "Inbound Leads"
API = "/services/data/v63.0"
CONTACTS = "/crm/v3/objects/contacts"
Entry = Mapping[str, Any]
Person = tuple[str, str, str]
"""Object, its id, id of the HubSpot contact."""


# --- what the request log says ----------------------------------------------------------------------------


def counted(log: Sequence[Entry]) -> Counter[str]:
    """Requests by what they are for. A read of the CRM that follows a write is its read-back."""
    found: Counter[str] = Counter()
    wrote = False
    for entry in log:
        what = _what(entry)
        wrote = (wrote or what == "CRM writes") and what != "reads"
        found["read-backs" if what == "CRM reads" and wrote else what] += 1
    return found


def _what(entry: Entry) -> str:
    path = unquote_plus(str(entry["path"]))
    if path.startswith("/crm/"):
        return _of_hubspot(path, entry)
    if entry["sub"]:
        parts = [(one["method"], unquote_plus(one["url"])) for one in entry["sub"]]
        if parts[0][0] == "PATCH":
            return "CRM writes"
        return "CRM reads" if " WHERE Id IN " in parts[0][1] else "matches"
    if "/queryAll" in path and " WHERE Id IN " in path:
        return "CRM reads"
    return "queries" if "Marketing_Id__c != null" in path else "others"


def _of_hubspot(path: str, entry: Entry) -> str:
    if path.endswith("/search"):
        return "searches"
    if path.endswith("/batch/read"):
        return "stamps" if "propertiesWithHistory" in entry["body"] else "reads"
    return "writes" if path.endswith(("/batch/update", "/batch/create")) else "others"


# --- both systems -----------------------------------------------------------------------------------------


class World:
    """Both sandboxes and an installation, whose clocks only move when they are told to."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._folder, self._sandbox, self._info = folder, sandbox, sandbox.info()
        self.at = NINE
        self.later(timedelta())
        info, hub = self._info, self._info["hubspot"]
        made = make(
            Answers(
                folder / "allocator", info["url"], info["client_id"], (QUEUE,), secret=info["client_secret"],
                live=True, hubspot=hub["url"], token=hub["token"],
            )
        )  # fmt: skip
        self._settings = load_settings(made)
        self.people: list[Person] = []

    # the systems' own people

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self._info['url']}/_sandbox/{path}", json=body, timeout=120)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def later(self, span: timedelta) -> None:
        self.at += span
        os.environ["ALLOCATOR_NOW"] = self.at.isoformat()
        self.control("POST", "clock", {"now": self.at.isoformat()})

    def add_linked(self, kinds: Sequence[str]) -> None:
        """A linked person for each of these objects, the same on both sides."""
        owner = next(row["Id"] for row in self.control("GET", "records/User") if row["IsActive"])
        for kind in sorted(set(kinds)):
            count = kinds.count(kind)
            first = len(self.people) + 1
            ids = self._put(kind, [_crm_row(kind, n, owner) for n in range(first, first + count)])
            self.control("PUT", "hubspot/contacts", [_contact(n) for n in range(first, first + count)])
            self.people += [(kind, id, str(1000 + n)) for n, id in enumerate(ids, first)]
        wired = job(self._settings)
        try:
            lease = wired.store.begin_run(slot=NO_SLOT, by="benchmark", at=self.at, live=True, seconds=60)
            links = [
                Link(LeadKey("hubspot", one), "salesforce", kind, id, "live", self.at)
                for kind, id, one in self.people
            ]
            wired.store.save_links(lease, links)
            wired.store.end_run(lease, at=self.at, state="done", summary={})
        finally:
            wired.store.close()

    def add_new(self, count: int) -> None:
        """New contacts in intake, each of whom needs a Lead."""
        self.control("PUT", "hubspot/contacts", [_new(n) for n in range(count)])

    def edit(self, people: Sequence[Person], side: str, text: str) -> None:
        """Another field on each side, unless the side is "one field"."""
        if side != "CRM":
            rows = [{"id": one, "properties": {**_known(one), "jobtitle": text}} for _, _, one in people]
            self.control("PUT", "hubspot/contacts", rows)
        field = {"Title": f"{text}!"} if side == "one field" else {"Phone": text}
        for kind in sorted({kind for kind, _, _ in people}) if side != "HubSpot" else ():
            self._put(kind, [{"Id": id, **field} for of, id, _ in people if of == kind])

    def _put(self, kind: str, rows: list[dict[str, Any]]) -> list[str]:
        return [row["Id"] for row in self.control("PUT", f"records/{kind}", rows)]

    # the two connectors

    def cycle(self) -> tuple[Counter[str], dict[str, int], dict[str, Any]]:
        """A run, late enough for HubSpot's search to show the edits: calls, counts of the sync, all of it."""
        self.later(timedelta(minutes=10))
        self.control("DELETE", "requests")
        wired = job(self._settings)
        try:
            made = run(wired, by="benchmark").summary
        finally:
            wired.store.close()
        log = self.control("GET", "requests")
        told = made["crm"]["requests"] + made["sources"]["hubspot"]["requests"]
        assert told == len(log), (told, len(log))
        self.later(timedelta(minutes=20))
        return counted(log), made["sync"]["hubspot"], made

    def naive(self, people: Sequence[Person], side: str, text: str) -> int:
        """Record by record: read it where it was changed, write it on the other side."""
        self.control("DELETE", "requests")
        connector = _Naive(self._info)
        for kind, id, one in people:
            if side in ("HubSpot", "both"):
                found = connector.call("GET", f"{CONTACTS}/{one}?properties=jobtitle")
                value = found["properties"]["jobtitle"]
                connector.call("PATCH", f"{API}/sobjects/{kind}/{id}", {"Title": value})
            if side in ("CRM", "both"):
                found = connector.call("GET", f"{API}/sobjects/{kind}/{id}")
                value = found.get("Phone") or text
                connector.call("PATCH", f"{CONTACTS}/{one}", {"properties": {"phone": value}})
        return sum(1 for entry in self.control("GET", "requests") if "oauth2" not in entry["path"])


class _Naive:
    """Requests in a loop over one kept connection."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info, self._session = info, requests.Session()
        form = {"grant_type": "client_credentials", "client_id": info["client_id"]}
        form["client_secret"] = info["client_secret"]
        answer = self._session.post(f"{info['url']}/services/oauth2/token", data=form, timeout=60)
        self._tokens = {True: info["hubspot"]["token"], False: answer.json()["access_token"]}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        ours = path.startswith("/crm/")
        base = self._info["hubspot"]["url"] if ours else self._info["url"]
        headers = {"Authorization": f"Bearer {self._tokens[ours]}"}
        answer = self._session.request(method, base + path, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def world(folder: Path) -> Iterator[World]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "none.csv").write_text("LastName,Company,Email\n")
    before = os.environ.get("ALLOCATOR_NOW")
    sandbox = Sandbox(state_dir=folder / "sandbox", leads=folder / "none.csv", api_limit=1_000_000).start()
    try:
        yield World(folder, sandbox)
    finally:
        sandbox.stop()
        os.environ.pop("ALLOCATOR_NOW", None)
        if before is not None:
            os.environ["ALLOCATOR_NOW"] = before


def _crm_row(kind: str, number: int, owner: str) -> dict[str, Any]:
    row = {"LastName": f"Person{number}", "Email": f"p{number}@x.example", "OwnerId": owner}
    if kind == "Lead":
        row |= {"Company": "Acme", "Status": "Open - Not Contacted", "IsConverted": False}
    return {**row, "Marketing_Id__c": f"hubspot:{1000 + number}"}


def _known(one: str) -> dict[str, str]:
    return {"email": f"p{int(one) - 1000}@x.example"}


def _contact(number: int) -> dict[str, Any]:
    one = str(1000 + number)
    values = {"lastname": f"Person{number}", "company": "Acme", "lifecyclestage": "customer"}
    return {"id": one, "properties": {**values, **_known(one)}}


def _new(number: int) -> dict[str, Any]:
    values = {
        "lastname": f"New{number}", "email": f"n{number}@firm{number // 5}.example", "country": "DE",
        "company": f"Firm {number // 5}", "lifecyclestage": "lead",
    }  # fmt: skip
    return {"properties": values}
