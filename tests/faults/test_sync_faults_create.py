"""New Leads for marketing records while answers are lost, systems are down and people are quicker."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faulty_org import Change, afterwards, cut, instead
from synced_org import CREATE, LOOK, Person, SyncedOrg

from allocator.sandbox.server import Cut
from allocator.sandbox.wire import Request, Response

LATE = (0, 4, 5)


def torn(request: Request, work: Callable[[], Response]) -> Response:
    return replace(work(), truncate=True)


LOST: dict[str, Change] = {
    "closed": cut(after=True),
    "torn": torn,
    "500": lambda request, work: (
        work(),
        Response(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]),
    )[1],
}


def made_once(person: Person) -> None:
    """One Lead was made, it is linked, and its id came back."""
    org = person.org
    ids = [row["Id"] for row in org.records("Lead") if row["Marketing_Id__c"] == person.key]
    assert [person.lead] == ids
    assert person.states() == {person.lead: "live"}
    assert person.ours["crm_lead_id"] == person.lead


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_lost_reply_to_a_creation_makes_one_lead_and_one_owner(both: SyncedOrg, lost: Change) -> None:
    people = [both.new() for _ in range(3)]
    both.twist(CREATE, lost)
    seen = both.asked()
    both.next_run(LATE)
    both.rests()
    sent = [id for kind, id, values in both.writes(seen) if kind == "Lead" and "OwnerId" in values]
    assert sorted(sent) == sorted(person.key for person in people)
    for person in people:
        made_once(person)
        assert person.lead_state() == ("confirmed", None)
        assert len(person.told("decided")) == 1


def test_a_creation_whose_reply_never_comes_in_time_is_found_and_not_sent_again(both: SyncedOrg) -> None:
    person = both.new()
    both.patience(0.5)
    both.fault("hold", "after_commit", {"method": "POST", "path": "composite$", "nth": 2})
    seen = both.asked()
    both.next_run(LATE)
    both.patience(60.0)
    both.rests()
    assert [kind for kind, id, _ in both.writes(seen) if id == person.key] == ["Lead"]
    made_once(person)


def test_replies_lost_in_one_run_after_the_other_make_one_lead(both: SyncedOrg) -> None:
    """First the creation does not arrive, then it does and nobody hears, nor can anybody look."""
    person = both.new()
    both.twist(CREATE, cut())
    both.next_run(LATE)
    assert person.links() == []
    both.straight()
    both.twist(CREATE, cut(reset=True, after=True))
    both.twist(LOOK, instead(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}]), times=0, nth=2)
    both.next_run(LATE)
    both.straight()
    both.twist(LOOK, cut(), times=0)
    both.next_run(LATE)
    both.rests()
    made_once(person)
    assert person.lead_state() == ("confirmed", None)
    owners = {row["OwnerId"] for row in both.records("Lead") if row["Id"] == person.lead}
    assert len(person.told("decided")) == len(owners) == 1


def test_a_person_who_takes_the_lead_before_its_creation_is_heard_of_keeps_it(both: SyncedOrg) -> None:
    person = both.new()
    vera = both.user("Vera Voss")

    def taken(request: Request, work: Callable[[], Response]) -> Response:
        work()
        (lead,) = [row["Id"] for row in both.records("Lead") if row["Marketing_Id__c"] == person.key]
        both.act("take", lead, by=vera)
        raise Cut(reset=True)

    both.twist(CREATE, taken)
    seen = both.asked()
    both.next_run(LATE)
    both.rests()
    made_once(person)
    assert person.row(person.lead)["OwnerId"] == vera
    assert person.lead_state() == ("taken", None)
    assert person.ours["crm_owner"] == "Vera Voss"
    assert both.refunded(person.key)
    assert len([1 for kind, _, values in both.writes(seen) if kind == "Lead" and "OwnerId" in values]) == 1


def test_a_lead_that_is_converted_before_its_creation_is_heard_of_is_followed(both: SyncedOrg) -> None:
    person = both.new()

    def converted() -> None:
        (lead,) = [row["Id"] for row in both.records("Lead") if row["Marketing_Id__c"] == person.key]
        both.act("convert", lead, no_opportunity=True)

    both.twist(CREATE, afterwards(converted))
    both.next_run(LATE)
    both.rests()
    assert person.states() == {person.lead: "converted", person.contact: "live"}
    person.edit_ours(phone="777")
    both.next_run()
    assert person.row(person.contact)["Phone"] == "777"
    assert person.row(person.lead)["Phone"] == "100"


def test_a_lead_that_is_deleted_before_its_creation_is_heard_of_is_not_made_again(both: SyncedOrg) -> None:
    person = both.new()

    def deleted() -> None:
        (lead,) = [row["Id"] for row in both.records("Lead") if row["Marketing_Id__c"] == person.key]
        both.act("delete", lead)

    both.twist(CREATE, afterwards(deleted))
    both.next_run(LATE)
    both.rests()
    assert person.lead_state() == ("closed", "deleted")
    assert len([row for row in both.records("Lead") if row["Marketing_Id__c"] == person.key]) == 1
    assert person.plan() == ("held", "deleted")
    both.act("undelete", person.lead)
    both.next_run()
    both.rests()
    assert person.plan() == ("lead", "")
    made_once(person)


# --- the same person twice --------------------------------------------------------------------------------


def drop_folder(org: SyncedOrg) -> Any:
    folder = org.config.parent / "drop"
    folder.mkdir(exist_ok=True)
    org.add_config(f'[drop]\nfolder = "{folder}"\n')

    def file(name: str, *rows: str) -> None:
        place = folder / name
        place.write_text("First Name,Last Name,Company,Email,Country\n" + "".join(f"{row}\n" for row in rows))
        os.utime(place, (1_700_000_000, 1_700_000_000))

    return file


def leads_of(org: SyncedOrg, email: str) -> list[dict[str, Any]]:
    return [row for row in org.records("Lead") if row["Email"] == email]


def test_two_records_with_one_address_make_one_lead_in_one_run_and_over_runs(alone: SyncedOrg) -> None:
    """HubSpot keeps two contacts from having one address; an import behind its back, and files, do not."""
    org = alone
    file = drop_folder(org)
    first, twin = org.new(), org.new()
    email = first.ours["email"]
    org.control("PUT", "hubspot/contacts", [{"id": twin.record, "properties": {"email": email}}])
    file("fair.csv", f"Kim,Novak,Contoso,{email},DE", "Ada,Byron,Engines,ada@engines.example,DE")
    org.next_run(4)
    assert len(leads_of(org, email)) == 1
    assert {first.lead_state(), twin.lead_state()} == {("confirmed", None), ("held", "ambiguous_match")}
    late = org.new()
    org.control(
        "PUT", "hubspot/contacts", [{"id": late.record, "properties": {"email": "ada@engines.example"}}]
    )
    file("again.csv", "Ada,Byron,Engines,ada@engines.example,DE", f"Kim,Novak,Contoso,{email.upper()},DE")
    org.next_run(4)
    org.rests()
    assert len(leads_of(org, email)) == len(leads_of(org, "ada@engines.example")) == 1
    assert late.lead_state() == ("held", "ambiguous_match")
    held = {row["lead"]: row["detail"] for row in org("leads", "held")[1]["leads"]}
    assert len(held) == 5
    assert all("hubspot:" in why or "drop:" in why for why in held.values()), held


def test_a_lead_and_a_contact_with_one_address_and_several_of_a_kind_are_held(both: SyncedOrg) -> None:
    owner = both.user("Vera Voss")
    people = {
        name: both.new() for name in ("pair", "leads", "contacts", "converted", "one contact", "one lead")
    }
    for name, person in people.items():
        email, last = person.ours["email"], person.ours["lastname"]
        lead = {"LastName": last, "Company": "Contoso", "Email": email, "OwnerId": owner}
        contact = {"LastName": last, "Email": email, "OwnerId": owner}
        both.put("Lead", *[lead] * {"pair": 1, "leads": 2, "converted": 1, "one lead": 1}.get(name, 0))
        both.put("Contact", *[contact] * {"pair": 1, "contacts": 2, "one contact": 1}.get(name, 0))
    (dead,) = leads_of(both, people["converted"].ours["email"])
    contact = both.act("convert", dead["Id"], no_opportunity=True)["contact"]
    before = len(both.records("Lead"))
    made = both.next_run(4)
    assert made["held_reasons"] == {"ambiguous_match": 3}
    for name in ("pair", "leads", "contacts"):
        assert people[name].lead_state() == ("held", "ambiguous_match")
        assert people[name].links() == []
    both.rests()
    assert len(both.records("Lead")) == before
    assert people["converted"].states()[contact] == "live"
    assert people["one contact"].plan() == ("contact", "")
    assert people["one lead"].plan() == ("lead", "")
    both.act(
        "delete",
        next(row["Id"] for row in both.records("Contact") if row["Email"] == people["pair"].ours["email"]),
    )
    both.next_run((0, 4))
    both.rests()
    assert people["pair"].plan() == ("lead", "")
    assert len(both.records("Lead")) == before


def test_a_person_account_is_held_and_never_written(both: SyncedOrg) -> None:
    (person,) = both.linked(1)
    both.control("PUT", "fields/Contact", [{"name": "IsPersonAccount", "type": "boolean"}])
    new, email = both.new(), "pat@person.example"
    new.edit_ours(email=email)
    both.put("Contact", {"LastName": "Pat", "Email": email, "IsPersonAccount": True})
    contact = person.convert()
    both.put("Contact", {"Id": contact, "IsPersonAccount": True})
    person.edit_ours(phone="5")
    before = len(both.records("Lead"))
    both.next_run(4)
    both.rests()
    assert new.lead_state() == ("held", "person_account")
    assert person.plan() == ("held", "person_account")
    assert person.row(contact)["Phone"] == "100"
    assert len(both.records("Lead")) == before


# --- files ------------------------------------------------------------------------------------------------


def test_a_file_whose_leads_were_made_and_that_was_not_put_away_makes_no_second_ones(
    alone: SyncedOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = alone
    file = drop_folder(org)
    rows = ("Ada,Byron,Engines,ada@engines.example,DE", "Bea,Bell,Bells,bea@bells.example,DE")
    file("fair.csv", *rows)
    with monkeypatch.context() as broken:
        broken.setattr("allocator.adapters.marketing.drop.DropSource.taken", lambda self: None)
        org.next_run()
    assert len(org.records("Lead")) == 2
    assert [one.name for one in (org.config.parent / "drop").glob("*.csv")] == ["fair.csv"]
    file("the same.csv", *rows)
    org.next_run()
    file("and again.csv", *rows)
    org.next_run()
    org.rests()
    assert len(org.records("Lead")) == 2
    assert not list((org.config.parent / "drop").glob("*.csv"))
    (owners,) = [{row["Email"]: row["OwnerId"] for row in org.records("Lead")}]
    assert len(set(owners.values())) == 2
