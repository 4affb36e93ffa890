"""`MemoryStore`: the `Store` port in dictionaries, for tests and trials. It forgets everything at its end.

Each method works on a copy of the state that replaces the old one only when it is done, so one that raises
has changed nothing. Ledgers are not kept: they are what the live turns sum to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from allocator.adapters.store.holder import surely_dead, this_process
from allocator.adapters.store.memory_alerts import MemoryAlerts
from allocator.adapters.store.memory_delivery import MemoryDelivery
from allocator.adapters.store.memory_past import past_of
from allocator.adapters.store.memory_renames import renamed
from allocator.adapters.store.memory_state import Decision, StoreState, ledgers_of, waiting
from allocator.adapters.store.memory_statement import MemoryStatement
from allocator.adapters.store.memory_sync import MemorySync
from allocator.adapters.store.memory_take_backs import MemoryTakeBacks
from allocator.adapters.store.memory_turns import MemoryTurns
from allocator.adapters.store.memory_versions import MemoryVersions
from allocator.domain.alerts import Think
from allocator.domain.by_hand import OBSERVED
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.past import Past
from allocator.domain.plan import Assigned, Plan, TurnRow
from allocator.domain.records import LeadRow, Lease, PendingWrite, RunRow
from allocator.domain.slots import Active, SlotState
from allocator.errors import AllocatorError, BusyError, ConfigError, FencedError
from rules.rotation import Ledger

__all__ = ["MemoryStore"]


@dataclass(slots=True)
class _Box:
    """What several stores on the same data share."""

    state: StoreState = field(default_factory=StoreState)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _real_time() -> datetime:
    return datetime.now(UTC)


class MemoryStore(
    MemoryAlerts,
    MemoryDelivery,
    MemoryStatement,
    MemorySync,
    MemoryTakeBacks,
    MemoryTurns,
    MemoryVersions,
):
    """A store in memory. `of` shares the data of another one; `now` is the store's own clock."""

    def __init__(self, of: MemoryStore | None = None, *, now: Callable[[], datetime] = _real_time) -> None:
        self.box: _Box = of.box if of else _Box()
        self.now = now

    def close(self) -> None:
        """Nothing to do; the data goes with the last store on it."""

    @property
    def _state(self) -> StoreState:
        return self.box.state

    @contextmanager
    def _changing(self, lease: Lease | None = None) -> Iterator[StoreState]:
        with self.box.lock:
            new = self.box.state.copied()
            if lease is not None and (new.token != lease.token or new.holding != lease.run):
                raise FencedError(f"run {lease.run} no longer holds the lease: nothing was written")
            yield new
            self.box.state = new

    # runs and the lease

    def begin_run(
        self, *, slot: str, by: str, at: datetime, live: bool, seconds: int, once: bool = False
    ) -> Lease:
        with self._changing() as s:
            if s.holding is not None:
                self._take_over(s, s.holding, at)
            if once:
                s.watched.refuse_unless_open(slot)
            number = max(s.runs, default=0) + 1
            s.token, s.holding, s.holder = s.token + 1, number, this_process()
            s.expires = self.now() + timedelta(seconds=seconds)
            s.runs[number] = RunRow(number, slot, by, "running", at, None, live, None, {})
            s.watched.slots.setdefault(slot, SlotState.OPEN if slot else SlotState.DONE)
            return Lease(s.token, number, s.expires)

    def _take_over(self, s: StoreState, holding: int, at: datetime) -> None:
        self._refuse_if_alive(s, holding)
        s.runs[holding] = replace(s.runs[holding], state="failed", finished=at)

    def _refuse_if_alive(self, s: StoreState, holding: int) -> None:
        assert s.expires and s.holder, "a lease that is held has a holder"
        if s.expires > self.now() and not surely_dead(s.holder):
            since, until = (f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in (s.runs[holding].started, s.expires))
            raise BusyError(
                f"busy: run {holding} since {since} ({s.holder.host}, pid {s.holder.pid});"
                f" it ends by itself or its lease expires at {until}"
            )

    def renew(self, lease: Lease, *, seconds: int) -> Lease:
        with self._changing(lease) as s:
            s.expires = self.now() + timedelta(seconds=seconds)
            return replace(lease, expires=s.expires)

    def end_run(
        self,
        lease: Lease,
        *,
        at: datetime,
        state: str,
        summary: Mapping[str, Any],
        think: Think | None = None,
    ) -> None:
        with self._changing(lease) as s:
            run = s.runs[lease.run]
            version = summary.get("tables_version") or run.tables_version
            s.runs[lease.run] = replace(
                run, state=state, finished=at, summary=dict(summary), tables_version=version
            )
            s.holding = None
            if state == "done":
                s.watched.done(run.slot, s.runs.values())
            if think is not None:
                s.watched.change(think, at)

    def active(self) -> Active | None:
        s = self._state
        if s.holding is None or s.expires is None or s.expires <= self.now():
            return None
        if s.holder is None or surely_dead(s.holder):
            return None
        return Active(s.holding, s.runs[s.holding].slot)

    def runs(self, limit: int = 20) -> Sequence[RunRow]:
        return [row for _, row in sorted(self._state.runs.items(), reverse=True)][:limit]

    def run(self, number: int) -> RunRow | None:
        return self._state.runs.get(number)

    def last_run_number(self) -> int:
        return max(self._state.runs, default=0)

    # pull

    def mark(self, source: str) -> datetime | None:
        return self._state.marks.get(source)

    def add_pulled(self, lease: Lease, source: str, records: Iterable[Record], mark: datetime | None) -> int:
        newest: dict[LeadKey, Record] = {}
        for record in records:
            if record.key not in newest or newest[record.key].stamp <= record.stamp:
                newest[record.key] = record
        with self._changing(lease) as s:
            new = [key for key in newest if key not in s.leads]
            for key, record in newest.items():
                row = s.leads.get(key) or LeadRow(key, record, State.WAITING, 0, since=record.created)
                s.leads[key] = replace(row, record=record)
            if mark is not None:
                s.marks[source] = max(mark, s.marks.get(source, mark))
        return len(new)

    # what the planner needs

    def leads(
        self, keys: Collection[LeadKey] | None = None, *, states: Collection[State] | None = None
    ) -> Sequence[LeadRow]:
        known = self._state.leads
        rows = known.values() if keys is None else [known[k] for k in set(keys) if k in known]
        fits = [row for row in rows if states is None or row.state in states]
        return sorted(fits, key=lambda row: (row.record.created, row.key))

    def find(self, text: str) -> Sequence[LeadRow]:
        def named(key: LeadKey) -> bool:
            names = [key.source_id, *([key.source_id[:15]] if len(key.source_id) == 18 else [])]
            return text in names or text in [f"{key.source}:{name}" for name in names]

        exact = [row for row in self.leads() if named(row.key)]
        return exact or self.leads({link.key for link in self.links_of(text)})

    def ledgers(self) -> Mapping[tuple[str, str], Ledger]:
        return ledgers_of(self._state)

    def given_since(self, at: datetime) -> Sequence[tuple[str, str, datetime]]:
        rows = sorted(self._state.decisions.items(), key=lambda item: (item[1].at, item[0]))
        given = [
            (d.what.team, d.what.person, d.at)
            for _, d in rows
            if d.what.team and d.what.person and d.at >= at and not d.given_back
        ]
        taken = sorted((row.since, row.key, row) for row in self.leads(states=[State.TAKEN]) if row.since)
        by_hand = ((r.taker_team, r.taker, since) for since, _, r in taken if since >= at)
        return [*given, *((team, person, since) for team, person, since in by_hand if team and person)]

    def rename_team(self, old: str, new: str) -> int:
        with self._changing() as s:
            if s.holding is not None:
                self._refuse_if_alive(s, s.holding)
            return renamed(s, old, new)

    # decide

    def commit_plan(self, lease: Lease, plan: Plan, *, at: datetime, tables_version: str) -> None:
        with self._changing(lease) as s:
            run = s.runs[lease.run]
            s.runs[lease.run] = replace(run, tables_version=tables_version)
            if plan.seen is not None:
                s.seen[lease.run] = plan.seen
            self._refuse_gaps(plan.turns)
            for decided in plan.decided:
                lead = s.leads.get(decided.key)
                if lead is None or (decided.key, decided.epoch) in s.decisions or decided.epoch <= lead.epoch:
                    raise AllocatorError(f"lead {decided.key} cannot be decided for epoch {decided.epoch}")
                decision = Decision(decided, at, lease.run, tables_version, run.live)
                s.decisions[decided.key, decided.epoch] = decision
                s.leads[decided.key] = _standing(lead, decision)
                if decided.state is State.DECIDED:
                    self._put_in_outbox(s, decided)

    def _refuse_gaps(self, taken: Sequence[TurnRow]) -> None:
        books = self.ledgers()
        numbers = {place: book.next_number for place, book in books.items()}
        for row in taken:
            expected = numbers.get((row.team, row.lane), 1)
            if row.turn.number != expected:
                raise AllocatorError(f"turn {row.turn.number} of {row.team} does not follow {expected - 1}")
            numbers[row.team, row.lane] = expected + 1

    def _put_in_outbox(self, s: StoreState, d: Assigned) -> None:
        s.last_write += 1
        s.outbox[s.last_write] = PendingWrite(
            s.last_write, d.key, d.epoch, d.owner or "", d.person, d.team, 0,
            d.effect, d.object, d.object_id,
        )  # fmt: skip

    def past(self, since: datetime, *, most: int) -> Past | None:
        return past_of(self._state, since, most)

    def drop_observed(self, lease: Lease) -> int:
        with self._changing(lease) as s:
            s.decisions = {place: d for place, d in s.decisions.items() if d.live}
            s.outbox = {n: w for n, w in s.outbox.items() if (w.key, w.epoch) in s.decisions}
            s.by_hand = tuple(one for one in s.by_hand if one.live)
            observed = [row for row in s.leads.values() if not row.live]
            for row in observed:
                left = [epoch for key, epoch in s.decisions if key == row.key]
                again = waiting(row, max(left, default=0))
                s.leads[row.key] = replace(again, live=True, run=None, detail=OBSERVED)
        return len(observed)

    # answers

    def held(self) -> Sequence[LeadRow]:
        return self.leads(states=[State.HELD])

    def held_count(self) -> int:
        return len(self.held())

    def decisions(self, key: LeadKey) -> Sequence[Mapping[str, Any]]:
        epochs = sorted((e for k, e in self._state.decisions if k == key), reverse=True)
        return [_shown(self._state.decisions[key, epoch]) for epoch in epochs]

    def retry_held(self, keys: Collection[LeadKey] | None, *, at: datetime) -> int:
        with self._changing() as s:
            held = [r for r in s.leads.values() if r.state is State.HELD and (keys is None or r.key in keys)]
            for row in held:
                s.leads[row.key] = replace(row, basis="", hops=0)
        return len(held)

    def backup(self, path: str) -> None:
        """The state as text: to look at, not to restore from."""
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            raise ConfigError(f"{path} exists already. Name a new file for the backup") from None
        with os.fdopen(handle, "w") as out:
            out.write(ascii(self._state))


def _standing(lead: LeadRow, decision: Decision) -> LeadRow:
    d = decision.what
    return replace(
        lead, state=d.state, epoch=d.epoch, reason=d.reason, detail=d.detail, by=d.by, team=d.team,
        lane=d.lane, person=d.person, owner=d.owner, since=decision.at, basis=d.basis, run=decision.run,
        live=decision.live,
    )  # fmt: skip


def _shown(decision: Decision) -> Mapping[str, Any]:
    d = decision.what
    return {
        "epoch": d.epoch, "at": decision.at, "run": decision.run, "state": d.state.value, "reason": d.reason,
        "detail": d.detail, "by": d.by, "team": d.team, "lane": d.lane, "person": d.person, "owner": d.owner,
        "tables_version": decision.tables_version, "trace": d.trace, "turn": d.turn,
        "given_back": decision.given_back, "live": decision.live, "ended": decision.ended,
        "settled_at": decision.settled_at, "ended_at": decision.ended_at, "ended_why": decision.ended_why,
        "effect": d.effect.value,
    }  # fmt: skip
