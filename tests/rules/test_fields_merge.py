"""Two sides of one record come to agree: invariants I14 and I15."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_sides import BY_NAME, MONDAY, SIDES, WHAT, Act, World, play, some_acts

from rules import fields
from rules.field_rules import CONFLICT_REASONS, Agreed, FieldRule, Merged, Seen, Side
from rules.field_values import FieldType

HOUR = timedelta(hours=1)
NAME = FieldRule("name", "firstname", "FirstName", "two-way")
CITY = FieldRule("city", "city", "City", "two-way")
SIZE = FieldRule("size", "size", "Size__c", "two-way", their_type=FieldType("number", decimals=0))
BASE = {"name": Agreed("Ana", "Ana")}


def merged(
    rule: FieldRule,
    ours: object,
    theirs: object,
    base: tuple[Any, Any] | Agreed | None = None,
    *,
    at: tuple[datetime | None, datetime | None] = (MONDAY, MONDAY),
) -> Merged:
    """One field of a record. The base is a pair of values, or what was agreed."""
    agreed = Agreed(*base) if isinstance(base, tuple) else base
    one = Seen({rule.ours: ours}, at[0])
    two = Seen({rule.theirs: theirs}, at[1])
    return fields.merge({rule.name: agreed} if agreed else {}, one, two, [rule], record="hubspot:7")


def written(done: Merged) -> dict[str, object]:
    """What is written, by the side; at most one field is mapped."""
    return {side: write.value for side in SIDES for write in getattr(done, side)}


def lost(done: Merged) -> list[tuple[str, object, object]]:
    return [(c.reason, c.kept, c.lost) for c in done.conflicts]


# --- any history -------------------------------------------------------------------------------------------


@st.composite
def acts(draw: st.DrawFn) -> list[Act]:
    names = draw(st.lists(st.sampled_from(list(BY_NAME)), min_size=1, max_size=3, unique=True))
    act = st.tuples(st.sampled_from(WHAT), st.sampled_from(SIDES), st.sampled_from(names), st.integers(0, 11))
    return draw(st.lists(act, min_size=1, max_size=25))


@settings(max_examples=250)
@given(acts(), st.integers(0, 9), st.tuples(st.integers(-12, 12), st.integers(-12, 12)))
def test_after_any_history_the_sides_agree_or_say_why_and_nothing_was_lost(
    history: list[Act], seed: int, hours: tuple[int, int]
) -> None:
    """Edits on both sides, failed writes, lost bases, races and wrong clocks; `World` checks every cycle."""
    play(history, seed, hours)


def test_the_histories_reach_what_they_are_to_show() -> None:
    worlds = [play(some_acts(Random(seed)), seed, (seed % 9, -seed % 5)) for seed in range(300)]
    assert {c.reason for w in worlds for c in w.conflicts} | {"tie"} == set(CONFLICT_REASONS)
    said = {p.code for w in worlds if w.last for p in w.last.problems}
    assert said == {"not_taken", "too_long", "no_conversion", "not_an_option"}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", BY_NAME)
def test_one_outside_edit_causes_one_write_and_no_echo_in_ten_cycles(name: str, side: Side) -> None:
    rule = BY_NAME[name].rule
    for first in range(3):
        for second in range(3):
            world = World(Random(7), dict.fromkeys(SIDES, timedelta()), (rule,))
            world.edit(side, name, first)
            world.at_rest()
            world.edit(side, name, second)
            needed = bool(world.dirty) and not world.agree(rule) and not world.may_be_apart(name)
            writes = world.cycle()
            blocked = bool(world.last and world.last.problems)
            assert writes == int(needed and not blocked) or (writes <= 1 and rule.rule == "only if empty")
            assert [world.cycle() for _ in range(10)] == [0] * 10


def test_edits_of_different_fields_on_both_sides_both_survive() -> None:
    base = {"name": Agreed("Ana", "Ana"), "city": Agreed("Rome", "Rome")}
    ours = Seen({"firstname": "Ben", "city": "Rome"}, MONDAY)
    theirs = Seen({"FirstName": "Ana", "City": "Bonn"}, MONDAY + HOUR)
    done = fields.merge(base, ours, theirs, [NAME, CITY], record="hubspot:7")
    assert [(w.field, w.value, w.before) for w in done.theirs] == [("FirstName", "Ben", "Ana")]
    assert [(w.field, w.value, w.before) for w in done.ours] == [("city", "Bonn", "Rome")]
    assert not done.conflicts and not done.problems
    assert done.agreed == {"name": Agreed("Ben", "Ben"), "city": Agreed("Bonn", "Bonn")}


# --- true conflicts ----------------------------------------------------------------------------------------


def test_the_later_change_wins_and_the_earlier_is_kept_with_both_stamps() -> None:
    done = merged(NAME, "Ben", "Chi", ("Ana", "Ana"), at=(MONDAY, MONDAY + HOUR))
    assert written(done) == {"ours": "Chi"}
    (row,) = done.conflicts
    assert (row.record, row.rule, row.field, row.winner) == ("hubspot:7", "name", "firstname", "theirs")
    assert (row.kept, row.lost, row.reason) == ("Chi", "Ben", "later")
    assert (row.kept_at, row.lost_at) == (MONDAY + HOUR, MONDAY)
    assert written(merged(NAME, "Ben", "Chi", ("Ana", "Ana"), at=(MONDAY + HOUR, MONDAY))) == {
        "theirs": "Ben"
    }


def test_a_clock_that_is_wrong_decides_nothing() -> None:
    ours = Seen({"firstname": "Ben"}, MONDAY + HOUR, ahead=2 * HOUR)
    theirs = Seen({"FirstName": "Chi"}, MONDAY)
    assert written(fields.merge(BASE, ours, theirs, [NAME], record="x")) == {"ours": "Chi"}


def test_the_stamp_of_a_field_goes_before_that_of_its_record() -> None:
    ours = Seen({"firstname": "Ben"}, MONDAY + 2 * HOUR, {"firstname": MONDAY - HOUR})
    theirs = Seen({"FirstName": "Chi"}, MONDAY)
    assert written(fields.merge(BASE, ours, theirs, [NAME], record="x")) == {"ours": "Chi"}


@pytest.mark.parametrize("at", [(MONDAY, MONDAY), (None, MONDAY), (MONDAY, None), (None, None)])
def test_where_stamps_do_not_say_who_was_later_the_declared_side_wins(at: Any) -> None:
    done = merged(NAME, "Ben", "Chi", ("Ana", "Ana"), at=at)
    assert written(done) == {"ours": "Chi"} and lost(done) == [("tie", "Chi", "Ben")]
    assert written(merged(replace(NAME, tie="ours"), "Ben", "Chi", ("Ana", "Ana"), at=at)) == {
        "theirs": "Ben"
    }


def test_the_same_change_on_both_sides_is_no_conflict_however_it_is_spelt() -> None:
    done = merged(SIZE, " 12.0 ", 12, ("7", Decimal(7)))
    assert not written(done) and not done.conflicts
    assert done.agreed == {"size": Agreed("12.0", Decimal(12))}


def test_what_is_agreed_after_a_write_is_each_sides_own_form_of_it() -> None:
    assert merged(SIZE, "12.0", 7, ("7", Decimal(7))).agreed == {"size": Agreed("12.0", Decimal(12))}
    assert merged(SIZE, "7.0", 9, ("7.0", Decimal(7))).agreed == {"size": Agreed("9", Decimal(9))}


def test_an_emptied_field_may_win_or_lose_like_any_other_value() -> None:
    done = merged(NAME, "", "Chi", ("Ana", "Ana"), at=(MONDAY + HOUR, MONDAY))
    assert written(done) == {"theirs": None} and lost(done) == [("later", None, "Chi")]
    done = merged(NAME, None, "Chi", ("Ana", "Ana"), at=(MONDAY, MONDAY + HOUR))
    assert written(done) == {"ours": "Chi"} and lost(done) == [("later", "Chi", None)]


def test_a_value_that_says_more_than_the_other_side_can_show_is_kept_when_it_goes() -> None:
    short = FieldRule("note", "note", "Note__c", "two-way", their_type=FieldType(length=4, cuts=True))
    assert not written(merged(short, "a long note", "a lo", ("a long note", "a lo")))
    done = merged(short, "a long note", "new", ("a long note", "a lo"))
    assert written(done) == {"ours": "new"} and lost(done) == [("coarser", "new", "a long note")]


# --- directions and rules ----------------------------------------------------------------------------------

D = "two-way"
ROWS: list[tuple[str, str, Any, Any, Any, dict[str, object], list[Any]]] = [
    # direction, rule, base, ours, theirs, written, lost
    ("push", "overwrite", ("A", "A"), "B", "A", {"theirs": "B"}, []),
    ("push", "overwrite", ("A", "A"), "A", "B", {"theirs": "A"}, [("direction", "A", "B")]),
    ("push", "overwrite", ("A", "A"), "", "A", {"theirs": None}, []),
    ("push", "overwrite", None, "", "B", {}, []),
    ("push", "overwrite", (None, "B"), None, "C", {}, []),
    ("push", "overwrite", (None, "B"), "A", "B", {"theirs": "A"}, [("apart", "A", "B")]),
    ("push", "overwrite", None, "A", "B", {"theirs": "A"}, [("first", "A", "B")]),
    ("pull", "overwrite", ("A", "A"), "A", "B", {"ours": "B"}, []),
    ("pull", "overwrite", ("A", "A"), "B", "A", {"ours": "A"}, [("direction", "A", "B")]),
    ("pull", "overwrite", None, "A", None, {}, []),
    (D, "overwrite", None, "A", None, {"theirs": "A"}, []),
    (D, "overwrite", None, None, "B", {"ours": "B"}, []),
    (D, "overwrite", None, "A", "B", {"ours": "B"}, [("first", "B", "A")]),
    (D, "overwrite", (None, "B"), None, "B", {"ours": "B"}, []),
    ("push", "only if empty", None, "A", "", {"theirs": "A"}, []),
    ("push", "only if empty", ("A", "B"), "C", "B", {}, []),
    ("push", "only if empty", ("A", "A"), "A", None, {"theirs": "A"}, [("refilled", "A", None)]),
    ("push", "only if empty", ("A", "A"), None, "A", {}, []),
    ("pull", "only if empty", ("A", "B"), None, "B", {"ours": "B"}, [("refilled", "B", None)]),
    (D, "only if empty", None, None, "B", {"ours": "B"}, []),
    (D, "only if empty", ("A", "A"), "B", "A", {}, []),
    ("push", "never", ("A", "A"), "B", None, {}, []),
    (D, "never", None, "A", None, {}, []),
]


@pytest.mark.parametrize(("direction", "rule", "base", "ours", "theirs", "writes", "rows"), ROWS)
def test_each_direction_and_rule_writes_what_it_says(
    direction: Any, rule: Any, base: Any, ours: Any, theirs: Any, writes: Any, rows: Any
) -> None:
    done = merged(FieldRule("f", "f", "F__c", direction, rule), ours, theirs, base)
    assert written(done) == writes and lost(done) == rows and not done.problems
    again = merged(
        FieldRule("f", "f", "F__c", direction, rule),
        writes.get("ours", ours),
        writes.get("theirs", theirs),
        done.agreed["f"],
    )
    assert not written(again) and not again.conflicts and again.agreed == done.agreed


@pytest.mark.parametrize("rule", ["overwrite", "only if empty", "never"])
def test_a_record_that_is_made_gets_what_its_direction_carries(rule: Any) -> None:
    rules = [replace(r, rule=rule) for r in (NAME, CITY, SIZE)]
    rules += [FieldRule("p", "p", "P__c", "pull", rule), FieldRule("q", "q", "Q__c", "push", rule)]
    values = {"firstname": " Ana ", "city": "", "size": "7", "p": "x", "q": "y"}
    done = fields.merge({}, Seen(values), None, rules, record="hubspot:7")
    assert {w.field: w.value for w in done.theirs} == {"FirstName": "Ana", "Size__c": Decimal(7), "Q__c": "y"}
    assert not done.ours and not done.conflicts and "p" not in done.agreed
    back = fields.merge({}, None, Seen({"FirstName": "Ana", "City": None, "Size__c": 7, "P__c": "x"}),
                        rules, record="hubspot:7")  # fmt: skip
    assert {w.field: w.value for w in back.ours} == {"firstname": "Ana", "size": "7", "p": "x"}


def test_a_box_that_cannot_be_empty_counts_as_empty_until_it_is_ticked() -> None:
    box = FieldRule("out", "out", "Out__c", "two-way", our_type=FieldType("flag"),
                    their_type=FieldType("flag", nullable=False))  # fmt: skip
    assert written(merged(box, "true", False)) == {"theirs": True}
    assert not written(merged(box, "", False))
    assert written(merged(box, "", True, (True, True))) == {"theirs": False}
    assert written(merged(replace(box, rule="only if empty"), "true", False)) == {"theirs": True}


# --- what cannot be carried --------------------------------------------------------------------------------


def test_a_value_that_cannot_be_converted_stays_and_is_named_by_record_and_field_until_it_is_mended() -> None:
    done = merged(SIZE, "many", 7, ("7", Decimal(7)))
    assert not written(done) and done.agreed == {"size": Agreed("7", Decimal(7))}
    (problem,) = done.problems
    assert (problem.record, problem.field, problem.side) == ("hubspot:7", "size", "ours")
    assert (problem.code, problem.value) == ("no_conversion", "many")
    assert str(problem).startswith('hubspot:7, field size: "many" in the marketing system is a text that')
    assert "Fix: write digits" in str(problem)
    assert merged(SIZE, "many", 7, done.agreed["size"]).problems == done.problems
    assert written(merged(SIZE, "12", 7, done.agreed["size"])) == {"theirs": Decimal(12)}


def test_a_value_that_cannot_be_converted_holds_the_field_when_it_wins_and_is_kept_when_it_loses() -> None:
    done = merged(SIZE, "many", 9, ("7", Decimal(7)), at=(MONDAY + HOUR, MONDAY))
    assert not written(done) and done.problems and done.agreed["size"] == Agreed("7", Decimal(7))
    done = merged(SIZE, "many", 9, ("7", Decimal(7)), at=(MONDAY, MONDAY + HOUR))
    assert written(done) == {"ours": "9"} and lost(done) == [("later", Decimal(9), "many")]


@pytest.mark.parametrize("direction", ["push", "pull", "two-way"])
def test_what_was_not_read_or_cannot_be_read_is_no_blank(direction: Any) -> None:
    rule = replace(SIZE, direction=direction)
    seen = Seen({"size": "7"}, MONDAY)
    base = {"size": Agreed("6", Decimal(7))}
    hidden = fields.merge(base, seen, Seen({}, MONDAY), [rule], record="hubspot:7")
    odd = fields.merge(base, seen, Seen({"Size__c": "7 or so"}, MONDAY), [rule], record="hubspot:7")
    for done, code in ((hidden, "not_read"), (odd, "unreadable")):
        assert not written(done) and done.agreed == base
        assert [(p.code, p.side, p.field) for p in done.problems] == [(code, "theirs", "Size__c")]


def test_a_long_value_is_shown_shortened_in_its_problem() -> None:
    short = replace(NAME, their_type=FieldType(length=80))
    (problem,) = merged(short, "x" * 5_000, "Ana", ("Ana", "Ana")).problems
    assert problem.code == "too_long" and len(problem.value) == 200 and len(str(problem)) < 500


def test_a_write_that_was_not_taken_is_not_sent_again_but_said_until_the_field_changes() -> None:
    sent = merged(NAME, "Ben", "Ana", ("Ana", "Ana")).agreed["name"]
    agreed = fields.read_back(NAME, sent, "theirs", "Ana")
    assert agreed == Agreed("Ben", "Ana", apart="theirs")
    for _ in range(3):
        done = merged(NAME, "Ben", "Ana", agreed)
        assert not written(done) and done.agreed["name"] == agreed
        assert [(p.code, p.side, p.value) for p in done.problems] == [("not_taken", "theirs", "Ana")]
        assert 'was sent "Ben" and shows "Ana"' in str(done.problems[0])
    done = merged(NAME, "Chi", "Ana", agreed)
    assert written(done) == {"theirs": "Chi"} and not done.conflicts
    done = merged(NAME, "Ben", "Dan", agreed)
    assert written(done) == {"ours": "Dan"} and lost(done) == [("apart", "Dan", "Ben")]


def test_reading_back_what_was_sent_or_nothing_readable_changes_nothing() -> None:
    sent = Agreed("12", Decimal(12))
    assert fields.read_back(SIZE, sent, "theirs", "12.0") == sent
    assert fields.read_back(SIZE, sent, "theirs", "twelve") == sent


# --- the rest ----------------------------------------------------------------------------------------------


def test_the_answer_is_the_same_for_the_same_question_and_for_any_order_of_rules() -> None:
    ours = Seen({"firstname": "Ben", "city": "Rome", "size": "many"}, MONDAY)
    theirs = Seen({"FirstName": "Chi", "City": None, "Size__c": 5}, MONDAY)
    one = fields.merge(BASE, ours, theirs, [NAME, CITY, SIZE], record="x")
    assert one == fields.merge(BASE, ours, theirs, [NAME, CITY, SIZE], record="x")
    other = fields.merge(BASE, ours, theirs, [SIZE, CITY, NAME], record="x")
    assert one.agreed == other.agreed and set(one.ours + one.theirs) == set(other.ours + other.theirs)
    assert dict(BASE) == {"name": Agreed("Ana", "Ana")}


def test_what_was_agreed_on_fields_that_are_not_mapped_now_is_kept() -> None:
    base = {"old": Agreed("a", "a")}
    done = fields.merge(base, Seen({"city": "Rome"}), Seen({"City": "Rome"}), [CITY], record="x")
    assert done.agreed == {**base, "city": Agreed("Rome", "Rome")}


@pytest.mark.parametrize(
    "rules",
    [
        [NAME, replace(NAME, ours="x", theirs="X")],
        [NAME, replace(CITY, theirs="FirstName")],
        [NAME, replace(CITY, ours="firstname", direction="pull")],
    ],
)
def test_two_rules_that_would_fight_over_a_field_are_refused(rules: Iterable[FieldRule]) -> None:
    with pytest.raises(ValueError, match="keep one of them"):
        fields.merge({}, Seen({}), Seen({}), rules, record="x")


def test_one_field_may_feed_several() -> None:
    rules = [NAME, FieldRule("again", "firstname", "Nick__c", "push")]
    done = fields.merge({}, Seen({"firstname": "Ana"}), None, rules, record="x")
    assert {w.field: w.value for w in done.theirs} == {"FirstName": "Ana", "Nick__c": "Ana"}


def test_a_stamp_without_a_zone_and_a_record_on_no_side_are_refused() -> None:
    with pytest.raises(ValueError, match="names no zone"):
        Seen({}, MONDAY.replace(tzinfo=None))
    with pytest.raises(ValueError, match="names no zone"):
        Seen({}, None, {"a": MONDAY.replace(tzinfo=None)})
    with pytest.raises(ValueError, match="on neither side"):
        fields.merge({}, None, None, [NAME], record="hubspot:7")


def test_answers_are_values() -> None:
    assert len({Agreed("a", None), Agreed("a", None)}) == 1
    with pytest.raises(FrozenInstanceError):
        NAME.rule = "never"  # type: ignore[misc]
