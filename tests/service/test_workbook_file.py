"""The file itself: only read, never locked, tried again while it is saved; one that is away stops nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))

from workbooks import build, changed, small

from allocator.adapters.store.memory import MemoryStore
from allocator.adapters.tables import AGAIN, PAUSE_SECONDS, WorkbookTables
from allocator.domain.records import TablesLook
from allocator.domain.versions import Standing
from allocator.entrypoints.cli import main
from rules.errors import WorkbookError

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
GOOD, OTHER = build(small()), changed({"Country!D2": "AT"})


class Desk:
    """A workbook whose content is the last good version, and what happens while the service waits."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "routing_tables.xlsx"
        self.path.write_bytes(GOOD)
        self.store = MemoryStore()
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.tables = WorkbookTables(self.path, sleep=self._sleep)
        lease = self.store.begin_run(slot="s", by="cli", at=NOW, live=True, seconds=90)
        self.store.accept_tables(lease, replace(self.look().version, state=Standing.ACCEPTED))
        self.last = self.look().version.sha256

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.meanwhile()

    def look(self) -> TablesLook:
        return self.tables.look(self.store, now=NOW, extra=lambda tables: ())

    def lock(self, name: str) -> None:
        self.path.with_name(f".~lock.{self.path.name}#").write_text(f"{name},a,b,c,d;", encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_half_saved_file_is_tried_again_until_it_is_whole(desk: Desk) -> None:
    desk.path.write_bytes(OTHER[:2_000])
    desk.meanwhile = lambda: len(desk.waits) == 2 and desk.path.write_bytes(OTHER)
    assert desk.look().fresh and desk.waits == [PAUSE_SECONDS] * 2


def test_a_draft_is_waited_for_as_well(desk: Desk) -> None:
    draft = desk.path.with_name("routing_tables.draft.xlsx")
    draft.write_bytes(OTHER[:2_000])
    desk.meanwhile = lambda: draft.write_bytes(OTHER)
    found = desk.tables.draft(extra=lambda tables: ())
    assert found and found.tables and desk.waits == [PAUSE_SECONDS]


def test_a_file_that_stays_half_is_done_without_and_it_is_told_who_has_it_open(desk: Desk) -> None:
    desk.path.write_bytes(OTHER[:2_000])
    desk.lock("Ana Alvarez")
    look = desk.look()
    assert desk.waits == [PAUSE_SECONDS] * AGAIN
    assert (look.version.sha256, look.fresh, look.refused[0].code) == (desk.last, False, "W05")
    assert "Ana Alvarez has it open" in look.note


def test_a_refused_file_is_not_waited_for(desk: Desk) -> None:
    desk.path.write_bytes(changed({"Country!D2": "Genmany"}))
    assert desk.look().version.sha256 == desk.last and not desk.waits


@pytest.mark.parametrize("away", ["deleted", "a folder", "the share"])
def test_a_file_that_goes_away_leaves_the_last_good_version(desk: Desk, away: str) -> None:
    desk.path.unlink()
    if away == "a folder":
        desk.path.mkdir()
    if away == "the share":
        desk.path.symlink_to(desk.path)  # every call on it fails, and not by "no such file"
    look = desk.look()
    assert (look.version.sha256, look.refused[0].code) == (desk.last, "W00")
    assert desk.tables.draft(extra=lambda tables: ()) is None


def test_a_share_that_goes_away_while_it_is_read_leaves_the_last_good_version(desk: Desk) -> None:
    desk.path.write_bytes(OTHER[:2_000])
    desk.meanwhile = desk.path.unlink
    assert desk.look().version.sha256 == desk.last and len(desk.waits) == 1


def test_a_draft_on_a_share_that_fails_is_no_draft(desk: Desk) -> None:
    draft = desk.path.with_name("routing_tables.draft.xlsx")
    draft.symlink_to(draft)
    assert desk.tables.draft(extra=lambda tables: ()) is None


def test_nothing_is_written_beside_the_file_or_to_it(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    folder = desk.path.parent
    desk.lock("Ana Alvarez")
    desk.path.chmod(0o444)
    folder.chmod(0o555)
    try:
        before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}
        desk.look()
        with pytest.raises(SystemExit) as ended:
            main(["tables", "check", str(desk.path), "--config", str(folder / "none.toml")])
        assert ended.value.code in (0, None)
        assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == before
    finally:
        folder.chmod(0o755)
    said = capsys.readouterr()
    assert "Ana Alvarez seems to have routing_tables.xlsx open" in said.err
    assert "can go live" in said.out


def test_the_file_is_opened_to_read_only_and_never_locked(tmp_path: Path) -> None:
    path = tmp_path / "routing_tables.xlsx"
    path.write_bytes(GOOD)
    code = (
        "import sys; from rules.workbook import load; told = []; "
        "sys.addaudithook(lambda event, args: told.append((event, args))); load(sys.argv[1]); "
        "print([how[1] for event, how in told if event == 'open' and how[0] == sys.argv[1]],"
        "      [event for event, _ in told if event in ('fcntl.flock', 'fcntl.lockf', 'msvcrt.locking')])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['r'] []"


def test_without_a_last_good_version_a_file_that_is_away_is_said(tmp_path: Path) -> None:
    tables = WorkbookTables(tmp_path / "routing_tables.xlsx", sleep=lambda seconds: None)
    with pytest.raises(WorkbookError) as caught:
        tables.look(MemoryStore(), now=NOW, extra=lambda tables: ())
    assert [p.code for p in caught.value.problems] == ["W00"]
