"""The control interface, the log that history checkers replay, and the state that outlives a stop."""

import socket
from pathlib import Path

import pytest
import requests
from sandbox_client import ANA, BEN, KEEP, QUEUE, Client
from simple_salesforce import format_soql

from allocator.sandbox.app import Sandbox


def test_rows_are_stored_raw_and_by_id(client: Client) -> None:
    text = "<b>\"'\u0000\u001b" * 20_000
    lead = client.put(
        "Lead", {"Id": "00Q5g00000RaW01", "LastName": "x", "Description": text, "Mood__c": "blue"}
    )
    assert lead == "00Q5g00000RaW01EAI" or len(lead) == 18
    assert client.row("Lead", lead)["Description"] == text
    client.put("Lead", {"Id": lead, "Mood__c": "green"})
    row = client.row("Lead", lead)
    assert (row["Mood__c"], row["LastName"]) == ("green", "x")
    found = client.query(format_soql("SELECT Mood__c FROM Lead WHERE Id = {}", lead)).json()
    assert found["records"][0]["Mood__c"] == "green"


def test_a_row_without_an_id_gets_one(client: Client) -> None:
    answer = client.call(
        "PUT", "/_sandbox/records/Contact", json=[{"LastName": "Ada"}, {"LastName": "Bea"}]
    ).json()
    assert len({row["Id"] for row in answer}) == 2
    assert all(row["Id"].startswith("003") for row in answer)


def test_created_dates_are_kept_as_given_in_wire_form(client: Client) -> None:
    lead = client.lead(CreatedDate="2026-11-02T10:00:00+01:00")
    assert client.row("Lead", lead)["CreatedDate"] == "2026-11-02T09:00:00.000+0000"


def test_an_unknown_object_or_path_is_404(client: Client) -> None:
    assert client.call("GET", "/_sandbox/records/Nothing").status_code == 404
    assert client.call("GET", "/_sandbox/nothing").status_code == 404


def test_the_log_numbers_requests_and_keeps_header_names_and_bodies(client: Client) -> None:
    lead = client.lead()
    client.call("GET", "limits", headers={"X-My-Header": "Yes"})
    client.composite(client.sub(lead, {"OwnerId": ANA}, **KEEP))
    first, second = client.log()
    assert (first["n"], first["method"], first["path"], first["status"]) == (
        1,
        "GET",
        f"{client.base}/limits",
        200,
    )
    assert first["headers"]["X-My-Header"] == "Yes"
    assert first["sub"] == []
    sub = second["sub"][0]
    assert (second["n"], second["status"], sub["method"], sub["status"]) == (2, 200, "PATCH", 204)
    assert sub["url"] == f"{client.base}/sobjects/Lead/{lead}"
    assert (sub["headers"], sub["body"]) == (KEEP, {"OwnerId": ANA})


def test_a_log_in_leaves_no_secret_in_the_log(client: Client) -> None:
    client.log_in()
    assert client.log()[-1]["body"] is None


def test_the_history_tells_each_commit_and_who_made_it(client: Client) -> None:
    lead = client.lead()
    client.update(lead, {"OwnerId": ANA})
    client.call("POST", "/_sandbox/act", json={"do": "take", "record": lead, "by": BEN})
    owners = [
        (entry["by"], entry["changes"]["OwnerId"], entry["request"])
        for entry in client.call("GET", "/_sandbox/history").json()
        if entry["id"] == lead and not entry["created"]
    ]
    assert owners == [("0055g00000AaB00AAF", [QUEUE, ANA], 1), (BEN, [ANA, BEN], None)]


def test_reset_brings_everything_back(client: Client) -> None:
    lead = client.lead(Mood__c="blue")
    client.fault("status", on={"path": "limits"}, status=503)
    client.call("PUT", "/_sandbox/settings", json={"assignment_rule": False})
    client.call("POST", "/_sandbox/reset")
    assert client.call("GET", "limits").status_code == 200
    assert client.call("GET", "/_sandbox/settings").json()["assignment_rule"] is True
    assert lead not in {row["Id"] for row in client.call("GET", "/_sandbox/records/Lead").json()}
    assert client.query("SELECT Mood__c FROM Lead").status_code == 400
    assert [entry["n"] for entry in client.log()] == [1, 2]


@pytest.mark.parametrize("sent", [{"nonsense": True}, {"assignment_rule": "yes"}])
def test_an_unknown_setting_is_refused(client: Client, sent: dict) -> None:
    assert client.call("PUT", "/_sandbox/settings", json=sent).status_code == 400


def test_a_bad_clock_is_refused(client: Client) -> None:
    assert client.call("POST", "/_sandbox/clock", json={"now": "tomorrow"}).status_code == 400


def test_the_date_header_shows_the_sandbox_clock(client: Client) -> None:
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T09:00:00Z"})
    assert client.call("GET", "limits").headers["Date"].startswith("Mon, 02 Nov 2026 09:00:0")


def test_a_restart_keeps_keys_records_and_custom_fields(tmp_path: Path) -> None:
    with Sandbox(seed="empty", state_dir=tmp_path) as sandbox:
        before = sandbox.info()
        client = Client(sandbox)
        lead = client.lead(Mood__c="blue")
        key = Path(before["private_key_file"])
        assert key.stat().st_mode & 0o777 == 0o600
    with Sandbox(seed="empty", state_dir=tmp_path) as sandbox:
        after = sandbox.info()
        client = Client(sandbox)
        assert client.row("Lead", lead)["Mood__c"] == "blue"
        assert client.query("SELECT Mood__c FROM Lead").json()["records"][0]["Mood__c"] == "blue"
    assert before["hubspot"].pop("url") == before["url"] and after["hubspot"].pop("url") == after["url"]
    assert {**before, "url": ""} == {**after, "url": ""}


def test_info_holds_what_the_contract_names(client: Client) -> None:
    names = "url client_id client_secret username password private_key_file queues ca_file state_dir hubspot"
    assert set(client.info) == set(names.split())
    assert set(client.info["hubspot"]) == {"url", "token"}
    assert client.info["queues"]["Inbound Leads"] == QUEUE
    assert next(iter(client.info["queues"])) == "Inbound Leads"


def test_connections_are_kept_alive(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", int(client.url.rsplit(":", 1)[1]))) as plain:
        for _ in range(3):
            plain.sendall(b"GET /services/data/ HTTP/1.1\r\nHost: x\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += plain.recv(65536)
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = head.split(b"\r\n\r\n", 1)[1]
            while len(body) < length:
                body += plain.recv(65536)
            assert head.startswith(b"HTTP/1.1 200")


def test_a_chunked_and_a_gzipped_body_are_read(client: Client) -> None:
    import gzip

    lead = client.lead()
    headers = {**KEEP, "Content-Type": "application/json"}
    chunks = iter([b'{"City": ', b'"Oslo"}'])
    assert client.call("PATCH", f"sobjects/Lead/{lead}", data=chunks, headers=headers).status_code == 204
    assert client.row("Lead", lead)["City"] == "Oslo"
    zipped = gzip.compress(b'{"City": "Rome"}')
    packed = {**headers, "Content-Encoding": "gzip"}
    assert client.call("PATCH", f"sobjects/Lead/{lead}", data=zipped, headers=packed).status_code == 204
    assert client.row("Lead", lead)["City"] == "Rome"


def test_a_very_long_uri_is_414(client: Client) -> None:
    assert client.query("SELECT Id FROM Lead WHERE City = '" + "x" * 17_000 + "'").status_code == 414


def test_many_clients_write_at_once_and_nothing_is_lost(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    leads = [client.lead() for _ in range(24)]
    token = {"Authorization": client.http.headers["Authorization"], **KEEP}

    def give(lead: str) -> int:
        url = f"{client.url}{client.base}/sobjects/Lead/{lead}"
        return requests.patch(url, json={"OwnerId": ANA}, headers=token, timeout=10).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(give, leads)) == {204}
    rows = {row["Id"]: row for row in client.call("GET", "/_sandbox/records/Lead").json()}
    assert {rows[lead]["OwnerId"] for lead in leads} == {ANA}
    assert [entry["n"] for entry in client.log()] == list(range(1, 25))
