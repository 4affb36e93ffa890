"""Each kind of CRM has exactly one plan in every state: invariants I12 and I13, proven and enumerated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product

import pytest

from rules.conversion import (
    PLAN_REASONS,
    PROFILES,
    ContactPlan,
    Flag,
    Held,
    Ids,
    LeadPlan,
    RecordState,
    choose_plan,
)
from rules.plans.contact_with_leads import CONTACT_WITH_LEADS as DYNAMICS
from rules.plans.lead_or_contact import LEAD_OR_CONTACT as SALESFORCE
from rules.plans.profile import REASONS, Profile, Row, flaws, hold

LEAD, OTHER, CONTACT = "00Q000000000001AAA", "00Q000000000002AAA", "003000000000001AAA"
CONVERTED: list[Flag] = [False, True, None, 0, 1, "1"]
STATECODES: list[Flag] = [*CONVERTED, 2, "2", 3]
FLAGS: list[Flag] = [False, "1", None]
LEADS: list[Ids] = [None, LEAD, (LEAD, OTHER)]
CONTACTS: list[Ids] = [None, CONTACT, (CONTACT, OTHER)]
MASTERS: list[Ids] = [None, OTHER, (OTHER, LEAD)]
FOUND = ["lead", "contact", "nothing", "?"]
each_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))


def every_state(profile: Profile) -> Iterator[RecordState]:
    """Raw states: the facts of the profile free, the others as they are by default."""
    free: dict[str, list[object]] = {
        "converted": [*(STATECODES if profile is DYNAMICS else CONVERTED)],
        "deleted": [*FLAGS],
        "master_id": [*MASTERS],
        "lead_id": [*LEADS],
        "contact_id": [*CONTACTS],
        "contact_deleted": [*FLAGS],
        "person_account": [*FLAGS],
        "marketing_only": [*FLAGS],
        "found": [*FOUND],
    }
    names = [fact.name for fact in profile.facts]
    for values in product(*(free[name] for name in names)):
        given = dict(zip(names, values, strict=True))
        yield RecordState(**{"converted": None, **given})  # type: ignore[arg-type]


def holding(profile: Profile, facts: dict[str, str]) -> list[Row]:
    return [row for row in profile.rows if row.holds(facts)]


@each_profile
def test_in_every_state_of_the_facts_the_condition_of_exactly_one_plan_holds(profile: Profile) -> None:
    names = [fact.name for fact in profile.facts]
    states = list(product(*(fact.values for fact in profile.facts)))
    assert len(states) == profile.states
    for values in states:
        facts = dict(zip(names, values, strict=True))
        assert len(holding(profile, facts)) == 1, facts


@each_profile
def test_the_proof_agrees_with_the_enumeration(profile: Profile) -> None:
    assert list(flaws(profile)) == []


@each_profile
def test_every_raw_state_has_one_plan_and_a_converted_or_deleted_lead_is_never_written(
    profile: Profile,
) -> None:
    qualified = {str(c) for c in (True, 1, "1", None, 2, "2", 3)}
    for state in every_state(profile):
        plan = choose_plan(state, profile)
        assert [type(plan) is t for t in (LeadPlan, ContactPlan, Held)].count(True) == 1
        if isinstance(plan, LeadPlan) and state.found == "lead":
            assert str(state.converted) not in qualified and state.deleted is False and plan.lead_id == LEAD
        if isinstance(plan, LeadPlan) and not plan.lead_id:
            assert (state.found, state.lead_id, state.contact_id) == ("nothing", None, None)
        if isinstance(plan, ContactPlan):
            assert plan.contact_id == CONTACT and state.contact_deleted is False
        if isinstance(plan, Held):
            assert plan.reason in PLAN_REASONS


def test_every_reason_of_the_closed_list_is_explained_and_given_by_some_profile() -> None:
    assert set(REASONS) == set(PLAN_REASONS)
    given = {row.reason for profile in PROFILES.values() for row in profile.rows}
    assert given == {*PLAN_REASONS, None}


@each_profile
def test_only_rows_that_hold_have_a_reason_and_only_rows_that_write_have_a_target(profile: Profile) -> None:
    for row in profile.rows:
        assert (row.plan == "held") == (row.reason is not None) == (row.target == "")
        assert row.why.endswith(".")


@each_profile
def test_no_two_rows_of_a_profile_say_the_same(profile: Profile) -> None:
    said = [(row.why, row.when.get("found")) for row in profile.rows]
    assert len(said) == len(set(said))


@each_profile
def test_every_fact_is_one_of_the_states(profile: Profile) -> None:
    assert {fact.name for fact in profile.facts} <= {field.name for field in fields(RecordState)}


@each_profile
def test_each_row_taken_away_is_missed(profile: Profile) -> None:
    for n in range(len(profile.rows)):
        less = replace(profile, rows=profile.rows[:n] + profile.rows[n + 1 :])
        assert any("cover" in flaw for flaw in flaws(less))


@each_profile
def test_each_condition_taken_away_lets_two_plans_hold(profile: Profile) -> None:
    for n, row in enumerate(profile.rows):
        for name in row.when:
            wider = replace(row, when={k: v for k, v in row.when.items() if k != name})
            changed = replace(profile, rows=(*profile.rows[:n], wider, *profile.rows[n + 1 :]))
            assert any("together" in flaw for flaw in flaws(changed)), (row, name)


def test_a_condition_on_something_unknown_is_a_flaw() -> None:
    for row in (hold("deleted", "Deleted.", removed="yes"), hold("deleted", "Deleted.", deleted="perhaps")):
        assert any("does not exist" in flaw for flaw in flaws(replace(SALESFORCE, rows=(row,))))


@pytest.mark.parametrize("raw", [1.0, [], {}, object(), b"1", float("nan")])
def test_whatever_was_read_instead_of_an_id_or_a_flag_is_not_taken_for_one(raw: object) -> None:
    state = RecordState(False, lead_id=LEAD)
    for name in ("converted", "deleted", "person_account"):
        assert choose_plan(replace(state, **{name: raw})) == Held("unreadable")  # type: ignore[arg-type]
    assert choose_plan(replace(state, lead_id=raw)) == Held("unreadable")  # type: ignore[arg-type]


# -- Dynamics: one person, many leads ---


def dynamics(statecode: Flag, **given: object) -> LeadPlan | ContactPlan | Held:
    state = RecordState(statecode, lead_id=LEAD)
    return choose_plan(replace(state, **given), DYNAMICS)  # type: ignore[arg-type]


def test_an_open_lead_is_written_while_its_contact_is_missing_or_for_marketing_only() -> None:
    assert dynamics(0) == LeadPlan(LEAD)
    assert dynamics(0, contact_id=CONTACT, marketing_only=True) == LeadPlan(LEAD)
    assert dynamics("0", contact_id=CONTACT, contact_deleted=True) == LeadPlan(LEAD)


def test_the_open_lead_of_somebody_who_is_a_contact_of_sales_writes_to_the_contact() -> None:
    assert dynamics(0, contact_id=CONTACT, marketing_only=False) == ContactPlan(CONTACT, LEAD)
    assert dynamics(0, contact_id=CONTACT, marketing_only=None) == Held("unreadable")


@pytest.mark.parametrize("marketing_only", FLAGS)
def test_a_qualified_lead_writes_to_the_contact_whether_or_not_it_is_for_marketing_only(
    marketing_only: Flag,
) -> None:
    given = {"contact_id": CONTACT, "marketing_only": marketing_only}
    assert dynamics(1, **given) == ContactPlan(CONTACT, LEAD)
    assert dynamics("1", **given) == ContactPlan(CONTACT, LEAD)


def test_a_lead_that_was_qualified_without_a_contact_is_held() -> None:
    assert dynamics(1) == Held("contact_missing")
    assert dynamics(1, contact_id=CONTACT, contact_deleted=True) == Held("contact_missing")


def test_a_disqualified_lead_is_read_only_so_its_contact_is_written_or_nothing() -> None:
    assert dynamics(2) == Held("disqualified")
    assert dynamics("2", contact_id=CONTACT) == ContactPlan(CONTACT, LEAD)


def test_the_contact_of_several_leads_is_the_person_and_without_it_none_is_guessed() -> None:
    assert dynamics(0, lead_id=(LEAD, OTHER), contact_id=CONTACT) == ContactPlan(CONTACT)
    assert dynamics(None, lead_id=(LEAD, OTHER)) == Held("ambiguous_match")
    assert dynamics(0, contact_id=(CONTACT, OTHER)) == Held("ambiguous_match")


def test_a_contact_without_a_lead_is_written_also_if_it_is_for_marketing_only() -> None:
    for marketing_only in FLAGS:
        state = RecordState(None, contact_id=CONTACT, marketing_only=marketing_only, found="contact")
        assert choose_plan(state, DYNAMICS) == ContactPlan(CONTACT)


def test_a_merged_lead_of_dynamics_is_not_deleted_and_yet_merged() -> None:
    assert dynamics(2, master_id=OTHER) == Held("merged")
    assert dynamics(2, master_id=(OTHER, LEAD)) == Held("merged_into_several")


def test_a_lead_of_dynamics_knows_no_person_accounts() -> None:
    assert dynamics(0, person_account=True) == LeadPlan(LEAD)
