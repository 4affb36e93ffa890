"""What needs no run: the look at the clock and at the mails, and the mail that is sent without a store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from allocator.domain import incidents
from allocator.domain.alerts import Book, Changes, Finding
from allocator.domain.notices import writer
from allocator.errors import MailError
from allocator.ports import Mailer, Ping, Store
from allocator.service.alerts import Desk, code_of, is_missed, is_stuck, of_the_clock, of_the_mails

PLACE = "watch"
"""Where the store remembers since when somebody watches: a service that never ran is missed too."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look at the clock showed."""

    missed: bool
    stuck: bool
    last_done: datetime | None
    since: datetime | None


def look_at_the_clock(store: Store, desk: Desk, ping: Ping, now: datetime) -> Watched:
    """Find what only time shows, and write it to the alerts. Tells the outside watch when something is."""
    since = _since(store, now)
    last = store.last_done()
    _write(store, desk, now, *of_the_clock(store, now, since=since))
    watched = Watched(is_missed(last, since, now), is_stuck(store.post(), now), last, since)
    if watched.missed or watched.stuck:
        ping("fail")
    return watched


def look_at_the_mails(store: Store, desk: Desk, ping: Ping, now: datetime) -> None:
    """After a run that nobody serves: whether alerts wait for too long, and if so who else can be told."""
    _write(store, desk, now, *of_the_mails(store, now))
    if is_stuck(store.post(), now):
        ping("fail")


def _write(
    store: Store, desk: Desk, now: datetime, found: Sequence[Finding], covers: Collection[str]
) -> None:
    """Nothing is written where nothing is wrong and nothing was."""
    if found or any(i.resolved is None and i.finding.kind in covers for i in store.incidents(limit=500)):
        desk = desk.as_served(store, now)
        scene = desk.scene(now, run=None, look=None, last_done=store.last_done())
        store.change_alerts(desk.think(lambda book: found, scene, now, covers=covers), now=now)


def _since(store: Store, now: datetime) -> datetime:
    known = store.answered(PLACE)
    if known:
        return datetime.fromisoformat(known)
    store.answer(PLACE, now.isoformat(), "", lambda book: Changes(), now=now)
    return now


def tell_of(store: Store, desk: Desk, error: Exception, now: datetime, *, run: int | None = None) -> None:
    """A run that could not even begin, for another reason than the store."""
    finding = Finding(kind="run_failed", causes=((code_of(error), 1),))
    scene = desk.scene(now, run=run, look=None, last_done=store.last_done())
    store.change_alerts(desk.think(lambda book: (finding,), scene, now, covers=()), now=now)


def tell_without_store(
    mailer: Mailer, desk: Desk, error: Exception, now: datetime, may_tell: Callable[[], bool]
) -> int:
    """The store is what is down: mail on-call at once, from memory. Returns how many were told."""
    if not may_tell():
        return 0
    scene = desk.scene(now, run=None, look=None, last_done=None)
    finding = Finding(kind="run_failed", causes=((code_of(error), 1),))
    changes = incidents.update(
        Book(), [finding], covers=(), policy=desk.policy, write=writer(scene, desk.policy, now), now=now
    )
    told = 0
    for mail in changes.mails:
        try:
            mailer.send(mail)
            told += 1
        except MailError:
            continue
    return told
