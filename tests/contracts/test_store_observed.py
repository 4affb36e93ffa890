"""What the store remembers of leads that were decided in observe mode only."""

from __future__ import annotations

from typing import Any

from store_cases import begin, commit, decided_leads, end, planned

from allocator.domain.by_hand import OBSERVED
from allocator.domain.lead import State


def test_a_lead_that_waits_since_observe_mode_ended_says_so_until_it_is_decided(store: Any) -> None:
    watching = begin(store, live=False)
    first, second = decided_leads(store, watching, 2)
    end(store, watching)
    live = begin(store)
    store.drop_observed(live)
    rows = store.leads([first, second])
    assert [(row.state, row.detail) for row in rows] == [(State.WAITING, OBSERVED)] * 2
    commit(store, live, planned(store, [first]))
    store.drop_observed(live)
    assert [row.detail for row in store.leads([first, second])] == ["", OBSERVED]
