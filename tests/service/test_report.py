"""A run's counts: every lead it took up stands in exactly one column."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.domain.lead import By, LeadKey, Reason, State
from allocator.domain.plan import Assigned
from allocator.domain.records import CrmUsage, PendingWrite, Settlement
from allocator.service.report import Tally, summary

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
ENDS = ("assigned", "held", "taken", "closed", "retry")


def key(number: int) -> LeadKey:
    return LeadKey("salesforce", f"00Q{number:015d}")


def pending(number: int, person: str | None = "ana") -> PendingWrite:
    owner = f"005{person}" if person else "00GQUEUE"
    return PendingWrite(number, key(number), 1, owner, person, "Enterprise", attempts=1)


def given_to(number: int, person: str | None = "ana", team: str = "Enterprise") -> Assigned:
    owner = f"005{person}" if person else "00GQUEUE"
    by = By.TURN if person else By.FALLBACK_QUEUE
    return Assigned(key(number), 1, State.DECIDED, None, "", by, team, "", person, owner, None, "b", {})


def held(number: int, reason: Reason = Reason.NO_RULE) -> Assigned:
    return Assigned(key(number), 1, State.HELD, reason, "", None, None, "", None, None, None, "b", {})


def settled(number: int, state: State, reason: str | None = None) -> Settlement:
    return Settlement(key(number), 1, state, reason=reason)


def balanced(tally: Tally) -> bool:
    counts = tally.counts()
    return counts["pulled"] + counts["redecided"] == sum(counts[end] for end in ENDS)


def test_a_new_lead_is_pulled_and_one_of_an_earlier_run_is_redecided() -> None:
    tally = Tally()
    tally.planned([given_to(1), given_to(2), held(3)], [key(2)], live=True)
    tally.settled([settled(1, State.CONFIRMED), settled(2, State.TAKEN)])
    counts = tally.counts()
    assert (counts["pulled"], counts["redecided"]) == (2, 1)
    assert [counts[end] for end in ENDS] == [1, 1, 1, 0, 0]


def test_a_decision_that_is_not_delivered_yet_is_to_be_tried_again() -> None:
    tally = Tally()
    tally.planned([given_to(1)], [], live=True)
    assert tally.counts()["retry"] == 1
    assert tally.teams() == {}


def test_in_observe_mode_a_decision_counts_as_if_it_were_delivered() -> None:
    tally = Tally()
    tally.planned([given_to(1), held(2)], [], live=False)
    assert (tally.counts()["assigned"], tally.counts()["held"]) == (1, 1)
    assert tally.teams() == {"Enterprise": {"ana": 1}}


def test_a_refused_write_is_held_for_its_reason_and_counts_once() -> None:
    tally = Tally()
    tally.planned([given_to(1), held(2, Reason.NO_SKILL)], [], live=True)
    tally.settled([settled(1, State.HELD, "owner_refused")])
    assert tally.held_reasons() == {"no_skill": 1, "owner_refused": 1}
    assert tally.counts()["held"] == 2
    assert tally.teams() == {}


def test_what_an_earlier_run_left_counts_for_its_team_when_it_arrives() -> None:
    tally = Tally()
    tally.leftover([pending(1), pending(2, None), pending(3)])
    tally.settled([settled(1, State.CONFIRMED), settled(2, State.CONFIRMED)])
    counts = tally.counts()
    assert (counts["pulled"], counts["redecided"], counts["assigned"], counts["retry"]) == (0, 3, 2, 1)
    assert tally.teams() == {"Enterprise": {"(queue)": 1, "ana": 1}}


def test_a_lead_that_left_while_it_waited_counts_as_taken_or_closed() -> None:
    tally = Tally()
    tally.settled([settled(1, State.TAKEN), settled(2, State.CLOSED, "deleted")], again=True)
    counts = tally.counts()
    assert (counts["redecided"], counts["taken"], counts["closed"]) == (2, 1, 1)


def test_teams_and_people_stand_in_order() -> None:
    tally = Tally()
    tally.planned([given_to(1, "chi"), given_to(2, "ana"), given_to(3, "dan", "Desk")], [], live=False)
    assert list(tally.teams()) == ["Desk", "Enterprise"]
    assert list(tally.teams()["Enterprise"]) == ["ana", "chi"]


def test_a_summary_holds_the_counts_the_split_and_the_calls() -> None:
    tally = Tally(returned=1, switched=2)
    tally.planned([given_to(1)], [key(1)], live=False)
    usage = CrmUsage(requests=3, by_kind={"pull": 2, "login": 1}, cache_hits=4, cache_misses=5)
    made = summary(
        tally,
        run=7,
        slot="2026-11-02T09:00Z",
        by="ana",
        tables_version="abc",
        live=False,
        usage=usage,
        held_total=3,
        seconds=1.23456,
        notes=["a note"],
    )
    assert made["leads"] == {
        "pulled": 0, "redecided": 1, "returned": 1, "assigned": 1, "held": 0, "taken": 0, "closed": 0,
        "retry": 0, "taken_back": 0, "converted": 2, "held_total": 3,
    }  # fmt: skip
    assert made["crm"] == {
        "requests": 3,
        "by_kind": {"login": 1, "pull": 2},
        "cache_hits": 4,
        "cache_misses": 5,
    }
    assert (made["run"], made["live"], made["seconds"], made["notes"]) == (7, False, 1.235, ["a note"])


numbers = st.integers(0, 12)
someone = st.sampled_from(["ana", "ben", "chi", None])
decisions = st.one_of(
    st.builds(given_to, numbers, someone, st.sampled_from(["Enterprise", "Desk"])),
    st.builds(held, numbers, st.sampled_from(Reason)),
)
endings = st.one_of(
    st.builds(settled, numbers, st.sampled_from([State.CONFIRMED, State.TAKEN])),
    st.builds(settled, numbers, st.just(State.HELD), st.sampled_from([str(r) for r in Reason])),
    st.builds(settled, numbers, st.just(State.CLOSED), st.just("deleted")),
)
steps = st.one_of(
    st.tuples(st.just("leftover"), st.lists(st.builds(pending, numbers, someone)), st.booleans()),
    st.tuples(st.just("planned"), st.lists(decisions), st.booleans()),
    st.tuples(st.just("settled"), st.lists(endings), st.booleans()),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=8), st.sets(numbers))
def test_pulled_and_redecided_are_assigned_held_taken_closed_and_retry_whatever_happened(
    story: list[tuple[str, list[object], bool]], again: set[int]
) -> None:
    tally = Tally()
    seen: set[LeadKey] = set()
    for name, items, flag in story:
        seen |= {one.key for one in items}  # type: ignore[attr-defined]
        if name == "leftover":
            tally.leftover(items)  # type: ignore[arg-type]
        elif name == "planned":
            tally.planned(items, [key(n) for n in again], live=flag)  # type: ignore[arg-type]
        else:
            tally.settled(items, again=flag)  # type: ignore[arg-type]
        assert balanced(tally)
    counts = tally.counts()
    assert counts["pulled"] + counts["redecided"] == len(seen)
    assert sum(tally.held_reasons().values()) == counts["held"]
    assert sum(sum(people.values()) for people in tally.teams().values()) <= counts["assigned"]
