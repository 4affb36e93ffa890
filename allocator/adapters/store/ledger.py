"""The ledgers of the rotation: credits per team, lane and person, last turns, and giving back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import turn_rows
from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.leads import upsert
from allocator.adapters.store.tables import (
    decisions,
    eligibility,
    last_turns,
    leads,
    ledger,
    refunds,
    turns,
    vouchers,
)
from rules.turn import AUTOMATIC, Ledger
from rules.vouchers import Key, Voucher, move_back

Place = tuple[str, str, int]
"""(team, lane, number)"""


def ledgers(connection: Connection) -> dict[tuple[str, str], Ledger]:
    """(team, lane) -> ledger; team credits and last turns are over all lanes."""
    held = _vouchers(connection)
    credits: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    team_credits: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(sa.select(ledger)):
        credits[row.team, row.lane][row.person] = row.credit
        team_credits[row.team][row.person] += row.credit
    last: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(sa.select(last_turns)):
        last[row.team][row.person] = row.sequence
    numbers, sequences = _last_numbers(connection), _last_sequences(connection)
    return {
        (team, lane): Ledger(
            credits=people,
            team_credits=dict(team_credits[team]),
            last_turn=last[team],
            next_number=numbers[team, lane] + 1,
            next_sequence=sequences[team] + 1,
            vouchers=held.get((team, lane), {}),
            streak=_streak(connection, team, lane) if (team, lane) in held else 0,
        )
        for (team, lane), people in sorted(credits.items())
    }


def _vouchers(connection: Connection) -> dict[tuple[str, str], dict[Key, Voucher]]:
    found: dict[tuple[str, str], dict[Key, Voucher]] = defaultdict(dict)
    for row in connection.execute(sa.select(vouchers)):
        one = Voucher(row.amount, row.earned, date.fromisoformat(row.expires))
        found[row.team, row.lane][row.person, row.absence] = one
    return found


def _streak(connection: Connection, team: str, lane: str) -> int:
    """How many of the lane's newest automatic leads that stand were catch-ups in a row."""
    t = turns.c
    mine = sa.and_(t.team == team, t.lane == lane, t.kind.in_(AUTOMATIC), ~refunded())
    other = sa.select(t.number).where(mine, t.kind != "catch-up").order_by(t.number.desc()).limit(1)
    last = connection.execute(other).scalar() or 0
    return connection.execute(sa.select(sa.func.count()).where(mine, t.number > last)).scalar() or 0


def save(connection: Connection, changed: Mapping[tuple[str, str], Ledger]) -> None:
    """The final credits and last turns of the ledgers that a plan changed."""
    credits = [
        {"team": team, "lane": lane, "person": person, "credit": credit}
        for (team, lane), book in changed.items()
        for person, credit in book.credits.items()
    ]
    last = {(team, p): s for (team, _), book in changed.items() for p, s in book.last_turn.items()}
    _put(connection, ledger, credits, "credit")
    _put_vouchers(connection, {place: book.vouchers for place, book in changed.items()})
    _put(
        connection,
        last_turns,
        [{"team": t, "person": p, "sequence": s} for (t, p), s in last.items()],
        "sequence",
    )


def _put_vouchers(connection: Connection, held: Mapping[tuple[str, str], Mapping[Key, Voucher]]) -> None:
    rows = [
        {"team": team, "lane": lane, "person": person, "absence": absence}
        | {"amount": one.amount, "earned": one.earned, "expires": one.expires.isoformat()}
        for (team, lane), own in held.items()
        for (person, absence), one in own.items()
    ]
    _put(connection, vouchers, rows, "amount", "earned", "expires")


def expected(connection: Connection, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The next number of each team and lane."""
    return {(team, lane): _last_number(connection, team, lane) + 1 for team, lane in set(places)}


def expected_sequence(connection: Connection, teams: Iterable[str]) -> dict[str, int]:
    """The next sequence of each team."""
    return {team: _last_sequence(connection, team) + 1 for team in set(teams)}


def given_since(connection: Connection, at: datetime) -> list[tuple[str, str, datetime]]:
    """(team, person, decided at) of each lead decided since and not given back, or taken by hand since."""
    query = (
        sa.select(decisions.c.team, decisions.c.person, decisions.c.at)
        .where(decisions.c.at >= at, decisions.c.person.is_not(None), decisions.c.team.is_not(None))
        .where(decisions.c.given_back.is_(False))
        .order_by(decisions.c.at, decisions.c.source, decisions.c.source_id)
    )
    given = [(row.team, row.person, row.at) for row in connection.execute(query)]
    by_hand = (
        sa.select(leads.c.taker_team, leads.c.taker, leads.c.since)
        .where(leads.c.state == "taken", leads.c.taker.is_not(None), leads.c.taker_team.is_not(None))
        .where(leads.c.since >= at)
        .order_by(leads.c.since, leads.c.source, leads.c.source_id)
    )
    return [*given, *((row.taker_team, row.taker, row.since) for row in connection.execute(by_hand))]


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
    """Subtract what these turns recorded, and find the last turns of their payers again."""
    told = contents(connection, {r.eligibility for r in rows})
    change: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        if not row.paid:
            continue
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
    _unbook_vouchers(connection, rows)
    for team, payer in sorted({(r.team, r.payer) for r in rows}):
        _find_last(connection, team, payer)


def _unbook_vouchers(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    moved = [(r.team, r.lane, turn_rows.moves(r.vouchers)) for r in rows if r.vouchers]
    if not moved:
        return
    held = _vouchers(connection)
    changed = {(team, lane): dict(held[team, lane]) for team, lane, _ in moved}
    for team, lane, moves in moved:
        move_back(changed[team, lane], moves)
    _put_vouchers(connection, changed)


def _find_last(connection: Connection, team: str, payer: str) -> None:
    """The payer's last live turn in any lane; none: no row."""
    newest = (
        sa.select(turns.c.sequence)
        .where(turns.c.team == team, turns.c.payer == payer, ~refunded())
        .order_by(turns.c.sequence.desc())
        .limit(1)
    )
    sequence = connection.execute(newest).scalar()
    if sequence is None:
        connection.execute(
            sa.delete(last_turns).where(last_turns.c.team == team, last_turns.c.person == payer)
        )
    else:
        _put(connection, last_turns, [{"team": team, "person": payer, "sequence": sequence}], "sequence")


def contents(connection: Connection, hashes: Collection[str]) -> dict[str, Any]:
    """Who was eligible, by the sum under which it is stored."""
    query = sa.select(eligibility)
    if len(hashes) < 500:
        query = query.where(eligibility.c.sha256.in_(hashes))
    return {row.sha256: row.content for row in connection.execute(query)}


def _put(connection: Connection, table: sa.Table, rows: list[dict[str, Any]], *values: str) -> None:
    if rows:
        insert = upsert(connection, table)
        key = [column.name for column in table.primary_key]
        new = {value: insert.excluded[value] for value in values}
        changed = insert.on_conflict_do_update(index_elements=key, set_=new)
        connection.execute(changed, rows)


def _last_numbers(connection: Connection) -> dict[tuple[str, str], int]:
    """Of every ledger, each from the end of an index."""
    each = sa.select(ledger.c.team, ledger.c.lane).distinct().subquery()
    newest = sa.select(sa.func.max(turns.c.number)).where(
        turns.c.team == each.c.team, turns.c.lane == each.c.lane
    )
    query = sa.select(each.c.team, each.c.lane, newest.scalar_subquery())
    return {(team, lane): number or 0 for team, lane, number in connection.execute(query)}


def _last_sequences(connection: Connection) -> dict[str, int]:
    """Of every team with a ledger."""
    each = sa.select(ledger.c.team).distinct().subquery()
    newest = sa.select(sa.func.max(turns.c.sequence)).where(turns.c.team == each.c.team)
    query = sa.select(each.c.team, newest.scalar_subquery())
    return {team: number or 0 for team, number in connection.execute(query)}


def _last_number(connection: Connection, team: str, lane: str) -> int:
    query = sa.select(sa.func.max(turns.c.number)).where(turns.c.team == team, turns.c.lane == lane)
    return connection.execute(query).scalar() or 0


def _last_sequence(connection: Connection, team: str) -> int:
    query = sa.select(sa.func.max(turns.c.sequence)).where(turns.c.team == team)
    return connection.execute(query).scalar() or 0
