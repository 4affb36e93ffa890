"""Stage sync: linked marketing records and their CRM objects in step, each by exactly one plan.

Candidates from the store and two searches, fresh reads, one pure look at each record, one commit, then the
writes: to the CRM on the stamps of these reads, read back, and to the marketing system. Marks move last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from allocator.domain.lead import LeadKey
from allocator.domain.records import Lease, Link
from allocator.domain.sync.look import Case, Clocks, Look, had_since, look, regained
from allocator.domain.sync.mapping import FieldMap
from allocator.domain.sync.route import start_of
from allocator.domain.sync.values import Linked, SyncRow, SyncStep, SyncWrite
from allocator.errors import AllocatorError, SourceError
from allocator.ports import CRM, LeadSource, Progress, Store
from allocator.service.sync.candidates import Known, changed_in, due, known_of
from allocator.service.sync.carry import Carried, Carrier
from allocator.service.sync.fresh import Fresh
from allocator.service.sync.marks import Pulled, move_marks
from rules.field_rules import Conflict

BATCH = 200
"""Records read, decided and written together: two reads of the marketing system, one of the CRM."""
TRIES = 3
"""So often a record that changed under us is decided anew in one run."""


@dataclass(slots=True)
class SyncResult:
    """What one cycle did: counts for the run's JSON, and what stopped it, if anything.

    In observe mode the counts say what would have been done. `held` are all linked records held now, as in
    `held_rows`; `lost` are the conflicts that are counted; `problems` those records looked at with fields
    that are not carried over.
    """

    looked_at: int = 0
    to_crm: int = 0
    to_marketing: int = 0
    switched: int = 0
    conflicts: int = 0
    problems: int = 0
    held: int = 0
    held_rows: tuple[SyncRow, ...] = ()
    lost: list[Conflict] = field(default_factory=list)
    full: bool = False
    trouble: SourceError | None = None
    """Of the system in `asked`: what is left waits for the next run, and no mark has moved."""
    asked: str = ""
    stopped: bool = False
    left_out: list[str] = field(default_factory=list)
    """Records whose links would contradict those that are stored, and how: they are held."""

    def after(self, earlier: SyncResult | None) -> SyncResult:
        """Both cycles of one run together."""
        if earlier is None:
            return self
        summed = ("looked_at", "to_crm", "to_marketing", "switched", "conflicts", "problems")
        counts = {name: getattr(earlier, name) + getattr(self, name) for name in summed}
        left_out = list(dict.fromkeys([*earlier.left_out, *self.left_out]))
        lost = [*earlier.lost, *self.lost]
        return replace(self, **counts, full=earlier.full, left_out=left_out, lost=lost)


def synchronise(
    crm: CRM,
    store: Store,
    source: LeadSource,
    lease: Lease,
    mapping: FieldMap,
    pulled: Pulled,
    *,
    owners: Mapping[str, str],
    now: Callable[[], datetime],
    live: bool,
    progress: Progress,
    stop: Callable[[], bool],
) -> SyncResult:
    """One cycle over the linked records of a source. `pulled` is what `marks.pull_source` gave this run.

    `owners`: what the marketing system is told for each owner id of the CRM. Raises only FencedError and the
    store's errors: trouble with a system is in the result. In observe mode nothing is written anywhere.
    """
    result = SyncResult(full=pulled.full)
    if not source.takes_writes:
        return result
    fresh = Fresh(crm, source, mapping, now)
    cycle = _Cycle(fresh, store, lease, mapping, owners, now, live, result)
    began, crm_began = now(), crm.now()
    try:
        keys = cycle.due(pulled)
        for start in range(0, len(keys), BATCH):
            if stop():
                result.stopped = True
                break
            cycle.work(keys[start : start + BATCH])
            progress("sync", min(start + BATCH, len(keys)), len(keys))
    except SourceError as error:
        result.trouble, result.asked = error, fresh.asking
    result.held_rows = tuple(row for row in cycle.known.rows.values() if row.plan == "held")
    result.held = len(result.held_rows)
    if live and result.trouble is None and not result.stopped:
        move_marks(store, lease, source, crm.name, pulled, crm_at=crm_began, at=began)
    return result


class _Cycle:
    """Works batches off: read, look, commit, carry, and once more what changed under us."""

    def __init__(
        self,
        fresh: Fresh,
        store: Store,
        lease: Lease,
        mapping: FieldMap,
        owners: Mapping[str, str],
        now: Callable[[], datetime],
        live: bool,
        result: SyncResult,
    ) -> None:
        self._fresh, self._store, self._lease, self._mapping = fresh, store, lease, mapping
        self._owners, self._now, self._live, self._result = owners, now, live, result
        self._carrier = Carrier(fresh, store, lease, mapping, now)
        self._with_problems: set[LeadKey] = set()
        self.known: Known = known_of(store, fresh.crm.name, fresh.source.name)

    def due(self, pulled: Pulled) -> list[LeadKey]:
        """Which records to look at."""
        crm, source = self._fresh.crm, self._fresh.source
        self._fresh.asking = crm.name
        changed = () if pulled.full else changed_in(crm, self._store, source.name)
        return due(self.known, pulled, changed, self._mapping, at=self._now())

    def work(self, keys: Sequence[LeadKey]) -> None:
        """One batch to its end."""
        self._result.looked_at += len(keys)
        todo = dict.fromkeys(keys, False)
        pending = self.known.pending
        for _ in range(1 + TRIES):
            carried = self._round(todo, pending)
            if carried.trouble is not None:
                raise carried.trouble
            if not carried.again:
                return
            todo, pending = carried.again, self._overtaken(carried.dropped)

    def _round(self, todo: Mapping[LeadKey, bool], pending: Mapping[LeadKey, Sequence[SyncWrite]]) -> Carried:
        """Read these, decide, commit, carry. What has to be decided anew is in `again`."""
        cases = self._cases(todo, pending)
        looks = self._looks(cases)
        news = {key: one for key, one in looks.items() if self._is_news(cases[key], one)}
        self._count(looks)
        if not self._live:
            self._count_writes([x for one in looks.values() for x in one.step.writes])
            return Carried()
        steps = [one.step for one in news.values()]
        sent = self._commit(steps) if steps else ()
        routes = {key: (cases[key], one.route) for key, one in news.items() if one.route is not None}
        carried = self._carrier.carry(sent, routes) if sent else Carried()
        self._count_writes(carried.done)
        return carried

    def _commit(self, steps: Sequence[SyncStep]) -> list[SyncWrite]:
        """All of them at once; or each by itself, where one contradicts what is stored and would stop all."""
        try:
            return self._committed(steps)
        except AllocatorError as error:
            if type(error) is not AllocatorError:
                raise
        return [write for step in steps for write in self._commit_one(step)]

    def _commit_one(self, step: SyncStep) -> list[SyncWrite]:
        try:
            return self._committed([step])
        except AllocatorError as error:
            if type(error) is not AllocatorError:
                raise
            self._result.left_out.append(f"{step.row.key}: {error}")
            row = replace(
                step.row, plan="held", reason="ambiguous_match", detail=str(error), since=step.row.at
            )
            return self._committed([SyncStep(row)])

    def _committed(self, steps: Sequence[SyncStep]) -> list[SyncWrite]:
        sent = self._store.commit_sync(self._lease, steps, at=self._now())
        self.known.rows.update((step.row.key, step.row) for step in steps)
        return list(sent)

    # --- looking

    def _cases(
        self, todo: Mapping[LeadKey, bool], pending: Mapping[LeadKey, Sequence[SyncWrite]]
    ) -> dict[LeadKey, Case]:
        """Everything that is known of these, read now."""
        rows = {row.key: row for row in self._store.syncs(list(todo))}
        ours = self._fresh.ours(list(todo))
        winners = {key: LeadKey(key.source, into) for key in todo if (into := ours[key].merged_into)}
        links = self._links({*todo, *winners.values()})
        there = [key for key in todo if pending.get(key) or not (ours[key].gone or key in winners)]
        theirs = self._fresh.theirs(x for key in there if (x := start_of(links[key])) is not None)
        return {
            key: Case(
                key, rows.get(key), links[key], ours[key], theirs, tuple(pending.get(key, ())), rerouted,
                links[winners[key]] if key in winners else (),
            )
            for key, rerouted in todo.items()
        }  # fmt: skip

    def _links(self, keys: Collection[LeadKey]) -> dict[LeadKey, tuple[Link, ...]]:
        found: dict[LeadKey, list[Link]] = {key: [] for key in keys}
        for link in self._store.links(keys=list(keys)):
            if link.crm == self._fresh.crm.name:
                found[link.key].append(link)
        return {key: tuple(links) for key, links in found.items()}

    def _looks(self, cases: Mapping[LeadKey, Case]) -> dict[LeadKey, Look]:
        """In the order of their keys, so that of two that claim one object always the same one gets it."""
        looks: dict[LeadKey, Look] = {}
        for key in sorted(cases):
            if self._was_moved(cases[key]):
                continue
            looks[key] = one = self._look(cases[key])
            self.known.taken.put(one.step.links)
        return self._with_stamps(cases, looks)

    def _was_moved(self, case: Case) -> bool:
        """Whether it has no link, or was given one in this very batch: looked at in the next cycle."""
        live = self.known.taken.by_key.get(case.key)
        if start_of(case.links) is None:
            return True
        own = {(x.object, x.crm_id) for x in case.links if x.state == Linked.LIVE}
        return live is not None and (live.object, live.crm_id) not in own

    def _look(self, case: Case) -> Look:
        """Who had the object meanwhile is asked of the store only for a record that gets it back: the
        external id does not tell where the other one's was refused."""
        one = self._look_once(case)
        lost = regained(case, one.step)
        if lost is None or not had_since(lost, self._store.links_of(lost.crm_id)):
            return one
        return self._look_once(replace(case, was_anothers=True))

    def _look_once(self, case: Case) -> Look:
        clocks = Clocks(self._now(), self._fresh.ours_ahead, self._fresh.theirs_ahead)
        return look(case, self._mapping, self.known.taken, clocks, self._owners)

    def _with_stamps(self, cases: Mapping[LeadKey, Case], looks: dict[LeadKey, Look]) -> dict[LeadKey, Look]:
        """Where both sides changed a field, the marketing system is asked when it was changed."""
        asked = [key for key, one in looks.items() if one.asks_stamps]
        if not asked:
            return looks
        read = self._fresh.ours(asked, stamps=True)
        return looks | {key: self._look(replace(cases[key], ours=read[key])) for key in asked}

    def _is_news(self, case: Case, one: Look) -> bool:
        """Whether there is anything to commit but that it was looked at."""
        step, row = one.step, case.row
        if row is None or step.writes or step.conflicts or step.links or case.pending:
            return True
        return replace(step.row, at=row.at) != row

    def _overtaken(self, dropped: Sequence[SyncWrite]) -> dict[LeadKey, list[SyncWrite]]:
        """Writes of this run that were overtaken, or may have happened, by record."""
        left = self._store.pending_sync(source=self._fresh.source.name)
        found: dict[LeadKey, list[SyncWrite]] = {}
        for write in (*left, *dropped):
            found.setdefault(write.key, []).append(write)
        return found

    # --- counting

    def _count(self, looks: Mapping[LeadKey, Look]) -> None:
        result = self._result
        for key, one in looks.items():
            result.conflicts += len(one.step.conflicts)
            result.lost += one.step.conflicts
            result.switched += any(link.state == Linked.LIVE for link in one.step.links)
            row = one.step.row
            if row.problems and row.plan != "held" and key not in self._with_problems:
                self._with_problems.add(key)
                result.problems += 1

    def _count_writes(self, writes: Iterable[SyncWrite]) -> None:
        for write in writes:
            if write.side == "ours":
                self._result.to_marketing += 1
            else:
                self._result.to_crm += 1
