"""From observe mode to live, when people gave the leads out meanwhile as they always had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_org import SmallOrg

from allocator.domain.lead import State


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallOrg]:
    made = SmallOrg(tmp_path, monkeypatch, 8)
    try:
        yield made
    finally:
        made.close()


def watches(org: SmallOrg, live: bool) -> None:
    text = org.config.read_text()
    org.config.write_text(text.replace(f"live = {str(not live).lower()}", f"live = {str(live).lower()}"))


def test_leads_that_were_given_out_beside_observe_mode_cost_nobody_a_turn_or_a_cap(org: SmallOrg) -> None:
    watches(org, live=False)
    org.run(0, assigned=8)
    ana = next(iter(org.rows().values())).owner
    org.later(hours=1)
    for lead in org.leads[:7]:
        org.touch(lead, OwnerId=ana)
    watches(org, live=True)
    org.later(days=10)
    org.run(0, taken=7, assigned=1)
    rows = [org.rows()[lead] for lead in org.leads[:7]]
    assert [(row.state, row.taker) for row in rows] == [(State.TAKEN, None)] * 7
    with org.store() as store:
        assert len(store.given_since(org.at)) == 1
        (book,) = store.ledgers().values()
    assert book.next_number == 2  # the one lead that was left


def test_what_is_taken_by_hand_once_it_is_live_counts(org: SmallOrg) -> None:
    watches(org, live=False)
    org.run(0, assigned=8)
    ana = next(iter(org.rows().values())).owner
    watches(org, live=True)
    org.later(hours=1)
    org.fault("take", on={"method": "PATCH", "record": org.leads[1]}, by=ana)
    org.run(0, taken=1, assigned=7)
    assert org.rows()[org.leads[1]].taker == "P-001"
