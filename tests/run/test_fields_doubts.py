"""A workbook with mistakes of each kind on sheet Fields: all are said by cell, and the rest is carried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_org import build, company
from two_systems import NEW, TwoSystems

HEADER = ["Marketing Field", "Lead Field", "Contact Field", "Account Field", "Direction"]
RIGHT = [
    ["firstname", "FirstName", "FirstName", None, "two-way"],
    ["lastname", "LastName", "LastName", None, "two-way"],
    ["email", "Email", "Email", None, "two-way"],
    ["company", "Company", None, "Name", "push"],
    ["phone", "Phone", "Phone", None, "two-way"],
]
WRONG = {
    "T509 A7": ["jobtitel", "Title", "Title", None, "push"],
    "T508 B8": ["city", "IsConverted__c", "MailingCity", None, "push"],
    "T508 C9": ["state", "State", "MailingProvince", None, "push"],
    "T510 A10": ["createdate", "Description", None, None, "pull"],
    "T513 A11": ["crm_status", "City", None, None, "pull"],
    "T511 B12": ["closedate", "NumberOfEmployees", None, None, "push"],
}


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    made.book.write_bytes(build({**company(), "Fields": [HEADER, *RIGHT, *WRONG.values()]}))
    yield made
    made.close()


def test_each_mistake_is_named_by_its_cell_by_the_check_by_doctor_and_by_the_run(systems: TwoSystems) -> None:
    code, found = systems("tables", "check")
    assert code == 0 and {p["severity"] for p in found["problems"]} == {"warning"}
    assert [f"{p['code']} {p['cell']}" for p in found["problems"]] == list(WRONG)
    assert "type IsConverted" not in str(found)
    assert all(p["message"][0].isupper() and "Createdate" not in p["message"] for p in found["problems"])
    [mapping] = [c for c in systems("doctor")[1]["checks"] if c["id"] == "field_mapping"]
    assert mapping["message"].startswith("6 of sheet Fields left out or in doubt: T509 Fields!A7 There is no")
    assert mapping["message"].endswith("; also B8, C9, A10, A11, B12") and mapping["status"] == "warning"
    notes = systems.run()["notes"]
    assert [note.partition(":")[0] for note in notes[:5]] == [
        "Fields!A7", "Fields!B8", "Fields!C9", "Fields!A10", "Fields!A11",
    ]  # fmt: skip
    assert notes[5:] == ["1 more of sheet Fields: allocator tables check"]


def test_a_field_that_one_side_lacks_stops_no_other(systems: TwoSystems) -> None:
    record = systems.hubspot("add", properties={**NEW, "city": "Bonn", "state": "NW"})["id"]
    systems.next_run()
    lead = systems.only("Lead")
    assert (lead["Phone"], lead["State"], lead.get("Title")) == (NEW["phone"], "NW", None)
    systems.hubspot("edit", id=record, properties={"phone": "+49 7", "city": "Kiel", "jobtitle": "Boss"})
    systems.next_run()
    assert systems.written[-1] == [(("Lead", lead["Id"]), {"Phone": "+49 7"})]
    systems.control("POST", "convert", {"record": lead["Id"], "no_opportunity": True, "by": lead["OwnerId"]})
    systems.next_run()
    assert systems.only("Contact")["MailingCity"] == "Kiel"
    systems.next_run()
    assert systems.written[-1] == []
