"""Whoever works under the lease keeps it, however slow the CRM is."""

from __future__ import annotations

from allocator.domain.records import Lease
from allocator.errors import AllocatorError, FencedError
from allocator.ports import Store
from allocator.service.background import Background


class Heartbeat(Background):
    """Renews the lease four times in its life, from a thread, so that a slow CRM call does not lose it.

    A stopped process stops this thread too: then the lease runs out, as it should.
    """

    def __init__(self, store: Store, lease: Lease, seconds: int) -> None:
        self._store, self._lease, self._seconds = store, lease, seconds
        super().__init__("lease")

    def work(self) -> None:
        while not self._over.wait(self._seconds / 4):
            try:
                self._store.renew(self._lease, seconds=self._seconds)
            except FencedError:
                return
            except AllocatorError:
                continue  # a store that is busy now may answer at the next beat, before the lease runs out
