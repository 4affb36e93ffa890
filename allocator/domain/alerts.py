"""Alerts: what is wrong now becomes incidents, and incidents become mails. Pure: the book in, changes out.

An incident is one kind and key that stays wrong; it has one id and one mail thread while it is open. Who is
told what, and how often, is decided here and nowhere else (docs/reference/alerts.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from allocator.domain.lead import Reason

MAILS_A_DAY = 12
"""Alert mails to one address; the last one says that it is the last."""
ANSWERS_A_DAY = 60
"""Answers to saved workbooks to one address: a program that saves every minute must not fill a mailbox."""
LEADS_SHOWN = 10
UNDELIVERED_AFTER = timedelta(minutes=15)
HIGH_SHARE = 0.2
"""A run that holds more than this share of its leads makes `leads_held` high."""


class Reader(StrEnum):
    ONCALL = "oncall"
    EDITORS = "editors"


class Level(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Phase(StrEnum):
    FIRING = "FIRING"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alert: who reads it and when it is over.

    `quiet`: over only when it was not seen for so long; 0: over as soon as a look finds it gone.
    `every`: the least time between two mails, instead of the setting repeat_hours.
    `adds_up`: a finding's count is what is new since the last look, not what there is.
    """

    name: str
    reader: Reader
    level: Level
    resolved_when: str
    quiet: timedelta = timedelta(0)
    every: timedelta | None = None
    adds_up: bool = False


DAY = timedelta(hours=24)
_ALL = (
    Kind("run_failed", Reader.ONCALL, Level.HIGH, "a run succeeds", adds_up=True),
    Kind("crm_refused", Reader.ONCALL, Level.HIGH, "the CRM answers again", adds_up=True),
    Kind(
        "source_unreachable", Reader.ONCALL, Level.HIGH, "the marketing system answers again",
        adds_up=True,
    ),
    Kind("run_missed", Reader.ONCALL, Level.HIGH, "a run succeeds"),
    Kind("tables_refused", Reader.EDITORS, Level.NORMAL, "a version of the workbook is accepted"),
    Kind("leads_held", Reader.EDITORS, Level.NORMAL, "no lead is held for that reason"),
    Kind(
        "fallback_used", Reader.EDITORS, Level.LOW, "no lead went to a fallback for 24 hours",
        quiet=DAY, every=DAY, adds_up=True,
    ),
    Kind("person_unusable", Reader.EDITORS, Level.NORMAL, "the salesperson can be given leads again"),
    Kind(
        "owner_contested", Reader.ONCALL, Level.NORMAL, "no owner was contested for 24 hours",
        quiet=DAY, adds_up=True,
    ),
    Kind("alerts_undelivered", Reader.ONCALL, Level.HIGH, "no alert waits for longer than 15 minutes"),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}

EDITORS_REASONS = frozenset(
    {Reason.NO_RULE, Reason.RULE_HOLD, Reason.UNMAPPED_VALUE, Reason.NOBODY_AVAILABLE, Reason.INCOMPLETE}
)
"""Held reasons that the workbook or the marketing record mends; on-call reads of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong now: `count` of it, out of `total` (0: not a share of anything).

    `key` tells incidents of one kind apart: a held reason, a Person ID, a system. `causes` are codes with
    their counts, never a text from outside. `details` are lines for editors about their own workbook.
    """

    kind: str
    key: str = ""
    count: int = 1
    total: int = 0
    level: Level | None = None
    readers: frozenset[Reader] = frozenset()
    causes: tuple[tuple[str, int], ...] = ()
    leads: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    edition: str = ""
    """Names what was found where a new one must be answered at once, such as a saved file's sha256."""

    @property
    def place(self) -> tuple[str, str]:
        return self.kind, self.key


def reader_of_reason(reason: str) -> Reader:
    return Reader.EDITORS if reason in EDITORS_REASONS else Reader.ONCALL


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when it was seen: what a mail says about the run and the machine."""

    host: str
    program: str
    """The program's version."""
    run: int | None = None
    tables_version: str = ""
    saved_by: str = ""
    last_done: datetime | None = None
    """When a run last did its hour."""
    next_run: datetime | None = None
    lead_url: str = ""
    """What the bare id of one of the CRM's leads is appended to."""
    crm: str = "salesforce"
    """What the keys of those leads begin with."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one address knows of an incident: when it was last told, of how many, in how many mails."""

    at: datetime
    count: int
    mails: int = 1
    edition: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One kind and key while it is wrong, and until everybody who was told knows that it is over."""

    id: str
    finding: Finding
    opened: datetime
    seen: datetime
    count: int
    resolved: datetime | None = None
    told: Mapping[str, Told] = field(default_factory=dict)
    acked_until: datetime | None = None
    acked_by: str = ""

    @property
    def kind(self) -> Kind:
        return KINDS[self.finding.kind]

    @property
    def level(self) -> Level:
        return self.finding.level or self.kind.level

    @property
    def readers(self) -> frozenset[Reader]:
        return self.finding.readers or frozenset({self.kind.reader})


@dataclass(frozen=True, slots=True)
class Silence:
    """No mail for this kind (and key, where one is given) until then."""

    kind: str
    key: str
    until: datetime
    by: str = ""
    reason: str = ""

    def covers(self, place: tuple[str, str], now: datetime) -> bool:
        return self.until > now and self.kind == place[0] and self.key in ("", place[1])


@dataclass(frozen=True, slots=True)
class Book:
    """All that deciding about alerts needs to know of the past.

    `incidents` are those that are open, or over with somebody still to be told. `mailed_today` counts the
    alert mails of this UTC day by address, `answered_today` the answers to saved workbooks.
    """

    incidents: tuple[Incident, ...] = ()
    silences: tuple[Silence, ...] = ()
    mailed_today: Mapping[str, int] = field(default_factory=dict)
    answered_today: Mapping[str, int] = field(default_factory=dict)
    last_number: int = 0
    """How many incidents there ever were."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is told, and how often at most."""

    environment: str = "prod"
    oncall: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    repeat: timedelta = timedelta(hours=4)
    runbook_url: str = ""
    sender: str = ""
    """The From address; its domain also names the threads."""
    mails: bool = True
    """False where no mail server is configured: incidents are kept, nobody is mailed."""

    def addresses(self, readers: Collection[Reader]) -> tuple[tuple[str, Reader], ...]:
        """Each address once, with what it is told as. With no editors on-call reads for them, and back."""
        found: dict[str, Reader] = {}
        for reader in sorted(readers):
            own, other = (
                (self.editors, self.oncall) if reader is Reader.EDITORS else (self.oncall, self.editors)
            )
            for address in own or other:
                found.setdefault(address, reader)
        return tuple(found.items())


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient. `content` is plain JSON: what the templates show, no text of a lead in it.

    `message_id` and `thread` are without angle brackets; equal ids mean the same mail sent again.
    """

    message_id: str
    thread: str
    recipient: str
    kind: str
    incident: str
    phase: str
    subject: str
    content: Mapping[str, Any]
    created: datetime
    answer: bool = False
    """Whether it answers a saved workbook; those do not count towards the day's twelve alerts."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What came of a look: incidents as they stand now, and the mails to send."""

    incidents: tuple[Incident, ...] = ()
    mails: tuple[Mail, ...] = ()


RETRY_MINUTES = (1, 5, 15, 30)
"""After the first, second, third and each later try."""
CLAIMED_FOR = timedelta(minutes=5)
"""How long a claimed mail is nobody else's, when its sender never says what became of it."""
GIVE_UP_AFTER = timedelta(days=7)


def retry_at(now: datetime, attempts: int) -> datetime:
    """When a mail that was just tried for the n-th time is tried next."""
    return now + timedelta(minutes=RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1])


def claimed_until(now: datetime, attempts: int) -> datetime:
    """When a mail that is being tried for the n-th time is due again, if nobody settles it."""
    return max(now + CLAIMED_FOR, retry_at(now, attempts))


Think = Callable[[Book], Changes]
"""What a store runs inside its transaction: reads the book as it stands there, returns what to write."""

Write = Callable[[Incident, Phase, Reader, bool], Mapping[str, Any]]
"""Subject and content of a mail: (incident, phase, told as, whether it is the day's last)."""
