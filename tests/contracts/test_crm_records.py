"""What every CRM promises of the records behind marketing records, held by the fake and the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from crm_record_acts import KEY, PERSON, changed, create, people, read, write
from crm_worlds import MONDAY, MemoryWorld, World, sandbox_world

from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import CrmWrite, NewLead


@pytest.fixture(params=["memory", "salesforce"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    else:
        with sandbox_world() as made:
            yield made


def test_the_field_that_holds_the_marketing_id_is_unique_on_lead_and_contact(world: World) -> None:
    assert world.crm.external_id == KEY
    for kind in ("Lead", "Contact"):
        info = world.crm.describe(kind)[KEY]
        assert info.unique_id and info.creatable and info.writable and info.type.length == 80


def test_a_new_lead_needs_a_last_name_and_a_company(world: World) -> None:
    infos = world.crm.describe("Lead")
    assert {name for name, info in infos.items() if info.required} == {"LastName", "Company"}
    assert not infos["LastName"].type.nullable
    assert not infos["HasOptedOutOfEmail"].type.nullable
    assert infos["HasOptedOutOfEmail"].type.kind == "flag"
    assert infos["AnnualRevenue"].type.kind == "number"
    assert infos["Industry"].type.kind == "picklist"


def test_every_id_asked_for_is_answered_known_or_not(world: World) -> None:
    lead, gone = world.lead(email="a@x.example"), world.lead()
    world.delete(gone)
    never = "00Q000000009999EAA"
    found = world.crm.records("Lead", [lead, gone, never], ["Country", "Email"])
    assert set(found) == {lead, gone, never}
    assert found[lead].values == {"Country": "Germany", "Email": "a@x.example"}
    assert (found[lead].owner, found[lead].email) == (world.queue, "a@x.example")
    assert (found[lead].known, found[lead].deleted, found[lead].converted) == (True, False, False)
    assert (found[gone].known, found[gone].deleted) == (True, True)
    assert not found[never].known


def test_no_ids_are_no_request(world: World) -> None:
    world.crm.describe("Lead")
    before = world.crm.usage.requests
    assert world.crm.records("Lead", [], ["Email"]) == {}
    assert world.crm.matching("Lead", external_ids=[], emails=[""]) == []
    assert world.crm.usage.requests == before


def test_a_field_that_the_crm_lacks_is_absent_and_not_empty(world: World) -> None:
    assert read(world, world.lead(), "Phone", "Shoe_Size__c").values == {"Phone": None}


def test_a_converted_lead_names_its_contact_and_account(world: World) -> None:
    ana = world.user("Ana")
    lead = create(world, ana).id
    contact = world.convert(lead)
    one, other = read(world, lead), read(world, contact)
    assert (one.converted, one.contact_id, one.account_id) == (True, contact, other.account_id)
    assert one.status == "Closed - Converted"


def test_the_contact_inherits_the_marketing_id_in_conversion(world: World) -> None:
    ana = world.user("Ana")
    contact = world.convert(create(world, ana, FirstName="Ada").id)
    found = read(world, contact, "FirstName", "LastName", "Account.Name")
    assert found.external_id == "hubspot:1"
    assert found.email == "ada@acme.example"
    assert found.values == {"FirstName": "Ada", "LastName": "Aydin", "Account.Name": "Acme"}
    assert (found.owner, found.account_owner) == (ana, ana)
    assert found.person_account is False


def test_a_lead_converted_into_a_contact_that_is_there_fills_its_marketing_id(world: World) -> None:
    ana = world.user("Ana")
    account = world.account("acme.example", ana)
    known = world.contact("ada@acme.example", ana, account)
    lead = create(world, ana).id
    assert world.convert(lead, known, account) == known
    assert read(world, known).external_id == "hubspot:1"
    assert read(world, lead).contact_id == known


def test_a_contact_without_an_account_has_no_account_values(world: World) -> None:
    found = read(world, world.contact("b@x.example", world.user("Ana")), "Account.Name")
    assert (found.account_id, found.account_owner, found.account_stamp) == (None, "", None)
    assert found.values == {"Account.Name": None}


def test_a_merged_lead_names_the_one_that_lives_on(world: World) -> None:
    winner, loser = world.lead(), world.lead()
    world.merge(winner, loser)
    found = read(world, loser)
    assert (found.deleted, found.master_id) == (True, winner)
    assert read(world, winner).deleted is False


def test_an_undeleted_record_is_live_again(world: World) -> None:
    lead = world.lead()
    world.delete(lead)
    world.undelete(lead)
    found = read(world, lead)
    assert (found.deleted, found.master_id) == (False, None)


def test_changes_come_in_their_order_deletions_included(world: World) -> None:
    ana = world.user("Ana")
    one, two, three = (create(world, ana, f"hubspot:{n}", Email=f"p{n}@x.example").id for n in range(3))
    other = world.lead()
    world.edit(two, LastName="New")
    since = read(world, two).moved
    assert since is not None
    world.later()
    world.edit(other, LastName="Nobody's")
    world.delete(one)
    found = changed(world, "Lead", since)
    assert [record.id for record in found] == [two, one]
    assert found[0].values == {"LastName": "New"}
    assert found[1].deleted
    world.undelete(one)
    world.convert(three)
    assert [record.id for record in changed(world, "Lead", since)] == [two, one, three]


def test_a_merge_changes_both(world: World) -> None:
    ana = world.user("Ana")
    winner, loser = (create(world, ana, f"hubspot:{n}", Email=f"p{n}@x.example").id for n in range(2))
    since = read(world, winner).moved
    world.merge(winner, loser)
    assert since is not None
    assert {record.id for record in changed(world, "Lead", since + timedelta(seconds=1))} == {winner, loser}


def test_contacts_change_too(world: World) -> None:
    ana = world.user("Ana")
    contact = world.contact("a@x.example", ana, **{KEY: "hubspot:7"})
    world.edit(contact, Title="CEO")
    assert contact in [record.id for record in changed(world, "Contact", MONDAY)]


def test_our_own_write_is_a_change_whose_stamp_a_read_back_shows(world: World) -> None:
    lead = create(world, world.user("Ana")).id
    before = read(world, lead)
    world.later()
    assert write(world, before, {"Title": "CTO"}) is WriteResult.WRITTEN
    after = read(world, lead)
    assert before.moved and after.moved and after.moved > before.moved
    assert [record.moved for record in changed(world, "Lead", after.moved)] == [after.moved]


def test_people_are_found_by_marketing_id_and_by_email_in_any_case(world: World) -> None:
    ana = world.user("Ana")
    by_key = create(world, ana, "hubspot:1").id
    by_email = world.lead(email="Ben@X.example")
    both = create(world, ana, "hubspot:2", Email="both@x.example").id
    world.lead(email="chi@x.example")
    emails = ["ben@x.example", "BOTH@x.example", "nobody@x.example"]
    found = world.crm.matching(
        "Lead", external_ids=["HUBSPOT:1", "hubspot:2"], emails=emails, fields=["Email"]
    )
    assert sorted(record.id for record in found) == sorted([by_key, by_email, both])
    assert {record.external_id for record in found} == {"hubspot:1", "hubspot:2", ""}


def test_deleted_people_match_nothing_and_converted_leads_do(world: World) -> None:
    ana = world.user("Ana")
    deleted, converted = (create(world, ana, f"hubspot:{n}", Email=f"p{n}@x.example").id for n in range(2))
    world.delete(deleted)
    contact = world.convert(converted)
    assert people(world, "hubspot:0") == []
    assert people(world, "hubspot:1") == [converted, contact]


def test_any_text_is_asked_for_and_matches_only_itself(world: World) -> None:
    world.lead(email="ada@x.example")
    texts = ["o'neil@x.example", "x' OR Id != '", "%", "", "a\nb@x.example"]
    assert world.crm.matching("Lead", emails=texts, external_ids=texts) == []


def test_a_lead_is_made_with_its_owner_and_its_marketing_id(world: World) -> None:
    ana = world.user("Ana")
    made = create(world, ana, Country="Germany", AnnualRevenue=Decimal("1250"))
    assert made.result is WriteResult.WRITTEN
    found = read(world, made.id, "LastName", "Company", "Country", "AnnualRevenue")
    assert (found.owner, found.external_id, found.email) == (ana, "hubspot:1", "ada@acme.example")
    values = {"LastName": "Aydin", "Company": "Acme", "Country": "Germany", "AnnualRevenue": 1250}
    assert found.values == values


def test_any_marketing_id_is_kept_as_it_is(world: World) -> None:
    ana = world.user("Ana")
    for key in ("drop:a/b+c d", "hubspot:50%", "hubspot:ü'1"):
        made = create(world, ana, key)
        assert read(world, made.id).external_id == key
        assert people(world, key) == [made.id]


def test_a_lead_may_be_made_for_a_queue(world: World) -> None:
    made = create(world, world.queue)
    assert made.result is WriteResult.WRITTEN
    assert read(world, made.id).owner == world.queue


def test_the_same_marketing_id_never_makes_a_second_lead(world: World) -> None:
    ana = world.user("Ana")
    first, second = create(world, ana), create(world, ana)
    assert first.result is WriteResult.WRITTEN
    assert people(world) == [first.id]
    assert second.id in ("", first.id)


def test_a_lost_answer_is_unknown_and_the_lead_is_found_by_its_marketing_id(world: World) -> None:
    ana = world.user("Ana")
    world.crm.describe("Lead")
    world.lose_answer(create=True)
    assert create(world, ana).result is WriteResult.UNKNOWN
    assert len(people(world)) == 1


def test_each_new_lead_has_an_answer_of_its_own(world: World) -> None:
    ana, ben = world.user("Ana"), world.user("Ben")
    world.deactivate(ben)
    made = world.crm.create(
        [
            NewLead("hubspot:1", ana, PERSON),
            NewLead("hubspot:2", ben, PERSON | {"Email": "b@x.example"}),
            NewLead("hubspot:3", ana, {"LastName": "Chi", "Company": None}),
            NewLead("hubspot:4", ana, PERSON | {"Email": "c@x.example"}),
        ]
    )
    results = [one.result for one in made]
    assert results == [
        WriteResult.WRITTEN,
        WriteResult.REFUSED_OWNER,
        WriteResult.REJECTED,
        WriteResult.WRITTEN,
    ]
    assert made[2].detail == "REQUIRED_FIELD_MISSING"
    assert people(world, "hubspot:2") == people(world, "hubspot:3") == []


def test_a_duplicate_rule_names_whom_it_found(world: World) -> None:
    ana = world.user("Ana")
    first = create(world, ana).id
    world.refuse_duplicates()
    made = create(world, ana, "hubspot:2")
    assert (made.result, made.detail) == (WriteResult.REJECTED, "DUPLICATES_DETECTED")
    assert made.matches == (first,)
    assert people(world, "hubspot:2") == []


def test_no_lead_is_made_over_one_that_is_converted(world: World) -> None:
    ana = world.user("Ana")
    lead = create(world, ana).id
    world.convert(lead)
    assert create(world, ana).result is WriteResult.CONVERTED
    assert len(world.crm.matching("Lead", external_ids=["hubspot:1"])) == 1


def test_values_of_every_kind_are_written_and_read_back(world: World) -> None:
    found = read(world, world.lead())
    fields = {
        "Title": "CTO",
        "AnnualRevenue": Decimal("1000"),
        "HasOptedOutOfEmail": True,
        "Country": None,
        "Industry": "Energy",
    }
    assert write(world, found, fields) is WriteResult.WRITTEN
    values = read(world, found.id, *fields).values
    assert values == {**fields, "AnnualRevenue": 1000}


def test_a_contact_and_its_account_are_written_each_on_its_own_stamp(world: World) -> None:
    ana = world.user("Ana")
    account = world.account("acme.example", ana)
    contact = world.contact("a@acme.example", ana, account)
    world.edit(account, Name="Changed")
    found = read(world, contact, "Account.Name")
    assert found.account_stamp and found.stamp and found.account_stamp > found.stamp
    assert found.values == {"Account.Name": "Changed"}
    answers = world.crm.write(
        [
            CrmWrite("Contact", contact, {"Title": "CEO"}, found.stamp),
            CrmWrite("Account", account, {"Name": "Acme"}, found.account_stamp - timedelta(seconds=2)),
        ]
    )
    assert [one.result for one in answers] == [WriteResult.WRITTEN, WriteResult.CHANGED]
    again = [CrmWrite("Account", account, {"Name": "Acme"}, found.account_stamp)]
    assert world.crm.write(again)[0].result is WriteResult.WRITTEN
    assert read(world, contact, "Title", "Account.Name").values == {"Title": "CEO", "Account.Name": "Acme"}


@pytest.mark.parametrize("kind", ["Lead", "Contact"])
def test_what_a_person_changed_since_is_not_written_over(world: World, kind: str) -> None:
    ana = world.user("Ana")
    one = world.lead() if kind == "Lead" else world.contact("a@x.example", ana)
    before = read(world, one)
    world.edit(one, Title="by hand")
    assert write(world, before, {"Title": "ours"}) is WriteResult.CHANGED
    assert read(world, one, "Title").values == {"Title": "by hand"}


def test_a_converted_lead_takes_no_write(world: World) -> None:
    lead = create(world, world.user("Ana")).id
    before = read(world, lead)
    world.convert(lead)
    assert write(world, before, {"Title": "ours"}) is WriteResult.CHANGED
    assert write(world, read(world, lead), {"Title": "ours"}) is WriteResult.CONVERTED
    assert read(world, lead, "Title").values == {"Title": None}


def test_a_permissive_crm_swallows_a_write_to_a_converted_lead(world: World) -> None:
    lead = create(world, world.user("Ana")).id
    contact = world.convert(lead)
    world.permit(converted=True)
    assert write(world, read(world, lead), {"Title": "lost"}) is WriteResult.WRITTEN
    assert read(world, contact, "Title").values == {"Title": None}
    assert read(world, lead).converted is True


def test_a_deleted_record_takes_no_write(world: World) -> None:
    contact = world.contact("a@x.example", world.user("Ana"))
    before = read(world, contact)
    world.delete(contact)
    assert write(world, before, {"Title": "ours"}) is WriteResult.GONE


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"FirstName": "x" * 41}, "STRING_TOO_LONG"),
    ],
)
def test_a_value_that_the_crm_refuses_has_its_code(
    world: World, fields: Mapping[str, Any], code: str
) -> None:
    found = read(world, world.lead(), "LastName")
    assert found.stamp is not None
    answer = world.crm.write([CrmWrite("Lead", found.id, {"Title": "ours", **fields}, found.stamp)])[0]
    assert (answer.result, answer.detail) == (WriteResult.REJECTED, code)
    assert read(world, found.id, "LastName", "Title").values == {**found.values, "Title": None}


def test_no_two_records_hold_one_marketing_id(world: World) -> None:
    create(world, world.user("Ana"))
    other = read(world, world.lead())
    assert other.stamp is not None
    answer = world.crm.write([CrmWrite("Lead", other.id, {KEY: "hubspot:1"}, other.stamp)])[0]
    assert (answer.result, answer.detail) == (WriteResult.REJECTED, "DUPLICATE_VALUE")
    assert write(world, other, {KEY: "hubspot:2"}) is WriteResult.WRITTEN
    assert people(world, "hubspot:2") == [other.id]


def test_a_lost_answer_to_a_write_is_unknown_and_the_write_is_there(world: World) -> None:
    found = read(world, world.lead())
    world.lose_answer(create=False)
    assert write(world, found, {"Title": "ours"}) is WriteResult.UNKNOWN
    assert read(world, found.id, "Title").values == {"Title": "ours"}


def test_writes_of_one_batch_are_answered_in_order(world: World) -> None:
    leads = [read(world, world.lead(hours=n)) for n in range(3)]
    world.delete(leads[1].id)
    writes = [CrmWrite("Lead", one.id, {"Title": one.id}, one.stamp) for one in leads if one.stamp]
    answers = world.crm.write(writes)
    assert [one.id for one in answers] == [one.id for one in leads]
    results = [one.result for one in answers]
    assert results == [WriteResult.WRITTEN, WriteResult.GONE, WriteResult.WRITTEN]


def test_moments_are_aware_and_conditions_are_whole_seconds(world: World) -> None:
    found = read(world, world.lead())
    assert found.stamp and found.moved
    assert found.stamp.tzinfo is UTC and found.stamp.microsecond == 0
    assert found.moved.tzinfo is not None
