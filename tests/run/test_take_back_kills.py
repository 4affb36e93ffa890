"""Killed at each step of an undo, of a run that takes rejected leads back, and of a run that is undone then.

In this process: from the kill on nothing that the dead one says reaches the store or the CRM any more, but a
write that was on its way may still arrive.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from doomed import Doom, Doomed, Killed
from fixed_tables import FixedTables
from impact_world import START, Crm, company, person, row, user

from allocator.adapters.store.memory import MemoryStore
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import State
from allocator.domain.take_backs import Asked, Ended, TakeBack
from allocator.errors import BusyError
from allocator.service.run import Job, run
from allocator.service.undo import reject, undo
from rules.model import Team

STEPS = frozenset({
    "begin_run", "add_pulled", "commit_plan", "attempt", "settle", "return_leads", "ask_back", "try_back",
    "settle_back", "end_run", "status", "give", "pull",
})  # fmt: skip
TABLES = company(
    country=(), team=(row("Team", "T-1", {}, team="Enterprise"),), overrides=(),
    teams=(Team("Enterprise", "UTC", tuple(person(p, "Enterprise") for p in ("ana", "ben", "chi"))),),
)  # fmt: skip
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def doom_at(at: int = 0, moment: str = "") -> Doom:
    """Death at that step; at none by default."""
    return Doom(at, moment, STEPS, sends="give")


class History:
    """One store and one CRM, and what is done to them hour by hour."""

    def __init__(self) -> None:
        self.at = START
        self.store = MemoryStore(now=lambda: self.at)
        self.crm = Crm(now=lambda: self.at)
        for name in ("ana", "ben", "chi", "dee"):
            self.crm.add_user(name, id=user(name))

    def now(self) -> datetime:
        return self.at

    def leads(self, count: int) -> None:
        self.at += timedelta(minutes=10)
        for n in range(count):
            self.crm.add_lead(created=self.at + timedelta(seconds=n))

    def job(self, doom: Doom) -> Job:
        store: Any = Doomed(self.store, doom)
        crm: Any = Doomed(self.crm, doom)
        return Job(crm, store, FixedTables(TABLES), self, SALESFORCE_FACTS, live=True)  # type: ignore[arg-type]

    def run(self, doom: Doom | None = None) -> None:
        self.at += timedelta(hours=1)
        self.survive(lambda one: run(self.job(one), by="test"), doom)

    def undo(self, number: int, doom: Doom | None = None) -> Any:
        self.at += timedelta(minutes=20)
        return self.survive(lambda one: undo(self.job(one), number), doom)

    def reject(self, *places: int) -> None:
        self.at += timedelta(minutes=5)
        rows = list(self.store.leads())
        asked = [rows[n] for n in places]
        reject(self.store, [TakeBack(r.key, r.epoch, Ended.REJECTED, self.at, "no") for r in asked])

    def survive(self, work: Callable[[Doom], Any], doom: Doom | None) -> Any:
        """Its result; None when it was killed: then the lease runs out and what is on its way may arrive."""
        try:
            return work(doom or doom_at())
        except Killed:
            if self.store.box.state.expires:
                self.store.box.state.expires = LONG_AGO
            return None

    def touch(self, place: int, owner: str | None = None) -> None:
        self.at += timedelta(minutes=1)
        lead = list(self.crm.leads.values())[place]
        lead.stamp = self.at
        lead.owner = owner or lead.owner

    def arrive(self, doom: Doom) -> None:
        """The dead one's last write reaches the CRM."""
        self.at += timedelta(minutes=1)
        self.crm.give(doom.late)

    # what must be so

    def fits(self) -> None:
        """At any moment: one owner a lead in the CRM is the one that the store gave, the ledger adds up."""
        for book in self.store.ledgers().values():
            assert sum(book.credits.values()) == 0
        for one in self.store.leads(states=[State.CONFIRMED]):
            owner, pending = self.crm.leads[one.key.source_id].owner, {t.key for t in self.pending()}
            assert owner in (one.owner, user("dee")) or one.key in pending
        for asked in self.store.take_backs(states=[Asked.DONE]):
            told = {d["epoch"]: d for d in self.store.decisions(asked.key)}[asked.epoch]
            assert told["ended"] == asked.why
            assert told["given_back"] == (asked.why is Ended.UNDONE)

    def pending(self) -> Sequence[TakeBack]:
        return self.store.take_backs(states=[Asked.PENDING])

    def end(self) -> Any:
        """How it all ended, to compare."""
        assert not self.pending() and not self.store.pending()
        leads = {
            r.key: (r.state, r.epoch, r.person, r.owner, r.last_person, r.hops) for r in self.store.leads()
        }
        owners = {lead.id: lead.owner for lead in self.crm.leads.values()}
        assert {k.source_id: told[3] for k, told in leads.items() if told[0] is State.CONFIRMED}.items() <= (
            {lead: owner for lead, owner in owners.items() if owner != user("dee")}
            | {lead: self.store_owner(lead) for lead, owner in owners.items() if owner == user("dee")}
        ).items()
        ledger = {place: book.canonical() for place, book in self.store.ledgers().items()}
        return leads, owners, ledger

    def store_owner(self, lead: str) -> str | None:
        return next(r.owner for r in self.store.leads() if r.key.source_id == lead)


def again_from(history: History) -> Callable[[], History]:
    """Copies of a history as it stands."""
    state, leads, at = history.store.box.state.copied(), copy.deepcopy(history.crm.leads), history.at

    def make() -> History:
        made = History()
        made.store.box.state, made.crm.leads = state.copied(), copy.deepcopy(leads)
        made.at = at
        return made

    return make


def kills(make: Callable[[], History], work: Callable[[History, Doom], object]) -> list[Doom]:
    """A doom for each moment of each step that the work takes undisturbed."""
    whole = doom_at()
    work(make(), whole)
    dooms = []
    for n, name in enumerate(whole.steps, 1):
        moments = ("before", "after", "middle", "late") if name == "give" else ("before", "after")
        dooms += [doom_at(n, moment) for moment in moments]
    return dooms


def test_an_undo_that_is_killed_anywhere_is_carried_on_by_the_next_run_or_by_the_same_command() -> None:
    begun = History()
    begun.leads(3)
    begun.run()
    begun.leads(7)
    begun.run()
    begun.touch(4)
    begun.touch(5, owner=user("dee"))
    make = again_from(begun)
    whole = make()
    whole.undo(2)
    whole.run()
    expected, met = whole.end(), Counter[str]()
    for doom in kills(make, lambda history, one: history.undo(2, one)):
        for first in ("undo", "run"):
            one, met[doom.moment] = make(), met[doom.moment] + 1
            mine = copy.deepcopy(doom)
            assert one.undo(2, mine) is None
            one.fits()
            if first == "run":
                one.run()
                one.fits()
            one.undo(2)
            one.arrive(mine)
            one.run()
            one.fits()
            assert one.end() == expected, (doom, first)
    assert set(met) == {"before", "after", "middle", "late"}


def test_a_run_that_is_killed_anywhere_while_it_takes_rejected_leads_back_ends_as_if_it_were_not() -> None:
    begun = History()
    begun.leads(7)
    begun.run()
    begun.reject(0, 1, 2, 3, 4)
    begun.touch(1)
    begun.touch(2, owner=user("dee"))
    begun.touch(3, owner=next(iter(begun.crm.intake_ids())))
    make = again_from(begun)
    whole = make()
    whole.run()
    expected = whole.end()
    assert Counter(told[1] for told in expected[0].values()) == {2: 4, 1: 3}
    for doom in kills(make, lambda history, one: history.run(one)):
        one, mine = make(), copy.deepcopy(doom)
        one.run(mine)
        one.fits()
        one.run()
        one.arrive(mine)
        one.run()
        one.fits()
        assert one.end() == expected, doom


def test_a_run_that_was_killed_anywhere_can_be_undone_and_nothing_of_it_arrives_afterwards() -> None:
    begun = History()
    begun.leads(4)
    begun.run()
    begun.leads(5)
    make = again_from(begun)
    before = {place: book.canonical() for place, book in begun.store.ledgers().items()}
    whole = make()
    whole.run()
    expected = whole.end()
    for doom in kills(make, lambda history, one: history.run(one)):
        one, mine = make(), copy.deepcopy(doom)
        one.run(mine)
        if one.store.run(2) is None:
            continue  # killed before it was one
        one.undo(2)
        one.arrive(mine)
        assert {place: book.canonical() for place, book in one.store.ledgers().items()} == before, doom
        fresh = [lead.owner for lead in list(one.crm.leads.values())[4:]]
        assert set(fresh) == one.crm.intake_ids(), doom
        one.run()
        one.fits()
        leads, owners, ledger = one.end()
        assert owners == expected[1], doom
        assert {p: book[0] for p, book in ledger.items()} == {p: b[0] for p, b in expected[2].items()}, doom
        assert {told[:1] + told[2:] for told in leads.values()} == {
            told[:1] + told[2:] for told in expected[0].values()
        }


def test_an_undo_waits_for_nobody_who_is_dead_and_never_joins_one_who_lives() -> None:
    one = History()
    one.leads(3)
    one.run()
    lease = one.store.begin_run(slot="", by="somebody", at=one.at, live=True, seconds=90)
    with pytest.raises(BusyError, match="is at work"):
        undo(one.job(doom_at()), 1)
    one.store.box.state.expires = LONG_AGO
    assert lease.run == 2
    assert len(one.undo(1).back) == 3
