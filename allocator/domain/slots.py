"""Slots: which UTC hours still need a run, and which were missed. Pure: rows and the time in, a step out.

A slot is the UTC hour a run answers for, as 2026-11-02T09:00Z; it is due at the configured minute of that
hour. The scheduler's own memory is never asked: whoever looks decides from the store's rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HOUR = timedelta(hours=1)
NO_SLOT = ""
"""The slot of what takes the lease and answers for no hour: an undo."""
PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))
"""After a first, second and third run that failed on something that may pass; then the slot has failed."""
WRONG_CLOCK = timedelta(days=1)
"""Rows of hours further ahead than this were made while a clock was wrong; they hold up no run."""
KILLS = 5
"""Runs of one slot that may end without a word; with the next one it has failed."""


class SlotState(StrEnum):
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped_overrun"
    CAUGHT_UP = "caught_up"


@dataclass(frozen=True, slots=True)
class Try:
    """One run of a slot that ended without doing it. `again`: what it failed on may pass within the hour.

    `silent`: it ended without a word, killed or fenced.
    """

    finished: datetime
    again: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class SlotRow:
    slot: str
    state: SlotState
    tries: tuple[Try, ...] = ()
    """Oldest first; only of slots that are open."""


@dataclass(frozen=True, slots=True)
class Active:
    """The run that holds the lease now."""

    run: int
    slot: str


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: rows to make or to close first, then the slot to run for, if any.

    When that run is done, `open` slots older than its own are caught up.
    """

    add: tuple[str, ...] = ()
    """Open rows to make: slots that nobody looked at when they were due."""
    close: Mapping[str, SlotState] | None = None
    start: str | None = None


def slot_of(now: datetime, *, minute: int = 0) -> str:
    """The hour that a run at `now` answers for: before its minute it is still the hour before."""
    return f"{(now.astimezone(UTC) - timedelta(minutes=minute)):%Y-%m-%dT%H:00Z}"


def start_of(slot: str) -> datetime:
    return datetime.fromisoformat(slot)


def due_at(slot: str, *, minute: int = 0) -> datetime:
    return start_of(slot) + timedelta(minutes=minute)


def next_due(now: datetime, *, minute: int = 0) -> datetime:
    """When the next slot after the current one is due."""
    return due_at(slot_of(now, minute=minute), minute=minute) + HOUR


def step(now: datetime, rows: Sequence[SlotRow], active: Active | None, *, minute: int = 0) -> Step:
    """What the hour needs. `rows` hold at least the newest slot and every open one, in any order.

    At most one slot is started, the current one: an outage is made up for by one run. A slot that comes due
    while a run of an earlier one still works is skipped. A clock that was set back finds its slot done, or
    waits for its time to come again; after an error of days it goes by the hour that it is now.
    """
    current = slot_of(now, minute=minute)
    known = {row.slot: row for row in rows if row.slot <= slot_of(now + WRONG_CLOCK, minute=minute)}
    newest = max(known, default="")
    add = tuple(_between(newest, current)) if newest else ()
    row = known.get(current)
    if newest > current or (row is not None and row.state is not SlotState.OPEN):
        return Step(add)
    if active is not None:
        skip = NO_SLOT < active.slot < current
        return Step(add, {current: SlotState.SKIPPED} if skip else None)
    if row is not None and row.tries:
        if _is_hopeless(row.tries):
            return Step(add, {current: SlotState.FAILED})
        if now < _next_try(row.tries):
            return Step(add)
    return Step(add, start=current)


def catches_up(slot: str, rows: Iterable[SlotRow]) -> Mapping[str, SlotState]:
    """What becomes of earlier open slots when `slot` is done: failed if they were tried, else caught up."""
    return {
        row.slot: SlotState.FAILED if row.tries else SlotState.CAUGHT_UP
        for row in rows
        if row.slot < slot and row.state is SlotState.OPEN
    }


def _between(newest: str, current: str) -> Iterable[str]:
    at = start_of(newest) + HOUR
    while (slot := f"{at:%Y-%m-%dT%H:00Z}") < current:
        yield slot
        at += HOUR


def _is_hopeless(tries: Sequence[Try]) -> bool:
    failed = [one for one in tries if not one.silent]
    final = any(not one.again for one in failed)
    return final or len(failed) > len(PAUSES) or len(tries) - len(failed) >= KILLS


def _next_try(tries: Sequence[Try]) -> datetime:
    """A run that was killed is resumed at once; one that failed waits."""
    failed = [one for one in tries if not one.silent]
    if not failed or tries[-1].silent:
        return tries[-1].finished
    return failed[-1].finished + PAUSES[len(failed) - 1]
