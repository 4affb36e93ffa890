"""Owner writes: what each answer means, what is never sent twice, and when composites get smaller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from scripted_org import (
    ANA,
    CUT,
    HANG,
    HTML,
    MONDAY,
    RESET,
    Reply,
    ScriptedOrg,
    composite,
    crm_of,
    error,
    lead_id,
    patience,
)

from allocator.domain.lead import OwnerWrite, WriteAnswer, WriteResult

R = WriteResult


def writes(count: int) -> list[OwnerWrite]:
    return [OwnerWrite(lead_id(number), ANA, MONDAY) for number in range(count)]


def results(answers: Any) -> list[WriteResult]:
    return [answer.result for answer in answers]


def written(count: int) -> Reply:
    return composite(*((f"w{number}", 204, None) for number in range(count)))


@pytest.mark.parametrize(
    ("status", "code", "fields", "meaning"),
    [
        (412, "PRECONDITION_FAILED", None, R.CHANGED),
        (412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", None, R.CHANGED),
        (400, "INACTIVE_OWNER_OR_USER", None, R.REFUSED_OWNER),
        (400, "INVALID_OWNER", None, R.REFUSED_OWNER),
        (400, "OP_WITH_INVALID_USER_TYPE_EXCEPTION", None, R.REFUSED_OWNER),
        (400, "TRANSFER_REQUIRES_READ", None, R.REFUSED_OWNER),
        (403, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", None, R.REFUSED_OWNER),
        (400, "INVALID_CROSS_REFERENCE_KEY", ["OwnerId"], R.REFUSED_OWNER),
        (400, "INVALID_CROSS_REFERENCE_KEY", [], R.GONE),
        (400, "CANNOT_UPDATE_CONVERTED_LEAD", [], R.CONVERTED),
        (404, "ENTITY_IS_DELETED", [], R.GONE),
        (404, "NOT_FOUND", None, R.GONE),
        (400, "MALFORMED_ID", ["Id"], R.GONE),
        (400, "UNABLE_TO_LOCK_ROW", [], R.LOCKED),
        (400, "PROCESSING_HALTED", None, R.UNSENT),
        (403, "REQUEST_LIMIT_EXCEEDED", None, R.UNSENT),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Status"], R.REJECTED),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY", [], R.REJECTED),
        (400, "DUPLICATES_DETECTED", [], R.REJECTED),
        (500, "UNKNOWN_EXCEPTION", None, R.UNKNOWN),
        (503, "SERVER_UNAVAILABLE", None, R.UNKNOWN),
    ],
)
def test_a_code_has_one_meaning(org: ScriptedOrg, status: int, code: str, fields: Any, meaning: R) -> None:
    body = {"errorCode": code, "message": "text-of-a-lead"} | ({} if fields is None else {"fields": fields})
    org.on("composite", composite(("w0", 204, None), ("w1", status, [body]), ("w2", 201, None)))
    answers = crm_of(org.url).give(writes(3))
    assert results(answers) == [R.WRITTEN, meaning, R.WRITTEN]
    assert answers[1] == WriteAnswer(lead_id(1), meaning, code)


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (HANG, R.UNKNOWN),
        (CUT, R.UNKNOWN),
        (RESET, R.UNKNOWN),
        (Reply(200, written(2).body, do="truncate"), R.UNKNOWN),
        (Reply(200, HTML), R.UNKNOWN),
        (Reply(200, {"compositeResponse": "none"}), R.UNKNOWN),
        (Reply(200, []), R.UNKNOWN),
        (Reply(200, None), R.UNKNOWN),
        (Reply(200, 7), R.UNKNOWN),
        (Reply(204, b""), R.UNKNOWN),
        (Reply(200, written(2).body, do="stall"), R.UNKNOWN),
        (Reply(408), R.UNKNOWN),
        (Reply(302, None, {"Location": "/login"}), R.UNKNOWN),
        (Reply(429), R.UNKNOWN),
        (error(500, "UNKNOWN_EXCEPTION"), R.UNKNOWN),
        (Reply(502, HTML), R.UNKNOWN),
        (Reply(503, HTML), R.UNKNOWN),
        (Reply(504), R.UNKNOWN),
        (composite(("w0", 204, None)), R.UNKNOWN),
        (composite(("w0", 204, None), ("w1", 204, None), ("w2", 204, None)), R.UNKNOWN),
        (composite(("w0", 204, None), ("w0", 204, None)), R.UNKNOWN),
        (composite(("w0", 204, None), ("x1", 204, None)), R.UNKNOWN),
        (error(403, "REQUEST_LIMIT_EXCEEDED"), R.UNSENT),
        (error(403, "API_DISABLED_FOR_ORG"), R.UNSENT),
        (error(401, "INVALID_SESSION_ID", "Session expired or invalid"), R.UNSENT),
        (error(400, "JSON_PARSER_ERROR"), R.REJECTED),
    ],
)
def test_a_composite_without_results_is_judged_whole_and_never_sent_twice(
    org: ScriptedOrg, reply: Reply, meaning: R
) -> None:
    org.on("composite", reply)
    crm = crm_of(org.url, patience=patience(reply))
    assert results(crm.give(writes(2))) == [meaning] * 2
    assert len(org.requests("composite")) == (2 if reply.status == 401 else 1)
    assert crm.usage.requests == len(org.seen)


def test_results_are_matched_by_reference_whatever_their_order(org: ScriptedOrg) -> None:
    refused = [{"errorCode": "INACTIVE_OWNER_OR_USER"}]
    org.on("composite", composite(("w1", 400, refused), ("w2", 412, None), ("w0", 204, None)))
    assert results(crm_of(org.url).give(writes(3))) == [R.WRITTEN, R.REFUSED_OWNER, R.CHANGED]


def test_after_a_timeout_composites_carry_10_then_5(org: ScriptedOrg) -> None:
    org.on("composite", HANG, Reply(200, written(10).body, do="stall"), written(5))
    crm = crm_of(org.url, patience=1.0)
    answers = [*crm.give(writes(25)), *crm.give(writes(10)), *crm.give(writes(5)), *crm.give(writes(5))]
    sizes = [len(seen.body["compositeRequest"]) for seen in org.requests("composite")]
    assert sizes == [25, 10, 5, 5]
    assert results(answers) == [R.UNKNOWN] * 35 + [R.WRITTEN] * 10


def test_an_expired_session_that_cannot_be_renewed_leaves_the_write_unsent(org: ScriptedOrg) -> None:
    org.on("composite", error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    org.on("token", org.token(), Reply(503, HTML))
    assert results(crm_of(org.url).give(writes(30))) == [R.UNSENT] * 30


def test_a_used_up_limit_leaves_the_rest_unsent(org: ScriptedOrg) -> None:
    org.on("composite", error(403, "REQUEST_LIMIT_EXCEEDED"))
    answers = crm_of(org.url).give(writes(300))
    assert set(results(answers)) == {R.UNSENT}
    assert len(org.requests("composite")) <= 4


def test_an_org_that_is_down_is_not_asked_for_ever(org: ScriptedOrg) -> None:
    org.on("composite", Reply(503, HTML))
    answers = crm_of(org.url).give(writes(500))
    assert set(results(answers)) == {R.UNKNOWN, R.UNSENT}
    assert len(org.requests("composite")) <= 12


def test_two_writes_of_one_lead_never_overlap(org: ScriptedOrg) -> None:
    org.on("composite", written(1))
    one = writes(1)[0]
    again = OwnerWrite(one.id[:15], ANA, MONDAY + timedelta(seconds=5))
    assert results(crm_of(org.url).give([one, again])) == [R.WRITTEN, R.WRITTEN]
    stamps = [
        seen.body["compositeRequest"][0]["httpHeaders"]["If-Unmodified-Since"]
        for seen in org.requests("composite")
    ]
    assert stamps == ["Mon, 02 Mar 2026 09:00:00 GMT", "Mon, 02 Mar 2026 09:00:05 GMT"]


def test_only_owner_and_condition_are_ever_sent(org: ScriptedOrg) -> None:
    org.on("composite", written(25))
    crm_of(org.url).give(writes(25))
    (sent,) = org.requests("composite")
    assert sent.body["allOrNone"] is False
    for number, part in enumerate(sent.body["compositeRequest"]):
        assert part == {
            "method": "PATCH",
            "url": f"/services/data/v63.0/sobjects/Lead/{lead_id(number)}",
            "referenceId": f"w{number}",
            "httpHeaders": {
                "Sforce-Auto-Assign": "FALSE",
                "If-Unmodified-Since": "Mon, 02 Mar 2026 09:00:00 GMT",
            },
            "body": {"OwnerId": ANA},
        }


def test_ids_that_are_none_are_never_sent(org: ScriptedOrg) -> None:
    bad = [OwnerWrite("../User/x", ANA, MONDAY), OwnerWrite(lead_id(1), "nobody", MONDAY)]
    assert results(crm_of(org.url).give(bad)) == [R.GONE, R.REFUSED_OWNER]
    assert org.seen == []


def test_nothing_to_give_asks_nothing(org: ScriptedOrg) -> None:
    assert crm_of(org.url).give([]) == []
    assert org.seen == []
