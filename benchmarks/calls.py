"""How many calls a run asks of the CRM, and how long it takes with them, beside a lead-by-lead client.

A sandbox in a process of its own adds a fixed time to each answer. Counts are asserted, times only printed.
What keeping marketing and CRM in step asks of both: calls_sync.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from allocator.bootstrap import job
from allocator.config import load_settings
from allocator.entrypoints.commands.init import Answers, make
from allocator.service.run import run
from rules.freemail import company_domain
from rules.workbook.company import shipped_company

SEED = 2026
QUEUE = "Inbound Leads"
SANDBOX = "import sys; from allocator.entrypoints.cli import main; sys.argv[0] = 'allocator'; main()"
API = "/services/data/v63.0"
COUNTRIES = (
    "US",
    "IN",
    "GB",
    "DE",
    "FR",
    "BR",
    "CA",
    "AU",
    "JP",
    "ES",
    "IT",
    "NL",
    "MX",
    "SE",
    "SG",
    "AE",
    "CH",
)
PRODUCTS = ("CRM Suite", "Help Desk", "Analytics", "Planning", "Payroll", "Commerce", "Data Platform")
FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com")
LOG_IN_AND_SHAPE = 4
"""Log-in apart: where the intake is, and what fields Lead and CampaignMember have."""

Lead = dict[str, str]


def made_up_leads(count: int, seed: int = SEED) -> list[Lead]:
    """Leads as a web form sends them: few campaigns and countries make most, companies send several."""
    draw = random.Random(seed)
    campaigns = [str(r[1]) for s in shipped_company().sheets if s.title == "Values" for r in s.rows]
    campaigns = [code for code in campaigns if "-" in code]
    return [_made_up(draw, number, count, campaigns) for number in range(count)]


def _made_up(draw: random.Random, number: int, count: int, campaigns: Sequence[str]) -> Lead:
    company = draw.randrange(max(10, count // 5))
    free = draw.random() < 0.25
    host = draw.choice(FREE_MAIL) if free else f"company{company}.example"
    employees = "" if draw.random() < 0.05 else str(max(1, int(draw.lognormvariate(4, 2))))
    return {
        "LastName": f"Lead{number}",
        "Company": f"Company {company}",
        "Email": f"lead{number}@{host}",
        "Country": _zipf(draw, COUNTRIES, 1.2),
        "Campaign_Code__c": "" if draw.random() < 0.1 else _zipf(draw, campaigns, 1.1),
        "ProductInterest__c": "" if draw.random() < 0.1 else _zipf(draw, PRODUCTS, 1.0),
        "NumberOfEmployees": employees,
    }


def _zipf(draw: random.Random, values: Sequence[str], power: float) -> str:
    weights = [1 / (place + 1) ** power for place in range(len(values))]
    return draw.choices(values, weights)[0]


# --- the sandbox ------------------------------------------------------------------------------------------


class Org:
    """A sandbox in a process of its own, holding these leads in its intake queue."""

    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info
        self.url = str(info["url"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def delay(self, seconds: float) -> None:
        self.control(
            "POST", "faults", {"on": {"times": 0}, "when": "before", "do": "delay", "seconds": seconds}
        )

    def warm_up(self) -> None:
        """Ask once before anything is measured: the first query builds the sandbox's grammar."""
        Naive(self).pull()
        self.control("DELETE", "requests")

    def count(self) -> int:
        """Requests as the CRM counted them."""
        return len(self.control("GET", "requests"))


@contextmanager
def sandbox(folder: Path, leads: Sequence[Lead]) -> Iterator[Org]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "leads.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(leads[0]))
        writer.writeheader()
        writer.writerows(leads)
    command = [sys.executable, "-c", SANDBOX, "sandbox", "--leads", str(file), "--api-limit", "1000000"]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            org = Org(json.loads(process.stdout.readline()))
            org.warm_up()
            yield org
        finally:
            process.terminate()


# --- the two clients --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One client's calls and seconds for so many leads."""

    leads: int
    calls: int
    seconds: float
    by_kind: dict[str, int]


def measure_run(folder: Path, count: int, delay: float) -> Measured:
    """The first run of a new installation: all leads are in intake and none is known."""
    leads = made_up_leads(count)
    with sandbox(folder, leads) as org:
        settings = load_settings(make(answers(folder / "allocator", org)))
        org.delay(delay)
        wired = job(settings)
        started = time.perf_counter()
        try:
            made = run(wired, by="benchmark").summary
        finally:
            wired.store.close()
        seconds = time.perf_counter() - started
        assert made["leads"]["pulled"] == count, made["leads"]
        assert made["leads"]["assigned"] > 0.9 * count, made["leads"]
        calls, kinds = made["crm"]["requests"], made["crm"]["by_kind"]
        assert calls == org.count() == sum(kinds.values()), (calls, org.count(), kinds)
    for kind, done in kinds.items():
        assert done <= bounds(leads)[kind], f"{kind}: {done} calls, at most {bounds(leads)[kind]} are right"
    return Measured(count, calls, seconds, kinds)


def answers(folder: Path, org: Org) -> Answers:
    info = org.info
    return Answers(folder, org.url, info["client_id"], (QUEUE,), secret=info["client_secret"], live=True)


def bounds(leads: Sequence[Lead]) -> dict[str, int]:
    """The most calls of each kind that a run over these leads may take."""
    count = len(leads)
    emails = {lead["Email"].lower() for lead in leads}
    domains = {domain for email in emails if (domain := company_domain(email))}
    return {
        "login": 1,
        "describe": LOG_IN_AND_SHAPE,
        "users": 1,
        "pull": math.ceil(count / 2000) + 1,
        "members": math.ceil(count / 200),
        "people": math.ceil(len(emails) / 200),
        "accounts": math.ceil(len(domains) / 50),
        "write": math.ceil(count / 25),
        "read": math.ceil(count / 200) + 1,
    }


def measure_naive(folder: Path, count: int, delay: float) -> Measured:
    """One lead after the other: find its account, find its owner, write the owner. No cache, no batch."""
    with sandbox(folder, made_up_leads(count)) as org:
        org.delay(delay)
        started = time.perf_counter()
        naive = Naive(org)
        owners = [str(row[3]) for s in shipped_company().sheets if s.title == "Salespeople" for row in s.rows]
        for number, lead in enumerate(naive.pull()):
            naive.give(lead, owners[number % len(owners)])
        seconds = time.perf_counter() - started
        calls = org.count()
    assert calls == naive_calls(count), calls
    return Measured(count, calls, seconds, {})


def naive_calls(count: int) -> int:
    """Log-in, the pages of the pull, three calls a lead."""
    return 1 + math.ceil(count / 2000) + 3 * count


class Naive:
    """What is written first: requests in a loop over one kept connection."""

    def __init__(self, org: Org) -> None:
        self._org, self._session = org, requests.Session()
        form = {"grant_type": "client_credentials", "client_id": org.info["client_id"]}
        form["client_secret"] = org.info["client_secret"]
        answer = self._session.post(f"{org.url}/services/oauth2/token", data=form, timeout=60)
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def pull(self) -> list[dict[str, Any]]:
        queue = self._org.info["queues"][QUEUE]
        soql = f"SELECT Id, Email FROM Lead WHERE IsConverted = false AND OwnerId = '{queue}'"  # noqa: S608 - SOQL
        page = self._get(f"{API}/query", q=soql)
        rows = list(page["records"])
        while not page["done"]:
            page = self._get(page["nextRecordsUrl"])
            rows += page["records"]
        return rows

    def give(self, lead: dict[str, Any], owner: str) -> None:
        website = str(lead["Email"]).rpartition("@")[2]
        account = f"SELECT Id, OwnerId FROM Account WHERE Website = '{website}'"  # noqa: S608 - SOQL
        user = f"SELECT Id, IsActive FROM User WHERE Id = '{owner}'"  # noqa: S608 - SOQL
        self._get(f"{API}/query", q=account)
        self._get(f"{API}/query", q=user)
        url = f"{self._org.url}{API}/sobjects/Lead/{lead['Id']}"
        headers = {"Sforce-Auto-Assign": "FALSE"}
        self._session.patch(url, json={"OwnerId": owner}, headers=headers, timeout=60).raise_for_status()

    def _get(self, path: str, **params: str) -> Any:
        answer = self._session.get(self._org.url + path, params=params, timeout=60)
        answer.raise_for_status()
        return answer.json()


# --- what is printed --------------------------------------------------------------------------------------


INTRODUCTION = """\
Each answer takes {delay:.0f} ms longer. The lead-by-lead client asks for the account and the user
of each lead and writes its owner, one call after the other. It was run with {leads} leads
({calls} calls, {seconds:.1f} s); what it needs for other counts, marked *, is computed from that.
"""
HEAD = "{:>7} {:>7} {:>13} {:>7}  {:>8} {:>13} {:>7}"
LINE = "{:>7,} {:>7,} {:>12,}{mark} {:>6.1f}x  {:>8.1f} {:>12,.1f}{mark} {:>6.1f}x"


def show(runs: Sequence[Measured], naive: Measured, delay: float) -> None:
    print(
        INTRODUCTION.format(delay=delay * 1000, leads=naive.leads, calls=naive.calls, seconds=naive.seconds)
    )
    print(HEAD.format("leads", "calls", "lead by lead", "ratio", "seconds", "lead by lead", "ratio"))
    for one in runs:
        calls = naive_calls(one.leads)
        seconds = naive.seconds * calls / naive.calls
        ratios = calls / one.calls, seconds / one.seconds
        mark = " " if one.leads == naive.leads else "*"
        row = (one.leads, one.calls, calls, ratios[0], one.seconds, seconds, ratios[1])
        print(LINE.format(*row, mark=mark))
    print("\nCalls by kind, and the most that are right for so many leads (asserted):")
    for one in runs:
        most = bounds(made_up_leads(one.leads))
        kinds = "  ".join(f"{kind} {one.by_kind.get(kind, 0)}/{most[kind]}" for kind in most)
        print(f"{one.leads:>7,}  {kinds}")
    print("crm.requests of each run equals the sandbox's own count.")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, nargs="+", default=[100, 1_000, 10_000], metavar="N")
    parser.add_argument(
        "--naive", type=int, default=100, metavar="N", help="leads of the lead-by-lead client"
    )
    parser.add_argument("--delay", type=float, default=0.15, metavar="SECONDS", help="added to each answer")
    given = parser.parse_args(arguments)
    os.environ.pop("ALLOCATOR_NOW", None)
    with tempfile.TemporaryDirectory(prefix="allocator-calls-") as name:
        folder = Path(name)
        naive = measure_naive(folder / "naive", given.naive, given.delay)
        runs = [measure_run(folder / str(count), count, given.delay) for count in given.leads]
    show(runs, naive, given.delay)


if __name__ == "__main__":
    main()
