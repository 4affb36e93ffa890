"""The demo company's HubSpot account: its salespeople as owners, and the properties it has added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allocator.sandbox.hubspot.definitions import YES_NO, own_property
from allocator.sandbox.hubspot.portal import Portal

OWN = (
    own_property("crm_lead_id", "CRM lead ID"),
    own_property("crm_contact_id", "CRM contact ID"),
    own_property("crm_account_id", "CRM account ID"),
    own_property("crm_converted", "CRM lead converted", "bool", YES_NO),
    own_property("crm_status", "CRM status"),
    own_property("crm_owner", "CRM owner"),
    own_property("campaign_code", "Campaign code"),
    own_property("product_interest", "Product interest"),
    own_property("lead_source", "Lead source"),
)


def load(portal: Portal, people: Iterable[dict[str, Any]]) -> None:
    """Owners have the e-mail addresses of the CRM's users; there is no contact yet."""
    for found in OWN:
        portal.contacts.known[found.name] = found
    for person in people:
        portal.add_owner(person["email"], person["first"], person["last"])
