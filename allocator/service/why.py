"""Answers: why a lead has its owner, what the rules say to made-up facts, and whose turn is next.

Reads the store and the tables only; the CRM is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from allocator.domain.lead import State
from allocator.domain.plan import TurnRow, counts_under_caps, show_fact, week_start
from allocator.ports import LeadRow, Link, Store
from rules.layers import TraceLayer, trace
from rules.model import Decision, RoutingTables, Team
from rules.rotation import Ledger, Skipped, Turn, U, eligible, rederive, take_turn, upcoming, why_empty

UNIT = U


def explain_lead(store: Store, row: LeadRow, tables: RoutingTables | None) -> dict[str, Any]:
    """The contract's `explain` object of a lead: its newest decision, with every step."""
    history = store.decisions(row.key)
    newest: Mapping[str, Any] = history[0] if history else {}
    found: Mapping[str, Any] = newest.get("trace") or {}
    turn: TurnRow | None = newest.get("turn")
    return {
        "lead": str(row.key),
        "source": row.key.source,
        "state": str(row.state),
        "reason": row.reason,
        "detail": row.detail,
        "by": newest.get("by"),
        "facts": found.get("facts", {}),
        "steps": found.get("steps", []),
        "needs": found.get("needs", {}),
        "considered": [_with_age(look, newest.get("at")) for look in found.get("considered", [])],
        "team": newest.get("team"),
        "lane": newest.get("lane", ""),
        "person": person(newest.get("person"), newest.get("owner"), tables),
        "turn": turn_object(turn) if turn else None,
        "given_back": bool(newest.get("given_back")),
        "tables_version": newest.get("tables_version"),
        "run": newest.get("run"),
        "epoch": row.epoch,
        "at": _iso(newest.get("at")),
        "since": _iso(row.since),
        "links": [_link(link) for link in store.links(keys=[row.key])],
        "earlier": [_earlier(one) for one in history[1:]],
    }


def person(person_id: str | None, owner: str | None, tables: RoutingTables | None) -> dict[str, Any] | None:
    """Person ID, name and CRM user id; a queue has an owner id only."""
    if person_id is None:
        return {"id": None, "name": None, "crm_user_id": owner} if owner else None
    rows = tables.people_by_id.get(person_id, ()) if tables else ()
    name = rows[0].name if rows else None
    return {"id": person_id, "name": name, "crm_user_id": owner or (rows[0].crm_user_id if rows else None)}


def turn_object(row: TurnRow) -> dict[str, Any]:
    """A stored turn in units (`unit` of them are one lead), and the owner derived from it alone once more."""
    turn = row.turn
    return {
        "number": turn.number,
        "kind": turn.kind,
        "unit": UNIT,
        "rederived": rederive(turn),
        "eligible": [
            {
                "id": i,
                "weight": turn.weights[i],
                "share": turn.shares[i],
                "before": turn.before.get(i, 0),
                "after": turn.after[i],
            }
            for i in sorted(turn.weights)
        ],
        "skipped": skipped_objects(row.skipped),
    }


def skipped_objects(skipped: Sequence[Skipped]) -> list[dict[str, Any]]:
    return [{"id": s.id, "why": str(s.why), "until": s.until and s.until.isoformat()} for s in skipped]


@dataclass(frozen=True, slots=True)
class MadeUp:
    """What the rules say to facts that somebody typed: the decision, its layers, and who could take it."""

    decision: Decision
    layers: tuple[TraceLayer, ...]
    team: Team | None
    able: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    ledger: Ledger
    next_turn: Turn | None


def explain_facts(
    tables: RoutingTables, facts: Mapping[str, str], *, now: datetime, store: Store | None
) -> MadeUp:
    """Walk the layers with these facts; nothing is written and no turn is taken."""
    on = now.astimezone(ZoneInfo(tables.time_zone)).date()
    decision, layers = trace(tables, facts, on=on)
    team = tables.team_by_name.get(decision.team or "")
    if team is None:
        return MadeUp(decision, layers, None, {}, (), Ledger(), None)
    able, skipped = eligible(team, decision.needs, now, _taken(tables, team, store, now))
    ledger = ledger_of(store, team.name, decision.lane)
    turn = _next(ledger, able)
    return MadeUp(decision, layers, team, able, skipped, ledger, turn)


def made_up_object(found: MadeUp, tables: RoutingTables) -> dict[str, Any]:
    """As `explain` of a lead, with the rows that nearly held."""
    decision = found.decision
    reason = decision.reason
    if reason is None and found.team is not None and not found.able:
        reason = str(why_empty(found.skipped))
    owner = decision.owner or (found.next_turn.owner if found.next_turn else None)
    return {
        "lead": None,
        "source": None,
        "state": str(State.HELD if reason else State.DECIDED),
        "reason": reason,
        "detail": decision.detail,
        "by": "rule_owner" if decision.owner else "turn" if owner else None,
        "facts": {k: show_fact(v) for k, v in decision.facts.items() if v is not None},
        "steps": [_step(s) for s in decision.steps],
        "needs": {k: v if isinstance(v, str) else list(v) for k, v in decision.needs.items()},
        "layers": [_layer(layer) for layer in found.layers],
        "team": decision.team,
        "lane": decision.lane,
        "person": person(owner, None, tables),
        "turn": {
            "number": found.ledger.next_number,
            "unit": UNIT,
            "eligible": _standing(found),
            "skipped": skipped_objects(found.skipped),
        }
        if found.team
        else None,
        "tables_version": tables.version,
        "run": None,
        "epoch": None,
    }


def rotation_object(
    tables: RoutingTables,
    team: Team,
    *,
    now: datetime,
    store: Store | None,
    n: int = 10,
    needs: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The next `n` turns of each lane as they stand, with credits in units, and who is out and why."""
    able, skipped = eligible(team, needs or {}, now, _taken(tables, team, store, now))
    known = {lane for name, lane in (store.ledgers() if store else {}) if name == team.name}
    lanes = [
        _lane(ledger_of(store, team.name, lane), lane, able, skipped, n) for lane in sorted(known | {""})
    ]
    return {"team": team.name, "unit": UNIT, "lanes": lanes}


def ledger_of(store: Store | None, team: str, lane: str) -> Ledger:
    """The lane's ledger; a lane never used shares its team's credits and last turns."""
    ledgers = store.ledgers() if store else {}
    own = ledgers.get((team, lane))
    if own is not None:
        return own
    other = next((led for (name, _), led in ledgers.items() if name == team), None)
    if other is None:
        return Ledger()
    return Ledger({}, other.team_credits, other.last_turn, 1, other.next_sequence)


def _lane(
    ledger: Ledger, lane: str, able: Mapping[str, int], skipped: Sequence[Skipped], n: int
) -> dict[str, Any]:
    order = upcoming(ledger, able, n) if able else ()
    return {
        "lane": lane,
        "next": [{"id": i, "credit": credit} for i, credit in order],
        "credits": dict(sorted(ledger.credits.items())),
        "out": skipped_objects(skipped),
    }


def _next(ledger: Ledger, able: Mapping[str, int]) -> Turn | None:
    return take_turn(ledger, able)[0] if able else None


def _standing(found: MadeUp) -> list[dict[str, Any]]:
    turn = found.next_turn
    if turn is None:
        return []
    return [
        {
            "id": i,
            "weight": turn.weights[i],
            "share": turn.shares[i],
            "before": turn.before.get(i, 0),
            "after": turn.after[i],
        }
        for i in sorted(turn.weights)
    ]


def _taken(tables: RoutingTables, team: Team, store: Store | None, now: datetime) -> dict[str, Any]:
    given = store.given_since(week_start(tables, now)) if store else ()
    return dict(counts_under_caps(team, given, now))


def _step(step: Any) -> dict[str, Any]:
    return {
        "layer": step.layer,
        "sheet": step.sheet,
        "row": step.row,
        "rule_id": step.rule_id,
        "cell": step.cell,
        "sets": dict(step.sets),
    }


def _layer(layer: TraceLayer) -> dict[str, Any]:
    return {
        "layer": layer.layer,
        "sheet": layer.sheet,
        "matched": _step(layer.step) if layer.step else None,
        "nearly": [
            {
                "rule_id": n.rule_id,
                "row": n.row,
                "cell": n.cell,
                "asks": n.text,
                "lead": n.value,
                "why": n.sentence,
            }
            for n in layer.near
        ],
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "crm": link.crm,
        "object": link.object,
        "crm_id": link.crm_id,
        "state": link.state,
        "since": _iso(link.since),
    }


def _earlier(one: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("epoch", "run", "state", "reason", "by", "team", "person", "given_back")
    return {**{k: one.get(k) for k in keys}, "at": _iso(one.get("at"))}


def _with_age(look: Mapping[str, Any], at: datetime | None) -> dict[str, Any]:
    """A look-up and how old the CRM's answer was, in seconds, when the decision used it."""
    seen = look.get("seen")
    if not seen or at is None:
        return dict(look)
    age = (at - datetime.fromisoformat(seen)).total_seconds()
    return {**look, "age_seconds": max(0, round(age))}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
