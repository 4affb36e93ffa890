"""The service: a loop that looks at the hour, a thread for the run, a thread for mails and the workbook.

Each part does its own waiting, so a slow CRM or mail server never stops the loop's beat. Any number of these
may share one store: the lease elects, and who finds the hour done has nothing to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allocator.domain.records import Beat
from allocator.entrypoints.console import place_of
from allocator.entrypoints.scheduler import Alarm
from allocator.errors import AllocatorError, BusyError
from allocator.ports import Clock, Store
from allocator.service.health import Health, health, stale
from allocator.service.hours import Hours
from rules.errors import RulesError

TICK_SECONDS = 10.0
"""How often the hour is looked at: with a lease of 90 s, another server takes over within two minutes."""
BEAT_EVERY = 30.0
START_AFTER = 30.0
"""Seconds between two starts: one that fails before its first row must not turn into a storm of tries."""
Log = Callable[..., Any]


@dataclass(slots=True)
class Parts:
    """What the service works with, wired by the command."""

    store: Store
    clock: Clock
    hours: Hours
    run: Callable[[Callable[[], bool]], Any]
    """One run for the hour that needs it; told how to learn that it should stop."""
    minders: tuple[Minder, ...]
    log: Log
    trouble: Callable[[Exception], object]
    """Told when the store cannot be used: then no alert can be written there."""
    beat: Callable[[datetime], Beat]
    tick: float = TICK_SECONDS


class Minder:
    """Does something over and over in a thread of its own. What fails is logged and done again later.

    An error that nobody thought of ends it, and with it the service: a fresh process is worth a try.
    """

    def __init__(self, name: str, work: Callable[[], object], *, every: float, log: Log) -> None:
        self.name, self._work, self._every, self._log = name, work, every, log
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._over.set()

    def _go(self) -> None:
        """An error that nobody foresaw ends the thread and with it the service; its text stays unsaid."""
        while not self._over.is_set():
            try:
                self._work()
            except (AllocatorError, RulesError, OSError) as error:
                self._log("trouble", part=self.name, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001
                self._log("dead", part=self.name, error=type(error).__name__, place=place_of(error))
                return
            self._over.wait(self._every)


@dataclass(slots=True)
class Service:
    """Runs until it is asked to stop. `alarm` wakes it on the minute; it looks by itself all the same."""

    parts: Parts
    wake: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    _beat: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _started: float = 0.0
    _runner: threading.Thread | None = None
    _teller: threading.Thread | None = None
    _since: datetime | None = None

    def serve(self, alarm: Alarm) -> int:
        """0 after `stop`; 1 when a part died that the service cannot do without."""
        self._since = self.parts.clock.now()
        alarm.start()
        for minder in self.parts.minders:
            minder.start()
        try:
            while not self.stopping.is_set():
                if not alarm.alive or not all(minder.alive for minder in self.parts.minders):
                    dead = [minder.name for minder in self.parts.minders if not minder.alive]
                    self.parts.log("dead", part=", ".join(dead) if alarm.alive else "scheduler")
                    return 1
                self._round()
                self.wake.wait(self.parts.tick)
                self.wake.clear()
        finally:
            alarm.stop()
            for minder in self.parts.minders:
                minder.stop()
        self._wait_for_run()
        return 0

    def stop(self) -> None:
        self.stopping.set()
        self.wake.set()

    def health(self) -> Health:
        now = self.parts.clock.now()
        return health(self.parts.store, now, beat_age=self.beat_age, since=self._since or now)

    def health_without_store(self) -> Health:
        """What is known when the store does not answer in time."""
        return Health((*stale(self.beat_age), "store"))

    @property
    def beat_age(self) -> float:
        """Seconds since the loop last went round, by a clock that nobody sets."""
        return time.monotonic() - self._beat

    def _round(self) -> None:
        try:
            self._tell()
            slot = self.parts.hours.needed()
        except AllocatorError as error:
            self.parts.log("trouble", part="loop", error=type(error).__name__)
            self._tell_of(error)
            slot = None
        if slot is not None and not self._running and not self._too_soon:
            self._start(slot)
        self._beat = time.monotonic()

    def _tell_of(self, error: Exception) -> None:
        """Mail takes as long as its server likes: the loop does not wait for it."""
        if self._teller is None or not self._teller.is_alive():
            self._teller = threading.Thread(
                target=self.parts.trouble, args=(error,), name="teller", daemon=True
            )
            self._teller.start()

    def _tell(self) -> None:
        if self._told and time.monotonic() - self._told < BEAT_EVERY:
            return
        self.parts.store.beat(self.parts.beat(self.parts.clock.now()))
        self._told = time.monotonic()

    @property
    def _running(self) -> bool:
        return self._runner is not None and self._runner.is_alive()

    @property
    def _too_soon(self) -> bool:
        return bool(self._started) and time.monotonic() - self._started < START_AFTER

    def _start(self, slot: str) -> None:
        self._started = time.monotonic()
        self._runner = threading.Thread(target=self._run, args=(slot,), name="run", daemon=True)
        self._runner.start()

    def _run(self, slot: str) -> None:
        """One run. Its end is in the store with its alerts; here it is only logged."""
        try:
            self.parts.run(self.stopping.is_set)
        except BusyError as busy:
            self.parts.log("busy", slot=slot, reason=type(busy).__name__)
        except Exception as error:  # noqa: BLE001 (the run row says failed and the alert is written; go on)
            self.parts.log("run failed", slot=slot, error=type(error).__name__, place=place_of(error))
        finally:
            self.wake.set()

    def _wait_for_run(self) -> None:
        """A run that was asked to stop hands over within seconds, and ends the process if it cannot."""
        if self._runner is not None:
            self._runner.join()
