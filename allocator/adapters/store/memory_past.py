"""Past runs of the store in memory, as a replay needs them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from allocator.adapters.store.memory_state import ByHandTurn, Decision, StoreState
from allocator.domain.lead import LeadKey, Reason, State
from allocator.domain.past import Past, PastBack, PastDecision, PastRefund, PastRun, past_run, run_at
from allocator.domain.plan import TurnRow
from allocator.domain.records import RunRow
from allocator.domain.take_backs import Ended
from rules.rotation import Booking, Ledger
from rules.rotation import replay as add_up
from rules.turn import AUTOMATIC

_RETURNED = frozenset({Ended.RETURNED, Ended.REJECTED})
_GONE = frozenset({State.TAKEN, State.CLOSED})
Place = tuple[LeadKey, int]
Where = tuple[str, str]


def past_of(s: StoreState, since: datetime, most: int) -> Past | None:
    """What `Store.past` promises."""
    runs, seen, decisions = s.runs.values(), s.seen, s.decisions
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
    rows = [past_run(r.run, r.live, r.tables_version or "", _json(seen[r.run])) for r in reversed(able)]
    told = _Then(s, able[-1].run, rows[0].now)
    return replace(
        told.before(),
        runs=tuple(_whole(run, made[run.run], told) for run in rows),
        older=older,
        cut=len(able) < len(usable),
    )


def _whole(run: PastRun, made: Iterable[Decision], then: _Then) -> PastRun:
    """With its decisions, and whom it found in the CRM."""
    some = tuple(made)
    chosen = tuple(then.told(d) for d in some if d.what.seen is not None)
    return replace(run, decisions=chosen, matched=frozenset(d.what.key for d in some if d.what.seen is None))


class _Then:
    """How things stood when one run began."""

    def __init__(self, s: StoreState, first: int, began: datetime) -> None:
        self.s, self.first, self.began = s, first, began
        self.made = {place: d for place, d in s.decisions.items() if d.run < first}
        self.by_hand = [one for one in s.by_hand if one.run < first]
        self.started = [(row.started, row.run) for row in s.runs.values()]

    def before(self) -> Past:
        backs, refunds = tuple(self._backs()), tuple(self._refunds())
        ledgers = self._ledgers()
        return Past(
            runs=(),
            held=tuple(self._held()),
            ledgers=ledgers,
            recent=self._recent(),
            given=(*self._given(), *self._taken(backs)),
            refunds=refunds,
            backs=backs,
            tails=self._tails(ledgers, (*refunds, *backs)),
        )

    def told(self, decided: Decision) -> PastDecision:
        d, left = decided.what, None
        if d.state in _GONE and d.owner:
            left = run_at(self.started, decided.settled_at, decided.settled_run or 0)
        stopped = (decided.stopped if d.turn else None) or Reason.OWNER_REFUSED.value
        return PastDecision(
            d.key, d.epoch, decided.run, d.state.value, d.reason, d.detail, d.person, d.owner, d.basis,
            decided.settled_run, decided.tables_version, _json(d.seen), decided.ended, left,
            stopped if left else None,
        )  # fmt: skip

    # what stood

    def _stood(self, decided: Decision) -> bool:
        """Whether it was not given back yet."""
        return not decided.given_back or (decided.settled_run or 0) >= self.first

    def _stood_by_hand(self, one: ByHandTurn) -> bool:
        return not one.given_back or self._came_back((one.row.key, one.row.epoch))

    def _came_back(self, place: Place) -> bool:
        """Whether the lead was decided again in one of the runs."""
        again = self.s.decisions.get((place[0], place[1] + 1))
        return again is not None and again.run >= self.first

    def _turns(self) -> Iterator[tuple[TurnRow, bool]]:
        """Every turn, and whether it stood."""
        yield from ((d.what.turn, self._stood(d)) for d in self.made.values() if d.what.turn)
        yield from ((one.row, self._stood_by_hand(one)) for one in self.by_hand)

    def _standing(self, live: bool) -> dict[str, dict[str, list[Any]]]:
        found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for row, stood in self._turns():
            if stood is live:
                found[row.team][row.lane].append(row.turn)
        return found

    def _ledgers(self) -> dict[Where, Ledger]:
        live, gone = self._standing(True), self._standing(False)
        books = {team: add_up(live[team], given_back=gone[team]) for team in live.keys() | gone.keys()}
        return {(team, lane): book.ledger(lane) for team, book in books.items() for lane in book.lanes}

    def _recent(self) -> dict[Where, tuple[int, ...]]:
        found: dict[Where, list[int]] = defaultdict(list)
        for row, stood in self._turns():
            if stood:
                found[row.team, row.turn.payer].append(row.turn.sequence)
        return {place: tuple(sequences) for place, sequences in found.items()}

    def _tails(
        self, ledgers: Mapping[Where, Ledger], back: Iterable[PastRefund | PastBack]
    ) -> dict[Where, tuple[tuple[int, bool], ...]]:
        gone = Counter((one.team, one.booking.lane) for one in back if one.booking)
        return {
            (team, lane): _tail(self._standing(True)[team][lane], gone[team, lane])
            for (team, lane), ledger in ledgers.items()
            if any(one.earned for one in ledger.vouchers.values())
        }

    # leads

    def _held(self) -> Iterator[PastDecision]:
        newest: dict[LeadKey, Decision] = {}
        for (key, _), decided in sorted(self.made.items()):
            newest[key] = decided
        for decided in (one for one in newest.values() if one.what.seen is not None):
            settled, told = decided.settled_run or 0, self.told(decided)
            by_rules = decided.what.owner is None and (not settled or settled >= self.first)
            there = decided.what.state is State.HELD or (told.left or 0) >= self.first
            if by_rules or (there and 0 < settled < self.first):
                yield told

    def _given(self) -> Iterator[tuple[str, str, datetime]]:
        for d in self.made.values():
            if d.what.team and d.what.person and self._stood(d):
                yield d.what.team, d.what.person, d.at

    def _taken(self, backs: Iterable[PastBack]) -> Iterator[tuple[str, str, datetime]]:
        for row in self.s.leads.values():
            taken = row.state is State.TAKEN and row.since and row.since < self.began
            if taken and row.since and row.taker and row.taker_team:
                yield row.taker_team, row.taker, row.since
        yield from ((one.team, one.person, one.at) for one in backs if one.by_hand)

    def _refunds(self) -> Iterator[PastRefund]:
        for d in self.made.values():
            team, person, run = d.what.team, d.what.person, d.settled_run
            gone = d.given_back and d.ended not in _RETURNED
            if team and person and run and gone and run >= self.first:
                yield PastRefund(run, team, person, d.at, _booking(d.what.turn))

    def _backs(self) -> Iterator[PastBack]:
        for place, d in self.made.items():
            team, person, ended = d.what.team, d.what.person, d.ended
            if team and person and ended in _RETURNED and self._came_back(place):
                yield PastBack(place[0], team, person, d.at, _booking(d.what.turn), ended=str(ended))
        for one in self.by_hand:
            if self._came_back((one.row.key, one.row.epoch)):
                row = one.row
                yield PastBack(row.key, row.team, row.turn.owner, one.at, _booking(row), by_hand=True)


def _tail(turns: Iterable[Any], more: int) -> tuple[tuple[int, bool], ...]:
    """The last automatic turns, back to the last that was no catch-up, and so many more of those."""
    found: list[tuple[int, bool]] = []
    for turn in sorted(turns, key=lambda turn: -turn.sequence):
        if turn.kind in AUTOMATIC and more >= 0:
            found.append((turn.sequence, turn.kind == "catch-up"))
            more -= turn.kind != "catch-up"
    return tuple(reversed(found))


def _json(seen: Any) -> Any:
    return json.loads(json.dumps(seen, default=str))


def _booking(row: TurnRow | None) -> Booking | None:
    return None if row is None else row.turn.booking(row.lane)
