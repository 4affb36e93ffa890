"""`SqlStore`: the `Store` port on SQLite or PostgreSQL. Each method is one transaction.

The files beside this one each know some of the tables: lease, leads, decide, deliver, ledger, history.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from allocator.adapters.store import (
    alerts,
    decide,
    deliver,
    history,
    hours,
    leads,
    lease,
    links,
    mails,
    past,
    pauses,
    renames,
    schema,
    statement,
    take_backs,
    taken_turns,
    versions,
)
from allocator.adapters.store import backup as copies
from allocator.adapters.store import ledger as books
from allocator.adapters.store.engine import Database, now, parse_url
from allocator.adapters.store.holder import this_process
from allocator.adapters.store.schema import schema_version, upgrade_store
from allocator.adapters.store.sql_sync import SqlSync
from allocator.domain.alerts import Changes, Incident, Silence, Think
from allocator.domain.by_hand import Charge
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.past import Past
from allocator.domain.pauses import Pause, Paused
from allocator.domain.plan import Plan
from allocator.domain.records import (
    Beat,
    LeadRow,
    Lease,
    MailRow,
    PendingWrite,
    Post,
    RunRow,
    Settlement,
    TablesVersion,
)
from allocator.domain.slots import Active, SlotRow, SlotState
from allocator.domain.statement import Account, ExportRow
from allocator.domain.take_backs import Asked, BackEnd, Given, TakeBack
from allocator.domain.taken_turns import TakenTurn
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


class SqlStore(SqlSync):
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

    def begin_run(
        self, *, slot: str, by: str, at: datetime, live: bool, seconds: int, once: bool = False
    ) -> Lease:
        me, claim = this_process(), uuid.uuid4().hex

        def work(connection: Connection) -> Lease:
            return lease.begin(
                connection, me, claim=claim, slot=slot, by=by, at=at, live=live, seconds=seconds, once=once
            )

        return self.database.write(work, adopt=lambda c: lease.claimed(c, claim))

    def renew(self, lease_: Lease, *, seconds: int) -> Lease:
        return self._fenced(lease_, lambda c: lease.renew(c, lease_, seconds))

    def end_run(
        self,
        lease_: Lease,
        *,
        at: datetime,
        state: str,
        summary: Mapping[str, Any],
        think: Think | None = None,
    ) -> None:
        def work(connection: Connection) -> bool:
            lease.end(connection, lease_, at, state, summary)
            if think is not None:
                alerts.change(connection, think, at)
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
        return self.database.read(versions.running)

    def accept_tables(self, lease: Lease, version: TablesVersion, *, after: str = "") -> bool:
        return self._fenced(lease, lambda c: versions.put(c, version, after))

    def put_tables(self, version: TablesVersion, *, after: str = "") -> bool:
        return self.database.write(lambda c: self._locked(c, lambda: versions.put(c, version, after)))

    def withdraw_tables(self, sha256: str) -> None:
        self.database.write(lambda c: self._locked(c, lambda: versions.withdraw(c, sha256)))

    def tables_versions(self, *, limit: int = 50) -> Sequence[TablesVersion]:
        return self.database.read(lambda c: versions.listed(c, limit))

    def tables_version(self, sha256: str) -> TablesVersion | None:
        return self.database.read(lambda c: versions.of(c, sha256))

    def tables_known(self, sha256: str) -> bool:
        return self.database.read(lambda c: versions.known(c, sha256))

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
        return self.database.read(lambda c: links.find_leads(c, text))

    def ledgers(self) -> Mapping[tuple[str, str], Ledger]:
        return self.database.read(books.ledgers)

    def given_since(self, at: datetime) -> Sequence[tuple[str, str, datetime]]:
        return self.database.read(lambda c: books.given_since(c, at))

    def rename_team(self, old: str, new: str) -> int:
        return self.database.write(
            lambda c: renames.rename(c, old, new), adopt=lambda c: renames.renamed(c, old, new)
        )

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

    def settle(
        self,
        lease: Lease,
        settlements: Sequence[Settlement],
        *,
        at: datetime,
        charge: Charge | None = None,
    ) -> None:
        self._fenced(lease, lambda c: deliver.settle(c, settlements, at=at, run=lease.run, charge=charge))

    def return_leads(
        self, lease: Lease, rows: Sequence[LeadRow], *, at: datetime, refund: Collection[LeadKey] = ()
    ) -> None:
        self._fenced(lease, lambda c: take_backs.put_back(c, rows, at=at, run=lease.run, refund=refund))

    def past(self, since: datetime, *, most: int) -> Past | None:
        return self.database.read(lambda c: past.read(c, since, most))

    def drop_observed(self, lease: Lease) -> int:
        return self._fenced(lease, decide.drop_observed)

    # take back

    def ask_back(self, asked: Sequence[TakeBack]) -> Mapping[LeadKey, str]:
        return self.database.write(lambda c: self._locked(c, lambda: take_backs.ask(c, asked)))

    def take_backs(
        self,
        *,
        states: Collection[Asked] | None = None,
        keys: Collection[LeadKey] | None = None,
        of_run: int | None = None,
    ) -> Sequence[TakeBack]:
        return self.database.read(lambda c: take_backs.listed(c, states, keys, of_run))

    def try_back(self, lease: Lease, places: Sequence[tuple[LeadKey, int]]) -> None:
        self._fenced(lease, lambda c: take_backs.attempt(c, places))

    def settle_back(self, lease: Lease, ends: Sequence[BackEnd], *, at: datetime) -> None:
        self._fenced(lease, lambda c: take_backs.settle(c, ends, at=at, run=lease.run))

    def given_in(self, run: int) -> Sequence[Given]:
        return self.database.read(lambda c: take_backs.given_in(c, run))

    # answers

    def held(self) -> Sequence[LeadRow]:
        return self.leads(states=[State.HELD])

    def held_count(self) -> int:
        return self.database.read(leads.held_count)

    def decisions(self, key: LeadKey) -> Sequence[Mapping[str, Any]]:
        return self.database.read(lambda c: history.of_lead(c, key))

    def retry_held(self, keys: Collection[LeadKey] | None, *, at: datetime) -> int:
        return self.database.write(lambda c: self._locked(c, lambda: leads.retry(c, keys)))

    # alerts

    def change_alerts(self, think: Think, *, now: datetime) -> Changes:
        made: list[Changes] = []

        def work(connection: Connection) -> Changes:
            lease.lock(connection)
            made.append(alerts.change(connection, think, now))
            return made[-1]

        return self.database.write(work, adopt=lambda c: alerts.written(c, made[-1]))

    def incidents(self, *, limit: int = 50) -> Sequence[Incident]:
        return self.database.read(lambda c: alerts.listed(c, limit))

    def acknowledge(self, incident: str, *, until: datetime, by: str) -> Incident:
        return self.database.write(lambda c: self._locked(c, lambda: alerts.ack(c, incident, until, by)))

    def silence(self, silence: Silence) -> None:
        self.database.write(lambda c: self._locked(c, lambda: alerts.silence(c, silence)))

    def silences(self, *, now: datetime) -> Sequence[Silence]:
        return self.database.read(lambda c: alerts.silences_at(c, now))

    def claim_mails(self, *, now: datetime, limit: int = 20) -> Sequence[MailRow]:
        return self.database.write(lambda c: self._locked(c, lambda: mails.claim(c, now, limit)))

    def settle_mail(self, number: int, *, now: datetime, error: str = "", final: bool = False) -> None:
        self.database.write(lambda c: mails.settle(c, number, now, error, final=final))

    def mails(self, *, states: Collection[str] = ("pending", "dead"), limit: int = 50) -> Sequence[MailRow]:
        return self.database.read(lambda c: mails.listed(c, states, limit))

    def post(self) -> Post:
        return self.database.read(mails.post)

    # pauses

    def pause(self, pause: Pause) -> None:
        self.database.write(lambda c: self._locked(c, lambda: pauses.put(c, pause)))

    def resume(self, kind: Paused, name: str) -> None:
        self.database.write(lambda c: self._locked(c, lambda: pauses.remove(c, kind, name)))

    def pauses(self, *, now: datetime) -> Sequence[Pause]:
        return self.database.read(lambda c: pauses.at(c, now))

    # slots

    def slots(self, *, limit: int = 48) -> Sequence[SlotRow]:
        return self.database.read(lambda c: hours.rows(c, limit))

    def mark_slots(
        self, *, add: Collection[str] = (), close: Mapping[str, SlotState] | None = None, at: datetime
    ) -> None:
        self.database.write(lambda c: self._locked(c, lambda: hours.mark(c, add, close or {}, at)))

    def active(self) -> Active | None:
        return self.database.read(lease.active)

    def last_done(self) -> datetime | None:
        return self.database.read(hours.last_done)

    def beat(self, beat: Beat) -> None:
        self.database.write(lambda c: hours.beat(c, beat))

    def beats(self) -> Sequence[Beat]:
        return self.database.read(hours.beats_listed)

    def answered(self, place: str) -> str:
        return self.database.read(lambda c: hours.answered(c, place))

    def answer(self, place: str, seen: str, before: str, think: Think, *, now: datetime) -> bool:
        def work(connection: Connection) -> bool:
            lease.lock(connection)
            if hours.answered(connection, place) != before:
                return False
            hours.answer(connection, place, seen, now)
            alerts.change(connection, think, now)
            return True

        return self.database.write(
            work, adopt=lambda c: True if hours.answered(c, place) == seen != before else None
        )

    # turns one by one

    def turns_of(self, key: LeadKey) -> Sequence[TakenTurn]:
        return self.database.read(lambda c: taken_turns.of_lead(c, key))

    def ledger_before(self, row: TurnRow) -> Ledger | None:
        return self.database.read(lambda c: taken_turns.ledger_before(c, row))

    # fairness statements

    def accounts(
        self, begin: datetime | None, end: datetime | None, *, team: str | None = None
    ) -> Mapping[str, Account]:
        return self.database.read(lambda c: statement.accounts(c, begin, end, team))

    def export_turns(self) -> Iterator[Sequence[ExportRow]]:
        return statement.export_pages(self.database)

    def _locked(self, connection: Connection, work: Callable[[], T]) -> T:
        """One at a time, and none while a run writes: what is read is what is written on."""
        lease.lock(connection)
        return work()

    def backup(self, path: str) -> None:
        copies.write(self.database, path)
