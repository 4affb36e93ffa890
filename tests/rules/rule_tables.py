"""Tables of random rules over small domains, and every lead of these domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import product
from random import Random
from typing import Any

from rules.cells import parse_cell
from rules.condition import Condition
from rules.facts import default_facts
from rules.layers import CompiledLayer
from rules.model import Fact, FactValue, KnownValue, Layer, RoutingTables, Row, Unmapped
from rules.vocabulary import vocabulary

MONDAY = date(2026, 11, 16)
DAYS = [MONDAY + timedelta(days=n) for n in range(-3, 9)]
FACTS = (*default_facts(), Fact("size", "closed"))
VALUES = (
    *(KnownValue("campaign", code) for code in ("ab", "abb", "b", "ba", "q")),
    *(KnownValue("product", code) for code in ("CRM", "ERP", "BI")),
    *(KnownValue("size", code) for code in "SML"),
)
WORDS = vocabulary(FACTS, VALUES, {"@DACH": ("country", ["DE", "AT", "CH"])})
BY_NAME = {f.name: f for f in FACTS}

_CELLS = """
country: DE | AT | CH | @DACH | DE, AT | not DE | not @DACH | (none) | (unmapped) | not (none) | *, not DE
country: (none), CH | (unmapped), not CH
size: S | M | L | S, M | M, L | not S | not M | (none) | S, M, L | (unmapped) | *, not (none)
employees: 0..9 | 10..49 | >=50 | <10 | >9 | not 10..49 | 5 | (none) | (none), <10 | <=9 | 9..50
employees: (unmapped) | *, not 5 | 0.5..9.5 | 5..6; 8..9
created: 2026-01-01..2026-01-02 | 2026-01-03 | >=2026-01-02 | <2026-01-02 | not 2026-01-02 | (none)
campaign: ab* | a* | *b | *a* | ab | b | ba* | not a* | not *b | not ab | not ab* | a*, not *b | *, not *a*
campaign: a*b | (none) | (unmapped) | not (none) | *a*, not ab, not b*
source: a? | ?b | a?b | ?? | ? | a* | *b | not a? | not ?? | a*, not ?b | ?*? | ab | not *?b | (none)
product: CRM | ERP | CRM, BI | not CRM | *, not BI | (none) | E*
region: EMEA | APAC | E* | not EMEA | (none) | Mars | EMEA, APAC
"""
CELLS: dict[str, list[str]] = {}
for _line in _CELLS.strip().splitlines():
    CELLS.setdefault(_line.partition(": ")[0], []).extend(_line.partition(": ")[2].split(" | "))


@cache
def condition(fact: str, text: str) -> Condition:
    """A cell's meaning."""
    return parse_cell(text, BY_NAME[fact], WORDS).condition


def rule(number: int, when: Mapping[str, str], sheet: str = "Team", **given: Any) -> Row:
    """The rule of a place in Order; of team T unless told otherwise."""
    if not {"team", "owner", "hold", "sets"} & set(given):
        given["team"] = "T"
    return Row(
        layer=sheet,
        sheet=sheet,
        row=number + 2,
        rule_id=f"{sheet[0]}-{number}",
        order=Decimal(number),
        conditions=tuple((name, condition(name, text)) for name, text in when.items()),
        cells={"Order": f"B{number + 2}"},
        texts={f"If {name}": text for name, text in when.items()},
        **given,
    )


def rules(*cells: Mapping[str, str]) -> list[Row]:
    """A rule for each, each with a team of its own."""
    return [rule(number, when, team=f"Team {number}") for number, when in enumerate(cells)]


def tables_of(*sheets: Sequence[Row], when: Sequence[str] = ()) -> RoutingTables:
    """Tables with a layer for each list of rows; all but the last continue unless `when` says otherwise."""
    when = when or ["continue"] * (len(sheets) - 1) + ["hold"]
    layers = []
    for number, (rows, otherwise) in enumerate(zip(sheets, when, strict=True)):
        name = rows[0].sheet if rows else f"Empty {number}"
        layers.append(Layer(name, name, Decimal(number), otherwise, tuple(rows)))  # type: ignore[arg-type]
    return RoutingTables("v", {}, FACTS, VALUES, {}, tuple(layers), ())


def some_rules(
    random: Random, facts: Sequence[str], count: int, *, wild: float, dated: float = 0
) -> list[Row]:
    """Random rules with cells of these facts, some of them for a time only."""
    found = []
    for number in range(count):
        when = {fact: random.choice(CELLS[fact]) for fact in facts if random.random() > wild}
        row = rule(number, when, team=random.choice("ABC"))
        if random.random() < dated:
            first, last = sorted(random.sample(DAYS, 2))
            begin, end = random.choice([(first, None), (None, last), (first, last)])
            row = replace(row, from_=begin, until=end)
        found.append(row)
    return found


@cache
def texts(longest: int) -> tuple[str, ...]:
    """Every text of three letters, one of which no cell names."""
    return tuple("".join(t) for n in range(1, longest + 1) for t in product("abz", repeat=n))


@cache
def domain(fact: str) -> tuple[FactValue, ...]:
    """Every value that a fact has in a small world, also none and one that nobody can read."""
    every: dict[str, Sequence[FactValue]] = {
        "country": ("DE", "AT", "CH", "FR"),
        "size": ("S", "M", "L"),
        "employees": tuple(Decimal(n) / 4 for n in range(-4, 208)),
        "created": tuple(date(2025, 12, 31) + timedelta(days=n) for n in range(6)),
        "campaign": texts(5),
        "source": texts(5),
        "product": ("CRM", "ERP", "BI", "Else"),
    }
    return (*every[fact], None, Unmapped("what"))


def holding(
    layer: CompiledLayer, days: Sequence[date], closed: Mapping[str, Sequence[FactValue]]
) -> Iterator[int]:
    """For every lead of the small world, the rows that hold for it: each set of rows once. `closed` gives
    the values of facts that rules set."""
    found = {sum(1 << n for n, row in enumerate(layer.rows) if _in_force(row, day)) for day in days}
    for name in sorted({name for row in layer.rows for name, _ in row.conditions}):
        values = closed.get(name) or domain(name)
        accepted = {_accepting(layer.rows, name, value) for value in values}
        found = {a & b for a in found for b in accepted}
    yield from found


def _in_force(row: Row, day: date) -> bool:
    return (row.from_ or day) <= day <= (row.until or day)


def _accepting(rows: Sequence[Row], name: str, value: FactValue) -> int:
    """The rows whose cell of a fact accepts a value, read one by one."""
    return sum(
        1 << n
        for n, row in enumerate(rows)
        if all(meaning.matches(value) for fact, meaning in row.conditions if fact == name)
    )
