"""Fair turns: the product keeps each promise F of fairness.md, and each catches rotations that are wrong.

A ledger in fractions that was written from the text alone keeps them too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from choice_rules import long_run_shares_do_not_hang_on_names
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from rotation_mutants import HashOfId
from rotations import Make, Product, Reference, Units
from turn_machines import Undoing
from turn_promises import CLASSIC, COUNTED_IN_UNITS, MACHINES, STEPS, Kept, paired
from turn_rules import SIZE, Promise

FIFTY_STEPS = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
UNTIL_CAUGHT = settings(FIFTY_STEPS, derandomize=True, database=None, phases=[Phase.generate])


def some_steps(seeds: int) -> Iterator[bytes]:
    return (random.Random(seed).randbytes(SIZE) for seed in range(seeds))


def named(value: object) -> str:
    if isinstance(value, Kept):
        return f"{value.f}-{value.promise.__name__}"
    return getattr(value, "__name__", " ".join(value) if isinstance(value, tuple) else str(value))


@pytest.mark.parametrize("kept", STEPS, ids=named)
def test_the_product_keeps_it(kept: Kept) -> None:
    @FIFTY_STEPS
    @given(st.binary(min_size=SIZE, max_size=SIZE))
    def holds(steps: bytes) -> None:
        kept.promise(Product, steps)

    holds()


@pytest.mark.parametrize("kept", STEPS, ids=named)
def test_a_ledger_written_from_the_text_keeps_it(kept: Kept) -> None:
    for steps in some_steps(10):
        kept.promise(Units if kept.promise in COUNTED_IN_UNITS else Reference, steps)


@pytest.mark.parametrize(("promise", "mutant"), [(k.promise, m) for k in STEPS for m in k.mutants], ids=named)
def test_it_catches_a_mutated_rotation(promise: Promise, mutant: Make) -> None:
    with pytest.raises(AssertionError):
        for steps in some_steps(300):
            promise(mutant, steps)


@pytest.mark.parametrize(("fs", "machine"), [m[:2] for m in MACHINES], ids=named)
def test_the_product_keeps_them_step_by_step(fs: tuple[str, ...], machine: type[Undoing]) -> None:
    run_state_machine_as_test(machine, settings=FIFTY_STEPS)


@pytest.mark.parametrize(
    ("machine", "mutant"), [(machine, m) for _, machine, mutants in MACHINES for m in mutants], ids=named
)
def test_step_by_step_a_mutated_rotation_is_caught(machine: type[Undoing], mutant: Make) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(type("Mutated", (machine,), {"make": mutant}), settings=UNTIL_CAUGHT)


def test_over_three_months_with_caps_names_move_shares_by_less_than_one_per_cent() -> None:
    """F5, with caps on."""
    for steps in some_steps(3):
        long_run_shares_do_not_hang_on_names(Product, steps)
    with pytest.raises(AssertionError):
        long_run_shares_do_not_hang_on_names(HashOfId, next(some_steps(1)))


def test_each_f_is_paired_with_a_mutant_that_its_own_promise_catches() -> None:
    """The other tests let each pair meet. tests/kills shows F14; here is the part of it that is core."""
    pairs = paired()
    assert {f for f, _ in pairs} >= {*(f"F{n}" for n in range(1, 18)), "F22"}
    assert {mutant for _, mutant in pairs} >= set(CLASSIC.values()) and len(CLASSIC) == 15
    assert (Path(__file__).parents[1] / "kills" / "test_kills.py").is_file()
