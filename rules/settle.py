"""Whose turn it is: the one place where owners come from (fairness.md section 1, "Core")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.shares import Split, U, split_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who pays for the lead, and what everybody earns. `paid` is zero beyond the limit."""

    payer: str
    shares: Mapping[str, int]
    paid: int
    weight: int = 0
    """The sum of weights of those who earned."""


def settle(
    split: Split,
    able: tuple[str, ...],
    before: Mapping[str, int],
    team: Mapping[str, int],
    last: Mapping[str, int],
    limit: int | None,
) -> Outcome:
    """The turn of one of `able`, where everybody in `split` earns. Raises ValueError for a limit below 1.

    `able` is part of the split's ids, in code-point order.
    """
    earning, shares = shares_of(split, before, limit)
    payer, credit = _highest(able, shares, before, team, last)
    return _within(limit, Outcome(payer, shares, earning.total, earning.whole), credit, split)


def charge(split: Split, payer: str, before: Mapping[str, int], limit: int | None) -> Outcome:
    """A lead outside the rotation: everybody in `split` earns, `payer`, who is one of them, pays."""
    earning, shares = shares_of(split, before, limit)
    credit = before.get(payer, 0) + shares[payer]
    return _within(limit, Outcome(payer, shares, earning.total, earning.whole), credit, split)


def _within(limit: int | None, out: Outcome, credit: int, split: Split) -> Outcome:
    """The same, but that nothing moves when the payer would fall below the limit."""
    if limit is not None and credit - out.paid < -limit * U:
        return Outcome(out.payer, dict.fromkeys(split.ids, 0), 0)
    return out


def shares_of(split: Split, before: Mapping[str, int], limit: int | None) -> tuple[Split, Mapping[str, int]]:
    """Who earns, which is who is below the limit, or all when nobody is; and what everybody does."""
    if limit is not None and limit < 1:
        raise ValueError(f"the limit must be 1 lead or more, not {limit!r}")
    earning = split if limit is None else _below(split, before, limit * U)
    if earning is split:
        return split, split.shares
    return earning, {i: earning.shares.get(i, 0) for i in split.ids}


def _below(split: Split, before: Mapping[str, int], ceiling: int) -> Split:
    """The part that earns: who is below the limit, or all when nobody is."""
    if max([before.get(i, 0) for i in split.ids]) < ceiling:
        return split
    full = {i for i in split.ids if before.get(i, 0) >= ceiling}
    if len(full) == len(split.ids):
        return split
    return split_of({i: weight for i, weight in split.weights.items() if i not in full}, most=10**6)


def _highest(
    ids: tuple[str, ...],
    shares: Mapping[str, int],
    before: Mapping[str, int],
    team: Mapping[str, int],
    last: Mapping[str, int],
) -> tuple[str, int]:
    """The taker, and their credit after earning. `ids` are in code-point order and min() keeps the first."""
    earned = [before.get(i, 0) + shares[i] for i in ids]
    best = max(earned)
    ties = [i for i, credit in zip(ids, earned, strict=True) if credit == best]
    if len(ties) == 1:
        return ties[0], best
    return min(ties, key=lambda i: (-team.get(i, 0) - shares[i], last.get(i, 0))), best
