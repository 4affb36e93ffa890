"""Leads that people take by hand, through the sandbox and the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from org import Org

from allocator.bootstrap import current_tables, job, preview, store_of
from allocator.config import load_settings
from allocator.domain.lead import State
from allocator.domain.records import LeadRow
from allocator.ports import Store
from allocator.service.run import run
from rules.model import RoutingTables
from rules.rotation import U


@contextmanager
def opened(org: Org) -> Iterator[tuple[Store, RoutingTables]]:
    settings = load_settings(org.config)
    store = store_of(settings)
    try:
        yield store, current_tables(settings, store)
    finally:
        store.close()


def taken_by_hand(org: Org) -> tuple[LeadRow, str]:
    """A run in which somebody takes a lead that a colleague was to have; the lead, and who took it."""
    real = job(load_settings(org.config))
    try:
        with preview(real) as copy:
            run(copy, by="test")
            rows = copy.store.leads(states=[State.CONFIRMED])
            lead = next(r for r in rows if r.by == "turn" and r.team == "Enterprise" and not r.lane)
    finally:
        real.store.close()
    with opened(org) as (_, tables):
        people = tables.team_by_name["Enterprise"].people
        taker = next(p for p in people if p.id != lead.person)
    org.fault("take", on={"method": "PATCH", "record": lead.key.source_id}, by=taker.crm_user_id)
    org("run")
    return lead, taker.id


def test_who_takes_a_lead_by_hand_pays_for_it(org: Org) -> None:
    lead, taker = taken_by_hand(org)
    with opened(org) as (store, _):
        (row,) = store.leads([lead.key])
        books = store.ledgers()
        since = store.given_since(row.record.created)
    given = Counter(person for team, person, _ in since if team == "Enterprise")
    assert (row.state, row.taker, row.taker_team) == (State.TAKEN, taker, "Enterprise")
    assert all(sum(book.credits.values()) == 0 for book in books.values())
    assert -2 * U < books["Enterprise", ""].team_credits[taker] < 0
    assert given[taker] >= max(given.values()) - 1  # it counts among their leads


def test_the_next_leads_go_to_the_others(org: Org) -> None:
    _, taker = taken_by_hand(org)
    _, shown = org("rotation", "show", "Enterprise", "--next", "4")
    lane = next(lane for lane in shown["lanes"] if not lane["lane"])
    assert min(lane["credits"], key=lane["credits"].__getitem__) == taker
    assert taker not in {one["id"] for one in lane["next"]}
