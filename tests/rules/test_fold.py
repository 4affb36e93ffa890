"""Folding holds its promises over every code point."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from rules.fold import fold

CHARACTERS = [
    chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cs", "Cn", "Co")
]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Müller", "muller"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("ＤＥ", "de"),
        ("İstanbul", "istanbul"),
        ("ısparta", "isparta"),
        ("Łódź", "lodz"),
        ("Ærø", "aero"),
        ("Þór", "thor"),
        ("Ελλάδα", "ελλαδα"),
        ("Côte d’Ivoire", "cote d'ivoire"),
        ("A – B", "a - b"),
        ("  a\u00a0 b\t\nc ", "a b c"),
        ("Sa\u200bles\ufeff", "sales"),
        ("", ""),
    ],
)
def test_a_text_folds_to_its_key(text: str, key: str) -> None:
    assert fold(text) == key


@pytest.mark.parametrize(
    ("one", "other"), [("が", "か"), ("й", "и"), ("Müller", "Mueller"), ("ไทย", "ไทบ"), ("कि", "क")]
)
def test_different_letters_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_folding_twice_changes_nothing() -> None:
    assert [c for c in CHARACTERS if fold(fold(c)) != fold(c)] == []


def test_upper_and_lower_case_fold_alike() -> None:
    assert [c for c in CHARACTERS if not fold(c) == fold(c.upper()) == fold(c.lower())] == []


def test_composed_and_decomposed_fold_alike() -> None:
    nfc, nfd = (lambda c: unicodedata.normalize("NFC", c)), (lambda c: unicodedata.normalize("NFD", c))
    assert [c for c in CHARACTERS if fold(nfc(c)) != fold(nfd(c))] == []


def test_a_very_long_text_folds_too() -> None:
    assert fold("é" * 100_000) == "e" * 100_000
