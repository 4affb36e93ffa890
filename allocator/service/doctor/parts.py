"""Checks of the workbook and the store, and of what the store remembers: the last run, mails that wait."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.domain.notices import lasted, minute
from allocator.domain.tables import problems_with
from allocator.service.alerts import is_missed, is_stuck
from allocator.service.doctor.subject import OTHER, WORKBOOK, Check, Patient, Status
from allocator.service.versions import standing
from rules.errors import Problem


def workbook(patient: Patient) -> Check:
    """The file with all its codes and cells, and what stands in for it when it is refused."""
    name, errors = patient.subject.workbook.name, _errors(patient)
    if errors:
        count = f"{len(errors)} problem{'s' if len(errors) > 1 else ''}"
        message = f"{name} is refused ({count}): {_place(errors[0])}. {_standing(patient)}"
        return Check(status=Status.ERROR, message=message, code=WORKBOOK)
    sha = patient.checked.own().sha256[:8]
    return Check(message=f"{name} can go live: version {sha}. {_standing(patient)}")


def _errors(patient: Patient) -> Sequence[Problem]:
    checked = patient.checked.own()
    errors = [p for p in checked.problems if p.severity == "error"]
    if checked.tables is not None:
        intake = patient.intake.or_none() or frozenset()
        errors += problems_with(checked.tables, fact_names=patient.subject.facts.fields, intake=intake)
    return errors


def _place(problem: Problem) -> str:
    where = f"{problem.sheet}!{problem.cell}" if problem.cell else problem.sheet
    return f"{problem.code} {where} {problem.message.rstrip('.')}"


def _standing(patient: Patient) -> str:
    """Which accepted version decides, as far as the store can say."""
    store = patient.store.or_none()
    if store is None:
        return "The last good version is not known: see store"
    return standing(store, patient.now) or "No version was accepted yet; the first run does it"


def store(patient: Patient) -> Check:
    health, _ = patient.health.own()
    patient.store.own()
    return Check(message=f"{health.name} can be read and written; schema version {health.version}")


def last_run(patient: Patient) -> Check:
    done = patient.store.need().last_done()
    if done is None:
        return Check(message="no run yet")
    message = f"the last run ended {lasted(patient.now - done)} ago, at {minute(done)}"
    late = is_missed(done, None, patient.now)
    return Check(status=Status.WARNING if late else Status.OK, message=message)


def alerts_stuck(patient: Patient) -> Check:
    """Mails that wait for longer than a server's hiccup, and those that were given up."""
    post = patient.store.need().post()
    if post.oldest is not None and is_stuck(post, patient.now):
        age = lasted(patient.now - post.oldest)
        message = f"{_mails(post.pending)} undelivered, the oldest for {age}"
        return Check(status=Status.ERROR, message=message, code=OTHER)
    if post.dead:
        return Check(status=Status.WARNING, message=f"{_mails(post.dead)} given up after 7 days")
    return Check(message=f"{post.pending} to be sent, {post.sent} sent")


def pauses(patient: Patient) -> Check:
    """Somebody meant them; who looks for why nothing moves should see them."""
    found = patient.store.need().pauses(now=patient.now)
    if found:
        return Check(status=Status.WARNING, message="; ".join(pause.said for pause in found))
    return Check(message="nothing and nobody is paused")


def _mails(number: int) -> str:
    return "1 mail is" if number == 1 else f"{number:,} mails are"
