"""Rows out of reach: exactly those that no lead reaches, each with the rows that take its leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations, product
from random import Random

import pytest
from rule_tables import MONDAY, holding, rule, rules, some_rules, tables_of

from rules.layers import compiled
from rules.model import FactValue, Row
from rules.proof.cover import Budget
from rules.proof.possible import sources
from rules.proof.regions import space_of
from rules.proof.unreachable import Reach, reach

TODAY_ON = [MONDAY + timedelta(days=n) for n in range(10)]
WORLDS = [
    ["country", "size", "employees"],
    ["campaign", "size"],
    ["source", "size"],
    ["campaign", "country"],
    ["employees", "created", "size"],
    ["campaign", "source"],
]


def reached(*sheets: Sequence[Row], budget: Budget | None = None) -> Reach:
    """What is known of the last sheet's rows."""
    tables = tables_of(*sheets)
    space = space_of(compiled(tables)[-1], sources(tables)[-1], MONDAY)
    return reach(space, budget or Budget())


def dead(*sheets: Sequence[Row]) -> dict[int, tuple[int, ...]]:
    """Row -> the rows named, by their place in Order."""
    found = reached(*sheets)
    assert not found.unproven
    return {each.row: each.by for each in found.unreachable}


def missed(rows: Sequence[Row], closed: Mapping[str, Sequence[FactValue]]) -> set[int]:
    """The rows that no lead of the small world reaches, found lead by lead."""
    hit = 0
    for held in holding(compiled(tables_of(rows))[0], TODAY_ON, closed):
        hit |= held & -held
    return {n for n in range(len(rows)) if not hit >> n & 1}


def in_time(rows: Sequence[Row]) -> set[int]:
    return {n for n, row in enumerate(rows) if row.until is None or row.until >= MONDAY}


def random_rules(seed: int) -> list[Row]:
    random = Random(seed)
    size, wild, dated = random.randint(2, 16), random.choice([0.1, 0.3, 0.5]), random.choice([0, 0, 0.4])
    return some_rules(random, random.choice(WORLDS), size, wild=wild, dated=dated)


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_exactly_the_rows_that_no_lead_reaches_are_found(start: int) -> None:
    for seed in range(start, start + 100):
        rows = random_rules(seed)
        assert set(dead(rows)) == missed(rows, {}) & in_time(rows), seed


def test_the_rows_named_take_all_leads_and_none_of_them_can_be_left_out() -> None:
    together = 0
    for seed in range(80):
        rows = some_rules(Random(seed), ["country", "size"], 14, wild=0.2, dated=0.2)
        for row, by in dead(rows).items():
            for left_out in (None, *by) if len(by) > 1 else (None,):
                some = [replace(rows[n], order=Decimal(n)) for n in (*by, row) if n != left_out]
                assert (len(some) - 1 in missed(some, {})) == (left_out is None), seed
            together += len(by) > 1
    assert together > 40


def test_facts_that_only_rows_set_have_the_values_that_rows_set_or_none() -> None:
    for seed in range(120):
        random = Random(seed)
        values = random.sample(["EMEA", "APAC", "Mars"], random.randint(1, 3))
        setting = [rule(n, {"size": "SML"[n]}, "Area", sets=(("region", v),)) for n, v in enumerate(values)]
        rows = some_rules(random, ["region", "country"], random.randint(2, 10), wild=0.2)
        assert set(dead(setting, rows)) == missed(rows, {"region": [*values, None]}), seed


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ([{"country": "DE"}, {"country": "DE", "size": "S"}], (0,)),
        ([{"country": "DE, AT"}, {"country": "CH"}, {"country": "@DACH"}], (0, 1)),
        ([{"country": "not DE"}, {"country": "DE"}, {"country": "not (none)"}], (0, 1)),
        ([{"employees": "<10"}, {"employees": ">=10"}, {"employees": "5..50"}], (0, 1)),
        ([{"employees": "<=10"}, {"employees": ">=10"}, {"employees": "5..50"}], (0, 1)),
        ([{"campaign": "a*"}, {"campaign": "not a*"}, {"campaign": "*b*"}], (0, 1)),
        ([{"campaign": "not *b"}, {"campaign": "a*b"}, {"campaign": "a*"}], (0, 1)),
        ([{"campaign": "a*"}, {"campaign": "*ab*, not *aba*"}, {"campaign": "ab*, not *b"}], (0,)),
        ([{"source": "??"}, {"source": "?"}, {"source": "???*"}, {"source": "not (none)"}], (0, 1, 2)),
        ([{"size": "S"}, {"size": "M"}, {"size": "L"}, {"size": "not (none)"}], (0, 1, 2)),
        ([{"size": "not S", "country": "DE"}, {"size": "S"}, {"size": "S, M", "country": "DE"}], (0, 1)),
    ],
)
def test_cells_of_every_kind_take_leads_together(
    cells: list[Mapping[str, str]], named: tuple[int, ...]
) -> None:
    assert dead(rules(*cells)) == {len(cells) - 1: named}


@pytest.mark.parametrize(
    "cells",
    [
        [{"employees": "0..9"}, {"employees": "10..49"}, {"employees": "0..49"}],
        [{"campaign": "a*"}, {"campaign": "*b"}, {"campaign": "*ab*"}],
        [{"source": "??"}, {"source": "???*"}, {"source": "not (none)"}],
        [{"size": "S"}, {"size": "M"}, {"size": "S, M", "country": "DE"}, {"size": "L"}][1:],
        [{"country": "not (none)"}, {"country": "(none)"}, {}],
        [{"campaign": "not a*"}, {"campaign": "a*, not *b"}, {"campaign": "*b"}],
    ],
)
def test_a_row_with_one_lead_left_is_not_named(cells: list[Mapping[str, str]]) -> None:
    assert dead(rules(*cells)) == {}


def test_a_row_takes_nothing_outside_its_days() -> None:
    first, second, third = rules({"country": "DE"}, {"country": "DE"}, {"country": "DE", "size": "S"})
    until = MONDAY + timedelta(days=3)
    early, late = replace(first, until=until), replace(second, from_=until + timedelta(days=1))
    assert dead([early, late, third]) == {2: (0, 1)}
    assert dead([early, replace(second, from_=until + timedelta(days=2)), third]) == {}
    assert dead([replace(first, until=MONDAY - timedelta(days=1)), third]) == {}


def test_a_row_that_is_over_is_left_to_another_warning() -> None:
    rows = rules({}, {"country": "DE"})
    assert dead([rows[0], replace(rows[1], until=MONDAY - timedelta(days=1))]) == {}


def test_a_row_that_asks_for_what_nothing_sets_is_out_of_reach_without_any_row_above() -> None:
    setting = [rule(0, {}, "Area", sets=(("region", "EMEA"),))]
    (found,) = reached(setting, rules({"region": "Mars"}, {"region": "E*"}, {"region": "(none)"})).unreachable
    assert (found.row, found.by, found.impossible) == (0, (), "region")


def test_rows_out_of_reach_are_not_named_as_the_reason() -> None:
    assert dead(rules({"country": "@DACH"}, {"country": "DE"}, {"country": "DE", "size": "S"})) == {
        1: (0,),
        2: (0,),
    }


# -- the effort ---


def pigeons(holes: int) -> list[Row]:
    """One pigeon more than holes: two of them always share one, so the last row is out of reach. To see it
    takes long."""
    facts = ["campaign", "product", "source", "industry", "state", "city", "postcode", "company", "segment"]
    names = "ABCDEFGH"[:holes]
    pairs = combinations(facts[: holes + 1], 2)
    sharing: list[Mapping[str, str]] = [{a: hole, b: hole} for a, b in pairs for hole in names]
    return rules(*sharing, dict.fromkeys(facts[: holes + 1], ", ".join(names)))


def grid(facts: Sequence[str], values: str) -> list[Row]:
    """A row for every combination, then one for all of them."""
    cells: list[Mapping[str, str]] = [
        dict(zip(facts, each, strict=True)) for each in product(values, repeat=len(facts))
    ]
    return rules(*cells, dict.fromkeys(facts, ", ".join(values)))


def test_a_row_that_thousands_take_together_is_found_within_the_effort() -> None:
    facts = ["campaign", "source", "product", "city"]
    found = reached(grid(facts, "ABCDEF"))
    assert [(each.row, len(each.by)) for each in found.unreachable] == [(6**4, 6**4)] and not found.unproven


def test_pigeons_are_counted_while_they_are_few_and_unproven_when_they_are_many() -> None:
    few, many = pigeons(4), pigeons(8)
    assert set(dead(few)) == {len(few) - 1}
    found = reached(many)
    assert found.unproven == (len(many) - 1,) and not found.unreachable


def test_what_is_beyond_the_effort_is_called_unproven_and_stays_in_use() -> None:
    rows = grid(["campaign", "source", "product", "city"], "ABCD")
    found = reached(rows, budget=Budget(every=400, each=200))
    assert found.unproven == (4**4,) and not found.unreachable
    assert found.live == (1 << len(rows)) - 1


def test_effort_is_counted_in_rows_so_that_two_looks_agree() -> None:
    rows = random_rules(7) + [
        replace(r, order=r.order + 100, rule_id=f"U{r.rule_id}") for r in random_rules(8)
    ]
    answers = {(r.unreachable, r.unproven) for r in (reached(rows, budget=Budget(300, 20)) for _ in range(3))}
    assert len(answers) == 1
