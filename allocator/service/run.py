"""One run, from lease to report: read this file first.

Gather (tables, leads, look-ups), plan (pure), commit, then carry the plan out. A crash anywhere leaves work
that the next run finishes from the store alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from allocator.domain.alerts import Think
from allocator.domain.days import day_basis
from allocator.domain.decision import Work
from allocator.domain.facts import FactFields
from allocator.domain.lead import CrmUser, LeadKey, Record
from allocator.domain.pauses import Pause, Paused, service_of
from allocator.domain.plan import Lookups
from allocator.domain.records import Lease, TablesLook
from allocator.domain.slots import slot_of
from allocator.domain.tables import problems_with
from allocator.domain.take_backs import Asked
from allocator.errors import FencedError, SourceError
from allocator.ports import CRM, Clock, LeadSource, Ping, Progress, Store, Tables
from allocator.service import allocate, report
from allocator.service.alerts import Desk, Seen, covered, findings, may_pass
from allocator.service.answering import Answering
from allocator.service.courier import Delivery
from allocator.service.deliver import deliver
from allocator.service.handover import Watch
from allocator.service.heartbeat import Heartbeat
from allocator.service.pull import pull, settle_absent
from allocator.service.settling import Settler
from allocator.service.sync.arrivals import Judged
from allocator.service.sync.stage import Marketing, Stage
from allocator.service.take_back import refunding, take_back
from allocator.service.versions import Judge
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
    leave: Callable[[Outcome], None] | None = None
    """Ends the process: called when the run was asked to stop and the CRM keeps it waiting."""
    own_fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The facts and fields that the configuration names itself, beside the defaults."""
    minute: int = 0
    """The minute of the hour at which a slot is due."""
    desk: Desk | None = None
    """Where alerts are written; None: nobody is alerted."""
    ping: Ping = lambda event: None
    marketing: Marketing = field(default_factory=Marketing)
    """The marketing systems beside the CRM's own intake."""

    @property
    def sources(self) -> tuple[LeadSource, ...]:
        return self.marketing.sources


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its JSON object, its state (done, failed, handed_over), the CRM's trouble if any.

    `apart` is the trouble of marketing systems by name: the run was done without them.
    """

    summary: dict[str, Any]
    state: str
    trouble: SourceError | None = None
    refused: tuple[Problem, ...] = ()
    apart: Mapping[str, SourceError] = field(default_factory=dict)


def run(job: Job, *, by: str, once: bool = False) -> Outcome:
    """Do one run. Raises BusyError, ConfigError, WorkbookError or SourceError before anything was decided.

    Trouble after the decision is committed is in the Outcome: the next run carries on. `once` raises
    SlotTaken when the hour needs no run any more. What is wrong is written to the alerts with the run's end.
    """
    now = job.clock.now()
    slot = slot_of(now, minute=job.minute)
    lease = job.store.begin_run(slot=slot, by=by, at=now, live=job.live, seconds=job.lease_seconds, once=once)
    this = _Run(job, lease, now, slot=slot, by=by)
    job.ping("start")
    with Heartbeat(job.store, lease, job.lease_seconds), Watch(job.stop, this.leave):
        try:
            trouble = this.work()
        except BaseException as error:
            this.close("failed", {"error": _said(error), "again": may_pass(error)}, error)
            raise
        state = "failed" if trouble else "handed_over" if this.stopped else "done"
        made = this.summary()
        this.close(state, {**made, "again": may_pass(trouble)} if trouble else made, trouble)
    apart = this.stage.trouble
    return Outcome(summary=made, state=state, trouble=trouble, refused=this.refusal, apart=apart)


class _Run:
    """The stages of one run, in order, with what they hand on to each other."""

    look: TablesLook | None = None
    paused: Pause | None = None
    """The service's pause, once the run has come upon it."""

    def __init__(self, job: Job, lease: Lease, now: datetime, *, slot: str, by: str) -> None:
        self.job, self.lease, self.now = job, lease, now
        self.slot, self.by = slot, by
        self.started = time.monotonic()
        self.tally = report.Tally()
        self.refused: set[str] = set()
        self.stopped = False
        self.seen = Seen()
        self.stage = Stage(
            job.crm, job.store, lease, job.marketing, at=now, clock=job.clock, live=job.live,
            progress=job.progress, stop=job.stop,
        )  # fmt: skip

    def work(self) -> SourceError | None:
        """Do it all. Returns the CRM's trouble when delivery had to stop; the outbox keeps the rest."""
        job, lease = self.job, self.lease
        self.paused = service_of(job.store.pauses(now=self.now))
        if self.paused is not None:
            return None
        self.look = self.seen.look = look = self._tables()
        if job.live:
            job.store.drop_observed(lease)
        if (trouble := self._take_back(look.tables)) is not None or self.stopped:
            return trouble
        self.stage.open(look.tables)
        finished = self._finish_earlier()
        if finished.trouble is not None or self.stopped or self.paused:
            return finished.trouble
        pulled = pull(job.crm, job.store, lease, at=self.now, progress=job.progress)
        self.tally.switched = pulled.switched
        arrived = self._arrive()
        self.seen.in_intake = len(pulled.records) + len(arrived)
        seen = frozenset(record.key for record in pulled.records)
        self.tally.settled(settle_absent(job.crm, job.store, self._settler(), seen=seen), again=True)
        self._decide(look, [*pulled.records, *arrived], skip=frozenset(s.key for s in finished.settled))
        trouble = self._deliver({r.key.source_id: r.stamp for r in pulled.records}).trouble
        if trouble is None and self.paused is None and not self.stopped:
            trouble = self._synchronise()
        self.seen.delivered = trouble is None and self.paused is None
        return trouble

    def _arrive(self) -> tuple[Record, ...]:
        """What waits in the marketing systems; those that left them are settled."""
        arrivals = self.stage.arrivals
        if arrivals is None:
            return ()
        records = arrivals.pull()
        absent = arrivals.absent({record.key for record in records})
        if absent:
            self._settler()(absent)
            self.tally.settled(absent, again=True)
        return records

    def _synchronise(self) -> SourceError | None:
        """Bring what is linked in step, new links of this run included. Returns the CRM's trouble."""
        trouble = self.stage.synchronise()
        self.paused, self.stopped = self.stage.paused, self.job.stop()
        return trouble

    def close(self, state: str, made: dict[str, Any], error: BaseException | None) -> None:
        """Close the run row, and the alerts with it. Who took over closed the row already."""
        job, at = self.job, self.job.clock.now()
        try:
            job.store.end_run(
                self.lease, at=at, state=state, summary=made, think=self._think(state, error, at)
            )
        except FencedError:
            if state != "failed":
                raise
            return
        job.ping("success" if state == "done" else "fail" if state == "failed" else "start")

    def _think(self, state: str, error: BaseException | None, at: datetime) -> Think | None:
        """What is wrong, for the alerts. A run that hands over leaves that to whoever carries on."""
        job, seen = self.job, self._all_seen()
        if job.desk is None or state == "handed_over":
            return None
        desk = job.desk.as_served(job.store, at).with_editors(self.look.tables if self.look else None)
        held = job.store.held() if seen.in_intake is not None else ()
        last = at if state == "done" else job.store.last_done()
        return desk.think(
            lambda book: findings(seen, error, held, book, at),
            desk.scene(at, run=self.lease.run, look=self.look, last_done=last),
            at,
            covers=covered(seen, error),
        )

    def _all_seen(self) -> Seen:
        """What the stages left to be told."""
        held, new = self.tally.held_of_new()
        tried = self.job.marketing.sources and self.seen.in_intake is not None
        return replace(
            self.seen,
            apart=self.stage.trouble if tried else None,
            took_up=new,
            held=held,
            refused_owners=frozenset(self.refused),
            given=self.tally.people_given(),
            fallback=tuple(self.tally.fallback),
        )

    @property
    def refusal(self) -> tuple[Problem, ...]:
        """What is wrong with a workbook that was not used."""
        return self.look.refused if self.look else ()

    def summary(self) -> dict[str, Any]:
        """The run's JSON object as things stand."""
        job = self.job
        pauses = job.store.pauses(now=job.clock.now())
        return report.summary(
            self.tally, run=self.lease.run, slot=self.slot, by=self.by,
            tables_version=self.look.version.sha256 if self.look else None,
            live=job.live, usage=job.crm.usage, held_total=job.store.held_count(),
            seconds=time.monotonic() - self.started, notes=[*self._pause_notes(pauses), *self._notes()],
            pauses=pauses, stopped_by=self.paused,
            synced=self.stage.synced(), sources=self.stage.asked(),
        )  # fmt: skip

    def _pause_notes(self, pauses: Sequence[Pause]) -> list[str]:
        said = [pause.said for pause in pauses if pause.kind is not Paused.SERVICE]
        if self.paused is not None:
            said.insert(
                0, f"{self.paused.said}. Nothing more was read or written; a later run goes on from there"
            )
        return said

    def _notes(self) -> list[str]:
        if self.look is None:
            return []
        missing = frozenset(self.job.crm.missing_fields)
        lacks = [
            f"{self.job.crm.name} has no field {path} that we can read: fact {fact} goes without it"
            for fact, paths in self.job.own_fields.items()
            for path in paths
            if path in missing
        ]
        apart = [f"{name} could not be used: {error}" for name, error in self.stage.trouble.items()]
        return [*filter(None, [self.look.note]), *lacks, *apart, *self.stage.notes, *self.tally.back_notes()]

    def leave(self) -> None:
        """Hand over from here and end the process, whatever the CRM still keeps us waiting for."""
        job = self.job
        if job.leave is None:
            return
        self.stopped = True
        made = self.summary()
        try:
            job.store.end_run(self.lease, at=job.clock.now(), state="handed_over", summary=made)
        except FencedError:
            return  # it ended by itself in this very moment, or was taken over
        job.leave(Outcome(summary=made, state="handed_over", refused=self.refusal))

    def _tables(self) -> TablesLook:
        """The workbook as it is now, or the last good version; a new good one is accepted or waits."""
        job = self.job
        intake = job.crm.intake_ids()

        def extra(tables: RoutingTables) -> tuple[Problem, ...]:
            return problems_with(tables, fact_names=job.fact_fields, intake=intake)

        judge = Judge(job.store, job.tables, job.fact_fields, extra=extra)
        verdict = judge.settle(
            lambda: job.tables.look(job.store, now=self.now, extra=extra), self.now, lease=self.lease
        )
        if job.desk is not None:
            Answering(job.store, job.tables, job.desk, job.live).waits(verdict, judge, self.now)
        return verdict.look

    def _take_back(self, tables: RoutingTables) -> SourceError | None:
        """Put back what was rejected, and what an undo could not finish, so that it is decided again."""
        job = self.job
        asked = job.store.take_backs(states=[Asked.PENDING]) if job.live else ()
        if not asked:
            return None
        taken = take_back(
            job.crm, job.store, self.lease, asked, refunding=refunding(tables), now=job.clock.now,
            progress=job.progress, stop=job.stop,
        )  # fmt: skip
        self.tally.back = taken
        self.stopped = job.stop()
        return taken.trouble

    def _settler(self) -> Settler:
        job = self.job
        assert self.look is not None, "tables come first"
        return Settler(job.crm, job.store, self.lease, self.look.tables, self.now, job.clock.now)

    def _finish_earlier(self) -> Delivery:
        """Deliver what earlier runs decided and could not finish, before anything new is decided."""
        pending = self.job.store.pending() if self.job.live else ()
        if not pending:
            return Delivery()
        self.tally.leftover(pending)
        return self._deliver({})

    def _decide(self, look: TablesLook, records: Sequence[Record], *, skip: frozenset[LeadKey]) -> None:
        job = self.job
        lookups = Lookups(users=self._users(), intake=job.crm.intake_ids())
        self.seen.users = job.crm.users()
        pauses = job.store.pauses(now=self.now)
        decider = allocate.Decider(job.crm, job.store, self.lease, look, self.now, job.fact_fields, pauses)
        waiting = decider.queue(records, lookups, skip=skip)
        self.tally.returned = len(waiting.returned)
        if waiting.work:
            judged = self._judge(waiting.work, day_basis(look.tables, self.now, lookups, pauses))
            inputs = decider.gather(judged.work, lookups, progress=job.progress)
            made = decider.decide(inputs, judged.ready)
            told = {one.key for one in made.decided} | {one.key for one in judged.ended}
            again = waiting.again & told
            self.tally.planned(made.decided, again, live=job.live)
            self.stage.would_make(made.decided)

    def _judge(self, work: Sequence[Work], day: str) -> Judged:
        """The same, with the leads of marketing systems as the CRM's answers about them say."""
        arrivals = self.stage.arrivals
        own = tuple(one for one in work if one.key.source == self.job.crm.name)
        if arrivals is None or len(own) == len(work):
            return Judged(own)
        judged = arrivals.judge([one for one in work if one.key.source != self.job.crm.name], day)
        if judged.ended:
            self._settler()(judged.ended)
            self.tally.settled(judged.ended)
        return replace(judged, work=(*own, *judged.work))

    def _users(self) -> Mapping[str, CrmUser]:
        """The CRM's users; an owner that it refused in this run already is not usable in it."""
        users = dict(self.job.crm.users())
        users.update((i, replace(users[i], active=False)) for i in self.refused if i in users)
        return users

    def _deliver(self, stamps: Mapping[str, datetime]) -> Delivery:
        job = self.job
        if not job.live:
            return Delivery()
        delivery = deliver(
            job.crm, job.store, self.lease, stamps=stamps, refused=self.refused,
            settle=self._settler(), now=job.clock.now, progress=job.progress, stop=job.stop,
        )  # fmt: skip
        if delivery.trouble is None and delivery.paused is None and not job.stop():
            _extend(delivery, self.stage.create(self._settler(), self.refused))
        self.tally.settled(delivery.settled)
        self.paused = delivery.paused
        self.seen.contested += tuple(delivery.contested)
        for person, leads in delivery.refused.items():
            self.seen.refused_leads[person] = (*self.seen.refused_leads.get(person, ()), *leads)
        self.stopped = job.stop()
        return delivery


def _extend(delivery: Delivery, made: Delivery) -> None:
    """What became of creations joins what became of owners."""
    delivery.settled += made.settled
    delivery.left += made.left
    delivery.contested += made.contested
    delivery.trouble, delivery.paused = made.trouble, made.paused
    for person, leads in made.refused.items():
        delivery.refused.setdefault(person, []).extend(leads)


def _said(error: BaseException) -> str:
    """An error's class and, for our own errors, its message: others might quote a lead."""
    own = type(error).__module__.startswith(("allocator.", "rules."))
    return f"{type(error).__name__}: {error}" if own else type(error).__name__
