"""The part of `MemoryStore` that keeps leads that come back: returned, rejected, or undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from allocator.adapters.store.memory_state import StoreState, waiting
from allocator.domain.lead import Effect, LeadKey, State
from allocator.domain.records import LeadRow, Lease
from allocator.domain.take_backs import (
    NOT_BY_OWNER,
    Asked,
    BackEnd,
    Ended,
    Given,
    TakeBack,
    already,
    cannot,
    check_returned,
    check_taken_back,
)


class MemoryTakeBacks(ABC):
    """Take-backs in the shared state of a `MemoryStore`."""

    @property
    @abstractmethod
    def _state(self) -> StoreState:
        """To read only."""

    @abstractmethod
    def _changing(self, lease: Lease | None = None) -> AbstractContextManager[StoreState]:
        """A copy of the state that replaces it when the block ends well."""

    def ask_back(self, asked: Sequence[TakeBack]) -> Mapping[LeadKey, str]:
        refused: dict[LeadKey, str] = {}
        with self._changing() as s:
            for one in asked:
                before = s.take_backs.get((one.key, one.epoch))
                why = cannot(s.leads.get(one.key), one.epoch) or already(before)
                made = s.decisions.get((one.key, one.epoch))
                if made is not None and made.what.effect is not Effect.OWNER:
                    why = why or NOT_BY_OWNER
                if why:
                    refused[one.key] = why
                else:
                    s.take_backs[one.key, one.epoch] = one
        return refused

    def take_backs(
        self,
        *,
        states: Collection[Asked] | None = None,
        keys: Collection[LeadKey] | None = None,
        of_run: int | None = None,
    ) -> Sequence[TakeBack]:
        found = [
            one
            for one in self._state.take_backs.values()
            if (states is None or one.state in states)
            and (keys is None or one.key in keys)
            and (of_run is None or one.of_run == of_run)
        ]
        return sorted(found, key=lambda one: (one.asked, one.key, one.epoch))

    def try_back(self, lease: Lease, places: Sequence[tuple[LeadKey, int]]) -> None:
        with self._changing(lease) as s:
            for place in places:
                one = s.take_backs.get(place)
                if one is not None and one.state is Asked.PENDING:
                    s.take_backs[place] = replace(one, attempts=one.attempts + 1)

    def settle_back(self, lease: Lease, ends: Sequence[BackEnd], *, at: datetime) -> None:
        with self._changing(lease) as s:
            for end in ends:
                place = (end.key, end.epoch)
                asked = s.take_backs.get(place)
                if asked is None or asked.state is not Asked.PENDING:
                    continue
                state = Asked.DONE if end.done else Asked.DROPPED
                s.take_backs[place] = replace(asked, state=state, done=at, detail=end.detail)
                if end.done:
                    self._take_back(s, end, asked, at, lease.run)

    def _take_back(self, s: StoreState, end: BackEnd, asked: TakeBack, at: datetime, run: int) -> None:
        row = check_taken_back(end.key, end.epoch, s.leads.get(end.key))
        rejected = asked.why is Ended.REJECTED
        last = row.person if rejected else row.last_person
        s.leads[end.key] = replace(
            waiting(row, row.epoch), since=at, last_person=last, hops=row.hops + rejected
        )
        self._end(s, (end.key, end.epoch), asked.why, asked.reason, at)
        if end.refund:
            self._give_back(s, (end.key, end.epoch), run)
        s.outbox = {n: w for n, w in s.outbox.items() if (w.key, w.epoch) != (end.key, end.epoch)}

    def return_leads(
        self, lease: Lease, rows: Sequence[LeadRow], *, at: datetime, refund: Collection[LeadKey] = ()
    ) -> None:
        with self._changing(lease) as s:
            for row in rows:
                known = check_returned(row, s.leads.get(row.key))
                if known is None:
                    continue
                given = known.state is State.CONFIRMED
                s.leads[row.key] = replace(
                    waiting(known, known.epoch), since=at, last_person=known.had_it, hops=known.hops + given
                )
                if given:
                    self._end(s, (row.key, row.epoch), Ended.RETURNED, "", at)
                if row.key in refund:
                    self._give_back(s, (row.key, row.epoch), lease.run)

    def _end(self, s: StoreState, place: tuple[LeadKey, int], why: Ended, reason: str, at: datetime) -> None:
        s.decisions[place] = replace(s.decisions[place], ended=why, ended_at=at, ended_why=reason)

    def _give_back(self, s: StoreState, place: tuple[LeadKey, int], run: int) -> None:
        """Its turns that stand, what a taker paid too; a decision that was settled before stays as it is."""
        decision = s.decisions.get(place)
        if decision is not None and decision.ended is not None:
            s.decisions[place] = replace(decision, given_back=True, settled_run=run)
        s.by_hand = tuple(
            replace(one, given_back=True) if (one.row.key, one.row.epoch) == place else one
            for one in s.by_hand
        )

    def given_in(self, run: int) -> Sequence[Given]:
        made = [d for d in self._state.decisions.values() if d.run == run and d.live and d.what.owner]
        given = [
            Given(
                d.what.key, d.what.epoch, d.what.team, turn.lane if turn else d.what.lane, d.what.person,
                d.what.owner or "", d.ended, int(turn is not None),
            )
            for d in made
            for turn in [None if d.given_back else d.what.turn]
        ]  # fmt: skip
        return sorted(given, key=lambda one: one.key)
