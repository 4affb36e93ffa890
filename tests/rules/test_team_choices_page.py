"""The reference of a team's choices: every column is there, every cell shown is read, every number is so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from workbooks import build, small

from rules.hours import parse_hours
from rules.model import Absence, CatchUp, Salesperson, Team
from rules.rotation import Rotation, Turn, line_up
from rules.workbook.check import check_book
from rules.workbook.choices import COLUMNS
from rules.workbook.contents import contents_of
from rules.workbook.read import book_of

PAGE = (Path(__file__).parents[2] / "docs/reference/team-choices.md").read_text(encoding="utf-8")
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
FRENCH: Mapping[str, object] = {"language": "fr"}
ANYTHING: Mapping[str, object] = {}


def section(column: str) -> str:
    found = re.search(rf"^### {re.escape(column)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {column}"
    return found[1]


def cells(column: str) -> list[str]:
    return [
        cell
        for line in re.findall(r"^\| (`.*?) \|", section(column), re.MULTILINE)
        for cell in re.findall("`([^`]+)`", line)
    ]


@pytest.mark.parametrize("column", COLUMNS)
def test_each_choice_has_a_section_whose_cells_are_read(column: str) -> None:
    assert cells(column)
    for cell in cells(column):
        sheets = small()
        sheets["Teams"][0] += [column, *(["After absence"] if column.startswith("Catch-up") else [])]
        sheets["Teams"][1] += [cell, *(["catch up"] if column.startswith("Catch-up") else [])]
        checked = check_book(book_of(contents_of(build(sheets))), version="")
        assert checked.ok, [str(p) for p in checked.problems]


# -- the numbers ---


def enterprise(**choices: object) -> Team:
    names = ("Ana", "Ben", "Chi")
    people = [Salesperson(n, n, f"{n}@example.com", "", "Enterprise") for n in names]
    people[2] = replace(people[2], languages=frozenset({"fr"}))
    return replace(Team("Enterprise", people=tuple(people)), **choices)


def away(team: Team, days: int, *, delegate: str | None = None, type_: str = "") -> Team:
    """The team with Ana away from Monday on."""
    absence = Absence(MONDAY.date(), MONDAY.date() + timedelta(days=days - 1), type_, delegate)
    ana, *others = team.people
    return replace(team, people=(replace(ana, absences=(absence,)), *others))


class Leads:
    """Gives leads to a team."""

    def __init__(self, team: Team) -> None:
        self.team, self.now = team, MONDAY
        self.rotation = Rotation(limit=team.limit)
        self.turns: list[Turn] = []

    def give(
        self, count: int, needs: Mapping[str, object] = ANYTHING, lane: str = "", but: Iterable[str] = ()
    ) -> Leads:
        for _ in range(count):
            standing = line_up(self.team, needs, self.now, {}, not_first=frozenset(but))
            assert standing.lineup
            self.turns.append(self.rotation.take(lane, standing.lineup))
        return self

    def later(self, days: int) -> Leads:
        self.now += timedelta(days=days)
        return self

    def split(self, last: int = 0) -> str:
        counts = Counter(turn.owner for turn in self.turns[-last:])
        return ", ".join(f"{name} {counts[name]}" for name in ("Ana", "Ben", "Chi"))

    def order(self, last: int) -> str:
        return " ".join(turn.owner for turn in self.turns[-last:])


def french_every_second(fairness: str) -> str:
    leads = Leads(enterprise(fairness=fairness))
    for n in range(12):
        leads.give(1, FRENCH if n % 2 else ANYTHING)
    return leads.split()


def wait_after_french(limit: int) -> str:
    """How many leads for everybody pass before Chi gets one, after 30 for Chi alone."""
    leads = Leads(enterprise(fairness="totals", limit=limit)).give(30, FRENCH)
    before = sum(turn.beyond for turn in leads.turns)
    waited = 0
    while leads.give(1).turns[-1].owner != "Chi":
        waited += 1
    return f"{30 - before} of the 30 count, and Chi gets no lead of the next {waited}"


def after_absence(count: int, **cells: object) -> Leads:
    """Ana is away for six leads, and back for `count`."""
    sheets = small()
    sheets["Teams"][0] += [name.replace("_", " ").replace("Catch up", "Catch-up") for name in cells]
    sheets["Teams"][1] += list(cells.values())
    tables = check_book(book_of(contents_of(build(sheets))), version="").tables
    assert tables
    chosen = enterprise(after_absence=tables.teams[0].after_absence)
    return Leads(away(chosen, 1, type_="sick")).give(6).later(1).give(count)


CATCH = {"After_absence": "catch up"}


def by_hand(choice: str) -> str:
    """Ben takes the first lead himself before Ana gets it; then six more."""
    leads = Leads(enterprise()).give(1)
    (turn,) = leads.turns
    leads.rotation.give_back("", turn)
    if choice == "charge":
        lineup = line_up(leads.team, {}, leads.now, {}).lineup
        assert lineup
        leads.rotation.charge("", lineup, "Ben", 1, "by hand")
    return leads.give(6).order(6)


def override(choice: str) -> str:
    """An old customer's lead goes to Ana; then six more."""
    leads = Leads(enterprise())
    if choice == "charge":
        lineup = line_up(leads.team, {}, leads.now, {}).lineup
        assert lineup
        leads.rotation.charge("", lineup, "Ana", 1, "override")
    return leads.give(6).order(6)


def reject(choice: str) -> str:
    """Ana gives the first lead back, so that it is decided again; then five more."""
    leads = Leads(enterprise()).give(1)
    if choice == "refund":
        leads.rotation.give_back("", leads.turns[0])
    return leads.give(1, but=["Ana"]).give(5).order(6)


def served(choice: str) -> Leads:
    """Ana is away for six leads, Ben is to serve, and she is back for six."""
    return Leads(away(enterprise(delegate=choice), 1, delegate="Ben")).give(6)


def hot(lane: bool) -> str:
    """Ana and Ben, every second lead hot."""
    team = enterprise()
    leads = Leads(replace(team, people=team.people[:2]))
    for n in range(8):
        leads.give(1, lane=("" if n % 2 else "hot") if lane else "")
    counts = Counter(turn.owner for turn in leads.turns[::2])
    return f"Ana {counts['Ana']} hot, Ben {counts['Ben']} hot"


NUMBERS: list[tuple[str, Callable[[], str]]] = [
    ("Fairness", lambda: french_every_second("turns")),
    ("Fairness", lambda: french_every_second("totals")),
    ("Limit", lambda: wait_after_french(5)),
    ("Limit", lambda: wait_after_french(2)),
    ("After absence", lambda: after_absence(11).split(11)),
    ("After absence", lambda: after_absence(11, **CATCH).split(11)),
    ("Catch-up rate", lambda: after_absence(10, **CATCH, Catch_up_rate="50 %").split(10)),
    ("Catch-up rate", lambda: after_absence(9, **CATCH, Catch_up_rate="Sick: 0 %, 100 %").split(9)),
    ("Catch-up cap", lambda: after_absence(10, **CATCH, Catch_up_cap="Sick: 1, 5").split(10)),
    ("Catch-up pace", lambda: after_absence(6, **CATCH).order(6)),
    ("Catch-up pace", lambda: after_absence(6, **CATCH, Catch_up_pace=2).order(6)),
    ("Taken by hand", lambda: by_hand("charge")),
    ("Taken by hand", lambda: by_hand("free")),
    ("Owner override", lambda: override("free")),
    ("Owner override", lambda: override("charge")),
    ("Reject", lambda: reject("charge")),
    ("Reject", lambda: reject("refund")),
    ("Delegate", lambda: served("none").split()),
    ("Delegate", lambda: served("absentee").split()),
    ("Delegate", lambda: served("delegate").split()),
    ("Lane", lambda: hot(True)),
    ("Lane", lambda: hot(False)),
]


@pytest.mark.parametrize(("column", "counted"), NUMBERS, ids=[f"{c} {n}" for n, (c, _) in enumerate(NUMBERS)])
def test_the_numbers_of_an_example_are_those_of_the_rotation(column: str, counted: Callable[[], str]) -> None:
    assert counted() in section(column)


def test_a_catch_up_lead_is_given_until_the_day_of_expiry_itself() -> None:
    on_the_day, a_day_late = (
        Leads(away(enterprise(after_absence={"": CatchUp(expiry=7)}), 1))
        .give(6)
        .later(days)
        .give(1)
        .turns[-1]
        for days in (7, 8)
    )
    assert (on_the_day.kind, a_day_late.kind) == ("catch-up", "turn")


def test_a_holiday_of_the_calendar_is_nobodys_day() -> None:
    epiphany = datetime(2026, 1, 6, 9, tzinfo=UTC)
    assert line_up(enterprise(holidays="DE-BY"), {}, epiphany, {}).lineup is None
    assert line_up(enterprise(holidays="DE"), {}, epiphany, {}).lineup
    assert str(epiphany.date()) in section("Holiday calendar")
    assert line_up(enterprise(holidays="DE"), {}, epiphany - timedelta(days=5), {}).lineup is None


def test_at_night_a_lead_waits_or_goes_to_who_works_next() -> None:
    team = enterprise(hours=parse_hours("Mon-Fri 09:00-17:30"))
    ana, ben, chi = team.people
    team = replace(team, people=(ana, replace(ben, hours=parse_hours("Mon-Fri 07:00-12:00")), chi))
    night = datetime(2026, 11, 17, 2, tzinfo=UTC)
    assert line_up(team, {}, night, {}).lineup is None
    found = line_up(replace(team, outside_hours="next"), {}, night, {}).lineup
    assert found and list(found.able) == ["Ben"]
    assert "Ben" in section("Outside hours") and date(2026, 11, 17).strftime("%A") in section("Outside hours")
