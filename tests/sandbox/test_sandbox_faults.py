"""Faults act on the request, record or socket they name, at the moment they name, as often as they say."""

import socket
import threading

import pytest
import requests
from sandbox_client import ANA, BEN, CHI, KEEP, QUEUE, Client, error, wait_until

CUT = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
WRITE = {"method": "PATCH", "path": "sobjects/Lead"}


def in_background(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def hits(client: Client, fault: str) -> int:
    return next(row["hits"] for row in client.call("GET", "/_sandbox/faults").json() if row["id"] == fault)


@pytest.mark.parametrize("do", ["reset", "drop", "truncate"])
@pytest.mark.parametrize(("when", "owner"), [("before", QUEUE), ("after_commit", ANA)])
def test_a_cut_reply_leaves_the_write_undone_before_and_done_after_its_commit(
    client: Client, do: str, when: str, owner: str
) -> None:
    lead = client.lead()
    fault = client.fault(do, when, WRITE)
    if do == "drop":
        with pytest.raises(requests.exceptions.ReadTimeout):
            client.update_with_timeout(lead, {"OwnerId": ANA}, 0.2)
    else:
        with pytest.raises(CUT):
            client.update(lead, {"OwnerId": ANA})
    assert hits(client, fault) == 1
    assert client.owner(lead) == owner
    entry = client.log()[-1]
    assert entry["status"] is None
    assert entry["done"] == (204 if when == "after_commit" else None)


def test_a_reset_is_an_rst_on_the_wire(client: Client) -> None:
    client.fault("reset", on={"path": "services/data"})
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", int(client.url.rsplit(":", 1)[1]))) as plain,
    ):
        plain.sendall(b"GET /services/data/ HTTP/1.1\r\nHost: x\r\n\r\n")
        plain.recv(1)


def test_a_truncated_read_is_half_a_body(client: Client) -> None:
    client.fault("truncate", on={"path": "query"})
    with pytest.raises(CUT):
        client.query("SELECT Id FROM Lead")
    assert client.query("SELECT Id FROM Lead").status_code == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SERVER_UNAVAILABLE"),
        (500, "UNKNOWN_EXCEPTION"),
        (403, "REQUEST_LIMIT_EXCEEDED"),
        (401, "INVALID_SESSION_ID"),
    ],
)
def test_a_status_fault_answers_as_the_vendor_words_it(client: Client, status: int, code: str) -> None:
    client.fault("status", on={"path": "/query"}, status=status)
    assert error(client.query("SELECT Id FROM Lead")) == (status, code)
    assert client.query("SELECT Id FROM Lead").status_code == 200


def test_429_tells_when_to_come_back(client: Client) -> None:
    client.fault("status", on={"path": "/query"}, status=429, seconds=7)
    answer = client.query("SELECT Id FROM Lead")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_page_in_html_comes_with_200(client: Client) -> None:
    client.fault("html", on={"path": "/query"})
    answer = client.query("SELECT Id FROM Lead")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html;charset=UTF-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_an_expired_session_stays_expired_until_the_next_log_in(client: Client) -> None:
    client.fault("expire", on={"path": "/query"})
    assert error(client.query("SELECT Id FROM Lead")) == (401, "INVALID_SESSION_ID")
    assert error(client.query("SELECT Id FROM Lead")) == (401, "INVALID_SESSION_ID")
    client.log_in()
    assert client.query("SELECT Id FROM Lead").status_code == 200


def test_nth_and_times_choose_which_matches_fire(client: Client) -> None:
    client.fault("status", on={"path": "limits", "nth": 2, "times": 2}, status=503)
    assert [client.call("GET", "limits").status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_times_zero_fires_for_ever_and_delete_ends_it(client: Client) -> None:
    client.fault("status", on={"path": "limits", "times": 0}, status=503)
    assert {client.call("GET", "limits").status_code for _ in range(5)} == {503}
    client.call("DELETE", "/_sandbox/faults")
    assert client.call("GET", "limits").status_code == 200


def test_a_delay_only_delays(client: Client) -> None:
    client.fault("delay", on={"path": "limits"}, seconds=0.05)
    assert client.call("GET", "limits").elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize(("when", "owner"), [("before", QUEUE), ("after_commit", ANA)])
def test_a_held_request_waits_before_or_after_its_commit(client: Client, when: str, owner: str) -> None:
    lead = client.lead()
    fault = client.fault("hold", when, WRITE)
    answers: list[requests.Response] = []
    url, headers = f"{client.url}{client.base}/sobjects/Lead/{lead}", {**client.http.headers, **KEEP}
    thread = in_background(
        lambda: answers.append(requests.patch(url, json={"OwnerId": ANA}, headers=headers, timeout=10))
    )
    client.wait_for_hold(fault)
    assert client.owner(lead) == owner
    assert client.log()[-1]["status"] is None
    client.release(fault)
    thread.join(10)
    assert (answers[0].status_code, client.owner(lead)) == (204, ANA)
    assert client.log()[-1]["status"] == 204


def test_a_held_request_whose_client_died_is_lost_when_the_faults_are_cleared(client: Client) -> None:
    lead = client.lead()
    fault = client.fault("hold", "before", WRITE)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.update_with_timeout(lead, {"OwnerId": ANA}, 0.2)
    client.wait_for_hold(fault)
    client.call("DELETE", "/_sandbox/faults")
    assert client.query("SELECT Id FROM Lead LIMIT 1").status_code == 200
    assert client.owner(lead) == QUEUE


def test_a_sub_request_can_be_held_inside_its_composite(client: Client) -> None:
    first, second = client.lead(), client.lead()
    fault = client.fault("hold", "before", {"record": second})
    body = {
        "compositeRequest": [
            client.sub(first, {"OwnerId": ANA}, "a", **KEEP),
            client.sub(second, {"OwnerId": ANA}, "b", **KEEP),
        ]
    }
    url, headers = f"{client.url}{client.base}/composite", dict(client.http.headers)
    thread = in_background(lambda: requests.post(url, json=body, headers=headers, timeout=10))
    client.wait_for_hold(fault)
    assert (client.owner(first), client.owner(second)) == (ANA, QUEUE)
    assert [sub["status"] for sub in client.log()[-1]["sub"]] == [204, None]
    client.release(fault)
    thread.join(10)
    assert client.owner(second) == ANA


def test_a_page_at_a_sub_request_replaces_the_whole_reply(client: Client) -> None:
    first, second = client.lead(), client.lead()
    client.fault("html", on={"method": "PATCH", "path": f"sobjects/Lead/{second}"})
    subs = [
        client.sub(first, {"OwnerId": ANA}, "a", **KEEP),
        client.sub(second, {"OwnerId": ANA}, "b", **KEEP),
    ]
    answer = client.call("POST", "composite", json={"compositeRequest": subs})
    assert answer.text.startswith("<!DOCTYPE html>")
    assert (client.owner(first), client.owner(second)) == (ANA, QUEUE)


def test_a_locked_record_stops_its_own_sub_request_only(client: Client) -> None:
    locked, free = client.lead(), client.lead()
    client.fault("lock", on={"record": locked[:15]})
    answers = client.composite(
        client.sub(locked, {"OwnerId": ANA}, "a", **KEEP), client.sub(free, {"OwnerId": ANA}, "b", **KEEP)
    )
    assert [answer["httpStatusCode"] for answer in answers] == [400, 204]
    assert answers[0]["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert (client.owner(locked), client.owner(free)) == (QUEUE, ANA)


def test_a_locked_record_stops_its_own_row_of_a_collection_only(client: Client) -> None:
    locked, free = client.lead(), client.lead()
    client.fault("lock", on={"record": locked})
    rows = [{"attributes": {"type": "Lead"}, "id": lead, "OwnerId": ANA} for lead in (locked, free)]
    answer = client.call("PATCH", "composite/sobjects", json={"records": rows}, headers=KEEP).json()
    assert answer[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert answer[1]["success"] is True


def condition(client: Client, lead: str) -> dict[str, str]:
    shown = client.call("GET", f"sobjects/Lead/{lead}").headers["Last-Modified"]
    return {"If-Unmodified-Since": shown}


def test_a_person_takes_the_lead_between_read_and_write(client: Client) -> None:
    lead = client.lead()
    since = condition(client, lead)
    client.fault("take", "before", {"method": "PATCH", "record": lead}, by=BEN)
    answer = client.composite(client.sub(lead, {"OwnerId": ANA}, **KEEP, **since))[0]
    assert (answer["httpStatusCode"], client.owner(lead)) == (412, BEN)


def test_a_person_takes_the_lead_just_after_the_read(client: Client) -> None:
    lead = client.lead()
    client.fault("take", "after_commit", {"method": "GET", "path": "/query", "record": lead}, by=BEN)
    seen = client.query("SELECT OwnerId FROM Lead ORDER BY Id").json()["records"]
    assert BEN not in {row["OwnerId"] for row in seen if row["attributes"]["url"].endswith(lead)}
    assert client.owner(lead) == BEN


def test_a_person_converts_the_lead_between_read_and_write(client: Client) -> None:
    lead = client.lead()
    client.fault("convert", "before", {"record": lead}, by=CHI)
    assert error(client.update(lead, {"OwnerId": ANA})) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert client.row("Lead", lead)["IsConverted"] is True
    assert client.owner(lead) == CHI


def test_somebody_edits_the_lead_between_read_and_write(client: Client) -> None:
    lead = client.lead()
    since = condition(client, lead)
    client.fault("edit", "before", {"method": "PATCH", "record": lead}, by=BEN, fields={"City": "Oslo"})
    answer = client.update(lead, {"OwnerId": ANA}, **since)
    assert (answer.status_code, client.owner(lead), client.row("Lead", lead)["City"]) == (412, QUEUE, "Oslo")


def test_a_person_takes_the_lead_right_after_our_write(client: Client) -> None:
    lead = client.lead()
    client.fault("take", "after_commit", {"method": "PATCH", "record": lead}, by=BEN)
    assert client.update(lead, {"OwnerId": ANA}).status_code == 204
    assert client.owner(lead) == BEN


def test_a_fault_of_a_composite_counts_requests_not_sub_requests(client: Client) -> None:
    leads = [client.lead() for _ in range(3)]
    client.fault("status", on={"path": ".*", "nth": 2}, status=503)
    subs = [client.sub(lead, {"OwnerId": ANA}, f"r{place}", **KEEP) for place, lead in enumerate(leads)]
    assert {answer["httpStatusCode"] for answer in client.composite(*subs)} == {204}
    assert client.call("GET", "limits").status_code == 503


def test_a_status_at_one_sub_request_is_its_own(client: Client) -> None:
    one, two = client.lead(), client.lead()
    client.fault("status", on={"method": "PATCH", "path": f"sobjects/Lead/{one}"}, status=503)
    answers = client.composite(
        client.sub(one, {"OwnerId": ANA}, "a", **KEEP), client.sub(two, {"OwnerId": ANA}, "b", **KEEP)
    )
    assert [answer["httpStatusCode"] for answer in answers] == [503, 204]


def test_a_log_in_can_fail_too(client: Client) -> None:
    client.fault("status", on={"path": "oauth2/token"}, status=503)
    answer = requests.post(f"{client.url}/services/oauth2/token", data={}, timeout=10)
    assert (answer.status_code, "error" in answer.json()) == (503, True)


@pytest.mark.parametrize(
    "spec", [{"do": "explode"}, {"do": "hold", "when": "later"}, {"do": "hold", "on": {"path": "("}}]
)
def test_a_fault_that_makes_no_sense_is_refused(client: Client, spec: dict) -> None:
    assert client.call("POST", "/_sandbox/faults", json=spec).status_code == 400


def test_a_stop_cuts_what_is_held(client: Client) -> None:
    from allocator.sandbox.app import Sandbox

    with Sandbox(seed="empty") as sandbox:
        own = Client(sandbox)
        fault = own.fault("hold", on={"path": "limits"})
        failed: list[bool] = []

        def ask() -> None:
            try:
                requests.get(f"{own.url}{own.base}/limits", headers=dict(own.http.headers), timeout=10)
            except CUT:
                failed.append(True)

        thread = in_background(ask)
        own.wait_for_hold(fault)
    thread.join(10)
    wait_until(lambda: failed == [True])
