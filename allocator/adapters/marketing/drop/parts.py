"""What a file comes down to: rows to take, and rows to give back with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 500


class Unusable(Exception):
    """The whole file cannot be taken; its text is the reason, and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with all its cells. `number`: the line (CSV) or row (XLSX) where it begins, from 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be taken; `number` 0 is the whole file."""

    number: int
    reason: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A file's rows as they were parsed: the first is the header's."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """A file's rows as values by field, the rest rejected."""

    header: tuple[str, ...] = ()
    leads: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """By row number, in their order."""
    rejected: tuple[Rejected, ...] = ()
