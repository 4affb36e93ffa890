"""The part of `MemoryStore` that keeps links, what the sides agreed on, and the writes of fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from allocator.adapters.store.memory_state import StoreState
from allocator.domain.lead import LeadKey
from allocator.domain.records import Lease, Link
from allocator.domain.sync.relations import after, each_once, is_own, means, place, refuse_doubles
from allocator.domain.sync.values import (
    ConflictRow,
    Linked,
    SyncEnd,
    SyncRow,
    SyncState,
    SyncStep,
    SyncWrite,
)
from allocator.errors import AllocatorError


class MemorySync(ABC):
    """Links and the sync in the shared state of a `MemoryStore`."""

    @property
    @abstractmethod
    def _state(self) -> StoreState:
        """To read only."""

    @abstractmethod
    def _changing(self, lease: Lease | None = None) -> AbstractContextManager[StoreState]:
        """A copy of the state that replaces it when the block ends well."""

    # links

    def links(
        self,
        *,
        keys: Collection[LeadKey] | None = None,
        state: str | None = None,
        source: str | None = None,
    ) -> Sequence[Link]:
        wanted = None if keys is None else set(keys)
        fits = [
            link
            for link in self._state.links.values()
            if (wanted is None or link.key in wanted)
            and state in (None, link.state)
            and source in (None, link.key.source)
        ]
        return sorted(fits, key=lambda link: (link.key, link.crm, link.since, link.object, link.crm_id))

    def links_to(
        self, objects: Collection[tuple[str, str]], *, source: str | None = None
    ) -> Mapping[tuple[str, str], LeadKey]:
        wanted = set(objects)
        found = [
            (link.key, (link.object, link.crm_id))
            for link in self._state.links.values()
            if link.state == Linked.LIVE and not is_own(link) and source in (None, link.key.source)
        ]
        return {at: key for key, at in sorted(found, reverse=True) if at in wanted}

    def links_of(self, text: str) -> Sequence[Link]:
        return [link for link in self.links() if means(link.crm_id, text) and not is_own(link)]

    def save_links(self, lease: Lease, links: Sequence[Link]) -> None:
        with self._changing(lease) as s:
            save_links(s, links)

    def switch_links(self, lease: Lease, contacts: Mapping[LeadKey, str], *, at: datetime) -> int:
        with self._changing(lease) as s:
            live = [
                link
                for link in s.links.values()
                if link.key in contacts and (link.object, link.state) == ("Lead", "live")
            ]
            for old in live:
                s.links[place(old)] = replace(old, state="converted", since=at)
                made = Link(old.key, old.crm, "Contact", contacts[old.key], "live", at)
                s.links.setdefault(place(made), made)
        return len(live)

    # sync

    def syncs(
        self, keys: Collection[LeadKey] | None = None, *, source: str | None = None, again: bool | None = None
    ) -> Sequence[SyncRow]:
        known = self._state.syncs
        rows = known.values() if keys is None else [known[k] for k in set(keys) if k in known]
        fits = [r for r in rows if source in (None, r.key.source) and again in (None, r.again)]
        return sorted(fits, key=lambda row: row.key)

    def commit_sync(self, lease: Lease, steps: Sequence[SyncStep], *, at: datetime) -> Sequence[SyncWrite]:
        with self._changing(lease) as s:
            keys = each_once(steps)
            for number, write in s.sync_writes.items():
                if write.key in keys and write.state is SyncState.PENDING:
                    s.sync_writes[number] = replace(write, state=SyncState.DROPPED, done=at)
            s.syncs.update({step.row.key: step.row for step in steps})
            s.conflicts += tuple(
                ConflictRow(step.row.key, lease.run, at, one) for step in steps for one in step.conflicts
            )
            save_links(s, [link for step in steps for link in step.links])
            first = len(s.sync_writes) + 1
            new = (write for step in steps for write in step.writes)
            made = [
                replace(w, id=n, state=SyncState.PENDING, attempts=0, run=lease.run, created=at, done=None)
                for n, w in enumerate(new, start=first)
            ]
            s.sync_writes.update({write.id: write for write in made})
        return made

    def pending_sync(self, *, source: str | None = None) -> Sequence[SyncWrite]:
        every = self._state.sync_writes.values()
        return [w for w in every if w.state is SyncState.PENDING and source in (None, w.key.source)]

    def attempt_sync(self, lease: Lease, ids: Sequence[int]) -> None:
        with self._changing(lease) as s:
            for number in ids:
                write = s.sync_writes.get(number)
                if write is not None and write.state is SyncState.PENDING:
                    s.sync_writes[number] = replace(write, attempts=write.attempts + 1)

    def settle_sync(self, lease: Lease, ends: Sequence[SyncEnd], *, at: datetime) -> None:
        with self._changing(lease) as s:
            for end in ends:
                write = s.sync_writes.get(end.id)
                if write is None or write.key != end.key:
                    raise AllocatorError(f"{end.key} has no write {end.id}: nothing was changed")
                if write.state is SyncState.PENDING:
                    done = None if end.state is SyncState.PENDING else at
                    s.sync_writes[end.id] = replace(write, state=end.state, detail=end.detail, done=done)
                    s.syncs[end.key] = after(s.syncs[end.key], end)

    def sync_writes(self, key: LeadKey) -> Sequence[SyncWrite]:
        return [write for write in self._state.sync_writes.values() if write.key == key]

    def conflicts(
        self, keys: Collection[LeadKey] | None = None, *, limit: int = 100
    ) -> Sequence[ConflictRow]:
        newest = reversed(self._state.conflicts)
        return [row for row in newest if keys is None or row.key in keys][:limit]

    def set_mark(self, lease: Lease, name: str, to: datetime) -> None:
        with self._changing(lease) as s:
            s.marks[name] = max(to, s.marks.get(name, to))


def save_links(s: StoreState, links: Iterable[Link]) -> None:
    """Into a state that is being changed. A link that stands so already keeps its date."""
    new = [link for link in links if (at := s.links.get(place(link))) is None or at.state != link.state]
    s.links.update({place(link): link for link in new})
    if new:
        refuse_doubles(s.links.values())
