"""One row of a table: its cells by the name of their column, cleaned, their troubles told.

Many cells of a workbook say the same: each distinct one is understood once, and a cell is put together only
when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from rules.workbook.areas import column_letters
from rules.workbook.damage import is_error_text, is_scientific
from rules.workbook.lookalike import strangers
from rules.workbook.read import RawCell
from rules.workbook.report import Place, Report
from rules.workbook.text import clean, had_invisible, has_bidi, looks_like, one_line

MAX_TEXT: Final = 10_000
_ELSEWHERE: Final = re.compile(r"\[\d+\]")
"""In a formula, the number of another file."""
_BLANK: Final = RawCell("text", "")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table. `broken` ones have been reported already and read as blank."""

    place: Place
    raw: RawCell = _BLANK
    broken: bool = False

    @property
    def text(self) -> str:
        return one_line(self.place.text)

    @property
    def blank(self) -> bool:
        return not self.place.text


@dataclass(frozen=True, slots=True)
class Reading:
    """What a raw cell says, in whichever place it stands."""

    raw: RawCell
    text: str
    broken: bool = False
    troubled: bool = False
    """Whether there is something to report about each cell that holds it."""


class Addresses(Mapping[str, str]):
    """Column -> address of its cell in one row."""

    __slots__ = ("_letters", "_row")

    def __init__(self, letters: Mapping[str, str], row: int) -> None:
        self._letters, self._row = letters, row

    def __getitem__(self, name: str) -> str:
        return f"{self._letters[name]}{self._row}"

    def __contains__(self, name: object) -> bool:
        return name in self._letters

    def __iter__(self) -> Iterator[str]:
        return iter(self._letters)

    def __len__(self) -> int:
        return len(self._letters)

    def __repr__(self) -> str:
        return repr(dict(self))


class Line:
    """One row of a table. `line["Team"]` is the cell under that header, blank if there is no such column.

    `readings` holds what its filled cells say, by the name of their column.
    """

    __slots__ = ("_cells", "addresses", "readings", "row", "rule_id", "sheet")

    def __init__(
        self, sheet: str, addresses: Addresses, readings: Mapping[str, Reading], row: int, rule_id: str
    ) -> None:
        self.sheet, self.row, self.rule_id = sheet, row, rule_id
        self.addresses, self.readings = addresses, readings
        self._cells: dict[str, Cell] = {}

    def __getitem__(self, name: str) -> Cell:
        found = self._cells.get(name)
        if found is None:
            found = self._cells[name] = self._cell(name)
        return found

    def _cell(self, name: str) -> Cell:
        if name not in self.addresses:
            return Cell(Place(self.sheet, self.row, column=name))
        reading = self.readings.get(name)
        text = reading.text if reading else ""
        place = Place(self.sheet, self.row, self.addresses[name], name, text, self.rule_id)
        return Cell(place, reading.raw, reading.broken) if reading else Cell(place)

    def is_blank(self, name: str) -> bool:
        """As `line[name].blank`, without the cell."""
        reading = self.readings.get(name)
        return not reading or not reading.text

    @property
    def cells(self) -> dict[str, Cell]:
        """Every cell of the row, also the blank ones, by the name of its column."""
        return {name: self[name] for name in self.addresses}

    @property
    def texts(self) -> dict[str, str]:
        """What each filled cell says, on one line."""
        return {name: one_line(r.text) for name, r in self.readings.items() if r.text}

    @property
    def place(self) -> Place:
        return Place(self.sheet, self.row)


class LineReader:
    """Reads the rows of one table."""

    def __init__(self, sheet: str, columns: Mapping[int, str], report: Report) -> None:
        self._sheet, self._columns, self._report = sheet, columns, report
        self._letters = {name: column_letters(column) for column, name in columns.items()}
        self._rule_id = next((c for c, name in columns.items() if name == "Rule ID"), 0)
        self._readings: dict[int, Reading] = {}
        self._notes: dict[int, Reading] = {}

    def read(self, row: int, raws: Mapping[int, RawCell]) -> Line | None:
        """The line of this row, nothing if it holds no more than a note. Its troubles go to the report."""
        readings = {
            name: self._reading(name, raws[column])
            for column, name in self._columns.items()
            if column in raws
        }
        if not any(_has_content(name, reading) for name, reading in readings.items()):
            return None
        rule_id = clean(str(raws[self._rule_id].value)) if self._rule_id in raws else ""
        line = Line(self._sheet, Addresses(self._letters, row), readings, row, rule_id)
        for name, reading in readings.items():
            if reading.troubled:
                self._complain(line, name, reading.raw)
        return line

    def _reading(self, name: str, raw: RawCell) -> Reading:
        """What the cell says. Equal cells are one object, so that to know it is to know them all."""
        known = self._notes if name == "Note" else self._readings
        found = known.get(id(raw))
        if found is None:
            found = known[id(raw)] = _note(raw) if name == "Note" else _understand(raw)
        return found

    def _complain(self, line: Line, name: str, raw: RawCell) -> None:
        place = Place(self._sheet, line.row, line.addresses[name], name, "", line.rule_id)
        if name == "Note":
            _warn_elsewhere(place, raw, self._report)
        elif not _broken(place, raw, self._report):
            _check_letters(place, raw, self._report)


def _has_content(name: str, reading: Reading) -> bool:
    return name != "Note" and (reading.raw.kind != "text" or bool(clean(str(reading.raw.value))))


def _note(raw: RawCell) -> Reading:
    text = str(raw.value)
    return Reading(raw, text, troubled=raw.kind == "formula" and bool(_ELSEWHERE.search(text)))


def _understand(raw: RawCell) -> Reading:
    text = str(raw.value)
    if raw.kind in ("formula", "error") or len(text) > MAX_TEXT or has_bidi(text):
        return Reading(raw, "", broken=True, troubled=True)
    if raw.kind == "bool":
        return Reading(raw, "TRUE" if raw.value else "FALSE")
    if raw.kind != "text":
        return Reading(raw, _shown(raw.value))
    cleaned = clean(text)
    if is_error_text(cleaned) or is_scientific(cleaned) or looks_like(cleaned):
        return Reading(raw, "", broken=True, troubled=True)
    return Reading(raw, cleaned, troubled=had_invisible(text))


def _shown(value: object) -> str:
    """A number or date as a person would type it."""
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


# --- what is reported of a cell ---------------------------------------------------------------------------


def _warn_elsewhere(place: Place, raw: RawCell, report: Report) -> None:
    if raw.kind == "formula" and _ELSEWHERE.search(str(raw.value)):
        shown = _with(place, str(raw.value))
        report.warn("W10", shown, "The note takes its text from another file.", "type the note itself")


def _broken(place: Place, raw: RawCell, report: Report) -> bool:
    text = str(raw.value)
    shown = _with(place, text)
    if raw.kind == "formula" and _ELSEWHERE.search(text):
        report.error(
            "W10", shown, f"{place.column} takes its value from another file.", "type the value itself"
        )
    elif raw.kind == "formula":
        report.error("R02", shown, f"{place.column} holds a formula, {text[:60]}.", "type the value itself")
    elif raw.kind == "error":
        report.error(
            "R03", shown, f"{place.column} holds the spreadsheet's error {text}.", "type the value itself"
        )
    elif len(text) > MAX_TEXT:
        report.error(
            "R13",
            shown,
            f"{place.column} holds {len(text):,} characters; 10,000 are allowed.",
            "spread it over several rows",
        )
    elif has_bidi(text):
        report.error(
            "R06",
            shown,
            f"{place.column} holds invisible marks that turn the reading direction round.",
            "delete the cell's content and type it again by hand",
            suggestion=clean(text),
        )
    else:
        return False
    return True


def _check_letters(place: Place, raw: RawCell, report: Report) -> None:
    text = clean(str(raw.value))
    shown = _with(place, text)
    latin = looks_like(text)
    if _damaged(text, shown, report):
        return
    if latin:
        report.error(
            "R07",
            shown,
            f'"{text}" looks like "{latin}" but is not: it holds {strangers(text)}.',
            f"type {latin} again by hand",
            suggestion=latin,
        )
    else:
        report.warn(
            "R06",
            shown,
            f"{place.column} holds invisible characters, such as no-break spaces; they are passed over.",
            "type the cell again by hand",
            suggestion=text,
        )


def _damaged(text: str, shown: Place, report: Report) -> bool:
    """Whether a text is what a spreadsheet made of something else, and that something is lost."""
    if is_error_text(text):
        message = f"{shown.column} holds the spreadsheet's error {text} as text."
        report.error("R03", shown, message, "type the value itself")
    elif is_scientific(text):
        message = f"{shown.column} holds {text}, the short form of a long number: its last digits are lost."
        report.error("R04", shown, message, "format the cell as text and type the whole code again")
    else:
        return False
    return True


def _with(place: Place, text: str) -> Place:
    return Place(place.sheet, place.row, place.address, place.column, text, place.rule_id)
