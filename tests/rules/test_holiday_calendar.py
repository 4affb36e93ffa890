"""Public holidays by calendar: the same on every machine, and paid for only by who asks."""

from __future__ import annotations

import subprocess
import sys
import warnings
from datetime import date

import pytest

from rules.holiday_calendar import calendars, canonical, holiday, is_calendar


@pytest.mark.parametrize(
    ("code", "day", "name"),
    [
        ("DE", date(2026, 10, 3), "German Unity Day"),
        ("DE-BY", date(2026, 6, 4), "Corpus Christi"),
        ("US", date(2026, 11, 26), "Thanksgiving Day"),
        ("US-CA", date(2026, 3, 31), "Cesar Chavez Day"),
        ("GB-SCT", date(2026, 11, 30), "Saint Andrew's Day"),
        ("FR", date(2026, 7, 14), "National Day"),
        ("JP", date(2026, 5, 5), "Children's Day"),
        ("CH-GE", date(2026, 12, 31), "Restoration Day"),
    ],
)
def test_a_public_holiday_has_its_english_name(code: str, day: date, name: str) -> None:
    assert holiday(code, day) == name


@pytest.mark.parametrize("code", ["DE", "DE-BE", "DE-BY", "US", "GB-ENG", "JP"])
def test_an_ordinary_day_is_none(code: str) -> None:
    assert holiday(code, date(2026, 3, 10)) is None


def test_a_holiday_of_one_part_is_none_of_the_country_or_of_another_part() -> None:
    corpus_christi = date(2026, 6, 4)
    assert holiday("DE-BY", corpus_christi)
    assert holiday("DE", corpus_christi) is None
    assert holiday("DE-BE", corpus_christi) is None


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("NL", date(2026, 5, 5)),  # Liberation Day: optional
        ("BE", date(2026, 5, 15)),  # Friday after Ascension Day: for banks
        ("US", date(2026, 2, 14)),  # Valentine's Day: unofficial
        ("DK", date(2026, 6, 5)),  # Constitution Day: optional
        ("TR", date(2026, 10, 28)),  # the eve of Republic Day: half a day
    ],
)
def test_a_day_that_is_not_free_by_law_is_none(code: str, day: date) -> None:
    assert holiday(code, day) is None


def test_a_holiday_on_a_weekend_is_kept_on_the_day_it_is_observed_also_over_new_year() -> None:
    assert holiday("US", date(2027, 7, 5)) == "Independence Day (observed)"
    assert holiday("US", date(2021, 12, 31)) == "New Year's Day (observed)"
    assert holiday("GB-ENG", date(2026, 12, 28)) == "Boxing Day (observed)"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("de", "DE"),
        (" De-By ", "DE-BY"),
        ("DE-Bayern", "DE-BY"),
        ("DE-Baden-Württemberg", "DE-BW"),
        ("DE – BY", "DE-BY"),
        ("USA-CA", "US-CA"),
        ("UK", "GB"),
        ("uk-scotland", "GB-SCT"),
        ("FR-Moselle", "FR-57"),
    ],
)
def test_the_other_names_of_a_calendar_are_understood(typed: str, code: str) -> None:
    assert canonical(typed) == code
    assert is_calendar(typed)
    assert holiday(typed, date(2026, 12, 25)) == holiday(code, date(2026, 12, 25)) is not None


@pytest.mark.parametrize(
    "code",
    [
        "",
        "-",
        "DE-",
        "-BY",
        "XX",
        "DE-XX",
        "EU",
        "Germany",
        "DE-BY-BY",
        "DE-CA",
        "HolidayBase",
        "ECB",
        "x" * 200,
    ],
)
def test_what_is_no_calendar_is_refused_by_name(code: str) -> None:
    assert not is_calendar(code)
    assert canonical(code) is None
    with pytest.raises(ValueError, match=f'"{code}": give a country such as DE'):
        holiday(code, date(2026, 1, 1))


def test_every_calendar_is_listed_once_sorted_and_is_one() -> None:
    known = calendars()
    assert list(known) == sorted(set(known))
    assert {"DE", "DE-BY", "US-CA", "GB-ENG", "FR", "JP"} <= set(known)
    assert all(canonical(code) == code for code in known)


def test_every_calendar_answers_from_1950_to_2100_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for code in calendars():
            for year in (1950, 2026, 2100):
                holiday(code, date(year, 1, 1))
    assert holiday("DE-BY", date(1991, 12, 25)) == holiday("DE-BY", date(2100, 12, 25)) == "Christmas Day"


@pytest.mark.parametrize("year", [1, 1949, 2101, 9999])
def test_other_years_have_no_holidays(year: int) -> None:
    assert holiday("DE", date(year, 12, 25)) is None


@pytest.mark.parametrize("code", ["DE", "JP", "US", "FR-Guadeloupe", "GB-ENG", "AX"])
def test_no_locale_changes_a_name(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, locale in (("LANGUAGE", "th"), ("LC_ALL", "uk_UA.UTF-8"), ("LANG", "de_DE.UTF-8")):
        monkeypatch.setenv(variable, locale)
    # A year that no other test asks for: answers are kept.
    assert holiday(code, date(2043, 1, 1)) == "New Year's Day"


def test_importing_the_rules_loads_no_holidays_and_asking_does() -> None:
    code = (
        "import rules.model, rules.layers, rules.rotation, rules.eligibility, rules.hours, sys\n"
        "import rules.holiday_calendar as c, datetime\n"
        "print('holidays' in sys.modules)\n"
        "c.holiday('DE', datetime.date(2026, 1, 1))\n"
        "print('holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
