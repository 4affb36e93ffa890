"""A run that is asked to stop, one that is stopped and wakes up too late, and two at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from checker import owner_writes, read_rows
from kill_harness import (
    BUSY,
    HELD,
    OK,
    Product,
    World,
    ended,
    held_or_over,
    reading,
    until,
)
from kill_outcome import finishes, promised

PULL, WRITE, READ_BACK = 4, 12, 14
"""Requests of a run in the fresh situation."""


@pytest.mark.parametrize("k", [1, PULL, WRITE, READ_BACK])
def test_sigterm_hands_over_within_ten_seconds(world: World, k: int) -> None:
    with world.begin("fresh") as product:
        fault = world.crm.hold({"nth": k})
        process = product.start_script() if k == WRITE else product.start()
        held_or_over(world.crm, fault, process)
        process.send_signal(signal.SIGTERM)
        world.crm.release(fault)
        process.communicate(timeout=10)
        run = ended(process)
        assert run.code == OK, run.err
        assert runs(product) == ["handed_over"]
        sent = list(owner_writes(world.crm.log()))
        assert bool(sent) == (k >= WRITE), "before its first batch it sends nothing, a batch is finished"
        promised(world, product, settled=False)
        finishes(world, "fresh", product)


@pytest.mark.parametrize(("k", "patient"), [(PULL, False), (WRITE, True), (READ_BACK, False)])
def test_a_run_that_slept_longer_than_its_lease_writes_nothing_when_it_wakes(
    world: World, k: int, patient: bool
) -> None:
    with world.begin("fresh") as product:
        fault = world.crm.hold({"nth": k})
        process = product.start(ALLOCATOR__LEASE_SECONDS="10")
        held_or_over(world.crm, fault, process)
        process.send_signal(signal.SIGSTOP)
        assert product.run().code == BUSY
        if patient:
            until(lambda: lease_end(product) < datetime.now(UTC), "the lease is over")
        else:
            end_lease(product)
        world.crm.lost = 1
        finishes(world, "fresh", product)
        before, asked = read_rows(product.url), len(world.crm.log())
        world.crm.release(fault)
        process.send_signal(signal.SIGCONT)
        run = ended(process)
        world.crm.lost = 0
        world.crm.settle()
        assert run.code not in (OK, HELD)
        assert "no longer holds the lease" in run.out + run.err
        assert read_rows(product.url) == before
        # a composite that was about to leave when the process was stopped may still leave: on its old stamps
        assert all(write.status == 412 for write in owner_writes(world.crm.log()[asked:]))
        finishes(world, "fresh", product)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_second_of_two_runs_at_once_says_since_when_the_first_is_busy(
    world: World, database: str, postgresql_url: Callable[[], str]
) -> None:
    url = postgresql_url() if database == "postgresql" else None
    with world.begin("fresh", url=url) as product:
        fault = world.crm.hold({"nth": WRITE})
        first = product.start_script()
        held_or_over(world.crm, fault, first)
        second = ended(product.start())
        assert second.code == BUSY
        assert "busy: run 1 since 2026-11-02T09:00:00Z" in second.out + second.err
        world.crm.release(fault)
        assert ended(first).code == HELD
        finishes(world, "fresh", product)


def runs(product: Product) -> list[str]:
    return [row["state"] for row in sorted(read_rows(product.url)["runs"], key=lambda row: row["run"])]


def lease_end(product: Product) -> datetime:
    return datetime.fromisoformat(read_rows(product.url)["lease"][0]["expires"])


def end_lease(product: Product) -> None:
    """As if its time had passed."""
    with reading(product.url) as connection:
        connection.execute(sa.text("UPDATE lease SET expires = '2001-01-01T00:00:00.000000Z'"))
