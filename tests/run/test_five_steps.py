"""A HubSpot contact becomes a Lead, is edited, converted and edited again: through both sandboxes and HTTP.

What is asserted is read from the systems' own records, histories and request logs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from two_systems import NEW, TwoSystems

from allocator.entrypoints import cli


class Story(TwoSystems):
    """The five steps, with what the systems showed after each."""

    def play(self) -> Story:
        self.record = str(self.hubspot("add", properties=NEW)["id"])
        self.next_run()
        self.new_lead, self.new_record = self.only("Lead"), self.contact_of(self.record)
        self.lead = self.new_lead["Id"]

        self.hubspot("edit", id=self.record, properties={"phone": "+49 30 2000"})
        self.next_run()
        self.edited_lead = self.only("Lead")

        by = self.new_lead["OwnerId"]
        self.done = self.control("POST", "convert", {"record": self.lead, "no_opportunity": True, "by": by})
        self.dead_lead = self.only("Lead")
        self.next_run()
        self.converted_record = self.contact_of(self.record)

        self.hubspot("edit", id=self.record, properties={"phone": "+49 30 3000"})
        self.next_run()
        self.contact = self.only("Contact")

        self.next_run()
        return self


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with pytest.MonkeyPatch.context() as patch:
        told = Story(tmp_path_factory.mktemp("five"), patch)
        yield told.play()
        told.close()


def test_a_new_contact_has_its_lead_and_its_salesperson_in_one_run_and_the_id_comes_back(
    story: Story,
) -> None:
    lead, record = story.new_lead, story.new_record
    owner = {row["Id"]: row["Name"] for row in story.records("User")}[lead["OwnerId"]]
    assert owner in ("Ana Alvarez", "Ben Bauer", "Chi Chen")
    assert (lead["LastName"], lead["Company"], lead["Email"], lead["Phone"], lead["Title"]) == (
        "Novak", "Contoso", NEW["email"], "+49 30 1000", "Buyer",
    )  # fmt: skip
    assert lead["Marketing_Id__c"] == f"hubspot:{story.record}"
    assert record["crm_lead_id"] == lead["Id"]
    assert (record["crm_converted"], record["crm_status"], record["crm_owner"]) == (
        "false", lead["Status"], owner,
    )  # fmt: skip
    assert story.runs[0]["leads"]["assigned"] == 1
    assert story.runs[0]["sync"]["hubspot"]["created"] == 1


def test_an_edit_reaches_the_lead_and_nothing_else_is_written(story: Story) -> None:
    assert story.edited_lead["Phone"] == "+49 30 2000"
    assert story.written[1] == [(("Lead", story.lead), {"Phone": "+49 30 2000"})]


def test_the_conversion_is_told_to_the_marketing_record(story: Story) -> None:
    record = story.converted_record
    assert record["crm_lead_id"] == story.lead
    assert record["crm_contact_id"] == story.done["contact"]
    assert record["crm_account_id"] == story.done["account"]
    assert record["crm_converted"] == "true"
    assert {place for place, _ in story.written[2]} == {("record", story.record)}


def test_the_next_edit_reaches_the_contact_and_not_the_lead(story: Story) -> None:
    assert story.contact["Phone"] == "+49 30 3000"
    assert story.written[3] == [(("Contact", story.contact["Id"]), {"Phone": "+49 30 3000"})]
    dead = story.only("Lead")
    assert (dead["Phone"], dead["SystemModstamp"]) == ("+49 30 2000", story.dead_lead["SystemModstamp"])


def test_after_the_conversion_the_lead_plan_is_silent_and_the_contact_plan_at_work(story: Story) -> None:
    objects = [[place[0] for place, _ in run if place[0] != "record"] for run in story.written]
    assert objects == [["Lead"], ["Lead"], [], ["Contact"], []]


def test_a_cycle_without_edits_writes_nothing_on_either_side(story: Story) -> None:
    assert story.written[4] == []
    cycle = story.runs[4]["sync"]["hubspot"]
    assert (cycle["to_crm"], cycle["to_marketing"], cycle["switched"]) == (0, 0, 0)


def test_there_is_one_lead_one_contact_and_one_record_in_the_end(story: Story) -> None:
    assert story.only("Lead")["IsConverted"] is True
    assert story.only("Contact")["Marketing_Id__c"] == f"hubspot:{story.record}"
    accounts = [row["Id"] for row in story.records("Account") if row["Name"] == "Contoso"]
    assert accounts == [story.done["account"]]
    assert len(story.control("GET", "hubspot/contacts")) == 1


def test_no_conflict_and_no_problem_came_of_it(story: Story) -> None:
    for run in story.runs:
        cycle = run["sync"]["hubspot"]
        assert (cycle["conflicts"], cycle["problems"], cycle["held"]) == (0, 0, 0)


def test_explain_follows_the_person_by_any_of_their_ids(story: Story) -> None:
    by_record = story.explain(f"hubspot:{story.record}")
    assert by_record["timeline"] == story.explain(story.lead)["timeline"]
    assert by_record["timeline"] == story.explain(story.contact["Id"])["timeline"]
    assert [(e["what"], e["object"]) for e in by_record["timeline"]] == [
        ("arrived", ""), ("pulled", ""), ("decided", ""), ("created", "Lead"), ("wrote", "record"),
        ("wrote", "Lead"), ("converted", "Lead"), ("switched", "Contact"), ("wrote", "record"),
        ("wrote", "Contact"),
    ]  # fmt: skip
    assert by_record["plan"]["plan"] == "contact"
    assert {(link["object"], link["state"]) for link in by_record["links"]} == {
        ("Lead", "converted"), ("Contact", "live"),
    }  # fmt: skip


def test_the_terminal_shows_the_timeline(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["explain", story.contact["Id"], "--config", str(story.config)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"switched CRM Contact {story.contact['Id']}: writes go to this Contact from now on" in told
    assert 'Phone: "+49 30 2000" -> "+49 30 3000", because it changed in hubspot' in told
    assert "plan: contact, since " in told
