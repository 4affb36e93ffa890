"""Doctor as a whole: nothing is changed, stopped or given away; and its checks of this machine."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from examined import FIX, IDS, edit, failed, look, subject
from org import Org
from post_office import PostOffice

from allocator.entrypoints import cli
from allocator.service.doctor import examine, exit_code
from allocator.service.doctor.subject import StoreHealth


def test_a_fresh_installation_with_somebody_to_tell_is_all_green(org: Org) -> None:
    code, checks = look(org)
    assert code == 0
    assert {i: c["message"] for i, c in checks.items() if c["status"] != "ok"} == {}
    assert {c["fix"] for c in checks.values()} == {""}
    assert checks["last_run"]["message"] == "no run yet"
    assert "live" in checks["configuration"]["message"]


def test_doctor_changes_nothing(org: Org) -> None:
    before = {f.name: f.read_bytes() for f in org.config.parent.iterdir()}
    look(org)
    assert {f.name: f.read_bytes() for f in org.config.parent.iterdir()} == before
    assert not [r for r in org.requests() if r["method"] in ("PATCH", "DELETE")]


def test_observe_mode_and_the_environment_are_said(org: Org) -> None:
    edit(org, "live = true", "live = false")
    edit(org, '"prod"', '"test bed"')
    _, checks = look(org)
    assert "environment test bed; observe mode" in checks["configuration"]["message"]


# --- this machine ---


def test_configuration_that_cannot_be_used_is_a_finding_and_packages_are_still_looked_at(org: Org) -> None:
    edit(org, "client_id", "client_idd")
    code, checks = look(org)
    assert code == 7
    assert checks["configuration"]["status"] == "error"
    assert "Did you mean client_id" in checks["configuration"]["message"]
    assert checks["configuration"]["fix"] == FIX["configuration"]
    assert checks["packages"]["status"] == "ok"
    others = [c for i, c in checks.items() if i not in ("configuration", "packages")]
    assert {c["message"] for c in others} == {"not checked: see configuration"}
    assert {c["status"] for c in others} == {"warning"}


def test_a_file_that_is_not_there_and_a_time_that_is_none_are_findings_too(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOCATOR_NOW", "yesterday")
    code, checks = look(org)
    assert (code, checks["configuration"]["status"]) == (7, "error")
    monkeypatch.delenv("ALLOCATOR_NOW")
    org.config.unlink()
    code, checks = look(org)
    assert code == 7 and "allocator init" in checks["configuration"]["message"]


def test_secret_files_that_others_can_read(org: Org) -> None:
    secret = org.config.parent / "client_secret"
    secret.chmod(0o640)
    found = failed(org, "secret_files", "error")
    assert found["fix"] == f"chmod 600 {secret}" and found["code"] == "7"
    assert "mode 0640" in found["message"]
    secret.chmod(0o600)
    assert look(org)[0] == 0


def test_secret_files_count_the_configuration_when_it_holds_a_secret(org: Org) -> None:
    org.config.chmod(0o644)
    assert look(org)[0] == 0
    edit(org, 'client_secret_file = "client_secret"', f'client_secret = "{org.info["client_secret"]}"')
    assert failed(org, "secret_files", "error")["fix"] == f"chmod 600 {org.config}"


def test_secret_files_that_are_not_there(org: Org) -> None:
    (org.config.parent / "client_secret").unlink()
    code, checks = look(org)
    assert code == 7
    assert checks["secret_files"]["message"].startswith("not there: ")
    assert "Write the secret into" in checks["secret_files"]["fix"]
    assert checks["crm_login"]["status"] == "error"
    assert checks["salespeople"]["message"] == "not checked: see crm_login"


def test_secret_files_that_systemd_guards_are_left_to_it(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = org.config.parent / "client_secret"
    secret.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(org.config.parent))
    assert look(org)[1]["secret_files"]["status"] == "ok"


def test_packages_that_provide_our_import_names(
    org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "site" / "other_rules-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other-rules\nVersion: 1.0\n")
    (other / "top_level.txt").write_text("rules\n")
    monkeypatch.syspath_prepend(str(other.parent))
    found = failed(org, "packages", "error")
    assert "other-rules" in found["message"]
    assert (found["fix"], found["code"]) == (FIX["packages"], "7")


def test_disk_space_that_is_short_or_gone(org: Org) -> None:
    ill = subject(org)
    for free, status in ((2 * 1024**3, "ok"), (1024**3 - 1, "warning"), (99 * 1024**2, "error")):
        checks = {c.id: c for c in examine(replace(ill, free_bytes=lambda folder, free=free: free))}
        assert checks["disk_space"].status == status
    assert checks["disk_space"].message == f"99 MiB free in {org.config.parent}"
    assert str(org.config.parent) in checks["disk_space"].fix and "larger disk" in checks["disk_space"].fix
    assert exit_code(list(checks.values())) == 1


@pytest.mark.parametrize(("minutes", "status"), [(2, "warning"), (-20, "error")])
def test_clock_that_is_off(org: Org, minutes: int, status: str) -> None:
    org.control("POST", "clock", {"now": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()})
    found = failed(org, "clock", status)
    assert ("behind" if minutes > 0 else "ahead of") in found["message"] and "the CRM" in found["message"]
    assert found["fix"] == FIX["clock"]


def test_clock_of_the_store_is_compared_where_it_is_another_machines(org: Org) -> None:
    health = StoreHealth("postgresql://db/allocator", "0002", datetime.now(UTC) + timedelta(hours=1))
    checks = {c.id: c for c in examine(replace(subject(org), probe_store=lambda: health))}
    assert checks["clock"].status == "error" and "the store" in checks["clock"].message


def test_clock_that_is_fixed(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOCATOR_NOW", "2026-11-02T09:00:00Z")
    found = failed(org, "clock", "warning")
    assert "2026-11-02 09:00 UTC" in found["message"]
    assert found["fix"] == "unset ALLOCATOR_NOW"


# --- everything at once, and what is printed ---


def test_one_failure_stops_no_other_check(org: Org, office: PostOffice) -> None:
    org.sandbox.stop()
    office.close()
    (org.config.parent / "client_secret").chmod(0o644)
    (org.config.parent / "routing_tables.xlsx").write_bytes(b"not a workbook")
    (org.config.parent / "allocator.db").write_bytes(b"not a database" * 1000)
    code, checks = look(org)
    errors = [name for name, check in checks.items() if check["status"] == "error"]
    assert errors == ["secret_files", "workbook", "store", "crm_login", "smtp"]
    assert all(checks[name]["fix"] for name in errors)
    assert code == 7  # that of the first
    assert checks["salespeople"]["message"] == "not checked: see crm_login"


def test_an_error_nobody_foresaw_is_told_by_its_class_alone(org: Org) -> None:
    def broken() -> Any:
        raise RuntimeError("a lead's text")

    checks = {c.id: c for c in examine(replace(subject(org), refuse_clash=broken))}
    assert checks["packages"].message == "unexpected RuntimeError. Please report this"
    assert checks["alerts_stuck"].status == "ok"


def test_the_terminal_shows_a_line_for_each_check_and_the_fix_below(org: Org) -> None:
    (org.config.parent / "client_secret").chmod(0o644)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = cli._run(["doctor", "--config", str(org.config)])
    lines = printed.getvalue().splitlines()
    assert code == 7
    assert [line.split()[1] for line in lines if line[0] in "✓!✗"] == IDS
    below = lines[next(n for n, line in enumerate(lines) if line.startswith("✗ secret_files")) + 1]
    assert below.strip().startswith("Fix: chmod 600 ")
    assert lines[-1] == "1 error, 0 warnings."


def test_the_page_shows_what_is_printed(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "doctor.md").read_text(encoding="utf-8")
    block = page.partition("```console\n")[2].partition("```")[0]
    edit(org, "live = true", "live = false")
    (org.config.parent / "client_secret").write_text("wrong\n")
    monkeypatch.chdir(org.config.parent)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        cli._run(["doctor"])
    whole = " ".join(printed.getvalue().split())
    for line in block.splitlines()[1:]:
        parts = (re.escape(" ".join(part.split())) for part in line.split("..."))
        assert re.search(".*?".join(parts), whole), line


def test_no_secret_is_ever_shown(org: Org, office: PostOffice) -> None:
    edit(
        org,
        "[alerts]",
        '[alerts]\nusername = "u"\npassword = "hunter-seven"\nping_url = "https://x.y/dark-id"',
    )
    printed = json.dumps(look(org)) + json.dumps(look(org, "--send"))
    for secret in ("hunter-seven", "dark-id", org.info["client_secret"]):
        assert secret not in printed
