"""Literals and stored values in the one form in which they are compared.

Texts compare without case, ids by their first 15 characters, instants as UTC wire strings of one width, so
that plain string comparison orders them. Sources: vendor's SOQL reference, "Quoted String Escape Sequences",
"Date Formats and Date Literals", "LIKE".
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ITSELF = "\"'\\_%"
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[\s\S])")
_FRACTION = re.compile(r"\.(\d+)")


class BadEscape(ValueError):
    """A backslash before something that the vendor gives no meaning."""


def unescape(token: str) -> str:
    """The text between the quotes of a string literal. Raises BadEscape."""
    body = token[1:-1]
    if "\\" not in body:
        return body
    text = _ESCAPE.sub(lambda found: _escaped(found[1]), body)
    # Two \\u escapes may be the halves of one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(code: str) -> str:
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code in _ITSELF:
        return code
    if code.lower() in _ESCAPES:
        return _ESCAPES[code.lower()]
    raise BadEscape(code)


def like_pattern(token: str, *, exact: bool = False) -> re.Pattern[str]:
    """The LIKE pattern of a string literal: % any run, _ one character, both literal after a backslash.

    It matches folded texts unless `exact`.
    """
    pieces: list[list[str]] = [[]]
    case = str if exact else fold
    for piece in re.findall(r"\\u[0-9A-Fa-f]{4}|\\[\s\S]|[^\\]", token[1:-1]):
        if piece == "%":
            pieces.append([])
        else:
            pieces[-1].append("." if piece == "_" else re.escape(case(unescape(f"'{piece}'"))))
    first, *rest = ("".join(piece) for piece in pieces)
    if not rest:
        return re.compile(first, re.DOTALL)
    # The first place of each middle piece is as good as any: atomic groups never look for another.
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece)
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def fold(text: str) -> str:
    """The form in which two texts that differ in case alone are equal, of the same length as the text."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def instant(value: datetime) -> str:
    """An aware datetime as the wire writes it: UTC, milliseconds, `+0000`."""
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


@lru_cache(maxsize=65536)
def stored_instant(value: str) -> str:
    """A stored datetime in wire form; one that is none is left as it is, and compares as text."""
    if len(value) == 28 and value.endswith("+0000"):
        return value
    try:
        return instant(parse_instant(value))
    except ValueError:
        return value


def parse_instant(text: str) -> datetime:
    """An aware datetime of an ISO text; no zone means UTC. Raises ValueError."""
    trimmed = _FRACTION.sub(lambda found: "." + found[1][:6].ljust(6, "0"), text.upper())
    found = datetime.fromisoformat(trimmed)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Range = tuple[date, date]
"""First day and the day after the last one."""

_PLAIN: dict[str, Callable[[date], Range]] = {
    "TODAY": lambda d: _days(d, 0, 1),
    "YESTERDAY": lambda d: _days(d, -1, 1),
    "TOMORROW": lambda d: _days(d, 1, 1),
    # 91 days: the 90 before today, and today.
    "LAST_90_DAYS": lambda d: _days(d, -90, 91),
    "NEXT_90_DAYS": lambda d: _days(d, 1, 90),
}
_NAMED = re.compile(r"(THIS|LAST|NEXT)_(?:FISCAL_)?(WEEK|MONTH|QUARTER|YEAR)", re.IGNORECASE)
_COUNTED = re.compile(
    r"(?:(LAST|NEXT)_N_(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S"
    r"|N_(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S_(AGO))\s*:\s*(\d+)",
    re.IGNORECASE,
)


def relative_range(word: str, today: date) -> Range | None:
    """The days that a literal such as TODAY or LAST_N_DAYS:7 means, or None when there is no such literal.

    Weeks begin on Sunday and fiscal years in January, as in a new en_US org. Raises OverflowError when the
    range leaves the calendar.
    """
    plain = _PLAIN.get(word.upper())
    if plain is not None:
        return plain(today)
    named = _NAMED.fullmatch(word)
    if named is not None:
        first = {"THIS": 0, "LAST": -1, "NEXT": 1}[named[1].upper()]
        return _units(today, named[2].upper(), first, 1)
    counted = _COUNTED.fullmatch(word)
    return None if counted is None else _counted(today, counted)


def _counted(today: date, found: re.Match[str]) -> Range:
    count = int(found[5])
    if found[4]:
        return _units(today, found[3].upper(), -count, 1)
    unit, back = found[2].upper(), found[1].upper() == "LAST"
    if unit == "DAY":
        return _days(today, -count, count + 1) if back else _days(today, 1, count)
    return _units(today, unit, -count if back else 1, count)


def _days(today: date, first: int, count: int) -> Range:
    start = today + timedelta(days=first)
    return start, start + timedelta(days=count)


def _units(today: date, unit: str, first: int, count: int) -> Range:
    """`count` whole units, the first one `first` units after the one that holds today."""
    if unit == "DAY":
        return _days(today, first, count)
    if unit == "WEEK":
        return _days(today - timedelta(days=today.isoweekday() % 7), 7 * first, 7 * count)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    current = (today.year * 12 + today.month - 1) // months
    return _month_start((current + first) * months), _month_start((current + first + count) * months)


def _month_start(months: int) -> date:
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("date value out of range")
    return date(year, month + 1, 1)


def midnight(day: date, zone: tzinfo) -> str:
    """The wire form of a day's first instant in a zone."""
    return instant(datetime.combine(day, time(), zone))


def day_of(stamp: str, zone: tzinfo) -> date:
    """The day of a stored instant or date, in a zone. Raises ValueError."""
    if len(stamp) == 10:
        return date.fromisoformat(stamp)
    return parse_instant(stamp).astimezone(zone).date()
