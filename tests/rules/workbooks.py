"""Small workbooks for tests: team Enterprise with Ana, Ben and Chi, two layers, and any cell changed."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import date

from openpyxl import Workbook

from rules.workbook.ids import checksum

Rows = list[list[object]]
Sheets = dict[str, Rows]


def crm_id(short: str) -> str:
    """An id of 15 characters with its three of checksum."""
    return short + checksum(short)


ANA, BEN, CHI = (crm_id(f"0055g00000AaB{n:02}") for n in (1, 2, 3))
QUEUE = crm_id("00G5g00000QuE01")
ACCOUNT = crm_id("0015g00000AcC01")
RULE = ("Active", "Order", "Rule ID")
PERSON = ("Person ID", "Name", "E-mail", "CRM user ID", "Team")


def small() -> Sheets:
    """The sheets of a workbook without any mistake; row and column 1 of each are its headers' row and A."""
    return {
        "Settings": [["Setting", "Value", "Note"], ["Time zone", "Europe/Berlin", None]],
        "Layers": [
            ["Order", "Layer", "Sheet", "When nothing matches"],
            [10, "Country", "Country", "continue"],
            [20, "Team", "Team", "hold"],
        ],
        "Country": [
            [*RULE, "If country", "If employees", "Then Region", "Then Hold", "From", "Until"],
            ["yes", 10, "K-1", "@DACH", "*", "EMEA", None, None, None],
            ["yes", 20, "K-2", "(none)", "*", None, "No country", None, None],
        ],
        "Team": [
            [*RULE, "If region", "If campaign", "Then Team", "Then Owner", "Then Language"],
            ["yes", 10, "T-1", "EMEA", "WEB-2026-*", "Enterprise", None, None],
            ["yes", 20, "T-2", "*", "*", None, "Ana Alvarez", None],
        ],
        "Teams": [
            ["Team", "Time zone", "If nobody can", "CRM queue ID", "Alert e-mail", "Note"],
            ["Enterprise", "Europe/Berlin", "hold", None, None, None],
        ],
        "Salespeople": [
            [*PERSON, "Weight", "Daily cap", "Active", "Languages", "Start", "End"],
            ["P-001", "Ana Alvarez", "ana@example.com", ANA, "Enterprise", 1, None, "yes", "en, de"],
            ["P-002", "Ben Bauer", "ben@example.com", BEN, "Enterprise", 1, None, "yes", "de"],
            ["P-003", "Chi Chen", "chi@example.com", CHI, "Enterprise", 1, 5, "yes"],
        ],
        "Absences": [
            ["Person", "From", "Until", "Type", "Delegate"],
            ["Ben Bauer", date(2026, 11, 16), date(2026, 11, 20), "holiday", None],
        ],
        "Facts": [["Fact", "Type", "Note"], ["source", "closed", None]],
        "Values": [
            ["Fact", "Code", "Name", "Aliases", "From", "Until"],
            ["campaign", "WEB-2026-DACH", "Website", "web dach; website dach", None, None],
        ],
        "Groups": [["Group", "Fact", "Members"], ["@DACH", "country", "DE, AT, CH"]],
        "Owner overrides": [
            ["Company domain or Account ID", "Person", "Until"],
            ["globex.example", "P-002", None],
            [ACCOUNT, "chi@example.com", date(2027, 6, 30)],
        ],
    }  # fmt: skip


def build(sheets: Mapping[str, Rows], edit: Callable[[Workbook], None] | None = None) -> bytes:
    """The bytes of a workbook with these sheets in this order."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if edit:
        edit(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def changed(cells: Mapping[str, object]) -> bytes:
    """The small workbook with some cells changed: {"Country!D2": "Genmany"}. A text "=..." is a formula."""

    def edit(book: Workbook) -> None:
        for address, value in cells.items():
            title, _, cell = address.rpartition("!")
            book[title][cell] = value

    return build(small(), edit)


def edited(edit: Callable[[Workbook], None]) -> bytes:
    """The small workbook, edited by hand."""
    return build(small(), edit)
