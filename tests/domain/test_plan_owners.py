"""Owners that no turn gave, in the order of precedence, and leads that came back; F10 and F11."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from domain_company import (
    INTAKE,
    MONDAY,
    TO_ENTERPRISE,
    company,
    decided,
    inputs,
    knowing,
    lead,
    match,
    only,
    person,
    rule,
    team,
    user_id,
)

from allocator.domain.lead import State
from allocator.domain.plan import (
    Inputs,
    Work,
    needed_domains,
    needed_emails,
    plan,
)
from rules.model import Absence, OwnerOverride

TODAY = MONDAY.date()
DAY = timedelta(days=1)
ANA, BEN, CHI = (user_id(name) for name in ("ana", "ben", "chi"))


def why_not(given: Inputs) -> list[str]:
    """What was considered for the only lead, and why it did not count."""
    return [note["why_not"] for note in only(given).trace["considered"] if "why_not" in note]


# --- precedence -------------------------------------------------------------------------------------------

EVERY_WAY = {"Email": "x@acme.com"}


def every_way(*rules: object, **out: object) -> Inputs:
    """A lead that override (ben), same e-mail (chi) and account (ana) all know."""
    tables = company(
        team("Enterprise", person("ana"), person("ben", **out), person("chi")),
        rules=(*rules, TO_ENTERPRISE),  # type: ignore[arg-type]
        overrides=[OwnerOverride("acme.com", "ben", None, "A2")],
        known_account="owner",
    )
    lookups = knowing(
        tables,
        people={"x@acme.com": (match("Contact", 1, CHI),)},
        accounts={"acme.com": (match("Account", 1, ANA),)},
    )
    return inputs(tables, [lead(1, **EVERY_WAY)], lookups=lookups)


def test_then_hold_comes_before_everything() -> None:
    one = only(every_way(rule("T-1", hold="Competitor")))
    assert (one.state, one.reason, one.detail) == (State.HELD, "rule_hold", "Competitor")


def test_then_owner_comes_before_overrides_and_takes_no_turn() -> None:
    one = only(every_way(rule("T-1", owner="ana")))
    assert (one.by, one.person, one.owner, one.turn) == ("rule_owner", "ana", ANA, None)


def test_an_override_comes_before_the_same_email() -> None:
    one = only(every_way())
    assert (one.by, one.person, one.team) == ("override", "ben", "Enterprise")
    assert one.trace["considered"] == [{"what": "override", "key": "acme.com", "person": "ben", "cell": "A2"}]


def test_the_same_email_comes_before_the_known_account() -> None:
    one = only(every_way(active=False))
    assert (one.by, one.person, one.turn) == ("person_match", "chi", None)


def test_the_known_account_comes_before_the_turn() -> None:
    given = every_way(active=False)
    given = replace(given, lookups=replace(given.lookups, people={}))
    one = only(given)
    assert (one.by, one.person, one.turn) == ("account", "ana", None)


def test_an_owned_lead_takes_no_turn() -> None:
    assert plan(every_way()).ledgers == {}


def test_an_owner_is_found_even_where_no_rule_decides() -> None:
    tables = company(rules=())
    lookups = knowing(tables, people={"x@acme.com": (match("Lead", 7, BEN),)})
    assert only(inputs(tables, [lead(1, Email="X@Acme.com ")], lookups=lookups)).person == "ben"


def test_an_absent_rule_owner_holds_the_lead_for_nobody_else() -> None:
    tables = company(
        team("Enterprise", person("ana", absences=(Absence(TODAY, TODAY),)), person("ben")),
        rules=(rule("T-1", owner="ana"),),
    )
    one = only(inputs(tables, [lead(1)]))
    assert (one.reason, one.detail) == (
        "nobody_available",
        "ana is named by the rule: absent until 2026-11-02",
    )


# --- overrides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "email"),
    [
        ("acme.com", "x@ACME.com"),
        ("001bookings.com", "x@001bookings.com"),
        ("müller.de", "x@Müller.de"),
    ],
)
def test_an_override_names_a_domain_in_any_spelling(key: str, email: str) -> None:
    tables = company(overrides=[OwnerOverride(key, "chi")])
    given = inputs(tables, [lead(1, Email=email)])
    assert only(given).person == "chi"
    assert needed_domains(given) == frozenset()


def test_an_override_by_account_id_asks_for_the_account() -> None:
    tables = company(overrides=[OwnerOverride("001000000000000009", "chi")])
    lookups = knowing(tables, accounts={"acme.com": (match("Account", 9, ANA),)})
    given = inputs(tables, [lead(1, Email="x@acme.com")], lookups=lookups)
    assert needed_domains(given) == {"acme.com"}
    assert (only(given).by, only(given).person) == ("override", "chi")


def test_an_override_ends_after_its_last_day() -> None:
    for until, by in ((TODAY, "override"), (TODAY - DAY, "turn")):
        tables = company(overrides=[OwnerOverride("acme.com", "chi", until)])
        assert only(inputs(tables, [lead(1, Email="x@acme.com")])).by == by


def test_an_override_that_ended_hides_no_other_one() -> None:
    ended = OwnerOverride("acme.com", "chi", TODAY - DAY)
    tables = company(overrides=[OwnerOverride("acme.com", "ben"), ended])
    assert only(inputs(tables, [lead(1, Email="x@acme.com")])).person == "ben"


def test_an_override_whose_person_is_away_lets_the_next_decide_and_says_why() -> None:
    away = person("ben", absences=(Absence(TODAY, date(2026, 11, 6)),))
    tables = company(
        team("Enterprise", person("ana"), away), overrides=[OwnerOverride("acme.com", "ben", None, "A2")]
    )
    given = inputs(tables, [lead(1, Email="x@acme.com")])
    assert (only(given).by, only(given).person) == ("turn", "ana")
    assert why_not(given) == ["ben: absent until 2026-11-06"]


# --- look-ups ---------------------------------------------------------------------------------------------


def with_people(*owned_by: str, work: Work | None = None, **settings: str) -> Inputs:
    tables = company(
        team("Enterprise", person("ana", daily_cap=1), person("ben"), person("chi", active=False)), **settings
    )
    found = tuple(match("Contact", n, owner) for n, owner in enumerate(owned_by))
    lookups = knowing(tables, people={"x@acme.com": found})
    return inputs(tables, [work or lead(50, Email="x@acme.com")], lookups=lookups)


def test_several_records_of_one_owner_count() -> None:
    assert only(with_people(BEN, BEN)).by == "person_match"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (with_people(ANA, BEN), "2 different owners"),
        (with_people("005STRANGER"), "owner 005STRANGER is not on Salespeople"),
        (with_people(CHI), "chi: inactive"),
        (
            replace(with_people(ANA), given=(("Enterprise", "ana", MONDAY),)),
            "ana: daily_cap until 2026-11-03",
        ),
    ],
)
def test_a_lookup_without_one_owner_who_can_take_it_lets_the_turn_decide_and_says_why(
    given: Inputs, why: str
) -> None:
    assert only(given).by == "turn"
    assert why_not(given) == [why]


def test_a_record_that_still_waits_in_intake_owns_nothing() -> None:
    one = only(with_people(INTAKE))
    assert (one.by, one.trace["considered"]) == ("turn", [])


def test_a_lead_is_not_its_own_duplicate() -> None:
    given = with_people(work=lead(50, Email="x@acme.com"))
    itself = (match("Lead", 50, BEN),)
    given = replace(given, lookups=replace(given.lookups, people={"x@acme.com": itself}))
    assert only(given).by == "turn"


def test_the_setting_hold_holds_a_second_lead_of_one_person() -> None:
    one = only(with_people(BEN, ANA, same_email="hold"))
    assert (one.reason, one.state) == ("duplicate_person", State.HELD)
    assert one.detail == "same e-mail as Contact 003000000000000000, Contact 003000000000000001"


def test_the_setting_ignore_asks_for_no_email() -> None:
    given = with_people(BEN, same_email="ignore")
    assert needed_emails(given) == frozenset()
    assert only(given).by == "turn"
    assert needed_emails(with_people(BEN)) == {"x@acme.com"}


def test_two_leads_of_one_person_in_one_run_go_to_one_owner() -> None:
    work = [lead(1, Email="x@acme.com"), lead(2), lead(3, Email=" X@ACME.COM")]
    made = decided(inputs(company(), work))
    assert [(d.by, d.person) for d in made] == [("turn", "ana"), ("turn", "ben"), ("person_match", "ana")]


def test_leads_whose_email_says_nothing_are_not_one_person() -> None:
    work = [lead(n, Email=text) for n, text in enumerate(("none", "n/a", "none", "@", "none"))]
    given = inputs(company(), work)
    assert {d.by for d in decided(given)} == {"turn"}
    assert needed_emails(given) == frozenset()


def test_the_order_in_which_the_crm_answers_changes_nothing() -> None:
    some = with_people(BEN, BEN, BEN)
    people = {"x@acme.com": tuple(reversed(some.lookups.people["x@acme.com"]))}
    assert decided(replace(some, lookups=replace(some.lookups, people=people))) == decided(some)


# --- returned leads ---------------------------------------------------------------------------------------


def test_who_returned_a_lead_is_not_first_choice() -> None:
    given = inputs(company(), [lead(1, stood_back=frozenset({"ana"}))])
    one = only(given)
    assert one.person == "ben"
    assert one.turn is not None
    assert [(s.id, s.why) for s in one.turn.skipped] == [("ana", "not_first")]


def test_who_returned_a_lead_gets_it_again_when_nobody_else_can() -> None:
    tables = company(team("Enterprise", person("ana"), person("ben", active=False)))
    assert only(inputs(tables, [lead(1, stood_back=frozenset({"ana"}))])).person == "ana"


@pytest.mark.parametrize(
    "given",
    [
        with_people(BEN, work=lead(50, Email="x@acme.com", stood_back=frozenset({"ben"}))),
        inputs(
            company(overrides=[OwnerOverride("acme.com", "ben")]),
            [lead(1, Email="x@acme.com", stood_back=frozenset({"ben"}))],
        ),
    ],
)
def test_an_owner_who_returned_the_lead_lets_the_next_decide(given: Inputs) -> None:
    assert (only(given).by, only(given).person) == ("turn", "ana")
    assert why_not(given) == ["ben had this lead before"]


def test_an_owner_who_returned_the_lead_gets_it_again_where_nobody_else_can() -> None:
    tables = company(rules=(), overrides=[OwnerOverride("acme.com", "ben")])
    one = only(inputs(tables, [lead(1, Email="x@acme.com", stood_back=frozenset({"ben"}))]))
    assert (one.by, one.person) == ("override", "ben")
    assert "why_not" not in one.trace["considered"][0]
