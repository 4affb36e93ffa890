"""The ledgers of the rotation: credits per team, lane and person, last turns, and giving back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.leads import upsert
from allocator.adapters.store.tables import decisions, eligibility, last_turns, ledger, refunds, turns
from rules.rotation import Ledger

Place = tuple[str, str, int]
"""(team, lane, number)"""


def ledgers(connection: Connection) -> dict[tuple[str, str], Ledger]:
    """(team, lane) -> ledger; team credits and last turns are over all lanes."""
    credits: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    team_credits: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(sa.select(ledger)):
        credits[row.team, row.lane][row.person] = row.credit
        team_credits[row.team][row.person] += row.credit
    last: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(sa.select(last_turns)):
        last[row.team][row.person] = row.sequence
    sequences = {team: _last_sequence(connection, team) + 1 for team in team_credits}
    return {
        (team, lane): Ledger(
            credits=people,
            team_credits=dict(team_credits[team]),
            last_turn=last[team],
            next_number=_last_number(connection, team, lane) + 1,
            next_sequence=sequences[team],
        )
        for (team, lane), people in sorted(credits.items())
    }


def save(connection: Connection, changed: Mapping[tuple[str, str], Ledger]) -> None:
    """The final credits and last turns of the ledgers that a plan changed."""
    credits = [
        {"team": team, "lane": lane, "person": person, "credit": credit}
        for (team, lane), book in changed.items()
        for person, credit in book.credits.items()
    ]
    last = {(team, p): s for (team, _), book in changed.items() for p, s in book.last_turn.items()}
    _put(connection, ledger, credits, "credit")
    _put(
        connection,
        last_turns,
        [{"team": t, "person": p, "sequence": s} for (t, p), s in last.items()],
        "sequence",
    )


def expected(connection: Connection, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The next number of each team and lane."""
    return {(team, lane): _last_number(connection, team, lane) + 1 for team, lane in set(places)}


def expected_sequence(connection: Connection, teams: Iterable[str]) -> dict[str, int]:
    """The next sequence of each team."""
    return {team: _last_sequence(connection, team) + 1 for team in set(teams)}


def given_since(connection: Connection, at: datetime) -> list[tuple[str, str, datetime]]:
    """(team, person, decided at) of each lead decided since and not given back."""
    query = (
        sa.select(decisions.c.team, decisions.c.person, decisions.c.at)
        .where(decisions.c.at >= at, decisions.c.person.is_not(None), decisions.c.team.is_not(None))
        .where(decisions.c.given_back.is_(False))
        .order_by(decisions.c.at, decisions.c.source, decisions.c.source_id)
    )
    return [(row.team, row.person, row.at) for row in connection.execute(query)]


def give_back(
    connection: Connection, rows: Sequence[Row[Any]], *, at: datetime, run: int, reason: str
) -> None:
    """Give these turns back: their own recorded numbers leave the ledger, a refund row is left for each.

    The refund's primary key makes a second time impossible.
    """
    if not rows:
        return
    noted = [
        {"team": r.team, "lane": r.lane, "number": r.number, "at": at, "run": run, "reason": reason}
        for r in rows
    ]
    insert_rows(connection, refunds, noted)
    unbook(connection, rows)


def refunded() -> sa.Exists:
    """Whether a turn was given back: a condition on `turns`."""
    return sa.exists().where(
        refunds.c.team == turns.c.team, refunds.c.lane == turns.c.lane, refunds.c.number == turns.c.number
    )


def unbook(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Subtract what these turns recorded, and find the last turns of their owners again."""
    told = contents(connection, {r.eligibility for r in rows})
    change: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        for person, share in told[row.eligibility]["shares"].items():
            change[row.team, row.lane, person] -= share
        change[row.team, row.lane, row.payer] += row.paid
    moved = [
        {"k_team": t, "k_lane": lane, "k_person": p, "v_change": c} for (t, lane, p), c in change.items() if c
    ]
    if moved:
        here = sa.and_(
            ledger.c.team == sa.bindparam("k_team"),
            ledger.c.lane == sa.bindparam("k_lane"),
            ledger.c.person == sa.bindparam("k_person"),
        )
        by = sa.bindparam("v_change", type_=sa.BigInteger)
        connection.execute(sa.update(ledger).where(here).values(credit=ledger.c.credit + by), moved)
    for team, owner in sorted({(r.team, r.owner) for r in rows}):
        _find_last(connection, team, owner)


def _find_last(connection: Connection, team: str, owner: str) -> None:
    """The owner's last live turn in any lane; none: no row."""
    newest = (
        sa.select(turns.c.sequence)
        .where(turns.c.team == team, turns.c.owner == owner, ~refunded())
        .order_by(turns.c.sequence.desc())
        .limit(1)
    )
    sequence = connection.execute(newest).scalar()
    if sequence is None:
        connection.execute(
            sa.delete(last_turns).where(last_turns.c.team == team, last_turns.c.person == owner)
        )
    else:
        _put(connection, last_turns, [{"team": team, "person": owner, "sequence": sequence}], "sequence")


def contents(connection: Connection, hashes: Collection[str]) -> dict[str, Any]:
    """Who was eligible, by the sum under which it is stored."""
    query = sa.select(eligibility)
    if len(hashes) < 500:
        query = query.where(eligibility.c.sha256.in_(hashes))
    return {row.sha256: row.content for row in connection.execute(query)}


def _put(connection: Connection, table: sa.Table, rows: list[dict[str, Any]], value: str) -> None:
    if rows:
        insert = upsert(connection, table)
        key = [column.name for column in table.primary_key]
        changed = insert.on_conflict_do_update(index_elements=key, set_={value: insert.excluded[value]})
        connection.execute(changed, rows)


def _last_number(connection: Connection, team: str, lane: str) -> int:
    query = sa.select(sa.func.max(turns.c.number)).where(turns.c.team == team, turns.c.lane == lane)
    return connection.execute(query).scalar() or 0


def _last_sequence(connection: Connection, team: str) -> int:
    query = sa.select(sa.func.max(turns.c.sequence)).where(turns.c.team == team)
    return connection.execute(query).scalar() or 0
