"""Doctor's checks of workbook, store, CRM and what the store remembers, each failing once with its fix."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
import sqlalchemy as sa
from examined import FIX, edit, failed, look, subject
from org import INBOUND, Org

from allocator import bootstrap
from allocator.config import load_settings
from allocator.domain.alerts import Changes, Mail
from allocator.ports import Store


def store(org: Org) -> Store:
    return bootstrap.store_of(load_settings(org.config))


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
