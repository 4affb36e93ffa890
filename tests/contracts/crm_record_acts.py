"""What the tests of a CRM's records do again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from crm_worlds import World

from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import CrmRecord, CrmWrite, Made, NewLead

KEY = "Marketing_Id__c"
PERSON = {"LastName": "Aydin", "Company": "Acme", "Email": "ada@acme.example"}


def read(world: World, record: str, *fields: str, kind: str = "") -> CrmRecord:
    kind = kind or ("Contact" if record.startswith("003") else "Lead")
    return world.crm.records(kind, [record], fields)[record]


def create(world: World, owner: str, key: str = "hubspot:1", **fields: Any) -> Made:
    return world.crm.create([NewLead(key, owner, {**PERSON, **fields})])[0]


def write(world: World, record: CrmRecord, fields: Mapping[str, Any], *, older: int = 0) -> WriteResult:
    assert record.stamp is not None
    stamp = record.stamp - timedelta(seconds=older)
    return world.crm.write([CrmWrite(record.object, record.id, fields, stamp)])[0].result


def changed(world: World, kind: str, since: datetime) -> list[CrmRecord]:
    return [record for page in world.crm.changed(kind, since, ["LastName"]) for record in page]


def people(world: World, key: str = "hubspot:1") -> list[str]:
    return [one.id for kind in ("Lead", "Contact") for one in world.crm.matching(kind, external_ids=[key])]
