"""From a record's fields to the raw facts that rules read: the configured field that is filled first wins."""

from __future__ import annotations

from collections.abc import Mapping

from rules.freemail import company_domain

from allocator.domain.lead import Record

FactFields = Mapping[str, tuple[str, ...]]
"""Fact name -> field paths, the first non-empty one wins."""

EMAIL = "Email"

SALESFORCE_FACTS: FactFields = {
    "campaign": ("Campaign_Code__c", "CampaignMember.Campaign.Name"),
    "country": ("CountryCode", "Country"),
    "product": ("ProductInterest__c",),
    "language": ("Language__c",),
    "source": ("LeadSource",),
    "industry": ("Industry",),
    "employees": ("NumberOfEmployees",),
    "state": ("StateCode", "State"),
    "city": ("City",),
    "postcode": ("PostalCode",),
    "company": ("Company",),
    "email_domain": (EMAIL,),
    "created": ("CreatedDate",),
}
"""What Salesforce's standard fields give without configuration; `[facts]` adds and replaces."""


def facts_of(record: Record, fields: FactFields) -> dict[str, object]:
    """Raw facts by name. `email_domain` is a company's domain: a free-mail address has none."""
    found = {name: _first(record.fields, paths) for name, paths in fields.items()}
    domain = found.get("email_domain")
    if isinstance(domain, str):
        found["email_domain"] = company_domain(domain) if "@" in domain else domain
    return found


def email_of(record: Record) -> str | None:
    """The lead's e-mail, trimmed and in lower case, as look-ups compare it; None when there is none."""
    value = record.fields.get(EMAIL)
    if not isinstance(value, str):
        return None
    return value.strip().lower() or None


def _first(fields: Mapping[str, object], paths: tuple[str, ...]) -> object:
    for path in paths:
        value = fields.get(path)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            return value
    return None
