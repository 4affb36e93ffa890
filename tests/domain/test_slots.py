"""Every UTC hour has its run once: two years of a virtual clock, and servers that look at the same time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from allocator.adapters.store.memory import MemoryStore
from allocator.domain.records import Lease
from allocator.domain.slots import (
    HOUR,
    Active,
    SlotRow,
    SlotState,
    Step,
    Try,
    catches_up,
    due_at,
    next_due,
    slot_of,
    start_of,
    step,
)
from allocator.errors import BusyError, FencedError, SlotTaken

OPEN, DONE, FAILED, SKIPPED, CAUGHT_UP = SlotState
ZONES = [ZoneInfo(n) for n in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")]
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=90)
YEARS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


# --- two years --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What happens from the minute a slot is due on, and what must come of it.

    `runs` says how long each run works and how it ends; those after them work three minutes and are done.
    `away` is when nobody looks, `steps` when the host's clock is set, both in true minutes. `starts` and
    `states` are the minutes at which runs must start, and how the story's slots must end.
    """

    runs: tuple[tuple[int, str], ...] = ()
    away: tuple[int, int] = (0, 0)
    steps: tuple[tuple[int, int], ...] = ()
    starts: tuple[int, ...] = (0,)
    states: tuple[SlotState, ...] = (DONE,)
    lasts: int = 60


STORIES = {
    "a short run": Story(),
    "a run that ends just in time": Story(((59, "done"),)),
    "70 minutes": Story(((70, "done"),), states=(DONE, SKIPPED), lasts=120),
    "130 minutes": Story(((130, "done"),), states=(DONE, SKIPPED, SKIPPED), lasts=180),
    "70 minutes, failed": Story(((70, "again"),), starts=(0, 120), states=(FAILED, SKIPPED, DONE), lasts=180),
    "a pause of 25 minutes": Story(away=(0, 25), starts=(25,)),
    "a pause while a run works": Story(((10, "done"),), away=(1, 50)),
    "a pause over the hour": Story(away=(30, 75), starts=(0, 75), states=(DONE, DONE), lasts=120),
    "a pause of 59 minutes": Story(((1, "done"),), away=(0, 59), starts=(59,)),
    "three hours away": Story(
        away=(0, 200), starts=(200,), states=(CAUGHT_UP, CAUGHT_UP, CAUGHT_UP, DONE), lasts=240
    ),
    "three days away": Story(
        away=(0, 72 * 60), starts=(72 * 60,), states=(*[CAUGHT_UP] * 72, DONE), lasts=73 * 60
    ),
    "away, and the run fails first": Story(
        ((1, "again"),), away=(0, 130), starts=(130, 136), states=(CAUGHT_UP, CAUGHT_UP, DONE), lasts=180
    ),
    "fails for the whole hour": Story(((1, "again"),) * 4, starts=(0, 6, 22, 53), states=(FAILED,)),
    "fails twice": Story(((1, "again"),) * 2, starts=(0, 6, 22)),
    "fails at the end of the hour": Story(
        ((56, "again"),), starts=(0, 60), states=(FAILED, DONE), lasts=120
    ),
    "fails for good": Story(((1, "final"),), states=(FAILED,)),
    "fails for good after a retry": Story(((1, "again"), (2, "final")), starts=(0, 6), states=(FAILED,)),
    "is killed": Story(((10, "killed"),), starts=(0, 12)),
    "is killed after a failure": Story(((1, "again"), (2, "killed")), starts=(0, 6, 10)),
    "is killed again and again": Story(
        ((1, "killed"),) * 6, starts=(0, 3, 6, 9, 12, 15), states=(FAILED,)
    ),
    "is killed at the end of the hour": Story(
        ((58, "killed"),), starts=(0, 60), states=(FAILED, DONE), lasts=120
    ),
    "hands over": Story(((10, "handed over"),), starts=(0, 10)),
    "hands over at the end of the hour": Story(
        ((59, "handed over"), (1, "done")), starts=(0, 59)
    ),
    "the clock is set forward": Story(steps=((20, 60),), starts=(0, 20), states=(DONE, DONE), lasts=60),
    "the clock is set back": Story(steps=((20, -60),), lasts=120),
    "the clock is set back at once": Story(steps=((5, -60),), lasts=120),
    "the clock is set forth and back": Story(
        steps=((20, 60), (40, -60)), starts=(0, 20), states=(DONE, DONE), lasts=120
    ),
    "the clock is set forward while a run works": Story(
        ((30, "done"),), steps=((20, 60),), states=(DONE, SKIPPED), lasts=60
    ),
    "the clock is set back while a run works": Story(((30, "done"),), steps=((20, -60),), lasts=120),
    "the clock is set forward while nobody looks": Story(
        away=(10, 50), steps=((20, 60),), starts=(0, 50), states=(DONE, DONE), lasts=60
    ),
}  # fmt: skip


@dataclass
class World:
    """One host, its clock, and the rows that the store would keep, as plainly as can be."""

    now: datetime
    minute: int
    states: dict[str, SlotState] = field(default_factory=dict)
    tries: dict[str, list[Try]] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    newest: str = ""
    started: Counter[str] = field(default_factory=Counter)
    working: str = ""
    ends: datetime | None = None
    how: str = ""
    looks: int = 0
    offset: timedelta = timedelta(0)
    """How far the host's clock is from the truth."""

    @property
    def idle(self) -> bool:
        return not self.working and not self.opened

    @property
    def host(self) -> datetime:
        return self.now + self.offset

    def look(self, plans: list[tuple[int, str]]) -> bool:
        """The reconciler's minute; whether it started a run. The host shows its time in any zone."""
        self.settle()
        self.looks += 1
        rows = [
            SlotRow(s, self.states[s], tuple(self.tries.get(s, ()))) for s in {*self.opened, self.newest} if s
        ]
        active = Active(1, self.working) if self.working and not self.is_dead() else None
        found = step(self.host.astimezone(ZONES[self.looks % 4]), rows, active, minute=self.minute)
        self.write(found)
        if found.start:
            self.begin(found.start, plans.pop(0) if plans else (3, "done"))
        return bool(found.start)

    def is_dead(self) -> bool:
        return self.how == "killed" and self.ends is not None and self.now >= self.ends + LEASE

    def settle(self) -> None:
        """What the run that works has come to."""
        if not self.working or self.ends is None or self.now < self.ends or self.how == "killed":
            return
        slot, self.working = self.working, ""
        if self.how == "done":
            earlier = [SlotRow(s, OPEN, tuple(self.tries.get(s, ()))) for s in self.opened]
            self.close({slot: DONE, **catches_up(slot, earlier)})
        elif self.how in ("again", "final"):
            self.tries.setdefault(slot, []).append(Try(self.ends + self.offset, again=self.how == "again"))

    def begin(self, slot: str, plan: tuple[int, str]) -> None:
        if self.working:
            assert self.is_dead(), "two runs at once"
            self.tries.setdefault(self.working, []).append(Try(self.now + self.offset, silent=True))
        self.open([slot])
        assert self.states[slot] is OPEN, f"{slot} is started though it is {self.states[slot]}"
        self.started[slot] += 1
        self.working, self.how = slot, plan[1]
        self.ends = self.now + plan[0] * MINUTE

    def write(self, found: Step) -> None:
        self.open([*found.add, *(found.close or {})])
        self.close(found.close or {})

    def open(self, slots: Sequence[str]) -> None:
        for slot in slots:
            if slot not in self.states:
                self.states[slot] = OPEN
                self.opened.add(slot)
                self.newest = max(self.newest, slot)

    def close(self, states: dict[str, SlotState]) -> None:
        for slot, state in states.items():
            assert self.states[slot] is OPEN, f"{slot} ends twice"
            self.states[slot] = state
            self.opened.discard(slot)


def play(world: World, story: Story) -> list[int]:
    """Live through the story, minute by minute; when runs started."""
    plans, starts, steps = list(story.runs), [], dict(story.steps)
    for minute in range(story.lasts):
        world.offset += steps.get(minute, 0) * MINUTE
        awake = not story.away[0] <= minute < story.away[1]
        if awake and (not world.idle or minute % 7 == 0 or minute in (*story.away, *steps)):
            starts += [minute] * world.look(plans)
        world.now += MINUTE
    world.settle()
    return starts


@pytest.mark.parametrize("minute", [0, 37])
def test_every_slot_of_two_years_has_its_run_once_or_a_reason_why_not(minute: int) -> None:
    chance = random.Random(minute)
    names = list(STORIES)
    begin, end = (at + minute * MINUTE for at in YEARS)
    world = World(begin, minute)
    expected: dict[str, SlotState] = {}
    told: Counter[str] = Counter()
    while (host := world.host) < end:
        name = chance.choice(names) if chance.random() < 0.3 else "a short run"
        story = STORIES[name]
        slots = [slot_of_plain(host, minute, later) for later in range(len(story.states))]
        if host + len(slots) * HOUR > end:
            name, story, slots = "a short run", STORIES["a short run"], slots[:1]
        starts = play(world, story)
        told[name] += 1
        expected.update(zip(slots, story.states, strict=True))
        assert tuple(starts) == story.starts, (name, host)
    play(world, STORIES["a short run"])  # closes what waits for the next run's end
    assert set(told) == set(names)
    assert len(expected) == 17_520
    assert {slot: world.states[slot] for slot in expected} == expected


def slot_of_plain(due: datetime, minute: int, later: int) -> str:
    """The oracle's own way of naming a slot."""
    hour = due - minute * MINUTE + later * HOUR
    return f"{hour.year:04}-{hour.month:02}-{hour.day:02}T{hour.hour:02}:00Z"


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_slot_is_the_same_hour_in_every_zone_on_every_day_of_two_years(zone: ZoneInfo) -> None:
    hours = int((YEARS[1] - YEARS[0]) / HOUR)
    seen = set()
    for n in range(hours):
        at = YEARS[0] + n * HOUR
        for minute, late in ((0, 0), (0, 59), (30, 30), (59, 59)):
            local = (at + late * MINUTE).astimezone(zone)
            slot = slot_of(local, minute=minute)
            assert slot == slot_of_plain(at, 0, 0)
            assert next_due(local, minute=minute) == at + HOUR + minute * MINUTE
            seen.add(slot)
    assert len(seen) == hours == 17_520


# --- single steps -----------------------------------------------------------------------------------------


def row(hour: int, state: SlotState = OPEN, *tries: Try) -> SlotRow:
    return SlotRow(f"2026-11-02T{hour:02}:00Z", state, tries)


def test_a_slot_is_due_at_its_minute_and_names_the_hour_before_until_then() -> None:
    assert slot_of(NINE + 29 * MINUTE, minute=30) == "2026-11-02T08:00Z"
    assert slot_of(NINE + 30 * MINUTE, minute=30) == "2026-11-02T09:00Z"
    assert start_of("2026-11-02T09:00Z") == NINE
    assert due_at("2026-11-02T09:00Z", minute=30) == NINE + 30 * MINUTE
    assert next_due(NINE, minute=30) == NINE + 30 * MINUTE
    assert next_due(NINE + 30 * MINUTE, minute=30) == NINE + 90 * MINUTE


def test_a_new_store_starts_with_the_current_hour_and_makes_up_for_none() -> None:
    assert step(NINE + 20 * MINUTE, [], None) == Step(start="2026-11-02T09:00Z")


def test_after_an_outage_the_missed_hours_get_rows_and_one_run_starts() -> None:
    assert step(NINE, [row(5, DONE)], None) == Step(
        add=tuple(f"2026-11-02T0{hour}:00Z" for hour in (6, 7, 8)), start="2026-11-02T09:00Z"
    )


def test_a_run_of_this_hour_or_of_a_later_one_skips_nothing() -> None:
    for hour in (9, 10):
        rows = [row(hour)]
        assert not step(NINE, rows, Active(7, rows[0].slot)).close
        assert step(NINE, rows, Active(7, rows[0].slot)).start is None


def test_a_run_that_works_into_this_hour_skips_it_and_those_in_between_stay_to_be_caught_up() -> None:
    found = step(NINE, [row(6)], Active(7, "2026-11-02T06:00Z"))
    assert found == Step(
        ("2026-11-02T07:00Z", "2026-11-02T08:00Z"), {"2026-11-02T09:00Z": SKIPPED}
    )  # fmt: skip


@pytest.mark.parametrize("state", [DONE, SKIPPED, FAILED, CAUGHT_UP])
def test_a_slot_that_is_closed_is_left_alone(state: SlotState) -> None:
    assert step(NINE + MINUTE, [row(9, state)], None) == Step()


@pytest.mark.parametrize("failures, minutes", [(1, 5), (2, 15), (3, 30)])
def test_a_run_that_may_pass_is_tried_again_after_5_15_and_30_minutes(failures: int, minutes: int) -> None:
    tries = [Try(NINE + n * MINUTE, again=True) for n in range(failures)]
    last = tries[-1].finished
    almost = last + minutes * MINUTE - timedelta(microseconds=1)
    assert step(almost, [row(9, OPEN, *tries)], None) == Step()
    assert step(last + minutes * MINUTE, [row(9, OPEN, *tries)], None).start == "2026-11-02T09:00Z"


def test_earlier_slots_are_caught_up_or_have_failed_and_later_or_closed_ones_stay() -> None:
    rows = [row(10), row(9), row(8, SKIPPED), row(7, OPEN, Try(NINE)), row(6)]
    assert catches_up(rows[1].slot, rows) == {rows[3].slot: FAILED, rows[4].slot: CAUGHT_UP}


def test_a_clock_that_was_wrong_by_years_for_a_while_does_not_stop_the_runs() -> None:
    """A host that woke in 2036 for a minute left rows of that year behind."""
    rows = [SlotRow("2036-01-01T00:00Z", DONE)]
    found = step(NINE, rows, None)
    assert (found.add, found.start) == ((), "2026-11-02T09:00Z")


# --- servers that look at the same time -------------------------------------------------------------------


class Servers(RuleBasedStateMachine):
    """Three servers on one store. Each looks, and acts on what it saw only some time later."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NINE
        first = MemoryStore(now=lambda: self.now)
        first.mark_slots(close={"2026-11-02T08:00Z": DONE}, at=self.now)
        self.stores = [first, *(MemoryStore(first, now=lambda: self.now) for _ in range(2))]
        self.seen: dict[int, Step] = {}
        self.held: dict[int, Lease] = {}

    @rule(minutes=st.integers(1, 80))
    def time_goes_on(self, minutes: int) -> None:
        """A minute at a time, with every live run renewing its lease."""
        for _ in range(minutes):
            self.now += MINUTE
            for server, lease in list(self.held.items()):
                try:
                    self.stores[server].renew(lease, seconds=90)
                except FencedError:
                    del self.held[server]

    @rule(server=st.integers(0, 2))
    def looks(self, server: int) -> None:
        store = self.stores[server]
        self.seen[server] = step(self.now, store.slots(), store.active())

    @rule(server=st.integers(0, 2))
    def acts(self, server: int) -> None:
        if server in self.held or server not in self.seen:
            return
        found, store = self.seen.pop(server), self.stores[server]
        store.mark_slots(add=found.add, close=found.close, at=self.now)
        if not found.start:
            return
        before = {row.slot: row.state for row in store.slots(limit=1000)}
        try:
            self.held[server] = store.begin_run(
                slot=found.start, by="serve", at=self.now, live=True, seconds=90, once=True
            )
        except SlotTaken:
            assert before.get(found.start, DONE) is not OPEN
        except BusyError:
            assert store.active() is not None
        else:
            assert before.get(found.start, OPEN) is OPEN

    @precondition(lambda self: self.held)
    @rule(how=st.sampled_from(["done", "again", "failed", "handed_over", "killed", "frozen"]))
    def a_run_ends(self, how: str) -> None:
        server, lease = sorted(self.held.items())[0]
        del self.held[server]
        if how == "killed":
            self.stores[0].box.state.expires = self.now
        elif how != "frozen":
            state = "failed" if how == "again" else how
            summary = {"run": lease.run, "again": how == "again"}
            self.stores[server].end_run(lease, at=self.now, state=state, summary=summary)

    @invariant()
    def no_two_runs_work_at_once(self) -> None:
        running = [run for run in self.stores[0].runs(1000) if run.state == "running"]
        assert len(running) <= 1
        assert len(self.held) <= 1

    @invariant()
    def no_slot_is_done_twice(self) -> None:
        done = Counter(run.slot for run in self.stores[0].runs(1000) if run.state == "done")
        assert all(count == 1 for count in done.values())

    def teardown(self) -> None:
        """Left alone, the servers close every hour, and no hour is without a row."""
        self.held.clear()
        self.now += LEASE
        for _ in range(3 * 60):
            self.now += MINUTE
            for server in range(3):
                self.looks(server)
                self.acts(server)
            if self.held:
                self.a_run_ends("done")
        states = self.stores[0].box.state.watched.slots
        first, last = min(states), max(states)
        assert last == slot_of(self.now)
        hours = int((start_of(last) - start_of(first)) / HOUR)
        assert len(states) == hours + 1
        assert OPEN not in states.values()


NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)  # a shorter story is not worth minutes
Servers.TestCase.settings = settings(max_examples=60, stateful_step_count=40, phases=NO_SHRINK)
TestServers = Servers.TestCase
