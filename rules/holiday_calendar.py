"""Public holidays by calendar: a country (`DE`) or a part of one (`DE-BY`). The one home of `holidays`.

The library is loaded at the first question (it takes a fifth of a second and 20 MB, since it brings all its
countries at once): importing this module costs nothing, and who has no calendar never pays for one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from rules.fold import fold

_ENGLISH = "en_US"  # what every calendar with English names has


def canonical(code: str) -> str | None:
    """`code` as the library spells it, or None when there is no such calendar.

    Case does not matter, and the library's other names are understood: `de-by` and `DE-Bayern` are `DE-BY`,
    `UK` and `GBR` are `GB`.
    """
    return _canonical(code) if len(code) <= 100 else None


def is_calendar(code: str) -> bool:
    """Whether `code` names a calendar of public holidays."""
    return canonical(code) is not None


@lru_cache(maxsize=1)
def calendars() -> tuple[str, ...]:
    """Every code, sorted: CC and CC-SUB."""
    import holidays

    found = holidays.list_supported_countries(include_aliases=False)
    return tuple(sorted(x for cc, parts in found.items() for x in (cc, *(f"{cc}-{part}" for part in parts))))


def holiday(code: str, day: date) -> str | None:
    """The name of the public holiday on `day`, in English where the library knows it; None on other days.

    Only holidays of the whole calendar that are free by law: none of banks, schools or one faith. They are
    known from 1950 to 2100, of some countries for fewer years; other days are none. The answer depends on no
    locale. Raises ValueError when `code` is no calendar.
    """
    if (known := canonical(code)) is None:
        raise ValueError(
            f'There is no calendar of public holidays "{code}": give a country such as DE, or a part of one '
            "such as DE-BY, US-CA or GB-ENG."
        )
    return _holidays(known, day.year).get(day)


@lru_cache(maxsize=2_000)
def _canonical(code: str) -> str | None:
    country, dash, part = (x.strip() for x in fold(code).partition("-"))
    if (found := _countries().get(country)) is None or not dash:
        return found
    name = _parts(found).get(part)
    return f"{found}-{name}" if name else None


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    """Folded code of two or three letters -> the library's first code."""
    from holidays.registry import COUNTRIES

    return {
        fold(code): first
        for _, first, *others in COUNTRIES.values()
        for code in (first, *others)
        if len(code) < 4
    }


@lru_cache(maxsize=300)
def _parts(country: str) -> Mapping[str, str]:
    """Folded code or other name of a part -> its code. Codes go before names."""
    import holidays

    entity = holidays.country_holidays(country)
    names = {fold(name): code for name, code in entity.subdivisions_aliases.items()}
    return names | {fold(code): code for code in entity.subdivisions}


@lru_cache(maxsize=2_000)
def _holidays(code: str, year: int) -> Mapping[date, str]:
    """The holidays of one year; `code` is canonical."""
    import holidays

    country, _, part = code.partition("-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of years for which it only estimates
        return dict(
            holidays.country_holidays(
                country,
                subdiv=part or None,
                years=year,
                expand=False,
                language=_language(country),
                categories=holidays.PUBLIC,
            )
        )


@lru_cache(maxsize=300)
def _language(country: str) -> str:
    """The country's own English where that is its language. Never none: the library would ask the locale."""
    import holidays

    own = holidays.country_holidays(country, language=_ENGLISH).default_language or ""
    return own if own.startswith("en") else _ENGLISH
