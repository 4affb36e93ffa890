"""Who is next: the order that is shown is the one that a run takes, whatever the team has chosen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from domain_company import MONDAY, company, inputs, lead, person, rule, team
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.adapters.store.memory import MemoryStore
from allocator.domain.pauses import Pause, Paused
from allocator.domain.plan import Plan, Work, plan, week_start
from allocator.entrypoints.out_words import out
from allocator.errors import UnknownName
from allocator.service.next_turns import rotation_object
from rules.hours import parse_hours
from rules.model import Absence, CatchUp, RoutingTables, Salesperson, Team
from rules.rotation import U

TODAY = MONDAY.date()
SKILLED = rule("T-10", {"country": "FR"}, team="Enterprise", sets={"language": "fr"})


def shown(of: Team, store: MemoryStore | None = None, **more: Any) -> dict[str, Any]:
    tables = more.pop("tables", None) or company(of)
    return rotation_object(tables, of, now=more.pop("now", MONDAY), store=store, **more)


def order(found: dict[str, Any], lane: int = 0) -> list[str]:
    return [one["id"] for one in found["lanes"][lane]["next"]]


def a_run(store: MemoryStore, tables: RoutingTables, work: list[Work], now: datetime = MONDAY) -> Plan:
    """Decide these leads on what the store holds, and keep it."""
    lease = store.begin_run(slot="2026-11-02T09", by="test", at=now, live=True, seconds=90)
    store.add_pulled(lease, "salesforce", [one.record for one in work], None)
    made = planned(store, tables, work, now)
    store.commit_plan(lease, made, at=now, tables_version="v1")
    store.end_run(lease, at=now, state="done", summary={})
    return made


def planned(store: MemoryStore, tables: RoutingTables, work: list[Work], now: datetime) -> Plan:
    known = {"ledgers": store.ledgers(), "given": store.given_since(week_start(tables, now))}
    return plan(inputs(tables, work, now=now, **known))


def some_team(draw: Any) -> Team:
    """Four people with caps, weights, absences and delegates, and whatever a team can choose."""
    people = tuple(some_person(draw, name) for name in ("ana", "ben", "chi", "dev"))
    return team(
        "Enterprise", *people,
        limit=draw(st.sampled_from((1, 5))),
        fairness=draw(st.sampled_from(("turns", "totals"))),
        delegate=draw(st.sampled_from(("none", "absentee", "delegate"))),
        after_absence=draw(st.sampled_from(({}, {"": CatchUp(100, 3, 30, 1)}))),
    )  # fmt: skip


def some_person(draw: Any, name: str) -> Salesperson:
    other = draw(st.sampled_from((None, "chi", "dev")))
    away = Absence(TODAY - timedelta(days=1), TODAY + timedelta(days=draw(st.integers(-1, 0))), "", other)
    return person(
        name,
        weight=draw(st.integers(1, 3)),
        daily_cap=draw(st.sampled_from((None, None, 2, 4))),
        absences=(away,) if draw(st.booleans()) else (),
    )


@settings(max_examples=60)
@given(st.data())
def test_what_is_shown_is_what_a_run_of_that_instant_gives(data: Any) -> None:
    of = some_team(data.draw)
    tables, store = company(of), MemoryStore()
    for number, day in enumerate((1, 0)):
        work = [lead(100 * number + n) for n in range(data.draw(st.integers(0, 6)))]
        a_run(store, tables, work, MONDAY - timedelta(days=day))
    (lane,) = shown(of, store, tables=tables, n=14)["lanes"]
    really = planned(store, tables, [lead(1_000 + n) for n in range(14)], MONDAY).decided
    owners = [one.person for one in really if one.person]
    assert [one.get("served_by", one["id"]) for one in lane["next"]] == owners
    turns = [one.turn.turn for one in really if one.turn]
    assert [(one["kind"], one["credit"]) for one in lane["next"]] == [
        (turn.kind, turn.before[turn.payer]) for turn in turns
    ]
    if len(owners) < 14:
        assert lane["nobody"]["reason"] == really[-1].reason


def test_with_equal_weights_it_is_a_round_with_credits_before_each_turn() -> None:
    (lane,) = shown(team(), n=4)["lanes"]
    assert [one["id"] for one in lane["next"]] == ["ana", "ben", "chi", "ana"]
    assert [one["credit"] for one in lane["next"]] == [0, U // 3, 2 * U // 3, 0]


def test_who_reaches_a_cap_on_the_way_drops_out_and_comes_back_the_next_day() -> None:
    found = shown(team("Enterprise", person("ana", daily_cap=1), person("ben")), n=4)
    (lane,) = found["lanes"]
    assert order(found) == ["ana", "ben", "ben", "ben"]
    (gone,) = lane["next"][0]["drops_out"]
    assert gone == {"id": "ana", "why": "daily_cap", "until": (TODAY + timedelta(days=1)).isoformat()}
    assert out(gone) == "daily cap reached, counts afresh on 2026-11-03"
    assert (lane["out"], lane["nobody"]) == ([], None)


def test_when_all_have_reached_their_caps_the_order_ends_and_says_where_leads_go() -> None:
    capped = team("Enterprise", person("ana", daily_cap=1), if_nobody="team", fallback_team="Inside")
    (lane,) = shown(capped, tables=company(capped, team("Inside", person("eva"))), n=5)["lanes"]
    assert len(lane["next"]) == 1
    assert lane["nobody"] == {
        "reason": "all_capped", "detail": "1 daily_cap", "if_nobody": "team", "fallback_team": "Inside",
    }  # fmt: skip


def test_a_delegate_serves_the_turn_of_who_is_away() -> None:
    away = person("ana", absences=(Absence(TODAY, TODAY, "", "ben"),))
    found = shown(team("Enterprise", away, person("ben"), delegate="absentee"), n=2)
    first, second = found["lanes"][0]["next"]
    assert (first["id"], first["served_by"], first["kind"]) == ("ana", "ben", "delegated")
    assert second["id"] == "ben" and "served_by" not in second


def test_leads_that_an_absence_still_brings_are_told_and_come_first() -> None:
    away = person("ana", absences=(Absence(TODAY, TODAY, "sick"),))
    of = team("Enterprise", away, person("ben"), after_absence={"": CatchUp(100, 10, 30, 1)})
    tables, store = company(of), MemoryStore()
    a_run(store, tables, [lead(n) for n in range(3)])
    back = MONDAY + timedelta(days=1)
    (lane,) = shown(of, store, tables=tables, now=back, n=2)["lanes"]
    assert lane["vouchers"] == [
        {
            "id": "ana", "since": TODAY.isoformat(), "type": "sick", "amount": 3 * U // 2,
            "expires": "2026-12-02", "due": True,
        }
    ]  # fmt: skip
    assert (lane["next"][0]["id"], lane["next"][0]["kind"]) == ("ana", "catch-up")
    late = shown(of, store, tables=tables, now=MONDAY + timedelta(days=40), n=1)
    assert late["lanes"][0]["vouchers"] == []


def test_who_is_out_is_told_with_the_end_on_the_clock_of_the_team() -> None:
    store = MemoryStore()
    store.pause(Pause(Paused.PERSON, "chi", MONDAY, MONDAY + timedelta(hours=3), "olga", "ill"))
    at_six = datetime(2026, 11, 2, 6, 30, tzinfo=UTC)
    of = team(
        "Enterprise",
        person("ana", absences=(Absence(date(2026, 10, 26), date(2026, 11, 6)),)),
        person("ben", hours=parse_hours("Mon-Fri 09:00-17:00")),
        person("chi"), person("dev", start=date(2026, 12, 1)), person("eva"),
        time_zone="Europe/Berlin",
    )  # fmt: skip
    (lane,) = shown(of, store, now=at_six, n=1)["lanes"]
    assert {one["id"]: out(one, "Europe/Berlin") for one in lane["out"]} == {
        "ana": "absent until 2026-11-06",
        "ben": "outside working hours until Mon 2026-11-02 09:00 Europe/Berlin",
        "chi": "paused until Mon 2026-11-02 13:00 Europe/Berlin",
        "dev": "not started, starts on 2026-12-01",
    }
    assert next(one["until"] for one in lane["out"] if one["id"] == "ben") == "2026-11-02T09:00:00+01:00"


def test_credits_are_shown_of_everybody_who_ever_had_one() -> None:
    store, before = MemoryStore(), team()
    a_run(store, company(before), [lead(0)])
    after = team("Enterprise", person("ben"), person("chi"))
    (lane,) = shown(after, store, n=1)["lanes"]
    assert lane["credits"] == {"ana": -2 * U // 3, "ben": U // 3, "chi": U // 3}


# --- facts and lanes ---


def speakers() -> Team:
    return team("Enterprise", person("ana", languages=frozenset({"fr"})), person("ben"))


def test_facts_bring_the_needs_that_the_rules_ask_for() -> None:
    tables = company(speakers(), rules=(SKILLED, rule("T-99", team="Enterprise")))
    french = shown(speakers(), tables=tables, facts={"country": "FR"}, n=2)
    assert order(french) == ["ana", "ana"]
    assert french["facts"]["needs"] == {"language": "fr"} and french["facts"]["warning"] is None
    assert [(one["id"], one["why"]) for one in french["lanes"][0]["out"]] == [("ben", "language")]
    german = shown(speakers(), tables=tables, facts={"country": "DE"}, n=2)
    assert order(german) == ["ana", "ben"] and german["facts"]["needs"] == {}


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ({"team": "Inside"}, "the rules choose team Inside, not Enterprise"),
        ({"hold": "ask first"}, "the rules hold such a lead (rule_hold: ask first)"),
        ({"owner": "ben"}, "the rules name an owner, ben: it takes no turn"),
    ],
)
def test_facts_of_leads_that_are_not_for_this_team_are_warned_of(then: dict[str, str], said: str) -> None:
    rules = (rule("T-10", {"country": "FR"}, **then), rule("T-99", team="Enterprise"))
    tables = company(team(), team("Inside", person("eva")), rules=rules)
    found = shown(team(), tables=tables, facts={"country": "FR"}, n=1)
    assert said in found["facts"]["warning"]
    assert order(found) == ["ana"]


def laned(**more: Any) -> tuple[Team, RoutingTables]:
    of = team(**more)
    hot = rule("T-10", {"country": "FR"}, team="Enterprise", sets={"lane": "hot"})
    return of, company(of, rules=(hot, rule("T-99", team="Enterprise")))


def test_each_lane_is_shown_with_its_own_order_and_one_can_be_asked_for() -> None:
    of, tables = laned()
    store = MemoryStore()
    a_run(store, tables, [lead(0, Country="FR")])
    found = shown(of, store, tables=tables, n=1)
    assert [one["lane"] for one in found["lanes"]] == ["", "hot"]
    only = shown(of, store, tables=tables, n=1, lane="HOT")
    assert [one["lane"] for one in only["lanes"]] == ["hot"] and order(only) == ["ben"]
    by_facts = shown(of, store, tables=tables, n=1, facts={"country": "FR"})
    assert [one["lane"] for one in by_facts["lanes"]] == ["hot"]


def test_a_lane_that_only_a_rule_knows_is_shown_with_the_credits_of_the_team_behind_it() -> None:
    of, tables = laned()
    store = MemoryStore()
    a_run(store, tables, [lead(0)])
    assert order(shown(of, store, tables=tables, n=2, lane="hot")) == ["ben", "chi"]


def test_a_lane_that_does_not_exist_is_refused_with_those_that_do() -> None:
    of, tables = laned()
    with pytest.raises(UnknownName, match=r"no lane .cold.\. Its lanes are hot\."):
        shown(of, tables=tables, lane="cold")
    with pytest.raises(UnknownName, match="none: no rule sets one"):
        shown(team(), lane="cold")
    one, tables = laned(lanes=False)
    with pytest.raises(UnknownName, match="keeps one ledger for all lanes"):
        shown(one, tables=tables, lane="hot")
    assert [lane["lane"] for lane in shown(one, tables=tables, n=1)["lanes"]] == [""]
