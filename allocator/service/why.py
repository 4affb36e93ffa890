"""Answers: why a lead has its owner, and what the rules say to made-up facts.

Reads the store and the tables only; the CRM is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.pauses import out_until
from allocator.domain.plan import Assigned, Inputs, Work, counts_under_caps, plan, week_start
from allocator.domain.records import LeadRow, Link
from allocator.domain.shown import show_step
from allocator.domain.taken_turns import TakenTurn
from allocator.ports import Store
from allocator.service.timeline import plan_object, timeline
from allocator.service.turn_shown import damaged, skipped_objects, turn_object, what_if_objects
from rules.layers import TraceLayer, trace
from rules.model import RoutingTables
from rules.rotation import Ledger, Rotation, Skipped, eligible
from rules.turn import AUTOMATIC


def explain_lead(store: Store, row: LeadRow, tables: RoutingTables | None) -> dict[str, Any]:
    """The contract's `explain` object of a lead: its newest decision, with every step.

    `turn` is the one that counts, or the last one given back; `turns` are all that the lead took or cost.
    Where one of them does not fit its own numbers, `error` says so.
    """
    try:
        history, taken = store.decisions(row.key), store.turns_of(row.key)
    except (LookupError, TypeError, ValueError) as error:
        return _unreadable(row, error, tables)
    newest: Mapping[str, Any] = history[0] if history else {}
    found: Mapping[str, Any] = newest.get("trace") or {}
    turns = _turns(store, row, history, taken, tables)
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
        "turn": _turn_that_counts(turns, row.epoch),
        "turns": turns,
        "given_back": bool(newest.get("given_back")),
        "by_hand": _by_hand(row, turns, tables),
        "error": next((one["error"] for one in reversed(turns) if one["error"]), None),
        "tables_version": newest.get("tables_version"),
        "run": newest.get("run"),
        "epoch": row.epoch,
        "at": _iso(newest.get("at")),
        "since": _iso(row.since),
        "links": [_link(link) for link in store.links(keys=[row.key])],
        "plan": plan_object(store, row.key),
        "timeline": timeline(store, row, _names(tables)),
        "earlier": [_earlier(one) for one in history[1:]],
        "take_back": _take_back(store, row),
        "ended": _ended(newest),
    }


def _unreadable(row: LeadRow, error: Exception, tables: RoutingTables | None) -> dict[str, Any]:
    """The answer where not even the numbers of a turn can be read: what the lead's own row says."""
    why = f"a stored turn of {row.key} cannot be read ({error}). Compare the store with a backup of it."
    return {
        "lead": str(row.key), "source": row.key.source, "state": str(row.state), "reason": row.reason,
        "detail": row.detail, "by": row.by, "facts": {}, "steps": [], "needs": {}, "considered": [],
        "team": row.team, "lane": row.lane, "person": person(row.person, row.owner, tables),
        "turn": {"rederived": None, "error": why}, "turns": [], "given_back": False, "by_hand": None,
        "error": why, "tables_version": None, "run": row.run, "epoch": row.epoch, "at": None,
        "since": _iso(row.since), "links": [], "plan": None, "timeline": [], "earlier": [], "take_back": None,
        "ended": None,
    }  # fmt: skip


def _names(tables: RoutingTables | None) -> Mapping[str, str]:
    return {i: rows[0].name for i, rows in tables.people_by_id.items()} if tables else {}


def _turns(
    store: Store,
    row: LeadRow,
    history: Sequence[Mapping[str, Any]],
    taken: Sequence[TakenTurn],
    tables: RoutingTables | None,
) -> list[dict[str, Any]]:
    """All turns of the lead, in the order they were taken; the last one of the rotation in this epoch with
    what the others would have needed."""
    decided = {one["epoch"]: one for one in history}
    turns = [_turn(one, decided.get(one.row.epoch)) for one in taken]
    for one, shown in reversed(list(zip(taken, turns, strict=True))):
        if one.row.epoch == row.epoch and one.row.turn.kind in AUTOMATIC and not shown["error"]:
            ledger = store.ledger_before(one.row) if one.row.skipped else None
            had = frozenset(d["person"] for epoch, d in decided.items() if epoch < row.epoch and d["person"])
            needs = (decided.get(row.epoch, {}).get("trace") or {}).get("needs", {})
            shown["what_if"] = what_if_objects(one.row, ledger, tables, needs=needs, had_before=had)
            break
    return turns


def _turn(one: TakenTurn, decision: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = turn_object(one.row)
    row, owner = one.row, one.row.turn.owner
    given = decision["person"] if decision and row.turn.kind != "by hand" else owner
    if not shown["error"] and given != owner:
        why = f"it says that {owner} got the lead, and the decision gave it to {given}"
        shown |= {"rederived": None, "error": damaged(row.team, row.lane, row.turn.number, why)}
    back = {"given_back": one.given_back, "given_back_why": one.why or None}
    return {**shown, **back, "epoch": row.epoch, "run": one.run, "at": _iso(one.at)}


def _turn_that_counts(turns: Sequence[dict[str, Any]], epoch: int) -> dict[str, Any] | None:
    """The last one that stands in this epoch, else the last one given back."""
    mine = [one for one in turns if one["epoch"] == epoch]
    return next((one for one in reversed(mine) if not one["given_back"]), mine[-1] if mine else None)


def _by_hand(
    row: LeadRow, turns: Sequence[dict[str, Any]], tables: RoutingTables | None
) -> dict[str, Any] | None:
    """Who took the lead by hand, and what it cost them: `charged` in units, zero where it was free."""
    if row.state is not State.TAKEN or " " in row.detail:  # an owner's id has no blank: it left otherwise
        return None
    mine = [t for t in turns if t["kind"] == "by hand" and t["epoch"] == row.epoch and not t["given_back"]]
    charged = mine[-1] if mine else None
    known = tables.person_by_crm_user.get(row.detail) if tables else None
    taker = charged["owner"] if charged else row.taker or known
    return {
        "person": person(taker, row.detail, tables),
        "team": charged["team"] if charged else row.taker_team,
        "turn": charged["number"] if charged else None,
        "charged": charged["paid"] if charged else 0,
        "beyond_the_limit": bool(charged and not charged["paid"]),
    }


def person(person_id: str | None, owner: str | None, tables: RoutingTables | None) -> dict[str, Any] | None:
    """Person ID, name and CRM user id; a queue has an owner id only."""
    if person_id is None:
        return {"id": None, "name": None, "crm_user_id": owner} if owner else None
    rows = tables.people_by_id.get(person_id, ()) if tables else ()
    name = rows[0].name if rows else None
    return {"id": person_id, "name": name, "crm_user_id": owner or (rows[0].crm_user_id if rows else None)}


@dataclass(frozen=True, slots=True)
class MadeUp:
    """What a run would do with facts that somebody typed: the layers, the decision, and who is out.

    `ledger` is the one that its turn is taken from.
    """

    layers: tuple[TraceLayer, ...]
    assigned: Assigned
    skipped: tuple[Skipped, ...]
    ledger: Ledger | None = None


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
    if assigned.turn is not None:
        ledger = _ledger_of(inputs.ledgers, assigned.turn.team, assigned.turn.lane)
        return MadeUp(layers, assigned, assigned.turn.skipped, ledger)
    if team is None:
        return MadeUp(layers, assigned, ())
    counts, paused = counts_under_caps(team, inputs.given, now), out_until(inputs.pauses)
    _, skipped = eligible(team, decision.needs, now, counts, paused=paused)
    return MadeUp(layers, assigned, skipped)


def _ledger_of(ledgers: Mapping[tuple[str, str], Ledger], team: str, lane: str) -> Ledger:
    """The lane's ledger; a lane never used shares its team's credits and last turns."""
    lanes = {at: ledger for (name, at), ledger in ledgers.items() if name == team}
    return Rotation(lanes).ledger(lane)


def made_up_object(found: MadeUp, tables: RoutingTables) -> dict[str, Any]:
    """As `explain` of a lead, with the rows that nearly held."""
    one, turn = found.assigned, None
    if one.turn:
        needs = one.trace.get("needs", {})
        turn = turn_object(one.turn)
        turn["what_if"] = what_if_objects(one.turn, found.ledger, tables, needs=needs)
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
        "turn": turn,
        "skipped": skipped_objects(found.skipped),
        "tables_version": tables.version,
        "run": None,
        "epoch": None,
    }


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
