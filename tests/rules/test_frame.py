"""Leads in bulk: a frame is decided as its rows are one by one, whatever its columns hold and however the
work is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.cells import parse_cell
from rules.condition import Condition
from rules.facts import default_facts
from rules.frame import Sizes, decide_frame, walk_frame
from rules.layers import decide
from rules.model import Fact, KnownValue, Layer, RoutingTables, Row, Unmapped
from rules.vocabulary import vocabulary

MONDAY = date(2026, 1, 5)
FACTS = (*default_facts(), Fact("size", "closed"), Fact("score", "number"))
VALUES = (
    KnownValue("campaign", "WEB", "Website", ("google",)),
    KnownValue("campaign", "(none)", aliases=("Select",)),
    KnownValue("size", "S"),
    KnownValue("size", "L"),
    KnownValue("employees", "(none)", aliases=("n/a",)),
)
WORDS = vocabulary(FACTS, VALUES, {"@DACH": ("country", ["DE", "AT", "CH"])})
BY_NAME = {f.name: f for f in FACTS}
CODES = [f"C{n}" for n in range(40)]
NAMES = [f"Acme {n}" for n in range(12)]

CELLS = {
    "country": ["*", "DE", "not GB", "@DACH, not CH", "(none)", "(unmapped), FR", "*, not DE", "not (none)"],
    "size": ["*", "S", "not S", "(none), L", "(unmapped)", "*, not (unmapped)"],
    "campaign": ["*", "WEB", "W*", "not W*", "FA?R, x", "(none)", "W*, not WEB-1", "*, not WEB", *CODES],
    "employees": ["*", "1..9", ">=10", "<5", "not 5..9", "(none), 7", "(unmapped)", "0.5", "*, not >100"],
    "score": ["*", ">=10", "<=0", "-5..5", "7; 9"],
    "created": ["*", "2026-01-05", ">2026-01-05", "(none)"],
    "region": ["*", "EMEA", "not EMEA", "(none)", "(unmapped)"],
}
TEXTS: dict[str, list[Any]] = {
    "country": ["DE", "germany", " CH", "GB", "fr", "Genmany", "", None, "AT"],
    "size": ["S", "l", "XL", None],
    "campaign": ["WEB", "Google", "WEB-1", "web-2", "FAIR", "x", "y", "Select", None, *CODES[:8], "c1 "],
    "employees": ["1", "9", "10", "007", " 7", "100", "0.5", "-1", "many", "n/a", None, "1.000"],
    "score": ["-5", "0", "7", "10", "1e3", None],
    "created": ["2026-01-05", "2026-02-01T10:00:00Z", "soon", None],
    "region": ["EMEA", "emea", "APAC", None],
    "company": [*NAMES, "another", None],
}
ANYTHING: list[Any] = [
    None,
    float("nan"),
    pd.NA,
    pd.NaT,
    Decimal("NaN"),
    Decimal("sNaN"),
    float("inf"),
    True,
    1,
    1.0,
    Decimal("1"),
    Decimal("1.0"),
    "1",
    np.int64(7),
    np.float32(0.5),
    np.bool_(True),
    np.datetime64("2026-01-05"),
    np.datetime64("NaT"),
    10**400,
    date(2026, 1, 5),
    datetime(2026, 1, 5, 9, tzinfo=UTC),
    pd.Timestamp("2026-01-05"),
    Unmapped("whatever"),
    ["DE"],
    "WEB",
    b"DE",
    "DE",
    "ß" * 300,
    "\ud800",
]
SETS: list[dict[str, Any]] = [
    {"team": "A"},
    {"team": "B", "sets": (("language", "de"), ("tags", "vip, health"))},
    {"owner": "ana"},
    {"hold": "why"},
    {"sets": (("region", "EMEA"), ("lane", "fast"))},
    {"sets": (("country", "Genmany"), ("lane", "(none)"), ("language", "fr"))},
    {"sets": (("campaign", "WEB-1"), ("score", "7"))},
    {"sets": (("region", "(none)"), ("tags", "vip"), ("size", "huge"))},
]
SIZES = [
    Sizes(),
    Sizes(block=1, chunk=5, classes=1),
    Sizes(filed_block=1, chunk=3, index_rows=0, index_leads=0),
    Sizes(block=2, classes=50, index_rows=0, index_leads=0),
]


@cache
def condition(fact: str, text: str) -> Condition:
    return parse_cell(text, BY_NAME[fact], WORDS).condition


def row(number: int, sheet: str = "Team", *, when: Mapping[str, str] | None = None, **given: Any) -> Row:
    conditions = tuple((name, condition(name, text)) for name, text in (when or {}).items())
    return Row(sheet, sheet, number, f"{sheet[0]}-{number:03}", Decimal(number), conditions, **given)


def tables(*sheets: tuple[str, str, list[Row]]) -> RoutingTables:
    layers = tuple(
        Layer(name, name, Decimal(i), "hold" if otherwise == "hold" else "continue", tuple(rows))
        for i, (name, otherwise, rows) in enumerate(sheets)
    )
    return RoutingTables("v", {}, FACTS, VALUES, {}, layers, ())


# -- the same as one by one ---


def some_rows(sheet: str, chance: Random) -> list[Row]:
    """Up to three words of rows: the cells of each, what it does, when it is in force."""
    days = [None] * 6 + [date(2026, 1, 1), MONDAY, date(2026, 1, 9)]
    rows = []
    for number in range(2, 2 + chance.choice([0, 3, 20, 64, 150] if sheet == "Team" else [1, 5, 20])):
        columns = chance.sample(list(CELLS), chance.choice([0, 1, 1, 2, 2, 3, 4]) if number < 50 else 3)
        when = {name: chance.choice(CELLS[name]) for name in columns}
        done = chance.choice(SETS)
        rows.append(
            row(number, sheet, when=when, **done, from_=chance.choice(days), until=chance.choice(days))
        )
    return rows


def some_tables(chance: Random) -> RoutingTables:
    names = ("Campaign", "Country", "Team")[chance.randrange(3) :]
    otherwise = [chance.choice(["hold", "continue", "continue"]) for _ in names]
    return tables(
        *((name, other, some_rows(name, chance)) for name, other in zip(names, otherwise, strict=True))
    )


def some_leads(chance: Random) -> pd.DataFrame:
    """A frame in which each column has a type of its own, and the index says nothing."""
    count = chance.choice([0, 1, 12, 40])
    columns = {}
    for name in chance.sample([*TEXTS, "EMPLOYEES", "note"], chance.randint(0, 9)):
        kind = chance.choice(["object", "str", "string", "category", "anything"])
        known = ANYTHING if kind == "anything" else TEXTS.get(name, ["12", None])
        cells = [chance.choice(known) for _ in range(count)]
        columns[name] = pd.Series(cells, dtype="object" if kind == "anything" else kind)
    frame = pd.DataFrame(columns, index=range(count))
    frame.index = pd.Index([chance.randrange(5) for _ in range(count)], dtype="int64")
    return frame


def assert_the_same(routing: RoutingTables, leads: pd.DataFrame, on: Any, sizes: Sizes | None = None) -> None:
    """What the frame says is what `decide` says of each row of it."""
    walk = walk_frame(routing, leads, on=on, sizes=sizes)
    found = walk.frame()
    assert list(found.columns) == ["team", "owner", "lane", "reason", "rule_id"]
    assert found.index.equals(leads.index) and len(walk) == len(leads)
    days = [on] * len(leads) if isinstance(on, date) else list(on)
    for number, told in enumerate(found.itertuples(index=False, name=None)):
        raw = {name: leads.iloc[:, place].array[number] for place, name in enumerate(leads.columns)}
        one = decide(routing, raw, on=days[number])
        assert told == (one.team, one.owner, one.lane, one.reason, one.rule_id)
        assert walk.decision(number) == one
        assert walk.language[number] == one.needs.get("language")
        assert walk.tags[number] == one.needs.get("tags")
        held = [
            layer.rows[rows[number]]
            for layer, rows in zip(routing.layers, walk.rows, strict=True)
            if rows[number] >= 0
        ]
        assert [r.rule_id for r in held] == [s.rule_id for s in one.steps]


@given(st.integers(0, 2**32), st.sampled_from(SIZES))
@settings(max_examples=200, deadline=None)
def test_a_frame_is_decided_as_its_rows_are_one_by_one(seed: int, sizes: Sizes) -> None:
    chance = Random(seed)
    assert_the_same(some_tables(chance), some_leads(chance), MONDAY, sizes)


@pytest.mark.parametrize("sizes", SIZES[1:])
def test_many_leads_and_rows_are_decided_the_same_however_the_work_is_cut(sizes: Sizes) -> None:
    chance = Random(7)
    rows = []
    for number in range(2, 600):
        when = {name: chance.choice(CELLS[name]) for name in chance.sample(list(CELLS), 2)}
        listed = ["company", "campaign", "campaign", "score"][number % 4]
        names = CODES if listed == "campaign" else NAMES if listed == "company" else ["7", "<=0"]
        when[listed] = ", ".join(chance.sample(names, chance.choice([1, 1, 2])))
        if not number % 7:
            when[listed] = f"(none), {when[listed]}"
        rows.append(row(number, when=when, team=f"Team {number % 9}"))
    routing = tables(("Team", "continue", rows))
    leads = pd.DataFrame(
        {name: [chance.choice(texts) for _ in range(3_000)] for name, texts in TEXTS.items()}
    )
    whole = decide_frame(routing, leads, on=MONDAY)
    pd.testing.assert_frame_equal(walk_frame(routing, leads, on=MONDAY, sizes=sizes).frame(), whole)
    assert whole["rule_id"].nunique() > 20
    assert_the_same(routing, leads.iloc[:200], MONDAY)


# -- every kind of column ---

COLUMNS: dict[str, Callable[[], Any]] = {
    "small whole numbers": lambda: np.array([7, 0, -5, 10, 100], dtype="int8"),
    "whole numbers": lambda: np.array([7, 2**62, -(2**62), 2**53, 9]),
    "unsigned numbers": lambda: np.array([7, 2**64 - 1, 0, 9, 10], dtype="uint64"),
    "whole numbers with gaps": lambda: pd.array([7, None, 9, 10, 0], dtype="Int64"),
    "fractions": lambda: np.array([0.5, 7.0, np.nan, np.inf, -0.0]),
    "short fractions": lambda: np.array([0.5, 7.0, np.nan, 0.1, 1e30], dtype="float32"),
    "very short fractions": lambda: np.array([0.5, 7.0, np.nan, 0.1, 9], dtype="float16"),
    "fractions with gaps": lambda: pd.array([0.5, None, 7.0, 1e-9, 10], dtype="Float64"),
    "truth": lambda: np.array([True, False, True, False, True]),
    "truth with gaps": lambda: pd.array([True, None, False, True, None], dtype="boolean"),
    "complex numbers": lambda: np.array([1 + 2j, 7, np.nan, 0, 9]),
    "days as text": lambda: pd.array(["2026-01-05", "2026-01-06", None, "soon", ""], dtype="str"),
    "days": lambda: np.array([date(2026, 1, 5), date(2026, 1, 6), None, pd.NaT, date(1, 1, 1)], dtype=object),
    "moments": lambda: pd.to_datetime(
        ["2026-01-05", "2026-01-06 23:59", None, "2027-01-01", "2026-01-05"], format="mixed"
    ),
    "coarse moments": lambda: np.array(
        ["2026-01-05", "2026-01-06", "NaT", "1970-01-01", "2026-01-05"], "M8[s]"
    ),
    "moments somewhere": lambda: pd.to_datetime(
        ["2026-01-05 23:00", "2026-01-06 01:00", None, "2027-01-01 00:00", "2026-01-05 00:00"]
    ).tz_localize("Asia/Tokyo"),
    "moments in two places": lambda: np.array(
        [datetime(2026, 1, 5, 23, tzinfo=UTC), datetime(2026, 1, 6, 8, tzinfo=TOKYO), None, 7, ""],
        dtype=object,
    ),
    "periods": lambda: pd.period_range("2026-01-05", periods=5, freq="D"),
    "spans": lambda: pd.to_timedelta([1, 2, None, 3, 4], unit="D"),
    "decimals": lambda: np.array(
        [Decimal("7"), Decimal("7.0"), Decimal("NaN"), Decimal("1E+3"), None], object
    ),
    "like and unlike": lambda: np.array([1.0, True, Decimal("1.0"), 1, "1"], dtype=object),
    "like and unlike, often": lambda: np.array([True, 1, True, 1, "true"], dtype=object),
    "few numbers in text": lambda: np.array(["7", 7, "0.5", 0.5, None], dtype=object),
    "numbers with more than one name": lambda: pd.Categorical([7, 9, None, 10, 7], categories=[10, 9, 8, 7]),
    "categories of text": lambda: pd.Categorical(["DE", " de", None, "WEB", "DE"]),
    "categories of days": lambda: pd.Categorical(
        pd.to_datetime(["2026-01-05", None, "2026-01-06"] + 2 * ["2026-01-05"])
    ),
    "mostly nothing": lambda: pd.arrays.SparseArray([0.0, 7.0, 0.0, np.nan, 9.0]),
    "nothing": lambda: np.array([None, None, pd.NA, np.nan, pd.NaT], dtype=object),
    "texts of one kind": lambda: pd.array(["DE", None, "germany", "WEB-1", "7"], dtype="string"),
    "words of an enumeration": lambda: np.array([Place.HERE, "DE", Place.HERE, "de", None], dtype=object),
}
TOKYO = ZoneInfo("Asia/Tokyo")


class Place(str, Enum):  # noqa: UP042 - whose str() is not its value
    HERE = "DE"


READERS = tables(
    ("Country", "continue", [row(2, "Country", when={"country": "DE"}, sets=(("region", "EMEA"),))]),
    (
        "Team",
        "hold",
        [
            row(2, when={"country": "(unmapped)", "campaign": "(none)"}, team="unmapped"),
            row(3, when={"employees": "7"}, team="seven"),
            row(4, when={"employees": "0.5, >=9007199254740992"}, team="half or huge"),
            row(5, when={"employees": "<=0"}, team="none or less"),
            row(6, when={"created": "2026-01-05"}, team="Monday"),
            row(7, when={"created": "(unmapped)"}, hold="which day?"),
            row(8, when={"campaign": "1, tru?"}, team="one"),
            row(9, when={"campaign": "1*"}, team="ones"),
            row(11, when={"score": ">7, <0"}, team="high or low"),
            row(12, when={"score": ">6.5"}, team="seven"),
            row(13, when={"score": "0"}, team="zero"),
            row(14, when={"campaign": "(none)", "created": "(none)", "score": "(none)"}, team="nothing"),
            row(15, when={"region": "EMEA"}, team="Europe"),
        ],
    ),
)


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("often", [1, 30])
def test_a_column_of_any_type_is_read_cell_by_cell(kind: str, often: int) -> None:
    cells = pd.Series(COLUMNS[kind]())
    cells = pd.concat([cells] * often, ignore_index=True)
    for name in ("country", "campaign", "employees", "created", "score"):
        assert_the_same(READERS, pd.DataFrame({name: cells}), MONDAY)


def test_texts_are_read_alike_whether_cells_share_them_or_not() -> None:
    texts = ["DE", "WEB", "germany", "", "7"] * 200
    own = ["".join(["", *text]) if len(text) > 1 else text for text in texts]
    for cells in (texts, own):
        frame = pd.DataFrame({"country": pd.Series(cells, dtype=object)})
        assert decide_frame(READERS, frame, on=MONDAY)["rule_id"].tolist() == (
            ["T-014", "T-002", "T-014", "T-014", "T-002"] * 200
        )


# -- columns, index, days ---


def test_columns_are_found_in_any_spelling_and_the_last_of_one_name_counts() -> None:
    frame = pd.DataFrame(
        [["FR", "DE", 1, "FR"], ["DE", "FR", 2, None]], columns=["country", "COUNTRY", 5, "Note"]
    )
    found = decide_frame(READERS, frame, on=MONDAY)
    assert found["rule_id"].tolist() == ["T-014", "T-014"]
    assert walk_frame(READERS, frame, on=MONDAY).rows[0].tolist() == [0, -1]
    twice = pd.DataFrame([["FR", "DE"]], columns=["country", "country"])
    assert walk_frame(READERS, twice, on=MONDAY).decision(0).facts["country"] == "DE"


def test_a_view_of_every_other_lead_is_decided_under_its_own_index() -> None:
    frame = pd.DataFrame({"campaign": ["1", None] * 5}, index=list("abcdefghij"))
    found = decide_frame(READERS, frame[::2], on=MONDAY)
    assert found["team"].to_dict() == dict.fromkeys("acegi", "one")


def test_no_leads_no_columns_and_no_rules_are_no_trouble() -> None:
    assert decide_frame(READERS, pd.DataFrame(), on=MONDAY).empty
    assert decide_frame(READERS, pd.DataFrame({"country": []}), on=MONDAY).shape == (0, 5)
    assert decide_frame(READERS, pd.DataFrame(index=[3, 3]), on=MONDAY)["team"].tolist() == ["nothing"] * 2
    for empty in (tables(), tables(("Team", "hold", [])), tables(("Team", "continue", []))):
        assert_the_same(empty, pd.DataFrame({"country": ["DE", "Genmany"]}), MONDAY)


LIMITED = tables(
    ("Team", "hold", [row(2, team="January", from_=MONDAY, until=date(2026, 1, 31)), row(3, team="Always")])
)


@pytest.mark.parametrize(
    "days",
    [
        [date(2026, 1, 4), MONDAY, date(2026, 2, 1)],
        pd.Series(
            pd.to_datetime(["2026-01-04", "2026-01-05 10:00", "2026-02-01"], format="mixed"), index=[9, 9, 9]
        ),
        np.array(["2026-01-04", "2026-01-05", "2026-02-01"], dtype="M8[D]"),
    ],
)
def test_each_lead_may_have_a_day_of_its_own(days: Any) -> None:
    found = decide_frame(LIMITED, pd.DataFrame(index=range(3)), on=days)
    assert found["team"].tolist() == ["Always", "January", "Always"]


@pytest.mark.parametrize("days", [[MONDAY], [MONDAY, None], [MONDAY, MONDAY, MONDAY]])
def test_a_lead_without_a_day_is_the_caller_s_mistake(days: list[date | None]) -> None:
    with pytest.raises(ValueError, match="Each lead needs a day"):
        decide_frame(LIMITED, pd.DataFrame(index=range(2)), on=days)


def test_a_column_of_many_named_values_is_matched_without_a_line_for_each() -> None:
    rows = [row(n, when={"company": f"acme {n}"}, team=f"Team {n % 7}") for n in range(2, 6_000)]
    routing = tables(("Team", "hold", [*rows, row(6_000, when={"company": "not acme 7"}, team="Rest")]))
    names = [f"Acme {n}" for n in range(0, 6_000, 7)] + ["acme 7", "other", None, "ACME  8"] * 50
    found = decide_frame(routing, pd.DataFrame({"company": names}), on=MONDAY)
    expected = [decide(routing, {"company": name}, on=MONDAY).rule_id for name in names]
    assert found["rule_id"].tolist() == expected


def test_a_line_of_many_cuts_is_matched_without_a_line_for_each() -> None:
    rows = [
        row(n, when={"employees": f"{n * 3}..{n * 3 + 1}, >{50_000 - n}"}, team="A") for n in range(2, 3_000)
    ]
    routing = tables(("Team", "hold", rows))
    frame = pd.DataFrame({"employees": [*range(0, 9_100, 5), 49_000.5, "x", None, "50000", 10**6]})
    sizes = Sizes(classes=100)
    found = walk_frame(routing, frame, on=MONDAY, sizes=sizes).frame()["rule_id"]
    expected = [decide(routing, {"employees": cell}, on=MONDAY).rule_id for cell in frame["employees"]]
    assert found.tolist() == expected


def test_what_later_layers_read_is_what_earlier_rows_set() -> None:
    first = [row(2, "Campaign", when={"campaign": "WEB"}, sets=(("segment", "Inbound"),))]
    second = [row(2, "Team", when={"segment": "Inbound"}, team="Inbound"), row(3, team="Other")]
    routing = tables(("Campaign", "continue", first), ("Team", "hold", second))
    frame = pd.DataFrame({"campaign": ["WEB", "x", None], "segment": ["x", "inbound", None]})
    assert decide_frame(routing, frame, on=MONDAY)["team"].tolist() == ["Inbound", "Inbound", "Other"]
    assert frame["segment"].tolist()[:2] == ["x", "inbound"], "the frame itself stays as it is"
