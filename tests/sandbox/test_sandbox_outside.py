"""What strangers send: half bodies, wrong methods, foreign hosts, odd texts; and what must come back."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import pytest
from sandbox_client import ANA, KEEP, Client, error

BODY = '{"LastName":"Cut","Company":"Off"}'


def sent(client: Client, text: str, *, close: bool = False) -> bytes:
    """What the server says to these bytes before it closes or falls silent."""
    port = int(client.url.rsplit(":", 1)[1])
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(text.encode())
        if close:
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def head(client: Client, *more: str) -> str:
    lines = [
        f"POST {client.base}/sobjects/Lead HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {client.http.headers['Authorization']}",
        "Content-Type: application/json",
        *more,
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


def test_like_with_many_wildcards_is_answered_at_once(client: Client) -> None:
    client.lead(LastName="a" * 80)
    pattern = "%a" * 30 + "%b"
    found = client.query("SELECT Id FROM Lead WHERE LastName LIKE '%'".replace("%", pattern))
    assert found.json()["totalSize"] == 0


@pytest.mark.parametrize(
    ("pattern", "matches"), [("%ce%l_ce", True), ("L%ce", True), ("%ove%ove%", False), ("l_v%", True)]
)
def test_like(client: Client, pattern: str, matches: bool) -> None:
    lead = client.lead(LastName="Lovelace love alice"[: 8 if "ove%ove" in pattern else None])
    rows = client.query("SELECT Id FROM Lead WHERE LastName LIKE '#'".replace("#", pattern)).json()["records"]
    assert (lead in [row["Id"] for row in rows]) == matches


def test_scope_mine_is_the_running_users_rows(client: Client) -> None:
    mine = client.lead(OwnerId=client.call("GET", "/services/oauth2/userinfo").json()["user_id"])
    rows = client.query("SELECT Id FROM Lead USING SCOPE mine").json()["records"]
    assert [row["Id"] for row in rows] == [mine]
    assert error(client.query("SELECT Id FROM Lead USING SCOPE nobody")) == (400, "MALFORMED_QUERY")


@pytest.mark.parametrize(
    ("framing", "body"),
    [("Content-Length: 500", BODY), ("Transfer-Encoding: chunked", f"{len(BODY):x}\r\n{BODY}\r\n")],
)
def test_body_that_ends_early_is_not_done(client: Client, framing: str, body: str) -> None:
    assert sent(client, head(client, framing) + body, close=True) == b""
    assert client.query("SELECT COUNT() FROM Lead WHERE LastName = 'Cut'").json()["totalSize"] == 0


@pytest.mark.parametrize("size", ["zz", "-5", "0x10", ""])
def test_chunk_sizes_that_are_none_are_refused(client: Client, size: str) -> None:
    answer = sent(client, head(client, "Transfer-Encoding: chunked") + f"{size}\r\nabc\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_chunks_that_are_too_many_are_refused(client: Client) -> None:
    answer = sent(client, head(client, "Transfer-Encoding: chunked") + "FFFFFFFFFFFF\r\nabc")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "FOO"])
@pytest.mark.parametrize("path", ["limits", ""])
def test_methods_that_a_resource_lacks(client: Client, method: str, path: str) -> None:
    assert error(client.call(method, path)) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "["},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_control_is_not_for_other_hosts_and_origins(client: Client, headers: dict[str, str]) -> None:
    assert error(client.call("GET", "/_sandbox/info", headers=headers)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80"])
def test_control_is_for_loopback_names(client: Client, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert client.call("GET", "/_sandbox/settings", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"on": 5},
        {"on": {"pth": "/query"}},
        {"on": {"nth": None}},
        {"status": "many"},
        {"status": 99},
        {"seconds": -1},
        {"fields": []},
        {"do": ["delay"]},
    ],
)
def test_faults_that_nobody_understands_are_refused(client: Client, fault: dict[str, Any]) -> None:
    answer = client.call("POST", "/_sandbox/faults", json={"do": "delay", **fault})
    assert error(answer) == (400, "BAD_REQUEST")
    assert client.call("GET", "/_sandbox/faults").json() == []


@pytest.mark.parametrize("value", ["false", "False", False, None])
def test_all_or_none_may_be_a_text(client: Client, value: Any) -> None:
    good, bad = client.lead(), client.lead(IsConverted=True)
    rows = [{"attributes": {"type": "Lead"}, "id": lead, "Title": "New"} for lead in (good, bad)]
    done = client.call(
        "PATCH", "composite/sobjects", json={"allOrNone": value, "records": rows}, headers=KEEP
    ).json()
    assert [row["success"] for row in done] == [True, False]


@pytest.mark.parametrize("owner", [5, "x", [ANA]])
def test_relationship_must_be_an_object(client: Client, owner: Any) -> None:
    answer = client.update(client.lead(), {"Owner": owner})
    assert error(answer) == (400, "JSON_PARSER_ERROR")


def test_collection_read_names_an_unknown_field_even_without_rows(client: Client) -> None:
    answer = client.call("POST", "composite/sobjects/Lead", json={"ids": ["x"], "fields": ["Foo"]})
    assert error(answer) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("kind", ["html", "truncate"])
def test_fault_on_a_collections_record_meets_the_whole_reply(client: Client, kind: str) -> None:
    lead = client.lead()
    client.fault(kind, on={"record": lead})
    rows = {"records": [{"attributes": {"type": "Lead"}, "id": lead, "Title": "New"}]}
    if kind == "html":
        answer = client.call("PATCH", "composite/sobjects", json=rows)
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        with pytest.raises((OSError, http.client.HTTPException)):
            client.call("PATCH", "composite/sobjects", json=rows)
    assert client.row("Lead", lead).get("Title") is None


def test_identity_url_of_the_token(client: Client) -> None:
    own = client.call("GET", "/services/oauth2/userinfo").json()
    url = own["id"]
    assert client.http.get(url, timeout=5).json() == own
    assert own["username"] == client.info["username"]
    assert client.http.get(url[:-18] + ANA, timeout=5).status_code == 403
    assert client.http.get(url, headers={"Authorization": "Bearer no"}, timeout=5).status_code == 401


@pytest.mark.parametrize("row", [{"Id": "bad"}, {"Id": 5}, {"Id": ANA}, {"": 1}, {"a b": 1}])
def test_raw_rows_need_an_id_of_their_object_and_names(client: Client, row: dict[str, Any]) -> None:
    assert error(client.call("PUT", "/_sandbox/records/Lead", json=[row])) == (400, "BAD_REQUEST")
    assert client.query("SELECT Id FROM Lead").status_code == 200


def test_raw_stamps_that_are_no_dates_break_nothing(client: Client) -> None:
    lead = client.lead(SystemModstamp=5, LastModifiedDate="junk", CreatedDate=[])
    now = client.call("GET", "/_sandbox/clock").json()["now"]
    window = {"start": now[:11] + "00:00:00Z", "end": now[:11] + "23:59:00Z"}
    for path in (f"sobjects/Lead/{lead}", "sobjects/Lead/updated", "sobjects/Lead/deleted"):
        assert client.call("GET", path, params=window if "ed" in path[-3:] else None).status_code == 200
    unmodified = {"If-Unmodified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert client.update(lead, {"Title": "x"}, **unmodified).status_code == 204
