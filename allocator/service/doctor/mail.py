"""Checks of mail: the server, one test mail to everybody if asked for, and whether anybody is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allocator.domain.alerts import Mail
from allocator.domain.notices import minute
from allocator.errors import MailError
from allocator.service.doctor.subject import UNREACHABLE, Check, MailServer, Patient, Status

KIND = "test"


def smtp(patient: Patient) -> Check:
    """Connection, TLS and log-in; with `send`, what became of each mail."""
    mailing = patient.subject.mailing
    if mailing.server is None:
        return Check(message="no mail server is configured: nobody is mailed")
    server = mailing.server()
    try:
        server.check()
    except MailError as error:
        message = f"{mailing.address} cannot be used: {error}"
        return Check(status=Status.ERROR, message=message, code=UNREACHABLE)
    return _sent(patient, server) if patient.send else Check(message=f"{mailing.address} takes our log-in")


def _sent(patient: Patient, server: MailServer) -> Check:
    said, failed = [], False
    for number, address in enumerate(_everybody(patient), start=1):
        try:
            server.send(trial_mail(patient, address, number))
            said.append(f"{address}: sent")
        except MailError as error:
            failed = True
            said.append(f"{address}: not taken ({error})")
    message = f"{patient.subject.mailing.address} takes our log-in; {'; '.join(said) or 'nobody to mail'}"
    if failed:
        return Check(status=Status.ERROR, message=message, code=UNREACHABLE)
    return Check(message=message)


def recipients(patient: Patient) -> Check:
    """Somebody must hear of a failure."""
    mailing, config = patient.subject.mailing, patient.subject.config
    if mailing.server is None:
        fix = f"Add smtp, oncall and editors under [alerts] in {config}"
        return Check(status=Status.WARNING, message="alerts are kept, and nobody is mailed", fix=fix)
    editors = _editors(patient)
    if not mailing.oncall and not editors:
        return Check(status=Status.WARNING, message="a mail server, and nobody to mail")
    if not mailing.oncall:
        return Check(status=Status.WARNING, message="nobody is on call: editors are told of failures too")
    if not editors:
        return Check(
            status=Status.WARNING, message="no editors: on-call is told of the workbook's mistakes too"
        )
    return Check(message=f"{len(mailing.oncall)} on call, {len(editors)} editing")


def _everybody(patient: Patient) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*patient.subject.mailing.oncall, *_editors(patient))))


def _editors(patient: Patient) -> tuple[str, ...]:
    """Those of the configuration and of the workbook's setting Editors."""
    tables = patient.tables.or_none()
    listed = tables.settings.get("editors", "") if tables else ""
    own = (address.strip() for address in listed.split(","))
    return tuple(dict.fromkeys((*patient.subject.mailing.editors, *filter(None, own))))


def trial_mail(patient: Patient, recipient: str, number: int) -> Mail:
    subject, now = patient.subject, patient.subject.machine.now()
    name = f"{KIND}.{now:%Y%m%d%H%M%S%f}.{number}@{subject.mailing.sender.rpartition('@')[2]}"
    return Mail(
        message_id=name, thread=name, recipient=recipient, kind=KIND, incident="", phase="",
        subject=f"[allocator/{subject.environment}] TEST: this address gets alerts",
        content=_content(patient), created=now, answer=True,
    )  # fmt: skip


def _content(patient: Patient) -> Mapping[str, Any]:
    subject = patient.subject
    return {
        "template": "answer",
        "title": "Alerts of the lead allocator reach you",
        "intro": f"Sent by allocator doctor --send at {minute(subject.machine.now())}. Nothing to do.",
        "sections": [],
        "tables": {},
        "host": subject.host,
        "program": subject.program,
        "why": "You are listed under [alerts] in allocator.toml, or as an editor in the workbook.",
    }
