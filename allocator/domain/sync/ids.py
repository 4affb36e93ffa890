"""Ids of the CRM as marketing records hold them: in any of their spellings, or not an id at all."""

from __future__ import annotations

import re

_PREFIXES = {"Lead": "00Q", "Contact": "003", "Account": "001"}
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def crm_id(value: object, object: str) -> str:
    """The id of a Lead, Contact or Account in its 18 characters; empty where the value is none of that kind.

    The last three characters say which of the first fifteen are capitals, five at a time (Salesforce).
    """
    text = value.strip() if isinstance(value, str) else ""
    if not _ID.fullmatch(text) or not text.startswith(_PREFIXES[object]):
        return ""
    return text[:15] + "".join(_check(text[start : start + 5]) for start in (0, 5, 10))


def _check(five: str) -> str:
    return _SUFFIX[sum(1 << place for place, char in enumerate(five) if char.isupper())]
