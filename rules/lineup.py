"""Who stands for one lead: who may take it, who earns a share, whom a delegate serves, who misses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from rules.model import CatchUp
from rules.shares import Split, split_of
from rules.vouchers import Missed

_NONE: Mapping[str, CatchUp] = {}
MOST = 1_000_000
"""The highest weight of one who serves for others too."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """`able` is E, who may take the lead, with weights, in code-point order of the Person ID.

    `split` divides the lead among those who earn: E, or where a team counts totals everybody who is present
    and under cap. `serves` maps who is away, and in E, to the delegate who gets the lead when it is their
    turn. `missed` is who is out only by an absence that is made good later, `policy` by what, and `today` the
    team's day, on which vouchers expire.
    """

    able: Mapping[str, int]
    split: Split
    serves: Mapping[str, str] = field(default_factory=dict)
    missed: Mapping[str, Missed] = field(default_factory=dict)
    policy: Mapping[str, CatchUp] = field(default_factory=lambda: _NONE)
    today: date | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """E, in code-point order."""
        return self.split.ids if self.able is self.split.weights else tuple(self.able)


def alone(candidates: Mapping[str, int] | Split) -> Lineup:
    """A lineup of these and nothing else. Raises ValueError as `split_of` does."""
    split = candidates if isinstance(candidates, Split) else split_of(candidates)
    return Lineup(split.weights, split)


def with_taker(lineup: Lineup | None, person: str, weight: int) -> Split:
    """Who earns of a lead that somebody took or was given outside the rotation: they too."""
    weights = dict(lineup.split.weights) if lineup else {}
    return split_of({**weights, person: weights.get(person, weight)}, most=MOST)
