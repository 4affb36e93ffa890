"""Who holds a lease: this process, named so that another one on the same boot can tell that it is dead."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """`boot` is empty where the platform cannot tell; then only the lease's expiry counts."""

    host: str
    boot: str
    pid: int
    process_start: str


def this_process() -> Holder:
    return Holder(platform.node(), _boot(), os.getpid(), _start_of(os.getpid()) or "")


def surely_dead(holder: Holder) -> bool:
    """Whether the holder ran on this boot, among the processes that we can see, and is gone."""
    boot = _boot()
    if not boot or not holder.process_start or holder.boot != boot:
        return False
    return _start_of(holder.pid) != holder.process_start


def _boot() -> str:
    """The boot and the set of visible processes: two containers on one host do not see each other's."""
    try:
        return f"{_boot_id()} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return ""


@cache
def _boot_id() -> str:
    """No process outlives its boot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _start_of(pid: int) -> str | None:
    """The process's start in clock ticks since boot; None when there is none, or only its remains."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]
