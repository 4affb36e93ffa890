"""Functions over dates (vendor's SOQL reference, "Date Functions") and those that pass a value through."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from allocator.sandbox.salesforce.soql_values import day_of, parse_instant

_DATES = frozenset({"date", "datetime"})


@dataclass(frozen=True)
class DateFunction:
    """One function: the types it takes, the type it gives, and what it does to a day in a zone."""

    gives: str
    apply: Callable[[str, tzinfo], Any]
    takes: frozenset[str] = _DATES

    def over(self, get: Callable[[Any], Any], zone: tzinfo) -> Callable[[Any], Any]:
        """The function of a getter's value, null for null."""
        apply = self.apply

        def value(row: Any) -> Any:
            try:
                return apply(get(row), zone)
            except (TypeError, ValueError):
                # Null, or a row that was stored raw with something that is no date.
                return None

        return value


def _of_day(part: Callable[[date], int]) -> DateFunction:
    return DateFunction("int", lambda stamp, zone: part(day_of(stamp, zone)))


def _quarter(day: date) -> int:
    return (day.month + 2) // 3


# The org's fiscal year is the calendar year, so both families agree.
DATE_FUNCTIONS = {
    "CALENDAR_YEAR": _of_day(lambda day: day.year),
    "CALENDAR_QUARTER": _of_day(_quarter),
    "CALENDAR_MONTH": _of_day(lambda day: day.month),
    "FISCAL_YEAR": _of_day(lambda day: day.year),
    "FISCAL_QUARTER": _of_day(_quarter),
    "FISCAL_MONTH": _of_day(lambda day: day.month),
    "DAY_IN_MONTH": _of_day(lambda day: day.day),
    "DAY_IN_WEEK": _of_day(lambda day: day.isoweekday() % 7 + 1),
    "DAY_IN_YEAR": _of_day(lambda day: day.timetuple().tm_yday),
    "WEEK_IN_MONTH": _of_day(lambda day: (day.day - 1) // 7 + 1),
    "WEEK_IN_YEAR": _of_day(lambda day: (day.timetuple().tm_yday - 1) // 7 + 1),
    "DAY_ONLY": DateFunction("date", lambda s, zone: day_of(s, zone).isoformat(), frozenset({"datetime"})),
    "HOUR_IN_DAY": DateFunction(
        "int", lambda stamp, zone: parse_instant(stamp).astimezone(zone).hour, frozenset({"datetime"})
    ),
}

# Labels equal values here, there is one currency, and the zone is asked for by the function around.
PASSING_FUNCTIONS = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY", "CONVERTTIMEZONE"})
