"""Turns by the hundred thousand: owners and ledgers as `Rotation.take` has them, several times as fast.

The credits of a lane are one whole number with 64 bits for each person, in code-point order: one addition
lets everybody in E earn, one call reads the credits of E, and nothing is rounded. Only plain turns are made
here: no delegate, no catch-up, no lead by hand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from struct import Struct

from rules.rotation import Ledger, Rotation, Split, Turn, U, split_of

BITS = 64
ZERO = 1 << 62
"""How a person's 64 bits hold no credit: neither a sign nor a carry then reaches the next person's."""
_FURTHEST = 15_000
"""Leads: credits this near to zero fit, and so do the difference of two of them and a lead more."""

_Ready = tuple[int, int, Callable[[bytes], tuple[int, ...]], tuple[int, ...], int, int]
"""A pool for the loop: number of the lane, shares, reader of E, places of E, paid, lowest that may pay it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A distinct E, and the lane of its leads. A lead names its pool by its place in a list of pools."""

    candidates: Mapping[str, int] | Split
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Books:
    """A team's books by place of the person, in units: credits by lane, then what is team-wide."""

    credits: Sequence[Sequence[int]]
    team: Sequence[int]
    last: Sequence[int]
    numbers: Sequence[int]
    sequence: int


class Frame:
    """People and lanes that a team's pools name, and how its ledgers become books and books ledgers.

    Raises ValueError as `Rotation` and `take_turn` do, and when a credit could outgrow 64 bits, which takes
    ledgers that are thousands of leads from even.
    """

    def __init__(
        self, pools: Iterable[Pool], ledgers: Mapping[str, Ledger] | None, limit: int | None
    ) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"the limit must be 1 lead or more, not {limit!r}")
        found = [(_split(pool.candidates), pool.lane) for pool in pools]
        self.splits = [split for split, _ in found]
        self.limit = limit
        self.people = tuple(sorted({i for split in self.splits for i in split.ids}))
        self.lanes = tuple(sorted({lane for _, lane in found}))
        place = {lane: number for number, lane in enumerate(self.lanes)}
        self.lane_of = [place[lane] for _, lane in found]
        index = {person: place for place, person in enumerate(self.people)}
        self.places = [tuple(map(index.__getitem__, split.ids)) for split in self.splits]
        self._start = Rotation(ledgers)
        self._streaks = {lane: (one.next_number, one.streak) for lane, one in (ledgers or {}).items()}

    def before(self) -> Books:
        """The books of the ledgers given."""
        ledgers, some = [self._start.ledger(lane) for lane in self.lanes], self._start.ledger("")
        credits = [self._listed(ledger.credits) for ledger in ledgers]
        team, last = self._listed(some.team_credits), self._listed(some.last_turn)
        most = max((abs(c) for book in (*credits, team) for c in book), default=0) // U
        # T1: leads move a credit away from zero by less than the number of people, in each lane.
        if most + len(self.people) * len(self.lanes) >= _FURTHEST:
            raise ValueError(f"credits of {most:,} leads may outgrow 64 bits: let Rotation take these turns")
        return Books(credits, team, last, [ledger.next_number for ledger in ledgers], some.next_sequence)

    def ledger(self, books: Books, lane: str) -> Ledger:
        """The ledger of a lane where the books stand like this. Who is in no pool keeps what they had."""
        was = self._start.ledger(lane)
        credits, number = dict(was.credits), was.next_number
        if lane in self.lanes:
            place = self.lanes.index(lane)
            credits |= zip(self.people, books.credits[place], strict=True)
            number = books.numbers[place]
        team = {**was.team_credits, **dict(zip(self.people, books.team, strict=True))}
        last = {**was.last_turn, **{i: n for i, n in zip(self.people, books.last, strict=True) if n}}
        return replace(
            was, credits=credits, team_credits=team, last_turn=last,
            next_number=number, next_sequence=books.sequence, streak=self.streak(lane, number),
        )  # fmt: skip

    def limited(
        self, pool: int, before: Sequence[int], team: Sequence[int], last: Sequence[int], sequence: int
    ) -> Turn:
        """The turn of a lead where the limit may speak, but for number and streak; the books are E's."""
        split = self.splits[pool]
        credits, over_all, turns = (dict(zip(split.ids, book, strict=True)) for book in (before, team, last))
        ledger = Ledger(credits, over_all, turns, next_sequence=sequence)
        return Rotation({"": ledger}, limit=self.limit).take("", split)

    def streak(self, lane: str, number: int) -> int:
        """How many catch-ups in a row stand before this turn of the lane: none since the first one here."""
        first, streak = self._streaks.get(lane, (0, 0))
        return streak if number == first else 0

    def _listed(self, book: Mapping[str, int]) -> list[int]:
        return [book.get(i, 0) for i in self.people]


class Lean:
    """One team's ledgers, all lanes, changed in place by leads of a few thousand different pools.

    Raises ValueError as `Frame` does; on an error nothing has changed. Not safe for use by two threads at
    once.
    """

    def __init__(
        self, pools: Iterable[Pool], ledgers: Mapping[str, Ledger] | None = None, *, limit: int | None
    ) -> None:
        self._frame = frame = Frame(pools, ledgers, limit)
        books = frame.before()
        self._size = size = len(frame.people)
        self._ready = [_ready(frame, number, size) for number in range(len(frame.splits))]
        self._credits = [_packed(book) for book in books.credits]
        self._rest = _packed(books.team) - sum(self._credits)
        """What the lanes' credits lack to those over all lanes; nothing where these are the only lane's."""
        self._last, self._numbers, self._sequence = list(books.last), list(books.numbers), books.sequence

    def owners(self, leads: Iterable[int]) -> list[str]:
        """Who takes each lead. A lead is the number of its pool."""
        people = self._frame.people
        return [people[place] for place in self._go(tuple(leads), None, {})]

    def turns(self, leads: Iterable[int]) -> Turns:
        """The same with a record of each turn, which holds 64 bits for each person of the team."""
        last, numbers, sequence = list(self._last), list(self._numbers), self._sequence
        run = _Run(tuple(leads), sequence, numbers, last)
        run.owners = self._go(run.pools, run.before, run.limited)
        run.credits = list(self._credits)
        return Turns(self._frame, self._ready, self._rest, run)

    def ledger(self, lane: str) -> Ledger:
        """The lane's ledger as it stands: a copy."""
        credits = [_unpacked(book, self._size) for book in self._credits]
        team = _unpacked(sum(self._credits) + self._rest, self._size)
        return self._frame.ledger(Books(credits, team, self._last, self._numbers, self._sequence), lane)

    def _go(self, leads: Sequence[int], befores: list[int] | None, limited: dict[int, Turn]) -> list[int]:
        """The place of each lead's owner; the lane's credits before it, and turns where the limit spoke."""
        ready, width, limit = self._ready, 8 * self._size, self._frame.limit
        credits, last, owners = list(self._credits), list(self._last), list[int]()
        ceiling = 2 * ZERO if limit is None else ZERO + limit * U
        for sequence, number in enumerate(leads, self._sequence):
            lane, shares, read, places, paid, lowest = ready[number]
            before = credits[lane]
            if befores is not None:
                befores.append(before)
            credits[lane] = after = before + shares
            earned = read(after.to_bytes(width, "little"))
            best = max(earned)
            if not lowest <= best < ceiling:
                credits[lane] = before
                turn = limited[len(owners)] = self._limited(number, credits, last, sequence)
                changes = zip(places, turn.changes.values(), strict=True)
                credits[lane] = before + sum(change << BITS * place for place, change in changes)
                owner = places[tuple(turn.changes).index(turn.payer)]
            else:
                if earned.count(best) == 1:
                    owner = places[earned.index(best)]
                else:
                    owner = self._waiting(number, earned, credits, last)
                credits[lane] = after - (paid << BITS * owner)
            last[owner] = sequence
            owners.append(owner)
        for number, count in Counter(leads).items():
            self._numbers[ready[number][0]] += count
        self._credits, self._last, self._sequence = credits, last, self._sequence + len(owners)
        return owners

    def _waiting(self, pool: int, earned: tuple[int, ...], credits: list[int], last: list[int]) -> int:
        """Who of several with most credit: most over all lanes, then whose last turn is longest ago."""
        best, places = max(earned), self._frame.places[pool]
        if not self._rest:
            return min((p for p, c in zip(places, earned, strict=True) if c == best), key=last.__getitem__)
        team = _seen(self._ready[pool], sum(credits) + self._rest, self._size)
        every = zip(places, earned, team, strict=True)
        return min((-over_all, last[place], place) for place, c, over_all in every if c == best)[2]

    def _limited(self, pool: int, credits: list[int], last: list[int], sequence: int) -> Turn:
        ready = self._ready[pool]
        before = _seen(ready, credits[ready[0]], self._size)
        team = _seen(ready, sum(credits) + self._rest, self._size)
        return self._frame.limited(pool, before, team, [last[place] for place in ready[3]], sequence)


@dataclass(slots=True)
class _Run:
    """Turns as they were made: how things were when they began, a line for each, how they ended."""

    pools: tuple[int, ...]
    sequence: int
    numbers: list[int]
    last: list[int]
    owners: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    limited: dict[int, Turn] = field(default_factory=dict)
    credits: list[int] = field(default_factory=list)


class Turns:
    """Recorded turns, oldest first: each made into a `Turn` when it is asked for."""

    def __init__(self, frame: Frame, ready: list[_Ready], rest: int, run: _Run) -> None:
        self._frame, self._ready, self._rest, self._run = frame, ready, rest, run
        self._lanes: dict[int, list[int]] | None = None
        self._owners: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._run.pools)

    def __iter__(self) -> Iterator[Turn]:
        return map(self.turn, range(len(self)))

    @property
    def owners(self) -> list[str]:
        return [self._frame.people[place] for place in self._run.owners]

    def turn(self, k: int) -> Turn:
        """The turn of lead k, equal to what `Rotation.take` made of it."""
        if self._lanes is None:
            self._lanes = _where(self._frame.lane_of[pool] for pool in self._run.pools)
            self._owners = _where(self._run.owners)
        run, frame, pool = self._run, self._frame, self._run.pools[k]
        lane = frame.lane_of[pool]
        number = run.numbers[lane] + bisect_left(self._lanes[lane], k)
        streak = frame.streak(frame.lanes[lane], number)
        if k in run.limited:
            return replace(run.limited[k], number=number, streak=streak)
        split, owner = frame.splits[pool], frame.people[run.owners[k]]
        before, team, last = (
            dict(zip(split.ids, book, strict=True))
            for book in (
                self._seen(pool, run.before[k]),
                self._seen(pool, self._team_before(self._lanes, k)),
                [self._last_before(place, k) for place in frame.places[pool]],
            )
        )
        return Turn(
            number, run.sequence + k, "turn", owner, owner, dict(split.weights), dict(split.shares),
            before, split.total, team, last, frame.limit, streak=streak,
        )  # fmt: skip

    def _seen(self, pool: int, book: int) -> list[int]:
        return _seen(self._ready[pool], book, len(self._frame.people))

    def _team_before(self, lanes: Mapping[int, list[int]], k: int) -> int:
        """A lane stands as its next turn found it, or as the last one left it."""
        total = self._rest
        for lane, ended in enumerate(self._run.credits):
            mine = lanes.get(lane, [])
            place = bisect_left(mine, k)
            total += self._run.before[mine[place]] if place < len(mine) else ended
        return total

    def _last_before(self, person: int, k: int) -> int:
        mine = self._owners.get(person, [])
        place = bisect_left(mine, k)
        return self._run.sequence + mine[place - 1] if place else self._run.last[person]


def _split(candidates: Mapping[str, int] | Split) -> Split:
    return candidates if isinstance(candidates, Split) else split_of(candidates)


def _ready(frame: Frame, pool: int, size: int) -> _Ready:
    split, places, limit = frame.splits[pool], frame.places[pool], frame.limit
    bits = ["8x"] * size
    for place in places:
        bits[place] = "q"
    layout = Struct("<" + "".join(bits))
    shares = int.from_bytes(layout.pack(*map(split.shares.__getitem__, split.ids)), "little")
    lowest = 0 if limit is None else ZERO - limit * U + split.total
    return frame.lane_of[pool], shares, layout.unpack, places, split.total, lowest


def _packed(book: Sequence[int]) -> int:
    return int.from_bytes(Struct(f"<{len(book)}q").pack(*map(ZERO.__add__, book)), "little")


def _unpacked(books: int, size: int) -> list[int]:
    return [c - ZERO for c in Struct(f"<{size}q").unpack(books.to_bytes(8 * size, "little"))]


def _seen(ready: _Ready, book: int, size: int) -> list[int]:
    """The credits of E."""
    return [c - ZERO for c in ready[2](book.to_bytes(8 * size, "little"))]


def _where(values: Iterable[int]) -> dict[int, list[int]]:
    """The places of each value, ascending."""
    found: dict[int, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        found[value].append(place)
    return found
