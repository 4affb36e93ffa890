"""The harness of the end-to-end tests, made quick: three salespeople, few leads, waits that only remember.

Nothing of the product is replaced but its patience: timeouts and pauses are given at the place where
`bootstrap` builds the CRM.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import checker
import pytest
import requests
import sqlalchemy as sa
from org import Org, balanced, leads_csv
from workbooks import Sheets, build, small

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings
from allocator.adapters.store.tables import lease
from allocator.bootstrap import store_of
from allocator.config import load_settings
from allocator.domain.lead import State
from allocator.domain.records import LeadRow
from allocator.sandbox.salesforce.org import INTEGRATION_USER
from allocator.sandbox.server import Cut
from allocator.sandbox.wire import Request, Response

LOGIN = r"oauth2/token"
PULL = r"FROM Lead WHERE IsConverted = false AND OwnerId IN"
USERS = r"IsActive FROM User"
MEMBERS = r"FROM CampaignMember"
WRITE = r"PATCH .*sobjects/Lead/"
READ = r"queryAll"
PEOPLE = r"composite .*FROM Contact"
INTAKE = r"FROM QueueSobject"
DESCRIBE = r"Lead/describe"

Change = Callable[[Request, Callable[[], Response]], Response]


class FaultyOrg(Org):
    """An org of its own with a small workbook, faults of any kind, and what became of each lead."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        leads: int | Sequence[dict[str, Any]] = 4,
        **sandbox: Any,
    ) -> None:
        rows = list(map(row, range(leads))) if isinstance(leads, int) else leads
        super().__init__(folder, leads=leads_csv(folder / "leads.csv", rows), **sandbox)
        self.monkeypatch = monkeypatch
        self.waits: list[float] = []
        self.patience(60.0)
        self.book = folder / "routing_tables.xlsx"
        self.book.write_bytes(company_book())
        self.ca_file = folder / "ca.pem"
        ca: tuple[str, ...] = ()
        if self.info["ca_file"]:
            self.ca_file.write_bytes(Path(self.info["ca_file"]).read_bytes())
            ca = ("--ca-file", str(self.ca_file))
        self.init("--workbook", str(self.book), *ca)
        self.leads = [lead["Id"] for lead in self.records("Lead")]
        self._twists: list[list[Any]] = []
        self._listen()

    def patience(self, seconds: float) -> None:
        """How long an answer may take; the product waits 30 and 120 seconds."""

        def quick(settings: SalesforceSettings, *, fact_paths: Sequence[str], sleep: object) -> SalesforceCRM:
            """Waits are noted, not slept."""
            timeouts = Timeouts(5.0, seconds, seconds)
            return SalesforceCRM(settings, fact_paths=fact_paths, sleep=self.waits.append, timeouts=timeouts)

        self.monkeypatch.setattr("allocator.adapters.crm.salesforce.SalesforceCRM", quick)

    # what happens on the wire beyond the sandbox's own faults

    def twist(self, pattern: str, change: Change, *, times: int = 1, nth: int = 1) -> None:
        """Requests that match meet `change(request, work)`, whose answer goes out; `times` 0: all of them."""
        self._twists.append([re.compile(pattern, re.S), change, times, nth, 0])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        verify = self.info["ca_file"] or True
        url = f"{self.info['url']}/_sandbox/{path}"
        answer = requests.request(method, url, json=body, timeout=60, verify=verify)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def straight(self) -> None:
        """No faults any more."""
        self._twists.clear()
        self.control("DELETE", "faults")

    def _listen(self) -> None:
        server = self.sandbox._server
        assert server is not None
        real = server.answer

        def answer(request: Request) -> Response:
            if request.raw_path.startswith("/_sandbox"):
                return real(request)
            for twist in self._twists:
                pattern, change, times, nth, seen = twist
                if pattern.search(said(request)):
                    twist[4] = seen + 1
                    if seen + 1 >= nth and (not times or seen + 1 < nth + times):
                        return change(request, lambda: real(request))
            return real(request)

        server.answer = answer

    def down(self) -> None:
        """Nobody listens on the org's port any more."""
        self.sandbox.stop()

    def up(self) -> None:
        """The org is back, at the same place and with the same records."""
        self.sandbox = replace_sandbox(self)
        self._listen()

    # the product

    def run(self, code: int = 0, **counts: int) -> dict[str, Any]:
        """A run that ends with this exit code; the counts add up, and those named are as given."""
        found, made = self("run")
        assert found == code, made
        if "leads" in made:
            assert balanced(made["leads"])
            assert {name: made["leads"][name] for name in counts} == counts
        else:
            assert not counts, made
        return made

    def heals(self, **counts: int) -> dict[str, Any]:
        """The next run, without faults, brings every lead home; each was written by us exactly once."""
        self.straight()
        made = self.run(0, **counts)
        self.all_given()
        return made

    def all_given(self) -> None:
        rows, owners = self.rows(), self.owners()
        assert set(rows) == set(self.leads)
        for lead, found in rows.items():
            assert (found.state, found.owner) == (State.CONFIRMED, owners[lead])
            assert len(self.commits(lead)) == 1

    @contextmanager
    def store(self) -> Any:
        store: Any = store_of(load_settings(self.config))
        try:
            yield store
        finally:
            store.close()

    def rows(self) -> dict[str, LeadRow]:
        """Every lead as the store knows it, by its id in the CRM."""
        with self.store() as store:
            return {found.key.source_id: found for found in store.leads()}

    def violations(self) -> list[str]:
        """What the checker of all histories has to say about this one."""
        settings = load_settings(self.config)
        store = settings.store.replace("sqlite:///", f"sqlite:///{self.config.parent}/")
        found = checker.check(
            store, self.requests(), self.records("Lead"), intake=[self.queue], settled=False
        )
        return [f"{one.invariant}: {one.message}" for one in found]

    def state(self, lead: str) -> tuple[str, str | None]:
        found = self.rows()[lead]
        return str(found.state), found.reason

    def refunded(self, lead: str) -> bool:
        _, why = self("explain", lead)
        return bool(why["given_back"])

    def error(self, code: int) -> str:
        found, said = self("run")
        assert found == code, said
        return str(said["error"]["message"]) if "error" in said else ""

    def crashed(self) -> None:
        """As if the time of a lease had passed that nobody could give back."""
        expired = sa.update(lease).values(expires=datetime(2001, 1, 1, tzinfo=UTC))
        with self.store() as store:
            store.database.write(lambda connection: connection.execute(expired) and None)

    @property
    def database(self) -> Path:
        return self.config.parent / "allocator.db"

    def configure(self, before: str, after: str) -> None:
        text = self.config.read_text()
        assert before in text
        self.config.write_text(text.replace(before, after))

    # what was sent, and what the CRM did

    def sent(self, lead: str) -> list[dict[str, Any]]:
        """Every write of this lead that reached the CRM, in order."""
        subs = [sub for request in self.requests() for sub in request.get("sub") or ()]
        return [sub for sub in subs if sub["method"] == "PATCH" and lead in sub["url"]]

    def commits(self, lead: str) -> list[dict[str, Any]]:
        """Owners that we gave this lead."""
        return [
            entry for entry in self.control("GET", "history")
            if entry["id"] == lead and entry["request"] and entry["by"] == INTEGRATION_USER
            and "OwnerId" in entry["changes"]
        ]  # fmt: skip

    def asked(self, pattern: str) -> list[dict[str, Any]]:
        return [request for request in self.requests() if re.search(pattern, line_of(request), re.S)]

    def user(self, name: str) -> str:
        return str(next(user["Id"] for user in self.records("User") if user["Name"] == name))


def row(number: int) -> dict[str, Any]:
    return {
        "Key": f"L-{number}", "Last Name": f"Lead {number}", "Company": f"Acme {number}", "Country": "DE",
        "Email": f"lead{number}@acme{number}.example",
    }  # fmt: skip


@cache
def company_book() -> bytes:
    """The same bytes for every org: what is read once is known."""
    return build(company())


def company() -> Sheets:
    """Team Enterprise with Ana, Ben and Chi; every lead is theirs."""
    sheets = small()
    sheets["Layers"] = [sheets["Layers"][0], [10, "Team", "Team", "hold"]]
    del sheets["Country"], sheets["Owner overrides"], sheets["Facts"], sheets["Values"], sheets["Groups"]
    sheets["Team"] = [
        ["Active", "Order", "Rule ID", "If country", "Then Team", "Then Hold"],
        ["yes", 10, "T-1", "*", "Enterprise", None],
    ]
    sheets["Absences"] = sheets["Absences"][:1]
    sheets["Salespeople"][3][6] = None
    return sheets


def said(request: Request) -> str:
    """Method, path and query in plain text; of a composite its sub-requests too."""
    from urllib.parse import unquote_plus

    return f"{request.method} {unquote_plus(request.target)} {_parts(request)}"


def _parts(request: Request) -> str:
    from urllib.parse import unquote_plus

    if "/composite" not in request.raw_path:
        return ""
    parts = request.json()["compositeRequest"]
    return " ".join(f"{part['method']} {unquote_plus(part['url'])}" for part in parts)


def line_of(entry: dict[str, Any]) -> str:
    """The same of an entry of the request log."""
    from urllib.parse import unquote_plus

    subs = " ".join(f"{sub['method']} {unquote_plus(sub['url'])}" for sub in entry.get("sub") or ())
    return f"{entry['method']} {unquote_plus(entry['path'])} {subs}"


def replace_sandbox(org: FaultyOrg) -> Any:
    from allocator.sandbox.app import Sandbox

    port = int(org.info["url"].rpartition(":")[2])
    return Sandbox(port=port, tls=bool(org.info["ca_file"]), state_dir=org.folder / "sandbox").start()


# ways to answer, for `twist`


def body(change: Callable[[Any], Any]) -> Change:
    """The answer with its JSON changed."""
    return lambda request, work: (lambda done: replace(done, body=change(done.body)))(work())


def instead(status: int, content: Any, **headers: str) -> Change:
    """Another answer; nothing is done."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, work: Response(status, content, headers=named)


def cut(*, reset: bool = False, after: bool = False) -> Change:
    """The connection ends before or after the work."""

    def change(request: Request, work: Callable[[], Response]) -> Response:
        if after:
            work()
        raise Cut(reset=reset)

    return change


def meanwhile(act: Callable[[], Any]) -> Change:
    """Somebody does something just before this request is served."""

    def change(request: Request, work: Callable[[], Response]) -> Response:
        act()
        return work()

    return change


def afterwards(act: Callable[[], Any]) -> Change:
    """Somebody does something just after this request is done, before its answer arrives."""

    def change(request: Request, work: Callable[[], Response]) -> Response:
        done = work()
        act()
        return done

    return change


Make = Callable[..., FaultyOrg]
"""Makes an org with as many leads as asked for, or with these rows."""
