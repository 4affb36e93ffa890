"""What a CRM in memory keeps: Leads, Contacts, Accounts, and the faults that a test has put in its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from allocator.domain.lead import LeadStatus
from allocator.domain.sync.values import FieldInfo
from rules.field_values import FieldType

OBJECTS = {"00Q": "Lead", "003": "Contact", "001": "Account"}


@dataclass(slots=True)
class MemoryLead:
    """One Lead, free to change: set `stamp` too when the change is to be noticed."""

    id: str
    owner: str
    created: datetime
    stamp: datetime
    fields: dict[str, object] = field(default_factory=dict)
    campaign: dict[str, object] = field(default_factory=dict)
    """"CampaignMember.<path>" fields of its newest membership."""
    converted: bool = False
    deleted: bool = False
    master_id: str | None = None
    contact_id: str | None = None
    account_id: str | None = None

    def status(self) -> LeadStatus:
        known = (self.id, self.owner, self.stamp, self.converted, self.deleted)
        return LeadStatus(*known, master_id=self.master_id, contact_id=self.contact_id)


@dataclass(slots=True)
class MemoryContact:
    """One Contact, free to change as a MemoryLead is."""

    id: str
    owner: str
    created: datetime
    stamp: datetime
    fields: dict[str, object] = field(default_factory=dict)
    account_id: str | None = None
    deleted: bool = False
    master_id: str | None = None
    person_account: bool = False


@dataclass(slots=True)
class MemoryAccount:
    """One Account, free to change as a MemoryLead is."""

    id: str
    owner: str
    created: datetime
    stamp: datetime
    fields: dict[str, object] = field(default_factory=dict)
    deleted: bool = False
    master_id: str | None = None


MemoryRow = MemoryLead | MemoryContact | MemoryAccount

Operation = Literal["describe", "records", "changed", "members", "matching", "create", "write", "give"]


@dataclass(frozen=True, slots=True)
class MemoryFault:
    """What goes wrong with the next request of one operation.

    lost: it is done, and the answer does not arrive. dropped: it is not done, and nobody knows. unsent: it
    surely never left. locked: not done, the records are locked. quota, down: the CRM cannot be used. None:
    nothing. `act` is what somebody does just before the request is executed.
    """

    operation: Operation
    what: Literal["lost", "dropped", "unsent", "locked", "quota", "down"] | None = None
    act: Callable[[], object] | None = None


def text_field(length: int = 255, *, required: bool = False, unique: bool = False) -> FieldInfo:
    kind = FieldType(length=length, nullable=not required)
    return FieldInfo(kind, required=required, unique_id=unique)


def standard_fields(external_id: str) -> dict[str, dict[str, FieldInfo]]:
    """The fields of Salesforce's objects that a mapping is likely to name, and a few custom ones."""
    address = {"Street": 255, "City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    person = {"FirstName": text_field(40), "LastName": text_field(80, required=True)}
    person |= {name: text_field(80) for name in ("Email", "Title", "Language__c", "ProductInterest__c")}
    person |= {"Phone": text_field(40), "MobilePhone": text_field(40), "Campaign_Code__c": text_field()}
    person |= {"Description": text_field(32_000), "LeadSource": FieldInfo(FieldType("picklist"))}
    person |= {"OwnerId": text_field(18), "Birthdate": FieldInfo(FieldType("date"))}
    person |= {"HasOptedOutOfEmail": FieldInfo(FieldType("flag", nullable=False))}
    if external_id:
        person[external_id] = text_field(80, unique=True)
    firm = {"Website": text_field(), "Industry": FieldInfo(FieldType("picklist"))}
    firm |= {"NumberOfEmployees": FieldInfo(FieldType("number", digits=8, decimals=0))}
    firm |= {"AnnualRevenue": FieldInfo(FieldType("number", digits=18, decimals=0))}
    lead = {name: text_field(length) for name, length in address.items()}
    lead |= {"Company": text_field(required=True), "Status": FieldInfo(FieldType("picklist", nullable=False))}
    contact = {f"Mailing{name}": text_field(length) for name, length in address.items()}
    account = {f"Billing{name}": text_field(length) for name, length in address.items()}
    account |= {"Name": text_field(required=True), "Phone": text_field(40), "OwnerId": text_field(18)}
    return {"Lead": person | firm | lead, "Contact": person | contact, "Account": firm | account}


def folded(text: object) -> str:
    return str(text or "").strip().lower()
