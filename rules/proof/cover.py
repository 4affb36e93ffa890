"""Whether rows together accept a whole box: exact, with a witness or the rows that do it, within a budget.

A box gives for each column the regions that it spans. Rows are bits of local sets, so that a region is the
set of rows that accept it. What takes too long is told as unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import and_, or_
from typing import Final

ROW_VISITS: Final = 200_000
ALL_VISITS: Final = 2_000_000
_BOUND_ROWS: Final = 96
_COMPARED: Final = 16

Sets = tuple[int, ...]
"""The regions of a column: for each, the rows that accept it."""
Box = tuple[Sets, ...]


class Budget:
    """Row visits, the same on every machine: so many in all, and so many for one question."""

    def __init__(self, every: int = ALL_VISITS, each: int = ROW_VISITS) -> None:
        self.left = every
        self._each = each

    def question(self) -> Question:
        """The visits that one question may take."""
        return Question(self, min(self._each, self.left))


class Question:
    """The visits of one question."""

    def __init__(self, budget: Budget, left: int) -> None:
        self._budget = budget
        self._left = left

    def take(self, visits: int) -> bool:
        """Count visits; False once there are none left."""
        self._left -= visits
        self._budget.left -= visits
        return self._left >= 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`covered`: yes, no, or None for unknown. `rows` do it together; `point` is a region of each column
    that no row accepts."""

    covered: bool | None
    rows: int = 0
    point: Sets = ()


UNKNOWN: Final = Answer(None)


def cover(box: Box, rows: int, question: Question) -> Answer:
    """Whether the rows accept every point of the box."""
    used = 0
    seen: set[tuple[int, Box]] = set()
    waiting = [(rows, box)]
    while waiting:
        rows, box = waiting.pop()
        if not question.take(rows.bit_count() + sum(map(len, box))):
            return UNKNOWN
        rows, reduced = _reduce(box, rows)
        if not rows:
            return Answer(False, point=tuple(column[0] for column in reduced))
        whole = reduce(and_, (m for column in reduced for m in column), rows)
        if whole:
            used |= whole & -whole
            continue
        if (rows, reduced) in seen:
            continue
        seen.add((rows, reduced))
        shares = _shares(reduced, rows) if rows.bit_count() <= _BOUND_ROWS else {}
        if shares and sum(shares.values()) < prod(map(len, reduced)):
            return Answer(False, point=_missed(reduced, rows))
        biggest = max(shares, key=lambda row: shares[row]) if shares else rows & -rows
        used |= biggest
        waiting += [(rows & ~biggest, part) for part in _outside(reduced, biggest)]
    return Answer(True, rows=used)


def fewest(box: Box, used: int, question: Question) -> int:
    """As few of the covering rows as needed: none of those left can be dropped (as far as the visits go)."""
    for row in reversed(_bits(used)):
        if used & row:
            answer = cover(box, used & ~row, question)
            used = answer.rows if answer.covered else used
    return used


def _reduce(box: Box, rows: int) -> tuple[int, Box]:
    """The rows that accept part of the box, and the regions that decide: one of equals, none that only more
    rows accept than another."""
    while True:
        before = rows
        found = []
        for column in box:
            sets = {mask & rows: mask for mask in column}
            kept = _smallest(sets)
            rows &= reduce(or_, kept, 0)
            found.append(tuple(sets[s] for s in kept))
        box = tuple(found)
        if rows == before:
            return rows, box


def _smallest(sets: dict[int, int]) -> list[int]:
    """The sets that contain no other one, as far as a few comparisons tell."""
    if len(sets) == 1:
        return list(sets)
    ordered = sorted(sets, key=lambda s: (s.bit_count(), s))
    kept: list[int] = []
    for one in ordered:
        if not any(other & one == other for other in kept[:_COMPARED]):
            kept.append(one)
    return kept


def _shares(box: Box, rows: int) -> dict[int, int]:
    """How many points of the box each row accepts."""
    return {row: prod(sum(1 for mask in column if mask & row) for column in box) for row in _bits(rows)}


def _missed(box: Box, rows: int) -> Sets:
    """A point that no row accepts, where the rows' points are fewer than the box's: column by column, the
    region that leaves the fewest."""
    chosen: list[int] = []
    for number, column in enumerate(box):
        rest = box[number + 1 :]
        best = min(column, key=lambda mask: sum(_shares(rest, rows & mask).values()))
        chosen.append(best)
        rows &= best
    return tuple(chosen)


def _outside(box: Box, row: int) -> list[Box]:
    """The box without a row, in parts that do not overlap."""
    parts: list[Box] = []
    inside = list(box)
    for number, column in enumerate(box):
        beyond = tuple(mask for mask in column if not mask & row)
        if beyond:
            parts.append((*inside[:number], beyond, *box[number + 1 :]))
        inside[number] = tuple(mask for mask in column if mask & row)
    return parts


def _bits(rows: int) -> Sequence[int]:
    found = []
    while rows:
        found.append(rows & -rows)
        rows &= rows - 1
    return found
