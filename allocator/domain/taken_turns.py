"""Turns as a store tells them one by one, and the ledger as it stood when one of them was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.decision import TurnRow
from rules.turn import Ledger, Turn


@dataclass(frozen=True, slots=True)
class TakenTurn:
    """A turn that a lead took or cost; `given_back` once it counts no more, `why` then says why."""

    row: TurnRow
    at: datetime
    run: int
    given_back: bool = False
    why: str = ""


def fits(ledger: Ledger, turn: Turn) -> bool:
    """Whether the turn's own numbers are those of this ledger: it is the one that the turn was taken from."""
    return (
        _same(turn.before, ledger.credits)
        and _same(turn.team_before, ledger.team_credits)
        and _same(turn.last_before, ledger.last_turn)
    )


def _same(told: Mapping[str, int], known: Mapping[str, int]) -> bool:
    return all(known.get(person, 0) == number for person, number in told.items())
