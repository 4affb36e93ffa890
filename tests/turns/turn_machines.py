"""A team's life, step by step, over any rotation: what holds after each of fifty steps."""

from __future__ import annotations

import random
from datetime import timedelta

from choice_rules import MONDAY, PEOPLE, counting_totals, missing, rederived, served, tell
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rotations import Make, Product, Reference
from turn_rules import Audit, some_of

from rules.lineup import Lineup
from rules.model import CatchUp
from rules.rotation import U, split_of

masks, few = st.integers(0, 15), st.integers(0, 7)


class Undoing(RuleBasedStateMachine):
    """What is common: a rotation whose turns can be given back, one by one or all since a point."""

    make: Make = Product

    def __init__(self) -> None:
        super().__init__()
        self.one = self.make()
        self.rotations: list[Product | Reference] = [self.one]
        self.told = 0
        self.back: set[int] = set()
        self.remember()

    def remember(self) -> None:
        self.point, self.kept = self.told, set(self.back)
        self.then = self.states()

    def leads_come(self, bits: int) -> None:
        raise NotImplementedError

    def states(self) -> list[object]:
        return [self.one.state(lane) for lane in "xy"]

    def given_back(self, k: int) -> None:
        self.back.add(k)
        for one in self.rotations:
            one.give_back(k)

    @rule()
    def a_point_is_remembered(self) -> None:
        self.remember()

    @rule(n=few)
    def one_is_given_back(self, n: int) -> None:
        live = [k for k in range(self.told) if k not in self.back]
        if live:
            self.given_back(live[-1 - n % len(live)])

    @rule(seed=few)
    def all_since_the_point_are_given_back(self, seed: int) -> None:
        """F22: at least those of a few leads."""
        self.leads_come(17 * seed)
        later = [k for k in range(self.point, self.told) if k not in self.back]
        random.Random(seed).shuffle(later)
        for k in later:
            self.given_back(k)
        if {k for k in self.back if k < self.point} == self.kept:
            assert self.states() == self.then, "the ledger of that point, byte for byte"

    @rule()
    def the_run_ends(self) -> None:
        """F14 in the core: the stored turns are all that the next run reads."""
        before = self.states()
        self.one.restart()
        assert self.states() == before


class AnyTeam(Undoing):
    """People join, leave and are away; the sheet is saved; turns are given back."""

    def __init__(self) -> None:
        super().__init__()
        self.audit, self.team, self.serial = Audit(), {"p00": 1}, 1

    def given_back(self, k: int) -> None:
        super().given_back(k)
        self.audit.take_out(k)

    @rule(bits=st.integers(0, 127))
    def leads_come(self, bits: int) -> None:
        e = some_of(self.team, bits)
        out = {i: c for i, c in self.one.credits("x").items() if i not in e}
        for _ in range(bits >> 4):
            self.audit.add(e, self.one.take("x", e).owner)
            self.told += 1
        after = self.one.credits("x")
        assert all(after.get(i) == c for i, c in out.items()), "F7, F8: who is out keeps their credit"

    @precondition(lambda self: len(self.team) < 4)
    @rule(weight=st.integers(1, 3))
    def somebody_joins(self, weight: int) -> None:
        self.team[f"p{self.serial:02}"] = weight
        self.serial += 1

    @precondition(lambda self: len(self.team) > 1)
    @rule(n=few)
    def somebody_leaves(self, n: int) -> None:
        del self.team[sorted(self.team)[n % len(self.team)]]

    @rule()
    def the_sheet_is_saved(self) -> None:
        """F8: nothing is ever reset."""
        before = self.states()
        self.one.edit()
        assert self.states() == before

    @invariant()
    def everybody_is_near(self) -> None:
        """F2, T2, with one lead more for each turn given back: at most four at once."""
        bound = 3 + len(self.back)
        assert all(abs(c) <= bound * U for c in self.audit.credit.values()), self.audit.credit


class AnyChoice(Undoing):
    """Every choice of section 3 in any order, beside the ledger in fractions."""

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Reference()
        self.rotations.append(self.oracle)
        self.day, self.team, self.terms = MONDAY, dict.fromkeys(PEOPLE, 1), CatchUp(expiry=3)

    @initialize(heavy=masks, cap=st.integers(1, 4), pace=st.integers(1, 2))
    def the_team_chooses(self, heavy: int, cap: int, pace: int) -> None:
        self.team = {i: 1 + (heavy >> k & 1) for k, i in enumerate(PEOPLE)}
        self.terms = CatchUp(cap=cap, expiry=3, pace=pace)

    def lineup(self, mask: int) -> Lineup:
        able = some_of(self.team, mask)
        return Lineup(able, split_of(able), policy={"": self.terms}, today=self.day)

    def tell(self, lane: str, lineup: Lineup, taker: str = "") -> None:
        given = tell(self.one, lane, lineup, taker)
        assert given == tell(self.oracle, lane, lineup, taker)
        self.told += 1
        turn = self.one.turns[-1][1] if self.one.turns else None
        assert turn is None or rederived(turn) == given.owner, "F15"
        assert given.owner in {*lineup.able, *lineup.serves.values(), taker}, "F6"

    @rule(bits=st.integers(0, 127))
    def leads_come(self, bits: int) -> None:
        for _ in range(1 + (bits >> 4 & 3)):
            self.tell("xy"[bits >> 6], self.lineup(bits))

    @rule(mask=masks)
    def a_lead_comes_that_counts_totals(self, mask: int) -> None:
        self.tell("x", counting_totals(self.lineup(mask), self.team))

    @rule(bits=st.integers(0, 63))
    def a_lead_comes_while_a_delegate_serves(self, bits: int) -> None:
        self.tell("x", served(self.lineup(bits), self.team, "ab"[bits >> 4 & 1], "cd"[bits >> 5]))

    @rule(bits=st.integers(0, 63))
    def leads_come_that_somebody_misses(self, bits: int) -> None:
        for _ in range(1 + (bits >> 4)):
            self.tell("x", missing(self.lineup(bits), self.team, "a", self.terms))

    @rule(bits=st.integers(0, 63))
    def a_lead_is_taken_by_hand(self, bits: int) -> None:
        self.tell("x", self.lineup(bits), PEOPLE[bits >> 4])

    @rule(days=st.integers(1, 4))
    def days_pass(self, days: int) -> None:
        self.day += timedelta(days=days)

    def teardown(self) -> None:
        """F7, F9: every account is the oracle's, to the unit."""
        for lane in "xy":
            exact = {i: c * self.one.LEAD for i, c in self.oracle.credits(lane).items() if c}
            assert {i: c for i, c in self.one.credits(lane).items() if c} == exact
