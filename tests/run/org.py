"""A sandbox org and a configured folder, driven through the real command line in this process."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from quick_store import put_store

from allocator.entrypoints import cli
from allocator.sandbox.app import Sandbox

INBOUND = "Inbound Leads"


class Org:
    """One sandbox and one `allocator init` folder beside it."""

    def __init__(self, folder: Path, **sandbox: Any) -> None:
        self.folder = folder
        self.sandbox = Sandbox(state_dir=folder / "sandbox", **sandbox).start()
        self.info = self.sandbox.info()
        self.config = folder / "config" / "allocator.toml"

    def close(self) -> None:
        self.sandbox.stop()

    # the product

    def init(self, *more: str) -> None:
        put_store(self.config.parent / "allocator.db")
        code, _ = call(
            "init", str(self.config.parent), "--salesforce-url", self.info["url"],
            "--client-id", self.info["client_id"], "--client-secret", self.info["client_secret"],
            "--queue", INBOUND, *more, "--json",
        )  # fmt: skip
        assert code == 0

    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the JSON object of a command."""
        return call(*words, "--config", str(self.config), "--json")

    # the CRM, as its own people and other tools see it

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.info['url']}/_sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def records(self, name: str) -> list[dict[str, Any]]:
        return list(self.control("GET", f"records/{name}"))

    def put(self, name: str, *rows: Mapping[str, Any]) -> None:
        self.control("PUT", f"records/{name}", list(rows))

    def owners(self) -> dict[str, str]:
        return {row["Id"]: row["OwnerId"] for row in self.records("Lead")}

    def requests(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "requests"))

    def fault(self, do: str, when: str = "before", on: Mapping[str, Any] | None = None, **more: Any) -> str:
        body = {"on": dict(on or {}), "when": when, "do": do, **more}
        return str(self.control("POST", "faults", body)["id"])

    @property
    def queue(self) -> str:
        return str(self.info["queues"][INBOUND])


def call(*words: str) -> tuple[int, dict[str, Any]]:
    """Run the command line in this process: exit code and the one JSON object it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        code = cli._run(list(words))
    text = printed.getvalue().strip()
    assert "\n" not in text, f"more than one line on stdout: {text[:500]}"
    return code, json.loads(text) if text else {}


def leads_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as a CSV file that `--leads` reads."""
    import csv

    headers = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, headers)
        writer.writeheader()
        writer.writerows(rows)
    return path


def balanced(leads: Mapping[str, int]) -> bool:
    """The contract's equation of a run's counts."""
    ends = sum(leads[k] for k in ("assigned", "held", "taken", "closed", "retry"))
    return leads["pulled"] + leads["redecided"] == ends
