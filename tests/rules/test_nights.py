"""Leads outside working hours that go to whoever works next, and who of those is away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from rules.hours import parse_hours
from rules.model import Absence, CatchUp, Salesperson, Team
from rules.standing import line_up

HOURS = parse_hours("Mon-Fri 08:00-17:00")
LATE = parse_hours("Mon-Fri 12:00-20:00")
NIGHT = datetime(2026, 11, 3, 23, tzinfo=UTC)
AWAY = (Absence(date(2026, 11, 2), date(2026, 11, 6), delegate="ben"),)


def person(name: str, **more: object) -> Salesperson:
    row = Salesperson(name, name, f"{name}@x.test", f"005{name}", "T")
    return replace(row, **more)  # type: ignore[arg-type]


def team(*people: Salesperson, **more: object) -> Team:
    made = Team("T", people=people, hours=HOURS, outside_hours="next", after_absence={"": CatchUp()})
    return replace(made, **more)  # type: ignore[arg-type]


def test_who_is_away_misses_a_lead_of_the_night_as_one_of_the_day() -> None:
    them = team(person("ana", absences=AWAY), person("ben"), person("chi"))
    day, night = (line_up(them, {}, at, {}) for at in (NIGHT.replace(hour=10), NIGHT))
    assert day.lineup and night.lineup
    assert night.lineup.missed == day.lineup.missed != {}
    assert night.lineup.able == day.lineup.able == {"ben": 1, "chi": 1}


def test_a_delegate_serves_at_night_too() -> None:
    them = team(person("ana", absences=AWAY), person("ben"), delegate="absentee")
    standing = line_up(them, {}, NIGHT, {})
    assert standing.lineup and standing.lineup.serves == {"ana": "ben"}


def test_who_would_not_be_next_but_for_the_absence_misses_nothing() -> None:
    them = team(person("ana", absences=AWAY, hours=LATE), person("ben"))
    standing = line_up(them, {}, NIGHT, {})
    assert standing.lineup and not standing.lineup.missed
    assert [(s.id, s.reasons) for s in standing.skipped] == [("ana", {"absent", "outside_hours"})]


def test_totals_count_who_works_next_whatever_they_speak() -> None:
    french = person("chi", languages=frozenset({"fr"}))
    standing = line_up(team(person("ben"), french, fairness="totals"), {"language": "fr"}, NIGHT, {})
    assert standing.lineup and list(standing.lineup.able) == ["chi"]
    assert standing.lineup.split.weights == {"ben": 1, "chi": 1}
    assert [(s.id, s.reasons) for s in standing.skipped] == [("ben", {"language"})]


def test_who_is_capped_is_out_at_night_by_the_cap() -> None:
    them = team(person("ana", daily_cap=1), person("ben"))
    standing = line_up(them, {}, NIGHT, {"ana": (1, 1)})
    assert [(s.id, s.reasons) for s in standing.skipped] == [("ana", {"daily_cap"})]


def test_where_all_are_away_nobody_is_next() -> None:
    standing = line_up(team(person("ana", absences=AWAY)), {}, NIGHT, {})
    assert standing.lineup is None
    assert [s.reasons for s in standing.skipped] == [{"absent", "outside_hours"}]
