"""Leaders are killed and put to sleep within their hour; another service does it (I17, I18, I22)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kill_harness import MONDAY, World, until
from kill_outcome import promised
from leaders import Leaders, every_hour_once, signalled

from allocator.adapters.store.sql import upgrade_store

PLACES = (
    ({"method": "POST", "path": "/oauth2/token"}, "before"),
    ({"method": "GET", "path": "/query"}, "before"),
    ({"method": "GET", "path": "/query", "nth": 3}, "after_commit"),
    ({"method": "POST", "path": "/composite$"}, "before"),
    ({"method": "POST", "path": "/composite$"}, "after_commit"),
    ({"method": "GET", "path": "/query", "nth": 5}, "before"),
)
"""Where in its run a leader is caught: log-in, pull, look-up, write, written, read-back."""
KILLS, STOPS = 30, 10


@pytest.fixture(params=["sqlite", "postgresql"])
def leaders(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Leaders]:
    rows = world.samples(0)
    world.crm.start(rows, MONDAY - timedelta(hours=2), [])
    product = world._product(MONDAY)
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("postgresql_url")
        product.url = make()
        upgrade_store(product.url)
    made = Leaders(world, product, tmp_path, reserve=rows)
    yield made
    made.close()
    world.crm.forget_faults()
    product.close()
    shutil.rmtree(product.folder, ignore_errors=True)


@pytest.mark.timeout(600)
def test_whoever_leads_may_be_killed_or_put_to_sleep_at_any_place(leaders: Leaders) -> None:
    crm = leaders.world.crm
    for _ in range(3):
        leaders.start()
    leaders.done(first_hour(leaders))
    for k in range(KILLS):
        on, when = PLACES[k % len(PLACES)]
        fault = crm.hold(on, when)
        slot = leaders.hour()
        leaders.kill_leader(fault)
        crm.release(fault)  # what it had sent arrives all the same, when somebody else leads
        leaders.start()
        leaders.done(slot)
    for k in range(STOPS):
        on, when = PLACES[k % len(PLACES)]
        fault = crm.hold(on, when)
        slot = leaders.hour()
        asleep = leaders.stop_leader(fault)
        leaders.done(slot)
        leaders.wake(asleep, fault)
    leaders.done(leaders.hour())
    crm.settle()
    promised(leaders.world, leaders.product, settled=True)
    assert not every_hour_once(leaders.slots())
    assert set(leaders.slots().values()) == {"done"}
    assert all(signalled(pid, 0) for pid in leaders.services), "who woke up goes on as one of the others"


def test_when_nobody_is_left_the_watch_tells_on_call(leaders: Leaders) -> None:
    for _ in range(2):
        leaders.start()
    leaders.done(first_hour(leaders))
    frozen, dead = leaders.services
    freeze_between_writes(leaders, frozen)
    os.kill(dead, signal.SIGKILL)
    leaders.services.remove(dead)
    assert watched(leaders, minutes=70) == (False, [])
    assert watched(leaders, minutes=80) == (True, ["run_missed"])
    os.kill(frozen, signal.SIGCONT)
    leaders.done(leaders.hour())
    assert watched(leaders, minutes=5) == (False, [])


def test_a_service_that_is_asked_to_stop_hands_its_hour_to_another(leaders: Leaders) -> None:
    crm = leaders.world.crm
    first = leaders.start()
    leaders.done(first_hour(leaders))
    fault = crm.hold({"method": "POST", "path": "/composite$"})
    slot = leaders.hour()
    until(lambda: crm.holding(fault), "the write is held")
    os.kill(first, signal.SIGTERM)
    leaders.start()
    crm.release(fault)
    until(lambda: not signalled(first, 0), "the first service is gone", deadline=10)
    leaders.services.remove(first)
    leaders.done(slot)
    promised(leaders.world, leaders.product, settled=True)


def test_an_outage_of_three_hours_is_made_up_for_by_one_run(leaders: Leaders) -> None:
    first = leaders.start()
    leaders.done(first_hour(leaders))
    os.kill(first, signal.SIGKILL)
    leaders.services.remove(first)
    for _ in range(3):
        leaders.hour()
    slot = leaders.hour()
    leaders.start()
    leaders.done(slot)
    ends = [state for _, state in sorted(leaders.slots().items())]
    assert ends == ["done", "caught_up", "caught_up", "caught_up", "done"]


def test_an_hour_that_comes_due_while_a_run_still_works_is_skipped(leaders: Leaders) -> None:
    crm = leaders.world.crm
    leaders.start()
    leaders.done(first_hour(leaders))
    fault = crm.hold({"method": "GET", "path": "/query"})
    long_ = leaders.hour()
    until(lambda: crm.holding(fault), "the pull is held")
    skipped = leaders.hour()
    until(lambda: leaders.state_of(skipped) == "skipped_overrun", "the next hour is recorded as skipped")
    crm.release(fault)
    leaders.done(long_)
    leaders.done(leaders.hour())
    assert leaders.state_of(skipped) == "skipped_overrun"
    promised(leaders.world, leaders.product, settled=True)


def freeze_between_writes(leaders: Leaders, pid: int) -> None:
    """Who sleeps in the middle of an SQLite write keeps everybody out of the file: that is another story."""
    file = leaders.product.folder / "allocator.db"

    def frozen() -> bool:
        os.kill(pid, signal.SIGSTOP)
        if not file.exists() or is_free(file):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    until(frozen, "the service sleeps, and holds no lock")


def is_free(file: Path) -> bool:
    connection = sqlite3.connect(file, timeout=0.2)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        connection.rollback()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def first_hour(leaders: Leaders) -> str:
    slot = leaders.hour()
    assert leaders.state_of(slot) in (None, "open", "done")
    return slot


def watched(leaders: Leaders, *, minutes: int) -> tuple[bool, list[str]]:
    """What `allocator watch` sees so long after the last hour, and which alerts are open then."""
    product = leaders.product
    at = (leaders.now + timedelta(minutes=minutes)).isoformat()
    env = {**product.env, "ALLOCATOR_NOW": at}
    config = ["--config", str(product.folder / "allocator.toml"), "--json"]
    seen = product.warm.run(["watch", *config], product.folder, env)
    assert seen.code == 0, seen.err
    listed = product.warm.run(["alerts", "list", *config], product.folder, env)
    missed = [i["kind"] for i in listed.json["incidents"] if i["kind"] == "run_missed"]
    return seen.json["missed"], missed
