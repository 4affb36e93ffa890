"""How far back a cycle has to look, and the marks that say so.

A mark moves only after what it stands for is committed. It stays behind its system's own clock by the time
that a search may lag, so everything it passes has been seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from allocator.domain.lead import LeadKey
from allocator.domain.records import Lease
from allocator.domain.sync.values import SourceRecord
from allocator.ports import LeadSource, Progress, Store

CRM_OVERLAP = timedelta(minutes=15)
"""Records of the CRM become visible at commit, stamped earlier."""
TRUSTED = timedelta(days=15)
"""An older mark is not trusted: by then the CRM has emptied its recycle bin."""
FULL_HOURS = 24


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a marketing system's search showed. `at` is its clock before that.

    `full`: every linked record is to be looked at, whatever was found.
    """

    records: dict[LeadKey, SourceRecord]
    at: datetime
    full: bool


def changes(source: str) -> str:
    """The mark up to which the source's changes have been worked off."""
    return f"{source}/changes"


def crm_changes(crm: str, source: str) -> str:
    """The mark up to which the CRM's changes have been worked off for a source."""
    return f"{crm}/{source}/changes"


def full(source: str) -> str:
    """The mark of the last time that all linked records were looked at, by our clock."""
    return f"{source}/full"


def pull_source(
    source: LeadSource,
    store: Store,
    crm: str,
    *,
    at: datetime,
    progress: Progress,
    full_hours: int = FULL_HOURS,
) -> Pulled:
    """Everything in intake and everything changed, found by a search that may lag. Raises SourceError."""
    before = source.now()
    is_full = _needs_all(source, store, crm, at=at, full_hours=full_hours)
    mark = store.mark(changes(source.name))
    found: dict[LeadKey, SourceRecord] = {}
    for page in source.pull(None if mark is None or before - mark > TRUSTED else mark):
        found.update((record.key, record) for record in page)
        progress("pull", len(found), None)
    return Pulled(found, before, is_full)


def _needs_all(source: LeadSource, store: Store, crm: str, *, at: datetime, full_hours: int) -> bool:
    marks = [store.mark(changes(source.name)), store.mark(crm_changes(crm, source.name))]
    last = store.mark(full(source.name))
    if last is None or at - last >= timedelta(hours=full_hours):
        return True
    return any(mark is None or at - mark > TRUSTED for mark in marks)


def move_marks(
    store: Store,
    lease: Lease,
    source: LeadSource,
    crm: str,
    pulled: Pulled,
    *,
    crm_at: datetime,
    at: datetime,
) -> None:
    """The cycle's work is committed, all of it: the next one begins where this one's reading began."""
    store.set_mark(lease, changes(source.name), pulled.at - source.overlap)
    store.set_mark(lease, crm_changes(crm, source.name), crm_at - CRM_OVERLAP)
    if pulled.full:
        store.set_mark(lease, full(source.name), at)
