"""`allocator tables history, diff, accept, rollback`: what they say, do and refuse."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from desks import Desk, subjects
from waiting_desk import LEADS, TO_BEN, code_in, hour_passes, live, saves, told
from workbooks import ANA

from allocator.domain.records import TablesVersion
from allocator.entrypoints import cli

OTHER = {"Country!D2": "DE"}


def tables(desk: Desk, *words: str, code: int = 0) -> dict[str, Any]:
    """What the command says, at the desk's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLOCATOR_NOW", desk.clock.at.isoformat())
        found, said = desk.org("tables", *words)
    assert found == code, said
    return said


def refused(desk: Desk, *words: str, code: int = 2) -> str:
    return str(tables(desk, *words, code=code)["error"]["message"])


@pytest.fixture
def two(desk: Desk) -> tuple[str, str]:
    """Two versions that ran: the first, and the one that runs and is on disk."""
    shas = []
    for content in (desk.first, desk.save(OTHER)):
        shas.append(sha256(content).hexdigest())
        desk.store.put_tables(TablesVersion(shas[-1], content, desk.clock.at, f"here:{desk.path}"))
    assert not desk.looks()
    return shas[0][:8], shas[1][:8]


# --- history ---


def test_history_tells_of_every_version_when_it_came_and_what_it_changed(desk: Desk) -> None:
    desk.run()
    desk.save(OTHER)
    hour_passes(desk)
    newest, first = tables(desk, "history")["versions"]
    assert newest["version"][:8] == live(desk)
    assert (newest["state"], first["state"], newest["how"]) == ("live", "accepted", "file")
    assert newest["rows"] == {"added": 0, "changed": 1, "removed": 0}
    assert newest["check"]["errors"] == 0 and newest["instead_of"] == first["version"]
    assert newest["origin"].endswith(str(desk.path)) and first["rows"] is None
    assert len(tables(desk, "history", "--limit", "1")["versions"]) == 1


# --- diff ---


def test_diff_names_rules_and_persons_by_their_ids(desk: Desk, two: tuple[str, str]) -> None:
    desk.save({**OTHER, "Salespeople!G4": 7, "Country!B3": 5})
    found = tables(desk, "diff", "live", "file")
    changed = {(c["sheet"], c["id"], c["field"]): (c["before"], c["after"]) for c in found["changed"]}
    assert changed == {
        ("Salespeople", "P-003", "Daily cap"): ("5", "7"),
        ("Country", "K-2", "Order"): ("20", "5"),
    }
    assert (found["added"], found["removed"], found["schema"]) == ([], [], 1)


def test_diff_takes_beginnings_of_versions_and_paths(
    desk: Desk, two: tuple[str, str], tmp_path: Path
) -> None:
    copy = tmp_path / "mine.xlsx"
    copy.write_bytes(desk.first)
    assert tables(desk, "diff", two[0][:4], str(copy))["changed"] == []
    (change,) = tables(desk, "diff", two[0][:4].upper(), "LIVE")["changed"]
    assert (change["id"], change["before"], change["after"]) == ("K-1", "@DACH", "DE")
    assert tables(desk, "diff", *two, "--exit-code", code=4)["b"].startswith(two[1])
    tables(desk, "diff", two[1], "live", "--exit-code")


def test_a_beginning_of_several_versions_names_them_and_of_none_says_so(desk: Desk) -> None:
    desk.run()
    last = desk.store.tables()
    assert last is not None
    for tail in ("0" * 60, "1" * 60):
        desk.store.put_tables(replace(last, sha256=f"abcd{tail}"))
    said = refused(desk, "diff", "abcd", "live")
    assert "abcd1111, abcd0000" in said
    for words, expected in {
        "ffff": "No version begins with ffff",
        "abc": "at least 4 characters",
        "gibt-es-nicht.xlsx": "names no version",
    }.items():
        assert expected in refused(desk, "diff", words, "live")


def test_a_file_that_would_be_refused_is_not_compared(desk: Desk, two: tuple[str, str]) -> None:
    desk.save({"Country!D2": "Genmany"})
    assert "Genmany" in refused(desk, "diff", "live", "file", code=3)


# --- accept ---


def test_accepting_makes_what_waits_live_and_tells_the_editors(busy: Desk) -> None:
    first = live(busy)
    saves(busy, TO_BEN)
    code = code_in(told(busy.looks()))
    waits = tables(busy, "history")["versions"][0]
    assert (waits["state"], waits["impact"]) == ("waiting", {"leads": LEADS, "moved": LEADS})
    assert tables(busy, "accept", code)["how"] == "command"
    said = told(busy.post())
    assert f"Version {code}, which waited, was accepted" in said and "P-001 -> P-002" in said
    assert hour_passes(busy) == code == live(busy) != first
    assert not busy.looks(4) and not busy.looks(4, loop=busy.start())
    assert "does not wait: it is live" in refused(busy, "accept", code)
    assert "does not wait: it is accepted" in refused(busy, "accept", first)


# --- rollback ---


def test_a_rollback_runs_from_the_next_run_on_and_leaves_the_file_alone(
    desk: Desk, two: tuple[str, str]
) -> None:
    content, (first, second) = desk.path.read_bytes(), two
    assert tables(desk, "rollback", first)["version"].startswith(first)
    mails = desk.post()
    assert f"put back to {first}, live from the 10:00 UTC run" in subjects(mails)[0]
    said = told(mails)
    assert f"instead of {second}" in said and "Rule K-1, If country: DE -> @DACH" in said
    assert "has no say until it is changed and saved" in said
    assert hour_passes(desk) == first
    states = [(v["state"], v["how"]) for v in tables(desk, "history")["versions"]]
    assert states == [("live", "rollback"), ("accepted", "file"), ("accepted", "file")]
    assert desk.path.read_bytes() == content
    assert not desk.looks(4) and not desk.looks(4, loop=desk.start())
    desk.save({**OTHER, "Country!D2": "AT"})
    assert "Rule K-1, If country: @DACH -> AT" in told(desk.looks())
    assert hour_passes(desk) not in two


def test_a_rollback_can_write_the_version_to_a_new_file_and_never_over_another(
    desk: Desk, two: tuple[str, str], tmp_path: Path
) -> None:
    new = tmp_path / "good.xlsx"
    tables(desk, "rollback", two[0], "--save", str(new))
    assert new.read_bytes() == desk.first
    assert "is there already" in refused(desk, "rollback", two[1], "--save", str(new), code=7)
    assert live(desk) == two[0]
    tables(desk, "rollback", two[0], "--save", str(tmp_path / "again.xlsx"))
    assert (tmp_path / "again.xlsx").read_bytes() == desk.first
    assert "never ran" in _of_next(desk, tmp_path)
    assert not (tmp_path / "next.xlsx").exists()


def _of_next(desk: Desk, folder: Path) -> str:
    desk.save({"Country!D2": "FR"})
    desk.looks()
    sha = desk.store.tables_versions()[0].sha256
    return refused(desk, "rollback", sha[:12], "--save", str(folder / "next.xlsx"))


def test_a_version_that_no_longer_passes_is_not_put_back_and_the_reasons_are_said(
    desk: Desk, two: tuple[str, str]
) -> None:
    first, second = two
    config = desk.org.config
    named = next(u["Name"] for u in desk.org.records("User") if u["Id"] == ANA)
    config.write_text(config.read_text().replace("intake = [", f'intake = ["{named}", ', 1))
    said = refused(desk, "rollback", first, code=3)
    assert "T503" in said
    assert live(desk) == second and not desk.post()


def test_the_version_that_runs_cannot_be_gone_back_to(desk: Desk, two: tuple[str, str]) -> None:
    assert "runs already" in refused(desk, "rollback", two[1])
    assert "runs already" in refused(desk, "rollback", "live")


def test_the_check_says_which_version_runs_and_how_old_it_is(
    desk: Desk, two: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli._run(["tables", "check", "--config", str(desk.org.config)]) == 0
    assert f"The last good version is {two[1]} of 2026-11-02 09:00 UTC" in capsys.readouterr().out
    assert cli._run(["tables", "history", "--config", str(desk.org.config)]) == 0
    assert two[0] in capsys.readouterr().out
    assert cli._run(["tables", "diff", *two, "--config", str(desk.org.config)]) == 0
    assert "K-1" in capsys.readouterr().out
