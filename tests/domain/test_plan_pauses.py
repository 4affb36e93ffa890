"""Who is paused, in the plan of one run: out of every turn, and a paused team's leads wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain_company import (
    MONDAY,
    company,
    decided,
    inputs,
    knowing,
    lead,
    leads,
    match,
    only,
    person,
    rule,
    team,
    user_id,
)

from allocator.domain.days import day_basis
from allocator.domain.pauses import Pause, Paused, in_force
from allocator.domain.plan import Inputs, plan
from rules.model import Absence

NOON = MONDAY + timedelta(hours=3)
ANA = Pause(Paused.PERSON, "ana", MONDAY, NOON, "olga", "ill")
TEAM = Pause(Paused.TEAM, "Enterprise", MONDAY, None, "", "inventory")
SAID = "team Enterprise is paused until it is resumed: inventory"


def paused(given: Inputs, *pauses: Pause) -> Inputs:
    return replace(given, pauses=pauses)


def test_a_pause_is_over_at_its_end_and_not_before() -> None:
    assert in_force([ANA, TEAM], NOON - timedelta(microseconds=1)) == (TEAM, ANA)
    assert in_force([ANA, TEAM], NOON) == (TEAM,)


def test_a_pause_says_who_until_when_by_whom_and_why() -> None:
    assert ANA.said == "person ana is paused until 2026-11-02 12:00 UTC by olga: ill"
    assert TEAM.said == SAID
    assert Pause(Paused.SERVICE, "", MONDAY, NOON.astimezone(UTC), reason="x").said == (
        "the service is paused until 2026-11-02 12:00 UTC: x"
    )


def test_a_paused_person_is_out_of_the_turn_until_the_instant_and_neither_earns_nor_pays() -> None:
    made = plan(paused(inputs(company(), leads(4)), ANA))
    assert [one.person for one in made.decided] == ["ben", "chi", "ben", "chi"]
    (ledger,) = made.ledgers.values()
    assert "ana" not in ledger.credits
    (out,) = made.turns[0].skipped
    assert (out.id, out.why, out.until) == ("ana", "paused", NOON)


def test_paused_is_named_before_absent_and_both_are_known() -> None:
    away = person("ana", absences=(Absence(date(2026, 11, 2), date(2026, 11, 6)),))
    (out,) = (
        plan(paused(inputs(company(team("Enterprise", away, person("ben"))), leads(1)), ANA)).turns[0].skipped
    )
    assert (out.why, out.also) == ("paused", ("absent",))


def test_a_team_of_paused_people_falls_back_as_when_they_are_absent() -> None:
    tables = company(
        team("Enterprise", person("ana"), if_nobody="team", fallback_team="Desk"), team("Desk", person("ben"))
    )
    one = only(paused(inputs(tables, leads(1)), ANA))
    assert (one.by, one.person) == ("fallback_team", "ben")


def test_a_paused_teams_leads_wait_whatever_its_fallback_and_so_do_leads_that_would_fall_to_it() -> None:
    desk = team("Desk", person("ben", active=False), if_nobody="team", fallback_team="Enterprise")
    enterprise = team("Enterprise", person("ana"), if_nobody="team", fallback_team="Last")
    rules = (rule("T-1", {"country": "FR"}, team="Desk"), rule("T-2", team="Enterprise"))
    tables = company(enterprise, desk, team("Last", person("chi")), rules=rules)
    one, other = decided(paused(inputs(tables, [lead(1), lead(2, Country="FR")]), TEAM))
    assert (one.reason, one.detail, one.team, one.turn) == ("paused", SAID, "Enterprise", None)
    assert (other.reason, other.detail, other.team) == ("paused", SAID, "Desk")


def test_a_rule_that_names_somebody_paused_holds_and_says_which() -> None:
    tables = company(rules=(rule("T-1", owner="ana"),))
    one = only(paused(inputs(tables, leads(1)), ANA))
    assert (one.reason, one.detail) == (
        "nobody_available",
        "ana is named by the rule: paused until 2026-11-02 12:00 UTC",
    )
    one = only(paused(inputs(tables, leads(1)), TEAM))
    assert (one.reason, one.detail) == ("paused", f"ana is named by the rule: {SAID}")


def test_a_known_owner_who_is_paused_or_whose_team_is_lets_the_next_decide_and_says_why() -> None:
    tables = company(
        team("Desk", person("chi")), team("Enterprise", person("ana")), rules=(rule("T-1", team="Desk"),)
    )
    known = knowing(tables, people={"x@acme.com": (match("Contact", 7, user_id("ana")),)})
    given = inputs(tables, [lead(1, Email="x@acme.com")], lookups=known)
    assert only(given).person == "ana"
    for pause, why in ((ANA, "ana: paused until 2026-11-02 12:00 UTC"), (TEAM, f"ana: {SAID}")):
        one = only(paused(given, pause))
        assert one.person == "chi"
        assert one.trace["considered"][0]["why_not"] == why


def test_a_hold_depends_on_who_is_paused_and_not_on_until_when_or_why() -> None:
    given = inputs(company(), ())

    def basis(*pauses: Pause, at: datetime = MONDAY) -> str:
        return day_basis(given.tables, at, given.lookups, pauses)

    assert len({basis(), basis(ANA), basis(TEAM), basis(ANA, TEAM)}) == 4
    assert basis(ANA) == basis(replace(ANA, until=None, reason="other", by=""))
    assert basis(ANA, TEAM) == basis(TEAM, ANA)


def test_a_pause_of_somebody_whom_the_tables_do_not_know_changes_no_owner() -> None:
    given = inputs(company(), leads(3))
    gone = (replace(ANA, name="zoe"), replace(TEAM, name="Gone"))
    assert [d.person for d in decided(paused(given, *gone))] == [d.person for d in decided(given)]
