"""SIGKILL at every write of a cycle and at its commits: the next runs end as if nobody had been killed.

One cycle with a Lead to be made, an edit that goes to the CRM and one that goes to HubSpot, and a Lead that
was converted.
"""

from __future__ import annotations

import copy
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from quick_starts import Process, Warm, ended, until

for _folder in ("", "faults", "run", "rules"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))

from checker import compare  # noqa: E402
from stamina.instrumentation import set_on_retry_hooks  # noqa: E402
from sync_history import violations  # noqa: E402
from synced_org import SyncedOrg  # noqa: E402

WRITES = ("made", "edited", "told")
COMMITS = range(5, 16)
"""From the plan's on: those before are of every run, and killed at in test_kills.py."""
STAMPED = ("lastmodifieddate", "createdate")


class Cycle:
    """The two systems and the store as they are before the cycle, put back for each kill."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.org = SyncedOrg(folder, monkeypatch)
        self.warm = Warm("kill_warm.py")
        ours, theirs, converted = self.org.linked(3)
        self.org.rests()
        ours.edit_ours(phone="200")
        theirs.edit(theirs.lead, Phone="300")
        converted.edit_ours(phone="200")
        self.contact = converted.convert()
        self.people, self.new = (ours, theirs, converted), self.org.new()
        self.org.later(minutes=30)
        self.store = folder / "before.db"
        shutil.copyfile(self.org.database, self.store)
        self.before = self._dump()
        self.requests, self.commits, self.undisturbed = self._run_undisturbed(folder)

    def close(self) -> None:
        self.warm.close()
        self.org.close()

    def _dump(self) -> tuple[Any, Any, Any]:
        sandbox = self.org.sandbox
        records = sandbox.org.records
        return records.dump(), list(records.history), copy.deepcopy(sandbox.portal.dump())

    @contextmanager
    def put_back(self) -> Iterator[SyncedOrg]:
        org, (records, history, portal) = self.org, copy.deepcopy(self.before)
        org.control("DELETE", "faults")
        org.control("DELETE", "requests")
        org.sandbox.org.records.load(records)
        org.sandbox.org.records.history.extend(history)
        org.sandbox.portal.load(portal)
        org.later(minutes=0)
        for stale in org.database.parent.glob("allocator.db*"):
            stale.unlink()
        shutil.copyfile(self.store, org.database)
        yield org

    def start(self, **more: str) -> Process:
        org = self.org
        argv = ["run", "--json", "--config", str(org.config)]
        return self.warm.start(argv, org.config.parent, {"ALLOCATOR_NOW": org.at.isoformat(), **more})

    def run(self) -> None:
        done = ended(self.start())
        assert done.code in (0, 4), f"{done.out}{done.err}"

    def _run_undisturbed(self, folder: Path) -> tuple[list[dict[str, Any]], int, Path]:
        with self.put_back() as org:
            note = folder / "commits"
            done = ended(self.start(COUNT_COMMITS=str(note)))
            assert done.code == 0, done.err
            requests = org.requests()
            self.run()
            kept = folder / "undisturbed.db"
            shutil.copyfile(org.database, kept)
            self.shown = self._shown()
            return requests, len(note.read_text()), kept

    def _shown(self) -> list[Any]:
        """What both systems show in the end, but for stamps."""
        org = self.org
        rows = [
            (row["Id"], row["OwnerId"], row.get("Phone"), row.get("Marketing_Id__c"))
            for kind in ("Lead", "Contact")
            for row in org.records(kind)
        ]
        told = [
            (row["id"], name, value)
            for row in org.contacts()
            for name, value in row["properties"].items()
            if name not in STAMPED
        ]
        return [*rows, *told]

    def place(self, write: str) -> int:
        """The number of the request that makes the Lead, writes the edits to the CRM, or tells HubSpot."""
        texts = {"made": "Marketing_Id__c", "edited": "/sobjects/Contact/003", "told": "batch/update"}
        found = [
            n
            for n, entry in enumerate(self.requests, 1)
            if any(texts[write] in (one.get("url") or one["path"]) and one["method"] != "GET"
                   for one in (entry, *entry["sub"]))
        ]  # fmt: skip
        return found[0]

    def finishes(self) -> None:
        """The next run finishes, one more finds nothing to do, and all is as if nobody had been killed."""
        org = self.org
        self.run()
        seen = org.asked()
        self.run()
        assert org.writes(seen) == []
        assert violations(org.history()) == []
        shown = self._shown()
        assert ([x for x in shown if x not in self.shown], [x for x in self.shown if x not in shown]) == (
            [],
            [],
        )
        assert compare(f"sqlite:///{self.undisturbed}", f"sqlite:///{org.database}") == []
        assert len([row for row in org.records("Lead") if row["Marketing_Id__c"] == self.new.key]) == 1


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cycle]:
    with pytest.MonkeyPatch.context() as patch:
        made = Cycle(tmp_path_factory.mktemp("sync"), patch)
        yield made
        made.close()
    set_on_retry_hooks(None)


def test_the_kill_points_are_all_that_the_cycle_writes(cycle: Cycle) -> None:
    assert cycle.commits == COMMITS.stop - 1
    written = [n for n, entry in enumerate(cycle.requests, 1) if writes(cycle, n)]
    assert [cycle.place(write) for write in WRITES] == written
    assert sorted(person_shown(cycle)) == ["200", "200", "300"]


def writes(cycle: Cycle, n: int) -> bool:
    entry = cycle.requests[n - 1]
    updates = entry["path"].endswith("batch/update")
    return updates or any(sub["method"] == "PATCH" for sub in entry["sub"] if "sobjects" in sub["url"])


def person_shown(cycle: Cycle) -> list[str]:
    """What the undisturbed cycle brought over: to two of the CRM's records and one of HubSpot's."""
    ours, theirs, _ = cycle.people
    wanted = [(ours.lead, 2), (cycle.contact, 2)]
    found = [row[at] for id, at in wanted for row in cycle.shown if row[0] == id]
    return [*found, *(row[2] for row in cycle.shown if row[:2] == (theirs.record, "phone"))]


@pytest.mark.parametrize("when", ["before", "after_commit"])
@pytest.mark.parametrize("write", WRITES)
def test_killed_at_a_write(cycle: Cycle, write: str, when: str) -> None:
    with cycle.put_back() as org:
        fault = org.fault("hold", when, {"nth": cycle.place(write)})
        process = cycle.start()
        until(lambda: holding(org, fault) or process.poll() is not None, "the request is held")
        assert process.poll() is None, ended(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if when == "after_commit":
            org.control("POST", "release", {"id": fault})
        org.control("DELETE", "faults")
        cycle.finishes()


def holding(org: SyncedOrg, fault: str) -> bool:
    return any(one["id"] == fault and one["holding"] for one in org.control("GET", "faults"))


@pytest.mark.parametrize("k", COMMITS[::2])
def test_killed_before_a_commit(cycle: Cycle, k: int) -> None:
    with cycle.put_back():
        died = ended(cycle.start(KILL_AT_COMMIT=f"before {k}"))
        assert died.code == -signal.SIGKILL, died
        cycle.finishes()


def test_a_write_of_the_dead_one_that_arrives_when_all_is_over_makes_no_second_lead(cycle: Cycle) -> None:
    with cycle.put_back() as org:
        fault = org.fault("hold", "before", {"nth": cycle.place("made")})
        process = cycle.start()
        until(lambda: holding(org, fault) or process.poll() is not None, "the request is held")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        cycle.run()
        org.control("POST", "release", {"id": fault})
        until(lambda: not holding(org, fault), "it arrived")
        cycle.finishes()
