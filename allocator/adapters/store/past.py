"""Past runs as a replay needs them: their decisions, and how leads, ledgers and counts stood before them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store import past_books, shapes
from allocator.adapters.store.leads import by_key
from allocator.adapters.store.tables import decisions, leads, refunds, runs, turns, unescape
from allocator.domain.lead import LeadKey, Reason, State
from allocator.domain.past import Past, PastDecision, PastRun, past_run, run_at

_GONE = frozenset({State.TAKEN, State.CLOSED})
_D = decisions.c
_COLUMNS = (
    _D.source, _D.source_id, _D.epoch, _D.run, _D.state, _D.reason, _D.detail, _D.person, _D.owner, _D.basis,
    _D.settled_run, _D.tables_version, _D.ended, _D.settled_at, _D.shape, _D.seen,
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
    matched = _matched(connection, _D.run >= first)
    made = tuple(
        replace(run, decisions=tuple(by_run[run.run]), matched=frozenset(matched[run.run]))
        for run in _runs(connection, first)
    )
    before = past_books.before(connection, first, made[0].now)
    held = _held(connection, first, made[0].now, found)
    return replace(before, runs=made, held=held, older=window.older, cut=window.cut)


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
    starts = _Starts(connection)
    for row, told in zip(rows, seen, strict=True):
        if told is not None:
            one = _decision(row, shapes.seen_of(told, known.get(row.shape)))
            left = starts.left(one, row.settled_at) if one.state in _GONE and one.owner else None
            yield one._replace(left=left, stopped=_stopped(connection, one)) if left else one


def _matched(connection: Connection, condition: sa.ColumnElement[bool]) -> dict[int, dict[LeadKey, int]]:
    """By run: the leads of decisions that say nothing of what they saw, since nobody was chosen; their
    epochs."""
    unseen = sa.or_(_D.seen.is_(None), sa.type_coerce(_D.seen, sa.Text) == "null")
    found: dict[int, dict[LeadKey, int]] = defaultdict(dict)
    query = sa.select(_D.run, _D.source, _D.source_id, _D.epoch).where(condition, unseen)
    for row in connection.execute(query):
        found[row.run][LeadKey(row.source, row.source_id)] = row.epoch
    return found


class _Starts:
    """When runs started, read when somebody asks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._started: list[tuple[datetime, int]] | None = None

    def left(self, one: PastDecision, at: datetime | None) -> int | None:
        """The run that found the lead gone, if that was a later one than the one that ended its delivery."""
        if self._started is None:
            rows = self._connection.execute(sa.select(runs.c.started, runs.c.run))
            self._started = [(row.started, row.run) for row in rows]
        return run_at(self._started, at, one.settled_run or 0)


def _stopped(connection: Connection, one: PastDecision) -> str:
    """Why its delivery had been held, as the turn tells that was given back."""
    r, t = refunds.c, turns.c
    here = sa.and_(r.team == t.team, r.lane == t.lane, r.number == t.number, r.run == one.settled_run)
    query = sa.select(r.reason).select_from(turns).join(refunds, here).where(
        t.source == one.key.source, t.source_id == one.key.source_id, t.epoch == one.epoch
    )  # fmt: skip
    return connection.execute(query).scalar() or Reason.OWNER_REFUSED.value


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
        leads.c.since >= began,
    )
    stands = sa.exists().where(here, leads.c.run < first, sa.or_(still, left))
    held = {one.key: one for one in _decisions(connection, sa.and_(before, stands))}
    again = {one.key for one in found if one.held} - held.keys()
    for condition in by_key(decisions, again):
        for one in _decisions(connection, sa.and_(before, condition)):
            held[one.key] = max(one, held.get(one.key, one), key=lambda d: d.epoch)
        for some in _matched(connection, sa.and_(before, condition)).values():
            for key in (key for key, epoch in some.items() if key in held and epoch > held[key].epoch):
                del held[key]
    return tuple(one for _, one in sorted(held.items()) if _was_held(one, first))


def _was_held(one: PastDecision, first: int) -> bool:
    """Held by the rules, or by its delivery before the first run."""
    by_rules = one.owner is None and (one.settled_run is None or one.settled_run >= first)
    there = one.state == State.HELD or (one.left or 0) >= first
    return by_rules or (there and (one.settled_run or first) < first)
