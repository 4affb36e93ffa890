"""Checks of the marketing systems: HubSpot's token and properties, the drop folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allocator.domain.sync.intake import doubt_of
from allocator.domain.sync.mapping import ACCOUNT, CONTACT, LEAD, Sides
from allocator.domain.sync.mapping_doubts import doubts
from allocator.domain.sync.values import FieldInfo
from allocator.service.doctor.subject import CONFIGURATION, Check, NotChecked, Patient, Status, Systems

NONE = Check(message="no HubSpot account is configured")
SHOWN = 10
"""Cells that a message names."""
CREATE = "Add in HubSpot under Settings, Properties, Contact properties, Create property"


def hubspot_token(patient: Patient) -> Check:
    """Whether the account can be reached and lets us read its properties."""
    if patient.subject.systems.hubspot is None:
        return NONE
    fields = patient.hubspot.own()
    return Check(message=f"{patient.subject.systems.address} takes our token; {len(fields)} properties")


def hubspot_properties(patient: Patient) -> Check:
    """Intake's property has the configured values, and those that we write back to are there."""
    systems = patient.subject.systems
    if systems.hubspot is None:
        return NONE
    fields = patient.hubspot.need()
    wrong = _intake(systems, fields)
    if wrong is not None:
        return wrong
    missing = [name for name in systems.written if name not in fields]
    fixed = [name for name in systems.written if name in fields and not fields[name].writable]
    if missing:
        said = f"no contact property for what is written back: {', '.join(missing)}"
        return Check(status=Status.WARNING, message=said, fix=_how_to_add(systems, missing))
    if fixed:
        said = f"contact properties that cannot be written: {', '.join(fixed)}"
        return Check(status=Status.WARNING, message=said, fix="Name others under [hubspot.write_back]")
    return Check(message="intake and every property that is written back to are there")


def hubspot_intake(patient: Patient) -> Check:
    """How many contacts are left to the owners that they have."""
    systems = patient.subject.systems
    if systems.hubspot is None:
        return NONE
    if _intake(systems, patient.hubspot.need()) is not None:
        raise NotChecked("see hubspot_properties")
    if not systems.owner_field:
        return Check(message="contacts are new leads whether or not somebody owns them in HubSpot")
    count = systems.owned()
    are = "1 contact is" if count == 1 else f"{count:,} contacts are"
    said = f"{are} left to the owner that {systems.owner_field} names, and are no new leads"
    return Check(message=said if count else "no contact is left out of intake because somebody owns it")


def _intake(systems: Systems, fields: Mapping[str, FieldInfo]) -> Check | None:
    wrong = doubt_of(
        fields, intake_field=systems.intake_field, intake=systems.intake, owner_field=systems.owner_field
    )
    return _wrong(wrong.message, wrong.fix) if wrong else None


def _how_to_add(systems: Systems, missing: Sequence[str]) -> str:
    kinds = [
        f"{name} ({'single checkbox' if name == systems.flag else 'single-line text'})" for name in missing
    ]
    return f"{CREATE}: {', '.join(kinds)}; or set its key under [hubspot.write_back] to an empty text"


def field_mapping(patient: Patient) -> Check:
    """Whether both systems have the fields of sheet Fields, and let them be written."""
    systems = patient.subject.systems
    if systems.hubspot is None:
        return NONE
    org, ours = patient.crm.need().org, patient.hubspot.need()
    described = {kind: org.describe(kind) for kind in (LEAD, CONTACT, ACCOUNT)}
    written = {name: name for name in systems.written}
    rows = patient.tables.need().fields
    found = doubts(rows, Sides("hubspot", ours, described, org.external_id, written))
    if not found:
        return Check(message=f"every field of sheet Fields is there: {len(rows)} rows")
    first = found[0]
    place = f" Fields!{first.cell}" if first.cell else " Fields"
    said = f"{len(found)} of sheet Fields left out or in doubt: {first.code}{place} {first.message}"
    others = ", ".join(p.cell for p in found[1:SHOWN] if p.cell) + (", ..." if len(found) > SHOWN else "")
    more = f"; also {others}" if others else ""
    return Check(status=Status.WARNING, message=said.rstrip(".") + more)


def drop_folder(patient: Patient) -> Check:
    """Whether files can be read there, and moved away once they are taken."""
    folder = patient.subject.systems.folder
    if folder is None:
        return Check(message="no drop folder is configured")
    why = patient.subject.systems.unusable(folder)
    if why:
        return _wrong(f"{folder} {why}", f"Make it, and let the allocator's user read and write: {folder}")
    return Check(message=f"{folder} can be read and written to")


def _wrong(message: str, fix: str) -> Check:
    return Check(status=Status.ERROR, message=message, fix=fix, code=CONFIGURATION)
