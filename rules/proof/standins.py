"""Stand-in texts: finitely many texts that are as hard to catch as any text there is.

Replace every `*` and `?` of a pattern by a character that nobody uses: the text fits exactly those patterns
that contain the whole pattern. So whatever catches the stand-ins of a cell catches every text of it. Where
patterns are refused (`not WEB*`), the texts that a pattern shares with the refused ones need stand-ins too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

from rules.condition import Condition, is_inside

MOST_TEXTS: Final = 4_000
_MOST_SHARED: Final = 1_000
_MOST_LETTERS: Final = 2_000_000
"""Letters of the texts, times the patterns that must be tried at each of them."""
_LONGEST: Final = 300
_CANDIDATES: Final = "xzqjkvwyubfghplmnrtcdsieao0123456789ж中あ\ue000"


@dataclass(frozen=True, slots=True)
class StandIns:
    """The texts; not `complete` when there would be too many of them."""

    texts: tuple[str, ...]
    complete: bool = True


def stand_ins(conditions: Collection[Condition], spellings: Iterable[str] = ()) -> StandIns:
    """Hardest texts for the patterns, and for the unnamed texts, of a column's cells. `spellings` are texts
    with a meaning of their own, to keep clear of."""
    wanted = sorted({p for c in conditions for p in c.patterns})
    if any(c.accepts_other for c in conditions) or not wanted:
        wanted.append("*")
    refused = sorted({p for c in conditions for p in c.not_patterns})
    shared = _shared(wanted, refused)
    marks = max((p.count("?") for p in (*wanted, *refused)), default=0)
    char = _unused(conditions, spellings)
    slow = sum(map(_floats, (*wanted, *refused)))
    letters = 0
    texts: dict[str, None] = {}
    for pattern in shared.texts:
        for text in _texts(pattern, char, marks):
            letters += len(text)
            if len(texts) >= MOST_TEXTS or letters * slow > _MOST_LETTERS:
                return StandIns(tuple(texts), complete=False)
            if text.strip():
                texts[text] = None
    return StandIns(tuple(texts), shared.complete)


def _floats(pattern: str) -> bool:
    """Whether a ? may stand anywhere in the text: no search for letters finds its place."""
    return any("?" in piece for piece in pattern.split("*")[1:-1])


def _texts(pattern: str, char: str, marks: int) -> Iterator[str]:
    """A pattern's stand-ins. Only `?` can tell how long a run is, and none longer than there are marks."""
    filled = pattern.replace("?", char)
    if not marks:
        yield filled.replace("*", char)
        return
    first, *rest = filled.split("*")
    for runs in product(range(marks + 2), repeat=len(rest)):
        yield first + "".join(char * n + piece for n, piece in zip(runs, rest, strict=True))


def _unused(conditions: Iterable[Condition], spellings: Iterable[str]) -> str:
    """A character in no text of the cells; a letter where one is left, so that examples read well."""
    used = {char for text in spellings for char in text}
    for c in conditions:
        for texts in (c.literals, c.not_literals, c.patterns, c.not_patterns):
            used.update(*texts)
    return next(
        (c for c in _CANDIDATES if c not in used),
        next(chr(n) for n in range(0xE001, 0xF900) if chr(n) not in used),
    )


def _shared(wanted: Iterable[str], refused: Iterable[str]) -> StandIns:
    """The patterns, and what they share with each set of refused ones."""
    found = dict.fromkeys(wanted)
    for pattern in refused:
        for one in tuple(found):
            common = intersection(one, pattern)
            if common is None or len(found) + len(common) > _MOST_SHARED:
                return StandIns(tuple(found), complete=False)
            found.update(dict.fromkeys(common))
    return StandIns(tuple(found))


def intersection(one: str, other: str) -> tuple[str, ...] | None:
    """Patterns that together fit exactly the texts that fit both; None when they would be too many."""
    if is_inside(one, other):
        return (one,)
    if len(one) + len(other) > _LONGEST:
        return None
    try:
        return tuple(dict.fromkeys(_plain(p) for p in _both(one, other)))
    except _TooMany:
        return None


class _TooMany(Exception):
    pass


@lru_cache(maxsize=20_000)
def _both(one: str, other: str) -> tuple[str, ...]:
    if not one or not other:
        return ("",) if not (one + other).strip("*") else ()
    a, b = one[0], other[0]
    if a == b == "*":
        ways = [("*", one[1:], other), ("*", one, other[1:])]
    elif a == "*":
        ways = [("", one[1:], other), (b, one, other[1:])]
    elif b == "*":
        ways = [("", one, other[1:]), (a, one[1:], other)]
    elif a == b or "?" in (a, b):
        ways = [(a if b == "?" else b, one[1:], other[1:])]
    else:
        return ()
    found = tuple(dict.fromkeys(start + rest for start, p, q in ways for rest in _both(p, q)))
    if len(found) > _MOST_SHARED:
        raise _TooMany
    return found


def _plain(pattern: str) -> str:
    while "**" in pattern:
        pattern = pattern.replace("**", "*")
    return pattern
