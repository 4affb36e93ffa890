"""What fairness statements are made of, counted by what is equal; and turns for export, page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store import ledger as books
from allocator.adapters.store import turn_rows
from allocator.adapters.store.engine import Database
from allocator.adapters.store.leads import chunks
from allocator.adapters.store.past_books import booked
from allocator.adapters.store.tables import decisions, eligibility, leads, refunds, turns
from allocator.domain.lead import State
from allocator.domain.statement import Account, Eligibility, ExportRow, LeadsAlike, TurnsAlike

PAGE = 400
"""Turns that an export reads at once."""

Place = tuple[str, str, int]
_T, _L, _D, _R = turns.c, leads.c, decisions.c, refunds.c
_OF_TURN = sa.and_(_L.source == _T.source, _L.source_id == _T.source_id)
_REFUND = sa.and_(_R.team == _T.team, _R.lane == _T.lane, _R.number == _T.number)
_WITH_SOMEBODY = (State.DECIDED.value, State.CONFIRMED.value, State.TAKEN.value)
_BY_HAND = "by hand"


def accounts(
    connection: Connection, begin: datetime | None, end: datetime | None, team: str | None
) -> dict[str, Account]:
    """Team -> its account, of every team that has anything to tell, or of one."""
    found_turns = _turns(connection, begin, end, team)
    found_leads, spans = _leads(connection, begin, end, team)
    opening = {} if begin is None else _opening(connection, begin, team)
    return {
        name: Account(
            tuple(found_turns.get(name, ())),
            tuple(found_leads.get(name, ())),
            opening.get(name, {}),
            *spans.get(name, (None, None)),
        )
        for name in sorted(found_turns.keys() | found_leads.keys() | opening.keys())
    }


def _turns(
    connection: Connection, begin: datetime | None, end: datetime | None, team: str | None
) -> dict[str, list[TurnsAlike]]:
    back = _R.number.is_not(None)
    stays = sa.and_(_its(), _L.state.in_(_WITH_SOMEBODY))
    one = (
        sa.select(_T.team, _T.lane, _T.kind, _T.owner, _T.payer, _T.paid, _T.eligibility)
        .add_columns(sa.case((back, 1), else_=0).label("back"), sa.case((stays, 1), else_=0).label("stays"))
        .select_from(turns.outerjoin(leads, _OF_TURN).outerjoin(refunds, _REFUND))
        .where(*_within(_T.at, begin, end, team))
        .subquery()
    )
    rows = connection.execute(sa.select(one, sa.func.count().label("number")).group_by(*one.c)).all()
    who = _who(connection, {row.eligibility for row in rows})
    found: dict[str, list[TurnsAlike]] = defaultdict(list)
    for r in rows:
        stood = who[r.eligibility]
        back, stays = bool(r.back), bool(r.stays)
        alike = TurnsAlike(r.lane, r.kind, r.owner, r.payer, r.paid, back, stays, r.number, stood)
        found[r.team].append(alike)
    return found


def _within(
    at: Any, begin: datetime | None, end: datetime | None, team: str | None
) -> list[sa.ColumnElement[bool]]:
    """Conditions on a time, and on the team of turns."""
    return [
        *([at >= begin] if begin is not None else []),
        *([at < end] if end is not None else []),
        *([_T.team == team] if team is not None else []),
    ]


def _who(connection: Connection, hashes: Collection[str]) -> dict[str, Eligibility]:
    found = {}
    for part in chunks(sorted(hashes)):
        query = sa.select(eligibility).where(eligibility.c.sha256.in_(part))
        for row in connection.execute(query):
            content = row.content
            able = content.get("able")
            found[row.sha256] = Eligibility(
                content["weights"],
                content["shares"],
                None if able is None else tuple(able),
                turn_rows.skipped_of(content),
            )
    return found


def _opening(connection: Connection, begin: datetime, team: str | None) -> dict[str, dict[Any, int]]:
    """Credits before the period: what the turns before it that stand have moved."""
    found: dict[str, dict[Any, int]] = defaultdict(dict)
    change = booked(connection, *_within(_T.at, None, begin, team), ~books.refunded())
    for (name, lane, person), credit in change.items():
        found[name][lane, person] = credit
    return found


# --- leads ------------------------------------------------------------------------------------------------


def _leads(
    connection: Connection, begin: datetime | None, end: datetime | None, team: str | None
) -> tuple[dict[str, list[LeadsAlike]], dict[str, tuple[datetime, datetime]]]:
    """Leads by how they stand now, with the turn that they stand by; and from when to when each team had any.

    A lead counts where and when that turn was taken, else where somebody took it, else where it was decided.
    """
    taken = _L.state == State.TAKEN.value
    place = sa.func.coalesce(_T.team, sa.case((taken, _L.taker_team)), _D.team)
    at = sa.func.coalesce(_T.at, _D.at, _L.since)
    taker = sa.case((_L.taker_team.is_not(None), _L.taker))
    one = sa.select(
        place.label("place"), sa.func.coalesce(_T.lane, _D.lane, "").label("lane"), _L.state, at.label("at"),
        _D.decided_by.label("by"), _T.kind, sa.case((_T.paid > 0, 1), else_=0).label("paid"),
        sa.func.coalesce(_T.owner, sa.case((taken, taker), else_=_D.person)).label("person"),
        sa.case((sa.func.coalesce(_D.given_back, sa.false()), 1), else_=0).label("back"),
    ).select_from(_standing()).where(*_within(at, begin, end, None), place.is_not(None))  # fmt: skip
    each = one.where(place == team).subquery() if team is not None else one.subquery()
    same = [column for column in each.c if column.key != "at"]
    count = (sa.func.count().label("number"), sa.func.min(each.c.at), sa.func.max(each.c.at))
    found: dict[str, list[LeadsAlike]] = defaultdict(list)
    spans: dict[str, tuple[datetime, datetime]] = {}
    for *stands, number, first, last in connection.execute(sa.select(*same, *count).group_by(*same)):
        where, lane, state, by, kind, paid, person, back = stands
        alike = LeadsAlike(lane, State(state), by, person, kind, bool(paid), bool(back), number)
        found[where].append(alike)
        before, after = spans.get(where, (first, last))
        spans[where] = (min(before, first), max(after, last))
    return found, spans


def _standing() -> sa.FromClause:
    """Each lead with the decision of its current epoch, and the turn that it stands by."""
    own = sa.and_(_D.source == _L.source, _D.source_id == _L.source_id, _D.epoch == _L.epoch)
    return leads.outerjoin(decisions, own).outerjoin(turns, sa.and_(_OF_TURN, _its(), ~books.refunded()))


def _its() -> sa.ColumnElement[bool]:
    """Whether a turn that stands is the one that its lead stands by: of who took it by hand last, if somebody
    did, else of its current decision."""
    by_hand, newer, gone = _T.kind == _BY_HAND, turns.alias(), refunds.alias()
    back = sa.exists().where(
        gone.c.team == newer.c.team, gone.c.lane == newer.c.lane, gone.c.number == newer.c.number
    )
    again = sa.exists().where(
        newer.c.source == _T.source, newer.c.source_id == _T.source_id, newer.c.epoch == _T.epoch,
        newer.c.kind == _BY_HAND, newer.c.run > _T.run, ~back,
    )  # fmt: skip
    taken = _L.state == State.TAKEN.value
    return sa.and_(_L.epoch == _T.epoch, sa.or_(sa.and_(taken, by_hand, ~again), sa.and_(~taken, ~by_hand)))


# --- export -----------------------------------------------------------------------------------------------


def export_pages(database: Database) -> Iterator[Sequence[ExportRow]]:
    """Every turn there is at the first look, by team, lane and number, a transaction for each page."""
    for (team, lane), last in sorted(database.read(_last_numbers).items()):
        after = 0
        while page := database.read(partial(_export_page, team=team, lane=lane, after=after, last=last)):
            yield page
            after = page[-1].turn.number


def _last_numbers(connection: Connection) -> dict[tuple[str, str], int]:
    query = sa.select(_T.team, _T.lane, sa.func.max(_T.number)).group_by(_T.team, _T.lane)
    return {(team, lane): number for team, lane, number in connection.execute(query)}


def _export_page(connection: Connection, *, team: str, lane: str, after: int, last: int) -> list[ExportRow]:
    """The turns of a team and lane after one number, at most `PAGE` of them and none after `last`."""
    query = (
        sa.select(turns, _R.number.is_not(None).label("back"))
        .outerjoin(refunds, _REFUND)
        .where(_T.team == team, _T.lane == lane, _T.number > after, _T.number <= last)
        .order_by(_T.number)
        .limit(PAGE)
    )
    rows = connection.execute(query).all()
    contents = books.contents(connection, {row.eligibility for row in rows})
    found = []
    for row in rows:
        one = turn_rows.turn_row(row, contents[row.eligibility])
        found.append(ExportRow(team, lane, str(one.key), row.at, bool(row.back), one.turn, one.skipped))
    return found
