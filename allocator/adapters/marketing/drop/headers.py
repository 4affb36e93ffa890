"""Which column holds which field of a Lead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from allocator.adapters.marketing.drop.parts import Unusable

LEAD_FIELDS = (
    "Salutation", "FirstName", "LastName", "Email", "Company", "Title", "Phone", "MobilePhone", "Fax",
    "Street", "City", "State", "PostalCode", "Country", "CountryCode", "StateCode", "Website", "Industry",
    "NumberOfEmployees", "AnnualRevenue", "LeadSource", "Rating", "Description",
    "Campaign_Code__c", "ProductInterest__c", "Language__c", "Segment__c",
)  # fmt: skip
_CUSTOM = re.compile(r"[A-Za-z]\w{0,79}__c", re.ASCII)


class Headers:
    """First the configured map, then Lead fields by name: case, spaces and signs do not matter, nor does the
    __c of a custom field. A column with the full name of any custom field is that field."""

    def __init__(self, own: Mapping[str, str] | None = None, known: Collection[str] = LEAD_FIELDS) -> None:
        self._known = {_fold(name.removesuffix("__c")): name for name in known}
        self._known |= {_fold(name): name for name in known}
        self._known |= {_fold(header): field for header, field in (own or {}).items()}
        self.fields = tuple(dict.fromkeys((*known, *(own or {}).values())))

    def field(self, header: str) -> str | None:
        """The field that a column holds; None for a column that is not carried."""
        name = header.strip()
        found = self._known.get(_fold(name)) if name else None
        return found or (name if _CUSTOM.fullmatch(name) else None)

    def count(self, headers: Sequence[str]) -> int:
        return sum(self.field(header) is not None for header in headers)

    def columns(self, headers: Sequence[str]) -> dict[int, str]:
        """Place -> field. Raises Unusable when no column is known, or two are the same field."""
        found = {place: field for place, text in enumerate(headers) if (field := self.field(text))}
        if not found:
            raise Unusable(
                "none of its columns is known. Name the columns as Lead fields are, such as Last Name, or "
                "add them to [drop.map]"
            )
        twice = [name for name, count in Counter(found.values()).items() if count > 1]
        if twice:
            raise Unusable(f"two of its columns are the field {twice[0]}. Delete one of them, or rename it")
        return found


def _fold(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
