"""What two systems show to be wrong with sheet Fields: each by its cell, none that stops the others."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from allocator.domain.sync.carried import (
    Sides,
    Target,
    may_make,
    may_pull,
    may_push,
    never_fits,
    rows_for,
    spelt,
    targets,
)
from allocator.domain.tables import (
    CRM_LACKS_FIELD,
    FIELD_READ_ONLY,
    FIELD_TAKEN,
    KINDS_NEVER_FIT,
    MARKETING_LACKS_FIELD,
    NO_SUCH_OPTION,
)
from rules.errors import Problem
from rules.field_values import FieldType, Misfit, convert
from rules.model import FieldMapping

MARKETING: Final = "Marketing Field"
_SPELT: Final = {"hubspot": "HubSpot"}
_SHOWN: Final = 5
"""Options that a message names."""


def doubts(rows: Iterable[FieldMapping], sides: Sides) -> tuple[Problem, ...]:
    """Warnings by row: what is left out, or can be carried only in part. It may be mended on either side."""
    return tuple(
        p for row in sorted(rows_for(rows, sides), key=lambda row: row.row) for p in _of_row(row, sides)
    )


def _of_row(row: FieldMapping, sides: Sides) -> Iterator[Problem]:
    ours = spelt(row.marketing, sides.ours)
    if not ours:
        what = f"there is no field {row.marketing} in {_shown(sides.source)} that the allocator may see"
        meant = (name for name in sides.ours if row.direction == "push" or may_pull(name, sides))
        yield _about(row, MARKETING, MARKETING_LACKS_FIELD, what, _near(row.marketing, meant))
    elif row.direction != "push" and not may_pull(ours, sides):
        yield _closed_ours(row, ours, sides)
    for target in (*targets(row, "lead"), *targets(row, "contact")):
        theirs = spelt(target.field, sides.of(target.object))
        if theirs and ours:
            yield from _of_pair(row, target, ours, theirs, sides)
        elif not theirs and sides.of(target.object):
            what = f"{target.object} has no field {target.field} that the allocator may see"
            fix = _near(target.field, _usable(target, sides))
            yield _about(row, target.column, CRM_LACKS_FIELD, what, fix)


def _closed_ours(row: FieldMapping, ours: str, sides: Sides) -> Problem:
    if ours in sides.write_back.values():
        of = _shown(sides.source)
        what = f"the field {ours} of {of} tells what the allocator writes back, and nothing else"
        return _about(row, MARKETING, FIELD_TAKEN, what, "map another field, or change [hubspot.write_back]")
    what = f"the field {ours} of {_shown(sides.source)} cannot be written, so nothing is pulled into it"
    return _about(row, MARKETING, FIELD_READ_ONLY, what, "type push, or map another field")


def _of_pair(row: FieldMapping, target: Target, ours: str, theirs: str, sides: Sides) -> Iterator[Problem]:
    our_type, their_type = sides.ours[ours].type, sides.of(target.object)[theirs].type
    if target.direction != "pull" and not may_push(theirs, target.object, sides):
        yield _closed_theirs(row, target, theirs, sides)
        return
    pushes, pulls = target.direction != "pull", target.direction != "push"
    for goes, of, to in ((pushes, our_type, their_type), (pulls, their_type, our_type)):
        if goes and never_fits(of, to):
            what = f"no {of.kind} can become a {to.kind}".replace("_", " ")
            what = f"the fields {ours} and {target.object} {theirs} never fit: {what}"
            yield _about(row, target.column, KINDS_NEVER_FIT, what, "map a field of another kind")
        elif goes and (lost := _lost(of, to)):
            named = ", ".join(lost[:_SHOWN]) + (
                f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            )
            here, there = (ours, theirs) if of is our_type else (theirs, ours)
            what = f"{len(lost)} of the {len(of.options)} options of {here} are none of {there}: {named}"
            yield _about(
                row, target.column, NO_SUCH_OPTION, what, f"add them to {there}, or map another field"
            )


def _closed_theirs(row: FieldMapping, target: Target, theirs: str, sides: Sides) -> Problem:
    if theirs == sides.external_id:
        what = f"{target.object} {theirs} holds the marketing record's id, so the row cannot write it"
        return _about(row, target.column, FIELD_TAKEN, what, "delete the row, or map another field")
    what = f"the CRM does not let the allocator write {target.object} {theirs}"
    if target.object == "Lead" and may_make(theirs, sides):
        what += " but on a new Lead"
    fix = "type pull, or ask the CRM's administrator to let the allocator's user edit the field"
    return _about(row, target.column, FIELD_READ_ONLY, what, fix)


def _lost(of: FieldType, to: FieldType) -> list[str]:
    """The options of the one field that the other one does not take."""
    if not to.restricted or not of.options or of.kind not in ("picklist", "multi_picklist"):
        return []
    one = FieldType("text")
    return [option for option in of.options if isinstance(convert(option, one, to), Misfit)]


def _usable(target: Target, sides: Sides) -> Iterator[str]:
    """The fields that might have been meant: those that the row's direction could go to."""
    for name in sides.of(target.object):
        if target.direction == "pull" or may_push(name, target.object, sides):
            yield name


def _near(name: str, known: Iterable[str]) -> str:
    by_fold = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.7)
    meant = f"type {by_fold[found[0]]}" if found else "correct the name"
    return f"{meant}, or ask the administrator to make the field or to show it to the allocator's user"


def _shown(source: str) -> str:
    """A marketing system as it spells its own name."""
    return _SPELT.get(source, source)


def _about(row: FieldMapping, column: str, code: str, what: str, fix: str) -> Problem:
    """A warning about a cell; about the whole row's marketing field where the row stands on no sheet."""
    value = row.marketing if column == MARKETING else getattr(row, column.split()[0].lower())
    return Problem(
        code=code, severity="warning", sheet="Fields", cell=row.cells.get(column, ""), row=row.row or None,
        column=column, value=value, message=f"{what[:1].upper()}{what[1:]}.", fix=fix,
    )  # fmt: skip
