"""Tables of random rules over small domains, and what a plain search through every lead says about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import product
from random import Random

from rules.cells import parse_cell
from rules.condition import Condition
from rules.facts import default_facts
from rules.layers import CompiledLayer
from rules.model import Fact, FactValue, KnownValue, Layer, RoutingTables, Row, Unmapped
from rules.vocabulary import vocabulary

MONDAY = date(2026, 11, 16)
FACTS = (*default_facts(), Fact("size", "closed"), Fact("score", "number"))
VALUES = (
    *(KnownValue("size", code) for code in "SML"),
    *(KnownValue("product", code) for code in ("CRM", "ERP", "BI")),
)
WORDS = vocabulary(FACTS, VALUES, {"@DACH": ("country", ["DE", "AT", "CH"])})
BY_NAME = {f.name: f for f in FACTS}
UNREAD = Unmapped("what is this")
DAYS = [MONDAY + timedelta(days=n) for n in range(-3, 8)]

CELLS: Mapping[str, Sequence[str]] = {
    "country": ["DE", "AT", "CH", "@DACH", "DE, AT", "not DE", "not @DACH", "(none)", "(unmapped)", "not (none)",
                "*, not DE", "(none), CH", "(unmapped), not CH"],
    "size": ["S", "M", "L", "S, M", "M, L", "not S", "not M", "(none)", "S, M, L", "(unmapped)", "*, not (none)"],
    "employees": ["0..9", "10..49", ">=50", "<10", ">9", "not 10..49", "5", "(none)", "(none), <10", "<=9", "9..50",
                  "(unmapped)", "*, not 5", "0.5..9.5", "5..6; 8..9"],
    "created": ["2026-01-01..2026-01-02", "2026-01-03", ">=2026-01-02", "<2026-01-02", "not 2026-01-02", "(none)"],
    "campaign": ["ab*", "a*", "*b", "*a*", "ab", "b", "ba*", "not a*", "not *b", "not ab", "not ab*", "a*, not *b",
                 "*, not *a*", "a*b", "(none)", "(unmapped)", "not (none)", "*a*, not ab, not b*"],
    "source": ["a?", "?b", "a?b", "??", "?", "a*", "*b", "not a?", "not ??", "a*, not ?b", "?*?", "ab", "not *?b", "(none)"],
    "region": ["EMEA", "APAC", "E*", "not EMEA", "(none)", "Mars", "EMEA, APAC"],
}  # fmt: skip


@cache
def condition(fact: str, text: str) -> Condition:
    """A cell's meaning."""
    return parse_cell(text, BY_NAME[fact], WORDS).condition


def rule(number: int, when: Mapping[str, str], sheet: str = "Team", **given: object) -> Row:
    """A rule of team "T" unless told otherwise."""
    if not {"team", "owner", "hold", "sets"} & set(given):
        given["team"] = "T"
    return Row(
        layer=sheet,
        sheet=sheet,
        row=number + 2,
        rule_id=f"{sheet[0]}-{number}",
        order=Decimal(number),
        conditions=tuple((name, condition(name, text)) for name, text in when.items()),
        cells={f"If {name}": f"{chr(68 + n)}{number + 2}" for n, name in enumerate(when)} | {"Order": f"B{number + 2}"},
        texts={f"If {name}": text for name, text in when.items()},
        **given,  # type: ignore[arg-type]
    )  # fmt: skip


def tables_of(*sheets: Sequence[Row], last: str = "hold", values: Sequence[KnownValue] = VALUES) -> RoutingTables:
    """Tables with a layer for each list of rows; all but the last continue."""
    layers = []
    for number, rows in enumerate(sheets):
        name = rows[0].sheet if rows else f"Empty {number}"
        when = last if number == len(sheets) - 1 else "continue"
        layers.append(Layer(name, name, Decimal(number), when, tuple(rows)))  # type: ignore[arg-type]
    return RoutingTables("v", {}, FACTS, tuple(values), {}, tuple(layers), ())


def some_rules(random: Random, facts: Sequence[str], count: int, *, wild: float, dated: float = 0.0) -> list[Row]:
    """Random rules with cells of these facts."""
    rows = []
    for number in range(count):
        when = {f: random.choice(CELLS[f]) for f in facts if random.random() > wild}
        row = rule(number, when, team=random.choice("ABC"))
        if random.random() < dated:
            first, last = sorted(random.sample(DAYS, 2))
            row = replace(
                row,
                from_=first if random.random() < 0.6 else None,
                until=last if random.random() < 0.6 else None,
            )
        rows.append(row)
    return rows


@cache
def texts(longest: int = 5) -> tuple[str, ...]:
    """Every text of few letters, one of which no cell names."""
    return tuple("".join(t) for n in range(1, longest + 1) for t in product("abz", repeat=n))


@cache
def domain(fact: str) -> tuple[FactValue, ...]:
    """Every value that leads of the small domain have."""
    every: dict[str, Sequence[FactValue]] = {
        "country": ("DE", "AT", "CH", "FR"),
        "size": ("S", "M", "L"),
        "employees": tuple(Decimal(n) / 4 for n in range(-4, 220)),
        "created": tuple(date(2025, 12, 31) + timedelta(days=n) for n in range(6)),
        "campaign": texts(),
        "source": texts(),
        "region": ("EMEA", "APAC", "Mars", "Moon"),
    }
    return (*every[fact], None, UNREAD)


def all_sets(layer: CompiledLayer, days: Sequence[date], domains: Mapping[str, Sequence[FactValue]]) -> Iterator[int]:
    """For leads of every kind, the rows that hold."""
    found = {layer.days.bits(day) for day in days}
    for column in layer.columns:
        values = domains.get(column.fact.name) or domain(column.fact.name)
        bits = {
            sum(1 << n for n, row in enumerate(layer.rows) if dict(row.conditions)[column.fact.name].matches(value)
                ) if all(column.fact.name in dict(row.conditions) for row in layer.rows) else _rows(layer, column.fact.name, value)
            for value in values
        }
        found = {a & b for a in found for b in bits}
    yield from found


def _rows(layer: CompiledLayer, name: str, value: FactValue) -> int:
    return sum(1 << n for n, row in enumerate(layer.rows) if all(c.matches(value) for f, c in row.conditions if f == name))
