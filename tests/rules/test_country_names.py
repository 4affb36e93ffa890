"""Names of countries against a large list made by others, and against what people type.

`python tests/rules/test_country_names.py` prints every difference; with `--write` it renews the figures of
docs/reference/country-names.md.
"""

from __future__ import annotations

import csv
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from rules import countries

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "countries"
PAGE = ROOT / "docs" / "reference" / "country-names.md"
ALIASES, TYPED = "countrynames_aliases.csv", "countries_as_typed.csv"

KINDS = {
    "right": "the same country",
    "many": "no country: the name is several countries', or a word of another meaning",
    "near": "no country: a name misspelt, or an unusual form of it; nothing is guessed",
    "script": "no country: in another script, a name, people or place that CLDR does not give",
    "other": "no country: a people (`Brazilian`), a state, county or city, an old or foreign official form",
    "other country": "another country: named below",
    "none": "none is right, and none is found",
    "part": "the list has a code for a part or a former state; we say the country: named below",
}
NAMED_BELOW = {
    ("GN", "ګیانا"): "GY",
    ("KP", "Оңтүстік Корея"): "KR",
    ("KR", "Солтүстік Корея"): "KP",
    ("GB-WLS", "Wales"): "GB",
    ("GB-SCT", "Scotland"): "GB",
    ("GB-NIR", "Northern Ireland"): "GB",
    ("ZR", "Zaire"): "CD",
}
"""(the list's code, the name) -> what we say; why stands in docs/reference/country-names.md."""


class Entry(NamedTuple):
    code: str
    name: str
    found: str | None
    kind: str


def _rows(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every alias of the list, with what we find and how that compares."""
    known = set(countries.codes())
    names = _names_by_code()
    found = []
    for row in _rows(ALIASES):
        code, name = row["code"], row["alias"]
        got = countries.lookup(name)
        if code in known:
            kind = (
                "right" if got == code else "other country" if got else _why_none(name, names.get(code, ()))
            )
        else:
            kind = "part" if got else "none"
        found.append(Entry(code, name, got, kind))
    return tuple(found)


def _names_by_code() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, code in countries._countries().names.items():
        names.setdefault(code, []).append(name)
    return names


def _why_none(name: str, names: list[str] | tuple[str, ...]) -> str:
    if countries.is_ambiguous(name):
        return "many"
    if difflib.get_close_matches(countries.spelling_key(name), names, n=1, cutoff=0.84):
        return "near"
    return "other" if re.search("[a-zA-Z]", name) else "script"


def table() -> str:
    """The figures as the page shows them."""
    counts = Counter(entry.kind for entry in entries())
    lines = ["| what we say | names |", "|---|---|"]
    lines += [f"| {said[0].upper()}{said[1:]} | {counts[kind]:,} |" for kind, said in KINDS.items()]
    return "\n".join([*lines, f"| **all** | {sum(counts.values()):,} |"])


def as_typed() -> str:
    counts = Counter(
        (row["judgement"] == "confident", countries.lookup(row["typed"]) is not None) for row in _rows(TYPED)
    )
    return "\n".join(
        [
            "| as typed | resolved | left unmapped |",
            "|---|---|---|",
            f"| one country is meant | {counts[True, True]} | {counts[True, False]} |",
            f"| ambiguous | {counts[False, True]} (`UA`, `ss`) | {counts[False, False]} |",
        ]
    )


@pytest.mark.shared_data
def test_far_more_names_are_resolved_than_the_present_names_of_cldr_hold() -> None:
    right = [entry for entry in entries() if entry.kind == "right"]
    assert len(right) >= 25_000


@pytest.mark.shared_data
def test_every_name_that_resolves_to_something_else_is_known_and_explained() -> None:
    differs = {(e.code, e.name): e.found for e in entries() if e.kind in ("other country", "part")}
    assert differs == NAMED_BELOW
    page = PAGE.read_text(encoding="utf-8")
    assert all(name in page for _, name in differs)


@pytest.mark.shared_data
def test_what_is_no_country_resolves_to_none() -> None:
    assert [entry for entry in entries() if entry.code == "FAIL" and entry.found] == []


@pytest.mark.shared_data
def test_what_people_type_is_right_or_unmapped_and_ambiguous_texts_are_codes_or_unmapped() -> None:
    rows = _rows(TYPED)
    confident = [row for row in rows if row["judgement"] == "confident"]
    said = {row["typed"]: countries.lookup(row["typed"]) for row in rows}
    assert all(said[row["typed"]] in (None, row["iso2"]) for row in confident)
    assert sum(said[row["typed"]] is not None for row in confident) >= 160
    # Two letters that are a country's own code say that code, whatever else somebody may have meant.
    ambiguous = {row["typed"].strip() for row in rows if row not in confident and said[row["typed"]]}
    assert ambiguous == {"UA", "ss"}


@pytest.mark.shared_data
def test_the_figures_on_the_page_are_the_measured_ones() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert table() in page and as_typed() in page


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Guinea  - Bissau", "GW"),
        ("Republic of Guinea-Bissau", "GW"),
        ("Moldova (Republic of)", "MD"),
        ("REPUBLIK ÖSTERREICH", "AT"),
        ("República de Colombia", "CO"),
        ("Royaume de Belgique", "BE"),
        ("Kingdom of the Netherlands", "NL"),
        ("Saint Kitts and Nevis", "KN"),
        ("Bahamas, The", "BS"),
        ("Swaziland", "SZ"),
        ("U. S. A.", "US"),
        ("Trinidad & Tobago", "TT"),
        ("Республика Беларусь", "BY"),
        ("Upper Volta", "BF"),
    ],
)
def test_official_former_and_oddly_spaced_names_are_understood(text: str, code: str) -> None:
    assert countries.lookup(text) == code


@pytest.mark.parametrize(
    "text",
    ["State of Georgia", "Republic of China", "Republic of Korea, People's", "Kingdom", "Republic of", "end",
     "Netherlands Antilles", "Male", "Untied Kingdom", "N/A", "n.a.", "(no)", "Dutch", "MENA"],
)  # fmt: skip
def test_what_might_be_something_else_names_no_country(text: str) -> None:
    assert countries.lookup(text) is None


def test_every_shipped_name_is_found_as_it_is_written() -> None:
    shipped = countries._countries().names
    assert {name for name, code in shipped.items() if countries.lookup(name) != code} == set()


def test_no_name_of_up_to_three_latin_letters_is_taken_from_a_list_unreviewed() -> None:
    from rules.data.reviewed_names import TYPED

    reviewed = {countries.spelling_key(n) for names in TYPED.values() for n in names.split(";")}
    shipped = countries._countries().names
    assert [n for n in shipped if n.isascii() and len(n) < 4 and n not in reviewed] == []


def _differences() -> Iterator[str]:
    for entry in entries():
        if entry.kind not in ("right", "none"):
            yield f"{entry.kind}\t{entry.code}\t{entry.found or ''}\t{entry.name}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        shown = PAGE.read_text(encoding="utf-8")
        for name, block in (("aliases", table()), ("as typed", as_typed())):
            marks = rf"(<!-- figures: {name} .*?-->\n).*?(\n<!-- /figures -->)"
            shown = re.sub(marks, lambda m, b=block: m[1] + b + m[2], shown, flags=re.DOTALL)
        PAGE.write_text(shown, encoding="utf-8")
    else:
        sys.stdout.write("\n".join(_differences()) + "\n")
