"""What to write on each side of a marketing record and its CRM object, field by field.

Promises of `merge`, for fields that both sides store as they are sent, in any spelling:

- A three-way merge against the values on which both sides last agreed. A change is what differs from them in
  the canonical form of `rules.field_values`; what we wrote ourselves is therefore none.
- One change on one side causes one write, and none where the sides agree all the same. Without changes
  nothing is written, and both sides agree, unless a problem, the rule or a blank (below) keeps them apart.
- Two-way: changes of different fields both survive; of the same field the later one wins.
- No value goes without a trace: a write that replaces what the other side never had comes with a Conflict
  that keeps it.
- A blank overwrites only where a person has emptied the field since the sides agreed.
- What was not read, cannot be read, or would win and cannot be converted stays where it is, and so does the
  other side's value: a FieldProblem names it by record and field, at every merge until it is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, get_args

from rules.field_rules import (
    Agreed,
    Conflict,
    ConflictReason,
    Direction,
    FieldProblem,
    FieldRule,
    Merged,
    Seen,
    Side,
    Write,
    WriteReason,
)
from rules.field_values import FieldType, FieldValue, Misfit, canonical, convert, shown


def merge(
    base: Mapping[str, Agreed],
    ours: Seen | None,
    theirs: Seen | None,
    rules: Iterable[FieldRule],
    *,
    record: str,
) -> Merged:
    """The writes that bring both sides of a record together. None for the side where it is to be made.

    Deterministic, and independent of the order of rules but for that of the answers. Raises ValueError when
    two rules share a name or write the same field, or when there is no side at all.
    """
    if ours is None and theirs is None:
        raise ValueError(f"{record} is on neither side, so there is nothing to merge")
    rows = _checked(tuple(rules))
    cases = [_Case(rule, base.get(rule.name), ours, theirs, record) for rule in rows]
    done = [_merged(case) for case in cases]
    kept = {case.rule.name: one.agreed for case, one in zip(cases, done, strict=True) if one.agreed}
    return Merged(
        tuple(one.write for one in done if one.write and one.target == "ours"),
        tuple(one.write for one in done if one.write and one.target == "theirs"),
        tuple(one.conflict for one in done if one.conflict),
        tuple(one.problem for one in done if one.problem),
        {**base, **kept},
    )


def read_back(rule: FieldRule, agreed: Agreed, side: Side, raw: object) -> Agreed:
    """The agreed values when a side shows `raw` right after our write, and nobody else has written since.

    So a side that stores something else than it was sent (other digits, other case, the old value) is not
    written to again and again; until the field changes, each merge says that the write was not taken. Only
    for a read that the stamps prove to follow our write at once: a person's change must not pass for ours.
    """
    value = canonical(raw, _type(rule, side))
    if isinstance(value, Misfit):
        return agreed
    after = replace(agreed, ours=value) if side == "ours" else replace(agreed, theirs=value)
    return replace(after, apart=None if _agree(rule, after.ours, after.theirs) else side)


# --- one field --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Case:
    """A field of a record, as given."""

    rule: FieldRule
    base: Agreed | None
    ours: Seen | None
    theirs: Seen | None
    record: str

    def seen(self, side: Side) -> Seen | None:
        return self.ours if side == "ours" else self.theirs

    def at(self, side: Side) -> datetime | None:
        seen = self.seen(side)
        return seen.at(_name(self.rule, side)) if seen else None


@dataclass(frozen=True, slots=True)
class _Now:
    """The canonical values of both sides, and which of them are changes."""

    ours: FieldValue
    theirs: FieldValue
    changed: frozenset[Side]

    def value(self, side: Side) -> FieldValue:
        return self.ours if side == "ours" else self.theirs


@dataclass(frozen=True, slots=True)
class _Done:
    """What becomes of one field."""

    agreed: Agreed | None
    target: Side | None = None
    write: Write | None = None
    conflict: Conflict | None = None
    problem: FieldProblem | None = None


def _merged(case: _Case) -> _Done:
    if case.ours is None or case.theirs is None:
        return _made(case, "theirs" if case.theirs is None else "ours")
    values: dict[Side, FieldValue] = {}
    for side in _SIDES:
        found = _value(case, side)
        if isinstance(found, FieldProblem):
            return _Done(case.base, problem=found)
        values[side] = found
    now = _Now(values["ours"], values["theirs"], _changes(case, values))
    if _agree(case.rule, now.ours, now.theirs):
        return _Done(Agreed(now.ours, now.theirs))
    if case.base and case.base.apart and not now.changed:
        return _Done(case.base, problem=not_taken(case.record, case.rule, case.base))
    return _apart(case, now)


def _made(case: _Case, target: Side) -> _Done:
    """The record does not exist on the target's side yet: it gets what this direction carries."""
    rule, source = case.rule, _other(target)
    if rule.direction == _AGAINST[target]:
        return _Done(None)
    value = _value(case, source)
    if isinstance(value, FieldProblem):
        return _Done(None, problem=value)
    given = convert(value, _type(rule, source), _type(rule, target))
    if isinstance(given, Misfit):
        return _Done(None, problem=_problem(case, source, given, value))
    agreed = _pair(source, value, given)
    if given is None:
        return _Done(agreed)
    return _Done(agreed, target, Write(rule.name, _name(rule, target), given, None, "created"))


def _apart(case: _Case, now: _Now) -> _Done:
    """The sides do not say the same: one of them has its way, or both are let be."""
    source, reason = _winner(case, now)
    if source is None or not _may_write(case, now, source):
        return _Done(Agreed(now.ours, now.theirs))
    target = _other(source)
    value = now.value(source)
    given = convert(value, _type(case.rule, source), _type(case.rule, target))
    if isinstance(given, Misfit):
        return _Done(case.base, problem=_problem(case, source, given, value))
    before = now.value(target)
    write = Write(case.rule.name, _name(case.rule, target), given, before, reason)
    return _Done(_pair(source, value, given), target, write, _conflict(case, now, source, write))


def _winner(case: _Case, now: _Now) -> tuple[Side | None, WriteReason]:
    """Whose value is to be on both sides, and why; None for nobody's."""
    rule = case.rule
    given = [side for side in _SIDES if not _is_blank(rule, side, now.value(side))]
    if rule.direction != "two-way":
        side: Side = "ours" if rule.direction == "push" else "theirs"
        return side, _one_way(case, now, side)
    if rule.rule == "only if empty" or (len(given) == 1 and (case.base is None or not now.changed)):
        return (given[0], "filled") if len(given) == 1 else (None, "filled")
    if len(now.changed) == 1:
        return next(iter(now.changed)), "changed"
    return _later(case)


def _one_way(case: _Case, now: _Now, source: Side) -> WriteReason:
    target = _other(source)
    is_filling = case.base is None or case.rule.rule == "only if empty"
    if is_filling and _is_blank(case.rule, target, now.value(target)):
        return "filled"
    if case.base is None:
        return "first"
    return "changed" if now.changed <= {source} else "direction"


def _later(case: _Case) -> tuple[Side, WriteReason]:
    ours, theirs = case.at("ours"), case.at("theirs")
    if ours is None or theirs is None or ours == theirs:
        return case.rule.tie, "tie"
    return ("ours" if ours > theirs else "theirs"), "later"


def _may_write(case: _Case, now: _Now, source: Side) -> bool:
    """Whether the rule lets the source's value replace the target's."""
    if case.rule.rule == "never":
        return False
    target = _other(source)
    if case.rule.rule == "only if empty" and not _is_blank(case.rule, target, now.value(target)):
        return False
    was_emptied = case.base is not None and source in now.changed
    return now.value(source) is not None or was_emptied


def _conflict(case: _Case, now: _Now, source: Side, write: Write) -> Conflict | None:
    """The row that keeps what the write replaces, if the source's side never had it."""
    target = _other(source)
    if not _is_lost(case, now, target):
        return None
    return Conflict(
        case.record, case.rule.name, write.field, source, now.value(source), write.before,
        _why(case, now, write, target), case.at(source), case.at(target),
    )  # fmt: skip


def _is_lost(case: _Case, now: _Now, target: Side) -> bool:
    """Whether the source's side never had all that the target's value says."""
    if case.base is None:
        return not _is_blank(case.rule, target, now.value(target))
    if target in now.changed:
        return True
    if case.base.apart == target or now.value(target) is None:
        return False
    source = _other(target)
    known = convert(_part(case.base, source), _type(case.rule, source), _type(case.rule, target))
    return not same(case.rule, known, _part(case.base, target))


def _why(case: _Case, now: _Now, write: Write, target: Side) -> ConflictReason:
    if case.rule.rule == "only if empty":
        return "refilled"
    if case.base is None:
        return "first"
    if write.reason == "later" or write.reason == "tie":
        return write.reason
    if target in now.changed:
        return "direction"
    return "coarser" if _agree(case.rule, case.base.ours, case.base.theirs) else "apart"


# --- values -----------------------------------------------------------------------------------------------

_SIDES: Final[tuple[Side, ...]] = get_args(Side)
_AGAINST: Final[dict[Side, Direction]] = {"ours": "push", "theirs": "pull"}
_SYSTEMS: Final[dict[Side, str]] = {"ours": "marketing system", "theirs": "CRM"}
_LONGEST_SHOWN: Final = 200


def _value(case: _Case, side: Side) -> FieldValue | FieldProblem:
    """The side's canonical value, or why there is none."""
    seen, name = case.seen(side), _name(case.rule, side)
    if seen is None or name not in seen.values:
        missing = f"the {_SYSTEMS[side]} did not show it, so nothing is carried over."
        fix = "give the connecting user the right to see the field, or take it out of the mapping"
        return FieldProblem(case.record, case.rule.name, name, side, "not_read", "", missing, fix)
    value = canonical(seen.values[name], _type(case.rule, side))
    return _problem(case, side, value, seen.values[name]) if isinstance(value, Misfit) else value


def _problem(case: _Case, side: Side, misfit: Misfit, value: object) -> FieldProblem:
    """The source's value stays where it is; the problem shows its beginning."""
    said = shown(value)
    text = (repr(value) if said is None else said)[:_LONGEST_SHOWN]
    message = f'"{text}" in the {_SYSTEMS[side]} {misfit.message}; it is not carried over.'
    name = _name(case.rule, side)
    return FieldProblem(case.record, case.rule.name, name, side, misfit.code, text, message, misfit.fix)


def not_taken(record: str, rule: FieldRule, agreed: Agreed) -> FieldProblem | None:
    """What is to be said where a side stored something else than it was sent; None where it did not."""
    side = agreed.apart
    if side is None:
        return None
    shows = (shown(_part(agreed, side)) or "")[:_LONGEST_SHOWN]
    sent = (shown(_part(agreed, _other(side))) or "")[:_LONGEST_SHOWN]
    message = f'the {_SYSTEMS[side]} was sent "{sent}" and shows "{shows}"; it is not sent again.'
    fix = f"see which rule of the {_SYSTEMS[side]} changes the field, or change it by hand on either side"
    return FieldProblem(record, rule.name, _name(rule, side), side, "not_taken", shows, message, fix)


def _changes(case: _Case, values: Mapping[Side, FieldValue]) -> frozenset[Side]:
    """The sides that differ from the base; both where there is none."""
    base = case.base
    if base is None:
        return frozenset(_SIDES)
    return frozenset(side for side in _SIDES if not same(case.rule, _part(base, side), values[side]))


def _agree(rule: FieldRule, ours: FieldValue, theirs: FieldValue) -> bool:
    """Whether one value is the other as its side would keep it: rounded, cut, of its kind."""
    there = convert(ours, rule.our_type, rule.their_type)
    back = convert(theirs, rule.their_type, rule.our_type)
    return same(rule, there, theirs) or same(rule, back, ours)


def same(rule: FieldRule, one: FieldValue | Misfit, other: FieldValue | Misfit) -> bool:
    """Whether two canonical values of one side are one: no change by this rule."""
    if rule.any_case and isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return type(one) is type(other) and one == other


def _part(agreed: Agreed, side: Side) -> FieldValue:
    return agreed.ours if side == "ours" else agreed.theirs


def _is_blank(rule: FieldRule, side: Side, value: FieldValue) -> bool:
    """Whether the field says nothing yet; one that is always yes or no says nothing by a no."""
    return value is None or (value is False and not _type(rule, side).nullable)


def _pair(source: Side, value: FieldValue, given: FieldValue) -> Agreed:
    return Agreed(value, given) if source == "ours" else Agreed(given, value)


def _other(side: Side) -> Side:
    return "theirs" if side == "ours" else "ours"


def _name(rule: FieldRule, side: Side) -> str:
    return rule.ours if side == "ours" else rule.theirs


def _type(rule: FieldRule, side: Side) -> FieldType:
    return rule.our_type if side == "ours" else rule.their_type


def _checked(rules: tuple[FieldRule, ...]) -> tuple[FieldRule, ...]:
    """The rules; two that write one field would overwrite each other at every merge."""
    targets = [f"{s} {_name(rule, s)}" for rule in rules for s in _SIDES if rule.direction != _AGAINST[s]]
    for one in ([rule.name for rule in rules], targets):
        twice = next((x for x in one if one.count(x) > 1), None)
        if twice is not None:
            raise ValueError(f"two rules of the mapping write {twice!r}; keep one of them")
    return rules
