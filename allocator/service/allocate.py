"""Stage decide: what this run decides, the look-ups it needs, and the one transaction that fixes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from allocator.domain.facts import FactFields
from allocator.domain.lead import LeadKey, Reason, Record, State
from allocator.domain.plan import (
    Inputs,
    Lookups,
    Plan,
    Work,
    basis_of,
    needed_domains,
    needed_emails,
    plan,
    week_start,
)
from allocator.ports import CRM, LeadRow, Lease, Progress, Store, TablesLook

ALWAYS_AGAIN = frozenset({Reason.OWNER_REFUSED, Reason.CONTESTED, Reason.LOCKED, Reason.PAUSED})
"""Holds whose reason can have gone without a trace in tables, record, day or users."""

MEMBERSHIP = "CampaignMember."


@dataclass(frozen=True, slots=True)
class Queue:
    """The leads to decide in this run: how many come from earlier runs, and how many of those came back."""

    work: tuple[Work, ...]
    again: frozenset[LeadKey]
    returned: frozenset[LeadKey]


def queue(
    store: Store,
    lease: Lease,
    records: Sequence[Record],
    look: TablesLook,
    lookups: Lookups,
    *,
    now: datetime,
    skip: frozenset[LeadKey],
) -> Queue:
    """Sort what is in intake: new leads, held ones whose reason can have gone, and those that came back.

    `skip` are the leads already settled in this run.
    """
    known = {row.key: row for row in store.leads([r.key for r in records])}
    rows = [(r, known[r.key]) for r in records if r.key in known and r.key not in skip]
    returned = [row for _, row in rows if row.state in (State.CONFIRMED, State.TAKEN, State.CLOSED)]
    if returned:
        store.return_leads(lease, returned, at=now)
    back = {row.key: row for row in returned}
    work = []
    for record, row in rows:
        if row.key in back:
            work.append(Work(record, row.epoch + 1, last_person=row.person))
        elif row.state is State.WAITING:
            work.append(Work(record, row.epoch + 1, last_person=row.last_person))
        elif row.state is State.HELD and _can_go(row, record, look, lookups, now):
            work.append(Work(record, row.epoch + 1, held=True, last_person=row.last_person))
    again = frozenset(w.key for w in work if known[w.key].epoch > 0)
    return Queue(work=tuple(work), again=again, returned=frozenset(back))


def _can_go(row: LeadRow, record: Record, look: TablesLook, lookups: Lookups, now: datetime) -> bool:
    if row.reason in ALWAYS_AGAIN:
        return True
    return row.basis != basis_of(record, look.tables, now, lookups)


def gather(
    crm: CRM,
    store: Store,
    waiting: Queue,
    look: TablesLook,
    lookups: Lookups,
    *,
    now: datetime,
    fact_fields: FactFields,
    progress: Progress,
) -> Inputs:
    """Everything the plan needs, each distinct key asked of the CRM once."""
    progress("look up", 0, len(waiting.work))
    work = _with_campaigns(crm, waiting.work, fact_fields)
    inputs = Inputs(
        tables=look.tables,
        work=work,
        now=now,
        fact_fields=fact_fields,
        ledgers=store.ledgers(),
        given=store.given_since(week_start(look.tables, now)),
        lookups=lookups,
    )
    people = crm.people_by_email(emails) if (emails := needed_emails(inputs)) else {}
    accounts = crm.accounts_by_domain(domains) if (domains := needed_domains(inputs)) else {}
    progress("look up", len(work), len(work))
    return replace(inputs, lookups=replace(lookups, people=people, accounts=accounts))


def _with_campaigns(crm: CRM, work: Sequence[Work], fact_fields: FactFields) -> tuple[Work, ...]:
    """Ask for memberships only where no field before them in the list says anything."""
    need = [w for w in work if _needs_membership(w.record, fact_fields)]
    if not need:
        return tuple(work)
    found = crm.campaigns_of([w.key.source_id for w in need])
    return tuple(_add_fields(w, found.get(w.key.source_id)) for w in work)


def _needs_membership(record: Record, fact_fields: FactFields) -> bool:
    if record.unreadable:
        return False
    for paths in fact_fields.values():
        for path in paths:
            if path.startswith(MEMBERSHIP):
                return True
            if record.fields.get(path) not in (None, ""):
                break
    return False


def _add_fields(work: Work, fields: object) -> Work:
    if not isinstance(fields, dict):
        return work
    return replace(work, record=replace(work.record, fields={**work.record.fields, **fields}))


def decide(store: Store, lease: Lease, inputs: Inputs, look: TablesLook, *, now: datetime) -> Plan:
    """Decide, and commit decisions, turns, ledger and outbox in one transaction."""
    made = plan(inputs)
    store.commit_plan(lease, made, at=now, tables_version=look.version.sha256)
    return made
