"""What a check found as a table for spreadsheets (CSV) and as one page to read, print or send on (HTML)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rules.errors import Problem

COLUMNS = (
    "code", "severity", "sheet", "cell", "row", "column", "rule_id", "value", "message", "fix", "suggestion",
)  # fmt: skip
_GRAVITY = ("error", "warning", "note")
_FORMULA = frozenset("=+-@\t\r\n")
BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Result:
    """A finished check: of which file, when, what it found, and whether the file can go live."""

    name: str
    at: datetime
    problems: Sequence[Problem]
    ok: bool
    sha256: str = ""

    def count(self, severity: str) -> int:
        return sum(p.severity == severity for p in self.problems)


def gravest(problems: Sequence[Problem], most: int) -> list[Problem]:
    """At most so many of the problems, in their order: an error is never left out in favour of a warning, nor
    a warning in favour of a note."""
    by_weight = sorted(range(len(problems)), key=lambda n: (_GRAVITY.index(problems[n].severity), n))
    return [problems[n] for n in sorted(by_weight[:most])]


def as_csv(result: Result) -> str:
    """All problems, a line each. It begins with a byte order mark: without one Excel takes UTF-8 for another
    encoding; no cell is one that a spreadsheet would run as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for problem in result.problems:
        fields = asdict(problem)
        writer.writerow([harmless(fields[column]) for column in COLUMNS])
    return BOM + buffer.getvalue()


def harmless(value: object) -> str:
    """A cell of a CSV file: a text that a spreadsheet might run as a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    first = unicodedata.normalize("NFKC", text.lstrip(" \u00a0\ufeff")[:1])
    return f"'{text}" if text[:1] in _FORMULA or first in _FORMULA else text


def as_page(result: Result, *, most: int) -> str:
    """One page that loads nothing and runs nothing, with at most `most` problems by sheet."""
    shown = gravest(result.problems, most)
    sheets = [(title, list(group)) for title, group in groupby(shown, key=lambda p: p.sheet)]
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _environment().get_template("check.html.j2")
    left = len(result.problems) - len(shown)
    return page.render(result=result, sheets=sheets, left=left, style=Markup(style), digest=digest)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("allocator.entrypoints", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    source, _, _ = _environment().loader.get_source(_environment(), "check.css")  # type: ignore[union-attr]
    return "\n" + source
