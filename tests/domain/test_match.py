"""What the CRM holds of a new marketing record: total, and never a guess."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from allocator.domain.lead import By, Closed, Effect, LeadKey, Reason
from allocator.domain.sync.ids import crm_id
from allocator.domain.sync.match import Answers, Match, Wanted, match
from allocator.domain.sync.values import CrmRecord

ADA, BEA = LeadKey("hubspot", "101"), LeadKey("hubspot", "102")
EMAIL = "ada@analytical.example"
L1, L2, C1, C2 = "00Q1", "00Q2", "0031", "0032"


def lead(id: str = L1, **more: Any) -> CrmRecord:
    return CrmRecord("Lead", id, **{"converted": False, "email": EMAIL, "owner": "ben", **more})


def converted(id: str = L1, contact: str | None = C1, **more: Any) -> CrmRecord:
    return lead(id, converted=True, contact_id=contact, **more)


def contact(id: str = C1, **more: Any) -> CrmRecord:
    return CrmRecord("Contact", id, **{"email": EMAIL, "owner": "ben", "account_owner": "chi", **more})


def found(*records: CrmRecord, wanted: Wanted | None = None, **more: Any) -> Match:
    answers = Answers(
        [one for one in records if one.object == "Lead"],
        [one for one in records if one.object == "Contact"],
        **more,
    )
    (one,) = match([wanted or Wanted(ADA, EMAIL)], answers)
    return one


def test_nothing_answers_so_it_is_made() -> None:
    assert found() == Match(ADA, Effect.CREATE)


def test_what_a_new_lead_lacks_is_named() -> None:
    said = found(wanted=Wanted(ADA, EMAIL, lacks=("Company", "LastName")))
    assert said.reason is Reason.INCOMPLETE
    assert "Company, LastName" in said.detail


def test_what_is_there_needs_nothing() -> None:
    assert found(lead(), wanted=Wanted(ADA, EMAIL, lacks=("Company",))).effect is Effect.LINK


def test_an_open_lead_is_linked_and_its_owner_stays() -> None:
    one = found(lead())
    assert (one.effect, one.object, one.object_id) == (Effect.LINK, "Lead", L1)
    assert (one.owner, one.by) == ("ben", By.PERSON_MATCH)


def test_a_contact_goes_to_the_owner_of_its_account_or_else_to_its_own() -> None:
    one = found(contact())
    assert (one.effect, one.object, one.object_id) == (Effect.LINK, "Contact", C1)
    assert (one.owner, one.by) == ("chi", By.ACCOUNT)
    assert found(contact(account_owner="")).owner == "ben"


def test_a_converted_lead_leads_to_its_contact_also_beside_that_contact() -> None:
    other = contact(email="other@example.com")
    for records in ((converted(), other), (converted(), contact()), (converted(), converted(L2), contact())):
        one = found(*records)
        assert (one.effect, one.object_id) == (Effect.LINK, C1)


def test_several_of_a_kind_are_held_with_their_ids() -> None:
    for records in (
        (lead(), lead(L2)),
        (contact(), contact(C2)),
        (lead(), contact()),
        (lead(), converted(L2), contact()),
        (converted(), contact(), contact(C2)),
        (converted(), converted(L2, C2), contact(), contact(C2)),
        (converted(contact=None), contact()),
    ):
        one = found(*records)
        assert (one.effect, one.reason) == (None, Reason.AMBIGUOUS_MATCH)
        assert all(record.id in one.detail for record in records)


def test_an_id_counts_more_than_an_external_id_and_both_more_than_an_e_mail() -> None:
    others = (lead(L2), contact(C2))
    by_id = found(lead(email=""), *others, wanted=Wanted(ADA, EMAIL, lead_id=L1))
    by_key = found(lead(email="", external_id="HubSpot:101 "), *others)
    assert {one.object_id for one in (by_id, by_key)} == {L1}
    apart = found(lead(), lead(L2, external_id=str(ADA)), wanted=Wanted(ADA, EMAIL, lead_id=L1))
    assert apart.reason is Reason.AMBIGUOUS_MATCH


def test_whose_external_id_names_another_record_is_held() -> None:
    for records in ((lead(external_id="hubspot:7"),), (contact(external_id="drop:7"),)):
        one = found(*records)
        assert one.reason is Reason.AMBIGUOUS_MATCH
        assert records[0].external_id in one.detail
    named = found(lead(external_id="hubspot:7"), wanted=Wanted(ADA, lead_id=L1))
    assert named.reason is Reason.AMBIGUOUS_MATCH


def test_what_another_record_is_linked_to_is_held() -> None:
    one = found(lead(), linked={("Lead", L1): BEA})
    assert one.reason is Reason.AMBIGUOUS_MATCH
    assert str(BEA) in one.detail
    assert found(lead(), linked={("Lead", L1): ADA}).effect is Effect.LINK


def test_an_id_that_is_gone_is_never_made_again() -> None:
    wanted = Wanted(ADA, EMAIL, lead_id=L1)
    deleted = found(lead(deleted=True), wanted=wanted)
    purged = found(CrmRecord("Lead", L1, known=False, deleted=None), wanted=wanted)
    merged = found(lead(deleted=True, master_id=L2), wanted=wanted)
    assert [one.closed for one in (deleted, purged, merged)] == [
        Closed.DELETED,
        Closed.DELETED,
        Closed.MERGED,
    ]
    assert L1 in deleted.detail
    missing = found(contact(deleted=True), wanted=Wanted(ADA, EMAIL, contact_id=C1))
    assert missing.reason is Reason.CONTACT_MISSING
    still = found(lead(deleted=True), lead(L2, external_id=str(ADA)), wanted=wanted)
    assert still.object_id == L2


def test_what_is_in_the_bin_with_its_external_id_is_not_made_again_and_who_is_there_counts_more() -> None:
    lost = lead(deleted=True, external_id=str(ADA))
    assert found(lost).closed is Closed.DELETED
    assert found(replace(lost, master_id=L2)).closed is Closed.MERGED
    assert found(lost, lead(L2)).object_id == L2
    assert found(lead(deleted=True)) == Match(ADA, Effect.CREATE)
    copied = found(lead(deleted=True, external_id=str(BEA)), wanted=Wanted(ADA, EMAIL, lead_id=L1))
    assert copied.reason is Reason.AMBIGUOUS_MATCH
    assert str(BEA) in copied.detail


def test_an_e_mail_with_a_letter_that_folds_into_two_is_the_same_e_mail() -> None:
    there = lead(email="Weiß@analytical.example")
    assert found(there, wanted=Wanted(ADA, "weiß@analytical.example")).object_id == L1


def test_a_converted_lead_without_a_living_contact_is_held() -> None:
    for records in ((converted(contact=None),), (converted(), contact(deleted=True))):
        assert found(*records).reason is Reason.CONTACT_MISSING
    assert found(converted()).reason is Reason.UNREADABLE  # its Contact was not read


def test_a_person_account_is_held() -> None:
    assert found(contact(person_account=True)).reason is Reason.PERSON_ACCOUNT
    assert found(converted(), contact(person_account=True)).reason is Reason.PERSON_ACCOUNT


def test_what_was_not_read_is_never_taken_for_no() -> None:
    assert found(lead(converted=None)).reason is Reason.UNREADABLE
    assert found(contact(person_account=None)).reason is Reason.UNREADABLE
    assert found(lead(owner="")).reason is Reason.UNREADABLE


def test_of_two_records_that_ask_for_the_same_the_first_gets_it() -> None:
    wanted = [Wanted(ADA, EMAIL), Wanted(BEA, EMAIL)]
    for answers in (Answers(), Answers([lead()])):
        first, second = match(wanted, answers)
        assert first.effect is not None
        assert second.reason is Reason.AMBIGUOUS_MATCH
        assert str(ADA) in second.detail
    incomplete, other = match([replace(wanted[0], lacks=("Company",)), wanted[1]], Answers())
    assert incomplete.reason is Reason.INCOMPLETE
    assert other.effect is Effect.CREATE


def test_a_creation_whose_answer_never_came_keeps_its_e_mail() -> None:
    (one,) = match([Wanted(BEA, EMAIL)], Answers(), claimed={EMAIL: ADA})
    assert one.reason is Reason.AMBIGUOUS_MATCH
    (own,) = match([Wanted(ADA, EMAIL)], Answers(), claimed={EMAIL: ADA})
    assert own.effect is Effect.CREATE


def test_without_an_e_mail_only_ids_count() -> None:
    assert found(lead(), wanted=Wanted(ADA)).effect is Effect.CREATE
    assert found(lead(email=""), wanted=Wanted(ADA)).effect is Effect.CREATE


# --- every state ------------------------------------------------------------------------------------------

FLAGS = st.sampled_from([True, False, None])
KEYS = st.sampled_from(["", str(ADA), str(BEA)])
IDS = st.sampled_from([None, C1, C2])


@st.composite
def records(draw: st.DrawFn) -> CrmRecord:
    object = draw(st.sampled_from(["Lead", "Contact"]))
    return CrmRecord(
        object, draw(st.sampled_from([L1, L2] if object == "Lead" else [C1, C2])),
        known=draw(st.booleans()), deleted=draw(FLAGS), master_id=draw(st.sampled_from([None, L2])),
        converted=draw(FLAGS) if object == "Lead" else None, contact_id=draw(IDS), person_account=draw(FLAGS),
        owner=draw(st.sampled_from(["", "ben"])), external_id=draw(KEYS),
        email=draw(st.sampled_from(["", EMAIL, EMAIL.upper()])),
    )  # fmt: skip


WANTED = st.builds(
    Wanted, st.sampled_from([ADA, BEA]), st.sampled_from(["", EMAIL]), st.sampled_from(["", L1]),
    st.sampled_from(["", C1]), st.sampled_from([(), ("Company",)]),
)  # fmt: skip
LINKED = st.dictionaries(
    st.sampled_from([("Lead", L1), ("Lead", L2), ("Contact", C1)]), st.sampled_from([ADA, BEA])
)


@given(st.lists(WANTED, max_size=3), st.lists(records(), max_size=5), LINKED)
def test_every_answer_leads_to_exactly_one_end_and_none_is_guessed(
    wanted: list[Wanted], read: list[CrmRecord], linked: dict[tuple[str, str], LeadKey]
) -> None:
    answers = Answers(
        [one for one in read if one.object == "Lead"],
        [one for one in read if one.object == "Contact"],
        linked,
    )
    by_id = {(one.object, one.id): one for one in read}
    ends = match(wanted, answers)
    assert [one.key for one in ends] == [one.key for one in wanted]
    for asked, end in zip(wanted, ends, strict=True):
        assert sum(x is not None for x in (end.effect, end.reason, end.closed)) == 1
        assert end.effect is not None or end.detail
        if end.effect is Effect.LINK:
            target = by_id[end.object, end.object_id]
            assert target.known
            assert target.deleted is False
            assert end.owner
            assert target.external_id in ("", str(asked.key))
            assert linked.get((end.object, end.object_id), asked.key) == asked.key
            assert end.object == "Contact" or target.converted is False
        if end.effect is Effect.CREATE:
            alive = [one for one in by_id.values() if one.known and one.deleted is not True]
            assert not asked.lacks
            assert not any(one.external_id == str(asked.key) for one in alive)
            assert not (asked.email and any(one.email.lower() == asked.email for one in alive))
    linked_to = [(one.object, one.object_id) for one in ends if one.effect is Effect.LINK]
    keys = [one.key for one in ends if one.effect is Effect.LINK]
    assert len(set(linked_to)) == len(set(zip(linked_to, keys, strict=True)))


@given(st.lists(records(), max_size=4), st.randoms())
def test_the_order_of_the_answers_does_not_matter(read: list[CrmRecord], random: Any) -> None:
    once = list({(one.object, one.id): one for one in read}.values())
    mixed = list(once)
    random.shuffle(mixed)
    assert found(*once) == found(*mixed)


# --- ids --------------------------------------------------------------------------------------------------


def test_an_id_is_known_in_both_of_its_spellings_and_nothing_else_is_one() -> None:
    assert crm_id("00Q5g00000ABCDE", "Lead") == crm_id(" 00Q5g00000ABCDEEA5 ", "Lead") != ""
    assert crm_id("001D000000IRFma", "Account") == "001D000000IRFmaIAH"
    assert crm_id("0035g00000ABCDE", "Lead") == ""
    for text in (None, 7, "", "n/a", "00Q", "00Q5g00000ABCD€", "00Q5g00000ABCDE0"):
        assert crm_id(text, "Lead") == ""
