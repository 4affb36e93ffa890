"""The reconciler: looks at the store's slots and says which hour needs a run now."""

from __future__ import annotations

from dataclasses import dataclass

from allocator.domain.slots import step
from allocator.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class Hours:
    """Which hour needs a run. Any number of processes may ask: the lease lets one of them have it."""

    store: Store
    clock: Clock
    minute: int = 0

    def needed(self) -> str | None:
        """The slot that needs a run now, None when there is none. Records missed and overrun slots."""
        now = self.clock.now()
        due = step(now, self.store.slots(), self.store.active(), minute=self.minute)
        if due.add or due.close:
            self.store.mark_slots(add=due.add, close=due.close, at=now)
        return due.start
