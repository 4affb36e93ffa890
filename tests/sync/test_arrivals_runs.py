"""New contacts of a marketing system through whole runs, with a CRM and a system in memory."""

from __future__ import annotations

from arrivals_world import World, tables, user

from allocator.adapters.crm.memory import MemoryFault
from allocator.domain.lead import LeadKey
from allocator.domain.records import Link


def test_a_new_contact_has_its_lead_its_salesperson_and_the_id_written_back_in_one_run() -> None:
    world = World()
    ada = world.add()
    outcome = world.run()
    lead = world.lead(ada)
    assert lead.owner == user("ana")
    assert lead.fields["Email"] == "ada@analytical.example"
    assert world.ended(ada) == ("confirmed", None)
    assert world.told(ada)["lead_id"] == lead.id
    assert world.told(ada)["owner"] == "Ana"
    assert outcome.state == "done"
    assert outcome.summary["leads"]["assigned"] == 1
    assert outcome.summary["sync"]["hubspot"]["created"] == 1
    assert outcome.summary["sources"]["hubspot"]["requests"] > 0


def test_the_second_run_makes_nothing_and_asks_nobody_again() -> None:
    world = World()
    ada = world.add()
    world.run()
    outcome = world.run()
    assert len(world.made(ada)) == 1
    assert outcome.summary["leads"]["assigned"] == 0
    assert outcome.summary["sync"]["hubspot"]["created"] == 0
    assert len(world.store.decisions(LeadKey("hubspot", ada))) == 1


def test_new_contacts_take_turns_with_the_leads_of_the_crm() -> None:
    world = World()
    first, second = world.add("ada"), world.add("bea")
    world.crm.add_lead(created=world.at)
    world.run()
    owners = [world.lead(first).owner, world.lead(second).owner]
    owners += [one.owner for one in world.crm.leads.values() if not one.fields.get("Marketing_Id__c")]
    assert sorted(owners) == [user("ana"), user("ben"), user("chi")]


def test_what_a_new_lead_lacks_is_said_and_takes_no_turn() -> None:
    world = World()
    ada = world.add(company="")
    world.run()
    assert world.ended(ada) == ("held", "incomplete")
    assert "Company" in world.lead_row(ada).detail
    assert world.made(ada) == []
    assert world.store.ledgers() == {}
    world.source.edit(ada, company="Analytical")
    world.run()
    assert world.ended(ada) == ("confirmed", None)
    assert world.lead(ada).owner == user("ana")


def test_what_a_new_lead_needs_is_a_setting() -> None:
    world = World(tables(new_lead_needs="LastName"))
    ada = world.add(company="x", email="")
    world.run()
    assert world.ended(ada) == ("confirmed", None)


def test_a_held_contact_that_says_the_same_is_not_decided_again_every_hour() -> None:
    world = World()
    ada = world.add(company="")
    for _ in range(4):
        world.run()
    assert world.lead_row(ada).epoch == 1


def test_an_open_lead_with_its_e_mail_is_linked_and_its_owner_keeps_it() -> None:
    world = World()
    there = world.crm.add_lead(
        created=world.at, owner=user("ben"), Email="Ada@Analytical.example", LastName="L"
    )
    ada = world.add()
    outcome = world.run()
    link = world.live_link(ada)
    assert link is not None
    assert (link.object, link.crm_id) == ("Lead", there.id)
    assert there.owner == user("ben")
    assert world.store.ledgers() == {}
    assert world.told(ada)["lead_id"] == there.id
    assert there.fields["Marketing_Id__c"] == f"hubspot:{ada}"
    assert outcome.summary["sync"]["hubspot"]["linked"] == 1
    assert outcome.summary["teams"] == {}


def test_a_contact_with_its_e_mail_is_linked_to_the_owner_of_the_account() -> None:
    world = World()
    firm = world.crm.add_account(domain="analytical.example", owner=user("chi"))
    there = world.crm.add_contact(email="ada@analytical.example", owner=user("ben"), account=firm)
    ada = world.add()
    world.run()
    link = world.live_link(ada)
    assert link is not None
    assert (link.object, link.crm_id) == ("Contact", there)
    assert world.lead_row(ada).owner == user("chi")
    assert world.made(ada) == []
    assert world.told(ada)["contact_id"] == there


def test_several_matches_are_held_and_decided_when_one_is_left() -> None:
    world = World()
    one = world.crm.add_lead(created=world.at, owner=user("ben"), Email="ada@analytical.example")
    two = world.crm.add_lead(created=world.at, owner=user("chi"), Email="ada@analytical.example")
    ada = world.add()
    world.run()
    assert world.ended(ada) == ("held", "ambiguous_match")
    assert one.id in world.lead_row(ada).detail
    assert two.id in world.lead_row(ada).detail
    world.crm.merge(one.id, two.id)
    world.run()
    link = world.live_link(ada)
    assert link is not None
    assert link.crm_id == one.id


def test_of_two_contacts_with_one_e_mail_the_second_is_held_in_every_run() -> None:
    world = World()
    first, second = world.add("ada"), world.add("ada")
    world.run()
    assert len(world.made(first)) == 1
    assert world.ended(second) == ("held", "ambiguous_match")
    assert f"hubspot:{first}" in world.lead_row(second).detail
    world.run()
    assert world.ended(second) == ("held", "ambiguous_match")
    assert world.made(second) == []


def test_e_mails_do_not_count_where_only_ids_are_to_match() -> None:
    world = World(tables(match_new_leads_by="id", same_e_mail="ignore"))
    world.crm.add_lead(created=world.at, owner=user("ben"), Email="ada@analytical.example")
    ada = world.add()
    world.run()
    assert world.ended(ada) == ("confirmed", None)
    assert len(world.made(ada)) == 1


def test_a_person_account_is_held() -> None:
    world = World()
    world.crm.add_contact(email="ada@analytical.example", owner=user("ben"), person_account=True)
    ada = world.add()
    world.run()
    assert world.ended(ada) == ("held", "person_account")


def test_a_matched_lead_that_is_converted_meanwhile_leads_to_its_contact() -> None:
    world = World()
    there = world.crm.add_lead(
        created=world.at, owner=user("ben"), Email="ada@analytical.example", LastName="L", Company="A"
    )
    ada = world.add()
    world.run()
    contact = world.crm.convert(there.id)
    world.source.edit(ada, jobtitle="Countess")
    world.run()
    link = world.live_link(ada)
    assert link is not None
    assert (link.object, link.crm_id) == ("Contact", contact)
    assert world.crm.contacts[contact].fields["Title"] == "Countess"
    assert "Title" not in there.fields


def test_an_owner_that_the_crm_refuses_is_out_for_the_run_and_the_lead_goes_to_the_next() -> None:
    world = World()
    ada, bea = world.add("ada"), world.add("bea")
    users = dict(world.crm._users)
    real = world.crm._may_own
    world.crm._may_own = lambda owner: owner != user("ana") and real(owner)  # type: ignore[method-assign]
    outcome = world.run()
    assert world.ended(ada) == ("held", "owner_refused")
    assert world.lead(bea).owner == user("ben")
    assert outcome.summary["held_reasons"] == {"owner_refused": 1}
    world.run()
    assert world.lead(ada).owner in (user("ben"), user("chi"))
    assert users == world.crm._users


def test_a_duplicate_rule_of_the_crm_holds_the_contact_with_the_ids() -> None:
    world = World(tables(match_new_leads_by="id", same_e_mail="ignore"))
    there = world.crm.add_lead(created=world.at, owner=user("ben"), Email="ada@analytical.example")
    world.crm.no_duplicates = True
    ada = world.add()
    world.run()
    assert world.ended(ada) == ("held", "duplicate_person")
    assert there.id in world.lead_row(ada).detail
    assert all(sum(book.credits.values()) == 0 for book in world.store.ledgers().values())


def test_a_system_that_is_down_stops_alone_and_is_made_up_for() -> None:
    world = World()
    ada = world.add()
    own = world.crm.add_lead(created=world.at)
    world.source.faults.fail("pull")
    outcome = world.run()
    assert own.owner == user("ana")
    assert outcome.state == "done"
    assert set(outcome.apart) == {"hubspot"}
    assert "hubspot could not be used" in " ".join(outcome.summary["notes"])
    assert world.store.leads([LeadKey("hubspot", ada)]) == []
    outcome = world.run()
    assert not outcome.apart
    assert world.lead(ada).owner == user("ben")


def test_a_system_that_fails_between_pull_and_fresh_read_loses_nothing() -> None:
    world = World()
    ada = world.add()
    world.source.faults.fail("read")
    outcome = world.run()
    assert set(outcome.apart) == {"hubspot"}
    assert world.ended(ada) == ("waiting", None)
    world.run()
    assert len(world.made(ada)) == 1


def test_without_the_field_for_the_id_nothing_is_made_and_the_message_says_what_to_add() -> None:
    world = World()
    ada = world.add()
    own = world.crm.add_lead(created=world.at)
    del world.crm.shape["Contact"]["Marketing_Id__c"]
    outcome = world.run()
    assert own.owner == user("ana")
    assert "Marketing_Id__c" in str(outcome.apart["hubspot"])
    assert world.store.leads([LeadKey("hubspot", ada)]) == []


def test_a_crm_that_cannot_answer_about_contacts_still_gets_its_own_leads_given() -> None:
    for operation in ("describe", "matching"):
        world = World()
        ada = world.add()
        own = world.crm.add_lead(created=world.at)
        world.crm.faults.append(MemoryFault(operation, "down"))  # type: ignore[arg-type]
        outcome = world.run()
        assert own.owner == user("ana")
        assert set(outcome.apart) == {"hubspot"}
        assert world.made(ada) == []
        world.run()
        assert len(world.made(ada)) == 1


def test_a_contact_that_leaves_intake_while_it_is_held_is_not_held_any_more() -> None:
    world = World()
    gone, merged, left = (world.add(name, company="") for name in ("ada", "bea", "cia"))
    world.run()
    world.source.archive(gone)
    world.source.merge(left, merged)
    world.source.set_intake(left, False)
    world.run()
    assert world.ended(gone) == ("closed", "deleted")
    assert world.ended(merged) == ("closed", "merged")
    assert world.ended(left) == ("taken", None)
    assert world.lead_row(left).detail == "left the intake of hubspot"


def test_observe_mode_writes_nothing_on_either_side_and_going_live_decides_afresh() -> None:
    world = World(live=False)
    ada = world.add()
    before = world.source.record(ada)
    outcome = world.run()
    assert outcome.summary["leads"]["assigned"] == 1
    assert world.made(ada) == []
    assert world.source.record(ada) == before
    assert world.source.puts_away == 0
    world.live = True
    world.run()
    assert world.lead(ada).owner == user("ana")


def test_without_a_marketing_system_nothing_more_is_asked_of_the_crm() -> None:
    world = World()
    world.crm.add_lead(created=world.at)
    world.run(sources=())
    assert set(world.crm.usage.by_kind) <= {"pull", "users", "people", "write", "read", "members", "accounts"}


def test_a_contact_that_is_in_intake_again_by_its_link_is_no_new_lead() -> None:
    world = World()
    ada = world.add()
    world.run()
    world.source.edit(ada, crm_lead_id=None)
    world.run()
    assert world.lead_row(ada).epoch == 1
    assert len(world.made(ada)) == 1
    assert world.told(ada)["lead_id"] == world.lead(ada).id


def test_somebody_who_takes_the_new_lead_at_once_keeps_it_and_it_is_linked() -> None:
    world = World()
    ada = world.add()
    real = world.crm.records

    def snatched(object: str, ids, fields):  # type: ignore[no-untyped-def]
        for one in world.made(ada):
            one.owner = user("chi")
        return real(object, ids, fields)

    world.crm.records = snatched  # type: ignore[method-assign]
    world.run()
    world.crm.records = real  # type: ignore[method-assign]
    assert world.ended(ada) == ("taken", None)
    assert world.live_link(ada) is not None
    world.run()
    assert world.lead(ada).owner == user("chi")
    assert world.lead_row(ada).epoch == 1


def test_a_held_contact_whose_link_a_person_gave_up_waits_no_more() -> None:
    world = World()
    ada = world.add(company="")
    world.run()
    lease = world.store.begin_run(slot="", by="hand", at=world.at, live=True, seconds=90)
    link = Link(LeadKey("hubspot", ada), world.crm.name, "Lead", "00Q000000000001EAA", "deleted", world.at)
    world.store.save_links(lease, [link])
    world.store.end_run(lease, at=world.at, state="done", summary={})
    world.run()
    assert world.ended(ada) == ("closed", "deleted")
    assert world.store.held_count() == 0


def test_a_contact_whose_lead_is_in_the_bin_is_closed_once_and_lives_again_with_it() -> None:
    world = World()
    there = world.crm.add_lead(created=world.at, owner=user("ben"), LastName="L", Company="A")
    world.crm.delete(there.id)
    ada = world.add(crm_lead_id=there.id)
    world.run()
    assert world.ended(ada) == ("closed", "deleted")
    outcome = world.run()
    assert world.ended(ada) == ("closed", "deleted")
    assert outcome.summary["leads"]["returned"] == 0
    world.crm.undelete(there.id)
    world.run()
    assert world.made(ada) == [there]
    world.source.edit(ada, jobtitle="Countess")
    world.run()
    assert there.fields["Title"] == "Countess"


def test_a_lead_in_the_bin_with_its_external_id_is_not_made_again() -> None:
    world = World()
    ada = world.add()
    there = world.crm.add_lead(created=world.at, owner=user("ben"), Marketing_Id__c=f"hubspot:{ada}")
    world.crm.delete(there.id)
    world.run()
    assert world.ended(ada) == ("closed", "deleted")
    assert world.made(ada) == []
    assert world.store.ledgers() == {}


def test_a_copied_id_of_a_lead_in_the_bin_closes_nobody_else() -> None:
    world = World()
    ada = world.add()
    world.run()
    lead = world.lead(ada)
    world.crm.delete(lead.id)
    bea = world.add("bea", crm_lead_id=lead.id)
    world.run()
    assert world.ended(bea) == ("held", "ambiguous_match")
    assert f"hubspot:{ada}" in world.lead_row(bea).detail
