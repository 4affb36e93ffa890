"""The sandbox as a whole: starts the server, routes requests, fills the org, keeps its state."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from allocator.sandbox import tls
from allocator.sandbox.clock import Clock, http_date
from allocator.sandbox.control import Control
from allocator.sandbox.faults import Faults, Moment, WholeReply, refusal
from allocator.sandbox.hubspot import seed as hubspot_seed
from allocator.sandbox.hubspot.calls import is_hubspot
from allocator.sandbox.hubspot.portal import Portal, token_of
from allocator.sandbox.hubspot.rest import Hub
from allocator.sandbox.log import RequestLog
from allocator.sandbox.oauth import Credentials, OAuth
from allocator.sandbox.salesforce.collections import Collections
from allocator.sandbox.salesforce.composite import Composite, is_record_call
from allocator.sandbox.salesforce.leads_csv import load_leads
from allocator.sandbox.salesforce.org import Org, Settings
from allocator.sandbox.salesforce.people import People
from allocator.sandbox.salesforce.rest import Rest
from allocator.sandbox.salesforce.schema import standard_schema
from allocator.sandbox.salesforce.soap import Soap
from allocator.sandbox.salesforce.soap_xml import is_soap
from allocator.sandbox.salesforce.usage import Usage
from allocator.sandbox.seeds import demo, developer, empty
from allocator.sandbox.server import Cut, LoopbackServer
from allocator.sandbox.state import (
    forget_running,
    load_portal,
    load_state,
    save_portal,
    save_state,
    write_running,
)
from allocator.sandbox.wire import ApiError, Headers, Request, Response, logged_body, missing_resource

SEEDS = ("demo", "developer", "empty")


class Sandbox:
    """A Salesforce org and a HubSpot account on loopback. Use as a context manager, or `start` and `stop`.

    `leads` is a CSV file to load in place of the seed's sample leads; `load_report` then lists each row
    that could not be loaded, with its line and the reason. With `state_dir`, keys, secrets and records are
    kept there and found again by the next start.
    """

    def __init__(
        self,
        port: int = 0,
        tls: bool = False,
        state_dir: Path | None = None,
        seed: str = "demo",
        data_dir: Path | None = None,
        leads: Path | None = None,
        field_map: Mapping[str, str] | None = None,
        api_limit: int = 15_000,
    ) -> None:
        if seed not in SEEDS:
            raise ValueError(f"seed must be one of {', '.join(SEEDS)}")
        if seed == "developer" and data_dir is None:
            raise ValueError("the developer seed needs the folder of its CSV files")
        self._port, self._tls, self._api_limit = port, tls, api_limit
        self._seed, self._data_dir, self._leads = seed, data_dir, leads
        self._field_map = dict(field_map or {})
        self._keep = state_dir is not None
        self._temporary = None if state_dir else tempfile.TemporaryDirectory(prefix="sandbox-")
        self.state_dir = Path(state_dir) if state_dir else Path(self._temporary.name)  # type: ignore[union-attr]
        self.load_report: list[dict[str, Any]] = []
        self.load_counts: dict[str, int] = {}
        self._server: LoopbackServer | None = None
        self._ca_file: Path | None = None

    def start(self) -> Sandbox:
        """Serve from threads of this process; returns when the port answers."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.clock, self.log = Clock(), RequestLog()
        self.org = Org(standard_schema(), self.clock, Settings(api_limit=self._api_limit))
        self.faults = Faults(self)
        self.usage = Usage(self.org)
        self._key_file = tls.login_key(self.state_dir)
        self._credentials = _credentials(self.state_dir)
        self.oauth = OAuth(self.org, self._credentials, self._key_file)
        self._rest = Rest(self.org, self.faults, self.usage)
        self._rest.extra["composite"] = Composite(self._rest, Collections(self._rest).serve).serve
        self._soap = Soap(self.org, self.oauth, self.usage, self.faults)
        self.people = People(self.org)
        self.portal = Portal(self.clock, token_of(self.state_dir))
        self._hub = Hub(self.portal, self.faults)
        self._control = Control(self)
        if not (self._keep and load_state(self.state_dir, self.org)):
            self._fill()
        if not (self._keep and load_portal(self.state_dir, self.portal)):
            self._fill_portal()
        self._listen()
        threading.Thread(target=self._warm_up, daemon=True).start()
        return self

    def _warm_up(self) -> None:
        """The first query builds the grammar, which takes a second: not on a client's time."""
        self._rest.queries.run("SELECT Id FROM Organization", "60.0", Headers({}), deleted=False)

    def _listen(self) -> None:
        context = None
        if self._tls:
            context, self._ca_file = tls.server_context(self.state_dir)
        now = lambda: http_date(self.clock.now())  # noqa: E731
        self._server = LoopbackServer(self._port, self._answer, context, now)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.port}"
        self.oauth.instance_url = self._hub.url = self.url
        write_running(self.state_dir, {"url": self.url, "ca_file": str(self._ca_file or "") or None})

    def stop(self) -> None:
        """Cut what is held, close every connection, keep the state."""
        if self._server is None:
            return
        server, self._server = self._server, None
        forget_running(self.state_dir)
        self.faults.stop()
        server.shut()
        if self._keep:
            save_state(self.state_dir, self.org)
            save_portal(self.state_dir, self.portal)
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Sandbox:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def info(self) -> dict[str, Any]:
        """What a client needs to log in: the JSON line of `allocator sandbox`."""
        own = self._credentials
        return {
            "url": self.url,
            "client_id": own.client_id,
            "client_secret": own.client_secret,
            "username": own.username,
            "password": own.password,
            "private_key_file": str(self._key_file),
            "queues": self.org.queues(),
            "ca_file": str(self._ca_file) if self._ca_file else None,
            "state_dir": str(self.state_dir),
            "hubspot": {"url": self.url, "token": self.portal.token},
        }

    def reset(self) -> None:
        """Back to the first start: seed, leads file, clock, faults, log and usage. Sessions stay open."""
        self.faults.clear(cut=True)
        self.clock.reset()
        fresh = Org(standard_schema(), self.clock, Settings(api_limit=self._api_limit))
        self.org.schema, self.org.records.schema = fresh.schema, fresh.schema
        self.org.settings = fresh.settings
        self.org.records.load({"tables": {}, "made": {}})
        self._fill()
        self._rest.queries.clear()
        self.usage.clear()
        self.reset_portal()
        self.log.clear()

    def reset_portal(self) -> None:
        """The HubSpot account alone back to its seed."""
        self.portal.clear()
        self._hub.limits.clear()
        self._fill_portal()

    def _fill(self) -> None:
        empty.load(self.org)
        if self._seed == "demo":
            demo.load(self.org, sample_leads=self._leads is None)
        elif self._seed == "developer" and self._data_dir is not None:
            self.load_report = developer.load(self.org, Path(self._data_dir))
        if self._leads is not None:
            loaded = load_leads(self.org, Path(self._leads), self._field_map)
            self.load_report, self.load_counts = loaded.refused, loaded.counts
        self.org.records.history.clear()

    def _fill_portal(self) -> None:
        if self._seed == "demo":
            hubspot_seed.load(self.portal, demo.company()["people"])

    def person_acts(self, kind: str, record: str, by: str | None, fields: dict[str, Any]) -> None:
        if self.portal.holder(record) is not None:
            return self.portal.behind_the_back(kind, record, by, fields)
        return self.people.behind_the_back(kind, record, by, fields)

    def expire(self, request: Request) -> None:
        """The session of this call ends. HubSpot has none: its token stays."""
        if is_hubspot(request):
            return
        self.oauth.revoke(request if request.outer is None else request.outer)

    def _answer(self, request: Request) -> Response:
        if request.raw_path.startswith("/_sandbox"):
            return self._control.serve(request)
        body = self._logged(request)
        request.entry = self.log.open(request.method, request.target, request.headers.original, body)
        try:
            response = self._met(request)
        except WholeReply as whole:
            response = whole.response
        except Cut:
            raise
        except Exception:  # noqa: BLE001 (a bug of ours must be an answer that a tester sees, not silence)
            traceback.print_exc()
            response = refusal({"status": 500}, request)
        if is_soap(request):
            response = self._soap.dressed(request, response)
        if request.user_id is not None:
            response.headers = {"Sforce-Limit-Info": self.usage.header(), **response.headers}
        return response

    def _logged(self, request: Request) -> Any:
        """What the log keeps of a body: no secret of a log-in, and no session of an envelope."""
        if is_soap(request):
            return self._soap.opened(request)
        secret = request.raw_path.startswith("/services/oauth2/")
        return None if secret or request.method == "GET" else logged_body(request.body)

    def _met(self, request: Request) -> Response:
        """Faults of the whole request; a single record's are met inside its resource, where it is known."""
        if is_hubspot(request):
            return self._hub.serve(request)
        many = is_soap(request) or ("/composite" in request.raw_path and request.method != "GET")

        def work() -> Response:
            response = self._route(request)
            request.entry["done"] = response.status
            return response

        if is_record_call(request):
            return self._route(request)
        return self.faults.around(Moment(request, many=many), work)

    def _route(self, request: Request) -> Response:
        """Everything but the list of versions needs a session, and counts."""
        path = request.raw_path.rstrip("/")
        if path == "/services/oauth2/token":
            return self.oauth.token(request)
        if path == "/services/oauth2/revoke":
            return self.oauth.revoked(request)
        if path == "/services/data":
            return self._rest.versions()
        if is_soap(request):
            return self._soap.serve(request)
        try:
            if path == "/services/oauth2/userinfo" or path.startswith("/id/"):
                return self.oauth.identity(request)
            if not path.startswith("/services/data/"):
                raise missing_resource()
            request.user_id = self.oauth.user_of(request)
            self.usage.count()
        except ApiError as error:
            return error.response()
        request.method = _override(request)
        return self._rest.serve(request)


def _override(request: Request) -> str:
    """Clients that cannot send PATCH say `?_HttpMethod=PATCH` on a POST (REST API Developer Guide)."""
    wanted = request.params.get("_HttpMethod", "")
    return wanted.upper() if wanted and request.method == "POST" else request.method


def _credentials(folder: Path) -> Credentials:
    """Made at the first start and kept, readable by the owner alone."""
    path = folder / "credentials.json"
    if path.exists():
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    made = Credentials(
        client_id=f"3MVG9{secrets.token_hex(20)}",
        client_secret=secrets.token_hex(32).upper(),
        username=empty.INTEGRATION_NAME,
        password=secrets.token_urlsafe(12),
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(vars(made), file)
    return made


def start_sandbox(**options: Any) -> Sandbox:
    """A running sandbox, for tests: `with start_sandbox(seed="empty") as sandbox: ...`."""
    return Sandbox(**options).start()
