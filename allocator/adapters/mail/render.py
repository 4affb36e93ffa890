"""A mail of ours as a MIME message: headers, the text, and simple HTML that says the same.

The words come with `Mail.content`; here is only how they are laid out. Nothing in them can add a header, a
line, a link or a tag: clean.py sees every string first, and the serialised header block is looked at again.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from email import policy
from email.message import EmailMessage
from functools import cache
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

from allocator.adapters.mail import clean
from allocator.domain.alerts import ANSWERS_A_DAY, MAILS_A_DAY, Mail
from allocator.errors import MailError

NAME = "Lead allocator"
WIDTH = 78
CAUSES_SHOWN = 5
DETAILS_SHOWN = 10
DETAILS_BESIDE_LEADS = 3
_LABEL = 11
_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_COMMANDS = ("allocator ", "systemctl ")
_WRITING = policy.SMTP
# Longer than any header here, below the 998 that SMTP allows: nothing is folded, so nothing is re-encoded.
_WIRE = policy.SMTP.clone(max_line_length=990)
_HEADERS = frozenset(
    {
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "X-Allocator-Incident", "MIME-Version", "Content-Type",
    }
)  # fmt: skip


def message(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it goes out; `sender` is a bare address. Raises MailError when an address is none."""
    to, from_ = clean.address(mail.recipient), clean.address(sender)
    if to is None:
        raise MailError("recipient", final=True)
    if from_ is None:
        raise MailError("sender")
    text, html = bodies(mail)
    made = EmailMessage(policy=_WRITING.clone(utf8=not (to + from_).isascii()))
    for name, value in _headers(mail, to, from_).items():
        made[name] = value
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    made.policy = _WIRE.clone(utf8=made.policy.utf8)
    return made


def wire(made: EmailMessage) -> bytes:
    """The bytes to send. Raises MailError rather than send a header that is not one of ours."""
    raw = made.as_bytes()
    lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0].decode("ascii", "replace") for line in lines if line[:1] not in b" \t"]
    if len(set(names)) != len(names) or not _HEADERS.issuperset(names):
        raise MailError("headers", final=True)
    return raw


def bodies(mail: Mail) -> tuple[str, str]:
    """The text and the HTML."""
    content = clean.cleaned(mail.content)
    name = "answer" if "sections" in content else "alert"
    shown = {**content, "facts": _facts(content), "last": _last(mail), "subject": clean.line(mail.subject)}
    text = _environment(html=False).get_template(f"{name}.txt.j2").render(shown)
    return text.strip("\n") + "\n", _environment(html=True).get_template(f"{name}.html.j2").render(shown)


def _headers(mail: Mail, to: str, sender: str) -> Mapping[str, Any]:
    own, thread = _id(mail.message_id), _id(mail.thread)
    headers = {
        "From": f"{NAME} <{sender}>",
        "To": to,
        "Subject": clean.header(mail.subject),
        "Date": mail.created,
        "Message-ID": own,
    }
    if own != thread:
        headers |= {"In-Reply-To": thread, "References": thread}
    headers["Auto-Submitted"] = "auto-generated"
    if mail.incident:
        headers["X-Allocator-Incident"] = clean.header(mail.incident, 40)
    return headers


def _id(text: str) -> str:
    """In angle brackets; one that is none becomes another, the same each time."""
    if len(text) <= clean.SUBJECT and _ID.fullmatch(text):
        return f"<{text}>"
    return f"<{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:32]}@localhost>"


def _facts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What on-call asks next, as label and value, for both kinds of mail; empty ones are left out."""
    tables = content.get("tables") or {}
    version, saved = tables.get("version"), tables.get("saved_by")
    goes_on = " runs" if content.get("kind") == "tables_refused" else ""
    run, host, program = content.get("run"), content.get("host"), content.get("program")
    incident, over = content.get("incident"), content.get("phase") == "RESOLVED"
    found = {
        "Tables": _joined(version and f"version {version}{goes_on}", saved and f"last saved by {saved}"),
        "Run" if run else "Host": _joined(
            (run and f"{run} on {host}") or host, program and f"allocator {program}"
        ),
        "Last done": content.get("last_done") or (incident and "no run has done its hour yet"),
        "Incident": incident
        and _joined(incident, content.get("kind"), content.get("key"), content.get("environment")),
        "Opened": content.get("opened"),
        "Ends when": not over and content.get("resolved_when"),
        "Runbook": content.get("runbook"),
        "Why you": content.get("why"),
    }
    return [(label, str(value)) for label, value in found.items() if value]


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part)


def _last(mail: Mail) -> str:
    if mail.content.get("last_today") is not True:
        return ""
    most, what = (ANSWERS_A_DAY, "answer") if mail.answer else (MAILS_A_DAY, "alert")
    return f"This is the {most}th {what} to this address today;\nthe others wait in: allocator alerts list"


@cache
def _environment(*, html: bool) -> Environment:
    made = Environment(
        loader=PackageLoader("allocator.adapters.mail"),
        autoescape=html,
        # A mail written by an earlier version may lack a value: show the rest.
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"fold": _fold, "lead": _lead, "sentence": _sentence, "link": clean.link}
    made.globals |= {
        "CAUSES": CAUSES_SHOWN, "details_shown": _details_shown, "LABEL": _LABEL, "is_command": _is_command,
    }  # fmt: skip
    return made


def _fold(text: object, hang: int = 0, indent: int = 0) -> str:
    """Lines of at most 78 characters; a word that is longer, such as a link, stays whole."""
    return textwrap.fill(
        str(text),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lead(lead: Mapping[str, Any]) -> str:
    """The id and its link on one line, or the link alone where both are too long for one."""
    number, url = str(lead.get("id") or ""), clean.link(lead.get("url"))
    both = f"{number}  {url}".rstrip()
    return both if len(both) <= WIDTH - 2 or number not in url else url


def _details_shown(leads: object) -> int:
    """The mail stays within one screen."""
    return DETAILS_BESIDE_LEADS if leads else DETAILS_SHOWN


def _sentence(text: object) -> str:
    return str(text)[:1].upper() + str(text)[1:]


def _is_command(todo: object) -> bool:
    return str(todo).startswith(_COMMANDS)


__all__: Sequence[str] = ["bodies", "message", "wire"]
