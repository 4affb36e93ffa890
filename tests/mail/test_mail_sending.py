"""What the mailer promises, against a real SMTP server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mail_samples import SENDER, alert, answer
from mailbox_server import Mailbox

from allocator.adapters.mail.smtp import SmtpMailer, SmtpSettings, ehlo_name
from allocator.errors import ConfigError, MailError

Open = Callable[..., Mailbox]
Certificates = tuple[ssl.SSLContext, Path]


def mailer(box: Mailbox, **parts: Any) -> SmtpMailer:
    return SmtpMailer(
        SmtpSettings(**{"host": box.host, "port": box.port, "tls": box.tls, "sender": SENDER, **parts})
    )


def refused(sending: SmtpMailer, recipient: str = "ana@acme.test") -> tuple[str, bool]:
    with pytest.raises(MailError) as caught:
        sending.send(alert(recipient=recipient))
    return str(caught.value), caught.value.final


def test_a_mail_arrives_as_text_and_as_html(mailbox: Mailbox) -> None:
    mailer(mailbox).send(alert())
    (mail,) = mailbox.received
    assert (mail.sender, mail.recipients) == (SENDER, ("ana@acme.test",))
    assert mail.message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]
    assert "To do: allocator leads held" in mail.text
    assert '<a href="https://acme.my.salesforce.com/00Q5g00000AbC00EAX">' in mail.html


def test_a_later_mail_joins_the_thread_of_the_first(mailbox: Mailbox) -> None:
    mailer(mailbox).send(alert())
    mailer(mailbox).send(alert(later=True))
    first, later = (mail.message for mail in mailbox.received)
    assert first["References"] is None
    assert later["References"] == later["In-Reply-To"] == first["Message-ID"] != later["Message-ID"]


def test_an_answer_to_a_workbook_arrives(mailbox: Mailbox) -> None:
    mailer(mailbox).send(answer())
    assert "What changed\n  Rules: row 12 added\n" in mailbox.received[0].text.replace("\r\n", "\n")


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mails_go_over_verified_tls(open_mailbox: Open, certificates: Certificates, tls: str) -> None:
    context, ca_file = certificates
    box = open_mailbox(tls=tls, context=context)
    mailer(box, ca_file=ca_file).send(alert())
    assert len(box.received) == 1
    assert refused(mailer(box)) == ("tls", False)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_of_another_host_is_refused(
    open_mailbox: Open, certificates: Certificates, tls: str
) -> None:
    context, ca_file = certificates
    box = open_mailbox(tls=tls, context=context, host="127.0.0.2")
    assert refused(mailer(box, ca_file=ca_file)) == ("tls", False)
    assert box.received == []


def test_without_starttls_on_offer_nothing_is_sent_in_the_clear(mailbox: Mailbox) -> None:
    assert refused(mailer(mailbox, tls="starttls")) == ("tls", False)
    assert mailbox.received == []


def test_a_ca_file_that_is_not_there_is_a_tls_failure(mailbox: Mailbox, tmp_path: Path) -> None:
    assert refused(mailer(mailbox, tls="tls", ca_file=tmp_path / "absent.pem")) == ("tls", False)


def test_a_login_is_used_and_a_wrong_one_is_not_final(open_mailbox: Open, certificates: Certificates) -> None:
    context, ca_file = certificates
    box = open_mailbox(tls="starttls", context=context, users={"bot": "pass word"})
    mailer(box, ca_file=ca_file, username="bot", password="pass word").send(alert())
    assert len(box.received) == 1
    for wrong in ("no", "nö"):
        assert refused(mailer(box, ca_file=ca_file, username="bot", password=wrong)) == ("login", False)
    assert refused(mailer(box, ca_file=ca_file)) == ("smtp 530", False)


def test_a_login_that_is_not_on_offer_is_a_login_failure(mailbox: Mailbox) -> None:
    assert refused(mailer(mailbox, username="bot", password="x")) == ("login", False)


def test_the_password_is_in_no_repr(mailbox: Mailbox) -> None:
    assert "hunter2" not in repr(SmtpSettings("h", 25, "none", SENDER, "bot", "hunter2"))


@pytest.mark.parametrize(
    ("reply", "code", "final"),
    [
        ("550 no such user", "smtp 550", True),
        ("550 5.1.1 no such user", "smtp 550", True),
        ("554 5.7.1 relay access denied", "smtp 554", False),
        ("530 5.7.0 log in first", "smtp 530", False),
        ("451 4.7.1 greylisted", "smtp 451", False),
        ("452 too many", "smtp 452", False),
    ],
)
def test_a_refusal_is_final_only_when_this_recipient_is_refused_for_good(
    mailbox: Mailbox, reply: str, code: str, final: bool
) -> None:
    mailbox.refuse("ben@acme.test", reply)
    assert refused(mailer(mailbox), "ben@acme.test") == (code, final)
    mailer(mailbox).send(alert(recipient="ana@acme.test"))
    assert len(mailbox.to("ana@acme.test")) == 1


def test_a_greylisted_mail_is_taken_later(mailbox: Mailbox) -> None:
    mailbox.refuse("ana@acme.test", "451 4.7.1 later", times=1)
    assert refused(mailer(mailbox)) == ("smtp 451", False)
    mailer(mailbox).send(alert())
    assert len(mailbox.received) == 1


@pytest.mark.parametrize(("reply", "final"), [("554 5.6.0 not this", True), ("421 4.3.2 closing", False)])
def test_a_refusal_after_data_is_seen(mailbox: Mailbox, reply: str, final: bool) -> None:
    mailbox.refuse_data(reply)
    assert refused(mailer(mailbox)) == (f"smtp {reply[:3]}", final)


def test_a_cut_after_data_means_the_same_mail_again(mailbox: Mailbox) -> None:
    mailbox.cut_after_data()
    assert refused(mailer(mailbox)) == ("cut", False)
    mailer(mailbox).send(alert())
    first, second = mailbox.received
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_a_server_that_never_greets_times_out(mailbox: Mailbox) -> None:
    mailbox.silent = True
    assert refused(mailer(mailbox, timeout=0.3)) == ("timeout", False)


def test_a_server_that_greets_for_ever_times_out(mailbox: Mailbox) -> None:
    mailbox.drip = True
    assert refused(mailer(mailbox, timeout=20, longest=0.5)) == ("timeout", False)


def test_nobody_there_is_unreachable_until_somebody_is(mailbox: Mailbox) -> None:
    sending = mailer(mailbox)
    mailbox.stop()
    assert refused(sending) == ("unreachable", False)
    mailbox.start()
    sending.send(alert())
    assert len(mailbox.received) == 1


def test_a_name_that_is_no_host_is_unreachable(mailbox: Mailbox) -> None:
    assert refused(mailer(mailbox, host="no host." + "x" * 80)) == ("unreachable", False)


@pytest.mark.parametrize(
    "recipient",
    [
        "a@x.test\r\nBcc: evil@x.test", "a@x.test, b@x.test", "a@x.test>", "no address", "@x.test", "a@",
        "=?utf-8?q?a=0D=0ABcc:_evil=40x.test?=@x.test", "a\u2028b@x.test", "a\ud800b@x.test", "a b@x.test",
        "a@x.test\x00", '"a b"@x.test', "x" * 70 + "@x.test", "a\u202eb@x.test", "Ana <ana@x.test>",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused_without_asking_the_server(
    mailbox: Mailbox, recipient: str
) -> None:
    assert refused(mailer(mailbox), recipient) == ("recipient", True)
    assert mailbox.connections == 0


def test_an_address_beyond_ascii_is_written_to(mailbox: Mailbox) -> None:
    mailer(mailbox).send(alert(recipient="zoë@bücher.test"))
    (mail,) = mailbox.received
    assert mail.recipients == ("zoë@xn--bcher-kva.test",)
    assert "To: zoë@xn--bcher-kva.test\r\n".encode() in mail.raw


def test_a_sender_that_is_no_address_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match="from"):
        SmtpMailer(SmtpSettings("127.0.0.1", 25, "none", "a@x.test\r\nBcc: b@x.test"))


def test_the_check_logs_in_and_sends_nothing(mailbox: Mailbox) -> None:
    mailer(mailbox).check()
    assert mailbox.connections == 1 and mailbox.received == []
    mailbox.stop()
    with pytest.raises(MailError, match="unreachable"):
        mailer(mailbox).check()


def test_the_greeting_is_legal_whatever_the_host_is_called(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ehlo_name("mail.acme.test", "10.0.0.5") == "mail.acme.test"
    assert ehlo_name("bad_name\r\nX", "10.0.0.5") == ehlo_name("alloc", "10.0.0.5") == "[10.0.0.5]"
    assert ehlo_name("", "fe80::1%eth0") == "[IPv6:fe80::1]"
    monkeypatch.setattr(socket, "gethostname", lambda: "bäd\r\nhost")
    mailer(mailbox).send(alert())
    assert len(mailbox.received) == 1
