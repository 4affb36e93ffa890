"""The known values: which spellings mean which code, per fact; codes as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from rules import countries
from rules.condition import Condition
from rules.fold import fold
from rules.model import Fact, KnownValue

NONE_CODE: Final = "(none)"
"""As a Code of sheet Values: its spellings mean that the lead says nothing (`Select`, `n/a`)."""

COUNTRY: Final = "country"
LANGUAGE: Final = "language"


def fact_key(name: str) -> str:
    """The key of a fact's name: `Product line` = `product_line`."""
    return fold(name).replace("_", " ")


@dataclass(frozen=True, slots=True)
class Clash:
    """One spelling that sheet Values gives to several codes of a fact. Such a spelling names none of them."""

    fact: str
    spelling: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All known spellings and groups. Facts are looked up by `fact_key`, spellings and groups by `fold`."""

    facts: Mapping[str, Fact]
    spellings: Mapping[str, Mapping[str, str]]
    names: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, tuple[str, Condition]]
    clashes: tuple[Clash, ...] = ()
    suggests: bool = True

    def code(self, fact: str, text: str) -> str | None:
        """The code that a text means for a fact, `NONE_CODE` for "nothing said", None when it is not known.

        Sheet Values goes first, then the built-in countries and the codes of languages.
        """
        key = fact_key(fact)
        known = self.spellings.get(key)
        if known is not None and (found := known.get(fold(text))) is not None:
            return found or None
        if key == COUNTRY:
            return countries.lookup(text)
        return _language(text) if key == LANGUAGE else None

    def is_listed(self, fact: str) -> bool:
        """Whether sheet Values lists anything for a fact beyond spellings of nothing."""
        return bool(self.names.get(fact_key(fact)))

    def codes(self, fact: str) -> tuple[str, ...]:
        """All known codes of a fact: those of sheet Values, and for country the built-in ones."""
        key = fact_key(fact)
        listed = tuple(self.names.get(key, {}))
        return tuple(dict.fromkeys(listed + countries.codes())) if key == COUNTRY else listed

    def label(self, fact: str, code: str) -> str:
        """A code as a person reads it: `DE (Germany)`, or the code alone when it has no other name."""
        key = fact_key(fact)
        name = self.names.get(key, {}).get(code, "") or (
            countries.english_name(code) if key == COUNTRY else ""
        )
        return f"{code} ({name})" if name and fold(name) != fold(code) else code


def _language(text: str) -> str | None:
    """`de-AT`, `DE_at` and `DE` are `de`. A language's name is no code: sheet Values may give it one."""
    primary, _, region = fold(text).replace("_", "-").partition("-")
    is_code = primary.isascii() and primary.isalpha() and len(primary) == 2 and len(region) in (0, 2, 3, 4)
    return primary if is_code else None


def known_values(facts: Iterable[Fact], values: Iterable[KnownValue]) -> Vocabulary:
    """The vocabulary of a workbook without its groups; spellings with several codes are in `clashes`."""
    rows = [_with_country_code(v) for v in values]
    spellings, clashes = _spellings(rows)
    return Vocabulary({fact_key(f.name): f for f in facts}, spellings, _names(rows), {}, clashes)


def _with_country_code(value: KnownValue) -> KnownValue:
    """A country listed under another spelling of its code (UK, DEU) keeps the code that leads have."""
    code = countries.lookup(value.code) if fact_key(value.fact) == COUNTRY else None
    if code is None or code == value.code:
        return value
    return replace(value, code=code, aliases=(value.code, *value.aliases))


def group_key(name: str) -> str:
    """The key of a group's name, with or without its @."""
    return fold(name.strip().removeprefix("@").removeprefix("＠"))


def _names(values: Iterable[KnownValue]) -> dict[str, dict[str, str]]:
    names: dict[str, dict[str, str]] = {}
    for value in values:
        if value.code != NONE_CODE:
            names.setdefault(fact_key(value.fact), {}).setdefault(value.code, value.name)
    return names


def _spellings(values: Iterable[KnownValue]) -> tuple[dict[str, dict[str, str]], tuple[Clash, ...]]:
    """Spelling -> code per fact; "" where several codes claim it. A code beats another value's name or
    alias."""
    claims: dict[str, dict[str, dict[str, None]]] = {}
    own: dict[str, dict[str, dict[str, None]]] = {}
    for value in values:
        key = fact_key(value.fact)
        for text in filter(None, (value.code, value.name, *value.aliases)):
            claims.setdefault(key, {}).setdefault(fold(text), {})[value.code] = None
        own.setdefault(key, {}).setdefault(fold(value.code), {})[value.code] = None
    found: dict[str, dict[str, str]] = {}
    clashes: list[Clash] = []
    for key, texts in claims.items():
        for text, codes in texts.items():
            winners = own[key].get(text, codes)
            found.setdefault(key, {})[text] = next(iter(winners)) if len(winners) == 1 else ""
            if len(codes) > 1:
                clashes.append(Clash(key, text, tuple(codes)))
    return found, tuple(clashes)
