"""Doctor and mail, against a real SMTP server: the log-in, one test mail to everybody, and who is told."""

from __future__ import annotations

import openpyxl
from examined import FIX, edit, failed, look
from org import Org
from post_office import PostOffice

LOGIN = 'username = "allocator"\npassword = "hunter-seven"\n'


def test_smtp_server_that_nobody_answers_for(org: Org, office: PostOffice) -> None:
    office.close()
    found = failed(org, "smtp", "error")
    assert f"127.0.0.1:{office.port} cannot be used: unreachable" in found["message"]
    assert (found["fix"], found["code"]) == (FIX["smtp"], "5")


def test_smtp_log_in_that_is_refused(org: Org, office: PostOffice) -> None:
    edit(org, "[alerts]\n", f"[alerts]\n{LOGIN}")
    office.password = "another"
    found = failed(org, "smtp", "error")
    assert found["message"].endswith("cannot be used: login") and found["fix"] == FIX["smtp"]
    assert "hunter-seven" not in str(found)
    office.password = "hunter-seven"
    assert look(org)[0] == 0


def test_smtp_server_that_cannot_do_the_tls_it_is_asked_for(org: Org) -> None:
    edit(org, "[alerts]\n", '[alerts]\ntls = "starttls"\n')
    found = failed(org, "smtp", "error")
    assert found["message"].endswith("cannot be used: tls") and found["fix"] == FIX["smtp"]


def test_smtp_password_file_that_is_missing_is_said_twice_and_stops_nothing(org: Org) -> None:
    edit(org, "[alerts]\n", '[alerts]\nusername = "allocator"\npassword_file = "smtp_password"\n')
    code, checks = look(org)
    assert code == 7
    assert checks["secret_files"]["status"] == checks["smtp"]["status"] == "error"
    assert checks["clock"]["status"] == "ok"


def test_nobody_is_mailed_unless_asked_for(org: Org, office: PostOffice) -> None:
    look(org)
    assert office.mails == []


def test_send_mails_everybody_once_and_says_so_for_each_address(org: Org, office: PostOffice) -> None:
    code, checks = look(org, "--send")
    assert code == 0
    for address in ("ops@example.com", "marketing@example.com"):
        assert f"{address}: sent" in checks["smtp"]["message"]
    assert sorted(address for address, _ in office.mails) == ["marketing@example.com", "ops@example.com"]
    assert len({mail["Message-ID"] for _, mail in office.mails}) == 2
    for address, mail in office.mails:
        assert mail["To"] == address
        assert mail["Subject"] == "[allocator/prod] TEST: this address gets alerts"
        body = mail.get_body(("plain",))
        assert body is not None and "allocator doctor --send" in body.get_content()


def test_send_mails_the_editors_of_the_workbook_too(org: Org, office: PostOffice) -> None:
    file = org.config.parent / "routing_tables.xlsx"
    book = openpyxl.load_workbook(file)
    (row,) = (row for row in book["Settings"].iter_rows() if row[0].value == "Editors")
    row[1].value = "third@example.com"
    book.save(file)
    look(org, "--send")
    assert "third@example.com" in {address for address, _ in office.mails}


def test_an_address_that_the_server_refuses_is_named_and_the_others_get_theirs(
    org: Org, office: PostOffice
) -> None:
    office.refused.add("ops@example.com")
    found = failed(org, "smtp", "error", "--send")
    assert "ops@example.com: not taken" in found["message"]
    assert "marketing@example.com: sent" in found["message"]
    assert [address for address, _ in office.mails] == ["marketing@example.com"]
    assert found["code"] == "5"


def test_recipients_nobody_of_whom_is_configured(org: Org) -> None:
    text = org.config.read_text(encoding="utf-8")
    org.config.write_text(text.partition("[alerts]")[0], encoding="utf-8")
    found = failed(org, "recipients", "warning")
    assert found["message"] == "alerts are kept, and nobody is mailed"
    assert found["fix"] == f"Add smtp, oncall and editors under [alerts] in {org.config}"


def test_recipients_some_of_whom_are_missing(org: Org) -> None:
    edit(org, 'oncall = ["ops@example.com"]', "")
    found = failed(org, "recipients", "warning")
    assert "nobody is on call" in found["message"] and found["fix"] == FIX["recipients"]
    edit(org, 'editors = ["marketing@example.com"]', "")
    assert "nobody to mail" in failed(org, "recipients", "warning")["message"]
