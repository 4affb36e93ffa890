"""Whose turn it is: a ledger of credit per team and lane, in exact integers (fairness.md sections 1 and 2).

Everybody who could take a lead earns their share of it; the highest credit takes it and pays. This is the
carpool problem (Fagin and Williams 1983) with the greedy rule, which is the optimal online one (Coppersmith
et al. 2011). Amounts are in units; one lead is `U` units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rules.eligibility import EmptyReason, Skipped, Taken, Why, eligible, why_empty
from rules.shares import Booking, Split, U, split_of

__all__ = [
    "EMPTY",
    "Booking",
    "EmptyReason",
    "Kind",
    "Ledger",
    "Rotation",
    "Skipped",
    "Split",
    "Taken",
    "Turn",
    "U",
    "Why",
    "eligible",
    "give_back",
    "rederive",
    "replay",
    "split_of",
    "take_turn",
    "upcoming",
    "why_empty",
]

DEFAULT_LIMIT = 5
"""Leads: fairness.md section 3, column Limit."""

Kind = Literal["turn", "beyond the limit"]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a team owes its people in one lane, in units; positive is owed to the person.

    `credits` are this team's and lane's, `team_credits` the sum over all lanes of the team (this one
    included), `last_turn` maps a Person ID to the team-wide sequence number of their last live turn in any
    lane. Missing means zero, respectively never. `next_number` is gapless in team and lane, `next_sequence`
    in the team.
    """

    credits: Mapping[str, int] = field(default_factory=dict)
    team_credits: Mapping[str, int] = field(default_factory=dict)
    last_turn: Mapping[str, int] = field(default_factory=dict)
    next_number: int = 1
    next_sequence: int = 1

    def canonical(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Credits, team credits and last turns in one form: sorted, without zeros. Numbers are left out.

        Two ledgers that decide alike have the same canonical form; one that was given back has it too (F22).
        """
        parts = (self.credits, self.team_credits, self.last_turn)
        return tuple(tuple(sorted((i, v) for i, v in part.items() if v)) for part in parts)


EMPTY = Ledger()


@dataclass(frozen=True, slots=True)
class Turn:
    """One place in a rotation, with all that is needed to explain it, replay it and give it back.

    Every mapping has the same keys, everybody in E, in code-point order. `shares` is what each earned:
    floor(weight x U / sum of weights), zero for who stood at the limit. `paid` is the sum of `shares`: the
    payer pays one lead U and earns the remainder U - sum(shares), which is booked as one number, so that
    for everybody

        after = before + share - (paid, for the payer)

    and the changes sum to zero exactly. In a turn *beyond the limit* all shares and `paid` are zero.
    `team_before` is the credit over all lanes and `last_before` the last turn in any lane (0: never), both
    before this turn. `limit` is the limit in leads that held then, None for none.
    """

    number: int
    sequence: int
    kind: Kind
    owner: str
    payer: str
    weights: Mapping[str, int]
    shares: Mapping[str, int]
    before: Mapping[str, int]
    paid: int
    team_before: Mapping[str, int]
    last_before: Mapping[str, int]
    limit: int | None = DEFAULT_LIMIT

    @property
    def changes(self) -> dict[str, int]:
        """What this turn added to each person's credit, in units; sums to zero."""
        moved = dict(self.shares)
        moved[self.payer] = moved.get(self.payer, 0) - self.paid
        return moved

    @property
    def after(self) -> dict[str, int]:
        """Credits of everybody in E after the turn, in units."""
        return {i: self.before.get(i, 0) + change for i, change in self.changes.items()}


def take_turn(
    ledger: Ledger, candidates: Mapping[str, int], *, limit: int | None = DEFAULT_LIMIT
) -> tuple[Turn, Ledger]:
    """Who of `candidates` (Person ID -> weight, 1 to 1000) takes the next lead, and the ledger after it.

    The highest credit after earning takes the lead. Ties go by credit over all lanes of the team, after
    earning as well (so with one lane it decides nothing); then to the last turn in any lane longest ago,
    never being longest; then to the first Person ID in code-point order. The order of `candidates` never
    matters.

    `limit` is in leads: who is at or above +limit earns no share and is not counted in the sum of weights;
    when the taker would fall below -limit, the lead is given but no credit moves and the turn is *beyond
    the limit*. When everybody in E stands at +limit, the limit rests for this turn and all earn: otherwise
    the same person would take every lead and pay nothing. The changes sum to zero in each case.

    The ledger given is not changed. Raises ValueError when `candidates` is empty, a weight is not a whole
    number from 1 to 1000, or `limit` is less than 1. Formula: fairness.md section 1, "Core".
    """
    credits, team, last = dict(ledger.credits), dict(ledger.team_credits), dict(ledger.last_turn)
    turn = _play(candidates, (credits, team, last), (ledger.next_number, ledger.next_sequence), limit)
    _book(turn, credits, team, last)
    return turn, Ledger(credits, team, last, ledger.next_number + 1, ledger.next_sequence + 1)


def give_back(ledger: Ledger, turn: Turn, *, last_turn: Mapping[str, int] | None = None) -> Ledger:
    """The ledger of the turn's own lane without it: the turn's own recorded numbers are subtracted.

    Its number stays used. `last_turn` is the last live turn of everybody once this one is gone, which only
    who knows the live turns can tell; None puts back what the turn itself recorded for its owner, which is
    right when turns are given back newest first. Giving the same turn back twice is the caller's to
    prevent.
    """
    credits, team, last = dict(ledger.credits), dict(ledger.team_credits), dict(ledger.last_turn)
    _unbook(turn, credits, team, last)
    after = last if last_turn is None else dict(last_turn)
    return Ledger(credits, team, after, ledger.next_number, ledger.next_sequence)


def rederive(turn: Turn) -> str:
    """The owner computed again from the stored turn alone (F15): `turn.owner`, or the turn is damaged."""
    return _settle(turn.weights, turn.before, turn.team_before, turn.last_before, turn.limit).owner


def upcoming(
    ledger: Ledger, candidates: Mapping[str, int], n: int, *, limit: int | None = DEFAULT_LIMIT
) -> tuple[tuple[str, int], ...]:
    """The next `n` turns if `candidates` stay: each taker, and their credit before it, in units."""
    ahead = Rotation({"": ledger}, limit=limit)
    turns = [ahead.take("", candidates) for _ in range(n)] if candidates else []
    return tuple((turn.owner, turn.before[turn.owner]) for turn in turns)


class Rotation:
    """One team's ledgers, all lanes, changed in place: `take_turn` for thousands of leads in a run.

    `ledgers` maps each lane to its ledger; they must agree on what is team-wide (ValueError otherwise). A
    lane that is not there starts empty. Not safe for use by two threads at once.
    """

    __slots__ = ("_lanes", "_last", "_limit", "_numbers", "_sequence", "_team")

    def __init__(
        self, ledgers: Mapping[str, Ledger] | None = None, *, limit: int | None = DEFAULT_LIMIT
    ) -> None:
        known = dict(ledgers or {})
        some = next(iter(known.values()), EMPTY)
        if any(ledger.canonical()[1:] != some.canonical()[1:] for ledger in known.values()):
            raise ValueError("the ledgers of a team's lanes must have the same team credits and last turns")
        self._lanes = {lane: dict(ledger.credits) for lane, ledger in known.items()}
        self._numbers = {lane: ledger.next_number for lane, ledger in known.items()}
        self._team = dict(some.team_credits)
        self._last = dict(some.last_turn)
        self._sequence = max((ledger.next_sequence for ledger in known.values()), default=1)
        self._limit = limit

    @property
    def lanes(self) -> tuple[str, ...]:
        return tuple(sorted(self._lanes))

    def take(self, lane: str, candidates: Mapping[str, int] | Split) -> Turn:
        """`take_turn` on the lane's ledger. On an error nothing has changed."""
        credits, number = self._lanes.get(lane, {}), self._numbers.get(lane, 1)
        books = (credits, self._team, self._last)
        turn = _play(candidates, books, (number, self._sequence), self._limit)
        _book(turn, *books)
        self._lanes[lane], self._numbers[lane], self._sequence = credits, number + 1, self._sequence + 1
        return turn

    def book(self, lane: str, candidates: Mapping[str, int] | Split) -> Booking:
        """As `take`, without the record of the turn: for replays, which explain nothing."""
        credits = self._lanes.get(lane, {})
        out = _settle(candidates, credits, self._team, self._last, self._limit)
        booking = Booking(lane, self._sequence, out.owner, out.shares, out.paid)
        booking.add_to(credits, self._team)
        self._last[out.owner] = self._sequence
        self._lanes[lane], self._sequence = credits, self._sequence + 1
        self._numbers[lane] = self._numbers.get(lane, 1) + 1
        return booking

    def unbook(self, booking: Booking, last: int) -> None:
        """Give a booking back; `last` is its owner's last live turn in any lane without it, 0 for none."""
        booking.take_from(self._lanes.setdefault(booking.lane, {}), self._team)
        if last:
            self._last[booking.owner] = last
        else:
            self._last.pop(booking.owner, None)

    def give_back(self, lane: str, turn: Turn, *, last_turn: Mapping[str, int] | None = None) -> None:
        """`give_back` on the lane's ledger."""
        _unbook(turn, self._lanes.setdefault(lane, {}), self._team, self._last)
        if last_turn is not None:
            self._last = dict(last_turn)

    def ledger(self, lane: str) -> Ledger:
        """The lane's ledger as it stands: a copy."""
        credits = dict(self._lanes.get(lane, {}))
        number = self._numbers.get(lane, 1)
        return Ledger(credits, dict(self._team), dict(self._last), number, self._sequence)

    def upcoming(self, lane: str, candidates: Mapping[str, int], n: int) -> tuple[tuple[str, int], ...]:
        """The next `n` turns of the lane if nothing else happens; nothing is changed."""
        return upcoming(self.ledger(lane), candidates, n, limit=self._limit)


def replay(
    live: Mapping[str, Iterable[Turn]],
    *,
    given_back: Mapping[str, Iterable[Turn]] | None = None,
    limit: int | None = DEFAULT_LIMIT,
) -> Rotation:
    """A team's ledgers from its stored turns by lane, in any order: the sum of what live turns recorded.

    `given_back` turns count for nothing but their numbers, which stay used.
    """
    lanes = {lane: tuple(turns) for lane, turns in live.items()}
    gone = {lane: tuple(turns) for lane, turns in (given_back or {}).items()}
    every = {lane: lanes.get(lane, ()) + gone.get(lane, ()) for lane in lanes.keys() | gone.keys()}
    credits = {lane: _sum(lanes.get(lane, ())) for lane in every}
    team = _sum(turn for turns in lanes.values() for turn in turns)
    last = _last_turns(turn for turns in lanes.values() for turn in turns)
    sequence = max((turn.sequence for turns in every.values() for turn in turns), default=0) + 1
    ledgers = {
        lane: Ledger(credits[lane], team, last, max((t.number for t in turns), default=0) + 1, sequence)
        for lane, turns in every.items()
    }
    return Rotation(ledgers, limit=limit)


@dataclass(frozen=True, slots=True)
class _Outcome:
    kind: Kind
    owner: str
    split: Split
    shares: Mapping[str, int]
    paid: int


_Books = tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]]


def _settle(
    candidates: Mapping[str, int] | Split,
    before: Mapping[str, int],
    team: Mapping[str, int],
    last: Mapping[str, int],
    limit: int | None,
) -> _Outcome:
    """The one place where owners come from."""
    split = candidates if isinstance(candidates, Split) else split_of(candidates)
    if limit is not None and limit < 1:
        raise ValueError(f"the limit must be 1 lead or more, not {limit!r}")
    earning = split if limit is None else _below(split, before, limit * U)
    shares = earning.shares if earning is split else {i: earning.shares.get(i, 0) for i in split.ids}
    owner, credit = _highest(split.ids, shares, before, team, last)
    if limit is not None and credit - earning.total < -limit * U:
        return _Outcome("beyond the limit", owner, split, dict.fromkeys(split.ids, 0), 0)
    return _Outcome("turn", owner, split, shares, earning.total)


def _below(split: Split, before: Mapping[str, int], ceiling: int) -> Split:
    """The part of E that earns: who is below the limit, or all when nobody is."""
    if max([before.get(i, 0) for i in split.ids]) < ceiling:
        return split
    full = {i for i in split.ids if before.get(i, 0) >= ceiling}
    if len(full) == len(split.ids):
        return split
    return split_of({i: weight for i, weight in split.weights.items() if i not in full})


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


def _play(
    candidates: Mapping[str, int] | Split, books: _Books, numbers: tuple[int, int], limit: int | None
) -> Turn:
    """The turn that these books give. Nothing is changed."""
    out = _settle(candidates, *books, limit)
    ids = out.split.ids
    before, team, last = ({i: book.get(i, 0) for i in ids} for book in books)
    return Turn(
        *numbers, out.kind, out.owner, out.owner, dict(out.split.weights),
        dict(out.shares), before, out.paid, team, last, limit,
    )  # fmt: skip


def _book(turn: Turn, credits: dict[str, int], team: dict[str, int], last: dict[str, int]) -> None:
    for i, change in turn.changes.items():
        credits[i] = credits.get(i, 0) + change
        team[i] = team.get(i, 0) + change
    last[turn.owner] = turn.sequence


def _unbook(turn: Turn, credits: dict[str, int], team: dict[str, int], last: dict[str, int]) -> None:
    for i, change in turn.changes.items():
        credits[i] = credits.get(i, 0) - change
        team[i] = team.get(i, 0) - change
    if last.get(turn.owner) != turn.sequence:
        return
    if earlier := turn.last_before.get(turn.owner, 0):
        last[turn.owner] = earlier
    else:
        del last[turn.owner]


def _sum(turns: Iterable[Turn]) -> dict[str, int]:
    credits: dict[str, int] = {}
    for turn in turns:
        for i, change in turn.changes.items():
            credits[i] = credits.get(i, 0) + change
    return credits


def _last_turns(turns: Iterable[Turn]) -> dict[str, int]:
    last: dict[str, int] = {}
    for turn in turns:
        last[turn.owner] = max(turn.sequence, last.get(turn.owner, 0))
    return last
