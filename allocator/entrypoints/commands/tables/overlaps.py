"""`allocator tables overlaps RULE-ID`: rules that share leads with one rule, where their order decides."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.errors import UnknownName
from rules.fold import fold
from rules.model import RoutingTables
from rules.proof.overlaps import Overlap
from rules.proof.prove import prove
from rules.workbook import load
from rules.workbook.reach import described

EPILOG = "Example:  allocator tables overlaps T-070"
MOST = 200


def command(
    rule_id: Annotated[str, typer.Argument(metavar="RULE-ID", help="The Rule ID.")],
    file: Annotated[
        Path | None, typer.Argument(help="The workbook; the configured one when left out.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Pairs with this rule that ask about the same facts and do different things, each with a lead that both
    accept. Exit code 3 when the workbook would be refused."""
    tables = load(file or load_settings(config).workbook)
    _refuse_unknown(rule_id, tables)
    finder = prove(tables, on=clock_from().now().date()).finder
    found = list(islice(finder.of_rule(rule_id), MOST + 1))
    shown = [overlap for overlap in found[:MOST] if overlap]
    unsettled = found[:MOST].count(None)
    if as_json:
        pairs = [_as_object(overlap) for overlap in shown]
        more = len(found) > MOST
        console.emit({"rule_id": rule_id, "overlaps": pairs, "unsettled": unsettled, "more": more})
        return console.OK
    for overlap in shown:
        console.out.print(_sentence(overlap), markup=False, soft_wrap=True)
    if len(found) > MOST:
        console.out.print("and more")
    if unsettled:
        console.out.print(f"Not proven for {console.count(unsettled, 'more pair')}.")
    if not found:
        console.out.print(f"No rule's order against {rule_id} matters.", markup=False)
    return console.OK


def _refuse_unknown(rule_id: str, tables: RoutingTables) -> None:
    if all(fold(row.rule_id) != fold(rule_id) for layer in tables.layers for row in layer.rows):
        raise UnknownName(f"No active rule is called {rule_id}. Type a Rule ID of the workbook.")


def _sentence(overlap: Overlap) -> str:
    upper, lower = overlap.upper, overlap.lower
    return (
        f"{upper.sheet}: {upper.rule_id} (row {upper.row}) comes before {lower.rule_id} (row {lower.row}); "
        f"both accept a lead with {described(overlap.lead)} on {overlap.day}."
    )


def _as_object(overlap: Overlap) -> dict[str, Any]:
    upper, lower = ({"rule_id": r.rule_id, "row": r.row} for r in (overlap.upper, overlap.lower))
    lead, day = dict(overlap.lead), overlap.day.isoformat()
    return {"sheet": overlap.upper.sheet, "upper": upper, "lower": lower, "lead": lead, "day": day}
