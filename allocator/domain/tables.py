"""What only configuration and CRM can show about a workbook: unmapped facts, queues that go round."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from allocator.domain import renamed
from allocator.domain.lead import CrmUser
from allocator.domain.renamed import Ledgers
from rules.errors import Problem, Severity
from rules.facts import fact_key
from rules.model import RoutingTables, Row, Salesperson, Team

UNMAPPED_FACT = "T501"
INTAKE_AS_FALLBACK = "T502"
INTAKE_AS_PERSON = "T503"
UNKNOWN_USER = "T504"
INACTIVE_USER = "T505"
UNKNOWN_QUEUE = "T506"
RENAMED_TEAM = "T507"
CRM_LACKS_FIELD = "T508"
MARKETING_LACKS_FIELD = "T509"
FIELD_READ_ONLY = "T510"
KINDS_NEVER_FIT = "T511"
NO_SUCH_OPTION = "T512"
FIELD_TAKEN = "T513"

CODES = {
    UNMAPPED_FACT: "a rule reads a fact that the configuration maps to no field",
    INTAKE_AS_FALLBACK: "a team's queue is also an intake queue: its leads would come back every hour",
    INTAKE_AS_PERSON: "a salesperson is also an intake owner: their leads would come back every hour",
    UNKNOWN_USER: "a salesperson's CRM user does not exist",
    INACTIVE_USER: "a salesperson's CRM user is inactive",
    UNKNOWN_QUEUE: "a team's queue does not exist, or takes no leads",
    RENAMED_TEAM: "a team with credits has gone and one with its people is new: it may have been renamed",
    CRM_LACKS_FIELD: "sheet Fields names a field that the CRM lacks, or hides from the allocator",
    MARKETING_LACKS_FIELD: "sheet Fields names a field that the marketing system lacks, or hides",
    FIELD_READ_ONLY: "a mapped field cannot be written in the row's direction",
    KINDS_NEVER_FIT: "two mapped fields are of kinds that never fit",
    NO_SUCH_OPTION: "options of a mapped field that the other side's field does not take",
    FIELD_TAKEN: "a mapped field that the allocator needs for itself",
}


@dataclass(frozen=True, slots=True)
class Owners:
    """Who can own a lead in the CRM: its users, its queues for leads, and which of them are intake."""

    users: Mapping[str, CrmUser]
    queues: frozenset[str]
    intake: frozenset[str]


def problems_with(
    tables: RoutingTables, *, fact_names: Collection[str], intake: Collection[str]
) -> tuple[Problem, ...]:
    """Problems of severity error, by sheet. `fact_names` are the configured facts, `intake` owner ids."""
    return (
        *_unmapped_facts(tables, fact_names),
        *_round_trips(tables, intake),
        *_people_in_intake(tables, intake),
    )


def doubts_about(tables: RoutingTables, owners: Owners) -> tuple[Problem, ...]:
    """Warnings, by sheet: what the CRM knows otherwise today and may know again tomorrow."""
    doubts = _doubts(tables, owners)
    return tuple(sorted(doubts, key=lambda problem: (problem.sheet != "Teams", problem.row or 0)))


def perhaps_renamed(tables: RoutingTables, ledgers: Ledgers) -> tuple[Problem, ...]:
    """Warnings: teams that would begin at zero, where they may be ones that have credits."""
    return tuple(
        Problem(
            code=RENAMED_TEAM, severity="warning", sheet="Teams", row=_row(team.cell), column="Team",
            value=team.name, fix=f"{renamed.advice(old, team.name)}.",
            message=f"Team {old} has gone with its credits, and {team.name} is new and begins at zero.",
        )
        for old, team in renamed.perhaps_renamed(ledgers, tables)
    )  # fmt: skip


def _doubts(tables: RoutingTables, owners: Owners) -> Iterator[Problem]:
    for team in tables.teams:
        if team.queue_id and team.queue_id not in owners.queues:
            what = f"Team {team.name}: the CRM has no queue {team.queue_id} that takes leads."
            fix = "Correct the id, or ask the CRM's administrator to let the queue take leads."
            yield _about(team, UNKNOWN_QUEUE, what, fix, severity="warning")
    for rows in tables.people_by_id.values():
        person, user = rows[0], owners.users.get(rows[0].crm_user_id)
        if (user is None or not user.active) and any(row.active for row in rows):
            code, is_so = (UNKNOWN_USER, "does not exist") if user is None else (INACTIVE_USER, "is inactive")
            what = f"{person.id}: the CRM user {person.crm_user_id} {is_so}, so no lead can be given to it."
            fix = "Set Active to no, correct the id, or ask the CRM's administrator to activate the user."
            yield _about(person, code, what, fix, severity="warning")


def _about(
    row: Team | Salesperson, code: str, message: str, fix: str, *, severity: Severity = "error"
) -> Problem:
    """A problem with the CRM id in a row."""
    if isinstance(row, Team):
        sheet, column, value = "Teams", "CRM queue ID", row.queue_id or ""
    else:
        sheet, column, value = "Salespeople", "CRM user ID", row.crm_user_id
    return Problem(
        code=code, severity=severity, sheet=sheet, cell=row.cell, row=_row(row.cell), column=column,
        value=value, message=message, fix=fix,
    )  # fmt: skip


def _row(cell: str) -> int | None:
    digits = re.sub(r"[^0-9]", "", cell)
    return int(digits) if digits else None


def _unmapped_facts(tables: RoutingTables, fact_names: Collection[str]) -> Iterator[Problem]:
    known = {fact_key(name) for name in fact_names}
    for layer in sorted(tables.layers, key=lambda one: one.order):
        used = {fact: row for row in reversed(layer.rows) for fact, _ in row.conditions}
        for fact, row in sorted(used.items()):
            if fact_key(fact) not in known:
                yield _unmapped(row, fact)
        known |= {fact_key(fact) for row in layer.rows for fact, _ in row.sets}


def _unmapped(row: Row, fact: str) -> Problem:
    header = next((h for h in row.cells if fact_key(h) == fact_key(f"If {fact}")), "")
    return Problem(
        code=UNMAPPED_FACT,
        sheet=row.sheet,
        cell=row.cells.get(header, ""),
        row=row.row,
        column=header,
        rule_id=row.rule_id,
        value=fact,
        message=f"The rules read {fact}, but the configuration maps it to no field.",
        fix=f'Ask the administrator for a line {fact} = ["Field__c"] under [facts], or remove the column.',
    )


def _round_trips(tables: RoutingTables, intake: Collection[str]) -> Iterator[Problem]:
    for team in tables.teams:
        if team.queue_id and team.queue_id in intake:
            what = f"Team {team.name}: its queue is also where new leads wait, so they would come back."
            yield _about(team, INTAKE_AS_FALLBACK, what, "Name another queue in CRM queue ID.")


def _people_in_intake(tables: RoutingTables, intake: Collection[str]) -> Iterator[Problem]:
    for person in sorted({p for crm_user, p in tables.person_by_crm_user.items() if crm_user in intake}):
        row = tables.people_by_id[person][0]
        what = f"{row.name} is also one of the owners with whom new leads wait: leads would come back."
        fix = "Name another CRM user ID here, or another owner under intake in the configuration."
        yield _about(row, INTAKE_AS_PERSON, what, fix)
