"""Past ledgers and counts: how they stood before a run, from today's and the turns since."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import ledger as books
from allocator.adapters.store import turn_rows
from allocator.adapters.store.tables import decisions, eligibility, leads, refunds, turns
from allocator.domain.lead import LeadKey, State
from allocator.domain.past import Past, PastBack, PastRefund
from allocator.domain.take_backs import Ended
from rules.rotation import Booking, Ledger
from rules.turn import AUTOMATIC
from rules.vouchers import Key, Voucher, move, move_back

A_WEEK = timedelta(days=9)
"""How far back caps count, in any time zone."""
UNSETTLED = timedelta(days=35)
"""How long a decision may have waited in the outbox to be found when it is given back."""

_D = decisions.c
_NOT_RETURNED = sa.or_(_D.ended.is_(None), _D.ended == Ended.UNDONE)


def before(connection: Connection, first: int, began: datetime) -> Past:
    """How things stood when the run `first` began; the runs themselves are for others to tell."""
    undone, backs = list(_undone(connection, first, began)), list(_backs(connection, first))
    ledgers = _ledgers(connection, first)
    gone: list[PastRefund | PastBack] = [*undone, *backs]
    return Past(
        runs=(),
        ledgers=ledgers,
        recent=_recent(connection, first, gone),
        given=(*_given(connection, first, began), *_taken(connection, first, began, backs)),
        refunds=tuple(undone),
        backs=tuple(backs),
        tails=dict(_tails(connection, first, ledgers, gone)),
    )


def _ledgers(connection: Connection, first: int) -> dict[tuple[str, str], Ledger]:
    """Today's, less what turns since then changed, and with what was given back since then."""
    change = booked(connection, turns.c.run >= first, ~books.refunded())
    for place, amount in booked(connection, turns.c.run < first, _refunded_since(first)).items():
        change[place] -= amount
    last: dict[str, dict[str, int]] = defaultdict(dict)
    for (team, person), (sequence,) in _last_turns(connection, first).items():
        last[team][person] = sequence
    t = turns.c
    newest = sa.select(t.team, sa.func.max(t.sequence)).where(t.run < first).group_by(t.team)
    sequences: dict[str, int] = {row[0]: row[1] for row in connection.execute(newest)}
    credits: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    held: dict[tuple[str, str], dict[Key, Voucher]] = {}
    for (team, lane), ledger in books.ledgers(connection).items():
        credits[team][lane].update(ledger.credits)
        held[team, lane] = dict(ledger.vouchers)
    _turn_vouchers_back(connection, held, first)
    for (team, lane, person), amount in change.items():
        credits[team][lane][person] -= amount
    return {
        (team, lane): Ledger(
            dict(own),
            _over(lanes.values()),
            last[team],
            1,
            sequences.get(team, 0) + 1,
            held.get((team, lane), {}),
            _streak(connection, team, lane, first) if held.get((team, lane)) else 0,
        )
        for team, lanes in credits.items()
        for lane, own in lanes.items()
    }


def _turn_vouchers_back(
    connection: Connection, held: dict[tuple[str, str], dict[Key, Voucher]], first: int
) -> None:
    """Vouchers as they were: without what later turns changed, with what was given back since.

    An absence that was prolonged since expires as the first of the later turns knew it.
    """
    told = sa.type_coerce(turns.c.vouchers, sa.Text) != "null"
    expired: dict[tuple[str, str, Key], date] = {}
    since = sa.select(turns).where(turns.c.run >= first, told).order_by(turns.c.sequence)
    for row in connection.execute(since):
        for one in turn_rows.moves(row.vouchers):
            expired.setdefault((row.team, row.lane, (one.person, one.absence)), one.expires)
    for row in connection.execute(since.where(~books.refunded())):
        move_back(held[row.team, row.lane], turn_rows.moves(row.vouchers))
    for row in connection.execute(sa.select(turns).where(turns.c.run < first, _refunded_since(first), told)):
        for one in turn_rows.moves(row.vouchers):
            there = held[row.team, row.lane].get((one.person, one.absence))
            keep = replace(one, expires=there.expires) if there else one
            move(held[row.team, row.lane], (keep,))
    for (team, lane, key), day in expired.items():
        held[team, lane][key] = replace(held[team, lane][key], expires=day)


def _over(lanes: Iterable[Counter[str]]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for own in lanes:
        for person, credit in own.items():
            total[person] += credit
    return dict(total)


def booked(connection: Connection, *which: sa.ColumnElement[bool]) -> Counter[tuple[str, str, str]]:
    """What these turns changed, by team, lane and person: counted by what is equal, never turn by turn."""
    t = turns.c
    change: Counter[tuple[str, str, str]] = Counter()
    paid = sa.select(t.team, t.lane, t.payer, t.paid, sa.func.count()).where(*which)
    for team, lane, payer, amount, number in connection.execute(
        paid.group_by(t.team, t.lane, t.payer, t.paid)
    ):
        change[team, lane, payer] -= amount * number
    same = sa.select(t.team, t.lane, t.eligibility, t.paid, sa.func.count()).where(*which)
    counted = connection.execute(same.group_by(t.team, t.lane, t.eligibility, t.paid)).all()
    contents = books.contents(connection, {row.eligibility for row in counted})
    for team, lane, sha, _, number in counted:
        for person, share in contents[sha]["shares"].items():
            change[team, lane, person] += share * number
    return change


def _refunded_since(first: int) -> sa.Exists:
    r, t = refunds.c, turns.c
    return sa.exists().where(r.team == t.team, r.lane == t.lane, r.number == t.number, r.run >= first)


def _live_then(first: int) -> sa.ColumnElement[bool]:
    """Turns taken before the first run and not given back before it."""
    r, t = refunds.c, turns.c
    gone = sa.exists().where(r.team == t.team, r.lane == t.lane, r.number == t.number, r.run < first)
    return sa.and_(t.run < first, ~gone)


def _last_turns(connection: Connection, first: int) -> dict[tuple[str, str], tuple[int, ...]]:
    t = turns.c
    query = sa.select(t.team, t.payer, sa.func.max(t.sequence)).where(_live_then(first))
    return {(team, payer): (n,) for team, payer, n in connection.execute(query.group_by(t.team, t.payer))}


def _recent(
    connection: Connection, first: int, back: Iterable[PastRefund | PastBack]
) -> dict[tuple[str, str], tuple[int, ...]]:
    found = _last_turns(connection, first)
    t = turns.c
    for (team, person), number in Counter((r.team, r.booking.payer) for r in back if r.booking).items():
        query = sa.select(t.sequence).where(_live_then(first), t.team == team, t.payer == person)
        newest = connection.execute(query.order_by(t.sequence.desc()).limit(number + 1)).scalars()
        found[team, person] = tuple(newest)
    return found


def _streak(connection: Connection, team: str, lane: str, first: int) -> int:
    """How many of the lane's newest automatic turns that stood then were catch-ups in a row."""
    found = 0
    for _, catch_up in reversed(_tail(connection, team, lane, first, 0)):
        found += catch_up
    return found


def _tails(
    connection: Connection,
    first: int,
    ledgers: Mapping[tuple[str, str], Ledger],
    back: Iterable[PastRefund | PastBack],
) -> Iterator[tuple[tuple[str, str], tuple[tuple[int, bool], ...]]]:
    gone = Counter((one.team, one.booking.lane) for one in back if one.booking)
    for (team, lane), ledger in ledgers.items():
        if any(one.earned for one in ledger.vouchers.values()):
            yield (team, lane), _tail(connection, team, lane, first, gone[team, lane])


def _tail(
    connection: Connection, team: str, lane: str, first: int, more: int
) -> tuple[tuple[int, bool], ...]:
    """The last automatic turns that stood then, back to the last one that was no catch-up, and so many more
    of those."""
    t = turns.c
    mine = sa.and_(t.team == team, t.lane == lane, t.kind.in_(AUTOMATIC), _live_then(first))
    others = sa.select(t.sequence).where(mine, t.kind != "catch-up").order_by(t.sequence.desc())
    begin = connection.execute(others.limit(1).offset(more)).scalar() or 0
    query = sa.select(t.sequence, t.kind).where(mine, t.sequence >= begin).order_by(t.sequence)
    return tuple((row.sequence, row.kind == "catch-up") for row in connection.execute(query))


def _undone(connection: Connection, first: int, began: datetime) -> Iterator[PastRefund]:
    """Leads given before the first run and given back since, each with its turn."""
    t = turns.c
    own = sa.and_(
        t.source == _D.source, t.source_id == _D.source_id, t.epoch == _D.epoch, t.kind != "by hand"
    )
    query = (
        sa.select(
            _D.settled_run, _D.team.label("for_team"), _D.person, _D.at.label("given"), turns,
            eligibility.c.content,
        )
        .outerjoin(turns, own)
        .outerjoin(eligibility, eligibility.c.sha256 == t.eligibility)
        .where(_D.run < first, _D.at >= began - UNSETTLED, _D.settled_run >= first, _D.given_back)
        .where(_D.person.is_not(None), _D.team.is_not(None), _NOT_RETURNED)
        .order_by(_D.settled_run, _D.at)
    )  # fmt: skip
    for row in connection.execute(query):
        yield PastRefund(row.settled_run, row.for_team, row.person, row.given, _booking(row))


def _booking(row: Row[Any]) -> Booking | None:
    """Of the turn of a row that may have none."""
    return turn_rows.booking(row, row.content["shares"]) if row.owner is not None else None


def _backs(connection: Connection, first: int) -> Iterator[PastBack]:
    """Leads that somebody had before the first run, and that came back in one of the runs."""
    t, again = turns.c, decisions.alias("again")
    next_ = sa.and_(
        again.c.source == _D.source, again.c.source_id == _D.source_id, again.c.epoch == _D.epoch + 1
    )
    own = sa.and_(
        t.source == _D.source, t.source_id == _D.source_id, t.epoch == _D.epoch, t.kind != "by hand"
    )
    columns = (_D.team.label("for_team"), _D.person, _D.at.label("given"), _D.ended, eligibility.c.content)
    given = (
        sa.select(again.c.source.label("k"), again.c.source_id.label("id"), *columns, turns)
        .select_from(again)
        .join(decisions, next_)
        .outerjoin(turns, own)
        .outerjoin(eligibility, eligibility.c.sha256 == t.eligibility)
        .where(again.c.run >= first, _D.run < first, _D.ended.in_([Ended.RETURNED, Ended.REJECTED]))
        .where(_D.person.is_not(None), _D.team.is_not(None))
        .order_by(again.c.run, _D.at, again.c.source, again.c.source_id)
    )
    for row in connection.execute(given):
        key = LeadKey(row.k, row.id)
        yield PastBack(key, row.for_team, row.person, row.given, _booking(row), ended=row.ended)
    here = sa.and_(again.c.source == t.source, again.c.source_id == t.source_id, again.c.epoch == t.epoch + 1)
    taken = (
        sa.select(turns, eligibility.c.content)
        .join(again, here)
        .join(eligibility, eligibility.c.sha256 == t.eligibility)
        .where(again.c.run >= first, _live_then(first), t.kind == "by hand")
        .order_by(again.c.run, t.sequence)
    )
    for row in connection.execute(taken):
        key = LeadKey(row.source, row.source_id)
        yield PastBack(key, row.team, row.owner, row.at, _booking(row), by_hand=True)


def _given(connection: Connection, first: int, began: datetime) -> Iterator[tuple[str, str, datetime]]:
    """What caps count when the first run begins."""
    query = (
        sa.select(_D.team, _D.person, _D.at)
        .where(_D.run < first, _D.at >= began - A_WEEK, _D.person.is_not(None), _D.team.is_not(None))
        .where(sa.or_(_D.given_back.is_(False), _D.settled_run >= first))
    )
    for row in connection.execute(query):
        yield row.team, row.person, row.at


def _taken(
    connection: Connection, first: int, began: datetime, backs: Iterable[PastBack]
) -> Iterator[tuple[str, str, datetime]]:
    """Leads that were taken by hand when the first run began: caps count these too."""
    row = leads.c
    still = (
        sa.select(row.taker_team, row.taker, row.since)
        .where(row.state == State.TAKEN.value, row.taker.is_not(None), row.taker_team.is_not(None))
        .where(row.since < began, row.since >= began - A_WEEK)
    )
    for found in connection.execute(still):
        yield found.taker_team, found.taker, found.since
    yield from ((one.team, one.person, one.at) for one in backs if one.by_hand)
