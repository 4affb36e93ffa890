"""A team's ledger under another name in `MemoryStore`: turns, decisions, leads and a pause."""

from __future__ import annotations

from dataclasses import replace

from allocator.adapters.store.memory_state import Decision, StoreState
from allocator.domain.decision import TurnRow
from allocator.domain.pauses import Paused
from allocator.domain.renamed import refuse


def renamed(s: StoreState, old: str, new: str) -> int:
    """Change the state; how many turns were moved. Raises before anything is changed."""
    moved = _turns(s, old)
    refuse(old, new, old_turns=moved, new_turns=_turns(s, new))

    def name(team: str | None) -> str | None:
        return new if team == old else team

    def turn(row: TurnRow) -> TurnRow:
        return replace(row, team=new) if row.team == old else row

    def decision(one: Decision) -> Decision:
        what = one.what
        own = turn(what.turn) if what.turn else None
        return replace(one, what=replace(what, team=name(what.team), turn=own))

    s.decisions = {place: decision(one) for place, one in s.decisions.items()}
    s.by_hand = tuple(replace(one, row=turn(one.row)) for one in s.by_hand)
    s.outbox = {number: replace(one, team=name(one.team)) for number, one in s.outbox.items()}
    s.leads = {
        key: replace(row, team=name(row.team), taker_team=name(row.taker_team))
        for key, row in s.leads.items()
    }
    _move_pause(s, old, new)
    return moved


def _turns(s: StoreState, team: str) -> int:
    own = (one.what.turn for one in s.decisions.values())
    every = (*own, *(one.row for one in s.by_hand))
    return sum(row is not None and row.team == team for row in every)


def _move_pause(s: StoreState, old: str, new: str) -> None:
    paused = s.watched.pauses
    if (Paused.TEAM, old) in paused and (Paused.TEAM, new) not in paused:
        paused[Paused.TEAM, new] = replace(paused.pop((Paused.TEAM, old)), name=new)
