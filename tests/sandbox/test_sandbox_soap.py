"""The SOAP endpoint itself: log-in, sessions, versions, unsafe XML, limits and armed faults."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sandbox_client import ANA, Client
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin
from soap_client import Soap, code, ids, lead_convert

BOMB = b"""<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x>&b;</x></e:Body></e:Envelope>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x>&a;</x></e:Body></e:Envelope>"""


@pytest.fixture
def soap(client: Client) -> Soap:
    return Soap(client)


def log_in(soap: Soap, password: str) -> str:
    name = soap.client.info["username"]
    return f"<urn:username>{name}</urn:username><urn:password>{password}</urn:password>"


@pytest.mark.parametrize("token", ["", "SecurityToken"])
def test_a_log_in_opens_a_session_for_soap_and_rest(client: Client, soap: Soap, token: str) -> None:
    (done,) = soap.call("login", log_in(soap, client.info["password"] + token), session="")
    assert done["serverUrl"].startswith(f"{client.url}/services/Soap/u/64.0/00D")
    client.http.headers["Authorization"] = f"Bearer {done['sessionId']}"
    assert client.query("SELECT Id FROM Organization").status_code == 200
    assert soap.convert(client.lead(OwnerId=ANA))["success"]


class AtHome(requests.Session):
    """Sends to the sandbox what simple-salesforce sends to the vendor's hosts."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        return super().request(method, self._url + urlsplit(str(url)).path, *args, **options)


def test_simple_salesforce_logs_in_over_soap(client: Client) -> None:
    known = {"username": client.info["username"], "security_token": "token", "session": AtHome(client.url)}
    token, host = SalesforceLogin(password=client.info["password"], **known)
    client.http.headers["Authorization"] = f"Bearer {token}"
    assert host == urlsplit(client.url).netloc
    assert client.query("SELECT Id FROM Organization").status_code == 200
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        SalesforceLogin(password="wrong", **known)


def test_a_wrong_password_is_a_login_fault_and_no_password_is_logged(client: Client, soap: Soap) -> None:
    status, name, text = soap.fault("login", log_in(soap, "open sesame"), session="")
    assert (status, name) == (500, "sf:INVALID_LOGIN") and "Invalid username, password" in text
    assert "<sf:exceptionCode>INVALID_LOGIN" in soap.post("login", log_in(soap, "open sesame")).text
    assert "sesame" not in str(client.log())


def test_the_log_in_is_gone_from_version_65_on(client: Client) -> None:
    status, name, _ = Soap(client, version="65.0").fault("login", "")
    assert (status, name) == (500, "soapenv:Client")


@pytest.mark.parametrize(
    ("version", "found"), [("30.0", "sf:UNSUPPORTED_API_VERSION"), ("12", "soapenv:Client")]
)
def test_a_version_that_there_is_not_is_a_fault(client: Client, version: str, found: str) -> None:
    assert Soap(client, version=version).fault("delete", ids(ANA))[:2] == (500, found)


@pytest.mark.parametrize("session", ["", "00D!nonsense"])
def test_a_session_that_is_not_open_is_a_fault(soap: Soap, session: str) -> None:
    assert soap.fault("delete", ids(ANA), session=session)[:2] == (500, "sf:INVALID_SESSION_ID")


@pytest.mark.parametrize("body", [BOMB, OUTSIDE, b"", b"{}", b"<a/>", b"\xff\xfe\x00"])
def test_what_is_no_safe_envelope_is_a_fault(soap: Soap, body: bytes) -> None:
    answer = soap.send(body)
    assert answer.status_code == 500 and "<faultcode>soapenv:Client</faultcode>" in answer.text
    assert answer.headers["Content-Type"].startswith("text/xml")


def test_an_unknown_call_and_the_other_apis_namespace_are_refused(client: Client, soap: Soap) -> None:
    assert "No operation available" in soap.fault("emptyRecycleBin", "")[2]
    other = Soap(client, "c")
    body = soap.post("delete", ids(ANA)).request.body
    assert "No operation available" in other.send(body).text  # type: ignore[arg-type]


def test_a_call_counts_and_its_answer_says_how_many_there_were(client: Client, soap: Soap) -> None:
    client.call("PUT", "/_sandbox/settings", json={"api_limit": 1})
    answer = soap.post("delete", ids(client.lead()))
    assert "<current>1</current><limit>1</limit>" in answer.text
    assert soap.fault("delete", ids(ANA))[:2] == (500, "sf:REQUEST_LIMIT_EXCEEDED")


def test_a_locked_record_fails_and_the_others_are_converted(client: Client, soap: Soap) -> None:
    one, two = client.lead(OwnerId=ANA), client.lead(OwnerId=ANA, LastName="Byron")
    client.fault("lock", on={"record": one})
    results = soap.call("convertLead", lead_convert(one) + lead_convert(two))
    assert (code(results[0]), results[1]["success"]) == ("UNABLE_TO_LOCK_ROW", True)


def test_an_armed_fault_of_the_whole_call_is_a_soap_fault(client: Client, soap: Soap) -> None:
    lead = client.lead(OwnerId=ANA)
    client.fault("status", on={"path": "/Soap/"}, status=503)
    assert soap.fault("convertLead", lead_convert(lead))[:2] == (500, "sf:SERVER_UNAVAILABLE")
    client.fault("expire", on={"path": "/Soap/"})
    assert soap.fault("convertLead", lead_convert(lead))[1] == "sf:INVALID_SESSION_ID"
    assert soap.fault("convertLead", lead_convert(lead))[1] == "sf:INVALID_SESSION_ID"
    assert not client.row("Lead", lead)["IsConverted"]


def test_the_reply_can_be_lost_after_the_conversion(client: Client, soap: Soap) -> None:
    lead = client.lead(OwnerId=ANA)
    client.fault("status", "after_commit", {"path": "/Soap/"}, status=500)
    assert soap.fault("convertLead", lead_convert(lead))[1] == "sf:UNKNOWN_EXCEPTION"
    assert client.row("Lead", lead)["IsConverted"]
    assert code(soap.convert(lead)) == "CANNOT_UPDATE_CONVERTED_LEAD"
