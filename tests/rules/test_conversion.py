"""One plan for every state of a CRM Lead: invariant I12."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import product

import pytest

from rules.conversion import (
    PLAN_REASONS,
    ContactPlan,
    Flag,
    Held,
    LeadPlan,
    RecordState,
    choose_plan,
    read_flag,
)

LEAD, OTHER, CONTACT = "00Q000000000001AAA", "00Q000000000002AAA", "003000000000001AAA"
YES: list[Flag] = [True, 1, "1", "true", "True", " TRUE ", "yes"]
NO: list[Flag] = [False, 0, "0", "false", "False", "no"]
UNKNOWN: list[Flag] = [None, "", "null", "maybe", 2, -1]
FLAGS = [*YES, *NO, *UNKNOWN]
IDS = [None, "", " "]


def every_state() -> list[RecordState]:
    some = [True, "0", None]
    full = product(FLAGS, FLAGS, [*IDS, OTHER], [*IDS, LEAD], [*IDS, CONTACT], some)
    return [RecordState(*values) for values in full]


def test_every_state_has_exactly_one_plan_and_always_the_same() -> None:
    for state in every_state():
        plan = choose_plan(state)
        assert [type(plan) is t for t in (LeadPlan, ContactPlan, Held)].count(True) == 1
        assert plan == choose_plan(state)
        if isinstance(plan, Held):
            assert plan.reason in PLAN_REASONS


def test_a_lead_that_names_at_most_one_record_of_each_kind_is_held_for_one_of_four_reasons() -> None:
    plans = [choose_plan(state) for state in every_state()]
    held = {p.reason for p in plans if isinstance(p, Held)}
    assert held == {"contact_missing", "deleted", "merged", "unreadable"}


def test_a_deleted_record_is_never_written_and_a_converted_lead_never_as_a_lead() -> None:
    for state in every_state():
        plan = choose_plan(state)
        if isinstance(plan, LeadPlan):
            assert read_flag(state.converted) is False and read_flag(state.deleted) is False
        if isinstance(plan, ContactPlan):
            assert read_flag(state.converted) is True and read_flag(state.deleted) is False


@pytest.mark.parametrize("converted", YES)
def test_however_yes_is_spelt_a_converted_lead_writes_to_its_contact(converted: Flag) -> None:
    state = RecordState(converted, "0", None, LEAD, CONTACT)
    assert choose_plan(state) == ContactPlan(CONTACT, LEAD)


@pytest.mark.parametrize("converted", NO)
def test_however_no_is_spelt_an_open_lead_writes_to_itself(converted: Flag) -> None:
    assert choose_plan(RecordState(converted, False, None, f" {LEAD}", "")) == LeadPlan(LEAD)


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_was_not_read_is_never_taken_for_no(unknown: Flag) -> None:
    assert choose_plan(RecordState(unknown, lead_id=LEAD)) == Held("unreadable")
    assert choose_plan(RecordState(unknown, lead_id=LEAD, contact_id=CONTACT)) == Held("unreadable")
    assert choose_plan(RecordState(False, unknown, lead_id=LEAD)) == Held("unreadable")
    assert choose_plan(RecordState(True, False, None, LEAD, CONTACT, unknown)) == Held("unreadable")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (RecordState(True, lead_id=LEAD), "contact_missing"),
        (RecordState(True, lead_id=LEAD, contact_id=CONTACT, contact_deleted=True), "contact_missing"),
        (RecordState(False, True, OTHER, LEAD), "merged"),
        (RecordState(None, True, OTHER, LEAD), "merged"),
        (RecordState(False, True, lead_id=LEAD), "deleted"),
        (RecordState(True, True, lead_id=LEAD, contact_id=CONTACT), "deleted"),
        (RecordState(False, False, OTHER, LEAD), "unreadable"),
        (RecordState(False, lead_id=LEAD, contact_id=CONTACT), "unreadable"),
        (RecordState(False), "unreadable"),
        (RecordState(False, True, (OTHER, LEAD)), "merged_into_several"),
        (RecordState(False, lead_id=(LEAD, OTHER)), "ambiguous_match"),
        (RecordState(False, lead_id=LEAD, contact_id=(CONTACT, OTHER)), "ambiguous_match"),
        (RecordState(True, lead_id=LEAD, contact_id=CONTACT, person_account=True), "person_account"),
        (RecordState(True, lead_id=LEAD, contact_id=CONTACT, person_account=None), "unreadable"),
        (RecordState(False, lead_id=LEAD, person_account="1"), "person_account"),
        (RecordState(True, True, contact_id=CONTACT, person_account=True), "deleted"),
        (RecordState(None, found="contact", contact_id=CONTACT, contact_deleted=True), "contact_missing"),
        (RecordState(None, found="contact", contact_id=CONTACT, contact_deleted=None), "unreadable"),
        (RecordState(None, False, OTHER, None, CONTACT, True, found="contact"), "merged"),
        (RecordState(None, found="contact", contact_id=(CONTACT, OTHER)), "ambiguous_match"),
        (RecordState(None, found="contact", contact_id=CONTACT, person_account=True), "person_account"),
        (RecordState(None, found="nothing", lead_id=LEAD), "deleted"),
        (RecordState(None, found="nothing", contact_id=CONTACT), "contact_missing"),
    ],
)
def test_held_with_the_reason_that_fits(state: RecordState, reason: str) -> None:
    plan = choose_plan(state)
    assert isinstance(plan, Held) and plan.reason == reason


def test_two_leads_that_became_one_contact_write_to_it() -> None:
    state = RecordState(True, lead_id=(LEAD, OTHER), contact_id=CONTACT)
    assert choose_plan(state) == ContactPlan(CONTACT)


def test_a_person_who_is_a_contact_already_writes_to_it() -> None:
    assert choose_plan(RecordState(None, found="contact", contact_id=CONTACT)) == ContactPlan(CONTACT)


def test_a_new_marketing_record_becomes_a_lead_and_one_that_was_linked_is_never_created_again() -> None:
    assert choose_plan(RecordState(None, found="nothing")) == LeadPlan("")
    for known in product([None, LEAD, (LEAD, OTHER)], [None, CONTACT, (CONTACT, OTHER)]):
        if any(known):
            state = RecordState(None, lead_id=known[0], contact_id=known[1], found="nothing")
            assert isinstance(choose_plan(state), Held)


def test_the_same_id_twice_is_one_record() -> None:
    assert choose_plan(RecordState(False, lead_id=(LEAD, f"{LEAD} ", ""))) == LeadPlan(LEAD)


def test_plans_are_values() -> None:
    assert len({choose_plan(RecordState(False, lead_id=LEAD)), LeadPlan(LEAD)}) == 1
    with pytest.raises(FrozenInstanceError):
        LeadPlan(LEAD).lead_id = OTHER  # type: ignore[misc]
