"""The impact of other tables: past runs replayed under two versions of them. Writes nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from allocator.domain.facts import FactFields
from allocator.domain.impact import Impact
from allocator.domain.replay import Replay
from allocator.domain.side_by_side import impact_of
from allocator.domain.walked import RawLeads, Walked
from allocator.errors import AllocatorError
from allocator.ports import Store
from rules.model import RoutingTables

DAYS = 14
MOST = 200_000
"""Leads that are tried at most, the newest."""
MOST_UNASKED = 50_000
"""The same where nobody waits for it: a service measures beside its other work, a run before its own. A lead
takes about 6 kB and a quarter of a millisecond."""


class Unmeasured(AllocatorError):
    """Something that nobody foresaw: what only advises must stop neither runs nor answers."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            f"The impact on past leads could not be measured ({type(error).__name__}). "
            "See: allocator tables impact"
        )


def measure(
    store: Store,
    before: RoutingTables,
    after: RoutingTables,
    *,
    read: Callable[[str], RoutingTables | None],
    fact_fields: FactFields,
    now: datetime,
    days: int = DAYS,
    most: int = MOST,
) -> Impact | None:
    """What `after` instead of `before` would have meant for leads of the last `days` days; None: no leads.

    `read` gives the tables of an accepted version by its sha256, for the absences then in force.
    """
    past = store.past(now - timedelta(days=days), most=most)
    if past is None:
        return None
    if not past.runs:
        return Impact(0, (), {}, (), {}, days, now - timedelta(days=days), now, older=past.older)
    with _uncollected():
        raw = RawLeads(past, fact_fields)
        old, new = (Replay(past, tables, Walked(tables, raw), read).go() for tables in (before, after))
        return impact_of(past, old, new, (before, after), days)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: hundreds of thousands of leads stay, and each look at them is for
    nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
