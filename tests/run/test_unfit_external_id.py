"""A field that cannot hold the marketing record's id stops the marketing systems, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from two_systems import NEW, TwoSystems


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def by(org: TwoSystems, field: str) -> None:
    text = org.config.read_text()
    old = next((line for line in text.splitlines() if line.startswith("external_id")), "")
    new = f'external_id = "{field}"'
    org.config.write_text(text.replace(old, new) if old else text.replace("intake =", f"{new}\nintake =", 1))


def own_lead(org: TwoSystems, name: str) -> None:
    org.put("Lead", {
        "Id": f"00Q{name:0>12}AAA", "LastName": name, "Company": name, "Email": f"{name}@{name}.example",
        "Country": "DE", "OwnerId": org.queue,
    })  # fmt: skip


def asked_by(requests: list[dict[str, Any]], field: str) -> list[str]:
    """Everything sent that finds or writes records by this field."""
    calls = [call for entry in requests for call in (entry, *entry["sub"])]
    said = [f"{call.get('url') or call['path']} {call.get('body') or ''}" for call in calls]
    return [one for one in said if field in one and "describe" not in one]


@pytest.mark.parametrize("field", ["Fax", "Email", "Description", "Nope__c"])
def test_an_unfit_field_stops_the_marketing_systems_alone_and_is_in_no_request(
    org: TwoSystems, field: str
) -> None:
    record = org.hubspot("add", properties=NEW)["id"]
    org.later(minutes=10)
    org.next_run()
    lead = org.only("Lead")["Id"]
    by(org, field)
    own_lead(org, "own")
    org.hubspot("edit", id=record, properties={"jobtitle": "Head of buying"})
    org.later(minutes=10)

    seen, before = len(org.requests()), org.only("Lead")
    code, made = org("run")
    assert code == 5
    assert made["leads"]["assigned"] == 1, "the CRM's own lead"
    said = made["sources"]["hubspot"]["trouble"]
    assert said.startswith(f"{field} of Lead" if field != "Nope__c" else "Lead and Contact without a field")
    assert "Set salesforce.external_id to" in said or "add to Lead and Contact a Text field Nope__c" in said
    assert "External ID and Unique" in said
    assert {row["LastName"]: row for row in org.records("Lead")}["own"]["OwnerId"] != org.queue
    assert org.only("Lead") == before
    assert org.only("Lead")["Id"] == lead
    if field in ("Fax", "Description", "Nope__c"):
        assert asked_by(org.requests()[seen:], field) == []
    kinds = [(one["kind"], one["key"]) for one in org("alerts", "list")[1]["incidents"]]
    assert ("source_unreachable", "hubspot") in kinds

    by(org, "Marketing_Id__c")
    org.later(hours=1)
    assert org("run")[0] == 0
    assert org.only("Lead")["Title"] == "Head of buying"


def test_repair_says_nothing_of_ids_where_the_field_cannot_hold_them(org: TwoSystems) -> None:
    org.hubspot("add", properties=NEW)
    org.later(minutes=10)
    org.next_run()
    by(org, "Fax")
    code, found = org("links", "repair")
    assert (code, found["problems"]) == (0, [])
