"""A run that was asked to stop ends within seconds, also when the CRM is silent."""

from __future__ import annotations

from collections.abc import Callable

from allocator.service.background import Background

PATIENCE = 6.0
"""Seconds that a run has to end by itself once it was asked to stop; ten are promised."""
GLANCE = 0.2


class Watch(Background):
    """Calls `leave` from a thread if the body is not over a few seconds after `stop()` became true.

    A request that waits for an answer cannot be called back: whoever asked to stop should not wait for it.
    """

    def __init__(
        self, stop: Callable[[], bool], leave: Callable[[], None], *, patience: float = PATIENCE
    ) -> None:
        self._stop, self._leave, self._patience = stop, leave, patience
        super().__init__("hand over")

    def work(self) -> None:
        while not self._over.wait(GLANCE):
            if self._stop():
                if not self._over.wait(self._patience):
                    self._leave()
                return
