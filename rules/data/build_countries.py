"""Writes countries.json from lists of names: `python rules/data/build_countries.py`.

The lists: Babel's territory names (a development dependency; its data: Unicode CLDR, Unicode licence v3),
earlier_names.json (names that CLDR once gave) and reviewed_names.py. The product reads the file only.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import babel
from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers

from rules.countries import spelling_key
from rules.data.reviewed_names import DROPPED, FORMS, TYPED

FILE = Path(__file__).with_name("countries.json")
EARLIER = Path(__file__).with_name("earlier_names.json")

# In CLDR, but no country of ISO 3166-1: exceptional reservations, unions and pseudo regions. XK (Kosovo)
# stays: people use it.
NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
# alpha-3 codes that were withdrawn, and those of more than one country today, name no country here.
WITHDRAWN = {"ANT", "BUR", "DDR", "FXX", "NTZ", "SCG", "SUN", "TMP", "YMD", "YUG", "ZAR"}
SHORTEST = 4
"""Letters of a Latin name; a shorter one (`end`, `cat`, `man`) is one only if it was reviewed."""

_Owners = dict[str, set[str]]


def build() -> dict[str, Any]:
    """What countries.json holds: English names, alpha-3 codes, names by their key, and the keys left out."""
    english = {c: n for c, n in Locale("en").territories.items() if is_country(c)}
    names, ambiguous = _resolve(current_names(), _earlier(), _reviewed(english), set(english))
    return {
        "source": f"Babel {babel.__version__} (Unicode CLDR, Unicode-3.0), earlier_names.json and "
        "reviewed_names.py",
        "english": dict(sorted(english.items())),
        "alpha3": _alpha3(set(english)),
        "names": names,
        "ambiguous": ambiguous,
    }


def is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES


def _alpha3(codes: set[str]) -> dict[str, str]:
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    found = {"XKX": "XK"}
    for three, twos in aliases.items():
        if (
            len(three) == 3
            and three.isalpha()
            and three not in WITHDRAWN
            and len(twos) == 1
            and twos[0] in codes
        ):
            found.setdefault(three, twos[0])
    return {k: v for k, v in sorted(found.items()) if not k.startswith("X") or k == "XKX"}


def current_names() -> _Owners:
    """Key -> the countries that Babel gives the name to, in any of its languages."""
    return _owners(
        (name, code)
        for identifier in sorted(locale_identifiers())
        for code, name in Locale.parse(identifier).territories.items()
        if is_country(code)
    )


def _earlier() -> _Owners:
    content: Mapping[str, list[str]] = json.loads(EARLIER.read_text(encoding="utf-8"))["names"]
    return {key: set(codes) for key, codes in content.items()}


def _owners(names: Iterable[tuple[str, str]]) -> _Owners:
    found: _Owners = defaultdict(set)
    for name, code in names:
        found[spelling_key(name)].add(code)
    return dict(found)


def _reviewed(english: Mapping[str, str]) -> dict[str, str]:
    """Key -> country: official forms of its name, ways of writing the English one, and what people type."""
    found: dict[str, str] = {}
    for language, forms in FORMS.items():
        territories = Locale(language).territories
        for form, countries in forms.items():
            for code in countries.split():
                for name in _with_form(form, territories[code], english=language == "en"):
                    found[spelling_key(name)] = code
    for code, name in english.items():
        found |= {spelling_key(way): code for way in _ways(name)}
    return found | {spelling_key(n): code for code, names in TYPED.items() for n in names.split(";")}


def _with_form(forms: str, name: str, *, english: bool) -> Iterator[str]:
    for form in forms.split(";"):
        yield f"{form} {name}"
        if english:
            yield f"{form} the {name}"
            yield f"{name}, {form}"


def _ways(name: str) -> Iterator[str]:
    """`St. Kitts & Nevis` is also written with Saint and with and; `The` may stand behind a name."""
    for joined in (name, name.replace("&", "and")):
        for full in (joined, joined.replace("St.", "Saint"), joined.replace("St.", "St")):
            yield full
            yield f"{full}, The"


def _resolve(
    current: _Owners, earlier: _Owners, reviewed: Mapping[str, str], codes: set[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """A name with one country is kept; a reviewed one wins, then today's. Left out: a name of several
    countries, one that is another country's code, and one too short to be sure of."""
    dropped = {spelling_key(name) for name in DROPPED}
    names: dict[str, str] = {}
    ambiguous: dict[str, list[str]] = {}
    for key in sorted({*current, *earlier, *reviewed}):
        owners = {reviewed[key]} if key in reviewed else current.get(key) or earlier[key]
        is_other_code = key.upper() in codes and owners != {key.upper()}
        too_short = key.isascii() and len(key) < SHORTEST and key not in reviewed
        if key in dropped or is_other_code or too_short or len(owners) > 1:
            ambiguous[key] = sorted(owners)
        else:
            (names[key],) = owners
    return names, ambiguous


def dumps(content: dict[str, Any]) -> str:
    """The file's text: one name a line, so that a newer Babel shows as a readable difference."""
    return json.dumps(content, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(dumps(build()), encoding="utf-8", newline="\n")
    sys.stdout.write(f"wrote {FILE}\n")
