"""A marketer's desk: a workbook that is saved, a mailbox, and the service's loop on a clock that moves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mailbox_server import Mailbox, Received
from org import Org
from workbooks import ANA, BEN, CHI, changed

from allocator import bootstrap
from allocator.config import load_settings
from allocator.service.run import Outcome
from allocator.service.run import run as run_once
from allocator.service.workbook import Workbook

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
ONCALL, EDITOR = "ops@example.com", "marketing@example.com"


@dataclass
class MovedClock:
    """The time, as far as the program knows."""

    at: datetime = MONDAY

    def now(self) -> datetime:
        return self.at

    def wait(self, **span: float) -> None:
        self.at += timedelta(**span)


class Desk:
    """One configured folder. `save` and `looks` are what people and the service do; they give new mails."""

    def __init__(self, org: Org, mailbox: Mailbox, *, first: bytes) -> None:
        self.org, self.mailbox, self.first = org, mailbox, first
        self.settings = load_settings(org.config)
        self.path = self.settings.workbook
        self.draft = self.path.with_name(f"{self.path.stem}.draft.xlsx")
        self.store = bootstrap.store_of(self.settings)
        self.clock = MovedClock()
        self._read = 0
        self.put(first)
        self.loop = self.start()

    def close(self) -> None:
        self.store.close()

    def start(self, **other: Any) -> Workbook:
        """The loop of a service that has just been started."""
        loop = bootstrap.workbook_loop(self.settings, self.store, self.clock)
        for name, value in other.items():
            setattr(loop, name, value)
        loop.tables._sleep = lambda seconds: self.clock.wait(seconds=seconds)  # type: ignore[attr-defined]
        return loop

    def save(self, cells: Mapping[str, object] | None = None, *, path: Path | None = None) -> bytes:
        """Save the small workbook with these cells changed."""
        content = changed(cells or {})
        self.put(content, path=path)
        return content

    def put(self, content: bytes, *, path: Path | None = None) -> None:
        (path or self.path).write_bytes(content)
        self.stamp(path or self.path)

    def stamp(self, path: Path) -> None:
        """The file was saved now, by the clock of the test; never at the same instant twice."""
        self.clock.wait(seconds=1)
        os.utime(path, (self.clock.at.timestamp(), self.clock.at.timestamp()))

    def looks(self, times: int = 2, *, loop: Workbook | None = None) -> list[Received]:
        """So many looks of the service, then its mails are sent. Returns the new ones."""
        for _ in range(times):
            self.clock.wait(seconds=20)
            (loop or self.loop).look()
        return self.post()

    def post(self) -> list[Received]:
        bootstrap.send_mails(self.settings, self.store, self.clock)
        new, self._read = self.mailbox.received[self._read :], len(self.mailbox.received)
        return new

    def run(self) -> Outcome:
        """The hour's run, which accepts what is good. Its mails are sent."""
        return run_once(bootstrap.job(self.settings, clock=self.clock, store=self.store), by="serve")

    def open_incidents(self) -> list[str]:
        return [i.id for i in self.store.incidents() if i.resolved is None]


def set_up(org: Org, mailbox: Mailbox) -> None:
    """Configure the folder, with the users of the small workbook in the CRM."""
    org.init("--smtp", f"smtp://127.0.0.1:{mailbox.port}", "--oncall", ONCALL, "--editor", EDITOR)
    org.put("User", *({"Id": i, "Name": f"U {i}", "IsActive": True} for i in (ANA, BEN, CHI)))


def subjects(mails: list[Received]) -> list[str]:
    return [str(mail.message["Subject"]) for mail in mails]


def recipients(mails: list[Received]) -> list[str]:
    return [address for mail in mails for address in mail.recipients]
