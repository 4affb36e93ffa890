"""Fair turns, run after run: a plan keeps F6, F10 to F13 and F15 to F17; each catches wrong planners."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from plan_rules import AnyRuns, RunPromise, rules_that_feed_one_team_share_its_ledger
from planners import MakePlanner, a_ledger_for_each_rule, product
from turn_promises import RUNS
from turn_rules import SIZE

FIFTY_STEPS = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
UNTIL_CAUGHT = settings(FIFTY_STEPS, derandomize=True, database=None, phases=[Phase.generate])


def test_the_product_keeps_every_promise_run_after_run() -> None:
    assert set(AnyRuns.promises) == {promise for _, promise, _ in RUNS}
    run_state_machine_as_test(AnyRuns, settings=FIFTY_STEPS)


@pytest.mark.parametrize(
    ("promise", "planner"),
    [(promise, planner) for _, promise, planners in RUNS for planner in planners],
    ids=lambda x: x.__name__,
)
def test_it_catches_a_mutated_planner(promise: RunPromise, planner: MakePlanner) -> None:
    mutated = type("Mutated", (AnyRuns,), {"make": staticmethod(planner), "promises": (promise,)})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(mutated, settings=UNTIL_CAUGHT)


@FIFTY_STEPS
@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_rules_that_feed_one_team_share_its_ledger(steps: bytes) -> None:
    """F13."""
    rules_that_feed_one_team_share_its_ledger(product, steps)


def test_a_ledger_for_each_rule_is_caught() -> None:
    with pytest.raises(AssertionError):
        for seed in range(300):
            steps = random.Random(seed).randbytes(SIZE)
            rules_that_feed_one_team_share_its_ledger(a_ledger_for_each_rule, steps)
