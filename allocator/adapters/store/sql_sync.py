"""The part of `SqlStore` that keeps links and the sync. Each method is one transaction."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy.engine import Connection

from allocator.adapters.store import leads, links, sync
from allocator.adapters.store.engine import Database
from allocator.domain.lead import LeadKey
from allocator.domain.records import Lease, Link
from allocator.domain.sync.values import ConflictRow, SyncEnd, SyncRow, SyncStep, SyncWrite

T = TypeVar("T")


class SqlSync(ABC):
    """Links and the sync on a database."""

    database: Database

    @abstractmethod
    def _fenced(
        self,
        mine: Lease,
        work: Callable[[Connection], T],
        *,
        adopt: Callable[[Connection], T | None] | None = None,
    ) -> T:
        """`work` in one transaction, under the lease."""

    # links

    def links(
        self,
        *,
        keys: Collection[LeadKey] | None = None,
        state: str | None = None,
        source: str | None = None,
    ) -> Sequence[Link]:
        return self.database.read(lambda c: links.linked(c, keys, state, source))

    def links_to(
        self, objects: Collection[tuple[str, str]], *, source: str | None = None
    ) -> Mapping[tuple[str, str], LeadKey]:
        return self.database.read(lambda c: links.to_objects(c, objects, source))

    def links_of(self, text: str) -> Sequence[Link]:
        return self.database.read(lambda c: links.of_id(c, text))

    def save_links(self, lease: Lease, new: Sequence[Link]) -> None:
        self._fenced(lease, lambda c: links.save(c, new))

    def switch_links(self, lease: Lease, contacts: Mapping[LeadKey, str], *, at: datetime) -> int:
        return self._fenced(lease, lambda c: links.switch(c, contacts, at))

    # sync

    def syncs(
        self, keys: Collection[LeadKey] | None = None, *, source: str | None = None, again: bool | None = None
    ) -> Sequence[SyncRow]:
        return self.database.read(lambda c: sync.rows(c, keys, source, again))

    def commit_sync(self, lease: Lease, steps: Sequence[SyncStep], *, at: datetime) -> Sequence[SyncWrite]:
        claim = uuid.uuid4().hex
        return self._fenced(
            lease,
            lambda c: sync.commit(c, steps, run=lease.run, at=at, claim=claim),
            adopt=lambda c: sync.committed(c, steps, claim),
        )

    def pending_sync(self, *, source: str | None = None) -> Sequence[SyncWrite]:
        return self.database.read(lambda c: sync.pending(c, source))

    def attempt_sync(self, lease: Lease, ids: Sequence[int]) -> None:
        self._fenced(lease, lambda c: sync.attempt(c, ids))

    def settle_sync(self, lease: Lease, ends: Sequence[SyncEnd], *, at: datetime) -> None:
        self._fenced(lease, lambda c: sync.settle(c, ends, at))

    def sync_writes(self, key: LeadKey) -> Sequence[SyncWrite]:
        return self.database.read(lambda c: sync.writes_to(c, key))

    def conflicts(
        self, keys: Collection[LeadKey] | None = None, *, limit: int = 100
    ) -> Sequence[ConflictRow]:
        return self.database.read(lambda c: sync.conflict_rows(c, keys, limit))

    def set_mark(self, lease: Lease, name: str, to: datetime) -> None:
        self._fenced(lease, lambda c: leads.forward(c, name, to))
