"""An org whose alerts go to a real SMTP server, with a clock that the test moves, and its mails as letters.

Every lead carries words that no mail may hold; so do the errors that the tests make the CRM give.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from faulty_org import FaultyOrg, company
from mailbox_server import Mailbox, Received
from workbooks import Sheets, build

from allocator.domain.alerts import KINDS
from allocator.entrypoints import cli

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
OPS, OPS2, ED, ED2 = "ops@example.com", "ops2@example.com", "ed@example.com", "ed2@example.com"
CANARY = "Zebulonsky"
CRM_TEXT = "Quetzalcoatlus says no"
PRIVATE = re.compile("zebulonsky|quixotix|quetzalcoatlus", re.I)
_LATER = itertools.count(1_000_000)
_SUBJECT = re.compile(
    r"\[allocator/(\S+)\] (FIRING|RESOLVED) (low|normal|high) (\w+): (.*) \[(INC-[0-9A-F]+)\]"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A received alert mail, taken apart."""

    to: str
    phase: str
    level: str
    kind: str
    headline: str
    incident: str
    mail: Received

    @property
    def said(self) -> tuple[str, str, str]:
        return self.phase, self.kind, self.to

    @property
    def text(self) -> str:
        return self.mail.text.replace("\r\n", "\n")

    @property
    def id(self) -> str:
        return str(self.mail.message["Message-ID"])

    @property
    def thread(self) -> str:
        """The id of the thread's first mail."""
        return str(self.mail.message["References"] or self.id)

    @property
    def todo(self) -> str:
        return " ".join(self._part("To do: "))

    @property
    def causes(self) -> list[str]:
        return re.findall(r"^  (\d+ x \w+)$", self.text, re.M)

    @property
    def leads(self) -> list[str]:
        return re.findall(r"^  (00Q\w{15})  http\S+$", self.text, re.M)

    def _part(self, label: str) -> Iterable[str]:
        lines = iter(self.text.splitlines())
        for line in lines:
            if line.startswith(label):
                yield line.removeprefix(label)
                for more in lines:
                    if not more.startswith("       "):
                        return
                    yield more.strip()


def letter(mail: Received) -> Letter:
    found = _SUBJECT.fullmatch(str(mail.message["Subject"]))
    assert found, mail.message["Subject"]
    _, phase, level, kind, headline, incident = found.groups()
    (to,) = mail.recipients
    return Letter(to, phase, level, kind, headline, incident, mail)


class AlertOrg(FaultyOrg):
    """`news()` are the mails since it was last asked. Time stands at START until the test moves it."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        leads: int | Sequence[dict[str, Any]] = 4,
        *,
        oncall: Collection[str] = (OPS,),
        editors: Collection[str] = (ED,),
        **sandbox: Any,
    ) -> None:
        self.post = Mailbox().start()
        self._people = [
            *(w for a in oncall for w in ("--oncall", a)),
            *(w for a in editors for w in ("--editor", a)),
        ]
        self._read = 0
        rows = [lead(n) for n in range(leads)] if isinstance(leads, int) else leads
        super().__init__(folder, monkeypatch, rows, **sandbox)
        self.at()

    def init(self, *more: str) -> None:
        super().init("--smtp", f"smtp://127.0.0.1:{self.post.port}", *self._people, *more)

    def close(self) -> None:
        super().close()
        self.post.stop()

    # time

    def at(self, hours: float = 0, minutes: float = 0) -> datetime:
        """It is so long after the START."""
        self.now = START + timedelta(hours=hours, minutes=minutes)
        self.monkeypatch.setenv("ALLOCATOR_NOW", self.now.isoformat())
        return self.now

    # the product

    def watch(self) -> dict[str, Any]:
        code, said = self("watch")
        assert code == 0, said
        return said

    def stderr(self, *words: str) -> str:
        """What a command says there."""
        err = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            cli._run([*words, "--config", str(self.config)])
        return err.getvalue()

    def printed(self, *words: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            cli._run([*words, "--config", str(self.config)])
        return out.getvalue()

    def save(self, sheets: Sheets) -> None:
        """Marketing saves the workbook."""
        self.book.write_bytes(build(sheets))

    # the mailbox

    def news(self) -> list[Letter]:
        new = self.post.received[self._read :]
        self._read += len(new)
        return [letter(mail) for mail in new]

    def letters(self, kind: str = "") -> list[Letter]:
        return [one for one in map(letter, self.post.received) if kind in ("", one.kind)]

    def said(self) -> list[tuple[str, str, str]]:
        """The news as (phase, kind, recipient)."""
        return [one.said for one in self.news()]

    def improper(self) -> list[str]:
        """What is wrong with the mails as such, whatever they are about."""
        return [f"{one.said}: {what}" for one in self.letters() for what in _improper(one)]


def _improper(one: Letter) -> Iterable[str]:
    head = "\n".join(f"{name}: {value}" for name, value in one.mail.message.items())
    if PRIVATE.search(head + one.text + one.mail.html + one.mail.raw.decode("ascii", "replace")):
        yield "a word of a lead or of the CRM"
    if one.kind not in KINDS or not one.mail.html.strip():
        yield "no kind, or no HTML"
    lines = one.text.splitlines()
    if len(lines) > 45 or max(map(len, lines)) > 100:
        yield "longer than a screen"
    if len(re.findall(r"^To do: \S", one.text, re.M)) != 1:
        yield "not one thing to do"
    if one.incident not in one.text or "Why you" not in one.text or f"{one.kind}.md" not in one.text:
        yield "incident, runbook or reason missing"


def one_thread(letters: Sequence[Letter]) -> bool:
    """One incident, one thread to each reader: the first has its id, all have ids of their own."""
    threads = {one.thread for one in letters}
    ids = [(one.to, one.id) for one in letters]
    return len(threads) == 1 == len({one.incident for one in letters}) and len(set(ids)) == len(ids)


def lead(number: int, country: str = "DE") -> dict[str, Any]:
    return {
        "Key": f"L-{number}", "Last Name": f"{CANARY} {number}", "First Name": CANARY, "Country": country,
        "Company": f"Quixotix {number}", "Email": f"{CANARY}{number}@quixotix{number}.example",
        "Phone": f"+49 555 {number}", "Website": f"https://quixotix{number}.example",
    }  # fmt: skip


def new(org: AlertOrg, country: str = "DE") -> dict[str, Any]:
    """A lead that comes in later, of a company that nobody knows."""
    named = lead(next(_LATER), country)
    return {
        "LastName": named["Last Name"], "Company": named["Company"], "Country": country,
        "Email": named["Email"], "OwnerId": org.queue,
    }  # fmt: skip


def only(*countries: str, hold: str = "") -> Sheets:
    """The company, with rules for these countries alone; with `hold`, leads of "IT" meet a row that holds."""
    sheets = company()
    head = sheets["Team"][0]
    rows = [["yes", 10 * n, f"T-{n}", code, "Enterprise", None] for n, code in enumerate(countries, start=1)]
    more = [["yes", 500, "T-99", "IT", None, hold]] if hold else []
    sheets["Team"] = [head, *rows, *more]
    return sheets


Alerted = Callable[..., AlertOrg]
"""Makes an org with as many leads as asked for, or with these rows."""
