"""Gaps: exactly the known combinations that no rule decides, never or for some leads, as few cubes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from random import Random
from typing import Any

import pytest
from rule_tables import CELLS, MONDAY, rule, rules, tables_of, texts

from rules.layers import decide
from rules.model import Decision, KnownValue, RoutingTables, Row
from rules.proof.cubes import Line, cubes_of
from rules.proof.gaps import Cube, Gaps, find_gaps

KNOWN: Mapping[str, Sequence[str]] = {
    "campaign": ("ab", "abb", "b", "ba", "q"),
    "product": ("CRM", "ERP", "BI"),
}
OTHERS: Mapping[str, Sequence[object]] = {
    "employees": (None, 0, 4, 5, 6, 7, 8, 9, 10, 11, 49, 50, 51),
    "size": (None, "S", "M", "L"),
    "source": (None, *texts(3)),
}


def is_decided(decision: Decision) -> bool:
    return bool(decision.team or decision.owner) or decision.reason == "rule_hold"


def outcomes(tables: RoutingTables, known: Mapping[str, str], others: Sequence[str]) -> set[bool]:
    """Whether leads with these known values are decided, for all that they may say besides."""
    found: set[bool] = set()
    for values in product(*(OTHERS[name] for name in others)):
        lead = {**known, **dict(zip(others, values, strict=True))}
        found.add(is_decided(decide(tables, lead, on=MONDAY)))
        if len(found) == 2:
            break
    return found


def read_by(tables: RoutingTables) -> set[str]:
    return {name for layer in tables.layers for row in layer.rows for name, _ in row.conditions}


def wanted(tables: RoutingTables) -> dict[tuple[str, ...], bool]:
    """Open combination -> whether none of its leads is decided."""
    read = read_by(tables)
    sides, others = [n for n in KNOWN if n in read], [n for n in OTHERS if n in read]
    found = {}
    for codes in product(*(KNOWN[name] for name in sides)):
        all_of_them = outcomes(tables, dict(zip(sides, codes, strict=True)), others)
        if False in all_of_them:
            found[codes] = True not in all_of_them
    return found


def cells_of(cube: Cube) -> Iterator[tuple[str, ...]]:
    yield from product(*(KNOWN[name] if codes is None else codes for name, codes in cube.values))


def told(gaps: Gaps) -> dict[tuple[str, ...], bool]:
    return {codes: cube.never for cube in gaps.cubes for codes in cells_of(cube)}


def random_tables(seed: int) -> RoutingTables:
    """Up to three layers that set regions, hold and decide, over a few facts. Half-year employees are left
    out: there fractions count."""
    random = Random(seed)
    sheets = []
    for sheet in "ABC"[: random.choice([1, 1, 2, 3])]:
        facts = random.sample(["campaign", "product", "employees", "size", "source"], random.randint(1, 4))
        cells = {f: [c for c in CELLS[f] if "." not in c.replace("..", "")] for f in (*facts, "region")}
        facts += ["region"] if sheets else []
        rows = []
        for number in range(random.randint(1, 9)):
            when = {f: random.choice(cells[f]) for f in facts if random.random() > 0.35}
            rows.append(rule(number, when, sheet, **effect(random)))
        if not sheets:
            rows.append(rule(99, {"size": "L", "campaign": "q"}, sheet, sets=(("region", "EMEA"),)))
        sheets.append(rows)
    return tables_of(*sheets, when=[random.choice(["hold", "continue", "continue"]) for _ in sheets])


def effect(random: Random) -> dict[str, Any]:
    region = (("region", random.choice(["EMEA", "APAC"])),)
    return random.choice([{"team": "X"}, {"team": "X"}, {"owner": "ana"}, {"hold": "no"}, {"sets": region}])


@pytest.mark.parametrize("start", range(0, 60, 30))
def test_exactly_the_combinations_that_nothing_decides_are_told(
    start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules.proof.gaps.MOST_OPEN", 1.0)
    open_ = depending = 0
    for seed in range(start, start + 30):
        tables = random_tables(seed)
        gaps, right = find_gaps(tables, on=MONDAY), wanted(tables)
        assert told(gaps) == (right if gaps.total else {}), seed
        assert gaps.finished and not gaps.more and gaps.open == sum(cube.size for cube in gaps.cubes)
        if not gaps.total and set(KNOWN) & read_by(tables):
            assert right == {}, seed
        open_, depending = open_ + len(right), depending + sum(not never for never in right.values())
    assert open_ > 60 and depending > 20


def test_each_cube_comes_with_a_lead_that_nothing_decides() -> None:
    for seed in range(100, 160):
        tables = random_tables(seed)
        for cube in find_gaps(tables, on=MONDAY).cubes:
            assert not is_decided(decide(tables, cube.lead, on=MONDAY))


def open_cubes(*sheets: Sequence[Row], when: Sequence[str] = ()) -> list[tuple[bool, dict[str, Any]]]:
    gaps = find_gaps(tables_of(*sheets, when=when), on=MONDAY)
    return [(cube.never, dict(cube.values)) for cube in gaps.cubes]


def test_a_gap_is_told_as_the_values_of_each_fact() -> None:
    cells = [{"campaign": "ab*"}, {"product": "CRM, ERP"}, {"product": "BI", "campaign": "b"}]
    assert open_cubes(rules(*cells)) == [(True, {"campaign": ("ba", "q"), "product": ("BI",)})]


def test_a_gap_that_depends_on_other_facts_shows_a_lead_that_stays_open() -> None:
    cells = [{"campaign": "not q"}, {"product": "CRM, ERP"}, {"employees": ">=10"}]
    (cube,) = find_gaps(tables_of(rules(*cells)), on=MONDAY).cubes
    assert not cube.never and dict(cube.values) == {"campaign": ("q",), "product": ("BI",)}
    assert int(cube.lead.get("employees", 0)) < 10


def test_one_line_is_enough_when_most_is_open() -> None:
    gaps = find_gaps(tables_of(rules({"product": "CRM"}, {"campaign": "q"})), on=MONDAY)
    assert gaps.too_many and len(gaps.cubes) == 1 and gaps.total == 15


def test_all_countries_are_known() -> None:
    most = "not (none), not DE, not @DACH"
    (cube,) = find_gaps(tables_of(rules({"country": most}, {"country": "CH"})), on=MONDAY).cubes
    assert cube.never and dict(cube.values) == {"country": ("AT", "DE")} and cube.size == 2


def test_a_last_row_for_everything_leaves_no_gap() -> None:
    assert find_gaps(tables_of([*rules({"campaign": "ab"}), rule(9, {}, hold="Ask")]), on=MONDAY) == Gaps()


def test_a_last_row_does_not_help_where_a_sheet_before_holds() -> None:
    area = [rule(0, {"product": "CRM, ERP"}, "Area", sets=(("region", "EMEA"),))]
    assert open_cubes(area, [rule(0, {})], when=["continue", "hold"]) == []
    assert open_cubes(area, [rule(0, {})], when=["hold", "hold"]) == [(True, {"product": ("BI",)})]


def test_a_row_that_only_sets_facts_decides_nothing() -> None:
    rows = [
        rule(0, {"campaign": "q"}, sets=(("lane", "hot"),)),
        *[replace(r, order=r.order + 1) for r in rules({})],
    ]
    assert open_cubes(rows) == [(True, {"campaign": ("q",)})]


def test_values_that_have_ended_leave_no_gap() -> None:
    tables = tables_of(rules({"campaign": "not q"}))
    assert find_gaps(tables, on=MONDAY).open == 1
    ended = KnownValue("campaign", "q", until=MONDAY - timedelta(days=1))
    values = tuple(ended if v.code == "q" else v for v in tables.values)
    assert find_gaps(replace(tables, values=values), on=MONDAY).open == 0


def test_rules_count_on_their_days_only() -> None:
    row = replace(rule(0, {"campaign": "not (none)"}), until=MONDAY)
    tables = tables_of([row])
    assert find_gaps(tables, on=MONDAY).open == 0
    assert find_gaps(tables, on=MONDAY + timedelta(days=1)).too_many


def test_fractions_and_negative_numbers_count_only_where_cells_speak_of_them() -> None:
    every = {"campaign": "not (none)"}
    whole = rules(
        every | {"employees": "0..9"}, every | {"employees": ">=10"}, every | {"employees": "(none)"}
    )
    assert find_gaps(tables_of(whole), on=MONDAY).open == 0
    parted = rules(
        every | {"employees": "0..9.5"}, every | {"employees": ">=10"}, every | {"employees": "(none)"}
    )
    assert find_gaps(tables_of(parted), on=MONDAY).open > 0


def test_tables_too_large_to_walk_through_are_called_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.proof.walk.MOST_VISITS", 3)
    cells = [{"campaign": c, "product": "not (none)"} for c in KNOWN["campaign"]]
    gaps = find_gaps(tables_of(rules(*cells)), on=MONDAY)
    assert not gaps.finished


def test_tables_that_read_no_known_fact_have_no_such_gaps() -> None:
    assert find_gaps(tables_of(rules({"employees": "<10"})), on=MONDAY) == Gaps()


@pytest.mark.parametrize("seed", range(20))
def test_cubes_hold_every_cell_and_no_other(seed: int) -> None:
    random = Random(seed)
    cells: dict[Line, int] = {(a, b): random.choice([0, 1, 3, 6, 7]) for a in range(5) for b in range(4)}
    cells = {line: places for line, places in cells.items() if places}
    weights = [[random.randint(1, 5) for _ in range(n)] for n in (5, 4, 3)]
    cubes = list(cubes_of(cells, weights, 60))
    held = {(a, b, c) for _, (x, y, z) in cubes for a in x for b in y for c in z}
    assert held == {(*line, c) for line, places in cells.items() for c in range(3) if places >> c & 1}
    assert sum(size for size, _ in cubes) == sum(
        weights[0][a] * weights[1][b] * weights[2][c] for a, b, c in held
    )


def test_a_cube_is_one_cube() -> None:
    cells = {(a, b): 0b101 for a in (1, 3) for b in (0, 2)}
    ((size, box),) = cubes_of(cells, [[1] * 4, [1] * 3, [2, 1, 1]], 20)
    assert (size, box) == (12, ((1, 3), (0, 2), (0, 2)))
