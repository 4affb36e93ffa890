"""The checker of the sync's histories flags each broken promise, and nothing in a history that keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sync_checker import History, at_rest, violations
from sync_world import START, Event

from allocator.domain.lead import LeadKey

KEY, LEAD, CONTACT = "hubspot:1", "00Q1", "0031"


def happened(*acts: tuple[Any, ...]) -> list[Event]:
    """Events from (who, what, side, object, id, values, more)."""
    made = []
    for number, (who, what, side, object, id, values, *more) in enumerate(acts):
        facts = more[0] if more else {}
        event = Event(number, START, who, what, side, object, id, values, facts=facts)
        made.append(replace(event, **more[1]) if len(more) > 1 else event)
    return made


def link(object: str, id: str, state: str = "live", key: str = KEY) -> Any:
    return SimpleNamespace(key=key, object=object, crm_id=id, state=state)


def row(plan: str, reason: str = "") -> Any:
    return SimpleNamespace(key=LeadKey("hubspot", "1"), plan=plan, reason=reason, problems=())


def person(**more: Any) -> dict[str, Any]:
    known = {"fields": {}, "deleted": False, "master_id": None, "converted": False, "contact_id": None}
    return {**known, "account_id": None, **more}


def read(converted: bool = False, **values: Any) -> tuple[Any, ...]:
    return ("sync", "read", "theirs", "Lead", LEAD, values, {"converted": converted})


def wrote(
    object: str, id: str, values: dict[str, Any], before: dict[str, Any], **facts: Any
) -> tuple[Any, ...]:
    side = "ours" if object == "record" else "theirs"
    return ("sync", "write", side, object, id, values, {"converted": False, **facts}, {"before": before})


def edited(object: str, id: str, **values: Any) -> tuple[Any, ...]:
    return ("somebody", "edit", "ours" if object == "record" else "theirs", object, id, values)


def history(*acts: tuple[Any, ...], **more: Any) -> History:
    """A record with a Lead that was read, and what happened then."""
    known: dict[str, Any] = {
        "links": [link("Lead", LEAD)],
        "rows": [row("lead")],
        "conflicts": [],
        "crm": {LEAD: person(), CONTACT: person()},
        "given": [(KEY, "Lead", LEAD)],
    }
    return History(happened(read(Phone="0"), *acts), **{**known, **more})


def codes(h: History) -> set[str]:
    return {said.partition(":")[0] for said in violations(h)}


CONVERTED = {
    "crm": {LEAD: person(converted=True, contact_id=CONTACT), CONTACT: person()},
    "links": [link("Lead", LEAD, "converted"), link("Contact", CONTACT)],
    "rows": [row("contact")],
}


def test_a_history_that_keeps_the_promises_is_not_flagged() -> None:
    both = (
        edited("record", "1", phone="1"),
        wrote("Lead", LEAD, {"Phone": "1"}, {"Phone": "0"}),
        edited("Lead", LEAD, Title="Boss"),
        wrote("record", "1", {"jobtitle": "Boss"}, {"jobtitle": ""}),
    )
    before = ("somebody", "add", "ours", "record", "1", {"phone": "0"})
    assert codes(history(before, *both)) == set()
    assert codes(history(wrote("Contact", CONTACT, {"Phone": "1"}, {"Phone": ""}), **CONVERTED)) == set()


BROKEN: dict[str, tuple[str, History]] = {
    "a Lead is written after a read that said converted": (
        "I10", history(read(True), wrote("Lead", LEAD, {"Phone": "1"}, {})),
    ),
    "a Lead is written that was not read": (
        "I10", history(wrote("Lead", "00Q9", {"Phone": "1"}, {})),
    ),
    "a write takes place on a Lead that was converted since its read": (
        "I10", history(wrote("Lead", LEAD, {"Phone": "1"}, {}, converted=True)),
    ),
    "an owner is written": ("I11", history(wrote("Lead", LEAD, {"OwnerId": "005"}, {}))),
    "a plan that does not exist": ("I12", history(rows=[row("both")])),
    "held without a reason": ("I12", history(rows=[row("held")])),
    "the contact plan with a link to the Lead": ("I12", history(rows=[row("contact")])),
    "a plan that writes to a deleted Lead": ("I12", history(crm={LEAD: person(deleted=True)})),
    "a Contact that no Lead of the record became": (
        "I13", history(wrote("Contact", "0039", {"Phone": "1"}, {}), **CONVERTED),
    ),
    "the Lead's id is written as a Contact": (
        "I13", history(wrote("Contact", LEAD, {"Phone": "1"}, {}), **CONVERTED),
    ),
    "two live links of one record": (
        "I13", history(links=[link("Lead", LEAD), link("Contact", CONTACT)]),
    ),
    "one Lead with two records": (
        "I13", history(links=[link("Lead", LEAD), link("Lead", LEAD, key="hubspot:2")]),
    ),
    "an edit is written over without a conflict row": (
        "I15",
        history(edited("Lead", LEAD, Phone="x"), wrote("Lead", LEAD, {"Phone": "1"}, {"Phone": "x"})),
    ),
    "a value is emptied that nobody emptied": (
        "I15", history(("sync", "read", "ours", "record", "1", {"phone": "0"}),
                       wrote("Lead", LEAD, {"Phone": None}, {"Phone": "0"})),
    ),
    "a mark goes back": (
        "I16", history(marks=[(START, {"full": START}), (START, {"full": START - timedelta(1)})]),
    ),
    "a mark is nearer than searches lag": (
        "I16", history(marks=[(START, {"hubspot/changes": START})], late=timedelta(minutes=15)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "broken"), BROKEN.values(), ids=BROKEN.keys())
def test_each_broken_promise_is_flagged(code: str, broken: History) -> None:
    assert code in codes(broken)


def test_a_loss_that_a_conflict_row_keeps_is_none() -> None:
    kept = SimpleNamespace(key=KEY, conflict=SimpleNamespace(winner="ours", field="Phone", lost="theirs"))
    over = wrote("Lead", LEAD, {"Phone": "1"}, {"Phone": "theirs"})
    assert codes(history(edited("Lead", LEAD, Phone="theirs"), over, conflicts=[kept])) == set()


def test_an_edit_that_nobody_could_have_read_is_not_charged() -> None:
    """A marketing system takes writes without a condition."""
    shown = ("sync", "read", "ours", "record", "1", {"phone": "0"})
    over = wrote("record", "1", {"phone": "1"}, {"phone": "raced"})
    assert codes(history(shown, edited("record", "1", phone="raced"), over)) == set()


def test_sides_that_do_not_agree_at_rest_are_flagged() -> None:
    agreed = {"fields": {"Phone": "1", "Marketing_Id__c": KEY}}
    ours = {"1": {"phone": "1", "crm_lead_id": LEAD, "gone": False}}
    assert at_rest(history(crm={LEAD: person(**agreed)}, ours=ours)) == []
    for change in ({"phone": "2"}, {"crm_lead_id": "00Q9"}):
        assert at_rest(history(crm={LEAD: person(**agreed)}, ours={"1": {**ours["1"], **change}}))
    lacks_id = person(fields={"Phone": "1"})
    assert at_rest(history(crm={LEAD: lacks_id}, ours=ours))
