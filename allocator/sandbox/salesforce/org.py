"""The org: its records, its settings, its queues."""

from __future__ import annotations

from dataclasses import dataclass, field

from allocator.sandbox.clock import Clock
from allocator.sandbox.salesforce.records import Records
from allocator.sandbox.salesforce.schema import Schema, to18

ORG_ID = to18("00D5g0000000001")
INTEGRATION_USER = to18("0055g00000AaB00")
RULE_ROBOT = to18("0055g00000RuLe1")
ASSIGNMENT_RULE = to18("01Q5g0000000001")
INTAKE_QUEUE = to18("00G5g00000QuE01")
MARKETING_ID = "Marketing_Id__c"
DUPLICATE_RULES = ("off", "alert", "block")


@dataclass
class Settings:
    """What PUT /_sandbox/settings changes.

    `duplicate_rules` are off, alert (on create, and `allowSave` passes them) or block (on create and edit).
    `lead_mapping` is the org's own part of a conversion: "Field__c": "Contact.Field__c". At first it carries
    the field that holds the marketing system's id.
    """

    assignment_rule: bool = True
    permissive_converted: bool = False
    api_limit: int = 15_000
    duplicate_rules: str = "off"
    lead_mapping: dict[str, str] = field(default_factory=lambda: {MARKETING_ID: f"Contact.{MARKETING_ID}"})

    def change(self, values: dict[str, object]) -> None:
        """ValueError, and nothing changed, for a setting or a value that there is not."""
        for name, value in values.items():
            if type(getattr(self, name, None)) is not type(value):
                raise ValueError(f"unknown setting or wrong type: {name}")
        if values.get("duplicate_rules", "off") not in DUPLICATE_RULES:
            raise ValueError(f"duplicate_rules must be one of {', '.join(DUPLICATE_RULES)}")
        for name, value in values.items():
            setattr(self, name, value)


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
