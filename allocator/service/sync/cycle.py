"""Stage sync: linked marketing records and their CRM objects are brought in step, each by exactly one plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.records import Lease
from allocator.errors import SourceError
from allocator.ports import CRM, LeadSource, Progress, Store
from allocator.service.sync.marks import Pulled


@dataclass(slots=True)
class SyncResult:
    """What one cycle did: counts for the run's JSON, and what stopped it, if anything.

    In observe mode the counts say what would have been done. `held` are all linked records that are held now.
    """

    looked_at: int = 0
    to_crm: int = 0
    to_marketing: int = 0
    switched: int = 0
    conflicts: int = 0
    problems: int = 0
    held: int = 0
    full: bool = False
    trouble: SourceError | None = None
    """Of either system: what is left waits for the next run, and no mark has moved."""
    stopped: bool = False


def synchronise(
    crm: CRM,
    store: Store,
    source: LeadSource,
    lease: Lease,
    mapping: object,
    pulled: Pulled,
    *,
    now: Callable[[], datetime],
    live: bool,
    progress: Progress,
    stop: Callable[[], bool],
) -> SyncResult:
    """One cycle over the linked records of a source. `pulled` is what `marks.pull_source` gave this run.

    Raises only FencedError and the store's errors: trouble with a system is in the result.
    """
    raise NotImplementedError
