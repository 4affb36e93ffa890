"""What would have had to be different: exactly so much is enough, and one unit less is not."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.domain.counterfactual import Tie, WhatIf, what_ifs
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey
from rules.eligibility import Skipped
from rules.lineup import Lineup
from rules.model import CatchUp
from rules.rotation import Ledger, Rotation, Turn, U, split_of, take_turn
from rules.vouchers import Missed

PEOPLE = ("ana", "ben", "chi", "dev")
LEAD = LeadKey("salesforce", "00Q1")
MONDAY = date(2026, 11, 2)
ABSENT = date(2026, 11, 6)


def row(turn: Turn, *skipped: Skipped) -> TurnRow:
    return TurnRow("Enterprise", "", turn, LEAD, 1, skipped)


def away(person: str, weight: int = 1, *also: str) -> Skipped:
    return Skipped(person, "absent", ABSENT, also, weight)


def raised(ledger: Ledger, person: str, units: int) -> Ledger:
    """As if this credit had been higher, in the lane and so over all lanes."""

    def more(book: Any) -> dict[str, int]:
        return {**book, person: book.get(person, 0) + units}

    return replace(ledger, credits=more(ledger.credits), team_credits=more(ledger.team_credits))


def history(seed: int, limit: int | None) -> tuple[Rotation, dict[str, int], random.Random]:
    """Some turns of four people in two lanes, with lumps so that ties, the limit and its edge come up."""
    chance = random.Random(seed)
    weights = {i: chance.choice((1, 1, 1, 2, 3, 7)) for i in PEOPLE}
    if seed % 3 == 0:
        weights = dict.fromkeys(PEOPLE, 1)
    rotation = Rotation(limit=limit)
    for _ in range(chance.randrange(24)):
        some = chance.sample(PEOPLE, chance.randint(1, 4))
        rotation.take(chance.choice("xxy"), {i: weights[i] for i in some})
    ledger = rotation.ledger("x")
    for i in chance.sample(PEOPLE, 2) if seed % 4 == 0 else ():
        near = (limit or 5) * U + chance.choice((-U // 3, -2, -1, 0, 1, U // 2))
        ledger = raised(ledger, i, near - ledger.credits.get(i, 0))
    return Rotation({"x": ledger}, limit=limit), weights, chance


@settings(max_examples=250)
@given(st.integers(0, 10**6), st.sampled_from((None, 1, 2, 5)))
def test_so_much_more_credit_makes_them_the_taker_and_one_unit_less_does_not(
    seed: int, limit: int | None
) -> None:
    rotation, weights, chance = history(seed, limit)
    ledger = rotation.ledger("x")
    able = {i: weights[i] for i in sorted(chance.sample(PEOPLE, chance.randint(1, 4)))}
    turn, _ = take_turn(ledger, able, limit=limit)
    out = [away(i, weights[i]) for i in PEOPLE if i not in able]
    found = what_ifs(row(turn, *out), ledger)
    assert {one.id for one in found} == {i for i in PEOPLE if i != turn.owner}
    for one in found:
        everybody = able if one.id in able else {**able, one.id: weights[one.id]}

        def taker(more: int, one: WhatIf = one, everybody: dict[str, int] = everybody) -> str:
            return take_turn(raised(ledger, one.id, more), everybody, limit=limit)[0].payer

        assert one.known and (one.lifted == ("absent",)) == (one.id not in able)
        if one.credit is None:
            assert one.lifted and taker(0) == one.id
            continue
        enough = one.credit.units
        assert enough >= 1 and taker(enough) == one.id
        assert all(taker(less) != one.id for less in {0, enough // 2, enough - 1})
        equal_credit_is_parted_as_told(one, ledger, everybody, limit)


def equal_credit_is_parted_as_told(
    one: WhatIf, ledger: Ledger, everybody: dict[str, int], limit: int | None
) -> None:
    """At the raise that is called equal the two are equal, and one of them takes the lead by that rule."""
    credit = one.credit
    assert credit is not None
    at = raised(ledger, one.id, credit.equal_at)
    turn, _ = take_turn(at, everybody, limit=limit)
    assert turn.payer == (one.id if credit.tie.wins else credit.tie.rival)
    if turn.beyond:
        return
    mine, theirs = (
        {
            "equal": turn.before[i] + turn.shares[i],
            "credit over all lanes": turn.team_before[i] + turn.shares[i],
            "last turn": -turn.last_before[i],
        }
        for i in (one.id, credit.tie.rival)
    )
    assert mine["equal"] == theirs["equal"]
    first = next((rule for rule in ("credit over all lanes", "last turn") if mine[rule] != theirs[rule]), "")
    assert credit.tie.rule == (first or "Person ID")
    if first:
        assert (mine[first] > theirs[first]) == credit.tie.wins


def test_at_equal_credit_and_the_same_wait_the_person_id_decides() -> None:
    turn, _ = take_turn(Ledger(), {"ana": 1, "ben": 1})
    (ben,) = what_ifs(row(turn), Ledger())
    assert ben.credit is not None
    assert (ben.credit.units, ben.credit.equal_at, ben.credit.tie) == (1, 0, Tie("ana", "Person ID", False))


def test_just_below_the_limit_a_small_raise_is_no_help_and_a_larger_one_is() -> None:
    """At the limit Ben earns nothing more, and the others earn what he had earned."""
    before = {"ana": U // 2, "ben": U - 1}
    ledger = Ledger(credits=before, team_credits=before)
    turn, _ = take_turn(ledger, {"ana": 3, "ben": 1}, limit=1)
    (ben,) = what_ifs(row(turn), ledger)
    assert turn.owner == "ana" and ben.credit is not None
    assert ben.credit.equal_at == U // 2 + 1


def test_who_stands_at_the_limit_is_told() -> None:
    before = {"ana": U + U // 2, "ben": U}
    turn, _ = take_turn(Ledger(credits=before, team_credits=before), {"ana": 1, "ben": 1}, limit=1)
    (ben,) = what_ifs(row(turn), None)
    assert ben.at_limit


def test_what_the_credit_of_somebody_out_was_is_said_only_where_it_is_known() -> None:
    turn, _ = take_turn(Ledger(), {"ana": 1, "ben": 1})
    *_, chi = what_ifs(row(turn, away("chi", 1, "daily_cap")), None)
    assert (chi.known, chi.credit, chi.lifted) == (False, None, ("absent", "daily_cap"))
    *_, chi = what_ifs(row(turn, away("chi")), Ledger(), unclear=frozenset({"chi"}))
    assert not chi.known


def test_where_everybody_had_the_lead_before_whoever_had_not_would_have_got_it() -> None:
    owed = {"chi": -3 * U}
    turn, _ = take_turn(Ledger(), {"ana": 1, "ben": 1})
    had = frozenset({"ana", "ben"})
    *_, chi = what_ifs(row(turn, away("chi")), Ledger(credits=owed, team_credits=owed), had_before=had)
    assert chi.known and chi.credit is None


def lineup(able: dict[str, int], **more: Any) -> Lineup:
    return Lineup(able, split_of(able), **more)


def test_a_catch_up_lead_comes_before_every_credit() -> None:
    rotation, terms = Rotation(), {"": CatchUp(100, 10, 30, 1)}
    able = {"ben": 1, "chi": 1}
    missed = {"ana": Missed("2026-11-02", 1, 100, 10, ABSENT)}
    for _ in range(3):
        rotation.take("", lineup(able, missed=missed, policy=terms, today=MONDAY))
    ledger = rotation.ledger("")
    turn = rotation.take("", lineup({"ana": 1, **able}, policy=terms, today=MONDAY))
    assert (turn.kind, turn.owner) == ("catch-up", "ana")
    found = {one.id: one for one in what_ifs(row(turn), ledger)}
    ordinary, _ = take_turn(ledger, {"ana": 1, **able})
    assert all(one.catch_ups == ("ana",) for one in found.values())
    assert found[ordinary.owner].credit is None
    assert all(one.credit for i, one in found.items() if i != ordinary.owner)


def test_of_two_catch_ups_the_later_one_needs_only_the_earlier_one_gone() -> None:
    zeros = dict.fromkeys(("ana", "ben", "chi"), 0)
    due = {"ana": date(2026, 12, 1), "ben": date(2026, 12, 9)}
    ones = dict.fromkeys(zeros, 1)
    turn = Turn(1, 1, "catch-up", "ana", "ana", ones, zeros, zeros, 0, zeros, zeros, due=due)
    ben, chi = sorted(what_ifs(row(turn), Ledger()), key=lambda one: one.id)
    assert (ben.catch_ups, ben.credit) == (("ana",), None)
    assert chi.catch_ups == ("ana", "ben") and chi.credit is not None


def test_the_absentee_whose_turn_a_delegate_served_needed_only_to_be_present() -> None:
    rotation = Rotation()
    able = {"ana": 1, "ben": 1, "chi": 1}
    turn = rotation.take("", lineup(able, serves={"ana": "ben"}))
    assert (turn.kind, turn.owner, turn.payer) == ("delegated", "ben", "ana")
    found = {one.id: one for one in what_ifs(row(turn), Ledger())}
    assert found.keys() == {"ana", "chi"}
    assert (found["ana"].lifted, found["ana"].credit) == (("absent",), None)
    assert found["chi"].credit is not None


def test_who_earned_without_being_able_to_take_it_needs_no_ledger() -> None:
    """Totals: Chi is present and earns, but does not speak the language."""
    split = split_of(dict.fromkeys(("ana", "ben", "chi"), 1))
    turn = Rotation().take("", Lineup({"ben": 1}, split))
    (chi,) = what_ifs(row(turn, Skipped("chi", "language", None)), None)
    assert chi.known and chi.credit is not None and chi.credit.tie == Tie("ben", "Person ID", False)


@pytest.mark.parametrize("kind", ["by hand", "override"])
def test_a_lead_that_no_rotation_gave_has_no_what_if(kind: Any) -> None:
    turn = Rotation().charge("", {"ana": 1, "ben": 1}, "ben", 1, kind)
    assert what_ifs(row(turn), Ledger()) == ()
