"""Whose turn it is: a ledger of credit per team and lane, in exact integers (fairness.md sections 1 and 2).

Everybody who could take a lead earns their share of it; the highest credit takes it and pays. This is the
carpool problem (Fagin and Williams 1983) with the greedy rule, which is the optimal online one (Coppersmith
et al. 2011). Amounts are in units; one lead is `U` units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

from rules import vouchers as catching
from rules.eligibility import EmptyReason, Skipped, Taken, Why, why_empty
from rules.lineup import Lineup, alone, with_taker
from rules.settle import Outcome, charge, settle
from rules.shares import Split, U, split_of
from rules.standing import eligible, line_up
from rules.turn import AUTOMATIC, DEFAULT_LIMIT, EMPTY, Booking, Kind, Lane, Ledger, Turn

__all__ = [
    "EMPTY",
    "Booking",
    "EmptyReason",
    "Kind",
    "Ledger",
    "Lineup",
    "Rotation",
    "Skipped",
    "Split",
    "Taken",
    "Turn",
    "U",
    "Why",
    "eligible",
    "give_back",
    "line_up",
    "rederive",
    "replay",
    "split_of",
    "take_turn",
    "upcoming",
    "why_empty",
]

Candidates = Mapping[str, int] | Split | Lineup
Outside = Literal["by hand", "override"]


def take_turn(
    ledger: Ledger, candidates: Mapping[str, int] | Lineup, *, limit: int | None = DEFAULT_LIMIT
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

    A `Lineup` says more: who else earns, who is served by a delegate, who misses the lead and is made good.

    The ledger given is not changed. Raises ValueError when `candidates` is empty, a weight is not a whole
    number from 1 to 1000, or `limit` is less than 1. Formula: fairness.md section 1, "Core".
    """
    rotation = Rotation({"": ledger}, limit=limit)
    turn = rotation.take("", candidates)
    return turn, rotation.ledger("")


def give_back(
    ledger: Ledger, turn: Turn, *, last_turn: Mapping[str, int] | None = None, streak: int | None = None
) -> Ledger:
    """The ledger of the turn's own lane without it: the turn's own recorded numbers are subtracted.

    Its number stays used. `last_turn` is the last live turn of everybody once this one is gone, and `streak`
    how many of the lane's last automatic leads that stand were catch-ups in a row: only who knows the live
    turns can tell. None puts back what the turn itself recorded, which is right when turns are given back
    newest first. Giving the same turn back twice is the caller's to prevent.
    """
    rotation = Rotation({"": ledger})
    rotation.give_back("", turn, last_turn=last_turn, streak=streak)
    return rotation.ledger("")


def rederive(turn: Turn) -> str:
    """The owner computed again from the stored turn alone (F15). Raises ValueError where it is damaged.

    Of a lead taken by hand or given by an override the owner is a fact; what was earned and paid is computed
    again.
    """
    payer, shares, paid = _again(turn)
    if shares != dict(turn.shares) or paid != turn.paid or payer != turn.payer:
        raise ValueError(
            f"turn {turn.number} is damaged: by its own numbers {payer} pays {paid} units,"
            f" but it says that {turn.payer} paid {turn.paid}"
        )
    return turn.serves.get(payer, payer)


def _again(turn: Turn) -> tuple[str, Mapping[str, int], int]:
    if turn.kind == "catch-up":
        return min(turn.due, key=lambda i: (turn.due[i], i)), dict.fromkeys(turn.weights, 0), 0
    split = split_of(turn.weights, most=10**6)
    if turn.kind in AUTOMATIC:
        out = settle(split, turn.could, turn.before, turn.team_before, turn.last_before, turn.limit)
    else:
        out = charge(split, turn.payer, turn.before, turn.limit)
    return out.payer, out.shares, out.paid


def upcoming(
    ledger: Ledger,
    candidates: Mapping[str, int] | Lineup,
    n: int,
    *,
    limit: int | None = DEFAULT_LIMIT,
) -> tuple[tuple[str, int], ...]:
    """The next `n` turns if `candidates` stay: whose turn each is, and their credit before it, in units."""
    ahead = Rotation({"": ledger}, limit=limit)
    nobody = not (candidates.able if isinstance(candidates, Lineup) else candidates)
    turns = [] if nobody else [ahead.take("", candidates) for _ in range(n)]
    return tuple((turn.payer, turn.before[turn.payer]) for turn in turns)


class Rotation:
    """One team's ledgers, all lanes, changed in place: `take_turn` for thousands of leads in a run.

    `ledgers` maps each lane to its ledger; they must agree on what is team-wide (ValueError otherwise). A
    lane that is not there starts empty. Not safe for use by two threads at once.
    """

    __slots__ = ("_lanes", "_last", "_limit", "_sequence", "_team")

    def __init__(
        self, ledgers: Mapping[str, Ledger] | None = None, *, limit: int | None = DEFAULT_LIMIT
    ) -> None:
        known = dict(ledgers or {})
        some = next(iter(known.values()), EMPTY)
        if any(ledger.canonical()[1:3] != some.canonical()[1:3] for ledger in known.values()):
            raise ValueError("the ledgers of a team's lanes must have the same team credits and last turns")
        self._lanes = {
            lane: Lane(dict(one.credits), one.next_number, dict(one.vouchers), one.streak)
            for lane, one in known.items()
        }
        self._team = dict(some.team_credits)
        self._last = dict(some.last_turn)
        self._sequence = max((ledger.next_sequence for ledger in known.values()), default=1)
        self._limit = limit

    @property
    def lanes(self) -> tuple[str, ...]:
        return tuple(sorted(self._lanes))

    def take(self, lane: str, candidates: Candidates) -> Turn:
        """`take_turn` on the lane's ledger. On an error nothing has changed."""
        lineup = candidates if isinstance(candidates, Lineup) else alone(candidates)
        book = self._lanes.get(lane) or Lane()
        if due := self._due(book, lineup):
            turn = self._catch_up(book, lineup, due)
        else:
            out = self._settle(book, lineup)
            owner = lineup.serves.get(out.payer, out.payer)
            moves = self._accrue(book, lineup, out)
            turn = self._record(book, lineup, _kind(out, owner), owner, out, moves=moves)
        self._add(lane, book, turn.booking(lane))
        return turn

    def book(self, lane: str, candidates: Candidates) -> Booking:
        """As `take`, without the record of the turn: for replays, which explain nothing."""
        lineup = candidates if isinstance(candidates, Lineup) else alone(candidates)
        book = self._lanes.get(lane) or Lane()
        if due := self._due(book, lineup):
            booking = self._catch_up(book, lineup, due).booking(lane)
        else:
            out = self._settle(book, lineup)
            owner = lineup.serves.get(out.payer, out.payer)
            moves = self._accrue(book, lineup, out)
            kind = _kind(out, owner)
            booking = Booking(lane, self._sequence, owner, out.shares, out.paid, out.payer, moves, kind)
        self._add(lane, book, booking)
        return booking

    def charge(
        self, lane: str, candidates: Candidates | None, person: str, weight: int, kind: Outside
    ) -> Turn:
        """A lead that `person` took by hand or was given outside the rotation: who could have taken it, and
        they, earn; they pay. `candidates` is None where nobody could."""
        lineup = alone(candidates) if isinstance(candidates, Mapping | Split) else candidates
        split = with_taker(lineup, person, weight)
        book = self._lanes.get(lane) or Lane()
        out = charge(split, person, book.credits, self._limit)
        whole = Lineup(split.weights, split)
        turn = self._record(book, whole, kind, person, out)
        self._add(lane, book, turn.booking(lane))
        return turn

    def unbook(self, booking: Booking, last: int, streak: int) -> None:
        """Give a booking back; `last` is its payer's last live turn in any lane without it, 0 for none, and
        `streak` the lane's without it."""
        book = self._lanes.setdefault(booking.lane, Lane())
        book.take_out(booking, self._team)
        book.streak = streak
        if last:
            self._last[booking.payer] = last
        else:
            self._last.pop(booking.payer, None)

    def give_back(
        self, lane: str, turn: Turn, *, last_turn: Mapping[str, int] | None = None, streak: int | None = None
    ) -> None:
        """`give_back` on the lane's ledger."""
        book = self._lanes.setdefault(lane, Lane())
        book.take_out(turn.booking(lane), self._team)
        book.streak = turn.streak if streak is None else streak
        if last_turn is not None:
            self._last = dict(last_turn)
        elif self._last.get(turn.payer) == turn.sequence:
            self._last[turn.payer] = turn.last_before.get(turn.payer, 0)
            if not self._last[turn.payer]:
                del self._last[turn.payer]

    def ledger(self, lane: str) -> Ledger:
        """The lane's ledger as it stands: a copy."""
        book = self._lanes.get(lane) or Lane()
        return Ledger(
            dict(book.credits), dict(self._team), dict(self._last), book.number, self._sequence,
            dict(book.vouchers), book.streak,
        )  # fmt: skip

    def upcoming(
        self, lane: str, candidates: Mapping[str, int] | Lineup, n: int
    ) -> tuple[tuple[str, int], ...]:
        """The next `n` turns of the lane if nothing else happens; nothing is changed."""
        return upcoming(self.ledger(lane), candidates, n, limit=self._limit)

    # --- one turn ---

    def _due(self, book: Lane, lineup: Lineup) -> dict[str, date]:
        """Whose catch-up lead this is, if it is one: only where others could take it too."""
        if not book.vouchers or not lineup.policy or lineup.today is None or len(lineup.able) < 2:
            return {}
        present = tuple(i for i in lineup.able if i not in lineup.serves)
        return catching.due(present, book.vouchers, lineup.policy, lineup.today, book.streak)

    def _settle(self, book: Lane, lineup: Lineup) -> Outcome:
        return settle(lineup.split, lineup.ids, book.credits, self._team, self._last, self._limit)

    def _accrue(self, book: Lane, lineup: Lineup, out: Outcome) -> tuple[catching.VoucherMove, ...]:
        if not lineup.missed or not out.paid:
            return ()
        return catching.accrue(lineup.missed, out.weight, book.vouchers)

    def _catch_up(self, book: Lane, lineup: Lineup, due: Mapping[str, date]) -> Turn:
        person = min(due, key=lambda i: (due[i], i))
        assert lineup.today is not None, "somebody is due"
        moves = catching.pay(person, book.vouchers, lineup.policy, lineup.today)
        out = Outcome(person, dict.fromkeys(lineup.split.ids, 0), 0)
        return self._record(book, lineup, "catch-up", person, out, moves=moves, due=due)

    def _record(
        self,
        book: Lane,
        lineup: Lineup,
        kind: Kind,
        owner: str,
        out: Outcome,
        *,
        moves: tuple[catching.VoucherMove, ...] = (),
        due: Mapping[str, date] | None = None,
    ) -> Turn:
        ids = lineup.split.ids
        before, team, last = ({i: of.get(i, 0) for i in ids} for of in (book.credits, self._team, self._last))
        able = None if lineup.ids == ids else lineup.ids
        return Turn(
            book.number, self._sequence, kind, owner, out.payer, dict(lineup.split.weights),
            dict(out.shares), before, out.paid, team, last, self._limit, able, dict(lineup.serves), moves,
            dict(due or {}), book.streak,
        )  # fmt: skip

    def _add(self, lane: str, book: Lane, booking: Booking) -> None:
        book.add(booking, self._team, self._last)
        self._lanes[lane] = book
        self._sequence += 1


def _kind(out: Outcome, owner: str) -> Kind:
    if not out.paid:
        return "beyond the limit"
    return "turn" if owner == out.payer else "delegated"


def replay(
    live: Mapping[str, Iterable[Turn]],
    *,
    given_back: Mapping[str, Iterable[Turn]] | None = None,
    limit: int | None = DEFAULT_LIMIT,
) -> Rotation:
    """A team's ledgers from its stored turns by lane, in any order: the sum of what live turns recorded.

    `given_back` turns count for nothing but their numbers, which stay used.
    """
    standing = {lane: sorted(turns, key=lambda t: t.sequence) for lane, turns in live.items()}
    gone = {lane: tuple(turns) for lane, turns in (given_back or {}).items()}
    team: dict[str, int] = {}
    last: dict[str, int] = {}
    lanes: dict[str, Lane] = {}
    sequence = 0
    for lane in standing.keys() | gone.keys():
        book = lanes[lane] = Lane()
        own: dict[str, int] = {}
        for turn in standing.get(lane, ()):
            book.add(turn.booking(lane), team, own)
        last = {i: max(own.get(i, 0), last.get(i, 0)) for i in own.keys() | last.keys()}
        every = (*standing.get(lane, ()), *gone.get(lane, ()))
        book.number = max((turn.number for turn in every), default=0) + 1
        sequence = max(sequence, max((turn.sequence for turn in every), default=0))
    ledgers = {
        lane: Ledger(book.credits, team, last, book.number, sequence + 1, book.vouchers, book.streak)
        for lane, book in lanes.items()
    }
    return Rotation(ledgers, limit=limit)
