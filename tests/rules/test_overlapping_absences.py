"""Absences that overlap, and absences without an end."""

from __future__ import annotations

from datetime import UTC, date, datetime

from rules.model import Absence, CatchUp, Salesperson, Team
from rules.standing import line_up

DAY = date(2026, 11, 3)


def person(name: str, *absences: Absence) -> Salesperson:
    return Salesperson(name, name, f"{name}@x.test", f"005{name}", "T", absences=absences)


def test_where_the_delegate_of_one_absence_is_away_that_of_the_other_serves() -> None:
    away = Absence(DAY, DAY, delegate="ben"), Absence(DAY, DAY, "sick", delegate="chi")
    them = person("ana", *away), person("ben", Absence(DAY, DAY)), person("chi")
    standing = line_up(
        Team("T", people=them, delegate="absentee"), {}, datetime(2026, 11, 3, 9, tzinfo=UTC), {}
    )
    assert standing.lineup and standing.lineup.serves == {"ana": "chi"}


def test_an_absence_until_the_last_day_there_is_never_expires() -> None:
    ever = Absence(DAY, date.max), Absence(DAY, date.max, "sick")
    them = Team("T", people=(person("ana", *ever), person("ben")), after_absence={"": CatchUp()})
    standing = line_up(them, {}, datetime(2026, 11, 3, 9, tzinfo=UTC), {})
    assert standing.lineup and standing.lineup.missed["ana"].expires == date.max
    assert [(s.id, s.until) for s in standing.skipped] == [("ana", date.max)]


def test_of_two_absences_at_once_the_better_terms_count() -> None:
    """Who falls ill on holiday is made good as ill."""
    holiday = Absence(date(2026, 11, 1), date(2026, 11, 30), "holiday")
    sick = Absence(date(2026, 11, 2), date(2026, 11, 6), "sick")
    terms = {"sick": CatchUp(rate=100), "holiday": CatchUp(rate=0)}
    for absences in ((holiday, sick), (sick, holiday)):
        them = Team("T", people=(person("ana", *absences), person("ben")), after_absence=terms)
        standing = line_up(them, {}, datetime(2026, 11, 3, 9, tzinfo=UTC), {})
        assert standing.lineup and standing.lineup.missed["ana"].absence == "2026-11-02 sick"
