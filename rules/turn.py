"""What a turn is and what a ledger holds: values, and what a turn adds to each credit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from rules.shares import U
from rules.vouchers import Key, Voucher, VoucherMove, move, move_back

DEFAULT_LIMIT = 5
"""Leads: fairness.md section 3, column Limit."""

Kind = Literal["turn", "delegated", "catch-up", "by hand", "override", "beyond the limit"]
AUTOMATIC = frozenset({"turn", "delegated", "catch-up", "beyond the limit"})
"""Leads that the rotation gave. The others were taken by hand, or given by an override or a look-up."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a team owes its people in one lane, in units; positive is owed to the person.

    `credits` are this team's and lane's, `team_credits` the sum over all lanes of the team (this one
    included), `last_turn` maps a Person ID to the team-wide sequence number of their last live turn in any
    lane. Missing means zero, respectively never. `next_number` is gapless in team and lane, `next_sequence`
    in the team. `vouchers` stand beside the credits; `streak` counts how many of the lane's last automatic
    leads were catch-ups in a row.
    """

    credits: Mapping[str, int] = field(default_factory=dict)
    team_credits: Mapping[str, int] = field(default_factory=dict)
    last_turn: Mapping[str, int] = field(default_factory=dict)
    next_number: int = 1
    next_sequence: int = 1
    vouchers: Mapping[Key, Voucher] = field(default_factory=dict)
    streak: int = 0

    def canonical(self) -> tuple[tuple[tuple[object, ...], ...], ...]:
        """Credits, team credits, last turns and vouchers in one form: sorted, without zeros, no numbers.

        Two ledgers that decide alike have the same canonical form; one that was given back has it too (F22).
        """
        parts = (self.credits, self.team_credits, self.last_turn)
        told = ((*key, one.amount, one.earned) for key, one in self.vouchers.items() if one.earned)
        return (
            *(tuple(sorted((i, v) for i, v in part.items() if v)) for part in parts),
            tuple(sorted(told)),
        )


EMPTY = Ledger()


@dataclass(frozen=True, slots=True)
class Booking:
    """What a turn changed in the books: everybody earns their share, the payer pays `paid`.

    `owner` got the lead; it is the payer, but for a turn that a delegate served. `paid` is zero where no
    credit moved.
    """

    lane: str
    sequence: int
    owner: str
    shares: Mapping[str, int]
    paid: int
    payer: str
    vouchers: tuple[VoucherMove, ...] = ()
    kind: Kind = "turn"

    def add_to(self, *books: dict[str, int]) -> None:
        if not self.paid:
            return
        for credits in books:
            for i, share in self.shares.items():
                credits[i] = credits.get(i, 0) + share
            credits[self.payer] -= self.paid

    def take_from(self, *books: dict[str, int]) -> None:
        if not self.paid:
            return
        for credits in books:
            for i, share in self.shares.items():
                credits[i] = credits.get(i, 0) - share
            credits[self.payer] += self.paid


@dataclass(frozen=True, slots=True)
class Turn:
    """One place in a rotation, with all that is needed to explain it, replay it and give it back.

    `weights`, `shares`, `before`, `team_before` and `last_before` have the same keys, everybody who earned or
    could take the lead, in code-point order. `able` is E, who could take it, None where that is everybody in
    `weights`. `shares` is what each earned: floor(weight x U / sum of weights), zero for who stood at the
    limit. `paid` is the sum of `shares`: the payer pays one lead U and earns the remainder U - sum(shares),
    which is booked as one number, so that for everybody

        after = before + share - (paid, for the payer)

    and the changes sum to zero exactly. In a catch-up and in a turn *beyond the limit* all shares and `paid`
    are zero; so they are where a lead by hand or by override would have gone beyond the limit. `team_before`
    is the credit over all lanes and `last_before` the last turn in any lane (0: never), both before this
    turn. `limit` is the limit in leads that held then, None for none. `serves` maps who was away and in E to
    the delegate; `vouchers` is what the turn changed in vouchers, `due` whose catch-up lead it could have
    been and when their voucher expires, `streak` how many catch-ups in a row came before.
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
    able: tuple[str, ...] | None = None
    serves: Mapping[str, str] = field(default_factory=dict)
    vouchers: tuple[VoucherMove, ...] = ()
    due: Mapping[str, date] = field(default_factory=dict)
    streak: int = 0

    @property
    def could(self) -> tuple[str, ...]:
        """E: who could take the lead."""
        return tuple(self.weights) if self.able is None else self.able

    @property
    def beyond(self) -> bool:
        """Whether no credit moved because the taker would have fallen below the limit."""
        return not self.paid and self.kind != "catch-up"

    @property
    def earned(self) -> dict[str, int]:
        """What each earned, the payer's remainder included: sums to one lead, or to nothing."""
        got = dict(self.shares)
        if self.paid:
            got[self.payer] += U - self.paid
        return got

    @property
    def changes(self) -> dict[str, int]:
        """What this turn added to each person's credit, in units; sums to zero."""
        moved = dict(self.shares)
        moved[self.payer] = moved.get(self.payer, 0) - self.paid
        return moved

    @property
    def after(self) -> dict[str, int]:
        """Credits of everybody in the turn after it, in units."""
        return {i: self.before.get(i, 0) + change for i, change in self.changes.items()}

    def booking(self, lane: str) -> Booking:
        """What it changed in the books."""
        return Booking(
            lane, self.sequence, self.owner, self.shares, self.paid, self.payer, self.vouchers, self.kind
        )


@dataclass(slots=True)
class Lane:
    """A lane's ledger in the making, without what is team-wide. Changed in place."""

    credits: dict[str, int] = field(default_factory=dict)
    number: int = 1
    vouchers: dict[Key, Voucher] = field(default_factory=dict)
    streak: int = 0

    def add(self, booking: Booking, team: dict[str, int], last: dict[str, int]) -> None:
        """Book a turn that was just made."""
        booking.add_to(self.credits, team)
        move(self.vouchers, booking.vouchers)
        last[booking.payer] = booking.sequence
        self.number += 1
        if booking.kind in AUTOMATIC:
            self.streak = self.streak + 1 if booking.kind == "catch-up" else 0

    def take_out(self, booking: Booking, team: dict[str, int]) -> None:
        """Give a turn back; last turns and the streak are for who knows the turns that stand."""
        booking.take_from(self.credits, team)
        move_back(self.vouchers, booking.vouchers)
