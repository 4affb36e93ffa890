"""The invariants I10 to I16 hold through random lives with every fault, and both sides agree at rest.

A seed that fails is run alone by `Simulation(seed).run()`. SYNC_SIMULATION=long runs 1,000 of 200 cycles.
"""

from __future__ import annotations

import os

import pytest
from sync_mutants import MUTANTS, Mutant
from sync_simulation import Simulation

CHUNKS, SEEDS = 20, 25
IS_LONG = os.environ.get("SYNC_SIMULATION") == "long"


def broken(seed: int, *, cycles: int = 40) -> list[str]:
    """What a seed broke; an error of the product's breaks it too."""
    try:
        return Simulation(seed, cycles=cycles).run()
    except Exception as error:  # noqa: BLE001
        return [f"{type(error).__name__}: {error}"]


def failures(seeds: range, *, cycles: int = 40) -> dict[int, list[str]]:
    return {seed: said[:5] for seed in seeds if (said := broken(seed, cycles=cycles))}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_life_of_a_record_breaks_a_promise(chunk: int) -> None:
    assert failures(range(chunk * SEEDS, (chunk + 1) * SEEDS)) == {}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_a_sync_that_is_wrong_in_one_place_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    assert any(broken(seed) for seed in range(60))


if IS_LONG:

    @pytest.mark.timeout(7200)
    @pytest.mark.parametrize("chunk", range(20))
    def test_no_long_life_of_a_record_breaks_a_promise(chunk: int) -> None:
        assert failures(range(10_000 + chunk * 50, 10_000 + (chunk + 1) * 50), cycles=200) == {}
