"""Taking back: the allocator puts a lead back to the intake owner it came from (rejected, or undone)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from allocator.domain.lead import LeadKey, LeadStatus, State, WriteResult
from allocator.domain.records import LeadRow
from allocator.errors import AllocatorError

OUT_OF_INTAKE = frozenset({State.CONFIRMED, State.TAKEN, State.CLOSED})
"""A lead in one of these states that is in intake again was returned by somebody."""

NOT_BY_OWNER = (
    "it came from a marketing system, and no intake of the CRM would take it: change its owner there"
)


class Ended(StrEnum):
    """Why a decision that was carried out holds no more."""

    RETURNED = "returned"  # found in intake again: somebody put it there
    REJECTED = "rejected"  # who got it said no, and the allocator took it back
    UNDONE = "undone"  # its run was undone


class Asked(StrEnum):
    """Where a take-back stands."""

    PENDING = "pending"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The intent to take one decision's lead back, kept until it is done or cannot be any more (`detail`).

    `why` is rejected or undone. `of_run`: the run whose undo asked for it. `attempts` > 0: the write may have
    happened.
    """

    key: LeadKey
    epoch: int
    why: Ended
    asked: datetime
    reason: str = ""
    by: str = ""
    of_run: int | None = None
    state: Asked = Asked.PENDING
    attempts: int = 0
    done: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BackEnd:
    """What became of a take-back. `done`: the lead is in intake again; `refund`: its turns are given back."""

    key: LeadKey
    epoch: int
    done: bool
    detail: str = ""
    refund: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A lead that a run gave to somebody. `turns`: how many of its turns stand (a queue takes none)."""

    key: LeadKey
    epoch: int
    team: str | None
    lane: str
    person: str | None
    owner: str
    ended: Ended | None
    turns: int


class Step(StrEnum):
    """What a look at the CRM says is to be done."""

    WRITE = "write"
    DONE = "done"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Verdict:
    step: Step
    why: str = ""


_WRITE, _DONE = Verdict(Step.WRITE), Verdict(Step.DONE)


def cannot(row: LeadRow | None, epoch: int) -> str:
    """Why this decision's lead is not ours to take back, from the store alone; empty when it is."""
    if row is None or row.epoch < epoch:
        return "it is not known here"
    if row.epoch > epoch:
        return f"it was decided again since, in run {row.run}"
    if not row.live:
        return "it was decided in observe mode: nothing was written"
    if row.state in (State.DECIDED, State.CONFIRMED) and row.owner:
        return ""
    if row.state is State.WAITING:
        return "it waits in intake already"
    said = {State.TAKEN: "somebody took it by hand", State.HELD: "it is held: nobody has it"}
    return said.get(row.state, f"it is {row.state}" + (f" ({row.reason})" if row.reason else ""))


def already(before: TakeBack | None) -> str:
    """Why a second intent is not noted beside this one."""
    if before is None or before.state is not Asked.PENDING:
        return ""
    return f"it was {before.why} already, at {before.asked:%Y-%m-%d %H:%M} UTC: the next run takes it back"


def check_returned(row: LeadRow, known: LeadRow | None) -> LeadRow | None:
    """The stored row if it is to wait again; None if it does. Raises AllocatorError when it cannot."""
    if known is None or known.epoch != row.epoch:
        raise AllocatorError(f"lead {row.key} was decided again since it was read: it cannot be returned")
    if known.state is State.WAITING:
        return None
    if known.state not in OUT_OF_INTAKE:
        raise AllocatorError(f"lead {row.key} is {known.state}: it cannot be returned")
    return known


def check_taken_back(key: LeadKey, epoch: int, known: LeadRow | None) -> LeadRow:
    """The stored row of a lead that was put back. Raises AllocatorError when it stands otherwise."""
    if known is None or known.epoch != epoch or known.state not in (State.DECIDED, State.CONFIRMED):
        stands = f"{known.state} at epoch {known.epoch}" if known else "not known"
        raise AllocatorError(f"lead {key} is {stands}: it cannot be taken back for epoch {epoch}")
    return known


def judge(
    take: TakeBack,
    row: LeadRow | None,
    status: LeadStatus,
    intake: Collection[str],
    *,
    sent: bool,
    answer: WriteResult | None,
    name: Callable[[str], str],
) -> Verdict:
    """What is to be done about a take-back after a fresh read.

    `sent`: the lead's own owner write may still arrive. `answer`: what the CRM said to our own write of this
    take-back just now. An undo leaves alone what anybody touched; a rejected lead must still be theirs.
    """
    gone = cannot(row, take.epoch) or _gone(status)
    if gone or row is None:
        return Verdict(Step.DROP, gone)
    if status.owner in intake:
        return _in_intake(take, row, sent=sent, answer=answer)
    if status.owner != row.owner:
        return Verdict(Step.DROP, f"{name(status.owner)} owns it now")
    if take.why is Ended.UNDONE and row.state is State.CONFIRMED:
        touched = _touched(row, status, name)
        return Verdict(Step.DROP, touched) if touched else _WRITE
    return _WRITE


def _gone(status: LeadStatus) -> str:
    if status.deleted or not status.known:
        return "it was deleted" if status.master_id is None else "it was merged into another lead"
    return "it was converted" if status.converted else ""


def _in_intake(take: TakeBack, row: LeadRow, *, sent: bool, answer: WriteResult | None) -> Verdict:
    """Back already: by our own write, by a person's hand, or it never left.

    A write to its owner that may still be on its way is outdated by one of our own, which moves the stamp.
    """
    if row.state is State.DECIDED:
        return _WRITE if sent and answer is not WriteResult.WRITTEN else _DONE
    if take.why is Ended.REJECTED or take.attempts or answer is not None:
        return _DONE
    return Verdict(Step.DROP, "somebody put it back into intake already")


def _touched(row: LeadRow, status: LeadStatus, name: Callable[[str], str]) -> str:
    if row.settled_stamp is None:
        return "it was given by an older program: whether it was touched since is not known"
    if status.stamp is None or status.stamp == row.settled_stamp:
        return ""
    by = f" by {name(status.modified_by)}" if status.modified_by else ""
    return f"touched since{by}, at {status.stamp:%Y-%m-%d %H:%M:%S} UTC"
