"""The values that the ports hand over and are handed: rows of the store, versions of the workbook, usage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allocator.domain.alerts import Mail
from allocator.domain.lead import Effect, LeadKey, Record, State
from allocator.domain.versions import How, Moves, Rows, Standing
from rules.errors import Problem
from rules.model import RoutingTables

# --- CRM ---


@dataclass(slots=True)
class CrmUsage:
    """What this process has asked of the CRM so far. `by_kind` sums to `requests`.

    Kinds: login, pull, users, members, people, accounts, write, read, describe.
    """

    requests: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    cache_hits: int = 0
    cache_misses: int = 0


# --- workbook ---


@dataclass(frozen=True, slots=True)
class TablesVersion:
    """A good workbook as it was seen. `accepted_at` is when it came to stand as it does (`state`).

    `base` is the version that ran when it was judged; `rows` and `moves` are against that one. What was not
    counted is None.
    """

    sha256: str
    content: bytes
    accepted_at: datetime
    origin: str
    saved_by: str = ""
    state: Standing = Standing.ACCEPTED
    how: How = How.FILE
    base: str = ""
    warnings: int | None = None
    rows: Rows | None = None
    moves: Moves | None = None

    @property
    def open(self) -> bool:
        """Whether it may still come to run: it waits, or the next run accepts it."""
        return self.state in (Standing.WAITING, Standing.NEXT)


def stands(newest: TablesVersion, version: TablesVersion) -> bool:
    """Whether a store that has `newest` has nothing to write: the same version in the same state, judged
    against the same one."""
    same = (newest.sha256, newest.state) == (version.sha256, version.state)
    return same and (not newest.open or newest.base == version.base)


def judged_otherwise(newest: TablesVersion, version: TablesVersion) -> bool:
    """Whether somebody has judged this very version otherwise meanwhile: the first word stands, except
    against a person's command."""
    same = newest.open and (newest.sha256, newest.base) == (version.sha256, version.base)
    if not same or version.how in (How.COMMAND, How.ROLLBACK):
        return False
    goes_on = newest.state is Standing.NEXT and version.state is Standing.ACCEPTED
    return newest.state is not version.state and not goes_on


@dataclass(frozen=True, slots=True)
class TablesLook:
    """What a look at the workbook gave: the tables to use, and what was wrong with the file if anything.

    `version` is to be accepted when `fresh`. `refused` holds the problems of a file that was not used;
    `waiting` is the version that is good and not used before somebody accepts it. `note` says why the file
    is not what runs.
    """

    tables: RoutingTables
    version: TablesVersion
    fresh: bool = False
    refused: tuple[Problem, ...] = ()
    note: str = ""
    edition: str = ""
    """Names the refused content: its sha256, or what is wrong where it has no bytes."""
    waiting: TablesVersion | None = None
    speaks: bool = True
    """Whether the file is the newest word; not one that lags behind, or that was rolled back."""


@dataclass(frozen=True, slots=True)
class DraftLook:
    """What a look at the draft beside the workbook gave. `edition` is its sha256."""

    name: str
    edition: str
    tables: RoutingTables | None
    problems: tuple[Problem, ...] = ()


# --- store ---


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write, until `expires` by the store's clock. `token` grows with every holder."""

    token: int
    run: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead as the store knows it. `basis` is what its hold depended on (domain.plan.basis_of)."""

    key: LeadKey
    record: Record
    state: State
    epoch: int
    reason: str | None = None
    detail: str = ""
    by: str | None = None
    team: str | None = None
    lane: str = ""
    person: str | None = None
    owner: str | None = None
    """The CRM owner id decided for the current epoch."""
    since: datetime | None = None
    """Since when it is in this state."""
    basis: str = ""
    last_person: str | None = None
    """Who returned it last: not first choice."""
    run: int | None = None
    live: bool = True
    taker: str | None = None
    """Who took it by hand, and the team in which that counts."""
    taker_team: str | None = None
    hops: int = 0
    """How often it was rejected or returned."""
    settled_stamp: datetime | None = None
    """The record's stamp when its owner was confirmed: unchanged, nobody has touched it since."""

    @property
    def had_it(self) -> str | None:
        """Who had the lead: whom it was given to, or who took it by hand."""
        return (self.taker or self.person) if self.state is State.TAKEN else self.person


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """An owner write that waits in the outbox. `attempts` > 0: it may have happened; read first."""

    id: int
    key: LeadKey
    epoch: int
    owner: str
    person: str | None
    team: str | None
    attempts: int
    effect: Effect = Effect.OWNER
    object: str = ""
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A marketing record and its CRM object. state: live, converted, merged, deleted."""

    key: LeadKey
    crm: str
    object: str
    crm_id: str
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a decided lead: its final state for this epoch, its turn given back or not.

    `avoid` is a Person ID who is not first choice next time (`LeadRow.last_person`).
    """

    key: LeadKey
    epoch: int
    state: State
    reason: str | None = None
    detail: str = ""
    give_back: bool = False
    record: Record | None = None
    """The record as last read, where it was read again."""
    basis: str = ""
    avoid: str | None = None
    taker: str | None = None
    """The Person ID of who took a lead by hand, and the team in which that counts."""
    taker_team: str | None = None
    stamp: datetime | None = None
    """Of a confirmed lead: the record's stamp as read back."""
    link: Link | None = None
    """Of a confirmed lead of a marketing system: the link to make. A CRM's own lead links to itself."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as recorded. `summary` is the run's JSON object once it finished."""

    run: int
    slot: str
    by: str
    state: str
    started: datetime
    finished: datetime | None
    live: bool
    tables_version: str | None
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail in the outbox. state: pending, sent, dead (given up after seven days)."""

    id: int
    mail: Mail
    state: str = "pending"
    attempts: int = 0
    due: datetime | None = None
    """When it is tried next."""
    error: str = ""
    """A code or class, never the server's words."""
    sent: datetime | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """How the outbox of mails stands."""

    pending: int = 0
    sent: int = 0
    dead: int = 0
    oldest: datetime | None = None
    """When the oldest mail that is still pending was written."""
    oldest_alert: datetime | None = None
    """The same without mails of the kind alerts_undelivered."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of a `serve` process."""

    host: str
    pid: int
    started: datetime
    at: datetime
    program: str
