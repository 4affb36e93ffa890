"""Rows of sheet Fields as rules between two systems, as far as both have the fields and let them be set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Literal

from allocator.domain.sync.values import FieldInfo
from rules.field_rules import Direction, FieldRule
from rules.field_values import FieldType, FieldValue, Kind, Misfit, convert
from rules.model import FieldMapping

LEAD, CONTACT, ACCOUNT = "Lead", "Contact", "Account"
Plan = Literal["lead", "contact"]
Fields = Mapping[str, FieldInfo]

KEY: Final = "@key"
"""The synthetic field of our side that holds the marketing record, "source:id"."""
EXTERNAL_ID: Final = "@external_id"
"""The name of the rule that writes it into the CRM's external-id field."""
WRITTEN_BACK: Final = ("lead_id", "contact_id", "account_id", "converted", "status", "owner")
"""What may be told to the marketing system; its CRM side is the synthetic field "@lead_id" and so on."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is kept in step: the marketing system `source` and the CRM, as they describe their fields.

    `crm` is by object. `write_back` names the marketing field for each of WRITTEN_BACK, or "". With
    `lead_names` the source's fields are called as those of the Lead (a folder of files): only rows that name
    the source are about it.
    """

    source: str
    ours: Fields
    crm: Mapping[str, Fields]
    external_id: str = ""
    write_back: Mapping[str, str] = field(default_factory=dict)
    lead_names: bool = False

    def of(self, object: str) -> Fields:
        return self.crm.get(object, {})


@dataclass(frozen=True, slots=True)
class Carried:
    """A rule, and the object and field of the CRM that it is about."""

    rule: FieldRule
    object: str
    field: str


@dataclass(frozen=True, slots=True)
class Target:
    """A field of the CRM that a row names, the column it stands in, and the direction that counts for it."""

    object: str
    field: str
    direction: Direction

    @property
    def column(self) -> str:
        return f"{self.object} Field"


def spelt(name: str, fields: Fields) -> str:
    """The field's name as its system spells it; empty if it has none such."""
    if name in fields:
        return name
    return next((known for known in fields if known.casefold() == name.casefold()), "")


def rows_for(rows: Iterable[FieldMapping], sides: Sides) -> tuple[FieldMapping, ...]:
    """The rows that are about this marketing system."""
    named = {sides.source.casefold()} if sides.lead_names else {"", sides.source.casefold()}
    return tuple(row for row in rows if row.source.casefold() in named)


def rule_name(row: FieldMapping, object: str) -> str:
    """The key of what both sides agreed on: one for Lead and Contact, and another for other fields."""
    if object == ACCOUNT:
        return f"{row.marketing}@account={row.account}"
    return f"{row.marketing}={'/'.join(dict.fromkeys(filter(None, (row.lead, row.contact))))}"


def targets(row: FieldMapping, plan: Plan) -> Iterator[Target]:
    """Where a row leads: to the Lead, or to the Contact and what its Account gets of it."""
    if plan == "lead":
        if row.lead:
            yield Target(LEAD, row.lead, row.direction)
        return
    if row.contact:
        yield Target(CONTACT, row.contact, row.direction)
    if row.account and not row.contact:
        yield Target(ACCOUNT, row.account, row.direction)
    elif row.account and row.direction != "pull":
        yield Target(ACCOUNT, row.account, "push")


def carried(rows: Iterable[FieldMapping], sides: Sides, plan: Plan) -> Iterator[Carried]:
    """The rules of a plan: the rows', those of what is written back, and that of the external id."""
    for row in rows:
        for target in targets(row, plan):
            if rule := _rule(row, target, sides):
                yield Carried(rule, target.object, rule.theirs.rpartition(".")[2])
    yield from _told(sides)
    object = LEAD if plan == "lead" else CONTACT
    if (info := sides.of(object).get(sides.external_id)) and info.writable:
        rule = FieldRule(
            EXTERNAL_ID, KEY, sides.external_id, "push", "only if empty", their_type=info.type, any_case=True
        )
        yield Carried(rule, object, sides.external_id)


def making(rows: Iterable[FieldMapping], sides: Sides) -> Iterator[FieldRule]:
    """The rules that give a new Lead its values."""
    for row in rows:
        ours, theirs = spelt(row.marketing, sides.ours), spelt(row.lead, sides.of(LEAD))
        if row.direction != "pull" and ours and may_make(theirs, sides):
            our_type, their_type = sides.ours[ours].type, sides.of(LEAD)[theirs].type
            if not never_fits(our_type, their_type):
                name = rule_name(row, LEAD)
                yield FieldRule(name, ours, theirs, "push", our_type=our_type, their_type=their_type)


def may_make(theirs: str, sides: Sides) -> bool:
    """Whether a new Lead may be given this field by the mapping."""
    info = sides.of(LEAD).get(theirs)
    return info is not None and info.creatable and theirs != sides.external_id


def _rule(row: FieldMapping, target: Target, sides: Sides) -> FieldRule | None:
    """The rule of a row for one target; None where nothing can be carried."""
    ours, theirs = spelt(row.marketing, sides.ours), spelt(target.field, sides.of(target.object))
    if not ours or not theirs:
        return None
    our_info, their_info = sides.ours[ours], sides.of(target.object)[theirs]
    direction = possible(
        target.direction,
        push=may_push(theirs, target.object, sides) and not never_fits(our_info.type, their_info.type),
        pull=may_pull(ours, sides) and not never_fits(their_info.type, our_info.type),
    )
    if direction is None:
        return None
    name = f"{ACCOUNT}.{theirs}" if target.object == ACCOUNT else theirs
    return FieldRule(
        rule_name(row, target.object), ours, name, direction, row.rule, our_info.type, their_info.type,
        any_case=our_info.any_case or their_info.any_case,
    )  # fmt: skip


def may_push(theirs: str, object: str, sides: Sides) -> bool:
    """Whether rows may write this field of the CRM."""
    return sides.of(object)[theirs].writable and theirs != sides.external_id


def may_pull(ours: str, sides: Sides) -> bool:
    """Whether rows may write this marketing field; not one that something is written back into."""
    return sides.ours[ours].writable and ours not in sides.write_back.values()


def possible(direction: Direction, *, push: bool, pull: bool) -> Direction | None:
    """What is left of a direction where fields cannot be written."""
    push, pull = push and direction != "pull", pull and direction != "push"
    if push and pull:
        return "two-way"
    return "push" if push else "pull" if pull else None


def _told(sides: Sides) -> Iterator[Carried]:
    """The rules of what is written back, as far as the source has the fields for it."""
    taken: set[str] = set()
    for what in WRITTEN_BACK:
        name = spelt(sides.write_back.get(what, ""), sides.ours)
        if name and name not in taken and sides.ours[name].writable:
            taken.add(name)
            kind: Kind = "flag" if what == "converted" else "text"
            own, theirs = FieldType(kind), f"@{what}"
            rule = FieldRule(theirs, name, theirs, "pull", our_type=sides.ours[name].type, their_type=own)
            yield Carried(rule, "", theirs)


def missing_properties(sides: Sides) -> dict[str, str]:
    """What is to be written back and has no field that can be written: name -> the field's name."""
    has = {c.rule.theirs.removeprefix("@") for c in _told(sides)}
    return {what: name for what in WRITTEN_BACK if (name := sides.write_back.get(what)) and what not in has}


_SAMPLES: Final[Mapping[Kind, FieldValue]] = {
    "number": Decimal(1),
    "date": date(2026, 1, 1),
    "datetime": datetime(2026, 1, 1, tzinfo=UTC),
    "flag": True,
}


def never_fits(of: FieldType, to: FieldType) -> bool:
    """Whether no value of the one kind can ever be one of the other; a text or an option may be anything."""
    sample = _SAMPLES.get(of.kind)
    found = None if sample is None else convert(sample, FieldType(of.kind), FieldType(to.kind))
    return isinstance(found, Misfit)
