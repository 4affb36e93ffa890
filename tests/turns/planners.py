"""Planners: the product's `plan`, and ones that are wrong in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from domain_company import carried_on

from allocator.domain.plan import Inputs, Plan, Work, plan
from rules.model import Row, Salesperson, Team
from rules.rotation import Ledger

Planner = Callable[[Inputs], Plan]
MakePlanner = Callable[[], Planner]


def product() -> Planner:
    return plan


def _one_by_one(inputs: Inputs, order: Iterable[Work], *, counted: bool = True) -> Plan:
    """The leads in this order, each planned after the one before is carried out."""
    state, decided = inputs, []
    for work in order:
        part = replace(state, work=(work,))
        made = plan(part if counted else replace(part, given=inputs.given))
        decided.extend(made.decided)
        state = carried_on(part, made, ())
    return Plan(tuple(decided), dict(state.ledgers))


def _people(inputs: Inputs, change: Callable[[Salesperson], Salesperson]) -> Inputs:
    def team(one: Team) -> Team:
        return replace(one, people=tuple(change(p) for p in one.people))

    return replace(inputs, tables=replace(inputs.tables, teams=tuple(team(t) for t in inputs.tables.teams)))


def absences_unread() -> Planner:
    return lambda inputs: plan(_people(inputs, lambda p: replace(p, absences=())))


def nobody_means_everybody() -> Planner:
    """Where nobody has the language, the filter is left out."""

    def made(inputs: Inputs) -> Plan:
        first = plan(inputs)
        if all(d.owner for d in first.decided):
            return first
        return plan(_people(inputs, lambda p: replace(p, languages=frozenset({"fr"}))))

    return made


def owned_leads_are_rotated() -> Planner:
    return lambda inputs: plan(replace(inputs, lookups=replace(inputs.lookups, people={})))


def overrides_are_rotated() -> Planner:
    return lambda inputs: plan(replace(inputs, tables=replace(inputs.tables, overrides=())))


def nobody_stands_back() -> Planner:
    return lambda inputs: plan(
        replace(inputs, work=[replace(w, stood_back=frozenset()) for w in inputs.work])
    )


def caps_after_the_fact() -> Planner:
    """What this run gives counts from the next run on."""
    return lambda inputs: _one_by_one(inputs, _ordered(inputs), counted=False)


def overrides_are_not_counted() -> Planner:
    free: set[tuple[str, str]] = set()

    def made(inputs: Inputs) -> Plan:
        given = [one for one in inputs.given if one[:2] not in free]
        found = plan(replace(inputs, given=given))
        free.update((d.team or "", d.person or "") for d in found.decided if d.by == "override")
        return found

    return made


def a_ledger_for_each_rule() -> Planner:
    def own(row: Row) -> Row:
        return replace(row, sets=(("lane", row.rule_id),))

    def made(inputs: Inputs) -> Plan:
        layers = tuple(replace(x, rows=tuple(own(row) for row in x.rows)) for x in inputs.tables.layers)
        return plan(replace(inputs, tables=replace(inputs.tables, layers=layers)))

    return made


def a_dry_run_that_writes() -> Planner:
    """The ledger is kept from call to call."""
    kept: dict[tuple[str, str], Ledger] = {}

    def made(inputs: Inputs) -> Plan:
        found = plan(replace(inputs, ledgers={**inputs.ledgers, **kept}))
        kept.update(found.ledgers)
        return found

    return made


def a_plan_that_remembers_who_was_asked() -> Planner:
    calls: list[int] = []

    def made(inputs: Inputs) -> Plan:
        calls.append(1)
        found = plan(inputs)
        turned = [replace(d, trace=_numbered(d.trace, len(calls))) for d in found.decided]
        return replace(found, decided=tuple(turned))

    return made


def held_leads_last() -> Planner:
    return lambda inputs: _one_by_one(inputs, sorted(_ordered(inputs), key=lambda w: w.held))


def newest_first() -> Planner:
    return lambda inputs: _one_by_one(inputs, reversed(_ordered(inputs)))


def holds_without_a_reason() -> Planner:
    def made(inputs: Inputs) -> Plan:
        found = plan(inputs)
        return replace(found, decided=tuple(replace(d, reason=None) for d in found.decided))

    return made


def _ordered(inputs: Inputs) -> list[Work]:
    return sorted(inputs.work, key=lambda w: (not w.held, w.record.created, w.key))


def _numbered(trace: Mapping[str, object], number: int) -> Mapping[str, object]:
    return {**trace, "call": number}
