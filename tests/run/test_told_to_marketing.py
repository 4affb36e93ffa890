"""What the CRM says of a person goes back through the outbox; what cannot be carried over is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from small_org import build, company
from two_systems import NEW, TwoSystems

from allocator.bootstrap import store_of
from allocator.config import load_settings
from allocator.entrypoints import metrics

TOLD = ("crm_lead_id", "crm_contact_id", "crm_account_id", "crm_converted", "crm_status", "crm_owner")


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def outbox(systems: TwoSystems) -> list[tuple[str, set[str]]]:
    """State and fields of every write to HubSpot that the store holds, oldest first."""
    engine = sa.create_engine(f"sqlite:///{systems.config.parent / 'allocator.db'}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM sync_writes ORDER BY id")).mappings().all()
    found = [(row["state"], json.loads(row["writes"])) for row in rows if row["side"] == "ours"]
    return [(state, {name for _, name, *_ in some}) for state, some in found]


def test_ids_status_and_owner_are_told_as_they_change_and_each_goes_through_the_outbox(
    systems: TwoSystems,
) -> None:
    record = systems.hubspot("add", properties=NEW)["id"]
    systems.next_run()
    lead = systems.only("Lead")
    users = {row["Name"]: row["Id"] for row in systems.records("User")}
    other = next(n for n in ("Ana Alvarez", "Ben Bauer", "Chi Chen") if users[n] != lead["OwnerId"])
    systems.control("POST", "edit", {"record": lead["Id"], "fields": {"Status": "Working - Contacted"}})
    systems.control("POST", "take", {"record": lead["Id"], "by": users[other]})
    systems.next_run()
    shown = systems.contact_of(record)
    assert (shown["crm_status"], shown["crm_owner"]) == ("Working - Contacted", other)
    assert [place for place, _ in systems.written[1]] == [("record", record)]
    systems.control("POST", "convert", {"record": lead["Id"], "no_opportunity": True, "by": users[other]})
    systems.next_run()
    sent = [fields for run in systems.written for place, fields in run if place[0] == "record"]
    kept = outbox(systems)
    assert [state for state, _ in kept] == ["done"] * 3
    assert [fields for _, fields in kept] == [set(fields) for fields in sent]
    assert set().union(*sent) == set(TOLD)


def test_a_dry_run_counts_the_edits_of_both_sides_and_writes_none(systems: TwoSystems) -> None:
    record = systems.hubspot("add", properties=NEW)["id"]
    systems.next_run()
    lead = systems.only("Lead")["Id"]
    systems.hubspot("edit", id=record, properties={"phone": "+49 2"})
    systems.control("POST", "edit", {"record": lead, "fields": {"Title": "Chief"}})
    systems.later(minutes=30)
    code, shown = systems("run", "--dry-run")
    assert code == 0
    assert (shown["sync"]["hubspot"]["to_crm"], shown["sync"]["hubspot"]["to_marketing"]) == (1, 1)
    assert systems.only("Lead")["Phone"] == NEW["phone"]
    assert systems.contact_of(record)["jobtitle"] == NEW["jobtitle"]
    assert len(outbox(systems)) == 1


def test_a_value_that_does_not_convert_or_is_no_option_is_named_by_record_and_field(
    systems: TwoSystems,
) -> None:
    """The others are carried; the run counts them, and the metrics show what the run says."""
    header = ["Marketing Field", "Lead Field", "Contact Field", "Account Field", "Direction"]
    rows = [
        ["lastname", "LastName", "LastName", None, "two-way"],
        ["email", "Email", "Email", None, "two-way"],
        ["phone", "Phone", "Phone", None, "two-way"],
        ["company", "Company", None, "Name", "push"],
        ["jobtitle", "NumberOfEmployees", None, None, "push"],
        ["city", "LeadSource", None, None, "push"],
    ]
    systems.book.write_bytes(build({**company(), "Fields": [header, *rows]}))
    systems.control("PUT", "fields/Lead", [{"name": "LeadSource", "restricted": True}])
    record = systems.hubspot("add", properties={**NEW, "jobtitle": "twelve", "city": "Rumour"})["id"]
    made = systems.next_run()
    lead = systems.only("Lead")
    assert lead["Phone"] == NEW["phone"]
    assert lead.get("NumberOfEmployees") is lead.get("LeadSource") is None
    assert made["sync"]["hubspot"]["problems"] == 1, "records that have any"
    found = systems.explain(f"hubspot:{record}")
    named = {(one["field"], one["code"]) for one in found["plan"]["problems"]}
    assert (found["lead"], named) == (
        f"hubspot:{record}", {("jobtitle", "no_conversion"), ("city", "not_an_option")},
    )  # fmt: skip
    assert "hubspot: 1 record has fields that are not carried over: allocator links problems" in made["notes"]
    listed = systems("links", "problems")[1]["problems"]
    assert {(one["record"], one["field"], one["code"], one["value"]) for one in listed} == {
        (f"hubspot:{record}", "jobtitle", "no_conversion", "twelve"),
        (f"hubspot:{record}", "city", "not_an_option", "Rumour"),
    }
    assert all(one["fix"] for one in listed)
    store = store_of(load_settings(systems.config))
    shown = metrics.text(store, "0", now=datetime.now(UTC), beat_age=1.0).decode()
    store.close()
    for what, number in made["sync"]["hubspot"].items():
        assert f'allocator_last_run_sync{{source="hubspot",what="{what}"}} {float(number)}' in shown
    assert 'allocator_last_run_source_usable{source="hubspot"} 1.0' in shown
    asked = float(made["sources"]["hubspot"]["requests"])
    assert f'allocator_last_run_source_requests{{source="hubspot"}} {asked}' in shown
