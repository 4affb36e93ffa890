"""Stage decide: what this run decides, the look-ups it needs, and the one transaction that fixes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from allocator.domain.days import FOR_WANT_OF_SOMEBODY, at_caps, basis_with, counts_under_caps, day_basis
from allocator.domain.decision import Assigned
from allocator.domain.facts import FactFields, is_filled
from allocator.domain.fate import ALWAYS_AGAIN
from allocator.domain.lead import LeadKey, Reason, Record, State
from allocator.domain.pauses import Pause
from allocator.domain.plan import Inputs, Lookups, Plan, Work, needed_domains, needed_emails, plan, week_start
from allocator.domain.records import LeadRow, Lease, TablesLook
from allocator.domain.take_backs import OUT_OF_INTAKE, Ended
from allocator.ports import CRM, Progress, Store
from allocator.service.take_back import refunding

MEMBERSHIP = "CampaignMember."


@dataclass(frozen=True, slots=True)
class Queue:
    """The leads to decide in this run: which come from earlier runs, and which of those came back."""

    work: tuple[Work, ...]
    again: frozenset[LeadKey]
    returned: frozenset[LeadKey]


@dataclass(frozen=True, slots=True)
class Decider:
    """What deciding works with, all as of one instant."""

    crm: CRM
    store: Store
    lease: Lease
    look: TablesLook
    now: datetime
    fact_fields: FactFields
    pauses: Sequence[Pause] = ()

    def queue(self, records: Sequence[Record], lookups: Lookups, *, skip: frozenset[LeadKey]) -> Queue:
        """Sort what is in intake: new leads, held ones whose reason can have gone, and those that came back.

        `skip` are the leads already settled in this run. That there is nothing to decide is stored at once:
        under other tables there might have been.
        """
        known = {row.key: row for row in self.store.leads([r.key for r in records])}
        rows = [(r, known[r.key]) for r in records if r.key in known and r.key not in skip]
        returned = [row for _, row in rows if row.state in OUT_OF_INTAKE]
        if returned:
            teams = refunding(self.look.tables)
            refund = {row.key for row in returned if (row.taker_team or row.team) in teams}
            self.store.return_leads(self.lease, returned, at=self.now, refund=refund)
        today = day_basis(self.look.tables, self.now, lookups, self.pauses)
        caps = self._at_caps({row.team for _, row in rows if row.reason in FOR_WANT_OF_SOMEBODY})
        work = tuple(self._work(record, row) for record, row in rows if _is_due(record, row, today, caps))
        if not work:
            nothing = Inputs(self.look.tables, (), self.now, self.fact_fields, lookups=lookups)
            self.decide(replace(nothing, pauses=self.pauses))
        again = frozenset(w.key for w in work if known[w.key].epoch > 0)
        return Queue(work, again, frozenset(row.key for row in returned))

    def _at_caps(self, teams: Collection[str | None]) -> dict[str | None, str]:
        """For each team of a hold, what stands for who is at a cap."""
        if not teams:
            return {}
        tables = self.look.tables
        given = self.store.given_since(week_start(tables, self.now))
        taken = {team.name: counts_under_caps(team, given, self.now) for team in tables.teams}
        return {team: at_caps(tables, team, taken) for team in teams}

    def _work(self, record: Record, row: LeadRow) -> Work:
        held = row.state is State.HELD
        came_back = row.state in OUT_OF_INTAKE
        stood_back = self._stood_back(row) if row.last_person or came_back else frozenset()
        last = self._had_it_last(row) if came_back else row.last_person
        hops = row.hops + (row.state is State.CONFIRMED)
        return Work(record, row.epoch + 1, held=held, stood_back=stood_back, last=last, hops=hops)

    def _had_it_last(self, row: LeadRow) -> str | None:
        taken = row.state is State.TAKEN
        return self.look.tables.person_by_crm_user.get(row.detail) if taken else row.person

    def _stood_back(self, row: LeadRow) -> frozenset[str]:
        """Who had this lead before and gave it back, and whom the CRM refused as its owner.

        Whoever lost it by an undo has nothing against it.
        """
        people = self.look.tables.person_by_crm_user
        found = set()
        for decision in self.store.decisions(row.key):
            if decision["ended"] == Ended.UNDONE:
                continue
            if decision["state"] == State.TAKEN:
                found.add(people.get(decision["detail"]))
            elif _was_theirs(decision):
                found.add(decision["person"])
        return frozenset(person for person in found if person)

    def gather(self, work: Sequence[Work], lookups: Lookups, *, progress: Progress) -> Inputs:
        """Everything the plan needs, each distinct key asked of the CRM once."""
        progress("look up", 0, len(work))
        inputs = Inputs(
            tables=self.look.tables,
            work=self._with_campaigns(work),
            now=self.now,
            fact_fields=self.fact_fields,
            ledgers=self.store.ledgers(),
            given=self.store.given_since(week_start(self.look.tables, self.now)),
            lookups=lookups,
            pauses=self.pauses,
        )
        people = self.crm.people_by_email(emails) if (emails := needed_emails(inputs)) else {}
        accounts = self.crm.accounts_by_domain(domains) if (domains := needed_domains(inputs)) else {}
        progress("look up", len(work), len(work))
        return replace(inputs, lookups=replace(lookups, people=people, accounts=accounts))

    def _with_campaigns(self, work: Sequence[Work]) -> tuple[Work, ...]:
        """Ask for memberships only where no field before them in the list says anything."""
        own = [w for w in work if w.key.source == self.crm.name]
        need = [w.key.source_id for w in own if _needs_membership(w.record, self.fact_fields)]
        found = self.crm.campaigns_of(need) if need else {}
        if not found:
            return tuple(work)
        ours = {w.key for w in own}
        return tuple(_add_fields(w, found.get(w.key.source_id, {})) if w.key in ours else w for w in work)

    def decide(self, inputs: Inputs, ready: Sequence[Assigned] = ()) -> Plan:
        """Decide, and commit decisions, turns, ledger and outbox in one transaction.

        `ready` are decisions that nobody had to be chosen for.
        """
        made = plan(inputs)
        made = replace(made, decided=(*made.decided, *ready))
        version = self.look.version.sha256
        self.store.commit_plan(self.lease, made, at=self.now, tables_version=version)
        return made


def _was_theirs(decision: Mapping[str, Any]) -> bool:
    given = decision["state"] == State.CONFIRMED or decision["ended"] is not None
    return given or decision["reason"] == Reason.OWNER_REFUSED


def _is_due(record: Record, row: LeadRow, today: str, caps: Mapping[str | None, str]) -> bool:
    if row.state is not State.HELD:
        return row.state is not State.DECIDED
    readable_now = row.reason == Reason.UNREADABLE and not record.unreadable  # its stamp may be the old one
    basis = basis_with(today, record, caps[row.team] if row.reason in FOR_WANT_OF_SOMEBODY else "")
    return readable_now or row.reason in ALWAYS_AGAIN or row.basis != basis


def _needs_membership(record: Record, fact_fields: FactFields) -> bool:
    if record.unreadable:
        return False
    for paths in fact_fields.values():
        for path in paths:
            if path.startswith(MEMBERSHIP):
                return True
            if is_filled(record.fields.get(path)):
                break
    return False


def _add_fields(work: Work, fields: Mapping[str, object]) -> Work:
    if not fields:
        return work
    return replace(work, record=replace(work.record, fields={**work.record.fields, **fields}))
