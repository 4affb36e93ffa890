"""One run, from lease to report: read this file first.

Gather (tables, leads, look-ups), plan (pure), commit, then carry the plan out. A crash anywhere leaves work
that the next run finishes from the store alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

from allocator.domain.facts import FactFields
from allocator.domain.lead import LeadKey, Record
from allocator.domain.plan import Lookups
from allocator.domain.tables import problems_with
from allocator.errors import FencedError, SourceError
from allocator.ports import CRM, Clock, Lease, Progress, Store, Tables, TablesLook
from allocator.service import allocate, report
from allocator.service.deliver import Delivery, deliver
from allocator.service.pull import pull, settle_absent
from rules.errors import Problem
from rules.model import RoutingTables


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run works with, wired by `bootstrap`."""

    crm: CRM
    store: Store
    tables: Tables
    clock: Clock
    fact_fields: FactFields
    live: bool
    lease_seconds: int = 90
    progress: Progress = lambda stage, done, total: None
    stop: Callable[[], bool] = lambda: False
    """Asked between batches: True hands the rest over to the next run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its JSON object, its state (done, failed, handed_over), the CRM's trouble if any."""

    summary: dict[str, Any]
    state: str
    trouble: SourceError | None = None
    refused: tuple[Problem, ...] = ()


def run(job: Job, *, by: str) -> Outcome:
    """Do one run. Raises BusyError, ConfigError, WorkbookError or SourceError before anything was decided.

    Trouble after the decision is committed is in the Outcome: the next run carries on.
    """
    started = time.monotonic()
    now = job.clock.now()
    slot = slot_of(now)
    lease = job.store.begin_run(slot=slot, by=by, at=now, live=job.live, seconds=job.lease_seconds)
    tally = report.Tally()
    with _Heartbeat(job, lease):
        try:
            look, trouble, state = _work(job, lease, tally, now)
        except BaseException as error:
            _close(job, lease, "failed", {"error": _said(error)})
            raise
        made = report.summary(
            tally,
            run=lease.run,
            slot=slot,
            by=by,
            tables_version=look.version.sha256,
            live=job.live,
            usage=job.crm.usage,
            held=job.store.held(),
            seconds=time.monotonic() - started,
            notes=[look.note] if look.note else [],
        )
        _close(job, lease, state, made)
    return Outcome(summary=made, state=state, trouble=trouble, refused=look.refused)


def slot_of(now: datetime) -> str:
    """The UTC hour a run answers for, as 2026-11-02T09:00Z."""
    return now.strftime("%Y-%m-%dT%H:00Z")


def _work(
    job: Job, lease: Lease, tally: report.Tally, now: datetime
) -> tuple[TablesLook, SourceError | None, str]:
    look = _tables(job, lease, now)
    if job.live:
        job.store.drop_observed(lease)
    finished = _finish_earlier(job, lease, tally)
    if finished.trouble is not None or job.stop():
        return look, finished.trouble, _state(finished, job)
    pulled = pull(job.crm, job.store, lease, at=now, progress=job.progress)
    tally.switched = pulled.switched
    seen = frozenset(record.key for record in pulled.records)
    tally.settled(settle_absent(job.crm, job.store, lease, seen=seen, at=now), again=True)
    _decide(job, lease, tally, look, pulled.records, frozenset(s.key for s in finished.settled), now)
    stamps = {record.key.source_id: record.stamp for record in pulled.records}
    delivery = _deliver(job, lease, tally, stamps)
    return look, delivery.trouble, _state(delivery, job)


def _tables(job: Job, lease: Lease, now: datetime) -> TablesLook:
    """The workbook as it is now, or the last good version; a new good one is accepted for good."""
    intake = job.crm.intake_ids()

    def extra(tables: RoutingTables) -> tuple[Problem, ...]:
        return problems_with(tables, fact_names=job.fact_fields, intake=intake)

    look = job.tables.look(job.store, now=now, extra=extra)
    if look.fresh:
        job.store.accept_tables(lease, look.version)
    return look


def _finish_earlier(job: Job, lease: Lease, tally: report.Tally) -> Delivery:
    """Deliver what earlier runs decided and could not finish, before anything new is decided."""
    pending = job.store.pending() if job.live else ()
    if not pending:
        return Delivery()
    tally.leftover(pending)
    return _deliver(job, lease, tally, {})


def _decide(
    job: Job,
    lease: Lease,
    tally: report.Tally,
    look: TablesLook,
    records: Sequence[Record],
    skip: frozenset[LeadKey],
    now: datetime,
) -> None:
    lookups = Lookups(users=job.crm.users(), intake=job.crm.intake_ids())
    waiting = allocate.queue(job.store, lease, records, look, lookups, now=now, skip=skip)
    tally.returned = len(waiting.returned)
    if not waiting.work:
        return
    inputs = allocate.gather(
        job.crm,
        job.store,
        waiting,
        look,
        lookups,
        now=now,
        fact_fields=job.fact_fields,
        progress=job.progress,
    )
    made = allocate.decide(job.store, lease, inputs, look, now=now)
    tally.planned(made.decided, waiting.again, live=job.live)


def _deliver(job: Job, lease: Lease, tally: report.Tally, stamps: dict[str, datetime]) -> Delivery:
    if not job.live:
        return Delivery()
    delivery = deliver(
        job.crm, job.store, lease, stamps=stamps, now=job.clock.now, progress=job.progress, stop=job.stop
    )
    tally.settled(delivery.settled)
    return delivery


def _state(delivery: Delivery, job: Job) -> str:
    if delivery.trouble is not None:
        return "failed"
    return "handed_over" if job.stop() else "done"


def _close(job: Job, lease: Lease, state: str, made: dict[str, Any]) -> None:
    """Close the run row. If the lease is not ours any more, whoever took it closed the row already."""
    try:
        job.store.end_run(lease, at=job.clock.now(), state=state, summary=made)
    except FencedError:
        if state != "failed":
            raise


def _said(error: BaseException) -> str:
    """An error's class and, for our own errors, its message: others might quote a lead."""
    own = type(error).__module__.startswith(("allocator.", "rules."))
    return f"{type(error).__name__}: {error}" if own else type(error).__name__


class _Heartbeat:
    """Renews the lease four times in its life, from a thread, so that a slow CRM call does not lose it.

    A stopped process stops this thread too: then the lease runs out, as it should.
    """

    def __init__(self, job: Job, lease: Lease) -> None:
        self._job, self._lease = job, lease
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> _Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._job.lease_seconds / 4):
            try:
                self._job.store.renew(self._lease, seconds=self._job.lease_seconds)
            except FencedError:
                return
