"""Sheets Facts, Values and Groups: what rules may read, the known values, and names for sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from rules import countries
from rules.fold import fold
from rules.known import COUNTRY
from rules.model import Fact, FactType, KnownValue
from rules.vocabulary import fact_key
from rules.workbook import fields
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Cell, Line, Spec, Table
from rules.workbook.text import key, split_list, split_quoted

FACTS: Final = Spec(required=("Fact", "Type"), optional=("Known values", "Note"))
VALUES: Final = Spec(required=("Fact", "Code"), optional=("Name", "Aliases", "From", "Until", "Note"))
GROUPS: Final = Spec(required=("Group", "Fact", "Members"), optional=("Note",))
SET_BY_ROWS: Final = frozenset({"region", "segment", "lane", "product line"})
"""Shipped facts that no lead brings: rules set them."""
_TYPES: Final = {word: word for word in get_args(FactType)} | {"free text": "text", "closed list": "closed"}


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of values of one fact, and the cell that lists them."""

    name: str
    fact: str
    members: tuple[str, ...]
    place: Place


def find_fact(text: str, facts: Mapping[str, Fact]) -> Fact | None:
    """The fact that a header or cell means, however it is spelt."""
    wanted = fact_key(text)
    return facts.get(wanted) or next((f for f in facts.values() if key(f.name) == key(text)), None)


def read_facts(table: Table | None, defaults: tuple[Fact, ...], report: Report) -> dict[str, Fact]:
    """The shipped facts and the sheet's; a row may give a shipped fact another type."""
    facts = {fact_key(f.name): f for f in defaults}
    seen: set[str] = set()
    for line in table.lines if table else ():
        typed = fields.text(line["Fact"], report, required=True)
        kind = fields.choice(line["Type"], _TYPES, report)
        if not typed or not kind:
            continue
        known = find_fact(typed, facts)
        name = fact_key(known.name if known else typed)
        if name in seen:
            report.error("T109", line["Fact"].place, f'The fact "{typed}" is given twice.', "delete one row")
            continue
        seen.add(name)
        facts[name] = Fact(known.name if known else name, _type(kind), line["Note"].text)
    return facts


def _type(word: str) -> FactType:
    found: FactType = next(t for t in get_args(FactType) if t == word)
    return found


def _fact_of(line: Line, facts: Mapping[str, Fact], report: Report) -> Fact | None:
    cell = line["Fact"]
    typed = fields.text(cell, report, required=True)
    found = find_fact(typed, facts) if typed else None
    if typed and found is None:
        unknown_fact(cell, typed, facts, report)
    return found


def unknown_fact(cell: Cell, typed: str, facts: Mapping[str, Fact], report: Report) -> None:
    meant = report.nearest(typed, facts)
    report.error(
        "T108",
        cell.place,
        f'There is no fact "{typed}".',
        f"type {meant}" if meant else "add it to sheet Facts, or use one of: " + ", ".join(facts),
        suggestion=meant,
    )


def read_values(
    table: Table | None, facts: Mapping[str, Fact], report: Report, *, listed: Table | None = None
) -> tuple[KnownValue, ...]:
    """The known values of sheet Values, and those that sheet Facts (`listed`) names as codes in one cell."""
    spellings: dict[tuple[str, str], tuple[str, Cell]] = {}
    values: list[KnownValue] = []
    for line in table.lines if table else ():
        fact = _fact_of(line, facts, report)
        code = fields.text(line["Code"], report, required=True)
        begin, end = fields.span(line, "From", "Until", report)
        if not fact or not code:
            continue
        name = fields.text(line["Name"], report)
        aliases = split_list(fields.text(line["Aliases"], report))
        values.append(KnownValue(fact.name, code, name, aliases, begin, end))
        for column, texts in (("Code", (code,)), ("Name", (name,)), ("Aliases", aliases)):
            for spelling in filter(None, texts):
                _check_spelling(line[column], fact.name, spelling, code, spellings, report)
                if fact_key(fact.name) == COUNTRY:
                    _check_country(line[column], spelling, code, report)
    return (*values, *_listed_values(listed, facts, values, report))


def _listed_values(
    table: Table | None, facts: Mapping[str, Fact], values: Iterable[KnownValue], report: Report
) -> Iterator[KnownValue]:
    """The codes in column Known values of sheet Facts that sheet Values does not give."""
    known = {(value.fact, fold(value.code)) for value in values}
    for line in table.lines if table else ():
        codes = split_list(fields.text(line["Known values"], report))
        fact = find_fact(line["Fact"].text, facts)
        for code in codes if fact else ():
            if fact and (fact.name, fold(code)) not in known:
                known.add((fact.name, fold(code)))
                yield KnownValue(fact.name, code)


def _check_spelling(
    cell: Cell,
    fact: str,
    spelling: str,
    code: str,
    spellings: dict[tuple[str, str], tuple[str, Cell]],
    report: Report,
) -> None:
    first = spellings.setdefault((fact, fold(spelling)), (code, cell))
    twice = first[1].place.row != cell.place.row
    if twice and (first[0] != code or cell.place.column == "Code"):
        report.error(
            "T109",
            cell.place,
            f'"{spelling}" already stands in {first[1].place.address} as {fact} {first[0]}.',
            "delete one of the two, or spell one of them differently",
        )


def _check_country(cell: Cell, spelling: str, code: str, report: Report) -> None:
    """Warn about a country's spelling that is another country's own."""
    own, other = countries.lookup(code), countries.lookup(spelling)
    if other and own and other != own:
        message = (
            f'"{spelling}" is {other} ({countries.english_name(other)}) everywhere else; here it means {own}.'
        )
        report.warn("T115", cell.place, message, "delete the spelling if that is not meant", suggestion=other)


def read_groups(table: Table | None, facts: Mapping[str, Fact], report: Report) -> tuple[Group, ...]:
    """The groups, one with nothing in it where its members or fact cannot be read."""
    groups: dict[str, Group] = {}
    for line in table.lines if table else ():
        name = fields.text(line["Group"], report, required=True)
        fact = _fact_of(line, facts, report)
        cell = line["Members"]
        members = _members(cell, report)
        if not _usable_group_name(line["Group"], name, groups, report):
            name = "@" + name.strip("@")  # what was probably meant, known as a broken one
            fact, members = None, ()
        groups.setdefault(fold(name), Group(name, fact.name if fact else "", members, cell.place))
    return tuple(groups.values())


def _members(cell: Cell, report: Report) -> tuple[str, ...]:
    if cell.raw.kind in ("number", "date"):
        return split_list(fields.text(cell, report))
    if cell.blank and not cell.broken:
        fields.missing(cell, report)
    return () if cell.broken else split_quoted(cell.place.text)


def _usable_group_name(cell: Cell, name: str, groups: Mapping[str, Group], report: Report) -> bool:
    if not name:
        return False
    if not name.startswith("@") or len(name) < 2 or any(c in name for c in ',;"'):
        report.error(
            "T110",
            cell.place,
            f'The group name "{name}" does not begin with @, or holds a comma or quote.',
            f"type @{name.strip('@').split(',')[0]}",
            suggestion="@" + name.strip("@"),
        )
        return False
    if fold(name) in groups:
        report.error("T109", cell.place, f'The group "{name}" is given twice.', "join the two rows")
        return False
    return True
