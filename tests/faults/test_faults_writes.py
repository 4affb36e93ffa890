"""Owner writes that fail, half succeed, or meet somebody else: who owns the lead afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faulty_org import READ, WRITE, Change, FaultyOrg, Make, body, cut, instead, meanwhile, row

from allocator.sandbox.wire import Request, Response

HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def either(lost: Callable[[Response], Response]) -> dict[str, Change]:
    """An answer that is lost before, and after, the CRM has done the work."""
    return {
        "before": lambda request, work: lost(Response(200, {"compositeResponse": []})),
        "after": lambda request, work: lost(work()),
    }


LOST: dict[str, dict[str, Change]] = {
    "closed": {"before": cut(), "after": cut(after=True)},
    "reset": {"before": cut(reset=True), "after": cut(reset=True, after=True)},
    "500": either(lambda done: Response(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}])),
    "502": either(lambda done: Response(502, HTML, content_type="text/html")),
    "503": either(lambda done: Response(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}])),
    "504": either(lambda done: Response(504, HTML, content_type="text/html")),
    "a log-in page as 200": either(lambda done: Response(200, HTML, content_type="text/html")),
    "half of the JSON": either(lambda done: Response(200, done.payload()[: len(done.payload()) // 2])),
    "a torn body": either(lambda done: replace(done, truncate=True)),
    "429": either(lambda done: Response(429, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}])),
}


def reads_between_writes(org: FaultyOrg) -> list[str]:
    """The order of writes and reads of Leads, as W and R."""
    return [("W" if "composite" in r["path"] else "R") for r in org.asked(f"{WRITE}|{READ}")]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_lost_answer_to_a_write_is_read_back_before_anything_is_sent_again(
    org: FaultyOrg, lost: dict[str, Change], when: str
) -> None:
    org.twist(WRITE, lost[when])
    org.run(0, pulled=4, assigned=4, retry=0)
    org.all_given()
    writes = org._twists[0][4]
    assert writes == (2 if when == "before" else 1)
    assert reads_between_writes(org)[-2 * writes + 1 :] == ["R", "W", "R"][-2 * writes + 1 :]


@pytest.mark.parametrize("when", ["before", "after_commit"])
def test_a_timeout_of_a_write_is_read_back_before_anything_is_sent_again(org: FaultyOrg, when: str) -> None:
    org.patience(1.0)
    org.fault("hold", when, {"method": "POST", "path": "composite$", "nth": 2})  # the first one looks up
    org.run(0, assigned=4, retry=0)
    org.all_given()
    writes = org.asked(WRITE)
    assert len(writes) <= 2
    if when == "before":
        assert {len(owners_sent(org, lead)) for lead in org.leads} == {1}


def owners_sent(org: FaultyOrg, lead: str) -> set[str]:
    return {sub["body"]["OwnerId"] for sub in org.sent(lead)}


def test_writes_that_are_never_answered_stay_in_the_outbox_and_go_out_with_the_next_run(
    org: FaultyOrg,
) -> None:
    org.twist(WRITE, LOST["503"]["before"], times=0)
    org.run(4, assigned=0, held=0, retry=4)
    assert org._twists[0][4] == 3
    org.heals(pulled=0, redecided=4, assigned=4)


def test_a_read_back_that_fails_leaves_the_writes_for_the_next_run_which_reads_first(org: FaultyOrg) -> None:
    org.twist(READ, instead(503, HTML), times=0)
    org.run(5, assigned=0, retry=4)
    org.straight()
    made = org.run(0, pulled=0, redecided=4, assigned=4)
    org.all_given()
    assert made["crm"]["by_kind"].get("write", 0) == 0


def test_a_connection_refused_at_the_write_leaves_all_of_it_for_the_next_run(org: FaultyOrg) -> None:
    def die(request: Request, work: Callable[[], Response]) -> Response:
        server = org.sandbox._server
        assert server is not None
        server.shutdown()
        server.server_close()
        return cut()(request, work)

    org.twist(WRITE, die)
    org.run(5, assigned=0, retry=4)
    org.down()
    org.up()
    org.heals(pulled=0, redecided=4, assigned=4)


# --- limits and locks -------------------------------------------------------------------------------------


def test_a_day_used_up_during_delivery_stops_new_work_and_confirms_what_was_written(make: Make) -> None:
    org = make(leads=60)
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    org.twist(WRITE, instead(403, refusal), nth=2, times=0)
    made = org.run(5, pulled=60, held=0)
    assert made["leads"]["assigned"] == 25
    assert made["leads"]["retry"] == 35
    assert sum(len(org.commits(lead)) for lead in org.leads) == 25
    org.heals(pulled=0, redecided=35, assigned=35)


def test_one_locked_row_of_many_is_tried_alone_and_then_held(make: Make) -> None:
    org = make(leads=30)
    lead = org.leads[7]
    org.fault("lock", on={"method": "PATCH", "record": lead, "times": 0})
    made = org.run(4, assigned=29, held=1)
    assert made["held_reasons"] == {"locked": 1}
    assert len(org.sent(lead)) == 4
    assert {len(org.sent(one)) for one in org.leads if one != lead} == {1}
    assert org.state(lead) == ("held", "locked") and org.refunded(lead)
    org.heals(redecided=1, assigned=1)


def test_a_row_that_is_locked_for_a_moment_is_given_all_the_same(org: FaultyOrg) -> None:
    org.fault("lock", on={"method": "PATCH", "record": org.leads[1], "times": 3})
    org.run(0, assigned=4)
    org.all_given()
    assert [len(org.sent(lead)) for lead in org.leads] == [1, 4, 1, 1]


# --- results of another order, fewer, more ----------------------------------------------------------------


def results(change: Callable[[list[Any]], list[Any]]) -> Change:
    return body(lambda answer: {**answer, "compositeResponse": change(answer["compositeResponse"])})


ORDERS = {
    "turned round": results(lambda parts: parts[::-1]),
    "one missing": results(lambda parts: parts[1:]),
    "one twice": results(lambda parts: [*parts[1:], parts[1]]),
    "one too many": results(lambda parts: [*parts, {**parts[0], "referenceId": "w99"}]),
    "none": results(lambda parts: []),
    "of another kind": results(lambda parts: [None] * len(parts)),
}


@pytest.mark.parametrize("change", ORDERS.values(), ids=ORDERS)
def test_results_belong_to_their_lead_by_name_and_an_odd_number_is_no_answer(
    org: FaultyOrg, change: Change
) -> None:
    taken, taker = org.leads[2], org.user("Vera Voss")
    org.twist(WRITE, meanwhile(lambda: org.put("Lead", {"Id": taken, "OwnerId": taker, **_later(org)})))
    twisted = org._twists.pop()[1]
    org.twist(WRITE, lambda request, work: change(request, lambda: twisted(request, work)))
    org.run(0, assigned=3, taken=1)
    assert org.owners()[taken] == taker
    assert {len(org.commits(lead)) for lead in org.leads} == {0, 1}


def _later(org: FaultyOrg) -> dict[str, str]:
    """The stamps of a change that happens a while after the pull."""
    from datetime import timedelta

    from allocator.sandbox.clock import wire

    stamp = wire(org.sandbox.clock.now() + timedelta(seconds=30))
    return {"LastModifiedDate": stamp, "SystemModstamp": stamp}


# --- refused ----------------------------------------------------------------------------------------------

REFUSALS = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "crm_rejected",
    "REQUIRED_FIELD_MISSING": "crm_rejected",
    "INSUFFICIENT_ACCESS_OR_READONLY": "crm_rejected",
    "DUPLICATES_DETECTED": "crm_rejected",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "crm_rejected",
    "INACTIVE_OWNER_OR_USER": "owner_refused",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "owner_refused",
}


@pytest.mark.parametrize(("code", "reason"), REFUSALS.items(), ids=REFUSALS)
def test_what_the_crm_refuses_for_good_is_held_with_its_code_and_not_sent_again(
    org: FaultyOrg, code: str, reason: str
) -> None:
    lead = org.leads[0]
    org.fault("status", on={"method": "PATCH", "record": lead}, status=400, code=code)
    made = org.run(4, held=1)
    assert made["held_reasons"] == {reason: 1}
    assert len(org.sent(lead)) == 1
    _, why = org("explain", lead)
    assert (why["state"], why["reason"], why["detail"], why["given_back"]) == ("held", reason, code, True)
    again = org.run(0)
    assert again["leads"]["redecided"] == (1 if reason == "owner_refused" else 0)
    _, held = org("leads", "held")
    assert [one["reason"] for one in held["leads"]] == ([] if reason == "owner_refused" else [reason])


def test_a_person_whom_the_crm_refuses_gets_nothing_else_in_this_run(make: Make) -> None:
    org = make(leads=9)
    org.twist(WRITE, meanwhile(lambda: org.put("User", *_inactive(org))))
    made = org.run(4, assigned=6, held=3)
    assert made["held_reasons"] == {"owner_refused": 3}
    org.straight()
    org.run(0, redecided=3, assigned=3)
    assert _ana(org) not in org.owners().values()


def _ana(org: FaultyOrg) -> str:
    from workbooks import ANA

    return ANA


def _inactive(org: FaultyOrg) -> list[dict[str, Any]]:
    return [{"Id": _ana(org), "IsActive": False}]


# --- somebody else was there ------------------------------------------------------------------------------


def test_a_lead_deleted_between_read_and_write_is_closed(org: FaultyOrg) -> None:
    gone = org.leads[0]
    org.twist(WRITE, meanwhile(lambda: org.put("Lead", {"Id": gone, "IsDeleted": True})))
    org.run(0, assigned=3, closed=1)
    assert org.state(gone) == ("closed", "deleted") and org.refunded(gone)
    assert len(org.sent(gone)) == 1 and not org.commits(gone)


def test_a_lead_merged_between_read_and_write_is_closed(org: FaultyOrg) -> None:
    gone, winner = org.leads[0], org.leads[1]
    merged = {"Id": gone, "IsDeleted": True, "MasterRecordId": winner}
    org.twist(WRITE, meanwhile(lambda: org.put("Lead", merged)))
    org.run(0, assigned=3, closed=1)
    assert org.state(gone) == ("closed", "merged") and org.refunded(gone)
    assert org.state(winner) == ("confirmed", None)


@pytest.mark.parametrize("permissive", [False, True], ids=["refusing", "swallowing"])
def test_a_lead_converted_between_read_and_write_is_closed(org: FaultyOrg, permissive: bool) -> None:
    lead = org.leads[0]
    org.control("POST", "settings", {"permissive_converted": permissive})
    by = org.user("Vera Voss")

    def convert() -> None:
        org.control("POST", "act", {"do": "convert", "record": lead, "by": by})
        org.put("Lead", {"Id": lead, **_later(org)})

    org.twist(WRITE, meanwhile(convert))
    org.run(0, assigned=3, closed=1)
    assert org.state(lead) == ("closed", "converted") and org.refunded(lead)
    assert len(org.sent(lead)) == 1 and not org.commits(lead)


def test_a_converted_lead_that_refuses_by_its_code_is_closed(org: FaultyOrg) -> None:
    lead = org.leads[0]
    code = "CANNOT_UPDATE_CONVERTED_LEAD"
    org.fault("status", on={"method": "PATCH", "record": lead}, status=400, code=code)
    org.twist(WRITE, meanwhile(lambda: org.control("POST", "act", _converted(org, lead))))
    org.run(0, assigned=3, closed=1)
    assert org.state(lead) == ("closed", "converted")
    assert [sub["status"] for sub in org.sent(lead)] == [400]


def _converted(org: FaultyOrg, lead: str) -> dict[str, Any]:
    return {"do": "convert", "record": lead, "by": org.user("Vera Voss")}


def test_a_lead_that_a_person_takes_before_the_write_is_never_overwritten(org: FaultyOrg) -> None:
    lead, taker = org.leads[0], org.user("Vera Voss")
    taken = {"Id": lead, "OwnerId": taker, **_later(org)}
    org.twist(WRITE, meanwhile(lambda: org.put("Lead", taken)))
    org.run(0, assigned=3, taken=1)
    assert org.owners()[lead] == taker
    assert not org.commits(lead) and org.refunded(lead)
    assert [sub["status"] for sub in org.sent(lead)] == [412]


def test_a_lead_that_is_taken_from_us_after_the_write_is_left_to_them(org: FaultyOrg) -> None:
    lead, taker = org.leads[0], org.user("Vera Voss")
    org.control("POST", "settings", {"assignment_rule": True})
    org.fault("take", "after_commit", {"method": "PATCH", "record": lead}, by=taker)
    org.run(0, assigned=3, taken=1)
    assert org.owners()[lead] == taker
    assert len(org.sent(lead)) == 1
    org.run(0, pulled=0, redecided=0)
    assert org.owners()[lead] == taker


def test_an_automation_that_puts_leads_back_into_the_queue_is_not_fought_for_ever(org: FaultyOrg) -> None:
    lead = org.leads[0]
    org.fault("take", "after_commit", {"method": "PATCH", "record": lead, "times": 0}, by=org.queue)
    made = org.run(4, assigned=3, held=1)
    assert made["held_reasons"] == {"contested": 1}
    assert len(org.sent(lead)) == 3
    assert {sub["body"]["OwnerId"] for sub in org.sent(lead)} == {org.sent(lead)[0]["body"]["OwnerId"]}
    assert org.refunded(lead)
    org.straight()
    org.run(0, redecided=1, assigned=1)


def test_the_orgs_own_assignment_rule_never_gets_a_lead_also_on_a_second_try(org: FaultyOrg) -> None:
    org.control("POST", "settings", {"assignment_rule": True})
    org.twist(WRITE, LOST["503"]["before"])
    org.fault("edit", on={"method": "PATCH", "record": org.leads[1], "nth": 1}, fields={"Title": "CTO"})
    org.run(0, assigned=4)
    org.all_given()
    subs = [sub for lead in org.leads for sub in org.sent(lead)]
    assert {sub["headers"]["Sforce-Auto-Assign"] for sub in subs} == {"FALSE"}


def test_two_leads_of_one_person_go_to_the_same_salesperson(make: Make) -> None:
    rows = [
        {**row(n), "Email": "Max@Example.org " if n in (1, 3) else f"x{n}@acme{n}.example"} for n in range(5)
    ]
    org = make(leads=rows)
    org.run(0, assigned=5)
    owners = org.owners()
    assert owners[org.leads[1]] == owners[org.leads[3]]
    assert {found.by for lead, found in org.rows().items() if lead == org.leads[3]} == {"person_match"}
