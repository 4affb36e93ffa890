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


def meant_id(text: str, object: str) -> tuple[str, str]:
    """The id that another system's text means, in its 18 characters; else an empty one, and why.

    The last three of 18 characters tell the capitals of the others, so an id whose case was lost on the way
    is whole again. Of 15 characters nothing is left to tell them by.
    """
    text, prefix = text.strip(), _PREFIXES[object]
    if not _ID.fullmatch(text) or text[:3].upper() != prefix:
        return "", f"is no id of a {object}: those begin with {prefix} and have 15 or 18 letters and digits"
    cased = _with_case(text) if len(text) == 18 else text
    found = crm_id(cased, object)
    if not found or (len(text) == 18 and found[15:] != text[15:].upper()):
        return "", f"is an id of a {object} whose capitals were lost; write it as the CRM shows it"
    return found, ""


def _with_case(text: str) -> str:
    """The id with the capitals that its end tells, where all of it is in small or all in capital letters."""
    if text not in (text.lower(), text.upper()):
        return text
    told = [_SUFFIX.find(char) for char in text[15:].upper()]
    letters = enumerate(text[:15])
    return "".join(x.upper() if told[i // 5] >> i % 5 & 1 else x.lower() for i, x in letters) + text[15:]


def _check(five: str) -> str:
    return _SUFFIX[sum(1 << place for place, char in enumerate(five) if char.isupper())]
