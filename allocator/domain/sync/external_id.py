"""What to tell people about the CRM field that holds the marketing record's key."""

from __future__ import annotations

from collections.abc import Collection

from allocator.errors import SourceError

LENGTH = 80


def how_to_add(field: str, objects: Collection[str] = ("Lead", "Contact")) -> str:
    """The steps in the org's Setup."""
    label = field.removesuffix("__c").replace("_", " ")
    where = " and ".join(objects)
    return (
        f"In Salesforce Setup, Object Manager, add to {where} a Text field {field} (label {label}, length "
        f"{LENGTH}) with External ID and Unique ticked, visible and editable for the integration user; then "
        f"Object Manager, Lead, Fields & Relationships, Map Lead Fields: map the Lead's {label} to the "
        f"Contact's {label}."
    )


def no_external_id(field: str, object: str) -> SourceError:
    """Without the field a marketing record cannot be found again, so none is created."""
    if not field:
        return SourceError(
            "No field is set for the marketing record's id. Set salesforce.external_id to the field on Lead "
            "and Contact that holds it."
        )
    return SourceError(
        f"{object} has no field {field} that this user can read, so its marketing records cannot be found. "
        f"{how_to_add(field)}"
    )
