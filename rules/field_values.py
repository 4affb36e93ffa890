"""The value of one mapped field: what a side shows, in a canonical form, and as the other side's kind.

Two values that no person would tell apart have one canonical form: text trimmed, in NFC, with one kind of
line end; numbers however they are spelt (fractions to the 15 digits that a double keeps); days; moments in
UTC to the second; several options without order or repeats; and None for every form of nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, Literal, get_args

from rules.conversion import read_flag

Kind = Literal["text", "number", "date", "datetime", "flag", "picklist", "multi_picklist"]

KINDS: Final[tuple[str, ...]] = get_args(Kind)

FieldValue = str | Decimal | date | datetime | bool | tuple[str, ...] | None
"""A canonical value. A datetime is aware and in UTC; None is empty."""

Fault = Literal["unreadable", "no_conversion", "too_long", "too_large", "not_an_option", "required"]

FAULTS: Final[tuple[str, ...]] = get_args(Fault)
"""The closed list.

unreadable: not a value of the kind that its own field has.
no_conversion: a value, but none that the other side's kind can hold.
too_long, too_large: more characters or digits than the other side's field has room for.
not_an_option: the other side's field takes values of its list only.
required: the other side's field may not be emptied.
"""

_LONGEST_NUMBER: Final = 60
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]\S+)?", re.ASCII)
_DOTTED_DAY: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,]\d+)?)? ?(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_NOT_TO_BE_SENT: Final = re.compile("[\0\ud800-\udfff]")
_MILLISECONDS: Final = re.compile(r"-?\d{9,14}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT: Final = Context(prec=200, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class FieldType:
    """What a field of a side holds, and its limits; None for no limit known.

    `length` counts characters; a longer value is a fault, unless it is a text and the field `cuts` it.
    `digits` counts those before and after the point, `decimals` those after it, to which the field rounds,
    halves away from zero. `options` bind when `restricted`. A flag that is not `nullable` is no when empty.
    `zone` is where the days of a date begin, and the zone of a moment that names none.
    """

    kind: Kind = "text"
    length: int | None = None
    cuts: bool = False
    digits: int | None = None
    decimals: int | None = None
    options: tuple[str, ...] = ()
    restricted: bool = False
    nullable: bool = True
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that cannot be read or converted, by a code of the closed list: what happened, what to do."""

    code: Fault
    message: str
    fix: str


def canonical(raw: object, of: FieldType) -> FieldValue | Misfit:
    """A raw value of a side in the canonical form of its kind. Idempotent; raises nothing."""
    if isinstance(raw, list | tuple | set | frozenset):
        return _read_several(raw, of)
    text = shown(raw)
    if text is None or not _can_be_sent(text):
        return _unreadable(of, "is no plain value" if text is None else "holds characters that no CRM takes")
    text = _plain(text)
    if of.kind == "multi_picklist":
        return _several(text.split(";"))
    if not text:
        return None
    found = _read(raw, text, of)
    return found if found is not None else _unreadable(of, f"is not {_NAMES[of.kind]}")


def convert(value: FieldValue, of: FieldType, to: FieldType) -> FieldValue | Misfit:
    """A canonical value of one kind as the other kind, within its limits; canonical there. Raises nothing."""
    if value is None:
        return _empty(to)
    found = _as_kind(value, of, to)
    if found is None:
        message = f"{_NAMES[of.kind]} that cannot be {_NAMES[to.kind]}"
        return Misfit("no_conversion", f"is {message}", f"write {_FORMS[to.kind]}, or map another field")
    return _within(found, to)


def shown(value: object) -> str | None:
    """A raw or canonical value as text; None for what is not one plain value."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > 4 * _LONGEST_NUMBER:
            return None
        case int():
            return str(value)
        case float() | Decimal() if value != value:
            return ""
        case float():
            return _shown_number(Decimal(repr(value)))
        case Decimal():
            return _shown_number(value)
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case tuple() if all(isinstance(x, str) for x in value):
            return ";".join(value)
    return None


_NAMES: Final[dict[Kind, str]] = {
    "text": "a text",
    "number": "a number",
    "date": "a day",
    "datetime": "a moment",
    "flag": "a yes or no",
    "picklist": "one option",
    "multi_picklist": "a list of options",
}

_FORMS: Final[dict[Kind, str]] = {
    "text": "a text",
    "number": "digits, with a point before decimals and no mark for thousands, such as 1250.5",
    "date": "a day as YYYY-MM-DD",
    "datetime": "a moment as YYYY-MM-DDThh:mm:ssZ",
    "flag": "true or false",
    "picklist": "one option",
    "multi_picklist": "options with ; between them",
}


# --- reading ----------------------------------------------------------------------------------------------


def _read(raw: object, text: str, of: FieldType) -> FieldValue:
    match of.kind:
        case "number":
            return _number(text)
        case "date":
            return _day(raw, text)
        case "datetime":
            return _moment(raw, text, of.zone)
        case "flag":
            return read_flag(text)
    return text


def _read_several(raw: object, of: FieldType) -> FieldValue | Misfit:
    parts = list(raw) if isinstance(raw, list | tuple | set | frozenset) else []
    if of.kind != "multi_picklist" or not all(isinstance(x, str) and _can_be_sent(x) for x in parts):
        return _unreadable(of, f"is not {_NAMES[of.kind]}")
    return _several([piece for part in parts for piece in part.split(";")])


def _several(parts: list[str]) -> tuple[str, ...] | None:
    """Sorted, so that the order in which a side lists them is no change."""
    return tuple(sorted({plain for part in parts if (plain := _plain(part))})) or None


def _plain(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", lines).strip()


def _can_be_sent(text: str) -> bool:
    return _NOT_TO_BE_SENT.search(text) is None


def _unreadable(of: FieldType, what: str) -> Misfit:
    return Misfit("unreadable", what, f"write {_FORMS[of.kind]}, or give the field another type")


def _number(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if number == number.to_integral_value():
        return Decimal(int(number))
    if abs(number) >= 10**15:
        return None  # a double would lose whole digits of it
    return Decimal(_shown_number(Decimal(f"{float(number):.15g}")))


def _shown_number(number: Decimal) -> str:
    """Digits without an exponent and without zeros at the end."""
    if not number.is_finite() or abs(number.adjusted()) > 2 * _LONGEST_NUMBER:
        return str(number)
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _day(raw: object, text: str) -> date | None:
    """The day as it is written: a date field that shows a moment means its day, in whatever zone."""
    if isinstance(raw, datetime):
        return raw.date()
    try:
        if match := _DAY.fullmatch(text):
            return date.fromisoformat(match[1])
        if match := _DOTTED_DAY.fullmatch(text):
            return date(int(match[3]), int(match[2]), int(match[1]))
        return (_EPOCH + _milliseconds(text)).date() if _MILLISECONDS.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _milliseconds(text: str) -> timedelta:
    return timedelta(seconds=int(text) // 1000)


def _moment(raw: object, text: str, zone: tzinfo) -> datetime | None:
    try:
        if isinstance(raw, datetime):
            return _in_utc(raw, zone)
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + _milliseconds(text)
        if match := _DOTTED_DAY.fullmatch(text):
            text = f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}"
        match = _MOMENT.fullmatch(text)
        return _in_utc(datetime.fromisoformat(_iso(match)), zone) if match else None
    except (ValueError, OverflowError):
        return None


def _iso(match: re.Match[str]) -> str:
    day, minute, second, offset = match.groups()
    return f"{day}T{minute or '00:00'}:{second or '00'}{offset or ''}"


def _in_utc(moment: datetime, zone: tzinfo) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(microsecond=0, fold=0)


# --- converting -------------------------------------------------------------------------------------------


def _as_kind(value: FieldValue, of: FieldType, to: FieldType) -> FieldValue:
    """None when the other kind has no such value."""
    if isinstance(value, str) and of.kind == to.kind:
        return value
    if isinstance(value, datetime):
        return _from_moment(value, to)
    if isinstance(value, date):
        return _from_day(value, of, to)
    if isinstance(value, bool) and to.kind == "number":
        return Decimal(value)
    if isinstance(value, tuple) and to.kind == "picklist":
        return value[0] if len(value) == 1 else None
    if isinstance(value, Decimal) and to.kind in ("date", "datetime"):
        return None  # 45000 is a day to a spreadsheet and a count to everybody else
    found = canonical(value if to.kind == "multi_picklist" else shown(value), to)
    return None if isinstance(found, Misfit) else found


def _from_moment(value: datetime, to: FieldType) -> FieldValue:
    match to.kind:
        case "datetime":
            return value
        case "date":
            return _local_day(value, to.zone)
        case "text":
            return value.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    return None


def _local_day(value: datetime, zone: tzinfo) -> date | None:
    try:
        return value.astimezone(zone).date()
    except OverflowError:
        return None


def _from_day(value: date, of: FieldType, to: FieldType) -> FieldValue:
    """Midnight where the date's days begin, so that the moment is on the same day again when read back."""
    match to.kind:
        case "date":
            return value
        case "datetime":
            return _moment(datetime.combine(value, time()), "", of.zone)
        case "text":
            return value.isoformat()
    return None


def _empty(to: FieldType) -> FieldValue | Misfit:
    if to.nullable:
        return None
    if to.kind == "flag":
        return False
    return Misfit("required", "is empty, and the other side's field may not be", "give it a value")


def _within(value: FieldValue, to: FieldType) -> FieldValue | Misfit:
    if isinstance(value, Decimal):
        return _rounded(value, to)
    if isinstance(value, tuple):
        return _among_all(value, to)
    if not isinstance(value, str):
        return value
    chosen = _among(value, to) if to.kind == "picklist" else value
    return chosen if isinstance(chosen, Misfit) else _fitting(chosen, to)


def _rounded(value: Decimal, to: FieldType) -> Decimal | Misfit:
    if to.decimals is not None:
        value = _EXACT.quantize(value, Decimal(1).scaleb(-to.decimals))
    found = _number(_shown_number(value))
    whole = None if to.digits is None else to.digits - (to.decimals or 0)
    if found is None or (whole is not None and abs(found) >= Decimal(10) ** whole):
        return Misfit("too_large", f"has more than {whole} digits before the point", "write a smaller number")
    return found


def _among_all(values: tuple[str, ...], to: FieldType) -> FieldValue | Misfit:
    chosen = [_among(value, to) for value in values]
    for one in chosen:
        if isinstance(one, Misfit):
            return one
    found = _several([x for x in chosen if isinstance(x, str)])
    fits = _fitting(";".join(found or ()), FieldType(length=to.length))
    return fits if isinstance(fits, Misfit) else found


def _among(value: str, to: FieldType) -> str | Misfit:
    """The option as its own list spells it; case does not matter where only one option is meant."""
    options = {_plain(x) for x in to.options}
    if value in options:
        return value
    meant = [x for x in options if x.casefold() == value.casefold()]
    if len(meant) == 1:
        return meant[0]
    if not to.restricted:
        return value
    known = ", ".join(to.options[:10]) or "none"
    fix = f"choose one of the field's options ({known}), or add it there"
    return Misfit("not_an_option", "is not an option of the other side's field", fix)


def _fitting(text: str, to: FieldType) -> str | Misfit | None:
    if to.length is None or len(text) <= to.length:
        return text
    if to.cuts and to.kind == "text":
        return _plain(text[: to.length]) or None
    message = f"has {len(text)} characters, and the other side's field takes {to.length}"
    return Misfit("too_long", message, f"shorten it to {to.length} characters, or lengthen the field")


# --- keeping ----------------------------------------------------------------------------------------------

_TAGS: Final[dict[Kind, str]] = {
    "text": "t", "number": "n", "date": "d", "datetime": "m", "flag": "f", "multi_picklist": "l",
}  # fmt: skip


def dump(value: FieldValue) -> str:
    """A canonical value as a text that `load` reads back; for stores."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"m:{_from_moment(value, FieldType())}"
    kinds: list[tuple[type, Kind]] = [
        (bool, "flag"), (Decimal, "number"), (date, "date"), (tuple, "multi_picklist"), (str, "text"),
    ]  # fmt: skip
    kind = next(kind for type_, kind in kinds if isinstance(value, type_))
    return f"{_TAGS[kind]}:{shown(value)}"


def load(text: str) -> FieldValue:
    """What `dump` kept. Raises ValueError for any other text."""
    tag, colon, rest = text.partition(":")
    kind = next((kind for kind, known in _TAGS.items() if known == tag), None)
    found = canonical(rest, FieldType(kind)) if kind and colon else None
    if text and (found is None or isinstance(found, Misfit)):
        raise ValueError(f"not a value that was kept: {text[:40]!r}; read the field anew from both sides")
    return None if isinstance(found, Misfit) else found
