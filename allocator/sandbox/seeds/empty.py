"""The smallest org: organization, integration user, rule robot, one queue, the lead statuses, one field."""

from typing import Any

from allocator.sandbox.salesforce.org import (
    INTAKE_QUEUE,
    INTEGRATION_USER,
    MARKETING_ID,
    ORG_ID,
    RULE_ROBOT,
    Org,
)
from allocator.sandbox.salesforce.schema import to18

INTEGRATION_NAME = "integration@example.com"
LONG_AGO = "2026-01-05T08:00:00.000+0000"
PROFILE = to18("00e5g0000000001")
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")


def load(org: Org) -> None:
    """Fill an org that holds nothing."""
    for name in ("Lead", "Contact"):
        org.schema.add_custom_field(name, MARKETING_ID, length=80, external_id=True, unique=True)
    put(
        org,
        "Organization",
        [
            {
                "Id": ORG_ID,
                "Name": "Example Industries",
                "OrganizationType": "Developer Edition",
                "IsSandbox": True,
                "InstanceName": "LOCAL",
            }
        ],
    )
    put(org, "Profile", [{"Id": PROFILE, "Name": "Standard User", "UserType": "Standard"}])
    put(
        org,
        "User",
        [
            user(INTEGRATION_USER, "Lead", "Allocator", INTEGRATION_NAME),
            user(RULE_ROBOT, "Rule", "Robot", "rule.robot@example.com"),
        ],
    )
    queue(org, INTAKE_QUEUE, "Inbound Leads")
    put(
        org,
        "LeadStatus",
        [
            {
                "Id": to18(f"01J5g00000000{place:02}"),
                "MasterLabel": name,
                "ApiName": name,
                "SortOrder": place,
                "IsDefault": place == 1,
                "IsConverted": name == "Closed - Converted",
            }
            for place, name in enumerate(STATUSES, 1)
        ],
    )


def put(org: Org, name: str, rows: list[dict[str, Any]]) -> None:
    """Store seed rows; what carries no stamp of its own is as old as the org."""
    kind = org.records.type(name)
    stamps = {
        stamp: LONG_AGO
        for stamp in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
        if kind.field(stamp)
    }
    for row in rows:
        created = row.get("CreatedDate")
        given = dict.fromkeys(stamps, created) if created else stamps
        org.records.put_raw(kind, {**given, **row}, INTEGRATION_USER)


def user(user_id: str, first: str, last: str, email: str, **more: Any) -> dict[str, Any]:
    """A User row with the fields that the vendor always fills."""
    return {
        "Id": user_id,
        "FirstName": first,
        "LastName": last,
        "Email": email,
        "Username": email,
        "IsActive": True,
        "Alias": (first[:1] + last)[:8].lower(),
        "UserType": "Standard",
        "ProfileId": PROFILE,
        "TimeZoneSidKey": "Europe/Berlin",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
        **more,
    }


def queue(org: Org, queue_id: str, name: str) -> None:
    """A queue that serves leads."""
    group = {"Id": queue_id, "Name": name, "DeveloperName": name.replace(" ", "_"), "Type": "Queue"}
    put(org, "Group", [group])
    put(org, "QueueSobject", [{"QueueId": queue_id, "SobjectType": "Lead"}])
