"""What a `MemoryStore` holds: decisions and the whole state that a transaction copies."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from allocator.adapters.store.holder import Holder
from allocator.adapters.store.memory_alerts import Watched
from allocator.domain.lead import LeadKey, State
from allocator.domain.plan import Assigned
from allocator.domain.records import LeadRow, Link, PendingWrite, RunRow, TablesVersion
from allocator.domain.take_backs import Ended, TakeBack

Epoch = tuple[LeadKey, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision, and what became of it."""

    what: Assigned
    at: datetime
    run: int
    tables_version: str
    live: bool
    given_back: bool = False
    settled_run: int | None = None
    ended: Ended | None = None
    ended_at: datetime | None = None
    ended_why: str = ""


@dataclass(slots=True)
class StoreState:
    """All data of a store, as several stores may share it."""

    token: int = 0
    holding: int | None = None
    expires: datetime | None = None
    holder: Holder | None = None
    runs: dict[int, RunRow] = field(default_factory=dict)
    seen: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    versions: tuple[TablesVersion, ...] = ()
    marks: dict[str, datetime] = field(default_factory=dict)
    leads: dict[LeadKey, LeadRow] = field(default_factory=dict)
    decisions: dict[Epoch, Decision] = field(default_factory=dict)
    outbox: dict[int, PendingWrite] = field(default_factory=dict)
    last_write: int = 0
    links: tuple[Link, ...] = ()
    take_backs: dict[Epoch, TakeBack] = field(default_factory=dict)
    watched: Watched = field(default_factory=Watched)

    def copied(self) -> StoreState:
        """To change without changing this one."""
        new = copy.copy(self)
        for name in ("runs", "seen", "marks", "leads", "decisions", "outbox", "take_backs"):
            setattr(new, name, dict(getattr(self, name)))
        new.watched = self.watched.copied()
        return new


def waiting(row: LeadRow, epoch: int) -> LeadRow:
    """The row of a lead that waits, nothing left of a decision."""
    return replace(
        row, state=State.WAITING, epoch=epoch, reason=None, detail="", by=None, team=None, lane="",
        person=None, owner=None, basis="", settled_stamp=None,
    )  # fmt: skip
