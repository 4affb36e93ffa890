"""A plain HTTP client of the sandbox, as an outside tester would write it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from allocator.sandbox.app import Sandbox

VERSION = "60.0"
ANA, BEN, CHI = "0055g00000AaB01AAF", "0055g00000AaB02AAF", "0055g00000AaB03AAF"
QUEUE = "00G5g00000QuE01EAF"
KEEP = {"Sforce-Auto-Assign": "FALSE"}
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


class Client:
    """What a tester's own HTTP client would do: log in, call, read the control interface."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.info, self.url = sandbox, sandbox.info(), sandbox.url
        self.base = f"/services/data/v{VERSION}"
        self.http = requests.Session()
        self.http.trust_env = False  # a bundle or proxy of the environment is not this test's matter
        if self.info["ca_file"]:
            self.http.verify = self.info["ca_file"]
        self.log_in()

    def log_in(self) -> None:
        answer = self.http.post(
            f"{self.url}/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(self.info["client_id"], self.info["client_secret"]),
            timeout=10,
        )
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        target = path if path.startswith(("/services", "/_sandbox")) else f"{self.base}/{path}"
        return self.http.request(method, self.url + target, **{"timeout": 10, **options})

    def lead(self, **fields: Any) -> str:
        """A new lead in the queue, as the control interface puts it there an hour ago."""
        given = {"LastName": "Lovelace", "Company": "Engines", "OwnerId": QUEUE, **fields}
        return self.put("Lead", {**self._hour_ago(), **given})

    def _hour_ago(self) -> dict[str, str]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
        return dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)

    def put(self, name: str, row: dict[str, Any]) -> str:
        return self.call("PUT", f"/_sandbox/records/{name}", json=[row]).json()[0]["Id"]

    def row(self, name: str, record_id: str) -> dict[str, Any]:
        rows = self.call("GET", f"/_sandbox/records/{name}").json()
        return next(row for row in rows if row["Id"] == record_id)

    def owner(self, lead: str) -> str:
        return self.row("Lead", lead)["OwnerId"]

    def update(self, lead: str, fields: dict[str, Any], **headers: str) -> requests.Response:
        return self.call("PATCH", f"sobjects/Lead/{lead}", json=fields, headers={**KEEP, **headers})

    def update_with_timeout(self, lead: str, fields: dict[str, Any], seconds: float) -> None:
        """An update whose client gives up: the connection is closed before this returns."""
        url = f"{self.url}{self.base}/sobjects/Lead/{lead}"
        headers = {"Authorization": str(self.http.headers["Authorization"]), **KEEP}
        with requests.Session() as own:
            own.patch(url, json=fields, headers=headers, timeout=seconds)

    def query(self, soql: str, **options: Any) -> requests.Response:
        return self.call("GET", "query/", params={"q": soql}, **options)

    def composite(self, *subs: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
        answer = self.call("POST", "composite", json={"compositeRequest": list(subs), **body})
        return answer.json()["compositeResponse"]

    def sub(self, lead: str, fields: dict[str, Any], name: str = "one", **headers: str) -> dict[str, Any]:
        url = f"{self.base}/sobjects/Lead/{lead}"
        return {"method": "PATCH", "url": url, "referenceId": name, "httpHeaders": headers, "body": fields}

    def fault(self, do: str, when: str = "before", on: dict[str, Any] | None = None, **options: Any) -> str:
        answer = self.call(
            "POST", "/_sandbox/faults", json={"on": on or {}, "when": when, "do": do, **options}
        )
        return answer.json()["id"]

    def log(self) -> list[dict[str, Any]]:
        return self.call("GET", "/_sandbox/requests").json()

    def wait_for_hold(self, fault: str) -> None:
        def holding() -> bool:
            return any(
                row["holding"] for row in self.call("GET", "/_sandbox/faults").json() if row["id"] == fault
            )

        wait_until(holding)

    def release(self, fault: str) -> None:
        self.call("POST", "/_sandbox/release", json={"id": fault})


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait on a condition, never on the clock alone."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        pause.wait(0.005)


def error(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a list-shaped error."""
    return answer.status_code, answer.json()[0]["errorCode"]
