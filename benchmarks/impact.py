"""The impact of a changed workbook on past leads: read from the store, replayed twice, compared.

The leads are decided and committed first, in hourly runs over two weeks, which takes far longer than what is
measured. Processor time is what to look at; the clock also counts what else the machine does.
"""

from __future__ import annotations

import argparse
import gc
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from calls import made_up_leads
from run import NOW, QUEUE

from allocator.adapters.store.sql import SqlStore, open_store
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import CrmUser, LeadKey, Record
from allocator.domain.plan import Inputs, Lookups, Work, plan, week_start
from allocator.domain.replay import Replay
from allocator.domain.side_by_side import impact_of
from allocator.domain.walked import RawLeads, Walked
from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.company import shipped_company
from rules.workbook.template import template_bytes

RUNS = 14 * 24


def filled(url: str, tables: RoutingTables, count: int) -> SqlStore:
    """A store in which this many leads were decided in hourly runs."""
    store = open_store(url)
    users = {crm: CrmUser(crm, "Somebody", active=True) for crm in tables.person_by_crm_user}
    leads = enumerate(made_up_leads(count))
    for hour in range(RUNS):
        now = NOW + timedelta(hours=hour)
        work = [Work(_record(n, dict(lead), now), 1) for n, lead in _some(leads, count, hour)]
        lease = store.begin_run(slot=f"{now:%Y-%m-%dT%H}:00Z", by="benchmark", at=now, live=True, seconds=600)
        store.add_pulled(lease, "salesforce", [w.record for w in work], None)
        lookups = Lookups(users=users, intake=frozenset({QUEUE}))
        given = store.given_since(week_start(tables, now))
        ledgers = store.ledgers()
        made = plan(Inputs(tables, work, now, SALESFORCE_FACTS, ledgers, given, lookups))
        store.commit_plan(lease, made, at=now, tables_version=tables.version)
        store.end_run(lease, at=now, state="done", summary={})
    return store


def _some(leads: Iterator[Any], count: int, hour: int) -> Iterator[Any]:
    for _ in range(count * (hour + 1) // RUNS - count * hour // RUNS):
        yield next(leads)


def _record(number: int, fields: dict[str, Any], now: datetime) -> Record:
    employees = fields["NumberOfEmployees"]
    fields["NumberOfEmployees"] = int(employees) if employees else None
    fields["Email"] = f"{number}.{fields.get('Email') or 'x@y.example'}"
    created = now - timedelta(hours=1) + timedelta(milliseconds=number)
    return Record(LeadKey("salesforce", f"00Q{number:012}AAA"), created, created, QUEUE, fields)


def changed(tables: RoutingTables) -> RoutingTables:
    """Without the first row of the last layer, and with somebody who works half as much."""
    last = tables.layers[-1]
    layers = (*tables.layers[:-1], replace(last, rows=last.rows[1:]))
    first = tables.teams[0]
    people = (replace(first.people[0], weight=first.people[0].weight * 2), *first.people[1:])
    return replace(
        tables, version="changed", layers=layers, teams=(replace(first, people=people), *tables.teams[1:])
    )


class Watch:
    """Seconds of each step, by the processor and by the clock."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float, float]] = []

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        processor, start = time.process_time(), time.perf_counter()
        made = work()
        self.steps.append((name, time.process_time() - processor, time.perf_counter() - start))
        return made


def measured(store: SqlStore, before: RoutingTables, after: RoutingTables) -> tuple[Watch, int, int]:
    """The steps of one impact; how many leads, and how many of them moved."""
    gc.collect()
    watch, since = Watch(), NOW - timedelta(hours=1)
    past = watch("read from the store", lambda: store.past(since, most=1_000_000))
    raw = watch("raw facts and e-mails", lambda: RawLeads(past, SALESFORCE_FACTS))
    watch("one frame of them", lambda: raw.frame)
    ways = [watch("rules, all at once", lambda t=t: Walked(t, raw)) for t in (before, after)]
    sides = [
        watch("turns, run by run", lambda t=t, w=w: Replay(past, t, w, lambda sha: None).go())
        for t, w in zip((before, after), ways, strict=True)
    ]
    found = watch("compared", lambda: impact_of(past, *sides, (before, after), 14))
    return watch, found.leads, len(found.moved)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, default=200_000, metavar="N")
    given = parser.parse_args(arguments)
    book = template_bytes(shipped_company())
    with tempfile.TemporaryDirectory(prefix="allocator-impact-") as folder:
        before, after = load_bytes(book), changed(load_bytes(book))
        store = filled(f"sqlite:///{Path(folder) / 'store.db'}", before, given.leads)
        watch, leads, moved = measured(store, before, after)
        store.close()
    print(f"{leads:,} leads in {RUNS} runs, four layers, {moved:,} would move. Seconds:\n")
    print(f"{'step':<24} {'processor':>9} {'clock':>7}")
    for name, processor, clock in watch.steps:
        print(f"{name:<24} {processor:>9.2f} {clock:>7.2f}")
    print(f"{'together':<24} {sum(s[1] for s in watch.steps):>9.2f} {sum(s[2] for s in watch.steps):>7.2f}")
    print(f"\nWhole process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB.")


if __name__ == "__main__":
    main()
