"""Layers decide: first match by Order, facts set for later layers, days, holds, steps, near misses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.cells import CellError, parse_cell
from rules.columns import LAYER_BYTES, LineColumn, Pool, TextColumn
from rules.condition import Condition, any_value
from rules.facts import default_facts, normalise
from rules.layers import compiled, decide, trace
from rules.model import Decision, Fact, FactValue, KnownValue, Layer, RoutingTables, Row, Unmapped
from rules.vocabulary import vocabulary

MONDAY = date(2026, 1, 5)
FACTS = (*default_facts(), Fact("size", "closed"))
VALUES = (
    KnownValue("campaign", "WEB", "Website", ("google",)),
    KnownValue("campaign", "FAIR"),
    KnownValue("size", "S"),
    KnownValue("size", "L"),
)
WORDS = vocabulary(FACTS, VALUES, {"@DACH": ("country", ["DE", "AT", "CH"])})
BY_NAME = {f.name: f for f in FACTS}


@cache
def condition(fact: str, text: str) -> Condition:
    return parse_cell(text, BY_NAME[fact], WORDS).condition


def row(number: int, sheet: str = "Team", *, when: Mapping[str, str] | None = None, **given: Any) -> Row:
    """A row of a sheet: its If cells in `when`; its number is its Order."""
    when = when or {}
    cells = {f"If {name}": f"{chr(66 + i)}{number}" for i, name in enumerate(when)}
    then = [*(name for name, _ in given.get("sets", ())), *({"team", "owner", "hold"} & set(given))]
    cells |= {f"Then {name.capitalize()}": f"{chr(72 + i)}{number}" for i, name in enumerate(then)}
    return Row(
        layer=sheet,
        sheet=sheet,
        row=number,
        rule_id=f"{sheet[0]}-{number:03}",
        order=Decimal(number),
        conditions=tuple((name, condition(name, text)) for name, text in when.items()),
        cells=cells,
        texts={f"If {name}": text for name, text in when.items()},
        **given,
    )


def tables(*sheets: tuple[str, str, list[Row]]) -> RoutingTables:
    layers = tuple(
        Layer(name, name, Decimal(i), "hold" if otherwise == "hold" else "continue", tuple(rows))
        for i, (name, otherwise, rows) in enumerate(sheets)
    )
    return RoutingTables("v", {}, FACTS, VALUES, {}, layers, ())


TABLES = tables(
    (
        "Campaign",
        "continue",
        [
            row(2, "Campaign", when={"campaign": "FAIR"}, team="Partners"),
            row(3, "Campaign", when={"campaign": "WEB"}, sets=(("segment", "Inbound"), ("lane", "fast"))),
        ],
    ),
    (
        "Country",
        "continue",
        [
            row(2, "Country", when={"country": "@DACH"}, sets=(("region", "EMEA"), ("language", "de"))),
            row(
                3,
                "Country",
                when={"country": "US, CA"},
                sets=(("region", "Americas"), ("tags", "vip, healthcare")),
            ),
        ],
    ),
    (
        "Team",
        "hold",
        [
            row(2, when={"region": "EMEA", "employees": ">=250"}, team="Enterprise"),
            row(3, when={"region": "EMEA", "segment": "Inbound"}, team="Inbound EMEA"),
            row(4, when={"region": "Americas", "employees": "(none)"}, hold="Ask how large the company is"),
            row(5, when={"region": "Americas"}, owner="ana"),
        ],
    ),
)


def test_layers_run_in_order_and_facts_set_by_one_are_read_by_the_next() -> None:
    decision = decide(TABLES, {"campaign": "Google", "country": "Deutschland", "employees": 300}, on=MONDAY)
    assert (decision.team, decision.owner, decision.reason) == ("Enterprise", None, None)
    assert decision.facts == {
        "campaign": "WEB",
        "country": "DE",
        "employees": Decimal(300),
        "segment": "Inbound",
        "lane": "fast",
        "region": "EMEA",
        "language": "de",
    }
    assert decision.lane == "fast" and decision.needs == {"language": "de"}


def test_every_step_names_its_row_cell_and_what_it_set() -> None:
    decision = decide(TABLES, {"campaign": "WEB", "country": "AT"}, on=MONDAY)
    assert [(s.rule_id, s.row, s.cell, dict(s.sets)) for s in decision.steps] == [
        ("C-003", 3, "Campaign!H3", {"segment": "Inbound", "lane": "fast"}),
        ("C-002", 2, "Country!H2", {"region": "EMEA", "language": "de"}),
        ("T-003", 3, "Team!H3", {"team": "Inbound EMEA"}),
    ]
    assert decision.rule_id == "T-003"


def test_a_row_that_decides_ends_the_walk() -> None:
    decision = decide(TABLES, {"campaign": "fair", "country": "DE", "employees": 300}, on=MONDAY)
    assert decision.team == "Partners" and len(decision.steps) == 1


def test_a_row_may_name_an_owner_and_what_the_taker_needs() -> None:
    decision = decide(TABLES, {"country": "USA", "employees": 5}, on=MONDAY)
    assert (decision.owner, decision.team) == ("ana", None)
    assert decision.needs == {"tags": ("vip", "healthcare")} and decision.lane == ""


def test_a_language_that_no_row_asked_for_is_no_need() -> None:
    assert decide(TABLES, {"country": "US", "language": "es", "employees": 5}, on=MONDAY).needs.keys() == {
        "tags"
    }


def test_what_a_row_sets_wins_over_the_lead_s_own_fact() -> None:
    decision = decide(
        TABLES, {"country": "DE", "region": "Americas", "language": "fr", "employees": 999}, on=MONDAY
    )
    assert decision.team == "Enterprise" and decision.facts["language"] == "de"


def test_a_lead_s_own_lane_is_not_a_lane_of_the_rules() -> None:
    assert decide(TABLES, {"country": "US", "employees": 1, "lane": "fast"}, on=MONDAY).lane == ""


def test_a_row_holds_with_its_text() -> None:
    decision = decide(TABLES, {"country": "US"}, on=MONDAY)
    assert (decision.reason, decision.detail) == ("rule_hold", "Ask how large the company is")
    assert decision.steps[-1].cell == "Team!H4"


def test_a_layer_that_holds_says_that_no_row_matched() -> None:
    decision = decide(TABLES, {"country": "JP"}, on=MONDAY)
    assert (decision.team, decision.owner, decision.reason) == (None, None, "no_rule")
    assert decision.detail == "No row of sheet Team matches this lead, and such leads are held there."


def test_after_the_last_layer_a_lead_without_a_decision_is_held() -> None:
    only = tables(
        ("Country", "continue", [row(2, "Country", when={"country": "DE"}, sets=(("region", "EMEA"),))])
    )
    decision = decide(only, {"country": "DE"}, on=MONDAY)
    assert decision.reason == "no_rule" and decision.detail and len(decision.steps) == 1


def test_a_value_that_nobody_can_read_is_named_as_the_reason() -> None:
    decision = decide(TABLES, {"country": "Untied Kingdom"}, on=MONDAY)
    assert (decision.reason, decision.detail) == ("unmapped_value", 'country: "Untied Kingdom"')


def test_an_unread_value_that_no_row_asks_about_is_not_blamed() -> None:
    assert decide(TABLES, {"country": "JP", "created": "yesterday"}, on=MONDAY).reason == "no_rule"


def test_an_unread_value_may_be_caught_by_a_row() -> None:
    catch = row(9, when={"country": "(unmapped)"}, hold="Correct the country")
    caught = tables(("Team", "hold", [row(2, when={"country": "DE"}, team="Enterprise"), catch]))
    assert decide(caught, {"country": "Genmany"}, on=MONDAY).detail == "Correct the country"


def test_a_detail_stays_one_short_line_whatever_the_lead_says() -> None:
    detail = decide(TABLES, {"country": "<b>\x00\n" + "x" * 100_000}, on=MONDAY).detail
    assert len(detail) < 120 and detail.isprintable()


def test_order_decides_and_not_the_place_in_the_sheet() -> None:
    first = replace(row(2, team="Late"), order=Decimal("12.5"))
    assert decide(tables(("Team", "hold", [first, row(3, team="Early")])), {}, on=MONDAY).team == "Early"


@pytest.mark.parametrize(("day", "team"), [(4, "Always"), (5, "January"), (7, "January"), (8, "Always")])
def test_from_and_until_include_their_days(day: int, team: str) -> None:
    limited = row(2, team="January", from_=date(2026, 1, 5), until=date(2026, 1, 7))
    assert (
        decide(tables(("Team", "hold", [limited, row(3, team="Always")])), {}, on=date(2026, 1, day)).team
        == team
    )


def test_names_of_facts_are_matched_without_case_and_underscore() -> None:
    odd = replace(row(2, when={"email_domain": "acme.com"}, team="Enterprise"))
    odd = replace(odd, conditions=tuple(("Email Domain", c) for _, c in odd.conditions))
    assert (
        decide(tables(("Team", "hold", [odd])), {"EMAIL_DOMAIN": "ben@acme.com"}, on=MONDAY).team
        == "Enterprise"
    )


def test_a_row_may_take_a_fact_away() -> None:
    clear = row(2, "Country", when={"country": "DE"}, sets=(("segment", "(none)"),))
    last = row(2, when={"segment": "(none)"}, team="Enterprise")
    both = tables(("Country", "continue", [clear]), ("Team", "hold", [last]))
    assert decide(both, {"country": "DE", "segment": "SMB"}, on=MONDAY).team == "Enterprise"


def test_tables_without_layers_or_rows_hold_every_lead() -> None:
    assert decide(tables(), {"country": "DE"}, on=MONDAY).reason == "no_rule"
    assert decide(tables(("Team", "hold", [])), {}, on=MONDAY).reason == "no_rule"


def test_the_layers_are_compiled_once_for_each_tables_object() -> None:
    assert compiled(TABLES) is compiled(TABLES)
    assert compiled(replace(TABLES)) is not compiled(TABLES)


# -- trace ---


def test_a_trace_tells_which_rows_nearly_matched_and_why_not() -> None:
    decision, layers = trace(TABLES, {"campaign": "WEB", "country": "DE", "employees": 20}, on=MONDAY)
    assert decision.team == "Inbound EMEA" and [t.step.rule_id if t.step else None for t in layers] == [
        "C-003",
        "C-002",
        "T-003",
    ]
    (near,) = layers[2].near
    assert (near.rule_id, near.fact, near.cell, near.text, near.value) == (
        "T-002",
        "employees",
        "Team!C2",
        ">=250",
        "20",
    )
    assert near.sentence == 'T-002 (Team row 2) asks for employees ">=250", and the lead\'s employees is 20.'


def test_a_trace_of_a_lead_that_no_row_takes_shows_rows_of_the_whole_layer() -> None:
    _, layers = trace(TABLES, {"country": "Untied Kingdom", "region": "EMEA"}, on=MONDAY, nearly=2)
    assert [n.value for n in layers[1].near] == ['"Untied Kingdom"', '"Untied Kingdom"']
    assert [(n.rule_id, n.value) for n in layers[2].near] == [("T-002", "missing"), ("T-003", "missing")]


def test_a_trace_names_the_day_on_which_a_row_begins() -> None:
    later = tables(("Team", "hold", [row(2, team="Enterprise", from_=date(2026, 2, 1))]))
    _, (layer,) = trace(later, {}, on=MONDAY)
    assert (
        layer.near[0].sentence == "T-002 (Team row 2) holds from 2026-02-01 only, and the day is 2026-01-05."
    )


# -- one meaning, two speeds ---

CELLS = {
    "country": ["*", "DE", "not GB", "@DACH, not CH", "(none)", "(unmapped), FR", "*, not DE", "not (none)"],
    "size": ["*", "S", "not S", "(none), L", "(unmapped)", "*, not (unmapped)"],
    "campaign": [
        "*",
        "WEB",
        "W*",
        "not W*",
        "FA?R, x",
        "*, not WEB, not F*",
        "(none)",
        'not "x"',
        "W*, not WEB-1",
    ],
    "employees": ["*", "1..9", ">=10", "<5", "not 5..9", "(none), 7", "(unmapped)", "*, not >100", "0.5"],
    "created": ["*", "2026-01-05", ">2026-01-05", "not 2026-01-01..2026-01-31", "(none)"],
    "region": ["*", "EMEA", "not EMEA", "(none)"],
}
LEADS: dict[str, list[object]] = {
    "country": ["DE", "germany", "CH", "GB", "fr", "Genmany", None, ""],
    "size": ["S", "l", "XL", None],
    "campaign": ["WEB", "Google", "WEB-1", "web-2", "FAIR", "foer", "x", "y", None],
    "employees": ["1", 5, 7.0, 9, 10, "100", 101, 0.5, -1, "many", None],
    "created": ["2026-01-05", date(2026, 1, 6), "2026-02-01", "soon", None],
    "region": ["EMEA", "emea", "APAC", None],
}
DAYS = [None, date(2026, 1, 1), MONDAY, date(2026, 1, 9)]


def maybe(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


@st.composite
def some_row(draw: st.DrawFn, sheet: str, number: int) -> Row:
    when = draw(maybe({name: st.sampled_from(texts) for name, texts in CELLS.items()}))
    outcome: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"team": "A"},
                {"owner": "ana"},
                {"hold": "why"},
                {"sets": (("region", "EMEA"),)},
                {"sets": (("country", "Genmany"), ("lane", "x"))},
                {"sets": (("language", "de"),), "team": "B"},
            ]
        )
    )
    days = {"from_": draw(st.sampled_from(DAYS)), "until": draw(st.sampled_from(DAYS))}
    return replace(
        row(number, sheet, when=when, **outcome, **days),
        order=Decimal(draw(st.integers(0, 9))) + Decimal(number) / 100,
    )


@st.composite
def some_tables(draw: st.DrawFn) -> RoutingTables:
    sheets = []
    for name in ("One", "Two")[: draw(st.integers(1, 2))]:
        rows = [draw(some_row(name, n)) for n in range(2, 2 + draw(st.integers(0, 12)))]
        sheets.append((name, draw(st.sampled_from(["hold", "continue"])), rows))
    return tables(*sheets)


def slowly(routing: RoutingTables, raw: Mapping[str, object], on: date) -> tuple[Any, ...]:
    """What `decide` promises, row by row."""
    facts: dict[str, FactValue] = normalise(routing, raw)
    held_by: list[str] = []
    for layer in routing.layers:
        for each in sorted(layer.rows, key=lambda r: r.order):
            in_force = (each.from_ or on) <= on <= (each.until or on)
            if in_force and all(c.matches(facts.get(name)) for name, c in each.conditions):
                break
        else:
            if layer.when_nothing_matches == "hold":
                break
            continue
        held_by.append(each.rule_id + each.sheet)
        facts.update(normalise(routing, dict(each.sets)))
        if each.decides:
            return each.team, each.owner, each.hold, facts, held_by
    return None, None, None, facts, held_by


def seen(decision: Decision) -> tuple[Any, ...]:
    hold = decision.detail if decision.reason == "rule_hold" else None
    return decision.team, decision.owner, hold, decision.facts, [s.rule_id + s.sheet for s in decision.steps]


@given(
    some_tables(),
    st.lists(maybe({name: st.sampled_from(raw) for name, raw in LEADS.items()}), min_size=1, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_compiled_layers_decide_as_a_plain_reading_of_the_rows_does(
    routing: RoutingTables, leads: list[dict[str, object]]
) -> None:
    for lead in leads * 2:
        decision = decide(routing, lead, on=MONDAY)
        assert seen(decision) == slowly(routing, lead, MONDAY)
        assert (decision.reason is None) == (decision.team is not None or decision.owner is not None)
    traced, layers = trace(routing, leads[0], on=MONDAY)
    assert traced == decide(routing, leads[0], on=MONDAY)
    assert [t.step for t in layers if t.step] == list(traced.steps)


# -- memory ---


def test_a_column_s_memory_stays_within_its_budget() -> None:
    pool = Pool(100_000)
    memories = [pool.memory(), pool.memory()]
    for number in range(10_000):
        memories[number % 2].put(f"v{number}", 1 << 8_000, 1_000)
        assert memories[0].get("v0") is not None
    assert sum(map(len, memories)) < 100


def test_values_that_no_cell_names_share_their_rows() -> None:
    domain = Fact("email_domain", "text")
    cells = [Condition("text", literals=frozenset({f"d{n}.com"})) for n in range(500)] + [any_value("text")]
    column = TextColumn(domain, cells, Pool(LAYER_BYTES))
    assert column.bits("unseen.com") is column.bits("other.com") is column.base
    assert column.bits("D7.com") == 1 << 7 | 1 << 500
    assert column.bits(None) == column.bits(Unmapped("x")) == 1 << 500


@pytest.mark.parametrize("states", [1, 100, 1_000, LAYER_BYTES])
def test_a_number_has_the_rows_of_its_ranges_however_few_states_are_kept(states: int) -> None:
    cells = [condition("employees", f"{n}..{n + 10}, {n + 50}") for n in range(200)]
    column = LineColumn(BY_NAME["employees"], cells, Pool(LAYER_BYTES), states=states)
    for number in [Decimal(n) / 2 for n in range(-4, 540)]:
        assert column.bits(number) == sum(1 << n for n, c in enumerate(cells) if c.matches(number))


def test_a_cell_error_is_the_caller_s_to_show() -> None:
    with pytest.raises(CellError):
        condition("country", "Genmany")
