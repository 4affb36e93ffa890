"""What can be odd about the leads themselves: pages, doubles, late commits, clocks, people who are gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from faulty_org import (
    PEOPLE,
    PULL,
    USERS,
    WRITE,
    FaultyOrg,
    Make,
    afterwards,
    body,
    company,
    cut,
    instead,
    meanwhile,
    row,
)
from workbooks import ANA, BEN, CHI, build, crm_id

from allocator.domain.lead import State
from allocator.sandbox.clock import wire
from allocator.sandbox.wire import Request, Response

NEW = crm_id("00Q5g00000NeW01")
NEXT = r"GET /services/data/v[0-9.]+/query/0r8"
LOCATOR = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, make: Make) -> FaultyOrg:
    """Ten leads, three a page."""
    monkeypatch.setattr("allocator.sandbox.salesforce.query.batch_size", lambda headers: 3)
    return make(leads=10)


def test_pages_are_read_to_the_end(pages: FaultyOrg) -> None:
    pages.run(0, pulled=10, assigned=10)
    pages.all_given()
    assert len(pages.asked(NEXT)) >= 3


def test_a_locator_that_is_lost_starts_the_query_again(pages: FaultyOrg) -> None:
    pages.twist(NEXT, instead(400, LOCATOR), nth=2)
    pages.run(0, pulled=10, assigned=10)
    pages.all_given()
    assert len(pages.asked(PULL)) == 2


def test_a_locator_that_is_always_lost_is_exit_5_and_nothing_is_kept(pages: FaultyOrg) -> None:
    pages.twist(NEXT, instead(400, LOCATOR), times=0)
    pages.error(5)
    assert pages.rows() == {}
    assert len(pages.asked(PULL)) == 3
    pages.heals(pulled=10, assigned=10)


@pytest.mark.parametrize(
    "lost", [instead(503, b"<html>"), cut(), cut(reset=True)], ids=["503", "closed", "reset"]
)
def test_a_second_page_that_fails_is_tried_again(pages: FaultyOrg, lost) -> None:  # type: ignore[no-untyped-def]
    pages.twist(NEXT, lost, nth=2)
    pages.run(0, pulled=10, assigned=10)
    pages.all_given()


def test_a_second_page_that_always_fails_is_exit_5_and_no_page_is_kept(pages: FaultyOrg) -> None:
    pages.twist(NEXT, instead(503, b"<html>"), times=0)
    pages.error(5)
    assert pages.rows() == {}
    with pages.store() as store:
        assert store.mark("salesforce") is None
    pages.heals(pulled=10, assigned=10)


def test_a_session_that_ends_between_two_pages_is_renewed(pages: FaultyOrg) -> None:
    def expire(request: Request, work: Callable[[], Response]) -> Response:
        pages.sandbox.oauth.revoke(request)
        return work()

    pages.twist(NEXT, expire, nth=2)
    pages.run(0, pulled=10, assigned=10)
    pages.all_given()


def test_leads_that_move_between_pages_are_decided_once_and_none_is_missed(pages: FaultyOrg) -> None:
    """While the pages are read one lead is taken and another one comes; the locator is lost on top of it."""
    taken, taker = pages.leads[8], pages.user("Vera Voss")

    def move() -> None:
        stamp = wire(pages.sandbox.clock.now() + timedelta(seconds=30))
        pages.put("Lead", {"Id": taken, "OwnerId": taker, "LastModifiedDate": stamp, "SystemModstamp": stamp})
        pages.put("Lead", _new(pages, NEW))

    pages.twist(NEXT, meanwhile(move))
    pages.twist(NEXT, instead(400, LOCATOR))
    pages.run(0)
    pages.straight()
    pages.run(0)
    rows, owners = pages.rows(), pages.owners()
    assert owners[taken] == taker and not pages.commits(taken)
    for lead in {*rows} - {taken}:
        assert (rows[lead].state, rows[lead].owner) == (State.CONFIRMED, owners[lead])
        assert len(pages.commits(lead)) == 1
    assert pages.queue not in owners.values()


def _new(org: FaultyOrg, lead: str, **more: str) -> dict[str, object]:
    now = wire(org.sandbox.clock.now())
    stamps = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
    return {
        "Id": lead, "OwnerId": org.queue, "LastName": "New", "Company": "Acme", "Country": "DE",
        "IsConverted": False, "IsDeleted": False, "Status": "Open - Not Contacted", **stamps, **more,
    }  # fmt: skip


def test_a_row_that_comes_twice_in_a_page_is_one_lead(org: FaultyOrg) -> None:
    org.twist(
        PULL, body(lambda page: {**page, "records": [*page["records"], page["records"][0]], "totalSize": 5})
    )
    org.run(0, pulled=4, assigned=4)
    org.all_given()


ODD_VALUES = {
    "no stamp": {"LastModifiedDate": None},
    "a stamp that is none": {"LastModifiedDate": "yesterday"},
    "an owner that is no id": {"OwnerId": "'; DROP"},
    "a number as date": {"CreatedDate": 7},
}


@pytest.mark.parametrize("odd", ODD_VALUES.values(), ids=ODD_VALUES)
def test_one_record_that_cannot_be_read_is_held_and_the_others_go_on(
    org: FaultyOrg, odd: dict[str, object]
) -> None:
    spoil = body(
        lambda page: {
            **page,
            "records": [{**one, **odd} if one["Id"] == org.leads[0] else one for one in page["records"]],
        }
    )
    org.twist(PULL, spoil, times=2)
    made = org.run(4, pulled=4, assigned=3, held=1)
    assert made["held_reasons"] == {"unreadable": 1}
    org.run(0, redecided=0)  # unreadable as before: there is nothing new to decide
    org.run(0, redecided=1, assigned=1)
    org.all_given()


def test_a_page_with_a_lead_without_an_id_is_exit_5(org: FaultyOrg) -> None:
    org.twist(
        PULL,
        body(lambda page: {**page, "records": [{**page["records"][0], "Id": "x"}, *page["records"][1:]]}),
    )
    org.error(5)
    assert org.rows() == {}
    org.heals(pulled=4, assigned=4)


def test_a_lead_committed_late_with_an_old_stamp_is_found(org: FaultyOrg) -> None:
    org.run(0, assigned=4)
    old = wire(org.sandbox.clock.now() - timedelta(days=3))
    org.put("Lead", _new(org, NEW, CreatedDate=old, LastModifiedDate=old, SystemModstamp=old))
    org.run(0, pulled=1, assigned=1)
    assert org.rows()[NEW].state is State.CONFIRMED


def test_a_conversion_committed_late_within_the_overlap_is_found(org: FaultyOrg) -> None:
    org.run(0, assigned=4)
    org.run(0)
    stamp = wire(org.sandbox.clock.now() - timedelta(minutes=10))
    org.control("POST", "act", {"do": "convert", "record": org.leads[0], "by": ANA})
    org.put("Lead", {"Id": org.leads[0], "SystemModstamp": stamp, "LastModifiedDate": stamp})
    assert org.run(0)["leads"]["converted"] == 1


@pytest.mark.parametrize("minutes", [-10, 10])
def test_the_mark_and_the_conditions_go_by_the_crms_clock_not_by_ours(make: Make, minutes: int) -> None:
    skewed = datetime.now(UTC) + timedelta(minutes=minutes)
    org = make()
    org.control("POST", "clock", {"now": skewed.isoformat()})
    for lead in org.leads:
        stamp = wire(org.sandbox.clock.now())
        org.put(
            "Lead", {"Id": lead, "LastModifiedDate": stamp, "SystemModstamp": stamp, "CreatedDate": stamp}
        )
    org.run(0, assigned=4)
    org.all_given()
    with org.store() as store:
        mark = store.mark("salesforce")
    assert mark is not None
    behind = org.sandbox.clock.now() - mark
    assert timedelta(minutes=15) <= behind < timedelta(minutes=17)
    org.control("POST", "act", {"do": "convert", "record": org.leads[0], "by": ANA})
    assert org.run(0)["leads"]["converted"] == 1


# --- people -----------------------------------------------------------------------------------------------


def test_a_salesperson_whose_user_is_gone_is_passed_over(org: FaultyOrg) -> None:
    org.twist(USERS, body(lambda page: _without(page, BEN)))
    org.run(0, assigned=4)
    owners = set(org.owners().values())
    assert owners == {ANA, CHI}
    _, why = org("explain", org.leads[0])
    assert {s["id"]: s["why"] for s in why["turn"]["skipped"]} == {"P-002": "crm_unknown"}


def _without(page: dict, user: str) -> dict:  # type: ignore[type-arg]
    records = [one for one in page["records"] if one["Id"] != user]
    return {**page, "records": records, "totalSize": len(records)}


def test_a_team_without_anybody_holds_its_leads_until_somebody_is_back(org: FaultyOrg) -> None:
    org.put("User", *({"Id": user, "IsActive": False} for user in (ANA, BEN, CHI)))
    made = org.run(4, held=4)
    assert made["held_reasons"] == {"nobody_available": 4}
    org.run(0, pulled=0, redecided=0)
    org.put("User", {"Id": CHI, "IsActive": True})
    org.run(0, redecided=4, assigned=4)
    assert set(org.owners().values()) == {CHI}


def test_a_team_whose_people_are_all_away_holds_its_leads(org: FaultyOrg) -> None:
    sheets = company()
    today = datetime.now(UTC).date()
    away = (today - timedelta(days=2), today + timedelta(days=2), "holiday", None)
    sheets["Absences"] += [[person[1], *away] for person in sheets["Salespeople"][1:]]
    org.book.write_bytes(build(sheets))
    made = org.run(4, held=4)
    assert made["held_reasons"] == {"nobody_available": 4}
    org.book.write_bytes(build(company()))
    org.run(0, redecided=4, assigned=4)


def test_what_a_run_looked_up_is_not_believed_by_the_next_one(make: Make) -> None:
    org = make(leads=[{**row(n), "Email": "max@example.org"} for n in range(1)])
    contact = {"Id": "0035g00000MaX01AAA", "LastName": "Max", "Email": "max@example.org", "OwnerId": ANA}
    org.put("Contact", contact)
    org.run(0, assigned=1)
    assert set(org.owners().values()) == {ANA}
    org.put("Contact", {"Id": contact["Id"], "OwnerId": CHI})
    org.put("Lead", {"Id": org.leads[0], "OwnerId": CHI})
    second = _new(org, NEW, Email="max@example.org")
    org.put("Lead", second)
    org.run(0, pulled=1, assigned=1)
    assert org.owners()[NEW] == CHI


def test_a_look_up_that_is_stale_at_the_write_is_caught_by_the_crm(make: Make) -> None:
    org = make(leads=[{**row(0), "Email": "max@example.org"}])
    contact = {"Id": "0035g00000MaX01AAA", "LastName": "Max", "Email": "max@example.org", "OwnerId": ANA}
    org.put("Contact", contact)
    org.twist(PEOPLE, afterwards(lambda: org.put("User", {"Id": ANA, "IsActive": False})))
    made = org.run(4, held=1)
    assert made["held_reasons"] == {"owner_refused": 1}
    org.straight()
    org.run(0, redecided=1, assigned=1)
    assert ANA not in org.owners().values()


def test_a_lead_put_back_by_a_person_goes_to_another_one(org: FaultyOrg) -> None:
    org.run(0, assigned=4)
    lead = org.leads[0]
    before = org.owners()[lead]
    org.put("Lead", {"Id": lead, "OwnerId": org.queue})
    org.twist(WRITE, instead(503, b"<html>"))
    org.run(0, redecided=1, assigned=1)
    assert org.owners()[lead] not in (before, org.queue)
