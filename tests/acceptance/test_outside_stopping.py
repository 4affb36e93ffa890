"""Asked to stop while the CRM says nothing: over within ten seconds, nothing lost."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from typing import Any

import pytest
from outside import Outside

WRITE = {"method": "POST", "path": "/composite", "nth": 8}
"""After the six look-ups, and one write."""


@pytest.mark.parametrize(
    ("where", "more"),
    [
        ({"path": "/oauth2/token"}, ()),
        ({"path": "/query"}, ("--dry-run",)),
        (WRITE, ()),
    ],
)
def test_sigterm_ends_a_run_within_ten_seconds_when_the_crm_is_silent(
    outside: Outside, where: dict[str, Any], more: tuple[str, ...]
) -> None:
    fault = outside.fault("hold", {**where, "times": 1000})
    process = outside.start("run", *more)
    _until_held(outside, fault)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    leads = json.loads(out)["leads"]
    ends = sum(leads[k] for k in ("assigned", "held", "taken", "closed", "retry"))
    assert leads["pulled"] + leads["redecided"] == ends
    outside.control("DELETE", "faults")
    _, listed, _ = outside("runs", "list")
    assert [run["state"] for run in listed["runs"]] == ([] if more else ["handed_over"])
    _, made, _ = outside("run")
    assert made["leads"]["assigned"] + made["leads"]["retry"] == 235
    assert made["leads"]["held_total"] == 5


def test_a_second_sigterm_ends_at_once(outside: Outside) -> None:
    fault = outside.fault("hold", {"path": "/composite", "times": 1000})
    process = outside.start("run")
    _until_held(outside, fault)
    _signal_until_over(process)
    assert process.returncode == 130
    outside.control("DELETE", "faults")
    _, made, _ = outside("run")
    assert made["leads"]["assigned"] == 235


def _signal_until_over(process: subprocess.Popen[str]) -> None:
    """SIGTERM, and again until it is over, since two at once count as one; long before it ends by itself."""
    deadline = time.monotonic() + 4
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=0.25)


def _until_held(outside: Outside, fault: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(one["id"] == fault and one["holding"] for one in outside.control("GET", "faults")):
            return
        time.sleep(0.1)
    raise AssertionError("the run ended without this request")
