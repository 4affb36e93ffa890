"""Each check of doctor shown failing once, with its fix; and that none of them stops the others."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from examined import FIX, IDS, edit, failed, look, subject
from org import INBOUND, Org
from post_office import PostOffice

from allocator import bootstrap
from allocator.config import load_settings
from allocator.domain.alerts import Changes, Mail
from allocator.entrypoints import cli
from allocator.ports import Store
from allocator.service.doctor import examine, exit_code
from allocator.service.doctor.subject import StoreHealth


def store(org: Org) -> Store:
    return bootstrap.store_of(load_settings(org.config))


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


# --- workbook and store ---


def break_the_workbook(org: Org) -> None:
    file = org.config.parent / "routing_tables.xlsx"
    book = openpyxl.load_workbook(file)
    column = [cell.value for cell in book["Country"][1]].index("If country") + 1
    book["Country"].cell(2, column).value = "Genmany"
    book.save(file)


def test_workbook_that_is_refused(org: Org) -> None:
    break_the_workbook(org)
    found = failed(org, "workbook", "error")
    assert "is refused (1 problem)" in found["message"] and "Country!" in found["message"]
    assert "No version was accepted yet" in found["message"]
    assert (found["fix"], found["code"]) == ("allocator tables check", "3")


def test_workbook_that_is_refused_is_stood_in_for_by_the_last_good_version(org: Org) -> None:
    org("run")
    break_the_workbook(org)
    found = failed(org, "workbook", "error")
    assert "The last good version is" in found["message"]
    (org.config.parent / "routing_tables.xlsx").unlink()
    _, checks = look(org)
    assert checks["workbook"]["status"] == "error" and "W00" in checks["workbook"]["message"]
    assert checks["salespeople"]["status"] == "ok"


def test_workbook_that_only_configuration_and_crm_show_to_be_wrong(org: Org) -> None:
    tables = subject(org).check_workbook().tables
    assert tables is not None
    name = next(u["Name"] for u in org.records("User") if u["Id"] in tables.person_by_crm_user)
    edit(org, f'["{INBOUND}"]', f'["{INBOUND}", "{name}"]')
    assert "T503 Salespeople" in failed(org, "workbook", "error")["message"]


def test_store_that_is_not_there_is_not_made(org: Org) -> None:
    file = org.config.parent / "allocator.db"
    file.unlink()
    code, checks = look(org)
    assert (code, checks["store"]["status"]) == (7, "error")
    assert checks["store"]["fix"] == "allocator store upgrade"
    assert checks["last_run"]["message"] == checks["alerts_stuck"]["message"] == "not checked: see store"
    assert not file.exists()


def test_store_with_the_schema_of_another_version(org: Org) -> None:
    with contextlib.closing(sqlite3.connect(org.config.parent / "allocator.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    found = failed(org, "store", "error")
    assert (found["fix"], found["code"]) == ("allocator store upgrade", "7")


def test_store_whose_file_is_damaged(org: Org) -> None:
    file = org.config.parent / "allocator.db"
    content = bytearray(file.read_bytes())
    content[8192:-4096] = b"\xa5" * (len(content) - 8192 - 4096)
    file.write_bytes(content)
    found = failed(org, "store", "error")
    assert "damaged" in found["message"]
    assert (found["fix"], found["code"]) == ("Keep the file and restore the last backup", "7")


def test_store_that_cannot_be_written(org: Org) -> None:
    journal = org.config.parent / "allocator.db-journal"
    journal.unlink(missing_ok=True)
    journal.mkdir()
    found = failed(org, "store", "error")
    assert (found["fix"], found["code"]) == (FIX["store"], "5")


def test_store_that_nobody_answers_for_is_said_without_its_password(org: Org) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    edit(org, "sqlite:///allocator.db", f"postgresql://me:dark-word@127.0.0.1:{port}/allocator")
    org.config.chmod(0o600)
    found = failed(org, "store", "error")
    assert found["code"] == "5" and "dark-word" not in json.dumps(found)


def test_store_on_postgresql_where_we_may_only_read(org: Org, postgresql: str) -> None:
    edit(org, "sqlite:///allocator.db", postgresql)
    org.config.chmod(0o600)
    assert org("store", "upgrade")[0] == 0
    code, checks = look(org)
    assert code == 0, checks
    assert "the store" in checks["clock"]["message"]
    admin = sa.create_engine(sa.make_url(postgresql).set(drivername="postgresql+psycopg"))
    with admin.begin() as connection:
        connection.execute(sa.text("CREATE ROLE reader LOGIN"))
        connection.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    admin.dispose()
    edit(org, "//postgres:", "//reader:")
    found = failed(org, "store", "error")
    assert (found["fix"], found["code"]) == (FIX["store"], "5")


def test_last_run_that_was_too_long_ago(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    org("run")
    assert look(org)[1]["last_run"]["status"] == "ok"
    monkeypatch.setenv("ALLOCATOR_NOW", (datetime.now(UTC) + timedelta(minutes=80)).isoformat())
    found = failed(org, "last_run", "warning")
    assert "the last run ended 1 h" in found["message"]
    assert found["fix"] == FIX["last_run"]


def a_mail(org: Org, at: datetime) -> None:
    mail = Mail("a@x", "a@x", "ops@example.com", "run_failed", "INC-1", "FIRING", "s", {}, at)
    kept = store(org)
    kept.change_alerts(lambda book: Changes(mails=(mail,)), now=at)
    kept.close()


def test_alerts_stuck_for_longer_than_a_quarter_of_an_hour(org: Org) -> None:
    a_mail(org, datetime.now(UTC) - timedelta(minutes=10))
    assert look(org)[0] == 0
    a_mail(org, datetime.now(UTC) - timedelta(minutes=40))
    found = failed(org, "alerts_stuck", "error")
    assert "2 mails are undelivered, the oldest for 40 min" in found["message"]
    assert (found["fix"], found["code"]) == ("allocator alerts list", "1")


def test_alerts_stuck_for_good(org: Org) -> None:
    now = datetime.now(UTC)
    a_mail(org, now)
    kept = store(org)
    (claimed,) = kept.claim_mails(now=now)
    kept.settle_mail(claimed.id, now=now, error="550", final=True)
    kept.close()
    found = failed(org, "alerts_stuck", "warning")
    assert "1 mail is given up" in found["message"] and found["fix"] == "allocator alerts list"


# --- CRM ---


def test_crm_login_that_is_refused(org: Org) -> None:
    (org.config.parent / "client_secret").write_text("wrong\n")
    found = failed(org, "crm_login", "error")
    assert (found["fix"], found["code"]) == (FIX["crm_login"], "5")
    _, checks = look(org)
    for name in ("crm_limits", "intake_owners", "mapped_fields", "salespeople", "clock"):
        assert checks[name]["message"] == "not checked: see crm_login"


def test_crm_login_where_nobody_answers(org: Org) -> None:
    org.sandbox.stop()
    assert failed(org, "crm_login", "error")["code"] == "5"


def test_crm_limits_that_are_nearly_used_up_are_seen_and_hinder_no_other_check(org: Org) -> None:
    edit(org, "intake =", "usage_limit = 0.1\nintake =")
    org.control("PUT", "settings", {"api_limit": 40})
    look(org)
    found = failed(org, "crm_limits", "warning")
    assert "of the day's 40 requests are used; runs stop at 10%" in found["message"]
    assert found["fix"] == FIX["crm_limits"]


def test_intake_owners_that_do_not_exist(org: Org) -> None:
    edit(org, f'["{INBOUND}"]', '["Inbound Laeds"]')
    found = failed(org, "intake_owners", "error")
    assert "Inbound Laeds" in found["message"]
    assert (found["fix"], found["code"]) == (FIX["intake_owners"], "7")


def test_mapped_fields_that_do_not_exist(org: Org) -> None:
    with org.config.open("a", encoding="utf-8") as file:
        file.write('\n[facts]\nregion = ["Region__c", "Country"]\n')
    found = failed(org, "mapped_fields", "warning")
    assert "Region__c" in found["message"] and found["fix"] == FIX["mapped_fields"]
    edit(org, '["Region__c", "Country"]', '["Region__c"]')
    found = failed(org, "mapped_fields", "error")
    assert "fact region: Region__c" in found["message"] and found["code"] == "7"


def test_mapped_fields_of_campaign_members_are_asked_about_too(org: Org) -> None:
    with org.config.open("a", encoding="utf-8") as file:
        file.write('\n[facts]\nwave = ["CampaignMember.Wave__c"]\n')
    assert "CampaignMember.Wave__c" in failed(org, "mapped_fields", "error")["message"]


def test_salespeople_who_are_no_active_users(org: Org) -> None:
    tables = subject(org).check_workbook().tables
    assert tables is not None
    ana, ben = [u for u in org.records("User") if u["Id"] in tables.person_by_crm_user][:2]
    persons = [tables.person_by_crm_user[user["Id"]] for user in (ana, ben)]
    org.put("User", {"Id": ana["Id"], "IsActive": False}, {"Id": ben["Id"], "IsActive": False})
    found = failed(org, "salespeople", "warning")
    assert found["message"].startswith("2 of ") and found["fix"] == FIX["salespeople"]
    assert all(f"{person} (inactive)" in found["message"] for person in persons)
    assert ana["Name"] not in found["message"]


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
