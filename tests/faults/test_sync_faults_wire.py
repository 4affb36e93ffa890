"""Limits, locks, refusals and torn answers of both systems in the middle of a cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from faulty_org import Change, cut, instead, meanwhile
from synced_org import READ_OURS, SEARCH, UPDATE, WRITE_LEAD, Person, SyncedOrg

from allocator.sandbox.wire import Request, Response

LATE = (0, 4, 5)


def edited(org: SyncedOrg) -> tuple[Person, Person]:
    """Two people: one edited in HubSpot, one in the CRM."""
    ours, theirs = org.linked(2)
    ours.edit_ours(phone="200")
    theirs.edit(theirs.lead, Phone="300")
    return ours, theirs


def came_over(ours: Person, theirs: Person) -> None:
    assert ours.row(ours.lead)["Phone"] == "200"
    assert theirs.ours["phone"] == "300"


def limited(policy: str) -> Change:
    body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": policy, "message": f"{policy} limit"}
    return instead(429, body)


def torn(request: Request, work: Callable[[], Response]) -> Response:
    return replace(work(), truncate=True)


def halved(request: Request, work: Callable[[], Response]) -> Response:
    done = work()
    return replace(done, body=done.payload()[: len(done.payload()) // 2])


# --- HubSpot ----------------------------------------------------------------------------------------------

PASSES: dict[str, tuple[str, Change]] = {
    "searches too fast": (SEARCH, limited("SECONDLY")),
    "reads too fast": (READ_OURS, limited("TEN_SECONDLY_ROLLING")),
    "writes too fast": (UPDATE, limited("TEN_SECONDLY_ROLLING")),
    "moving": (
        UPDATE,
        instead(477, {"status": "error", "category": "MIGRATION_IN_PROGRESS"}, Retry_After="3"),
    ),
    "read down": (READ_OURS, instead(503, {"status": "error"})),
    "read torn": (READ_OURS, torn),
    "search halved": (SEARCH, halved),
}
"""Each passes within the run."""


def test_what_hubspot_gets_over_by_itself_is_waited_for_in_the_run(both: SyncedOrg) -> None:
    ours, theirs = edited(both)
    for pattern, change in PASSES.values():
        both.twist(pattern, change)
    both.waits.clear()
    both.next_run()
    assert [twist[4] for twist in both._twists if twist[4] < 1] == []
    asked = {int(wait) for wait in both.waits}
    assert asked & {1, 2} and asked & {3, 4} and asked & {10, 11}
    came_over(ours, theirs)
    both.rests()


STAYS: dict[str, tuple[str, Change, bool]] = {
    "the day is used up at a search": (SEARCH, limited("DAILY"), False),
    "the day is used up at a write": (UPDATE, limited("DAILY"), True),
    "writes stay too fast": (UPDATE, limited("TEN_SECONDLY_ROLLING"), True),
    "writes stay locked": (UPDATE, instead(423, {"status": "error", "category": "LOCKED"}), True),
    "writes are cut": (UPDATE, cut(reset=True), True),
}


@pytest.mark.parametrize(("pattern", "change", "crm_is_written"), STAYS.values(), ids=STAYS)
def test_what_stays_wrong_with_hubspot_leaves_its_part_to_the_next_run(
    both: SyncedOrg, pattern: str, change: Change, crm_is_written: bool
) -> None:
    ours, theirs = edited(both)
    both.twist(pattern, change, times=0)
    before = both.asked()
    both.next_run(LATE)
    assert (ours.row(ours.lead)["Phone"] == "200") is crm_is_written
    assert theirs.ours["phone"] == "100"
    both.straight()
    both.next_run()
    came_over(ours, theirs)
    both.rests()
    assert [id for kind, id, values in both.writes(before) if kind == "Lead"] == [ours.lead]


@pytest.mark.parametrize("lost", [cut(after=True), halved], ids=["closed", "halved"])
def test_a_lost_answer_of_hubspot_is_read_back_and_the_write_not_repeated(
    both: SyncedOrg, lost: Change
) -> None:
    (person,) = both.linked(1)
    person.edit(person.lead, Phone="300")
    both.twist(UPDATE, lost)
    before = both.asked()
    both.next_run(LATE)
    both.rests()
    assert [one for one in both.writes(before) if one[0] == "record"] == [
        ("record", person.record, {"phone": "300"})
    ]
    assert person.ours["phone"] == "300"


def test_one_bad_input_of_a_batch_is_kept_and_shown_and_the_others_go_on(both: SyncedOrg) -> None:
    people = bad, taken, good = both.linked(3)
    bad.edit(bad.lead, Phone="9" * 30)
    for person in (taken, good):
        person.edit(person.lead, Phone="300")
    taken.edit(taken.lead, Email=good.ours["email"])
    both.fault(
        "status", on={"path": "batch/update", "record": bad.record, "times": 0}, status=400, code="INVALID"
    )
    both.next_run(LATE)
    assert good.ours["phone"] == "300"
    assert bad.ours["phone"] == "100"
    assert bad.problems() == [("phone", "rejected")]
    assert {field for field, code in taken.problems()} >= {"email"}
    seen = both.asked()
    both.next_run(LATE)
    assert both.writes(seen) == [], "what was refused is not sent again as long as nothing changes"
    both.control("DELETE", "faults")
    taken.edit(taken.lead, Email="own@own.example")
    bad.edit(bad.lead, Phone="400")
    both.rests()
    assert [person.ours["phone"] for person in people] == ["400", "300", "300"]
    assert taken.ours["email"] == "own@own.example"
    assert bad.problems() == taken.problems() == []


# --- Salesforce -------------------------------------------------------------------------------------------


def test_rows_that_are_locked_or_were_changed_are_decided_again_in_the_run(both: SyncedOrg) -> None:
    people = locked, changed, _ = both.linked(3)
    for person in people:
        person.edit_ours(phone="200")
    refusals = [(locked, 400, "UNABLE_TO_LOCK_ROW"), (changed, 412, "PRECONDITION_FAILED")]
    for person, status, code in refusals:
        on = {"method": "PATCH", "record": person.lead, "times": 2}
        both.fault("status", on=on, status=status, code=code)
    both.next_run()
    assert [person.row(person.lead)["Phone"] for person in people] == ["200"] * 3
    both.rests()


def test_an_edit_of_sales_under_our_write_is_not_lost(both: SyncedOrg) -> None:
    """To another field, and to the same one: the condition of the write sees it."""
    other, same = both.linked(2)
    for one in (other, same):
        one.edit_ours(phone="200")

    def edit() -> None:
        other.edit(other.lead, Title="Chief")
        same.edit(same.lead, Phone="300")

    both.twist(WRITE_LEAD, meanwhile(edit))
    both.next_run()
    both.rests()
    assert (other.row(other.lead)["Phone"], other.ours["jobtitle"]) == ("200", "Chief")
    assert same.row(same.lead)["Phone"] == same.ours["phone"] == "300"
    (lost,) = same.told("conflict")
    assert "200" in str(lost["fields"])


def test_a_row_that_stays_locked_waits_and_the_others_go_on(both: SyncedOrg) -> None:
    person, other = both.linked(2)
    for one in (person, other):
        one.edit_ours(phone="200")
    both.fault("lock", on={"method": "PATCH", "record": person.lead, "times": 0})
    both.next_run(LATE)
    assert [one.row(one.lead)["Phone"] for one in (person, other)] == ["100", "200"]
    both.rests()
    assert person.row(person.lead)["Phone"] == "200"


def refused(code: str) -> Change:
    return instead(403, [{"errorCode": code, "message": "TotalRequests Limit exceeded."}])


LIMITS: dict[str, Change] = {
    "the day is used up": refused("REQUEST_LIMIT_EXCEEDED"),
    "no answer": cut(reset=True),
}


@pytest.mark.parametrize("change", LIMITS.values(), ids=LIMITS)
def test_trouble_of_the_crm_in_the_middle_of_writing_leaves_the_rest_to_the_next_run(
    both: SyncedOrg, change: Change
) -> None:
    people = both.linked(2)
    for person in people:
        person.edit_ours(phone="200")
    both.twist(WRITE_LEAD, change, times=0)
    both.next_run(LATE)
    assert [person.row(person.lead)["Phone"] for person in people] == ["100", "100"]
    people[0].convert()
    people[1].edit(people[1].lead, Title="Chief")
    both.straight()
    both.next_run()
    both.rests()
    assert people[0].row(people[0].contact)["Phone"] == "200"
    assert people[1].row(people[1].lead)["Phone"] == "200"
    assert people[1].ours["jobtitle"] == "Chief"


def test_a_session_that_ends_in_the_middle_is_renewed_in_the_run(both: SyncedOrg) -> None:
    ours, theirs = edited(both)
    both.fault("expire", on={"path": "composite", "nth": 2})
    both.next_run(LATE)
    both.rests()
    came_over(ours, theirs)


def test_what_the_crm_refuses_of_one_record_is_kept_and_shown_and_the_others_go_on(both: SyncedOrg) -> None:
    codes = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "INVALID_FIELD", "STRING_TOO_LONG")
    good, *bad = both.linked(4)
    for person in (good, *bad):
        person.edit_ours(phone="200")
    for person, code in zip(bad, codes, strict=True):
        both.fault("status", on={"method": "PATCH", "record": person.lead, "times": 0}, status=400, code=code)
    both.next_run(LATE)
    assert good.row(good.lead)["Phone"] == "200"
    for person, code in zip(bad, codes, strict=True):
        assert person.problems() == [("Phone", "rejected")]
        assert code in str(person.explain()["plan"]["problems"])
    seen = both.asked()
    both.next_run(LATE)
    assert both.writes(seen) == [], "what was refused is not sent again as long as nothing changes"
    both.control("DELETE", "faults")
    for person in bad:
        person.edit_ours(phone="400")
    both.rests()
    for person in bad:
        assert person.row(person.lead)["Phone"] == "400"
        assert person.problems() == []


# --- search lags and clocks -------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [60, 600])
def test_edits_that_the_search_shows_late_come_over_from_both_sides(both: SyncedOrg, lag: int) -> None:
    both.control("PUT", "hubspot/settings", {"search_lag_update": lag})
    ours, same = both.linked(2)
    both.later(minutes=30)
    ours.edit_ours(phone="200")
    same.edit_ours(phone="200")
    same.edit(same.lead, Title="Chief")
    both.later(seconds=30)
    assert both("run")[0] == 0
    assert same.row(same.lead)["Phone"] == "200", "the CRM's change had it looked at, and the read is fresh"
    ours.edit(ours.lead, Phone="300")
    both.later(seconds=20)
    ours.edit_ours(city="Rome")
    both.next_run()
    both.rests()
    row = ours.row(ours.lead)
    assert (row["Phone"], row["City"], same.ours["jobtitle"]) == ("300", "Rome", "Chief")
    assert "200" in str(ours.told("conflict"))


def test_a_new_contact_that_the_search_shows_late_is_made_once(both: SyncedOrg) -> None:
    both.control("PUT", "hubspot/settings", {"search_lag_create": 600})
    both.later(minutes=30)
    person = both.new()
    assert both("run")[0] == 0
    assert person.links() == []
    person.edit_ours(phone="200")
    both.next_run()
    both.rests()
    assert person.row(person.lead)["Phone"] == "200"


@pytest.mark.parametrize("minutes", [-40, 40])
def test_clocks_that_do_not_agree_do_not_change_who_was_later(both: SyncedOrg, minutes: int) -> None:
    """The systems' clocks are off against ours, and jump once between two runs."""
    first, last = both.linked(2)
    both.later(minutes=30)
    both.clock_off(timedelta(minutes=minutes))
    first.edit_ours(phone="200")
    last.edit(last.lead, Phone="300")
    both.tick(5)
    first.edit(first.lead, Phone="300")
    last.edit_ours(phone="200")
    both.tick(120)
    assert both("run")[0] == 0
    both.clock_off(timedelta())
    both.rests()
    assert (first.ours["phone"], first.row(first.lead)["Phone"]) == ("300", "300")
    assert (last.ours["phone"], last.row(last.lead)["Phone"]) == ("200", "200")
    assert len(first.told("conflict")) == len(last.told("conflict")) == 1
