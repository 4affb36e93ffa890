"""The routing tables as frozen values: what the workbook says, checked, with each thing's cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from rules.cells import Condition
    from rules.errors import Problem
    from rules.field_rules import Direction, WriteRule

FactType = Literal["text", "closed", "number", "date"]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A fact whose raw text names no known value: never guessed; only `(unmapped)` and `*` match it."""

    raw: str


FactValue = str | Decimal | date | Unmapped | None
"""A normalised fact: text or code, number, date, unmapped, or None when the lead says nothing."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact the rules may read. `closed` facts have a list of known codes; country's is built in."""

    name: str
    type: FactType
    note: str = ""


@dataclass(frozen=True, slots=True)
class KnownValue:
    """A row of sheet Values: the code that rules use, and the other spellings that mean it."""

    fact: str
    code: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    from_: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One rule. It holds when every condition holds; then it sets facts, or decides.

    `conditions` and `sets` pair a fact's name with a Condition or a text; `cells` gives the address of each
    column by its header ("If country" -> "E14"). At most one of team, owner (a Person ID) and hold is given.
    `languages` and `tags` are what the taker must have (`Then Language`, `Then Tags`).
    """

    layer: str
    sheet: str
    row: int
    rule_id: str
    order: Decimal
    conditions: tuple[tuple[str, Condition], ...]
    sets: tuple[tuple[str, str], ...] = ()
    team: str | None = None
    owner: str | None = None
    hold: str | None = None
    from_: date | None = None
    until: date | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """The cell texts as typed, by header: what `explain` prints."""

    @property
    def decides(self) -> bool:
        return self.team is not None or self.owner is not None or self.hold is not None


@dataclass(frozen=True, slots=True)
class Layer:
    """One decision table: rows in Order, the first that holds wins."""

    name: str
    sheet: str
    order: Decimal
    when_nothing_matches: Literal["continue", "hold"]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A working time of one weekday, Monday 0, in minutes of the day, half open; never over midnight."""

    weekday: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Whole days in the team's time zone, both ends included."""

    from_: date
    until: date
    type: str = ""
    delegate: str | None = None
    """The Person ID of who serves meanwhile, where the team has delegates."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What an absence of one type is made good by (fairness.md section 3, "Catch up").

    `rate` is the per cent of each missed share that is credited, `cap` the most leads one absence can give,
    `expiry` how many days after its last day they are lost, `pace` how many catch-up leads may follow each
    other while others wait.
    """

    rate: int = 100
    cap: int = 10
    expiry: int = 30
    pace: int = 1


@dataclass(frozen=True, slots=True)
class Salesperson:
    """One person in one team. Caps count automatic leads per day and (Monday) week in the team's zone."""

    id: str
    name: str
    email: str
    crm_user_id: str
    team: str
    weight: int = 1
    daily_cap: int | None = None
    weekly_cap: int | None = None
    languages: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    active: bool = True
    start: date | None = None
    end: date | None = None
    absences: tuple[Absence, ...] = ()
    hours: tuple[Shift, ...] | None = None
    """Their own working hours; None: the team's."""
    cell: str = field(default="", compare=False)
    """Where the CRM user ID stands."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team and its people. `if_nobody`: hold, queue (`queue_id`), or team (`fallback_team`).

    The choices of fairness.md section 3: `limit` is in leads; `after_absence` maps a folded absence type to
    what its misses are made good by, "" standing for every other type, and is empty for none; `lanes` says
    whether each lane that the rules set keeps a ledger of its own. `holidays` is the code of a calendar
    (rules.holiday_calendar), `hours` None for always.
    """

    name: str
    time_zone: str = "UTC"
    people: tuple[Salesperson, ...] = ()
    if_nobody: Literal["hold", "team", "queue"] = "hold"
    fallback_team: str | None = None
    queue_id: str | None = None
    alert_email: str = ""
    fairness: Literal["turns", "totals"] = "turns"
    limit: int = 5
    after_absence: Mapping[str, CatchUp] = field(default_factory=dict)
    taken_by_hand: Literal["charge", "free"] = "charge"
    owner_override: Literal["charge", "free"] = "free"
    reject: Literal["charge", "refund"] = "charge"
    delegate: Literal["none", "absentee", "delegate"] = "none"
    lanes: bool = True
    holidays: str = ""
    hours: tuple[Shift, ...] | None = None
    outside_hours: Literal["wait", "next"] = "wait"
    cell: str = field(default="", compare=False)
    """Where the CRM queue ID stands."""


@dataclass(frozen=True, slots=True)
class OwnerOverride:
    """Leads of this company domain or Account ID go to this person, until the day given (included)."""

    key: str
    person: str
    until: date | None = None
    cell: str = ""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """A row of sheet Fields: a marketing field and the CRM fields that it is kept in step with; "" for none.

    `source` names the marketing system that it is about; "" for all of them.
    """

    marketing: str
    lead: str = ""
    contact: str = ""
    account: str = ""
    direction: Direction = "push"
    rule: WriteRule = "overwrite"
    source: str = ""
    row: int = field(default=0, compare=False)
    cells: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The address of each column's cell by its header; empty for a row that stands on no sheet."""


@dataclass(frozen=True)
class RoutingTables:
    """The checked content of one workbook. `version` is the sha256 of its bytes.

    `settings` is folded-name -> text (see `rules.settings`); `warnings` are what the check said besides.
    """

    version: str
    settings: Mapping[str, str]
    facts: tuple[Fact, ...]
    values: tuple[KnownValue, ...]
    groups: Mapping[str, tuple[str, ...]]
    layers: tuple[Layer, ...]
    teams: tuple[Team, ...]
    overrides: tuple[OwnerOverride, ...] = ()
    fields: tuple[FieldMapping, ...] = ()
    """Sheet Fields; of a workbook without one, the mapping of `rules.default_fields`."""
    warnings: tuple[Problem, ...] = ()
    saved_by: str = ""

    @cached_property
    def team_by_name(self) -> dict[str, Team]:
        return {t.name: t for t in self.teams}

    @cached_property
    def people_by_id(self) -> dict[str, tuple[Salesperson, ...]]:
        """Person ID -> that person's row in each of their teams."""
        found: dict[str, list[Salesperson]] = {}
        for team in self.teams:
            for person in team.people:
                found.setdefault(person.id, []).append(person)
        return {k: tuple(v) for k, v in found.items()}

    @cached_property
    def person_by_crm_user(self) -> dict[str, str]:
        """CRM user id (18 characters) -> Person ID."""
        return {p.crm_user_id: p.id for team in self.teams for p in team.people}

    @cached_property
    def fact_by_name(self) -> dict[str, Fact]:
        return {f.name: f for f in self.facts}

    @property
    def time_zone(self) -> str:
        return self.settings.get("time zone", "UTC")


@dataclass(frozen=True, slots=True)
class Step:
    """One row that held on the walk: where it stands, the cell that decided or set, and what it set."""

    layer: str
    sheet: str
    row: int
    rule_id: str
    cell: str
    sets: Mapping[str, str]


class Decision(NamedTuple):
    """Team, owner (Person ID), or held with a reason of the closed list; and the steps that led there.

    `facts` are the normalised facts after all layers, `needs` what the taker must have:
    {"language": "de", "tags": ("healthcare",)}, each only when a row asked for it. A tuple, since a frozen
    dataclass takes three times as long to make.
    """

    team: str | None
    owner: str | None
    reason: str | None
    detail: str
    lane: str
    facts: Mapping[str, FactValue]
    needs: Mapping[str, str | tuple[str, ...]]
    steps: tuple[Step, ...]

    @property
    def rule_id(self) -> str:
        return self.steps[-1].rule_id if self.steps else ""
