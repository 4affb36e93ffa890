"""Salesforce ids: 15 characters where case matters, or 18 whose last three say which are capitals."""

from __future__ import annotations

import re
from typing import Final

from rules.workbook import fields
from rules.workbook.report import Report
from rules.workbook.sheets import Cell

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_KINDS: Final = {"001": "an Account", "005": "a user", "00G": "a queue"}


def checksum(short: str) -> str:
    """The three characters that make an 18-character id of one with 15."""
    bits = [sum(1 << n for n, c in enumerate(short[i : i + 5]) if "A" <= c <= "Z") for i in (0, 5, 10)]
    return "".join(_ALPHABET[b] for b in bits)


def crm_id(cell: Cell, prefix: str, report: Report, *, required: bool = False) -> str:
    """The id with 18 characters, or nothing when it is blank or wrong, which is reported."""
    typed = fields.text(cell, report, required=required)
    if not typed:
        return ""
    if not _ID.fullmatch(typed) or not typed.startswith(prefix):
        _wrong(
            cell, f"is not the id of {_KINDS[prefix]} (15 or 18 letters and digits, {prefix} first)", report
        )
        return ""
    full = typed[:15] + checksum(typed[:15])
    if len(typed) == 15:
        report.warn(
            "T409",
            cell.place,
            f"{typed} has 15 characters; it is read as {full}.",
            f"type {full}",
            suggestion=full,
        )
    elif typed != full:
        _wrong(cell, "has a capital or small letter wrong: its last three characters do not fit", report)
        return ""
    return full


def _wrong(cell: Cell, what: str, report: Report) -> None:
    report.error(
        "T408",
        cell.place,
        f'{cell.place.column} "{cell.text}" {what}.',
        "copy the id again from the CRM's address bar or from a report",
    )
