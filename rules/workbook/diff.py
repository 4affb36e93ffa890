"""What differs between two versions of the tables, by name and never by row; and it in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final

from rules.fold import fold
from rules.hours import show_hours
from rules.model import (
    Absence,
    FieldMapping,
    KnownValue,
    Layer,
    OwnerOverride,
    RoutingTables,
    Row,
    Salesperson,
    Team,
)
from rules.workbook.choices import team_texts
from rules.workbook.days_ahead import Gap
from rules.workbook.text import key

LINES: Final = 20
"""Lines of one section."""
NAMED: Final = 10
"""Names in one line."""
LONGEST: Final = 60
"""Letters of a cell's text that are shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: the sheet, its name there, the column, and the texts before and after.

    What was added or removed as a whole has no field; its text says what its columns hold. `cell` is where
    the thing stands, as far as the tables know it; `person` is the Person ID of a row about a person, whose
    name says more. `private`: it is about companies, which `in_words` does not tell.
    """

    sheet: str
    id: str
    field: str = ""
    before: str = ""
    after: str = ""
    cell: str = ""
    person: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs, in the order of the sheets; empty when the tables mean the same."""

    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Thing:
    """A row by what it is called: `fields` are its columns and their texts."""

    sheet: str
    id: str
    fields: Mapping[str, str]
    cell: str = ""
    person: str = ""
    private: bool = False

    @property
    def said(self) -> str:
        return "; ".join(f"{name}: {text}" for name, text in self.fields.items() if text not in ("", self.id))


_Things = dict[tuple[str, ...], _Thing]


def diff(before: RoutingTables, after: RoutingTables) -> Difference:
    """What was added, removed and changed. Rows that only stand elsewhere are the same rows.

    A rule that is not active counts as not there, as it does for a lead.
    """
    old, new = _things(before), _things(after)
    return Difference(
        added=tuple(_whole(t, after=t.said) for k, t in new.items() if k not in old),
        removed=tuple(_whole(t, before=t.said) for k, t in old.items() if k not in new),
        changed=tuple(c for k, t in new.items() if k in old for c in _changes(old[k], t)),
    )


def _whole(thing: _Thing, *, before: str = "", after: str = "") -> Change:
    return Change(thing.sheet, thing.id, "", before, after, thing.cell, thing.person, thing.private)


def _changes(old: _Thing, new: _Thing) -> Iterator[Change]:
    was = {key(name): text for name, text in old.fields.items()}
    now = {key(name): text for name, text in new.fields.items()}
    names = {key(name): name for name in (*old.fields, *new.fields)}
    if old.sheet != new.sheet:
        yield Change(new.sheet, new.id, "Sheet", old.sheet, new.sheet, new.cell, new.person)
    for short, name in names.items():
        if was.get(short, "") != now.get(short, ""):
            texts = was.get(short, ""), now.get(short, "")
            private = old.private or new.private
            yield Change(new.sheet, new.id, name, *texts, new.cell, new.person, private)


def _things(tables: RoutingTables) -> _Things:
    found: _Things = {}
    for name, text in tables.settings.items():
        found["Settings", key(name)] = _Thing("Settings", name, {"Value": text})
    for place, layer in enumerate(tables.layers):
        found["Layers", fold(layer.name)] = _layer(place, layer)
    found |= {("rule", fold(row.rule_id)): _rule(row) for layer in tables.layers for row in layer.rows}
    found |= {("Teams", fold(team.name)): _team(team) for team in tables.teams}
    found |= {
        ("Salespeople", fold(p.id), fold(p.team)): _person(p) for team in tables.teams for p in team.people
    }
    found |= dict(_absences(tables))
    found |= _lists(tables)
    found |= {("Owner overrides", fold(o.key)): _override(o) for o in tables.overrides}
    found |= dict(_mappings(tables.fields))
    return found


def _layer(place: int, layer: Layer) -> _Thing:
    fields = {
        "Order": _number(layer.order),
        "Sheet": layer.sheet,
        "When nothing matches": layer.when_nothing_matches,
    }
    return _Thing("Layers", layer.name, fields)


def _rule(row: Row) -> _Thing:
    own = {
        "Rule ID": row.rule_id,
        "Order": _number(row.order),
        "From": _day(row.from_),
        "Until": _day(row.until),
    }
    taken = {key(name) for name in (*own, "Active")}
    typed = {name: text for name, text in row.texts.items() if key(name) not in taken}
    typed |= {name: row.owner or text for name, text in typed.items() if key(name) == "thenowner"}
    return _Thing(row.sheet, row.rule_id, {**own, **typed}, row.cells.get("Rule ID", ""))


def _team(team: Team) -> _Thing:
    fields = {
        "Team": team.name,
        "Time zone": team.time_zone,
        "If nobody can": {"team": "fallback team"}.get(team.if_nobody, team.if_nobody),
        "Fallback team": team.fallback_team or "",
        "CRM queue ID": team.queue_id or "",
        "Alert e-mail": team.alert_email,
        **team_texts(team),
    }
    return _Thing("Teams", team.name, fields)


def _person(person: Salesperson) -> _Thing:
    fields = {
        "Name": person.name,
        "E-mail": person.email,
        "CRM user ID": person.crm_user_id,
        "Weight": str(person.weight),
        "Daily cap": str(person.daily_cap or ""),
        "Weekly cap": str(person.weekly_cap or ""),
        "Languages": ", ".join(sorted(person.languages)),
        "Tags": ", ".join(sorted(person.tags)),
        "Active": "yes" if person.active else "no",
        "Start": _day(person.start),
        "End": _day(person.end),
        "Working hours": "" if person.hours is None else show_hours(person.hours),
    }
    return _Thing("Salespeople", f"{person.id} in {person.team}", fields, person=person.id)


def _absences(tables: RoutingTables) -> Iterator[tuple[tuple[str, ...], _Thing]]:
    """Once each, however many teams somebody is in; two for the same days are one."""
    for person, rows in tables.people_by_id.items():
        for (first, last), same in groupby(sorted(rows[0].absences, key=_days_of), key=_days_of):
            alike = list(same)
            fields = {
                "Type": ", ".join(sorted({a.type for a in alike if a.type})),
                "Delegate": ", ".join(sorted({a.delegate for a in alike if a.delegate})),
            }
            name = f"{person}, {_span(first, last)}"
            yield ("Absences", fold(name)), _Thing("Absences", name, fields, person=person)


def _days_of(absence: Absence) -> tuple[date, date]:
    return absence.from_, absence.until


def _lists(tables: RoutingTables) -> _Things:
    found: _Things = {}
    for fact in tables.facts:
        if fact.note != _SET_BY_RULES:
            fields = {"Type": fact.type, "Note": fact.note}
            found["Facts", fold(fact.name)] = _Thing("Facts", fact.name, fields)
    for value in tables.values:
        found["Values", fold(value.fact), fold(value.code)] = _value(value)
    about = [fold(text) for text in _about_companies(tables)]
    for name, members in tables.groups.items():
        private = any(fold(name) in text for text in about)
        found["Groups", fold(name)] = _Thing("Groups", name, {"Members": ", ".join(members)}, private=private)
    return found


def _about_companies(tables: RoutingTables) -> Iterator[str]:
    """The cells of rules that companies meet."""
    rows = (row for layer in tables.layers for row in layer.rows)
    return (text for row in rows for name, text in row.texts.items() if ("Rules", key(name)) in _PRIVATE)


_SET_BY_RULES: Final = "set by rules"
"""The note of a fact that stands on no sheet: a rule's Then column made it."""


def _value(value: KnownValue) -> _Thing:
    fields = {
        "Name": value.name,
        "Aliases": ", ".join(value.aliases),
        "From": _day(value.from_),
        "Until": _day(value.until),
    }
    private = ("Rules", key(f"If {value.fact}")) in _PRIVATE
    return _Thing("Values", f"{value.fact} {value.code}", fields, private=private)


def _override(override: OwnerOverride) -> _Thing:
    fields = {"Person": override.person, "Until": _day(override.until)}
    return _Thing("Owner overrides", override.key, fields, override.cell)


def _mappings(rows: Iterable[FieldMapping]) -> Iterator[tuple[tuple[str, ...], _Thing]]:
    """Each row of sheet Fields by its marketing field; several of one are told apart by their sequence."""
    seen: dict[tuple[str, str], int] = {}
    for row in sorted(rows, key=lambda row: (row.lead, row.contact, row.account)):
        about = fold(row.marketing), fold(row.source)
        seen[about] = seen.get(about, 0) + 1
        fields = {
            "Lead Field": row.lead,
            "Contact Field": row.contact,
            "Account Field": row.account,
            "Direction": row.direction,
            "Rule": row.rule,
        }
        name = f"{row.marketing} ({row.source})" if row.source else row.marketing
        cell = row.cells.get("Marketing Field", "")
        yield ("Fields", *about, str(seen[about])), _Thing("Fields", name, fields, cell)


def _number(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _span(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


# --- in words ---

_NOUNS: Final[Mapping[str, tuple[str, str, str]]] = {
    "Rules": ("rule", "rules", "Rule"),
    "Layers": ("layer", "layers", "Layer"),
    "Teams": ("team", "teams", "Team"),
    "Salespeople": ("salesperson", "salespeople", "Salesperson"),
    "Absences": ("absence", "absences", "Absence"),
    "Facts": ("fact", "facts", "Fact"),
    "Values": ("value", "values", "Value"),
    "Groups": ("group", "groups", "Group"),
    "Owner overrides": ("owner override", "owner overrides", "Owner override"),
    "Fields": ("field mapping", "field mappings", "Field mapping"),
    "Settings": ("setting", "settings", "Setting"),
}
"""Each section in its order, with what one and several of it are called, and how a line about one begins."""
_PRIVATE: Final = frozenset({
    ("Salespeople", "name"), ("Salespeople", "email"), ("Absences", "type"), ("Teams", "alertemail"),
    ("Rules", "ifcompany"), ("Rules", "ifemaildomain"),
})  # fmt: skip
_PRIVATE_SETTINGS: Final = frozenset({"contact", "editors"})


def in_words(difference: Difference, gaps: Iterable[Gap] = ()) -> tuple[Section, ...]:
    """For a mail to who edits the workbook: a section for each kind of thing, at most LINES lines in each.

    Persons are Person IDs. Names, e-mail addresses, companies and why somebody is away are not told: for
    them a line says only that they changed.
    """
    sections = [Section(title, _capped(list(_lines(title, difference)))) for title in _NOUNS]
    ahead = [f"Nobody is there in team {g.team}: {_span(g.first, g.last)}" for g in gaps]
    sections.append(Section("Days with nobody", _capped(ahead)))
    return tuple(section for section in sections if section.lines)


def _lines(title: str, difference: Difference) -> Iterator[str]:
    one, many, begin = _NOUNS[title]
    removed = "removed or no longer active" if title == "Rules" else "removed"
    for changes, what in ((difference.added, "added"), (difference.removed, removed)):
        names = [_name(title, c) for c in changes if _title(c) == title]
        if names:
            yield f"{len(names):,} {one if len(names) == 1 else many} {what}: {_listed(names)}"
    for change in difference.changed:
        if _title(change) == title:
            yield f"{begin} {_name(title, change)}{_said(title, change)}"


def _title(change: Change) -> str:
    return change.sheet if change.sheet in _NOUNS else "Rules"


def _name(title: str, change: Change) -> str:
    """What a thing is called in a mail; a company goes by the cell that it stands in."""
    if title == "Owner overrides" and "." in change.id:
        return f"in {change.cell}" if change.cell else "of a company"
    if title == "Values" and change.private:
        return "of a company"
    return _short(change.id)


def _said(title: str, change: Change) -> str:
    if title == "Settings":
        private, column = change.id in _PRIVATE_SETTINGS, ""
    else:
        private = change.private or (title, key(change.field)) in _PRIVATE
        column = f", {change.field}"
    if private:
        return f"{column}: changed"
    return f"{column}: {_short(change.before) or 'nothing'} -> {_short(change.after) or 'nothing'}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")


def _capped(lines: Sequence[str]) -> tuple[str, ...]:
    more = [f"and {len(lines) - LINES:,} more"] if len(lines) > LINES else []
    return (*lines[:LINES], *more)
