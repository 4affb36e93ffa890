"""The outbox of mails: written with the event, claimed before sending, settled by what the server said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.tables import mails
from allocator.domain.alerts import GIVE_UP_AFTER, Mail, claimed_until, retry_at
from allocator.domain.records import MailRow, Post

PENDING, SENT, DEAD = "pending", "sent", "dead"


def add(connection: Connection, new: Sequence[Mail]) -> None:
    first = (connection.execute(sa.select(sa.func.max(mails.c.id))).scalar() or 0) + 1
    insert_rows(connection, mails, [_row(mail, number) for number, mail in enumerate(new, start=first)])


def counted_today(connection: Connection, now: datetime) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Alerts and answers written since midnight UTC, by address."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    query = sa.select(mails.c.recipient, mails.c.answer).where(
        mails.c.created >= midnight, mails.c.created < midnight + timedelta(days=1)
    )
    rows = connection.execute(query).all()
    return Counter(r.recipient for r in rows if not r.answer), Counter(r.recipient for r in rows if r.answer)


def claim(connection: Connection, now: datetime, limit: int) -> Sequence[MailRow]:
    """Each claimed mail counts as tried, and is due again later in case nobody settles it.

    Of one thread to one recipient only the first that waits: nobody reads that it is over before what it was.
    """
    earlier = mails.alias()
    waits_behind = sa.exists().where(
        earlier.c.recipient == mails.c.recipient, earlier.c.thread == mails.c.thread,
        earlier.c.state == PENDING, earlier.c.id < mails.c.id,
    )  # fmt: skip
    query = sa.select(mails).where(mails.c.state == PENDING, mails.c.due <= now, ~waits_behind)
    rows = connection.execute(query.order_by(mails.c.due, mails.c.id).limit(limit)).all()
    claimed = []
    for row in rows:
        again = claimed_until(now, row.attempts + 1)
        connection.execute(
            sa.update(mails).where(mails.c.id == row.id).values(attempts=row.attempts + 1, due=again)
        )
        claimed.append(replace(_mail_row(row), attempts=row.attempts + 1, due=again))
    return claimed


def settle(connection: Connection, number: int, now: datetime, error: str, *, final: bool) -> None:
    row = connection.execute(sa.select(mails).where(mails.c.id == number)).one()
    if row.state != PENDING:
        return
    given_up = final or now - row.created >= GIVE_UP_AFTER
    state = SENT if not error else DEAD if given_up else PENDING
    values: dict[str, Any] = {"state": state, "error": error, "sent": None if error else now}
    if state == PENDING:
        values["due"] = retry_at(now, row.attempts)
    still = sa.and_(mails.c.id == number, mails.c.state == PENDING)  # another sender may have settled it
    connection.execute(sa.update(mails).where(still).values(values))


def listed(connection: Connection, states: Collection[str], limit: int) -> Sequence[MailRow]:
    query = sa.select(mails).where(mails.c.state.in_(list(states))).order_by(mails.c.id.desc()).limit(limit)
    return [_mail_row(row) for row in connection.execute(query)]


def post(connection: Connection) -> Post:
    counts = {
        row.state: row.n
        for row in connection.execute(
            sa.select(mails.c.state, sa.func.count().label("n")).group_by(mails.c.state)
        )
    }
    waiting = sa.select(sa.func.min(mails.c.created)).where(mails.c.state == PENDING)
    return Post(
        pending=counts.get(PENDING, 0), sent=counts.get(SENT, 0), dead=counts.get(DEAD, 0),
        oldest=connection.execute(waiting).scalar(),
        oldest_alert=connection.execute(waiting.where(mails.c.kind != "alerts_undelivered")).scalar(),
    )  # fmt: skip


def _row(mail: Mail, number: int) -> dict[str, Any]:
    return {
        "id": number, "message_id": mail.message_id, "thread": mail.thread, "recipient": mail.recipient,
        "kind": mail.kind, "incident": mail.incident, "phase": mail.phase, "subject": mail.subject,
        "content": mail.content, "created": mail.created, "answer": mail.answer, "state": PENDING,
        "attempts": 0, "due": mail.created, "error": "", "sent": None,
    }  # fmt: skip


def _mail_row(row: Row[Any]) -> MailRow:
    mail = Mail(
        message_id=row.message_id, thread=row.thread, recipient=row.recipient, kind=row.kind,
        incident=row.incident, phase=row.phase, subject=row.subject, content=row.content,
        created=row.created, answer=bool(row.answer),
    )  # fmt: skip
    return MailRow(row.id, mail, row.state, row.attempts, row.due, row.error, row.sent)
