"""Who can take a lead now, team by team, as counts under caps grow while a plan is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from allocator.domain.days import at_caps
from allocator.domain.pauses import Pause, out_until, span, teams_of
from rules.fold import fold
from rules.model import RoutingTables, Salesperson, Team
from rules.rotation import Lineup, Rotation, Skipped, Taken, eligible, line_up, why_empty

Needs = Mapping[str, str | tuple[str, ...]]
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """Who of a team stands for a lead, None when nobody may take it; everybody else with the reason; and why
    it is nobody."""

    lineup: Lineup | None
    skipped: tuple[Skipped, ...]
    reason: str = ""
    said: str = ""
    """In one line: "2 absent, 1 daily_cap"."""


class Roster:
    """Everybody at one moment. An answer is kept until somebody of its team reaches a cap."""

    def __init__(
        self,
        tables: RoutingTables,
        taken: Mapping[str, dict[str, Taken]],
        now: datetime,
        unusable: Mapping[str, str],
        pauses: Iterable[Pause] = (),
    ) -> None:
        """`taken` counts by team and Person ID what was given in the team's day and week; it is changed."""
        self._tables, self._now, self._unusable = tables, now, unusable
        self._taken = taken
        pauses = tuple(pauses)
        self._paused, self._paused_teams = out_until(pauses), teams_of(pauses)
        self._rows = {(p.team, p.id): p for t in reversed(tables.teams) for p in reversed(t.people)}
        self._standing: dict[str, dict[object, Standing]] = {t.name: {} for t in tables.teams}
        self._at_caps: dict[str | None, str] = {}

    def weight(self, team: str, person: str) -> int:
        return self._rows[team, person].weight

    def owner_id(self, team: str, person: str) -> str:
        """The CRM's user id of a person in a team."""
        return self._rows[team, person].crm_user_id

    def pause_of(self, team: str) -> Pause | None:
        """Why nobody gets a lead as one of this team."""
        return self._paused_teams.get(team)

    def standing(self, team: Team, needs: Needs, stood_back: frozenset[str]) -> Standing:
        """Who of the team may take a lead with these needs; who stood back is not first choice."""
        not_first = _NOBODY
        if stood_back:
            not_first = frozenset(person for person in stood_back if (team.name, person) in self._rows)
        key = (not_first, *sorted(needs.items())) if needs else not_first
        known = self._standing[team.name]
        found = known.get(key)
        if found is None:
            found = known[key] = self._stand(team, needs, not_first)
        return found

    def _stand(self, team: Team, needs: Needs, not_first: frozenset[str]) -> Standing:
        taken = self._taken[team.name]
        found = line_up(
            team, needs, self._now, taken,
            unusable=self._unusable, not_first=not_first, paused=self._paused,
        )  # fmt: skip
        if found.lineup:
            return Standing(found.lineup, found.skipped)
        return Standing(None, found.skipped, str(why_empty(found.skipped)), _said(found.skipped))

    def row_of(self, person: str, team: str | None, *, caps: bool) -> tuple[Salesperson | None, str]:
        """The row under which this person can take a lead now, the given team's first; or why not.

        Working hours do not count: a lead that is theirs anyway waits for them better than for a colleague.
        """
        rows = self._tables.people_by_id.get(person, ())
        why = "not on Salespeople"
        for row in sorted(rows, key=lambda r: r.team != team):
            if pause := self.pause_of(row.team):
                why = pause.said
                continue
            home = self._tables.team_by_name[row.team]
            own = replace(row, hours=None)
            alone = replace(home, people=(own,), hours=None, fairness="turns", delegate="none")
            taken = self._taken[row.team] if caps else {}
            able, skipped = eligible(
                alone, {}, self._now, taken, unusable=self._unusable, paused=self._paused
            )
            if able:
                return row, ""
            why = ", ".join(_why(s) for s in skipped)
        return None, why

    def at_caps(self, team: str | None) -> str:
        """Stands for who is at a cap by now, in this team and its fallback teams."""
        if team not in self._at_caps:
            self._at_caps[team] = at_caps(self._tables, team, self._taken)
        return self._at_caps[team]

    def count(self, team: str, person: str) -> None:
        """The person got a lead in this team. Who was able stays so until a cap is reached."""
        taken = self._taken[team]
        before = taken.get(person, Taken(0, 0))
        after = taken[person] = Taken(before.day + 1, before.week + 1)
        row = self._rows[team, person]
        if row.daily_cap == after.day or row.weekly_cap == after.week:
            self._standing[team].clear()
            self._at_caps.clear()


def ledger_lane(team: Team, lane: str, rotation: Rotation) -> str:
    """The lane of the ledger in which a lead of this lane counts: two spellings of a lane are one lane."""
    if not lane or not team.lanes:
        return ""
    known = rotation.lanes
    return lane if lane in known else next((one for one in known if fold(one) == fold(lane)), lane)


def _why(one: Skipped) -> str:
    if isinstance(one.until, datetime):
        return f"{one.why} {span(one.until)}"
    return f"{one.why} until {one.until}" if one.until else one.why


def _said(skipped: Iterable[Skipped]) -> str:
    whys = sorted(str(s.why) for s in skipped)
    return ", ".join(f"{len(list(group))} {why}" for why, group in groupby(whys)) or "nobody"


class Counts:
    """What was given, by day, while runs go by: as `counts_under_caps` counts. Only teams with caps count."""

    def __init__(self, tables: RoutingTables) -> None:
        capped = (t for t in tables.teams if any(p.daily_cap or p.weekly_cap for p in t.people))
        self._zones = {t.name: ZoneInfo(t.time_zone) for t in capped}
        self._given: dict[str, dict[str, dict[date, int]]] = {name: {} for name in self._zones}

    def add(self, team: str, person: str, at: datetime, number: int = 1) -> None:
        """A lead given to a person in a team; -1 gives one back."""
        zone = self._zones.get(team)
        if zone is not None:
            day = at.astimezone(zone).date()
            days = self._given[team].setdefault(person, {})
            days[day] = days.get(day, 0) + number

    def taken(self, team: str, now: datetime) -> dict[str, Taken]:
        """Each person's leads in the team's day and week."""
        zone = self._zones.get(team)
        if zone is None:
            return {}
        today = now.astimezone(zone).date()
        week = [today - timedelta(days=n) for n in range(today.weekday() + 1)]
        return {
            person: Taken(days.get(today, 0), sum(days.get(day, 0) for day in week))
            for person, days in self._given[team].items()
        }
