"""Whether the service does its work: for /healthz, the metrics, `watch` and `doctor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allocator.domain.pauses import Pause
from allocator.domain.records import Post
from allocator.errors import AllocatorError
from allocator.ports import Store
from allocator.service.alerts import is_missed, is_stuck

BEAT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """`problems` are codes: beat, alerts, slot, store. Healthy when there is none; a pause is no problem."""

    problems: tuple[str, ...] = ()
    last_done: datetime | None = None
    oldest_unsent: datetime | None = None
    pauses: Sequence[Pause] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


def health(store: Store, now: datetime, *, beat_age: float, since: datetime) -> Health:
    """`beat_age` is how many seconds ago the main loop last went round; `since` is when it began."""
    beat = stale(beat_age)
    try:
        last, post, pauses = store.last_done(), store.post(), store.pauses(now=now)
    except AllocatorError:
        return Health((*beat, "store"))
    alerts = ("alerts",) if is_stuck(post, now) else ()
    slot = ("slot",) if is_missed(last, since if last is None else None, now) else ()
    return Health((*beat, *alerts, *slot), last, post.oldest, pauses)


def stale(beat_age: float) -> tuple[str, ...]:
    return ("beat",) if beat_age > BEAT_SECONDS else ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What the metrics show, as of one look."""

    last_done: datetime | None = None
    last_run: Mapping[str, Any] = field(default_factory=dict)
    last_state: str = ""
    held: int = 0
    held_by_reason: Mapping[str, int] = field(default_factory=dict)
    incidents: Mapping[str, int] = field(default_factory=dict)
    post: Post = field(default_factory=Post)
    open_slots: int = 0
    tables_version: str = ""
    tables_accepted: datetime | None = None
    paused: Mapping[str, int] = field(default_factory=dict)


def figures(store: Store, now: datetime) -> Figures:
    """Everything the metrics need, a handful of small queries."""
    runs, tables = store.runs(1), store.tables()
    open_ = [i for i in store.incidents(limit=500) if i.resolved is None]
    return Figures(
        last_done=store.last_done(),
        last_run=runs[0].summary if runs else {},
        last_state=runs[0].state if runs else "",
        held=store.held_count(),
        held_by_reason={i.finding.key: i.count for i in open_ if i.finding.kind == "leads_held"},
        incidents=Counter(i.finding.kind for i in open_),
        post=store.post(),
        open_slots=sum(1 for row in store.slots() if row.state == "open"),
        tables_version=tables.sha256[:8] if tables else "",
        tables_accepted=tables.accepted_at if tables else None,
        paused=Counter(str(pause.kind) for pause in store.pauses(now=now)),
    )
