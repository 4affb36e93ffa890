"""A little world that plays looks over virtual time, keeps the book as a store would, and every mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from allocator.domain import incidents
from allocator.domain.alerts import KINDS, Book, Changes, Finding, Incident, Mail, Policy, Silence

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MIA, ED, EVA = "mia@x.test", "ed@x.test", "eva@x.test"
POLICY = Policy(oncall=(MIA,), editors=(ED, EVA), sender="Allocator <a@x.test>")
Update = Callable[..., Changes]


def words(incident: Incident, phase: Any, reader: Any, last: bool) -> Any:
    """Says what the tests ask about."""
    content = {"count": incident.count, "last": last, "reader": str(reader), "level": str(incident.level)}
    return {"subject": f"{phase} {incident.finding.kind} [{incident.id}]", "content": content}


@dataclass
class World:
    """What a store would hold."""

    policy: Policy = POLICY
    now: datetime = MONDAY
    update: Update = incidents.update
    known: dict[str, Incident] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)

    def look(self, *findings: Finding, covers: Collection[str] = frozenset(KINDS)) -> list[Mail]:
        """One look; the mails that it wrote."""
        changes = self.update(
            self.book(), findings, covers=covers, policy=self.policy, write=words, now=self.now
        )
        for incident in changes.incidents:
            self.known[incident.id] = incident
        self.mails += changes.mails
        return list(changes.mails)

    def later(self, span: timedelta) -> World:
        self.now += span
        return self

    def book(self) -> Book:
        today = [m for m in self.mails if m.created.date() == self.now.date()]
        return Book(
            incidents=tuple(i for i in self.known.values() if i.resolved is None or i.told),
            silences=tuple(s for s in self.silences if s.until > self.now),
            mailed_today=Counter(m.recipient for m in today if not m.answer),
            answered_today=Counter(m.recipient for m in today if m.answer),
            last_number=len(self.known),
        )

    def ack(self, until: datetime) -> None:
        for incident in self.open():
            self.known[incident.id] = replace(incident, acked_until=until, acked_by="mia")

    def open(self) -> list[Incident]:
        return [i for i in self.known.values() if i.resolved is None]


def said(mails: Sequence[Mail]) -> list[tuple[str, str]]:
    """Who was told what, in order of address."""
    return sorted((mail.recipient, mail.phase) for mail in mails)


def held(count: int = 12, reason: str = "no_skill", **more: Any) -> Finding:
    return Finding(kind="leads_held", key=reason, count=count, total=500, **more)


def refused(edition: str, count: int = 1, **more: Any) -> Finding:
    return Finding(kind="tables_refused", edition=edition, count=count, **more)


FIRING, RESOLVED = "FIRING", "RESOLVED"
