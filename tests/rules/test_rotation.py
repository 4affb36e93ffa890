"""One turn and one ledger: examples, what is refused, and that every way into the core does the same.

What turns promise (F and T of fairness.md) is in tests/turns, each promise beside rotations that break it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.rotation import EMPTY, Ledger, Rotation, Turn, U, give_back, rederive, replay, take_turn, upcoming

E = Mapping[str, int]
Steps = list[tuple[str, E]]
many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENTERPRISE = {"ana": 1, "ben": 1, "chi": 1}


def some_steps(people: str = "abcdefg", *, top: int = 5, lanes: str = "x") -> st.SearchStrategy[Steps]:
    some = st.dictionaries(st.sampled_from(people), st.integers(1, top), min_size=1)
    return st.lists(st.tuples(st.sampled_from(lanes), some), min_size=1, max_size=40)


# -- every way into the core does the same -----------------------------------------------------------------


@many
@given(some_steps(lanes="xy", top=1000), st.sets(st.integers(0, 40)))
def test_take_turn_and_a_rotation_cannot_differ_however_leads_are_cut_into_runs(
    steps: Steps, cuts: set[int]
) -> None:
    """The ledger is all that passes from run to run; `take_turn` and `Rotation` cannot differ."""
    whole, cut, single = Rotation(), Rotation(), dict[str, Ledger]()
    for k, (lane, e) in enumerate(steps):
        if k in cuts:
            cut = Rotation({at: cut.ledger(at) for at in cut.lanes})
        common = next(iter(single.values()), EMPTY)
        turn, after = take_turn(single.get(lane, replace(common, credits={}, next_number=1)), e)
        shared = {"team_credits": after.team_credits, "last_turn": after.last_turn}
        single = {at: replace(x, next_sequence=after.next_sequence, **shared) for at, x in single.items()}
        single[lane] = after
        assert whole.take(lane, e) == cut.take(lane, e) == turn
    assert all(whole.ledger(lane) == cut.ledger(lane) == single[lane] for lane in whole.lanes)


@many
@given(some_steps(lanes="xy", top=1000), st.randoms(use_true_random=False))
def test_the_order_of_candidates_and_of_stored_turns_changes_nothing(
    steps: Steps, dice: random.Random
) -> None:
    one = Rotation()
    turns: dict[str, list[Turn]] = {}
    for lane, e in steps:
        before = one.ledger(lane)
        shuffled = dict(dice.sample(list(e.items()), len(e)))
        assert take_turn(before, shuffled) == take_turn(before, e)
        turn = one.take(lane, shuffled)
        assert list(turn.weights) == sorted(e)
        turns.setdefault(lane, []).append(turn)
    mixed = {lane: dice.sample(ts, len(ts)) for lane, ts in turns.items()}
    assert all(replay(mixed).ledger(lane) == one.ledger(lane) for lane in turns)


@many
@given(some_steps("abcd", lanes="xy"), st.sets(st.integers(0, 39)))
def test_the_number_of_a_turn_given_back_stays_used(steps: Steps, back: set[int]) -> None:
    one = Rotation()
    turns = [(lane, one.take(lane, e)) for lane, e in steps]
    live = {lane: [t for k, (at, t) in enumerate(turns) if at == lane and k not in back] for lane in "xy"}
    gone = {lane: [t for k, (at, t) in enumerate(turns) if at == lane and k in back] for lane in "xy"}
    again = replay(live, given_back=gone)
    for lane in "xy":
        assert again.ledger(lane).next_number == one.ledger(lane).next_number
    assert again.ledger("x").next_sequence == len(steps) + 1


# -- examples ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 10, 36, 37, 100])
def test_a_constant_team_with_equal_weights_is_plain_round_robin(n: int) -> None:
    team, one = {f"p{k:03}": 1 for k in range(n)}, Rotation()
    assert [one.take("", team).owner for _ in range(4 * n)] == sorted(team) * 4


def owners(team: E, leads: int) -> str:
    one = Rotation()
    return " ".join(one.take("", team).owner for _ in range(leads))


def test_weights_5_1_1_give_a_a_b_a_c_a_a() -> None:
    assert owners({"a": 5, "b": 1, "c": 1}, 14) == "a a b a c a a a a b a c a a"


def test_the_history_of_nine_leads_is_followed_by_c_c_d_e_c() -> None:
    one = Rotation()
    for e in ("abcde", "abcde", "ab", "cd", "bc", "ce", "cd", "bd", "abd"):
        one.take("", dict.fromkeys(e, 1))
    assert [one.take("", dict.fromkeys("abcde", 1)).owner for _ in range(5)] == ["c", "c", "d", "e", "c"]


def test_ties_look_at_the_whole_team_then_at_the_last_turn_in_any_lane() -> None:
    one = Rotation()
    assert one.take("hot", ENTERPRISE).owner == "ana"
    assert one.take("cold", ENTERPRISE).owner == "ben"
    assert one.take("warm", ENTERPRISE).owner == "chi"
    assert one.take("new", {"chi": 1, "ben": 1, "ana": 1}).owner == "ana"


def test_upcoming_shows_the_next_turns_with_credits_and_takes_none() -> None:
    one = Rotation()
    one.take("", ENTERPRISE)
    expected = (("ben", U // 3), ("chi", 2 * U // 3), ("ana", 0))
    assert one.upcoming("", ENTERPRISE, 3) == expected == upcoming(one.ledger(""), ENTERPRISE, 3)
    assert one.ledger("").next_number == 2
    assert upcoming(EMPTY, {}, 3) == ()


def test_giving_back_the_newest_turn_needs_no_more_than_the_turn() -> None:
    _, before = take_turn(EMPTY, ENTERPRISE)
    turn, after = take_turn(before, ENTERPRISE)
    again = give_back(after, turn)
    assert again.canonical() == before.canonical()
    assert again.next_number == 3
    assert after.credits["ben"] == -U // 3, "the ledger given is not changed"


def test_beyond_the_limit_no_credit_moves_and_the_number_is_used() -> None:
    ledger = Ledger({"ana": -5 * U, "ben": 5 * U}, {"ana": -5 * U, "ben": 5 * U})
    turn, after = take_turn(ledger, {"ana": 1})
    assert (turn.kind, turn.owner, turn.paid, turn.shares) == ("turn", "ana", U, {"ana": U})
    low = Ledger({"ana": -5 * U, "chi": -5 * U, "ben": 10 * U})
    turn, after = take_turn(low, {"ana": 1, "chi": 1})
    assert (turn.kind, turn.paid, turn.after) == ("beyond the limit", 0, turn.before)
    assert after.credits == low.credits and after.next_number == 2 and after.last_turn == {"ana": 1}
    assert rederive(turn) == "ana"


def test_when_everybody_stands_at_the_limit_all_earn_as_if_there_were_none() -> None:
    ledger = Ledger({"ana": 5 * U, "ben": 6 * U, "chi": -11 * U})
    turn, after = take_turn(ledger, {"ana": 1, "ben": 1})
    assert turn.owner == "ben" and turn.shares == {"ana": U // 2, "ben": U // 2}
    assert sum(after.credits.values()) == 0


@pytest.mark.parametrize(
    ("candidates", "limit"),
    [({}, 5), ({"a": 0}, 5), ({"a": 1001}, 5), ({"a": 1.0}, 5), ({"a": True}, 5), ({"a": 1}, 0)],
)
def test_what_cannot_be_decided_is_refused(candidates: E, limit: int) -> None:
    take_turn(EMPTY, {"a": 1})
    with pytest.raises(ValueError):
        take_turn(EMPTY, candidates, limit=limit)


def test_lanes_that_disagree_about_the_team_are_refused() -> None:
    with pytest.raises(ValueError, match="team"):
        Rotation({"x": Ledger(), "y": Ledger(team_credits={"ana": 1, "ben": -1})})


def test_the_unit_is_the_least_common_multiple_of_1_to_36() -> None:
    from math import lcm

    assert lcm(*range(1, 37)) == U
