"""One lead divided: what each candidate earns of it, and what a turn changes in the books, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

U = 144_403_552_893_600
"""One lead: the least common multiple of 1..36, so that shares are exact while weights sum to 36 or less."""


@dataclass(frozen=True, slots=True)
class Split:
    """A distinct E: ids in code-point order, and what each earns of one lead. Made by `split_of`."""

    ids: tuple[str, ...]
    weights: Mapping[str, int]
    shares: Mapping[str, int]
    total: int
    whole: int
    """The sum of weights."""


def split_of(candidates: Mapping[str, int], *, most: int = 1000) -> Split:
    """Candidates made ready for many turns. Raises ValueError as `take_turn` does.

    `most` is the highest weight: more than a person's where one serves for others too.
    """
    _check(candidates, most)
    return _split(tuple(candidates.items()))


@lru_cache(maxsize=4096)
def _split(items: tuple[tuple[str, int], ...]) -> Split:
    weights = dict(sorted(items))
    whole = sum(weights.values())
    shares = {i: weight * U // whole for i, weight in weights.items()}
    return Split(tuple(weights), weights, shares, sum(shares.values()), whole)


def _check(candidates: Mapping[str, int], most: int) -> None:
    if not candidates:
        raise ValueError("nobody may take this lead: decide what then before asking whose turn it is")
    for person, weight in candidates.items():
        if type(weight) is not int or not 1 <= weight <= most:
            raise ValueError(
                f"the weight of {person} must be a whole number from 1 to {most}, not {weight!r}"
            )
