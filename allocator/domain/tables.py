"""What only configuration and CRM can show about a workbook: unmapped facts, queues that go round."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rules.errors import Problem
from rules.facts import fact_key
from rules.model import RoutingTables, Row

UNMAPPED_FACT = "T501"
INTAKE_AS_FALLBACK = "T502"
INTAKE_AS_PERSON = "T503"

CODES = {
    UNMAPPED_FACT: "a rule reads a fact that the configuration maps to no field",
    INTAKE_AS_FALLBACK: "a team's queue is also an intake queue: its leads would come back every hour",
    INTAKE_AS_PERSON: "a salesperson is also an intake owner: their leads would come back every hour",
}


def problems_with(
    tables: RoutingTables, *, fact_names: Collection[str], intake: Collection[str]
) -> tuple[Problem, ...]:
    """Problems of severity error, by sheet. `fact_names` are the configured facts, `intake` owner ids."""
    return (
        *_unmapped_facts(tables, fact_names),
        *_round_trips(tables, intake),
        *_people_in_intake(tables, intake),
    )


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
            yield Problem(
                code=INTAKE_AS_FALLBACK,
                sheet="Teams",
                column="CRM queue ID",
                value=team.queue_id,
                message=f"Team {team.name}: its queue is also where new leads wait, so they would come back.",
                fix="Name another queue in CRM queue ID.",
            )


def _people_in_intake(tables: RoutingTables, intake: Collection[str]) -> Iterator[Problem]:
    for person in sorted({p for crm_user, p in tables.person_by_crm_user.items() if crm_user in intake}):
        row = tables.people_by_id[person][0]
        yield Problem(
            code=INTAKE_AS_PERSON,
            sheet="Salespeople",
            column="CRM user ID",
            value=row.crm_user_id,
            message=f"{row.name} is also one of the owners with whom new leads wait: leads would come back.",
            fix="Name another CRM user ID here, or another owner under intake in the configuration.",
        )
