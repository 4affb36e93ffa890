"""Turns, holds and traces of one run; F6, F8 and F13 of the turns."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from domain_company import (
    MONDAY,
    TO_ENTERPRISE,
    carried_on,
    company,
    decided,
    everybody,
    inputs,
    knowing,
    lead,
    leads,
    match,
    only,
    owners,
    person,
    rule,
    team,
    user_id,
)

from allocator.domain.lead import State
from allocator.domain.plan import (
    Lookups,
    plan,
    unusable_people,
)
from rules.model import Absence, Salesperson

TODAY = MONDAY.date()
DAY = timedelta(days=1)
ANA, BEN, CHI = (user_id(name) for name in ("ana", "ben", "chi"))


# --- turns ------------------------------------------------------------------------------------------------


def test_a_team_takes_turns() -> None:
    made = plan(inputs(company(), leads(6)))
    assert [d.person for d in made.decided] == ["ana", "ben", "chi", "ana", "ben", "chi"]
    assert {(d.by, d.team, d.state) for d in made.decided} == {("turn", "Enterprise", State.DECIDED)}
    assert [d.owner for d in made.decided[:3]] == [ANA, BEN, CHI]
    assert list(made.ledgers) == [("Enterprise", "")]


def test_turns_are_numbered_without_a_gap_in_lane_and_team() -> None:
    hot = rule("T-1", {"source": "Hot"}, team="Enterprise", sets={"lane": "hot"})
    work = [lead(n, LeadSource="Hot" if n % 3 else "Cold") for n in range(12)]
    turns = plan(inputs(company(rules=(hot, TO_ENTERPRISE)), work)).turns
    assert [t.turn.sequence for t in turns] == list(range(1, 13))
    for lane in ("", "hot"):
        numbers = [t.turn.number for t in turns if t.lane == lane]
        assert numbers == list(range(1, len(numbers) + 1))


def test_each_lane_keeps_its_own_ledger_so_hot_leads_are_shared_evenly_too() -> None:
    hot = rule("T-1", {"source": "Hot"}, team="Enterprise", sets={"lane": "hot"})
    work = [lead(n, LeadSource="Hot" if n % 3 == 0 else "Cold") for n in range(18)]
    made = plan(inputs(company(rules=(hot, TO_ENTERPRISE)), work))
    got = sorted(d.person or "" for d in made.decided if d.lane == "hot")
    assert got == ["ana", "ana", "ben", "ben", "chi", "chi"]
    assert set(made.ledgers) == {("Enterprise", ""), ("Enterprise", "hot")}


def test_two_rules_that_feed_one_team_share_its_ledger() -> None:
    rules = (rule("T-1", {"source": "Web"}, team="Enterprise"), TO_ENTERPRISE)
    work = [lead(n, LeadSource="Web" if n % 2 else "Fair") for n in range(6)]
    assert owners(inputs(company(rules=rules), work)) == ["ana", "ben", "chi", "ana", "ben", "chi"]


def test_who_joins_gets_one_of_the_first_leads_and_who_leaves_changes_nobody_elses_credit() -> None:
    before = inputs(company(), leads(7))
    made = plan(before)
    joined = company(team("Enterprise", person("ana"), person("ben"), person("chi"), person("dan")))
    with_dan = carried_on(before, made, [lead(n) for n in range(7, 11)])
    with_dan = replace(with_dan, tables=joined, lookups=knowing(joined))
    assert sorted(owners(with_dan)) == ["ana", "ben", "chi", "dan"]
    left = company(team("Enterprise", person("ana"), person("ben")))
    without_chi = replace(carried_on(before, made, leads(2)), tables=left)
    old, new = made.ledgers["Enterprise", ""], plan(without_chi).ledgers["Enterprise", ""]
    assert new.credits["chi"] == old.credits["chi"]


@pytest.mark.parametrize(
    "out",
    [
        {"active": False},
        {"start": TODAY + DAY},
        {"end": TODAY - DAY},
        {"absences": (Absence(TODAY, TODAY),)},
    ],
)
def test_who_is_inactive_not_started_ended_or_absent_gets_no_lead(out: dict[str, object]) -> None:
    tables = company(team("Enterprise", person("ana", **out), person("ben")))
    lookups = knowing(tables, people={"x@acme.com": (match("Contact", 1, ANA),)})
    work = [lead(1), lead(2, Email="x@acme.com"), lead(3)]
    assert owners(inputs(tables, work, lookups=lookups)) == ["ben", "ben", "ben"]


def test_whom_the_crm_calls_inactive_or_does_not_know_gets_no_lead() -> None:
    tables = company()
    users = everybody(tables, inactive=["ana"])
    del users[BEN]
    assert unusable_people(tables, users) == {"ana": "crm_inactive", "ben": "crm_unknown"}
    one = only(inputs(tables, [lead(1)], lookups=Lookups(users=users)))
    assert one.person == "chi"
    assert one.turn is not None
    assert [(s.id, s.why) for s in one.turn.skipped] == [("ana", "crm_inactive"), ("ben", "crm_unknown")]


def test_a_crm_that_knows_nobody_gets_no_owner_while_one_that_was_not_asked_says_nothing() -> None:
    knows_nobody = only(inputs(company(), [lead(1)], lookups=Lookups(users={})))
    assert (knows_nobody.reason, knows_nobody.detail) == ("nobody_available", "Enterprise: 3 crm_unknown")
    assert only(inputs(company(), [lead(1)], lookups=Lookups())).person == "ana"


def test_only_who_has_the_language_and_the_tags_takes_a_lead_that_asks_for_them() -> None:
    tables = company(
        team("Enterprise", person("ana"), person("ben", languages=frozenset({"de"})), person("chi")),
        rules=(rule("T-1", {"country": "DE"}, team="Enterprise", sets={"language": "de"}), TO_ENTERPRISE),
    )
    assert owners(inputs(tables, [lead(1, Country="Germany"), lead(2, Country="DE")])) == ["ben", "ben"]


@pytest.mark.parametrize(
    ("people", "reason", "detail"),
    [
        (
            (person("ana", absences=(Absence(TODAY, TODAY),)), person("ben", active=False)),
            "nobody_available",
            "1 absent, 1 inactive",
        ),
        (
            (person("ana", daily_cap=1), person("ben", absences=(Absence(TODAY, TODAY),))),
            "all_capped",
            "1 absent, 1 daily_cap",
        ),
        ((person("ana", languages=frozenset({"fr"})),), "no_skill", "1 language"),
    ],
)
def test_a_held_lead_says_which_reason_and_how_many_are_out_why(
    people: tuple[Salesperson, ...], reason: str, detail: str
) -> None:
    needs = {"sets": {"language": "de"}} if reason == "no_skill" else {}
    tables = company(team("Enterprise", *people), rules=(rule("T-1", team="Enterprise", **needs),))
    one = only(inputs(tables, [lead(1)], given=[("Enterprise", "ana", MONDAY)]))
    assert (one.state, one.reason, one.team) == (State.HELD, reason, "Enterprise")
    assert one.detail == f"Enterprise: {detail}"
    assert one.trace["considered"] == [{"what": "team", "key": "Enterprise", "why_not": detail}]


def test_a_lead_that_no_rule_wants_is_held_and_so_is_one_with_an_unknown_value() -> None:
    tables = company(rules=(rule("T-1", {"country": "DE"}, team="Enterprise"),))
    made = decided(inputs(tables, [lead(1, Country="FR"), lead(2, Country="Atlantis")]))
    assert [d.reason for d in made] == ["no_rule", "unmapped_value"]
    assert "Atlantis" in made[1].detail


def test_an_unreadable_record_is_held_and_the_others_go_on() -> None:
    broken = lead(1)
    broken = replace(broken, record=replace(broken.record, unreadable="no Id"))
    made = decided(inputs(company(), [broken, lead(2)]))
    assert [(d.state, d.reason, d.detail) for d in made] == [
        (State.HELD, "unreadable", "no Id"),
        (State.DECIDED, None, ""),
    ]


# --- traces -----------------------------------------------------------------------------------------------

AWFUL = ("\x00\ud800<b>'\";--" + "x" * 100_000, "9" * 100_000, "\x00", "é" * 100_000 + "@" + "é" * 100_000)


@pytest.mark.parametrize("text", AWFUL)
def test_a_lead_of_awful_text_is_decided_or_held_and_its_trace_stays_small(text: str) -> None:
    fields = dict.fromkeys(
        ("Email", "Company", "Country", "NumberOfEmployees", "CreatedDate", "LeadSource", "Language__c"), text
    )
    rules = (rule("T-1", {"employees": "> 10", "country": "DE"}, team="Enterprise"), TO_ENTERPRISE)
    for chosen in (rules, rules[:1]):
        one = only(inputs(company(rules=chosen), [lead(1, **fields)]))
        said = json.dumps(one.trace, ensure_ascii=False)
        assert len(said.encode("utf-8")) < 20_000
        assert "\\u0000" not in said
        assert len(one.detail) <= 500


def test_an_unreadable_records_reason_stays_short() -> None:
    broken = lead(1)
    broken = replace(broken, record=replace(broken.record, unreadable="\x00" + "y" * 5_000))
    assert len(only(inputs(company(), [broken])).detail) == 500


def test_a_trace_names_facts_steps_and_needs() -> None:
    rules = (
        rule("T-1", {"country": "DE"}, team="Enterprise", sets={"language": "de", "tags": "health, it"}),
    )
    one = only(inputs(company(rules=rules), [lead(1, Country="Germany", LeadSource="Web")]))
    assert one.trace["facts"]["country"] == "DE"
    assert one.trace["steps"][0]["rule_id"] == "T-1"
    assert one.trace["needs"] == {"language": "de", "tags": ["health", "it"]}
    assert one.reason == "no_skill"
