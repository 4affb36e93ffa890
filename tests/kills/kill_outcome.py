"""What must be true after a kill, and after the runs that follow it."""

from __future__ import annotations

from collections.abc import Sequence

from checker import Seen, check, compare, seen
from kill_harness import HELD, OK, Product, World, has_store


def finishes(world: World, name: str, product: Product) -> None:
    """The next run finishes, one more finds nothing to do, and all is as if nobody had been killed."""
    before = [seen(product.url)] if has_store(product.url) else []
    first = product.run()
    assert first.code in (OK, HELD), f"{first.out}{first.err}"
    again = product.run()
    assert again.code == OK, f"{again.out}{again.err}"
    assert again.counts["pulled"] + again.counts["redecided"] == 0
    world.crm.settle()
    promised(world, product, settled=True, earlier=before)
    differences = compare(world.undisturbed(name).url, product.url)
    assert not differences, differences


def promised(world: World, product: Product, *, settled: bool, earlier: Sequence[Seen] = ()) -> None:
    """The checker finds nothing."""
    crm = world.crm
    found = check(
        product.url,
        crm.log(),
        crm.leads(),
        intake=[crm.intake],
        changes=crm.changes(),
        converted=crm.converted,
        earlier=earlier,
        crm_now=crm.now(),
        settled=settled,
    )
    assert not found, found
