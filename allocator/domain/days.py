"""Days and weeks on each team's own wall, and what a hold depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from allocator.domain.decision import Lookups
from allocator.domain.lead import CrmUser, Reason, Record
from allocator.domain.pauses import Pause
from rules.eligibility import hours_of
from rules.hours import is_working
from rules.model import RoutingTables, Salesperson, Team
from rules.rotation import Taken

CRM_UNKNOWN = "crm_unknown"
CRM_INACTIVE = "crm_inactive"

FOR_WANT_OF_SOMEBODY = frozenset({Reason.NOBODY_AVAILABLE, Reason.ALL_CAPPED, Reason.NO_SKILL})
"""Holds that somebody whose cap has room again can end."""

Given = tuple[str, str, datetime]
"""(team, Person ID, decided at) of a lead that was given."""


def unusable_people(tables: RoutingTables, users: Mapping[str, CrmUser] | None) -> dict[str, str]:
    """Person ID -> why the CRM would refuse them as an owner. Nobody, when the CRM was not asked."""
    found: dict[str, str] = {}
    if users is None:
        return found
    for crm_user, person in tables.person_by_crm_user.items():
        user = users.get(crm_user)
        if user is None:
            found[person] = CRM_UNKNOWN
        elif not user.active:
            found[person] = CRM_INACTIVE
    return found


def basis_of(
    record: Record, tables: RoutingTables, now: datetime, lookups: Lookups, pauses: Iterable[Pause] = ()
) -> str:
    """What a hold depends on: while this is unchanged, deciding again would say the same.

    The tables' version, the record's stamp, today in each team's time zone, who is unusable in the CRM, and
    who is paused.
    """
    return basis_with(day_basis(tables, now, lookups, pauses), record)


def basis_with(day: str, record: Record, caps: str = "") -> str:
    """The basis of one record; `day` is what `day_basis` says, the same for all records of a run.

    `caps` is what `at_caps` says, for a hold for want of somebody.
    """
    plain = f"{day}:{int(record.stamp.timestamp())}"
    return f"{plain}:{caps}" if caps else plain


def at_caps(tables: RoutingTables, team: str | None, taken: Mapping[str, Mapping[str, Taken]]) -> str:
    """Stands for who is at a cap in the team and its fallback teams, by counts of each; empty: nobody.

    A cap has room again on the same day when a lead comes back, or somebody else takes it by hand.
    """
    none, full, name = Taken(), [], team
    asked: set[str] = set()
    while name in tables.team_by_name and name not in asked:
        asked.add(name)
        counts, here = taken.get(name, {}), tables.team_by_name[name]
        full += [(name, p.id) for p in here.people if is_capped(p, counts.get(p.id, none))]
        name = here.fallback_team
    return hashlib.sha256(json.dumps(sorted(full)).encode()).hexdigest()[:16] if full else ""


def is_capped(person: Salesperson, taken: Taken) -> bool:
    caps = ((person.daily_cap, taken.day), (person.weekly_cap, taken.week))
    return any(cap is not None and number >= cap for cap, number in caps)


def day_basis(tables: RoutingTables, now: datetime, lookups: Lookups, pauses: Iterable[Pause] = ()) -> str:
    """The part of the basis that no record has a say in."""
    zones = sorted({tables.time_zone, *(t.time_zone for t in tables.teams)})
    days = [(zone, today(zone, now).isoformat()) for zone in zones]
    parts: list[object] = [tables.version, days, sorted(unusable_people(tables, lookups.users))]
    if paused := sorted({(str(p.kind), p.name) for p in pauses}):
        parts.append(paused)
    if working := _at_work(tables, now):
        parts.append(working)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _at_work(tables: RoutingTables, now: datetime) -> list[tuple[str, str]]:
    """(team, Person ID) of who works now, of those who have working hours."""
    found = []
    for team in tables.teams:
        local = now.astimezone(ZoneInfo(team.time_zone))
        for person in team.people:
            hours = hours_of(person, team)
            if hours is not None and is_working(hours, local):
                found.append((team.name, person.id))
    return sorted(found)


def today(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


def week_start(tables: RoutingTables, now: datetime) -> datetime:
    """The earliest Monday 00:00 over all teams' time zones, in UTC: how far back caps have to count."""
    zones = {t.time_zone for t in tables.teams} or {tables.time_zone}
    return min(_midnight(_monday(today(zone, now)), zone) for zone in zones)


def counts_under_caps(team: Team, given: Iterable[Given], now: datetime) -> dict[str, Taken]:
    """Leads given to each person in the team's own day and week, by the team's clock on the wall."""
    day = today(team.time_zone, now)
    midnights = [_midnight(d, team.time_zone) for d in (_monday(day), day, day + timedelta(days=1))]
    monday, morning, tomorrow = midnights
    counts: dict[str, Taken] = {}
    for name, person, at in given:
        if name == team.name and monday <= at < tomorrow:
            before = counts.get(person, Taken(0, 0))
            counts[person] = Taken(before.day + (at >= morning), before.week + 1)
    return counts


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _midnight(day: date, zone: str) -> datetime:
    """The first moment of the day there, in UTC. Where clocks skip midnight, it is the hour they skip to."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
