"""Finds the elements of an XML part by their bytes, so that an edit leaves the rest of the part as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

_START_TAG: Final = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
_END_TAG: Final = re.compile(rb"</[^>]*>")
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPE_LIKE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True)
class Element:
    """Where an element stands: its start tag from `start`, what it holds from `inside` to `close`.

    One without content (`<a/>`) has `inside`, `close` and `end` at one place.
    """

    path: str
    prefix: str
    attributes: Mapping[str, str]
    start: int
    inside: int
    close: int
    end: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def empty(self) -> bool:
        return self.inside == self.end


def elements(part: bytes, *paths: str) -> list[Element]:
    """The elements at these paths, such as "worksheet/cols/col" or "worksheet/*", in their sequence.

    Prefixes of namespaces do not count. ValueError when the part is no XML.
    """
    finder = _Finder(part, paths)
    try:
        finder.run()
    except expat.ExpatError as error:
        raise ValueError(f"not well-formed: {error}") from None
    return [element for element in finder.found if element is not None]


class _Finder:
    def __init__(self, part: bytes, paths: tuple[str, ...]) -> None:
        self._part, self._paths = part, frozenset(paths)
        self._walk: list[tuple[str, int]] = []
        self._parser = expat.ParserCreate()
        self.found: list[Element | None] = []

    def run(self) -> None:
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish
        self._parser.Parse(self._part, True)

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        above = self._walk[-1][0] if self._walk else ""
        prefix, _, name = tag.rpartition(":")
        path = f"{above}/{name}" if above else name
        if path not in self._paths and f"{above}/*" not in self._paths:
            self._walk.append((path, -1))
            return
        start = self._parser.CurrentByteIndex
        tag_found = _START_TAG.match(self._part, start)
        if tag_found is None:
            raise ValueError("a tag does not stand where the parser says")
        inside = tag_found.end()
        self._walk.append((path, len(self.found)))
        prefix = f"{prefix}:" if prefix else ""
        self.found.append(Element(path, prefix, attributes, start, inside, inside, inside))

    def _finish(self, tag: str) -> None:
        _, number = self._walk.pop()
        opened = self.found[number] if number >= 0 else None
        if opened is None or self._part[opened.inside - 2 : opened.inside] == b"/>":
            return
        close = self._parser.CurrentByteIndex
        end = _END_TAG.match(self._part, close)
        self.found[number] = Element(
            opened.path,
            opened.prefix,
            opened.attributes,
            opened.start,
            opened.inside,
            close,
            end.end() if end else close,
        )


class Patch:
    """Edits of one part, by the places that its elements had before any of them."""

    def __init__(self, part: bytes) -> None:
        self.part = part
        self._edits: list[tuple[int, int, bytes]] = []

    def replace(self, start: int, end: int, text: bytes) -> None:
        self._edits.append((start, end, text))

    def insert(self, at: int, text: bytes) -> None:
        self.replace(at, at, text)

    def append(self, element: Element, text: bytes) -> None:
        """Put `text` behind what the element holds; at most once for one that holds nothing."""
        if not element.empty:
            self.insert(element.close, text)
            return
        tag = self.part[element.start : element.inside - 2].rstrip() + b">"
        name = (element.prefix + element.name).encode()
        self.replace(element.start, element.end, tag + text + b"</" + name + b">")

    def result(self) -> bytes:
        pieces, done = [], 0
        for start, end, text in sorted(self._edits, key=lambda edit: edit[:2]):
            pieces += [self.part[done:start], text]
            done = end
        return b"".join([*pieces, self.part[done:]])


def with_attribute(tag: bytes, name: str, value: str) -> bytes:
    """A start tag with one attribute set."""
    written = f"{name}={quoteattr(value)}".encode()
    changed, count = re.subn(
        rb"(?<=\s)" + name.encode() + rb"""\s*=\s*("[^"]*"|'[^']*')""", lambda m: written, tag, count=1
    )
    if count:
        return changed
    end = len(tag) - (2 if tag.endswith(b"/>") else 1)
    return tag[:end].rstrip() + b" " + written + tag[end:]


def text_of(words: str) -> str:
    """A text as XML; what XML or a spreadsheet's reader would read as something else is written so."""
    plain = _UNWRITABLE.sub("\ufffd", words)
    return escape(_ESCAPE_LIKE.sub("_x005F_", plain))
