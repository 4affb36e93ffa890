"""A CRM, a configured product and the two situations that runs are killed in.

The CRM is a sandbox in this process; the product is the real console script in a process of its own. A
situation is a set of Lead rows and a store, put back before each kill, so that all kills of one situation
have the same input and must end like the run that nobody killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from allocator.sandbox.app import Sandbox, start_sandbox

HERE = Path(__file__).parent
ALLOCATOR = Path(sys.executable).with_name("allocator")
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
TEST_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
COMPILED = Path(tempfile.gettempdir()) / f"allocator-kills-{TEST_RUN}"
DEADLINE = 100.0
QUEUE_NAME = "Inbound Leads"
OK, HELD, BUSY = 0, 4, 6
Row = dict[str, Any]


def until(holds: Callable[[], Any], what: str, *, deadline: float = DEADLINE) -> Any:
    """Ask again and again until it holds; the deadline is a failure."""
    tick = threading.Event()
    for _ in range(int(deadline / 0.025)):
        if found := holds():
            return found
        tick.wait(0.025)
    raise AssertionError(f"not within {deadline:.0f} s: {what}")


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


class Warm:
    """Quick starts: see kill_warm.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "kill_warm.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )

    def run(self, argv: list[str], folder: Path, env: dict[str, str]) -> Ended:
        out, err = folder / "out", folder / "err"
        asked = {"argv": argv, "env": env, "out": str(out), "err": str(err)}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = json.loads(self._process.stdout.readline())
        return Ended(code, out.read_text(), err.read_text())

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()


@dataclass(frozen=True)
class Ended:
    """A command that ended by itself."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Row:
        found: Row = json.loads(self.out)
        return found

    @property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = self.json["leads"]
        return found


def clean_environment(**more: str) -> dict[str, str]:
    """A hundred starts compile the program once, beside the tests and not in the checkout."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("ALLOCATOR", "PYTHON"))}
    return {**own, "PYTHONPYCACHEPREFIX": str(COMPILED), **more}


@dataclass
class Product:
    """A configured folder, and the commands that run in it."""

    folder: Path
    warm: Warm
    url: str
    now: datetime = MONDAY
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def argv(self) -> list[str]:
        return ["run", "--json", "--config", str(self.folder / "allocator.toml")]

    @property
    def env(self) -> dict[str, str]:
        return {"ALLOCATOR_NOW": self.now.isoformat(), "ALLOCATOR__STORE": self.url}

    def start(self, **more: str) -> subprocess.Popen[str]:
        """The real `allocator run`, in a process of its own."""
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

    def start_to_die(self, moment: str, commit: int) -> subprocess.Popen[str]:
        """A run that is killed before or after its k-th commit."""
        return self.start(PYTHONPATH=str(HERE / "at_commit"), KILL_AT_COMMIT=f"{moment} {commit}")

    def run(self) -> Ended:
        """A run that nobody disturbs."""
        return self.warm.run(self.argv, self.folder, self.env)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=DEADLINE)
    return Ended(process.returncode, out, err)


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, and nothing else: the process was alive until now."""
    assert process.poll() is None, "the run was over before its kill point"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == -signal.SIGKILL


def held_or_over(crm: Crm, fault: str, process: subprocess.Popen[str]) -> None:
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
        self.crm, self.warm = Crm(), Warm()
        self.template = folder / "template"
        self._init()
        self._made: dict[str, Situation] = {}
        self._undisturbed: dict[str, Undisturbed] = {}
        self._count = 0

    def close(self) -> None:
        self.warm.close()
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
                run = ended(product.start(PYTHONPATH=str(HERE / "at_commit"), COUNT_COMMITS=str(note)))
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
    made = sa.make_url(url)
    if made.drivername.startswith("postgres"):
        made = made.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(made, connect_args={"options": f"-c lock_timeout={int(patience * 1000)}"})
    else:
        engine = sa.create_engine(made, connect_args={"timeout": patience})
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def has_store(url: str) -> bool:
    """Whether the database holds the product's tables by now."""
    with reading(url) as connection:
        return "leads" in sa.inspect(connection).get_table_names()
