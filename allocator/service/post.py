"""Sending the mails that wait: claimed first, settled by what the server said, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.records import MailRow
from allocator.errors import MailError
from allocator.ports import Mailer, Store

SERVER_IS_DOWN = frozenset({"unreachable", "timeout", "tls", "login", "cut"})
"""Codes after which the other mails would only wait for the same: they stay due, the next round tries one."""
A_ROUND = 50


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    sent: int = 0
    failed: int = 0


def send_due(
    store: Store,
    mailer: Mailer,
    now: Callable[[], datetime],
    *,
    limit: int = A_ROUND,
    stop: Callable[[], bool] = lambda: False,
) -> Round:
    """Send the pending mails that are due. Whatever happens to one, it is settled or tried again later."""
    sent = failed = 0
    while sent + failed < limit and not stop():
        rows = store.claim_mails(now=now(), limit=1)
        if not rows:
            break
        error = _send(store, mailer, rows[0], now)
        sent, failed = sent + (not error), failed + bool(error)
        if error in SERVER_IS_DOWN:
            break
    return Round(sent, failed)


def _send(store: Store, mailer: Mailer, row: MailRow, now: Callable[[], datetime]) -> str:
    """Returns the error's code, empty when the server took it."""
    error, final = "", False
    try:
        mailer.send(row.mail)
    except MailError as refused:
        error, final = str(refused), refused.final
    except Exception as broken:  # noqa: BLE001 (one mail that cannot be made must not stop the others)
        error = type(broken).__name__
    store.settle_mail(row.id, now=now(), error=error, final=final)
    return error
