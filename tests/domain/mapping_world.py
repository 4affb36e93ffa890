"""A marketing record and its CRM records as both systems store them, kept in step by a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from allocator.domain.lead import LeadKey
from allocator.domain.sync.mapping import FieldMap, Plan, Sides
from allocator.domain.sync.values import CrmRecord, FieldInfo, SourceRecord
from rules.field_rules import Agreed, Merged
from rules.field_values import FieldType, Kind
from rules.fields import merge
from rules.model import FieldMapping

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
ANA, BEN = LeadKey("hubspot", "101"), LeadKey("hubspot", "102")
BACK = {"lead_id": "crm_lead_id", "contact_id": "crm_contact_id", "converted": "crm_converted",
        "status": "crm_status", "owner": "crm_owner"}  # fmt: skip
TEXT = FieldInfo(FieldType())
COMPANY = FieldMapping("company", "Company", account="Name")
CITY = FieldMapping("city", "City", "MailingCity", direction="two-way")


def infos(names: str, **others: FieldInfo) -> dict[str, FieldInfo]:
    return {**dict.fromkeys(names.split(), TEXT), **others}


def of(kind: Kind, **more: Any) -> FieldInfo:
    return FieldInfo(FieldType(kind, **more))


OURS = infos(
    "firstname lastname email phone jobtitle company city state zip country industry a b c "
    "crm_lead_id crm_contact_id crm_status crm_owner",
    crm_converted=of("flag"),
)
CRM = {
    "Lead": infos(
        "FirstName LastName Email Phone Title Company City State Country Marketing_Id__c A__c B__c"
    ),
    "Contact": infos(
        "FirstName LastName Email Phone Title MailingCity MailingState Marketing_Id__c A__c B__c"
    ),
    "Account": infos("Name Site"),
}


def sides(**changes: Any) -> Sides:
    return replace(Sides("hubspot", OURS, CRM, "Marketing_Id__c", BACK), **changes)


def field_map(*rows: FieldMapping, **changes: Any) -> FieldMap:
    return FieldMap(rows, sides(**changes))


def record(key: LeadKey = ANA, at: datetime = MONDAY, **values: Any) -> SourceRecord:
    return SourceRecord(key, MONDAY, at, values)


@dataclass
class World:
    """One marketing record and its CRM record, as both systems store them."""

    map: FieldMap
    ours: dict[str, Any]
    lead: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    base: dict[str, Agreed] = field(default_factory=dict)
    plan: Plan = "lead"
    key: LeadKey = ANA
    ours_at: datetime = MONDAY
    theirs_at: datetime = MONDAY

    def seen(self) -> tuple[Any, Any]:
        ours = self.map.ours_seen(SourceRecord(self.key, MONDAY, self.ours_at, self.ours))
        lead = CrmRecord("Lead", "00Q1", status="Open", stamp=self.theirs_at, values=self.lead)
        contact = None
        if self.plan == "contact":
            accounts = {f"Account.{name}": value for name, value in self.account.items()}
            contact = CrmRecord(
                "Contact", "0031", account_id="0011", stamp=self.theirs_at,
                external_id=self.contact.get("Marketing_Id__c") or "", values={**self.contact, **accounts},
            )  # fmt: skip
        return ours, self.map.theirs_seen(self.plan, lead, contact, "Ana Alvarez")

    def cycle(self) -> Merged:
        """One look: merge, write on both sides, remember."""
        ours, theirs = self.seen()
        done = merge(
            self.base, ours, theirs, self.map.rules_now(self.plan, self.base, ours, theirs),
            record=str(self.key),
        )  # fmt: skip
        for write in done.ours:
            self.ours[write.field] = write.value
        for write in done.theirs:
            object, name = self.map.target(write.rule, self.plan)
            {"Lead": self.lead, "Contact": self.contact, "Account": self.account}[object][name] = write.value
        self.base = dict(done.agreed)
        return done

    def convert(self, contact: Mapping[str, Any], account: Mapping[str, Any] | None = None) -> None:
        """Sales convert the Lead: these are the values of the Contact and the Account."""
        self.contact, self.account, self.plan = dict(contact), dict(account or {}), "contact"
        self.base = self.map.rebased(self.base, "lead", "contact", self.seen()[1])


def written(done: Merged) -> tuple[dict[str, Any], dict[str, Any]]:
    """To marketing and to the CRM."""
    return {w.field: w.value for w in done.ours}, {w.field: w.value for w in done.theirs}


def blank(object: str, **values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(CRM[object]), **values}


def at_rest(*rows: FieldMapping, ours: Mapping[str, Any], lead: Mapping[str, Any] | None = None) -> World:
    """A record whose Lead is in step with it."""
    world = World(field_map(*rows), {**dict.fromkeys(OURS), **ours}, blank("Lead", **(lead or {})))
    world.cycle()
    assert written(world.cycle()) == ({}, {})
    return world
