"""Turns one by one as `explain` needs them, and the ledger before one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store import turn_rows
from allocator.adapters.store.past_books import booked
from allocator.adapters.store.tables import eligibility, refunds, turns
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey
from allocator.domain.taken_turns import TakenTurn, fits
from rules.turn import Ledger

_T, _R = turns.c, refunds.c
_REFUND = sa.and_(_R.team == _T.team, _R.lane == _T.lane, _R.number == _T.number)


def of_lead(connection: Connection, key: LeadKey) -> Sequence[TakenTurn]:
    """All turns of a lead, in the order in which they were taken."""
    query = (
        sa.select(turns, eligibility.c.content, _R.number.is_not(None).label("back"), _R.reason)
        .join(eligibility, eligibility.c.sha256 == _T.eligibility)
        .outerjoin(refunds, _REFUND)
        .where(_T.source == key.source, _T.source_id == key.source_id)
        .order_by(_T.epoch, _T.at, _T.sequence)
    )
    return [
        TakenTurn(turn_rows.turn_row(row, row.content), row.at, row.run, bool(row.back), row.reason or "")
        for row in connection.execute(query)
    ]


def ledger_before(connection: Connection, row: TurnRow) -> Ledger | None:
    """The ledger that the turn was taken from; None where the stored turns do not lead to its numbers.

    What was given back in the same run was so either before its decisions or after them.
    """
    here = sa.and_(_T.team == row.team, _T.lane == row.lane, _T.number == row.turn.number)
    run = connection.execute(sa.select(_T.run).where(here)).scalar()
    if run is None:
        return None
    for gone in (_R.run < run, _R.run <= run):
        ledger = _ledger(connection, row, gone)
        if fits(ledger, row.turn):
            return ledger
    return None


def _ledger(connection: Connection, row: TurnRow, gone: sa.ColumnElement[bool]) -> Ledger:
    stood = ~sa.exists().where(_REFUND, gone)
    before = (_T.team == row.team, _T.sequence < row.turn.sequence, stood)
    credits: dict[str, int] = defaultdict(int)
    over_all: dict[str, int] = defaultdict(int)
    for (_, lane, person), change in booked(connection, *before).items():
        over_all[person] += change
        if lane == row.lane:
            credits[person] += change
    newest = sa.select(_T.payer, sa.func.max(_T.sequence)).where(*before).group_by(_T.payer)
    last: dict[str, int] = {one[0]: one[1] for one in connection.execute(newest)}
    return Ledger(dict(credits), dict(over_all), last, row.turn.number, row.turn.sequence)
