"""Stage create: make the Leads that were decided for marketing records, and link those that are there.

As with owners, only what is read back is believed. A creation that may have happened is read by its external
id before it is sent again; one epoch sends one owner only, however often.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from allocator.domain.lead import Closed, Effect, LeadKey, Reason, Record, State, WriteAnswer, WriteResult
from allocator.domain.pauses import Pause
from allocator.domain.records import Lease, Link, PendingWrite, Settlement
from allocator.domain.sync.values import CrmRecord, Linked, Made, NewLead
from allocator.ports import CRM, Progress, Store
from allocator.service.courier import AT_ONCE, LOCK_TRIES, Courier, Delivery, held, stopped_by
from allocator.service.settling import Settle

LEAD = "Lead"


class Place(NamedTuple):
    """An object of the CRM."""

    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.object} {self.id}"


OF_SOURCES = (Effect.CREATE, Effect.LINK)
_SURELY_NOT = (WriteResult.REFUSED_OWNER, WriteResult.REJECTED, WriteResult.GONE)
"""Answers that say for certain that no Lead was made."""
_THERE_ALREADY = "DUPLICATE_VALUE"
"""The external id is taken: by a creation of ours that arrived late."""

LeadFields = Callable[[Record], Mapping[str, Any]]
"""The canonical values of the Lead that a marketing record becomes."""


@dataclass(slots=True, eq=False)
class _Item:
    """One creation or link on its way."""

    pending: PendingWrite
    read: bool
    """Whether its external id was looked for since it may have been sent last."""
    sent: int = 0
    answer: Made | None = None

    @property
    def external_id(self) -> str:
        return str(self.pending.key)


def create(
    crm: CRM,
    store: Store,
    lease: Lease,
    *,
    sources: Collection[str],
    fields: LeadFields,
    fresh: Collection[LeadKey],
    refused: set[str],
    settle: Settle,
    now: Callable[[], datetime],
    progress: Progress,
    stop: Callable[[], bool],
) -> Delivery:
    """Make and link everything of these `sources` that waits in the outbox.

    `fresh` are records whose external id this run looked for in vain just before it decided them. Stops,
    holds and leaves as `deliver` does; `refused` grows with the owners that the CRM refuses.
    """
    maker = _Maker(crm, store, lease, settle, refused, fields, now)
    wanted = [p for p in store.pending() if p.effect in OF_SOURCES and p.key.source in sources]
    items = [_Item(p, p.key in fresh and not p.attempts) for p in wanted]
    return maker.carry(items, progress=progress, stop=stop)


class _Maker(Courier):
    """Carries creations and links: look where needed, send, read back, settle."""

    def __init__(
        self,
        crm: CRM,
        store: Store,
        lease: Lease,
        settle: Settle,
        refused: set[str],
        fields: LeadFields,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(crm, store, lease, settle, refused)
        self.fields, self.now = fields, now

    def carry(self, items: Sequence[_Item], *, progress: Progress, stop: Callable[[], bool]) -> Delivery:
        """All of them, batch by batch."""
        return self._carry_all(items, self._batch, stage="create", now=self.now, progress=progress, stop=stop)

    def _batch(self, batch: Sequence[_Item], pauses: Sequence[Pause]) -> None:
        self._link([i for i in batch if i.pending.effect is Effect.LINK])
        new = [i for i in batch if i.pending.effect is Effect.CREATE]
        fresh, unread = [i for i in new if i.read], [i for i in new if not i.read]
        todo = self._without_paused(self._without_linked(self._look(unread) + fresh), pauses)
        while todo:
            todo = self._round(todo)

    # --- links ---

    def _link(self, items: Sequence[_Item]) -> None:
        """Nothing is written to the CRM: the person is there, and has an owner."""
        ends = [(i, Place(i.pending.object, i.pending.object_id)) for i in items]
        clashes = self._clashes(ends)
        self._settle(clashes.get(i.pending.key) or self._confirmed(i, place) for i, place in ends)

    def _confirmed(self, item: _Item, place: Place, stamp: datetime | None = None) -> Settlement:
        pending, link = item.pending, self._made_link(item, place)
        self.done.linked.append(pending.key)
        return Settlement(pending.key, pending.epoch, State.CONFIRMED, stamp=stamp, link=link)

    def _made_link(self, item: _Item, place: Place) -> Link:
        return Link(item.pending.key, self.crm.name, *place, Linked.LIVE.value, self.now())

    def _clashes(self, ends: Sequence[tuple[_Item, Place]]) -> dict[LeadKey, Settlement]:
        """The holds of those whose link cannot be made, since somebody made another one meanwhile."""
        if not ends:
            return {}
        others = self.store.links_to([place for _, place in ends])
        own = self._own_places([i for i, _ in ends])
        found = {}
        for item, place in ends:
            key = item.pending.key
            if (mine := own.get(key, place)) != place:
                found[key] = held(item.pending, Reason.AMBIGUOUS_MATCH, f"linked to {mine} meanwhile")
            elif (other := others.get(place, key)) != key:
                found[key] = held(
                    item.pending, Reason.AMBIGUOUS_MATCH, f"{place} is linked to {other} already"
                )
        return found

    def _own_places(self, items: Sequence[_Item]) -> dict[LeadKey, Place]:
        live = self.store.links(keys=[i.pending.key for i in items], state=Linked.LIVE.value)
        return {link.key: Place(link.object, link.crm_id) for link in live if link.crm == self.crm.name}

    def _without_linked(self, items: list[_Item]) -> list[_Item]:
        """What somebody linked meanwhile is not made."""
        own = self._own_places(items) if items else {}
        out = [(i, own[i.pending.key]) for i in items if i.pending.key in own]
        self._settle(
            held(i.pending, Reason.AMBIGUOUS_MATCH, f"linked to {place} meanwhile") for i, place in out
        )
        return [i for i in items if i.pending.key not in own]

    # --- creations ---

    def _round(self, items: Sequence[_Item]) -> list[_Item]:
        """Send once, and settle what the answers and a look back show. Returns what is to be sent again."""
        ready = self._without_refused_owners(items)
        sent, unsent = self._send(ready)
        refusals = [(i, refusal) for i in sent if (refusal := self._refusal(i))]
        self._settle(refusal for _, refusal in refusals)
        final = {id(i) for i, _ in refusals}
        again = self._look_back([i for i in sent if id(i) not in final])
        if unsent:
            self.done.trouble = self.done.trouble or stopped_by(map(_as_write, sent))
            return []
        return again

    def _send(self, items: Sequence[_Item]) -> tuple[list[_Item], bool]:
        """Send these, looking at the lease before every hundred. Returns those that were tried, and whether
        the CRM takes no more for now."""
        records = {row.key: row.record for row in self.store.leads([i.pending.key for i in items])}
        sent: list[_Item] = []
        for start in range(0, len(items), AT_ONCE):
            some = items[start : start + AT_ONCE]
            self.store.attempt(self.lease, [i.pending.id for i in some])
            answers = self.crm.create([self._new(i, records[i.pending.key]) for i in some])
            for item, answer in zip(some, answers, strict=True):
                item.answer = answer
                item.sent += 1
            sent += some
            if any(answer.result is WriteResult.UNSENT for answer in answers):
                return sent, True
        return sent, False

    def _new(self, item: _Item, record: Record) -> NewLead:
        return NewLead(item.external_id, item.pending.owner, self.fields(record))

    def _refusal(self, item: _Item) -> Settlement | None:
        """What the answer alone settles: the CRM surely made nothing, and trying again would not help."""
        answer = item.answer
        assert answer is not None
        if answer.result not in _SURELY_NOT or answer.detail == _THERE_ALREADY:
            return None
        if answer.result is WriteResult.REFUSED_OWNER:
            return self._owner_refused(item.pending, _said(answer))
        if answer.matches:
            return held(
                item.pending, _of_matches(answer), f"{answer.detail}: {', '.join(sorted(answer.matches))}"
            )
        duplicate = answer.detail.startswith("DUPLICATES")
        return held(
            item.pending, Reason.DUPLICATE_PERSON if duplicate else Reason.CRM_REJECTED, _said(answer)
        )

    def _look_back(self, items: Sequence[_Item]) -> list[_Item]:
        """Read what was made by its id where the answer told it, the rest by the external id."""
        known = [(i, i.answer.id) for i in items if i.answer is not None and i.answer.id]
        again = self._look([i for i in items if i.answer is None or not i.answer.id])
        if known:
            read = self.crm.records(LEAD, [id for _, id in known], ())
            self._believe([(i, [read[id]]) for i, id in known])
        return [i for i in again if self._may_send_again(i)]

    def _look(self, items: Sequence[_Item]) -> list[_Item]:
        """Look for their external ids and settle those found. Returns the others.

        One that was made and deleted since is found too: an upsert would not, and would make it once more.
        """
        if not items:
            return []
        found: dict[str, list[CrmRecord]] = {}
        for one in self.crm.matching(LEAD, external_ids=[i.external_id for i in items], deleted=True):
            found.setdefault(one.external_id.strip().casefold(), []).append(one)
        seen = [(i, _standing(found.get(i.external_id.casefold(), []))) for i in items]
        self._believe([(i, records) for i, records in seen if records])
        missing = [i for i, records in seen if not records]
        self._settle(filter(None, map(self._without_lead, missing)))
        return missing

    def _believe(self, seen: Sequence[tuple[_Item, Sequence[CrmRecord]]]) -> None:
        """Settle what a fresh read of their Leads says."""
        clashes = self._clashes([(i, Place(LEAD, one.id)) for i, (one, *more) in seen if not more])
        self._settle(clashes.get(i.pending.key) or self._outcome(i, found) for i, found in seen)

    def _outcome(self, item: _Item, found: Sequence[CrmRecord]) -> Settlement:
        pending, (one, *more) = item.pending, found
        if more:
            said = f"several Leads have its external id: {', '.join(sorted(one.id for one in found))}"
            return held(item.pending, Reason.AMBIGUOUS_MATCH, said)
        if not one.known or one.deleted:
            # Linked all the same: else its record would be new in the next run, and made once more.
            self.store.save_links(self.lease, [self._made_link(item, Place(LEAD, one.id))])
            closed = Closed.MERGED if one.master_id else Closed.DELETED
            return Settlement(
                pending.key,
                pending.epoch,
                State.CLOSED,
                reason=str(closed),
                detail=f"Lead {one.id}",
                give_back=True,
            )
        if one.owner == pending.owner:
            return self._confirmed(item, Place(LEAD, one.id), one.stamp)
        if item.answer is not None and item.answer.result is WriteResult.WRITTEN:
            self.done.contested.append(pending.key)
        self.store.save_links(self.lease, [self._made_link(item, Place(LEAD, one.id))])
        self.done.linked.append(pending.key)
        return Settlement(pending.key, pending.epoch, State.TAKEN, detail=one.owner, give_back=True)

    def _without_lead(self, item: _Item) -> Settlement | None:
        answer = item.answer
        if answer is None:
            return None
        if answer.result is WriteResult.REJECTED:
            return held(item.pending, Reason.CRM_REJECTED, _said(answer))
        locked = answer.result is WriteResult.LOCKED and not self._may_send_again(item)
        return held(item.pending, Reason.LOCKED, answer.detail) if locked else None

    def _may_send_again(self, item: _Item) -> bool:
        """Only what surely was not carried out; an unknown answer waits for the next run."""
        answer = item.answer
        return answer is not None and answer.result is WriteResult.LOCKED and item.sent < LOCK_TRIES


def _standing(found: Sequence[CrmRecord]) -> Sequence[CrmRecord]:
    """Those that are there; of those that are not, one."""
    there = [one for one in found if not one.deleted]
    return there or sorted(found, key=lambda one: (one.master_id is None, one.id))[:1]


def _of_matches(answer: Made) -> Reason:
    """Several Leads with its own external id: no duplicate of a person, but a link that nobody can tell."""
    own = answer.detail == "DUPLICATE_EXTERNAL_ID"
    return Reason.AMBIGUOUS_MATCH if own else Reason.DUPLICATE_PERSON


def _said(answer: Made) -> str:
    """The CRM's code and the fields that it is about; nothing that a lead says."""
    return f"{answer.detail}: {', '.join(answer.fields)}" if answer.fields else answer.detail


def _as_write(item: _Item) -> WriteAnswer | None:
    answer = item.answer
    return None if answer is None else WriteAnswer(answer.id, answer.result, answer.detail)
