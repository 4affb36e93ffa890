"""Log-in, expiry, hosts, TLS and what never leaks."""

from __future__ import annotations

import logging
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from scripted_org import (
    ANA,
    CUT,
    EXPIRED,
    HANG,
    HTML,
    MONDAY,
    RESET,
    Reply,
    ScriptedOrg,
    Waits,
    composite,
    crm_of,
    error,
    lead,
    lead_id,
    page,
    patience,
)

from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings
from allocator.domain.lead import OwnerWrite, WriteResult
from allocator.errors import ConfigError, LoginError, SourceError
from allocator.sandbox.app import Sandbox

WRITE = OwnerWrite(lead_id(1), ANA, MONDAY)
WRITTEN = composite(("w0", 204, None))


def settings_of(sandbox: Sandbox, **more: Any) -> SalesforceSettings:
    info = sandbox.info()
    given = {
        name: info[name]
        for name in ("url", "client_id", "client_secret", "username", "private_key_file", "ca_file")
    }
    return SalesforceSettings(**{**given, "intake": ("Inbound Leads",), **more})


@pytest.mark.parametrize("login", ["client_credentials", "jwt"])
def test_both_logins_work(login: str) -> None:
    with Sandbox(seed="empty") as sandbox:
        crm = SalesforceCRM(settings_of(sandbox, login=login), fact_paths=())
        assert crm.users()
        assert crm.usage.by_kind["login"] == 1


def test_a_wrong_secret_is_a_refused_login_and_says_nothing_secret() -> None:
    with Sandbox(seed="empty") as sandbox:
        crm = SalesforceCRM(settings_of(sandbox, client_secret="wrong-canary"), fact_paths=())
        with pytest.raises(LoginError) as caught:
            crm.users()
        assert "invalid_client" in str(caught.value)
        assert "canary" not in "".join(traceback.format_exception(caught.value))
        assert crm.usage.requests == 1


def test_a_session_that_expires_is_renewed_and_the_write_repeated_with_the_same_headers(
    org: ScriptedOrg,
) -> None:
    org.on("POST.*composite", EXPIRED, WRITTEN)
    answers = crm_of(org.url).give([WRITE])
    assert answers[0].result is WriteResult.WRITTEN
    first, second = org.requests("composite")
    assert first == second
    assert first.headers["Sforce-Auto-Assign"] == "FALSE"
    part = first.body["compositeRequest"][0]
    assert part["httpHeaders"] == {
        "Sforce-Auto-Assign": "FALSE",
        "If-Unmodified-Since": "Mon, 02 Mar 2026 09:00:00 GMT",
    }
    assert part["body"] == {"OwnerId": ANA}
    assert len(org.requests("token")) == 2


def test_a_session_that_is_never_fresh_logs_in_twice_and_stops(org: ScriptedOrg) -> None:
    org.on("FROM User", EXPIRED)
    with pytest.raises(LoginError):
        crm_of(org.url).users()
    assert len(org.requests("token")) == 2
    assert len(org.requests("FROM User")) == 2


def test_a_run_logs_in_again_three_times_and_no_more(org: ScriptedOrg) -> None:
    org.on("FROM User", *[EXPIRED, page()] * 3, EXPIRED)
    crm = crm_of(org.url)
    for _ in range(3):
        assert crm.users() == {}
    with pytest.raises(LoginError):
        crm.users()
    assert len(org.requests("token")) == 4


@pytest.mark.parametrize(
    "answer",
    [
        error(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
        error(401, "INVALID_AUTH_HEADER", "Connected app is not attached to Agent"),
        Reply(401, HTML),
    ],
)
def test_a_401_that_is_no_expiry_does_not_loop(org: ScriptedOrg, answer: Reply) -> None:
    org.on("FROM User", answer)
    org.on("composite", answer)
    crm = crm_of(org.url)
    with pytest.raises(LoginError):
        crm.users()
    assert [a.result for a in crm.give([WRITE])] == [WriteResult.UNSENT]
    assert len(org.requests("token")) == 1


@pytest.mark.parametrize("answer", [HANG, CUT, RESET, Reply(503, HTML), Reply(200, HTML), Reply(429)])
def test_a_login_without_an_answer_is_tried_four_times(org: ScriptedOrg, answer: Reply) -> None:
    org.on("token", answer)
    waits = Waits()
    with pytest.raises(SourceError) as caught:
        crm_of(org.url, sleep=waits, patience=patience(answer)).users()
    assert not isinstance(caught.value, LoginError)
    assert len(org.requests("token")) == 4
    assert len(waits) == 3
    assert all(0 <= seconds <= 8 for seconds in waits)


def test_nobody_listening_is_a_source_error_and_a_write_is_unsent() -> None:
    with ScriptedOrg() as org:
        url = org.url
    crm = crm_of(url)
    with pytest.raises(SourceError):
        crm.users()
    assert [a.result for a in crm.give([WRITE])] == [WriteResult.UNSENT]
    assert crm.usage.requests == 0


@pytest.mark.parametrize(
    "instance",
    [
        "http://169.254.169.254",
        "https://evil.example",
        "file:///etc/passwd",
        "https://127.0.0.1:1",
        "nonsense",
    ],
)
def test_the_token_goes_to_no_other_host(org: ScriptedOrg, instance: str) -> None:
    org.on("token", org.token(instance_url=instance))
    with pytest.raises(LoginError):
        crm_of(org.url).users()
    assert len(org.seen) == 1


def test_a_redirect_is_not_followed(org: ScriptedOrg) -> None:
    with ScriptedOrg() as other:
        org.on("FROM User", Reply(302, None, {"Location": f"{other.url}/steal"}))
        with pytest.raises(SourceError):
            crm_of(org.url).users()
        assert other.seen == []


def test_a_page_that_leads_to_another_host_is_refused(org: ScriptedOrg) -> None:
    with ScriptedOrg() as other:
        org.on(
            "FROM User",
            page({}, total=2, more=f"@{other.url.removeprefix('http://')}/services/data/v63.0/query/x"),
        )
        with pytest.raises(SourceError):
            crm_of(org.url).users()
        assert other.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.my.salesforce.com",
        "https://10.0.0.8",
        "https://169.254.169.254",
        "ftp://x",
        "https://u:p@acme.com",
        "",
    ],
)
def test_a_url_that_is_not_https_or_is_private_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        crm_of(url)


def test_retry_after_is_obeyed_up_to_five_minutes(org: ScriptedOrg) -> None:
    later = "Mon, 02 Mar 2026 09:01:40 GMT"
    for value, least, most in (
        ("7", 6.9, 7),
        ("1000000000", 299, 300),
        (later, 99, 100),
        ("-5", 0, 2),
        ("soon", 0, 2),
    ):
        with ScriptedOrg() as one:
            one.on("FROM User", Reply(503, HTML, {"Retry-After": value}), page())
            waits = Waits()
            crm_of(one.url, sleep=waits).users()
            assert least <= waits[0] <= most, value


def test_our_ca_file_holds_against_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Sandbox(seed="empty", tls=True, state_dir=tmp_path / "a") as sandbox,
        Sandbox(seed="empty", tls=True, state_dir=tmp_path / "b") as other,
    ):
        foreign = other.info()["ca_file"]
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", foreign)
        monkeypatch.setenv("CURL_CA_BUNDLE", foreign)
        assert SalesforceCRM(settings_of(sandbox), fact_paths=()).users()
        crm = SalesforceCRM(settings_of(sandbox, ca_file=foreign), fact_paths=(), sleep=Waits())
        with pytest.raises(SourceError, match="ca_file"):
            crm.users()
        crm = SalesforceCRM(settings_of(sandbox, ca_file=None), fact_paths=(), sleep=Waits())
        with pytest.raises(SourceError):
            crm.users()


def test_a_ca_file_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(ConfigError):
            crm_of("https://acme.my.salesforce.com", ca_file=str(tmp_path / name))


def test_a_proxy_of_the_environment_is_used(org: ScriptedOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_error(502)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    proxy = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_address[1]}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    try:
        with pytest.raises(SourceError):
            crm_of(org.url).users()
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert seen == [f"{org.url}/services/oauth2/token"] * 4
    assert org.seen == []


def test_a_netrc_entry_does_not_replace_our_authorization(
    org: ScriptedOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password x\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    org.on("FROM User", page())
    crm_of(org.url).users()
    assert org.requests("FROM User")[0].headers["Authorization"] == "Bearer 00D!token-canary"


def test_every_request_has_a_timeout(org: ScriptedOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    from requests.adapters import HTTPAdapter

    real = HTTPAdapter.send

    def send(self: Any, request: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["timeout"])
        return real(self, request, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    org.on("FROM Lead", page(lead(1)))
    org.on("composite", WRITTEN)
    crm = crm_of(org.url)
    list(crm.pull())
    crm.give([WRITE])
    assert len(seen) == 5
    assert all(isinstance(timeout, tuple) and None not in timeout for timeout in seen)


def test_no_secret_and_no_lead_text_in_errors_or_logs(
    org: ScriptedOrg, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = "lead-canary@acme.example"
    for reply in (
        Reply(200, HTML),
        Reply(400, [{"errorCode": "MALFORMED_QUERY", "message": asked}]),
        RESET,
        HANG,
    ):
        with ScriptedOrg() as one:
            one.on("composite", reply)
            crm = crm_of(one.url, patience=patience(reply))
            with pytest.raises(SourceError) as caught:
                crm.people_by_email([asked])
            text = "".join(traceback.format_exception(caught.value)) + repr(crm._settings)
            text += repr(caught.value.__context__)
            assert "canary" not in text.replace("client-canary", "")
            assert "secret-in-page" not in text
    logged = caplog.text + "".join(capsys.readouterr())
    assert "canary" not in logged


def test_the_clock_is_the_crms(org: ScriptedOrg) -> None:
    assert crm_of(org.url).now() == MONDAY
