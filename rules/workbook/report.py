"""Collects the problems of one workbook while it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rules.errors import Problem, Severity
from rules.workbook.areas import split_address
from rules.workbook.text import nearest

MANY: Final = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a sheet, and in it a cell under a header."""

    sheet: str
    row: int | None = None
    address: str = ""
    column: str = ""
    text: str = ""
    rule_id: str = ""


class Report:
    """Problems in the order they were found; `sorted` gives them as a person reads the workbook."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def error(self, code: str, place: Place, message: str, fix: str, *, suggestion: str = "") -> None:
        self._add(code, place, message, fix, suggestion, "error")

    def warn(self, code: str, place: Place, message: str, fix: str, *, suggestion: str = "") -> None:
        self._add(code, place, message, fix, suggestion, "warning")

    def note(self, code: str, place: Place, message: str, fix: str) -> None:
        self._add(code, place, message, fix, "", "note")

    def extend(self, problems: Iterable[Problem]) -> None:
        self._problems.extend(problems)

    def _add(
        self, code: str, place: Place, message: str, fix: str, suggestion: str, severity: Severity
    ) -> None:
        problem = Problem(
            code=code,
            sheet=place.sheet,
            message=message,
            fix=fix,
            cell=place.address,
            row=place.row,
            column=place.column,
            rule_id=place.rule_id,
            value=place.text[:200],
            suggestion=suggestion,
            severity=severity,
        )
        self._problems.append(problem)

    def nearest(self, text: str, names: Iterable[str]) -> str:
        """The known name that was probably meant; nothing once there are so many problems that nobody reads
        them all, since to look for it takes long."""
        return "" if self.crowded else nearest(text, names)

    @property
    def crowded(self) -> bool:
        """Whether there are so many problems that likely names are no longer looked for."""
        return len(self._problems) >= MANY

    @property
    def refused(self) -> bool:
        return any(p.severity == "error" for p in self._problems)

    def sorted(self, titles: Sequence[str]) -> tuple[Problem, ...]:
        place = {title: n for n, title in enumerate(titles)}

        def order(problem: Problem) -> tuple[int, int, int, str]:
            column = split_address(problem.cell)[1] if problem.cell else 0
            return place.get(problem.sheet, -1), problem.row or 0, column, problem.code

        return tuple(sorted(dict.fromkeys(self._problems), key=order))
