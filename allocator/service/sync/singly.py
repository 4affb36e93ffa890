"""The fields of a refused write, sent one by one: a value that a system refuses keeps no other one back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from allocator.domain.lead import WriteResult
from allocator.domain.sync.look import rejected
from allocator.domain.sync.route import Place
from allocator.domain.sync.values import CrmRecord, SyncEnd, SyncState, SyncWrite
from rules.field_rules import Write

Answer = tuple[WriteResult, str, datetime | None]
"""What became of one field: the result, the system's code, the record's new stamp where it was told."""

_REFUSED = (WriteResult.REJECTED, WriteResult.REFUSED_OWNER)


@dataclass(slots=True)
class Parts:
    """A refused write, and what became of each of its fields."""

    write: SyncWrite
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the next field may be sent: everything before was answered by yes or no."""
        return all(result in (WriteResult.WRITTEN, *_REFUSED) for result, _, _ in self.answers.values())

    def of(self, *results: WriteResult) -> list[Write]:
        found = {rule for rule, (result, _, _) in self.answers.items() if result in results}
        return [write for write in self.write.writes if write.rule in found]


Send = Callable[[Sequence[SyncWrite]], Sequence[Answer]]
"""Sends writes of one field each, one answer each."""


def one_by_one(writes: Sequence[SyncWrite], send: Send) -> list[Parts]:
    """Every field of these by itself; a record that gets no clear answer gets no more of them."""
    parts = [Parts(write) for write in writes]
    for turn in range(max((len(write.writes) for write in writes), default=0)):
        some = [one for one in parts if turn < len(one.write.writes) and one.is_open]
        singles = [replace(one.write, writes=(one.write.writes[turn],)) for one in some]
        for one, single, answer in zip(some, singles, send(singles) if singles else (), strict=True):
            one.answers[single.writes[0].rule] = answer
    return parts


def end_of(parts: Parts, shown: Mapping[Place, CrmRecord], at: Place) -> SyncEnd:
    """What was written is agreed on, what was refused is a problem, and the rest is looked at again."""
    write = parts.write
    done = {x.rule: write.agreed[x.rule] for x in parts.of(WriteResult.WRITTEN)}
    codes = [parts.answers[x.rule][1] for x in parts.of(*_REFUSED)]
    problems = tuple(
        problem
        for x, code in zip(parts.of(*_REFUSED), codes, strict=True)
        for problem in rejected(replace(write, writes=(x,)), code)
    )
    if not parts.is_open:
        return SyncEnd(write.id, write.key, SyncState.PENDING, "no answer", agreed=done, again=True)
    stamps = [stamp for _, _, stamp in parts.answers.values() if stamp is not None]
    record = shown.get(at)
    return SyncEnd(
        write.id,
        write.key,
        SyncState.REFUSED if problems else SyncState.DONE,
        next(iter(codes), ""),
        agreed=done,
        our_stamp=max(stamps, default=None),
        their_stamp=record.moved if record is not None else None,
        problems=problems,
    )
