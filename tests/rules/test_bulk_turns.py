"""Turns in bulk: `Lean` and `in_step` name the owners of `Rotation.take` and end in its ledgers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rules.lean import Lean, Pool
from rules.rotation import Ledger, Rotation, Turn, U
from rules.steps import Stream, in_step
from rules.vouchers import Voucher

ROOT = Path(__file__).parents[2]
ENTERPRISE = Pool({"ana": 1, "ben": 1, "chi": 1})
LANES = ("", "cold", "hot")


@dataclass(frozen=True)
class World:
    """A team's leads as they come, and the ledgers they meet."""

    pools: tuple[Pool, ...]
    leads: tuple[int, ...]
    limit: int | None
    ledgers: Mapping[str, Ledger]

    @property
    def stream(self) -> Stream:
        return Stream(self.pools, self.leads, self.limit, self.ledgers)

    def lean(self) -> Lean:
        return Lean(self.pools, self.ledgers, limit=self.limit)

    def turns(self) -> tuple[Rotation, list[Turn]]:
        """What the rotation makes of it, lead by lead."""
        rotation = Rotation(self.ledgers, limit=self.limit)
        named = [self.pools[number] for number in self.leads]
        return rotation, [rotation.take(pool.lane, pool.candidates) for pool in named]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A team with absences, skills, weights and lanes; some of its history may be older than the leads."""
    chance = Random(draw(st.integers(0, 2**32)))
    heaviest = draw(st.sampled_from((1, 3, 4, 1000)))
    weights = {f"p{k}": chance.randint(1, heaviest) for k in range(draw(st.integers(1, 9)))}
    skilled = {skill: {i for i in weights if chance.random() < 0.6} for skill in ("de", "fr")}
    lanes, limit = LANES[: draw(st.integers(1, 3))], draw(st.sampled_from((None, 1, 2, 5)))
    known: dict[tuple[str, tuple[tuple[str, int], ...]], int] = {}
    leads = []
    for _ in range(draw(st.integers(0, 70))):
        present = {i for i in weights if chance.random() < 0.8}
        able = (present & skilled[chance.choice(("de", "fr"))] if chance.random() < 0.5 else present) or {
            "p0"
        }
        candidates = tuple((i, weights[i]) for i in chance.sample(sorted(able), len(able)))
        leads.append(known.setdefault((chance.choice(lanes), candidates), len(known)))
    pools = tuple(Pool(dict(candidates), lane) for lane, candidates in known)
    return World(pools, tuple(leads), limit, _history(chance, draw(st.integers(0, 12)), limit))


def _history(chance: Random, leads: int, limit: int | None) -> dict[str, Ledger]:
    """Ledgers of a team that also had a lane and a person who are not there any more."""
    rotation = Rotation(limit=limit)
    for _ in range(leads):
        able = dict.fromkeys(chance.sample(("p0", "p1", "p2", "zoe"), 2), 1)
        rotation.take(chance.choice((*LANES, "gone")), able)
    ledgers = {lane: rotation.ledger(lane) for lane in rotation.lanes}
    vouchers = {("zoe", "2026-01-05"): Voucher(U, 2 * U, date(2026, 2, 1))}
    return {
        lane: replace(one, streak=chance.choice((0, 2)), vouchers=vouchers) for lane, one in ledgers.items()
    }


def same(one: Ledger, other: Ledger) -> bool:
    numbers = [(each.next_number, each.next_sequence, each.streak) for each in (one, other)]
    return one.canonical() == other.canonical() and numbers[0] == numbers[1]


# -- the promise -------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.lists(worlds(), max_size=4))
def test_rotation_lean_and_teams_in_step_agree_on_owners_and_ledgers(every: list[World]) -> None:
    for world, outcome in zip(every, in_step([world.stream for world in every]), strict=True):
        rotation, turns = world.turns()
        lean = world.lean()
        assert lean.owners(world.leads) == outcome.owners == [turn.owner for turn in turns]
        for lane in (*LANES, "gone"):
            expected = rotation.ledger(lane)
            assert same(lean.ledger(lane), expected) and same(outcome.ledger(lane), expected)


@settings(max_examples=200)
@given(worlds(), st.integers(0, 70))
def test_a_recorded_turn_is_the_one_that_the_rotation_took(world: World, cut: int) -> None:
    """Also when the leads come in two runs."""
    lean, (_, turns) = world.lean(), world.turns()
    first, second = lean.turns(world.leads[:cut]), lean.turns(world.leads[cut:])
    assert [*first, *second] == turns
    assert [*first.owners, *second.owners] == [turn.owner for turn in turns]
    assert len(first) + len(second) == len(turns)


def test_large_teams_with_small_limits_agree_too() -> None:
    """A limit speaks in most of these leads."""
    world = _crowd(people=40, leads=600, limit=1)
    _, turns = world.turns()
    assert len({turn.kind for turn in turns}) == 2 and any(0 in turn.shares.values() for turn in turns)
    assert list(world.lean().turns(world.leads)) == turns
    assert in_step([world.stream])[0].owners == [turn.owner for turn in turns]


def _crowd(*, people: int, leads: int, limit: int | None) -> World:
    chance = Random(7)
    weights = {f"p{k:02}": chance.choice((1, 2, 50)) for k in range(people)}
    pools = [Pool({i: weights[i] for i in chance.sample(sorted(weights), 1 + k % 6)}) for k in range(60)]
    return World(tuple(pools), tuple(chance.randrange(60) for _ in range(leads)), limit, {})


def test_equal_people_who_are_all_there_take_turns_in_order() -> None:
    team = Pool({f"p{k:02}": 1 for k in range(50)})
    order = [f"p{k:02}" for k in range(50)] * 3
    assert Lean([team], limit=5).owners([0] * 150) == order
    assert in_step([Stream([team], [0] * 150, 5)])[0].owners == order


# -- the property bites ------------------------------------------------------------------------------------


class FirstOfTied(Lean):
    """Gives a tie to the first person."""

    def _waiting(self, pool: int, earned: tuple[int, ...], credits: list[int], last: list[int]) -> int:
        return self._frame.places[pool][earned.index(max(earned))]


class LaneByLane(Lean):
    """Forgets the other lanes in a tie."""

    def _waiting(self, pool: int, earned: tuple[int, ...], credits: list[int], last: list[int]) -> int:
        self._rest = 0
        return super()._waiting(pool, earned, credits, last)


class Unlimited(Lean):
    """Forgets the limit."""

    def __init__(self, pools: Iterable[Pool], ledgers: Mapping[str, Ledger], *, limit: int | None) -> None:
        super().__init__(pools, ledgers, limit=None)


@pytest.mark.parametrize("mutant", [FirstOfTied, LaneByLane, Unlimited])
def test_a_loop_that_forgets_a_part_of_the_rule_is_caught(mutant: type[Lean]) -> None:
    @settings(max_examples=200, database=None, derandomize=True, phases=[Phase.generate])
    @given(worlds())
    def agrees(world: World) -> None:
        lean = mutant(world.pools, world.ledgers, limit=world.limit)
        assert lean.owners(world.leads) == [turn.owner for turn in world.turns()[1]]

    with pytest.raises(AssertionError):
        agrees()


# -- what is refused ---------------------------------------------------------------------------------------


def test_nobody_in_a_pool_and_a_limit_below_one_are_refused_as_the_rotation_refuses_them() -> None:
    for pool, limit, words in ((Pool({}), 5, "nobody may take"), (ENTERPRISE, 0, "1 lead or more, not 0")):
        with pytest.raises(ValueError, match=words):
            Lean([pool], limit=limit)
        with pytest.raises(ValueError, match=words):
            in_step([Stream([pool], [], limit)])


def test_credits_may_be_thousands_of_leads_apart_but_not_outgrow_their_bits() -> None:
    pools = [Pool({"ana": 1}), Pool({"ana": 1, "ben": 1})]
    for leads, owner in ((14_990, "ben"), (-14_990, "ana")):
        credits = {"ana": -leads * U, "ben": leads * U}
        world = World(tuple(pools), (0, 1, 1, 0), None, {"": Ledger(credits, credits)})
        assert world.lean().owners(world.leads) == ["ana", owner, owner, "ana"]
        assert in_step([world.stream])[0].owners == ["ana", owner, owner, "ana"]
    further = {"ana": 14_998 * U}
    with pytest.raises(ValueError, match=r"14,998 leads may outgrow 64 bits: let Rotation"):
        Lean([ENTERPRISE], {"": Ledger(further, further)}, limit=None)


def test_a_lead_without_a_pool_is_refused_and_changes_nothing() -> None:
    lean = Lean([ENTERPRISE], limit=5)
    assert lean.owners([0]) == ["ana"]
    before = lean.ledger("")
    with pytest.raises(IndexError):
        lean.owners([0, 0, 1])
    assert lean.ledger("") == before and lean.owners([0]) == ["ben"]
    with pytest.raises(IndexError, match="pools 0 to 1; there are 1"):
        in_step([Stream([ENTERPRISE], [0, 1], 5), Stream([ENTERPRISE], [0], 5)])


def test_who_is_in_no_pool_keeps_their_credit_and_no_leads_change_nothing() -> None:
    rotation = Rotation(limit=5)
    rotation.take("", {"zoe": 1, "yan": 1})
    start = {"": rotation.ledger("")}
    lean, outcome = Lean([ENTERPRISE], start, limit=5), in_step([Stream([ENTERPRISE], [], 5, start)])[0]
    assert lean.owners([]) == outcome.owners == [] and len(lean.turns([])) == 0
    assert same(lean.ledger(""), start[""]) and same(outcome.ledger(""), start[""])
    lean.owners([0])
    assert lean.ledger("").credits["zoe"] == start[""].credits["zoe"]
    assert in_step([]) == []


# -- around it ---------------------------------------------------------------------------------------------


def test_the_lean_loop_loads_no_numpy() -> None:
    code = "import rules.lean, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_the_benchmark_compares_all_ways_and_prints_their_rates() -> None:
    command = [sys.executable, "benchmarks/turns.py", "--leads", "1500", "--teams", "5", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^(.+?)  +[\d,]+ +[\d.]+x +([\d.]+)x$", done.stdout, re.MULTILINE))
    assert rows["a plain pointer"] == "1.00" and len(rows) == 8, done.stdout
