"""Leads that are converted, deleted, merged and brought back around the writes of the sync."""

from __future__ import annotations

import pytest
from faulty_org import afterwards, meanwhile
from synced_org import READ_LEADS, UPDATE, WRITE_CONTACT, WRITE_LEAD, Person, SyncedOrg

LATE = (0, 4, 5)


@pytest.fixture(params=[False, True], ids=["strict", "permissive"])
def org(both: SyncedOrg, request: pytest.FixtureRequest) -> SyncedOrg:
    """An org that refuses writes to converted Leads, and one that lets them land there."""
    return permissive(both, really=request.param)


def permissive(org: SyncedOrg, *, really: bool = True) -> SyncedOrg:
    org.control("PUT", "settings", {"permissive_converted": really})
    return org


def landed(person: Person, contact: str, before: int) -> None:
    """The edit is on the Contact, and nothing of it stayed on the dead Lead alone."""
    org = person.org
    assert person.row(contact)["Phone"] == "200"
    assert person.states() == {person.lead: "converted", contact: "live"}
    assert person.plan() == ("contact", "")
    assert person.ours["crm_contact_id"] == contact
    assert [id for kind, id, values in org.writes(before) if kind == "Contact" and values.get("Phone")] == [
        contact
    ]


# --- between read and write -------------------------------------------------------------------------------


@pytest.mark.parametrize("into", ["new", "existing"])
def test_a_conversion_between_read_and_write_sends_the_edit_to_the_contact(org: SyncedOrg, into: str) -> None:
    (person,) = org.linked(1)
    more = {}
    if into == "existing":
        account, contact = known_person(org, person)
        more = {"account": account, "contact": contact}
    person.edit_ours(phone="200")
    org.twist(WRITE_LEAD, meanwhile(lambda: person.convert(**more)))
    before = org.asked()
    made = org.next_run()
    org.rests()
    landed(person, person.contact, before)
    assert person.row(person.lead)["Phone"] == "100"
    assert made["sync"]["hubspot"]["switched"] == 1
    assert "100" not in (person.ours["phone"], person.row(person.contact)["Phone"])
    if into == "existing":
        assert person.contact == more["contact"]
        assert person.row(more["contact"])["Title"] == person.ours["jobtitle"]


def known_person(org: SyncedOrg, person: Person) -> tuple[str, str]:
    """An Account with a Contact of the same person, typed in by sales."""
    account = org.typed("Account", Name=f"{person.ours['lastname']} Ltd")
    contact = org.typed("Contact", LastName=person.ours["lastname"], AccountId=account, Title="Head of Sales")
    return account, contact


def test_a_write_that_a_permissive_org_swallowed_is_found_and_sent_to_the_contact(both: SyncedOrg) -> None:
    """The conversion shares the second of the Lead's last change, so no condition can see it."""
    permissive(both)
    (person,) = both.linked(1)
    old = person.row(person.lead)["LastModifiedDate"]

    def convert() -> None:
        person.convert()
        both.put("Lead", {"Id": person.lead, "LastModifiedDate": old})

    person.edit_ours(phone="200")
    both.twist(WRITE_LEAD, meanwhile(convert))
    before = both.asked()
    both.next_run()
    both.rests()
    assert person.row(person.lead)["Phone"] == "200", "the org did let it land there"
    landed(person, person.contact, before)
    assert "converted meanwhile" in str(person.explain()["timeline"])


def test_a_conversion_after_the_write_and_before_its_read_back_loses_nothing(both: SyncedOrg) -> None:
    org = permissive(both)
    (person,) = org.linked(1)
    person.edit_ours(phone="200")
    org.twist(WRITE_LEAD, afterwards(person.convert))
    org.next_run()
    org.rests()
    assert person.row(person.contact)["Phone"] == "200"
    assert person.plan() == ("contact", "")


def test_a_lost_answer_to_a_write_and_a_conversion_at_once_lose_nothing(org: SyncedOrg) -> None:
    """Salesforce heard the write before or after the conversion; we only know that no answer came."""
    people = org.linked(2)
    for person in people:
        person.edit_ours(phone="200")
    org.fault("reset", "after_commit", {"path": "composite$", "method": "POST"})
    org.twist(WRITE_LEAD, meanwhile(people[0].convert))
    org.next_run(LATE)
    people[1].convert()
    org.next_run(LATE)
    org.rests()
    for person in people:
        assert person.row(person.contact)["Phone"] == "200"
        assert person.ours["phone"] == "200"


def test_edits_of_both_sides_around_a_conversion_come_together_on_the_contact(both: SyncedOrg) -> None:
    permissive(both, really=False)
    (person,) = both.linked(1)
    person.edit(person.lead, Title="Chief")
    contact = person.convert()
    person.edit(contact, Phone="300")
    person.edit_ours(firstname="Kimberly", city="Rome")
    both.next_run()
    both.rests()
    row, ours = person.row(contact), person.ours
    assert (row["FirstName"], row["MailingCity"], row["Phone"], row["Title"]) == (
        "Kimberly",
        "Rome",
        "300",
        "Chief",
    )
    assert (ours["phone"], ours["jobtitle"]) == ("300", "Chief")
    assert person.row(person.lead)["FirstName"] == "Kim"


# --- deleted and back -------------------------------------------------------------------------------------


def test_a_contact_that_is_deleted_is_held_and_back_when_it_is_undeleted(both: SyncedOrg) -> None:
    org = permissive(both)
    (person,) = org.linked(1)
    contact = person.convert()
    org.next_run()
    org.act("delete", contact)
    person.edit_ours(phone="200")
    before = org.asked()
    made = org.next_run()
    assert made["sync"]["hubspot"]["held"] >= 1
    person.edit_ours(city="Rome")
    org.rests()
    assert person.plan() == ("held", "contact_missing")
    assert [one for one in org.writes(before) if one[1] in (contact, person.lead)] == []
    assert person.told("plan held")
    org.act("undelete", contact)
    org.next_run()
    org.rests()
    assert person.plan() == ("contact", "")
    assert (person.row(contact)["Phone"], person.row(contact)["MailingCity"]) == ("200", "Rome")
    assert person.row(person.lead)["Phone"] == "100"


def test_a_contact_deleted_between_read_and_write_leaves_the_dead_lead_alone(both: SyncedOrg) -> None:
    org = permissive(both)
    (person,) = org.linked(1)
    contact = person.convert()
    org.next_run()
    person.edit_ours(phone="200")
    org.twist(WRITE_CONTACT, meanwhile(lambda: org.act("delete", contact)))
    org.next_run()
    org.rests()
    assert person.plan() == ("held", "contact_missing")
    assert person.row(person.lead)["Phone"] == "100"
    org.act("undelete", contact)
    org.next_run()
    org.rests()
    assert person.row(contact)["Phone"] == "200"


def test_a_lead_that_is_deleted_is_held_not_made_again_and_back_when_it_is_undeleted(both: SyncedOrg) -> None:
    """Before the run, and between its read and its write."""
    people = earlier, meant = both.linked(2)
    leads = len(both.records("Lead"))
    for person in people:
        person.edit_ours(phone="200")
    both.act("delete", earlier.lead)
    both.twist(WRITE_LEAD, meanwhile(lambda: both.act("delete", meant.lead)))
    both.next_run()
    both.rests()
    assert [person.plan() for person in people] == [("held", "deleted")] * 2
    assert len(both.records("Lead")) == leads
    for person in people:
        person.edit_ours(jobtitle="Chief")
        both.act("undelete", person.lead)
        person.edit(person.lead, FirstName="Kimberly")
    both.next_run()
    both.rests()
    for person in people:
        assert person.plan() == ("lead", "")
        row = person.row(person.lead)
        assert (row["Phone"], row["Title"], person.ours["firstname"]) == ("200", "Chief", "Kimberly")


# --- merged -----------------------------------------------------------------------------------------------


def own_lead(org: SyncedOrg, **fields: str) -> str:
    """A Lead that sales typed in; no marketing record belongs to it."""
    return org.typed("Lead", LastName="Typed", Company="Typed Ltd", OwnerId=org.user("Vera Voss"), **fields)


def test_the_winner_of_a_merge_that_nobody_has_takes_over_whenever_it_happens(both: SyncedOrg) -> None:
    """Before the run, while it reads the Leads, and between its read and its write."""
    people = both.linked(3)
    leads = [person.lead for person in people]
    winners = [own_lead(both) for _ in people]
    acts = [
        lambda w=w, lead=lead: both.act("merge", w, others=[lead])
        for w, lead in zip(winners, leads, strict=True)
    ]
    for person in people:
        person.edit_ours(phone="200")
    acts[0]()
    both.twist(READ_LEADS, afterwards(acts[1]))
    both.twist(WRITE_LEAD, meanwhile(acts[2]))
    both.next_run()
    both.rests()
    for person, lead, winner in zip(people, leads, winners, strict=True):
        assert person.states() == {lead: "merged", winner: "live"}
        row = person.row(winner)
        assert (row["Phone"], row["Marketing_Id__c"]) == ("200", person.key)
        assert person.ours["crm_lead_id"] == winner
        assert person.row(lead)["Phone"] == "100"


def test_the_winner_of_a_merge_that_belongs_to_another_record_keeps_it(both: SyncedOrg) -> None:
    winner, loser = both.linked(2)
    dead = loser.lead
    both.act("merge", winner.lead, others=[dead])
    loser.edit_ours(phone="200")
    winner.edit_ours(phone="300")
    both.next_run()
    both.rests()
    assert loser.plan() == ("held", "merged")
    assert winner.plan() == ("lead", "")
    assert winner.row(winner.lead)["Phone"] == "300"
    alive = winner.lead
    both.hubspot("merge", id=loser.record, others=[winner.record])
    both.later(hours=24)
    both.next_run()
    both.rests()
    assert loser.states() == {dead: "merged", alive: "live"}
    assert loser.plan() == ("lead", "")
    assert loser.row(alive)["Phone"] == loser.ours["phone"]
    assert loser.row(alive)["Marketing_Id__c"] == loser.key


def test_a_chain_of_merges_and_a_conversion_at_its_end_are_followed_in_one_run(both: SyncedOrg) -> None:
    (person,) = both.linked(1)
    lead, second, third = person.lead, own_lead(both), own_lead(both)
    both.act("merge", second, others=[lead])
    both.act("merge", third, others=[second])
    contact = both.act("convert", third, no_opportunity=True)["contact"]
    person.edit_ours(phone="200")
    both.next_run()
    both.rests()
    assert person.states() == {lead: "merged", second: "merged", third: "converted", contact: "live"}
    assert person.row(contact)["Phone"] == "200"
    assert person.ours["crm_contact_id"] == contact


def test_a_contact_that_loses_a_merge_hands_over_to_the_winner(both: SyncedOrg) -> None:
    person, other = both.linked(2)
    free = person.convert()
    taken = other.convert()
    both.next_run()
    _, winner = known_person(both, person)
    both.act("merge", winner, others=[free])
    person.edit_ours(phone="200")
    both.next_run()
    both.rests()
    assert person.states()[winner] == "live"
    assert person.row(winner)["Phone"] == "200"
    both.act("merge", taken, others=[winner])
    person.edit_ours(phone="400")
    both.next_run()
    both.rests()
    assert person.plan() == ("held", "merged")
    assert other.plan() == ("contact", "")
    assert other.row(taken)["Phone"] == "100"


# --- the marketing side -----------------------------------------------------------------------------------


def test_a_contact_of_hubspot_that_is_archived_between_read_and_write_stays_away(both: SyncedOrg) -> None:
    (person,) = both.linked(1)
    person.edit(person.lead, Phone="200")
    both.twist(UPDATE, meanwhile(lambda: both.hubspot("archive", id=person.record)))
    both.next_run(LATE)
    both.rests()
    assert person.plan() == ("held", "deleted")
    assert person.row(person.lead)["Phone"] == "200"
    both.hubspot("restore", id=person.record)
    both.next_run()
    both.rests()
    assert person.plan() == ("lead", "")
    assert person.ours["phone"] == "200"
