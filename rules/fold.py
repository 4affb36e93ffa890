"""Folding: two spellings that a person would call the same text become one key.

`Müller` = `MULLER`, `Straße` = `STRASSE`, `ＤＥ` = `de`, `Côte d’Ivoire` = `cote d'ivoire`. Never two words
that differ in any script: accents go on Latin and Greek letters only, so `が` is not `か` and `й` is not `и`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
    | dict.fromkeys("‘’‛ʼ´`ˈ′＇", "'")
)
_CACHED_LENGTH = 200


def fold(text: str) -> str:
    """The key of a text. Idempotent; upper and lower case, NFC and NFD give the same key."""
    if text.isascii():
        return " ".join(text.lower().replace("`", "'").split())
    if len(text) <= _CACHED_LENGTH:
        return _fold_cached(text)
    return _fold(text)


def _fold(text: str) -> str:
    # One pass can bring forth what a next one changes (a letter whose case fold decomposes), so go on until
    # stable.
    for _ in range(4):
        folded = _once(text)
        if folded == text:
            break
        text = folded
    return text


_fold_cached = lru_cache(maxsize=20_000)(_fold)


def _once(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text)
    plain = "".join(c for c in composed if unicodedata.category(c) != "Cf").casefold()
    stripped = _without_accents(unicodedata.normalize("NFKD", plain))
    swapped = "".join(_as_dash(c) for c in stripped.translate(_LETTERS))
    return " ".join(unicodedata.normalize("NFKC", swapped).split())


def _without_accents(decomposed: str) -> str:
    kept: list[str] = []
    on_letter = False
    for char in decomposed:
        if "\u0300" <= char <= "\u036f":
            if on_letter:
                continue
        elif not unicodedata.combining(char):
            on_letter = _is_latin_or_greek(char)
        kept.append(char)
    return "".join(kept)


def _as_dash(char: str) -> str:
    return "-" if char == "\u2212" or (char != "-" and unicodedata.category(char) == "Pd") else char


@lru_cache(maxsize=4_096)
def _is_latin_or_greek(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("LATIN", "GREEK"))
