"""Answers: why a lead has its owner, what the rules say to made-up facts, and whose turn is next.

Reads the store and the tables only; the CRM is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from allocator.domain.lead import LeadKey, Record
from allocator.domain.pauses import out_until, service_of, teams_of
from allocator.domain.plan import Assigned, Inputs, TurnRow, Work, counts_under_caps, plan, week_start
from allocator.domain.records import LeadRow, Link
from allocator.domain.shown import show_step
from allocator.ports import Store
from rules.layers import TraceLayer, trace
from rules.model import RoutingTables, Team
from rules.rotation import Ledger, Skipped, U, eligible, rederive, upcoming

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
        "take_back": _take_back(store, row),
        "ended": _ended(newest),
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
    """What a run would do with facts that somebody typed: the layers, the decision, and who is out."""

    layers: tuple[TraceLayer, ...]
    assigned: Assigned
    skipped: tuple[Skipped, ...]


def explain_facts(
    tables: RoutingTables, facts: Mapping[str, str], *, now: datetime, store: Store | None
) -> MadeUp:
    """Plan a lead with these facts exactly as a run would, look-ups left out. Nothing is written."""
    on = now.astimezone(ZoneInfo(tables.time_zone)).date()
    decision, layers = trace(tables, facts, on=on)
    record = Record(LeadKey("(made up)", "(made up)"), created=now, stamp=now, owner="", fields=facts)
    inputs = Inputs(
        tables=tables,
        work=(Work(record, epoch=1),),
        now=now,
        fact_fields={name: (name,) for name in facts},
        ledgers=store.ledgers() if store else {},
        given=store.given_since(week_start(tables, now)) if store else (),
        pauses=store.pauses(now=now) if store else (),
    )
    assigned = plan(inputs).decided[0]
    team = tables.team_by_name.get(decision.team or "")
    if assigned.turn is not None or team is None:
        return MadeUp(layers, assigned, assigned.turn.skipped if assigned.turn else ())
    counts, paused = counts_under_caps(team, inputs.given, now), out_until(inputs.pauses)
    _, skipped = eligible(team, decision.needs, now, counts, paused=paused)
    return MadeUp(layers, assigned, skipped)


def made_up_object(found: MadeUp, tables: RoutingTables) -> dict[str, Any]:
    """As `explain` of a lead, with the rows that nearly held."""
    one = found.assigned
    return {
        "lead": None,
        "source": None,
        "state": str(one.state),
        "reason": one.reason,
        "detail": one.detail,
        "by": one.by,
        **one.trace,
        "layers": [_layer(layer) for layer in found.layers],
        "team": one.team,
        "lane": one.lane,
        "person": person(one.person, one.owner, tables),
        "turn": turn_object(one.turn) if one.turn else None,
        "skipped": skipped_objects(found.skipped),
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
    """The next `n` turns of each lane as they stand, with credits in units, and who is out and why.

    `paused` is the pause of the team, or of the service, that keeps these turns waiting.
    """
    pauses = store.pauses(now=now) if store else ()
    taken = _taken(tables, team, store, now)
    able, skipped = eligible(team, needs or {}, now, taken, paused=out_until(pauses))
    pause = service_of(pauses) or teams_of(pauses).get(team.name)
    known = {lane for name, lane in (store.ledgers() if store else {}) if name == team.name}
    lanes = [
        _lane(ledger_of(store, team.name, lane), lane, able, skipped, n) for lane in sorted(known | {""})
    ]
    return {"team": team.name, "unit": UNIT, "lanes": lanes, "paused": pause.shown if pause else None}


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


def _taken(tables: RoutingTables, team: Team, store: Store | None, now: datetime) -> dict[str, Any]:
    given = store.given_since(week_start(tables, now)) if store else ()
    return dict(counts_under_caps(team, given, now))


def _layer(layer: TraceLayer) -> dict[str, Any]:
    return {
        "layer": layer.layer,
        "sheet": layer.sheet,
        "matched": show_step(layer.step) if layer.step else None,
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
    return {**{k: one.get(k) for k in keys}, "at": _iso(one.get("at")), "ended": _ended(one)}


def _ended(one: Mapping[str, Any]) -> dict[str, Any] | None:
    """How a decision that was carried out came to hold no more."""
    if not one.get("ended"):
        return None
    return {"how": str(one["ended"]), "at": _iso(one["ended_at"]), "reason": one["ended_why"]}


def _take_back(store: Store, row: LeadRow) -> dict[str, Any] | None:
    """What is asked for, or could not be done, about the decision that holds."""
    asked = [one for one in store.take_backs(keys=[row.key]) if one.epoch == row.epoch]
    if not asked:
        return None
    one = asked[0]
    return {
        "how": str(one.why), "state": str(one.state), "at": _iso(one.asked), "by": one.by,
        "reason": one.reason, "detail": one.detail,
    }  # fmt: skip


def _with_age(look: Mapping[str, Any], at: datetime | None) -> dict[str, Any]:
    """A look-up and how old the CRM's answer was, in seconds, when the decision used it."""
    seen = look.get("seen")
    if not seen or at is None:
        return dict(look)
    age = (at - datetime.fromisoformat(seen)).total_seconds()
    return {**look, "age_seconds": max(0, round(age))}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
