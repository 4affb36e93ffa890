"""Sessions that end: one new log-in for a call, three for a run, and the call repeated as it was."""

from __future__ import annotations

import pytest
from faulty_org import LOGIN, MEMBERS, PEOPLE, PULL, READ, USERS, WRITE, FaultyOrg, instead

from allocator.sandbox.wire import Response

OWN = {"authorization", "content-length"}


def logins(org: FaultyOrg) -> int:
    return len(org.asked(LOGIN))


def expire(org: FaultyOrg, place: str, times: int) -> None:
    """The session ends as this request arrives."""

    def change(request, work):  # type: ignore[no-untyped-def]
        org.sandbox.oauth.revoke(request)
        return work()

    org.twist(place, change, times=times)


@pytest.mark.parametrize("place", [PULL, USERS, MEMBERS, PEOPLE, WRITE, READ])
def test_a_session_that_ends_once_is_renewed_and_the_call_repeated_as_it_was(
    org: FaultyOrg, place: str
) -> None:
    before = logins(org)
    expire(org, place, 1)
    org.run(0, assigned=4)
    org.all_given()
    assert logins(org) - before == 2
    met, again = repeated(org)
    assert again["status"] == 200
    assert headers(met) == headers(again)
    assert met.get("body") == again.get("body")
    assert again in org.asked(place)


def repeated(org: FaultyOrg) -> tuple[dict, dict]:  # type: ignore[type-arg]
    """The request that was answered 401, and the same one after the new log-in."""
    requests = org.requests()
    (place,) = (n for n, request in enumerate(requests) if request["status"] == 401)
    met = requests[place]
    assert "oauth2/token" in requests[place + 1]["path"]
    return met, next(request for request in requests[place + 2 :] if request["path"] == met["path"])


def headers(request: dict) -> dict:  # type: ignore[type-arg]
    return {name.lower(): value for name, value in request["headers"].items() if name.lower() not in OWN}


def test_a_session_that_ends_twice_in_a_run_is_renewed_twice(org: FaultyOrg) -> None:
    before = logins(org)
    expire(org, PULL, 1)
    expire(org, WRITE, 1)
    org.run(0, assigned=4)
    org.all_given()
    assert logins(org) - before == 3


@pytest.mark.parametrize("place", [PULL, PEOPLE])
def test_a_session_that_ends_for_ever_at_the_pull_is_exit_5_after_few_log_ins(
    org: FaultyOrg, place: str
) -> None:
    before = logins(org)
    expire(org, place, 0)
    assert "session" in org.error(5)
    assert logins(org) - before <= 4
    assert len(org.asked(place)) <= 2
    org.heals(assigned=4)


def test_a_session_that_ends_for_ever_at_the_write_leaves_it_for_the_next_run(org: FaultyOrg) -> None:
    before = logins(org)
    expire(org, WRITE, 0)
    org.run(5, assigned=0, retry=4)
    assert logins(org) - before <= 4
    assert not any(org.commits(lead) for lead in org.leads)
    org.heals(redecided=4, assigned=4)


def test_sessions_that_end_at_every_call_are_exit_5_after_three_new_log_ins(org: FaultyOrg) -> None:
    before = logins(org)
    seen: set[str] = set()

    def change(request, work):  # type: ignore[no-untyped-def]
        if request.target not in seen:
            seen.add(request.target)
            org.sandbox.oauth.revoke(request)
        return work()

    org.twist("services/data", change, times=0)
    assert "again and again" in org.error(5)
    assert logins(org) - before == 4
    org.heals(assigned=4)


@pytest.mark.parametrize("place", [PULL, WRITE, LOGIN])
def test_a_401_page_is_a_refused_log_in_and_nothing_is_lost(org: FaultyOrg, place: str) -> None:
    page = b"<!DOCTYPE html><html><body>Log in</body></html>"
    org.twist(place, lambda request, work: Response(401, page, content_type="text/html"), times=0)
    code, _ = org("run")
    assert code == 5
    assert org._twists[0][4] <= 2
    assert not any(org.commits(lead) for lead in org.leads)
    org.heals(assigned=4)


def test_a_session_that_may_not_use_the_api_is_not_renewed(org: FaultyOrg) -> None:
    before = logins(org)
    words = "This session is not valid for use with the REST API"
    org.twist(PULL, instead(401, [{"errorCode": "INVALID_SESSION_ID", "message": words}]), times=0)
    org.error(5)
    assert logins(org) - before == 1
