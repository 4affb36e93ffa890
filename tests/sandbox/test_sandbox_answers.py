"""Answers beside recorded ones, and bodies that no client should send: never a 500, never silence."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_client import KEEP, SHARED, Client

RECORDED = SHARED / "recorded" / "restforce_mit"
ODD: list[Any] = [None, [], {}, 1, True, "text", [1], [None], {"a": []}, {"attributes": 1}, {"": None}]


def odd_calls(client: Client) -> Iterator[tuple[str, str, Any]]:
    lead = client.lead()
    paths = [
        ("POST", "sobjects/Lead"),
        ("PATCH", f"sobjects/Lead/{lead}"),
        ("PATCH", f"sobjects/Lead/Id/{lead}"),
        ("PATCH", "sobjects/Lead/Email/nobody"),
        ("POST", "composite"),
        ("POST", "composite/batch"),
        ("POST", "composite/sobjects"),
        ("PATCH", "composite/sobjects"),
        ("PATCH", "composite/sobjects/Lead/Id"),
        ("POST", "composite/sobjects/Lead"),
    ]
    names = (
        "records",
        "compositeRequest",
        "batchRequests",
        "ids",
        "LastName",
        "OwnerId",
        "Owner",
        "attributes",
    )
    for method, path in paths:
        for odd in ODD:
            yield method, path, odd
            for name in names:
                yield method, path, {name: odd}
                yield method, path, {name: [odd], "fields": odd, "LastName": "x", "Company": "y"}


def test_no_odd_body_breaks_the_server(client: Client) -> None:
    for method, path, body in odd_calls(client):
        answer = client.call(method, path, json=body, headers=KEEP)
        assert answer.status_code < 500, (method, path, body, answer.text)
        if answer.status_code >= 400:
            assert answer.json()[0]["errorCode"], (method, path, body)


@pytest.mark.parametrize(
    "sub",
    [
        {"method": 1, "url": 2, "referenceId": 3},
        {"method": "GET", "url": "/services/data/v60.0/limits", "referenceId": "a", "httpHeaders": {"X": 1}},
        {"method": "GET", "url": "/services/data/v60.0/limits", "referenceId": "a", "httpHeaders": ["x"]},
        {"method": "GET", "url": "/services/data/v60.0/%00/%ff/..//?q=%", "referenceId": "a"},
        {"method": "BREW", "url": "/services/data/v60.0/sobjects/Lead/x/y/z", "referenceId": "a"},
        {"method": "POST", "url": "/services/data/v60.0/composite", "referenceId": "a", "body": {}},
    ],
)
def test_no_odd_sub_request_breaks_the_server(client: Client, sub: dict) -> None:
    assert client.call("POST", "composite", json={"compositeRequest": [sub]}).status_code < 500


@pytest.mark.parametrize(
    "path", ["", "/", "/services", "/services/data/v60.0", "/services/data/vx", "/%ff", "/a/../b"]
)
def test_no_odd_path_breaks_the_server(client: Client, path: str) -> None:
    answer = client.http.get(client.url + path, timeout=10)
    assert answer.status_code in (200, 404, 401)


def test_deeply_nested_json_is_a_parser_error(client: Client) -> None:
    deep = "[" * 100_000
    headers = {**KEEP, "Content-Type": "application/json"}
    assert client.call("POST", "sobjects/Lead", data=deep, headers=headers).status_code == 400


def test_half_a_surrogate_pair_goes_in_and_out(client: Client) -> None:
    text = '{"LastName": "\\ud800", "Company": "x"}'
    headers = {**KEEP, "Content-Type": "application/json"}
    made = client.call("POST", "sobjects/Lead", data=text, headers=headers)
    assert client.call("GET", f"sobjects/Lead/{made.json()['id']}").json()["LastName"] == "\ud800"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text("utf-8"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("method", "path", "body", "name", "told"),
    [
        ("GET", "sobjects/Lead/23foo", None, "sobject_find_error_response.json", "23foo"),
        ("PATCH", "sobjects/Lead/Namez/x", {}, "upsert_error_response.json", "Namez"),
        ("GET", "sobjects/Whizbang/describe", None, "sobject_describe_error_response.json", ""),
    ],
)
def test_errors_read_as_recorded_ones(
    client: Client, method: str, path: str, body: Any, name: str, told: str
) -> None:
    answer = client.call(method, path, json=body).json()
    assert answer == recorded(f"sobject/{name}")
    assert told in answer[0]["message"]


@pytest.mark.shared_data
def test_an_ended_session_reads_as_recorded(client: Client) -> None:
    answer = client.call("GET", "limits", headers={"Authorization": "Bearer x"})
    assert answer.json() == recorded("expired_session_response.json")


@pytest.mark.shared_data
def test_answers_have_the_keys_of_recorded_ones(client: Client) -> None:
    lead = client.lead()
    made = client.call("POST", "sobjects/Lead", json={"LastName": "x", "Company": "y"}).json()
    assert set(made) == set(recorded("sobject/create_success_response.json"))
    empty = client.query("SELECT Id FROM Lead WHERE Id = '00Q5g00000ZzZzZ'").json()
    assert empty == recorded("sobject/query_empty_response.json")
    window = {"start": "2026-11-02T08:00:00Z", "end": "2026-11-02T09:00:00Z"}
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T10:00:00Z"})
    for kind in ("updated", "deleted"):
        answer = client.call("GET", f"sobjects/Lead/{kind}/", params=window).json()
        assert set(answer) == set(recorded(f"sobject/get_{kind}_success_response.json"))
    one = client.call("GET", f"sobjects/Lead/{lead}").json()
    assert set(one["attributes"]) == set(recorded("sobject/sobject_find_success_response.json")["attributes"])
