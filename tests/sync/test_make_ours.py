"""Members of campaigns get a record in the marketing system: once, linked, in step, and never echoed back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from arrivals_world import World, tables, user

from allocator.adapters.crm.predicting import PredictingCRM
from allocator.adapters.marketing.predicting import PredictingSource
from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.errors import SourceError
from allocator.service.run import Job

KEY = "Marketing_Id__c"


class Campaign(World):
    """Ana's own Leads and Contacts, of whom some are members of the campaign that is asked for."""

    campaigns = ("Newsletter",)

    def job(self, **parts: Any) -> Job:
        made = super().job(**parts)
        return replace(made, marketing=replace(made.marketing, campaigns=self.campaigns))

    def member(self, email: str | None = "grace@navy.example", *, name: str = "Newsletter") -> str:
        lead = self.crm.add_lead(
            owner=user("ana"), FirstName="Grace", LastName="Hopper", Company="Navy", Email=email, Phone="1"
        ).id
        self.crm.memberships[lead] = {name}
        return lead

    def contact(self, email: str = "grace@navy.example") -> str:
        account = self.crm.add_account(domain="navy.example", owner=user("ben"))
        contact = self.crm.add_contact(
            email=email, owner=user("ben"), account=account, FirstName="Grace", LastName="Hopper"
        )
        self.crm.memberships[contact] = {"Newsletter"}
        return contact

    def values(self, id: str) -> dict[str, str]:
        return {name: value for name, value in self.source.record(id).values.items() if value}

    def counts(self) -> dict[str, int]:
        """Of one more run."""
        self.last = self.run().summary
        return {name: n for name, n in self.last["sync"]["hubspot"].items() if n}

    def notes(self) -> str:
        return " ".join(self.last["notes"])


@pytest.fixture
def world() -> Campaign:
    return Campaign()


def test_a_lead_of_the_campaign_has_a_record_a_link_and_its_id_on_both_sides_after_one_run(
    world: Campaign,
) -> None:
    lead = world.member()
    assert world.counts() == {"made": 1, "looked_at": 1, "to_crm": 1}
    (made,) = world.source.ids
    assert world.values(made) == {
        "firstname": "Grace", "lastname": "Hopper", "email": "grace@navy.example", "phone": "1",
        "crm_lead_id": lead, "crm_converted": "false", "crm_owner": "Ana",
    }  # fmt: skip
    assert world.crm.leads[lead].fields[KEY] == f"hubspot:{made}"
    link = world.live_link(made)
    assert link is not None and (link.object, link.crm_id) == ("Lead", lead)


def test_it_is_never_echoed_back_and_the_next_runs_write_nothing(world: Campaign) -> None:
    lead = world.member()
    world.counts()
    written = len(world.crm.history)
    for _ in range(3):
        assert world.counts() == {}
    assert len(world.crm.history) == written
    assert list(world.crm.leads) == [lead]
    assert world.store.leads([LeadKey("hubspot", world.source.ids[0])]) == []


def test_an_edit_on_either_side_reaches_the_other(world: Campaign) -> None:
    lead = world.member()
    world.counts()
    (made,) = world.source.ids
    world.source.edit(made, phone="2")
    assert world.counts() == {"looked_at": 1, "to_crm": 1}
    assert world.crm.leads[lead].fields["Phone"] == "2"
    world.at += timedelta(minutes=30)
    world.crm.edit(lead, FirstName="Amazing Grace")
    assert world.counts() == {"looked_at": 1, "to_marketing": 1}
    assert world.values(made)["firstname"] == "Amazing Grace"


def test_a_contact_of_the_campaign_has_a_record_with_its_contact_and_account(world: Campaign) -> None:
    contact = world.contact()
    assert world.counts()["made"] == 1
    (made,) = world.source.ids
    told = world.told(made)
    assert (told["contact_id"], told["account_id"], told["converted"], told["lead_id"]) == (
        contact, world.crm.contacts[contact].account_id, "true", "",
    )  # fmt: skip
    assert world.crm.contacts[contact].fields[KEY] == f"hubspot:{made}"
    assert world.counts() == {}


def test_without_the_setting_nobody_is_made_and_the_crm_is_not_asked(world: Campaign) -> None:
    world.member()
    world.campaigns = ()
    assert world.counts() == {}
    assert "members" not in world.crm.usage.by_kind
    assert not world.source.ids


def test_members_of_other_campaigns_are_left_alone(world: Campaign) -> None:
    world.member(name="Another")
    assert world.counts() == {}


def test_who_has_no_e_mail_is_not_made_and_named(world: Campaign) -> None:
    lead = world.member(email=None)
    assert world.counts() == {}
    assert f"no record for Lead {lead}: there is no e-mail address" in world.notes()


def test_members_with_the_same_e_mail_are_not_guessed_at(world: Campaign) -> None:
    lead, contact = world.member(), world.contact("Grace@Navy.example")
    assert world.counts() == {}
    assert "have the same e-mail" in world.notes()
    assert lead in world.notes() and contact in world.notes()


def test_a_record_with_the_e_mail_that_is_nobodys_is_linked(world: Campaign) -> None:
    there = world.source.add(intake=False, email="grace@navy.example", jobtitle="Admiral")
    lead = world.member()
    counts = world.counts()
    assert (counts["linked"], counts.get("made", 0)) == (1, 0)
    assert world.crm.leads[lead].fields[KEY] == f"hubspot:{there}"
    assert world.crm.leads[lead].fields["Title"] == "Admiral"
    assert world.source.ids == (there,)
    assert world.counts() == {}


def test_a_record_that_is_linked_to_somebody_else_is_left_to_them(world: Campaign) -> None:
    number = world.add("ada", email="grace@navy.example")
    world.counts()
    lead = world.member()
    world.counts()
    assert "is linked to somebody else" in world.notes()
    assert world.crm.leads[lead].fields.get(KEY) is None
    assert world.source.ids == (number,)


def test_a_record_that_names_another_lead_is_left_alone(world: Campaign) -> None:
    world.source.add(intake=False, email="grace@navy.example", crm_lead_id="00Q000000000999EAA")
    world.member()
    assert "linked" not in world.counts()
    assert "says that it is 00Q000000000999EAA" in world.notes()


def test_a_new_lead_with_the_e_mail_is_decided_first_and_linked_as_any_other(world: Campaign) -> None:
    lead = world.member()
    number = world.add("grace", email="grace@navy.example")
    counts = world.counts()
    assert (counts["linked"], counts.get("made", 0)) == (1, 0)
    assert world.crm.leads[lead].fields[KEY] == f"hubspot:{number}"
    assert world.counts() == {}


def test_where_e_mails_do_not_count_no_record_is_linked_by_one(world: Campaign) -> None:
    world = Campaign(tables(match_new_leads_by="id"))
    world.source.add(intake=False, email="grace@navy.example")
    world.member()
    assert "linked" not in world.counts()
    assert "no reason to link them" in world.notes()


def test_a_creation_whose_answer_was_lost_is_found_again_and_made_once(world: Campaign) -> None:
    lead = world.member()
    world.source.faults.lose("create")
    assert world.counts() == {}
    assert "the next run asks again" in world.notes()
    (made,) = world.source.ids
    assert world.counts()["linked"] == 1
    assert world.source.ids == (made,)
    assert world.crm.leads[lead].fields[KEY] == f"hubspot:{made}"
    assert list(world.crm.leads) == [lead]


def test_a_lost_answer_is_known_by_the_id_even_where_e_mails_do_not_count() -> None:
    world = Campaign(tables(match_new_leads_by="id"))
    world.member()
    world.source.faults.lose("create")
    world.counts()
    assert world.counts()["linked"] == 1


def test_a_run_that_ends_right_after_the_creation_is_carried_on_by_the_next(world: Campaign) -> None:
    lead = world.member()

    def die() -> None:
        raise KeyboardInterrupt

    world.source.faults.after("create", die)
    with pytest.raises(KeyboardInterrupt):
        world.run()
    assert world.counts()["linked"] == 1
    assert len(world.source.ids) == 1
    assert world.crm.leads[lead].fields[KEY] == f"hubspot:{world.source.ids[0]}"


def test_a_lead_converted_before_the_link_was_looked_at_leads_to_its_contact(world: Campaign) -> None:
    lead = world.member()
    world.source.faults.after("create", lambda: world.crm.convert(lead))
    world.counts()
    world.counts()
    (made,) = world.source.ids
    link = world.live_link(made)
    assert link is not None and link.object == "Contact"
    assert world.told(made)["contact_id"] == world.crm.leads[lead].contact_id
    assert world.counts() == {}


def test_a_contact_whose_lead_is_linked_gets_no_second_record_though_its_e_mail_is_new(
    world: Campaign,
) -> None:
    lead = world.member()
    world.counts()
    world.at += timedelta(minutes=30)
    contact = world.crm.convert(lead)
    world.crm.contacts[contact].fields |= {"Email": "hopper@navy.example", KEY: None}
    world.crm.memberships[contact] = {"Newsletter"}
    counts = world.counts()
    assert (counts["switched"], counts.get("made", 0)) == (1, 0)
    assert len(world.source.ids) == 1


def test_a_refused_value_is_said_and_the_others_are_made(world: Campaign) -> None:
    refused, made = world.member("bad@navy.example"), world.member("good@navy.example")
    world.source.faults.refusing["bad@navy.example"] = "INVALID_EMAIL"
    assert world.counts()["made"] == 1
    assert f"no record for Lead {refused}: refused (INVALID_EMAIL)" in world.notes()
    assert world.crm.leads[made].fields[KEY]


def test_a_hundred_at_a_time_are_made(world: Campaign) -> None:
    for n in range(120):
        world.member(f"p{n}@navy.example")
    world.run()
    assert world.source.usage.by_kind["create"] == 2
    assert len(world.source.ids) == 120
    assert world.counts() == {}


def test_a_system_that_is_down_stops_alone_and_nobody_is_lost(world: Campaign) -> None:
    world.member()
    world.source.faults.before("create", _down)
    outcome = world.run()
    assert (outcome.state, list(outcome.apart)) == ("done", ["hubspot"])
    assert world.counts()["made"] == 1


def _down() -> None:
    raise SourceError("HubSpot is down.")


def test_observe_mode_says_how_many_and_writes_nothing(world: Campaign) -> None:
    world.live = False
    world.member()
    assert world.counts() == {"made": 1}
    assert not world.source.ids and not world.crm.history
    world.live = True
    assert world.counts()["made"] == 1


def test_a_dry_run_says_how_many_and_writes_nothing(world: Campaign) -> None:
    world.member()
    parts = {"crm": PredictingCRM(world.crm), "sources": [PredictingSource(world.source)]}
    made = world.run(**parts).summary["sync"]["hubspot"]
    assert (made["made"], made["to_crm"]) == (1, 1)
    assert not world.source.ids and not world.crm.history


def test_a_linked_member_whose_external_id_was_emptied_is_not_made_again(world: Campaign) -> None:
    lead, there = world.member(), world.source.add(intake=False)
    lease = world.store.begin_run(slot="", by="test", at=world.at, live=True, seconds=60)
    link = Link(LeadKey("hubspot", there), "salesforce", "Lead", lead, "live", world.at)
    world.store.save_links(lease, [link])
    world.store.end_run(lease, at=world.at, state="done", summary={})
    assert "made" not in world.counts()
    assert world.source.ids == (there,)
