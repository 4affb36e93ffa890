"""Planted secrets and personal data are found in no log, mail, metric, page or URL (I28).

Allowed: the store and the CRM's own requests (they are what the program works with), the path of a ping (the
token is the address itself), and what `explain` and `leads held` print for the person who asked for it.
"""

from __future__ import annotations

import base64
import quopri
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from desks import MONDAY, ONCALL, Desk
from mailbox_server import Mailbox
from served import Served, Warm, set_clock, until

SMTP_PASSWORD, PING_TOKEN, POSTGRESQL_PASSWORD = "smtp-Kanarie-1", "ping-Kanarie-2", "pg-Kanarie-3"
PRIVATE_KEY, UNUSED_SECRET = "key-Kanarie-4", "env-Kanarie-5"
LEAD = {
    "FirstName": "Adakanarie", "LastName": "Lovelacekanarie", "Email": "ada@kanarie-mail.example",
    "Company": "Kanariewerke", "Phone": "+49-30-99887766", "Street": "Kanarienallee 7",
    "Description": "Kanariebeschreibung", "Title": "Kanariechefin", "Website": "www.kanarie-site.example",
    "Country": "Kanarienland", "Campaign_Code__c": "KANARIE-KAMPAGNE",
}  # fmt: skip
IN_ERRORS = "Kanariefehlertext"
COMMANDS = (
    ("run",), ("run", "--json"), ("watch",), ("watch", "--json"), ("doctor",), ("doctor", "--json"),
    ("alerts", "list"), ("alerts", "list", "--json"), ("runs", "list", "--json"),
)  # fmt: skip


class Watch(HTTPServer):
    """The outside watch: keeps what it was sent."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Pinged)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{PING_TOKEN}"


class _Pinged(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Watch)
        self.server.asked.append(f"{self.path.replace(PING_TOKEN, '')} {self.headers}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def post() -> Iterator[Mailbox]:
    with Mailbox(users={"allocator": SMTP_PASSWORD}) as made:
        yield made


def test_no_canary_is_found_outside_of_the_store_and_the_crm(
    desk: Desk, warm: Warm, watch: Watch, post: Mailbox, tmp_path: Path
) -> None:
    org, folder = desk.org, desk.org.config.parent
    (folder / "key.pem").write_text(PRIVATE_KEY)
    prom = tmp_path / "allocator.prom"
    env = {
        "ALLOCATOR__ALERTS__SMTP": f"smtp://127.0.0.1:{post.port}",
        "ALLOCATOR__ALERTS__USERNAME": "allocator",
        "ALLOCATOR__ALERTS__PASSWORD": SMTP_PASSWORD, "ALLOCATOR__ALERTS__PING_URL": watch.url,
        "ALLOCATOR__SERVE__METRICS_FILE": str(prom),
        "ALLOCATOR__SALESFORCE__PRIVATE_KEY_FILE": str(folder / "key.pem"),
    }  # fmt: skip
    stamp = "2026-11-02T08:00:00.000+0000"
    own = {"OwnerId": org.queue, "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp}
    ids = [f"00Q5g00000Kan{n:02}" for n in range(3)]
    org.put("Lead", *({"Id": i, **LEAD, **own} for i in ids[:2]))
    org.put("Lead", {"Id": ids[2], **LEAD, **own, "Country": "DE", "Campaign_Code__c": "WEB-2026-DACH"})
    said = {"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": f"{IN_ERRORS} {LEAD['LastName']}"}
    org.fault("status", on={"method": "PATCH", "times": 9}, status=400, **said)
    clock = set_clock(tmp_path / "clock", MONDAY + timedelta(minutes=2))

    service = warm.serve(org.config, clock=clock, env=env, debug=True)
    until(lambda: service.said("run", state="done"), lambda: service.log)
    until(lambda: post.to(ONCALL), "on-call is told of the rejected lead")
    org.control("DELETE", "faults")
    org.fault("html", on={"times": 9, "path": "/query"}, status=503)
    set_clock(clock, MONDAY + timedelta(hours=1))
    until(lambda: len(service.said("run")) > 1 or service.said("run failed"), lambda: service.log)
    org.control("DELETE", "faults")
    pages = [service.get(path) for path in ("/healthz", "/metrics", "/nothing")]
    until(prom.exists, "the text file is written")
    shown = [page.text + str(page.headers) for page in pages] + [prom.read_text()]

    broken = {**env, "ALLOCATOR__STORE": f"postgresql://allocator:{POSTGRESQL_PASSWORD}@127.0.0.1:1/none"}
    wrong = {**env, "ALLOCATOR__SALESFORCE__CLIENT_SECRET": UNUSED_SECRET}
    for words in COMMANDS:
        shown += _printed(_run(warm, desk, words, env))
    for words in (("run",), ("watch",), ("doctor", "--json"), ("serve",)):
        shown += _printed(_run(warm, desk, words, broken))
    for words in (("run",), ("doctor", "--json")):
        shown += _printed(_run(warm, desk, words, wrong))
    shown += [*_printed(service), *watch.asked, *_mailed(post)]

    assert "crm_rejected" in "".join(shown), "the CRM's refusal was met"
    stored = b"".join(file.read_bytes() for file in folder.glob("allocator.db*"))
    met = {name for name, value in LEAD.items() if value.encode() in stored}
    assert met, "the lead was read"
    found = {name for name, canary in _canaries(desk).items() if any(canary in text for text in shown)}
    assert not found
    assert any(event in watch.asked[0] for event in ("/start", "/fail")) and len(post.received) > 1
    assert "DEBUG" in service.log, "what is looked at is all there is"


def _run(warm: Warm, desk: Desk, words: tuple[str, ...], env: dict[str, str]) -> Served:
    now = {"ALLOCATOR_NOW": (MONDAY + timedelta(hours=2)).isoformat()}
    command = warm.serve(desk.org.config, clock=None, env={**env, **now}, debug=True, words=words)
    command.ended()
    return command


def _printed(command: Served) -> list[str]:
    return [command.log, (command.folder / "out").read_text(errors="replace")]


def _mailed(post: Mailbox) -> list[str]:
    """As it came, and decoded in every way that a reader may."""
    made = []
    for mail in post.received:
        made += [mail.raw.decode(errors="replace"), quopri.decodestring(mail.raw).decode(errors="replace")]
        made += [mail.text, mail.html, *(str(value) for value in mail.message.values())]
    return made


def _canaries(desk: Desk) -> dict[str, str]:
    """What must not be found, by name."""
    info, org = desk.org.info, desk.org
    tokens = {
        value.removeprefix("Bearer ")
        for one in org.requests()
        for name, value in one["headers"].items()
        if name.lower() == "authorization" and value.startswith("Bearer ")
    }
    basic = base64.b64encode(f"{info['client_id']}:{info['client_secret']}".encode()).decode()
    secrets = {
        "client_secret": info["client_secret"], "basic": basic, "smtp": SMTP_PASSWORD, "ping": PING_TOKEN,
        "postgresql": POSTGRESQL_PASSWORD, "private_key": PRIVATE_KEY, "environment": UNUSED_SECRET,
        "smtp_base64": base64.b64encode(f"\0allocator\0{SMTP_PASSWORD}".encode()).decode(),
        "sandbox_password": info["password"],
        **{f"token {n}": token for n, token in enumerate(sorted(tokens))},
    }  # fmt: skip
    assert tokens
    return {**secrets, **LEAD, "in errors": IN_ERRORS, "mail's name": "kanarie-mail"}
