"""Two spellings of a lane are one lane: one ledger, whichever was there first."""

from __future__ import annotations

from domain_company import carried_on, company, inputs, lead, person, plan, rule, team


def test_a_lane_written_in_two_ways_has_one_ledger() -> None:
    hot = rule("T-1", {"campaign": "Fair"}, team="Enterprise", sets={"lane": "Hot"})
    tables = company(
        team("Enterprise", person("ana"), person("ben")),
        rules=[hot, rule("T-2", team="Enterprise", sets={"lane": "hot "})],
    )
    fair, other = {"CampaignMember.Campaign.Name": "Fair"}, {}
    first = inputs(tables, [lead(1, **fair)])
    made = plan(first)
    later = plan(carried_on(first, made, [lead(2, **other), lead(3, **fair)]))
    assert [one.turn and one.turn.lane for one in (*made.decided, *later.decided)] == ["Hot"] * 3
    assert [one.person for one in (*made.decided, *later.decided)] == ["ana", "ben", "ana"]


def test_a_team_with_one_lane_has_one_ledger_whatever_the_rules_say() -> None:
    rules = [rule("T-1", team="Enterprise", sets={"lane": "Hot"})]
    given = inputs(company(team("Enterprise", lanes=False), rules=rules), [lead(1)])
    assert list(plan(given).ledgers) == [("Enterprise", "")]
