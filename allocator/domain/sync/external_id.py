"""The CRM field that holds the marketing record's key: whether it can serve, and what to do if not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from allocator.domain.sync.values import FieldInfo
from allocator.errors import SourceError

LENGTH = 80
OBJECTS = ("Lead", "Contact")
USUAL = "Marketing_Id__c"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a field cannot serve, and what to do."""

    message: str
    fix: str


def unfit(field: str, infos: Mapping[str, FieldInfo | None]) -> Unfit | None:
    """What the field lacks on these objects (None: not there, or hidden from us); None where it can serve.

    It has to be a unique external id that takes a text and that we can write: anything else would find
    strangers, or be overwritten with our keys.
    """
    if not field:
        return Unfit(
            "salesforce.external_id is empty",
            "Set salesforce.external_id to the field on Lead and Contact that holds the marketing record's "
            "id.",
        )
    lacking = [kind for kind, info in infos.items() if info is None]
    if lacking:
        said = f"{' and '.join(lacking)} without a field {field} that we can read"
        return Unfit(said, how_to_add(field if _is_custom(field) else USUAL, lacking))
    found = (_lacks(field, kind, info) for kind, info in infos.items() if info)
    return next(filter(None, found), None)


def need_fit(
    field: str, describe: Callable[[str], Mapping[str, FieldInfo]], objects: Collection[str] = OBJECTS
) -> None:
    """SourceError where the field cannot serve: a marketing record could not be found again, or would be
    taken for another one, so nothing is made and nothing is written."""
    infos = {kind: describe(kind).get(field) for kind in objects} if field else {}
    if (wrong := unfit(field, infos)) is not None:
        raise SourceError(f"{wrong.message}, so marketing records cannot be found by it. {wrong.fix}")


def how_to_add(field: str, objects: Collection[str] = OBJECTS) -> str:
    """The steps in the org's Setup."""
    label = field.removesuffix("__c").replace("_", " ")
    where = " and ".join(objects)
    return (
        f"In Salesforce Setup, Object Manager, add to {where} a Text field {field} (label {label}, length "
        f"{LENGTH}) with External ID and Unique ticked, visible and editable for the integration user; then "
        f"Object Manager, Lead, Fields & Relationships, Map Lead Fields: map the Lead's {label} to the "
        f"Contact's {label}."
    )


def _lacks(field: str, kind: str, info: FieldInfo) -> Unfit | None:
    """What a field that is there lacks."""
    if not _is_custom(field) and not info.unique_id:
        said = f"{field} of {kind} holds something else and is no unique external id"
        return Unfit(said, f"Set salesforce.external_id to a field of its own. {how_to_add(USUAL)}")
    if not info.unique_id:
        tick = f"In Setup, Object Manager, {kind}, edit the field {field}: tick External ID and Unique."
        return Unfit(f"{field} of {kind} is no unique external id", tick)
    if info.type.kind != "text" or info.any_case:
        said = f"{field} of {kind} takes no text like hubspot:1204"
        return Unfit(said, f"Set salesforce.external_id to a Text field. {how_to_add(USUAL)}")
    if not (info.creatable and info.writable):
        give = f"In Setup, give the integration user edit access to the field {field} of {kind}."
        return Unfit(f"{field} of {kind} cannot be written by us", give)
    return None


def _is_custom(field: str) -> bool:
    return field.endswith("__c")
