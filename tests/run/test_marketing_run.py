"""Whole runs through the sandboxes and the command line, with a drop folder and with HubSpot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_org import SmallOrg

from allocator.entrypoints import cli

HEADER = "First Name,Last Name,Company,Email,Country\n"
CONTACT = {
    "firstname": "Kim", "lastname": "Novak", "email": "kim.novak@contoso.example", "company": "Contoso",
    "country": "DE", "lifecyclestage": "lead",
}  # fmt: skip


class Marketed(SmallOrg):
    """An org with a drop folder and, where asked for, a HubSpot account."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, hubspot: bool = False) -> None:
        super().__init__(folder, monkeypatch, leads=[])
        self.drop = self.config.parent / "drop"
        self.drop.mkdir()
        section = f'\n[drop]\nfolder = "{self.drop}"\n'
        if hubspot:
            account = self.info["hubspot"]
            (self.config.parent / "hubspot.token").write_text(account["token"])
            section += f'\n[hubspot]\nurl = "{account["url"]}"\ntoken_file = "hubspot.token"\n'
        self.config.write_text(self.config.read_text() + section)

    def file(self, name: str, *lines: str) -> None:
        """A file that was finished a while ago."""
        place = self.drop / name
        place.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.utime(place, (1_700_000_000, 1_700_000_000))

    def hour(self, code: int = 0, *words: str) -> dict[str, Any]:
        found, made = self("run", *words)
        assert found == code, made
        self.later(hours=1)
        return made

    def new_contact(self) -> str:
        """Long enough ago for HubSpot's search to show it."""
        made = self.control("POST", "hubspot/add", {"properties": CONTACT})
        self.later(minutes=10)
        return str(made["id"])

    def contact(self, record: str) -> dict[str, Any]:
        (found,) = [row for row in self.control("GET", "hubspot/contacts") if row["id"] == record]
        return dict(found["properties"])

    def made(self) -> dict[str, dict[str, Any]]:
        """Leads by e-mail; two with one e-mail fail."""
        found = {row["Email"]: row for row in self.records("Lead")}
        assert len(found) == len(self.records("Lead"))
        return found


Make = Callable[..., Marketed]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    orgs: list[Marketed] = []

    def new(**more: Any) -> Marketed:
        orgs.append(Marketed(tmp_path, monkeypatch, **more))
        return orgs[-1]

    yield new
    for org in orgs:
        org.close()


def test_the_rows_of_a_file_are_leads_with_a_salesperson_in_one_run_and_the_file_is_put_away(
    make: Make,
) -> None:
    org = make()
    org.file(
        "fair.csv", "Ada,Lovelace,Analytical,ada@analytical.example,DE", "Bea,Bell,Bell,bea@bell.example,DE"
    )
    shown = org.hour(0, "--dry-run")
    assert shown["leads"]["assigned"] == 2
    assert shown["sync"]["drop"]["created"] == 2
    assert org.records("Lead") == []
    assert [one.name for one in org.drop.iterdir()] == ["fair.csv"]

    made = org.hour()
    assert made["leads"] | {"assigned": 2, "pulled": 2, "held": 0} == made["leads"]
    owners = {row["OwnerId"] for row in org.made().values()}
    assert len(owners) == 2
    assert owners <= {row["Id"] for row in org.records("User")}
    assert {row["Company"] for row in org.made().values()} == {"Analytical", "Bell"}
    assert not (org.drop / "fair.csv").exists()
    assert len(list((org.drop / "done").iterdir())) == 1

    org.file(
        "again.csv", "Ada,Lovelace,Analytical,ada@analytical.example,DE", "Bea,Bell,Bell,bea@bell.example,DE"
    )
    again = org.hour()
    assert again["leads"]["assigned"] == again["leads"]["held"] == 0
    assert len(org.made()) == 2


def test_a_row_that_lacks_something_is_held_and_one_that_is_known_is_linked(make: Make) -> None:
    org = make()
    org.file("one.csv", "Ada,Lovelace,Analytical,ada@analytical.example,DE")
    org.hour()
    (lead,) = org.records("Lead")
    org.put("Lead", {"Id": lead["Id"], "Marketing_Id__c": None})
    org.file("two.csv", "Cia,,Cern,cia@cern.example,DE")
    made = org.hour(4)
    assert made["held_reasons"] == {"incomplete": 1}
    held = org("leads", "held")[1]
    assert "LastName" in str(held)
    before = org.hour(0)
    assert before["leads"]["held_total"] == 1
    assert len(org.made()) == 1


def test_rows_and_files_that_are_not_taken_are_named_with_their_file_and_are_exit_code_4_once(
    make: Make,
) -> None:
    org = make()
    broken = "Cia,Curie,Cern,cia@cern.example,DE,one,cell,too,many"
    org.file("leads.csv", "Ada,Lovelace,Analytical,ada@analytical.example,DE", broken, broken)
    (org.drop / "photo.xlsx").write_bytes(b"no workbook")
    os.utime(org.drop / "photo.xlsx", (1_700_000_000, 1_700_000_000))

    shown = org.hour(4, "--dry-run")
    assert "2 rows of leads.csv were not taken: row 3, 4" in shown["notes"]
    assert shown["sync"]["drop"]["rejected"] == 3

    made = org.hour(4)
    assert made["sync"]["drop"] | {"created": 1, "rejected": 3} == made["sync"]["drop"]
    named = [note for note in made["notes"] if "not taken" in note]
    assert named == [
        "2 rows of leads.csv were not taken: see leads.csv.rejected.csv",
        "photo.xlsx was not taken: see photo.xlsx.rejected.csv",
    ]
    assert all((org.drop / note.rsplit(" ", 1)[1]).exists() for note in named)
    quiet = org.hour(0)
    assert quiet["sync"]["drop"]["rejected"] == 0
    assert not any("not taken" in note for note in quiet["notes"])


def test_a_new_hubspot_contact_has_its_crm_lead_and_its_salesperson_in_one_run(make: Make) -> None:
    org = make(hubspot=True)
    record = org.new_contact()
    shown = org.hour(0, "--dry-run")
    assert shown["leads"]["assigned"] == 1
    assert shown["sync"]["hubspot"]["to_marketing"] == 1
    assert org.records("Lead") == []
    assert not org.contact(record).get("crm_lead_id")

    made = org.hour()
    (lead,) = org.records("Lead")
    names = {row["Id"]: row["Name"] for row in org.records("User")}
    assert lead["Marketing_Id__c"] == f"hubspot:{record}"
    assert org.contact(record)["crm_lead_id"] == lead["Id"]
    assert org.contact(record)["crm_owner"] == names[lead["OwnerId"]]
    assert made["leads"]["assigned"] == 1
    assert made["sync"]["hubspot"]["created"] == made["sync"]["hubspot"]["to_marketing"] == 1
    assert made["sources"]["hubspot"]["requests"] == sum(made["sources"]["hubspot"]["by_kind"].values()) > 0

    code, told = org("explain", f"hubspot:{record}")
    assert code == 0
    assert lead["Id"] in str(told)

    quiet = org.hour()
    assert (quiet["sync"]["hubspot"]["to_crm"], quiet["sync"]["hubspot"]["to_marketing"]) == (0, 0)


def test_hubspot_down_costs_no_lead_of_the_crm_or_of_a_file_and_on_call_hears_of_it(make: Make) -> None:
    org = make(hubspot=True)
    record = org.new_contact()
    org.file("fair.csv", "Ada,Lovelace,Analytical,ada@analytical.example,DE")
    (org.config.parent / "hubspot.token").write_text("wrong")
    made = org.hour(5)
    assert made["leads"]["assigned"] == 1
    assert "token" in made["sources"]["hubspot"]["trouble"]
    assert set(org.made()) == {"ada@analytical.example"}
    kinds = [(one["kind"], one["key"]) for one in org("alerts", "list")[1]["incidents"]]
    assert kinds == [("source_unreachable", "hubspot")]

    (org.config.parent / "hubspot.token").write_text(org.info["hubspot"]["token"])
    org.hour()
    assert org.made()[CONTACT["email"]]["Marketing_Id__c"] == f"hubspot:{record}"
    assert org("alerts", "list")[1]["incidents"] == []


def test_a_lead_that_was_made_cannot_be_rejected_or_undone_and_the_message_says_what_to_do(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    org = make()
    org.file("fair.csv", "Ada,Lovelace,Analytical,ada@analytical.example,DE")
    made = org.hour()
    (lead,) = org.records("Lead")
    undone = org("runs", "undo", str(made["run"]), "--yes")[1]
    (left,) = undone["left"]
    assert f"it is Lead {lead['Id']} of the CRM now" in left["why"]
    words = ["leads", "reject", lead["Marketing_Id__c"], "--reason", "no", "--config", str(org.config)]
    assert cli._run(words) != 0
    said = capsys.readouterr().err
    assert lead["Id"] in said
    assert "intake queue" in said
    assert org.records("Lead")[0]["OwnerId"] == lead["OwnerId"]
