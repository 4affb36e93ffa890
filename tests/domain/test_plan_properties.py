"""F1, F4, F6, F12, F15 and F17 of the turns, for any company, leads and runs."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

from domain_company import (
    INTAKE,
    MONDAY,
    carried_on,
    company,
    decided,
    everybody,
    inputs,
    lead,
    leads,
    match,
    person,
    rule,
    team,
    user_id,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import (
    Inputs,
    Lookups,
    Work,
    counts_under_caps,
    plan,
    unusable_people,
)
from rules.model import Absence, OwnerOverride, RoutingTables, Salesperson, Team
from rules.rotation import eligible

TODAY = MONDAY.date()
DAY = timedelta(days=1)
QUEUE = "00G00000000QUEUE00"


EMAILS = [None, "none", "x@acme.com", "y@acme.com", "z@globex.com"]
SOURCES = ["Web", "Hot", "Partner", "Spam", "German", "Desk", "Nothing"]


@st.composite
def companies(draw: st.DrawFn) -> RoutingTables:
    """Two teams with caps, absences and skills, every kind of rule, and fallbacks of every kind."""

    def people(team_name: str, names: str) -> tuple[Salesperson, ...]:
        return tuple(
            person(
                name,
                team_name,
                weight=draw(st.integers(1, 3)),
                daily_cap=draw(st.sampled_from([None, None, 1, 2, 4])),
                weekly_cap=draw(st.sampled_from([None, None, 3, 6])),
                active=draw(st.sampled_from([True, True, True, False])),
                languages=frozenset(draw(st.sampled_from([(), ("de",)]))),
                absences=draw(st.sampled_from([(), (), (Absence(TODAY, TODAY),)])),
            )
            for name in names
        )

    kind = draw(st.sampled_from(["hold", "team", "queue"]))
    first = team(
        "Enterprise", *people("Enterprise", "abc"), if_nobody=kind, fallback_team="Desk", queue_id=QUEUE
    )
    desk = team("Desk", *people("Desk", "cde"), time_zone="America/Chicago")
    rules = (
        rule("T-1", {"source": "Hot"}, team="Enterprise", sets={"lane": "hot"}),
        rule("T-2", {"source": "Partner"}, owner="b"),
        rule("T-3", {"source": "Spam"}, hold="Spam"),
        rule("T-4", {"source": "German"}, team="Enterprise", sets={"language": "de"}),
        rule("T-5", {"source": "Desk"}, team="Desk"),
        rule("T-6", {"source": "Web"}, team="Enterprise"),
    )
    return company(
        first,
        desk,
        rules=rules,
        overrides=[OwnerOverride("globex.com", "d")] if draw(st.booleans()) else (),
        same_email=draw(st.sampled_from(["owner", "owner", "hold", "ignore"])),
        known_account=draw(st.sampled_from(["owner", "ignore"])),
    )


@st.composite
def runs(draw: st.DrawFn) -> Inputs:
    tables = draw(companies())
    work = [
        lead(
            n,
            held=draw(st.sampled_from([False, False, True])),
            stood_back=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"a"}), frozenset({"d"})])),
            LeadSource=draw(st.sampled_from(SOURCES)),
            Email=draw(st.sampled_from(EMAILS)),
        )
        for n in range(draw(st.integers(0, 25)))
    ]
    users = everybody(tables, inactive=draw(st.sampled_from([(), ("a",), ("e",)])))
    owner = user_id(draw(st.sampled_from("abcde")))
    lookups = Lookups(
        users=users,
        people={"y@acme.com": (match("Contact", 1, owner),)} if draw(st.booleans()) else {},
        accounts={"acme.com": (match("Account", 1, owner),)},
        intake=frozenset({INTAKE}),
    )
    given = [("Enterprise", "a", MONDAY - 2 * DAY), ("Enterprise", "b", MONDAY - timedelta(hours=1))]
    return inputs(tables, work, lookups=lookups, given=draw(st.sampled_from([(), tuple(given)])))


PROPERTY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PROPERTY
@given(runs(), st.randoms(use_true_random=False))
def test_f4_leads_in_one_run_or_in_many_give_the_same_owners_and_ledgers(
    given: Inputs, dice: random.Random
) -> None:
    whole = plan(given)
    by_key = {w.key: w for w in given.work}
    rest = [by_key[d.key] for d in whole.decided]
    state, parts, ledgers = given, [], {}
    while rest:
        size = dice.choice([1, 1, 2, 5])
        part, rest = rest[:size], rest[size:]
        state = replace(state, work=tuple(part))
        made = plan(state)
        parts.extend(made.decided)
        state = carried_on(state, made, ())
        ledgers = dict(state.ledgers)
    assert [replace(d, seen=None) for d in parts] == [replace(d, seen=None) for d in whole.decided]
    assert {k: (v.canonical(), v.next_number) for k, v in ledgers.items()} == {
        k: (v.canonical(), v.next_number) for k, v in carried_on(given, whole, ()).ledgers.items()
    }


@PROPERTY
@given(runs(), st.randoms(use_true_random=False))
def test_f15_f17_the_order_is_total_held_leads_first_and_equal_inputs_give_equal_bytes(
    given: Inputs, dice: random.Random
) -> None:
    mixed = list(given.work)
    dice.shuffle(mixed)
    teams = tuple(replace(t, people=tuple(reversed(t.people))) for t in given.tables.teams)
    shuffled = replace(given, work=tuple(mixed), tables=replace(given.tables, teams=teams))
    one, other = plan(given), plan(shuffled)
    assert one == other
    assert json.dumps([d.trace for d in one.decided]) == json.dumps([d.trace for d in other.decided])
    by_key = {w.key: w for w in given.work}
    order = [(not by_key[d.key].held, by_key[d.key].record.created, d.key) for d in one.decided]
    assert order == sorted(order)
    assert all((d.state is State.HELD) == bool(d.reason) for d in one.decided)
    assert all((d.state is State.DECIDED) == bool(d.owner and d.by) for d in one.decided)


@PROPERTY
@given(runs())
def test_f6_f12_every_turn_is_among_exactly_those_who_can_at_that_moment(given: Inputs) -> None:
    """What the plan remembers between leads equals working it out afresh for each."""
    unusable = unusable_people(given.tables, given.lookups.users)
    by_key = {w.key: w for w in given.work}
    so_far = list(given.given)
    for one in plan(given).decided:
        counts = {t.name: counts_under_caps(t, so_far, given.now) for t in given.tables.teams}
        if one.turn is not None:
            home = given.tables.team_by_name[one.turn.team]
            last = by_key[one.key].stood_back
            able, skipped = eligible(
                home,
                one.trace["needs"],
                given.now,
                counts[home.name],
                unusable=unusable,
                not_first=frozenset(p for p in last if p in {x.id for x in home.people}),
            )
            assert (dict(one.turn.turn.weights), one.turn.skipped) == (able, skipped)
        if one.person and one.team:
            assert one.person not in unusable
            row = next(p for p in given.tables.team_by_name[one.team].people if p.id == one.person)
            if one.by not in ("override", "rule_owner"):
                day, week = counts[one.team].get(one.person, (0, 0))
                assert row.daily_cap is None or day < row.daily_cap
                assert row.weekly_cap is None or week < row.weekly_cap
            so_far.append((one.team, one.person, given.now))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_f1_a_constant_team_is_even_within_one_lead_after_every_lead_of_any_runs(
    size: int, run_sizes: list[int]
) -> None:
    names = "abcdef"[:size]
    tables = company(team("Enterprise", *(person(n) for n in names)))
    state, got, number = inputs(tables, ()), dict.fromkeys(names, 0), 0
    for count in run_sizes:
        state = replace(state, work=tuple(lead(number + n) for n in range(count)))
        made = plan(state)
        for one in made.decided:
            got[one.person or ""] += 1
            assert max(got.values()) - min(got.values()) <= 1
        state, number = carried_on(state, made, ()), number + count


def test_leads_created_in_the_same_second_go_by_id() -> None:
    def at(text: str) -> Work:
        return Work(Record(LeadKey("salesforce", text), MONDAY, MONDAY, INTAKE), 1)

    made = decided(inputs(company(), [at("00Qb"), at("00QB"), at("00Qa")]))
    assert [d.key.source_id for d in made] == ["00QB", "00Qa", "00Qb"]


def test_a_team_is_never_changed_by_planning() -> None:
    given: Team = team()
    tables = company(given)
    plan(inputs(tables, leads(5)))
    assert tables.teams == (team(),)
