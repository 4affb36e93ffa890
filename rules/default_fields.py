"""The field mapping of a workbook without a sheet Fields; a new workbook begins with it."""

from __future__ import annotations

from typing import Final

from rules.model import FieldMapping

SOURCES: Final = ("hubspot", "drop")
"""The marketing systems that this version knows, as lead keys name them."""

DEFAULT_FIELDS: Final[tuple[FieldMapping, ...]] = (
    FieldMapping("firstname", "FirstName", "FirstName", direction="two-way"),
    FieldMapping("lastname", "LastName", "LastName", direction="two-way"),
    FieldMapping("email", "Email", "Email", direction="two-way"),
    FieldMapping("phone", "Phone", "Phone", direction="two-way"),
    FieldMapping("jobtitle", "Title", "Title", direction="two-way"),
    FieldMapping("company", "Company", account="Name"),
    FieldMapping("city", "City", "MailingCity"),
    FieldMapping("state", "State", "MailingState"),
    FieldMapping("zip", "PostalCode", "MailingPostalCode"),
    FieldMapping("country", "Country", "MailingCountry"),
    FieldMapping("industry", "Industry"),
    FieldMapping("lead_source", "LeadSource", "LeadSource", rule="only if empty"),
    FieldMapping("campaign_code", "Campaign_Code__c"),
    FieldMapping("product_interest", "ProductInterest__c"),
    FieldMapping("hs_language", "Language__c"),
)
