"""A week of team Enterprise: Ana on holiday, Ben capped, Chi the only French speaker, Dev joins, Ana returns.

The story runs through the sandbox, real HTTP and the command line, an hour a day. `python
tests/run/enterprise_story.py` renews what docs/tutorials/a-week-of-turns.md shows of it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

for _folder in ("faults", "rules"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))

import pytest  # noqa: E402
from small_org import SmallOrg  # noqa: E402
from workbooks import Sheets, build, crm_id, small  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs/tutorials/a-week-of-turns.md"
MONDAY = date(2026, 11, 2)
NAMES = {"P-001": "Ana", "P-002": "Ben", "P-003": "Chi", "P-004": "Dev"}
PEOPLE = {
    "P-001": ("Ana Alvarez", "0055g00000AaB01", None, "en, de"),
    "P-002": ("Ben Bauer", "0055g00000AaB02", 3, "en, de"),
    "P-003": ("Chi Chen", "0055g00000AaB03", None, "en, fr"),
    "P-004": ("Dev Dubois", "0055g00000AaD04", None, "en, de"),
}


class Day(NamedTuple):
    """One day: its leads by country in order of arrival, who is in the team, who is away."""

    name: str
    leads: str
    people: Sequence[str]
    ana_away: bool = False


WEEK = (
    Day("Monday", "DE DE FR DE DE FR DE DE DE", ("P-001", "P-002", "P-003")),
    Day("Tuesday", "DE FR DE DE DE FR DE DE DE DE", ("P-001", "P-002", "P-003"), ana_away=True),
    Day("Wednesday", "DE DE FR DE DE DE DE DE DE", ("P-001", "P-002", "P-003", "P-004"), ana_away=True),
    Day("Thursday", "FR DE DE DE DE DE DE DE", ("P-001", "P-002", "P-003", "P-004"), ana_away=True),
    Day("Friday", "DE DE DE FR DE DE DE FR DE DE DE DE", ("P-001", "P-002", "P-003", "P-004")),
)


def tables(day: Day) -> Sheets:
    """The workbook as it is on that day."""
    sheets = small()
    sheets["Layers"][1:] = [[10, "Country", "Country", "continue"], [20, "Team", "Team", "hold"]]
    sheets["Country"] = [
        ["Active", "Order", "Rule ID", "If country", "Then Language"],
        ["yes", 10, "K-1", "FR", "fr"],
    ]
    sheets["Team"] = [
        ["Active", "Order", "Rule ID", "If country", "Then Team"],
        ["yes", 10, "T-1", "*", "Enterprise"],
    ]
    head = ["Person ID", "Name", "E-mail", "CRM user ID", "Team", "Daily cap", "Languages", "Active"]
    sheets["Salespeople"] = [head] + [
        [i, name, f"{i.lower()}@example.com", crm_id(user), "Enterprise", cap, languages, "yes"]
        for i, (name, user, cap, languages) in PEOPLE.items()
        if i in day.people
    ]
    away = [["P-001", date(2026, 11, 3), date(2026, 11, 5), "holiday", None]] if day.ana_away else []
    sheets["Absences"] = [sheets["Absences"][0], *away]
    for unused in ("Facts", "Values", "Groups", "Owner overrides"):
        del sheets[unused]
    return sheets


class Story:
    """The week as it went: each day's run, then the statement and the export."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.org = SmallOrg(folder, monkeypatch, leads=[])
        self.days: list[dict[str, int]] = []
        self.french: dict[str, int] = {}
        self.why: dict[str, Any] = {}

    def go(self) -> Story:
        dev = {"Id": crm_id(PEOPLE["P-004"][1]), "Name": "Dev Dubois", "IsActive": True}
        self.org.put("User", dev)
        for number, day in enumerate(WEEK):
            self.day(number, day)
        return self

    def day(self, number: int, day: Day) -> None:
        org = self.org
        org.at = datetime(2026, 11, MONDAY.day + number, 9, tzinfo=UTC)
        org.later(minutes=0)
        org.book.write_bytes(build(tables(day)))
        for place, country in enumerate(day.leads.split()):
            org.put("Lead", lead(number, place, country, org))
        made = org.run()
        self.days.append({NAMES[i]: n for i, n in sorted(made["teams"]["Enterprise"].items())})

    def statement(self) -> dict[str, Any]:
        code, found = self.org("fairness", "--team", "Enterprise")
        assert code == 0, found
        return found

    def export(self) -> Path:
        path = self.org.folder / "turns.csv"
        code, said = self.org("runs", "export", "--turns", str(path))
        assert code == 0, said
        return path


def lead(day: int, place: int, country: str, org: SmallOrg) -> dict[str, Any]:
    created = f"2026-11-{MONDAY.day + day:02}T08:{place:02}:00.000+0000"
    return {
        "Id": crm_id(f"00Q5g0000{day:02}Le{place:02}"), "LastName": f"Lead {day}-{place}", "Company": "Acme",
        "Email": f"lead{day}x{place}@acme{day}x{place}.example", "Country": country, "OwnerId": org.queue,
        "IsConverted": False, "IsDeleted": False, "CreatedDate": created, "SystemModstamp": created,
        "LastModifiedDate": created,
    }  # fmt: skip


# -- what the page shows


def split_table(days: Sequence[dict[str, int]]) -> str:
    head = "| day | leads | of these French | Ana | Ben | Chi | Dev |\n|---|---|---|---|---|---|---|\n"
    lines = []
    for day, made in zip(WEEK, days, strict=True):
        leads = day.leads.split()
        got = [str(made.get(name, "-" if not _there(day, name) else 0)) for name in NAMES.values()]
        lines.append(f"| {day.name} | {len(leads)} | {leads.count('FR')} | {' | '.join(got)} |")
    total = [str(sum(made.get(name, 0) for made in days)) for name in NAMES.values()]
    every = [c for day in WEEK for c in day.leads.split()]
    lines.append(f"| week | {len(every)} | {every.count('FR')} | {' | '.join(total)} |")
    return head + "\n".join(lines) + "\n"


def _there(day: Day, name: str) -> bool:
    person = next(i for i, known in NAMES.items() if known == name)
    return person in day.people and not (name == "Ana" and day.ana_away)


def statement_table(found: dict[str, Any]) -> str:
    columns = ("person", "could have had", "fair share", "got", "difference", "absence", "cap", "skill")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n"
    lines = []
    for one in found["people"]:
        lost = (f"{one['lost_to'][what]:+.2f}" for what in ("absence", "cap", "skill"))
        cells = (
            NAMES[one["id"]], str(one["could_have"]), f"{one['fair_share']:.2f}", f"{one['got']:.0f}",
            f"{one['difference']:+.2f}", *lost,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return head + "\n".join(lines) + "\n"


def blocks(story: Story) -> dict[str, str]:
    return {"split": split_table(story.days), "statement": statement_table(story.statement())}


def marked(text: str, name: str) -> str:
    found = re.search(rf"<!-- story: {name} -->\n(.*?)<!-- /story -->", text, re.S)
    assert found, name
    return found[1]


def renewed(text: str, made: dict[str, str]) -> str:
    for name, block in made.items():
        begin, rest = text.split(f"<!-- story: {name} -->\n")
        text = f"{begin}<!-- story: {name} -->\n{block}{rest[rest.index('<!-- /story -->') :]}"
    return text


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as where:
        told = Story(Path(where), patch).go()
        shown = blocks(told)
        told.org.close()
    print(*shown.values(), sep="\n")
    if PAGE.exists():
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), shown), encoding="utf-8")
