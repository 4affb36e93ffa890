"""`doctor`: every part of the installation looked at, none of them stopping the others.

`CHECKS` lists them in the order in which they are told; docs/reference/doctor.md shows the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from allocator.errors import AllocatorError, ConfigError, SourceError
from allocator.service.doctor import crm, machine, mail, marketing, parts
from allocator.service.doctor.subject import (
    CONFIGURATION,
    OTHER,
    UNREACHABLE,
    WORKBOOK,
    Check,
    NotChecked,
    Patient,
    Status,
    Subject,
)
from rules.errors import RulesError, WorkbookError

__all__ = ["CHECKS", "Check", "Kind", "Status", "Subject", "examine", "exit_code", "unconfigured"]

SAID = ("allocator store upgrade", "Keep the file and restore the last backup")
"""What an error's own words may ask for: then that is the fix, not the one for the whole check."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One check: what it looks at, and what to do when it fails and knows nothing better."""

    id: str
    looks_at: str
    fix: str
    look: Callable[[Patient], Check]


CHECKS: tuple[Kind, ...] = (
    Kind(
        "configuration", "the configuration file, its keys and their values; observe mode or live",
        "Mend the keys that are named", machine.configuration,
    ),
    Kind(
        "secret_files",
        "files that hold a secret are there, and their owner alone reads them; the configuration too if it "
        "holds one",
        "chmod 600 FILE", machine.secret_files,
    ),
    Kind(
        "packages", "no other package provides our import names",
        "Install lead-allocator into a virtual environment of its own", machine.packages,
    ),
    Kind(
        "workbook", "every code and cell of the workbook; which version was accepted last",
        "allocator tables check", parts.workbook,
    ),
    Kind(
        "store", "the store can be reached, read and written, is whole, and has this program's schema",
        "See that the store's server or disk works and that this user may write there", parts.store,
    ),
    Kind(
        "disk_space", "less than 1 GiB free where the store or the workbook is; an error under 100 MiB",
        "Free some space, or move what is kept there to a larger disk", machine.disk_space,
    ),
    Kind(
        "crm_login", "the CRM can be reached and takes our log-in",
        "See [salesforce] in the configuration, the connected app and its user, and that this machine "
        "reaches the CRM", crm.crm_login,
    ),
    Kind(
        "crm_limits", "requests of the day against usage_limit, whoever used them",
        "See who uses the CRM's requests, or raise usage_limit", crm.crm_limits,
    ),
    Kind(
        "intake_owners", "each queue or user under intake exists, once",
        "Write the names under intake as the CRM shows them", crm.intake_owners,
    ),
    Kind(
        "mapped_fields",
        "the CRM has a field that we can read for each fact that is mapped or that a rule reads",
        "Mend the field's name under [facts], or let the integration user read the field", crm.mapped_fields,
    ),
    Kind(
        "external_id", "where a marketing system is configured: the field that salesforce.external_id names "
        "is a unique external id on Lead and Contact that we can write",
        "Set salesforce.external_id to the field on Lead and Contact that holds the marketing record's id",
        crm.external_id,
    ),
    Kind(
        "salespeople", "everybody who is active in the workbook is an active user of the CRM",
        "Activate the user in the CRM, or set Active = no on sheet Salespeople", crm.salespeople,
    ),
    Kind(
        "hubspot_token", "HubSpot can be reached and takes the token",
        "See [hubspot] in the configuration, the private app's token and scopes, and that this machine "
        "reaches HubSpot",
        marketing.hubspot_token,
    ),
    Kind(
        "hubspot_properties",
        "the intake property has the values under intake; those under [hubspot.write_back] are there",
        "Mend the names under [hubspot]", marketing.hubspot_properties,
    ),
    Kind(
        "hubspot_intake", "how many contacts would be new leads if nobody owned them in HubSpot",
        'If they are to be new leads all the same: owner_field = "" under [hubspot]',
        marketing.hubspot_intake,
    ),
    Kind(
        "field_mapping", "both systems have the fields of sheet Fields, of kinds that fit, and let them be "
        "written",
        "allocator tables check names each cell and what to type", marketing.field_mapping,
    ),
    Kind(
        "drop_folder", "files can be read in the drop folder, and moved away",
        "Make the folder, and let the allocator's user read and write there", marketing.drop_folder,
    ),
    Kind(
        "smtp", "the mail server can be reached and takes our log-in; with --send one mail to everybody",
        "See smtp, tls, username, password_file and ca_file under [alerts], and that this machine reaches "
        "the server", mail.smtp,
    ),
    Kind(
        "recipients", "a mail server, somebody on call and an editor are configured",
        "Add the addresses to oncall and editors under [alerts]", mail.recipients,
    ),
    Kind(
        "clock", "this machine's clock against the CRM's and PostgreSQL's: more than 60 s off, an error over "
        "10 min; whether ALLOCATOR_NOW is set",
        "Have this machine's clock set by the network: timedatectl set-ntp true", machine.clock,
    ),
    Kind(
        "last_run", "a run was done in the last 75 minutes, if there ever was one",
        "See that allocator serve (or cron) works: systemctl status allocator. Run once: allocator run",
        parts.last_run,
    ),
    Kind(
        "alerts_stuck", "no alert mail waits for longer than 15 minutes, and none was given up",
        "allocator alerts list", parts.alerts_stuck,
    ),
    Kind(
        "pauses", "no person or team is paused, nor the service: whatever is paused is named",
        "If it should go on: allocator resume", parts.pauses,
    ),
)  # fmt: skip


def examine(subject: Subject, *, send: bool = False) -> Sequence[Check]:
    """Every check in order. Raises nothing: what goes wrong in a check is what it found."""
    patient = Patient(subject, send=send)
    try:
        return [_found(kind, patient) for kind in CHECKS]
    finally:
        patient.close()


def unconfigured(problem: str, refuse_clash: Callable[[], None]) -> Sequence[Check]:
    """The same list when the configuration cannot be used: packages can still be looked at."""
    wrong = Check(status=Status.ERROR, message=problem, code=CONFIGURATION)
    found = {"configuration": wrong, "packages": _packages(refuse_clash)}
    skipped = Check(status=Status.WARNING, message="not checked: see configuration")
    return [_named(kind, found.get(kind.id, skipped)) for kind in CHECKS]


def exit_code(checks: Sequence[Check]) -> int:
    """0, or the code of the first check that found an error."""
    return next((check.code or OTHER for check in checks if check.status is Status.ERROR), 0)


def _packages(refuse_clash: Callable[[], None]) -> Check:
    try:
        refuse_clash()
    except ConfigError as error:
        return _failed(error)
    return Check(message="the import names allocator and rules are ours alone")


def _found(kind: Kind, patient: Patient) -> Check:
    try:
        return _named(kind, kind.look(patient))
    except NotChecked as reason:
        return Check(id=kind.id, status=Status.WARNING, message=f"not checked: {reason}")
    except (AllocatorError, RulesError) as error:
        return _named(kind, _failed(error))
    except Exception as error:  # noqa: BLE001 (one check must not end the others; its text might quote a lead)
        message = f"unexpected {type(error).__name__}. Please report this"
        return Check(id=kind.id, status=Status.ERROR, message=message, code=OTHER)


def _named(kind: Kind, check: Check) -> Check:
    """With its id, and the kind's fix where it has none of its own."""
    silent = check.status is Status.OK or check.message.startswith("not checked")
    return replace(check, id=kind.id, fix=check.fix or ("" if silent else kind.fix))


def _failed(error: Exception) -> Check:
    fix = next((fix for fix in SAID if fix in str(error)), "")
    return Check(status=Status.ERROR, message=str(error), fix=fix, code=_code(error))


def _code(error: Exception) -> int:
    if isinstance(error, WorkbookError):
        return WORKBOOK
    if isinstance(error, ConfigError):
        return CONFIGURATION
    return UNREACHABLE if isinstance(error, SourceError) else OTHER
