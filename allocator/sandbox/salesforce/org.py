"""The org: its records, its people, its settings, and what a person does in it behind the API's back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from allocator.sandbox.clock import Clock
from allocator.sandbox.salesforce.records import Records, Row
from allocator.sandbox.salesforce.schema import Schema, to18

ORG_ID = to18("00D5g0000000001")
INTEGRATION_USER = to18("0055g00000AaB00")
RULE_ROBOT = to18("0055g00000RuLe1")
ASSIGNMENT_RULE = to18("01Q5g0000000001")
INTAKE_QUEUE = to18("00G5g00000QuE01")


@dataclass
class Settings:
    """What PUT /_sandbox/settings changes."""

    assignment_rule: bool = True
    permissive_converted: bool = False
    api_limit: int = 15_000


@dataclass
class Org:
    """One Salesforce org with its clock."""

    schema: Schema
    clock: Clock
    settings: Settings = field(default_factory=Settings)
    records: Records = field(init=False)

    def __post_init__(self) -> None:
        self.records = Records(self.schema, self.clock)

    def queues(self) -> dict[str, str]:
        """Queues that may own leads: name to id."""
        ids = {
            row.get("QueueId")
            for row in self.records.live("QueueSobject")
            if row.get("SobjectType") == "Lead"
        }
        return {row["Name"]: row["Id"] for row in self.records.live("Group") if row["Id"] in ids}

    def person_acts(self, kind: str, record: str, by: str | None, fields: dict[str, Any]) -> None:
        """A person takes, edits or converts a record in the browser; one that is gone stays so."""
        found = self.records.type_of(record)
        row = self.records.get(found.name, record) if found else None
        if found is None or row is None:
            return
        person = to18(by) if by else self._somebody(row)
        if kind == "take":
            self.records.change(found, row, {"OwnerId": person}, person)
        elif kind == "edit":
            values = {(f.name if (f := found.field(name)) else name): fields[name] for name in fields}
            self.records.change(found, row, values, person)
        else:
            self.convert(row, person)

    def _somebody(self, row: Row) -> str:
        users = (user["Id"] for user in self.records.live("User") if user.get("IsActive"))
        machines = (INTEGRATION_USER, RULE_ROBOT)
        return next((user for user in users if user not in machines), row.get("OwnerId") or INTEGRATION_USER)

    def convert(self, lead: Row, person: str) -> None:
        """What convertLead() leaves (SOAP API Developer Guide): Account, Contact, and a closed Lead."""
        owner = person if str(lead.get("OwnerId")).startswith("00G") else lead.get("OwnerId")
        with self.records.lock:
            account = self._make(
                "Account",
                {"Name": lead.get("Company"), "OwnerId": owner, "Website": lead.get("Website")},
                person,
            )
            contact = self._make(
                "Contact", {**_person(lead), "AccountId": account["Id"], "OwnerId": owner}, person
            )
            values = {
                "IsConverted": True,
                "ConvertedDate": self.clock.now().date().isoformat(),
                "OwnerId": owner,
                "ConvertedAccountId": account["Id"],
                "ConvertedContactId": contact["Id"],
                "Status": self._converted_status(),
            }
            self.records.change(self.records.type("Lead"), lead, values, person)
            self._move_memberships(lead["Id"], contact["Id"], person)

    def _make(self, name: str, values: Row, person: str) -> Row:
        return self.records.insert(self.records.type(name), values, person)

    def _converted_status(self) -> str:
        rows = self.records.live("LeadStatus")
        return next((row["ApiName"] for row in rows if row.get("IsConverted")), "Closed - Converted")

    def _move_memberships(self, lead_id: str, contact_id: str, person: str) -> None:
        kind = self.records.type("CampaignMember")
        for member in list(self.records.live("CampaignMember")):
            if member.get("LeadId") == lead_id:
                self.records.change(kind, member, {"ContactId": contact_id}, person)


def _person(lead: Row) -> Row:
    names = ("FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "LeadSource")
    return {name: lead[name] for name in names if lead.get(name)}
