"""The books of a replay: ledgers and counts under caps as runs, refunds and returns change them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from itertools import takewhile

from allocator.domain.past import Past, PastRefund
from allocator.domain.roster import Counts
from rules.model import RoutingTables
from rules.rotation import Booking, Ledger, Rotation, Taken
from rules.turn import AUTOMATIC, DEFAULT_LIMIT


class Books:
    """As they stood before the first run, then as the replay goes on. `rotations` are changed in place."""

    def __init__(self, past: Past, tables: RoutingTables) -> None:
        by_team: dict[str, dict[str, Ledger]] = defaultdict(dict)
        for (team, lane), ledger in past.ledgers.items():
            by_team[team][lane] = ledger
        self._limits = {t.name: t.limit for t in tables.teams}
        self.rotations = {
            team: Rotation(lanes, limit=self._limits.get(team, DEFAULT_LIMIT))
            for team, lanes in by_team.items()
        }
        self._live: dict[tuple[str, str], list[int]] = defaultdict(list)
        """Live turns of each payer."""
        for place, sequences in past.recent.items():
            self._live[place].extend(sorted(sequences))
        self._tails: dict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
        """Live automatic turns of each lane, oldest first, and whether they are catch-ups."""
        for place, tail in past.tails.items():
            self._tails[place].update(tail)
        self._counts = Counts(tables)
        for team, person, at in past.given:
            self._counts.add(team, person, at)

    def taken(self, team: str, now: datetime) -> dict[str, Taken]:
        return self._counts.taken(team, now)

    def rotation(self, team: str) -> Rotation:
        if team not in self.rotations:
            self.rotations[team] = Rotation(limit=self._limits.get(team, DEFAULT_LIMIT))
        return self.rotations[team]

    def give(self, team: str, person: str, at: datetime, booking: Booking | None) -> None:
        """Note a lead that was given or taken by hand; its turn is in the rotation already."""
        self._counts.add(team, person, at)
        if booking is None:
            return
        self._live[team, booking.payer].append(booking.sequence)
        if booking.kind in AUTOMATIC:
            self._tails[team, booking.lane][booking.sequence] = booking.kind == "catch-up"

    def give_back(self, team: str, person: str, at: datetime, booking: Booking | None) -> None:
        """A lead's turn leaves the ledger, and the lead the counts."""
        self._counts.add(team, person, at, -1)
        if booking is None:
            return
        live = self._live[team, booking.payer]
        if booking.sequence in live:
            live.remove(booking.sequence)
        tail = self._tails[team, booking.lane]
        tail.pop(booking.sequence, None)
        streak = sum(takewhile(bool, reversed(tail.values())))
        rotation = self.rotations.get(team)
        if rotation is not None:
            rotation.unbook(booking, max(live, default=0), streak)

    def undo(self, refund: PastRefund) -> None:
        """A lead from before the first run was given back."""
        self.give_back(refund.team, refund.person, refund.at, refund.booking)
