"""Which version runs: what waits, what goes live by itself, and that every host and every run agrees."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))

from workbooks import build, changed, small

from allocator.adapters.store.memory import MemoryStore
from allocator.adapters.tables import WorkbookTables
from allocator.domain.impact import Because, Impact, Moved, Place
from allocator.domain.versions import How, Standing
from allocator.service.impact import MOST_UNASKED, Unmeasured
from allocator.service.versions import Judge, Verdict
from rules.errors import Problem, WorkbookError
from rules.model import RoutingTables

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
OTHER = {"Country!D2": "DE"}
THIRD = {"Country!D2": "AT"}
THRESHOLD = {"Settings!A3": "Publish threshold", "Settings!B3": "20 %"}
CODE = {"Settings!A4": "Accept version"}


@cache
def workbook(cells: tuple[tuple[str, object], ...]) -> bytes:
    return changed(dict(cells))


class Company:
    """A store, the past leads that any change of a country moves, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.at = folder, MemoryStore(), MONDAY
        self.leads, self.moved, self.measured = 100, 50, 0

    def host(self, name: str) -> Host:
        return Host(self, name)

    def measure(self, store: Any, before: RoutingTables, after: RoutingTables, **how: Any) -> Impact | None:
        self.measured += 1
        assert how["most"] == MOST_UNASKED
        if not self.leads:
            return None
        one = Moved("crm:1", Place("A", "P"), Place("B", "Q"), Because())
        now = how["now"]
        return Impact(self.leads, (one,) * self.moved, {}, (), {}, how["days"], now, now)

    def states(self) -> list[tuple[str, str]]:
        return [(v.sha256[:8], v.state.value) for v in self.store.tables_versions()]

    @property
    def live(self) -> str:
        version = self.store.tables()
        assert version is not None
        return version.sha256


class Host:
    """A machine with a copy of the file."""

    def __init__(self, company: Company, name: str) -> None:
        self.company, self.path = company, company.folder / name / "tables.xlsx"
        self.path.parent.mkdir()
        self.tables = WorkbookTables(self.path, sleep=lambda seconds: None)
        self.crm_shows: dict[str, tuple[Problem, ...]] = {}
        self.judge = Judge(
            company.store, self.tables, {}, company.measure, lambda t: self.crm_shows.get(t.version, ())
        )

    def put(self, content: bytes) -> str:
        """Saved now. Returns its sha256."""
        self.path.write_bytes(content)
        self.company.at += timedelta(minutes=1)
        self.touch()
        return hashlib.sha256(content).hexdigest()

    def touch(self) -> None:
        os.utime(self.path, (self.company.at.timestamp(),) * 2)

    def save(self, *cells: Mapping[str, object]) -> str:
        return self.put(workbook(tuple({k: v for some in cells for k, v in some.items()}.items())))

    def serves(self) -> Verdict:
        """The service looks."""
        return self._settled(None)

    def runs(self) -> str:
        """A run. Returns the version that it decides by."""
        store, at = self.company.store, self.company.at
        lease = store.begin_run(slot="s", by="cli", at=at, live=True, seconds=90)
        try:
            return self._settled(lease).look.version.sha256
        finally:
            store.end_run(lease, at=at, state="done", summary={})

    def _settled(self, lease: Any) -> Verdict:
        self.company.at += timedelta(minutes=1)
        now = self.company.at
        return self.judge.settle(
            lambda: self.tables.look(self.company.store, now=now, extra=self.judge.extra), now, lease=lease
        )


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def host(company: Company) -> Host:
    """A host whose first version, with a threshold of 20 %, runs."""
    made = company.host("a")
    made.save(THRESHOLD)
    made.runs()
    return made


# --- waiting ---


@pytest.mark.parametrize(("moved", "state"), [(20, "next"), (21, "waiting"), (0, "next"), (100, "waiting")])
def test_a_version_waits_that_moves_more_than_the_threshold(
    company: Company, host: Host, moved: int, state: str
) -> None:
    company.moved = moved
    new = host.save(THRESHOLD, OTHER)
    host.serves()
    assert company.states()[0] == (new[:8], state)
    assert (host.runs() == new) == (state == "next")


def test_a_version_whose_impact_cannot_be_measured_waits_and_runs_go_on(company: Company, host: Host) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise KeyError("ana@example.com")

    host.judge = replace(host.judge, measure=broken)
    first, new = company.live, host.save(THRESHOLD, OTHER)
    assert host.runs() == first
    assert company.states()[0] == (new[:8], "waiting")
    tables = host.serves().look.tables
    with pytest.raises(Unmeasured, match=r"could not be measured \(KeyError\)\. See: allocator tables"):
        host.judge.impact(tables, tables, MONDAY)


def test_what_waits_does_not_run_although_this_program_cannot_read_what_ran(
    company: Company, host: Host
) -> None:
    first, new = company.live, host.save(THRESHOLD, OTHER)
    host.serves()
    with company.store._changing() as state:
        state.versions = tuple(
            replace(v, content=b"of an older program") if v.sha256 == first else v for v in state.versions
        )
    with pytest.raises(WorkbookError, match="W0"):
        host.runs()
    assert company.live == first and company.states()[0] == (new[:8], "waiting")


def test_a_first_version_does_not_wait(company: Company) -> None:
    host = company.host("a")
    first = host.save(THRESHOLD)
    assert host.runs() == first
    assert company.measured == 0


def test_without_past_leads_or_a_threshold_no_version_waits(company: Company, host: Host) -> None:
    company.leads = 0
    assert host.save(OTHER) == host.runs()  # takes the threshold away, for the next one
    company.leads, company.measured = 100, 0
    assert host.save(THIRD) == host.runs()
    assert company.measured == 0


def test_the_threshold_in_force_is_that_of_the_version_that_runs(company: Company, host: Host) -> None:
    before = company.live
    host.save({**THRESHOLD, "Settings!B3": "100 %"}, OTHER)
    host.serves()
    host.save(OTHER)
    assert host.runs() == before
    assert [state for _, state in company.states()] == ["waiting", "superseded", "accepted"]


def test_a_run_and_the_service_agree_whoever_meets_the_file_first(company: Company, host: Host) -> None:
    before = company.live
    host.save(THRESHOLD, OTHER)
    host.serves()
    company.moved = 0  # what is counted later does not matter any more
    assert host.runs() == before == host.runs()
    assert company.measured == 1
    new = host.save(THRESHOLD, THIRD)
    host.serves()
    company.moved = 100
    assert host.runs() == new
    assert company.measured == 2
    host.save(THRESHOLD, OTHER)
    assert host.runs() == new
    assert host.serves().look.waiting is not None
    assert company.measured == 3


def test_it_is_measured_anew_when_another_version_went_live_meanwhile(company: Company, host: Host) -> None:
    first = company.live
    company.moved = 0
    new = host.save(THRESHOLD, OTHER)
    host.serves()
    elsewhere = company.host("b")
    third = elsewhere.save(THRESHOLD, THIRD)
    assert elsewhere.runs() == third != first
    company.moved = 100
    company.at += timedelta(hours=1)
    host.touch()
    assert host.runs() == third
    assert company.states()[0] == (new[:8], "waiting")


def test_a_newer_save_takes_the_place_of_what_waits_and_the_old_file_too(
    company: Company, host: Host
) -> None:
    first = company.live
    content = host.path.read_bytes()
    waits = host.save(THRESHOLD, OTHER)
    host.serves()
    newer = host.save(THRESHOLD, THIRD)
    host.serves()
    assert company.states() == [(newer[:8], "waiting"), (waits[:8], "superseded"), (first[:8], "accepted")]
    host.put(content)
    assert host.serves().look.waiting is None
    assert [state for _, state in company.states()] == ["superseded", "superseded", "accepted"]


def test_the_note_of_a_run_says_what_runs_how_old_it_is_and_what_waits(company: Company, host: Host) -> None:
    first = company.live
    company.at += timedelta(days=3)
    code = host.save(THRESHOLD, OTHER)[:8]
    note = host.serves().look.note
    assert note.startswith(f"{code} waits to be accepted, since it would move 50 of 100 past leads")
    assert f"allocator tables accept {code}" in note
    assert note.endswith(f"{first[:8]} of 2026-11-02 09:02 UTC, 3 d 0 h old, runs")
    host.path.write_bytes(b"")
    refused = host.serves().look.note
    assert "damaged or only half saved; " in refused and f"{code} waits" in refused
    host.path.unlink()
    gone = host.serves().look.note
    assert gone.startswith("tables.xlsx cannot be read; ") and "3 d 0 h old, runs" in gone


# --- codes ---


def test_a_save_that_only_adds_the_code_accepts_what_waits(company: Company, host: Host) -> None:
    waits = host.save(THRESHOLD, OTHER)
    host.serves()
    new = host.save(THRESHOLD, OTHER, CODE, {"Settings!B4": waits[:8].upper()})
    host.serves()
    assert host.runs() == new
    newest = company.store.tables()
    assert newest is not None and newest.how is How.CODE
    assert company.measured == 1


def test_rows_that_moved_or_notes_do_not_keep_the_code_from_counting(company: Company, host: Host) -> None:
    waits = host.save(THRESHOLD, OTHER)
    host.serves()
    sheets = small()
    sheets["Country"][1][3] = "DE"
    sheets["Country"][1:] = sheets["Country"][:0:-1]
    sheets["Settings"] += [["Publish threshold", "20 %", "mine"], ["Accept version", waits[:8]]]
    new = host.put(build(sheets))
    assert host.runs() == new


def test_a_code_does_not_count_when_something_else_is_different_too(company: Company, host: Host) -> None:
    before = company.live
    waits = host.save(THRESHOLD, OTHER)[:8]
    host.serves()
    new = host.save(THRESHOLD, OTHER, CODE, {"Settings!B4": waits, "Team!D2": "*"})
    verdict = host.serves()
    assert "did not count" in verdict.why_not and verdict.why_not.endswith("different too: T-1.")
    assert company.states()[0] == (new[:8], "waiting")
    assert host.runs() == before
    own = host.save(THRESHOLD, OTHER, CODE, {"Settings!B4": new[:8], "Team!D2": "*"})
    assert host.runs() == own


def test_a_code_cannot_bring_a_higher_threshold_or_other_editors_with_it(
    company: Company, host: Host
) -> None:
    before = company.live
    for more in ({"Settings!B3": "100 %"}, {"Settings!A5": "Editors", "Settings!B5": "m@example.com"}):
        waits = host.save(THRESHOLD, OTHER)[:8]
        host.serves()
        host.save(THRESHOLD, OTHER, CODE, {"Settings!B4": waits, **more})
        assert host.runs() == before


def test_a_stale_code_does_no_harm_and_accepts_nothing(company: Company, host: Host) -> None:
    waits = host.save(THRESHOLD, OTHER)[:8]
    host.serves()
    stale = {**CODE, "Settings!B4": waits}
    live = host.save(THRESHOLD, OTHER, stale)
    host.runs()
    host.save(THRESHOLD, THIRD, stale)
    assert host.runs() == live
    company.moved = 0
    free = host.save(THRESHOLD, stale)
    assert host.runs() == free


def test_a_code_with_a_mistake_beside_it_counts_once_it_is_mended(company: Company, host: Host) -> None:
    before = company.live
    waits = host.save(THRESHOLD, OTHER)
    host.serves()
    code = {**CODE, "Settings!B4": waits[:8]}
    host.save(THRESHOLD, {"Country!D2": "Genmany"}, code)
    assert host.runs() == before
    assert company.states()[0] == (waits[:8], "waiting")
    mended = host.save(THRESHOLD, OTHER, code)
    assert host.runs() == mended


# --- what is next ---


def test_what_was_answered_as_next_runs_although_a_refused_file_was_saved_since(
    company: Company, host: Host
) -> None:
    company.moved = 0
    good = host.save(THRESHOLD, OTHER)
    host.serves()
    host.save({"Country!D2": "Genmany"})
    refused = host.serves().look
    assert refused.refused and refused.version.sha256 == good
    assert host.runs() == good
    assert company.live == good


def test_a_run_on_a_host_whose_file_lags_accepts_what_is_next(company: Company, host: Host) -> None:
    lagging = company.host("b")
    lagging.put(host.path.read_bytes())
    lagging.runs()
    company.moved = 0
    good = host.save(THRESHOLD, OTHER)
    host.serves()
    assert lagging.runs() == good == company.live


@pytest.mark.parametrize("which", [0, 1])
def test_what_was_next_does_not_run_when_the_crm_shows_what_is_wrong_with_it(
    company: Company, host: Host, which: int
) -> None:
    first, company.moved = company.live, 0
    lagging = company.host("b")
    lagging.put(host.path.read_bytes())
    new = host.save(THRESHOLD, OTHER)  # checked while the CRM could not be asked
    host.serves()
    assert company.states()[0] == (new[:8], "next")
    one = (host, lagging)[which]
    one.crm_shows[new] = (Problem("T341", "Salespeople", "Ana is an intake owner.", "Take her out."),)
    assert one.runs() == first == company.live
    note = one.serves().look.note
    assert "1 problem" in note if one is host else f"{new[:8]}, which was to be next, does not pass" in note
    one.crm_shows.clear()
    assert one.runs() == new == company.live


# --- several hosts, rollback ---


def _roll_back(company: Company, sha256: str) -> None:
    version = company.store.tables_version(sha256)
    assert version is not None
    company.at += timedelta(minutes=1)
    back = replace(version, state=Standing.ACCEPTED, how=How.ROLLBACK, accepted_at=company.at)
    assert company.store.put_tables(back, after=company.live)


def test_a_host_whose_file_is_older_never_replaces_a_newer_one_and_says_so(
    company: Company, host: Host
) -> None:
    other = company.host("b")
    first = other.put(host.path.read_bytes())
    company.moved = 0
    newer = host.save(THRESHOLD, OTHER)
    host.runs()
    look = other.serves().look
    assert look.version.sha256 == newer and "tables.xlsx is an older version; " in look.note
    assert other.runs() == newer == company.live != first


def test_a_host_that_lags_does_not_take_what_waits_elsewhere_away(company: Company, host: Host) -> None:
    other = company.host("b")
    first = other.put(host.path.read_bytes())
    waits = host.save(THRESHOLD, OTHER)
    host.serves()
    look = other.serves().look
    assert other.runs() == first
    assert company.states()[0] == (waits[:8], "waiting")
    assert look.waiting is not None and f"{waits[:8]} waits" in look.note


def test_after_a_rollback_every_host_runs_the_old_version_whatever_its_file_says(
    company: Company, host: Host
) -> None:
    first = company.live
    company.moved = 0
    bad = host.save(THRESHOLD, OTHER)
    host.runs()
    other = company.host("b")
    other.put(host.path.read_bytes())
    _roll_back(company, first)
    company.at += timedelta(days=1)
    for one in (host, other):
        one.touch()  # a copy with a new date is not a change
        assert one.runs() == first
        look = one.serves().look
        assert not look.fresh and "has no say until it is changed" in look.note
    assert company.live == first != bad


def test_after_a_rollback_a_changed_file_is_a_new_version_as_usual(company: Company, host: Host) -> None:
    first = company.live
    company.moved = 0
    host.save(THRESHOLD, OTHER)
    host.runs()
    _roll_back(company, first)
    host.runs()
    new = host.save(THRESHOLD, THIRD)
    assert host.runs() == new == company.live


def test_what_was_rolled_back_stays_so_while_a_newer_version_waits(company: Company, host: Host) -> None:
    first = company.live
    company.moved = 0
    host.save(THRESHOLD, OTHER)
    host.runs()
    other = company.host("b")
    other.put(host.path.read_bytes())
    _roll_back(company, first)
    company.moved = 100
    content = changed({**THRESHOLD, **THIRD})
    waits = host.put(content)
    host.serves()
    company.at += timedelta(days=1)
    other.touch()
    assert other.runs() == first and company.states()[0] == (waits[:8], "waiting")
    newer = host.save(THRESHOLD, {"Country!D2": "CH"})
    host.serves()
    assert company.states()[0] == (newer[:8], "waiting")
    host.put(content)  # seen since the rollback: whoever puts it back means it
    host.serves()
    assert company.states()[0] == (waits[:8], "waiting")


def test_after_a_rollback_a_new_version_is_measured_against_what_was_put_back(
    company: Company, host: Host
) -> None:
    first = company.live
    company.moved = 0
    host.save(OTHER)  # no threshold any more
    host.runs()
    _roll_back(company, first)
    company.moved = 100
    host.save(THIRD)
    assert host.runs() == first
    assert company.states()[0][1] == "waiting"


def test_a_rollback_between_the_look_and_the_acceptance_is_not_undone(
    company: Company, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = company.live
    company.moved = 0
    host.save(THRESHOLD, OTHER)
    second = host.runs()
    host.save(THRESHOLD, THIRD)
    looks = []

    def meanwhile(*args: Any, **more: Any) -> Impact | None:
        if not looks:
            _roll_back(company, first)
        looks.append(args)
        return Company.measure(company, *args, **more)

    company.moved = 100
    host.judge = Judge(company.store, host.tables, {}, meanwhile)
    assert host.runs() == first != second
    assert len(looks) == 2 and company.live == first
