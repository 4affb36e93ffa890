"""Two years of hourly runs of 500 people in 100 teams, judged at every turn; what the store grows by.

The product plans and its store on SQLite keeps; scale_world.py is the company that changes meanwhile, and
scale_judge.py works out a second time who must have got each lead. The first promise of F1 to F12 that does
not hold ends the run with exit code 1. Sizes and times are printed, nothing is asserted of them.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from scale_books import Asked, Broken, must
from scale_judge import Judge
from scale_world import START, Company, campaign

from allocator.adapters.store.sql import SqlStore, open_store
from allocator.domain.decision import Inputs, Lookups, Plan, Work
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import CrmUser, LeadKey, Match, Record, State
from allocator.domain.plan import plan, week_start
from allocator.domain.records import Lease, Settlement, TablesVersion

T = TypeVar("T")
QUEUE = "00G5g00000InTkEAAA"
PATHS = sorted(
    {path for paths in SALESFORCE_FACTS.values() for path in paths if "CampaignMember" not in path}
)
OWNED = 0.03
"""Leads whose e-mail somebody has already."""
COME_BACK = 0.015
"""Leads that whoever got them puts back, up to a day later."""
DAYS_HELD = 4
"""So often a lead is decided for each hop; then somebody takes it by hand."""
PARTS = 10
"""Into so many parts the runs are cut to see whether time grows."""


class Watch:
    """Processor seconds by step, and by part of the whole."""

    def __init__(self) -> None:
        self.steps: Counter[tuple[int, str]] = Counter()
        self.runs: Counter[int] = Counter()
        self.leads: Counter[int] = Counter()
        self.part = 0

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        start = time.process_time()
        try:
            return work()
        finally:
            self.steps[self.part, name] += time.process_time() - start


@dataclass
class Years:
    """The store, the company and its judge, hour by hour."""

    company: Company
    store: SqlStore
    judge: Judge = field(init=False)
    watch: Watch = field(default_factory=Watch)
    number: int = 0
    waiting: list[Asked] = field(default_factory=list)
    coming_back: list[tuple[datetime, Asked]] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    accepted: str = ""
    tried: datetime = START

    def __post_init__(self) -> None:
        self.judge = Judge(self.company)

    def go(self, hours: int, people: float) -> None:
        """Everything that happens, in order. Raises Broken."""
        events = self.company.happens(hours, people)
        for hour in range(hours):
            now = START + timedelta(hours=hour)
            self.watch.part = hour * PARTS // hours
            while events and events[0][0] <= hour:
                self.company.happen(events.pop(0)[1], now)
            self.judge.meet(now)
            new = [self._ask(now, *lead) for lead in self.company.leads()]
            if new:
                self._run(new, now)

    def _ask(self, now: datetime, group: Any, country: str, staff: int) -> Asked:
        self.number += 1
        chance = self.company.chance
        created = now - timedelta(seconds=chance.randint(1, 3600))
        lead = Asked(f"00Q{self.number:012}AAA", created, group, country, staff)
        if chance.random() < OWNED:
            home = chance.choice([g for g in self.company.groups if not g.calm and g.members])
            lead.match = chance.choice(home.members)
        return lead

    # --- a run ---

    def _run(self, new: list[Asked], now: datetime) -> None:
        lease = self.watch("begin", lambda: self._begin(now))
        self.watch("pull", lambda: self._pull(lease, new, now))
        leads = [*new, *self._again(now), *self._returned(lease, now)]
        work = [self._work(lead) for lead in leads]
        inputs = self.watch("read", lambda: self._inputs(work, leads, now))
        self.judge.same_ledgers(inputs.ledgers, now)
        made = self.watch("plan", lambda: plan(inputs))
        version = inputs.tables.version
        self.watch("commit", lambda: self.store.commit_plan(lease, made, at=now, tables_version=version))
        self.judge.judge(made.decided, leads, now)
        self.watch("settle", lambda: self._settle(lease, made, now))
        self.watch("end", lambda: self.store.end_run(lease, at=now, state="done", summary={}))
        self._afterwards(leads, now)
        self.watch.runs[self.watch.part] += 1
        self.watch.leads[self.watch.part] += len(leads)

    def _begin(self, now: datetime) -> Lease:
        slot = f"{now:%Y-%m-%dT%H}:00Z"
        lease = self.store.begin_run(slot=slot, by="benchmark", at=now, live=True, seconds=3600)
        version = self.company.tables.version
        if version != self.accepted:
            self.store.accept_tables(lease, TablesVersion(version, b"", now, "benchmark"))
            self.accepted = version
        return lease

    def _pull(self, lease: Lease, new: Sequence[Asked], now: datetime) -> None:
        found = {lead.id: _record(lead) for lead in new}
        self.records |= found
        self.store.add_pulled(lease, "salesforce", list(found.values()), now)

    def _again(self, now: datetime) -> list[Asked]:
        """Held leads, once a day."""
        if now.date() == self.tried.date():
            return []
        again, self.waiting, self.tried = self.waiting, [], now
        return again

    def _returned(self, lease: Lease, now: datetime) -> list[Asked]:
        """Leads that are in intake again; where the team says so, their turns are given back."""
        back = [lead for due, lead in self.coming_back if due <= now]
        self.coming_back = [one for one in self.coming_back if one[0] > now]
        if back:
            rows = self.store.leads([_key(lead) for lead in back])
            refund = {_key(lead) for lead in back if lead.group.refunds}
            self.watch("give back", lambda: self.store.return_leads(lease, rows, at=now, refund=refund))
        for lead in back:
            if lead.group.refunds:
                self.judge.refund(lead)
            lead.last, lead.hops = lead.owner, lead.hops + 1
            lead.back |= {lead.owner or ""}
        return back

    def _work(self, lead: Asked) -> Work:
        return Work(
            self.records[lead.id], lead.epoch + 1, lead.held, frozenset(lead.back), lead.last, lead.hops
        )

    def _inputs(self, work: Sequence[Work], leads: Sequence[Asked], now: datetime) -> Inputs:
        tables = self.company.tables
        people = {
            _email(lead): (Match("Contact", f"003{lead.id[3:]}", lead.match.crm, now),)
            for lead in leads
            if lead.match
        }
        users = {crm: CrmUser(crm, "Somebody", active=True) for crm in tables.person_by_crm_user}
        lookups = Lookups(users=users, people=people, intake=frozenset({QUEUE}))
        ledgers, given = self.store.ledgers(), self.store.given_since(week_start(tables, now))
        return Inputs(tables, work, now, SALESFORCE_FACTS, ledgers, given, lookups)

    def _settle(self, lease: Lease, made: Plan, now: datetime) -> None:
        """The CRM took every owner."""
        given = [d for d in made.decided if d.owner]
        self.store.attempt(lease, [write.id for write in self.store.pending()])
        ends = [Settlement(d.key, d.epoch, State.CONFIRMED, stamp=now) for d in given]
        self.store.settle(lease, ends, at=now)

    def _afterwards(self, leads: Sequence[Asked], now: datetime) -> None:
        chance = self.company.chance
        self.waiting += [lead for lead in leads if lead.held and lead.epoch < lead.hops + DAYS_HELD]
        for lead in leads:
            once = not (lead.held or lead.match or lead.group.calm or lead.group.catches_up)
            if once and chance.random() < (0.3 if lead.hops else COME_BACK):
                self.coming_back.append((now + timedelta(hours=chance.randint(1, 24)), lead))
            elif not lead.held:
                self.records.pop(lead.id, None)


def _key(lead: Asked) -> LeadKey:
    return LeadKey("salesforce", lead.id)


def _email(lead: Asked) -> str:
    return f"lead{int(lead.id[3:15])}@company{int(lead.id[9:15]) // 5}.example"


def _record(lead: Asked) -> Record:
    """As a pull reads it: every field that rules can ask for, most of them empty."""
    fields = dict.fromkeys(PATHS) | {
        "Campaign_Code__c": campaign(lead.group), "Country": lead.country, "NumberOfEmployees": lead.staff,
        "Company": f"Company {int(lead.id[9:15]) // 5}", "Email": _email(lead), "LeadSource": "Web",
        "ProductInterest__c": "CRM", "CreatedDate": lead.created.isoformat(),
    }  # fmt: skip
    return Record(_key(lead), lead.created, lead.created, QUEUE, fields)


# --- at the end -------------------------------------------------------------------------------------------


def look_at_the_store(years: Years, path: str) -> None:
    """F11 and one owner each, as the tables say. Raises Broken."""
    with sqlite3.connect(path) as found:
        places = dict(found.execute("SELECT source_id || ' ' || epoch, number FROM turns").fetchall())
        must(len(places) == len(years.judge.turns), "F4", f"{len(places)} turns are stored")
        back = found.execute(
            "SELECT count(*), count(DISTINCT team || lane || ' ' || number) FROM refunds"
        ).fetchone()
        must(back == (len(years.judge.refunded),) * 2, "F11", f"{back} turns are given back")
        sums = found.execute(
            "SELECT team, lane, sum(credit) FROM ledger GROUP BY 1, 2 HAVING sum(credit) <> 0"
        )
        must(not sums.fetchall(), "F2", "the stored credits of a team do not sum to zero")
        gaps = found.execute("SELECT team, lane FROM turns GROUP BY 1, 2 HAVING max(number) <> count(*)")
        must(not gaps.fetchall(), "F4", "the numbers of a team's turns have gaps")
        double = found.execute("SELECT count(*) FROM leads WHERE state = 'confirmed' AND owner IS NULL")
        must(double.fetchone() == (0,), "F6", "leads are confirmed without an owner")


def sizes(path: str) -> dict[str, tuple[str, int]]:
    """Table or index -> its table, and its bytes in the file."""
    with sqlite3.connect(path) as found:
        of = dict(found.execute("SELECT name, tbl_name FROM sqlite_master"))
        try:
            rows = found.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
        except sqlite3.OperationalError:  # this SQLite was built without dbstat: the file as a whole
            rows = [("the file", Path(path).stat().st_size)]
    return {name: (of.get(name, name), size) for name, size in rows}


def columns(path: str, tables: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Table, column and how many bytes its values have."""
    with sqlite3.connect(path) as found:
        for table in tables:
            names = [row[1] for row in found.execute(f"PRAGMA table_info({table})")]
            sums = ", ".join(f"sum(length(CAST({name} AS BLOB)))" for name in names)
            row = found.execute(f"SELECT {sums} FROM {table}").fetchone()  # noqa: S608
            yield from ((table, name, size or 0) for name, size in zip(names, row, strict=True))


def show_growth(before: dict[str, tuple[str, int]], path: str, leads: int) -> None:
    after = sizes(path)
    grown = {name: (table, size - before.get(name, ("", 0))[1]) for name, (table, size) in after.items()}
    tables: Counter[str] = Counter()
    indexes: Counter[str] = Counter()
    for name, (table, size) in grown.items():
        (tables if name == table else indexes)[table] += size
    print(f"\nThe store's growth, bytes per lead: {sum((tables + indexes).values()) / leads:,.0f}\n")
    print("| table | rows | indexes | together |\n|---|---|---|---|")
    for table, size in (tables + indexes).most_common():
        if size / leads >= 1:
            parts = [f"{each / leads:,.0f}" for each in (tables[table], indexes[table], size)]
            print(f"| {table} | {' | '.join(parts)} |")
    found = sorted(
        columns(path, [t for t in tables if t in before and t != "sqlite_schema"]), key=lambda c: -c[2]
    )
    largest = ", ".join(f"{table}.{name} {size / leads:.0f}" for table, name, size in found[:16])
    print(f"\nThe largest columns: {largest}")
    lone = [f"{name} {size / leads:.0f}" for name, (table, size) in grown.items() if name != table]
    print(f"Indexes: {', '.join(sorted(lone))}")


def show_time(watch: Watch) -> None:
    names = ("begin", "pull", "give back", "read", "plan", "commit", "settle", "end")
    print("\nProcessor milliseconds per run, by tenth of the time:\n")
    print(f"| tenth | runs | leads a run | {' | '.join(names)} | together |")
    print(f"|---|---|---|{'---|' * len(names)}---|")
    for part in range(PARTS):
        runs = watch.runs[part] or 1
        each = [1000 * watch.steps[part, name] / runs for name in names]
        leads = f"{watch.leads[part] / runs:.1f}"
        print(
            f"| {part + 1} | {runs} | {leads} | {' | '.join(f'{ms:.1f}' for ms in each)} | {sum(each):.1f} |"
        )


def show(years: Years, seconds: float, hours: int) -> None:
    judge, company = years.judge, years.company
    turns = len(judge.turns)
    happened = ", ".join(f"{n} {what}" for what, n in sorted(company.counts.items()))
    print(f"{hours} hours, {sum(years.watch.runs.values())} runs, {years.number:,} leads, {turns:,} turns")
    print(f"{seconds:,.0f} s, of which the product {sum(years.watch.steps.values()):,.0f} s of the processor")
    print(f"What happened: {happened}; {len(judge.refunded)} turns given back")
    print(f"Turns and holds: {', '.join(f'{n} {what}' for what, n in judge.kinds.most_common())}")
    print(f"Asked of it: {', '.join(f'{n} {what}' for what, n in sorted(judge.held_to.items()))}")
    print(f"F1 to F12 held at every turn. The worst |credit| ever: {float(judge.worst):.3f} leads")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--teams", type=int, default=100)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--busy", type=float, default=1, help="so many times as much happens to people")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    hours = 17_520 if chosen.weeks == 104 else chosen.weeks * 168
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/store.db"
        store = open_store(f"sqlite:///{path}")
        years = Years(Company(chosen.people, chosen.teams, chosen.seed), store)
        before, start = sizes(path), time.perf_counter()
        try:
            years.go(hours, chosen.people * chosen.busy)
            look_at_the_store(years, path)
        except Broken as broken:
            print(f"A promise is broken. {broken}")
            return 1
        finally:
            store.close()
        show(years, time.perf_counter() - start, hours)
        show_growth(before, path, years.number)
        show_time(years.watch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
