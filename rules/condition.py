"""What one `If` cell means, as a frozen value: which facts it accepts.

Texts and codes are compared by their folded key; numbers and dates lie on one line of cuts. A cut is (point,
side): (5, 0) is just before 5 and (5, 1) just after it, so that `>= 5` is [(5, 0), end), `> 5` [(5, 1), end)
and `5` [(5, 0), (5, 1)). Dates are their ordinal day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from rules.fold import fold
from rules.model import FactType, FactValue, Unmapped

Cut = tuple[Decimal, int]
Interval = tuple[Cut, Cut]

START: Cut = (Decimal("-Infinity"), 0)
END: Cut = (Decimal("Infinity"), 1)


def point(value: Decimal | date) -> Decimal:
    """A number or date as a point of the line."""
    return value if isinstance(value, Decimal) else Decimal(value.toordinal())


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same points as sorted intervals that neither overlap nor touch."""
    merged: list[Interval] = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def outside(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Every point of the line that lies in none of them."""
    gaps: list[Interval] = []
    low = START
    for start, end in union(intervals):
        if low < start:
            gaps.append((low, start))
        low = end
    return (*gaps, (low, END)) if low < END else tuple(gaps)


def both(one: Iterable[Interval], other: Iterable[Interval]) -> tuple[Interval, ...]:
    """The points that lie in both."""
    others = tuple(other)
    return union((max(a, c), min(b, d)) for a, b in one for c, d in others if max(a, c) < min(b, d))


@dataclass(frozen=True, slots=True)
class Condition:
    """One cell's meaning. Which lists count depends on the fact's type:

    - text, closed: a mapped value is accepted if its key is in `literals` or fits a pattern, or
      `accepts_other` holds, and it is neither in `not_literals` nor fits one of `not_patterns`;
    - number, date: if its point lies in `intervals` (`accepts_other`: the whole line is in them).
    A missing fact is accepted by `accepts_none` only, an unmapped one by `accepts_unmapped` only.
    """

    type: FactType
    literals: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    not_literals: frozenset[str] = frozenset()
    not_patterns: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    accepts_other: bool = False
    accepts_none: bool = False
    accepts_unmapped: bool = False

    def matches(self, value: FactValue) -> bool:
        """Whether a normalised fact is accepted: the meaning itself, one value at a time."""
        if value is None:
            return self.accepts_none
        if isinstance(value, Unmapped):
            return self.accepts_unmapped
        if self.is_any:
            return True
        if isinstance(value, str):
            return self.type in ("text", "closed") and self.accepts_key(fold(value))
        return self.type in ("number", "date") and self.accepts_point(point(value))

    @property
    def is_any(self) -> bool:
        """Whether this is `*`: every lead is accepted."""
        refuses = (
            self.not_literals or self.not_patterns or (self.intervals and self.intervals != ((START, END),))
        )
        return self.accepts_other and self.accepts_none and self.accepts_unmapped and not refuses

    def accepts_key(self, key: str) -> bool:
        """Whether a folded text or code is accepted."""
        if key in self.not_literals or any(fits(p, key) for p in self.not_patterns):
            return False
        return self.accepts_other or key in self.literals or any(fits(p, key) for p in self.patterns)

    def accepts_point(self, at: Decimal) -> bool:
        """Whether a number or day is accepted."""
        return any(low <= (at, 0) < high for low, high in self.intervals)


def any_value(type_: FactType) -> Condition:
    """The meaning of `*`."""
    line = ((START, END),) if type_ in ("number", "date") else ()
    return Condition(type_, intervals=line, accepts_other=True, accepts_none=True, accepts_unmapped=True)


def fits(pattern: str, text: str) -> bool:
    """Whether a folded text fits a folded pattern: `*` any run, `?` one character. Time grows with the text
    only linearly for each run of letters in the pattern, whatever the text: no regular expression, no
    backtracking."""
    segments = _segments(pattern)
    if len(segments) == 1:
        return len(text) == len(pattern) and _at(text, pattern, 0)
    first, *middle, last = segments
    if (
        len(text) < sum(map(len, segments))
        or not _at(text, first, 0)
        or not _at(text, last, len(text) - len(last))
    ):
        return False
    position = len(first)
    for segment in middle:
        position = _find(text, segment, position, len(text) - len(last))
        if position < 0:
            return False
        position += len(segment)
    return position <= len(text) - len(last)


@lru_cache(maxsize=20_000)
def _segments(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("*"))


def _at(text: str, segment: str, position: int) -> bool:
    if "?" not in segment:
        return text.startswith(segment, position)
    return all(s in ("?", t) for s, t in zip(segment, text[position : position + len(segment)], strict=True))


def _find(text: str, segment: str, start: int, end: int) -> int:
    if "?" not in segment:
        return text.find(segment, start, end)
    return next((i for i in range(start, end - len(segment) + 1) if _at(text, segment, i)), -1)


def is_inside(pattern: str, other: str) -> bool:
    """Whether every text that fits `pattern` surely fits `other`: its hardest texts do (False when in
    doubt)."""
    return all(fits(other, pattern.replace("?", "\x00").replace("*", "\x00" * n)) for n in (0, 1, 3))
