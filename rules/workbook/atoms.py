"""The distinct things that stand in the cells of a workbook: each is understood once and has a number."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from rules.workbook.serials import Moment, from_iso, from_serial, span_of

Atom = list[object]
"""Kind, value, and for a number its format, for a formula the value it had when the file was saved."""

GENERAL: Final[tuple[Moment, str]] = ("", "")
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")


class Atoms:
    """Numbers what stands in cells, from 0. `formats` gives what a cell's style shows, by its number."""

    def __init__(
        self, shared: Sequence[str], formats: Mapping[str, tuple[Moment, str]], *, is_1904: bool
    ) -> None:
        self.found: list[Atom] = []
        self._shared = shared
        self._formats = formats
        self._is_1904 = is_1904
        self._numbers: dict[object, int] = {}

    def number(self, kind: str, style: str, text: str) -> int:
        """The number of what a cell of this type and style says in its `v`; ValueError for nonsense."""
        key = text if kind == "s" else (kind, style, text)
        found = self._numbers.get(key)
        return self._add(key, self._atom(kind, style, text)) if found is None else found

    def text(self, text: str) -> int:
        """The number of a text that stands in the cell itself."""
        found = self._numbers.get(("inline", text))
        return self._add(("inline", text), ["text", unescaped(text)]) if found is None else found

    def formula(self, formula: str, value: str) -> int:
        """The number of a formula, with or without the value that was calculated last."""
        found = self._numbers.get(("=", formula, value))
        atom: Atom = ["formula", "=" + unescaped(formula), "", unescaped(value)]
        return self._add(("=", formula, value), atom) if found is None else found

    def _add(self, key: object, atom: Atom) -> int:
        self._numbers[key] = number = len(self.found)
        self.found.append(atom)
        return number

    def _atom(self, kind: str, style: str, text: str) -> Atom:
        if kind == "s":
            at = int(text)
            return ["text", self._shared[at if at >= 0 else len(self._shared)]]
        if kind == "n":
            return self._of_number(_cast(text), *self._formats.get(style, GENERAL))
        if kind == "b":
            return ["bool", bool(int(text))]
        if kind == "e":
            return ["error", text]
        if kind == "d":
            return _of_moment(from_iso(text))
        return ["text", unescaped(text)]

    def _of_number(self, value: int | float, moment: Moment, code: str) -> Atom:
        if not moment:
            return ["number", value, code] if code else ["number", value]
        try:
            return _of_moment(
                span_of(value) if moment == "span" else from_serial(value, is_1904=self._is_1904)
            )
        except (OverflowError, ValueError):
            return ["error", "#VALUE!"]


def _cast(text: str) -> int | float:
    value = float(text) if "." in text or "e" in text or "E" in text else int(text)
    if not math.isfinite(value):
        raise ValueError("not a number that a cell can hold")
    return value


def _of_moment(moment: object) -> Atom:
    kind = type(moment).__name__
    return [kind, moment.total_seconds() if hasattr(moment, "total_seconds") else str(moment)]


def unescaped(text: str) -> str:
    """The text with its `_x000D_` as the characters they stand for; halves of a pair are joined."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
