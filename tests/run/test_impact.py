"""Impact agrees with what real runs then do: the same leads, the same owners."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from impact_world import COUNTRY, START, TEAM, TEAMS, World, company, made_up, moves, row

from allocator.domain.impact import Because, Impact, Place
from rules.model import Absence, OwnerOverride, RoutingTables

HOURS = [START + timedelta(hours=h) for h in (0, 1, 25, 26, 48, 73, 96, 120, 168, 169)]
A = company("a")
LARGE_TO_DESK = row("Team", "T-1", {"region": "DACH", "employees": ">=500"}, team="Desk")


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[tuple[World, World]]:
    made = World(tmp_path / "a"), World(tmp_path / "b")
    yield made
    for world in made:
        world.store.close()


def agrees(
    worlds: tuple[World, World], after: RoutingTables, script: Sequence[Any], *, at_start: int
) -> Impact:
    """Play the script, of which the first runs are under A in both worlds; the script is played in one."""
    one, other = worlds
    other.play(A, script[:at_start])
    other.play(after, script[at_start:])
    days = (one.now - script[at_start][0]) / timedelta(days=1)
    found = one.impact(A, after, days)
    expected = moves(one.places(), other.places())
    assert {m.lead: (m.before, m.after) for m in found.moved} == expected
    assert one.impact(A, A, days).moved == ()
    return found


@pytest.mark.parametrize(("seed", "at_start"), [(1, 3), (2, 0), (37, 4)])
def test_days_with_holds_returns_refunds_and_caps_move_the_leads_that_impact_said(
    worlds: tuple[World, World], seed: int, at_start: int
) -> None:
    script = made_up(Random(seed), HOURS, worlds[0], A)
    after = company("b", team=(LARGE_TO_DESK, *TEAM[1:4], row("Team", "T-6", {"country": "IT"}, hold="Wait")))
    assert agrees(worlds, after, script, at_start=at_start).moved


EDITS = {
    "a row is gone": lambda t: replace_layer(t, TEAM[1:]),
    "a row says another team": lambda t: replace_layer(t, (LARGE_TO_DESK, *TEAM[1:])),
    "rows change places": lambda t: replace_layer(t, [replace(r, order=-r.order) for r in TEAM]),
    "everything is held": lambda t: replace_layer(t, [row("Team", "T-9", {}, hold="Stop")]),
    "everything goes to one": lambda t: replace_layer(t, [row("Team", "T-9", {}, owner="ana")]),
    "a row ends in between": lambda t: replace_layer(
        t, [replace(TEAM[0], until=(START + timedelta(days=2)).date()), *TEAM[1:]]
    ),
    "another lane": lambda t: replace_layer(
        t,
        [row("Country", "C-1", {"country": "DE, AT, GB"}, sets={"region": "DACH", "lane": "d"}), *COUNTRY],
        0,
    ),
    "somebody is away": lambda t: with_person(
        t, "ana", absences=(Absence(START.date(), (START + timedelta(days=3)).date()),)
    ),
    "a cap": lambda t: with_person(t, "ana", daily_cap=1),
    "other weights": lambda t: with_person(t, "ben", weight=5),
    "no overrides": lambda t: replace(t, overrides=()),
    "an override": lambda t: replace(t, overrides=(OwnerOverride("acme.example", "eli", cell="B2"),)),
    "e-mails are not looked up": lambda t: replace(t, settings={"same e-mail": "ignore"}),
    "duplicates are held": lambda t: replace(t, settings={"same e-mail": "hold"}),
    "no fallback": lambda t: replace(t, teams=tuple(replace(x, if_nobody="hold") for x in t.teams)),
}


def replace_layer(tables: RoutingTables, rows: Sequence[Any], which: int = 1) -> RoutingTables:
    layers = list(tables.layers)
    layers[which] = replace(layers[which], rows=tuple(rows))
    return replace(tables, layers=tuple(layers))


def with_person(tables: RoutingTables, name: str, **more: Any) -> RoutingTables:
    teams = tuple(
        replace(t, people=tuple(replace(p, **more) if p.id == name else p for p in t.people))
        for t in tables.teams
    )
    return replace(tables, teams=teams)


@settings(max_examples=7, derandomize=True, database=None)
@given(st.sets(st.sampled_from(sorted(EDITS)), min_size=1, max_size=3), st.integers(0, 10_000), st.booleans())
def test_whatever_is_edited_impact_says_what_real_runs_do(edits: set[str], seed: int, begin: bool) -> None:
    after = company("b")
    for name in sorted(edits):
        after = EDITS[name](after)
    with tempfile.TemporaryDirectory() as folder:
        pair = World(Path(folder) / "a"), World(Path(folder) / "b")
        try:
            script = made_up(Random(seed), HOURS[:7], pair[0], A)
            agrees(pair, after, script, at_start=2 if begin else 0)
        finally:
            for world in pair:
                world.store.close()


# --- what it says -----------------------------------------------------------------------------------------


def week(worlds: tuple[World, World], *countries: str, employees: int = 700) -> World:
    """One run with a lead of each country."""
    events = [("new", {"Country": country, "NumberOfEmployees": employees}) for country in countries]
    worlds[0].play(A, [(START, events)])
    return worlds[0]


def test_a_moved_lead_names_the_cell_that_changed(worlds: tuple[World, World]) -> None:
    world = week(worlds, "DE", "US")
    (moved,) = world.impact(A, company("b", team=(LARGE_TO_DESK, *TEAM[1:])), 1).moved
    assert (moved.before.team, moved.after.team) == ("Enterprise", "Desk")
    assert moved.because == Because("Team", "Team!G1", "T-1")


def test_a_change_in_an_earlier_layer_is_the_cause_of_what_later_rows_decide(
    worlds: tuple[World, World],
) -> None:
    world = week(worlds, "AT")
    narrower = row("Country", "C-1", {"country": "DE"}, sets={"region": "DACH", "language": "de"})
    (moved,) = world.impact(A, company("b", country=(narrower, *COUNTRY[1:])), 1).moved
    assert moved.because == Because("Country", "Country!E1", "C-1")
    assert moved.after == Place(held="no_rule")


def test_a_lead_that_moves_since_somebody_is_away_says_that_turns_shift(worlds: tuple[World, World]) -> None:
    world = week(worlds, "DE")
    away = with_person(company("b"), "ana", absences=(Absence(START.date(), START.date()),))
    (moved,) = world.impact(A, away, 1).moved
    assert (moved.before.person, moved.after.person, moved.because.why) == ("ana", "ben", "turn")


def test_rows_hit_and_shares_are_counted_under_both(worlds: tuple[World, World]) -> None:
    world = week(worlds, "DE", "US", "IT")
    found = world.impact(A, company("b", team=(LARGE_TO_DESK, *TEAM[1:])), 1)
    assert found.leads == 3
    assert found.rows_hit == {"C-1": (1, 1), "T-1": (1, 1), "T-4": (1, 1), "T-6": (1, 1)}
    assert found.rows_never == ("C-2", "C-3", "T-2", "T-3", "T-5")
    assert found.shares["Enterprise"] == {"ana": (1, 0), "ben": (1, 1)}
    assert found.shares["Desk"] == {"dee": (0, 1)}


def test_absences_that_were_deleted_when_they_were_over_still_count(worlds: tuple[World, World]) -> None:
    gone = replace(A, version="g" * 8, teams=TEAMS)
    then = with_person(A, "ana", absences=(Absence(START.date(), START.date()),))
    worlds[0].play(then, [(START, [("new", {"Country": "DE", "NumberOfEmployees": 700})])])
    found = worlds[0].impact(gone, company("b", team=(LARGE_TO_DESK, *TEAM[1:])), 1, read=lambda sha: then)
    assert [m.before.person for m in found.moved] == ["ben"]


def test_only_the_newest_leads_are_tried_and_that_is_said(worlds: tuple[World, World]) -> None:
    one = [("new", {"Country": "DE"})]
    worlds[0].play(A, [(START, one), (START + timedelta(hours=1), one)])
    found = worlds[0].impact(A, A, 1, most=1)
    assert (found.leads, found.cut) == (1, True)
    assert not worlds[0].impact(A, A, 1).cut


def test_leads_of_before_the_upgrade_are_left_out_and_counted(worlds: tuple[World, World]) -> None:
    one = [("new", {"Country": "DE"})]
    worlds[0].play(A, [(START, one), (START + timedelta(hours=1), one)])
    forget = "UPDATE runs SET seen = NULL WHERE run = 1", "UPDATE decisions SET seen = NULL WHERE run = 1"
    for statement in forget:
        worlds[0].store.database.write(lambda c, s=statement: c.exec_driver_sql(s) and None)
    found = worlds[0].impact(A, A, 1)
    assert (found.leads, found.older) == (1, 1)
