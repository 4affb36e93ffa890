"""What carrying owners and creations to the CRM has in common: batches, who gets nothing more, settling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from allocator.domain.lead import LeadKey, Reason, State, WriteAnswer, WriteResult
from allocator.domain.pauses import Pause, people_of, service_of, teams_of
from allocator.domain.records import Lease, PendingWrite, Settlement
from allocator.errors import QuotaError, SourceError
from allocator.ports import CRM, Progress, Store
from allocator.service.settling import Settle

BATCH = 200
"""Leads a batch: eight composites of 25, one read-back."""
AT_ONCE = 100
"""Leads sent under one look at the lease: the four composites that the CRM takes at a time."""
TRIES = 3
LOCK_TRIES = 4


class OnItsWay(Protocol):
    """A write on its way."""

    @property
    def pending(self) -> PendingWrite: ...


C = TypeVar("C", bound=OnItsWay)


@dataclass(slots=True)
class Delivery:
    """What became of the writes of one run: `settled` are final, `left` wait for the next run.

    `contested` were written and then read with another owner, or changed under us each time. `refused` are
    the leads that the CRM would not let their person own, by Person ID.
    """

    settled: list[Settlement] = field(default_factory=list)
    left: list[PendingWrite] = field(default_factory=list)
    trouble: SourceError | None = None
    contested: list[LeadKey] = field(default_factory=list)
    refused: dict[str, list[LeadKey]] = field(default_factory=dict)
    paused: Pause | None = None
    """The service's pause, if that is why the rest was left."""
    linked: list[LeadKey] = field(default_factory=list)
    """Of marketing records: those that got their link to the CRM."""


class Courier:
    """Carries batches, with what every batch needs. `refused` are owners that the CRM refused in this run."""

    def __init__(self, crm: CRM, store: Store, lease: Lease, settle: Settle, refused: set[str]) -> None:
        self.crm, self.store, self.lease, self.settle, self.refused = crm, store, lease, settle, refused
        self.done = Delivery()

    def _carry_all(
        self,
        items: Sequence[C],
        work: Callable[[Sequence[C], Sequence[Pause]], None],
        *,
        stage: str,
        now: Callable[[], datetime],
        progress: Progress,
        stop: Callable[[], bool],
    ) -> Delivery:
        """Batch by batch; each write is settled by `work`, or left for the next run."""
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            pauses = self.store.pauses(now=now())
            self.done.paused = self.done.paused or service_of(pauses)
            if self.done.paused or self.done.trouble is not None or stop():
                self.done.left.extend(i.pending for i in batch)
                continue
            self._carry(batch, pauses, work)
            progress(stage, start + len(batch), len(items))
        return self.done

    def _carry(
        self,
        batch: Sequence[C],
        pauses: Sequence[Pause],
        work: Callable[[Sequence[C], Sequence[Pause]], None],
    ) -> None:
        earlier = len(self.done.settled)
        try:
            work(batch, pauses)
        except SourceError as error:
            self.done.trouble = error
        settled = {(s.key, s.epoch) for s in self.done.settled[earlier:]}
        left = (i.pending for i in batch if (i.pending.key, i.pending.epoch) not in settled)
        self.done.left.extend(left)

    def _without_paused(self, items: list[C], pauses: Sequence[Pause]) -> list[C]:
        """Who is paused gets nothing more, though it was decided: the next run decides these again."""
        if not pauses:
            return items
        people, teams = people_of(pauses), teams_of(pauses)
        found = [(i, people.get(i.pending.person or "") or teams.get(i.pending.team or "")) for i in items]
        self._settle(held(i.pending, Reason.PAUSED, pause.said) for i, pause in found if pause)
        return [i for i, pause in found if not pause]

    def _without_refused_owners(self, items: Sequence[C]) -> list[C]:
        """An owner the CRM refused once is out for this run: their other leads are not sent at all."""
        out = [i for i in items if i.pending.owner in self.refused]
        said = "refused for another lead of this run"
        self._settle(held(i.pending, Reason.OWNER_REFUSED, said) for i in out)
        return [i for i in items if i.pending.owner not in self.refused]

    def _owner_refused(self, pending: PendingWrite, detail: str) -> Settlement:
        """From now on this owner is out for the run."""
        self.refused.add(pending.owner)
        self.done.refused.setdefault(pending.person or "", []).append(pending.key)
        return held(pending, Reason.OWNER_REFUSED, detail)

    def _settle(self, settlements: Iterable[Settlement]) -> None:
        found = tuple(settlements)
        if found:
            self.settle(found)
            self.done.settled.extend(found)


def held(pending: PendingWrite, reason: Reason, detail: str) -> Settlement:
    """Its turn is given back; a person whom the CRM refused is not first choice next time."""
    avoid = pending.person if reason is Reason.OWNER_REFUSED else None
    return Settlement(
        pending.key, pending.epoch, State.HELD, reason=str(reason), detail=detail, give_back=True, avoid=avoid
    )


def stopped_by(answers: Iterable[WriteAnswer | None]) -> SourceError:
    """Why the rest was not sent, as the last answer told."""
    codes = {one.detail for one in answers if one is not None and one.result is WriteResult.UNSENT}
    later = "What was written is confirmed; the next run carries on."
    if "REQUEST_LIMIT_EXCEEDED" in codes:
        said = "The CRM's daily limit of requests, or our share of it (usage_limit), is used up."
        return QuotaError(f"{said} {later}")
    told = ", ".join(sorted(codes)) or "no reason"
    return SourceError(f"The CRM takes no more writes for now ({told}). {later}")
