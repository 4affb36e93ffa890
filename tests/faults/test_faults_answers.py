"""Answers that are none, at log-in, pull and look-up: tried again, never read as "no leads", nothing lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from faulty_org import (
    DESCRIBE,
    INTAKE,
    LOGIN,
    MEMBERS,
    PEOPLE,
    PULL,
    READ,
    USERS,
    Change,
    FaultyOrg,
    Make,
    body,
    cut,
    instead,
)

from allocator.sandbox.clock import http_date
from allocator.sandbox.wire import Request, Response

HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"
EVERYWHERE = (LOGIN, INTAKE, DESCRIBE, PULL, USERS, MEMBERS, PEOPLE, READ)
TRIES = 4


def page(status: int) -> Change:
    return lambda request, work: Response(status, HTML, content_type="text/html;charset=UTF-8")


def half(request: Request, work: Callable[[], Response]) -> Response:
    """Half of the JSON, under a length that says it is all."""
    whole = work().payload()
    return Response(200, whole[: len(whole) // 2])


def torn(request: Request, work: Callable[[], Response]) -> Response:
    return replace(work(), truncate=True)


def empty(request: Request, work: Callable[[], Response]) -> Response:
    return Response(200, b"")


ANSWERS = {
    "500": instead(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]),
    "502": page(502),
    "503": instead(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}]),
    "504": page(504),
    "a log-in page as 200": page(200),
    "another log-in page as 200": instead(200, HTML),
    "half of the JSON": half,
    "a torn body": torn,
    "an empty body": empty,
    "connection closed": cut(),
    "connection reset": cut(reset=True),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_usable_answer_is_tried_again_and_never_read_as_no_leads(org: FaultyOrg, answer: Change) -> None:
    org.twist(PULL, answer, times=0)
    org.error(5)
    assert org.rows() == {}
    assert len(org.asked(PULL)) + _unlogged(org) <= TRIES
    org.straight()
    for place in EVERYWHERE:
        org.twist(place, answer)
    org.run(0, pulled=4, assigned=4)
    org.all_given()
    assert [twist[4] >= 2 for twist in org._twists] == [True] * len(EVERYWHERE)


def _unlogged(org: FaultyOrg) -> int:
    """Requests that a twist answered before the sandbox could log them."""
    return 0 if org.asked(PULL) else org._twists[0][4]


MALFORMED = {
    "null": b"null",
    "a list": b"[]",
    "no rows": b'{"done": true, "totalSize": 4}',
    "not the last page, and no next one": b'{"done": false, "totalSize": 4, "records": []}',
    "fewer rows than announced": b'{"done": true, "totalSize": 4, "records": []}',
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_page_that_is_none_ends_the_run_and_is_never_read_as_no_leads(
    org: FaultyOrg, content: bytes
) -> None:
    org.twist(PULL, instead(200, content), times=0)
    org.error(5)
    assert org.rows() == {}
    org.heals(pulled=4, assigned=4)


@pytest.mark.parametrize("place", [LOGIN, INTAKE, DESCRIBE, USERS, MEMBERS, PEOPLE])
def test_a_look_up_that_is_never_answered_decides_nothing(org: FaultyOrg, place: str) -> None:
    org.twist(place, page(503), times=0)
    org.error(5)
    assert org._twists[0][4] == TRIES
    assert {found.epoch for found in org.rows().values()} <= {0}
    assert not any(org.sent(lead) for lead in org.leads)
    org.heals(assigned=4)


def test_a_wrong_content_type_with_honest_json_is_read(org: FaultyOrg) -> None:
    for place in EVERYWHERE:
        org.twist(place, lambda request, work: replace(work(), content_type="text/plain"), times=0)
    org.run(0, assigned=4)


@pytest.mark.parametrize("place", [LOGIN, PULL, PEOPLE])
def test_an_answer_that_never_comes_ends_at_our_timeout(org: FaultyOrg, place: str) -> None:
    org.patience(0.2)
    gate = _hold(org, place)
    started = time.monotonic()
    org.error(5)
    assert time.monotonic() - started < 20
    assert org._twists[0][4] == TRIES
    gate()
    org.patience(60.0)
    org.heals(assigned=4)


def _hold(org: FaultyOrg, place: str) -> Callable[[], None]:
    """Requests of this kind get no answer until the result is called."""
    import threading

    over = threading.Event()

    def never(request: Request, work: Callable[[], Response]) -> Response:
        over.wait(30)
        return Response(503)

    org.twist(place, never, times=0)
    return over.set


def test_every_request_has_a_timeout(org: FaultyOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    from requests.adapters import HTTPAdapter

    real, seen = HTTPAdapter.send, []

    def send(self: HTTPAdapter, request: object, **more: object) -> object:
        seen.append(more["timeout"])
        return real(self, request, **more)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    org.run(0, assigned=4)
    assert len(seen) >= 10
    assert all(len(timeout) == 2 and all(timeout) for timeout in seen)


# --- no connection at all ---------------------------------------------------------------------------------


def test_a_refused_connection_is_exit_5_and_the_next_run_heals(org: FaultyOrg) -> None:
    org.down()
    assert "no connection" in org.error(5)
    assert len(org.waits) == TRIES - 1
    assert org.rows() == {}
    org.up()
    org.heals(pulled=4, assigned=4)


def test_an_org_that_goes_away_in_the_middle_of_the_pull_is_exit_5(org: FaultyOrg) -> None:
    def die(request: Request, work: Callable[[], Response]) -> Response:
        server = org.sandbox._server
        assert server is not None
        server.shutdown()
        server.server_close()
        return cut()(request, work)

    org.twist(PULL, die)
    org.error(5)
    assert org.rows() == {}
    org.down()
    org.up()
    org.heals(pulled=4, assigned=4)


def test_a_name_that_does_not_resolve_is_exit_5(org: FaultyOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    url = org.info["url"]
    org.configure(url, "https://acme.my.salesforce.invalid")
    assert "no connection" in org.error(5)
    assert org.rows() == {}
    org.configure("https://acme.my.salesforce.invalid", url)
    org.heals(assigned=4)


def test_a_certificate_that_is_not_trusted_is_exit_5_and_nothing_is_sent(make: Make) -> None:
    org = make(tls=True)
    right = org.ca_file.read_bytes()
    org.ca_file.write_bytes(make(tls=True).ca_file.read_bytes())
    before = len(org.requests())
    assert "TLS" in org.error(5)
    assert len(org.requests()) == before
    org.ca_file.write_bytes(right)
    code, made = org("run")
    assert (code, made["leads"]["assigned"]) == (0, 4)


@pytest.mark.parametrize("other", ["http://169.254.169.254", "https://acme.example", "file:///etc", "", 7])
def test_a_log_in_that_names_another_host_is_exit_5_and_our_token_stays_here(
    org: FaultyOrg, other: object
) -> None:
    org.twist(LOGIN, body(lambda answer: {**answer, "instance_url": other}), times=0)
    before = len(org.requests())
    org.error(5)
    assert {request["path"] for request in org.requests()[before:]} == {"/services/oauth2/token"}
    org.heals(assigned=4)


def test_a_redirect_is_not_followed(org: FaultyOrg) -> None:
    org.twist(PULL, instead(302, b"", Location="http://169.254.169.254/"), times=0)
    org.error(5)
    assert org.rows() == {}
    org.heals(assigned=4)


# --- asked to wait ----------------------------------------------------------------------------------------

RETRY_AFTER = {
    "seconds": ("7", 6.0, 7.0),
    "a date": (http_date(datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)), 299.0, 300.0),
    "a date that is over": (http_date(datetime.now(UTC) - timedelta(days=2)), 0.0, 4.0),
    "far too long": ("1000000000", 299.0, 300.0),
    "negative": ("-5", 0.0, 4.0),
    "no number": ("soon", 0.0, 4.0),
}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "least", "most"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_retry_after_is_obeyed_up_to_five_minutes(
    org: FaultyOrg, status: int, asked: str, least: float, most: float
) -> None:
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "Too many requests"}]
    org.twist(PULL, instead(status, refusal, Retry_After=asked))
    org.run(0, assigned=4)
    assert least <= max(org.waits) <= most


# --- the day is used up -----------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["TotalRequests Limit exceeded.", "ConcurrentPerOrgLongTxn exceeded."])
@pytest.mark.parametrize("place", [PULL, PEOPLE])
def test_a_used_up_day_at_the_pull_is_exit_5_and_nothing_is_lost(
    org: FaultyOrg, place: str, message: str
) -> None:
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": message}]
    org.twist(place, instead(403, refusal), times=0)
    assert "allows no more requests" in org.error(5)
    assert org._twists[0][4] == 1
    assert not any(org.sent(lead) for lead in org.leads)
    org.heals(assigned=4)


def test_our_share_of_the_day_is_kept_to_and_the_next_day_goes_on(org: FaultyOrg) -> None:
    used = len(org.requests())
    org.control("POST", "settings", {"api_limit": used + 4})
    assert "allows no more requests" in org.error(5)
    assert len(org.requests()) - used < 6
    org.control("POST", "settings", {"api_limit": 15_000})
    org.heals(assigned=4)
