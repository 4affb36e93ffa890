"""Texts as people type and paste them: cleaned, compared, and the nearest known name found."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from rules.fold import fold

_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SPACES: Final = re.compile(r"[^\S\n]+")
_LIST: Final = re.compile(r"""\s*("(?:[^"]|"")+"(?=\s*(?:[,;\n]|$))|[^,;\s][^,;\n]*?)\s*(?:[,;\n]|$)""")
LOOK_ALIKE: Final = dict(
    zip(
        "АВЕЅІЈКМНОРСТХУаеѕіјорсухԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
        "ABESIJKMHOPCTXYaesijopcyxdhqwABEZHIKMNOPTYXo",
        strict=True,
    )
)


def has_bidi(text: str) -> bool:
    """Whether the text holds marks that turn the reading direction round, so that it shows as another one."""
    return bool(_BIDI.search(text))


def clean(text: str) -> str:
    """The text without invisible characters, with plain single spaces and line feeds, trimmed."""
    if text.isascii() and text.isprintable() and "_x" not in text:
        return " ".join(text.split())
    text = _ESCAPED.sub(lambda m: "\n" if m[1].upper() == "000A" else _printable(m), text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    visible = "".join(c for c in text if c == "\n" or not _invisible(c))
    lines = (_SPACES.sub(" ", line).strip() for line in visible.split("\n"))
    return "\n".join(lines).strip()


def one_line(text: str) -> str:
    return " ".join(text.split())


def had_invisible(text: str) -> bool:
    """Whether `clean` takes out anything invisible: no-break and zero-width spaces and their kin."""
    return not text.isascii() and any(
        _invisible(c) or c in "\u00a0\u2007\u202f" for c in text if c not in "\n\r\t"
    )


def _printable(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return "" if code < 32 else match[0]


def _invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cf" or (category == "Cc" and character != "\t")


def key(text: str) -> str:
    """What headers and settings are compared by: no case, width, spaces, hyphens or underscores."""
    return re.sub(r"[\s_-]+", "", fold(text))


def nearest(text: str, names: Iterable[str]) -> str:
    """The known name that was probably meant, or an empty text."""
    by_fold = {fold(n): n for n in names}
    found = difflib.get_close_matches(fold(text), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else ""


def looks_like(text: str) -> str:
    """The Latin spelling of a text that mixes in look-alikes from other alphabets, or nothing."""
    if text.isascii():
        return ""
    for word in re.findall(r"\w+", text):
        if any(c in LOOK_ALIKE for c in word) and any("a" <= c.lower() <= "z" for c in word):
            return "".join(LOOK_ALIKE.get(c, c) for c in text)
    return ""


def split_list(text: str) -> tuple[str, ...]:
    """Items between commas, semicolons or line feeds; one in quotes may hold them."""
    return tuple(item[1:-1].replace('""', '"') if item[0] == '"' else item for item in split_quoted(text))


def split_quoted(text: str) -> tuple[str, ...]:
    """As `split_list`, with the quotes left on."""
    return tuple(m[1] for m in _LIST.finditer(text))
