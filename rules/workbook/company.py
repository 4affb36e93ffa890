"""What a new workbook holds: the shipped company, or an org's own users and no rules yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from rules.default_fields import DEFAULT_FIELDS
from rules.facts import default_facts
from rules.workbook import choices, company_rules, fields_sheet
from rules.workbook.ids import checksum

Value = str | int | float | date | None

RULE_HEAD: Final = ("Active", "Order", "Rule ID")
RULE_TAIL: Final = ("From", "Until", "Note")
LAYERS: Final = ("Campaign", "Country", "Product", "Team")


class AsIs(str):
    """A formula or an error value that is to stay one, and not to become a text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SheetContent:
    """A sheet's headers and rows; each row as long as the headers. One without headers is plain cells."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def is_rules(self) -> bool:
        return "Rule ID" in self.headers


@dataclass(frozen=True, slots=True)
class Company:
    """The data sheets of a workbook in their order, and whom its Read me names."""

    sheets: tuple[SheetContent, ...]
    contact: str = ""


@cache
def _data() -> dict[str, Any]:
    text = files("rules").joinpath("data/company.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def shipped_company() -> Company:
    """Three regions, eight teams, forty salespeople, sixty campaigns: the workbook at the root."""
    contact = "marketing-operations@example.com"
    rules = [
        rule_sheet(
            title, company_rules.COLUMNS[title], company_rules.RULES[title], company_rules.LETTER[title]
        )
        for title in LAYERS
    ]
    sheets = (
        _settings(contact, "Europe/Berlin"),
        _layers(),
        *rules,
        _teams(),
        _salespeople(),
        SheetContent("Absences", ABSENCE_HEADERS, company_rules.ABSENCES),
        _facts(),
        _values(),
        SheetContent("Groups", ("Group", "Fact", "Members", "Note"), company_rules.GROUPS),
        _overrides(),
        _fields(),
    )
    return Company(sheets, contact)


def new_company(users: Sequence[tuple[str, str, str]], *, contact: str, time_zone: str) -> Company:
    """One team with all users, and one rule that holds every lead."""
    rules = [rule_sheet(t, company_rules.COLUMNS[t], (), company_rules.LETTER[t]) for t in LAYERS[:-1]]
    team = rule_sheet("Team", company_rules.COLUMNS["Team"], company_rules.NOTHING_WRITTEN, "T")
    sheets = (
        _settings(contact, time_zone),
        _layers(),
        *rules,
        team,
        SheetContent("Teams", TEAM_HEADERS, (_team_row("Sales", time_zone, "hold"),)),
        SheetContent("Salespeople", PERSON_HEADERS, tuple(_users(users))),
        SheetContent("Absences", ABSENCE_HEADERS, ()),
        _facts(),
        SheetContent("Values", VALUE_HEADERS, ()),
        SheetContent("Groups", ("Group", "Fact", "Members", "Note"), company_rules.GROUPS[:1]),
        SheetContent("Owner overrides", OVERRIDE_HEADERS, ()),
        _fields(),
    )
    return Company(sheets, contact)


TEAM_HEADERS: Final = (
    "Team",
    "Time zone",
    "If nobody can",
    "Fallback team",
    "CRM queue ID",
    "Alert e-mail",
    *choices.COLUMNS,
    "Note",
)
PERSON_HEADERS: Final = (
    "Person ID",
    "Name",
    "E-mail",
    "CRM user ID",
    "Team",
    "Weight",
    "Daily cap",
    "Weekly cap",
    "Languages",
    "Tags",
    "Active",
    "Start",
    "End",
    "Working hours",
    "Note",
)
ABSENCE_HEADERS: Final = ("Person", "From", "Until", "Type", "Delegate", "Note")
VALUE_HEADERS: Final = ("Fact", "Code", "Name", "Aliases", "From", "Until", "Note")
OVERRIDE_HEADERS: Final = ("Company domain or Account ID", "Person", "Until", "Note")


def rule_sheet(
    title: str, columns: tuple[str, ...], rules: Iterable[tuple[Value, ...]], letter: str
) -> SheetContent:
    """A sheet of rules: each rule gives the columns' cells and may end with a note. Orders go 10, 20, 30."""
    rows: list[tuple[Value, ...]] = []
    for number, rule in enumerate(rules, start=1):
        cells, note = rule[: len(columns)], rule[len(columns) :]
        rule_id = f"{letter}-{number * 10:03}"
        rows.append(("yes", number * 10, rule_id, *cells, None, None, note[0] if note else None))
    return SheetContent(title, (*RULE_HEAD, *columns, *RULE_TAIL), tuple(rows))


def _settings(contact: str, time_zone: str) -> SheetContent:
    rows: tuple[tuple[Value, ...], ...] = (
        ("Contact", contact, "Whom to ask about this workbook"),
        ("Editors", None, "Who gets the mails about this workbook: e-mail addresses with commas"),
        ("Time zone", time_zone, "For From and Until of rules, and for teams that name none"),
        ("Blank means any", "no", "yes: a blank If cell means any value; no: it is an error"),
        ("Same e-mail", "owner", "An open Lead or Contact has the e-mail: owner, hold or ignore"),
        (
            "Known account",
            "ignore",
            "The company is an Account: owner gives the lead to its owner, or ignore",
        ),
        (
            "Publish threshold",
            None,
            "A change that moves more than this share of leads, such as 20 %, waits until it is accepted",
        ),
        ("Accept version", None, "The code of the version that waits, from the mail about it"),
        ("Impact days", "14", "How many past days of leads a change is tried on"),
        ("Working hours", None, "Of teams that name none, such as Mon-Fri 09:00-17:30; blank: always"),
        ("Match new leads by", "id, e-mail", "How a new marketing record finds its person: id, e-mail or id"),
        ("New lead needs", None, "Lead fields, with commas; blank: LastName, Company, Email; or nothing"),
    )
    return SheetContent("Settings", ("Setting", "Value", "Note"), rows)


def _layers() -> SheetContent:
    notes = (
        "Sets Segment and Lane; partner campaigns go straight to the Partner desk",
        "Sets Region, Territory and Language",
        "Sets Product line",
        "Decides the team",
    )
    rows = tuple(
        (number * 10, name, name, "hold" if name == "Team" else "continue", notes[number - 1])
        for number, name in enumerate(LAYERS, start=1)
    )
    return SheetContent("Layers", ("Order", "Layer", "Sheet", "When nothing matches", "Note"), rows)


def _teams() -> SheetContent:
    rows: list[tuple[Value, ...]] = []
    for team in _data()["teams"]:
        if_nobody, named = company_rules.IF_NOBODY.get(team["name"], ("hold", None))
        fallback = named if if_nobody == "fallback team" else None
        queue_id = _data()["queues"][named] if if_nobody == "queue" else None
        alert = f"sales-{team['region'].lower()}@example.com"
        cells = {"Fallback team": fallback, "CRM queue ID": queue_id, "Alert e-mail": alert}
        cells |= {"Note": team["region"], **company_rules.CHOICES.get(team["name"], {})}
        rows.append(_team_row(team["name"], team["time_zone"], if_nobody, cells))
    return SheetContent("Teams", TEAM_HEADERS, tuple(rows))


def _team_row(
    name: str, time_zone: str, if_nobody: str, cells: Mapping[str, Value] | None = None
) -> tuple[Value, ...]:
    by_header = {"Team": name, "Time zone": time_zone, "If nobody can": if_nobody, **(cells or {})}
    return tuple(by_header.get(header) for header in TEAM_HEADERS)


def _salespeople() -> SheetContent:
    rows = [_person_row(person, person["team"]) for person in _data()["people"]]
    by_id = {person["id"]: person for person in _data()["people"]}
    rows += [_person_row(by_id[identity], team) for identity, team in company_rules.SECOND_TEAMS]
    return SheetContent("Salespeople", PERSON_HEADERS, tuple(rows))


def _person_row(person: dict[str, Any], team: str) -> tuple[Value, ...]:
    weight, daily, weekly, note = company_rules.SHARES.get((person["id"], team), (1, None, None, None))
    if weight == 1 and team in company_rules.FULL_WEIGHT:
        weight = company_rules.FULL_WEIGHT[team]
    return (
        person["id"],
        person["name"],
        person["email"],
        person["crm_user_id"],
        team,
        weight,
        daily,
        weekly,
        ", ".join(person["languages"]),
        ", ".join(person["tags"]) or None,
        "yes",
        *(None,) * 3,
        note,
    )


def _users(users: Sequence[tuple[str, str, str]]) -> Iterable[tuple[Value, ...]]:
    for number, (crm_user_id, name, email) in enumerate(users, start=1):
        blank = (None,) * 4
        yield (f"P-{number:03}", name, email, crm_user_id, "Sales", 1, *blank, "yes", *blank)


def _facts() -> SheetContent:
    rows = tuple((fact.name, fact.type, fact.note or None) for fact in default_facts())
    return SheetContent("Facts", ("Fact", "Type", "Note"), rows + company_rules.MORE_FACTS)


def _values() -> SheetContent:
    campaigns = [("campaign", c["code"], c["name"], None, None, None, None) for c in _data()["campaigns"]]
    products = [("product", name, None, None, None, None, None) for name in _data()["products"]]
    return SheetContent("Values", VALUE_HEADERS, (*campaigns, *products, *company_rules.MORE_VALUES))


def _overrides() -> SheetContent:
    account = "0015g00000AcC01"
    rows: tuple[tuple[Value, ...], ...] = (
        ("globex.example", "Ana Alvarez", date(2027, 6, 30), "Framework contract until mid 2027"),
        (account + checksum(account), "Walt Walker", None, "Initech: strategic account"),
    )
    return SheetContent("Owner overrides", OVERRIDE_HEADERS, rows)


def _fields() -> SheetContent:
    rows = tuple(
        (m.marketing, m.lead or None, m.contact or None, m.account or None, m.direction, m.rule, None, None)
        for m in DEFAULT_FIELDS
    )
    return SheetContent("Fields", fields_sheet.HEADERS, rows)
