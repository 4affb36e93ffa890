"""What the sync cannot settle by itself: linked records that it holds, fields that it cannot carry over, and
values that lost a conflict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from allocator.domain.sync.values import ConflictRow, SyncRow
from allocator.ports import Store
from allocator.service import timeline_words as words
from rules.field_rules import Conflict

HELD = "allocator links held"
CONFLICTS = "allocator links conflicts"
PROBLEMS = "allocator links problems"
"""The commands that show all of them."""
NAMED = 3


def held_rows(store: Store) -> list[SyncRow]:
    """Every linked record that is held now, the newest hold first."""
    return newest(row for row in store.syncs() if row.plan == "held")


def newest(rows: Iterable[SyncRow]) -> list[SyncRow]:
    """By the date since which they are as they are."""
    return sorted(sorted(rows, key=lambda row: row.key), key=lambda row: row.since, reverse=True)


def held_object(row: SyncRow) -> dict[str, Any]:
    """A held record with what its reason means and what to do."""
    meaning, fix = words.plan_reason(row.reason)
    return {
        "record": str(row.key), "reason": row.reason, "meaning": meaning or None, "fix": fix or None,
        "detail": row.detail, "since": row.since.isoformat(), "at": row.at.isoformat(),
    }  # fmt: skip


def problem_rows(store: Store) -> list[SyncRow]:
    """Every linked record that has a field which is not carried over, the last one looked at first."""
    found = sorted((row for row in store.syncs() if row.problems), key=lambda row: row.key)
    return sorted(found, key=lambda row: row.at, reverse=True)


def problem_objects(row: SyncRow) -> list[dict[str, Any]]:
    """The fields of a record that are not carried over: whose value it is, what happened, what to do."""
    return [
        {
            "record": str(row.key), "field": one.field, "rule": one.rule, "code": one.code,
            "from": words.named(one.side, row.key.source), "value": one.value, "message": one.message,
            "fix": one.fix, "at": row.at.isoformat(),
        }
        for one in row.problems
    ]  # fmt: skip


def conflict_object(row: ConflictRow) -> dict[str, Any]:
    """A conflict with both values, the losing one in full."""
    one, source = row.conflict, row.key.source
    return {
        "record": str(row.key), "field": one.field, "rule": one.rule, "kept": words.value(one.kept),
        "lost": words.value(one.lost), "winner": words.named(one.winner, source), "reason": one.reason,
        "why": words.lost_because(one, source), "at": row.at.isoformat(), "run": row.run,
    }  # fmt: skip


def held_note(rows: Sequence[SyncRow]) -> str:
    """A line for a run's notes: how many are held, and the newest of them."""
    said = [f"{row.key} ({row.reason})" for row in rows]
    return f"{_count(len(rows), 'linked record is', 'linked records are')} held: {_some(said)}: {HELD}"


def conflict_note(lost: Sequence[Conflict], count: int) -> str:
    """The same of conflicts. It names fields and no values: a note goes to logs and mails."""
    said = list(dict.fromkeys(f"{one.record} {one.field}" for one in lost))
    more = count - min(len(said), NAMED)
    return (
        f"{_count(count, 'conflict', 'conflicts')}, one value lost in each: {_some(said, more)}: {CONFLICTS}"
    )


def problem_note(count: int) -> str:
    """The same of fields that are not carried over; `count` records have some."""
    return f"{_count(count, 'record has', 'records have')} fields that are not carried over: {PROBLEMS}"


def _some(names: Sequence[str], more: int | None = None) -> str:
    left = len(names) - NAMED if more is None else more
    return ", ".join(names[:NAMED]) + (f" and {left} more" if left > 0 else "")


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
