"""Several services on one store and one CRM, an hour at a time: who leads, who is killed, who takes over."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from kill_harness import (
    MONDAY,
    Product,
    Row,
    World,
    reading,
    stamps,
    until,
)
from kill_harness import stamp as crm_time

ENDS = {"done", "failed", "skipped_overrun", "caught_up"}


@dataclass
class Leaders:
    """Services that share a store. `hour` moves the clock; the CRM holds a request when told to."""

    world: World
    product: Product
    folder: Path
    services: list[int] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    now: datetime = MONDAY
    reserve: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.folder / "clock"
        self._set(MONDAY - timedelta(minutes=1))

    def start(self, **env: str) -> int:
        """One more service. Its log is in `log`."""
        words = ["serve", "--config", str(self.product.folder / "allocator.toml")]
        own = {"ALLOCATOR__STORE": self.product.url, "ALLOCATOR__SERVE__LISTEN": "127.0.0.1:0"}
        own |= {"ALLOCATOR__LEASE_SECONDS": "10", **env}
        files = {"out": str(self.folder / "log"), "clock": str(self.clock)}
        pid = int(self.world.services.ask(argv=words, env=own, **files))
        self.services.append(pid)
        return pid

    def close(self) -> None:
        for pid in (*self.services, *self.stopped):
            signalled(pid, signal.SIGKILL)

    # time and leads

    def hour(self, leads: int = 4) -> str:
        """The next hour begins, with new leads in intake. Returns its slot."""
        crm = self.world.crm
        self.now += timedelta(hours=1)
        moment = crm_time(self.now - timedelta(minutes=5))
        new, self.reserve = self.reserve[:leads], self.reserve[leads:]
        assert len(new) == leads, "the samples are used up"
        crm.ask("POST", "/clock", {"now": self.now.isoformat()})
        crm.put([{**row, "OwnerId": crm.intake, "CreatedDate": moment, **stamps(moment)} for row in new])
        self._set(self.now)
        return f"{self.now:%Y-%m-%dT%H:00Z}"

    def wait(self, minutes: int) -> None:
        """Time passes and nothing else."""
        self.now += timedelta(minutes=minutes)
        self._set(self.now)

    def _set(self, now: datetime) -> None:
        part = self.clock.with_suffix(".part")
        part.write_text(now.isoformat())
        os.replace(part, self.clock)

    # who leads

    def leader(self) -> int:
        """The pid that holds the lease."""
        with reading(self.product.url) as connection:
            return int(
                connection.execute(sa.text("SELECT pid FROM lease WHERE run IS NOT NULL")).scalar() or 0
            )

    def kill_leader(self, fault: str) -> int:
        pid = self._leader_at(fault)
        signalled(pid, signal.SIGKILL)
        self.services.remove(pid)
        return pid

    def stop_leader(self, fault: str) -> int:
        """The leader sleeps, and its lease runs out. It does not sleep in the middle of a transaction: who
        sleeps there keeps the lock of an SQLite file, and nobody can help that."""
        pid = self._leader_at(fault)
        signalled(pid, signal.SIGSTOP)
        while not self._writable():
            signalled(pid, signal.SIGCONT)
            signalled(pid, signal.SIGSTOP)
        self.services.remove(pid)
        self.stopped.append(pid)
        with reading(self.product.url) as connection:
            connection.execute(sa.text("UPDATE lease SET expires = '2001-01-01T00:00:00.000000Z'"))
        return pid

    def wake(self, pid: int, fault: str) -> None:
        """It goes on where it slept, its request reaches the CRM, and then it finds that it leads no more."""
        before = self.log().count("FencedError")
        signalled(pid, signal.SIGCONT)
        self.stopped.remove(pid)
        self.services.append(pid)
        self.world.crm.release(fault)
        until(lambda: self.log().count("FencedError") > before, "the woken leader gives up")

    def _leader_at(self, fault: str) -> int:
        until(lambda: self.world.crm.holding(fault), f"the request is held; {self.log()[-1500:]}")
        pid = self.leader()
        assert pid in self.services, (pid, self.services)
        return pid

    def _writable(self) -> bool:
        try:
            with reading(self.product.url, patience=0.2) as connection:
                connection.execute(sa.text("UPDATE lease SET expires = expires"))
        except sa.exc.OperationalError:
            return False
        return True

    # what the store says

    def state_of(self, slot: str) -> str | None:
        with reading(self.product.url) as connection:
            query = sa.text("SELECT state FROM slots WHERE slot = :slot")
            return connection.execute(query, {"slot": slot}).scalar()

    def done(self, slot: str) -> None:
        until(lambda: self.state_of(slot) == "done", f"{slot} is done; {self.log()[-1500:]}")
        until(lambda: self.leader() == 0, "the lease is free")

    def slots(self) -> dict[str, str]:
        with reading(self.product.url) as connection:
            return {
                row.slot: row.state for row in connection.execute(sa.text("SELECT slot, state FROM slots"))
            }

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""


def every_hour_once(slots: dict[str, str]) -> Sequence[str]:
    """I18: each hour since the first has one row, with an end. Returns what is wrong."""
    first, last = (datetime.fromisoformat(slot) for slot in (min(slots), max(slots)))
    hours = [first + timedelta(hours=n) for n in range(int((last - first) / timedelta(hours=1)) + 1)]
    wanted = {f"{hour:%Y-%m-%dT%H:00Z}" for hour in hours}
    missing = [f"{slot} has no row" for slot in sorted(wanted - set(slots))]
    return [*missing, *(f"{slot} ended as {end}" for slot, end in sorted(slots.items()) if end not in ENDS)]


def signalled(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
