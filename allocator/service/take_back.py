"""Stage take back: put leads where they came from, and believe only what is read back.

Each is read first. Where it is still with whom we gave it to, its owner is set to the intake owner it had, on
the condition that nobody changes it meanwhile; then it is read again. A lead that somebody else has, that was
converted or deleted, is left alone. What is not settled stays asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from allocator.domain.lead import LeadKey, LeadStatus, OwnerWrite, WriteAnswer, WriteResult
from allocator.domain.records import LeadRow, Lease
from allocator.domain.take_backs import BackEnd, Ended, Step, TakeBack, Verdict, judge
from allocator.errors import SourceError
from allocator.ports import CRM, Progress, Store
from allocator.service.courier import AT_ONCE, BATCH, TRIES, stopped_by
from rules.model import RoutingTables

_FINAL = (WriteResult.REFUSED_OWNER, WriteResult.REJECTED)
"""The CRM surely did not write, and trying again would not help."""
_MAY_BE = (WriteResult.WRITTEN, WriteResult.UNKNOWN)
"""The CRM wrote, or may have."""


@dataclass(slots=True)
class Taken:
    """What became of the take-backs: `left` are those that the next run carries on with."""

    done: list[TakeBack] = field(default_factory=list)
    dropped: list[tuple[TakeBack, str]] = field(default_factory=list)
    left: list[TakeBack] = field(default_factory=list)
    trouble: SourceError | None = None


def take_back(
    crm: CRM,
    store: Store,
    lease: Lease,
    asked: Sequence[TakeBack],
    *,
    refunding: Collection[str],
    now: Callable[[], datetime],
    progress: Progress,
    stop: Callable[[], bool],
) -> Taken:
    """Carry these out. `refunding`: the teams that give the turn of a rejected lead back; an undone one's
    always is. Stops early on `stop()` or when the CRM cannot be used."""
    crew = _Porter(crm, store, lease, refunding, now)
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        if crew.taken.trouble is not None or stop():
            crew.taken.left.extend(batch)
            continue
        crew.carry(batch)
        progress("take back", start + len(batch), len(asked))
    return crew.taken


def refunding(tables: RoutingTables) -> frozenset[str]:
    """The teams where a rejected or returned lead's turn is given back."""
    return frozenset(team.name for team in tables.teams if team.reject == "refund")


@dataclass(slots=True)
class _Item:
    """One take-back on its way. `sent`: the owner write of its decision may still arrive."""

    asked: TakeBack
    row: LeadRow | None
    sent: bool
    status: LeadStatus | None = None
    answer: WriteAnswer | None = None

    @property
    def id(self) -> str:
        return self.asked.key.source_id

    @property
    def place(self) -> tuple[LeadKey, int]:
        return self.asked.key, self.asked.epoch


class _Porter:
    """Carries batches: read, write, read back, settle."""

    def __init__(
        self, crm: CRM, store: Store, lease: Lease, refunding: Collection[str], now: Callable[[], datetime]
    ) -> None:
        self.crm, self.store, self.lease, self.now = crm, store, lease, now
        self.refunding, self.intake = refunding, crm.intake_ids()
        self.taken = Taken()

    def carry(self, batch: Sequence[TakeBack]) -> None:
        """One batch to its end: each settled, or left for the next run."""
        todo = self._items(batch)
        try:
            for _ in range(TRIES):
                if not (todo := self._look(todo)) or self.taken.trouble is not None:
                    break
                todo = self._send(todo)
            else:
                todo = self._look(todo)
        except SourceError as error:
            self.taken.trouble = error
        self.taken.left.extend(item.asked for item in todo)

    def _items(self, batch: Sequence[TakeBack]) -> list[_Item]:
        rows = {row.key: row for row in self.store.leads([one.key for one in batch])}
        sent = {(write.key, write.epoch) for write in self.store.pending() if write.attempts}
        return [_Item(one, rows.get(one.key), (one.key, one.epoch) in sent) for one in batch]

    def _look(self, items: Sequence[_Item]) -> list[_Item]:
        """Read these Leads and settle what that shows. Returns those that are to be written."""
        if not items:
            return []
        statuses = self.crm.status([item.id for item in items])
        for item in items:
            item.status = statuses[item.id]
        judged = [(item, self._judge(item)) for item in items]
        self._settle([(item, verdict) for item, verdict in judged if verdict.step is not Step.WRITE])
        return [item for item, verdict in judged if verdict.step is Step.WRITE]

    def _judge(self, item: _Item) -> Verdict:
        assert item.status is not None
        if item.answer is not None and item.answer.result in _FINAL:
            return Verdict(Step.DROP, f"the CRM refused to put it back ({item.answer.detail})")
        answer = item.answer.result if item.answer and item.answer.result in _MAY_BE else None
        return judge(
            item.asked, item.row, item.status, self.intake, sent=item.sent, answer=answer, name=self._name
        )

    def _send(self, items: Sequence[_Item]) -> list[_Item]:
        """Send these, looking at the lease before every hundred. Returns them, to be read back."""
        for start in range(0, len(items), AT_ONCE):
            some = items[start : start + AT_ONCE]
            self.store.try_back(self.lease, [item.place for item in some])
            answers = self.crm.give([self._write(item) for item in some])
            for item, answer in zip(some, answers, strict=True):
                item.answer = answer
            if any(answer.result is WriteResult.UNSENT for answer in answers):
                self.taken.trouble = stopped_by(answers)
                break
        return list(items)

    def _write(self, item: _Item) -> OwnerWrite:
        """Back to the intake owner that it had; where that one is none any more, to the first there is."""
        assert item.row is not None and item.status is not None and item.status.stamp is not None
        had = item.row.record.owner
        return OwnerWrite(item.id, had if had in self.intake else min(self.intake), item.status.stamp)

    def _settle(self, judged: Sequence[tuple[_Item, Verdict]]) -> None:
        if not judged:
            return
        self.store.settle_back(self.lease, [self._end(item, v) for item, v in judged], at=self.now())
        for item, verdict in judged:
            if verdict.step is Step.DONE:
                self.taken.done.append(item.asked)
            else:
                self.taken.dropped.append((item.asked, verdict.why))

    def _end(self, item: _Item, verdict: Verdict) -> BackEnd:
        undone = item.asked.why is Ended.UNDONE
        refund = undone or (item.row is not None and item.row.team in self.refunding)
        done = verdict.step is Step.DONE
        return BackEnd(*item.place, done=done, detail=verdict.why, refund=done and refund)

    def _name(self, owner: str) -> str:
        """As people know them; an id where it is nobody that the CRM lists."""
        user = self.crm.users().get(owner)
        return user.name if user and user.name else owner
