"""The contract of `AlertStore` over memory, SQLite and PostgreSQL: incidents, mails, silences."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from alert_cases import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    POLICY,
    Broken,
    at_once,
    broken,
    held,
    look,
    mail,
    post,
    shown,
)
from store_cases import begin, end, lose_the_answer

from allocator.adapters.store.sql import open_store
from allocator.domain.alerts import Book, Changes, Finding, Level, Reader, Silence
from allocator.errors import UnknownName

NASTY = "\ud800 a\x00b ␀ ü \u2028\r\nBcc: x"


def change(store: Any, *findings: Finding, now: datetime = MONDAY, **more: Any) -> Changes:
    changes: Changes = store.change_alerts(look(*findings, now=now, **more), now=now)
    return changes


def book_of(store: Any, now: datetime = MONDAY) -> Book:
    seen: list[Book] = []

    def think(book: Book) -> Changes:
        seen.append(book)
        return Changes()

    store.change_alerts(think, now=now)
    return seen[0]


# --- incidents --------------------------------------------------------------------------------------------


def test_what_think_returns_is_written_and_returned(store: Any) -> None:
    changes = change(store, held())
    assert [incident.id for incident in changes.incidents] == ["INC-9E37"]
    assert tuple(store.incidents()) == changes.incidents
    rows = store.mails()
    assert [row.mail for row in reversed(rows)] == list(changes.mails)
    assert {(row.state, row.attempts, row.due, row.error, row.sent) for row in rows} == {
        ("pending", 0, MONDAY, "", None)
    }


def test_think_is_shown_the_book_as_the_last_change_left_it(store: Any) -> None:
    assert book_of(store) == Book()
    changes = change(store, held(), Finding(kind="run_failed"))
    store.silence(silence := Silence("run_missed", "", MONDAY + HOUR, "mia", "moving"))
    book = book_of(store)
    assert book.incidents == changes.incidents
    assert (book.silences, book.last_number) == ((silence,), 2)
    assert dict(book.mailed_today) == {"ed@x.test": 1, "eva@x.test": 1, "mia@x.test": 1}


def test_every_part_of_an_incident_comes_back(store: Any) -> None:
    whole = held(
        level=Level.HIGH, readers=frozenset(Reader), causes=(("NO_RULE", 2), (NASTY, 1)),
        leads=("salesforce:1", NASTY), details=(NASTY,), edition="e1",
    )  # fmt: skip
    before = change(store, whole).incidents
    assert set(before[0].told) == {"mia@x.test", "ed@x.test", "eva@x.test"}
    assert tuple(store.incidents()) == before == book_of(store).incidents
    acked = store.acknowledge(before[0].id, until=MONDAY + HOUR, by=NASTY)
    assert acked == replace(before[0], acked_until=MONDAY + HOUR, acked_by=NASTY)
    assert list(store.incidents()) == [acked]


def test_a_think_that_raises_changes_nothing(store: Any) -> None:
    change(store, held())
    before = shown(store)
    with pytest.raises(Broken):
        store.change_alerts(broken, now=MONDAY)
    assert shown(store) == before


def test_mails_and_incidents_are_written_together_or_not_at_all(sql_backend: Any) -> None:
    store = sql_backend.open()
    change(store, held())
    before = shown(store)

    def think(book: Book) -> Changes:
        good = look(Finding(kind="run_failed"))(book)
        return replace(good, mails=(*good.mails, mail(created=datetime(2026, 11, 2))))  # noqa: DTZ001

    with pytest.raises(ValueError, match="aware"):
        store.change_alerts(think, now=MONDAY)
    assert shown(store) == before


def test_a_resolved_incident_stays_in_the_book_while_somebody_must_hear_of_it(store: Any) -> None:
    change(store, held(), Finding(kind="run_failed"))
    silent = replace(POLICY, mails=False)
    change(store, now=MONDAY + HOUR, covers=["leads_held"], policy=silent)
    book = book_of(store, MONDAY + HOUR)
    assert [(i.kind.name, i.resolved) for i in book.incidents] == [
        ("leads_held", MONDAY + HOUR), ("run_failed", None)
    ]  # fmt: skip
    told = change(store, now=MONDAY + 2 * HOUR, covers=["leads_held"])
    assert [m.phase for m in told.mails] == ["RESOLVED"] * 2
    book = book_of(store, MONDAY + 2 * HOUR)
    assert [i.kind.name for i in book.incidents] == ["run_failed"]
    assert (book.last_number, len(store.incidents())) == (2, 2)


def test_open_incidents_come_first_and_then_the_newest_of_the_others(store: Any) -> None:
    for n, kind in enumerate(("run_failed", "crm_refused", "run_missed", "alerts_undelivered")):
        change(store, Finding(kind=kind), now=MONDAY + n * HOUR)
    change(store, now=MONDAY + DAY, covers=["crm_refused", "run_missed"])
    kinds = [incident.kind.name for incident in store.incidents()]
    assert kinds == ["alerts_undelivered", "run_failed", "run_missed", "crm_refused"]
    assert [incident.kind.name for incident in store.incidents(limit=3)] == kinds[:3]


def test_the_same_place_opens_a_new_incident_after_it_was_resolved(store: Any) -> None:
    first = change(store, held()).incidents[0].id
    change(store, now=MONDAY + HOUR, covers=["leads_held"])
    second = change(store, held(), now=MONDAY + 2 * HOUR).incidents[0].id
    assert first != second
    assert [incident.id for incident in store.incidents()] == [second, first]


@pytest.mark.parametrize("name", ["INC-9E37", "inc-9e37"])
def test_an_open_incident_is_acknowledged_by_its_id(store: Any, name: str) -> None:
    change(store, held())
    acked = store.acknowledge(name, until=MONDAY + 5 * HOUR, by="mia")
    assert (acked.acked_until, acked.acked_by) == (MONDAY + 5 * HOUR, "mia")
    assert not change(store, held(99), now=MONDAY + 5 * HOUR - MINUTE).mails
    assert change(store, held(99), now=MONDAY + 5 * HOUR).mails
    change(store, now=MONDAY + 6 * HOUR, covers=["leads_held"])
    before = shown(store)
    with pytest.raises(UnknownName, match=name):
        store.acknowledge(name, until=MONDAY + DAY, by="mia")
    assert shown(store) == before


def test_acknowledging_what_never_was_says_where_to_look(store: Any) -> None:
    with pytest.raises(
        UnknownName, match=r"No open incident is called INC-0000\. See: allocator alerts list"
    ):
        store.acknowledge("INC-0000", until=MONDAY, by="mia")


def test_two_stores_never_give_one_id_to_two_incidents(backend: Any) -> None:
    backend.open()
    failed = at_once(
        lambda n: [
            change(backend.open(), held(reason=f"r{n}-{k}"), covers=[], policy=replace(POLICY, mails=False))
            for k in range(5)
        ],
        threads=3,
    )
    assert failed == []
    names = [incident.id for incident in backend.opened[0].incidents()]
    assert len(set(names)) == len(names) == 15


# --- silences ---------------------------------------------------------------------------------------------


def test_a_silence_ends_by_itself_and_is_replaced_by_one_for_the_same_place(store: Any) -> None:
    short = Silence("leads_held", "no_rule", MONDAY + HOUR, "mia", NASTY)
    store.silence(short)
    store.silence(wide := Silence("leads_held", "", MONDAY + DAY))
    assert list(store.silences(now=MONDAY)) == [wide, short]
    assert list(store.silences(now=MONDAY + HOUR)) == [wide]
    store.silence(longer := replace(short, until=MONDAY + 2 * DAY, reason="still"))
    assert list(store.silences(now=MONDAY)) == [wide, longer]
    store.silence(replace(longer, until=MONDAY))
    assert list(store.silences(now=MONDAY)) == [wide]
    assert book_of(store).silences == (wide,)


# --- mails ------------------------------------------------------------------------------------------------


def test_a_mail_comes_back_as_it_was_written(store: Any) -> None:
    content = {"details": [NASTY, None, 1.5, {"b": [True]}], NASTY: "x"}
    post(store, one := mail(subject=NASTY, recipient=NASTY, content=content, answer=True))
    assert [row.mail for row in store.mails()] == [one]
    assert [row.mail for row in store.claim_mails(now=MONDAY)] == [one]


def test_the_newest_mails_come_first_by_state_and_up_to_a_limit(store: Any) -> None:
    post(store, *(mail(n) for n in range(5)))
    store.settle_mail(2, now=MONDAY)
    store.settle_mail(4, now=MONDAY, error="550", final=True)
    assert [(row.id, row.state) for row in store.mails()] == [
        (5, "pending"), (4, "dead"), (3, "pending"), (1, "pending")
    ]  # fmt: skip
    assert [row.id for row in store.mails(states=["sent"])] == [2]
    assert [row.id for row in store.mails(states=["pending"], limit=2)] == [5, 3]


def test_a_claimed_mail_counts_as_tried_and_is_nobody_else_s_for_a_while(store: Any) -> None:
    post(store, *(mail(n) for n in range(3)))
    first = store.claim_mails(now=MONDAY, limit=2)
    assert [(row.id, row.attempts) for row in first] == [(1, 1), (2, 1)]
    assert [row.id for row in store.claim_mails(now=MONDAY)] == [3]
    assert [row.id for row in store.claim_mails(now=MONDAY + 5 * MINUTE - timedelta(seconds=1))] == []
    again = store.claim_mails(now=MONDAY + 5 * MINUTE)
    assert [(row.id, row.attempts) for row in again] == [(1, 2), (2, 2), (3, 2)]
    assert {row.due for row in again} == {row.due for row in store.mails()} == {MONDAY + 10 * MINUTE}


def test_a_mail_is_not_claimed_before_it_is_due(store: Any) -> None:
    post(store, mail(created=MONDAY + HOUR))
    assert store.claim_mails(now=MONDAY) == []
    assert len(store.claim_mails(now=MONDAY + HOUR)) == 1


def test_the_mail_that_waits_longest_is_claimed_first(store: Any) -> None:
    post(store, mail(1, created=MONDAY + 2 * MINUTE), mail(2, created=MONDAY), mail(3, created=MONDAY))
    assert [row.id for row in store.claim_mails(now=MONDAY + HOUR, limit=9)] == [2, 3, 1]


def test_mails_of_one_thread_to_one_reader_go_out_one_after_the_other(store: Any) -> None:
    same = {"thread": "t@x.test"}
    post(store, mail(1, **same), mail(2, recipient="ed@x.test", **same), mail(3, **same), mail(4))
    assert [row.id for row in store.claim_mails(now=MONDAY)] == [1, 2, 4]
    assert store.claim_mails(now=MONDAY) == []
    store.settle_mail(1, now=MONDAY, error="smtp 451")
    assert store.claim_mails(now=MONDAY) == []
    assert [row.id for row in store.claim_mails(now=MONDAY + MINUTE)] == [1]
    store.settle_mail(1, now=MONDAY + MINUTE, error="smtp 550", final=True)
    assert [row.id for row in store.claim_mails(now=MONDAY + MINUTE)] == [3]


def test_a_mail_is_tried_after_1_5_15_30_minutes_and_every_30_for_7_days(store: Any) -> None:
    post(store, mail())
    now, waits = MONDAY, []
    while store.post().pending:
        (row,) = store.claim_mails(now=now)
        store.settle_mail(row.id, now=now, error="unreachable")
        (row,) = store.mails()
        assert (row.error, row.attempts) == ("unreachable", len(waits) + 1)
        assert row.due is not None
        waits.append(row.due - now)
        now = row.due
    assert [wait // MINUTE for wait in waits[:6]] == [1, 5, 15, 30, 30, 30]
    assert set(waits[3:-1]) == {30 * MINUTE}
    assert store.mails()[0].state == "dead"
    assert 7 * DAY <= now - waits[-1] - MONDAY < 7 * DAY + 31 * MINUTE


def test_a_mail_that_the_server_took_is_sent_whatever_anybody_says_later(store: Any) -> None:
    post(store, mail())
    store.claim_mails(now=MONDAY)
    store.settle_mail(1, now=MONDAY + MINUTE)
    store.settle_mail(1, now=MONDAY + HOUR, error="timeout")
    (row,) = store.mails(states=["sent"])
    assert (row.state, row.error, row.sent) == ("sent", "", MONDAY + MINUTE)
    assert store.claim_mails(now=MONDAY + DAY) == []


def test_a_final_error_ends_a_mail_at_once(store: Any) -> None:
    post(store, mail())
    store.claim_mails(now=MONDAY)
    store.settle_mail(1, now=MONDAY, error="550", final=True)
    (row,) = store.mails()
    assert (row.state, row.error, row.sent) == ("dead", "550", None)
    assert store.claim_mails(now=MONDAY + DAY) == []


def test_a_mail_of_a_week_ago_that_is_taken_at_last_is_sent(store: Any) -> None:
    post(store, mail())
    late = MONDAY + 8 * DAY
    store.claim_mails(now=late)
    store.settle_mail(1, now=late)
    assert store.mails(states=["sent"])[0].sent == late


def test_the_post_counts_by_state_and_knows_since_when_mails_wait(store: Any) -> None:
    assert store.post().pending == 0
    assert store.post().oldest is None
    post(
        store,
        mail(1, kind="alerts_undelivered", created=MONDAY - 2 * HOUR), mail(2, created=MONDAY - HOUR),
        mail(3), mail(4), mail(5),
    )  # fmt: skip
    store.settle_mail(4, now=MONDAY)
    store.settle_mail(5, now=MONDAY, error="550", final=True)
    found = store.post()
    assert (found.pending, found.sent, found.dead) == (3, 1, 1)
    assert (found.oldest, found.oldest_alert) == (MONDAY - 2 * HOUR, MONDAY - HOUR)


def test_the_mails_of_this_utc_day_are_counted_by_address_alerts_and_answers_apart(store: Any) -> None:
    midnight = MONDAY.replace(hour=0)
    post(
        store,
        mail(1, created=midnight - timedelta(microseconds=1)), mail(2, created=midnight), mail(3),
        mail(4, answer=True), mail(5, recipient="ed@x.test", created=midnight + DAY - MINUTE),
    )  # fmt: skip
    store.settle_mail(3, now=MONDAY, error="550", final=True)
    for zone in (0, 14, -11):
        now = MONDAY.replace(hour=12).astimezone(timezone(timedelta(hours=zone)))
        book = book_of(store, now)
        assert dict(book.mailed_today) == {"mia@x.test": 2, "ed@x.test": 1}
        assert dict(book.answered_today) == {"mia@x.test": 1}
    assert dict(book_of(store, midnight + DAY).mailed_today) == {}


def test_two_claimers_never_get_one_mail(backend: Any) -> None:
    store = backend.open()
    post(store, *(mail(n) for n in range(30)))
    claimed: list[int] = []

    def claim(n: int) -> None:
        mine = backend.open()
        while rows := mine.claim_mails(now=MONDAY, limit=2):
            claimed.extend(row.id for row in rows)

    assert at_once(claim, threads=4) == []
    assert sorted(claimed) == list(range(1, 31))


def test_of_two_verdicts_at_once_sent_is_not_undone(backend: Any) -> None:
    store = backend.open()
    post(store, *(mail(n) for n in range(10)))
    store.claim_mails(now=MONDAY)

    def settle(n: int) -> None:
        mine = backend.open()
        for number in range(1, 11):
            mine.settle_mail(number, now=MONDAY, error="timeout" if n else "")

    assert at_once(settle, threads=2) == []
    assert store.post().sent == 10


# --- the end of a run -------------------------------------------------------------------------------------


def test_a_run_ends_with_its_alerts_in_one_transaction(store: Any) -> None:
    lease = begin(store)
    store.end_run(lease, at=MONDAY, state="done", summary={"x": 1}, think=look(held()))
    assert store.run(1).state == "done"
    assert [incident.kind.name for incident in store.incidents()] == ["leads_held"]
    assert store.post().pending == 2


def test_an_end_whose_think_raises_changes_nothing_and_can_be_tried_again(store: Any) -> None:
    store.mark_slots(add=["2026-01-05T08"], at=MONDAY)
    lease = begin(store)
    before = shown(store)
    with pytest.raises(Broken):
        store.end_run(lease, at=MONDAY, state="done", summary={}, think=broken)
    assert shown(store) == before
    assert store.active() is not None
    end(store, lease)
    assert store.active() is None


def test_alerts_change_while_another_process_holds_the_lease(backend: Any) -> None:
    lease = begin(backend.open())
    other = backend.open()
    change(other, held())
    post(other, mail())
    assert len(other.claim_mails(now=MONDAY)) == 3
    end(backend.opened[0], lease)


# --- a lost answer to COMMIT ------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done"])
def test_a_change_whose_commit_answer_is_lost_is_made_once(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    store = open_store(postgresql_database)
    contested = Finding(kind="owner_contested", count=3)

    def losing(work: Any) -> Any:
        with monkeypatch.context() as patch:
            commits = lose_the_answer(store, patch, after=after)
            result = work()
        assert len(commits) == 2
        return result

    changes = losing(lambda: change(store, contested))
    assert [m.recipient for m in changes.mails] == ["mia@x.test"]
    assert [incident.count for incident in store.incidents()] == [3]
    changes = losing(lambda: change(store, contested, now=MONDAY + HOUR))
    assert [incident.count for incident in store.incidents()] == [6]
    name = changes.incidents[0].id
    assert losing(lambda: store.acknowledge(name, until=MONDAY + DAY, by="mia")).acked_by == "mia"
    losing(lambda: store.silence(Silence("run_failed", "", MONDAY + DAY)))
    assert len(store.silences(now=MONDAY)) == 1
    losing(lambda: store.settle_mail(1, now=MONDAY, error="timeout"))
    assert [(row.id, row.state) for row in store.mails()] == [(1, "pending")]
    lease = begin(store)
    finish = look(contested, now=MONDAY + 2 * HOUR)
    losing(lambda: store.end_run(lease, at=MONDAY + 2 * HOUR, state="done", summary={}, think=finish))
    assert [incident.count for incident in store.incidents()] == [9]
    store.close()
