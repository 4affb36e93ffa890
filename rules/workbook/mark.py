"""Writes a marked copy of a workbook: each problem's cell in colour, with a note that says what to type.

Only what has to change is edited, in the file's own XML: dropdowns, tables, colours that follow the content,
comments and everything that this program knows nothing of stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from openpyxl.utils.exceptions import CellCoordinatesException

from rules.errors import Problem, Severity
from rules.workbook.mark_cells import Grid, Styles
from rules.workbook.mark_notes import add_notes
from rules.workbook.package import BOOK, RELATION, Package
from rules.workbook.splice import Patch, elements, text_of

LIST: Final = "Problems"
"""The sheet that a marked copy has more than the workbook: all problems, also those without a cell."""
MARKED_PART: Final = "xl/worksheets/marked.xml"
"""The part of that sheet: a spreadsheet program that saves the copy gives it another name."""
MOST_NOTES: Final = 1_000
"""Notes on one sheet; more make a spreadsheet program slow. Cells beyond are coloured all the same."""

_WORST: Final[Sequence[Severity]] = ("error", "warning", "note")
_HEADERS: Final = ("Severity", "Code", "Sheet", "Cell", "Rule", "Column", "Value", "Message", "Fix")
_WIDTHS: Final = (10, 8, 18, 8, 12, 18, 24, 70, 70)
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"


def marked(data: bytes, problems: Iterable[Problem]) -> bytes:
    """The workbook with its problems marked, for bytes that have passed the gate.

    ValueError when its parts do not fit together.
    """
    try:
        return _marked(Package(data), tuple(problems))
    except (KeyError, CellCoordinatesException) as error:
        raise ValueError(f"a part or a cell is missing: {error}") from None


def _marked(package: Package, problems: Sequence[Problem]) -> bytes:
    styles = Styles(package)
    for title, part in package.sheets().items():
        own = [p for p in problems if p.sheet == title and p.cell]
        if own:
            _mark_sheet(package, part, own, styles)
    _add_list(package, problems, styles)
    styles.save()
    return package.bytes()


def is_marked(data: bytes) -> bool:
    """Whether the bytes are a marked copy as it was written, saved by nobody since. Any bytes will do."""
    return MARKED_PART.encode() in data


def _mark_sheet(package: Package, part: str, problems: Sequence[Problem], styles: Styles) -> None:
    by_cell: dict[str, list[Problem]] = {}
    for problem in problems:
        by_cell.setdefault(problem.cell, []).append(problem)
    patch = Patch(package[part])
    if styles.usable:
        Grid(patch).colour({cell: _worst(found) for cell, found in by_cell.items()}, styles)
    texts = {cell: "\n\n".join(_note(p) for p in found) for cell, found in by_cell.items()}
    add_notes(package, part, patch, dict(list(texts.items())[:MOST_NOTES]))
    package[part] = patch.result()


def _worst(problems: Iterable[Problem]) -> Severity:
    return min((p.severity for p in problems), key=_WORST.index)


def _note(problem: Problem) -> str:
    return f"{problem.severity.upper()} {problem.code}: {problem.message}\nFix: {problem.fix.rstrip('.')}."


def _add_list(package: Package, problems: Sequence[Problem], styles: Styles) -> None:
    sheets = package.sheets()
    taken = {title.casefold() for title in sheets}
    title = next(t for t in (LIST, *(f"{LIST} {n}" for n in range(2, 999))) if t.casefold() not in taken)
    package.add_named(MARKED_PART, _list(problems, sheets, styles), _SHEET_TYPE)
    relation = package.relate(BOOK, MARKED_PART, "worksheet")
    found = elements(package[BOOK], "workbook/sheets", "workbook/sheets/sheet")
    (place,) = (e for e in found if e.name == "sheets")
    number = 1 + max((int(e.attributes.get("sheetId", 0)) for e in found if e.name == "sheet"), default=0)
    line = f'name="{title}" sheetId="{number}" xmlns:r="{RELATION}" r:id="{relation}"'
    patch = Patch(package[BOOK])
    patch.append(place, f"<{place.prefix}sheet {line}/>".encode())
    package[BOOK] = patch.result()


def _list(problems: Sequence[Problem], sheets: Mapping[str, str], styles: Styles) -> bytes:
    rows = [_row(1, _HEADERS)]
    links = []
    for number, problem in enumerate(problems, start=2):
        style = styles.coloured(0, problem.severity) if styles.usable else 0
        rows.append(_row(number, _texts(problem), style))
        if problem.sheet in sheets and problem.cell:
            place = "'" + problem.sheet.replace("'", "''") + "'!" + problem.cell
            links.append(f'<hyperlink ref="D{number}" location={quoteattr(place)}/>')
    widths = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
        for n, width in enumerate(_WIDTHS, start=1)
    )
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    linked = f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="{_MAIN}"><sheetPr>'
        '<pageSetUpPr fitToPage="1"/></sheetPr><sheetViews>'
        f'<sheetView workbookViewId="0">{pane}</sheetView></sheetViews><cols>{widths}</cols>'
        f"<sheetData>{''.join(rows)}</sheetData>{linked}"
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>'
    ).encode()


def _texts(problem: Problem) -> tuple[str, ...]:
    p = problem
    return (p.severity, p.code, p.sheet, p.cell, p.rule_id, p.column, p.value, p.message, p.fix)


def _row(number: int, texts: Iterable[str], style: int = 0) -> str:
    cells = "".join(
        f'<c r="{letter}{number}"{f" s={chr(34)}{style}{chr(34)}" if style and letter == "A" else ""} '
        f't="inlineStr"><is><t xml:space="preserve">{text_of(text)}</t></is></c>'
        for letter, text in zip("ABCDEFGHI", texts, strict=True)
    )
    return f'<row r="{number}">{cells}</row>'
