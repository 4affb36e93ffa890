"""The facts that ship, and how a lead's raw values become facts: codes, texts, numbers, dates, or visibly
unmapped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

from rules.fold import fold
from rules.freemail import company_domain, domain
from rules.known import NONE_CODE, Vocabulary, fact_key, known_values
from rules.line import parse_day, parse_number
from rules.model import Fact, FactType, FactValue, RoutingTables, Unmapped

__all__ = ["Normaliser", "default_facts", "fact_key", "normalise", "normaliser_of", "vocabulary_of"]

_CATALOGUE: Final[tuple[tuple[str, FactType, str], ...]] = (
    ("campaign", "text", "The campaign's code or name; sheet Values lists the known ones"),
    ("country", "closed", "By code, name in any language, or alias; the rules see the two-letter code"),
    ("product", "text", "The product's code or name; sheet Values lists the known ones"),
    ("language", "text", "The language's two-letter code, such as de"),
    ("source", "text", "Where the lead came from"),
    ("industry", "text", ""),
    ("employees", "number", "How many people work there"),
    ("state", "text", "State or province"),
    ("city", "text", ""),
    ("postcode", "text", ""),
    ("company", "text", "The company's name"),
    ("email_domain", "text", "The e-mail address's domain; a free-mail provider's counts as none"),
    ("created", "date", "The day on which the lead was created"),
    ("region", "text", "Set by a row, Then Region"),
    ("segment", "text", "Set by a row, Then Segment"),
    ("lane", "text", "Set by a row, Then Lane"),
    ("product line", "text", "Set by a row, Then Product line"),
)

_T = TypeVar("_T")

_UNSEEN: Final[Any] = object()
_CACHED_VALUES = 20_000
_CACHED_LENGTH = 200
_LONGEST_NUMBER = 1_000  # bits; Python refuses to write much longer ones
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d.*)?", re.ASCII)


@lru_cache(maxsize=1)
def default_facts() -> tuple[Fact, ...]:
    """The facts that every workbook knows; its sheet Facts may retype them and add others."""
    return tuple(Fact(name, type_, note) for name, type_, note in _CATALOGUE)


class Normaliser:
    """Turns raw values into facts, for one vocabulary. Remembers a bounded number of texts per fact.

    A fact that no catalogue knows is a text. Blank is None. What a closed, number or date fact cannot read is
    `Unmapped(raw)`; an unknown text stays the text it is, trimmed. The dates From and Until of known values
    are not looked at: a spelling is understood before and after its time too.
    """

    def __init__(self, facts: Iterable[Fact], vocabulary: Vocabulary) -> None:
        self._facts = {fact_key(f.name): f for f in facts}
        self._vocabulary = vocabulary
        self._readers: dict[str, tuple[str, _Reader, Callable[..., Any]]] = {}

    def __call__(self, raw: Mapping[str, object]) -> dict[str, FactValue]:
        """All facts of a lead, under the catalogue's spelling of their names."""
        readers = self._readers
        found: dict[str, FactValue] = {}
        for name, value in raw.items():
            known, read, remembered = readers.get(name) or self._reader(name)
            # The look at what is remembered stands here too, since a call would take longer than it.
            fact = remembered(value, _UNSEEN) if type(value) is str else _UNSEEN
            found[known] = read(value) if fact is _UNSEEN else fact
        return found

    def value(self, name: str, raw: object) -> FactValue:
        """One fact of a lead."""
        return (self._readers.get(name) or self._reader(name))[1](raw)

    def reader(self, name: str) -> Callable[[object], FactValue]:
        """What turns the raw values of one fact into facts."""
        return (self._readers.get(name) or self._reader(name))[1]

    def name(self, name: str) -> str:
        """The catalogue's spelling of a fact's name."""
        return (self._readers.get(name) or self._reader(name))[0]

    def _reader(self, name: str) -> tuple[str, _Reader, Callable[..., Any]]:
        key = fact_key(name)
        fact = self._facts.get(key) or Fact(key, "text")
        read = _Reader(lambda raw: _read(raw, fact, key, self._vocabulary))
        reader = (fact.name, read, read.young.get)
        if len(self._readers) < 1_000:
            self._readers[name] = reader
        return reader


class _Reader:
    """Reads the values of one fact, and keeps the answers for short texts and whole numbers; the older half
    goes when there are too many."""

    __slots__ = ("_old", "_read", "young")

    def __init__(self, read: Callable[[object], FactValue]) -> None:
        self._read = read
        self.young: dict[object, Any] = {}
        self._old: dict[object, Any] = {}

    def __call__(self, raw: object) -> FactValue:
        if type(raw) is str:
            if len(raw) > _CACHED_LENGTH:
                return self._read(raw)
        elif type(raw) is not int:
            return self._read(raw)
        found = self.young.get(raw, _UNSEEN)
        if found is _UNSEEN:
            found = self._old.get(raw, _UNSEEN)
            if found is _UNSEEN:
                found = self._read(raw)
            self._keep(raw, found)
        return found  # type: ignore[no-any-return]

    def _keep(self, raw: object, fact: FactValue) -> None:
        if len(self.young) >= _CACHED_VALUES // 2:
            self._old = self.young.copy()
            self.young.clear()
        self.young[raw] = fact


def _read(raw: object, fact: Fact, key: str, vocabulary: Vocabulary) -> FactValue:
    raw = _plain(raw)
    if raw is None or isinstance(raw, Unmapped):
        return raw
    if isinstance(raw, int) and raw.bit_length() > _LONGEST_NUMBER:
        return Unmapped("a number of hundreds of digits")
    text = _as_text(raw)
    if not fold(text):
        return None
    if fact.type == "date" and isinstance(raw, date):
        return raw.date() if isinstance(raw, datetime) else raw
    if fact.type in ("text", "closed"):
        return _spelling(text, fact, key, vocabulary)
    if vocabulary.code(fact.name, text) == NONE_CODE:
        return None
    found = _number(raw, text) if fact.type == "number" else _day(text)
    return Unmapped(text) if found is None else found


def _spelling(text: str, fact: Fact, key: str, vocabulary: Vocabulary) -> FactValue:
    code = vocabulary.code(fact.name, text)
    if code is not None:
        return None if code == NONE_CODE else code
    if fact.type == "closed":
        return Unmapped(text)
    if key == "email domain":
        return company_domain(text) if "@" in text else domain(text)
    return text


def _plain(raw: object) -> object:
    """A cell of a data frame as Python would have it: its marks of a missing value are None."""
    kind = type(raw)
    if kind is str or kind is int:
        return raw
    if kind.__module__ == "numpy":
        raw = _unwrapped(raw)
    if kind.__name__ in ("NAType", "NaTType") or (isinstance(raw, Decimal) and raw.is_nan()):
        return None
    return None if isinstance(raw, (float, complex)) and raw != raw else raw


def _unwrapped(raw: object) -> object:
    """A number of numpy's as a number of Python's; without importing numpy, which takes long."""
    of = getattr(getattr(raw, "dtype", None), "kind", "")
    if of in ("m", "M"):
        return None if str(raw) == "NaT" else raw
    is_number = of in ("b", "i", "u", "f", "c") and getattr(raw, "shape", None) == ()
    return raw.item() if is_number else raw  # type: ignore[attr-defined]


def _as_text(raw: object) -> str:
    if isinstance(raw, str):
        return str.strip(raw)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw)  # 250.0 is how a table may write 250
    return str(raw).strip()


def _number(raw: object, text: str) -> Decimal | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, (int, float, Decimal)):
        number = Decimal(str(raw))
        return number if number.is_finite() else None
    return parse_number(text)


def _day(text: str) -> date | None:
    match = _MOMENT.fullmatch(text)
    return parse_day(match[1]) if match else None


def vocabulary_of(tables: RoutingTables) -> Vocabulary:
    """The vocabulary of a workbook's known values (its groups are already inside the rows' conditions)."""
    return kept(tables, "_vocabulary", lambda: known_values(tables.facts, tables.values))


def normaliser_of(tables: RoutingTables) -> Normaliser:
    """The normaliser of a workbook: its own facts, and the shipped ones that it does not name."""
    return kept(tables, "_normaliser", lambda: Normaliser(facts_of(tables), vocabulary_of(tables)))


def facts_of(tables: RoutingTables) -> tuple[Fact, ...]:
    """The workbook's facts, and the shipped ones that it does not name."""
    named = {fact_key(f.name) for f in tables.facts}
    return (*tables.facts, *(f for f in default_facts() if fact_key(f.name) not in named))


def normalise(tables: RoutingTables, raw: Mapping[str, object]) -> dict[str, FactValue]:
    """A lead's raw values as the facts that rules read."""
    return normaliser_of(tables)(raw)


def kept(tables: RoutingTables, name: str, make: Callable[[], _T]) -> _T:
    """A value worked out once per tables object and kept on it, as a cached property would be."""
    found: _T | None = vars(tables).get(name)
    if found is None:
        found = make()
        vars(tables)[name] = found
    return found
