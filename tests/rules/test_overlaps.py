"""Overlaps: exactly the pairs whose order decides for some lead, each with such a lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from random import Random

import pytest
from rule_tables import CELLS, MONDAY, rule, rules, some_rules, tables_of

from rules.condition import Condition
from rules.facts import normalise
from rules.layers import compiled, decide
from rules.model import FactValue, RoutingTables, Row
from rules.proof.overlaps import Overlap, Overlaps
from rules.proof.prove import prove

LEADS: Mapping[str, Sequence[object]] = {
    "country": ("DE", "AT", "CH", "FR", None, "Genmany"),
    "size": ("S", "M", "L", None, "huge"),
    "employees": (None, "many", -1, 0, 0.5, 1, 5, 5.5, 6, 7, 8, 9, 9.5, 9.75, 10, 20, 49, 49.5, 50, 51),
}
Names = set[tuple[str, str]]


def overlaps(*sheets: Sequence[Row], most: int = 10_000) -> Overlaps:
    return prove(tables_of(*sheets), on=MONDAY).finder.first(most)


def named(found: Overlaps, sheet: str = "Team") -> Names:
    return {(each.upper.rule_id, each.lower.rule_id) for each in found.shown if each.upper.sheet == sheet}


def random_sheets(seed: int) -> list[list[Row]]:
    """One sheet, or one that sets regions for a second one."""
    random = Random(seed)
    facts = random.sample(sorted(LEADS), 2)
    sheets = []
    if random.random() < 0.4:
        cells = [
            {f: random.choice(CELLS[f]) for f in ("country", "size")} for _ in range(random.randint(1, 5))
        ]
        sets = [(("region", random.choice(["EMEA", "APAC"])),) for _ in cells]
        sheets.append([rule(n, when, "Area", sets=sets[n]) for n, when in enumerate(cells)])
        facts = [facts[0], "region"]
    size, wild, dated = random.randint(2, 12), random.choice([0.1, 0.4]), random.choice([0, 0, 0.3])
    return [*sheets, some_rules(random, facts, size, wild=wild, dated=dated)]


def facts_at(tables: RoutingTables, lead: Mapping[str, object], day: date) -> dict[str, FactValue]:
    """A lead's facts when it comes to the last layer."""
    facts = normalise(tables, lead)
    for layer in compiled(tables)[:-1]:
        if found := layer.find(facts, day):
            facts.update(found.sets)
    return facts


def every_lead(tables: RoutingTables) -> Iterator[tuple[dict[str, FactValue], date]]:
    rows = [row for layer in tables.layers for row in layer.rows]
    read = sorted({name for row in rows for name, _ in row.conditions} - {"region"})
    is_dated = any(row.from_ or row.until for row in rows)
    for day in [MONDAY + timedelta(days=n) for n in range(10 if is_dated else 1)]:
        for values in product(*(LEADS[name] for name in read)):
            yield facts_at(tables, dict(zip(read, values, strict=True)), day), day


def conditioned(row: Row) -> dict[str, Condition]:
    return {name: meaning for name, meaning in row.conditions if not meaning.is_any}


def accepts(row: Row, facts: Mapping[str, FactValue], day: date) -> bool:
    in_force = (row.from_ or day) <= day <= (row.until or day)
    return in_force and all(meaning.matches(facts.get(name)) for name, meaning in row.conditions)


def wanted(tables: RoutingTables) -> Names:
    """The pairs as they are defined, found lead by lead. A row lies inside another when each of its cells
    does, by itself; and a row that no lead reaches is in no pair."""
    proof = prove(tables, on=MONDAY)
    space, live = proof.spaces[-1], proof.reaches[-1].live
    rows = compiled(tables)[-1].rows
    together: set[tuple[int, int]] = set()
    for facts, day in every_lead(tables):
        held = [n for n, row in enumerate(rows) if accepts(row, facts, day)]
        together |= {(held[0], n) for n in held[1:]}

    def is_inside(one: int, other: int) -> bool:
        return all(set(axis.of_row(one)) <= set(axis.of_row(other)) for axis in space.axes)

    def columns(row: int) -> set[str]:
        return {axis.name for axis in space.axes if axis.name and not axis.is_any(row)}

    return {
        (rows[a].rule_id, rows[b].rule_id)
        for a, b in together
        if live >> b & 1
        and rows[a].team != rows[b].team
        and columns(a) == columns(b)
        and not is_inside(a, b)
        and not is_inside(b, a)
    }


@pytest.mark.parametrize("start", range(0, 120, 40))
def test_exactly_the_pairs_whose_order_decides_are_named(start: int) -> None:
    for seed in range(start, start + 40):
        sheets = random_sheets(seed)
        assert named(overlaps(*sheets)) == wanted(tables_of(*sheets)), seed


def test_each_example_is_given_to_the_upper_rule_and_accepted_by_the_lower() -> None:
    shown = 0
    for seed in range(200, 320):
        sheets = random_sheets(seed)
        tables = tables_of(*sheets)
        for each in overlaps(*sheets).shown:
            steps = decide(tables, each.lead, on=each.day).steps
            assert each.upper.rule_id in {s.rule_id for s in steps}
            if each.lower.sheet == "Team":
                assert accepts(each.lower, facts_at(tables, each.lead, each.day), each.day)
            shown += 1
    assert shown > 30


CROSSING = ({"country": "DE, AT", "size": "S"}, {"country": "AT, CH", "size": "S, M"})


def test_two_rules_that_cross_are_named_with_a_lead_of_both() -> None:
    (found,) = overlaps(rules(*CROSSING)).shown
    assert dict(found.lead) == {"country": "AT", "size": "S"} and found.day == MONDAY


@pytest.mark.parametrize(
    "cells",
    [
        [{"country": "DE", "size": "S"}, {"country": "@DACH", "size": "S, M"}],
        [{"country": "DE"}, {"size": "S"}],
        [{"country": "DE, AT"}, {"country": "CH, FR"}],
        [{"country": "AT"}, *CROSSING],
    ],
    ids=["an exception", "other columns", "nothing shared", "taken by a rule above"],
)
def test_pairs_that_are_harmless_are_not_named(cells: list[Mapping[str, str]]) -> None:
    assert overlaps(rules(*cells)).shown == ()


def test_rules_with_one_result_do_not_overlap() -> None:
    upper, lower = rules(*CROSSING)
    assert overlaps([upper, replace(lower, team=upper.team)]).shown == ()


def test_rules_that_are_never_in_force_together_do_not_overlap() -> None:
    upper, lower = rules(*CROSSING)
    ended = replace(upper, until=MONDAY + timedelta(days=3))
    assert overlaps([ended, replace(lower, from_=MONDAY + timedelta(days=4))]).shown == ()
    (found,) = overlaps([ended, replace(lower, from_=MONDAY + timedelta(days=3))]).shown
    assert found.day == MONDAY + timedelta(days=3)


def test_an_example_walks_through_the_sheets_before() -> None:
    area = [
        rule(0, {"campaign": "ab*", "country": "not DE"}, "Area", sets=(("region", "EMEA"),)),
        rule(1, {"country": "DE"}, "Area", sets=(("region", "APAC"), ("lane", "hot"))),
    ]
    crossing = rules({"region": "EMEA", "size": "S, M"}, {"region": "not APAC", "size": "M, L"})
    crossing[1] = replace(
        crossing[1], conditions=rule(9, {"region": "EMEA, Mars", "size": "M, L"}).conditions
    )
    (found,) = overlaps(area, crossing).shown
    assert found.lead["size"] == "M" and found.lead["campaign"].startswith("ab")


def test_rules_for_regions_that_never_come_are_no_pair() -> None:
    area = [rule(0, {}, "Area", sets=(("region", "EMEA"),)), rule(1, {}, "Area", sets=(("region", "APAC"),))]
    assert (
        overlaps(area, rules({"region": "APAC", "size": "S, M"}, {"region": "APAC", "size": "M, L"})).shown
        == ()
    )


def test_the_rest_is_counted_by_the_columns_they_ask_about() -> None:
    cells = [{"employees": f"{n}..{n + 100}"} for n in range(30)]
    found = overlaps(rules(*cells), most=20)
    assert len(found.shown) == 20 and found.counted
    assert dict(found.more) == {(0, ("employees",)): 30 * 29 // 2 - 20}


def test_all_pairs_of_one_rule_can_be_listed() -> None:
    cells = [{"employees": f"{n}..{n + 100}"} for n in range(30)]
    finder = prove(tables_of(rules(*cells)), on=MONDAY).finder
    pairs = [
        (each.upper.rule_id, each.lower.rule_id)
        for each in finder.of_rule("t-10")
        if isinstance(each, Overlap)
    ]
    assert sorted(pairs) == sorted(
        [(f"T-{n}", "T-10") for n in range(10)] + [("T-10", f"T-{n}") for n in range(11, 30)]
    )
