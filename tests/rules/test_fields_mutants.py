"""Merges of fields that are broken on purpose: histories or examples find each of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import test_fields_merge as examples
from two_sides import SIDES, other, play, some_acts

from rules import field_rules, fields
from rules.field_rules import Agreed, FieldRule, Seen, Side
from rules.field_values import FieldType, Misfit

REAL: dict[str, Any] = {name: getattr(fields, name) for name in dir(fields) if not name.startswith("__")}
BOTH = frozenset(SIDES)


def swapped(source: Side, value: Any, given: Any) -> Agreed:
    return REAL["_pair"](other(source), value, given)  # type: ignore[no-any-return]


def untrimmed(raw: object, of: FieldType) -> Any:
    return raw if isinstance(raw, str) and of.kind == "text" else REAL["canonical"](raw, of)


def blank_for_misfit(value: Any, of: FieldType, to: FieldType) -> Any:
    found = REAL["convert"](value, of, to)
    return None if isinstance(found, Misfit) else found


def first_come(case: Any) -> Any:
    side, reason = REAL["_later"](case)
    return other(side), reason


def as_stamped(seen: Seen, name: str) -> Any:
    return seen.fields.get(name, seen.changed)


def over_anything(case: Any, now: Any, source: Side) -> bool:
    return case.rule.rule != "never" and now.value(source) is not None


def even_never(case: Any, now: Any, source: Side) -> bool:
    return case.rule.rule == "never" or bool(REAL["_may_write"](case, now, source))


def blanks_too(case: Any, now: Any, source: Side) -> bool:
    return bool(case.rule.rule == "overwrite" or REAL["_may_write"](case, now, source))


def no_blanks(case: Any, now: Any, source: Side) -> bool:
    return now.value(source) is not None and bool(REAL["_may_write"](case, now, source))


def one_way_only(rule: FieldRule, ours: Any, theirs: Any) -> bool:
    return ours == theirs and type(ours) is type(theirs)


def always_theirs(case: Any, now: Any) -> Any:
    return "theirs", "changed"


MUTANTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "spaces are a change": ("canonical", untrimmed),
    "what cannot be converted is blank": ("convert", blank_for_misfit),
    "the CRM always wins": ("_winner", always_theirs),
    "the earlier change wins": ("_later", first_come),
    "stamps of wrong clocks are compared": ("at", as_stamped),
    "nothing that is lost is kept": ("_conflict", lambda *_: None),
    "only a first meeting loses anything": ("_is_lost", lambda case, now, target: case.base is None),
    "everything written over is called lost": ("_is_lost", lambda *_: True),
    "the agreed values are mixed up": ("_pair", swapped),
    "there is never a base": ("_changes", lambda *_: BOTH),
    "nothing ever changes": ("_changes", lambda *_: frozenset()),
    "values agree only when they are the same": ("_agree", one_way_only),
    "only if empty overwrites": ("_may_write", over_anything),
    "never writes": ("_may_write", even_never),
    "blanks overwrite": ("_may_write", blanks_too),
    "blanks never overwrite": ("_may_write", no_blanks),
    "what was read back is forgotten": ("read_back", lambda rule, agreed, side, raw: agreed),
    "case matters always": ("same", lambda rule, one, two: type(one) is type(two) and one == two),
    "an unticked box is an answer": ("_is_blank", lambda rule, side, value: value is None),
}  # fmt: skip


def all_examples() -> list[Callable[[], None]]:
    return [
        examples.test_a_clock_that_is_wrong_decides_nothing,
        examples.test_what_is_agreed_after_a_write_is_each_sides_own_form_of_it,
        examples.test_edits_of_different_fields_on_both_sides_both_survive,
        examples.test_the_later_change_wins_and_the_earlier_is_kept_with_both_stamps,
        examples.test_a_write_that_was_not_taken_is_not_sent_again_but_said_until_the_field_changes,
        examples.test_a_box_that_cannot_be_empty_counts_as_empty_until_it_is_ticked,
        *(
            lambda row=row: examples.test_each_direction_and_rule_writes_what_it_says(*row)
            for row in examples.ROWS
        ),  # type: ignore[misc]
    ]


def histories_pass() -> bool:
    try:
        for seed in range(60):
            play(some_acts(Random(seed)), seed, (seed % 9, -seed % 5))
    except (AssertionError, AttributeError, TypeError):
        return False
    return True


def examples_pass() -> bool:
    try:
        for example in all_examples():
            example()
    except (AssertionError, AttributeError, TypeError, ValueError):
        return False
    return True


UNSEEN_BY_HISTORIES = {
    "everything written over is called lost",
    "an unticked box is an answer",
    "the agreed values are mixed up",
}
"""These lose no value and come to rest; they only say or settle more than they should."""


def test_the_merge_as_it_is_passes() -> None:
    assert histories_pass() and examples_pass()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_merge_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    what, instead = MUTANTS[name]
    monkeypatch.setattr(field_rules.Seen if what == "at" else fields, what, instead)
    assert not (examples_pass() if name in UNSEEN_BY_HISTORIES else histories_pass())
