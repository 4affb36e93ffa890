"""Stage arrive: new records of marketing systems become leads, each matched with the CRM before it is given.

A record in intake that never had a link is a lead from the first look on. What the CRM knows of it already is
asked right before deciding: nothing (it is decided, and made with its owner), a Lead or a Contact (it is
linked), or what a person has to sort out (it is held).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from allocator.domain.days import basis_with
from allocator.domain.decision import Assigned, Work
from allocator.domain.facts import email_of
from allocator.domain.lead import Closed, Effect, LeadKey, Record, State
from allocator.domain.plan import in_order
from allocator.domain.records import LeadRow, Lease, Link, Settlement
from allocator.domain.shown import Tracer, clip
from allocator.domain.sync.external_id import need_fit
from allocator.domain.sync.ids import meant_id
from allocator.domain.sync.intake import IntakeDoubt
from allocator.domain.sync.mapping import FieldMap, lacks
from allocator.domain.sync.match import CONTACT, LEAD, Answers, Match, Wanted, match, with_contacts
from allocator.domain.sync.values import CrmRecord, Linked, SourceRecord
from allocator.errors import SourceError
from allocator.ports import CRM, LeadSource, Progress, Store
from allocator.service.sync.marks import FULL_HOURS, Pulled, pull_source
from rules.model import RoutingTables

_NAMING = (("lead_id", LEAD), ("contact_id", CONTACT))
DEFAULT_NEEDS = ("LastName", "Company", "Email")
"""What a new Lead needs where the workbook does not say."""


@dataclass(slots=True)
class Gate:
    """One marketing system in one run: what it showed, by which fields it is read, and what stopped it."""

    source: LeadSource
    map: FieldMap | None = None
    pulled: Pulled | None = None
    trouble: SourceError | None = None
    doubt: IntakeDoubt | None = None

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def open(self) -> bool:
        """Whether it can be used in this run."""
        return self.trouble is None and self.map is not None

    def named(self, record: SourceRecord | Record) -> dict[str, str]:
        """What the record's own fields say that it is in the CRM: texts by object."""
        back = self.map.sides.write_back if self.map else {}
        values = record.values if isinstance(record, SourceRecord) else record.fields
        texts = {kind: values.get(back.get(name) or "") for name, kind in _NAMING}
        return {kind: text.strip() for kind, text in texts.items() if isinstance(text, str) and text.strip()}

    def is_here(self, record: SourceRecord) -> bool:
        """Whether it is for us to decide: a new lead, or one that another system says is in the CRM."""
        return record.in_intake or bool(self.named(record))


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be decided of new records: by the planner, or as the match says; and what ends unasked."""

    work: tuple[Work, ...] = ()
    ready: tuple[Assigned, ...] = ()
    ended: tuple[Settlement, ...] = ()


@dataclass(slots=True)
class Arrivals:
    """The marketing systems of one run. Trouble of one stops that one alone, and is kept in its gate."""

    crm: CRM
    store: Store
    lease: Lease
    tables: RoutingTables
    gates: tuple[Gate, ...]
    at: datetime
    progress: Progress
    full_hours: int = FULL_HOURS
    live: bool = True
    fresh: set[LeadKey] = field(default_factory=set)
    """Records whose external id was looked for in vain in this run, right before they were decided."""

    @property
    def by_email(self) -> bool:
        """Whether a person may be known by their e-mail."""
        return "e-mail" in _listed(self.tables, "match new leads by", ("id", "e-mail"))

    def gate(self, key: LeadKey) -> Gate | None:
        return next((gate for gate in self.gates if gate.name == key.source), None)

    # --- pull ---

    def pull(self) -> tuple[Record, ...]:
        """Read every system, then note its new leads. Returns those that wait or are held, as last read."""
        for gate in self.gates:
            if gate.open:
                self._guarded(gate, lambda gate=gate: self._read(gate))  # type: ignore[misc]
        return tuple(record for gate in self.gates if gate.open for record in self._enter(gate))

    def _guarded(self, gate: Gate, act: Callable[[], None]) -> None:
        try:
            act()
        except SourceError as error:
            gate.trouble = error

    def _read(self, gate: Gate) -> None:
        gate.pulled = pull_source(
            gate.source, self.store, self.crm.name, at=self.at, progress=self.progress,
            full_hours=self.full_hours,
        )  # fmt: skip
        gate.doubt = gate.source.intake_doubt()

    def _enter(self, gate: Gate) -> list[Record]:
        """Rows for those that never had a link; what was pulled is in the store before it is put away."""
        assert gate.pulled is not None
        pulled = [one for one in gate.pulled.records.values() if gate.is_here(one) and not one.gone]
        arrived = {one.key: one for one in (*self._named_before(gate), *pulled)}
        linked = {link.key for link in self.store.links(keys=list(arrived))} if arrived else ()
        shown = [one for one in arrived.values() if one.key not in linked]
        if not gate.source.takes_writes:
            shown = self._with_waiting(gate, shown)
        records = [self._record(gate, one) for one in shown]
        if records:
            self.store.add_pulled(self.lease, gate.name, records, None)
        if self.live:
            self._guarded(gate, gate.source.taken)
        return records

    def _named_before(self, gate: Gate) -> list[SourceRecord]:
        """Held ones that name a record of the CRM: in no intake, so a search shows them but once."""
        rows = self._waiting(gate) if gate.source.takes_writes else ()
        return [as_source(row.record) for row in rows if gate.named(row.record)]

    def _with_waiting(self, gate: Gate, shown: Sequence[SourceRecord]) -> list[SourceRecord]:
        """Files show a lead once, and never change it: those that wait are as they were stored."""
        rows = {row.key: row for row in self.store.leads([one.key for one in shown])} if shown else {}
        rows |= {row.key: row for row in self._waiting(gate)}
        linked = {link.key for link in self.store.links(keys=list(rows))} if rows else ()
        new = [one for one in shown if one.key not in rows]
        return [*new, *(as_source(row.record) for row in rows.values() if row.key not in linked)]

    def _waiting(self, gate: Gate) -> list[LeadRow]:
        rows = self.store.leads(states=(State.WAITING, State.HELD))
        return [row for row in rows if row.key.source == gate.name]

    def _record(self, gate: Gate, one: SourceRecord) -> Record:
        assert gate.map is not None
        fields = gate.map.facts_fields(one)
        return Record(one.key, one.created, one.stamp, "", fields, one.unreadable)

    # --- what left ---

    def absent(self, seen: Collection[LeadKey]) -> tuple[Settlement, ...]:
        """What waited or was held and is not in intake any more, or was linked by a person."""
        found: list[Settlement] = []
        for gate in self.gates:
            if gate.open:
                self._guarded(gate, lambda gate=gate: found.extend(self._absent(gate, seen)))  # type: ignore[misc]
        return tuple(found)

    def _absent(self, gate: Gate, seen: Collection[LeadKey]) -> list[Settlement]:
        rows = {row.key: row for row in self._waiting(gate) if row.key not in seen}
        links = self.store.links(keys=list(rows)) if rows else ()
        last = {link.key: link for link in sorted(links, key=lambda one: one.state == Linked.LIVE)}
        linked = [_linked(rows[key], link) for key, link in last.items()]
        others = rows.keys() - last.keys() if gate.source.takes_writes else ()
        shown = gate.source.read([key.source_id for key in sorted(others)]) if others else {}
        fates = (_gone(gate, key, rows[key].epoch, shown[key.source_id]) for key in sorted(others))
        return [*linked, *filter(None, fates)]

    # --- match ---

    def judge(self, work: Sequence[Work], day: str) -> Judged:
        """Read the records of this work again and match them with the CRM. `day`: see `basis_with`."""
        ended: list[Settlement] = []
        read = [one for gate in self.gates if gate.open for one in self._fresh(gate, work, ended)]
        unreadable = [one for one in read if one.record.unreadable]
        readable = in_order(one for one in read if not one.record.unreadable)
        try:
            matches = self._matched(readable) if readable else []
        except SourceError as error:  # the CRM's own leads are decided all the same
            for gate in self.gates:
                gate.trouble = gate.trouble or error
            return Judged(ended=tuple(ended))
        rows = {row.key: row for row in self.store.leads([one.key for one in readable])}
        new, ready = list(unreadable), []
        for one, found in zip(readable, matches, strict=True):
            if found.closed is not None:
                self._keep_place(found)
                ended.append(_closed(one.key, one.epoch - 1, found.closed, found.detail))
            elif found.effect is Effect.CREATE:
                self.fresh.add(one.key)
                new.append(one)
            else:
                made = self._ready(one, found, day)
                ready += [] if _stands(rows[one.key], made) else [made]
        return Judged(tuple(new), tuple(ready), tuple(ended))

    def _fresh(self, gate: Gate, work: Sequence[Work], ended: list[Settlement]) -> list[Work]:
        """This system's work on records as they are now; nothing of it where they cannot be read."""
        mine = [one for one in work if one.key.source == gate.name]
        if not mine:
            return []
        if not gate.source.takes_writes:
            return [replace(one, effect=Effect.CREATE) for one in mine]
        try:
            shown = gate.source.read([one.key.source_id for one in mine])
        except SourceError as error:
            gate.trouble = error
            return []
        return self._reread(gate, mine, shown, ended)

    def _reread(
        self, gate: Gate, mine: Sequence[Work], shown: Mapping[str, SourceRecord], ended: list[Settlement]
    ) -> list[Work]:
        """The work on what is still in intake, with its newest values, which are noted."""
        found, moved = [], []
        for one in mine:
            now = shown[one.key.source_id]
            gone = _gone(gate, one.key, one.epoch - 1, now)
            if gone is not None:
                ended.append(gone)
                continue
            record = self._record(gate, now)
            moved += [record] if record != one.record else []
            found.append(replace(one, record=record, effect=Effect.CREATE))
        if moved:
            self.store.add_pulled(self.lease, gate.name, moved, None)
        return found

    def _keep_place(self, found: Match) -> None:
        """Link it to what is in the bin: the sync looks whether that is restored, or who won its merge."""
        place = (found.object, found.object_id)
        if self.live and not self.store.links_to([place]):
            link = Link(found.key, self.crm.name, *place, Linked.LIVE.value, self.at)
            self.store.save_links(self.lease, [link])

    def _matched(self, work: Sequence[Work]) -> list[Match]:
        by_email = self.by_email
        needs = _listed(self.tables, "new lead needs", DEFAULT_NEEDS)
        wanted = [self._wanted(one.record, by_email, needs) for one in work]
        self.progress("match", 0, len(wanted))
        found = match(wanted, self._answers(wanted), claimed=self._claimed() if by_email else {})
        self.progress("match", len(wanted), len(wanted))
        return found

    def _wanted(self, record: Record, by_email: bool, needs: Sequence[str]) -> Wanted:
        gate = self.gate(record.key)
        assert gate is not None and gate.map is not None, "only what can be mapped is matched"
        if named := gate.named(record):
            read = {kind: meant_id(text, kind) for kind, text in named.items()}
            wrong = [f'"{clip(named[kind])[:40]}" {why}' for kind, (_, why) in read.items() if why]
            lead, contact = (read.get(kind, ("", ""))[0] for kind in (LEAD, CONTACT))
            return Wanted(record.key, "", lead, contact, named=True, wrong="; ".join(wrong))
        would_be = gate.map.new_lead(as_source(record))
        email = (email_of(record) or "") if by_email else ""
        return Wanted(record.key, email, lacks=lacks(would_be.fields, needs))

    def _answers(self, wanted: Sequence[Wanted]) -> Answers:
        """Everything in the CRM that they may be found by, and what a converted Lead among it became."""
        keys = [str(one.key) for one in wanted]
        emails = sorted({one.email for one in wanted if one.email})
        leads, contacts = (
            [
                *self.crm.matching(kind, external_ids=keys, emails=emails, deleted=True),
                *self._named(
                    kind, {one.lead_id if kind == LEAD else one.contact_id for one in wanted} - {""}
                ),
            ]
            for kind in (LEAD, CONTACT)
        )
        answers = Answers(leads, contacts)
        answers = with_contacts(answers, self._named(CONTACT, answers.contacts_to_read()))
        return replace(answers, linked=self.store.links_to(answers.places()))

    def _named(self, kind: str, ids: Collection[str]) -> Iterable[CrmRecord]:
        return self.crm.records(kind, sorted(ids), ()).values() if ids else ()

    def _claimed(self) -> dict[str, LeadKey]:
        """The e-mails of Leads that an earlier run may have made: their answer never arrived."""
        keys = [one.key for one in self.store.pending() if one.effect is Effect.CREATE]
        rows = self.store.leads(keys) if keys else ()
        return {email: row.key for row in rows if (email := email_of(row.record))}

    def _ready(self, work: Work, found: Match, day: str) -> Assigned:
        """The decision that needs no planner: a link to who is there, or a hold."""
        linked = found.effect is Effect.LINK
        note = {"what": "match", "records": [f"{found.object} {found.object_id}"]} if linked else None
        return Assigned(
            key=work.key,
            epoch=work.epoch,
            state=State.DECIDED if linked else State.HELD,
            reason=str(found.reason) if found.reason else None,
            detail="" if linked else clip(found.detail),
            by=str(found.by) if found.by else None,
            team=None,
            lane="",
            person=self.tables.person_by_crm_user.get(found.owner) if linked else None,
            owner=found.owner if linked else None,
            turn=None,
            basis=basis_with(day, work.record),
            trace=Tracer().trace(None, [note] if note else []),
            effect=found.effect or work.effect,
            object=found.object,
            object_id=found.object_id,
        )


def as_source(record: Record) -> SourceRecord:
    """A lead of a marketing system as it was when its record was stored."""
    return SourceRecord(record.key, record.created, record.stamp, record.fields, unreadable=record.unreadable)


def gates_of(
    crm: CRM,
    sources: Iterable[LeadSource],
    tables: RoutingTables,
    map_of: Callable[[LeadSource, RoutingTables], FieldMap],
) -> tuple[Gate, ...]:
    """A gate for each system; closed where it or the CRM cannot be asked for its fields, or the CRM has no
    field that can hold the marketing record's id. Raises nothing: the CRM's own leads do not depend on it."""
    found = tuple(Gate(source) for source in sources)
    for gate in found:
        try:
            need_fit(crm.external_id, crm.describe)
            gate.map = map_of(gate.source, tables)
        except SourceError as error:
            gate.trouble = error
    return found


def _listed(tables: RoutingTables, name: str, default: Sequence[str]) -> tuple[str, ...]:
    """A setting that lists names; blank is the default, "nothing" is none."""
    said = [part.strip() for part in (tables.settings.get(name) or "").split(",")]
    named = tuple(part for part in said if part)
    return tuple(default) if not named else tuple(part for part in named if part.casefold() != "nothing")


def _gone(gate: Gate, key: LeadKey, epoch: int, now: SourceRecord) -> Settlement | None:
    """What a fresh read says became of a record that is not ours to decide any more; None if it still is."""
    if now.merged_into is not None:
        return _closed(key, epoch, Closed.MERGED, f"merged into {key.source}:{now.merged_into}")
    if now.gone:
        return _closed(key, epoch, Closed.DELETED, f"gone from {key.source}")
    if not gate.is_here(now) and not (gate.doubt and gate.doubt.blind):
        return Settlement(key, epoch, State.TAKEN, detail=f"left the intake of {key.source}", give_back=True)
    return None


def _closed(key: LeadKey, epoch: int, why: Closed, detail: str) -> Settlement:
    return Settlement(key, epoch, State.CLOSED, reason=str(why), detail=clip(detail), give_back=True)


def _linked(row: LeadRow, link: Link) -> Settlement:
    said = f"linked to {link.object} {link.crm_id} by hand"
    if link.state != Linked.LIVE:
        return _closed(row.key, row.epoch, Closed(link.state), f"{said}, as {link.state}")
    return Settlement(row.key, row.epoch, State.TAKEN, detail=said, give_back=True)


def _stands(row: LeadRow, made: Assigned) -> bool:
    """Whether it is held just so already."""
    now = (row.state, row.reason, row.detail, row.basis)
    return now == (made.state, made.reason, made.detail, made.basis)
