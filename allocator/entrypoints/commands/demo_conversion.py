"""`allocator demo --story conversion`: one person, from a HubSpot contact to a Lead to a Contact.

Both systems are sandboxes on this machine, reached over HTTP like the real ones. What a step shows is read
from their records and their request log, not from what the allocator says of itself.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from allocator import bootstrap
from allocator.config import Settings, load_settings
from allocator.domain.lead import LeadKey
from allocator.entrypoints.commands.demo_hours import run_at
from allocator.entrypoints.commands.init import Answers, make
from allocator.sandbox.app import Sandbox
from allocator.service import why
from allocator.service.timeline import plan_object

MONDAY: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)
HALF_AN_HOUR: Final = timedelta(minutes=30)
PERSON: Final = {
    "firstname": "Kim",
    "lastname": "Novak",
    "email": "kim.novak@contoso.example",
    "company": "Contoso",
    "jobtitle": "Buyer",
    "phone": "+49 30 1000",
    "country": "Germany",
    "lifecyclestage": "lead",
}
ON_LEAD: Final = ("Name", "Company", "Phone", "Status", "IsConverted", "Owner", "Marketing_Id__c")
ON_CONTACT: Final = ("Name", "Phone", "Title", "Owner", "Marketing_Id__c")
ON_RECORD: Final = (
    "phone", "crm_lead_id", "crm_contact_id", "crm_account_id", "crm_converted", "crm_status", "crm_owner",
)  # fmt: skip
_ROW: Final = re.compile(
    r"/sobjects/(Lead|Contact|Account)(?:/(?P<id>[^/?]+)(?:/(?P<key>[^/?]+))?)?/?(?:\?|$)"
)
_BATCH: Final = re.compile(r"^/crm/.*/contacts/batch/(?:update|create|upsert)")


@dataclass(frozen=True, slots=True)
class Written:
    """One record that a request of the log changed."""

    system: str
    object: str
    id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as its system shows it."""

    system: str
    object: str
    id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did, and what the run after it wrote. `plan` is the record's after the run."""

    number: int
    title: str
    did: str
    at: datetime
    run: int
    ran: datetime
    plan: str
    written: tuple[Written, ...]
    shown: tuple[Shown, ...] = field(default_factory=tuple)


class ConversionStory:
    """Plays the five steps in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "no_leads.csv").write_text("Last Name,Company\n", encoding="utf-8")
        self.sandbox = Sandbox(state_dir=folder / "sandbox", leads=folder / "no_leads.csv")
        self._folder = folder
        self._at = MONDAY
        self.record = self.lead = self.contact = ""
        self.steps: list[Step] = []

    def play(self) -> ConversionStory:
        """All five steps, one after the other."""
        with self.sandbox:
            self._settings = _configured(self._folder, self.sandbox)
            self._tables = bootstrap.tables_of(self._settings)
            self._arrives()
            self._phones("+49 30 2000", "reaches the Lead")
            self._is_converted()
            self._phones("+49 30 3000", "reaches the Contact, and not the Lead")
            self._rests()
            self.explained = self._explain()
        return self

    def as_object(self) -> dict[str, Any]:
        """The whole story as JSON."""
        return {
            "story": "conversion",
            "record": f"hubspot:{self.record}",
            "lead": self.lead,
            "contact": self.contact,
            "steps": [_step_object(step) for step in self.steps],
            "log": [_log_line(step) for step in self.steps],
            "timeline": self.explained["timeline"],
        }

    # --- the steps

    def _arrives(self) -> None:
        at = self._later()
        self.record = str(self._control("POST", "hubspot/add", {"properties": PERSON})["id"])
        did = f"somebody fills in a form: HubSpot contact {self.record}, Kim Novak of Contoso"
        self._then("A new HubSpot contact becomes a Lead with a salesperson, and its id comes back", did, at)

    def _phones(self, phone: str, where: str) -> None:
        at = self._later()
        self._control("POST", "hubspot/edit", {"id": self.record, "properties": {"phone": phone}})
        self._then(f"An edit in HubSpot {where}", f"marketing changes the phone in HubSpot to {phone}", at)

    def _is_converted(self) -> None:
        at = self._later()
        owner = self._of_the_person("Lead")[0]["OwnerId"]
        done = self._control("POST", "convert", {"record": self.lead, "no_opportunity": True, "by": owner})
        self.contact = str(done["contact"])
        did = f"{self._users()[owner]} converts the Lead into Contact {self.contact}"
        self._then("A salesperson converts the Lead", did, at)

    def _rests(self) -> None:
        at = self._later()
        self._then("The lead plan is silent, the contact plan is at work", "nobody does anything", at)

    def _then(self, title: str, did: str, at: datetime) -> None:
        """The next run, what it wrote, and what the systems show then."""
        ran, seen = self._later(), len(self._requests())
        outcome = run_at(self._settings, ran, tables=self._tables)
        written = tuple(_writes(self._requests()[seen:]))
        plan = self._plan()
        number, run = len(self.steps) + 1, int(outcome.summary["run"])
        self.lead = self.lead or self._of_the_person("Lead")[0]["Id"]
        self.steps.append(Step(number, title, did, at, run, ran, plan, written, tuple(self._systems())))

    def _later(self) -> datetime:
        """Half an hour passes, here and in both systems."""
        self._at += HALF_AN_HOUR
        self._control("POST", "clock", {"now": self._at.isoformat()})
        return self._at

    # --- what the systems show

    def _systems(self) -> Iterator[Shown]:
        users = self._users()
        for name, fields in (("Lead", ON_LEAD), ("Contact", ON_CONTACT)):
            for row in self._of_the_person(name):
                known = {**row, "Owner": users.get(row["OwnerId"], row["OwnerId"])}
                yield Shown("Salesforce", name, row["Id"], _texts(known, fields))
        for row in self._control("GET", "hubspot/contacts"):
            yield Shown("HubSpot", "contact", str(row["id"]), _texts(row["properties"], ON_RECORD))

    def _users(self) -> dict[str, str]:
        return {row["Id"]: row["Name"] for row in self._get("User")}

    def _of_the_person(self, name: str) -> list[dict[str, Any]]:
        """Every record with the person's e-mail: a second one would show."""
        return [row for row in self._get(name) if row.get("Email") == PERSON["email"]]

    def _plan(self) -> str:
        store = bootstrap.store_of(self._settings)
        try:
            found = plan_object(store, LeadKey("hubspot", self.record))
            return str(found["plan"]) if found else ""
        finally:
            store.close()

    def _explain(self) -> dict[str, Any]:
        store = bootstrap.store_of(self._settings)
        try:
            tables = bootstrap.current_tables(self._settings, store)
            (row,) = store.leads([LeadKey("hubspot", self.record)])
            return why.explain_lead(store, row, tables)
        finally:
            store.close()

    def _get(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control("GET", f"records/{name}")
        return found

    def _requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control("GET", "requests")
        return found

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.sandbox.url}/_sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


def _configured(folder: Path, sandbox: Sandbox) -> Settings:
    info = sandbox.info()
    hubspot = info["hubspot"]
    file = make(
        Answers(
            folder=folder / "config", url=info["url"], client_id=info["client_id"],
            secret=info["client_secret"], queues=(next(iter(info["queues"])),), live=True,
            hubspot=hubspot["url"], token=hubspot["token"],
        )
    )  # fmt: skip
    return load_settings(file)


# --- the request log --------------------------------------------------------------------------------------


def _writes(entries: Sequence[Mapping[str, Any]]) -> Iterator[Written]:
    """Every record that these requests changed, in order: one line for each write that was answered well."""
    for entry in entries:
        for call in (entry, *entry["sub"]):
            if call["method"] in ("PATCH", "POST", "PUT") and (call["status"] or 500) < 300:
                yield from _written(call)


def _written(call: Mapping[str, Any]) -> Iterator[Written]:
    path, body = unquote(call.get("url") or call["path"]), call["body"]
    if _BATCH.match(path):
        for one in body["inputs"]:
            yield Written("HubSpot", "contact", str(one.get("id", "")), tuple(one["properties"]))
    elif found := _ROW.search(path):
        row = found["key"] or found["id"] or ""
        yield Written("Salesforce", found[1], row, tuple(body or ()))


# --- as JSON ----------------------------------------------------------------------------------------------


def _texts(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    return {name: _text(row[name]) for name in names if row.get(name) not in (None, "")}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _step_object(step: Step) -> dict[str, Any]:
    return {
        "number": step.number, "title": step.title, "did": step.did, "at": step.at.isoformat(),
        "run": step.run, "ran": step.ran.isoformat(), "plan": step.plan,
        "written": [
            {"system": w.system, "object": w.object, "id": w.id, "fields": list(w.fields)}
            for w in step.written
        ],
        "shown": [
            {"system": s.system, "object": s.object, "id": s.id, "values": dict(s.values)}
            for s in step.shown
        ],
    }  # fmt: skip


def _log_line(step: Step) -> dict[str, Any]:
    """How many records of each kind a run wrote."""
    count = {name: sum(w.object == name for w in step.written) for name in ("Lead", "Contact", "Account")}
    return {"run": step.run, "plan": step.plan, **count,
            "HubSpot": sum(w.system == "HubSpot" for w in step.written)}  # fmt: skip
