"""Impact agrees with real runs on what a team chooses: charges, totals, delegates, catch-up, hours, lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from impact_world import START, TEAMS, World, company, made_up, moves, row

from allocator.domain.impact import Moved
from allocator.domain.past import Past, PastDecision
from rules.model import Absence, CatchUp, OwnerOverride, RoutingTables, Shift, Team
from rules.rotation import Ledger

HOURS = [START + timedelta(hours=h) for h in (0, 1, 10, 24, 26, 34, 49, 73, 96)]
DAY = tuple(Shift(day, 8 * 60, 17 * 60) for day in range(5))
RULES = (
    row("Team", "T-1", {"region": "DACH"}, team="Enterprise"),
    row("Team", "T-2", {"region": "West"}, team="Desk"),
    row("Team", "T-3", {"country": "GB, US"}, team="Enterprise"),
    row("Team", "T-4", {"country": "IT"}, team="Overseas"),
)
AWAY: Mapping[str, Absence] = {
    "ana": Absence(date(2026, 11, 2), date(2026, 11, 2), "Sick", "chi"),
    "ben": Absence(date(2026, 11, 3), date(2026, 11, 4), "Holiday"),
    "eli": Absence(date(2026, 11, 3), date(2026, 11, 5), "Sick", "dee"),
}
CATCH_UP = {"sick": CatchUp(100, 10, 30, 2), "": CatchUp(50, 2, 3, 1)}
APART = {"same e-mail": "ignore"}
"""No lead finds another: then all that differs is whose turn it is."""


def chosen(team: Team, **choices: Any) -> Team:
    people = tuple(replace(p, absences=(AWAY[p.id],)) if p.id in AWAY else p for p in team.people)
    return replace(team, people=people, **choices)


PLAIN = tuple(chosen(team) for team in TEAMS)
BUSY = (
    chosen(TEAMS[0], after_absence=CATCH_UP, delegate="absentee", limit=1, owner_override="charge"),
    chosen(TEAMS[1], fairness="totals", after_absence=CATCH_UP, hours=DAY, reject="refund"),
    chosen(TEAMS[2], taken_by_hand="free", hours=DAY, outside_hours="next", holidays="US"),
)


def tables(version: str, teams: Sequence[Team], *, rules: Sequence[Any] = RULES) -> RoutingTables:
    given = (OwnerOverride("globex.example", "chi", cell="B2"),)
    return company(version, team=rules, teams=teams, overrides=given, settings=APART)


def all_with(**choices: Any) -> Callable[[Sequence[Team]], tuple[Team, ...]]:
    return lambda teams: tuple(replace(team, **choices) for team in teams)


EDITS: Mapping[str, Callable[[Sequence[Team]], tuple[Team, ...]]] = {
    "totals": all_with(fairness="totals"),
    "turns": all_with(fairness="turns"),
    "a lower limit": all_with(limit=1),
    "a higher limit": all_with(limit=9),
    "catch up": all_with(after_absence=CATCH_UP),
    "no catch up": all_with(after_absence={}),
    "slower catch up": all_with(after_absence={"": CatchUp(30, 1, 30, 1)}),
    "the absentee pays": all_with(delegate="absentee"),
    "the delegate pays": all_with(delegate="delegate"),
    "no delegates": all_with(delegate="none"),
    "by hand for nothing": all_with(taken_by_hand="free"),
    "by hand charged": all_with(taken_by_hand="charge"),
    "overrides charged": all_with(owner_override="charge"),
    "overrides for nothing": all_with(owner_override="free"),
    "returned and refunded": all_with(reject="refund"),
    "returned and charged": all_with(reject="charge"),
    "one lane": all_with(lanes=False),
    "by day": all_with(hours=DAY),
    "who works next": all_with(hours=DAY, outside_hours="next"),
    "always": all_with(hours=None),
    "holidays": all_with(holidays="DE-BE"),
}


def agrees(
    one: World, before: RoutingTables, after: RoutingTables, seed: int, *, at_start: int
) -> Sequence[Moved]:
    """Made-up days run in this world; the same days, under other tables from the start on, in another."""
    script = made_up(Random(seed), HOURS, one, before)
    other = World()
    other.play(before, script[:at_start])
    other.play(after, script[at_start:])
    found = one.impact(before, after, (one.now - script[at_start][0]) / timedelta(days=1))
    assert {m.lead: (m.before, m.after) for m in found.moved} == moves(one.places(), other.places())
    return found.moved


@settings(max_examples=25, derandomize=True, database=None)
@given(
    st.sets(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4),
    st.integers(0, 10_000),
    st.sampled_from([0, 0, 2, 4]),
    st.booleans(),
)
def test_whatever_a_team_chooses_impact_says_what_real_runs_do(
    edits: set[str], seed: int, at_start: int, busy: bool
) -> None:
    teams = BUSY if busy else PLAIN
    before = tables("a", teams)
    for name in sorted(edits):
        teams = EDITS[name](teams)
    after = tables("b", teams)
    if not at_start:  # else the look-ups of leads that only the other world holds are nowhere to be read
        before, after = (replace(t, settings={"same e-mail": "owner"}) for t in (before, after))
    agrees(World(), before, after, seed, at_start=at_start)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "a")
    yield made
    made.store.close()


@pytest.mark.parametrize(("seed", "at_start"), [(2, 0), (6, 5), (11, 3)])
def test_other_rules_in_teams_with_every_choice(world: World, seed: int, at_start: int) -> None:
    other = (row("Team", "T-1", {"region": "DACH"}, team="Desk"), *RULES[1:])
    assert agrees(world, tables("a", BUSY), tables("b", BUSY, rules=other), seed, at_start=at_start)
    assert kinds(world) >= {"turn", "by hand", "override", "catch-up", "delegated"}


def kinds(world: World) -> set[str]:
    query = "SELECT DISTINCT kind FROM turns"
    return set(world.store.database.read(lambda c: c.exec_driver_sql(query).scalars().all()))  # type: ignore[union-attr]


def test_a_lead_taken_by_hand_is_shared_among_those_who_have_the_tag_it_asks_for() -> None:
    vip = row("Country", "C-1", {"country": "DE"}, sets={"region": "DACH", "tags": "vip"})
    ana, *others = TEAMS[0].people
    team = replace(TEAMS[0], people=(replace(ana, tags=frozenset({"vip"})), *others))
    world, rules = World(), company("a", country=(vip,), team=RULES, teams=(team,), settings=APART)
    world.play(rules, [(START, [("new", {"Country": "DE"}), ("snatch", (0, "chi"))])])
    credits = world.store.ledgers()["Enterprise", ""].credits
    assert {who for who, credit in credits.items() if credit} == {"ana", "chi"}
    assert world.impact(rules, replace(rules, version="b"), 1).moved == ()


# --- both stores tell the same past -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", [4, 5])
def test_both_stores_tell_the_same_past(world: World, seed: int) -> None:
    memory = World()
    memory.play(tables("a", BUSY), made_up(Random(seed), HOURS, world, tables("a", BUSY)))
    for hours in (0, 10, 26, 49, 96):
        since = START + timedelta(hours=hours - 0.1)
        one, other = (w.store.past(since, most=1000) for w in (world, memory))
        assert one is not None and other is not None
        assert told(one) == told(other)


def told(past: Past) -> Mapping[str, Any]:
    """What the order of rows, and lanes and credits that are nothing, do not change."""
    runs = [replace(run, decisions=tuple(sorted(run.decisions, key=by_key))) for run in past.runs]
    return {
        "runs": runs,
        "held": sorted(past.held, key=by_key),
        "given": sorted(past.given),
        "refunds": sorted(past.refunds, key=lambda r: (r.run, r.at, r.team, r.person, str(r.booking))),
        "backs": sorted(past.backs, key=lambda b: (b.key, b.by_hand)),
        "tails": past.tails,
        "last": {place: max(turns) for place, turns in past.recent.items() if turns},
        "ledgers": {place: book for place, led in past.ledgers.items() if any(book := told_book(led))},
    }


def by_key(one: PastDecision) -> Any:
    return one.key, one.epoch


def told_book(ledger: Ledger) -> Any:
    vouchers = {key: one for key, one in ledger.vouchers.items() if one.earned}
    return ledger.canonical()[0], vouchers, ledger.streak if vouchers else 0
