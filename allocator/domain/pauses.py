"""Pauses: a person, a team or the whole service stands still, at once and without the workbook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Paused(StrEnum):
    """What can be paused."""

    PERSON = "person"
    TEAM = "team"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Pause:
    """`name` is a Person ID or a team's name, empty for the service; `until` None: until somebody resumes."""

    kind: Paused
    name: str
    since: datetime
    until: datetime | None = None
    by: str = ""
    reason: str = ""

    @property
    def key(self) -> tuple[Paused, str]:
        """There is one pause for each of these; a later one replaces it."""
        return (self.kind, self.name)

    @property
    def who(self) -> str:
        """ "team Enterprise", "person ana", "the service"."""
        return "the service" if self.kind is Paused.SERVICE else f"{self.kind} {self.name}"

    @property
    def said(self) -> str:
        """ "team Enterprise is paused until 2026-03-02 11:00 UTC by olga: inventory"."""
        by = f" by {self.by}" if self.by else ""
        return f"{self.who} is paused {span(self.until)}{by}: {self.reason}"

    @property
    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": str(self.kind),
            "name": self.name,
            "since": self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "by": self.by,
            "reason": self.reason,
        }


def span(until: datetime | None) -> str:
    """ "until 2026-03-02 11:00 UTC", or "until it is resumed"."""
    return f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is resumed"


def in_force(pauses: Iterable[Pause], now: datetime) -> tuple[Pause, ...]:
    """Those that have not ended; at its end a pause is over. The service's first, then teams, then people."""
    order = (Paused.SERVICE, Paused.TEAM, Paused.PERSON)
    alive = (p for p in pauses if p.until is None or now < p.until)
    return tuple(sorted(alive, key=lambda p: (order.index(p.kind), p.name)))


def people_of(pauses: Iterable[Pause]) -> Mapping[str, Pause]:
    """Person ID -> their pause."""
    return {p.name: p for p in pauses if p.kind is Paused.PERSON}


def out_until(pauses: Iterable[Pause]) -> Mapping[str, datetime | None]:
    """Person ID -> until when they are out, as `rules.eligibility.eligible` takes it."""
    return {person: pause.until for person, pause in people_of(pauses).items()}


def teams_of(pauses: Iterable[Pause]) -> Mapping[str, Pause]:
    """Team -> its pause."""
    return {p.name: p for p in pauses if p.kind is Paused.TEAM}


def service_of(pauses: Iterable[Pause]) -> Pause | None:
    return next((p for p in pauses if p.kind is Paused.SERVICE), None)
