"""Cells that hold one value, or values by absence type: `Sick: 100 %, Holiday: 0 %, 50 %`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from rules.fold import fold
from rules.workbook import fields
from rules.workbook.report import Report
from rules.workbook.sheets import Cell
from rules.workbook.text import split_list

_ITEM: Final = re.compile(r"(?:(?P<kind>.*?)\s*[:=])?\s*(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of a cell are, in words, and from where to where they go."""

    words: str
    low: int
    high: int
    percent: bool = False

    @property
    def example(self) -> str:
        return "50 %" if self.percent else "5"

    @property
    def span(self) -> str:
        unit = " %" if self.percent else ""
        return f"{self.low}{unit} to {self.high:,}{unit}"


def by_type(cell: Cell, form: Form, report: Report, *, as_typed: bool = False) -> dict[str, int]:
    """Folded absence type -> its value, "" for all other types; empty for a blank cell and for a wrong one,
    which is reported. With `as_typed` the types are not folded."""
    if cell.broken or cell.blank:
        return {}
    found: dict[str, int] = {}
    seen: set[str] = set()
    for item in _items(cell):
        kind, value = _parts(cell, item, form)
        wrong = _wrong(item, kind, value, form, seen)
        if wrong or value is None:
            report.error("T419", cell.place, f"{cell.place.column}: {wrong}.", _fix(form))
            return {}
        seen.add(fold(kind or ""))
        found[(kind if as_typed else fold(kind)) if kind else ""] = value
    return found


def _items(cell: Cell) -> tuple[str, ...]:
    return split_list(cell.place.text) if cell.raw.kind == "text" else (cell.text,)


def _parts(cell: Cell, item: str, form: Form) -> tuple[str | None, int | None]:
    """The absence type, None where the item has none, and the value, None where it is wrong."""
    if cell.raw.kind != "text":
        return None, _whole(fields.percentage(cell) if form.percent else fields.decimal(cell), form)
    found = _ITEM.fullmatch(item)
    kind, value = (found["kind"], found["value"]) if found else (None, item)
    alone = replace(cell, place=replace(cell.place, text=value))
    return kind, _whole(fields.percentage(alone) if form.percent else fields.decimal(alone), form)


def _whole(number: Decimal | None, form: Form) -> int | None:
    if number is None or number != number.to_integral_value() or not form.low <= number <= form.high:
        return None
    return int(number)


def _wrong(item: str, kind: str | None, value: int | None, form: Form, seen: set[str]) -> str:
    if value is None:
        return f'"{item}" is not {form.words} from {form.span}'
    if kind == "":
        return f'"{item}" names no absence type before the colon'
    if fold(kind or "") in seen:
        return f"{kind} stands twice" if kind else "two values are for all other types"
    return ""


def _fix(form: Form) -> str:
    return f"type {form.example}, or values by absence type such as Sick: {form.example}, {form.example}"


def show_by_type(values: Mapping[str, int], *, percent: bool = False) -> str:
    """The shortest text that `by_type` reads as these values: `sick: 100 %, 50 %`."""
    unit = " %" if percent else ""
    other = values.get("")
    own = sorted(f"{kind}: {value}{unit}" for kind, value in values.items() if kind and value != other)
    return ", ".join([*own, *([] if other is None else [f"{other}{unit}"])])
