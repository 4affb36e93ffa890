"""A CRM, a configured product and the two situations that runs are killed in.

The CRM is a sandbox in this process; the product is a process of its own: a fork of the imported program, or
the real console script. A situation is a set of Lead rows and a store, put back before each kill, so that all
kills of one situation have the same input and must end like the run that nobody killed.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from quick_starts import DEADLINE, Ended, Process, Row, Warm, clean_environment, ended, until

from allocator.sandbox.app import Sandbox, start_sandbox

ALLOCATOR = Path(sys.executable).with_name("allocator")
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
QUEUE_NAME = "Inbound Leads"
OK, HELD, BUSY = 0, 4, 6


class Crm:
    """A sandbox, spoken to through its control interface only."""

    def __init__(self) -> None:
        self.sandbox: Sandbox = start_sandbox(seed="demo")
        self.info = self.sandbox.info()
        self.intake = self.info["queues"][QUEUE_NAME]
        self.before: list[Row] = []
        self.converted: dict[str, int] = {}
        self.lost = 0
        """Requests whose sender died before the CRM did them: they never will be done."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url, kind = f"{self.info['url']}/_sandbox{path}", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, headers=kind, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def leads(self) -> list[Row]:
        return self.ask("GET", "/records/Lead")

    def put(self, rows: list[Row]) -> None:
        self.ask("PUT", "/records/Lead", rows)

    def log(self) -> list[Row]:
        """Every request since the situation began, those of its preparation included."""
        return [{**entry, "n": n} for n, entry in enumerate(self.before + self.ask("GET", "/requests"), 1)]

    def composites_written(self) -> int:
        """How many composites of writes the CRM has done to their end."""
        done = [e for e in self.ask("GET", "/requests") if e["done"] and e["path"].endswith("/composite")]
        return sum(1 for e in done if any(sub["method"] == "PATCH" for sub in e["sub"]))

    def changes(self) -> list[Row]:
        """Every commit since the situation began, its request numbered as in `log`."""
        return [
            {**change, "request": change["request"] and change["request"] + len(self.before)}
            for change in self.ask("GET", "/history")
        ]

    def settle(self) -> None:
        """Wait until the CRM is done with all requests but those that were lost."""
        until(
            lambda: sum(1 for e in self.ask("GET", "/requests") if e["done"] is None) == self.lost,
            "the CRM is done with all requests",
        )

    def now(self) -> datetime:
        return datetime.fromisoformat(self.ask("GET", "/clock")["now"])

    def start(self, rows: list[Row], at: datetime, before: list[Row]) -> None:
        """The CRM as a situation has it."""
        self.ask("POST", "/reset")
        self.ask("POST", "/clock", {"now": at.isoformat()})
        self.put(rows)
        self.before, self.converted, self.lost = before, {}, 0

    def hold(self, on: Row, when: str = "before") -> str:
        return self.ask("POST", "/faults", {"on": on, "when": when, "do": "hold"})["id"]

    def holding(self, fault: str) -> bool:
        return any(one["id"] == fault and one["holding"] for one in self.ask("GET", "/faults"))

    def release(self, fault: str) -> None:
        self.ask("POST", "/release", {"id": fault})

    def forget_faults(self) -> None:
        """What is held for a client that is gone is lost: it never reached the CRM."""
        self.ask("DELETE", "/faults")


@dataclass
class Product:
    """A configured folder, and the commands that run in it."""

    folder: Path
    warm: Warm
    url: str
    now: datetime = MONDAY
    started: list[Process] = field(default_factory=list)

    @property
    def argv(self) -> list[str]:
        return ["run", "--json", "--config", str(self.folder / "allocator.toml")]

    @property
    def env(self) -> dict[str, str]:
        return {"ALLOCATOR_NOW": self.now.isoformat(), "ALLOCATOR__STORE": self.url}

    def start(self, **more: str) -> Process:
        """`allocator run`, in a process of its own."""
        self.started.append(self.warm.start(self.argv, self.folder, {**self.env, **more}))
        return self.started[-1]

    def start_script(self, **more: str) -> subprocess.Popen[str]:
        """The same by the real console script."""
        process = subprocess.Popen(
            [str(ALLOCATOR), *self.argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=clean_environment(**self.env, **more),
        )
        self.started.append(process)
        return process

    def start_to_die(self, moment: str, commit: int) -> Process:
        """A run that is killed before or after its k-th commit."""
        return self.start(KILL_AT_COMMIT=f"{moment} {commit}")

    def run(self) -> Ended:
        """A run that nobody disturbs."""
        return self.warm.run(self.argv, self.folder, self.env)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def kill(process: Process) -> None:
    """SIGKILL, and nothing else: the process was alive until now."""
    assert process.poll() is None, "the run was over before its kill point"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == -signal.SIGKILL


def held_or_over(crm: Crm, fault: str, process: Process) -> None:
    """Wait until the CRM holds the request; a run that ends before that never sent it."""
    until(lambda: crm.holding(fault) or process.poll() is not None, "the request is held")
    assert process.poll() is None, f"the run ended without this request: {ended(process)}"


@dataclass(frozen=True)
class Situation:
    """Where runs start: the CRM's Leads, the store, what the CRM was asked before, and the instant."""

    rows: list[Row]
    store: Path
    before: list[Row]
    at: datetime
    now: datetime
    converted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Undisturbed:
    """A situation's run that nobody killed."""

    url: str
    requests: list[Row]
    commits: int
    ended: Ended


class World:
    """One CRM and one configured product for all kills of a test process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crm, self.warm = Crm(), Warm("kill_warm.py")
        self.template = folder / "template"
        self._init()
        self._made: dict[str, Situation] = {}
        self._undisturbed: dict[str, Undisturbed] = {}
        self._count = 0

    @cached_property
    def services(self) -> Warm:
        """Starts services for the tests of leaders."""
        return Warm("leader_warm.py")

    def close(self) -> None:
        self.warm.close()
        if "services" in vars(self):
            self.services.close()
        self.crm.sandbox.stop()

    def _init(self) -> None:
        info = self.crm.info
        made = subprocess.run(
            [
                *(str(ALLOCATOR), "init", str(self.template), "--salesforce-url", info["url"]),
                *("--client-id", info["client_id"], "--client-secret", "-", "--queue", QUEUE_NAME),
            ],
            input=info["client_secret"],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=DEADLINE,
            check=False,
        )
        assert made.returncode == OK, made.stderr

    def situation(self, name: str) -> Situation:
        if name not in self._made:
            self._made[name] = {"fresh": self._fresh, "leftovers": self._leftovers}[name]()
        return self._made[name]

    def undisturbed(self, name: str) -> Undisturbed:
        """The same input without any kill: what every other history of the situation must end like."""
        if name not in self._undisturbed:
            with self._put_back(name) as product:
                note = product.folder / "commits"
                run = ended(product.start(COUNT_COMMITS=str(note)))
                assert run.code in (OK, HELD), run.err
                requests = self.crm.ask("GET", "/requests")
                assert product.run().code == OK
                self._undisturbed[name] = Undisturbed(product.url, requests, len(note.read_text()), run)
        return self._undisturbed[name]

    @contextmanager
    def begin(self, name: str, *, url: str | None = None) -> Iterator[Product]:
        """The situation put back: a folder of its own, the CRM's Leads, the store (an empty one at `url`)."""
        self.undisturbed(name)
        with self._put_back(name, url=url) as product:
            yield product

    @contextmanager
    def _put_back(self, name: str, *, url: str | None = None) -> Iterator[Product]:
        there = self.situation(name)
        self.crm.start(there.rows, there.at, there.before)
        self.crm.converted = dict.fromkeys(there.converted, len(there.before))
        product = self._product(there.now, url=url)
        if url is None:
            shutil.copyfile(there.store, product.folder / "allocator.db")
        try:
            yield product
        finally:
            product.close()
            self.crm.forget_faults()

    def _product(self, now: datetime, *, url: str | None = None) -> Product:
        self._count += 1
        folder = self.folder / f"p{self._count}"
        shutil.copytree(self.template, folder)
        return Product(folder, self.warm, url or f"sqlite:///{folder / 'allocator.db'}", now)

    def _fresh(self) -> Situation:
        """A store that has seen nothing, and 66 Leads in intake, some of which no rule gives to anybody."""
        rows = self.samples(66)
        return Situation(rows, self.template / "allocator.db", [], MONDAY, MONDAY)

    def samples(self, count: int) -> list[Row]:
        """The sandbox's sample Leads at fixed times; all but the first `count` belong to somebody already."""
        crm = self.crm
        crm.start([], MONDAY, [])
        rows = crm.leads()
        somebody = next(row["OwnerId"] for row in rows if row["OwnerId"] != crm.intake)
        waiting = [row for row in rows if row["OwnerId"] == crm.intake]
        odd = [row for row in waiting if not row["Country"] or len(row["Country"]) < 2]
        chosen = [*odd, *(row for row in waiting if row not in odd)][:count]
        made = []
        for place, row in enumerate(rows):
            at = stamp(MONDAY - timedelta(hours=3) + timedelta(seconds=20 * place))
            owner = row["OwnerId"] if row in chosen or row not in waiting else somebody
            made.append({**row, "OwnerId": owner, "CreatedDate": at, **stamps(at)})
        return made

    def _leftovers(self) -> Situation:
        """What a bad week leaves behind, all at once; see the steps."""
        rows, crm = self.samples(90), self.crm
        mine = [row for row in rows if row["OwnerId"] == crm.intake]
        second, third = mine[36:80], mine[80:]
        away = {row["Id"]: {**row, "OwnerId": rows[0]["OwnerId"]} for row in [*second, *third]}
        assert rows[0]["OwnerId"] != crm.intake
        crm.start([away.get(row["Id"], row) for row in rows], MONDAY, [])
        product = self._product(MONDAY)
        try:
            assert product.run().counts["assigned"] > 25  # a run that went well
            crm.put(second)
            self._cut_short(product, second)
            now = crm.now() + timedelta(minutes=1)
            crm.put([*self._touched(product, now), *({**row, **stamps(stamp(now))} for row in third)])
        finally:
            product.close()
        shown = crm.leads()
        before = crm.log()
        at = now + timedelta(minutes=5)
        store, converted = product.folder / "allocator.db", tuple(r["Id"] for r in shown if r["IsConverted"])
        return Situation(shown, store, before, at, MONDAY + timedelta(hours=1), converted)

    def _cut_short(self, product: Product, second: list[Row]) -> None:
        """The second run dies while a composite is half done; the other one is written, not read back."""
        before = self.crm.composites_written()
        fault = self.crm.hold({"method": "PATCH", "record": second[len(second) // 3]["Id"]})
        process = product.start()
        held_or_over(self.crm, fault, process)
        until(lambda: self.crm.composites_written() == before + 1, "the other composite is written")
        kill(process)
        self.crm.forget_faults()

    def _touched(self, product: Product, now: datetime) -> list[Row]:
        """People act: leads are returned, taken, converted and mended."""
        crm, at = self.crm, stamp(now)
        by_id = {row["Id"]: row for row in crm.leads()}
        with reading(product.url) as connection:
            rows = list(connection.execute(sa.text("SELECT source_id, state FROM leads ORDER BY source_id")))
        ids = {state: [i for i, s in rows if s == state] for _, state in rows}
        waiting = [i for i in ids["decided"] if by_id[i]["OwnerId"] == crm.intake]
        somebody = by_id[ids["confirmed"][9]]["OwnerId"]
        contact = next(row for row in by_id.values() if row["IsConverted"])
        keep = ("ConvertedAccountId", "ConvertedContactId", "ConvertedDate")
        changes = {i: {"OwnerId": crm.intake} for i in ids["confirmed"][:4]}
        changes |= {i: {"OwnerId": somebody} for i in waiting[:2]}
        changes[waiting[2]] = {"IsConverted": True, "OwnerId": somebody, **{k: contact[k] for k in keep}}
        changes[ids["confirmed"][5]] = {"IsConverted": True, **{k: contact[k] for k in keep}}
        changes[ids["held"][0]] = {"OwnerId": somebody}
        changes[ids["held"][1]] = {"Country": "Germany", "CountryCode": "DE", "Campaign_Code__c": "ALW-05"}
        return [{**by_id[i], **change, **stamps(at)} for i, change in changes.items()]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def stamps(at: str) -> Row:
    return {"LastModifiedDate": at, "SystemModstamp": at}


@contextmanager
def reading(url: str, *, patience: float = 10.0) -> Iterator[sa.Connection]:
    """The store's database, without the product; what is changed there is committed at the end."""
    with _engine(url, patience).begin() as connection:
        yield connection


@lru_cache(maxsize=8)
def _engine(url: str, patience: float) -> sa.Engine:
    """PostgreSQL's connections are kept: a test asks many times a second. A file is opened each time."""
    made = sa.make_url(url)
    if made.drivername.startswith("postgres"):
        made = made.set(drivername="postgresql+psycopg")
        return sa.create_engine(made, connect_args={"options": f"-c lock_timeout={int(patience * 1000)}"})
    return sa.create_engine(made, connect_args={"timeout": patience}, poolclass=sa.NullPool)


def has_store(url: str) -> bool:
    """Whether the database holds the product's tables by now."""
    with reading(url) as connection:
        return "leads" in sa.inspect(connection).get_table_names()
