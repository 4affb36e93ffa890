"""Letters of other alphabets that look like Latin ones: which they are, and names that only look alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from rules.fold import fold
from rules.workbook.text import LOOK_ALIKE

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


def strangers(text: str) -> str:
    """The look-alike letters of a text as a person can tell them: `the Cyrillic letter "е" (U+0435)`."""
    found = [letter for letter in dict.fromkeys(text) if letter in LOOK_ALIKE]
    shown = ", ".join(f'"{letter}" (U+{ord(letter):04X})' for letter in found[:4])
    alphabet = _alphabet(found[0]).capitalize() if found else "foreign"
    return f"the {alphabet} letter{'s' if len(found) > 1 else ''} {shown}"


def skeleton(text: str) -> str:
    """What texts that look alike have in common, whatever the alphabet of their letters."""
    return fold("".join(LOOK_ALIKE.get(letter, letter) for letter in text))


def twin(text: str, names: Iterable[str]) -> str:
    """The other name that looks like this text and is not, or an empty text."""
    shape, own = skeleton(text), fold(text)
    others = (name for name in names if not (text.isascii() and name.isascii()))
    return next((name for name in others if skeleton(name) == shape and fold(name) != own), "")


def mixes_alphabets(text: str) -> bool:
    """Whether a word of the text has letters of two alphabets."""
    words = () if text.isascii() else re.findall(r"[^\W\d_]+", text)
    return any(len({_alphabet(letter) for letter in word} - {""}) > 1 for word in words)


def _alphabet(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    return name if name in _ALPHABETS else ""
