"""Replays: light turns, counts and rules in bulk say what the full ones say."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from domain_company import MONDAY, company, lead, person, rule, team

from allocator.domain.days import counts_under_caps
from allocator.domain.facts import SALESFORCE_FACTS, facts_of
from allocator.domain.impact import Because, Impact, Moved, Place, in_words
from allocator.domain.lead import LeadKey
from allocator.domain.past import Past, PastDecision, PastRun
from allocator.domain.roster import Counts
from allocator.domain.walked import BULK, RawLeads, Walked
from rules.layers import decide
from rules.rotation import Rotation, split_of


def test_a_booked_turn_is_the_turn_that_would_have_been_recorded() -> None:
    random, full, light = Random(1), Rotation(), Rotation()
    taken: list[tuple[Any, Any]] = []
    for _ in range(400):
        lane = random.choice(["", "west"])
        people = {p: random.choice([1, 2, 7]) for p in random.sample("abcde", random.randint(1, 5))}
        taken.append((full.take(lane, people), light.book(lane, split_of(people))))
        if random.random() < 0.2:
            turn, booking = taken.pop()
            full.give_back(booking.lane, turn)
            live = [b.sequence for _, b in taken if b.owner == booking.owner]
            light.unbook(booking, max(live, default=0), streak=0)
        else:
            assert (taken[-1][0].owner, taken[-1][0].sequence) == (taken[-1][1].owner, taken[-1][1].sequence)
    assert all(full.ledger(lane) == light.ledger(lane) for lane in ("", "west"))


def test_counts_by_day_are_those_that_caps_count_from_a_list() -> None:
    random = Random(2)
    one = team("Enterprise", person("ana", daily_cap=3), person("ben"), time_zone="America/New_York")
    counts, given = Counts(company(one)), []
    for hour in range(24 * 16):
        at = MONDAY + timedelta(hours=hour)
        assert counts.taken("Enterprise", at) == counts_under_caps(one, given, at) or all(
            tuple(taken) == (0, 0)
            for name, taken in counts.taken("Enterprise", at).items()
            if counts_under_caps(one, given, at).get(name) is None
        )
        for name in random.sample(["ana", "ben"], random.randint(0, 2)):
            counts.add("Enterprise", name, at)
            given.append(("Enterprise", name, at))


def test_rules_of_many_past_leads_at_once_say_what_they_say_of_each() -> None:
    random = Random(3)
    odd = ["DE", "germany", "", None, "Nowhere", "FR", 7, True, 1.5, {"city": "Berlin"}, ["a"], "x" * 500]
    tables = company(
        rules=(
            rule("T-1", {"country": "DE", "employees": ">=50"}, team="Enterprise"),
            rule("T-2", {"country": "FR"}, hold="France waits"),
            rule("T-3", {"campaign": "WEB-*"}, owner="ana"),
        )
    )
    works = [
        lead(n, Country=random.choice(odd), NumberOfEmployees=random.choice([None, 10, 70, "many"]),
             Campaign_Code__c=random.choice(["WEB-1", None]))
        for n in range(BULK)
    ]  # fmt: skip
    decisions = tuple(_past(w.key, dict(w.record.fields)) for w in works)
    run = PastRun(1, MONDAY, True, "v1", True, None, frozenset(), decisions)
    raw = RawLeads(Past((run,)), SALESFORCE_FACTS)
    walked = Walked(tables, raw)
    assert walked._decisions is not None
    for one in decisions:
        alone = decide(tables, facts_of(one.record, SALESFORCE_FACTS), on=MONDAY.date())
        bulk = walked.decision(one, MONDAY.date())
        same = ("team", "owner", "reason", "lane", "needs", "steps")
        assert [getattr(alone, name) for name in same] == [getattr(bulk, name) for name in same]


def _past(key: LeadKey, fields: dict[str, object]) -> PastDecision:
    seen = {"created": 0, "stamp": 0, "fields": fields}
    return PastDecision(key, 1, 1, "held", "no_rule", "", None, None, "", None, "v1", seen)


def test_an_impact_is_told_in_counts_and_person_ids() -> None:
    moved = tuple(
        Moved(
            f"salesforce:{n}", Place("West", "P-1"), Place(held="no_rule"), Because("Team", "Team!G7", "T-4")
        )
        for n in range(3)
    )
    found = Impact(
        12, moved, {}, ("T-9",), {"West": {"P-1": (5, 2)}}, 14, MONDAY, MONDAY, older=1, held=(0, 3)
    )
    said = {section.title: section.lines for section in in_words(found)}
    assert said["Impact on past leads"][0].startswith(
        "3 of 12 leads (2026-11-02 to 2026-11-02) would move: 25"
    )
    assert said["Who would have them"] == ("3 leads: West, P-1 -> held (no_rule)",)
    assert said["Because of"] == ("Team!G7, rule T-4: 3 leads",)
    assert said["Leads per person, before and after"] == ("West, P-1: 5 -> 2",)
    assert "1 older lead cannot be replayed" in said["Impact on past leads"]
