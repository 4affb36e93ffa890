"""A marketing system in memory, for tests and experiments: the port's promises, and nothing is kept.

Its methods that are not the port's are the people who work in it, and what goes wrong on the way to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from allocator.adapters.marketing.wire import as_text
from allocator.domain.lead import LeadKey, WriteResult
from allocator.domain.records import CrmUsage
from allocator.domain.sync.intake import IntakeDoubt
from allocator.domain.sync.values import FieldInfo, LeftOut, Made, SourceAnswer, SourceRecord, SourceWrite
from allocator.errors import QuotaError, SourceError
from rules.field_values import FieldType

PAGE, BATCH = 200, 100
TICK = timedelta(milliseconds=1)
NAMES = (
    "firstname", "lastname", "email", "phone", "company", "jobtitle", "country", "state", "city", "zip",
    "industry", "campaign_code", "product_interest", "hs_language", "lead_source", "lifecyclestage",
    "crm_lead_id", "crm_contact_id", "crm_account_id", "crm_converted", "crm_status", "crm_owner",
    "hubspot_owner_id",
)  # fmt: skip
TEXTS: Mapping[str, FieldInfo] = {name: FieldInfo(FieldType(), any_case=name == "email") for name in NAMES}


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A record as it was at one moment. All values are texts, as in HubSpot."""

    id: str
    created: datetime
    stamp: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, datetime] = field(default_factory=dict)
    intake: bool = True
    archived: bool = False
    merged_into: str | None = None


class Faults:
    """What goes wrong: each is asked for by the method's name (pull, read, write, create, fields)."""

    def __init__(self) -> None:
        self.quota: int | None = None
        """So many more requests; none of them when it is 0, no limit when it is None."""
        self.refusing: dict[str, str] = {}
        """Record id, or e-mail of one to be made -> the code with which a write of it is refused."""
        self._before: dict[str, list[Callable[[], object]]] = {}
        self._after: dict[str, list[Callable[[], object]]] = {}
        self._lost: dict[str, int] = {}

    def before(self, method: str, act: Callable[[], object]) -> None:
        """`act` happens once, before the method's next call does anything. It may raise SourceError."""
        self._before.setdefault(method, []).append(act)

    def after(self, method: str, act: Callable[[], object]) -> None:
        """`act` happens once, after the method's next call has read or written."""
        self._after.setdefault(method, []).append(act)

    def fail(self, method: str, error: SourceError | None = None) -> None:
        """The method's next call finds the system down: nothing is read or written."""

        def down() -> None:
            raise error or SourceError(
                "The marketing system gave no usable answer. The next run tries again."
            )

        self.before(method, down)

    def lose(self, method: str, times: int = 1) -> None:
        """The next request of `write` or `create` is carried out, and its answer is lost."""
        self._lost[method] = self._lost.get(method, 0) + times

    def strike_before(self, method: str) -> None:
        self._strike(self._before, method)

    def strike_after(self, method: str) -> None:
        self._strike(self._after, method)

    def loses(self, method: str) -> bool:
        left = self._lost.get(method, 0)
        self._lost[method] = max(0, left - 1)
        return left > 0

    def _strike(self, acts: dict[str, list[Callable[[], object]]], method: str) -> None:
        waiting = acts.get(method)
        if waiting:
            waiting.pop(0)()


class MemorySource:
    """A marketing system whose clock is `now`. Its search shows things as they were `lag` ago.

    A record is in intake while it is set so and none of the fields `marked` is filled, which is where the
    CRM's ids are written back to. `stores` makes of a field's name and text what is kept of it.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        name: str = "hubspot",
        lag: timedelta = timedelta(),
        overlap: timedelta = timedelta(minutes=15),
        fields: Mapping[str, FieldInfo] = TEXTS,
        marked: Collection[str] = ("crm_lead_id", "crm_contact_id"),
        takes_writes: bool = True,
        field_stamps: bool = True,
        stores: Callable[[str, str], str] = lambda name, text: text,
    ) -> None:
        self.name, self.lag, self.overlap = name, lag, overlap
        self.takes_writes = takes_writes
        self.usage = CrmUsage()
        self.faults = Faults()
        self.doubt: IntakeDoubt | None = None
        """What is wrong with the condition for new leads."""
        self.puts_away = 0
        """How often it was told that what was pulled is taken."""
        self._now, self._fields, self._marked = now, dict(fields), tuple(marked)
        self._field_stamps, self._stores = field_stamps, stores
        self._history: dict[str, list[MemoryRecord]] = {}
        self._owners: dict[str, str] = {}
        self._numbers = count(101)

    # --- the people who work in it ---

    @property
    def ids(self) -> tuple[str, ...]:
        """Of every record that ever was."""
        return tuple(self._history)

    def record(self, id: str) -> MemoryRecord:
        """As it is now."""
        return self._history[id][-1]

    def history(self, id: str) -> Sequence[MemoryRecord]:
        """Every state that it was in, oldest first."""
        return tuple(self._history[id])

    def add(self, *, intake: bool = True, id: str | None = None, **values: object) -> str:
        """A new record; returns its id."""
        new = id or str(next(self._numbers))
        at = self._now()
        texts = self._texts(values)
        self._history[new] = [MemoryRecord(new, at, at, texts, dict.fromkeys(texts, at), intake)]
        return new

    def edit(self, id: str, **values: object) -> None:
        """Somebody sets fields; None empties."""
        self._set(id, self._texts(values))

    def archive(self, id: str) -> None:
        self._change(id, archived=True)

    def restore(self, id: str) -> None:
        self._change(id, archived=False)

    def set_intake(self, id: str, to: bool) -> None:
        self._change(id, intake=to)

    def merge(self, winner: str, loser: str) -> None:
        """The winner keeps its values and gets the loser's for those it lacks; the loser's id leads to it."""
        mine, theirs = self.record(winner).values, self.record(loser).values
        self._set(winner, {k: v for k, v in theirs.items() if v and not mine.get(k)})
        self._change(loser, merged_into=winner)

    def add_owner(self, email: str) -> str:
        self._owners[email.strip().lower()] = owner = str(len(self._owners) + 501)
        return owner

    def _texts(self, values: Mapping[str, object]) -> dict[str, str]:
        for name in values:
            self._fields.setdefault(name, FieldInfo(FieldType()))
        return {name: self._stores(name, as_text(value)) for name, value in values.items()}

    def _set(self, id: str, texts: Mapping[str, str]) -> None:
        old = self.record(id)
        at = self._next_stamp(old)
        changed = [name for name, text in texts.items() if text != old.values.get(name, "")]
        self._change(id, values={**old.values, **texts}, stamps={**old.stamps, **dict.fromkeys(changed, at)})

    def _change(self, id: str, **changes: object) -> None:
        """Every write moves the stamp, whether it changes a value or not."""
        old = self.record(id)
        self._history[id].append(replace(old, stamp=self._next_stamp(old), **changes))  # type: ignore[arg-type]

    def _next_stamp(self, old: MemoryRecord) -> datetime:
        return max(self._now(), old.stamp + TICK)

    # --- the port ---

    def now(self) -> datetime:
        return self._now()

    def fields(self) -> Mapping[str, FieldInfo]:
        with _Call(self, "fields", "describe"):
            return dict(self._fields)

    def owner_ids(self) -> Mapping[str, str]:
        """E-mail address in small letters -> owner id."""
        return dict(self._owners)

    def owner_emails(self) -> Mapping[str, str]:
        """Owner id -> e-mail address in small letters."""
        return {owner: email for email, owner in self._owners.items()}

    def pull(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        self.faults.strike_before("pull")
        seen = [one for id in sorted(self._history, key=_in_order) if (one := self._searched(id))]
        wanted = [one for one in seen if since is None or one.stamp >= since or self._in_intake(one)]
        for start in range(0, max(len(wanted), 1), PAGE):
            self._count("pull")
            yield [self._shown(one) for one in wanted[start : start + PAGE]]
        self.faults.strike_after("pull")

    def read(self, ids: Collection[str], *, stamps: bool = False) -> Mapping[str, SourceRecord]:
        with _Call(self, "read"):
            for _ in range(0, len(ids), BATCH):
                self._count("read")
            return {id: self._read(id, stamps=stamps and self._field_stamps) for id in ids}

    def write(self, writes: Sequence[SourceWrite]) -> Sequence[SourceAnswer]:
        answers: list[SourceAnswer] = []
        for start in range(0, len(writes), BATCH):
            answers += self._write_batch(writes[start : start + BATCH])
        return answers

    def create(self, records: Sequence[Mapping[str, object]]) -> Sequence[Made]:
        answers: list[Made] = []
        for start in range(0, len(records), BATCH):
            answers += self._create_batch(records[start : start + BATCH])
        return answers

    def intake_doubt(self) -> IntakeDoubt | None:
        return self.doubt

    def taken(self) -> None:
        self.puts_away += 1

    def left_out(self) -> Sequence[LeftOut]:
        return ()

    # --- how it does that ---

    def _searched(self, id: str) -> MemoryRecord | None:
        """As the search shows it: as it was a lag ago."""
        states = self._history[id]
        # Changes of one moment have stamps that are a tick apart: without a lag nothing is of the future.
        late = [one for one in states if one.stamp <= self._now() - self.lag] if self.lag else states
        last = late[-1] if late else None
        return None if last is None or last.archived or last.merged_into else last

    def _in_intake(self, one: MemoryRecord) -> bool:
        return one.intake and not any(one.values.get(name) for name in self._marked)

    def _read(self, id: str, *, stamps: bool) -> SourceRecord:
        found = self._history.get(id)
        if not found or (found[-1].archived and not found[-1].merged_into):
            return SourceRecord(LeadKey(self.name, id), self._now(), self._now(), gone=True)
        if found[-1].merged_into:
            at = found[-1].stamp
            return SourceRecord(LeadKey(self.name, id), found[0].created, at, merged_into=self._winner(id))
        return self._shown(found[-1], stamps=stamps)

    def _winner(self, id: str) -> str:
        """The end of the chain of merges."""
        after = self.record(id).merged_into
        return self._winner(after) if after else id

    def _shown(self, one: MemoryRecord, *, stamps: bool = False) -> SourceRecord:
        return SourceRecord(
            LeadKey(self.name, one.id),
            one.created,
            one.stamp,
            {name: one.values.get(name) for name in self._fields},
            in_intake=self._in_intake(one),
            stamps=dict(one.stamps) if stamps else {},
        )

    def _write_batch(self, writes: Sequence[SourceWrite]) -> list[SourceAnswer]:
        try:
            with _Call(self, "write"):
                self._count("write")
                answers = [self._write(write) for write in writes]
        except SourceError:
            return [SourceAnswer(write.id, WriteResult.UNSENT) for write in writes]
        if self.faults.loses("write"):
            return [SourceAnswer(write.id, WriteResult.UNKNOWN) for write in writes]
        return answers

    def _write(self, write: SourceWrite) -> SourceAnswer:
        found = self._history.get(write.id)
        if not found or found[-1].archived or found[-1].merged_into:
            return SourceAnswer(write.id, WriteResult.GONE, "OBJECT_NOT_FOUND")
        code = self.faults.refusing.get(write.id) or self._code(write.fields)
        if code:
            return SourceAnswer(write.id, WriteResult.REJECTED, code)
        stored = self._texts(write.fields)
        self._set(write.id, stored)
        return SourceAnswer(write.id, WriteResult.WRITTEN, stamp=self.record(write.id).stamp, values=stored)

    def _code(self, fields: Mapping[str, object]) -> str:
        """Why these values cannot be written; empty when they can."""
        known = [self._fields.get(name) for name in fields]
        if not all(known):
            return "PROPERTY_DOESNT_EXIST"
        if not all(info.writable for info in known if info):
            return "READ_ONLY_VALUE"
        pairs = [
            (info.type, as_text(value)) for info, value in zip(known, fields.values(), strict=True) if info
        ]
        wrong = [
            text for of, text in pairs if of.restricted and text and not _options(text) <= set(of.options)
        ]
        return "INVALID_OPTION" if wrong else ""

    def _create_batch(self, records: Sequence[Mapping[str, object]]) -> list[Made]:
        try:
            with _Call(self, "create"):
                self._count("create")
                answers = [self._create(values) for values in records]
        except SourceError:
            return [Made(WriteResult.UNSENT) for _ in records]
        if self.faults.loses("create"):
            return [Made(WriteResult.UNKNOWN) for _ in records]
        return answers

    def _create(self, values: Mapping[str, object]) -> Made:
        email = as_text(values.get("email")).strip().lower()
        there = tuple(id for id in self._history if email and self._alive(id) and self._email(id) == email)
        if there:
            return Made(WriteResult.REJECTED, detail="CONFLICT", matches=there)
        code = self.faults.refusing.get(email) or self._code(values)
        if code:
            return Made(WriteResult.REJECTED, detail=code)
        return Made(WriteResult.WRITTEN, self.add(intake=False, id=None, **values))

    def _alive(self, id: str) -> bool:
        return not (self.record(id).archived or self.record(id).merged_into)

    def _email(self, id: str) -> str:
        return self.record(id).values.get("email", "").strip().lower()

    def _count(self, kind: str) -> None:
        left = self.faults.quota
        if left is not None:
            if left <= 0:
                raise QuotaError("The marketing system allows no more requests today. The next run goes on.")
            self.faults.quota = left - 1
        self.usage.requests += 1
        self.usage.by_kind[kind] = self.usage.by_kind.get(kind, 0) + 1


class _Call:
    """One call of a method, with what was to happen before and after it."""

    def __init__(self, source: MemorySource, method: str, kind: str = "") -> None:
        self._source, self._method, self._kind = source, method, kind

    def __enter__(self) -> None:
        self._source.faults.strike_before(self._method)
        if self._kind:
            self._source._count(self._kind)

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            self._source.faults.strike_after(self._method)


def _options(text: str) -> set[str]:
    return {part.strip() for part in text.split(";")}


def _in_order(id: str) -> tuple[int, str]:
    return len(id), id
