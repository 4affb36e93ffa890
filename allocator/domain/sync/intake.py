"""Whether the setting that says which records are new leads names what the marketing system knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allocator.domain.sync.values import FieldInfo

SHOWN = 20


@dataclass(frozen=True, slots=True)
class IntakeDoubt:
    """What is wrong, and what to do. `blind`: no record at all can be a new lead, so that one is not in
    intake says nothing of it."""

    message: str
    fix: str
    blind: bool = False


def doubt_of(
    fields: Mapping[str, FieldInfo], *, intake_field: str, intake: Sequence[str], owner_field: str
) -> IntakeDoubt | None:
    """Of a HubSpot account with these properties; None where all is known. An empty `intake_field`: intake
    goes by a list."""
    found = fields.get(intake_field)
    if intake_field and found is None:
        said = f"HubSpot has no contact property {intake_field}, by which intake goes"
        return IntakeDoubt(said, "Name one that it has: intake_field under [hubspot]", blind=True)
    if owner_field and owner_field not in fields:
        said = f"HubSpot has no contact property {owner_field}, which tells who owns a contact"
        return IntakeDoubt(said, "Name one that it has: owner_field under [hubspot]")
    if found is None or not found.type.restricted:
        return None
    unknown = [value for value in intake if value not in found.type.options]
    if not unknown:
        return None
    said = f"{intake_field} has no value {', '.join(unknown)}, so no contact with it is a lead"
    known = ", ".join(found.type.options[:SHOWN])
    fix = f"Write under intake the internal names of values that it has: {known}"
    return IntakeDoubt(said, fix, blind=len(unknown) == len(intake))
