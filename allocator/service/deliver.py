"""Stage deliver: give each decided lead its owner in the CRM, and believe only what is read back.

An answer says what happened to the request, never what the record is now. So after each batch the Leads are
read: ours is confirmed, still in intake is sent again on the new stamp, anybody else's is taken and never
overwritten. One epoch sends one owner only, however often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.lead import (
    Effect,
    LeadStatus,
    OwnerWrite,
    Reason,
    State,
    WriteAnswer,
    WriteResult,
)
from allocator.domain.pauses import Pause
from allocator.domain.records import Lease, PendingWrite, Settlement
from allocator.ports import CRM, Progress, Store
from allocator.service.courier import AT_ONCE, LOCK_TRIES, TRIES, Courier, Delivery, held, stopped_by
from allocator.service.pull import fate
from allocator.service.settling import Settle

_NOT_KNOWN = (WriteResult.UNKNOWN, WriteResult.UNSENT)
"""A write that may still land, or never left: it stays in the outbox, and the turn with it."""


@dataclass(slots=True)
class _Item:
    """One write on its way: its newest stamp, and how often it was sent in this run."""

    pending: PendingWrite
    stamp: datetime | None
    sent: int = 0
    answer: WriteAnswer | None = None

    @property
    def id(self) -> str:
        return self.pending.key.source_id


def deliver(
    crm: CRM,
    store: Store,
    lease: Lease,
    *,
    stamps: Mapping[str, datetime],
    refused: set[str],
    settle: Settle,
    now: Callable[[], datetime],
    progress: Progress,
    stop: Callable[[], bool],
) -> Delivery:
    """Send every pending owner write. `stamps` maps Lead ids to the stamp they were pulled with, this run.

    `refused` are the owners that the CRM refused in this run; the set grows.
    A write without a fresh stamp, or one that may have been sent before, is read first. Stops early on
    `stop()`, when the CRM cannot be used or the service is paused; what is not settled stays in the outbox.
    What is on its way to a person or team that is paused is held, its turn given back, at the next batch.
    """
    crew = _Courier(crm, store, lease, settle, refused)
    owners = [p for p in store.pending() if p.effect is Effect.OWNER]
    items = [_Item(p, None if p.attempts else stamps.get(p.key.source_id)) for p in owners]
    return crew.carry(items, now=now, progress=progress, stop=stop)


class _Courier(Courier):
    """Carries owners: read where needed, send, read back, settle."""

    def __init__(self, crm: CRM, store: Store, lease: Lease, settle: Settle, refused: set[str]) -> None:
        super().__init__(crm, store, lease, settle, refused)
        self.intake = crm.intake_ids()

    def carry(
        self,
        items: Sequence[_Item],
        *,
        now: Callable[[], datetime],
        progress: Progress,
        stop: Callable[[], bool],
    ) -> Delivery:
        """All of them, batch by batch."""
        return self._carry_all(items, self._batch, stage="deliver", now=now, progress=progress, stop=stop)

    def _batch(self, batch: Sequence[_Item], pauses: Sequence[Pause]) -> None:
        # Apart before anything is read: reading gives every lead a stamp, also one that a person has taken.
        unread, fresh = [i for i in batch if i.stamp is None], [i for i in batch if i.stamp is not None]
        todo = self._without_paused(self._read(unread) + fresh, pauses)
        while todo:
            todo = self._round(todo)

    def _round(self, items: Sequence[_Item]) -> list[_Item]:
        """Send once, settle what the answers settle, read the rest back. Returns what is to be sent again."""
        ready = self._without_refused_owners(items)
        if not ready:
            return []
        sent, unsent = self._send(ready)
        self._settle(filter(None, (self._refusal(i) for i in sent)))
        again = self._read([i for i in sent if not self._final(i)])
        if unsent:
            self.done.trouble = self.done.trouble or stopped_by(i.answer for i in sent)
            return []
        return again

    def _send(self, items: Sequence[_Item]) -> tuple[list[_Item], bool]:
        """Send these, looking at the lease before every hundred: whoever lost it in sleep sends no more.

        Returns those that were tried, and whether the CRM takes no more for now.
        """
        sent: list[_Item] = []
        for start in range(0, len(items), AT_ONCE):
            some = items[start : start + AT_ONCE]
            self.store.attempt(self.lease, [i.pending.id for i in some])
            answers = self.crm.give([OwnerWrite(i.id, i.pending.owner, _stamp(i)) for i in some])
            for item, answer in zip(some, answers, strict=True):
                item.answer = answer
                item.sent += 1
            sent += some
            if any(answer.result is WriteResult.UNSENT for answer in answers):
                return sent, True
        return sent, False

    def _refusal(self, item: _Item) -> Settlement | None:
        """What the answer alone settles: the CRM surely did not write, and trying again would not help."""
        answer = item.answer
        assert answer is not None
        if answer.result is WriteResult.REFUSED_OWNER:
            return self._owner_refused(item.pending, answer.detail)
        if answer.result is WriteResult.REJECTED:
            return held(item.pending, Reason.CRM_REJECTED, answer.detail)
        return None

    def _final(self, item: _Item) -> bool:
        assert item.answer is not None
        return item.answer.result in (WriteResult.REFUSED_OWNER, WriteResult.REJECTED)

    def _read(self, items: Sequence[_Item]) -> list[_Item]:
        """Read these Leads and settle what that shows. Returns those still ours to give, with their stamp."""
        if not items:
            return []
        statuses = self.crm.status([i.id for i in items])
        seen = [(i, statuses[i.id]) for i in items]
        self._settle(filter(None, (self._outcome(i, s) for i, s in seen)))
        return [i for i, s in seen if self._still_ours(i, s)]

    def _outcome(self, item: _Item, status: LeadStatus) -> Settlement | None:
        if _is_ours(item, status):
            return Settlement(item.pending.key, item.pending.epoch, State.CONFIRMED, stamp=status.stamp)
        gone = fate(item.pending.key, item.pending.epoch, status, self.intake)
        if gone is not None:
            if gone.state is State.TAKEN and item.answer and item.answer.result is WriteResult.WRITTEN:
                self.done.contested.append(item.pending.key)
            return gone
        if item.answer is None or self._may_send_again(item) or item.answer.result in _NOT_KNOWN:
            return None
        locked = item.answer.result is WriteResult.LOCKED
        if not locked:
            self.done.contested.append(item.pending.key)
        return held(item.pending, Reason.LOCKED if locked else Reason.CONTESTED, item.answer.detail)

    def _still_ours(self, item: _Item, status: LeadStatus) -> bool:
        item.stamp = status.stamp
        open_ = not _is_ours(item, status) and fate(item.pending.key, 0, status, self.intake) is None
        return open_ and status.stamp is not None and self._may_send_again(item)

    def _may_send_again(self, item: _Item) -> bool:
        locked = item.answer is not None and item.answer.result is WriteResult.LOCKED
        return item.sent < (LOCK_TRIES if locked else TRIES)


def _is_ours(item: _Item, status: LeadStatus) -> bool:
    """Converted by the owner we gave it to is ours too: the link moves to the Contact at a later look."""
    return status.owner == item.pending.owner and status.known and not status.deleted


def _stamp(item: _Item) -> datetime:
    assert item.stamp is not None
    return item.stamp
