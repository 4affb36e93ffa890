"""An org and a HubSpot account beside it, people in both, and what the product wrote to either."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from small_org import SmallOrg
from sync_history import History, read_rows, violations

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.marketing.hubspot import HubspotSettings, HubspotSource

UPDATE = r"POST /crm/v3/objects/contacts/batch/update"
READ_OURS = r"POST /crm/v3/objects/contacts/batch/read"
SEARCH = r"POST /crm/v3/objects/contacts/search"
CREATE = r"PATCH \S*/sobjects/Lead/Marketing_Id__c/"
WRITE_LEAD = r"PATCH \S*/sobjects/Lead/00Q"
WRITE_CONTACT = r"PATCH \S*/sobjects/Contact/003"
WRITE_CRM = r"PATCH \S*/sobjects/"
READ_LEADS = r"GET \S*/queryAll/?\?q=SELECT [^?]* FROM Lead WHERE Id IN"
LOOK = r"composite .*FROM Lead WHERE Marketing_Id__c IN"
_RECORD = re.compile(r"/sobjects/(Lead|Contact|Account)/(?:Marketing_Id__c/)?([^/?]+)$")


class SyncedOrg(SmallOrg):
    """A small org with a HubSpot account; nothing of the product is replaced but its patience."""

    off = timedelta()

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch, leads=[])
        hubspot = self.info["hubspot"]
        (self.config.parent / "hubspot.token").write_text(hubspot["token"])
        self.add_config(f'[hubspot]\nurl = "{hubspot["url"]}"\ntoken_file = "hubspot.token"\n')
        self._spare: list[Person] = []
        self._names = 0
        self._lost: list[dict[str, Any]] = []
        """Contacts as they were before they lost a merge."""

    def add_config(self, section: str) -> None:
        self.config.write_text(f"{self.config.read_text()}\n{section}")

    def patience(self, seconds: float) -> None:
        """Waits of both adapters are noted, not slept."""
        super().patience(seconds)

        def quick(settings: HubspotSettings, *, sleep: object, **more: Any) -> HubspotSource:
            return HubspotSource(
                settings, sleep=self.waits.append, timeouts=Timeouts(5.0, seconds, seconds), **more
            )

        self.monkeypatch.setattr("allocator.adapters.marketing.hubspot.HubspotSource", quick)

    # people

    def hubspot(self, act: str, **body: Any) -> Any:
        if act == "merge":
            self._lost += [one for one in self.contacts() if one["id"] in body["others"]]
        return self.control("POST", f"hubspot/{act}", body)

    def act(self, what: str, record: str, **more: Any) -> Any:
        """A salesperson does it, by the rules of the org."""
        return self.control("POST", what, {"record": record, **more})

    def typed(self, kind: str, **fields: str) -> str:
        """A row that sales typed in; no marketing record belongs to it."""
        answer = self.control("PUT", f"records/{kind}", [fields])
        return str(answer[0]["Id"])

    def new(self, **more: str) -> Person:
        """A contact that a form made."""
        self._names += 1
        name = f"kim{self._names}"
        values = {
            "firstname": "Kim", "lastname": f"Novak {self._names}", "email": f"{name}@{name}.example",
            "company": f"Contoso {self._names}", "phone": "100", "jobtitle": "Buyer", "country": "DE",
            "city": "Bonn",
        }  # fmt: skip
        return Person(self, str(self.hubspot("add", properties={**values, **more})["id"]))

    def linked(self, number: int) -> list[Person]:
        """People with a Lead, both sides in step."""
        if len(self._spare) < number:
            self._spare += [self.new() for _ in range(max(number, 12))]
            self.next_run()
        found, self._spare = self._spare[:number], self._spare[number:]
        return found

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.info['url']}/_sandbox/{path}", json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def contacts(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "hubspot/contacts"))

    def purge(self, record: str) -> None:
        """The recycle bin is emptied: the org does not know the id any more."""
        kind = "Lead" if record.startswith("00Q") else "Contact"
        self.sandbox.org.records._table(kind).pop(record)

    # time

    def tick(self, seconds: int) -> None:
        """So much later, for everybody's clock."""
        self.at += timedelta(seconds=seconds)
        self.clock_off(self.off)

    def clock_off(self, off: timedelta) -> None:
        """The clocks of both systems are ahead of ours by this."""
        self.off = off
        self.monkeypatch.setenv("ALLOCATOR_NOW", self.at.isoformat())
        self.control("POST", "clock", {"now": (self.at + off).isoformat()})

    # runs

    def next_run(self, code: int | Collection[int] = 0) -> dict[str, Any]:
        """A run half an hour later; the exit code is this one, or one of these."""
        self.later(minutes=30)
        found, made = self("run")
        assert found in ([code] if isinstance(code, int) else code), (found, made)
        self.later(minutes=30)
        return made

    def asked(self) -> int:
        """How many requests there were; a log of many tests is long."""
        return len(self.sandbox.log._entries)

    def writes(self, since: int = 0) -> list[tuple[str, str, dict[str, Any]]]:
        """(object, id, fields) of everything that requests since then were to change."""
        return list(_writes(self.sandbox.log._entries[since:]))

    def rests(self) -> None:
        """One more run may finish things; then nothing is written, and every promise was kept."""
        self.straight()
        for last in (False, True):
            seen = self.asked()
            made = self.next_run((0, 4))
            if not self.writes(seen) or last:
                break
        assert self.writes(seen) == []
        for cycle in made["sync"].values():
            assert (cycle["to_crm"], cycle["to_marketing"]) == (0, 0)
        assert self.broken() == []

    def broken(self) -> list[str]:
        """What the checker has to say about all that happened."""
        return violations(self.history())

    def history(self) -> History:
        return History(
            self.control("GET", "history"), self.records("Lead"), self.records("Contact"),
            [*self.contacts(), *({**one, "archived": True} for one in self._lost)],
            read_rows(f"sqlite:///{self.database}"),
        )  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A person in both systems, by the id of the HubSpot contact."""

    org: SyncedOrg
    record: str

    @property
    def key(self) -> str:
        return f"hubspot:{self.record}"

    # the marketing side

    @property
    def ours(self) -> dict[str, Any]:
        return dict(self.org.sandbox.portal.contacts.rows[self.record].properties)

    def edit_ours(self, **values: str) -> None:
        self.org.hubspot("edit", id=self.record, properties=values)

    # the CRM

    @property
    def lead(self) -> str:
        """The Lead that was made or found for it: its first link."""
        return next(link["crm_id"] for link in self.links() if link["object"] == "Lead")

    @property
    def contact(self) -> str:
        return str(self.row(self.lead)["ConvertedContactId"])

    def row(self, id: str) -> dict[str, Any]:
        kind = "Lead" if id.startswith("00Q") else "Contact" if id.startswith("003") else "Account"
        return dict(self.org.sandbox.org.records.get(kind, id) or {})

    def edit(self, id: str, **values: Any) -> None:
        self.org.act("edit", id, fields=values)

    def convert(self, **more: Any) -> str:
        more.setdefault("no_opportunity", True)
        return str(self.org.act("convert", self.lead, **more)["contact"])

    # the store

    def links(self) -> list[dict[str, Any]]:
        rows = self._rows("links")
        return sorted(rows, key=lambda row: row["since"])

    def states(self) -> dict[str, str]:
        return {row["crm_id"]: row["state"] for row in self.links()}

    def plan(self) -> tuple[str, str]:
        (found,) = self._rows("syncs")
        return found["plan"], found["reason"]

    def lead_state(self) -> tuple[str, str | None]:
        (found,) = self._rows("leads")
        return found["state"], found["reason"]

    def _rows(self, table: str) -> list[Any]:
        rows = read_rows(f"sqlite:///{self.org.database}")[table]
        return [row for row in rows if row["source_id"] == self.record and row["source"] == "hubspot"]

    def explain(self) -> dict[str, Any]:
        return self.org.explain(self.key)

    def told(self, what: str) -> list[dict[str, Any]]:
        """The entries of one kind in the timeline of explain."""
        return [one for one in self.explain()["timeline"] if one["what"] == what]

    def problems(self) -> list[tuple[str, str]]:
        return [(one["field"], one["code"]) for one in self.explain()["plan"]["problems"]]


def _writes(entries: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for entry in entries:
        for call in (entry, *entry["sub"]):
            path = unquote(call.get("url") or call["path"]).partition("?")[0]
            if call["method"] in ("GET", "DELETE") or not call["body"]:
                continue
            if found := _RECORD.search(path):
                yield found[1], found[2], call["body"]
            elif call is entry and "/contacts/batch/" in path and not path.endswith("/read"):
                for one in call["body"]["inputs"]:
                    yield "record", str(one.get("id", "")), one["properties"]
