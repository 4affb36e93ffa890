"""Makes `statement.svg` again: a made-up half-year of team Enterprise, given out by the real rotation.

`python docs/pictures/statement.py` takes a second.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from allocator.domain.lead import State
from allocator.domain.statement import Account, Eligibility, LeadsAlike, Period, TurnsAlike, statement
from allocator.entrypoints.fairness_page import picture
from allocator.service.statement import OfTeam
from rules.model import Absence, Salesperson, Team
from rules.rotation import Rotation, line_up

PICTURE = Path(__file__).with_name("statement.svg")
FIRST, WEEKS, TEAM = date(2026, 1, 5), 26, "Enterprise"
FRENCH = frozenset({"fr"})


def person(name: str, **said: object) -> Salesperson:
    first = name.split()[0].lower()
    return Salesperson(first, name, f"{first}@example.com", first, TEAM, **{"weight": 2, **said})  # type: ignore[arg-type]


def away(first: date, last: date) -> tuple[Absence, ...]:
    return (Absence(first, last, "Holiday"),)


PEOPLE = (
    person("Ana Alvarez", absences=away(date(2026, 2, 2), date(2026, 2, 27))),
    person("Ben Okafor", daily_cap=2),
    person("Chi Nguyen", languages=FRENCH),
    person("Dev Patel", start=date(2026, 4, 1)),
    person("Eva Lindqvist", weight=1),
    person("Finn Castellanos"),
)


def half_year() -> Account:
    """Every turn, with who stood for it."""
    lot, team, rotation = random.Random(1), Team(TEAM, people=PEOPLE), Rotation()
    turns: list[TurnsAlike] = []
    for n in range(WEEKS * 7):
        day = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC) + timedelta(days=n)
        counts: Counter[str] = Counter()
        for _ in range(lot.choice((0, 4, 7, 11, 14)) if day.weekday() < 5 else 0):
            facts = {"language": "fr"} if lot.random() < 0.15 else {}
            found = line_up(team, facts, day, {i: (k, 0) for i, k in counts.items()})
            if found.lineup is not None:
                turn = rotation.take("", found.lineup)
                counts[turn.owner] += 1
                who = Eligibility(turn.weights, turn.shares, turn.able, found.skipped)
                turns.append(
                    TurnsAlike("", turn.kind, turn.owner, turn.payer, turn.paid, False, True, 1, who)
                )
    leads = [LeadsAlike("", State.CONFIRMED, "turn", t.owner, t.kind, True, False, 1) for t in turns]
    return Account(tuple(turns), tuple(leads))


if __name__ == "__main__":
    days = Period(FIRST, FIRST + timedelta(weeks=WEEKS) - timedelta(days=1))
    found = statement(TEAM, half_year(), days, "UTC")
    names = {one.id: one.name for one in PEOPLE}
    PICTURE.write_text(picture([OfTeam(TEAM, (found,), by_lane=False)], names), encoding="utf-8")
