"""Members of a chosen campaign get a HubSpot contact, through both sandboxes, and it comes to rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from two_systems import TwoSystems

SECTION = '\n[sync]\ncreate_from_campaigns = ["Newsletter"]\n'


class Campaign(TwoSystems):
    """Grace is a Lead and Ada a Contact, both members; HubSpot knows Linus already, who is a Lead too."""

    def play(self) -> Campaign:
        self.config.write_text(self.config.read_text() + SECTION)
        owner = self.user("Vera Voss")
        self.grace, self.linus = (self._person("Lead", owner, name) for name in ("Grace", "Linus"))
        self.ada = self._person("Contact", owner, "Ada")
        self._person("Lead", owner, "Silent", Email=None)
        (campaign,) = self.control("PUT", "records/Campaign", [{"Name": "Newsletter"}])
        for one in self.records("Lead"):
            self._join(campaign["Id"], LeadId=one["Id"])
        self._join(campaign["Id"], ContactId=self.ada)
        person = {"firstname": "Linus", "email": "linus@x.example", "lifecyclestage": "customer"}
        self.there = str(self.hubspot("add", properties=person)["id"])
        lost = {"on": {"method": "POST", "path": "contacts/batch/create", "times": 1}}
        self.control("POST", "faults", {**lost, "when": "after_commit", "do": "drop"})
        for _ in range(4):
            self.next_run()
        return self

    def _person(self, kind: str, owner: str, first: str, **more: Any) -> str:
        row = {"FirstName": first, "LastName": "Doe", "Email": f"{first.lower()}@x.example", "OwnerId": owner}
        row |= {"Company": "Acme", "IsConverted": False} if kind == "Lead" else {}
        (made,) = self.control("PUT", f"records/{kind}", [{**row, **more}])
        return str(made["Id"])

    def _join(self, campaign: str, **person: str) -> None:
        self.put("CampaignMember", {"CampaignId": campaign, "Status": "Sent", **person})

    def contacts(self) -> dict[str, dict[str, Any]]:
        """By e-mail; a second one with the same e-mail fails."""
        rows = self.control("GET", "hubspot/contacts")
        found = {row["properties"]["email"]: {"id": row["id"], **row["properties"]} for row in rows}
        assert len(found) == len(rows)
        return found

    def row(self, kind: str, id: str) -> dict[str, Any]:
        (found,) = [one for one in self.records(kind) if one["Id"] == id]
        return dict(found)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with pytest.MonkeyPatch.context() as patch:
        told = Campaign(tmp_path_factory.mktemp("members"), patch)
        yield told.play()
        told.close()


def test_each_member_with_an_e_mail_has_one_contact_though_the_first_answer_was_lost(story: Campaign) -> None:
    contacts = story.contacts()
    assert set(contacts) == {"grace@x.example", "linus@x.example", "ada@x.example"}
    assert contacts["linus@x.example"]["id"] == story.there
    assert contacts["grace@x.example"]["firstname"] == "Grace"


def test_both_sides_name_each_other(story: Campaign) -> None:
    contacts = story.contacts()
    for email, kind, id, told in (
        ("grace@x.example", "Lead", story.grace, "crm_lead_id"),
        ("linus@x.example", "Lead", story.linus, "crm_lead_id"),
        ("ada@x.example", "Contact", story.ada, "crm_contact_id"),
    ):
        assert contacts[email][told] == id
        assert story.row(kind, id)["Marketing_Id__c"] == f"hubspot:{contacts[email]['id']}"


def test_nobody_is_echoed_back_as_a_new_lead(story: Campaign) -> None:
    assert len(story.records("Lead")) == 3
    assert all(run["sync"]["hubspot"]["created"] == 0 and run["teams"] == {} for run in story.runs)
    assert [run["leads"]["pulled"] for run in story.runs][2:] == [0, 0]


def test_the_runs_say_what_was_made_and_who_was_not(story: Campaign) -> None:
    counts = [run["sync"]["hubspot"] for run in story.runs]
    assert [one["made"] for one in counts] == [0, 0, 0, 0]
    assert [one["linked"] for one in counts] == [0, 3, 0, 0]
    assert "the next run asks again" in " ".join(story.runs[0]["notes"])
    assert all("there is no e-mail address" in " ".join(run["notes"]) for run in story.runs)


def test_it_comes_to_rest(story: Campaign) -> None:
    assert story.written[1] and not story.written[2] and not story.written[3]
    last = story.runs[3]["sync"]["hubspot"]
    assert (last["to_crm"], last["to_marketing"], last["conflicts"]) == (0, 0, 0)
