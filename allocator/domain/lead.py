"""A lead as it was pulled, where it stands, and what the CRM said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class LeadKey(NamedTuple):
    """(source, source id): what a lead is called from the first migration on."""

    source: str
    source_id: str

    def __str__(self) -> str:
        return f"{self.source}:{self.source_id}"


class State(StrEnum):
    """Where a lead stands. held and closed carry a reason."""

    WAITING = "waiting"
    DECIDED = "decided"
    CONFIRMED = "confirmed"
    TAKEN = "taken"
    HELD = "held"
    CLOSED = "closed"


class Reason(StrEnum):
    """Why a lead is held (closed list; docs and tests are generated from it)."""

    NO_RULE = "no_rule"
    RULE_HOLD = "rule_hold"
    UNMAPPED_VALUE = "unmapped_value"
    INCOMPLETE = "incomplete"
    NOBODY_AVAILABLE = "nobody_available"
    ALL_CAPPED = "all_capped"
    NO_SKILL = "no_skill"
    DUPLICATE_PERSON = "duplicate_person"
    OWNER_REFUSED = "owner_refused"
    CONTESTED = "contested"
    LOCKED = "locked"
    CRM_REJECTED = "crm_rejected"
    UNREADABLE = "unreadable"
    PAUSED = "paused"
    AMBIGUOUS_MATCH = "ambiguous_match"
    CONTACT_MISSING = "contact_missing"
    PERSON_ACCOUNT = "person_account"


class Closed(StrEnum):
    """Why a lead is closed."""

    CONVERTED = "converted"
    DELETED = "deleted"
    MERGED = "merged"


class By(StrEnum):
    """What gave the lead its owner."""

    TURN = "turn"
    RULE_OWNER = "rule_owner"
    OVERRIDE = "override"
    PERSON_MATCH = "person_match"
    ACCOUNT = "account"
    DELEGATE = "delegate"
    FALLBACK_TEAM = "fallback_team"
    FALLBACK_QUEUE = "fallback_queue"


@dataclass(frozen=True, slots=True)
class Record:
    """A lead as its source showed it. `fields` maps field paths of the configuration to raw values.

    `stamp` is the source's own modification time as aware UTC, to the second: the condition of a later write.
    `created` orders leads. `owner` is the source's owner id (18 characters on Salesforce).
    """

    key: LeadKey
    created: datetime
    stamp: datetime
    owner: str
    fields: Mapping[str, object] = field(default_factory=dict)
    unreadable: str = ""
    """Why the record cannot be read; empty when it can."""


@dataclass(frozen=True, slots=True)
class LeadStatus:
    """What the CRM says of one Lead now (a fresh read, deleted rows included)."""

    id: str
    owner: str
    stamp: datetime | None
    converted: bool | None = False
    deleted: bool = False
    master_id: str | None = None
    contact_id: str | None = None
    modified_by: str = ""
    """Who changed it last: a user's id, empty where the CRM does not say."""
    known: bool = True
    """False: the CRM does not know the id (purged, or hidden from us)."""


class WriteResult(StrEnum):
    """What became of one conditional owner write, as far as the answer told."""

    WRITTEN = "written"
    CHANGED = "changed"  # the condition failed: somebody changed the record
    REFUSED_OWNER = "refused_owner"
    CONVERTED = "converted"
    GONE = "gone"
    LOCKED = "locked"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # timeout, reset, 5xx: read before the next write
    UNSENT = "unsent"  # surely not executed (quota, halted): try again later


@dataclass(frozen=True, slots=True)
class OwnerWrite:
    """Give lead `id` to `owner` if it has not changed since `stamp`."""

    id: str
    owner: str
    stamp: datetime


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """The answer to one OwnerWrite; `detail` holds the CRM's code, never a lead's text."""

    id: str
    result: WriteResult
    detail: str = ""


class Effect(StrEnum):
    """What a decision does in the CRM."""

    OWNER = "owner"  # the Lead is there: it gets its owner
    CREATE = "create"  # it is made with its owner
    LINK = "link"  # the person is there and has an owner: only the link is made


@dataclass(frozen=True, slots=True)
class Match:
    """An open record of the CRM that a lead's e-mail or company domain leads to."""

    object: str
    id: str
    owner: str
    seen: datetime
    """When the CRM said so: the age of a cached fact counts from here."""


@dataclass(frozen=True, slots=True)
class CrmUser:
    """A possible owner in the CRM."""

    id: str
    name: str
    active: bool
    email: str = ""
