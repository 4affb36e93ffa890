"""Values of mapped fields: one canonical form for what is the same, and the other side's kind or a reason."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.field_values import (
    FAULTS,
    KINDS,
    FieldType,
    FieldValue,
    Kind,
    Misfit,
    canonical,
    convert,
    dump,
    load,
)

BERLIN = ZoneInfo("Europe/Berlin")
TEXT, NUMBER, DATE, MOMENT = (FieldType(k) for k in ("text", "number", "date", "datetime"))  # type: ignore[arg-type]
FLAG, PICK, PICKS = (FieldType(k) for k in ("flag", "picklist", "multi_picklist"))  # type: ignore[arg-type]
LIST = FieldType("picklist", options=("Web", "Fair", "fair"), restricted=True)
LISTS = FieldType("multi_picklist", options=("Web", "Fair"), restricted=True, length=8)
EARLY = FieldType("date", zone=timezone(timedelta(hours=9)))
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)

SAME: list[tuple[FieldType, list[object]]] = [
    (TEXT, ["A", " A ", "A\r\n", "\u00a0A", "\tA"]),
    (TEXT, ["Zoë\nB", "Zoe\u0308\r\nB", "Zoë\rB "]),
    (TEXT, ["250", 250, 250.0, Decimal("250.00"), " 250"]),
    (NUMBER, [7, "7", "7.0", " 007 ", 7.0, Decimal("7.000"), "+7", "0.7e1", "70E-1"]),
    (NUMBER, [0.1 + 0.2, "0.3", Decimal("0.30"), 0.3]),
    (NUMBER, [0, "-0", "0.00", -0.0]),
    (NUMBER, [10**40, str(10**40), "1e40"]),
    (DATE, ["2026-11-02", date(2026, 11, 2), "02.11.2026", "2.11.2026", "2026-11-02T00:00:00.000Z",
            datetime(2026, 11, 2, 23, tzinfo=UTC), "1793577600000", 1793577600000]),
    (MOMENT, [NINE, "2026-11-02T09:00:00Z", "2026-11-02T09:00:00.999+0000", "2026-11-02 10:00+01:00",
              "2026-11-02T04:00:00-05:00", "1793610000000", 1793610000250, NINE.astimezone(BERLIN),
              "2026-11-02T09:00"]),
    (FieldType("datetime", zone=BERLIN), ["2026-11-02T10:00", "2026-11-02 09:00Z",
                                          datetime(2026, 11, 2, 10)]),  # noqa: DTZ001
    (FLAG, [True, "true", "TRUE", 1, "1", " yes ", 1.0]),
    (FLAG, [False, "false", 0, "no"]),
    (PICKS, ["a;b", "b; a", ["b", "a"], ("a", "b", "a"), ";a;;b;", {"a", "b"}, ["a;b"]]),
    *((of, [None, "", "  ", float("nan"), Decimal("NaN")])
      for of in (TEXT, NUMBER, DATE, MOMENT, FLAG, PICK)),
    (PICKS, [None, "", ";", [], ()]),
]  # fmt: skip


@pytest.mark.parametrize(("of", "spellings"), SAME, ids=lambda x: x.kind if isinstance(x, FieldType) else "")
def test_spellings_that_say_the_same_have_one_form(of: FieldType, spellings: list[object]) -> None:
    forms = [canonical(spelling, of) for spelling in spellings]
    assert not any(isinstance(form, Misfit) for form in forms)
    assert all(form == forms[0] and type(form) is type(forms[0]) for form in forms), forms


DIFFERENT: list[tuple[FieldType, object, object]] = [
    (TEXT, "a", "A"), (TEXT, "a b", "a  b"), (TEXT, "0", ""), (FLAG, False, None), (NUMBER, 0, None),
    (NUMBER, "12345678901234567", "12345678901234568"), (NUMBER, "1.5", "1.51"), (PICK, "web", "Web"),
    (MOMENT, "2026-11-02T09:00:00Z", "2026-11-02T09:00:01Z"), (DATE, "2026-11-02", "2026-02-11"),
    (PICKS, "a", "a;b"), (TEXT, "null", None),
]  # fmt: skip


@pytest.mark.parametrize(("of", "one", "other"), DIFFERENT)
def test_what_a_person_would_tell_apart_stays_apart(of: FieldType, one: object, other: object) -> None:
    assert canonical(one, of) != canonical(other, of)


@pytest.mark.parametrize(
    ("of", "raw"),
    [
        (NUMBER, "1,5"), (NUMBER, "1.234,5"), (NUMBER, "12 €"), (NUMBER, "٣"), (NUMBER, "1" * 61),
        (NUMBER, float("inf")), (NUMBER, "1e999"), (NUMBER, 10**400), (NUMBER, "123456789012345678.5"),
        (DATE, "31.02.2026"), (DATE, "02/11/2026"), (DATE, "soon"), (DATE, "2026-13-01"), (DATE, "9" * 15),
        (MOMENT, "2026-11-02T25:00Z"), (MOMENT, "09:00"), (MOMENT, "0001-01-01T00:00+14:00"), (FLAG, "maybe"),
        (FLAG, 2), (TEXT, "a\0b"), (TEXT, "\ud800"), (TEXT, {"a": 1}), (TEXT, ["a"]), (PICKS, [1]),
        (PICK, b"x"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_fields_kind_is_unreadable_and_never_guessed(of: FieldType, raw: object) -> None:
    found = canonical(raw, of)
    assert isinstance(found, Misfit) and found.code == "unreadable" and found.message and found.fix


CONVERTED: list[tuple[FieldValue, FieldType, FieldType, object]] = [
    ("12.50", TEXT, NUMBER, Decimal("12.5")),
    (Decimal("1e3"), NUMBER, TEXT, "1000"),
    ("2026-11-02", TEXT, DATE, date(2026, 11, 2)),
    (date(2026, 11, 2), DATE, TEXT, "2026-11-02"),
    (NINE, MOMENT, TEXT, "2026-11-02T09:00:00Z"),
    ("2026-11-02T10:00", TEXT, FieldType("datetime", zone=BERLIN), NINE),
    (datetime(2026, 10, 25, 22, 30, tzinfo=UTC), MOMENT, FieldType("date", zone=BERLIN), date(2026, 10, 25)),
    (datetime(2026, 10, 25, 23, tzinfo=UTC), MOMENT, FieldType("date", zone=BERLIN), date(2026, 10, 26)),
    (date(2026, 3, 29), FieldType("date", zone=BERLIN), MOMENT, datetime(2026, 3, 28, 23, tzinfo=UTC)),
    (True, FLAG, TEXT, "true"), ("YES", TEXT, FLAG, True), (True, FLAG, NUMBER, Decimal(1)),
    (Decimal(0), NUMBER, FLAG, False), (None, FLAG, FieldType("flag", nullable=False), False),
    ("web", PICK, LIST, "Web"), ("fair", PICK, LIST, "fair"), ("a; b", TEXT, PICKS, ("a", "b")),
    (("a", "b"), PICKS, TEXT, "a;b"), (("Web",), PICKS, LIST, "Web"), ("web", PICK, LISTS, ("Web",)),
    ("new", PICK, FieldType("picklist", options=("Web",)), "new"),
    (Decimal("1.005"), NUMBER, FieldType("number", decimals=2), Decimal("1.01")),
    (Decimal("-2.5"), NUMBER, FieldType("number", decimals=0), Decimal(-3)),
    (Decimal("999.99"), NUMBER, FieldType("number", digits=5, decimals=2), Decimal("999.99")),
    ("long text", TEXT, FieldType(length=5, cuts=True), "long"), ("fits", TEXT, FieldType(length=4), "fits"),
    (None, TEXT, NUMBER, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "of", "to", "expected"), CONVERTED)
def test_a_value_becomes_the_other_sides_kind(
    value: FieldValue, of: FieldType, to: FieldType, expected: object
) -> None:
    found = convert(value, of, to)
    assert found == expected and type(found) is type(expected)


MISFITS: list[tuple[FieldValue, FieldType, FieldType, str]] = [
    ("seven", TEXT, NUMBER, "no_conversion"), ("1,234", TEXT, NUMBER, "no_conversion"),
    (Decimal(45000), NUMBER, DATE, "no_conversion"), (Decimal(2), NUMBER, FLAG, "no_conversion"),
    (NINE, MOMENT, NUMBER, "no_conversion"), (True, FLAG, DATE, "no_conversion"),
    (("a", "b"), PICKS, PICK, "no_conversion"), (date.min, EARLY, MOMENT, "no_conversion"),
    ("12345", TEXT, FieldType(length=4), "too_long"),
    (("Web", "Fairs"), PICKS, FieldType("multi_picklist", length=8), "too_long"),
    (Decimal("999.995"), NUMBER, FieldType("number", digits=5, decimals=2), "too_large"),
    (Decimal(10**6), NUMBER, FieldType("number", digits=6), "too_large"),
    ("Web", PICK, FieldType("picklist", length=2, cuts=True), "too_long"),
    ("Fax", PICK, LIST, "not_an_option"), ("FAIR", PICK, LIST, "not_an_option"),
    (("Web", "Fax"), PICKS, LISTS, "not_an_option"), (None, TEXT, FieldType(nullable=False), "required"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "of", "to", "code"), MISFITS)
def test_a_value_without_a_place_on_the_other_side_is_named_and_not_bent(
    value: FieldValue, of: FieldType, to: FieldType, code: str
) -> None:
    found = convert(value, of, to)
    assert isinstance(found, Misfit) and found.code == code
    assert found.message and found.fix and not found.fix.endswith(".")


def test_the_tables_above_reach_every_kind_and_every_fault() -> None:
    assert {of.kind for of, _ in SAME} | {"picklist"} == set(KINDS) == set(get_args(Kind))
    assert {code for *_, code in MISFITS} | {"unreadable"} == set(FAULTS)


texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from([" A ", "a;b", "x\r\n", "true"])
moments = st.datetimes(
    datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.sampled_from([UTC, BERLIN])  # noqa: DTZ001
)  # fmt: skip
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14)
raws: st.SearchStrategy[Any] = st.one_of(
    st.none(), texts, moments, numbers, st.dates(), st.booleans(), st.floats(), st.integers(),
    moments.map(lambda m: m.isoformat()), numbers.map(str), st.lists(texts, max_size=3),
)  # fmt: skip
types = st.builds(
    FieldType, st.sampled_from(KINDS), length=st.none() | st.integers(1, 12), cuts=st.booleans(),
    digits=st.none() | st.integers(4, 18), decimals=st.none() | st.integers(0, 4), nullable=st.booleans(),
    options=st.just(("Web", "true", " a ")), restricted=st.booleans(),
    zone=st.sampled_from([UTC, BERLIN, ZoneInfo("America/Santiago")]),
)  # fmt: skip


@settings(max_examples=500)
@given(raws, types, types)
def test_forms_are_stable_and_a_conversion_reads_back_as_itself(
    raw: Any, of: FieldType, to: FieldType
) -> None:
    value = canonical(raw, of)
    if isinstance(value, Misfit):
        return
    assert canonical(value, of) == value
    there = convert(value, of, to)
    if not isinstance(there, Misfit):
        assert canonical(there, to) == there
        assert convert(there, to, to) == there


@settings(max_examples=300)
@given(raws, types)
def test_what_is_kept_is_read_back(raw: Any, of: FieldType) -> None:
    value = canonical(raw, of)
    if not isinstance(value, Misfit):
        assert load(dump(value)) == value and type(load(dump(value))) is type(value)


@settings(max_examples=100)
@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.sampled_from([BERLIN, ZoneInfo("America/Santiago")]))
def test_a_day_sent_as_a_moment_comes_back_as_the_same_day(day: date, zone: ZoneInfo) -> None:
    """Also where the clocks go forward at midnight."""
    days = FieldType("date", zone=zone)
    moment = convert(day, days, MOMENT)
    assert isinstance(moment, datetime) and convert(moment, MOMENT, days) == day


@pytest.mark.parametrize("text", ["x", "q:1", "n:one", "n", "d:2026-02-30", "t:"])
def test_a_text_that_was_not_kept_by_dump_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="read the field anew"):
        load(text)


def test_types_are_values() -> None:
    assert len({FieldType("number"), FieldType("number"), FieldType()}) == 2
    with pytest.raises(FrozenInstanceError):
        FieldType().kind = "flag"  # type: ignore[misc]
