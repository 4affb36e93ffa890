"""The marketing systems in one run: opened, pulled, their Leads made, and kept in step with the CRM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from allocator.domain.decision import Assigned
from allocator.domain.lead import Effect, Record, State
from allocator.domain.pauses import Pause, service_of
from allocator.domain.records import Lease
from allocator.domain.sync.mapping import ACCOUNT, CONTACT, LEAD, FieldMap, Sides
from allocator.domain.sync.mapping_doubts import doubts
from allocator.domain.sync.values import LeftOut
from allocator.errors import SourceError
from allocator.ports import CRM, Clock, LeadSource, Progress, Store
from allocator.service.courier import Delivery
from allocator.service.settling import Settle
from allocator.service.sync.arrivals import Arrivals, Gate, as_source, gates_of
from allocator.service.sync.create import OF_SOURCES, create
from allocator.service.sync.cycle import SyncResult, synchronise
from allocator.service.sync.make_ours import MadeOurs, make_ours
from allocator.service.sync.marks import FULL_HOURS, Pulled
from allocator.service.waiting_links import conflict_note, held_note, newest, problem_note
from rules.model import RoutingTables

FIELDS_SHOWN = 5
"""Cells of sheet Fields that a run's notes name."""
OWNER_ID = "hubspot_owner_id"
"""A field that takes the id of an owner, and not a name."""


@dataclass(frozen=True, slots=True)
class Marketing:
    """The marketing systems beside the CRM's own intake, and how they are kept in step.

    `write_back` names, by system, the field for each thing that is told to it (domain.sync.mapping).
    """

    sources: tuple[LeadSource, ...] = ()
    write_back: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    full_hours: int = FULL_HOURS
    campaigns: tuple[str, ...] = ()
    """Whose members get a record in a marketing system if they have none."""
    wanted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The fields that `map_of` found to be mapped, by system, for its adapter to read no others."""

    def map_of(self, crm: CRM, source: LeadSource, tables: RoutingTables) -> FieldMap:
        """Its fields and the CRM's, by sheet Fields. Raises SourceError."""
        described = {kind: crm.describe(kind) for kind in (LEAD, CONTACT, ACCOUNT)}
        back = self.write_back.get(source.name, {}) if source.takes_writes else {}
        sides = Sides(
            source.name, source.fields(), described, crm.external_id, back,
            lead_names=not source.takes_writes,
        )  # fmt: skip
        found = FieldMap(tables.fields, sides)
        self.wanted[source.name] = found.our_fields()
        return found


class Stage:
    """One run's work with them. Without any of them nothing is asked, and nothing happens."""

    def __init__(
        self,
        crm: CRM,
        store: Store,
        lease: Lease,
        marketing: Marketing,
        *,
        at: datetime,
        clock: Clock,
        live: bool,
        progress: Progress,
        stop: Callable[[], bool],
    ) -> None:
        self.crm, self.store, self.lease, self.marketing = crm, store, lease, marketing
        self.at, self.clock, self.live = at, clock, live
        self.progress, self.stop = progress, stop
        self.arrivals: Arrivals | None = None
        self.results: dict[str, SyncResult] = {}
        self.made: dict[str, MadeOurs] = {}
        self.paused: Pause | None = None
        self._made: dict[str, Counter[Effect]] = {}

    @property
    def gates(self) -> tuple[Gate, ...]:
        return self.arrivals.gates if self.arrivals else ()

    def open(self, tables: RoutingTables) -> None:
        """Ask the systems and the CRM for their fields; who cannot be asked is left out of the run."""
        if not self.marketing.sources:
            return
        gates = gates_of(
            self.crm,
            self.marketing.sources,
            tables,
            lambda source, tables: self.marketing.map_of(self.crm, source, tables),
        )
        self.arrivals = Arrivals(
            self.crm, self.store, self.lease, tables, gates, self.at, self.progress,
            self.marketing.full_hours, self.live,
        )  # fmt: skip

    def create(self, settle: Settle, refused: set[str]) -> Delivery:
        """Make and link what was decided."""
        names = {gate.name for gate in self.gates if gate.map is not None}
        effects = {one.key: one.effect for one in self.store.pending() if one.key.source in names}
        if not self.live or not any(effect in OF_SOURCES for effect in effects.values()):
            return Delivery()
        assert self.arrivals is not None
        done = create(
            self.crm, self.store, self.lease, sources=names, fields=self._lead, fresh=self.arrivals.fresh,
            refused=refused, settle=settle, now=self.clock.now, progress=self.progress, stop=self.stop,
        )  # fmt: skip
        for key in done.linked:
            self._made.setdefault(key.source, Counter())[effects[key]] += 1
        return done

    def would_make(self, decided: Iterable[Assigned]) -> None:
        """In observe mode what was decided counts as if it were made and linked."""
        names = {gate.name for gate in self.gates}
        for one in decided if not self.live else ():
            if one.key.source in names and one.state is State.DECIDED and one.effect in OF_SOURCES:
                self._made.setdefault(one.key.source, Counter())[one.effect] += 1

    def _lead(self, record: Record) -> Mapping[str, Any]:
        gate = self.arrivals.gate(record.key) if self.arrivals else None
        assert gate is not None and gate.map is not None, "only what can be mapped is made"
        return gate.map.new_lead(as_source(record)).fields

    def synchronise(self) -> SourceError | None:
        """A cycle for each system that was pulled and takes writes. Returns the CRM's trouble, if any."""
        for gate in self.gates:
            self.paused = service_of(self.store.pauses(now=self.clock.now()))
            if self.paused is not None or self.stop():
                return None
            if gate.open and gate.source.takes_writes and gate.pulled is not None:
                try:
                    owners = self._owners(gate)
                except SourceError as error:
                    gate.trouble = error
                    continue
                if (trouble := self._cycle(gate, owners)) is not None:
                    return trouble
        return None

    def _owners(self, gate: Gate) -> Mapping[str, str]:
        """What the system is told for each owner id of the CRM: its own id of them, or their name."""
        told = gate.map.sides.write_back.get("owner", "") if gate.map else ""
        users = self.crm.users().values() if told else ()
        if told != OWNER_ID:
            return {user.id: user.name for user in users}
        ids = gate.source.owner_ids()
        return {user.id: ids[email] for user in users if (email := user.email.strip().lower()) in ids}

    def _cycle(self, gate: Gate, owners: Mapping[str, str]) -> SourceError | None:
        """What is linked, then what the campaigns ask for: by then every link says what it leads to."""
        assert gate.pulled is not None
        trouble = self._in_step(gate, owners, gate.pulled)
        result = self.results[gate.name]
        if result.trouble is not None or result.stopped or not self.marketing.campaigns:
            return trouble
        self.paused = service_of(self.store.pauses(now=self.clock.now()))
        return None if self.paused is not None else self._make(gate, owners, gate.pulled)

    def _in_step(self, gate: Gate, owners: Mapping[str, str], pulled: Pulled) -> SourceError | None:
        assert gate.map is not None
        result = synchronise(
            self.crm, self.store, gate.source, self.lease, gate.map, pulled, owners=owners,
            now=self.clock.now, live=self.live, progress=self.progress, stop=self.stop,
        )  # fmt: skip
        self.results[gate.name] = result.after(self.results.get(gate.name))
        return self._told(gate, result.trouble, result.asked)

    def _make(self, gate: Gate, owners: Mapping[str, str], pulled: Pulled) -> SourceError | None:
        """Records for members of campaigns; a cycle more brings them in step."""
        assert gate.map is not None and self.arrivals is not None
        done = self.made[gate.name] = make_ours(
            self.crm, self.store, gate.source, self.lease, gate.map, self.marketing.campaigns, owners=owners,
            by_email=self.arrivals.by_email, now=self.clock.now, live=self.live, progress=self.progress,
            stop=self.stop,
        )  # fmt: skip
        trouble = self._told(gate, done.trouble, done.asked)
        if done.trouble is not None or not self.live or not (done.made or done.linked) or self.stop():
            return trouble
        return self._in_step(gate, owners, replace(pulled, records={}, full=False))

    def _told(self, gate: Gate, trouble: SourceError | None, asked: str) -> SourceError | None:
        """The CRM's trouble; the system's own stays in its gate."""
        if asked == self.crm.name:
            return trouble
        gate.trouble = trouble
        return None

    # --- what it came to ---

    @property
    def trouble(self) -> dict[str, SourceError]:
        """What kept a system from being used, by its name."""
        return {gate.name: gate.trouble for gate in self.gates if gate.trouble is not None}

    @property
    def notes(self) -> list[str]:
        """What of sheet Fields is left out, by its cell; links that contradict each other, what is held, what
        was lost and what is not carried over, and who of the campaigns got no record; with the reason."""
        out = [*self._field_notes(), *(_left_note(one) for _, one in self._left_out())]
        out += [f"{name}: held, {said}" for name, done in self.results.items() for said in done.left_out]
        out += [f"{x.name}: {x.doubt.message}. {x.doubt.fix}" for x in self.gates if x.doubt]
        for name, done in self.results.items():
            out += [f"{name}: {held_note(newest(done.held_rows))}"] if done.held else []
            out += [f"{name}: {conflict_note(done.lost, done.conflicts)}"] if done.conflicts else []
            out += [f"{name}: {problem_note(done.problems)}"] if done.problems else []
        return [*out, *(note for name, done in self.made.items() for note in done.notes(name))]

    def _field_notes(self) -> list[str]:
        rows = self.arrivals.tables.fields if self.arrivals else ()
        maps = [gate.map for gate in self.gates if gate.map is not None]
        found = dict.fromkeys(p for one in maps for p in doubts(rows, one.sides) if p.cell)
        said = [f"{p.sheet}!{p.cell}: {p.message}" for p in found]
        left = len(said) - FIELDS_SHOWN
        more = [f"{left} more of sheet Fields: allocator tables check"] if left > 0 else []
        return [*said[:FIELDS_SHOWN], *more]

    def _left_out(self) -> list[tuple[str, LeftOut]]:
        return [(gate.name, one) for gate in self.gates for one in gate.source.left_out()]

    def synced(self) -> dict[str, dict[str, int]]:
        """The run's JSON on what was brought in step, by system."""
        return {gate.name: self._counts(gate.name) for gate in self.gates}

    def _counts(self, name: str) -> dict[str, int]:
        result, made = self.results.get(name, SyncResult()), self._made.get(name, Counter())
        ours = self.made.get(name, MadeOurs())
        return {
            "looked_at": result.looked_at,
            "to_crm": result.to_crm,
            "to_marketing": result.to_marketing,
            "created": made[Effect.CREATE],
            "linked": made[Effect.LINK] + ours.linked,
            "made": ours.made,
            "switched": result.switched,
            "conflicts": result.conflicts,
            "problems": result.problems,
            "held": result.held,
            "rejected": sum(one.count for of, one in self._left_out() if of == name),
            "waiting": len(self.store.pending_sync(source=name)),
        }

    def asked(self) -> dict[str, dict[str, Any]]:
        """The run's JSON on the requests, by system."""
        return {
            source.name: {
                "requests": source.usage.requests,
                "by_kind": dict(sorted(source.usage.by_kind.items())),
                "trouble": str(self.trouble[source.name]) if source.name in self.trouble else None,
            }
            for source in self.marketing.sources
        }


def _left_note(one: LeftOut) -> str:
    """File names and row numbers; what is in the rows stays in their file."""
    see = f": see {one.listed}" if one.listed else ""
    if not one.rows:
        return f"{one.file} was not taken{see or ': it cannot be used'}"
    rows = "1 row" if len(one.rows) == 1 else f"{len(one.rows):,} rows"
    shown = ", ".join(str(number) for number in one.rows[:FIELDS_SHOWN])
    more = ", ..." if len(one.rows) > FIELDS_SHOWN else ""
    was = "was" if len(one.rows) == 1 else "were"
    return f"{rows} of {one.file} {was} not taken{see or f': row {shown}{more}'}"
