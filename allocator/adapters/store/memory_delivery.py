"""The part of `MemoryStore` that delivers what was decided, and keeps what became of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from allocator.adapters.store.memory_state import ByHandTurn, StoreState, ledgers_of
from allocator.adapters.store.memory_sync import save_links
from allocator.domain.by_hand import Charge
from allocator.domain.lead import Effect, State
from allocator.domain.records import Lease, Link, PendingWrite, Settlement
from allocator.domain.sync.relations import place, self_link
from allocator.errors import AllocatorError

_OUT_OF_INTAKE = frozenset({State.TAKEN, State.CLOSED})
_FINAL = {
    State.DECIDED: _OUT_OF_INTAKE | {State.CONFIRMED, State.HELD},
    State.HELD: _OUT_OF_INTAKE,
    State.WAITING: _OUT_OF_INTAKE,
}


class MemoryDelivery(ABC):
    """The outbox in the shared state of a `MemoryStore`."""

    @property
    @abstractmethod
    def _state(self) -> StoreState:
        """To read only."""

    @abstractmethod
    def _changing(self, lease: Lease | None = None) -> AbstractContextManager[StoreState]:
        """A copy of the state that replaces it when the block ends well."""

    # deliver

    def pending(self) -> Sequence[PendingWrite]:
        s = self._state
        return [w for _, w in sorted(s.outbox.items()) if s.decisions[w.key, w.epoch].live]

    def attempt(self, lease: Lease, ids: Sequence[int]) -> None:
        with self._changing(lease) as s:
            for number in ids:
                if write := s.outbox.get(number):
                    s.outbox[number] = replace(write, attempts=write.attempts + 1)

    def settle(
        self,
        lease: Lease,
        settlements: Sequence[Settlement],
        *,
        at: datetime,
        charge: Charge | None = None,
    ) -> None:
        with self._changing(lease) as s:
            new = {one.key for one in settlements if self._settle_one(s, one, at, lease.run)}
            if charge is not None and new:
                made, live = charge(ledgers_of(s), new), s.runs[lease.run].live
                s.by_hand += tuple(ByHandTurn(row, at, lease.run, live) for row in made.turns)

    def _settle_one(self, s: StoreState, end: Settlement, at: datetime, run: int) -> bool:
        """False when it is settled just so already."""
        lead, decision = s.leads.get(end.key), s.decisions.get((end.key, end.epoch))
        if lead is None or lead.epoch != end.epoch:
            raise AllocatorError(f"lead {end.key} is not at epoch {end.epoch}: nothing was changed")
        if (lead.state, lead.reason) == (end.state, end.reason):
            return False
        if end.state not in _FINAL.get(lead.state, ()):
            raise AllocatorError(f"lead {end.key} is {lead.state}, it cannot become {end.state}")
        final = {
            "state": end.state,
            "reason": end.reason,
            "detail": end.detail,
            "basis": end.basis or lead.basis,
        }
        record, last = end.record or lead.record, end.avoid or lead.last_person
        stamp = end.stamp if end.state is State.CONFIRMED else None
        s.leads[end.key] = replace(
            lead,
            record=record,
            since=at,
            last_person=last,
            taker=end.taker,
            taker_team=end.taker_team,
            settled_stamp=stamp,
            **final,  # type: ignore[arg-type]
        )
        if decision is not None and lead.state is not State.WAITING:
            what = replace(decision.what, **final)  # type: ignore[arg-type]
            back = decision.given_back or end.give_back
            settled = decision.settled_run or run
            stopped = end.reason if end.state is State.HELD else decision.stopped
            s.decisions[end.key, end.epoch] = replace(
                decision, what=what, given_back=back, settled_run=settled, settled_at=at, stopped=stopped
            )
            if end.state is State.CONFIRMED and decision.live:
                self._link(s, end, decision.what.effect, at)
        s.outbox = {n: w for n, w in s.outbox.items() if (w.key, w.epoch) != (end.key, end.epoch)}
        return True

    def _link(self, s: StoreState, end: Settlement, effect: Effect, at: datetime) -> None:
        if end.link is not None:
            save_links(s, [end.link])
        elif effect is Effect.OWNER:
            own = Link(end.key, *self_link(end.key), "live", at)
            s.links.setdefault(place(own), own)
