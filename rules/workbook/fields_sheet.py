"""Sheet Fields: which marketing field is kept in step with which field of the CRM, and by what rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar, get_args

from rules.default_fields import DEFAULT_FIELDS, SOURCES
from rules.field_rules import Direction, WriteRule
from rules.model import FieldMapping
from rules.workbook import fields
from rules.workbook.report import Report
from rules.workbook.sheets import Cell, Line, Spec, Table
from rules.workbook.text import key

MARKETING: Final = "Marketing Field"
OBJECTS: Final = {"Lead Field": "Lead", "Contact Field": "Contact", "Account Field": "Account"}
"""The column of each CRM object."""
SPEC: Final = Spec(required=(MARKETING, "Direction"), optional=(*OBJECTS, "Rule", "Source", "Note"))
HEADERS: Final = (MARKETING, *OBJECTS, "Direction", "Rule", "Source", "Note")
EXTERNAL_ID: Final = "Marketing_Id__c"
"""The field that holds the marketing record's id, unless the configuration names another."""

_Word = TypeVar("_Word", bound=str)
_DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)
_RULES: Final[tuple[WriteRule, ...]] = get_args(WriteRule)
_ALSO_DIRECTIONS: Final[Mapping[str, Direction]] = {
    "twoway": "two-way", "bidirectional": "two-way", "both": "two-way", "bothways": "two-way",
}  # fmt: skip
_ALSO_RULES: Final[Mapping[str, WriteRule]] = {"ifempty": "only if empty", "always": "overwrite"}
_NAME: Final = re.compile(r"\w+", re.ASCII)
_OWNER: Final = "leave it out: the allocator gives owners by the rules"
_NOT_OURS: Final = "let it be pulled, or delete the row: the CRM alone writes this field"
_CLOSED: Final = {
    name.casefold(): fix
    for names, fix in (
        (("OwnerId",), _OWNER),
        ((EXTERNAL_ID,), "delete the row: the allocator keeps the marketing record's id in it"),
        (
            (
                "Id", "IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId",
                "ConvertedOpportunityId", "CreatedDate", "CreatedById", "SystemModstamp",
                "LastModifiedDate", "LastModifiedById", "LastActivityDate", "MasterRecordId", "IsDeleted",
            ),
            _NOT_OURS,
        ),
    )
    for name in names
}  # fmt: skip
"""Fields that no row may write, and what to do instead."""
_WHOLE_NAME: Final = "map FirstName and LastName in rows of their own: the CRM puts Name together itself"


class _Row(NamedTuple):
    """A row that could be read, and the line that it stands in."""

    mapping: FieldMapping
    line: Line


def read_fields(table: Table | None, report: Report) -> tuple[FieldMapping, ...]:
    """The sheet's rows; of a workbook without the sheet, the default mapping."""
    if table is None:
        return DEFAULT_FIELDS
    rows = tuple(row for line in table.lines if (row := _read(line, report)))
    for columns in _PLANS:
        _check_twice(list(_carried(rows, columns)), report)
        for source in sorted({row.mapping.source for row in rows}):
            ours = [row for row in rows if row.mapping.source in ("", source)]
            _check_circles(list(_carried(ours, columns)), report)
    if table.headers and not table.lines:
        place = next(iter(table.headers.values()))
        message = "Sheet Fields has no rows, so nothing is carried between marketing and the CRM."
        report.warn(
            "T609", place, message, "fill it in, or delete the sheet: then the default mapping counts"
        )
    return tuple(row.mapping for row in rows)


# --- one row ----------------------------------------------------------------------------------------------


def _read(line: Line, report: Report) -> _Row | None:
    """The row, if it says enough to be used; what is wrong with it goes to the report."""
    marketing = _name(line[MARKETING], report, required=True)
    lead, contact, account = (_name(line[column], report) for column in OBJECTS)
    direction = _word(line["Direction"], _DIRECTIONS, _ALSO_DIRECTIONS, report)
    rule = _word(line["Rule"], _RULES, _ALSO_RULES, report, default="overwrite")
    if all(line[column].blank for column in OBJECTS):
        message = f"{line[MARKETING].text or 'The row'} names no field of the CRM."
        report.error("T602", line[MARKETING].place, message, f"fill in one of {', '.join(OBJECTS)}")
    _check_sense(line, direction, rule, report)
    for column in OBJECTS if direction != "pull" else ():
        _check_open(line[column], OBJECTS[column], report)
    source = _source(line["Source"], report)
    if not (marketing and direction and rule and (lead or contact or account)):
        return None
    cells = {name: line.addresses[name] for name in HEADERS if name in line.addresses}
    return _Row(
        FieldMapping(marketing, lead, contact, account, direction, rule, source, line.row, cells), line
    )


def _word(
    cell: Cell,
    words: tuple[_Word, ...],
    also: Mapping[str, _Word],
    report: Report,
    *,
    default: _Word | None = None,
) -> _Word | None:
    """One of a few words, or another spelling of one; `default` where the cell says none of them."""
    if not cell.broken and (meant := also.get(key(cell.text))):
        return meant
    chosen = fields.choice(cell, {str(word): str(word) for word in words}, report, default=default)
    return next((word for word in words if word == chosen), None)


def _name(cell: Cell, report: Report, *, required: bool = False) -> str:
    """The name of a field as programs write it; nothing if the cell holds none."""
    typed = fields.text(cell, report, required=required)
    if not typed or _NAME.fullmatch(typed):
        return typed
    path, _, last = typed.rpartition(".")
    meant = "".join(last.split())
    meant = meant if _NAME.fullmatch(meant) else ""  # any other sign says that another name is meant
    column, other = cell.place.column, f"{path.strip()} Field".title()
    fix = f"type {meant}" if meant else "type the name that the system's own settings show"
    if path and other in OBJECTS and other != column and column in OBJECTS:
        fix = f"type {meant} into {other}"
    what = "letters without accents, digits and underscores"
    report.error("T601", cell.place, f'"{typed}" is no name of a field: {what}.', fix, suggestion=meant)
    return ""


def _source(cell: Cell, report: Report) -> str:
    """The marketing system that the row is about; one that nobody knows stays as typed."""
    typed = fields.text(cell, report)
    known = {key(name): name for name in SOURCES}
    if typed and key(typed) not in known:
        meant = report.nearest(typed, SOURCES)
        message = f'There is no marketing system "{typed}", so the row has no effect.'
        fix = f"type {meant}" if meant else f"type one of: {', '.join(SOURCES)}; or leave it blank for all"
        report.warn("T608", cell.place, message, fix, suggestion=meant)
    return known.get(key(typed), typed)


def _check_sense(line: Line, direction: Direction | None, rule: WriteRule | None, report: Report) -> None:
    if direction != "pull":
        return
    if rule == "never":
        message = "The row pulls and never writes, so it does nothing."
        report.error(
            "T606", line["Rule"].place, message, "type overwrite or only if empty, or delete the row"
        )
    if not line.is_blank("Contact Field") and not line.is_blank("Account Field"):
        message = "A row that pulls takes the Contact's value, so its Account Field has no effect."
        report.warn("T610", line["Account Field"].place, message, "clear one of the two cells")


def _check_open(cell: Cell, object: str, report: Report) -> None:
    """An error for a field that the allocator must not write, or nobody can."""
    name = cell.text.casefold()
    fix = _WHOLE_NAME if name == "name" and object != "Account" else _CLOSED.get(name)
    if fix and not cell.broken:
        report.error("T605", cell.place, f"{object} {cell.text} cannot be written by the mapping.", fix)


# --- rows together ----------------------------------------------------------------------------------------

_PLANS: Final = (("Lead Field",), ("Contact Field", "Account Field"))
"""The columns that count while the person is a Lead, and afterwards."""


class _Carried(NamedTuple):
    """One value that a row carries: from where to where, each a side or object with the field's name, and
    the cell of the field that is written."""

    row: _Row
    start: tuple[str, str]
    end: tuple[str, str]
    place: Cell


def _carried(rows: Iterable[_Row], columns: Sequence[str]) -> Iterator[_Carried]:
    for row in rows:
        ours = ("marketing", row.mapping.marketing.casefold())
        filled = [column for column in columns if not row.line.is_blank(column)]
        for number, column in enumerate(filled):
            cell = row.line[column]
            theirs = (OBJECTS[column], cell.text.casefold())
            if row.mapping.direction != "pull":
                yield _Carried(row, ours, theirs, cell)
            if row.mapping.direction != "push" and number == 0:
                yield _Carried(row, theirs, ours, row.line[MARKETING])


def _check_twice(carried: Sequence[_Carried], report: Report) -> None:
    """Errors for fields that two rows of one source fill."""
    first: dict[tuple[str, str], list[_Carried]] = {}
    for one in carried:
        before = first.setdefault(one.end, [])
        other = next((b for b in before if _meet(b.row.mapping.source, one.row.mapping.source)), None)
        before.append(one)
        if other is None:
            continue
        side, cell = one.end[0], one.place
        code, by = ("T604", "pulled into") if side == "marketing" else ("T603", "written")
        message = f"{side.capitalize()} field {cell.text} is {by} by row {other.row.line.row} already."
        report.error(code, cell.place, message, "keep one of the two rows, or give each another Source")


def _meet(one: str, other: str) -> bool:
    return not one or not other or one == other


def _check_circles(carried: Sequence[_Carried], report: Report) -> None:
    """Errors for rows that carry values round in a circle, so that they would never come to rest."""
    one_way = [one for one in carried if one.row.mapping.direction != "two-way"]
    writer = {one.end: one for one in one_way}
    for one in one_way:
        seen = [one]
        while (before := writer.get(seen[-1].start)) and before not in seen:
            seen.append(before)
        rows = sorted({each.row.line.row for each in seen})
        if before is one and one.row.line.row == rows[-1]:
            named = ", ".join(str(row) for row in rows)
            message = f"Rows {named} carry values round in a circle: they would change at every run."
            fix = "type two-way in one of the rows and delete the other, or delete one of them"
            report.error("T607", one.row.line["Direction"].place, message, fix)
