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
from allocator.domain.statement import Account, Eligibility, ExportRow, LeadsAlike, TurnsAlike

_WITH_SOMEBODY = frozenset({State.DECIDED, State.CONFIRMED, State.TAKEN})


class _Taken(NamedTuple):
    """A turn, when it was taken, and whether it was given back."""

    row: TurnRow
    at: datetime
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
            for r, at, back in _turns(self._state)
        ]
        if rows:
            yield sorted(rows, key=lambda one: (one.team, one.lane, one.turn.number))


def _turns(s: StoreState) -> Iterator[_Taken]:
    for decision in s.decisions.values():
        if row := decision.what.turn:
            yield _Taken(row, decision.at, decision.given_back)


def _between(begin: datetime | None, end: datetime | None) -> Callable[[datetime], bool]:
    return lambda at: (begin is None or begin <= at) and (end is None or at < end)


def _opening(taken: Iterable[_Taken], begin: datetime | None) -> dict[str, Counter[tuple[str, str]]]:
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row, at, back in taken:
        if begin is not None and at < begin and not back:
            for person, change in row.turn.changes.items():
                found[row.team][row.lane, person] += change
    return found


def _alike(s: StoreState, taken: Iterable[_Taken]) -> dict[str, list[TurnsAlike]]:
    found: dict[str, list[TurnsAlike]] = defaultdict(list)
    for row, _, back in taken:
        turn, lead = row.turn, s.leads[row.key]
        stays = lead.epoch == row.epoch and lead.state in _WITH_SOMEBODY
        who = Eligibility(turn.weights, turn.shares, turn.able, row.skipped)
        one = TurnsAlike(row.lane, turn.kind, turn.owner, turn.payer, turn.paid, back, stays, 1, who)
        found[row.team].append(one)
    return found


def _leads(
    s: StoreState, within: Callable[[datetime], bool], team: str | None
) -> tuple[dict[str, list[LeadsAlike]], dict[str, list[datetime]]]:
    found: dict[str, list[LeadsAlike]] = defaultdict(list)
    spans: dict[str, list[datetime]] = defaultdict(list)
    standing = {(one.row.key, one.row.epoch): one for one in _turns(s) if not one.back}
    for key, lead in s.leads.items():
        decision = s.decisions.get((key, lead.epoch))
        if decision is None:
            continue
        its = standing.get((key, lead.epoch))
        name, at = _place(s, key, decision, its)
        if name is not None and within(at) and team in (None, name):
            found[name].append(_lead(s, key, decision, its))
            spans[name].append(at)
    return found, spans


def _place(
    s: StoreState, key: LeadKey, decision: Decision, its: _Taken | None
) -> tuple[str | None, datetime]:
    if its is not None:
        return its.row.team, its.at
    return decision.what.team, decision.at


def _lead(s: StoreState, key: LeadKey, decision: Decision, its: _Taken | None) -> LeadsAlike:
    state, what = s.leads[key].state, decision.what
    by, back = what.by, decision.given_back
    if its is not None:
        turn = its.row.turn
        return LeadsAlike(its.row.lane, state, by, turn.owner, turn.kind, turn.paid > 0, back, 1)
    person = None if state is State.TAKEN else what.person
    return LeadsAlike(what.lane, state, by, person, None, False, back, 1)
