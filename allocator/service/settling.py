"""Settling leads in the store, and charging those that people took by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.by_hand import OBSERVED, Asked, ByHand
from allocator.domain.choose import roster_of
from allocator.domain.days import week_start
from allocator.domain.decision import Inputs, Lookups
from allocator.domain.lead import LeadKey, State
from allocator.domain.records import Lease, Settlement
from allocator.ports import CRM, Store
from rules.model import RoutingTables

Settle = Callable[[Sequence[Settlement]], None]
"""Fixes what became of leads, in one transaction."""


@dataclass(frozen=True, slots=True)
class Settler:
    """`Store.settle` for one run: who could have taken a lead by hand is asked as of `now`."""

    crm: CRM
    store: Store
    lease: Lease
    tables: RoutingTables
    now: datetime
    clock: Callable[[], datetime]

    def __call__(self, settlements: Sequence[Settlement]) -> None:
        if not any(s.state is State.TAKEN for s in settlements):
            self.store.settle(self.lease, settlements, at=self.clock())
            return
        by_hand, observed = self._by_hand(), self._observed(settlements)
        named = [s if s.key in observed else by_hand.named(s) for s in settlements]
        self.store.settle(self.lease, named, at=self.clock(), charge=by_hand.charge(named))

    def _observed(self, settlements: Sequence[Settlement]) -> frozenset[LeadKey]:
        """Which of them nobody was to have but in observe mode."""
        taken = [s.key for s in settlements if s.state is State.TAKEN]
        rows = self.store.leads(taken, states=[State.WAITING])
        return frozenset(row.key for row in rows if row.detail == OBSERVED)

    def _by_hand(self) -> ByHand:
        inputs = Inputs(
            tables=self.tables,
            work=(),
            now=self.now,
            fact_fields={},
            given=self.store.given_since(week_start(self.tables, self.now)),
            lookups=Lookups(users=self.crm.users()),
            pauses=tuple(self.store.pauses(now=self.now)),
        )
        known: dict[LeadKey, Asked] = {}

        def asked(key: LeadKey) -> Asked:
            if key not in known:
                known[key] = self._asked(key)
            return known[key]

        return ByHand(self.tables, roster_of(inputs), asked)

    def _asked(self, key: LeadKey) -> Asked:
        """What the newest decision says; nothing of a lead that was never decided."""
        for decision in self.store.decisions(key)[:1]:
            told = decision["trace"].get("needs", {})
            needs = {name: v if isinstance(v, str) else tuple(v) for name, v in told.items()}
            return Asked(decision["team"], decision["lane"], needs)
        return Asked()
