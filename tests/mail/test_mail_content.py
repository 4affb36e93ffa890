"""What a mail looks like, and that no text in it can become anything but text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import SENDER, alert, answer
from mailbox_server import Mailbox

from allocator.adapters.mail.render import bodies, message, wire
from allocator.adapters.mail.smtp import SmtpMailer, SmtpSettings
from allocator.domain.alerts import KINDS, Mail, Phase, Reader

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Allocator-Incident", "MIME-Version", "Content-Type",
]  # fmt: skip
TAGS = frozenset(
    {
        "html", "head", "meta", "title", "body", "div", "p", "table", "tr", "td", "code", "a", "b", "br",
        "ul", "li", "span",
    }
)  # fmt: skip
HOSTILE = [
    "=?utf-8?q?a=0D=0ABcc:_evil=40x.test?=", "=é?utf-8?q?a=0D=0ABcc:_evil=40x.test?=",
    "=?utf-8?b?YQ0KQmNjOiBldmlsQHgudGVzdA==?=", "a\r\nBcc: evil@x.test", "a\r\n\r\nbody", "a\nb\rc",
    "\x0bVT\x0cFF\x85NEL\u2028LS\u2029PS\x1c\x1d\x1e", "x" * 2000, "é" * 2000, "=?" * 1000,
    "\ud800lone\udfff", "nul\x00", "\u202eevil\u2066", "<script>alert(1)</script>", "{{7*7}}{% x %}",
    "javascript:alert(1)", 'https://x.test/"onclick=alert(1)', "\r\n.\r\nMAIL FROM:<evil@x.test>", "",
    "\u200b\ufeff\u00ad", "--=boundary--", "\x1b[31m",
]  # fmt: skip


def with_every_string(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value if value in ("FIRING", "RESOLVED") else text
    if isinstance(value, dict):
        return {key: with_every_string(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [with_every_string(item, text) for item in value]
    return value


def poisoned(mail: Mail, text: str) -> Mail:
    return replace(
        mail, message_id=text, incident=text or "INC", kind=text, subject=text,
        content=with_every_string(mail.content, text),
    )  # fmt: skip


class Page(HTMLParser):
    """Collects the tags, attributes and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


def assert_harmless(raw: bytes) -> None:
    head, _, _ = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert [line.partition(b":")[0].decode() for line in lines] == HEADERS
    assert head.isascii() and b"=?" not in head and all(c >= 32 for line in lines for c in line)
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) < 998
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["Bcc"] is None and len(parsed["Subject"]) <= 200
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in parsed.iter_parts())
    assert not set(text) & set("\x00\x0b\x0c\x85\u2028\u2029\u202e\u2066\x1b")
    page = Page(html)
    assert page.tags <= TAGS
    assert all(link.startswith(("http://", "https://")) for link in page.links)
    assert not {name for name in page.attributes if name.startswith("on") or name == "src"}


def every_mail() -> Iterator[Mail]:
    for phase in Phase:
        yield alert(phase=phase, reader=Reader.EDITORS, details=3, later=True)
    yield replace(answer(), message_id="other@acme.test", incident="INC-1")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_adds_a_header_a_tag_or_a_line(text: str, open_mailbox: Callable[..., Mailbox]) -> None:
    box = open_mailbox()
    sending = SmtpMailer(SmtpSettings(box.host, box.port, "none", SENDER))
    for mail in every_mail():
        sending.send(poisoned(mail, text))
    assert len(box.received) == 3
    for got in box.received:
        assert got.recipients == ("ana@acme.test",)
        assert_harmless(got.raw)


@given(st.text(st.characters(codec=None), max_size=400))
@settings(max_examples=80)
def test_no_text_at_all_does(text: str) -> None:
    for mail in every_mail():
        assert_harmless(wire(message(poisoned(mail, text), SENDER)))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("reader", list(Reader))
def test_every_alert_fits_one_screen(kind: str, phase: Phase, reader: Reader) -> None:
    assert len(bodies(alert(kind, phase, reader, key="no_rule"))[0].splitlines()) <= 45
    text, html = bodies(alert(kind, phase, reader, key="no_rule", details=30))
    lines = text.splitlines()
    assert len(lines) <= 48, text
    assert max(map(len, lines)) <= 78, text
    assert "\n\n\n" not in text and "INC-4F2A" in text and f"{kind}.md" in text
    assert "You are listed" in text and "12th alert to this address today" in text
    if phase is Phase.RESOLVED:
        assert (
            text.startswith("RESOLVED: it is over after 3 h 0 min\nIt was: ") and "To do: nothing\n" in text
        )
    else:
        assert (
            text.startswith("FIRING")
            and "\nTo do: " in text
            and re.search("1a2b3c4d( runs)?, last saved by Dana", text)
        )
    assert "{" not in Page(html).tags and "None" not in text and "None" not in html


def test_a_firing_mail_says_things_in_the_order_of_need() -> None:
    text, _ = bodies(alert())
    parts = [
        "12 of 240 leads", "Nobody has been given", "Cause:", "7 x INVALID_CROSS_REFERENCE_KEY",
        "By itself: ", "To do: allocator leads held", "Leads:", "00Q5g00000AbC00EAX  https://", "and 2 more",
        "Tables     version 1a2b3c4d", "Run        17 on alloc-1", "Last done", "Runbook", "Why you",
        "This is the 12th alert to this address today;",
    ]  # fmt: skip
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


def test_only_web_links_become_links() -> None:
    content = dict(alert().content, leads=[{"id": "00Q", "url": "javascript:alert(1)"}], runbook="ftp://x/y")
    text, html = bodies(replace(alert(), content=content))
    assert Page(html).links == [] and "javascript" not in text
    _, html = bodies(replace(alert(), content=dict(content, runbook="https://wiki.test/leads_held.md")))
    assert Page(html).links == ["https://wiki.test/leads_held.md"]


def test_a_mail_of_an_earlier_version_with_less_in_it_still_goes_out() -> None:
    text, _ = bodies(replace(alert(), content={"phase": "FIRING", "headline": "something is wrong"}))
    assert "something is wrong" in text
