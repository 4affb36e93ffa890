"""Checks of the CRM: log-in, the day's limit, intake, mapped fields, marketing ids, salespeople's users."""

from __future__ import annotations

from allocator.domain.sync.external_id import OBJECTS, unfit
from allocator.service.doctor.subject import CONFIGURATION, Check, NotChecked, Patient, Status
from rules.facts import fact_key
from rules.model import RoutingTables

SHOWN = 10


def crm_login(patient: Patient) -> Check:
    patient.crm.own()
    return Check(message=f"{patient.subject.crm_url} takes our log-in")


def crm_limits(patient: Patient) -> Check:
    """How much of the day's requests is used, by whomever; runs start nothing new beyond our share."""
    org = patient.crm.need().org
    patient.intake.or_none()  # a log-in's answer says nothing of limits, a query's does
    used = org.used_today()
    if used is None:
        return Check(message="the CRM does not say how many requests are left")
    share = patient.subject.usage_limit
    message = f"{used[0]:,} of the day's {used[1]:,} requests are used"
    if used[0] < used[1] * share:
        return Check(message=message)
    return Check(status=Status.WARNING, message=f"{message}; runs stop at {share:.0%}")


def intake_owners(patient: Patient) -> Check:
    count = len(patient.intake.own())
    return Check(message="1 owner of new leads" if count == 1 else f"{count} owners of new leads")


def mapped_fields(patient: Patient) -> Check:
    """Fields of the configuration that the CRM lacks or hides from us, and facts that are left with none."""
    facts = patient.subject.facts
    lacking = set(patient.crm.need().org.lacking_fields())
    wanted = {fact_key(name) for name in facts.own} | _read_by_rules(patient.tables.or_none())
    empty = [n for n, paths in facts.fields.items() if fact_key(n) in wanted and lacking.issuperset(paths)]
    if empty:
        said = "; ".join(f"fact {name}: {', '.join(facts.fields[name])}" for name in sorted(empty))
        return Check(status=Status.ERROR, message=f"no field that we can read for {said}", code=CONFIGURATION)
    gone = sorted({path for paths in facts.own.values() for path in paths if path in lacking})
    if gone:
        return Check(status=Status.WARNING, message=f"no field that we can read: {', '.join(gone)}")
    return Check(message="every field of a fact that matters is there")


def _read_by_rules(tables: RoutingTables | None) -> set[str]:
    layers = tables.layers if tables else ()
    return {fact_key(fact) for layer in layers for row in layer.rows for fact, _ in row.conditions}


def external_id(patient: Patient) -> Check:
    """Whether the field that holds the marketing record's id is there and can be used as that."""
    org = patient.crm.need().org
    if not patient.subject.sources:
        return Check(message="not needed: no marketing system is configured")
    infos = {kind: org.describe(kind).get(org.external_id) for kind in OBJECTS}
    if (wrong := unfit(org.external_id, infos)) is not None:
        return Check(status=Status.ERROR, message=wrong.message, fix=wrong.fix, code=CONFIGURATION)
    said = f"{org.external_id} is a unique external id on Lead and Contact"
    return Check(message=f"{said}; whether lead conversion maps it, the CRM does not tell")


def salespeople(patient: Patient) -> Check:
    """Whether everybody who may be given leads is an active user."""
    org, tables = patient.crm.need().org, patient.tables.need()
    users = org.users()
    people = {i: rows[0] for i, rows in tables.people_by_id.items() if any(row.active for row in rows)}
    unusable = {
        person: "inactive" if row.crm_user_id in users else "no such user"
        for person, row in people.items()
        if row.crm_user_id not in users or not users[row.crm_user_id].active
    }
    if not people:
        raise NotChecked("the workbook has nobody who is active")
    if not unusable:
        return Check(message=f"all {len(people)} active salespeople are active users")
    said = [f"{person} ({why})" for person, why in sorted(unusable.items())]
    more = f" and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    message = f"{len(said)} of {len(people)} salespeople cannot own leads: {', '.join(said[:SHOWN])}{more}"
    return Check(status=Status.WARNING, message=message)
