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


@dataclass(frozen=True, slots=True)
class Booking:
    """What a turn changed in the books: everybody earns their share, the owner pays `paid`."""

    lane: str
    sequence: int
    owner: str
    shares: Mapping[str, int]
    paid: int

    def add_to(self, *books: dict[str, int]) -> None:
        for credits in books:
            for i, share in self.shares.items():
                credits[i] = credits.get(i, 0) + share
            credits[self.owner] -= self.paid

    def take_from(self, *books: dict[str, int]) -> None:
        for credits in books:
            for i, share in self.shares.items():
                credits[i] = credits.get(i, 0) - share
            credits[self.owner] += self.paid


def split_of(candidates: Mapping[str, int]) -> Split:
    """Candidates made ready for many turns. Raises ValueError as `take_turn` does."""
    _check(candidates)
    return _split(tuple(candidates.items()))


@lru_cache(maxsize=4096)
def _split(items: tuple[tuple[str, int], ...]) -> Split:
    weights = dict(sorted(items))
    whole = sum(weights.values())
    shares = {i: weight * U // whole for i, weight in weights.items()}
    return Split(tuple(weights), weights, shares, sum(shares.values()))


def _check(candidates: Mapping[str, int]) -> None:
    if not candidates:
        raise ValueError("nobody may take this lead: decide what then before asking whose turn it is")
    for person, weight in candidates.items():
        if type(weight) is not int or not 1 <= weight <= 1000:
            raise ValueError(f"the weight of {person} must be a whole number from 1 to 1000, not {weight!r}")
