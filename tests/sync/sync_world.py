"""A CRM, a marketing system, a store and the people who work in both: what the sync's tests happen in.

Everything that anybody does is in one log, in order: what was read, what was written, who edited what.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from allocator.adapters.crm.memory import MemoryCRM
from allocator.adapters.marketing.memory import MemorySource
from allocator.adapters.store.memory import MemoryStore
from allocator.domain.lead import LeadKey, WriteAnswer, WriteResult
from allocator.domain.records import Lease, Link
from allocator.domain.sync.mapping import FieldMap, Sides
from allocator.domain.sync.values import CrmRecord, CrmWrite, SourceAnswer, SourceRecord, SourceWrite
from allocator.service.sync import cycle as the_cycle
from allocator.service.sync.marks import pull_source
from rules.model import FieldMapping

START = datetime.fromisoformat("2026-11-02T09:00:00+00:00")
HOUR = timedelta(hours=1)
ROWS = (
    FieldMapping("firstname", "FirstName", "FirstName", direction="two-way"),
    FieldMapping("lastname", "LastName", "LastName", direction="two-way"),
    FieldMapping("phone", "Phone", "Phone", direction="two-way"),
    FieldMapping("jobtitle", "Title", "Title", direction="two-way"),
    FieldMapping("company", "Company", account="Name"),
    FieldMapping("city", "City", "MailingCity"),
)
WRITE_BACK = {
    "lead_id": "crm_lead_id", "contact_id": "crm_contact_id", "account_id": "crm_account_id",
    "converted": "crm_converted", "status": "crm_status", "owner": "crm_owner",
}  # fmt: skip

MARKS = ("hubspot/changes", "salesforce/hubspot/changes", "hubspot/full")


class Crash(Exception):
    """The process is killed here."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `who`: sync or somebody; `what`: read, write, edit, convert, merge, ..."""

    number: int
    at: datetime
    who: str
    what: str
    side: str
    object: str
    id: str
    values: Mapping[str, object] = field(default_factory=dict)
    before: Mapping[str, object] = field(default_factory=dict)
    done: bool = True
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Log:
    """Both systems' own logs in one."""

    now: Callable[[], datetime]
    events: list[Event] = field(default_factory=list)

    def note(self, who: str, what: str, side: str, object: str, id: str, **more: Any) -> None:
        self.events.append(Event(len(self.events), self.now(), who, what, side, object, id, **more))


class LoggedCRM(MemoryCRM):
    """Notes what is read and written."""

    log: Log
    sent: Sequence[CrmWrite] = ()

    def records(self, object: str, ids: Collection[str], fields: Sequence[str]) -> Mapping[str, CrmRecord]:
        found = super().records(object, ids, fields)
        for id, one in found.items():
            facts = {"converted": one.converted, "deleted": one.deleted, "known": one.known}
            self.log.note("sync", "read", "theirs", object, id, values=one.values, facts=facts)
        return found

    def write(self, writes: Sequence[CrmWrite]) -> Sequence[WriteAnswer]:
        self.sent = writes
        return super().write(writes)

    def _set(self, write: CrmWrite) -> WriteAnswer:
        one = self._rows(write.object).get(write.id)
        before = dict(one.fields) if one else {}
        dead = bool(getattr(one, "converted", False))
        answer = super()._set(write)
        shown = {name: before.get(name) for name in write.fields}
        self.log.note(
            "sync", "write", "theirs", write.object, write.id, values=dict(write.fields), before=shown,
            done=answer.result == "written", facts={"converted": dead, "result": str(answer.result)},
        )  # fmt: skip
        return answer


class LoggedSource(MemorySource):
    """Notes what is read and written. `drops`: so many requests with writes get lost on their way there."""

    log: Log
    drops = 0
    sent: Sequence[SourceWrite] = ()

    def _write_batch(self, writes: Sequence[SourceWrite]) -> list[SourceAnswer]:
        self.sent = writes
        if self.drops:
            self.drops -= 1
            return [SourceAnswer(write.id, WriteResult.UNKNOWN) for write in writes]
        return super()._write_batch(writes)

    def read(self, ids: Collection[str], *, stamps: bool = False) -> Mapping[str, SourceRecord]:
        found = super().read(ids, stamps=stamps)
        for id, one in found.items():
            facts = {"gone": one.gone, "merged_into": one.merged_into}
            self.log.note("sync", "read", "ours", "record", id, values=one.values, facts=facts)
        return found

    def _write(self, write: SourceWrite) -> SourceAnswer:
        before = dict(self.record(write.id).values) if write.id in self.ids else {}
        answer = super()._write(write)
        shown = {name: before.get(name) for name in write.fields}
        self.log.note(
            "sync", "write", "ours", "record", write.id, values=dict(write.fields), before=shown,
            done=answer.result == "written", facts={"result": str(answer.result)},
        )  # fmt: skip
        return answer


class CrashingStore(MemoryStore):
    """A store whose next call of one method is the last thing the process does, or is never reached."""

    crash: tuple[str, str] | None = None
    """(method, before or after)"""

    def _around(self, method: str, call: Callable[[], Any]) -> Any:
        if self.crash == (method, "before"):
            self.crash = None
            raise Crash(method)
        made = call()
        if self.crash == (method, "after"):
            self.crash = None
            raise Crash(method)
        return made

    def commit_sync(self, *a: Any, **k: Any) -> Any:
        return self._around("commit_sync", lambda: MemoryStore.commit_sync(self, *a, **k))

    def attempt_sync(self, *a: Any, **k: Any) -> Any:
        return self._around("attempt_sync", lambda: MemoryStore.attempt_sync(self, *a, **k))

    def settle_sync(self, *a: Any, **k: Any) -> Any:
        return self._around("settle_sync", lambda: MemoryStore.settle_sync(self, *a, **k))

    def set_mark(self, *a: Any, **k: Any) -> Any:
        return self._around("set_mark", lambda: MemoryStore.set_mark(self, *a, **k))


class World:
    """Everything, and one clock. `tick` passes a second, so that no two acts share one."""

    def __init__(
        self,
        *,
        store: Any = None,
        rows: Sequence[FieldMapping] = ROWS,
        full_hours: int = 10_000,
        **source: Any,
    ) -> None:
        self.at = START
        self.log = Log(self.clock)
        self.crm = LoggedCRM(now=self.clock)
        self.source = LoggedSource(now=self.clock, **source)
        self.crm.log = self.source.log = self.log
        self.store = store or CrashingStore(now=self.clock)
        self.user = self.crm.add_user("Ana", email="ana@example.com")
        self.rows, self.full_hours = rows, full_hours
        self._map: tuple[Sequence[FieldMapping], FieldMap] | None = None
        self.cycle: ModuleType = the_cycle
        self.live = True
        self.results: list[Any] = []
        self.marks: list[Mapping[str, datetime]] = []
        self.crm.history = []

    def clock(self) -> datetime:
        return self.at

    def tick(self, seconds: float = 1) -> None:
        self.at += timedelta(seconds=seconds)

    # --- people

    def person(self, *, external_id: bool = True, link: bool = True, **values: str) -> str:
        """A marketing record with its Lead, linked: its id."""
        self.tick()
        names = {"firstname": "Eva", "lastname": "Roth", "company": "Acme", **values}
        id = self.source.add(**names)
        fields = {row.lead: names[row.marketing] for row in self.rows if row.lead and row.marketing in names}
        if external_id:
            fields["Marketing_Id__c"] = f"hubspot:{id}"
        lead = self.crm.add_lead(owner=self.user, **fields)
        if link:
            self.link(id, "Lead", lead.id)
        return id

    def link(self, id: str, object: str, crm_id: str) -> None:
        with self.lease() as lease:
            self.store.save_links(lease, [Link(self.key(id), "salesforce", object, crm_id, "live", self.at)])

    @staticmethod
    def key(id: str) -> LeadKey:
        return LeadKey("hubspot", id)

    def edit_ours(self, id: str, **values: Any) -> None:
        self.tick()
        self.log.note("somebody", "edit", "ours", "record", id, values=values)
        self.source.edit(id, **values)

    def edit_theirs(self, id: str, **values: Any) -> None:
        self.tick()
        self.log.note("somebody", "edit", "theirs", self.object(id), id, values=values)
        self.crm.edit(id, **values)

    def act(self, what: str, *ids: str, **more: Any) -> Any:
        """convert, merge, delete, undelete, purge in the CRM."""
        self.tick()
        self.log.note("somebody", what, "theirs", self.object(ids[0]), ids[0], values={"with": ids[1:]})
        return getattr(self.crm, what)(*ids, **more)

    @staticmethod
    def object(id: str) -> str:
        return {"00Q": "Lead", "003": "Contact", "001": "Account"}[id[:3]]

    # --- what stands

    def live_link(self, id: str) -> Link | None:
        found = [x for x in self.store.links(keys=[self.key(id)]) if x.state == "live"]
        return found[0] if found else None

    def links(self, id: str) -> dict[str, str]:
        return {x.crm_id: x.state for x in self.store.links(keys=[self.key(id)])}

    def lead(self, id: str) -> str:
        return next(x.crm_id for x in self.store.links(keys=[self.key(id)]) if x.object == "Lead")

    def row(self, id: str) -> Any:
        return next(iter(self.store.syncs(keys=[self.key(id)])), None)

    def ours(self, id: str) -> Mapping[str, str]:
        return self.source.record(id).values

    def theirs(self, id: str) -> Mapping[str, object]:
        return self.crm._row(id).fields

    def written(self, since: int = 0) -> list[Event]:
        return [x for x in self.log.events[since:] if x.what == "write" and x.who == "sync"]

    # --- cycles

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        lease = self.store.begin_run(slot="", by="test", at=self.at, live=True, seconds=60)
        yield lease
        self.store.end_run(lease, at=self.at, state="done", summary={})

    def map(self) -> FieldMap:
        """Made anew where the rows or the fields of a side have changed."""
        described = {kind: self.crm.describe(kind) for kind in ("Lead", "Contact", "Account")}
        sides = Sides("hubspot", self.source.fields(), described, self.crm.external_id, WRITE_BACK)
        if self._map is None or (self._map[0], self._map[1].sides) != (self.rows, sides):
            self._map = (self.rows, FieldMap(self.rows, sides))
        return self._map[1]

    def run(self, *, after: timedelta = HOUR) -> Any:
        """A cycle, an hour after the last one."""
        self.at += after
        with self.lease() as lease:
            pulled = pull_source(
                self.source, self.store, "salesforce", at=self.at,
                progress=lambda *_: None, full_hours=self.full_hours,
            )  # fmt: skip
            names = {id: user.name for id, user in self.crm._users.items()}
            result = self.cycle.synchronise(
                self.crm, self.store, self.source, lease, self.map(), pulled, owners=names, now=self.clock,
                live=self.live, progress=lambda *_: None, stop=lambda: False,
            )  # fmt: skip
        self.results.append(result)
        self.marks.append({name: at for name in MARKS if (at := self.store.mark(name)) is not None})
        return result

    def try_run(self, **more: Any) -> Any:
        """A cycle that may be killed or find a system down."""
        with suppress(Crash):
            return self.run(**more)

    def settle(self, cycles: int = 3) -> None:
        for _ in range(cycles):
            self.run()


def at_rest(world: World, **values: str) -> str:
    """A person whose two sides are in step."""
    id = world.person(**values)
    world.settle(2)
    return id


def writes(world: World, begun: int) -> list[tuple[str, dict[str, object]]]:
    """What was sent since: to which object, and what."""
    return [(x.object, dict(x.values)) for x in world.written(begun)]
