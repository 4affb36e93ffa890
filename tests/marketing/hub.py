"""A HubSpot account in the sandbox, and one that answers as a test scripts it."""

from __future__ import annotations

from typing import Any

from scripted_org import PATIENT, Reply, ScriptedOrg, Waits
from source_worlds import HubspotWorld

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.marketing.hubspot import HubspotSettings, HubspotSource
from allocator.domain.sync.values import SourceRecord

__all__ = ["HubspotWorld", "Reply", "ScriptedOrg", "Waits"]

SEARCH = {"method": "POST", "path": "/search$"}
READ = {"method": "POST", "path": "/batch/read$"}
UPDATE = {"method": "POST", "path": "/batch/update$"}
CREATE = {"method": "POST", "path": "/batch/create$"}
STAMP = "2026-03-02T09:00:00.123Z"


def fault(world: HubspotWorld, do: str, on: dict[str, Any], **more: Any) -> None:
    world.control("POST", "faults", {"on": on, "do": do, **more})


def pulled(source: HubspotSource) -> list[SourceRecord]:
    return [record for page in source.pull(None) for record in page]


def definition(name: str, kind: str = "string", field: str = "text", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "fieldType": field, "options": [], **more}


def contact(number: int, **properties: Any) -> dict[str, Any]:
    """A contact as HubSpot shows it."""
    shown = {"hs_object_id": str(number), "lastmodifieddate": STAMP, "lifecyclestage": "lead", **properties}
    return {"id": str(number), "properties": shown, "createdAt": STAMP, "updatedAt": STAMP, "archived": False}


def found(*rows: dict[str, Any], total: int | None = None) -> Reply:
    """A page of search."""
    return Reply(200, {"total": len(rows) if total is None else total, "results": list(rows)})


def scripted(org: ScriptedOrg, *, waits: Waits | None = None, patience: float = PATIENT) -> HubspotSource:
    """Of an account with a handful of properties."""
    names = (
        "lifecyclestage",
        "hubspot_owner_id",
        "email",
        "crm_lead_id",
        "lastmodifieddate",
        "hs_merged_object_ids",
    )
    org.on("GET /crm/v3/properties", Reply(200, {"results": [definition(name) for name in names]}))
    settings = HubspotSettings(token="pat-canary", url=org.url)
    times = Timeouts(patience, patience, patience)
    return HubspotSource(
        settings, properties=("email",), sleep=waits if waits is not None else Waits(), timeouts=times
    )
