"""Who is told what, when and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
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
    refused,
    said,
)

from allocator.domain.alerts import (
    ANSWERS_A_DAY,
    KINDS,
    MAILS_A_DAY,
    Finding,
    Level,
    Policy,
    Reader,
    Silence,
    reader_of_reason,
)
from allocator.domain.incidents import domain_of, incident_id, thread_id
from allocator.domain.lead import Reason

FAILED = Finding(kind="run_failed", causes=(("StoreError", 1),))


# --- examples ---------------------------------------------------------------------------------------------


def test_the_first_mail_goes_at_once_to_its_readers_alone() -> None:
    world = World()
    assert said(world.look(FAILED)) == [(MIA, FIRING)]
    assert said(world.look(FAILED, held())) == [(ED, FIRING), (EVA, FIRING)]


def test_nothing_found_says_nothing() -> None:
    assert World().look() == []


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_read_by_who_can_mend_it(reason: Reason) -> None:
    editors = {"no_rule", "rule_hold", "unmapped_value", "nobody_available", "incomplete"}
    reader = reader_of_reason(reason)
    assert reader is (Reader.EDITORS if reason in editors else Reader.ONCALL)
    told = World().look(held(reason=reason, readers=frozenset({reader})))
    assert {m.recipient for m in told} == ({ED, EVA} if reason in editors else {MIA})


def test_a_mail_is_repeated_only_when_the_count_grew_and_the_interval_has_passed() -> None:
    world = World()
    assert world.look(held(12))
    assert not world.later(HOUR).look(held(99))
    assert not world.later(3 * HOUR - timedelta(microseconds=1)).look(held(99))
    assert said(world.later(timedelta(microseconds=1)).look(held(99))) == [(ED, FIRING), (EVA, FIRING)]
    assert not world.later(5 * HOUR).look(held(99))
    assert not world.later(5 * HOUR).look(held(7))
    assert not world.later(5 * HOUR).look(held(98))
    assert world.later(5 * HOUR).look(held(100))


def test_growth_that_was_found_too_early_is_told_when_the_interval_has_passed() -> None:
    world = World()
    world.look(held(12))
    assert not world.later(HOUR).look(held(99))
    assert said(world.later(3 * HOUR).look(covers=[])) == [(ED, FIRING), (EVA, FIRING)]


def test_the_interval_is_the_configured_one() -> None:
    world = World(replace(POLICY, repeat=HOUR))
    world.look(held(1))
    assert world.later(HOUR).look(held(2))


def test_one_resolved_goes_to_everybody_who_was_told_also_if_the_lists_have_changed() -> None:
    world = World()
    world.look(FAILED)
    world.policy = replace(POLICY, oncall=("new@x.test",))
    assert said(world.later(MINUTE).look(FAILED)) == [("new@x.test", FIRING)]
    world.policy = replace(POLICY, oncall=("newer@x.test",))
    assert said(world.later(MINUTE).look()) == [(MIA, RESOLVED), ("new@x.test", RESOLVED)]
    assert not world.later(DAY).look()


def test_what_a_look_did_not_look_for_stays_open() -> None:
    world = World()
    world.look(FAILED, held())
    assert not world.later(HOUR).look(covers=["crm_refused"])
    assert len(world.open()) == 2
    assert said(world.later(HOUR).look(covers=["run_failed"])) == [(MIA, RESOLVED)]


def test_an_open_incident_keeps_its_id_and_thread_and_the_next_one_has_its_own() -> None:
    world = World()
    first = world.look(FAILED)[0]
    assert world.later(5 * HOUR).look(replace(FAILED, count=2))[0].incident == first.incident
    over = world.later(HOUR).look()[0]
    again = world.later(HOUR).look(FAILED)[0]
    assert (over.incident, over.thread) == (first.incident, first.thread)
    assert again.incident != first.incident
    assert again.thread != first.thread
    assert first.message_id == first.thread
    ids = [m.message_id for m in world.mails]
    assert len(set(ids)) == len(ids) == 4
    assert all(m.message_id.endswith("@x.test") for m in world.mails)


def test_the_places_of_one_kind_are_incidents_of_their_own() -> None:
    world = World()
    world.look(held(reason="no_skill"), held(reason="locked"))
    assert len({m.incident for m in world.mails}) == 2
    over = world.later(HOUR).look(held(reason="locked"))
    assert {m.subject.split()[0] for m in over} == {RESOLVED}
    assert len(over) == 2


def test_one_place_found_twice_in_a_look_is_one_incident_and_numbers_stay_in_step() -> None:
    world = World()
    world.look(held(3), held(5), FAILED)
    assert [(i.finding.kind, i.count) for i in world.open()] == [("leads_held", 5), ("run_failed", 1)]
    world.later(MINUTE).look(FAILED, held(5), Finding(kind="crm_refused"))
    assert [i.id for i in world.open()] == [incident_id(n) for n in (1, 2, 3)]


def test_a_finding_that_counts_none_is_none() -> None:
    world = World()
    assert not world.look(held(0), Finding(kind="fallback_used", count=0))
    assert not world.known
    world.look(held(3))
    assert {m.phase for m in world.later(HOUR).look(held(0))} == {RESOLVED}


def test_what_is_over_is_said_at_once_also_when_the_clock_was_set_back() -> None:
    world = World()
    world.look(FAILED, Finding(kind="owner_contested"))
    assert said(world.later(-HOUR).look()) == [(MIA, RESOLVED)]
    assert [incident.finding.kind for incident in world.open()] == ["owner_contested"]


# --- the day's twelve -------------------------------------------------------------------------------------


def flap(world: World, times: int, finding: Finding = FAILED) -> None:
    for _ in range(times):
        world.look(finding)
        world.later(MINUTE).look()
        world.later(MINUTE)


def test_an_address_gets_twelve_alerts_a_utc_day_and_the_twelfth_says_so() -> None:
    world = World(now=MONDAY.replace(hour=0))
    flap(world, 30)
    assert [m.content["last"] for m in world.mails] == [False] * 11 + [True]
    assert len(world.mails) == MAILS_A_DAY
    world.now = MONDAY.replace(hour=0) + DAY - MINUTE
    assert not world.look(FAILED)
    assert said(world.later(MINUTE).look(FAILED)) == [(MIA, FIRING)]


def test_who_was_told_before_the_day_was_full_hears_the_end_on_the_next() -> None:
    world = World(now=MONDAY.replace(hour=0))
    flap(world, 5)
    world.look(FAILED)
    world.later(MINUTE).look(FAILED, Finding(kind="run_missed"))
    assert len(world.mails) == 12
    assert not world.later(MINUTE).look()
    assert not world.later(HOUR).look()
    assert said(world.later(DAY).look()) == [(MIA, RESOLVED), (MIA, RESOLVED)]
    assert not world.later(DAY).look()


def test_what_the_full_day_left_out_is_told_on_the_next_or_never_if_it_is_over() -> None:
    world = World(now=MONDAY.replace(hour=0))
    flap(world, 6)
    assert not world.look(FAILED, Finding(kind="crm_refused"))
    assert not world.later(HOUR).look(FAILED)
    assert said(world.later(DAY).look(FAILED)) == [(MIA, FIRING)]
    assert said(world.later(HOUR).look()) == [(MIA, RESOLVED)]
    assert all("crm_refused" not in m.subject for m in world.mails)


def test_the_gravest_are_told_first_when_there_is_no_room_for_all() -> None:
    people = [Finding(kind="person_unusable", key=f"p{n:02}") for n in range(20)]
    world = World()
    world.look(Finding(kind="fallback_used"), *people, held(level=Level.HIGH))
    mine = [m.content["level"] for m in world.mails if m.recipient == ED]
    assert mine == ["high"] + ["normal"] * 11


def test_answers_to_saves_go_to_editors_at_once_and_do_not_use_up_the_day_s_alerts() -> None:
    world = World(now=MONDAY.replace(hour=0))
    for n in range(100):
        told = world.later(MINUTE).look(refused(f"e{n}"))
        assert len(told) == (2 if n < ANSWERS_A_DAY else 0)
        assert all(m.answer for m in told)
    mine = [m.content["last"] for m in world.mails if m.recipient == ED]
    assert mine == [False] * (ANSWERS_A_DAY - 1) + [True]
    assert said(world.later(MINUTE).look(held())) == [(ED, FIRING), (EVA, FIRING)]


def test_the_same_save_is_answered_once() -> None:
    world = World()
    world.look(refused("e1"))
    assert not world.later(MINUTE).look(refused("e1"))
    assert world.later(MINUTE).look(refused("e2"))
    assert said(world.later(MINUTE).look()) == [(ED, RESOLVED), (EVA, RESOLVED)]


def test_an_acknowledged_refusal_still_answers_a_new_save() -> None:
    world = World()
    world.look(refused("e1"))
    world.ack(world.now + DAY)
    assert not world.later(5 * HOUR).look(refused("e1", count=9))
    assert said(world.later(MINUTE).look(refused("e2"))) == [(ED, FIRING), (EVA, FIRING)]


def test_on_call_reads_of_a_refused_workbook_by_the_rules_for_alerts_not_at_every_save() -> None:
    world = World()
    both = frozenset(Reader)
    told = world.look(refused("e0", readers=both))
    assert [(m.recipient, m.answer) for m in told] == [(ED, True), (EVA, True), (MIA, False)]
    for n in range(1, 50):
        told = world.later(MINUTE).look(refused(f"e{n}", readers=both, count=n))
        assert said(told) == [(ED, FIRING), (EVA, FIRING)]
    assert (MIA, FIRING) in said(world.later(4 * HOUR).look(refused("e50", readers=both, count=60)))


def test_who_reads_of_it_later_is_told_then() -> None:
    world = World()
    world.look(refused("e0"))
    assert said(world.later(DAY).look(refused("e0", readers=frozenset(Reader)))) == [(MIA, FIRING)]
    assert said(world.later(HOUR).look()) == [(ED, RESOLVED), (EVA, RESOLVED), (MIA, RESOLVED)]
    assert {(m.recipient, m.content["reader"]) for m in world.mails[-3:]} == {
        (ED, "editors"), (EVA, "editors"), (MIA, "oncall")
    }  # fmt: skip


# --- ack and silence --------------------------------------------------------------------------------------


def test_an_ack_stops_repeats_until_it_expires() -> None:
    world = World()
    world.look(held(1))
    world.ack(MONDAY + DAY)
    for hour in range(1, 24):
        assert not world.later(HOUR).look(held(1 + hour))
    assert said(world.later(HOUR).look(held(99))) == [(ED, FIRING), (EVA, FIRING)]


def test_an_ack_does_not_stop_the_resolved_nor_outlive_its_incident() -> None:
    world = World()
    world.look(held(1))
    world.ack(MONDAY + DAY)
    assert said(world.later(HOUR).look()) == [(ED, RESOLVED), (EVA, RESOLVED)]
    assert said(world.later(HOUR).look(held(1))) == [(ED, FIRING), (EVA, FIRING)]


@pytest.mark.parametrize("key", ["", "no_skill"])
def test_a_silence_holds_back_every_mail_of_its_place_until_it_expires(key: str) -> None:
    world = World()
    world.silences.append(Silence("leads_held", key, MONDAY + DAY))
    assert not world.look(held())
    assert bool(world.look(held(), held(reason="locked"))) is (key != "")
    assert not world.later(DAY - MINUTE).look(held(99), covers=[])
    assert said(world.later(MINUTE).look(held(99), covers=[]))[:1] == [(ED, FIRING)]


def test_what_ended_under_a_silence_is_told_to_those_who_were_told_of_it_and_only_to_them() -> None:
    world = World()
    world.look(held())
    world.silences += [Silence("leads_held", "", MONDAY + DAY), Silence("run_failed", "", MONDAY + DAY)]
    assert not world.later(MINUTE).look(held(), FAILED)
    assert not world.later(HOUR).look()
    assert said(world.later(DAY).look()) == [(ED, RESOLVED), (EVA, RESOLVED)]


# --- kinds with a quiet time, kinds that add up -----------------------------------------------------------


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.adds_up and kind.quiet])
def test_what_adds_up_counts_all_since_it_opened_and_is_over_after_a_quiet_day(kind: str) -> None:
    world = World()
    for n in range(10):
        world.look(Finding(kind=kind, count=3))
        world.later(HOUR)
        assert world.open()[0].count == 3 * (n + 1)
    last = world.now - HOUR
    while world.now < last + DAY:
        assert not any(m.phase == RESOLVED for m in world.look(Finding(kind=kind, count=0)))
        world.later(HOUR)
    assert {m.phase for m in world.look(Finding(kind=kind, count=0))} == {RESOLVED}
    assert not world.open()


def test_fallbacks_are_told_once_a_day_and_only_if_there_were_more() -> None:
    world = World()
    days = []
    for hour in range(72):
        more = 1 if hour < 40 else 0
        days += [hour for m in world.look(Finding(kind="fallback_used", count=more)) if m.recipient == ED]
        world.later(HOUR)
    assert days == [0, 24, 48, 63]
    assert [m.phase for m in world.mails if m.recipient == ED] == [FIRING] * 3 + [RESOLVED]
    assert [m.content["count"] for m in world.mails if m.recipient == ED] == [1, 25, 40, 40]


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "oncall, editors, kind, told",
    [
        ((MIA,), (), "tables_refused", [MIA]),
        ((), (ED,), "run_failed", [ED]),
        ((MIA, MIA), (), "run_failed", [MIA]),
        ((), (), "run_failed", []),
    ],
)
def test_where_one_list_is_empty_the_other_reads_for_it(
    oncall: Any, editors: Any, kind: str, told: list[str]
) -> None:
    world = World(Policy(oncall=oncall, editors=editors))
    assert [m.recipient for m in world.look(Finding(kind=kind))] == told
    assert len(world.open()) == 1


def test_who_is_on_both_lists_gets_one_mail() -> None:
    world = World(Policy(oncall=(MIA, ED), editors=(ED,)))
    told = world.look(Finding(kind="tables_refused", readers=frozenset(Reader)))
    assert said(told) == [(ED, FIRING), (MIA, FIRING)]


def test_without_a_mail_server_incidents_are_kept_and_told_when_there_is_one() -> None:
    world = World(replace(POLICY, mails=False))
    assert not world.look(FAILED)
    world.policy = POLICY
    assert said(world.later(MINUTE).look(FAILED)) == [(MIA, FIRING)]


# --- ids --------------------------------------------------------------------------------------------------


def test_ids_are_unique_and_look_like_one_another_for_70_000_incidents() -> None:
    ids = [incident_id(n) for n in range(1, 70_001)]
    assert len(set(ids)) == 70_000
    assert {len(name) for name in ids[:65_535]} == {8}
    assert all(name.startswith("INC-") and name[4:].isalnum() and name == name.upper() for name in ids)
    assert ids[:3] == ["INC-9E37", "INC-3C6E", "INC-DAA5"]
    assert sum(a[4:6] == b[4:6] for a, b in pairwise(ids)) == 0


@pytest.mark.parametrize(
    "sender, domain",
    [
        ("a@x.test", "x.test"), ("A <a@x.test>", "x.test"), ("", "localhost"), ("a@b\r\nBcc: c", "localhost"),
        ("a@ü.test", "localhost"), ("a@\ud800", "localhost"),
    ],
)  # fmt: skip
def test_a_thread_is_named_after_the_sender_s_domain_if_it_is_a_plain_one(sender: str, domain: str) -> None:
    assert domain_of(sender) == domain
    world = World(replace(POLICY, sender=sender, oncall=("\ud800@x.test",)))
    world.look(FAILED)
    world.later(HOUR).look()
    for mail in world.mails:
        assert mail.message_id.isascii()
        assert (
            mail.thread == f"inc-9e37.20261102T090000@{domain}" == thread_id(world.known["INC-9E37"], sender)
        )
