"""Two runs at once, a run that is stopped, asleep or killed: real processes, one lease."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from faulty_org import PULL, WRITE, FaultyOrg

from allocator.sandbox.server import Cut
from allocator.sandbox.wire import Request, Response

Process = subprocess.Popen[str]


@contextmanager
def held_at(org: FaultyOrg, place: str) -> Iterator[tuple[Process, Callable[[], None]]]:
    """A real `allocator run` whose request waits at the CRM until the second value is called."""
    arrived, go_on, dead = threading.Event(), threading.Event(), threading.Event()

    def wait(request: Request, work: Callable[[], Response]) -> Response:
        arrived.set()
        go_on.wait(60)
        if dead.is_set():
            raise Cut(reset=False)
        return work()

    org.twist(place, wait)
    words = ["run", "--json", "--config", str(org.config)]
    command = [sys.executable, "-m", "allocator.entrypoints.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert arrived.wait(60)
            yield process, go_on.set
        finally:
            if process.poll() is not None:
                dead.set()
            go_on.set()
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()


def end_of(process: Process) -> tuple[int, dict[str, Any]]:
    printed, _ = process.communicate(timeout=60)
    return process.returncode, json.loads(printed) if printed.strip() else {}


def test_a_second_run_is_told_who_is_busy_and_asks_the_crm_for_nothing(org: FaultyOrg) -> None:
    with held_at(org, PULL) as (first, go_on):
        before = len(org.requests())
        assert "run 1" in org.error(6)
        assert len(org.requests()) == before
        go_on()
        code, made = end_of(first)
    assert (code, made["leads"]["assigned"]) == (0, 4)
    org.all_given()


def test_a_run_that_is_asked_to_stop_hands_over_and_the_next_one_goes_on(org: FaultyOrg) -> None:
    with held_at(org, PULL) as (first, go_on):
        first.send_signal(signal.SIGTERM)
        go_on()
        code, made = end_of(first)
    assert code == 0
    assert made["leads"]["assigned"] == 0
    assert not any(org.sent(lead) for lead in org.leads)
    org.heals(assigned=4)


@pytest.mark.parametrize("place", [PULL, WRITE])
def test_a_run_that_is_killed_is_taken_over_at_once(org: FaultyOrg, place: str) -> None:
    with held_at(org, place) as (first, _):
        os.kill(first.pid, signal.SIGKILL)
        first.wait(timeout=60)
        org._twists.clear()
        org.run(0, assigned=4)
    org.all_given()
    _, listed = org("runs", "list")
    assert [run["state"] for run in listed["runs"]] == ["done", "failed"]


def test_a_run_that_wakes_up_after_its_lease_was_taken_changes_nothing_any_more(org: FaultyOrg) -> None:
    with held_at(org, WRITE) as (first, go_on):
        os.kill(first.pid, signal.SIGSTOP)
        org.crashed()
        org._twists.clear()
        org.run(0, redecided=4, assigned=4)
        kept = org.rows()
        os.kill(first.pid, signal.SIGCONT)
        go_on()
        code, _ = end_of(first)
    assert code != 0
    assert org.rows() == kept
    org.all_given()
    assert [sub["status"] for lead in org.leads for sub in org.sent(lead)].count(204) == 4
