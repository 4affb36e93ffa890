"""Reads a workbook into RoutingTables and says everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from rules.cells import CellError, group_condition
from rules.errors import Problem, WorkbookError
from rules.facts import default_facts
from rules.fold import fold
from rules.model import Fact, RoutingTables
from rules.vocabulary import Vocabulary, fact_key, vocabulary
from rules.workbook import catalogue, fields_sheet, people, settings_sheet, teams
from rules.workbook.advice import give_advice
from rules.workbook.gate import MAX_FILE, too_large
from rules.workbook.layers_sheet import LAYERS, facts_set, read_heads, read_layers
from rules.workbook.read import Book, read_book
from rules.workbook.report import Place, Report
from rules.workbook.rest import collector_at_rest
from rules.workbook.rule_rows import Context
from rules.workbook.sheets import Spec, Table, read_table
from rules.workbook.text import nearest

SCHEMA: Final = "1"
READABLE: Final = ("", "0", SCHEMA)
"""Schemas that mean the same to the reader; a workbook that says none is of the oldest."""
MAX_SHEETS: Final = 100
SHEETS: Final[dict[str, Spec]] = {
    "Settings": settings_sheet.SPEC,
    "Layers": LAYERS,
    "Teams": teams.SPEC,
    "Salespeople": people.SALESPEOPLE,
    "Absences": people.ABSENCES,
    "Facts": catalogue.FACTS,
    "Values": catalogue.VALUES,
    "Groups": catalogue.GROUPS,
    "Owner overrides": people.OVERRIDES,
    "Fields": fields_sheet.SPEC,
}
NEEDED: Final = ("Layers", "Teams", "Salespeople")
IGNORED: Final = "Read me"

Groups = dict[str, tuple[str, tuple[str, ...]]]
"""Group -> the fact it is of, and its members as typed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: the tables if the workbook can be used, its version, and errors and warnings."""

    tables: RoutingTables | None
    problems: tuple[Problem, ...]
    sha256: str = ""

    @property
    def ok(self) -> bool:
        return self.tables is not None


def load(path: str | Path) -> RoutingTables:
    """The checked tables; WorkbookError with every error at once, sorted by sheet and row."""
    path = Path(path)
    return load_bytes(read_file(path), name=path.name)


def read_file(path: Path) -> bytes:
    """The file's bytes; WorkbookError W00 when it is not there or cannot be read, W02 when it is too large
    to be read to its end; then its version is that of the part that was."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _unreadable(path, "it is not a file")  # a pipe or device might never end
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from None
    if len(data) > MAX_FILE:
        size = max(found.st_size, len(data))
        raise WorkbookError([too_large(size)], version=hashlib.sha256(data).hexdigest())
    return data


def _unreadable(path: Path, why: str) -> WorkbookError:
    name = path.name or str(path)
    fix = "put the workbook there, or name the right file"
    return WorkbookError([Problem("W00", "(file)", f"{name} cannot be read: {why}.", fix, value=name)])


def load_bytes(data: bytes, *, name: str = "routing_tables.xlsx") -> RoutingTables:
    """As `load`, for a workbook in memory."""
    checked = check(data, name=name)
    if checked.tables is None:
        wrong = [p for p in checked.problems if p.severity == "error"]
        raise WorkbookError(wrong, version=checked.sha256)
    return checked.tables


@collector_at_rest()
def check(
    workbook: str | Path | bytes, *, name: str = "routing_tables.xlsx", on: date | None = None
) -> Checked:
    """Errors and warnings together. With `on` (today), rows that have expired are warned about too."""
    version = ""
    try:
        data = workbook if isinstance(workbook, bytes) else read_file(Path(workbook))
        version = hashlib.sha256(data).hexdigest()
        book = read_book(data)
    except WorkbookError as error:
        return Checked(None, tuple(replace(p, value=p.value or name) for p in error.problems), version)
    return check_book(book, version=version, on=on)


@collector_at_rest()
def check_book(book: Book, *, version: str, on: date | None = None) -> Checked:
    """As `check`, for a workbook whose cells have been read."""
    report = Report()
    report.extend(book.warnings)
    found = _read_sheets(book, report) if _usable(book, report) else None
    tables = None if found is None else _tables(book, found, version, report)
    if tables and found and not report.refused:
        give_advice(tables, found, report, on=on)
    problems = report.sorted([sheet.title for sheet in book.sheets])
    if tables is None or report.refused:
        return Checked(None, problems, version)
    return Checked(replace(tables, warnings=problems), problems, version)


def _tables(book: Book, found: Mapping[str, Table], version: str, report: Report) -> RoutingTables:
    settings = settings_sheet.read_settings(found.get("Settings"), report)
    own = {fold(title) for title in (*SHEETS, IGNORED)}
    heads = read_heads(
        found.get("Layers"), {fold(s.title): s for s in book.sheets if fold(s.title) not in own}, report
    )
    named = {fold(line["Sheet"].text) for line in found["Layers"].lines} if "Layers" in found else set()
    _warn_unused(book, named | own, report)
    lead_facts = catalogue.read_facts(found.get("Facts"), default_facts(), report)
    facts = _with_set_facts(lead_facts, facts_set(heads))
    values = catalogue.read_values(found.get("Values"), facts, report, listed=found.get("Facts"))
    groups = catalogue.read_groups(found.get("Groups"), facts, report)
    usable = _check_groups(groups, facts, vocabulary(facts.values(), values), report)
    known = vocabulary(facts.values(), values, usable)
    squad = teams.read_teams(found.get("Teams"), settings, report)
    staff = people.read_people(found.get("Salespeople"), squad.names, known, report)
    people.check_staffed(squad.places, staff, report)
    absences = people.read_absences(found.get("Absences"), staff, report)
    overrides = people.read_overrides(found.get("Owner overrides"), staff, report)
    context = Context(
        facts=facts,
        lead_facts=frozenset(lead_facts) - catalogue.SET_BY_ROWS,
        fixed_facts=frozenset(fact_key(f.name) for f in default_facts()) - catalogue.SET_BY_ROWS,
        vocabulary=known,
        teams=squad.names,
        people=staff,
        blank_means_any=settings["blank means any"] == "yes",
        broken_groups=frozenset(fold(group.name) for group in groups if group.name not in usable),
    )
    return RoutingTables(
        version=version,
        settings=settings,
        facts=tuple(facts.values()),
        values=values,
        groups={name: members for name, (_, members) in usable.items()},
        layers=read_layers(heads, context, report),
        teams=people.with_people(squad.teams, staff, absences),
        overrides=overrides,
        fields=fields_sheet.read_fields(found.get("Fields"), report),
        saved_by=book.saved_by,
    )


def _usable(book: Book, report: Report) -> bool:
    if len(book.sheets) > MAX_SHEETS:
        place = Place("(file)", text=str(len(book.sheets)))
        message = f"The workbook has {len(book.sheets)} sheets; at most {MAX_SHEETS} are allowed."
        report.error("R13", place, message, "delete the sheets that are not needed")
        return False
    if book.schema not in READABLE:
        place = Place("(file)", text=book.schema)
        message = (
            f"The workbook was made for version {book.schema} of the tables; this allocator knows {SCHEMA}."
        )
        report.error("T112", place, message, "update the allocator, or start from its own template")
        return False
    return True


def _read_sheets(book: Book, report: Report) -> dict[str, Table]:
    by_title = {fold(sheet.title): sheet for sheet in book.sheets}
    found: dict[str, Table] = {}
    for name, spec in SHEETS.items():
        if sheet := by_title.get(fold(name)):
            found[name] = read_table(sheet, spec, report)
        elif name in NEEDED:
            meant = nearest(name, (s.title for s in book.sheets))
            hint = f"rename sheet {meant} to {name}, or add it" if meant else f"add a sheet called {name}"
            report.error("T101", Place(name), f"There is no sheet {name}.", hint, suggestion=meant)
    return found


def _warn_unused(book: Book, used: set[str], report: Report) -> None:
    titles = {fold(sheet.title) for sheet in book.sheets}
    missing = [name for name in SHEETS if fold(name) not in titles]
    for sheet in book.sheets:
        if fold(sheet.title) not in used and sheet.rows:
            meant = nearest(sheet.title, missing)
            hint = (
                f"rename it to {meant}"
                if meant
                else "name it on sheet Layers if it holds rules, or delete it"
            )
            message = f"Sheet {sheet.title} is not used."
            report.warn("T102", Place(sheet.title), message, hint, suggestion=meant)


def _with_set_facts(lead_facts: Mapping[str, Fact], set_by: Mapping[str, int]) -> dict[str, Fact]:
    return {**{name: Fact(name, "text", "set by rules") for name in set_by}, **lead_facts}


def _check_groups(
    groups: tuple[catalogue.Group, ...], facts: Mapping[str, Fact], plain: Vocabulary, report: Report
) -> Groups:
    """The groups that can be read; what is wrong with the others goes to the report."""
    usable: Groups = {}
    for group in groups:
        if not group.fact or not group.members:
            continue
        try:
            group_condition(facts[fact_key(group.fact)], group.members, plain)
            usable[group.name] = (group.fact, group.members)
        except CellError as error:
            report.error(error.code, group.place, error.message, error.fix, suggestion=error.suggestion)
    return usable
