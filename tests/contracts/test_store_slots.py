"""The contract of `SlotStore` over memory, SQLite and PostgreSQL: hours, signs of life, answered files."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from alert_cases import DAY, HOUR, MINUTE, MONDAY, Broken, at_once, broken, held, look, shown
from store_cases import lose_the_answer

from allocator.adapters.store.sql import open_store
from allocator.domain.records import Beat, Lease
from allocator.domain.slots import Active, SlotRow, SlotState, Step, Try, step
from allocator.errors import BusyError, SlotTaken

OPEN, DONE, FAILED, SKIPPED, CAUGHT_UP = SlotState
NINE = "2026-11-02T09:00Z"
TEN = "2026-11-02T10:00Z"
EARLIER = [f"2026-11-02T0{hour}:00Z" for hour in range(9)]


def start(store: Any, slot: str = NINE, *, at: datetime = MONDAY, once: bool = True) -> Lease:
    lease: Lease = store.begin_run(slot=slot, by="serve", at=at, live=True, seconds=90, once=once)
    return lease


def finish(store: Any, lease: Lease, state: str = "done", *, at: datetime = MONDAY, **summary: Any) -> None:
    store.end_run(lease, at=at, state=state, summary={"run": lease.run, **summary})


def states(store: Any) -> dict[str, SlotState]:
    return {row.slot: row.state for row in store.slots()}


# --- slots ------------------------------------------------------------------------------------------------


def test_a_store_without_slots_shows_none(store: Any) -> None:
    assert list(store.slots()) == []
    assert store.active() is None
    assert store.last_done() is None


def test_open_slots_are_made_where_there_are_none(store: Any) -> None:
    store.mark_slots(add=[EARLIER[2], EARLIER[1]], at=MONDAY)
    store.mark_slots(add=EARLIER[1:4], at=MONDAY + HOUR)
    assert list(store.slots()) == [SlotRow(slot, OPEN) for slot in reversed(EARLIER[1:4])]


def test_slots_that_are_open_are_closed_others_stay_as_they_are_and_missing_ones_are_made(store: Any) -> None:
    finish(store, start(store, EARLIER[0]))
    store.mark_slots(add=[EARLIER[1]], close={EARLIER[2]: SKIPPED}, at=MONDAY)
    store.mark_slots(close={EARLIER[0]: FAILED, EARLIER[1]: FAILED, EARLIER[2]: FAILED}, at=MONDAY)
    store.mark_slots(add=EARLIER[:3], at=MONDAY)
    assert list(store.slots()) == [SlotRow(EARLIER[2], SKIPPED)]
    for slot in EARLIER[:3]:
        with pytest.raises(SlotTaken):
            start(store, slot)


def test_the_newest_slot_and_every_open_one_up_to_the_limit_are_shown_newest_first(store: Any) -> None:
    store.mark_slots(add=EARLIER[:4], close={EARLIER[2]: SKIPPED, EARLIER[5]: SKIPPED}, at=MONDAY)
    newest, open_ = SlotRow(EARLIER[5], SKIPPED), [SlotRow(EARLIER[n], OPEN) for n in (3, 1, 0)]
    assert list(store.slots()) == [newest, *open_]
    assert list(store.slots(limit=2)) == [newest, *open_[:2]]
    store.mark_slots(add=[EARLIER[6]], at=MONDAY)
    assert list(store.slots(limit=2)) == [SlotRow(EARLIER[6], OPEN), open_[0]]


@pytest.mark.parametrize("state", [SKIPPED, FAILED, CAUGHT_UP])
def test_a_slot_that_is_closed_can_still_be_done_by_a_run_that_somebody_asks_for(
    store: Any, state: SlotState
) -> None:
    store.mark_slots(close={NINE: state}, at=MONDAY)
    finish(store, start(store, once=False))
    assert states(store) == {NINE: DONE}


# --- runs and their slots ---------------------------------------------------------------------------------


def test_a_run_makes_its_slot_and_does_it(store: Any) -> None:
    lease = start(store)
    assert states(store) == {NINE: OPEN}
    finish(store, lease, at=MONDAY + MINUTE)
    assert states(store) == {NINE: DONE}
    assert store.last_done() == MONDAY + MINUTE


@pytest.mark.parametrize("state", [DONE, SKIPPED, FAILED, CAUGHT_UP])
def test_a_run_that_is_wanted_once_is_refused_where_its_slot_is_not_open(
    store: Any, state: SlotState
) -> None:
    store.mark_slots(close={NINE: state}, at=MONDAY)
    before = shown(store)
    with pytest.raises(SlotTaken, match=f"{NINE} needs no run any more: it is {state}"):
        start(store)
    assert shown(store) == before
    assert store.active() is None


def test_a_slot_taken_is_told_from_a_lease_that_is_held(store: Any) -> None:
    finish(store, start(store))
    lease = start(store, TEN)
    with pytest.raises(BusyError) as refused:
        start(store, TEN)
    assert not isinstance(refused.value, SlotTaken)
    finish(store, lease)


def test_an_expired_lease_is_not_taken_over_for_a_slot_that_needs_no_run(backend: Any) -> None:
    store = backend.open()
    finish(store, start(store))
    start(store, TEN)
    backend.expire_lease()
    before = shown(store)
    with pytest.raises(SlotTaken):
        start(store, NINE)
    assert shown(store) == before


def test_a_done_run_closes_earlier_open_slots_by_whether_they_were_tried(store: Any) -> None:
    store.mark_slots(add=EARLIER[3:6], close={EARLIER[2]: SKIPPED}, at=MONDAY)
    finish(store, start(store, EARLIER[4]), "failed", again=True)
    finish(store, start(store, EARLIER[5]), "handed_over")
    store.mark_slots(add=[TEN], at=MONDAY)
    finish(store, start(store))
    assert states(store) == {TEN: OPEN}
    for slot, state in zip(EARLIER[2:6], (SKIPPED, CAUGHT_UP, FAILED, CAUGHT_UP), strict=True):
        with pytest.raises(SlotTaken, match=f"{slot} .* {state}$"):
            start(store, slot)


@pytest.mark.parametrize("state", ["failed", "handed_over"])
def test_a_run_that_is_not_done_closes_no_slot(store: Any, state: str) -> None:
    store.mark_slots(add=EARLIER[:2], at=MONDAY)
    finish(store, start(store), state)
    assert set(states(store).values()) == {OPEN}
    assert store.last_done() is None


def test_an_open_slot_shows_how_its_runs_failed_oldest_first(backend: Any) -> None:
    store = backend.open()
    finish(store, start(store), "failed", again=True, at=MONDAY + MINUTE)
    finish(store, start(store), "handed_over", at=MONDAY + 2 * MINUTE)
    finish(store, start(store), "failed", at=MONDAY + 3 * MINUTE)
    start(store)
    backend.expire_lease()
    lease = start(store, at=MONDAY + 4 * MINUTE)
    tries = (
        Try(MONDAY + MINUTE, again=True), Try(MONDAY + 3 * MINUTE), Try(MONDAY + 4 * MINUTE, silent=True)
    )  # fmt: skip
    assert list(store.slots()) == [SlotRow(NINE, OPEN, tries)]
    finish(store, lease)
    assert list(store.slots()) == [SlotRow(NINE, DONE)]


def test_the_last_done_run_is_the_one_that_ended_last(store: Any) -> None:
    finish(store, start(store), at=MONDAY)
    finish(store, start(store, TEN), at=MONDAY + HOUR)
    finish(store, start(store, once=False), at=MONDAY + 2 * HOUR)
    finish(store, start(store, "2026-11-02T11:00Z"), "failed", at=MONDAY + 3 * HOUR)
    assert store.last_done() == MONDAY + 2 * HOUR


def test_an_outage_of_five_years_is_made_up_for_in_one_transaction(store: Any) -> None:
    finish(store, start(store))
    back = MONDAY + 5 * 365 * DAY
    looked = step(back, store.slots(), store.active())
    store.mark_slots(add=looked.add, at=back)
    assert looked.start is not None
    finish(store, start(store, looked.start, at=back), at=back)
    assert list(store.slots()) == [SlotRow(looked.start, DONE)]


# --- who is at work ---------------------------------------------------------------------------------------


def test_the_run_that_holds_the_lease_is_active_until_it_ends(store: Any) -> None:
    lease = start(store)
    assert store.active() == Active(lease.run, NINE)
    finish(store, lease)
    assert store.active() is None


def test_a_run_whose_lease_ran_out_or_whose_process_is_dead_is_not_active(
    backend: Any, dead_process: Any
) -> None:
    store = backend.open()
    start(store)
    backend.hold_as(dead_process)
    assert store.active() is None
    lease = start(store)
    assert store.active() == Active(lease.run, NINE)
    backend.expire_lease()
    assert store.active() is None


def test_of_servers_that_look_at_once_one_starts_the_hour(backend: Any) -> None:
    backend.open()
    started: list[str] = []

    def serve(_: int) -> None:
        mine = backend.open()
        looked: Step = step(MONDAY, mine.slots(), mine.active())
        if looked.start is None:
            return
        try:
            lease = start(mine, looked.start)
        except BusyError:
            return
        started.append(looked.start)
        finish(mine, lease)

    assert at_once(serve, threads=5) == []
    assert started == [NINE]
    assert states(backend.opened[0]) == {NINE: DONE}


# --- signs of life ----------------------------------------------------------------------------------------


def beat(host: str = "a", pid: int = 1, at: datetime = MONDAY, **more: Any) -> Beat:
    return Beat(host, pid, more.pop("started", MONDAY - HOUR), at, more.pop("program", "1.0"))


def test_a_process_has_one_beat_the_last_and_the_newest_comes_first(store: Any) -> None:
    assert list(store.beats()) == []
    store.beat(beat())
    store.beat(beat("b", at=MONDAY + MINUTE))
    store.beat(beat(pid=2, at=MONDAY + 2 * MINUTE))
    store.beat(last := beat(at=MONDAY + 3 * MINUTE, started=MONDAY, program="1.1"))
    assert list(store.beats()) == [
        last, beat(pid=2, at=MONDAY + 2 * MINUTE), beat("b", at=MONDAY + MINUTE)
    ]  # fmt: skip


def test_beats_older_than_a_week_go(store: Any) -> None:
    store.beat(beat("old", at=MONDAY - timedelta(microseconds=1)))
    store.beat(beat("week", at=MONDAY))
    store.beat(beat("now", at=MONDAY + 7 * DAY))
    assert [one.host for one in store.beats()] == ["now", "week"]


# --- answered files ---------------------------------------------------------------------------------------

PLACE = "/srv/\ud800 \x00 tables.xlsx"


def test_a_file_is_answered_once_with_its_alerts(store: Any) -> None:
    assert store.answered(PLACE) == ""
    assert store.answer(PLACE, "live 1", "", look(held()), now=MONDAY)
    assert store.answered(PLACE) == "live 1"
    assert store.answered("/elsewhere") == ""
    assert [incident.kind.name for incident in store.incidents()] == ["leads_held"]


def test_an_answer_to_what_somebody_else_answered_writes_nothing(store: Any) -> None:
    assert store.answer(PLACE, "live 1", "", look(), now=MONDAY)
    for before in ("", "live 0"):
        assert not store.answer(PLACE, "refused 2", before, look(held()), now=MONDAY)
    assert (store.answered(PLACE), list(store.incidents())) == ("live 1", [])
    assert store.answer(PLACE, "refused 2", "live 1", look(held()), now=MONDAY)
    assert store.answered(PLACE) == "refused 2"


def test_an_answer_whose_think_raises_is_not_remembered(store: Any) -> None:
    with pytest.raises(Broken):
        store.answer(PLACE, "live 1", "", broken, now=MONDAY)
    assert store.answered(PLACE) == ""
    assert store.answer(PLACE, "live 1", "", look(), now=MONDAY)


def test_of_two_that_answer_one_file_one_does(backend: Any) -> None:
    backend.open()
    given: list[bool] = []

    def answer(n: int) -> None:
        given.append(backend.open().answer(PLACE, "live 1", "", look(held(reason=f"r{n}")), now=MONDAY))

    assert at_once(answer, threads=4) == []
    assert sorted(given) == [False, False, False, True]
    assert len(backend.opened[0].incidents()) == 1


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done"])
def test_an_answer_whose_commit_answer_is_lost_is_given_once(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    store = open_store(postgresql_database)
    for n, (seen, before) in enumerate((("live 1", ""), ("refused 2", "live 1"), ("refused 2", "refused 2"))):
        with monkeypatch.context() as patch:
            commits = lose_the_answer(store, patch, after=after)
            now = MONDAY + n * MINUTE
            finding = held(edition=f"e{n}")
            assert store.answer(PLACE, seen, before, look(finding, now=now), now=now) is True
        assert len(commits) == 2
        assert store.answered(PLACE) == seen
        assert store.post().pending == 2 * (n + 1)
    store.close()


def test_a_mark_and_a_beat_whose_commit_answer_is_lost_are_made_once(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgresql_database)
    with monkeypatch.context() as patch:
        lose_the_answer(store, patch, after=True)
        store.mark_slots(add=[NINE], close={TEN: SKIPPED}, at=MONDAY)
    with monkeypatch.context() as patch:
        lose_the_answer(store, patch, after=True)
        store.beat(beat())
    assert states(store) == {NINE: OPEN, TEN: SKIPPED}
    assert list(store.beats()) == [beat()]
    store.close()
