"""Sheet Layers, and the sheets of rules that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from rules.fold import fold
from rules.model import Fact, Layer, Row
from rules.vocabulary import fact_key
from rules.workbook import fields
from rules.workbook.catalogue import find_fact, unknown_fact
from rules.workbook.read import RawSheet
from rules.workbook.report import Report
from rules.workbook.rule_rows import Context, RuleReader
from rules.workbook.sheets import Cell, Line, Spec, Table, read_table
from rules.workbook.text import nearest

LAYERS: Final = Spec(required=("Order", "Layer", "Sheet", "When nothing matches"), optional=("Note",))
RULES: Final = Spec(
    required=("Active", "Order", "Rule ID"), optional=("From", "Until", "Note"), free=("If", "Then")
)
_WHEN: Final[dict[str, str]] = {"continue": "continue", "hold": "hold"}
DECIDING: Final = ("team", "owner", "hold")
NEEDS: Final = ("language", "tags")
"""What the taker of a lead must have: set by `Then`, though a lead may bring a language of its own."""


@dataclass(frozen=True, slots=True)
class Head:
    """One row of sheet Layers and the sheet it names."""

    order: Decimal
    name: str
    when_nothing_matches: Literal["continue", "hold"]
    table: Table


def read_heads(table: Table | None, sheets: Mapping[str, RawSheet], report: Report) -> tuple[Head, ...]:
    """The layers in their order. `sheets` are those a layer may be, by their folded title."""
    heads: list[Head] = []
    seen: dict[tuple[str, str], Line] = {}
    for line in table.lines if table else ():
        order = _order(line["Order"], report)
        name = fields.text(line["Layer"], report, required=True)
        when = fields.choice(line["When nothing matches"], _WHEN, report)
        raw = _sheet(line["Sheet"], sheets, report)
        if _repeated(line, order, seen, report) or order is None or raw is None:
            continue
        rules = read_table(raw, RULES, report)
        heads.append(Head(order, name, "hold" if when == "hold" else "continue", rules))
    return tuple(sorted(heads, key=lambda head: head.order))


def _order(cell: Cell, report: Report) -> Decimal | None:
    if cell.broken:
        return None
    if cell.blank:
        fields.missing(cell, report)
        return None
    number = fields.decimal(cell)
    if number is None:
        message = f'Order "{cell.text}" is not a number.'
        report.error("T308", cell.place, message, "type a number; 12.5 fits between 12 and 13")
    return number


def _sheet(cell: Cell, sheets: Mapping[str, RawSheet], report: Report) -> RawSheet | None:
    typed = fields.text(cell, report, required=True)
    if not typed or fold(typed) in sheets:
        return sheets.get(fold(typed))
    meant = nearest(typed, (s.title for s in sheets.values()))
    report.error(
        "T111",
        cell.place,
        f'There is no sheet "{typed}" with the rules of this layer.',
        f"type {meant}, or add the sheet" if meant else "add the sheet, or delete this row",
        suggestion=meant,
    )
    return None


def _repeated(line: Line, order: Decimal | None, seen: dict[tuple[str, str], Line], report: Report) -> bool:
    repeated = False
    values = (
        ("Order", str(order or ""), "T303"),
        ("Layer", line["Layer"].text, "T111"),
        ("Sheet", line["Sheet"].text, "T111"),
    )
    for column, text, code in values:
        first = seen.setdefault((column, fold(text)), line)
        if text and first is not line:
            report.error(
                code,
                line[column].place,
                f'{column} "{text}" already stands in row {first.row}.',
                f"give each layer its own {column}",
            )
            repeated = True
    return repeated


def read_layers(heads: tuple[Head, ...], context: Context, report: Report) -> tuple[Layer, ...]:
    """Every layer with its rules by Order; rules that are not active are left out."""
    set_by = facts_set(heads)
    reader = RuleReader(context, report)
    layers = tuple(_layer(number, head, set_by, reader, context, report) for number, head in enumerate(heads))
    reader.report_doubts()
    return layers


def facts_set(heads: tuple[Head, ...]) -> dict[str, int]:
    """Fact name -> number of the first layer that sets it."""
    found: dict[str, int] = {}
    for number, head in enumerate(heads):
        for name in head.table.headers:
            start, _, rest = name.partition(" ")
            if start == "Then" and fold(rest) not in (*DECIDING, *NEEDS):
                found.setdefault(fact_key(rest), number)
    return found


def _layer(
    number: int,
    head: Head,
    set_by: Mapping[str, int],
    reader: RuleReader,
    context: Context,
    report: Report,
) -> Layer:
    table = head.table
    columns = _conditions(number, table, set_by, context, report)
    targets = _targets(table, context, report)
    rows: list[Row] = []
    orders: dict[Decimal, Line] = {}
    for line in table.lines:
        reader.check_id(line)
        if not fields.yes_or_no(line["Active"], report):
            continue
        order = _order(line["Order"], report)
        if order is not None:
            _check_order(order, line, orders, report)
        row = reader.read(head.name, line, order or Decimal(0), columns, targets)
        if row:
            rows.append(row)
    if not rows and table.lines and not report.refused and table.headers:
        message = f"Layer {head.name} has no active rule."
        report.warn("T309", table.headers["Active"], message, "add a rule, or delete the layer's row")
    _warn_sequence(table, orders, report)
    by_order = sorted(rows, key=lambda row: row.order)
    return Layer(head.name, table.title, head.order, head.when_nothing_matches, tuple(by_order))


def _check_order(order: Decimal, line: Line, orders: dict[Decimal, Line], report: Report) -> None:
    first = orders.setdefault(order, line)
    if first is not line:
        report.error(
            "T303",
            line["Order"].place,
            f"Order {order} already stands in row {first.row}.",
            f"give it another number; {int(order) + Decimal('0.5')} fits behind it"
            if order == order.to_integral_value()
            else "give it another number",
        )


def _warn_sequence(table: Table, orders: Mapping[Decimal, Line], report: Report) -> None:
    highest = None
    for order, line in sorted(orders.items(), key=lambda item: item[1].row):
        if highest is not None and order < highest:
            report.warn(
                "T312",
                line["Order"].place,
                f"Order {order} stands below {highest}: rules are tried by Order, not from top to bottom.",
                f"sort sheet {table.title} by Order",
            )
            return
        highest = order


def _conditions(
    number: int, table: Table, set_by: Mapping[str, int], context: Context, report: Report
) -> dict[str, Fact]:
    """Header -> fact, for each `If` column that can be read."""
    columns: dict[str, Fact] = {}
    for header, place in table.headers.items():
        start, _, rest = header.partition(" ")
        if start != "If":
            continue
        fact = find_fact(rest, context.facts)
        if fact is None:
            unknown_fact(Cell(place), rest, context.facts, report)
        elif fact_key(fact.name) not in context.lead_facts and set_by.get(fact_key(fact.name), -1) >= number:
            message = f"{header} reads {fact.name}, which no earlier layer sets."
            report.error("T304", place, message, "move the column to a later layer, or set the fact earlier")
        else:
            columns[header] = fact
    return columns


def _targets(table: Table, context: Context, report: Report) -> dict[str, str]:
    """Header -> what a `Then` column sets: team, owner, hold, or the name of a fact."""
    targets: dict[str, str] = {}
    for header, place in table.headers.items():
        start, _, rest = header.partition(" ")
        if start != "Then":
            continue
        word = fold(rest)
        known = find_fact(rest, context.facts)
        name = word if word in (*DECIDING, *NEEDS) else (known.name if known else fact_key(rest))
        if fact_key(name) in context.fixed_facts and name not in NEEDS:
            message = f"{header} would change {name}, which the lead itself brings."
            report.error("T305", place, message, f"set a fact of another name, such as Then Routed {rest}")
        else:
            targets[header] = name
    return targets
