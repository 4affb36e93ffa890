"""Past runs as a replay needs them: their decisions, and how leads, ledgers and counts stood before them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store import ledger as books
from allocator.adapters.store import shapes, turn_rows
from allocator.adapters.store.leads import by_key
from allocator.adapters.store.tables import decisions, eligibility, leads, refunds, runs, turns, unescape
from allocator.domain.lead import LeadKey, State
from allocator.domain.past import Past, PastDecision, PastRefund, PastRun, past_run
from rules.rotation import Ledger
from rules.vouchers import Key, Voucher, move, move_back

A_WEEK = timedelta(days=9)
"""How far back caps count, in any time zone."""
UNSETTLED = timedelta(days=35)
"""How long a decision may have waited in the outbox to be found when it is given back."""

_D = decisions.c
_COLUMNS = (
    _D.source, _D.source_id, _D.epoch, _D.run, _D.state, _D.reason, _D.detail, _D.person, _D.owner, _D.basis,
    _D.settled_run, _D.tables_version, _D.ended, _D.shape, _D.seen,
)  # fmt: skip


def read(connection: Connection, since: datetime, most: int) -> Past | None:
    """The runs since then that say what they saw; None when there are none."""
    window = _window(connection, since, most)
    if window is None or not (window.first or window.older):
        return None
    if not window.first:
        return Past(runs=(), older=window.older)
    first = window.first
    found = list(_decisions(connection, _D.run >= first))
    by_run: dict[int, list[PastDecision]] = defaultdict(list)
    for one in found:
        by_run[one.run].append(one)
    made = tuple(replace(run, decisions=tuple(by_run[run.run])) for run in _runs(connection, first))
    undone = list(_undone(connection, first, made[0].now))
    held = _held(connection, first, made[0].now, found)
    return Past(
        runs=made,
        held=held,
        ledgers=_ledgers(connection, first),
        recent=_recent(connection, first, undone),
        given=tuple(_given(connection, first, made[0].now)),
        refunds=tuple(undone),
        older=window.older,
        cut=window.cut,
    )


# --- which runs -------------------------------------------------------------------------------------------


class _Window(NamedTuple):
    first: int
    """0: no run says what it saw."""
    older: int
    cut: bool


def _window(connection: Connection, since: datetime, most: int) -> _Window | None:
    """From the first run on after which every run noted what it saw, with at most so many decisions."""
    start = connection.execute(sa.select(sa.func.min(runs.c.run)).where(runs.c.started >= since)).scalar()
    if start is None:
        return None
    noted = connection.execute(
        sa.select(runs.c.run).where(runs.c.run >= start, runs.c.seen.is_not(None)).order_by(runs.c.run.desc())
    ).scalars()
    counted = sa.select(_D.run, sa.func.count()).where(_D.run >= start).group_by(_D.run)
    counts: dict[int, int] = {row[0]: row[1] for row in connection.execute(counted)}
    with_seen = list(noted)
    blind = max(counts.keys() - set(with_seen), default=start - 1)
    able: list[int] = []
    total = 0
    usable = [run for run in with_seen if run > blind]
    for run in usable:
        total += counts.get(run, 0)
        if able and total > most:
            break
        able.append(run)
    return _Window(able[-1] if able else 0, _older(connection, start, blind), len(able) < len(usable))


def _older(connection: Connection, start: int, blind: int) -> int:
    if blind < start:
        return 0
    query = sa.select(_D.source, _D.source_id).where(_D.run >= start, _D.run <= blind).distinct()
    return int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())


def _runs(connection: Connection, first: int) -> Iterator[PastRun]:
    r = runs.c
    query = sa.select(r.run, r.live, r.tables_version, r.seen).where(r.run >= first, r.seen.is_not(None))
    for row in connection.execute(query.order_by(r.run)):
        yield past_run(row.run, bool(row.live), row.tables_version, row.seen)


# --- decisions --------------------------------------------------------------------------------------------


def _decisions(connection: Connection, condition: sa.ColumnElement[bool]) -> Iterator[PastDecision]:
    """All at once: types are undone in bulk, which is most of the time."""
    plain = [sa.type_coerce(c, sa.Text) if c.type.python_type is str else c for c in _COLUMNS[:-1]]
    query = sa.select(*plain, sa.type_coerce(_D.seen, sa.Text)).where(condition, _D.seen.is_not(None))
    rows = connection.execute(query.order_by(_D.run)).all()
    seen = json.loads(f"[{','.join(row[-1] for row in rows)}]")
    known = shapes.stored(connection, {row.shape for row in rows})
    for row, told in zip(rows, seen, strict=True):
        if told is not None:
            yield _decision(row, shapes.seen_of(told, known.get(row.shape)))


def _decision(row: Sequence[Any], told: Any) -> PastDecision:
    source, source_id, epoch, run, state, reason, detail, person, owner, basis, settled, version = row[:12]
    return PastDecision(
        LeadKey(source, unescape(source_id)), epoch, run, state, reason, unescape(detail),
        person and unescape(person), owner and unescape(owner), basis, settled, version, told,
        row[12],
    )  # fmt: skip


def _held(
    connection: Connection, first: int, began: datetime, found: Iterable[PastDecision]
) -> tuple[PastDecision, ...]:
    """Decisions by which leads were held when the first run began."""
    before = _D.run < first
    here = sa.and_(_D.source == leads.c.source, _D.source_id == leads.c.source_id, _D.epoch == leads.c.epoch)
    still = leads.c.state == State.HELD.value
    left = sa.and_(
        leads.c.state.in_([State.TAKEN.value, State.CLOSED.value]),
        leads.c.owner.is_(None),
        leads.c.since >= began,
    )
    stands = sa.exists().where(here, leads.c.run < first, sa.or_(still, left))
    held = {one.key: one for one in _decisions(connection, sa.and_(before, stands))}
    again = {one.key for one in found if one.held} - held.keys()
    for condition in by_key(decisions, again):
        for one in _decisions(connection, sa.and_(before, condition)):
            held[one.key] = max(one, held.get(one.key, one), key=lambda d: d.epoch)
    return tuple(one for _, one in sorted(held.items()) if _was_held(one, first))


def _was_held(one: PastDecision, first: int) -> bool:
    """Held by the rules, or by its delivery before the first run."""
    by_rules = one.owner is None and (one.settled_run is None or one.settled_run >= first)
    return by_rules or (one.state == State.HELD and (one.settled_run or first) < first)


# --- ledgers and counts -----------------------------------------------------------------------------------


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
            books.streak(connection, team, lane, before=first),
        )
        for team, lanes in credits.items()
        for lane, own in lanes.items()
    }


def _turn_vouchers_back(
    connection: Connection, held: dict[tuple[str, str], dict[Key, Voucher]], first: int
) -> None:
    """Vouchers as they were: without what later turns changed, with what was given back since."""
    told = sa.type_coerce(turns.c.vouchers, sa.Text) != "null"
    since = sa.select(turns).where(turns.c.run >= first, ~books.refunded(), told)
    for row in connection.execute(since):
        move_back(held[row.team, row.lane], turn_rows.moves(row.vouchers))
    for row in connection.execute(sa.select(turns).where(turns.c.run < first, _refunded_since(first), told)):
        move(held[row.team, row.lane], turn_rows.moves(row.vouchers))


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
    connection: Connection, first: int, undone: Iterable[PastRefund]
) -> dict[tuple[str, str], tuple[int, ...]]:
    found = _last_turns(connection, first)
    t = turns.c
    for (team, person), number in Counter((r.team, r.person) for r in undone if r.booking).items():
        query = sa.select(t.sequence).where(_live_then(first), t.team == team, t.payer == person)
        newest = connection.execute(query.order_by(t.sequence.desc()).limit(number + 1)).scalars()
        found[team, person] = tuple(newest)
    return found


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
        .where(_D.person.is_not(None), _D.team.is_not(None))
        .order_by(_D.settled_run, _D.at)
    )  # fmt: skip
    for row in connection.execute(query):
        booking = None
        if row.owner is not None:
            booking = turn_rows.booking(row, row.content["shares"])
        yield PastRefund(row.settled_run, row.for_team, row.person, row.given, booking)


def _given(connection: Connection, first: int, began: datetime) -> Iterator[tuple[str, str, datetime]]:
    """What caps count when the first run begins."""
    query = (
        sa.select(_D.team, _D.person, _D.at)
        .where(_D.run < first, _D.at >= began - A_WEEK, _D.person.is_not(None), _D.team.is_not(None))
        .where(sa.or_(_D.given_back.is_(False), _D.settled_run >= first))
    )
    for row in connection.execute(query):
        yield row.team, row.person, row.at
