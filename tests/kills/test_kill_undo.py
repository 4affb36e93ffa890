"""SIGKILL in the midst of `runs undo`: said again, or by the next run, it is finished and nothing is lost."""

from __future__ import annotations

import json

import pytest
from checker import read_rows
from kill_harness import HELD, OK, Process, Product, World, held_or_over, kill
from kill_outcome import promised

UNDO = ["runs", "undo", "1", "--yes", "--json"]
WRITES = 3
"""Composites that put the leads of the run back."""


def command(product: Product, *words: str) -> list[str]:
    return [*words, "--config", str(product.folder / "allocator.toml")]


def undo(product: Product) -> Process:
    process = product.warm.start(command(product, *UNDO), product.folder, product.env)
    product.started.append(process)
    return process


def killed_at_a_write(world: World, product: Product, k: int, when: str) -> None:
    """Held before, the composite is lost with its sender; held after, the CRM did it and nobody heard."""
    fault = world.crm.hold({"method": "POST", "path": "composite$", "nth": k}, when)
    process = undo(product)
    held_or_over(world.crm, fault, process)
    kill(process)
    if when == "before":
        world.crm.lost += 1
    else:
        world.crm.release(fault)
    world.crm.forget_faults()
    world.crm.settle()
    promised(world, product, settled=False)


def ran(product: Product) -> int:
    """A run that nobody disturbs; how many leads it gave to somebody."""
    done = product.run()
    assert done.code in (OK, HELD), f"{done.out}{done.err}"
    return done.counts["assigned"]


def all_is_undone(world: World, product: Product, given: int) -> None:
    crm = world.crm
    crm.settle()
    promised(world, product, settled=False)
    rows = read_rows(product.url)
    backs = [row for row in rows["take_backs"] if row["state"] == "done"]
    assert len(backs) == given
    back = {row["source_id"] for row in backs}
    assert {lead["OwnerId"] for lead in crm.leads() if lead["Id"] in back} == {crm.intake}
    assert not any(row["credit"] for row in rows["ledger"])
    assert len(rows["refunds"]) == len(rows["turns"])


@pytest.mark.parametrize("when", ["before", "after_commit"])
@pytest.mark.parametrize("k", range(1, WRITES + 1))
def test_an_undo_that_is_killed_at_a_write_is_finished_by_the_same_command(
    world: World, k: int, when: str
) -> None:
    with world.begin("fresh") as product:
        given = ran(product)
        killed_at_a_write(world, product, k, when)
        again = undo(product)
        out, err = again.communicate()
        assert again.returncode == OK, out + err
        assert json.loads(out)["schema"] == 1
        all_is_undone(world, product, given)


def test_an_undo_that_is_killed_is_finished_by_the_next_run_which_decides_the_leads_again(
    world: World,
) -> None:
    with world.begin("fresh") as product:
        given = ran(product)
        killed_at_a_write(world, product, 2, "before")
        assert ran(product) == given
        world.crm.settle()
        promised(world, product, settled=False)
        rows = read_rows(product.url)
        assert len([row for row in rows["take_backs"] if row["state"] == "done"]) == given
        assert len(rows["refunds"]) * 2 == len(rows["turns"])
