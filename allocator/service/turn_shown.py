"""A stored turn as `explain` tells it: checked by its own numbers, with what others would have needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from allocator.domain.counterfactual import Higher, WhatIf, what_ifs
from allocator.domain.plan import TurnRow
from allocator.service.what_if_words import Names, sentence
from rules.eligibility import Why
from rules.model import RoutingTables, Team
from rules.rotation import Ledger, Skipped, Turn, U, rederive

UNIT = U
_NOBODY: frozenset[str] = frozenset()


def turn_object(row: TurnRow) -> dict[str, Any]:
    """A turn in units (`unit` of them are one lead), and the owner worked out from it alone once more.

    For everybody, after = before + share, less one unit of a lead for who paid. `rederived` is None, and
    `error` says why, where the numbers do not lead to the owner.
    """
    turn, (owner, error) = row.turn, _again(row)
    return {
        "team": row.team,
        "lane": row.lane,
        "number": turn.number,
        "kind": turn.kind,
        "unit": UNIT,
        "owner": turn.owner,
        "payer": turn.payer,
        "paid": UNIT if turn.paid else 0,
        "limit": turn.limit,
        "rederived": owner,
        "error": error,
        "eligible": [_stood(turn, i) for i in sorted(turn.could)],
        "also_earned": [_stood(turn, i) for i in sorted(set(turn.weights) - set(turn.could))],
        "catch_up_due": {i: day.isoformat() for i, day in turn.due.items()},
        "vouchers": [
            {"id": m.person, "absence": m.absence, "change": m.change, "expires": m.expires.isoformat()}
            for m in turn.vouchers
        ],
        "skipped": skipped_objects(row.skipped),
        "what_if": [],
    }


def skipped_objects(skipped: Sequence[Skipped]) -> list[dict[str, Any]]:
    return [
        {"id": s.id, "why": str(s.why), "until": s.until and s.until.isoformat()}
        | ({"also": list(s.also)} if s.also else {})
        for s in skipped
    ]


def _again(row: TurnRow) -> tuple[str | None, str | None]:
    """The owner by the turn's own numbers; or None and what does not fit."""
    turn = row.turn
    try:
        owner = rederive(turn)
    except (ValueError, KeyError, TypeError) as error:
        return None, damaged(row.team, row.lane, turn.number, _said(error))
    if owner != turn.owner:
        why = f"by its own numbers {owner} gets the lead, but it says that {turn.owner} got it"
        return None, damaged(row.team, row.lane, turn.number, why)
    return owner, None


def damaged(team: str, lane: str, number: int, why: str) -> str:
    """What does not fit in a stored turn, and what to do."""
    place = f"turn {number} of {team}" + (f", lane {lane}" if lane else "")
    return f"{place} does not fit its own numbers: {why}. Compare the store with a backup of it."


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks the numbers of {error.args[0]}"
    return str(error).partition("is damaged: ")[2] or str(error)


def _stood(turn: Turn, person: str) -> dict[str, Any]:
    """One person's numbers, also in a turn that is damaged."""
    paid = turn.paid if person == turn.payer else 0
    before, share = turn.before.get(person, 0), turn.shares.get(person, 0)
    one = {
        "id": person,
        "weight": turn.weights.get(person),
        "share": share + (UNIT - paid if paid else 0),
        "before": before,
        "after": before + share - paid,
    }
    return one | ({"served_by": turn.serves[person]} if person in turn.serves else {})


# --- what if ---


def what_if_objects(
    row: TurnRow,
    ledger: Ledger | None,
    tables: RoutingTables | None,
    *,
    needs: Mapping[str, Any],
    had_before: frozenset[str] = _NOBODY,
) -> list[dict[str, Any]]:
    """What each other person of the turn would have needed to get the lead, in numbers and as a sentence."""
    team = tables.team_by_name.get(row.team) if tables else None
    found = what_ifs(row, ledger, had_before=had_before, unclear=_unclear(row, team))
    names = Names(tables)
    return [_what_if(one, names, needs) for one in found]


def _unclear(row: TurnRow, team: Team | None) -> frozenset[str]:
    """Whose presence would have changed more than the turn tells: the weight of a delegate who is charged
    for them, or who else works at night."""
    if team is None:
        return _NOBODY
    changed = set()
    if team.delegate == "delegate":
        changed.add(Why.ABSENT.value)
    if team.outside_hours == "next":
        changed.add(Why.OUTSIDE_HOURS.value)
    return frozenset(s.id for s in row.skipped if changed & s.reasons)


def _what_if(one: WhatIf, names: Names, needs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": one.id,
        "lifted": list(one.lifted),
        "catch_ups": list(one.catch_ups),
        "credit": _credit(one.credit) if one.credit else None,
        "known": one.known,
        "at_limit": one.at_limit,
        "served_by": one.served_by,
        "sentence": sentence(one, names, needs),
    }


def _credit(higher: Higher) -> dict[str, Any]:
    tie = higher.tie
    return {
        "higher_by": higher.units,
        "leads": higher.units / UNIT,
        "equal_at": higher.equal_at,
        "rival": tie.rival,
        "then_first": "this person" if tie.wins else "the rival",
        "by": tie.rule,
    }
