"""Past runs of the store in memory, as a replay needs them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from allocator.domain.lead import LeadKey, State
from allocator.domain.past import Past, PastDecision, PastRefund, past_run
from allocator.domain.plan import Assigned
from allocator.domain.records import RunRow
from rules.rotation import Booking, Ledger, Turn
from rules.rotation import replay as add_up


class Decided(Protocol):
    """A decision as the memory keeps it."""

    @property
    def what(self) -> Assigned: ...
    @property
    def at(self) -> datetime: ...
    @property
    def run(self) -> int: ...
    @property
    def tables_version(self) -> str: ...
    @property
    def given_back(self) -> bool: ...
    @property
    def settled_run(self) -> int | None: ...
    @property
    def ended(self) -> str | None: ...


Decisions = Mapping[tuple[LeadKey, int], Decided]


def past_of(
    runs: Sequence[RunRow],
    seen: Mapping[int, Mapping[str, Any]],
    decisions: Decisions,
    since: datetime,
    most: int,
) -> Past | None:
    """What `Store.past` promises."""
    days = sorted((row for row in runs if row.started >= since), key=lambda row: row.run)
    if not days:
        return None
    made = {row.run: [d for d in decisions.values() if d.run == row.run] for row in days}
    blind = max((run for run, some in made.items() if some and run not in seen), default=0)
    able: list[RunRow] = []
    usable = [row for row in reversed(days) if row.run in seen and row.run > blind]
    for row in usable:
        if able and sum(len(made[r.run]) for r in (*able, row)) > most:
            break
        able.append(row)
    older = len({d.what.key for run, some in made.items() if run <= blind for d in some})
    if not able:
        return Past(runs=(), older=older) if older else None
    first = able[-1].run
    before = {place: d for place, d in decisions.items() if d.run < first}
    rows = [past_run(r.run, r.live, r.tables_version or "", _json(seen[r.run])) for r in reversed(able)]
    return Past(
        runs=tuple(replace(run, decisions=tuple(map(_told, made[run.run]))) for run in rows),
        held=tuple(_held(before, first)),
        ledgers=_ledgers(before, first),
        recent=_recent(before, first),
        given=tuple(
            (t, p, d.at)
            for d in before.values()
            if (t := d.what.team) and (p := d.what.person) and _stood(d, first)
        ),
        refunds=tuple(_refunds(before, first)),
        older=older,
        cut=len(able) < len(usable),
    )


def _told(decided: Decided) -> PastDecision:
    d = decided.what
    return PastDecision(
        d.key, d.epoch, decided.run, d.state.value, d.reason, d.detail, d.person, d.owner, d.basis,
        decided.settled_run, decided.tables_version, _json(d.seen), decided.ended,
    )  # fmt: skip


def _json(seen: Any) -> Any:
    return json.loads(json.dumps(seen, default=str))


def _stood(decided: Decided, first: int) -> bool:
    """Whether it was not given back yet when the first run began."""
    return not decided.given_back or (decided.settled_run or 0) >= first


def _held(before: Decisions, first: int) -> Iterator[PastDecision]:
    newest: dict[LeadKey, Decided] = {}
    for (key, _), decided in sorted(before.items()):
        newest[key] = decided
    for decided in newest.values():
        settled = decided.settled_run or 0
        by_rules = decided.what.owner is None and (not settled or settled >= first)
        by_delivery = decided.what.state is State.HELD and 0 < settled < first
        if by_rules or by_delivery:
            yield _told(decided)


def _turns(before: Decisions, *, live: bool, first: int) -> dict[str, dict[str, list[Turn]]]:
    found: dict[str, dict[str, list[Turn]]] = defaultdict(lambda: defaultdict(list))
    for decided in before.values():
        row = decided.what.turn
        if row and _stood(decided, first) is live:
            found[row.team][row.lane].append(row.turn)
    return found


def _ledgers(before: Decisions, first: int) -> dict[tuple[str, str], Ledger]:
    live = _turns(before, live=True, first=first)
    gone = _turns(before, live=False, first=first)
    books = {team: add_up(live[team], given_back=gone[team]) for team in live.keys() | gone.keys()}
    return {(team, lane): book.ledger(lane) for team, book in books.items() for lane in book.lanes}


def _recent(before: Decisions, first: int) -> dict[tuple[str, str], tuple[int, ...]]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for team, lanes in _turns(before, live=True, first=first).items():
        for turn in (turn for turns in lanes.values() for turn in turns):
            found[team, turn.payer].append(turn.sequence)
    return {place: tuple(sequences) for place, sequences in found.items()}


def _refunds(before: Decisions, first: int) -> Iterator[PastRefund]:
    for decided in before.values():
        team, person, run = decided.what.team, decided.what.person, decided.settled_run
        if team and person and run and decided.given_back and run >= first:
            yield PastRefund(run, team, person, decided.at, _booking(decided.what))


def _booking(decided: Assigned) -> Booking | None:
    row = decided.turn
    if row is None:
        return None
    return row.turn.booking(row.lane)
