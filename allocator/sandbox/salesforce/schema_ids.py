"""Record ids in their 15- and 18-character forms (vendor's object reference, "ID field type")."""

import re
from functools import lru_cache

_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id_suffix(id15: str) -> str:
    """Three characters that make an id safe to compare without case: one per five, a bit per capital."""
    return "".join(_suffix_char(id15[start : start + 5]) for start in (0, 5, 10))


def _suffix_char(group: str) -> str:
    return _SUFFIX[sum(1 << bit for bit, char in enumerate(group) if "A" <= char <= "Z")]


def looks_like_id(text: object) -> bool:
    """True when the text has the shape of an id, whatever its last three characters say."""
    return isinstance(text, str) and _SHAPE.fullmatch(text) is not None


def valid_id(text: object) -> bool:
    """True for a 15-character id, or an 18-character one whose last three characters fit its capitals."""
    return looks_like_id(text) and (len(str(text)) == 15 or id_suffix(str(text)[:15]) == str(text)[15:])


def to18(text: str) -> str:
    """The 18-character form. An id whose case was lost is mended from its last three characters.

    Raises ValueError when the text is no id.
    """
    if not looks_like_id(text):
        raise ValueError(f"not an id: {text!r}")
    if len(text) == 15:
        return text + id_suffix(text)
    id15 = _mended(text) or text[:15]
    return id15 + id_suffix(id15)


@lru_cache(maxsize=4096)
def _mended(text: str) -> str | None:
    """The 15 characters with the case that the suffix tells, or None when the suffix does not fit them."""
    suffix = text[15:].upper()
    bits = [bool(_SUFFIX.index(char) >> bit & 1) for char in suffix if char in _SUFFIX for bit in range(5)]
    if len(bits) != 15 or any(
        capital and not char.isalpha() for capital, char in zip(bits, text, strict=False)
    ):
        return None
    return "".join(c.upper() if capital else c.lower() for capital, c in zip(bits, text, strict=False))


def id_keys(text: str) -> frozenset[str]:
    """The 15-character keys under which a record with this id may be stored (15 and 18 name the same one)."""
    keys = {text[:15]}
    mended = _mended(text) if len(text) == 18 else None
    return frozenset(keys if mended is None else keys | {mended})
