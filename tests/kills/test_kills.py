"""SIGKILL at every request and every commit of a run; the next run finishes, and nobody can tell afterwards.

Two situations: a fresh store, and what a bad week leaves behind (a run that died half way through a
composite, leads returned, taken and converted by people, held leads that can go now, new ones). A request is
held by the CRM before or after it does it, then the process is killed; for commits see `at_commit`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from kill_harness import Product, World, ended, has_store, held_or_over, kill
from kill_outcome import finishes, promised

REQUESTS = {"fresh": 14, "leftovers": 16}
COMMITS = {"fresh": 8, "leftovers": 13}
"""What an undisturbed run needs. When the product needs more or fewer, these are to follow."""
LATE = [("fresh", 11), ("fresh", 12), ("fresh", 13), ("leftovers", 5), ("leftovers", 15)]
LOG_IN = [("fresh", 1), ("leftovers", 1)]
PAIRS = [
    ("fresh", "request", 11, 5),
    ("fresh", "request", 14, 3),
    ("fresh", "commit", 5, 4),
    ("leftovers", "request", 5, 4),
    ("leftovers", "request", 15, 3),
    ("leftovers", "commit", 8, 3),
    ("leftovers", "commit", 11, 3),
]
ON_POSTGRESQL = [("before", 1), ("after", 2), ("before", 4), ("after", 5), ("before", 6), ("after", 6)]
ON_POSTGRESQL += [("before", 7), ("after", 8), ("before", 9)]


def points(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(name, k) for name, count in counts.items() for k in range(1, count + 1)]


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_and_commit_of_a_run_is_a_kill_point(world: World, name: str) -> None:
    whole = world.undisturbed(name)
    assert len(whole.requests) == REQUESTS[name]
    assert whole.commits == COMMITS[name]
    writes = [n for n, e in enumerate(whole.requests, 1) if [s for s in e["sub"] if s["method"] == "PATCH"]]
    assert {k for n, k in LATE if n == name} == set(writes)


def ways() -> list[tuple[str, int, str]]:
    """Before each request, and after each that changes the CRM. A read that is killed over leaves the same
    behind whether it was answered or not: nothing in the CRM, and no answer here."""
    before = [(name, k, "before") for name, k in points(REQUESTS)]
    return before + [(name, k, "after_commit") for name, k in [*LOG_IN, *LATE]]


@pytest.mark.parametrize(("name", "k", "when"), ways())
def test_killed_at_a_request(world: World, name: str, k: int, when: str) -> None:
    with world.begin(name) as product:
        killed_at_request(world, product, k, when)
        finishes(world, name, product)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("name", "k"), points(COMMITS))
def test_killed_at_a_commit(world: World, name: str, k: int, moment: str) -> None:
    with world.begin(name) as product:
        killed_at_commit(world, product, k, moment)
        finishes(world, name, product)


@pytest.mark.parametrize(("name", "k"), LATE)
def test_killed_while_a_write_is_on_its_way_that_arrives_when_all_is_over(
    world: World, name: str, k: int
) -> None:
    with world.begin(name) as product:
        fault = world.crm.hold({"nth": k})
        process = product.start()
        held_or_over(world.crm, fault, process)
        kill(process)
        world.crm.lost = 1
        finishes(world, name, product)
        world.crm.release(fault)
        world.crm.lost = 0
        finishes(world, name, product)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_killed_in_the_middle_of_a_composite(world: World, share: float) -> None:
    with world.begin("fresh") as product:
        waiting = [row["Id"] for row in world.crm.leads() if row["OwnerId"] == world.crm.intake]
        fault = world.crm.hold({"method": "PATCH", "record": waiting[int(len(waiting) * share)]})
        process = product.start()
        held_or_over(world.crm, fault, process)
        kill(process)
        world.crm.forget_faults()
        world.crm.lost = 1
        finishes(world, "fresh", product)


@pytest.mark.parametrize(("name", "kind", "first", "second"), PAIRS)
def test_killed_again_while_it_recovers(world: World, name: str, kind: str, first: int, second: int) -> None:
    with world.begin(name) as product:
        if kind == "request":
            killed_at_request(world, product, first, "after_commit")
            killed_at_request(world, product, second, "before")
        else:
            killed_at_commit(world, product, first, "after")
            killed_at_commit(world, product, second, "before")
        finishes(world, name, product)


@pytest.mark.parametrize(("moment", "k"), ON_POSTGRESQL)
def test_killed_at_a_commit_on_postgresql(
    world: World, postgresql_url: Callable[[], str], moment: str, k: int
) -> None:
    with world.begin("fresh", url=postgresql_url()) as product:
        killed_at_commit(world, product, k, moment)
        finishes(world, "fresh", product)


@pytest.mark.parametrize(("k", "when"), [(11, "before"), (12, "after_commit"), (14, "before")])
def test_killed_at_a_request_on_postgresql(
    world: World, postgresql_url: Callable[[], str], k: int, when: str
) -> None:
    with world.begin("fresh", url=postgresql_url()) as product:
        killed_at_request(world, product, k, when)
        finishes(world, "fresh", product)


# --- how --------------------------------------------------------------------------------------------------


def killed_at_request(world: World, product: Product, k: int, when: str) -> None:
    """Held before, the request is lost with its sender; held after, the CRM did it and nobody heard."""
    fault = world.crm.hold({"nth": k}, when)
    process = product.start()
    held_or_over(world.crm, fault, process)
    kill(process)
    if when == "before":
        world.crm.lost += 1
    else:
        world.crm.release(fault)
    world.crm.forget_faults()
    world.crm.settle()
    promised(world, product, settled=False)


def killed_at_commit(world: World, product: Product, k: int, moment: str) -> None:
    run = ended(product.start_to_die(moment, k))
    assert run.code == -signal.SIGKILL, f"the run ended by itself: {run}"
    world.crm.settle()
    if has_store(product.url):
        promised(world, product, settled=False)
