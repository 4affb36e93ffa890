"""What the sync works with: records as fresh reads show them, what is to be written, what is remembered.

"Ours" is the marketing system's side, "theirs" the CRM's, as in `rules.field_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from allocator.domain.lead import LeadKey, WriteResult
from allocator.domain.records import Link
from rules.field_rules import Agreed, Conflict, FieldProblem, Side, Write
from rules.field_values import FieldType


class Linked(StrEnum):
    """How a link stands. A marketing record has at most one live link to each CRM."""

    LIVE = "live"
    CONVERTED = "converted"  # the Lead became a Contact, which has the live link
    MERGED = "merged"  # it lost a merge; the winner has the live link if it was free
    DELETED = "deleted"  # in the recycle bin or purged; live again when undeleted


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field as a system describes it."""

    type: FieldType
    creatable: bool = True
    writable: bool = True
    required: bool = False
    """A new record needs a value, and has no default for it."""
    any_case: bool = False
    """An e-mail address: systems change its case as they like, and it is the same one."""
    unique_id: bool = False
    """It may serve as external id: unique, and records can be found and upserted by it."""


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """A Lead or a Contact as a fresh read showed it, deleted ones included.

    `values` maps the asked fields to raw values; "Account.Name" is the Name of a Contact's Account. A field
    that the CRM hides is absent, which is not empty. `stamp` is the condition of a write (to the second),
    `moved` what the CRM orders changes by; both aware UTC.
    """

    object: str
    id: str
    known: bool = True
    """False: the CRM does not know the id (purged, or hidden from us); nothing else of it counts."""
    deleted: bool | None = False
    master_id: str | None = None
    converted: bool | None = None
    """Of a Lead. None: not read."""
    contact_id: str | None = None
    """Of a converted Lead."""
    account_id: str | None = None
    """Of a Contact; of a converted Lead the Account that it became."""
    person_account: bool | None = False
    owner: str = ""
    account_owner: str = ""
    status: str = ""
    external_id: str = ""
    """The marketing record that it says it belongs to: "source:id", or empty."""
    email: str = ""
    stamp: datetime | None = None
    moved: datetime | None = None
    account_stamp: datetime | None = None
    """Of its Account: the condition of a write to that."""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record of a marketing system. `values` maps its fields to raw values, `stamp` is its own clock's.

    `in_intake`: it meets the source's own condition for new leads. `merged_into` names the record that lives
    on; `gone`: archived, deleted or unknown.
    """

    key: LeadKey
    created: datetime
    stamp: datetime
    values: Mapping[str, Any] = field(default_factory=dict)
    in_intake: bool = False
    gone: bool = False
    merged_into: str | None = None
    unreadable: str = ""
    stamps: Mapping[str, datetime] = field(default_factory=dict)
    """When single fields changed, where the source was asked and knows."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows of a file that were not taken; no rows: the whole file. `listed` names the file that says why,
    once it is written."""

    file: str
    rows: tuple[int, ...] = ()
    listed: str = ""

    @property
    def count(self) -> int:
        """How many rows; a whole file counts for one."""
        return len(self.rows) or 1


@dataclass(frozen=True, slots=True)
class NewLead:
    """Make a Lead that belongs to `owner`, by upsert on the external id. `fields` are canonical values
    (rules.field_values), which the adapter writes as its wire wants them; so in every write."""

    external_id: str
    owner: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """The answer to one creation: `id` where the answer told it, `detail` the system's code.

    `matches` are ids that a duplicate rule named, `fields` those that a refusal named. UNKNOWN: read by the
    external id before the next try.
    """

    result: WriteResult
    id: str = ""
    detail: str = ""
    matches: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrmWrite:
    """Set fields of a Lead, Contact or Account if it has not changed since `stamp`; None empties."""

    object: str
    id: str
    fields: Mapping[str, Any]
    stamp: datetime


@dataclass(frozen=True, slots=True)
class SourceWrite:
    """Set fields of a marketing record; None empties."""

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """The answer to one SourceWrite; `stamp` is the record's new one, and `values` are what the written
    fields hold now, where the answer told it."""

    id: str
    result: WriteResult
    detail: str = ""
    stamp: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


# --- what is remembered -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SyncRow:
    """A linked marketing record: its plan now, and the values on which both sides last agreed.

    `plan` is lead, contact or held (with a reason of rules.conversion.PLAN_REASONS). The stamps are those of
    both sides when they were last seen in step: a record that still has them has nothing new to say.
    """

    key: LeadKey
    plan: str
    since: datetime
    """Since when the plan is what it is."""
    at: datetime
    """When it was last looked at."""
    reason: str = ""
    detail: str = ""
    agreed: Mapping[str, Agreed] = field(default_factory=dict)
    our_stamp: datetime | None = None
    their_stamp: datetime | None = None
    again: bool = False
    """Look at it in the next cycle, whatever the stamps say."""
    problems: tuple[FieldProblem, ...] = ()


class SyncState(StrEnum):
    """What became of a write of fields."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"  # the system said no to these values; `detail` is its code
    DROPPED = "dropped"  # overtaken by a newer look at the record, or surely not sent


@dataclass(frozen=True, slots=True)
class SyncWrite:
    """One write of fields in the outbox: to one object of one side. `object` is Lead, Contact or Account, or
    "record" on our side.

    `agreed` is what the sides agree on, per rule name, once this write is known to have happened. `attempts`
    > 0: it may have happened. `rerouted`: its record was converted between the read and an earlier write.
    """

    key: LeadKey
    side: Side
    object: str
    object_id: str
    writes: tuple[Write, ...]
    agreed: Mapping[str, Agreed]
    id: int = 0
    state: SyncState = SyncState.PENDING
    attempts: int = 0
    run: int = 0
    created: datetime | None = None
    done: datetime | None = None
    detail: str = ""
    rerouted: bool = False


@dataclass(frozen=True, slots=True)
class SyncStep:
    """What one look at one record decided; committed as one. `links` are added or change their state."""

    row: SyncRow
    writes: tuple[SyncWrite, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncEnd:
    """What became of one SyncWrite. `agreed` replaces the row's base for those rules.

    Stamps replace the row's where given; `again` sets or clears the row's mark where it is not None.
    `problems` are added to the row's.
    """

    id: int
    key: LeadKey
    state: SyncState
    detail: str = ""
    agreed: Mapping[str, Agreed] = field(default_factory=dict)
    our_stamp: datetime | None = None
    their_stamp: datetime | None = None
    again: bool | None = None
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A conflict as it was recorded: the losing value is kept in it."""

    key: LeadKey
    run: int
    at: datetime
    conflict: Conflict
