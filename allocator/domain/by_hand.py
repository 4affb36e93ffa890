"""Leads that people take by hand: who took them, in which team it counts, and what it costs them.

With `charge` everybody who could have taken the lead earns, the taker too, and the taker pays (fairness.md
section 3, "Taken by hand"). With `free` it only counts to their caps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey, State
from allocator.domain.records import Settlement
from allocator.domain.roster import Roster, Standing, ledger_lane
from rules.model import RoutingTables, Team
from rules.rotation import Ledger, Rotation, Turn


@dataclass(frozen=True, slots=True)
class Charged:
    """The turns that leads taken by hand cost, and the ledgers that they change."""

    turns: tuple[TurnRow, ...] = ()
    ledgers: Mapping[tuple[str, str], Ledger] = field(default_factory=dict)


OBSERVED = "decided in observe mode only"
"""The detail of a lead that waits since observe mode ended. Who got it meanwhile took nobody's turn: it is
charged to nobody, and counts to no cap."""

Charge = Callable[[Mapping[tuple[str, str], Ledger], Collection[LeadKey]], Charged]
"""What these leads cost, by the ledgers as they are once their own turns were given back."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules had said of a lead before somebody took it."""

    team: str | None = None
    lane: str = ""
    needs: Mapping[str, Any] = field(default_factory=dict)


class ByHand:
    """Who took what, by the tables and the roster of one moment."""

    def __init__(self, tables: RoutingTables, roster: Roster, asked: Callable[[LeadKey], Asked]) -> None:
        self._tables, self._roster, self._asked = tables, roster, asked

    def named(self, settlement: Settlement) -> Settlement:
        """The same, with the taker where they are known: in the team that the rules chose if they belong to
        it, else in the only team that they belong to."""
        if settlement.state is not State.TAKEN:
            return settlement
        person, team = self.taker(settlement.key, settlement.detail)
        return replace(settlement, taker=person, taker_team=team)

    def taker(self, key: LeadKey, owner: str) -> tuple[str | None, str | None]:
        """Who took the lead, by their id in the CRM, and the team in which that counts."""
        person = self._tables.person_by_crm_user.get(owner)
        if person is None:
            return None, None
        teams = [row.team for row in self._tables.people_by_id[person]]
        asked = self._asked(key).team
        return person, asked if asked in teams else teams[0] if len(teams) == 1 else None

    def charge(self, settlements: Iterable[Settlement]) -> Charge | None:
        """What is to be booked with these settlements; None where nothing is."""
        charged = [s for s in settlements if s.taker_team and self._team(s).taken_by_hand == "charge"]
        if not charged:
            return None

        def book(ledgers: Mapping[tuple[str, str], Ledger], settled: Collection[LeadKey]) -> Charged:
            return self._book([s for s in charged if s.key in settled], ledgers)

        return book

    def _team(self, settlement: Settlement) -> Team:
        return self._tables.team_by_name[settlement.taker_team or ""]

    def _book(self, settlements: Sequence[Settlement], ledgers: Mapping[tuple[str, str], Ledger]) -> Charged:
        rotations: dict[str, Rotation] = {}
        turns = []
        for one in settlements:
            team = self._team(one)
            if team.name not in rotations:
                lanes = {lane: ledger for (name, lane), ledger in ledgers.items() if name == team.name}
                rotations[team.name] = Rotation(lanes, limit=team.limit)
            lane, turn, standing = self.turn(rotations[team.name], team, one.taker or "", one.key)
            turns.append(TurnRow(team.name, lane, turn, one.key, one.epoch, standing.skipped))
        places = sorted({(row.team, row.lane) for row in turns})
        return Charged(tuple(turns), {place: rotations[place[0]].ledger(place[1]) for place in places})

    def turn(self, rotation: Rotation, team: Team, person: str, key: LeadKey) -> tuple[str, Turn, Standing]:
        """What this lead costs its taker, in the rotation at once: the lane, the turn, who could have
        taken it."""
        asked = self._asked(key)
        here = asked if asked.team == team.name else Asked()
        standing = self._roster.standing(team, here.needs, frozenset())
        lane, weight = ledger_lane(team, here.lane, rotation), self._roster.weight(team.name, person)
        turn = rotation.charge(lane, standing.lineup, person, weight, "by hand")
        self._roster.count(team.name, person)
        return lane, turn, standing
