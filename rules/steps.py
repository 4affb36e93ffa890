"""Turns of many teams at once: the t-th lead of every team in one step, in arrays of teams by people.

Owners and ledgers are those of `Rotation.take`, in whole units of 64 bits. It is worth it from some tens of
teams on; `rules.lean` is for one team.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from rules.lean import ZERO, Books, Frame, Pool
from rules.rotation import Ledger, U

Units = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Stream:
    """A team's leads in order, each the number of its pool, and the ledgers that they meet, by lane."""

    pools: Sequence[Pool]
    leads: Sequence[int] | Places
    limit: int | None
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)


class Outcome:
    """What became of a team's leads: `owners` in their order, and the ledgers after them."""

    def __init__(self, owners: list[str], frame: Frame, books: Books) -> None:
        self.owners = owners
        self._frame, self._books = frame, books

    def ledger(self, lane: str) -> Ledger:
        """The lane's ledger after the leads."""
        return self._frame.ledger(self._books, lane)


def in_step(streams: Sequence[Stream]) -> list[Outcome]:
    """All turns of these teams, which share nothing.

    Raises ValueError as `rules.lean.Frame` does, IndexError when a lead names a pool that is not there.
    """
    order = sorted(range(len(streams)), key=lambda k: -len(streams[k].leads))
    outcomes = dict(zip(order, _outcomes([streams[k] for k in order]), strict=True))
    return [outcomes[k] for k in range(len(streams))]


def _outcomes(streams: Sequence[Stream]) -> list[Outcome]:
    """The same for teams by falling number of leads: who has a lead in a step comes first."""
    frames = [Frame(one.pools, one.ledgers, one.limit) for one in streams]
    begun = [frame.before() for frame in frames]
    leads = [_numbers(one) for one in streams]
    pools = _Pools(frames)
    books = _Running(pools, begun)
    counts = [len(one) for one in leads]
    owners = np.zeros((max(counts, default=0), len(streams)), dtype=np.intp)
    named = np.zeros_like(owners)
    for team, (one, first) in enumerate(zip(leads, pools.first, strict=False)):
        named[: len(one), team] = one + first
    active = np.searchsorted(np.negative(counts), -np.arange(len(owners)), side="left").tolist()
    for step, count in enumerate(active):
        owners[step, :count] = books.take(named[step, :count], step)
    return [
        Outcome(
            np.array(frame.people, dtype=object).take(owners[:count, team]).tolist(),
            frame,
            books.of(team, frame, was, leads[team]),
        )
        for team, (frame, was, count) in enumerate(zip(frames, begun, counts, strict=True))
    ]


def _numbers(stream: Stream) -> Places:
    leads = np.asarray(stream.leads, dtype=np.intp)
    if len(leads) and not 0 <= leads.min() <= leads.max() < len(stream.pools):
        raise IndexError(f"leads name pools {leads.min()} to {leads.max()}; there are {len(stream.pools)}")
    return leads


class _Pools:
    """The pools of all teams, a line each; columns are people by their place in the team."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self.first = _starts(len(frame.splits) for frame in frames)
        self.first_lane = _starts(len(frame.lanes) for frame in frames)
        self.width = max((len(frame.people) for frame in frames), default=0)
        splits = [split for frame in frames for split in frame.splits]
        places = [each for frame in frames for each in frame.places]
        lines = np.repeat(np.arange(len(splits)), np.array([len(each) for each in places], dtype=np.intp))
        in_e = lines, np.array([place for each in places for place in each], dtype=np.intp)
        self.shares = np.zeros((len(splits), self.width), dtype=np.int64)
        self.shares[in_e] = [share for one in splits for share in map(one.shares.__getitem__, one.ids)]
        self.out = np.full_like(self.shares, -ZERO)
        """What keeps everybody who is not in E from being the highest."""
        self.out[in_e] = 0
        self.paid: Units = np.array([split.total for split in splits], dtype=np.int64)
        lanes = [
            first + k for frame, first in zip(frames, self.first_lane, strict=False) for k in frame.lane_of
        ]
        self.lane: Places = np.array(lanes, dtype=np.intp)
        limits = [frame.limit for frame in frames for _ in frame.splits]
        ceilings = [ZERO if limit is None else min(limit * U, ZERO) for limit in limits]
        self.ceiling: Units = np.array(ceilings, dtype=np.int64)
        self.lowest: Units = np.where(self.ceiling == ZERO, -ZERO, self.paid - self.ceiling)


class _Running:
    """All books while leads are taken: credits a line for each lane, the rest a line for each team."""

    def __init__(self, pools: _Pools, begun: Sequence[Books]) -> None:
        self._pools = pools
        self._credits = self._lines([line for books in begun for line in books.credits])
        self._team = self._lines([books.team for books in begun])
        self._last = self._lines([books.last for books in begun])
        self._sequence: Units = np.array([books.sequence for books in begun], dtype=np.int64)
        self._rows: Places = np.arange(len(begun))

    def take(self, named: Places, step: int) -> Places:
        """The places of those who take the next lead of the first teams; `named` are the leads' pools."""
        pools, count = self._pools, len(named)
        rows, lanes, paid = self._rows[:count], pools.lane.take(named), pools.paid.take(named)
        shares = pools.shares.take(named, axis=0)
        credits = self._credits.take(lanes, axis=0)
        credits += shares
        team = self._team[:count]
        team += shares
        standing = pools.out.take(named, axis=0)
        standing += credits
        owners: Places = standing.argmax(axis=1)
        best = standing[rows, owners]
        highest = standing == best[:, None]
        if np.count_nonzero(highest) > count:
            self._settle(owners, highest, team)
        limited = (best >= pools.ceiling.take(named)) | (best < pools.lowest.take(named))
        for row in np.flatnonzero(limited).tolist():
            owners[row] = self._limited(row, int(named[row]), step, shares[row], credits[row])
            paid[row] = 0
        credits[rows, owners] -= paid
        team[rows, owners] -= paid
        self._credits[lanes] = credits
        self._last[rows, owners] = self._sequence[:count] + step
        return owners

    def _settle(self, owners: Places, highest: npt.NDArray[np.bool_], team: Units) -> None:
        """Ties: most credit over all lanes, then whose last turn is longest ago, then the first person."""
        tied = np.flatnonzero(np.count_nonzero(highest, axis=1) > 1)
        over_all = np.where(highest[tied], team[tied], -ZERO)
        still = over_all == over_all.max(axis=1, keepdims=True)
        owners[tied] = np.where(still, self._last[tied], ZERO).argmin(axis=1)

    def _limited(self, row: int, pool: int, step: int, shares: Units, credits: Units) -> int:
        """Take back what everybody earned and book the turn as the limit has it: who takes the lead."""
        frame, team = self._pools.frames[row], self._team[row]
        credits -= shares
        team -= shares
        number = pool - self._pools.first[row]
        places = list(frame.places[number])
        before, over_all, last = (book[places].tolist() for book in (credits, team, self._last[row]))
        turn = frame.limited(number, before, over_all, last, int(self._sequence[row]) + step)
        credits[places] += list(turn.changes.values())
        team[places] += list(turn.changes.values())
        return places[list(turn.changes).index(turn.payer)]

    def of(self, team: int, frame: Frame, was: Books, leads: Places) -> Books:
        """A team's books after all of its leads."""
        size, first = len(frame.people), self._pools.first_lane[team]
        lane_of = np.array(frame.lane_of, dtype=np.intp)
        taken = np.bincount(lane_of.take(leads), minlength=len(frame.lanes)).tolist()
        return Books(
            [line[:size].tolist() for line in self._credits[first : first + len(frame.lanes)]],
            self._team[team, :size].tolist(),
            self._last[team, :size].tolist(),
            [number + more for number, more in zip(was.numbers, taken, strict=True)],
            was.sequence + len(leads),
        )

    def _lines(self, books: Sequence[Sequence[int]]) -> Units:
        lines = np.zeros((len(books), self._pools.width), dtype=np.int64)
        for line, book in zip(lines, books, strict=True):
            line[: len(book)] = book
        return lines


def _starts(sizes: Iterable[int]) -> list[int]:
    return list(accumulate(sizes, initial=0))
