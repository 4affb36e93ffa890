"""Makes text from outside harmless in a mail: one line, nothing invisible, nothing that decodes to more."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

LINE = 300
SUBJECT = 200
ITEMS = 500
_DEPTH = 8
_BREAKS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_JOINERS = frozenset("\u200c\u200d")
_REPLACED = frozenset({"Cc", "Cf", "Cs", "Cn"})
_ATOM = r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f])+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def line(text: str, most: int = LINE) -> str:
    """One line of what can be seen: line ends become spaces, controls, bidi marks and surrogates U+FFFD."""
    shown = "".join(_shown(c) for c in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def header(text: str, most: int = SUBJECT) -> str:
    """One line of printable ASCII in which no encoded word begins (CVE-2024-6923)."""
    plain = "".join(c if c.isascii() else "?" for c in line(text, most).replace("…", "..."))
    # Only after the rest: what was replaced may have become the start of an encoded word.
    return " ".join(plain.split()).replace("=?", "= ?")[:most]


def address(text: str) -> str | None:
    """The one address that this is, its domain in ASCII; None when it is none, several, or a trick."""
    local, _, domain = text.rpartition("@")
    if not 1 <= len(local.encode(errors="replace")) <= 64 or "=?" in local or not _LOCAL.fullmatch(local):
        return None
    if any(not c.isascii() and (not c.isprintable() or _shown(c) != c) for c in local):
        return None
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return f"{local}@{domain}" if len(domain) <= 253 and _DOMAIN.fullmatch(domain) else None


def link(url: object) -> str:
    """The URL when it is a plain one of the web's and whole, else nothing."""
    if not isinstance(url, str) or not 0 < len(url) < LINE or not url.isascii() or not url.isprintable():
        return ""
    if any(c in " \"'<>\\`" for c in url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""


def cleaned(value: Any, depth: int = _DEPTH) -> Any:
    """Plain JSON with every string made harmless; what is too deep or too long is left out."""
    if isinstance(value, str):
        return line(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth == 0:
        return ""
    if isinstance(value, Mapping):
        return {str(key): cleaned(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item, depth - 1) for item in value[:ITEMS]]
    return line(str(value))


def _shown(c: str) -> str:
    if c in _BREAKS:
        return " "
    if c in _JOINERS:
        return c
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _REPLACED else c
