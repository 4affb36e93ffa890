"""Faults and rate limits of the HubSpot sandbox: the vendor's words, single inputs of a batch, the clock."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hub_client import Hub, refusal

CUT = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
UPDATE = {"path": "contacts/batch/update"}


def update(hub: Hub, *records: str, **properties: Any) -> requests.Response:
    return hub.batch("update", *({"id": record, "properties": properties} for record in records))


@pytest.mark.parametrize(
    ("status", "category"),
    [(423, "LOCKED"), (500, "INTERNAL_ERROR"), (503, "SERVICE_UNAVAILABLE"), (401, "INVALID_AUTHENTICATION")],
)
def test_a_status_is_worded_as_hubspot_words_it(hub: Hub, status: int, category: str) -> None:
    record = hub.make(email="ada@example.com")
    hub.fault("status", on=UPDATE, status=status)
    assert refusal(update(hub, record, city="Rome")) == (status, category)
    assert hub.read(record, "city")["city"] is None
    assert update(hub, record, city="Rome").status_code == 200


def test_a_migration_tells_when_to_come_back(hub: Hub) -> None:
    hub.fault("status", on={"path": "/crm/"}, status=477, seconds=3)
    answer = hub.search()
    assert (answer.status_code, answer.headers["Retry-After"]) == (477, "3")


def test_a_429_names_its_policy_and_not_when_to_come_back(hub: Hub) -> None:
    for path, more, policy in (
        ("search", {}, "SECONDLY"),
        ("batch/read", {}, "TEN_SECONDLY_ROLLING"),
        ("batch/read", {"policy": "DAILY"}, "DAILY"),
    ):
        hub.fault("status", on={"path": path}, status=429, **more)
        answer = hub.call("POST", path, json={"inputs": [{"id": "7"}]})
        body = answer.json()
        assert (answer.status_code, body["errorType"], body["policyName"]) == (429, "RATE_LIMIT", policy)
        assert body["message"] == f"You have reached your {policy.lower()} limit."
        assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(("when", "city"), [("before", None), ("after_commit", "Rome")])
def test_a_lost_answer_leaves_a_batch_undone_before_and_done_after_its_commit(
    hub: Hub, when: str, city: str | None
) -> None:
    record = hub.make(email="ada@example.com")
    hub.fault("reset", when, UPDATE)
    with pytest.raises(CUT):
        update(hub, record, city="Rome")
    assert hub.read(record, "city")["city"] == city
    entry = hub.log()[1]
    assert (entry["status"], entry["done"]) == (None, None if city is None else 200)
    assert [sub["done"] for sub in entry["sub"]] == ([] if city is None else [200])


def test_a_create_can_be_done_and_its_answer_lost(hub: Hub) -> None:
    hub.fault("truncate", "after_commit", {"method": "POST", "path": "objects/contacts$"})
    with pytest.raises(CUT):
        hub.make(email="ada@example.com")
    again = hub.call("POST", "", json={"properties": {"email": "ada@example.com"}})
    assert refusal(again) == (409, "CONFLICT")


def test_a_fault_at_one_record_fails_its_input_alone(hub: Hub) -> None:
    ada, grace = hub.make(email="ada@example.com"), hub.make(email="grace@example.com")
    hub.fault("status", on={**UPDATE, "record": grace}, status=423)
    answer = update(hub, ada, grace, city="Rome")
    body = answer.json()
    assert (answer.status_code, [row["id"] for row in body["results"]]) == (207, [ada])
    assert [(one["category"], one["context"]) for one in body["errors"]] == [("LOCKED", {"ids": [grace]})]
    assert (hub.read(ada, "city")["city"], hub.read(grace, "city")["city"]) == ("Rome", None)
    assert [sub["status"] for sub in hub.log()[2]["sub"]] == [200, 423]


def test_a_lock_without_a_record_meets_the_inputs_one_after_another(hub: Hub) -> None:
    ids = [hub.make(email=f"p{number}@example.com") for number in range(3)]
    hub.fault("lock", on={**UPDATE, "nth": 2, "times": 1})
    body = update(hub, *ids, city="Rome").json()
    assert [one["context"]["ids"] for one in body["errors"]] == [[ids[1]]]


def test_a_fault_names_a_contact_that_is_to_be_made_by_its_e_mail_address(hub: Hub) -> None:
    hub.fault("status", on={"path": "batch/create", "record": "ada@example.com"}, status=500)
    people = [{"properties": {"email": f"{name}@example.com"}} for name in ("ada", "grace")]
    body = hub.batch("create", *people).json()
    assert (body["numErrors"], len(body["results"])) == (1, 1)


def test_one_record_is_met_alone_or_by_its_address_too(hub: Hub) -> None:
    ada = hub.make(email="ada@example.com")
    hub.fault("status", on={"record": ada}, status=503)
    assert hub.call("GET", "ada@example.com", params={"idProperty": "email"}).status_code == 503
    hub.fault("lock", on={"record": ada})
    assert refusal(hub.patch(ada, city="Rome")) == (423, "LOCKED")


def test_a_person_changes_a_record_between_its_read_and_its_write(hub: Hub) -> None:
    ada = hub.make(email="ada@example.com")
    hub.fault("edit", "after_commit", {"path": "batch/read", "record": ada}, fields={"city": "Bath"})
    assert (
        hub.batch("read", {"id": ada}, properties=["city"]).json()["results"][0]["properties"]["city"] is None
    )
    assert hub.read(ada, "city")["city"] == "Bath"
    hub.fault("edit", on={"path": "contacts/search", "record": ada}, fields={"city": "Oslo"})
    hub.search()
    assert hub.read(ada, "city")["city"] == "Oslo"


def test_what_fails_in_whole_tears_the_batch(hub: Hub) -> None:
    ada, grace = hub.make(email="ada@example.com"), hub.make(email="grace@example.com")
    hub.fault("reset", on={**UPDATE, "record": grace})
    with pytest.raises(CUT):
        update(hub, ada, grace, city="Rome")
    assert (hub.read(ada, "city")["city"], hub.read(grace, "city")["city"]) == ("Rome", None)


def test_limits_are_off_until_they_are_set_and_headers_tell_the_room(hub: Hub) -> None:
    first = hub.call("GET", "").headers
    assert (first["X-HubSpot-RateLimit-Max"], first["X-HubSpot-RateLimit-Daily"]) == ("100", "250000")
    hub.settings(limits={"ten_secondly": 3})
    answers = [hub.call("GET", "") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["X-HubSpot-RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    assert answers[-1].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    hub.later(10)
    assert hub.call("GET", "").status_code == 200


def test_searches_have_a_limit_of_their_own(hub: Hub) -> None:
    hub.control("POST", "clock", {"now": "2026-11-02T09:00:00Z"})
    hub.settings(limits={"search_secondly": 1, "ten_secondly": 1})
    answers = [hub.search() for _ in range(2)]
    if answers[1].status_code == 429:  # both came within one second
        assert answers[1].json()["policyName"] == "SECONDLY"
    hub.later(1)
    assert hub.search().status_code == hub.call("GET", "").status_code == 200


def test_the_days_calls_come_back_after_a_day_of_the_sandbox(hub: Hub) -> None:
    hub.settings(limits={"daily": 1})
    assert hub.call("GET", "").status_code == 200
    refused = hub.search()
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    hub.later(86_400)
    assert hub.search().status_code == 200


def test_a_setting_that_there_is_not_is_refused(hub: Hub) -> None:
    for wrong in (
        {"lag": 1},
        {"limits": {"hourly": 1}},
        {"limits": {"daily": -1}},
        {"search_lag_create": -1},
        {"partial_batches": "never"},
    ):
        assert hub.call("PUT", "/_sandbox/hubspot/settings", json=wrong).status_code == 400
