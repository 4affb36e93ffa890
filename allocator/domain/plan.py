"""The functional core of a run: leads, tables, ledgers and look-ups in; decisions, turns and holds out.

Nothing here reads a clock, a store or a CRM. The same inputs give the same plan, byte for byte, which is why
the dry run and the real run cannot differ.
"""

from __future__ import annotations

from allocator.domain.choose import Planner, is_account_id, setting
from allocator.domain.days import basis_of, counts_under_caps, unusable_people, week_start
from allocator.domain.decision import Assigned, Inputs, Lookups, Plan, TurnRow, Work
from allocator.domain.facts import company_of, email_of
from allocator.domain.shown import show_fact

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
    planner = Planner(inputs)
    ordered = sorted(inputs.work, key=lambda w: (not w.held, w.record.created, w.key))
    decided = tuple(planner.decide(work) for work in ordered)
    return Plan(decided=decided, ledgers=planner.changed_ledgers())


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
