"""Every code a problem can carry, with its meaning. A code never changes what it stands for."""

from __future__ import annotations

from typing import Final

from rules.cells import CODES as CELL_CODES

CODES: Final[dict[str, str]] = {
    # The file, before anything parses it
    "W00": "the file is not there or cannot be read",
    "W01": "the file is empty",
    "W02": "the file is larger than 10 MiB",
    "W03": "the file has a password, or is an old .xls",
    "W04": "the file is not an .xlsx workbook",
    "W05": "the file is damaged or only half saved",
    "W06": "the workbook has more than 2,000 parts",
    "W07": "two parts of the workbook have one name",
    "W08": "a part's name points outside the workbook",
    "W09": "the workbook contains macros",
    "W10": "the workbook takes content from other files or programs",
    "W11": "a part is packed more tightly than any honest workbook",
    "W12": "the workbook is too large unpacked, or lies about its size",
    "W13": "a part declares a document type or entities, or is not UTF-8",
    "W14": "the workbook has more than 2 million cells",
    "W15": "a sheet has very many empty formatted rows",
    "W16": "a value stands beyond row 50,000 or column 256",
    "W18": "the workbook cannot be read",
    # Any cell or header
    "R01": "a header is missing, unknown or there twice",
    "R02": "a formula where a typed value is needed",
    "R03": "a spreadsheet error value such as #N/A",
    "R04": "a code that the spreadsheet has turned into a number or date",
    "R06": "invisible characters in a text",
    "R07": "letters of different alphabets in one name",
    "R08": "merged cells, hidden rows or a hidden sheet",
    "R09": "a date that is not a real date, or an end before its start",
    "R11": "a weight or cap out of range",
    "R12": "no header row found",
    "R13": "more sheets, columns or text than a workbook may have",
    # Structure
    "T101": "a sheet is missing",
    "T102": "a sheet that nothing uses",
    "T103": "a required cell is empty",
    "T104": "a value that is not one of the choices",
    "T105": "an unknown setting, or one given twice",
    "T106": "a setting's value cannot be used",
    "T107": "a choice that this version does not support",
    "T108": "an unknown fact",
    "T109": "a fact, value or group given twice",
    "T110": "a group's name or members cannot be used",
    "T111": "a layer's sheet is missing or named twice",
    "T112": "the workbook was made for another version of the allocator",
    # If cells
    **CELL_CODES,
    # Rules
    "T301": "a rule does nothing",
    "T302": "a rule decides twice",
    "T303": "an Order or Rule ID stands twice",
    "T304": "a rule reads a fact that only a later layer sets",
    "T305": "a rule sets a fact of the lead itself",
    "T306": "a rule names an unknown team",
    "T307": "a rule names an unknown person",
    "T308": "an Order that is not a number",
    "T309": "no rule is active in a layer",
    "T310": "a rule that can never match",
    "T311": "a rule has expired",
    "T312": "rules stand in another sequence than their Order says",
    # Teams and people
    "T401": "a team or person given twice",
    "T402": "an unknown team",
    "T403": "an unknown person",
    "T404": "a name that several people have",
    "T405": "a team with nobody in it",
    "T406": "fallback teams go round in a circle",
    "T407": "If nobody can says queue, and no queue is named",
    "T408": "a CRM id that cannot be right",
    "T409": "a 15-character CRM id",
    "T410": "a time zone that does not exist",
    "T411": "an e-mail address that cannot be right",
    "T412": "rows of one person that contradict each other",
    "T413": "weights in a team differ by more than 1 to 20",
    "T414": "an owner override's key cannot be used",
}
