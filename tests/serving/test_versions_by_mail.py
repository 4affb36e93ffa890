"""A person with a spreadsheet and a mailbox: change, refused, draft, waits, accept, live."""

from __future__ import annotations

import pytest
from desks import EDITOR, Desk, recipients, subjects
from waiting_desk import THRESHOLD, TO_BEN, code_in, hour_passes, live, saves, told


def test_the_whole_path_with_a_spreadsheet_and_a_mailbox_only(busy: Desk) -> None:
    first = live(busy)
    saves(busy, {"Country!D2": "Genmany"}, TO_BEN)
    refused = told(busy.looks())
    assert "Country!D2" in refused and f"last good version ({first}) goes on" in refused
    busy.save({**THRESHOLD, **TO_BEN}, path=busy.draft)
    draft = told(busy.looks())
    assert "the draft passed the check" in draft and "10 of 10 leads" in draft
    assert "would then wait to be accepted: it moves more past leads than 20 %" in draft
    saves(busy, TO_BEN)
    mails = busy.looks()
    waiting = told(mails)
    code = code_in(waiting)
    assert f"WAITING routing_tables.xlsx: waits to be accepted, code {code}" in subjects(mails)[0]
    assert "10 of 10 past leads, more than the publish threshold of 20 %" in waiting
    assert f"{first} goes on deciding" in waiting and f"allocator tables accept {code}" in waiting
    assert "P-001 -> P-002" in waiting and "Enterprise, P-002: 0 -> 10" in waiting
    assert not busy.open_incidents()
    assert hour_passes(busy) == first
    saves(busy, TO_BEN, {"Settings!A4": "Accept version", "Settings!B4": code})
    accepted = told(busy.looks())
    assert "live from the 12:00 UTC run" in accepted and "T-2, Then Owner: P-001 -> P-002" in accepted
    assert hour_passes(busy) == live(busy) != first
    assert not busy.looks(4) and not busy.looks(4, loop=busy.start())


def test_a_version_that_waits_is_answered_once_whoever_looks_and_however_often(busy: Desk) -> None:
    first = live(busy)
    saves(busy, TO_BEN)
    busy.clock.wait(hours=1)
    (note,) = busy.run().summary["notes"]  # the run meets it first, and says what waits and what runs
    code = code_in(told(busy.post()))
    assert f"{code} waits to be accepted" in note and f"{first} of 2026-11-02 10:00 UTC" in note
    assert not busy.looks(4)
    assert not busy.looks(4, loop=busy.start())
    hour_passes(busy)
    assert not busy.post()


def test_a_fault_in_the_impact_is_told_and_stops_neither_runs_nor_answers(
    busy: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = live(busy)
    monkeypatch.setattr("allocator.service.impact.impact_of", lambda *args: {}["ana@example.com"])
    saves(busy, TO_BEN)
    busy.clock.wait(hours=1)
    assert busy.run().summary["tables_version"][:8] == first
    waits = told(busy.post())
    assert code_in(waits) and "could not be measured (KeyError)" in waits and "ana@" not in waits
    busy.save({**THRESHOLD, **TO_BEN}, path=busy.draft)
    draft = told(busy.looks())
    assert "the draft passed the check" in draft and "could not be measured (KeyError)" in draft


def test_putting_back_what_runs_is_answered_and_nothing_waits_any_more(busy: Desk) -> None:
    content = busy.path.read_bytes()
    saves(busy, TO_BEN, {"Settings!A5": "Editors", "Settings!B5": "mallory@example.com"})
    assert recipients(busy.looks()) == [EDITOR]  # not whom only the version that waits names
    busy.put(content)
    assert "live since the last run" in subjects(busy.looks())[0]
    newest = busy.store.tables_versions()[0]
    assert newest.state == "superseded" and not busy.looks(4)


def test_a_code_with_another_change_does_not_count_and_the_mail_says_why(busy: Desk) -> None:
    saves(busy, TO_BEN)
    code = code_in(told(busy.looks()))
    saves(busy, TO_BEN, {"Settings!A4": "Accept version", "Settings!B4": code, "Country!D2": "DE"})
    again = told(busy.looks())
    assert f"The code {code} in Accept version did not count" in again
    assert "something else is different too: K-1" in again
    assert code_in(again) != code


def test_a_version_that_waits_ends_a_refusal_in_its_thread(busy: Desk) -> None:
    saves(busy, TO_BEN)
    busy.looks()
    waits = busy.path.read_bytes()
    saves(busy, {"Country!D2": "Genmany"})
    (refused,) = busy.looks()
    busy.put(waits)
    (again,) = busy.looks()
    assert code_in(" ".join(again.text.split()))
    assert str(again.message["References"]) == str(refused.message["Message-ID"])
    assert not busy.open_incidents() and not busy.looks(4)
