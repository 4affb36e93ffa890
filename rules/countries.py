"""Countries by code, by name in any language, and by the short forms that people type. Never a guess.

The data are the shipped file data/countries.json, built by data/build_countries.py and read at the first
question.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from rules.fold import fold


@dataclass(frozen=True, slots=True)
class _Countries:
    english: Mapping[str, str]
    codes: Mapping[str, str]
    names: Mapping[str, str]
    ambiguous: frozenset[str]


@lru_cache(maxsize=1)
def _countries() -> _Countries:
    content = json.loads((files("rules") / "data" / "countries.json").read_text(encoding="utf-8"))
    english: dict[str, str] = content["english"]
    codes = {three.lower(): two for three, two in content["alpha3"].items()}
    codes.update({two.lower(): two for two in english})
    return _Countries(english, codes, content["names"], frozenset(content["ambiguous"]))


_MARKS = re.compile(r"""[-.,;:()\[\]'"/&+_·•ʻ]+""")


def spelling_key(text: str) -> str:
    """What names of countries are compared by: folded, and without marks between the words, so that
    `Guinea - Bissau` is `Guinea-Bissau`, `U.S.A.` is `U. S. A.` and `Korea (North)` is `Korea, North`."""
    return " ".join(_MARKS.sub(" ", fold(text)).split())


def lookup(text: str) -> str | None:
    """The alpha-2 code that `text` names: a code (2 or 3 letters), a name in any of Babel's languages, or a
    common short form ("UK", "U.S.A.", "Holland"), however capitalised and accented. None when unknown or
    ambiguous."""
    if not text.isascii() and (flag := _flag(text.strip())):
        return flag
    known = _countries()
    if code := known.codes.get(fold(text)):
        return code
    key = spelling_key(text)
    return known.names.get(key) or (
        known.names.get(key[4:]) if key.startswith("the ") and len(key) > 7 else None
    )


def _flag(text: str) -> str | None:
    """A flag emoji is two regional letters: the code itself."""
    letters = [ord(c) - 0x1F1E6 for c in text]
    if len(letters) != 2 or not all(0 <= n < 26 for n in letters):
        return None
    code = "".join(chr(ord("A") + n) for n in letters)
    return code if code in _countries().english else None


def english_name(code: str) -> str:
    """The English name of an alpha-2 code, or "" for a code that is none."""
    return _countries().english.get(code, "")


def codes() -> tuple[str, ...]:
    """Every alpha-2 code, sorted; XK (Kosovo) included."""
    return tuple(_countries().english)


def is_ambiguous(text: str) -> bool:
    """Whether `text` names more than one country, and therefore none."""
    return spelling_key(text) in _countries().ambiguous


@lru_cache(maxsize=2_000)
def closest(text: str) -> str | None:
    """The code whose code or English name is nearest to a misspelt text, or None when nothing is near.

    Two letters or fewer are near to too many codes (`EU` is not Réunion).
    """
    key = fold(text)[:60]
    if len(key) < 3:
        return None
    by_name = {fold(name): code for code, name in _countries().english.items()}
    by_name |= _countries().codes
    near = difflib.get_close_matches(key, by_name, n=1, cutoff=0.7)
    return by_name[near[0]] if near else None
