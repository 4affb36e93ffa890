"""What `doctor` looks at: the configured parts, each got at most once, its failure remembered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from allocator.domain.facts import FactFields
from allocator.domain.sync.values import FieldInfo
from allocator.errors import AllocatorError
from allocator.ports import CRM, Clock, LeadSource, Mailer, Store
from rules.errors import RulesError
from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.check import Checked

T = TypeVar("T")

OTHER, WORKBOOK, UNREACHABLE, CONFIGURATION = 1, 3, 5, 7
"""Exit codes of a failing check (docs/reference/command-line.md)."""


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one check found: `message` says what is, `fix` what to do, `code` is an error's exit code."""

    id: str = ""
    status: Status = Status.OK
    message: str
    fix: str = ""
    code: int = 0


class Org(CRM, Protocol):
    """A CRM that also tells about itself."""

    def lacking_fields(self) -> Collection[str]:
        """Configured paths that the CRM lacks or hides; it is asked about all of them."""

    def used_today(self) -> tuple[int, int] | None:
        """Requests of the last 24 hours and how many are allowed; None when it did not tell."""


class MailServer(Mailer, Protocol):
    """A mailer that can be tried without a mail."""

    def check(self) -> None:
        """Connect, secure and log in. Raises MailError."""


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """A store that can be read and written. `now`: its clock, None where it is this machine's."""

    name: str
    version: str
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mailing:
    """Who is told, and through what; no `server` where none is configured."""

    server: Callable[[], MailServer] | None = None
    address: str = ""
    """The server as HOST:PORT."""
    sender: str = ""
    oncall: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Fields by fact: all of them, and those that the configuration names itself."""

    fields: FactFields = field(default_factory=dict)
    own: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Systems:
    """The marketing systems; no `hubspot` and no `folder` where none is configured."""

    hubspot: Callable[[], LeadSource] | None = None
    owned: Callable[[], int] = lambda: 0
    """How many of its contacts are in no intake only because `owner_field` says that somebody owns them."""
    owner_field: str = ""
    address: str = ""
    intake_field: str = ""
    intake: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """The properties that are written back to; `flag` is the one that is yes or no."""
    flag: str = ""
    folder: Path | None = None
    unusable: Callable[[Path], str] = lambda folder: ""
    """Why a folder cannot be read and written; empty when it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The installation, wired by `bootstrap`. Nothing is opened or asked before a check needs it."""

    config: Path
    environment: str
    live: bool
    workbook: Path
    secret_files: tuple[Path, ...]
    folders: tuple[Path, ...]
    """Where the workbook and a store of one file are."""
    mode_of: Callable[[Path], int | None]
    """A file's permission bits; None for one that is not there."""
    free_bytes: Callable[[Path], int]
    refuse_clash: Callable[[], None]
    check_workbook: Callable[[], Checked]
    probe_store: Callable[[], StoreHealth]
    open_store: Callable[[], Store]
    crm: Callable[[], Org]
    crm_url: str
    usage_limit: float
    facts: Facts
    sources: tuple[str, ...] = ()
    """Marketing systems that leads come from."""
    mailing: Mailing
    systems: Systems = field(default_factory=Systems)
    machine: Clock
    """This machine's own clock."""
    clock: Clock
    """What the product takes for now; `fixed` when that is one instant for ever."""
    fixed: bool = False
    host: str = ""
    program: str = ""


class NotChecked(Exception):
    """Another check failed that this one depends on."""


class Part(Generic[T]):
    """One part of the installation: got once, and a failure is remembered too."""

    def __init__(self, check: str, get: Callable[[], T]) -> None:
        self._check, self._get = check, get
        self._value: list[T] = []
        self._error: Exception | None = None

    def own(self) -> T:
        """For the check that is about this part: raises what went wrong."""
        if self._error is None and not self._value:
            try:
                self._value.append(self._get())
            except (AllocatorError, RulesError, NotChecked) as error:
                self._error = error
        if self._error is not None:
            raise self._error
        return self._value[0]

    def need(self) -> T:
        """For the others: NotChecked, naming the check that says why."""
        try:
            return self.own()
        except (AllocatorError, RulesError):
            raise NotChecked(f"see {self._check}") from None

    def or_none(self) -> T | None:
        try:
            return self.own()
        except (AllocatorError, RulesError, NotChecked):
            return None

    @property
    def got(self) -> T | None:
        """The part, if anything needed it and it could be had."""
        return self._value[0] if self._value else None


@dataclass(frozen=True, slots=True)
class Visit:
    """A CRM that we are logged in to, and how far its clock was from this machine's just then."""

    org: Org
    ahead: float


class Patient:
    """A subject while it is looked at. `send`: mail everybody once."""

    def __init__(self, subject: Subject, *, send: bool = False) -> None:
        self.subject, self.send = subject, send
        self.checked = Part("workbook", subject.check_workbook)
        self.health = Part("store", self._health)
        self.store = Part("store", self._store)
        self.crm = Part("crm_login", self._visit)
        self.hubspot = Part("hubspot_token", self._hubspot)
        self.intake = Part("intake_owners", lambda: self.crm.need().org.intake_ids())
        self.tables = Part("workbook", self._tables)
        self.now = subject.clock.now()

    def close(self) -> None:
        if self.store.got is not None:
            self.store.got.close()

    def _health(self) -> tuple[StoreHealth, float]:
        """With how many seconds the store's clock is ahead of this machine's."""
        found = self.subject.probe_store()
        return found, (found.now - self.subject.machine.now()).total_seconds() if found.now else 0.0

    def _store(self) -> Store:
        self.health.own()  # opening would make one where there is none
        return self.subject.open_store()

    def _visit(self) -> Visit:
        org = self.subject.crm()
        theirs = org.now()
        return Visit(org, (theirs - self.subject.machine.now()).total_seconds())

    def _hubspot(self) -> Mapping[str, FieldInfo]:
        """The contacts' properties: whoever may read them has a good token."""
        if self.subject.systems.hubspot is None:
            raise NotChecked("no HubSpot account is configured")
        return self.subject.systems.hubspot().fields()

    def _tables(self) -> RoutingTables:
        """The workbook's tables; where it is refused, those of the last good version."""
        checked = self.checked.own()
        if checked.tables is not None:
            return checked.tables
        store = self.store.or_none()
        last = store.tables() if store else None
        if last is None:
            raise NotChecked("see workbook")
        return load_bytes(last.content, name=self.subject.workbook.name)
