"""The part of `MemoryStore` that fairness statements and exports are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from allocator.adapters.store.memory_state import Decision, StoreState
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey, State
from allocator.domain.records import LeadRow
from allocator.domain.statement import Account, Eligibility, ExportRow, LeadsAlike, TurnsAlike

_WITH_SOMEBODY = frozenset({State.DECIDED, State.CONFIRMED, State.TAKEN})


class _Taken(NamedTuple):
    """A turn, when it was taken, and whether it was given back."""

    row: TurnRow
    at: datetime
    run: int
    back: bool


class MemoryStatement(ABC):
    """Turns and leads in the shared state of a `MemoryStore`, as statements count them."""

    @property
    @abstractmethod
    def _state(self) -> StoreState:
        """To read only."""

    def accounts(
        self, begin: datetime | None, end: datetime | None, *, team: str | None = None
    ) -> Mapping[str, Account]:
        s = self._state
        within = _between(begin, end)
        taken = [one for one in _turns(s) if team in (None, one.row.team)]
        turns = _alike(s, (one for one in taken if within(one.at)))
        leads, spans = _leads(s, within, team)
        opening = _opening(taken, begin)
        return {
            name: Account(
                tuple(turns.get(name, ())),
                tuple(leads.get(name, ())),
                opening.get(name, {}),
                min(spans[name]) if name in spans else None,
                max(spans[name]) if name in spans else None,
            )
            for name in sorted(turns.keys() | leads.keys() | opening.keys())
        }

    def export_turns(self) -> Iterator[Sequence[ExportRow]]:
        rows = [
            ExportRow(r.team, r.lane, str(r.key), at, back, r.turn, r.skipped)
            for r, at, _, back in _turns(self._state)
        ]
        if rows:
            yield sorted(rows, key=lambda one: (one.team, one.lane, one.turn.number))


def _turns(s: StoreState) -> Iterator[_Taken]:
    for decision in s.decisions.values():
        if row := decision.what.turn:
            yield _Taken(row, decision.at, decision.run, decision.given_back)
    for one in s.by_hand:
        yield _Taken(one.row, one.at, one.run, one.given_back)


def _its(s: StoreState) -> dict[LeadKey, _Taken]:
    """The turn that each lead stands by: of who took it by hand last, if somebody did, else of its current
    decision."""
    found: dict[LeadKey, _Taken] = {}
    for one in sorted(_turns(s), key=lambda one: one.run):
        lead, by_hand = s.leads[one.row.key], one.row.turn.kind == "by hand"
        if not one.back and lead.epoch == one.row.epoch and by_hand is (lead.state is State.TAKEN):
            found[one.row.key] = one
    return found


def _between(begin: datetime | None, end: datetime | None) -> Callable[[datetime], bool]:
    return lambda at: (begin is None or begin <= at) and (end is None or at < end)


def _opening(taken: Iterable[_Taken], begin: datetime | None) -> dict[str, Counter[tuple[str, str]]]:
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row, at, _, back in taken:
        if begin is not None and at < begin and not back:
            for person, change in row.turn.changes.items():
                found[row.team][row.lane, person] += change
    return found


def _alike(s: StoreState, taken: Iterable[_Taken]) -> dict[str, list[TurnsAlike]]:
    found: dict[str, list[TurnsAlike]] = defaultdict(list)
    its = _its(s)
    for one in taken:
        row, turn, back = one.row, one.row.turn, one.back
        stays = its.get(row.key) == one and s.leads[row.key].state in _WITH_SOMEBODY
        who = Eligibility(turn.weights, turn.shares, turn.able, row.skipped)
        alike = TurnsAlike(row.lane, turn.kind, turn.owner, turn.payer, turn.paid, back, stays, 1, who)
        found[row.team].append(alike)
    return found


def _leads(
    s: StoreState, within: Callable[[datetime], bool], team: str | None
) -> tuple[dict[str, list[LeadsAlike]], dict[str, list[datetime]]]:
    found: dict[str, list[LeadsAlike]] = defaultdict(list)
    spans: dict[str, list[datetime]] = defaultdict(list)
    its = _its(s)
    for key, lead in s.leads.items():
        decision, turn = s.decisions.get((key, lead.epoch)), its.get(key)
        team_of, at = _place(lead, decision, turn)
        if team_of is not None and within(at) and team in (None, team_of):
            found[team_of].append(_lead(lead, decision, turn))
            spans[team_of].append(at)
    return found, spans


def _place(lead: LeadRow, decision: Decision | None, its: _Taken | None) -> tuple[str | None, datetime]:
    if its is not None:
        return its.row.team, its.at
    taker_team = lead.taker_team if lead.state is State.TAKEN else None
    if decision is None:
        return taker_team, lead.since or lead.record.created
    return taker_team or decision.what.team, decision.at


def _lead(lead: LeadRow, decision: Decision | None, its: _Taken | None) -> LeadsAlike:
    by = decision.what.by if decision else None
    back = decision is not None and decision.given_back
    if its is not None:
        turn = its.row.turn
        return LeadsAlike(its.row.lane, lead.state, by, turn.owner, turn.kind, turn.paid > 0, back, 1)
    person = decision.what.person if decision else None
    if lead.state is State.TAKEN:
        person = lead.taker if lead.taker_team else None
    return LeadsAlike(decision.what.lane if decision else "", lead.state, by, person, None, False, back, 1)
