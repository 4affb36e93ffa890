"""A HubSpot account and an org, and a person whose record is in both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from small_org import SmallOrg

NEW = {
    "firstname": "Kim", "lastname": "Novak", "email": "kim.novak@contoso.example", "company": "Contoso",
    "jobtitle": "Buyer", "phone": "+49 30 1000", "country": "DE", "lifecyclestage": "lead",
}  # fmt: skip
CRM_ROW = re.compile(r"/sobjects/(Lead|Contact|Account)/(?:Marketing_Id__c/)?([^/?]+)$")
Place = tuple[str, str]


class TwoSystems(SmallOrg):
    """An org and a HubSpot account, and a person's record in both."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch, leads=[])
        hubspot = self.info["hubspot"]
        (self.config.parent / "hubspot_token").write_text(hubspot["token"])
        section = f'\n[hubspot]\nurl = "{hubspot["url"]}"\ntoken_file = "hubspot_token"\n'
        self.config.write_text(self.config.read_text() + section)
        self.runs: list[dict[str, Any]] = []
        self.written: list[list[tuple[Place, dict[str, Any]]]] = []

    def hubspot(self, act: str, **body: Any) -> Any:
        return self.control("POST", f"hubspot/{act}", body)

    def contact_of(self, record: str) -> dict[str, Any]:
        (found,) = [row for row in self.control("GET", "hubspot/contacts") if row["id"] == record]
        return dict(found["properties"])

    def only(self, name: str) -> dict[str, Any]:
        """The one record of the person: a second one is an error."""
        (found,) = [row for row in self.records(name) if row.get("Email") == NEW["email"]]
        return found

    def next_run(self) -> dict[str, Any]:
        """An hour later; what it wrote is kept as ((object, id), fields) from the request log."""
        self.later(minutes=30)
        seen = len(self.requests())
        self.runs.append(self.run())
        self.written.append(list(writes(self.requests()[seen:])))
        self.later(minutes=30)
        return self.runs[-1]


def writes(entries: list[dict[str, Any]]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Everything that requests changed, whatever the answer was."""
    for entry in entries:
        for call in (entry, *entry["sub"]):
            path = unquote(call.get("url") or call["path"])
            if call["method"] in ("GET", "DELETE") or not call["body"]:
                continue
            if "/contacts/batch/" in path and not path.endswith("/read"):
                for one in call["body"]["inputs"]:
                    yield ("record", one.get("id", "")), one["properties"]
            elif found := CRM_ROW.search(path):
                yield (found[1], found[2]), call["body"]
