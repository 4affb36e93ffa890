"""Contacts that say which Lead or Contact they are: found by that alone, whoever wrote it."""

from __future__ import annotations

import pytest
from arrivals_world import World

from allocator.domain.sync.ids import meant_id

NOBODY = "00Q000000000999EAA"


def linked(world: World, number: str) -> str:
    link = world.live_link(number)
    return f"{link.object} {link.crm_id}" if link else ""


def held(world: World, number: str) -> tuple[str | None, str]:
    row = world.lead_row(number)
    assert row.state == "held", row
    return row.reason, row.detail


def test_a_contact_that_names_its_lead_is_linked_to_it_and_no_lead_is_made() -> None:
    world = World()
    lead = world.crm.add_lead(Email="other@x.example", LastName="L")
    ada = world.add(crm_lead_id=lead.id, phone="7")
    outcome = world.run()
    assert linked(world, ada) == f"Lead {lead.id}" and len(world.crm.leads) == 1
    assert outcome.summary["sync"]["hubspot"]["linked"] == 1
    assert world.crm.leads[lead.id].fields["Phone"] == "7"
    before = len(world.store.decisions(world.lead_row(ada).key))
    assert world.run().summary["leads"]["assigned"] == 0
    assert len(world.store.decisions(world.lead_row(ada).key)) == before


@pytest.mark.parametrize("by", ["Lead", "Contact", "both"])
def test_a_contact_whose_lead_was_converted_is_linked_to_the_contact(by: str) -> None:
    world = World()
    lead = world.crm.add_lead(LastName="L", Company="C")
    contact = world.crm.convert(lead.id)
    names = {"Lead": {"crm_lead_id": lead.id}, "Contact": {"crm_contact_id": contact}}
    ada = world.add(
        **{k: v for one in (names.values() if by == "both" else [names[by]]) for k, v in one.items()}
    )
    world.run()
    assert linked(world, ada) == f"Contact {contact}"


def test_one_that_names_somebody_is_never_found_by_its_e_mail() -> None:
    world = World()
    world.crm.add_lead(Email="ada@analytical.example", LastName="L")
    ada = world.add(crm_lead_id=NOBODY)
    world.run()
    reason, detail = held(world, ada)
    assert reason == "unreadable" and f"no Lead {NOBODY}" in detail
    assert linked(world, ada) == "" and len(world.crm.leads) == 1


def test_it_is_looked_for_again_until_the_crm_shows_it_or_it_names_nobody_any_more() -> None:
    world = World()
    first, second = (
        world.add("ada", crm_lead_id=NOBODY),
        world.add("bea", crm_lead_id=NOBODY.replace("999", "998")),
    )
    for _ in range(3):
        world.run()
    assert held(world, first)[0] == held(world, second)[0] == "unreadable"
    lead = world.crm.add_lead(LastName="L")
    world.source.edit(first, crm_lead_id=lead.id)
    world.source.edit(second, crm_lead_id="")
    world.run()
    assert linked(world, first) == f"Lead {lead.id}"
    assert world.ended(second) == ("confirmed", None) and len(world.made(second)) == 1


def test_two_that_name_one_lead_are_not_both_linked() -> None:
    world = World()
    lead = world.crm.add_lead(LastName="L")
    first, second = world.add("ada", crm_lead_id=lead.id), world.add("bea", crm_lead_id=lead.id)
    world.run()
    assert linked(world, first) == f"Lead {lead.id}"
    reason, detail = held(world, second)
    assert reason == "ambiguous_match" and f"hubspot:{first}" in detail


def test_a_lead_and_a_contact_that_are_not_one_person_are_not_chosen_between() -> None:
    world = World()
    lead, other = (world.crm.add_lead(LastName="L", Company="C") for _ in range(2))
    contact = world.crm.convert(other.id)
    ada = world.add(crm_lead_id=lead.id, crm_contact_id=contact)
    world.run()
    assert held(world, ada)[0] == "ambiguous_match"


def test_a_lead_that_says_it_is_another_contacts_is_not_linked() -> None:
    world = World()
    lead = world.crm.add_lead(LastName="L", Marketing_Id__c="hubspot:555")
    ada = world.add(crm_lead_id=lead.id)
    world.run()
    assert held(world, ada)[0] == "ambiguous_match" and "hubspot:555" in held(world, ada)[1]


def test_an_id_without_its_ending_or_its_capitals_is_understood_and_nonsense_is_said() -> None:
    world = World()
    leads = [world.crm.add_lead(LastName="L") for _ in range(2)]
    short, small = (
        world.add("ada", crm_lead_id=leads[0].id[:15]),
        world.add("bea", crm_lead_id=leads[1].id.lower()),
    )
    other = world.add("cia", crm_lead_id="{b1f7c2de-guid}")
    world.run()
    assert linked(world, short) == f"Lead {leads[0].id}" and linked(world, small) == f"Lead {leads[1].id}"
    assert held(world, other) == (
        "unreadable",
        '"{b1f7c2de-guid}" is no id of a Lead: those begin with 00Q and have 15 or 18 letters and digits',
    )


def test_a_new_store_finds_every_link_again_and_makes_nobody_twice() -> None:
    old = World()
    numbers = [old.add(name) for name in ("ada", "bea", "cia")]
    old.run()
    links = [linked(old, number) for number in numbers]
    new = World()
    new.crm, new.source, new.at = old.crm, old.source, old.at
    new.crm._now = new.source._now = new.now
    new.run()
    assert [linked(new, number) for number in numbers] == links and len(new.crm.leads) == 3


REAL = "00Q5g00000D0010EAB"


@pytest.mark.parametrize("text", [REAL, REAL[:15], REAL.lower(), REAL.upper(), f" {REAL}\n"])
def test_an_id_in_any_of_its_spellings_is_the_id(text: str) -> None:
    assert meant_id(text, "Lead") == (REAL, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (REAL[:15].lower(), "capitals were lost"),
        (REAL[:15] + "AAA", "capitals were lost"),
        ("003" + REAL[3:15], "is no id of a Lead"),
        (REAL + "x", "is no id of a Lead"),
        ("", "is no id of a Lead"),
    ],
)
def test_what_is_no_id_is_told_with_the_reason(text: str, said: str) -> None:
    found, why = meant_id(text, "Lead")
    assert found == "" and said in why
