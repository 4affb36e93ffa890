"""Storms of findings: what must hold of every history of mails, and rules that are broken on purpose."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import test_incidents as examples
from hypothesis import given, settings
from hypothesis import strategies as st
from incident_world import (
    DAY,
    ED,
    EVA,
    FIRING,
    HOUR,
    MIA,
    MINUTE,
    MONDAY,
    POLICY,
    RESOLVED,
    World,
    held,
    said,
)

from allocator.domain import incidents
from allocator.domain.alerts import (
    ANSWERS_A_DAY,
    KINDS,
    MAILS_A_DAY,
    Finding,
    Level,
    Policy,
    Silence,
    reader_of_reason,
)
from allocator.domain.incidents import incident_id, thread_id
from allocator.domain.lead import Reason

FAILED = Finding(kind="run_failed", causes=(("StoreError", 1),))


# --- storms -----------------------------------------------------------------------------------------------


def played(
    update: Any, *, hours: int, find: Callable[[int], list[Finding]], policy: Policy = POLICY
) -> World:
    """Hourly runs with a look at every minute in between that covers the clock's kinds only."""
    world = World(policy, MONDAY.replace(hour=0), update=update)
    for hour in range(hours):
        world.look(*find(hour), covers=set(KINDS) - {"run_missed"})
        for _ in range(3):
            world.later(20 * MINUTE).look(covers=["run_missed"])
    return world


def growing(update: Any = incidents.update) -> World:
    return played(
        update, hours=24, find=lambda hour: [held(20 * (hour + 1), reason="no_rule")] if hour < 23 else []
    )


def test_500_held_leads_in_24_runs_are_at_most_7_mails_an_address() -> None:
    world = growing()
    count = Counter(m.recipient for m in world.mails)
    assert 2 <= count[ED] == count[EVA] <= 7
    assert MIA not in count
    bounds(world)


LOOKS = st.lists(
    st.tuples(
        st.integers(1, 400),
        st.frozensets(
            st.sampled_from([str(r) for r in Reason]) | st.sampled_from(sorted(KINDS)), max_size=10
        ),
        st.integers(1, 10_000),
        st.sampled_from(["", "", "", "ack", "silence", "unsilence", "save", "lists", "off"]),
    ),
    max_size=60,
)


def storm(looks: Sequence[Any], update: Any = incidents.update) -> World:
    """Ten thousand leads held for every reason, every kind, on and off, with acks and silences between."""
    world = World(now=MONDAY.replace(hour=0), update=update)
    edition = 0
    for minutes, what, count, then in looks:
        world.later(minutes * MINUTE)
        edition += then == "save"
        world.look(*(finding(name, count, edition) for name in sorted(what)))
        happen(world, then)
    return world


def finding(name: str, count: int, edition: int) -> Finding:
    if name in KINDS:
        return Finding(kind=name, count=count, edition=f"e{edition}" if name == "tables_refused" else "")
    return held(count, name, readers=frozenset({reader_of_reason(name)}))


def happen(world: World, then: str) -> None:
    if then == "ack":
        world.ack(world.now + 6 * HOUR)
    elif then == "silence":
        world.silences += [Silence(kind, "", world.now + 9 * HOUR) for kind in ("leads_held", "run_failed")]
    elif then == "unsilence":
        world.silences.clear()
    elif then == "lists":
        world.policy = replace(POLICY, oncall=(MIA, "new@x.test"), editors=(ED,))
    elif then == "off":
        world.policy = replace(POLICY, mails=not world.policy.mails)


def bounds(world: World) -> None:
    """What must hold of every history of mails."""
    a_day: Counter[Any] = Counter()
    firing: dict[Any, list[Any]] = defaultdict(list)
    over: set[Any] = set()
    ids: Counter[str] = Counter()
    for mail in world.mails:
        at = (mail.recipient, mail.created.date(), mail.answer)
        a_day[at] += 1
        assert mail.content["last"] is (a_day[at] == (ANSWERS_A_DAY if mail.answer else MAILS_A_DAY))
        place = (mail.incident, mail.recipient)
        assert place not in over, "a mail after RESOLVED"
        if mail.phase == RESOLVED:
            assert firing[place], "RESOLVED to somebody who was not told"
            over.add(place)
        elif not mail.answer:
            one_more(world, mail, firing[place])
        firing[place].append(mail)
        ids[mail.message_id + mail.recipient] += 1
        assert mail.thread == thread_id(world.known[mail.incident], world.policy.sender)
    assert all(n <= (ANSWERS_A_DAY if answer else MAILS_A_DAY) for (_, _, answer), n in a_day.items())
    assert not ids or max(ids.values()) == 1
    json.dumps([m.content for m in world.mails])


def one_more(world: World, mail: Any, earlier: list[Any]) -> None:
    if not earlier:
        assert mail.message_id == mail.thread
        return
    kind = world.known[mail.incident].kind
    assert mail.created - earlier[-1].created >= (kind.every or world.policy.repeat), "too early"
    assert mail.content["count"] > earlier[-1].content["count"], "not more than last time"


def complete(world: World) -> None:
    """In the end everybody knows: left alone for days, each who was told is told that it is over."""
    world.policy, world.silences = POLICY, []
    for kind in list(KINDS):
        world.look(covers=[kind])
    for _ in range(400):
        if not world.book().incidents:
            break
        world.later(6 * HOUR).look()
    assert not world.book().incidents
    phases: dict[Any, list[str]] = defaultdict(list)
    for mail in world.mails:
        phases[mail.incident, mail.recipient].append(mail.phase)
    assert all(p == [FIRING] * (len(p) - 1) + [RESOLVED] and len(p) > 1 for p in phases.values())
    bounds(world)


@given(LOOKS)
@settings(max_examples=150, deadline=None)
def test_the_bounds_hold_in_any_storm(looks: list[Any]) -> None:
    world = storm(looks)
    bounds(world)
    complete(world)


@given(LOOKS)
@settings(max_examples=60, deadline=None)
def test_one_place_is_open_once_and_numbers_are_never_used_twice(looks: list[Any]) -> None:
    world = storm(looks)
    places = [i.finding.place for i in world.open()]
    assert len(set(places)) == len(places)
    assert [*world.known] == [incident_id(n) for n in range(1, len(world.known) + 1)]


@given(LOOKS, st.sampled_from([str(reason) for reason in Reason]))
@settings(max_examples=60, deadline=None)
def test_what_is_still_open_is_told_sooner_or_later(looks: list[Any], reason: str) -> None:
    world = storm(looks)
    world.policy, world.silences = POLICY, []
    last = held(7, reason, readers=frozenset({reader_of_reason(reason)}))
    for _ in range(8):
        world.later(6 * HOUR).look(last)
    (incident,) = world.open()
    assert {address for address, _ in POLICY.addresses(incident.readers)} <= set(incident.told)


# --- rules that are broken on purpose ---------------------------------------------------------------------


def chatty() -> list[Any]:
    """A storm that makes every rule matter."""
    steady = [(60, frozenset({"no_rule", "fallback_used", "run_failed"}), 10 + n, "") for n in range(12)]
    saves = [(1, frozenset({"tables_refused"}), 2, "save") for _ in range(70)]
    flapping = [(5, frozenset({"locked"} if n % 2 else ()), 3, "") for n in range(30)]
    quiet = [(200, frozenset({"locked"}), 5, "ack"), (200, frozenset({"locked"}), 9, "silence")]
    return [*steady, *saves, *flapping, *quiet, (300, frozenset(), 1, "lists"), (900, frozenset(), 1, "")]


def every_rule(update: Any) -> None:
    """The properties and the examples that a broken rule must fail."""
    complete(storm(chatty(), update))
    bounds(growing(update))
    acks(update)
    silences(update)
    quiet(update)
    keeps_open(update)


def acks(update: Any) -> None:
    world = World(update=update)
    world.look(held(1))
    world.ack(MONDAY + DAY)
    assert not world.later(5 * HOUR).look(held(9))
    assert world.later(20 * HOUR).look(held(9))
    world.ack(MONDAY + 9 * DAY)
    assert said(world.later(HOUR).look()) == [(ED, RESOLVED), (EVA, RESOLVED)]


def silences(update: Any) -> None:
    world = World(update=update)
    world.silences.append(Silence("leads_held", "no_skill", MONDAY + HOUR))
    assert not world.look(held())
    assert world.later(HOUR).look(held())


def quiet(update: Any) -> None:
    world = World(update=update)
    world.look(Finding(kind="owner_contested", count=2))
    assert not world.later(23 * HOUR).look()
    world.look(Finding(kind="owner_contested", count=2))
    assert world.open()[0].count == 4
    assert said(world.later(DAY).look()) == [(MIA, RESOLVED)]


def keeps_open(update: Any) -> None:
    world = World(update=update)
    world.look(FAILED)
    assert not world.later(HOUR).look(covers=["leads_held"])
    assert len(world.open()) == 1


def test_the_rules_as_they_are_pass() -> None:
    every_rule(incidents.update)


REAL = {name: getattr(incidents, name) for name in ("_is_due", "_resolved_due", "_firing_due", "_later_id")}


def due(rule: Callable[..., bool]) -> Callable[..., bool]:
    return lambda incident, told, reader, every, now: rule(incident, told, every, now)


def every_time(incident: Any, told: Any, every: Any, now: Any) -> bool:
    return told is None or incident.count > told.count


def grown_or_not(incident: Any, told: Any, every: Any, now: Any) -> bool:
    return told is None or now - told.at >= every


def once_only(incident: Any, told: Any, every: Any, now: Any) -> bool:
    return told is None


def ack_forgotten(incident: Any, policy: Any, now: Any) -> Any:
    return REAL["_firing_due"](replace(incident, acked_until=None), policy, now)


def resolved_to_the_lists(incident: Any, policy: Any) -> Any:
    return list(policy.addresses(incident.readers))


def resolved_to_nobody(incident: Any, policy: Any) -> Any:
    return []


def one_id_for_all(thread: str, what: str) -> str:
    return thread


MUTANTS: dict[str, tuple[str, Any]] = {
    "repeats at every look that grew": ("_is_due", due(every_time)),
    "repeats without growth": ("_is_due", due(grown_or_not)),
    "never repeats, never answers a second save": ("_is_due", due(once_only)),
    "forgets the ack": ("_firing_due", ack_forgotten),
    "resolved to today's lists": ("_resolved_due", resolved_to_the_lists),
    "resolved to nobody": ("_resolved_due", resolved_to_nobody),
    "one message id for all": ("_later_id", one_id_for_all),
    "thirteen a day": ("MAILS_A_DAY", 13),
    "eleven a day": ("MAILS_A_DAY", 11),
    "no end of answers": ("ANSWERS_A_DAY", 9999),
    "one thread for all": ("thread_id", lambda incident, sender: "t@x.test"),
    "a new id for every incident is the same": ("incident_id", lambda number: "INC-0001"),
    "answers count as alerts": ("_answers", lambda incident, reader: False),
    "on-call is answered like an editor": ("_answers", lambda incident, reader: incident.finding.edition),
    "the gravest last": ("_GRAVEST_FIRST", (Level.LOW, Level.NORMAL, Level.HIGH)),
}  # fmt: skip


def all_examples() -> list[Callable[[], None]]:
    return [
        examples.test_an_address_gets_twelve_alerts_a_utc_day_and_the_twelfth_says_so,
        examples.test_the_gravest_are_told_first_when_there_is_no_room_for_all,
        examples.test_on_call_reads_of_a_refused_workbook_by_the_rules_for_alerts_not_at_every_save,
        examples.test_one_resolved_goes_to_everybody_who_was_told_also_if_the_lists_have_changed,
        examples.test_the_same_save_is_answered_once,
        examples.test_growth_that_was_found_too_early_is_told_when_the_interval_has_passed,
        examples.test_an_open_incident_keeps_its_id_and_thread_and_the_next_one_has_its_own,
    ]


def passes() -> bool:
    """Whether everything above still holds."""
    try:
        every_rule(incidents.update)
        for example in all_examples():
            example()
    except (AssertionError, KeyError, ValueError):
        return False
    return True


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert passes()
    what, instead = MUTANTS[name]
    monkeypatch.setattr(incidents, what, instead)
    assert not passes()


KIND_MUTANTS = {
    "not quiet": {"quiet": timedelta(0)},
    "does not add up": {"adds_up": False},
    "quiet for two days": {"quiet": 2 * DAY},
}


@pytest.mark.parametrize("name", KIND_MUTANTS)
def test_a_kind_that_is_described_wrongly_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {**KINDS, "owner_contested": replace(KINDS["owner_contested"], **KIND_MUTANTS[name])}
    monkeypatch.setattr("allocator.domain.alerts.KINDS", kinds)
    with pytest.raises(AssertionError):
        quiet(incidents.update)
