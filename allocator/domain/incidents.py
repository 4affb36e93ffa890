"""From what a look found to incidents and mails: who is told, when, and how often. Pure.

First mail at once; then at most one per incident and repeat interval, and only if its count grew; one
RESOLVED to everybody who was told; never more than twelve a day and address, the gravest first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from allocator.domain.alerts import (
    ANSWERS_A_DAY,
    MAILS_A_DAY,
    Book,
    Changes,
    Finding,
    Incident,
    Level,
    Mail,
    Phase,
    Policy,
    Reader,
    Told,
    Write,
)

Causes = tuple[tuple[str, int], ...]
_GRAVEST_FIRST = (Level.HIGH, Level.NORMAL, Level.LOW)


def update(
    book: Book,
    findings: Sequence[Finding],
    *,
    covers: Collection[str],
    policy: Policy,
    write: Write,
    now: datetime,
) -> Changes:
    """Take in what a look found. `covers` are the kinds it looked for: what it did not find there is over.

    A finding that counts none is none. `write` gives {"subject": ..., "content": ...} of a mail.
    """
    open_ = {i.finding.place: i for i in book.incidents if i.resolved is None}
    closing = [i for i in book.incidents if i.resolved is not None]
    number = book.last_number
    wrong: dict[tuple[str, str], Incident] = {}
    for finding in findings:
        if finding.count <= 0:
            continue
        known = wrong.get(finding.place) or open_.pop(finding.place, None)
        if known is None:
            number += 1
            known = Incident(incident_id(number), finding, opened=now, seen=now, count=0)
        wrong[finding.place] = _seen_again(known, finding, now)
    for place, incident in open_.items():
        quiet = incident.kind.quiet
        over = place[0] in covers and (not quiet or now - incident.seen >= quiet)
        if over:
            closing.append(replace(incident, resolved=now))
        else:
            wrong[place] = incident
    return _announce([*wrong.values(), *closing], book, policy, write, now)


def _seen_again(incident: Incident, finding: Finding, now: datetime) -> Incident:
    """As it is now. The level and what it is a share of stay at the highest while it is open: a later run
    that takes up only what is left says less about how bad it is."""
    if incident.count:
        worst = max(incident.level, finding.level or incident.kind.level, key=list(Level).index)
        finding = replace(finding, level=worst, total=max(finding.total, incident.finding.total))
    if not incident.kind.adds_up:
        return replace(incident, finding=finding, seen=now, count=finding.count)
    earlier = incident.finding.causes if incident.count else ()
    found = replace(finding, causes=_added(finding.causes, earlier))
    return replace(incident, finding=found, seen=now, count=incident.count + finding.count)


def _added(new: Causes, earlier: Causes) -> Causes:
    """The newest codes first, each with how often it was seen in all."""
    counts = dict(new)
    for code, number in earlier:
        counts[code] = counts.get(code, 0) + number
    return tuple(counts.items())


def _announce(
    incidents: Sequence[Incident], book: Book, policy: Policy, write: Write, now: datetime
) -> Changes:
    counts = _Counts(dict(book.mailed_today), dict(book.answered_today))
    before = {i.id: i for i in book.incidents}
    after = {i.id: i for i in incidents}
    mails: list[Mail] = []
    for incident in sorted(incidents, key=lambda i: _GRAVEST_FIRST.index(i.level)):
        if policy.mails and not any(s.covers(incident.finding.place, now) for s in book.silences):
            after[incident.id], new = _tell(incident, policy, write, counts, now)
            mails.extend(new)
    return Changes(tuple(i for i in after.values() if before.get(i.id) != i), tuple(mails))


@dataclass(frozen=True, slots=True)
class _Counts:
    """Mails of this day by address. Only editors have a save answered; to on-call it is an alert like any."""

    alerts: dict[str, int]
    answers: dict[str, int]

    def one_more(self, address: str, *, answer: bool) -> bool | None:
        """Whether this one is the day's last; None when there is no room for it."""
        counts, most = (self.answers, ANSWERS_A_DAY) if answer else (self.alerts, MAILS_A_DAY)
        if counts.get(address, 0) >= most:
            return None
        counts[address] = counts.get(address, 0) + 1
        return counts[address] == most


def _tell(
    incident: Incident, policy: Policy, write: Write, counts: _Counts, now: datetime
) -> tuple[Incident, list[Mail]]:
    """The mails that are due, and the incident as it stands when they are written."""
    over = incident.resolved is not None
    due = _resolved_due(incident, policy) if over else _firing_due(incident, policy, now)
    phase = Phase.RESOLVED if over else Phase.FIRING
    told = dict(incident.told)
    mails = []
    for address, reader in due:
        last = counts.one_more(address, answer=_answers(incident, reader))
        if last is None:
            continue
        mails.append(_mail(incident, phase, address, reader, write, policy, now, last=last))
        if over:
            del told[address]
        else:
            sent = told[address].mails + 1 if address in told else 1
            told[address] = Told(now, incident.count, sent, incident.finding.edition)
    return replace(incident, told=told), mails


def _answers(incident: Incident, reader: Reader) -> bool:
    return bool(incident.finding.edition) and reader is Reader.EDITORS


def _firing_due(incident: Incident, policy: Policy, now: datetime) -> list[tuple[str, Reader]]:
    every = incident.kind.every or policy.repeat
    return [
        (address, reader)
        for address, reader in policy.addresses(incident.readers)
        if _is_due(incident, incident.told.get(address), reader, every, now)
    ]


def _is_due(incident: Incident, told: Told | None, reader: Reader, every: timedelta, now: datetime) -> bool:
    """An acknowledgement quiets everything but the answer to a new save."""
    if _answers(incident, reader) and told is not None and told.edition != incident.finding.edition:
        return True
    if incident.acked_until is not None and incident.acked_until > now:
        return False
    return told is None or (now - told.at >= every and incident.count > told.count)


def _resolved_due(incident: Incident, policy: Policy) -> list[tuple[str, Reader]]:
    """Everybody who was told that it is wrong, whoever is on the lists today."""
    known = {**dict(policy.addresses(tuple(Reader))), **dict(policy.addresses(incident.readers))}
    return [(address, known.get(address, incident.kind.reader)) for address in sorted(incident.told)]


def _mail(
    incident: Incident,
    phase: Phase,
    address: str,
    reader: Reader,
    write: Write,
    policy: Policy,
    now: datetime,
    *,
    last: bool,
) -> Mail:
    thread = thread_id(incident, policy.sender)
    earlier = incident.told.get(address)
    said = write(incident, phase, reader, last)
    return Mail(
        message_id=thread if earlier is None else _later_id(thread, f"{now.isoformat()} {phase} {address}"),
        thread=thread, recipient=address, kind=incident.finding.kind, incident=incident.id,
        phase=str(phase), subject=said["subject"], content=said["content"], created=now,
        answer=_answers(incident, reader),
    )  # fmt: skip


def incident_id(number: int) -> str:
    """INC- and four hex digits that look unlike their neighbours; each number has its own (to 65,536, then
    five digits): an odd multiplier permutes the residues of a power of two."""
    high, low = divmod(number, 0x10000)
    return f"INC-{high:X}{low * 0x9E37 % 0x10000:04X}" if high else f"INC-{low * 0x9E37 % 0x10000:04X}"


def thread_id(incident: Incident, sender: str) -> str:
    """The Message-ID of an incident's first mail."""
    stamp = incident.opened.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    return f"{incident.id.lower()}.{stamp}@{domain_of(sender)}"


def domain_of(sender: str) -> str:
    domain = sender.rpartition("@")[2].rstrip(">").strip()
    return (
        domain if domain and all(c.isascii() and (c.isalnum() or c in ".-") for c in domain) else "localhost"
    )


def _later_id(thread: str, what: str) -> str:
    left, _, domain = thread.partition("@")
    return f"{left}.{hashlib.sha256(what.encode(errors='surrogatepass')).hexdigest()[:8]}@{domain}"
