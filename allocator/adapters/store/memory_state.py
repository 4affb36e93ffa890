"""What a `MemoryStore` holds: decisions and the whole state that a transaction copies."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from allocator.adapters.store.holder import Holder
from allocator.adapters.store.memory_alerts import Watched
from allocator.domain.lead import LeadKey, State
from allocator.domain.plan import Assigned, TurnRow
from allocator.domain.records import LeadRow, Link, PendingWrite, RunRow, TablesVersion
from allocator.domain.sync.relations import Place
from allocator.domain.sync.values import ConflictRow, SyncRow, SyncWrite
from allocator.domain.take_backs import Ended, TakeBack
from rules.rotation import Ledger, Turn, replay

Epoch = tuple[LeadKey, int]
_DICTS = (
    "runs", "seen", "marks", "leads", "decisions", "outbox", "take_backs", "links", "syncs", "sync_writes",
)  # fmt: skip


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
    settled_at: datetime | None = None
    stopped: str | None = None
    """Why its delivery was held, whatever became of it then."""
    ended: Ended | None = None
    ended_at: datetime | None = None
    ended_why: str = ""


@dataclass(frozen=True, slots=True)
class ByHandTurn:
    """A turn that a lead taken by hand cost."""

    row: TurnRow
    at: datetime
    run: int
    live: bool
    given_back: bool = False


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
    links: dict[Place, Link] = field(default_factory=dict)
    syncs: dict[LeadKey, SyncRow] = field(default_factory=dict)
    sync_writes: dict[int, SyncWrite] = field(default_factory=dict)
    conflicts: tuple[ConflictRow, ...] = ()
    take_backs: dict[Epoch, TakeBack] = field(default_factory=dict)
    by_hand: tuple[ByHandTurn, ...] = ()
    watched: Watched = field(default_factory=Watched)

    def copied(self) -> StoreState:
        """To change without changing this one."""
        new = copy.copy(self)
        for name in _DICTS:
            setattr(new, name, dict(getattr(self, name)))
        new.watched = self.watched.copied()
        return new


def ledgers_of(state: StoreState) -> dict[tuple[str, str], Ledger]:
    """(team, lane) -> ledger, added up from the turns."""
    live: dict[str, dict[str, list[Turn]]] = defaultdict(lambda: defaultdict(list))
    gone: dict[str, dict[str, list[Turn]]] = defaultdict(lambda: defaultdict(list))
    own = ((d.what.turn, d.given_back) for d in state.decisions.values())
    for row, given_back in (*own, *((one.row, one.given_back) for one in state.by_hand)):
        if row is not None:
            (gone if given_back else live)[row.team][row.lane].append(row.turn)
    found = {}
    for team in sorted(live.keys() | gone.keys()):
        rotation = replay(live[team], given_back=gone[team])
        found.update({(team, lane): rotation.ledger(lane) for lane in rotation.lanes})
    return found


def waiting(row: LeadRow, epoch: int) -> LeadRow:
    """The row of a lead that waits, nothing left of a decision."""
    return replace(
        row, state=State.WAITING, epoch=epoch, reason=None, detail="", by=None, team=None, lane="",
        person=None, owner=None, basis="", settled_stamp=None, taker=None, taker_team=None,
    )  # fmt: skip
