"""From a record's fields to the raw facts that rules read: the configured field that is filled first wins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from allocator.domain.lead import Record
from rules.freemail import company_domain

FactFields = Mapping[str, tuple[str, ...]]
"""Fact name -> field paths, the first non-empty one wins."""

EMAIL = "Email"

_ADDRESS = re.compile(r"[^\s@<>\x00-\x1f\x7f]{1,64}@[^\s@<>\x00-\x1f\x7f]{1,255}")

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
    values = record.fields
    found = {name: _first(values, paths) for name, paths in fields.items()}
    domain = found.get("email_domain")
    if isinstance(domain, str) and "@" in domain:
        found["email_domain"] = company_of(domain)
    return found


def company_of(email: str) -> str | None:
    """`company_domain`, with the hosts remembered: many leads share one."""
    address = email.strip()
    if not _ADDRESS.fullmatch(address):
        return None
    return _company(address.rpartition("@")[2])


@lru_cache(maxsize=4096)
def _company(host: str) -> str | None:
    return company_domain(f"somebody@{host}")


def email_of(record: Record) -> str | None:
    """The lead's e-mail, trimmed and in lower case, as look-ups compare it; None when it is no address.

    Two leads whose e-mail is "none" or "n/a" are not the same person.
    """
    value = record.fields.get(EMAIL)
    if not isinstance(value, str):
        return None
    address = value.strip().lower()
    return address if _ADDRESS.fullmatch(address) else None


def _first(fields: Mapping[str, object], paths: tuple[str, ...]) -> object:
    for path in paths:
        value = fields.get(path)
        if is_filled(value):
            return value
    return None


def is_filled(value: object) -> bool:
    """Whether a field says anything: blanks alone do not."""
    return value is not None and not (isinstance(value, str) and (not value or value.isspace()))
