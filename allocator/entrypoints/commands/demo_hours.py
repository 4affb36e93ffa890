"""The demo's later hours: a CRM user goes inactive, somebody is mailed, and again when it is over."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from allocator import bootstrap
from allocator.adapters.clock import FixedClock
from allocator.config import Settings
from allocator.entrypoints import console
from allocator.entrypoints.commands.run import split_table
from allocator.entrypoints.console import plain
from allocator.ports import Progress, Tables
from allocator.sandbox.app import Sandbox
from allocator.sandbox.mailbox import Mailbox
from allocator.service.run import Outcome, run
from rules.model import RoutingTables

NEW_LEADS = 36
INTAKE = "00G"
"""What the ids of queues begin with: leads of an owner like that are still in intake."""
_NEW = ("Id", "Name", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsConverted", "ConvertedDate")


def run_at(
    settings: Settings,
    now: datetime,
    *,
    progress: Progress = lambda stage, done, total: None,
    tables: Tables | None = None,
) -> Outcome:
    """One run at that instant, and its mails. With `tables`, a workbook that was read is not read again."""
    clock = FixedClock(now)
    job = bootstrap.job(settings, clock=clock, progress=progress, tables=tables)
    try:
        outcome = run(job, by="demo")
        bootstrap.send_mails(settings, job.store, clock)
        return outcome
    finally:
        job.store.close()


class LaterHours:
    """Plays two more hours after the first one, in which `first` shared out the leads."""

    def __init__(
        self, settings: Settings, sandbox: Sandbox, mailbox: Mailbox, tables: RoutingTables, first: Outcome
    ) -> None:
        self._settings, self._sandbox, self._mailbox, self._tables = settings, sandbox, mailbox, tables
        given = Counter[str]()
        for people in first.summary["teams"].values():
            given.update({person: n for person, n in people.items() if person in tables.people_by_id})
        self.person = given.most_common(1)[0][0] if given else ""
        self.outcomes: list[Outcome] = []

    def play(self, now: datetime) -> None:
        """The second hour without that person, the third one with them again."""
        if not self.person:
            return
        user = self._tables.people_by_id[self.person][0].crm_user_id
        self._put("User", [{"Id": user, "IsActive": False}])
        self._put("Lead", self._new_leads())
        self.outcomes.append(run_at(self._settings, now + timedelta(hours=1)))
        self._put("User", [{"Id": user, "IsActive": True}])
        self.outcomes.append(run_at(self._settings, now + timedelta(hours=2)))

    def as_object(self) -> dict[str, Any]:
        """The later runs, and every mail of all three hours."""
        mails = [{"to": str(m["To"]), "subject": str(m["Subject"])} for m in self._mailbox.mails]
        return {"later": [one.summary for one in self.outcomes], "mails": mails}

    def mails(self) -> Sequence[EmailMessage]:
        """What was mailed about that person: that they cannot be given leads, and that they can again."""
        return [m for m in self._mailbox.mails if "person_unusable" in str(m["Subject"])]

    def show(self) -> None:
        """The second hour, and the mails."""
        if not self.outcomes:
            return
        name = plain(self._tables.people_by_id[self.person][0].name)
        counts = self.outcomes[0].summary["leads"]
        console.out.print(
            f"\n[bold]One hour later[/]: the CRM user of {name} is inactive. {counts['pulled']} new leads, "
            f"{counts['assigned']} assigned, none to {name}\n"
        )
        names = {i: rows[0].name for i, rows in self._tables.people_by_id.items()}
        console.out.print(split_table(self.outcomes[0].summary["teams"], names))
        for mail in self.mails():
            _show_mail(mail)

    def _new_leads(self) -> list[Mapping[str, Any]]:
        """Leads like those of the first hour, by people who were not seen yet."""
        queue = next(iter(self._sandbox.info()["queues"].values()))
        known = [row for row in self._get("Lead") if not str(row["OwnerId"]).startswith(INTAKE)]
        return [_like(row, queue, f"new{n}") for n, row in enumerate(known[:NEW_LEADS])]

    def _get(self, name: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self._sandbox.url}/_sandbox/records/{name}", timeout=30) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())
        return found

    def _put(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        request = urllib.request.Request(
            f"{self._sandbox.url}/_sandbox/records/{name}",
            data=json.dumps(rows).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=30):
            return


def _like(row: Mapping[str, Any], queue: str, name: str) -> Mapping[str, Any]:
    """A new Lead that differs in its e-mail address only."""
    domain = str(row.get("Email") or "").rpartition("@")[2] or "example.com"
    same = {field: value for field, value in row.items() if field not in _NEW}
    return {**same, "OwnerId": queue, "Email": f"{name}@{domain}"}


def _show_mail(mail: EmailMessage) -> None:
    body = mail.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    console.out.print(f"\n[bold]Mail to {plain(mail['To'])}[/]  {plain(mail['Subject'])}\n")
    for line in text.splitlines():
        console.out.print(f"  │ {line}", markup=False, soft_wrap=True)
