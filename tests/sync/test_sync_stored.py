"""A marketing system that keeps another value than the one it was sent: one write, rest, and it is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from sync_world import ROWS, World

from allocator.adapters.marketing.memory import TEXTS
from allocator.domain.sync.values import ConflictRow, FieldInfo
from rules.field_values import FieldType
from rules.model import FieldMapping

EMAIL = FieldMapping("email", "Email", "Email", direction="two-way")
SALARY = FieldMapping("annualrevenue", "AnnualRevenue", "", direction="two-way")
INTERESTS = FieldMapping("interests", "Description", "", direction="two-way")
ALL = (*ROWS, EMAIL, SALARY, INTERESTS)


class Altering(World):
    """`conflicts`: those of the first meeting, before anybody edited anything."""

    conflicts: Sequence[ConflictRow] = ()


def world(stores: Callable[[str, str], str], **more: FieldInfo) -> Altering:
    return Altering(
        rows=ALL, fields={**TEXTS, "annualrevenue": FieldInfo(FieldType("number")), **more}, stores=stores
    )


def only(field: str, made: Callable[[str], str]) -> Callable[[str, str], str]:
    return lambda name, text: made(text) if name == field and text else text


def digits(text: str) -> str:
    return "".join(re.findall(r"\d", text))


def rounded(text: str) -> str:
    return str(round(float(text) / 1000) * 1000)


UNSAID = [
    ("email", str.lower, "Email", "Ada@X.Example"),
    ("jobtitle", lambda text: f"  {text} \r\n", "Title", "Boss"),
    ("annualrevenue", lambda text: f"{float(text):.4f}", "AnnualRevenue", 1200),
    ("interests", lambda text: ";".join(reversed(text.split(";"))), "Description", "a;b"),
]
"""Spellings that are no other values, where the fields' kinds are known."""
SAID = [
    ("phone", digits, "Phone", "+49 (30) 1000"),
    ("annualrevenue", rounded, "AnnualRevenue", 1234),
    ("jobtitle", lambda text: text[:10], "Title", "Vice President of nearly Everything"),
    ("jobtitle", str.upper, "Title", "Boss"),
    ("jobtitle", lambda text: "", "Title", "Boss"),
]


def edited(world: Altering, field: str, value: object) -> tuple[str, int]:
    """A person of the CRM edits a field; cycles until everybody has had their say."""
    id = world.person(annualrevenue="5", phone="1", jobtitle="Old", email="old@x.example", interests="z")
    world.settle(2)
    since, world.conflicts = len(world.log.events), world.store.conflicts()
    world.edit_theirs(world.lead(id), **{field: value})
    world.settle(4)
    return id, len(world.written(since))


@pytest.mark.parametrize(("ours", "made", "theirs", "value"), UNSAID)
def test_another_spelling_of_the_value_is_the_value(
    ours: str, made: Callable[[str], str], theirs: str, value: object
) -> None:
    kinds = FieldInfo(FieldType("multi_picklist"))
    there = world(only(ours, made), interests=kinds)
    id, writes = edited(there, theirs, value)
    assert writes == 1 and there.theirs(there.lead(id))[theirs] == value
    assert there.row(id).problems == () and there.store.conflicts() == there.conflicts


@pytest.mark.parametrize(("ours", "made", "theirs", "value"), SAID)
def test_another_value_comes_to_rest_and_never_gets_into_the_crm(
    ours: str, made: Callable[[str], str], theirs: str, value: object
) -> None:
    there = world(only(ours, made))
    id, writes = edited(there, theirs, value)
    assert writes == 1 and there.theirs(there.lead(id))[theirs] == value
    [problem] = there.row(id).problems
    assert (problem.code, problem.field, problem.side) == ("not_taken", ours, "ours")
    assert "was sent" in problem.message and there.store.conflicts() == there.conflicts


def test_it_is_said_from_the_cycle_on_that_wrote_it() -> None:
    there = world(only("phone", digits))
    id = there.person(phone="1")
    there.settle(2)
    there.edit_theirs(there.lead(id), Phone="+49 1")
    there.run()
    assert [problem.code for problem in there.row(id).problems] == ["not_taken"]


def test_an_edit_on_either_side_counts_again_after_a_value_that_was_not_taken() -> None:
    there = world(only("phone", digits))
    id, _ = edited(there, "Phone", "+49 1")
    since = len(there.log.events)
    there.edit_ours(id, phone="77")
    there.settle(3)
    assert there.theirs(there.lead(id))["Phone"] == "77" and len(there.written(since)) == 1
    there.edit_theirs(there.lead(id), Phone="8 8")
    there.settle(3)
    assert there.ours(id)["phone"] == "88" and there.theirs(there.lead(id))["Phone"] == "8 8"
    assert len(there.written(since)) == 2


def test_another_case_of_an_address_is_no_change_in_either_direction() -> None:
    there = world(only("email", str.lower))
    id, _ = edited(there, "Email", "Ada@X.Example")
    since = len(there.log.events)
    there.edit_theirs(there.lead(id), Email="ADA@x.example")
    there.edit_ours(id, email="aDa@x.example", jobtitle="New")
    there.settle(3)
    assert [event.values for event in there.written(since)] == [{"Title": "New"}]
    there.edit_ours(id, email="Bea@X.example")
    there.settle(3)
    assert there.theirs(there.lead(id))["Email"] == "bea@x.example" and len(there.written(since)) == 2


def test_an_address_whose_write_got_no_answer_is_known_in_its_other_case() -> None:
    there = world(only("email", str.lower))
    id = there.person(email="old@x.example")
    there.settle(2)
    since = len(there.log.events)
    there.edit_theirs(there.lead(id), Email="Ada@X.Example")
    there.source.faults.lose("write")
    there.settle(3)
    assert len(there.written(since)) == 1 and there.store.pending_sync() == []
    assert there.theirs(there.lead(id))["Email"] == "Ada@X.Example"


def test_of_values_that_are_sent_one_by_one_what_was_stored_is_known_too() -> None:
    there = world(only("phone", digits))
    id = there.person(phone="1", jobtitle="Old")
    there.settle(2)
    usual = there.source._code
    there.source._code = lambda fields: "NO" if "jobtitle" in fields else usual(fields)  # type: ignore[method-assign]
    since = len(there.log.events)
    there.edit_theirs(there.lead(id), Phone="+49 1", Title="Boss")
    there.settle(4)
    done = [event for event in there.written(since) if event.done]
    assert [event.values for event in done] == [{"phone": "+49 1"}]
    assert there.theirs(there.lead(id))["Phone"] == "+49 1"
    assert {problem.code for problem in there.row(id).problems} == {"not_taken", "rejected"}
