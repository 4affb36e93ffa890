"""`SqlStore`: the `Store` port on SQLite or PostgreSQL. Each method is one transaction.

The files beside this one each know some of the tables: lease, leads, decide, deliver, ledger, history.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from allocator.adapters.store import backup as copies
from allocator.adapters.store import decide, deliver, history, leads, lease, schema
from allocator.adapters.store import ledger as books
from allocator.adapters.store.engine import Database, now, parse_url
from allocator.adapters.store.holder import this_process
from allocator.adapters.store.schema import schema_version, upgrade_store
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import Plan
from allocator.ports import LeadRow, Lease, Link, PendingWrite, RunRow, Settlement, TablesVersion
from rules.rotation import Ledger

__all__ = ["SqlStore", "open_store", "schema_version", "upgrade_store"]

T = TypeVar("T")


def open_store(url: str, *, base: Path | None = None, upgrade: bool = False) -> SqlStore:
    """Open the store; an empty database is made into one.

    `url` is "sqlite:///FILE" (relative to `base`) or "postgresql://...". Raises SchemaError when the schema
    is older (unless `upgrade`) or newer, ConfigError for a URL that is none, SourceError when nobody answers.
    """
    database = Database(parse_url(url, base))
    try:
        if upgrade:
            schema.upgrade(database)
        else:
            schema.ensure(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


class SqlStore:
    """The store on a database. Safe for threads; after a fork, open your own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def close(self) -> None:
        self.database.close()

    def _fenced(
        self,
        mine: Lease,
        work: Callable[[Connection], T],
        *,
        adopt: Callable[[Connection], T | None] | None = None,
    ) -> T:
        def guarded(connection: Connection) -> T:
            lease.fence(connection, mine)
            return work(connection)

        return self.database.write(guarded, adopt=adopt)

    # runs and the lease

    def begin_run(self, *, slot: str, by: str, at: datetime, live: bool, seconds: int) -> Lease:
        me, claim = this_process(), uuid.uuid4().hex
        return self.database.write(
            lambda c: lease.begin(c, me, claim=claim, slot=slot, by=by, at=at, live=live, seconds=seconds),
            adopt=lambda c: lease.claimed(c, claim),
        )

    def renew(self, lease_: Lease, *, seconds: int) -> Lease:
        return self._fenced(lease_, lambda c: lease.renew(c, lease_, seconds))

    def end_run(self, lease_: Lease, *, at: datetime, state: str, summary: Mapping[str, Any]) -> None:
        def work(connection: Connection) -> bool:
            lease.end(connection, lease_, at, state, summary)
            return True

        self._fenced(lease_, work, adopt=lambda c: lease.ended(c, lease_, state))

    def runs(self, limit: int = 20) -> Sequence[RunRow]:
        return self.database.read(lambda c: lease.listed(c, limit))

    def run(self, number: int) -> RunRow | None:
        return self.database.read(lambda c: lease.one(c, number))

    def last_run_number(self) -> int:
        return self.database.read(lease.last_number)

    # tables

    def tables(self) -> TablesVersion | None:
        return self.database.read(history.newest_tables)

    def accept_tables(self, lease: Lease, version: TablesVersion) -> None:
        self._fenced(lease, lambda c: history.accept_tables(c, version))

    def tables_known(self, sha256: str) -> bool:
        return self.database.read(lambda c: history.tables_known(c, sha256))

    # pull

    def mark(self, source: str) -> datetime | None:
        return self.database.read(lambda c: leads.mark(c, source))

    def add_pulled(self, lease: Lease, source: str, records: Iterable[Record], mark: datetime | None) -> int:
        pulled = list(records)
        return self._fenced(lease, lambda c: leads.add_pulled(c, pulled, mark, source))

    # what the planner needs

    def leads(
        self, keys: Collection[LeadKey] | None = None, *, states: Collection[State] | None = None
    ) -> Sequence[LeadRow]:
        return self.database.read(lambda c: leads.rows(c, keys, states))

    def find(self, text: str) -> Sequence[LeadRow]:
        return self.database.read(lambda c: leads.find(c, text))

    def ledgers(self) -> Mapping[tuple[str, str], Ledger]:
        return self.database.read(books.ledgers)

    def given_since(self, at: datetime) -> Sequence[tuple[str, str, datetime]]:
        return self.database.read(lambda c: books.given_since(c, at))

    # decide

    def commit_plan(self, lease_: Lease, plan: Plan, *, at: datetime, tables_version: str) -> None:
        def work(connection: Connection) -> bool:
            live = lease.is_live(connection, lease_)
            decide.commit(connection, plan, run=lease_.run, live=live, at=at, tables_version=tables_version)
            return True

        self._fenced(lease_, work, adopt=lambda c: decide.committed(c, plan, run=lease_.run, at=at))

    # deliver

    def pending(self) -> Sequence[PendingWrite]:
        return self.database.read(deliver.pending)

    def attempt(self, lease: Lease, ids: Sequence[int]) -> None:
        self._fenced(lease, lambda c: deliver.attempt(c, ids, now(c)))

    def settle(self, lease: Lease, settlements: Sequence[Settlement], *, at: datetime) -> None:
        self._fenced(lease, lambda c: deliver.settle(c, settlements, at=at, run=lease.run))

    def return_leads(self, lease: Lease, rows: Sequence[LeadRow], *, at: datetime) -> None:
        self._fenced(lease, lambda c: leads.put_back(c, rows, at))

    def drop_observed(self, lease: Lease) -> int:
        return self._fenced(lease, decide.drop_observed)

    # links

    def links(self, *, keys: Collection[LeadKey] | None = None, state: str | None = None) -> Sequence[Link]:
        return self.database.read(lambda c: deliver.linked(c, keys, state))

    def switch_links(self, lease: Lease, contacts: Mapping[LeadKey, str], *, at: datetime) -> int:
        return self._fenced(lease, lambda c: deliver.switch(c, contacts, at))

    # answers

    def held(self) -> Sequence[LeadRow]:
        return self.leads(states=[State.HELD])

    def held_count(self) -> int:
        return self.database.read(leads.held_count)

    def decisions(self, key: LeadKey) -> Sequence[Mapping[str, Any]]:
        return self.database.read(lambda c: history.of_lead(c, key))

    def retry_held(self, keys: Collection[LeadKey] | None, *, at: datetime) -> int:
        def work(connection: Connection) -> int:
            lease.lock(connection)
            return leads.retry(connection, keys)

        return self.database.write(work)

    def backup(self, path: str) -> None:
        copies.write(self.database, path)
