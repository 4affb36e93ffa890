"""What a plan is made of: leads, look-ups and ledgers in; decisions and turns out. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allocator.domain.facts import FactFields
from allocator.domain.lead import CrmUser, Effect, LeadKey, Match, Record, State
from allocator.domain.pauses import Pause
from rules.model import RoutingTables
from rules.rotation import Ledger, Skipped, Turn


@dataclass(frozen=True, slots=True)
class Work:
    """A lead that this run decides: its next epoch, whether it was held, and who stands back.

    `stood_back` are the Person IDs who returned it or whom the CRM refused: not first choice any more.
    """

    record: Record
    epoch: int
    held: bool = False
    stood_back: frozenset[str] = frozenset()
    last: str | None = None
    """Who had it last and gave it back."""
    hops: int = 0
    """How often it was rejected or returned."""
    effect: Effect = Effect.OWNER

    @property
    def key(self) -> LeadKey:
        return self.record.key


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the CRM knows that decisions need. `people` by folded e-mail, `accounts` by company domain.

    `users` None means that the CRM was not asked; an empty mapping, that it knows nobody.
    """

    users: Mapping[str, CrmUser] | None = None
    people: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)
    accounts: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)
    intake: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a plan depends on. `given` lists (team, Person ID, decided at) of this week's leads, `pauses`
    are those in force."""

    tables: RoutingTables
    work: Sequence[Work]
    now: datetime
    fact_fields: FactFields
    ledgers: Mapping[tuple[str, str], Ledger] = field(default_factory=dict)
    given: Sequence[tuple[str, str, datetime]] = ()
    lookups: Lookups = field(default_factory=Lookups)
    pauses: Sequence[Pause] = ()


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A turn with its place, its lead, and why everybody else in the team was out."""

    team: str
    lane: str
    turn: Turn
    key: LeadKey
    epoch: int
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """The decision on one lead for one epoch: given to `owner` (state decided), or held with a reason.

    `person` is a Person ID, `owner` the CRM's owner id; a queue has no person. `trace` is JSON-ready: facts,
    steps, and what was considered on the way. `seen` is what a replay needs (domain.past).
    """

    key: LeadKey
    epoch: int
    state: State
    reason: str | None
    detail: str
    by: str | None
    team: str | None
    lane: str
    person: str | None
    owner: str | None
    turn: TurnRow | None
    basis: str
    trace: Mapping[str, Any]
    seen: Mapping[str, Any] | None = None
    effect: Effect = Effect.OWNER
    object: str = ""
    """Of a link: Lead or Contact, and its CRM id."""
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one run decides, ready to be committed in one transaction. `ledgers`: those that changed.

    `seen` is what the run itself saw, for a replay (domain.past).
    """

    decided: tuple[Assigned, ...]
    ledgers: Mapping[tuple[str, str], Ledger]
    seen: Mapping[str, Any] | None = None

    @property
    def turns(self) -> tuple[TurnRow, ...]:
        return tuple(d.turn for d in self.decided if d.turn is not None)
