"""The token endpoint: each flow, each refusal, and what an ended session answers."""

import json
import time
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from sandbox_client import Client, error
from simple_salesforce import Salesforce, format_soql

from allocator.sandbox.app import Sandbox

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(client: Client, **form: str) -> requests.Response:
    return requests.post(f"{client.url}/services/oauth2/token", data=form, timeout=10)


def assertion(client: Client, **changed: object) -> str:
    claims = {
        "iss": client.info["client_id"],
        "sub": client.info["username"],
        "aud": "https://login.salesforce.com",
        "exp": str(int(time.time()) + 180),
        **changed,
    }
    # Signed as bytes, because PyJWT's own claims refuse exp as the string that simple-salesforce sends.
    key = Path(client.info["private_key_file"]).read_text()
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, "RS256")


def test_client_credentials_in_the_form_log_in(client: Client) -> None:
    own = {name: client.info[name] for name in ("client_id", "client_secret")}
    answer = ask(client, grant_type="client_credentials", **own)
    assert answer.status_code == 200
    assert answer.json()["instance_url"] == client.url
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (
            {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"},
            "invalid_client_id",
        ),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": JWT_GRANT, "assertion": "not.a.token"}, "invalid_grant"),
    ],
)
def test_a_refused_log_in_is_400_with_error_and_description(client: Client, form: dict, code: str) -> None:
    answer = ask(client, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert answer.json()["error_description"]


def test_a_wrong_secret_is_refused(client: Client) -> None:
    answer = ask(
        client, grant_type="client_credentials", client_id=client.info["client_id"], client_secret="x"
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_a_signed_assertion_logs_in(client: Client) -> None:
    answer = ask(client, grant_type=JWT_GRANT, assertion=assertion(client))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "changed", [{"exp": 1}, {"aud": "https://example.com"}, {"sub": "nobody@example.com"}]
)
def test_an_assertion_that_lies_is_refused(client: Client, changed: dict) -> None:
    answer = ask(client, grant_type=JWT_GRANT, assertion=assertion(client, **changed))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_assertion_signed_by_another_key_is_refused(client: Client) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {"iss": client.info["client_id"], "sub": client.info["username"]}
    claims |= {"aud": "https://login.salesforce.com", "exp": int(time.time()) + 180}
    answer = ask(client, grant_type=JWT_GRANT, assertion=jwt.encode(claims, key, "RS256"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_the_password_flow_logs_in(client: Client) -> None:
    names = ("client_id", "client_secret", "username", "password")
    own = {name: client.info[name] for name in names}
    assert ask(client, grant_type="password", **own).status_code == 200
    assert (
        ask(client, grant_type="password", **{**own, "password": "wrong"}).json()["error"] == "invalid_grant"
    )


def test_a_call_without_a_session_is_401(client: Client) -> None:
    answer = requests.get(f"{client.url}{client.base}/limits/", timeout=10)
    assert error(answer) == (401, "INVALID_SESSION_ID")


def test_the_list_of_versions_needs_no_session_and_does_not_count(client: Client) -> None:
    answer = requests.get(f"{client.url}/services/data/", timeout=10)
    assert {"label": "Spring '24", "url": "/services/data/v60.0", "version": "60.0"} in answer.json()
    assert client.sandbox.usage.used() == 0


def test_a_retired_version_is_gone_and_an_unknown_one_not_found(client: Client) -> None:
    assert error(client.call("GET", "/services/data/v30.0/limits")) == (410, "UNSUPPORTED_API_VERSION")
    assert error(client.call("GET", "/services/data/v99.0/limits")) == (404, "NOT_FOUND")


def test_tls_is_verified_with_the_ca_file_and_simple_salesforce_works_through_it(tmp_path: Path) -> None:
    with Sandbox(seed="demo", tls=True, state_dir=tmp_path) as sandbox:
        client = Client(sandbox)
        token = client.http.headers["Authorization"].split()[1]
        session = requests.Session()
        session.trust_env = False
        session.verify = client.info["ca_file"]
        crm = Salesforce(session_id=token, instance_url=sandbox.url, session=session, version="60.0")
        lead = crm.Lead.create(
            {"LastName": "Lovelace", "Company": "Engines"}, headers={"Sforce-Auto-Assign": "FALSE"}
        )
        assert crm.Lead.get(lead["id"])["LastName"] == "Lovelace"
        assert crm.Lead.update(lead["id"], {"City": "London"}) == 204
        found = crm.query(format_soql("SELECT City FROM Lead WHERE Id = {}", lead["id"]))
        assert found["records"][0]["City"] == "London"
        assert crm.Lead.describe()["name"] == "Lead"
        assert crm.limits()["DailyApiRequests"]["Max"] == 15_000
        assert len(list(crm.query_all_iter("SELECT Id FROM Lead"))) == 248
        session.verify = True
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{sandbox.url}/services/data/", timeout=10)
