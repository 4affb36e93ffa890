"""The part of `MemoryStore` that tells turns one by one, and the ledger before one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence

from allocator.adapters.store.memory_state import StoreState
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey
from allocator.domain.taken_turns import TakenTurn, fits
from rules.rotation import Ledger, Turn, replay


class MemoryTurns(ABC):
    """Turns in the shared state of a `MemoryStore`."""

    @property
    @abstractmethod
    def _state(self) -> StoreState:
        """To read only."""

    def turns_of(self, key: LeadKey) -> Sequence[TakenTurn]:
        mine = [one for one, _ in _turns(self._state) if one.row.key == key]
        return sorted(mine, key=lambda one: (one.row.epoch, one.at, one.row.turn.sequence))

    def ledger_before(self, row: TurnRow) -> Ledger | None:
        every = [(one, run) for one, run in _turns(self._state) if one.row.team == row.team]
        own = next((one for one, _ in every if one.row == row), None)
        if own is None:
            return None
        earlier = [(one, run) for one, run in every if one.row.turn.sequence < row.turn.sequence]
        for last in (own.run - 1, own.run):
            lanes: dict[str, list[Turn]] = defaultdict(list)
            for one, run in earlier:
                if not one.given_back or run > last:
                    lanes[one.row.lane].append(one.row.turn)
            ledger = replay(lanes).ledger(row.lane)
            if fits(ledger, row.turn):
                return ledger
        return None


def _turns(state: StoreState) -> Iterator[tuple[TakenTurn, int]]:
    """Every turn, with the run in which it was given back, if it was."""
    for made in state.decisions.values():
        if row := made.what.turn:
            why = made.what.reason or str(made.what.state) if made.given_back else ""
            one = TakenTurn(row, made.at, made.run, made.given_back, why)
            yield one, made.settled_run or made.run
    for charge in state.by_hand:
        yield TakenTurn(charge.row, charge.at, charge.run, charge.given_back), charge.run
