"""What can be wrong with a workbook, named by its cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
_SHOWN: dict[Severity, str] = {"error": "ERROR", "warning": "WARN", "note": "NOTE"}


class RulesError(Exception):
    """Base of everything `rules` raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is (sheet and cell), what it is, and what to do about it.

    `row` is the row number as the spreadsheet shows it, `column` the header's text.
    """

    code: str
    sheet: str
    message: str
    fix: str
    cell: str = ""
    row: int | None = None
    column: str = ""
    rule_id: str = ""
    value: str = ""
    suggestion: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        """One line: `ERROR T203  Country!E14  rule C-017, If country: ...  Fix: type DE.`"""
        place = f"{self.sheet}!{self.cell}" if self.cell else self.sheet
        rule = ", ".join(x for x in (f"rule {self.rule_id}" if self.rule_id else "", self.column) if x)
        said = f"{rule}: {self.message}" if self.rule_id else self.message
        return f"{_SHOWN[self.severity]:5} {self.code}  {place}  {said}  Fix: {self.fix.rstrip('.')}."


class WorkbookError(RulesError):
    """The workbook is refused. `problems` holds every mistake found, sorted by sheet and row.

    `version` is the sha256 of the refused bytes, empty where there were none to read.
    """

    def __init__(self, problems: tuple[Problem, ...] | list[Problem], *, version: str = "") -> None:
        self.problems = tuple(problems)
        self.version = version
        super().__init__("\n".join(str(p) for p in self.problems))
