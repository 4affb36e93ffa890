"""The choices of a team in the plan of one run: who is charged, by what a lead was given, and hours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
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
from allocator.domain.plan import plan
from rules.hours import parse_hours
from rules.model import Absence
from rules.rotation import U

LATE_SHIFT = parse_hours("Mon-Fri 12:00-20:00")
OFFICE = parse_hours("Mon-Fri 08:00-17:00")
AWAY = (Absence(date(2026, 11, 2), date(2026, 11, 6), "holiday", "ben"),)


@pytest.mark.parametrize(("choice", "paid"), [("charge", U - U // 3), ("free", 0)])
def test_a_look_up_costs_its_owner_a_turn_where_the_team_says_so(choice: str, paid: int) -> None:
    people = (person("ana"), person("ben"), person("chi"))
    tables = company(team("Enterprise", *people, owner_override=choice))
    known = knowing(tables, people={"x@acme.com": (match("Contact", 7, user_id("ana")),)})
    made = plan(inputs(tables, [lead(1, Email="x@acme.com")], lookups=known))
    (one,) = made.decided
    assert (one.person, one.by) == ("ana", "person_match")
    assert [row.turn.kind for row in made.turns] == (["override"] if paid else [])
    assert -sum(ledger.credits["ana"] for ledger in made.ledgers.values()) == paid


def test_a_charged_owner_of_another_team_pays_in_their_own_and_needs_no_language_there() -> None:
    desk = team("Desk", person("dee"), person("eli"), owner_override="charge")
    rules = (rule("T-1", team="Enterprise", sets={"language": "fr"}),)
    tables = company(team("Enterprise", person("ana", languages=frozenset({"fr"}))), desk, rules=rules)
    known = knowing(tables, people={"x@acme.com": (match("Contact", 7, user_id("dee")),)})
    made = plan(inputs(tables, [lead(1, Email="x@acme.com")], lookups=known))
    (ledger,) = made.ledgers.values()
    assert dict(ledger.credits) == {"dee": U // 2 - U, "eli": U // 2}


def test_a_turn_that_a_delegate_serves_says_so_and_counts_to_the_delegates_cap() -> None:
    people = (person("ana", absences=AWAY), person("ben", daily_cap=3), person("chi"))
    made = decided(inputs(company(team("Enterprise", *people, delegate="absentee")), leads(6)))
    assert [(one.person, one.by) for one in made] == [
        ("ben", "delegate"),
        ("ben", "turn"),
        ("chi", "turn"),
        ("ben", "delegate"),
        ("chi", "turn"),  # ben is at the cap, so ana has nobody who serves
        ("chi", "turn"),
    ]


def test_a_known_owner_gets_the_lead_also_outside_working_hours() -> None:
    tables = company(team("Enterprise", person("ana", hours=LATE_SHIFT), person("ben")))
    known = knowing(tables, people={"x@acme.com": (match("Contact", 7, user_id("ana")),)})
    assert only(inputs(tables, [lead(1, Email="x@acme.com")], lookups=known)).person == "ana"
    assert only(inputs(tables, leads(1))).person == "ben"


def test_a_lead_that_waits_for_working_hours_is_due_again_as_soon_as_they_begin() -> None:
    tables = company(team("Enterprise", person("ana"), hours=OFFICE))
    early = MONDAY.replace(hour=4)
    one = only(inputs(tables, leads(1), now=early))
    assert (one.reason, one.detail) == ("nobody_available", "Enterprise: 1 outside_hours")
    asleep, still, awake = (
        day_basis(tables, early + timedelta(hours=later), knowing(tables)) for later in (0, 1, 6)
    )
    assert asleep == still != awake


def test_one_lane_counts_all_leads_together() -> None:
    people = (person("ana"), person("ben"))
    rules = (
        rule("T-1", {"country": "FR"}, team="Enterprise", sets={"lane": "hot"}),
        rule("T-2", team="Enterprise"),
    )
    for lanes, places in ((True, {"", "hot"}), (False, {""})):
        tables = company(team("Enterprise", *people, lanes=lanes), rules=rules)
        made = plan(inputs(tables, [lead(1, Country="FR"), lead(2)]))
        assert {lane for _, lane in made.ledgers} == places
