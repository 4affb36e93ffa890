"""Carries what a look decided to both systems, and believes only what is read back.

The CRM first: each write on the stamp of the read that it was decided by, then read back. A record that
changed meanwhile, or turns out to be converted, is decided anew before anything is written on our side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from allocator.domain.lead import LeadKey, WriteAnswer, WriteResult
from allocator.domain.records import Lease
from allocator.domain.sync.base import of_side, shows
from allocator.domain.sync.look import Case, plan_of, rejected, theirs_of
from allocator.domain.sync.mapping import FieldMap
from allocator.domain.sync.route import Place, Route
from allocator.domain.sync.values import (
    CrmRecord,
    CrmWrite,
    Made,
    SourceAnswer,
    SourceWrite,
    SyncEnd,
    SyncState,
    SyncWrite,
)
from allocator.errors import SourceError
from allocator.ports import Store
from allocator.service.courier import stopped_by
from allocator.service.sync.fresh import Fresh
from allocator.service.sync.singly import Answer, Send, end_of, one_by_one
from rules.field_rules import Agreed, FieldProblem, FieldRule, Seen
from rules.fields import not_taken, read_back

AT_ONCE = 100
"""Writes sent under one look at the lease."""

_DECIDE_AGAIN = (WriteResult.CHANGED, WriteResult.CONVERTED, WriteResult.GONE, WriteResult.LOCKED)
_REFUSED = (WriteResult.REJECTED, WriteResult.REFUSED_OWNER)


@dataclass(slots=True)
class Carried:
    """What became of the writes of a batch.

    `again`: decide these records anew, True where one was converted under our hands; `dropped` are their
    writes that did not, or may not, count. `trouble`: the rest stays in the outbox.
    """

    again: dict[LeadKey, bool] = field(default_factory=dict)
    dropped: list[SyncWrite] = field(default_factory=list)
    done: list[SyncWrite] = field(default_factory=list)
    refused: list[SyncWrite] = field(default_factory=list)
    """Writes of several fields that were refused as a whole: sent once more, field by field."""
    trouble: SourceError | None = None


class Carrier:
    """Sends the writes of one batch, first to the CRM, then to the marketing system."""

    def __init__(
        self,
        fresh: Fresh,
        store: Store,
        lease: Lease,
        mapping: FieldMap,
        now: Callable[[], datetime],
    ) -> None:
        self._fresh, self._store, self._lease, self._mapping, self._now = fresh, store, lease, mapping, now
        self._crm, self._source = fresh.crm, fresh.source

    def carry(
        self,
        writes: Sequence[SyncWrite],
        decided: Mapping[LeadKey, tuple[Case, Route]],
    ) -> Carried:
        """All of them, each settled, left in the outbox, or its record named to be decided anew."""
        self._decided, self._done = decided, Carried()
        self._stored: dict[int, dict[str, Any]] = {}
        self._all_to_crm([x for x in writes if x.side == "theirs"])
        self._singly(self._single_to_crm)
        ours = [x for x in writes if x.side == "ours" and x.key not in self._done.again]
        for start in range(0, len(ours), AT_ONCE):
            if self._done.trouble is None:
                self._to_source(ours[start : start + AT_ONCE])
        self._singly(self._single_to_source)
        return self._done

    # --- field by field

    def _singly(self, send: Send) -> None:
        """What was refused as a whole, as far as its record is not to be decided anew."""
        refused, self._done.refused = self._done.refused, []
        left = [x for x in refused if x.key not in self._done.again]
        if not left or self._done.trouble is not None:
            return
        parts = one_by_one(left, send)
        theirs = {x.write.key for x in parts if x.write.side == "theirs" and x.of(WriteResult.WRITTEN)}
        shown = self._ends_of(theirs)
        places = {x.write.key: self._decided[x.write.key][1].end for x in parts}
        ends = [end_of(x, shown, (places[x.write.key].object, places[x.write.key].id)) for x in parts]
        self._settle(self._as_stored(x.write, end) for x, end in zip(parts, ends, strict=True))
        self._done.done += [x.write for x in parts if x.of(WriteResult.WRITTEN)]

    def _ends_of(self, keys: Iterable[LeadKey]) -> Mapping[Place, CrmRecord]:
        """The records that these write to, read now."""
        ends = [self._decided[key][1].end for key in keys]
        return self._fresh.records([(end.object, end.id) for end in ends])

    def _single_to_crm(self, writes: Sequence[SyncWrite]) -> Sequence[Answer]:
        """One field each, if it still shows what it was decided by; on the stamp of a read made for that."""
        shown = self._ends_of({x.key for x in writes})
        ready = [x for x in writes if (now := self._now_of(x, shown)) and self._is_as_before(x, now)]
        self._store.attempt_sync(self._lease, [x.id for x in ready])
        sent = [self._crm_write(x, self._now_of(x, shown)) for x in ready]
        answers = self._crm.write(sent) if sent else ()
        told = {x.id: (a.result, a.detail, None) for x, a in zip(ready, answers, strict=True)}
        return [told.get(x.id, (WriteResult.CHANGED, "", None)) for x in writes]

    def _now_of(self, write: SyncWrite, shown: Mapping[Place, CrmRecord]) -> CrmRecord:
        end = self._decided[write.key][1].end
        return shown[end.object, end.id]

    def _is_as_before(self, write: SyncWrite, now: CrmRecord) -> bool:
        if _is_dead(now):
            return False
        (one,) = write.writes
        return shows(
            self._seen(write.key, now),
            replace(one, value=one.before),
            self._rules(write.key)[one.rule],
            "theirs",
        )

    def _single_to_source(self, writes: Sequence[SyncWrite]) -> Sequence[Answer]:
        self._fresh.asking = self._source.name
        self._store.attempt_sync(self._lease, [x.id for x in writes])
        answers = self._write_to_source(writes)
        return [(answer.result, answer.detail, answer.stamp) for answer in answers]

    # --- the CRM

    def _all_to_crm(self, writes: Sequence[SyncWrite]) -> None:
        """A hundred at a time, then read back together."""
        told: list[tuple[SyncWrite, WriteAnswer]] = []
        at: dict[int, datetime] = {}
        for start in range(0, len(writes), AT_ONCE):
            if self._done.trouble is None:
                some = self._to_crm(writes[start : start + AT_ONCE])
                told += some
                at |= dict.fromkeys((write.id for write, _ in some), self._crm.now())
        if told:
            self._read_back(told, at)

    def _to_crm(self, writes: Sequence[SyncWrite]) -> list[tuple[SyncWrite, WriteAnswer]]:
        """Send these. Returns what may have been written."""
        self._fresh.asking = self._crm.name
        self._store.attempt_sync(self._lease, [x.id for x in writes])
        answers = self._crm.write([self._crm_write(x, self._decided[x.key][1].end) for x in writes])
        told = list(zip(writes, answers, strict=True))
        ends = [end for write, answer in told if (end := self._answered(write, answer)) is not None]
        self._settle(ends)
        back = [(w, a) for w, a in told if a.result in (WriteResult.WRITTEN, WriteResult.UNKNOWN)]
        if any(answer.result is WriteResult.UNSENT for answer in answers):
            self._done.trouble = stopped_by(answers)
        return back

    def _crm_write(self, write: SyncWrite, end: CrmRecord) -> CrmWrite:
        is_account = write.object == "Account"
        stamp = end.account_stamp if is_account else end.stamp
        assert stamp is not None, "what can be written was read with its stamp"
        plan = plan_of(self._decided[write.key][1])
        fields = {self._mapping.target(x.rule, plan)[1]: x.value for x in write.writes}
        return CrmWrite(write.object, write.object_id, fields, stamp)

    def _answered(self, write: SyncWrite, answer: WriteAnswer | SourceAnswer) -> SyncEnd | None:
        """What the answer alone settles: the system surely did not write."""
        if answer.result in _DECIDE_AGAIN:
            was = self._done.again.get(write.key, False)
            self._done.again[write.key] = was or answer.result is WriteResult.CONVERTED
            self._done.dropped.append(replace(write, attempts=0))
            return SyncEnd(write.id, write.key, SyncState.DROPPED, answer.detail, again=True)
        if answer.result in _REFUSED and len(write.writes) > 1:
            self._done.refused.append(write)
            return None
        if answer.result in _REFUSED:
            problems = rejected(write, answer.detail)
            return SyncEnd(write.id, write.key, SyncState.REFUSED, answer.detail, problems=problems)
        return None

    def _read_back(self, told: Sequence[tuple[SyncWrite, WriteAnswer]], at: Mapping[int, datetime]) -> None:
        """`at`: the CRM's clock when each write was answered."""
        ends = {write.key: self._decided[write.key][1].end for write, _ in told}
        shown = self._ends_of(ends)
        groups: dict[LeadKey, list[tuple[SyncWrite, WriteAnswer]]] = {}
        for write, answer in told:
            groups.setdefault(write.key, []).append((write, answer))
        self._settle(
            end
            for key, group in groups.items()
            for end in self._shown(
                group, ends[key], shown[ends[key].object, ends[key].id], min(at[w.id] for w, _ in group)
            )
        )

    def _shown(
        self, group: Sequence[tuple[SyncWrite, WriteAnswer]], before: CrmRecord, now: CrmRecord, at: datetime
    ) -> Iterable[SyncEnd]:
        """What a read after the writes says of them."""
        if _is_dead(now):
            key = group[0][0].key
            self._done.again[key] = self._done.again.get(key, False) or now.converted is True
            for write, _ in group:
                self._done.dropped.append(replace(write, attempts=1))
                yield SyncEnd(write.id, key, SyncState.DROPPED, "converted meanwhile", again=True)
            return
        names = {x.field for write, _ in group for x in write.writes}
        is_alone = _nobody_since(now, at) and _rest(before, names) == _rest(now, names)
        seen = self._seen(group[0][0].key, now)
        for write, answer in group:
            yield self._believed(write, answer.result, seen, now, is_alone=is_alone)

    def _believed(
        self, write: SyncWrite, result: WriteResult, seen: Seen, now: CrmRecord, *, is_alone: bool
    ) -> SyncEnd:
        rules = self._rules(write.key)
        is_there = all(shows(seen, x, rules[x.rule], "theirs") for x in write.writes)
        if result is WriteResult.UNKNOWN and not is_there:
            return SyncEnd(write.id, write.key, SyncState.PENDING, "no answer", again=True)
        agreed = dict(write.agreed)
        if is_alone:
            agreed = {x.rule: _kept(rules[x.rule], agreed[x.rule], seen) for x in write.writes}
        self._done.done.append(write)
        stamp = now.moved if is_alone else None
        again = None if is_alone else True
        return SyncEnd(
            write.id, write.key, SyncState.DONE, agreed=agreed, their_stamp=stamp, again=again,
            problems=_not_taken(write, rules, agreed),
        )  # fmt: skip

    # --- the marketing system

    def _to_source(self, writes: Sequence[SyncWrite]) -> None:
        self._fresh.asking = self._source.name
        self._store.attempt_sync(self._lease, [x.id for x in writes])
        answers = self._write_to_source(writes)
        told = list(zip(writes, answers, strict=True))
        ends = [end for write, answer in told if (end := self._answered(write, answer)) is not None]
        for write, answer in told:
            if answer.result is WriteResult.WRITTEN:
                self._done.done.append(write)
                end = SyncEnd(
                    write.id, write.key, SyncState.DONE, agreed=write.agreed, our_stamp=answer.stamp
                )
                ends.append(self._as_stored(write, end))
        self._settle(ends)
        if any(answer.result is WriteResult.UNSENT for answer in answers):
            self._done.trouble = stopped_by_source(self._source.name, answers)
        self._look_for([w for w, a in told if a.result is WriteResult.UNKNOWN])

    def _write_to_source(self, writes: Sequence[SyncWrite]) -> Sequence[SourceAnswer]:
        answers = self._source.write([_source_write(x) for x in writes])
        for write, answer in zip(writes, answers, strict=True):
            self._stored.setdefault(write.id, {}).update(answer.values)
        return answers

    def _as_stored(self, write: SyncWrite, end: SyncEnd) -> SyncEnd:
        """What is agreed on once our side's answer has told what it made of the values."""
        stored, rules = self._stored.get(write.id, {}), self._rules(write.key)
        told = [x for x in write.writes if x.field in stored and x.rule in end.agreed]
        read = {x.rule: read_back(rules[x.rule], end.agreed[x.rule], "ours", stored[x.field]) for x in told}
        problems = (*end.problems, *_not_taken(write, rules, read))
        return replace(end, agreed={**end.agreed, **read}, problems=problems)

    def _look_for(self, writes: Sequence[SyncWrite]) -> None:
        """Writes without an answer: one that shows was done, any other is kept and looked at again."""
        if not writes:
            return
        read = self._fresh.ours([x.key for x in writes])
        ends = []
        for write in writes:
            rules = self._rules(write.key)
            seen = self._mapping.ours_seen(read[write.key], ahead=self._fresh.ours_ahead)
            if all(shows(seen, x, rules[x.rule], "ours") for x in write.writes):
                self._done.done.append(write)
                ends.append(SyncEnd(write.id, write.key, SyncState.DONE, agreed=write.agreed, again=True))
            else:
                ends.append(SyncEnd(write.id, write.key, SyncState.PENDING, "no answer", again=True))
        self._settle(ends)

    # --- both

    def _seen(self, key: LeadKey, now: CrmRecord) -> Seen:
        """The CRM's side as it is now, instead of as it was decided by."""
        case, route = self._decided[key]
        route = replace(route, trail=(*route.trail[:-1], now))
        return theirs_of(self._mapping, plan_of(route), route, case, {}, ahead=self._fresh.theirs_ahead)

    def _rules(self, key: LeadKey) -> dict[str, FieldRule]:
        return {rule.name: rule for rule in self._mapping.rules_for(plan_of(self._decided[key][1]))}

    def _settle(self, ends: Iterable[SyncEnd]) -> None:
        found = tuple(ends)
        if found:
            self._store.settle_sync(self._lease, found, at=self._now())


def stopped_by_source(name: str, answers: Iterable[SourceAnswer | Made]) -> SourceError:
    """Why the rest was not sent, as the last answer told."""
    codes = sorted({x.detail for x in answers if x.result is WriteResult.UNSENT and x.detail})
    told = f" ({', '.join(codes)})" if codes else ""
    return SourceError(f"{name} takes no more writes for now{told}. The next run carries on.")


def _source_write(write: SyncWrite) -> SourceWrite:
    return SourceWrite(write.object_id, {x.field: x.value for x in write.writes})


def _is_dead(now: CrmRecord) -> bool:
    """Whether a write may have gone to a record that counts no more."""
    return not now.known or bool(now.deleted) or (now.object == "Lead" and now.converted is not False)


def _nobody_since(now: CrmRecord, at: datetime) -> bool:
    """Whether the last change was made by the time that our write was answered."""
    stamps = [x for x in (now.stamp, now.account_stamp) if x is not None]
    return now.stamp is not None and all(stamp <= at for stamp in stamps)


def _rest(record: CrmRecord, names: Iterable[str]) -> dict[str, object]:
    """What it shows beside these fields."""
    return {name: value for name, value in record.values.items() if name not in set(names)}


def _not_taken(
    write: SyncWrite, rules: Mapping[str, FieldRule], agreed: Mapping[str, Agreed]
) -> tuple[FieldProblem, ...]:
    found = (
        not_taken(str(write.key), rules[x.rule], agreed[x.rule]) for x in write.writes if x.rule in agreed
    )
    return tuple(problem for problem in found if problem is not None)


def _kept(rule: FieldRule, agreed: Agreed, seen: Seen) -> Agreed:
    """What is agreed once the CRM shows what it made of the value."""
    name, _ = of_side(rule, "theirs")
    return read_back(rule, agreed, "theirs", seen.values[name]) if name in seen.values else agreed
