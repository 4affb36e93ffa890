"""The values that field mapping works with: its rules, what the sides show, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from rules.field_values import Fault, FieldType, FieldValue

Side = Literal["ours", "theirs"]
"""Ours is the marketing system's, theirs the CRM's."""

Direction = Literal["push", "pull", "two-way"]
"""push: ours into theirs; pull: theirs into ours; two-way: whichever has changed into the other."""

WriteRule = Literal["overwrite", "only if empty", "never"]
"""never: the field of a record that exists is left alone; a record that is made gets the value."""

WriteReason = Literal["changed", "filled", "later", "tie", "direction", "first", "created"]

ConflictReason = Literal["later", "tie", "direction", "refilled", "first", "apart", "coarser"]

ProblemCode = Fault | Literal["not_read", "not_taken", "rejected"]

DIRECTIONS: Final[tuple[str, ...]] = get_args(Direction)
WRITE_RULES: Final[tuple[str, ...]] = get_args(WriteRule)
CONFLICT_REASONS: Final[tuple[str, ...]] = get_args(ConflictReason)
"""later: both sides changed it, and the winner did so later. tie: both changed it, and their stamps do not
say who was later. direction: changed on the side that has no say in this field. refilled: emptied by a
person, and filled again, as the rule "only if empty" wants. first: the sides had never agreed. apart: they
had been let be with different values. coarser: the losing value said more than the winner's side can show.
"""

_TEXT: Final = FieldType()


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One row of the mapping. `name` is its key; `ours` and `theirs` are the fields' names on the sides.

    `tie` wins when stamps do not say which change is later. `any_case`: a change of case is no change.
    """

    name: str
    ours: str
    theirs: str
    direction: Direction
    rule: WriteRule = "overwrite"
    our_type: FieldType = _TEXT
    their_type: FieldType = _TEXT
    tie: Side = "theirs"
    any_case: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """The values of a field, each in its own side's kind, when the sides last agreed or were let be.

    `apart` is the side that showed another value than the one it was sent.
    """

    ours: FieldValue
    theirs: FieldValue
    apart: Side | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as one side shows it. A field that is not in `values` was not read, which is not empty.

    `changed` is the record's stamp, `fields` those of single fields where the side has them, both by the
    side's own clock; `ahead` says by how much that clock is ahead of a clock that both sides are held to.
    """

    values: Mapping[str, object]
    changed: datetime | None = None
    fields: Mapping[str, datetime] = field(default_factory=dict)
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        if any(
            at.tzinfo is None for at in (*self.fields.values(), *([self.changed] if self.changed else []))
        ):
            raise ValueError("a stamp names no zone; read stamps as moments in UTC")

    def at(self, name: str) -> datetime | None:
        """When a field changed, at the latest, by the common clock."""
        stamp = self.fields.get(name, self.changed)
        return None if stamp is None else stamp - self.ahead


@dataclass(frozen=True, slots=True)
class Write:
    """Set the side's field to `value`, which is of its kind and within its limits; None empties it."""

    rule: str
    field: str
    value: FieldValue
    before: FieldValue
    reason: WriteReason


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two values of one field: the winner's, and the one of the other side that is written over."""

    record: str
    rule: str
    field: str
    winner: Side
    kept: FieldValue
    lost: FieldValue
    reason: ConflictReason
    kept_at: datetime | None = None
    lost_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Why a field of a record is not carried over: which side's value, what happened, what to do."""

    record: str
    rule: str
    field: str
    side: Side
    code: ProblemCode
    value: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.record}, field {self.field}: {self.message} Fix: {self.fix}."


@dataclass(frozen=True, slots=True)
class Merged:
    """What to write on each side, what was lost by it, what could not be done.

    `agreed` is to be kept as the next merge's base once the writes are known to have succeeded; for a field
    whose write failed, the base stays the entry that it was. Of a write with an unknown outcome, read first
    what the side shows: a base that forgets a write takes the person who undoes it for nobody.
    """

    ours: tuple[Write, ...]
    theirs: tuple[Write, ...]
    conflicts: tuple[Conflict, ...]
    problems: tuple[FieldProblem, ...]
    agreed: Mapping[str, Agreed]
