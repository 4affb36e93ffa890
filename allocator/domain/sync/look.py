"""One look at one linked marketing record: its plan, what to write on each side, what to remember.

Pure. Everything it is given was read fresh, and nothing is believed of a write but what a read shows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.base import agreed_without, is_own, known_base, place_of, rebased, with_rules
from allocator.domain.sync.mapping import ACCOUNT, EXTERNAL_ID, FieldMap, Plan
from allocator.domain.sync.route import Place, Route, Taken, key_in, route_of, start_of
from allocator.domain.sync.values import CrmRecord, Linked, SourceRecord, SyncRow, SyncStep, SyncWrite
from rules.conversion import Held, LeadPlan
from rules.field_rules import Agreed, Conflict, FieldProblem, FieldRule, Seen, Side, Write
from rules.field_values import Misfit, canonical, shown
from rules.fields import merge, same

RECORD = "record"
"""What a write to our side is a write to."""
LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Case:
    """A linked record as everything shows it now. `pending` are its writes that were not settled."""

    key: LeadKey
    row: SyncRow | None
    links: tuple[Link, ...]
    ours: SourceRecord
    records: Mapping[Place, CrmRecord]
    pending: tuple[SyncWrite, ...] = ()
    rerouted: bool = False
    """It was converted between an earlier read and its write."""
    winners_links: tuple[Link, ...] = ()
    """Those of the record that it lives on as, if it lost a merge on our side."""
    was_anothers: bool = False
    """Another record of the system had the object since this one's link to it ended."""

    @property
    def agreed(self) -> Mapping[str, Agreed]:
        return self.row.agreed if self.row else {}


@dataclass(frozen=True, slots=True)
class Clocks:
    """Now, by our clock, and by how much the clocks of both sides are ahead of it."""

    at: datetime
    ours: timedelta = timedelta()
    theirs: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Look:
    """What a look decided. `route` is None where our side's record is not there to be kept in step.

    `asks_stamps`: both sides changed a field, and stamps of single fields may say who was later.
    """

    step: SyncStep
    route: Route | None = None
    asks_stamps: bool = False


def look(case: Case, mapping: FieldMap, taken: Taken, clocks: Clocks, owners: Mapping[str, str]) -> Look:
    """Decide about one record. Deterministic; `taken` is not changed.

    `owners`: what the marketing system is told for each owner id of the CRM.
    """
    ours = case.ours
    if ours.merged_into:
        return Look(_moved_away(case, taken, clocks, mapping))
    if ours.gone:
        links = _ended(case, Linked.DELETED, clocks.at)
        said = f"the record is archived or deleted in {case.key.source}"
        return Look(SyncStep(_held(case, "deleted", said, clocks, mapping), links=links))
    if ours.unreadable:
        return Look(SyncStep(_held(case, "unreadable", ours.unreadable, clocks, mapping)))
    route = route_of(case.key, case.links, case.records, taken, at=clocks.at)
    if isinstance(route.plan, Held):
        return Look(_still(case, route, route.plan, clocks, mapping), route)
    return _in_step(case, route, mapping, clocks, owners)


# --- held -------------------------------------------------------------------------------------------------


def _still(case: Case, route: Route, plan: Held, clocks: Clocks, mapping: FieldMap) -> SyncStep:
    """Nothing is written. The stamps are kept: what the sides show is not in step."""
    detail = route.detail or f"{route.end.object} {route.end.id}"
    return SyncStep(_held(case, plan.reason, detail, clocks, mapping), links=route.links)


def _held(case: Case, reason: str, detail: str, clocks: Clocks, mapping: FieldMap) -> SyncRow:
    """What was refused stays known, so that the end of the hold alone does not send it again."""
    old = case.row or SyncRow(case.key, "held", clocks.at, clocks.at)
    since = old.since if (old.plan, old.reason) == ("held", reason) else clocks.at
    return replace(
        old, plan="held", since=since, at=clocks.at, reason=reason, detail=detail, again=False,
        agreed=_known_when_held(case, mapping),
        problems=tuple(problem for problem in old.problems if problem.code == "rejected"),
    )  # fmt: skip


def _known_when_held(case: Case, mapping: FieldMap) -> Mapping[str, Agreed]:
    """The base, with those writes of an unknown outcome that show where they were sent to.

    A converted Lead shows nothing: what it holds may be an answer that was swallowed.
    """
    at, ours = place_of(case.agreed), case.ours
    if not case.pending or at is None:
        return case.agreed
    plan, id = at
    seen: dict[Side, Seen] = {}
    if not (ours.gone or ours.merged_into or ours.unreadable):
        seen["ours"] = mapping.ours_seen(ours)
    record = case.records.get(("Lead" if plan == "lead" else "Contact", id))
    if record is not None and record.known and not record.converted:
        seen["theirs"] = mapping.theirs_seen(plan, record, record)
    return known_base(case.agreed, case.pending, seen, {x.name: x for x in mapping.rules_for(plan)})


def _moved_away(case: Case, taken: Taken, clocks: Clocks, mapping: FieldMap) -> SyncStep:
    """It lost a merge on our side: the winner gets its link, once, unless it has one of its own.

    Once: whether a link that the winner had stands again is for the winner's own look to say.
    """
    winner = LeadKey(case.key.source, case.ours.merged_into or "")
    row = _held(case, "merged", f"it lives on as {winner}", clocks, mapping)
    start = start_of(case.links)
    links = _ended(case, Linked.MERGED, clocks.at)
    if start is None or start.state == Linked.DELETED or winner in taken.by_key:
        return SyncStep(row, links=links)
    at = (start.object, start.crm_id)
    had = {(x.object, x.crm_id) for x in case.winners_links}
    if at in had or taken.other(at, case.key) is not None:
        return SyncStep(row, links=links)
    given = replace(start, key=winner, state=Linked.LIVE, since=clocks.at)
    return SyncStep(row, links=(*links, given))


def _ended(case: Case, state: Linked, at: datetime) -> tuple[Link, ...]:
    return tuple(replace(x, state=state, since=at) for x in case.links if x.state == Linked.LIVE)


# --- in step ----------------------------------------------------------------------------------------------


def _in_step(case: Case, route: Route, mapping: FieldMap, clocks: Clocks, owners: Mapping[str, str]) -> Look:
    plan = plan_of(route)
    rules = {rule.name: rule for rule in mapping.rules_for(plan)}
    ours = mapping.ours_seen(case.ours, ahead=clocks.ours)
    theirs = _with_untold(theirs_of(mapping, plan, route, case, owners, ahead=clocks.theirs), case.pending)
    afresh = _was_anothers(case, route.end)
    agreed = rebased(case.agreed, mapping, plan, route.end, theirs, rules, afresh=afresh)
    base = known_base(agreed, case.pending, {"ours": ours, "theirs": theirs}, rules)
    now = [_of_its_own(rule, case.key, route.end) for rule in mapping.rules_now(plan, base, ours, theirs)]
    merged = merge(base, ours, theirs, now, record=str(case.key))
    out = _Outgoing(case, route, mapping, plan)
    out.sort_out("ours", merged.ours)
    out.sort_out("theirs", merged.theirs)
    lost = (x for x in merged.conflicts if x.rule in out.sent and not is_own(x, case.agreed))
    conflicts = tuple(x for x in lost if not _is_told(x, case.pending))
    row = _row(case, plan, route.end, clocks.at)
    row = replace(
        row,
        agreed=with_rules(agreed_without(merged.agreed, base, out.written), mapping, plan),
        problems=(*merged.problems, *out.problems),
    )
    made = out.made({rule: merged.agreed[rule] for rule in out.sent})
    asks = not case.ours.stamps and any(_is_weighed(x, rules[x.rule]) for x in conflicts)
    return Look(SyncStep(row, made, conflicts, route.links), route, asks)


def _with_untold(theirs: Seen, pending: Iterable[SyncWrite]) -> Seen:
    """With what could not be told to our side while it was known, such as the status of a converted Lead,
    which is not read any more."""
    meant = {
        write.rule: write.value
        for sent in pending
        if sent.side == "ours"
        for write in sent.writes
        if write.rule.startswith("@") and theirs.values.get(write.rule) in (None, "")
    }
    return replace(theirs, values={**theirs.values, **meant}) if meant else theirs


def _is_weighed(conflict: Conflict, rule: FieldRule) -> bool:
    """Whether stamps decided, or could have."""
    return conflict.reason in ("later", "tie") or (
        conflict.reason == "first" and rule.direction == "two-way" and rule.rule == "overwrite"
    )


def _of_its_own(rule: FieldRule, key: LeadKey, end: CrmRecord) -> FieldRule:
    """The external id of a record that was taken over from another one of the same system is its new one's:
    the route leads there only where the other one has no link any more."""
    said = key_in(end.external_id) if rule.name == EXTERNAL_ID else None
    return replace(rule, rule="overwrite") if said and said.source == key.source else rule


def regained(case: Case, step: SyncStep) -> Link | None:
    """The record's own link that had ended and stands again by this step, as it ended."""
    live = {(x.object, x.crm_id) for x in step.links if (x.key, x.state) == (case.key, Linked.LIVE)}
    return next((x for x in case.links if (x.object, x.crm_id) in live), None)


def had_since(lost: Link, links: Iterable[Link]) -> bool:
    """Whether another record of the system had the object after this link to it ended; `links` lead there."""
    at = (lost.crm, lost.key.source, lost.object)
    return any(
        (x.crm, x.key.source, x.object) == at and x.key != lost.key and x.since >= lost.since for x in links
    )


def _was_anothers(case: Case, end: CrmRecord) -> bool:
    """Whether another record of the system had the object before this one gets it, or gets it back: the
    links say so, or the external id."""
    if case.was_anothers:
        return True
    is_ours = any((x.object, x.crm_id, x.state) == (end.object, end.id, Linked.LIVE) for x in case.links)
    said = key_in(end.external_id)
    return not is_ours and said is not None and said.source == case.key.source and said != case.key


def _row(case: Case, plan: Plan, end: CrmRecord, at: datetime) -> SyncRow:
    since = case.row.since if case.row and case.row.plan == plan else at
    return SyncRow(case.key, plan, since, at, our_stamp=case.ours.stamp, their_stamp=end.moved)


def plan_of(route: Route) -> Plan:
    """The plan's name as the mapping has it; only of a route that is not held."""
    return "lead" if isinstance(route.plan, LeadPlan) else "contact"


def theirs_of(
    mapping: FieldMap, plan: Plan, route: Route, case: Case, owners: Mapping[str, str], *, ahead: timedelta
) -> Seen:
    """The record that a plan writes to, as the merge takes it."""
    return mapping.theirs_seen(
        plan,
        route.lead,
        route.end if plan == "contact" else None,
        owners.get(route.end.owner, ""),
        lead_id=lead_id_of(case.links),
        ahead=ahead,
    )


def lead_id_of(links: Sequence[Link]) -> str:
    """The Lead that became the Contact; empty where it never was one."""
    came = [x for x in links if (x.object, x.state) == ("Lead", Linked.CONVERTED)]
    return max(came, key=lambda x: x.since).crm_id if came else ""


def differs(row: SyncRow, ours: SourceRecord, rules: Iterable[FieldRule]) -> bool:
    """Whether values of our side, however old, are not those that the sides agreed on.

    Fields with a problem are left out: they differ for as long as the problem lasts.
    """
    known = {problem.rule for problem in row.problems}
    for rule in rules:
        agreed = row.agreed.get(rule.name)
        if agreed is None or rule.name in known or rule.ours not in ours.values:
            continue
        value = canonical(ours.values[rule.ours], rule.our_type)
        if isinstance(value, Misfit):
            continue
        if not same(rule, value, agreed.ours):
            return True
    return False


def _is_told(conflict: Conflict, pending: Iterable[SyncWrite]) -> bool:
    """Whether the conflict was recorded with a write that is on its way: the same value for the same loss."""
    return any(
        write.rule == conflict.rule and write.before == conflict.lost and write.field == conflict.field
        for sent in pending
        for write in sent.writes
    )


class _Outgoing:
    """The writes of one look, by what they go to; and those that are not sent, with the reason."""

    def __init__(self, case: Case, route: Route, mapping: FieldMap, plan: Plan) -> None:
        self._case, self._route, self._mapping, self._plan = case, route, mapping, plan
        self._by_place: dict[tuple[Side, str, str], list[Write]] = {}
        self.sent: list[str] = []
        self.written: list[str] = []
        """Every rule that has something to write, sent or not."""
        self.problems: list[FieldProblem] = []

    def sort_out(self, side: Side, writes: Iterable[Write]) -> None:
        for write in writes:
            self.written.append(write.rule)
            object, id = self._place(side, write)
            problem = self._refused(write) or self._out_of_reach(object, write)
            if problem is not None:
                self.problems.append(problem)
                continue
            self.sent.append(write.rule)
            self._by_place.setdefault((side, object, id), []).append(write)

    def made(self, agreed: Mapping[str, Agreed]) -> tuple[SyncWrite, ...]:
        return tuple(
            SyncWrite(
                self._case.key, side, object, id, tuple(writes), {x.rule: agreed[x.rule] for x in writes},
                rerouted=self._case.rerouted,
            )
            for (side, object, id), writes in self._by_place.items()
        )  # fmt: skip

    def _place(self, side: Side, write: Write) -> Place:
        if side == "ours":
            return RECORD, self._case.key.source_id
        object, _ = self._mapping.target(write.rule, self._plan)
        return object, (self._route.end.account_id or "") if object == ACCOUNT else self._route.end.id

    def _out_of_reach(self, object: str, write: Write) -> FieldProblem | None:
        """An Account that is not there or not shown cannot be written on a condition."""
        end = self._route.end
        if object != ACCOUNT or (end.account_id and end.account_stamp):
            return None
        return _no_account(self._case.key, write)

    def _refused(self, write: Write) -> FieldProblem | None:
        """That this very value was refused, and neither side has changed since."""
        row = self._case.row
        if row is None or (row.our_stamp, row.their_stamp) != (self._case.ours.stamp, self._route.end.moved):
            return None
        said = (shown(write.value) or "")[:LONGEST_SHOWN]
        found = (p for p in row.problems if p.code == "rejected" and p.rule == write.rule)
        return next((p for p in found if p.value == said), None)


def _no_account(key: LeadKey, write: Write) -> FieldProblem:
    return FieldProblem(
        str(key), write.rule, write.field, "ours", "rejected", (shown(write.value) or "")[:LONGEST_SHOWN],
        "the Contact has no Account that we may see, so there is nothing to write it to.",
        "give the Contact an Account, and the connecting user the right to see it",
    )  # fmt: skip


def rejected(sent: SyncWrite, code: str) -> tuple[FieldProblem, ...]:
    """The problems to remember when a system said no to a write: one for each of its fields."""
    system = "marketing system" if sent.side == "ours" else "CRM"
    side: Side = "theirs" if sent.side == "ours" else "ours"
    return tuple(
        FieldProblem(
            str(sent.key), write.rule, write.field, side, "rejected",
            (shown(write.value) or "")[:LONGEST_SHOWN],
            f"the {system} refused the write ({code}); it is sent again when either side has changed.",
            "look up the code, and mend the value or the system's rule",
        )
        for write in sent.writes
    )  # fmt: skip
