"""Rows that no lead can reach: the rows above them, together, accept every lead that they accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from rules.proof.cover import Answer, Box, Budget, Question, Sets, cover, fewest
from rules.proof.regions import DAY, Axis, Regions, Space, as_set, numbers_of


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A row, by its place in Order, and the rows above that together take all its leads; or the fact whose
    value, as the row asks for it, no lead can have."""

    row: int
    by: tuple[int, ...] = ()
    impossible: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of a layer's rows: those that are unreachable, and those of which it is not known.
    `live` are the rows that may get a lead, as bits."""

    unreachable: tuple[Unreachable, ...]
    unproven: tuple[int, ...]
    live: int


def reach(space: Space, budget: Budget) -> Reach:
    """Which rows of a layer can be reached. A row is called unreachable only when that is certain."""
    if not space.feasible:
        return Reach((), tuple(range(space.size)), (1 << space.size) - 1)
    found: list[Unreachable] = []
    unproven: list[int] = []
    live = 0
    for row in range(space.size):
        empty = next((a.name for a in space.axes if not a.of_row(row)), None)
        if empty is not None:
            found += [Unreachable(row, impossible=empty)] if empty != DAY else []
            continue
        answer = _by_one(space, row, live) or _by_all(space, row, live, budget)
        if isinstance(answer, Unreachable):
            found.append(answer)
            continue
        live |= 1 << row
        if answer is None:
            unproven.append(row)
    return Reach(tuple(found), tuple(unproven), live)


def _by_one(space: Space, row: int, above: int) -> Unreachable | None:
    """The row as unreachable when one row above accepts all of it."""
    for axis in space.axes:
        above &= axis.span(axis.cell_of[row])[0] if axis.complete else _surely(axis, row, above)
        if not above:
            return None
    return Unreachable(row, ((above & -above).bit_length() - 1,))


def _surely(axis: Axis, row: int, above: int) -> int:
    """The rows with the same cell, or any: of a column whose values are not all known."""
    every = above & axis.span(axis.cell_of[row])[0]
    same = (n for n in numbers_of(every) if axis.cell_of[n] == axis.cell_of[row] or axis.is_any(n))
    return as_set(same)


def _by_all(space: Space, row: int, above: int, budget: Budget) -> Unreachable | bool | None:
    """The row as unreachable when rows above accept it together; False when some lead reaches it, None when
    that is not known."""
    rows, regions = _narrowed(space, row, above)
    if not rows or _is_missed(space, row, rows):
        return False
    answer, local = is_taken(space, regions, rows, budget.question())
    if not answer.covered:
        return answer.covered
    if not all(axis.complete for axis in space.axes):
        return None
    used = fewest(local.box, answer.rows, budget.question())
    return Unreachable(row, local.numbers(used))


def _narrowed(space: Space, row: int, above: int) -> tuple[int, tuple[Regions, ...]]:
    """The rows that accept part of a row, and its regions; where its hardest region is accepted by rows alone
    that accept the whole cell, that region stands for the cell."""
    rows, cells = above, [axis.cell_of[row] for axis in space.axes]
    for axis, cell in zip(space.axes, cells, strict=True):
        if len(axis.cells[cell]) < len(axis.values):
            rows &= axis.span(cell)[1]
            if not rows:
                return 0, ()
    regions: list[Regions] = []
    for axis, cell in zip(space.axes, cells, strict=True):
        regions.append(axis.cells[cell])
        if len(axis.cells[cell]) > 1:
            hardest = axis.hardest(cell)
            kept = rows & axis.rows(hardest)
            if kept & axis.span(cell)[0] == kept:
                rows, regions[-1] = kept, (hardest,)
    return rows, tuple(regions)


def _is_missed(space: Space, row: int, rows: int) -> bool:
    """Whether no row accepts the point of a row that is hardest in each column for itself."""
    for axis in space.axes:
        rows &= axis.rows(axis.hardest(axis.cell_of[row]))
        if not rows:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Local:
    """A question to `cover` in terms of the rows that matter to it."""

    box: Box
    rows: int
    order: tuple[int, ...]
    regions: tuple[dict[int, int], ...]

    def numbers(self, rows: int) -> tuple[int, ...]:
        """The rows of a local set by their place in Order."""
        return tuple(sorted(self.order[n] for n in numbers_of(rows)))

    def at(self, point: Sets) -> tuple[int, ...]:
        """The region of each axis that a point lies in."""
        return tuple(regions[mask] for regions, mask in zip(self.regions, point, strict=True))


def localised(sets: Sequence[dict[int, int]], rows: int, question: Question) -> Local:
    """The box of columns of regions, given by the rows that accept them, with bits for these rows alone:
    those that accept most of it first."""
    question.take(rows.bit_count() + sum(map(len, sets)))
    whole = [reduce(and_, of_axis, rows) for of_axis in sets]
    order = sorted(numbers_of(rows), key=lambda n: -sum(w >> n & 1 for w in whole))
    place = {number: n for n, number in enumerate(order)}
    columns = [{as_set(place[n] for n in numbers_of(s)): r for s, r in of_axis.items()} for of_axis in sets]
    return Local(tuple(map(tuple, columns)), (1 << len(order)) - 1, tuple(order), tuple(columns))


def _distinct(axis: Axis, regions: Regions, rows: int) -> dict[int, int]:
    """Each set of rows that accept a region, with the first such region."""
    found: dict[int, int] = {}
    for region in regions:
        found.setdefault(axis.rows(region) & rows, region)
    return found


def is_taken(space: Space, regions: Sequence[Regions], rows: int, question: Question) -> tuple[Answer, Local]:
    """Whether rows together accept a box of regions; if not, `at` of the local box names a point."""
    sets: list[dict[int, int]] = [{} for _ in regions]
    for number in sorted(range(len(regions)), key=lambda n: len(regions[n])):
        sets[number] = _distinct(space.axes[number], regions[number], rows)
        rows = reduce(or_, sets[number])
    local = localised([{s & rows: r for s, r in of_axis.items()} for of_axis in sets], rows, question)
    return cover(local.box, local.rows, question), local
