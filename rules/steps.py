"""Turns of many teams at once: the t-th lead of every team in one step, in arrays of teams by people.

Owners and ledgers are those of `Rotation.take`, in whole units of 64 bits. It pays from about ten teams on;
`rules.lean` is for one team.
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
    """All books while leads are taken: credits a line for each lane, last turns a line for each team."""

    def __init__(self, pools: _Pools, begun: Sequence[Books]) -> None:
        self._pools = pools
        self._credits = self._lines([*(line for books in begun for line in books.credits), ()])
        self._last = self._lines([books.last for books in begun])
        self._flat_credits, self._flat_last = self._credits.reshape(-1), self._last.reshape(-1)
        self._sequence: Units = np.array([books.sequence for books in begun], dtype=np.int64)
        self._begin: Places = np.arange(len(begun)) * pools.width
        """Where each team's line begins when all lines are one."""
        self._lanes = _padded([len(books.credits) for books in begun], len(self._credits) - 1)
        """The lines of each team's lanes, filled up with the empty one at the end of the credits."""
        self._others: Units = self._lines([books.team for books in begun]) - self._summed(slice(None))
        """Credits over all lanes less those in the lanes here."""
        self._one_lane = all(len(books.credits) == 1 for books in begun)
        self._one_book = self._one_lane and not self._others.any()

    def take(self, named: Places, step: int) -> Places:
        """The places of those who take the next lead of the first teams; `named` are the leads' pools."""
        pools, count = self._pools, len(named)
        begin, paid = self._begin[:count], pools.paid.take(named)
        shares = pools.shares.take(named, axis=0)
        if self._one_lane:
            credits, in_lane = self._credits[:count], begin
            credits += shares
        else:
            lanes = pools.lane.take(named)
            credits, in_lane = self._credits.take(lanes, axis=0), lanes * pools.width
            credits += shares
            self._credits[lanes] = credits
        standing = pools.out.take(named, axis=0)
        standing += credits
        at, best = self._highest(standing)
        limited = (best >= pools.ceiling.take(named)) | (best < pools.lowest.take(named))
        for row in limited.nonzero()[0].tolist():
            at[row] = begin[row] + self._limited(row, int(named[row]), step)
            paid[row] = 0
        self._flat_last[at] = self._sequence[:count] + step
        at -= begin
        self._flat_credits[in_lane + at] -= paid
        return at

    def _highest(self, standing: Units) -> tuple[Places, Units]:
        """Who stands highest in each line, as a place in all lines as one, and their credit after earning."""
        begin, flat = self._begin[: len(standing)], standing.reshape(-1)
        at: Places = begin + standing.argmax(axis=1)
        best = flat.take(at)
        flat[at] = -ZERO
        second = flat.take(begin + standing.argmax(axis=1))
        tied = (second == best).nonzero()[0]
        if len(tied):
            flat[at] = best
            at[tied] = begin[tied] + self._waiting(tied, standing[tied] == best[tied, None])
        return at, best

    def _waiting(self, teams: Places, highest: npt.NDArray[np.bool_]) -> Places:
        """Ties: most credit over all lanes, then whose last turn is longest ago, then the first person."""
        if not self._one_book:
            over_all = np.where(highest, self._summed(teams) + self._others[teams], -ZERO)
            highest = over_all == over_all.max(axis=1, keepdims=True)
        found: Places = np.where(highest, self._last[teams], ZERO).argmin(axis=1)
        return found

    def _summed(self, teams: Places | slice) -> Units:
        """Credits over the lanes here."""
        found: Units = self._credits[self._lanes[teams]].sum(axis=1)
        return found

    def _limited(self, team: int, pool: int, step: int) -> int:
        """Book the turn of a lead where the limit may speak: who takes it."""
        frame, credits = self._pools.frames[team], self._credits[self._pools.lane[pool]]
        credits -= self._pools.shares[pool]
        number = pool - self._pools.first[team]
        places = list(frame.places[number])
        over_all = self._summed(np.array([team]))[0] + self._others[team]
        before, all_lanes, last = (book[places].tolist() for book in (credits, over_all, self._last[team]))
        turn = frame.limited(number, before, all_lanes, last, int(self._sequence[team]) + step)
        credits[places] += np.array(list(turn.changes.values()))
        return places[list(turn.changes).index(turn.payer)]

    def of(self, team: int, frame: Frame, was: Books, leads: Places) -> Books:
        """A team's books after all of its leads."""
        size, first = len(frame.people), self._pools.first_lane[team]
        lane_of = np.array(frame.lane_of, dtype=np.intp)
        taken = np.bincount(lane_of.take(leads), minlength=len(frame.lanes)).tolist()
        return Books(
            [line[:size].tolist() for line in self._credits[first : first + len(frame.lanes)]],
            (self._summed(np.array([team]))[0] + self._others[team])[:size].tolist(),
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


def _padded(counts: Sequence[int], filler: int) -> Places:
    """A line for each count: so many consecutive numbers, going on from line to line, then the filler."""
    place = (
        np.arange(max(counts, default=0))[None, :] + np.array(_starts(counts)[:-1], dtype=np.intp)[:, None]
    )
    there = np.arange(max(counts, default=0))[None, :] < np.array(counts, dtype=np.intp)[:, None]
    return np.where(there, place, filler)
