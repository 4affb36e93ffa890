"""Findings, looks and mails that the tests of alerts in the store speak of."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from allocator.domain.alerts import Book, Changes, Finding, Incident, Mail, Policy, Think
from allocator.domain.incidents import update

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLICY = Policy(oncall=("mia@x.test",), editors=("ed@x.test", "eva@x.test"), sender="a@x.test")


def look(*findings: Finding, now: datetime = MONDAY, policy: Policy = POLICY, covers: Any = None) -> Think:
    """What a look finds, with mails that say as little as may be."""
    kinds = {finding.kind for finding in findings} if covers is None else set(covers)

    def think(book: Book) -> Changes:
        return update(book, findings, covers=kinds, policy=policy, write=words, now=now)

    return think


def words(incident: Incident, phase: Any, reader: Any, last: bool) -> Any:
    return {"subject": f"{phase} {incident.id}", "content": {"reader": str(reader), "last": last}}


def held(count: int = 12, reason: str = "no_rule", **more: Any) -> Finding:
    return Finding(kind="leads_held", key=reason, count=count, total=240, **more)


def mail(number: int = 1, **more: Any) -> Mail:
    made = Mail(
        message_id=f"m{number}@x.test", thread=f"t{number}@x.test", recipient="mia@x.test", kind="run_failed",
        incident="", phase="FIRING", subject="s", content={"n": number}, created=MONDAY,
    )  # fmt: skip
    return replace(made, **more)


def post(store: Any, *mails: Mail, now: datetime = MONDAY) -> None:
    store.change_alerts(lambda book: Changes(mails=mails), now=now)


def shown(store: Any) -> Any:
    """All that the ports show of alerts and slots, to compare before and after."""
    every = store.mails(states=("pending", "sent", "dead"), limit=1000)
    return store.incidents(limit=1000), every, store.post(), store.slots(), store.runs(), store.last_done()


class Broken(Exception):
    """Thinking went wrong."""


def broken(book: Book) -> Changes:
    raise Broken


def at_once(work: Any, *, threads: int) -> list[BaseException]:
    """What was raised when all of them do their `work(n)` at the same time."""
    ready, failed = threading.Barrier(threads), list[BaseException]()

    def one(n: int) -> None:
        ready.wait()
        try:
            work(n)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    running = [threading.Thread(target=one, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return failed
