"""What helps who edits a sheet: dropdowns, messages beside a cell, colours that follow its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from openpyxl.formatting.rule import Rule
from openpyxl.styles import Color, Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from rules.workbook.column_guide import BLANK_IS_WRONG, LISTS, SETTING_CHOICES, Column

ROOM: Final = 500
"""Rows below each table that already have dropdowns, messages and colours."""
LONGEST_TITLE: Final = 32
"""Letters that a message's title may have."""

_OFF: Final = DifferentialStyle(font=Font(color="7F7F7F"), fill=PatternFill(bgColor=Color("E7E6E6")))
_OVER: Final = DifferentialStyle(font=Font(color="7F7F7F", strike=True))
_WRONG: Final = DifferentialStyle(fill=PatternFill(bgColor=Color("FF9C9C")))
_NO: Final = ("no", "n", "false", "0")


@dataclass(frozen=True, slots=True)
class Area:
    """A sheet's table: what each header's column is for, and the last row that is to be helped with."""

    title: str
    columns: Mapping[str, Column]
    is_rules: bool
    last: int

    def letter(self, header: str) -> str:
        return get_column_letter(list(self.columns).index(header) + 1)

    def reach(self, header: str) -> str:
        return f"{self.letter(header)}2:{self.letter(header)}{self.last}"

    @property
    def said(self) -> str:
        """Whether a row says anything, as a formula: notes alone say nothing."""
        letters = [self.letter(h) for h in self.columns if h != "Note" and not h.startswith("#")]
        return f"COUNTA(${letters[0]}2:${letters[-1]}2)>0"


def define_names(book: Workbook, places: Mapping[tuple[str, str], str]) -> None:
    """The lists that dropdowns offer; `places` gives the letter of each (sheet, column)."""
    for name, place in LISTS.items():
        column = f"'{place[0]}'!${places[place]}$2:${places[place]}${2 + ROOM}"
        first = f"'{place[0]}'!${places[place]}$2"
        filled = f"{first}:INDEX({column},MAX(1,COUNTA({column})))"
        book.defined_names[name] = DefinedName(name, attr_text=filled)
    names, values = (f"'Settings'!${letter}$2:${letter}${2 + ROOM}" for letter in "AB")
    found = f'LOWER(INDEX({values},MATCH("blank means any",{names},0)))'
    text = f'IFERROR({found}<>"yes",TRUE)'
    book.defined_names[BLANK_IS_WRONG] = DefinedName(BLANK_IS_WRONG, attr_text=text)


def help_with(sheet: Worksheet, area: Area, settings: Sequence[str] = ()) -> None:
    """Give the sheet its dropdowns, messages and colours. `settings` are the names on sheet Settings."""
    for row, name in enumerate(settings, start=2):
        if choices := SETTING_CHOICES.get(name.casefold()):
            sheet.add_data_validation(_validation("Value", Column(choices=choices), f"B{row}"))
    for header, column in area.columns.items():
        if column.help and not (settings and header == "Value"):
            sheet.add_data_validation(_validation(header, column, area.reach(header)))
    for reach, rule in _colours(area):
        sheet.conditional_formatting.add(reach, rule)


def _validation(header: str, column: Column, reach: str) -> DataValidation:
    rule = DataValidation(type="list" if column.choices else None, allow_blank=True, sqref=reach)
    if column.choices:
        rule.formula1 = column.choices
        rule.showErrorMessage = not column.open
        rule.errorStyle = "warning"
        rule.errorTitle, rule.error = (
            "Not in the list",
            "The check will say what is wrong. Keep it all the same?",
        )
    if column.help:
        rule.showInputMessage = True
        rule.promptTitle, rule.prompt = header[:LONGEST_TITLE], column.help
    return rule


def _colours(area: Area) -> Iterator[tuple[str, Rule]]:
    whole = f"A2:{get_column_letter(len(area.columns))}{area.last}"
    off = _is_off(area)
    if off:
        yield whole, Rule("expression", formula=[off], dxf=_OFF)
    for header in ("Until", "End"):
        if header in area.columns:
            cell = f"${area.letter(header)}2"
            yield whole, Rule("expression", formula=[f"AND(ISNUMBER({cell}),{cell}<TODAY())"], dxf=_OVER)
    for header, column in area.columns.items():
        if column.needed:
            yield area.reach(header), Rule("expression", formula=[_missing(area, header, off)], dxf=_WRONG)
        if column.unique:
            yield area.reach(header), Rule("expression", formula=[_repeated(area, header)], dxf=_WRONG)


def _is_off(area: Area) -> str:
    if "Active" not in area.columns:
        return ""
    cell = f'${area.letter("Active")}2&""'
    return "OR(" + ",".join(f'LOWER({cell})="{word}"' for word in _NO) + ")"


def _missing(area: Area, header: str, off: str) -> str:
    blank = f'TRIM(${area.letter(header)}2&"")=""'
    if area.is_rules and header.startswith("If "):
        return f"AND({BLANK_IS_WRONG},NOT({off}),{area.said},{blank})"
    return f"AND({area.said},{blank})"


def _repeated(area: Area, header: str) -> str:
    """Whether another row says the same; two rules may have one Order where only one of them is active."""
    letter = area.letter(header)
    column, cell = f"${letter}$2:${letter}${area.last}", f"${letter}2"
    if header == "Order" and area.is_rules:
        active = area.letter("Active")
        among = f'${active}$2:${active}${area.last},"<>no"'
        return f'AND({cell}<>"",LOWER(${active}2&"")<>"no",COUNTIFS({column},{cell},{among})>1)'
    return f'AND({cell}<>"",COUNTIF({column},{cell})>1)'
