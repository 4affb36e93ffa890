"""Warnings about what counts all the same though it is hidden, filtered away or below the sheet's table."""

from __future__ import annotations

from collections.abc import Mapping

from rules.workbook.areas import column_letters
from rules.workbook.read import RawSheet
from rules.workbook.report import Place, Report


def warn_out_of_sight(sheet: RawSheet, header_row: int, columns: Mapping[int, str], report: Report) -> None:
    """R08 for a hidden sheet, its hidden rows and columns; T114 for rows below its Excel Table. `columns` are
    those that are read, with their headers."""
    if sheet.hidden:
        message = f"Sheet {sheet.title} is hidden and counts all the same."
        report.warn("R08", Place(sheet.title), message, "show it")
    _warn_rows(sheet, header_row, columns, report)
    for column in sorted(sheet.hidden_columns & set(columns)):
        name = columns[column]
        place = Place(sheet.title, header_row, f"{column_letters(column)}{header_row}", name, name)
        report.warn("R08", place, f"The column {name} is hidden and counts all the same.", "show it")
    _warn_below(sheet, header_row, columns, report)


def _warn_rows(sheet: RawSheet, header_row: int, columns: Mapping[int, str], report: Report) -> None:
    hidden = [n for n in sorted(sheet.hidden_rows) if n > header_row and _is_filled(sheet, n, columns)]
    if hidden:
        rows = "row is" if len(hidden) == 1 else "rows are"
        how = "filtered away or hidden" if sheet.filtered else "hidden"
        report.warn(
            "R08",
            Place(sheet.title, hidden[0], f"A{hidden[0]}"),
            f"{len(hidden)} {rows} {how} and count{'s' * (len(hidden) == 1)} all the same "
            f"(the first is row {hidden[0]}).",
            "show the rows; set Active to no where they should not count",
        )


def _warn_below(sheet: RawSheet, header_row: int, columns: Mapping[int, str], report: Report) -> None:
    last = max((area.last_row for area in sheet.tables if area.first_row <= header_row), default=0)
    below = [n for n in sorted(sheet.rows) if n > last and _is_filled(sheet, n, columns)] if last else []
    if below:
        rows = "row stands" if len(below) == 1 else "rows stand"
        report.warn(
            "T114",
            Place(sheet.title, below[0], f"A{below[0]}"),
            f"{len(below)} {rows} below the sheet's table, which ends with row {last}, and count"
            f"{'s' * (len(below) == 1)} all the same: its filters and dropdowns do not reach there.",
            "drag the table's lower right corner down over them, or delete them",
        )


def _is_filled(sheet: RawSheet, row: int, columns: Mapping[int, str]) -> bool:
    return any(
        column in columns and str(raw.value).strip() for column, raw in sheet.rows.get(row, {}).items()
    )
