"""Versions of the tables: how each stands, and whether a new one may go live by itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from allocator.domain.notices import lasted, minute
from rules.model import RoutingTables
from rules.workbook.diff import Change, Difference

CODE_LENGTH = 8
"""Characters of a version's sha256 that are shown, and that its code has."""
SHORTEST = 4
KEPT = 100
"""Newest versions whose content is kept although they were superseded."""
_HEX = re.compile(r"[0-9a-f]+")


class Standing(StrEnum):
    """How a version stands. The newest accepted one runs."""

    ACCEPTED = "accepted"
    NEXT = "next"
    """Good, and accepted by the next run."""
    WAITING = "waiting"
    """Good, and not used before somebody accepts it."""
    SUPERSEDED = "superseded"
    """A newer save took its place before it ran."""


class How(StrEnum):
    """What made a version live, or will."""

    FILE = "file"
    CODE = "code"
    COMMAND = "command"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows differ from the version before."""

    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class Moves:
    """How many past leads it was tried on, and how many of them it would move (`Impact.weight`)."""

    leads: int
    moved: int


def code_of(sha256: str) -> str:
    return sha256[:CODE_LENGTH]


def rows_of(difference: Difference) -> Rows:
    """A row counts once, however many of its cells differ."""
    changed = {(change.sheet, change.id) for change in difference.changed}
    return Rows(len(difference.added), len(changed), len(difference.removed))


def threshold_of(tables: RoutingTables) -> Decimal | None:
    """The share of past leads that a new version may move, from 0 to 1; None: any."""
    text = tables.settings.get("publish threshold", "")
    return Decimal(text.removesuffix("%").strip()) / 100 if text else None


def impact_days(tables: RoutingTables) -> int:
    return int(tables.settings.get("impact days") or 14)


def must_wait(moves: Moves | None, threshold: Decimal | None) -> bool:
    """Whether somebody has to accept it: it moves more than the share, and there was something to move."""
    if moves is None or threshold is None or not moves.leads:
        return False
    return moves.moved > threshold * moves.leads


def besides_the_code(difference: Difference) -> tuple[Change, ...]:
    """What differs beside the setting Accept version."""
    every = (*difference.added, *difference.removed, *difference.changed)
    return tuple(c for c in every if (c.sheet, c.id) != ("Settings", "accept version"))


def named(changes: Sequence[Change], most: int = 5) -> str:
    """Their names for a sentence; persons go by Person ID, companies by their sheet."""
    hidden = [c.sheet == "Owner overrides" or (c.private and c.sheet == "Values") for c in changes]
    names = list(dict.fromkeys(c.sheet if h else c.id for h, c in zip(hidden, changes, strict=True)))
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def is_prefix(text: str) -> bool:
    """Whether this may begin a version's sha256."""
    return SHORTEST <= len(text) <= 64 and bool(_HEX.fullmatch(text))


def matching(prefix: str, versions: Iterable[str]) -> tuple[str, ...]:
    """The different versions that begin so, in their order."""
    return tuple(dict.fromkeys(sha for sha in versions if sha.startswith(prefix)))


def said(sha256: str, accepted_at: datetime, now: datetime) -> str:
    """A version that runs, for a note: `4ecd9a21 of 2026-11-21 23:38 UTC, 3 d 2 h old`."""
    return f"{code_of(sha256)} of {minute(accepted_at)}, {lasted(now - accepted_at)} old"
