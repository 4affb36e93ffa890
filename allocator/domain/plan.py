"""The functional core of a run: leads, tables, ledgers and look-ups in; decisions, turns and holds out.

Nothing here reads a clock, a store or a CRM. The same inputs give the same plan, byte for byte, which is why
the dry run and the real run cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from allocator.domain.choose import Choice, Chooser, is_account_id, setting
from allocator.domain.days import (
    FOR_WANT_OF_SOMEBODY,
    basis_of,
    basis_with,
    counts_under_caps,
    day_basis,
    unusable_people,
    week_start,
)
from allocator.domain.decision import Assigned, Inputs, Lookups, Plan, TurnRow, Work
from allocator.domain.facts import company_of, email_of, facts_of
from allocator.domain.lead import Reason, State
from allocator.domain.past import Noting, run_seen
from allocator.domain.shown import Tracer, clip, show_fact
from rules.layers import decide
from rules.model import Decision

__all__ = [
    "Assigned",
    "Inputs",
    "Lookups",
    "Plan",
    "TurnRow",
    "Work",
    "basis_of",
    "counts_under_caps",
    "needed_domains",
    "needed_emails",
    "plan",
    "show_fact",
    "unusable_people",
    "week_start",
]


def plan(inputs: Inputs) -> Plan:
    """Decide each lead in the one total order: held ones first, oldest first, then (created, id)."""
    planner = _Planner(inputs)
    decided = tuple(planner.decide(work) for work in in_order(inputs.work))
    return Plan(decided=decided, ledgers=planner.chooser.changed_ledgers(), seen=planner.run_seen())


def in_order(work: Iterable[Work]) -> list[Work]:
    """The order in which the leads of one run are decided."""
    return sorted(work, key=lambda w: (not w.held, w.record.created, w.key))


class _Planner:
    """Turns choices into decisions that explain themselves."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs, self._tables = inputs, inputs.tables
        self.chooser = Chooser(inputs)
        self._day = day_basis(inputs.tables, inputs.now, inputs.lookups, inputs.pauses)
        self._tracer, self._noting = Tracer(), Noting(inputs)

    def run_seen(self) -> Mapping[str, Any]:
        asked = setting(self._tables, "same e-mail", "owner") != "ignore"
        unusable = unusable_people(self._tables, self._inputs.lookups.users)
        return run_seen(self._inputs, asked=asked, unusable=unusable)

    def decide(self, work: Work) -> Assigned:
        record = work.record
        if record.unreadable:
            choice = Choice(reason=Reason.UNREADABLE, detail=record.unreadable)
            return self._finish(work, choice, None, [], email=None)
        raw = facts_of(record, self._inputs.fact_fields)
        decision = decide(self._tables, raw, on=self.chooser.on)
        case = self.chooser.case(work, decision, email_of(record))
        choice = self.chooser.choose(case)
        return self._finish(work, choice, decision, case.considered, email=case.email)

    def _finish(
        self,
        work: Work,
        choice: Choice,
        decision: Decision | None,
        considered: list[dict[str, Any]],
        *,
        email: str | None,
    ) -> Assigned:
        caps = self.chooser.at_caps(choice.team) if choice.reason in FOR_WANT_OF_SOMEBODY else ""
        return Assigned(
            key=work.key,
            epoch=work.epoch,
            state=State.DECIDED if choice.owner else State.HELD,
            reason=str(choice.reason) if choice.reason else None,
            detail=clip(choice.detail),
            by=str(choice.by) if choice.by else None,
            team=choice.team,
            lane=decision.lane if decision else "",
            person=choice.person,
            owner=choice.owner,
            turn=choice.turn,
            basis=basis_with(self._day, work.record, caps),
            trace=self._tracer.trace(decision, considered),
            seen=self._noting.seen(work, email),
            effect=work.effect,
        )


def needed_emails(inputs: Inputs) -> frozenset[str]:
    """Folded e-mails to look up; none when the workbook ignores them."""
    if setting(inputs.tables, "same e-mail", "owner") == "ignore":
        return frozenset()
    return frozenset(_emails(inputs))


def needed_domains(inputs: Inputs) -> frozenset[str]:
    """Company domains to look up; none unless accounts or Account IDs decide."""
    accounts = setting(inputs.tables, "known account", "ignore") == "owner"
    if not accounts and not any(is_account_id(o.key) for o in inputs.tables.overrides):
        return frozenset()
    return frozenset(d for email in set(_emails(inputs)) if (d := company_of(email)))


def _emails(inputs: Inputs) -> list[str]:
    readable = (w.record for w in inputs.work if not w.record.unreadable)
    return [email for record in readable if (email := email_of(record))]
