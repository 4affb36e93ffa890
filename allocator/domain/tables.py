"""What only configuration and CRM can show about a workbook: unmapped facts, queues that go round."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rules.errors import Problem
from rules.model import RoutingTables, Row

UNMAPPED_FACT = "T401"
INTAKE_AS_FALLBACK = "T402"

CODES = {
    UNMAPPED_FACT: "a rule reads a fact that the configuration maps to no field",
    INTAKE_AS_FALLBACK: "a team's queue is also an intake queue: its leads would come back every hour",
}


def problems_with(
    tables: RoutingTables, *, fact_names: Collection[str], intake: Collection[str]
) -> tuple[Problem, ...]:
    """Problems of severity error, by sheet. `fact_names` are the configured facts, `intake` owner ids."""
    return (*_unmapped_facts(tables, fact_names), *_round_trips(tables, intake))


def _unmapped_facts(tables: RoutingTables, fact_names: Collection[str]) -> Iterator[Problem]:
    known = {_plain(name) for name in fact_names}
    for layer in tables.layers:
        used = {fact: row for row in reversed(layer.rows) for fact, _ in row.conditions}
        for fact, row in sorted(used.items()):
            if _plain(fact) not in known:
                yield _unmapped(row, fact)
        known |= {_plain(fact) for row in layer.rows for fact, _ in row.sets}


def _unmapped(row: Row, fact: str) -> Problem:
    header = next((h for h in row.cells if _plain(h) == _plain(f"If {fact}")), "")
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


def _plain(text: str) -> str:
    return text.casefold().replace("_", "").replace(" ", "")
