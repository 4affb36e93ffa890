"""Whose turn is next: the order of the next turns of a team, as a run would take them, and who is out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from allocator.domain.pauses import Pause, service_of, teams_of
from allocator.domain.plan import counts_under_caps, week_start
from allocator.domain.roster import Needs, Roster, Standing
from allocator.errors import UnknownName
from allocator.ports import Store
from allocator.service.turn_shown import UNIT, skipped_objects
from rules.facts import fact_key
from rules.fold import fold
from rules.layers import decide
from rules.model import Decision, RoutingTables, Team
from rules.rotation import Ledger, Rotation, Taken, Turn
from rules.vouchers import due, type_of

_NOBODY: frozenset[str] = frozenset()


def rotation_object(
    tables: RoutingTables,
    team: Team,
    *,
    now: datetime,
    store: Store | None,
    n: int = 10,
    lane: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The next `n` turns of each lane, or of one, with credits in units; and who is out and why.

    They are the turns that a run would take as of `now`, if nothing else happened: catch-up leads, delegates,
    the limit and caps that are reached on the way included. Nobody is asked whether the CRM would refuse
    somebody. With `facts` the needs are those that the rules ask of such a lead; its lane is shown. `paused`
    is the pause of the team, or of the service, that keeps these turns waiting. Raises UnknownName for a lane
    that the team does not have.
    """
    asked = _ask(tables, facts, now) if facts is not None else None
    books = {at: one for (name, at), one in (store.ledgers() if store else {}).items() if name == team.name}
    stage = _stage(tables, team, now, store, asked.needs if asked else {})
    if lane is None and asked and asked.team == team.name:
        lane = asked.lane if team.lanes else ""
    lanes = _lanes(tables, team, books, lane)
    pause = service_of(stage.pauses) or teams_of(stage.pauses).get(team.name)
    return {
        "team": team.name,
        "unit": UNIT,
        "at": now.isoformat(),
        "time_zone": team.time_zone,
        "limit": team.limit,
        "lanes": [_lane(stage, books, one, n) for one in lanes],
        "paused": pause.shown if pause else None,
        "facts": _asked_object(asked, team, facts) if asked and facts is not None else None,
    }


# --- what the facts say ---


def _ask(tables: RoutingTables, facts: Mapping[str, str], now: datetime) -> Decision:
    return decide(tables, facts, on=now.astimezone(ZoneInfo(tables.time_zone)).date())


def _asked_object(asked: Decision, team: Team, facts: Mapping[str, str]) -> dict[str, Any]:
    """What the rules make of such a lead, and a warning where it is not one for this team."""
    return {
        "given": dict(facts),
        "needs": {k: v if isinstance(v, str) else list(v) for k, v in asked.needs.items()},
        "team": asked.team,
        "owner": asked.owner,
        "reason": asked.reason and str(asked.reason),
        "detail": asked.detail,
        "lane": asked.lane,
        "rule_id": asked.rule_id,
        "warning": None if asked.team == team.name else _elsewhere(asked, team),
    }


def _elsewhere(asked: Decision, team: Team) -> str:
    if asked.team:
        chosen = f"the rules choose team {asked.team}, not {team.name}"
    elif asked.owner:
        chosen = f"the rules name an owner, {asked.owner}: it takes no turn"
    else:
        detail = f": {asked.detail}" if asked.detail else ""
        chosen = f"the rules hold such a lead ({asked.reason}{detail})"
    return f"With these facts {chosen}. Shown is who in {team.name} could take it."


# --- lanes ---


def _lanes(
    tables: RoutingTables, team: Team, books: Mapping[str, Ledger], asked: str | None
) -> Sequence[str]:
    """Which lanes to show: the one asked for, or those with a ledger and the one of leads without a lane."""
    known = sorted({"", *books}) if team.lanes else [""]
    if asked is None:
        return known
    if not team.lanes and asked:
        raise UnknownName(
            f"Team {team.name} keeps one ledger for all lanes (Teams, Lane). Leave --lane out to see it."
        )
    every = {fold(name): name for name in (*(_set_by_rules(tables) if team.lanes else ()), *known)}
    if fold(asked) not in every:
        named = ", ".join(sorted(filter(None, every.values()))) or "none: no rule sets one"
        raise UnknownName(f"Team {team.name} has no lane {asked!r}. Its lanes are {named}.")
    return [every[fold(asked)]]


def _set_by_rules(tables: RoutingTables) -> Iterable[str]:
    rows = (row for layer in tables.layers for row in layer.rows)
    return (lane for row in rows for name, lane in row.sets if fact_key(name) == "lane")


# --- the turns ---


@dataclass(frozen=True, slots=True)
class _Stage:
    """All that the turns depend on but the ledgers."""

    tables: RoutingTables
    team: Team
    now: datetime
    needs: Needs
    taken: Mapping[str, Taken]
    pauses: Sequence[Pause]

    def roster(self) -> Roster:
        """Everybody as they are now; it counts what the preview gives."""
        return Roster(self.tables, {self.team.name: dict(self.taken)}, self.now, {}, self.pauses)


def _stage(tables: RoutingTables, team: Team, now: datetime, store: Store | None, needs: Needs) -> _Stage:
    given = store.given_since(week_start(tables, now)) if store else ()
    pauses = store.pauses(now=now) if store else ()
    return _Stage(tables, team, now, needs, counts_under_caps(team, given, now), tuple(pauses))


def _lane(stage: _Stage, books: Mapping[str, Ledger], lane: str, n: int) -> dict[str, Any]:
    rotation, roster = Rotation(books, limit=stage.team.limit), stage.roster()
    standing = first = roster.standing(stage.team, stage.needs, _NOBODY)
    ledger = rotation.ledger(lane)
    order: list[dict[str, Any]] = []
    while standing.lineup is not None and len(order) < n:
        turn = rotation.take(lane, standing.lineup)
        roster.count(stage.team.name, turn.owner)
        after = roster.standing(stage.team, stage.needs, _NOBODY)
        order.append(_turn(turn, standing, after))
        standing = after
    return {
        "lane": lane,
        "next": order,
        "credits": dict(sorted(ledger.credits.items())),
        "vouchers": _vouchers(stage, ledger, first),
        "out": skipped_objects(first.skipped),
        "nobody": None if standing.lineup else _nobody(stage.team, standing),
    }


def _turn(turn: Turn, before: Standing, after: Standing) -> dict[str, Any]:
    """One turn to come. `drops_out` is who can take no more after it, by a cap that it reaches."""
    known = {s.id for s in before.skipped}
    served = {"served_by": turn.owner} if turn.owner != turn.payer else {}
    return {
        "id": turn.payer,
        "credit": turn.before[turn.payer],
        "kind": turn.kind,
        **served,
        "drops_out": skipped_objects([s for s in after.skipped if s.id not in known]),
    }


def _vouchers(stage: _Stage, ledger: Ledger, standing: Standing) -> list[dict[str, Any]]:
    """What absences are still made good by; `due` where a lead of it could be the next."""
    today = stage.now.astimezone(ZoneInfo(stage.team.time_zone)).date()
    able = tuple(standing.lineup.able) if standing.lineup else ()
    ready = due(able, ledger.vouchers, stage.team.after_absence, today, 0)
    return [
        {"id": person, "since": absence[:10], "type": type_of(absence), "amount": one.amount}
        | {"expires": one.expires.isoformat(), "due": person in ready}
        for (person, absence), one in sorted(ledger.vouchers.items())
        if one.amount > 0 and one.expires >= today
    ]


def _nobody(team: Team, standing: Standing) -> dict[str, Any]:
    """Why nobody can take the next one, and where it goes by the Teams sheet."""
    return {
        "reason": standing.reason,
        "detail": standing.said,
        "if_nobody": team.if_nobody,
        "fallback_team": team.fallback_team if team.if_nobody == "team" else None,
    }
