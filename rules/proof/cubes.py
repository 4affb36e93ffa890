"""Cells of a grid as few cubes, the largest first: greedily, as the fewest are too hard to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from heapq import nsmallest
from itertools import permutations
from operator import and_
from typing import Final

Line = tuple[int, int]
"""Two coordinates of a grid; its cells are a set over the third, as bits."""
Box = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
Weights = Sequence[Sequence[int]]

_SEEDS: Final = 4
_MANY_LINES: Final = 2_000


def cubes_of(cells: Mapping[Line, int], weights: Weights, most: int) -> Iterator[tuple[int, Box]]:
    """Cubes that together hold the cells: each with the weight that it adds to those before it. Later cubes
    may be larger than earlier ones."""
    left = dict(cells)
    grid = _Grid(cells, weights)
    for _ in range(most):
        if not left:
            return
        box = grid.largest(left)
        yield grid.weight(left, box), box
        taken = sum(1 << place for place in box[2])
        for line in [(a, b) for a in box[0] for b in box[1] if (a, b) in left]:
            left[line] &= ~taken
            if not left[line]:
                del left[line]


class _Grid:
    """Cells with their weights; remembers what sets of places weigh."""

    def __init__(self, cells: Mapping[Line, int], weights: Weights) -> None:
        self._cells = cells
        self._weights = weights
        self._places: dict[int, int] = {0: 0}
        self._sides = [sorted({line[axis] for line in cells}) for axis in (0, 1)]
        self._seeds = _SEEDS if len(cells) <= _MANY_LINES else 1

    def largest(self, left: Mapping[Line, int]) -> Box:
        """The cube that adds most, of those that grow from the fullest lines."""
        first, second, _ = self._weights
        full = {n: first[n[0]] * second[n[1]] * self._of_places(places) for n, places in left.items()}
        seeds = nsmallest(self._seeds, full, key=lambda line: (-full[line], line))
        orders = tuple(permutations(range(3)))
        boxes = {self._grown(seed, left[seed], order): None for seed in seeds for order in orders}
        return max(boxes, key=lambda box: self.weight(left, box))

    def weight(self, left: Mapping[Line, int], box: Box) -> int:
        """How much of what is left a cube holds."""
        last = sum(1 << place for place in box[2])
        first, second, _ = self._weights
        return sum(
            first[a] * sum(second[b] * self._of_places(left[a, b] & last) for b in box[1] if (a, b) in left)
            for a in box[0]
        )

    def _of_places(self, places: int) -> int:
        found = self._places.get(places)
        if found is None:
            found = self._places[places] = weight(places, self._weights[2])
        return found

    def _grown(self, seed: Line, places: int, order: Sequence[int]) -> Box:
        """The cube of cells around a seed, grown as far as it goes along one coordinate after the other."""
        sides: list[tuple[int, ...]] = [(seed[0],), (seed[1],)]
        last = places & -places
        for axis in order:
            if axis == 2:
                last = reduce(and_, (self._cells[a, b] for a in sides[0] for b in sides[1]))
            else:
                others = sides[1 - axis]
                sides[axis] = tuple(n for n in self._sides[axis] if self._holds(axis, n, others, last))
        return sides[0], sides[1], tuple(n for n in range(last.bit_length()) if last >> n & 1)

    def _holds(self, axis: int, own: int, others: Sequence[int], places: int) -> bool:
        """Whether the places are cells of all lines between one coordinate and others."""
        lines = ((own, n) if axis == 0 else (n, own) for n in others)
        return all(self._cells.get(line, 0) & places == places for line in lines)


def weight(places: int, weights: Sequence[int]) -> int:
    """How much a set of places weighs together."""
    total = 0
    while places:
        total += weights[(places & -places).bit_length() - 1]
        places &= places - 1
    return total
