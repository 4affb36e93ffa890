"""Sheets Teams, Salespeople, Absences and Owner overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from rules.fold import fold
from rules.model import Absence, OwnerOverride, Salesperson, Team
from rules.vocabulary import Vocabulary
from rules.workbook import fields
from rules.workbook.hours_cell import own_hours
from rules.workbook.ids import crm_id
from rules.workbook.lookalike import twin
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Cell, Line, Spec, Table
from rules.workbook.text import key, split_list

SALESPEOPLE: Final = Spec(
    required=("Person ID", "Name", "E-mail", "CRM user ID", "Team", "Active"),
    optional=(
        "Weight",
        "Daily cap",
        "Weekly cap",
        "Languages",
        "Tags",
        "Start",
        "End",
        "Working hours",
        "Note",
    ),
)
ABSENCES: Final = Spec(required=("Person", "From", "Until"), optional=("Type", "Delegate", "Note"))
OVERRIDES: Final = Spec(required=("Company domain or Account ID", "Person"), optional=("Until", "Note"))
MAX_WEIGHT: Final = 1_000
MAX_CAP: Final = 100_000
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
_DOMAIN: Final = re.compile(r"(?:[\w](?:[\w-]*[\w])?\.)+[^\W\d_][\w-]*[\w]")


@dataclass(frozen=True, slots=True)
class TeamNames:
    """Folded name -> name of each team. Not `complete` when a row of sheet Teams could not be read."""

    by_fold: Mapping[str, str]
    complete: bool = True


@dataclass
class People:
    """Everybody on sheet Salespeople, one entry per person and team, and how a cell may name them."""

    rows: list[Salesperson] = field(default_factory=list)
    places: list[Line] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    by_id: dict[str, tuple[Salesperson, Line]] = field(default_factory=dict)
    by_user: dict[str, tuple[Salesperson, Line]] = field(default_factory=dict)
    by_team: dict[tuple[str, str], Line] = field(default_factory=dict)
    """The first row of each Person ID, of each CRM user, and of each Person ID in each team."""
    complete: bool = True
    """Whether every row could be read: if not, somebody unknown may stand in one of the others."""

    def add(self, person: Salesperson, line: Line) -> None:
        self.rows.append(person)
        self.places.append(line)
        self.by_id.setdefault(fold(person.id), (person, line))
        self.by_team.setdefault((fold(person.id), person.team), line)
        if person.crm_user_id:
            self.by_user.setdefault(person.crm_user_id, (person, line))
        for spelling in (person.id, person.name, person.email):
            if spelling:
                self.names.setdefault(fold(spelling), set()).add(person.id)
                self.spellings.setdefault(spelling, person.id)


def read_people(table: Table | None, teams: TeamNames, vocabulary: Vocabulary, report: Report) -> People:
    """Everybody on the sheet, also those in whose row something is wrong, so that others may name them."""
    people = People()
    for line in table.lines if table else ():
        person = _person(line, teams, vocabulary, report)
        people.complete &= person is not None and bool(person.name)
        if person:
            _check_contradictions(person, line, people, report)
            people.add(person, line)
    _warn_weights(people, report)
    return people


def _person(line: Line, teams: TeamNames, vocabulary: Vocabulary, report: Report) -> Salesperson | None:
    identity = fields.text(line["Person ID"], report, required=True)
    begin, end = fields.span(line, "Start", "End", report)
    active = fields.yes_or_no(line["Active"], report)
    person = Salesperson(
        id=identity,
        name=fields.text(line["Name"], report, required=True),
        email=email(line["E-mail"], report, required=True),
        crm_user_id=crm_id(line["CRM user ID"], "005", report, required=True),
        team=find_team(line["Team"], teams, report, required=True),
        weight=fields.whole(line["Weight"], report, low=1, high=MAX_WEIGHT, default=1) or 1,
        daily_cap=fields.whole(line["Daily cap"], report, low=1, high=MAX_CAP, default=None),
        weekly_cap=fields.whole(line["Weekly cap"], report, low=1, high=MAX_CAP, default=None),
        languages=frozenset(vocabulary.code("language", w) or w for w in _words(line["Languages"], report)),
        tags=_words(line["Tags"], report),
        active=active,
        start=begin,
        end=end,
        hours=own_hours(line["Working hours"], report),
        cell=line["CRM user ID"].place.address,
    )
    return person if identity else None


def _words(cell: Cell, report: Report) -> frozenset[str]:
    return frozenset(fold(word) for word in split_list(fields.text(cell, report)))


def email(cell: Cell, report: Report, *, required: bool = False) -> str:
    typed = fields.text(cell, report, required=required)
    if typed and not _EMAIL.fullmatch(typed):
        report.error(
            "T411",
            cell.place,
            f'"{typed}" is not an e-mail address.',
            "type one address such as ana@example.com",
        )
        return ""
    return typed


def find_team(
    cell: Cell, teams: TeamNames, report: Report, *, required: bool = False, code: str = "T402"
) -> str:
    typed = fields.text(cell, report, required=required)
    if not typed or fold(typed) in teams.by_fold:
        return teams.by_fold.get(fold(typed), "")
    meant = twin(typed, teams.by_fold.values()) or report.nearest(typed, teams.by_fold.values())
    if meant or teams.complete:
        hint = f"type {meant}, or add the team to sheet Teams" if meant else "add the team to sheet Teams"
        report.error(code, cell.place, f'There is no team "{typed}".', hint, suggestion=meant)
    return ""


def _check_contradictions(person: Salesperson, line: Line, people: People, report: Report) -> None:
    """Report a row above that this one repeats or contradicts."""
    if person.team and (above := people.by_team.get((fold(person.id), person.team))):
        where = line["Person ID"].place
        message = f"{person.id} stands twice in team {person.team} (row {above.row} too)."
        report.error("T401", where, message, "delete one of the two rows, or give it its own Person ID")
        return
    first = people.by_id.get(fold(person.id))
    if first and _clash(person, first[0], line, first[1], report):
        return
    first = people.by_user.get(person.crm_user_id)
    if first and fold(first[0].id) != fold(person.id):
        where = line["CRM user ID"].place
        message = f"{first[0].id} in row {first[1].row} has the same CRM user ID."
        report.error("T401", where, message, "give each person their own CRM user ID, or one Person ID")


def _clash(person: Salesperson, other: Salesperson, line: Line, first: Line, report: Report) -> bool:
    pairs = (
        ("Name", person.name, other.name),
        ("E-mail", person.email, other.email),
        ("CRM user ID", person.crm_user_id, other.crm_user_id),
        ("Person ID", person.id, other.id),
    )
    for column, here, there in pairs:
        if here and there and here != there:
            message = f"{person.id} has the {column} {here} here and {there} in row {first.row}."
            report.error("T412", line[column].place, message, f"use one {column} in both rows")
            return True
    return False


def _warn_weights(people: People, report: Report) -> None:
    least: dict[str, int] = {}
    for person in people.rows:
        if person.active and person.team:
            least[person.team] = min(person.weight, least.get(person.team, MAX_WEIGHT))
    for person, line in zip(people.rows, people.places, strict=True):
        low = least.get(person.team, person.weight)
        if person.active and person.weight > 20 * low:
            report.warn(
                "T413",
                line["Weight"].place,
                f"{person.name} gets {person.weight // low} times as many leads as others in {person.team}.",
                "check the weight; above 20 times the small ones wait very long",
            )


def find_person(
    cell: Cell, people: People, report: Report, *, required: bool = False, code: str = "T403"
) -> str:
    """The Person ID of whom the cell names by Person ID, e-mail or full name."""
    typed = fields.text(cell, report, required=required)
    if not typed:
        return ""
    found = people.names.get(fold(typed), set())
    if len(found) == 1:
        return next(iter(found))
    if found:
        several = ", ".join(sorted(found))
        message = f'Several people are called "{typed}": {several}.'
        report.error("T404", cell.place, message, "type the Person ID instead", suggestion=several)
        return ""
    meant = report.nearest(typed, people.spellings)
    if not meant and not people.complete:
        return ""
    hint = (
        f"type {meant}, or add the person to sheet Salespeople" if meant else "add them to sheet Salespeople"
    )
    report.error(code, cell.place, f'There is nobody "{typed}" on sheet Salespeople.', hint, suggestion=meant)
    return ""


def read_absences(table: Table | None, people: People, report: Report) -> dict[str, tuple[Absence, ...]]:
    """Person ID -> absences, by their first day."""
    found: dict[str, list[Absence]] = {}
    for line in table.lines if table else ():
        person = find_person(line["Person"], people, report, required=True)
        begin, end = fields.span(line, "From", "Until", report, required=True)
        kind = fields.text(line["Type"], report)
        delegate = _delegate(line["Delegate"], person, people, report)
        if person and begin and end and begin <= end:
            found.setdefault(person, []).append(Absence(begin, end, kind, delegate or None))
    return {k: tuple(sorted(v, key=lambda a: (a.from_, a.until))) for k, v in found.items()}


def _delegate(cell: Cell, person: str, people: People, report: Report) -> str:
    """The Person ID of who serves for an absentee; `none` is nobody, unless somebody is called so."""
    if key(cell.text) == "none" and fold(cell.text) not in people.names:
        return ""
    delegate = find_person(cell, people, report)
    if delegate and delegate == person:
        message = f"{cell.text} cannot be the delegate of their own absence."
        report.error("T422", cell.place, message, "name somebody else of the team, or leave it blank")
        return ""
    return delegate


def read_overrides(table: Table | None, people: People, report: Report) -> tuple[OwnerOverride, ...]:
    overrides: dict[str, OwnerOverride] = {}
    for line in table.lines if table else ():
        cell = line["Company domain or Account ID"]
        name = _override_key(cell, report)
        person = find_person(line["Person"], people, report, required=True)
        until = fields.day(line["Until"], report)
        if name in overrides:
            message = f"{name} already stands in {overrides[name].cell}."
            report.error("T414", cell.place, message, "delete one of the two rows")
        elif name and person:
            overrides[name] = OwnerOverride(name, person, until, cell.place.address)
    return tuple(overrides.values())


def _override_key(cell: Cell, report: Report) -> str:
    typed = fields.text(cell, report, required=True)
    if re.fullmatch(r"001[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", typed):
        return crm_id(cell, "001", report)
    domain = re.sub(r"^(?:https?://)?(?:www\.)?", "", typed.lower()).rstrip("/")
    if not typed or _DOMAIN.fullmatch(domain):
        return domain
    report.error(
        "T414",
        cell.place,
        f'"{typed}" is neither a company domain nor an Account ID.',
        "type a domain such as example.com, or the Account's id of 18 characters",
        suggestion=domain.rpartition("@")[2] if "@" in domain else "",
    )
    return ""


def with_people(
    teams: Iterable[Team], people: People, absences: Mapping[str, tuple[Absence, ...]]
) -> tuple[Team, ...]:
    """The teams with everybody who belongs to them, in the order of sheet Salespeople."""
    members: dict[str, list[Salesperson]] = {}
    for person in people.rows:
        members.setdefault(person.team, []).append(replace(person, absences=absences.get(person.id, ())))
    return tuple(replace(team, people=tuple(members.get(team.name, ()))) for team in teams)


def check_staffed(places: Mapping[str, Place], people: People, report: Report) -> None:
    """Every team needs somebody active; `places` gives the cell of each team's name."""
    staffed = {person.team for person in people.rows if person.active}
    if "" in staffed:
        return  # somebody's team is not known: reported there
    for name, place in places.items():
        if name not in staffed:
            report.error(
                "T405",
                place,
                f"Nobody who is Active belongs to team {name}.",
                "add somebody to it on sheet Salespeople, or delete the team",
            )
