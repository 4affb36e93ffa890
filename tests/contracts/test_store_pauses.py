"""The contract of `PauseStore` over memory, SQLite and PostgreSQL: who and what stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from store_cases import NOW, begin

from allocator.domain.pauses import Pause, Paused

HOUR = timedelta(hours=1)
ANA = Pause(Paused.PERSON, "ana", NOW, NOW + HOUR, "olga", "ill")
TEAM = Pause(Paused.TEAM, "Enterprise", NOW, None, "olga", "inventory")
SERVICE = Pause(Paused.SERVICE, "", NOW, NOW + 2 * HOUR, "root", "the CRM moves")


def test_pauses_come_back_as_they_were_set_the_service_first(store: Any) -> None:
    assert list(store.pauses(now=NOW)) == []
    for one in (ANA, TEAM, SERVICE):
        store.pause(one)
    assert list(store.pauses(now=NOW)) == [SERVICE, TEAM, ANA]


def test_a_pause_is_over_at_its_end_by_itself_and_one_without_an_end_stays(store: Any) -> None:
    for one in (ANA, TEAM, SERVICE):
        store.pause(one)
    assert list(store.pauses(now=NOW + HOUR - timedelta(microseconds=1))) == [SERVICE, TEAM, ANA]
    assert list(store.pauses(now=NOW + HOUR)) == [SERVICE, TEAM]
    assert list(store.pauses(now=NOW + 9999 * HOUR)) == [TEAM]


def test_a_later_pause_of_the_same_replaces_the_earlier_one(store: Any) -> None:
    store.pause(ANA)
    store.pause(replace(ANA, kind=Paused.TEAM))  # a team may have a person's name
    again = replace(ANA, until=None, by="ben", reason="longer")
    store.pause(again)
    assert list(store.pauses(now=NOW)) == [replace(ANA, kind=Paused.TEAM), again]


def test_resuming_ends_that_pause_alone_and_twice_is_as_once(store: Any) -> None:
    for one in (ANA, TEAM, SERVICE):
        store.pause(one)
    for _ in range(2):
        store.resume(Paused.TEAM, "Enterprise")
    store.resume(Paused.PERSON, "Enterprise")
    assert list(store.pauses(now=NOW)) == [SERVICE, ANA]
    store.resume(Paused.SERVICE, "")
    assert list(store.pauses(now=NOW)) == [ANA]


@pytest.mark.parametrize("name", ["ana", "Ana\ud800 ü\x00␀\r\n", "' OR 1=1 --"])
def test_any_name_and_reason_survive(store: Any, name: str) -> None:
    odd = replace(ANA, name=name, by=name, reason=name)
    store.pause(odd)
    assert list(store.pauses(now=NOW)) == [odd]
    store.resume(Paused.PERSON, name)
    assert list(store.pauses(now=NOW)) == []


def test_times_of_any_zone_are_the_same_instants(store: Any) -> None:
    tokyo = timezone(9 * HOUR)
    store.pause(replace(ANA, since=NOW.astimezone(tokyo), until=(NOW + HOUR).astimezone(tokyo)))
    assert list(store.pauses(now=NOW.astimezone(tokyo))) == [ANA]
    assert list(store.pauses(now=(NOW + HOUR).astimezone(tokyo))) == []


def test_a_pause_needs_no_lease_and_every_process_sees_it_at_once(backend: Any) -> None:
    one, other = backend.open(), backend.open()
    begin(one)
    other.pause(TEAM)
    assert list(one.pauses(now=NOW)) == [TEAM]
