"""Fairness statements of one team or all, by lane if asked, and what of them other programs read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from allocator.domain.statement import Account, Line, Period, Statement, statement
from allocator.errors import UnknownName
from allocator.ports import Store
from rules.fold import fold
from rules.model import RoutingTables
from rules.shares import U

IN_UNITS = ("share_of_all", "fair_share", "difference", "opening", "closing", "totals_share")
COSTS = ("absence", "cap", "skill", "limit")


@dataclass(frozen=True, slots=True)
class OfTeam:
    """A team's statement: of all lanes together, or one for each lane."""

    team: str
    parts: tuple[Statement, ...]
    by_lane: bool


def statements(
    store: Store, tables: RoutingTables, *, team: str | None, period: Period, by_lane: bool
) -> tuple[OfTeam, ...]:
    """Of the team named, or of all in the workbook and the store. Days are those of each team's time zone.

    Raises UnknownName, with the nearest name, for a team that neither knows.
    """
    chosen = team and _named(store, tables, team)
    zones = {t.name: t.time_zone for t in tables.teams}
    found: dict[str, OfTeam] = {}
    for zone in sorted({tables.time_zone, *zones.values()}):
        if chosen and zones.get(chosen, tables.time_zone) != zone:
            continue
        accounts = store.accounts(*period.bounds(zone), team=chosen or None)
        names = {chosen} if chosen else zones.keys() | accounts.keys()
        for name in names:
            if zones.get(name, tables.time_zone) == zone:
                found[name] = _of_team(name, accounts.get(name, Account()), period, zone, by_lane=by_lane)
    return tuple(found[name] for name in sorted(found, key=fold))


def _of_team(team: str, account: Account, period: Period, zone: str, *, by_lane: bool) -> OfTeam:
    lanes: Sequence[str | None] = (account.lanes or ("",)) if by_lane else (None,)
    parts = (statement(team, account, period, zone, lane=lane) for lane in lanes)
    return OfTeam(team, tuple(parts), by_lane)


def _named(store: Store, tables: RoutingTables, text: str) -> str:
    """The team of that name, whatever case and accents; in the workbook, or known from earlier leads."""
    names = {fold(t.name): t.name for t in tables.teams}
    if fold(text) in names:
        return names[fold(text)]
    names = {fold(name): name for name in store.accounts(None, None)} | names
    if fold(text) in names:
        return names[fold(text)]
    near = difflib.get_close_matches(fold(text), names, n=1, cutoff=0.3)
    hint = f" Did you mean {names[near[0]]}?" if near else ""
    raise UnknownName(f"There is no team {text!r}.{hint}")


# --- in words ---


def headline(one: Statement) -> str:
    """How far the team is from even, in a sentence."""
    if not one.given:
        return f"Nobody of {one.team} was given a lead{days(one, begin=' ')}."
    leads = "1 lead" if one.given == 1 else f"{one.given:,} leads"
    would = f"{one.uneven / U:,.1f} would have to change hands for everyone to be exactly even"
    return f"Of {leads}, {would}."


def days(one: Statement, *, begin: str = "") -> str:
    """The period in words, empty where nothing bounds it."""
    if one.first and one.last:
        same = one.first == one.last
        return f"{begin}on {one.first}" if same else f"{begin}from {one.first} to {one.last}"
    if one.first:
        return f"{begin}from {one.first} on"
    return f"{begin}up to {one.last}" if one.last else ""


def title(one: Statement) -> str:
    """The team, and the lane if it is one's."""
    if one.lane is None:
        return one.team
    return f"{one.team}, lane {one.lane}" if one.lane else f"{one.team}, without a lane"


# --- as JSON ---


def as_object(one: OfTeam, names: Mapping[str, str]) -> dict[str, Any]:
    """The contract's `fairness` object of a team; by lane, the same for each."""
    if not one.by_lane:
        return _statement(one.parts[0], names)
    first = min((part.first for part in one.parts if part.first), default=None)
    last = max((part.last for part in one.parts if part.last), default=None)
    lanes = [_statement(part, names) for part in one.parts]
    return {"team": one.team, "from": _iso(first), "to": _iso(last), "unit": U, "lanes": lanes}


def _statement(one: Statement, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "team": one.team,
        "lane": one.lane,
        "from": _iso(one.first),
        "to": _iso(one.last),
        "unit": U,
        "headline": headline(one),
        "given": one.given,
        "to_change_hands": one.uneven / U,
        "to_change_hands_units": one.uneven,
        "leads": {**{key(name): n for name, n in one.leads.items()}, "total": one.total},
        "people": [person(line, names) for line in one.lines],
    }


def person(line: Line, names: Mapping[str, str]) -> dict[str, Any]:
    """One person in leads, and the same in units."""
    costs = {name: getattr(line, name) for name in COSTS}
    units = {name: getattr(line, name) for name in IN_UNITS}
    return {
        "id": line.id,
        "name": names.get(line.id),
        "could_have": line.could_have,
        "got": line.got // U,
        **{name: amount / U for name, amount in units.items()},
        "lost_to": {name: amount / U for name, amount in costs.items()},
        "has": line.has,
        "counts": {key(name): n for name, n in line.counts.items()},
        **{f"{name}_units": amount for name, amount in units.items()},
        "got_units": line.got,
        "lost_to_units": costs,
    }


def key(name: str) -> str:
    """A column as other programs call it."""
    return name.replace(" ", "_").replace("-", "_")


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


# --- as rows ---

ROWS = (
    "team", "lane", "from", "to", "person", "name", "could_have", "share_of_all", "lost_to_absence",
    "lost_to_skill", "lost_to_cap", "lost_to_limit", "fair_share", "got", "difference", "opening", "closing",
    "totals_share", "has",
)  # fmt: skip


def rows(found: Iterable[OfTeam], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A row for each person of each statement, by `ROWS` and then by what is counted besides."""
    for part in (part for one in found for part in one.parts):
        for line in part.lines:
            told = person(line, names)
            yield {
                "team": part.team,
                "lane": part.lane or "",
                "from": _iso(part.first),
                "to": _iso(part.last),
                "person": line.id,
                **{f"lost_to_{name}": round(amount, 6) for name, amount in told["lost_to"].items()},
                **{name: round(told[name], 6) for name in IN_UNITS},
                **{name: told[name] for name in ("name", "could_have", "got", "has")},
                **told["counts"],
            }
