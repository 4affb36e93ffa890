"""What the rules say of past leads, all at once: each distinct way through the layers is one decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from allocator.domain.days import today
from allocator.domain.facts import FactFields, email_of, facts_of
from allocator.domain.lead import Reason
from allocator.domain.past import Past, PastDecision
from rules.layers import decide, decision_of
from rules.model import Decision, RoutingTables

if TYPE_CHECKING:
    import pandas as pd

BULK = 1_000
"""Leads from which on a frame is quicker than one lead after the other."""


class RawLeads:
    """Past decisions in one order, with their raw facts and e-mails: the same under all tables."""

    def __init__(self, past: Past, fact_fields: FactFields) -> None:
        self.all: tuple[PastDecision, ...] = (*past.held, *(d for run in past.runs for d in run.decisions))
        self._now = {run.run: run.now for run in past.runs}
        self._first = past.runs[0].now
        self.place = {id(one): place for place, one in enumerate(self.all)}
        self._records = [one.record for one in self.all]
        self.facts = [facts_of(record, fact_fields) for record in self._records]
        self.emails = [None if record.unreadable else email_of(record) for record in self._records]

    def days(self, zone: str) -> list[date]:
        """The day on which each was decided, in this time zone."""
        days = {run: today(zone, now) for run, now in self._now.items()}
        first = today(zone, self._first)
        return [days.get(one.run, first) for one in self.all]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A column for each fact."""
        import pandas as pd

        names = list(self.facts[0]) if self.facts else []
        columns = {name: [facts[name] for facts in self.facts] for name in names}
        return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


class Walked:
    """What one version of the rules says of them. Decisions hold no facts."""

    def __init__(self, tables: RoutingTables, raw: RawLeads) -> None:
        self._tables, self._raw = tables, raw
        self._dated = any(row.from_ or row.until for layer in tables.layers for row in layer.rows)
        self._days = raw.days(tables.time_zone) if self._dated else []
        self._decisions = _in_bulk(tables, raw) if len(raw.all) >= BULK else None

    def email(self, one: PastDecision) -> str | None:
        return self._raw.emails[self._raw.place[id(one)]]

    def decision(self, one: PastDecision, on: date) -> Decision:
        """What the rules say of the record that this decision was made on, on any day."""
        place = self._raw.place[id(one)]
        if self._decisions is None or (self._dated and self._days[place] != on):
            return decide(self._tables, self._raw.facts[place], on=on)
        return self._decisions[place]


def _in_bulk(tables: RoutingTables, raw: RawLeads) -> Sequence[Decision]:
    import numpy as np
    import pandas as pd

    from rules.frame import walk_frame

    walk = walk_frame(tables, raw.frame, on=raw.days(tables.time_zone))
    ways = walk.unread.astype(np.int64)
    for rows in walk.rows:
        ways = pd.factorize(ways * (int(rows.max(initial=0)) + 2) + rows + 1)[0].astype(np.int64)
    _, first, which = np.unique(ways, return_index=True, return_inverse=True)
    made = [_decision(tables, [int(r[lead]) for r in walk.rows], bool(walk.unread[lead])) for lead in first]
    return [made[way] for way in which.tolist()]


def _decision(tables: RoutingTables, rows: Sequence[int], unread: bool) -> Decision:
    found = decision_of(tables, {}, rows)
    if not unread or found.reason != Reason.NO_RULE:
        return found
    return Decision(
        team=None,
        owner=None,
        reason=Reason.UNMAPPED_VALUE.value,
        detail=found.detail,
        lane=found.lane,
        facts={},
        needs=found.needs,
        steps=found.steps,
    )
