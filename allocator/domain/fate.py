"""Where a lead stands in a replay, and when it is decided again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.choose import Choice
from allocator.domain.days import FOR_WANT_OF_SOMEBODY
from allocator.domain.decision import Work
from allocator.domain.lead import Reason, State
from allocator.domain.past import PastDecision, PastRun
from allocator.domain.take_backs import Ended
from rules.model import Decision
from rules.rotation import Booking

ALWAYS_AGAIN = frozenset({
    Reason.OWNER_REFUSED, Reason.CONTESTED, Reason.LOCKED, Reason.PAUSED,
    Reason.AMBIGUOUS_MATCH, Reason.CONTACT_MISSING, Reason.PERSON_ACCOUNT,
})  # fmt: skip
"""Holds whose reason can have gone without a trace in tables, record, day or users."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who of a team took a lead by hand, and the turn that it cost them, if any."""

    team: str
    person: str
    at: datetime
    booking: Booking | None = None


@dataclass(slots=True)
class Fate:
    """Where a lead stands in a replay: given (confirmed), held, or taken or closed by somebody's hand."""

    told: PastDecision
    """The record that it was decided on last."""
    run: PastRun
    """The run that decided it last."""
    entered: int
    """The run that decided it first."""
    state: State
    choice: Choice
    decision: Decision | None
    basis: str
    back: frozenset[str]
    """Who had it before and gave it back, and whom the CRM refused as its owner."""
    refused: frozenset[str] = frozenset()
    """Of those, whom the CRM refused last: forgotten once the lead has left intake."""
    last_person: str | None = None
    hops: int = 0
    taker: str | None = None
    """Who took it, by their id in the CRM."""
    taken_by: str | None = None
    """The same by Person ID, of one whom the tables know."""
    hand: Hand | None = None
    tried: bool = False
    """Whether the replay decided it at all."""

    @property
    def decided(self) -> int:
        return self.run.run

    @property
    def owner(self) -> str | None:
        """Its owner in the CRM; None while it is in intake, or is no open lead any more."""
        if self.state is State.CONFIRMED:
            return self.choice.owner
        return self.taker if self.state is State.TAKEN else None

    @property
    def undone(self) -> bool:
        """Whether the run that gave it was undone: as if it had never been."""
        return self.told.ended == Ended.UNDONE

    def returned(self) -> frozenset[str]:
        """Who stands back when a lead that had left intake is there again."""
        person = self.choice.person if self.state is State.CONFIRMED and not self.undone else None
        return self.back | {person} if person else self.back

    def again(self) -> Work:
        """A held lead that is decided again."""
        back = self.back if self.last_person else frozenset()
        told, last = self.told, self.last_person
        return Work(told.record, told.epoch, held=True, stood_back=back, last=last, hops=self.hops)

    def is_due(self, day: str, caps: Mapping[str | None, str]) -> bool:
        """Whether deciding it again could say something else; `caps` by the team of a hold."""
        choice = self.choice
        readable_now = choice.reason == Reason.UNREADABLE and not self.told.unreadable
        if readable_now or choice.reason in ALWAYS_AGAIN:
            return True
        full = caps[choice.team] if choice.reason in FOR_WANT_OF_SOMEBODY else ""
        return self.basis != basis_at(day, self.told, full)

    def decide(
        self,
        one: PastDecision,
        run: PastRun,
        state: State,
        choice: Choice,
        decision: Decision | None,
        work: Work,
        basis: str,
    ) -> None:
        """It was decided again."""
        if self.state is not State.HELD:  # it came back
            had = self.taken_by or self.choice.person
            self.back, self.last_person = self.returned(), self.last_person if self.undone else had
        self.told, self.run, self.state, self.choice = one, run, state, choice
        self.decision, self.basis, self.hops = decision, basis, work.hops
        self.taker = self.taken_by = self.hand = None
        self.refused = frozenset()

    def refuse(self, person: str) -> None:
        """The CRM would not let them own it."""
        self.refused = frozenset({person}) - self.back
        self.back, self.last_person = self.back | {person}, person


def basis_at(day: str, one: PastDecision, caps: str) -> str:
    """As `days.basis_with` says it of the record."""
    plain = f"{day}:{one.second}"
    return f"{plain}:{caps}" if caps else plain


def was_asked_for(told: PastDecision, one: PastDecision) -> bool:
    """Whether somebody asked for a held lead to be decided again: nothing that it depended on had changed."""
    if one.hops < told.hops:
        return True
    by_itself = told.reason in ALWAYS_AGAIN | FOR_WANT_OF_SOMEBODY or told.reason == Reason.UNREADABLE
    return one.held and not by_itself and _plain(one) == _plain(told)


def _plain(one: PastDecision) -> tuple[str, list[str]]:
    """What a hold depends on, without who is at a cap."""
    return one.version, one.basis.split(":")[:2]
