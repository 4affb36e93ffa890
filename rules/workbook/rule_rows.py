"""Reads one row of a sheet of rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.cells import CellError, CellWarning, ParsedCell, parse_cell
from rules.fold import fold
from rules.model import Fact, Row
from rules.vocabulary import Vocabulary, fact_key
from rules.workbook import fields
from rules.workbook.damage import as_range
from rules.workbook.people import People, TeamNames, find_person, find_team
from rules.workbook.report import Place, Report
from rules.workbook.sheets import Cell, Line

if TYPE_CHECKING:
    from rules.cells import Condition


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules may name: facts, known values, teams, people.

    `lead_facts` may be read in any layer; `fixed_facts` no rule may set. Facts go by their `fact_key`.
    """

    facts: Mapping[str, Fact]
    lead_facts: frozenset[str]
    fixed_facts: frozenset[str]
    vocabulary: Vocabulary
    teams: TeamNames
    people: People
    blank_means_any: bool
    broken_groups: frozenset[str] = frozenset()


class RuleReader:
    """Reads rules one after the other; knows the Rule IDs of all sheets."""

    def __init__(self, context: Context, report: Report) -> None:
        self._context = context
        self._report = report
        self._quiet = replace(context.vocabulary, suggests=False)
        self._ids: dict[str, Place] = {}
        self._parsed: dict[tuple[str, str], ParsedCell | CellError] = {}
        self._named: dict[str, set[str]] = {}
        self._doubts: list[tuple[str, Place, CellWarning]] = []

    def report_doubts(self) -> None:
        """Warn of each `not X` that may be a value of its own, once all rules are read: none where another
        rule asks for X or sets it."""
        for name, place, warning in self._doubts:
            if warning.about not in self._named.get(name, ()):
                self._report.warn(warning.code, place, warning.message, warning.fix)

    def check_id(self, line: Line) -> None:
        """A Rule ID is needed, and unique over the whole workbook, active or not."""
        cell = line["Rule ID"]
        typed = fields.text(cell, self._report, required=True)
        first = self._ids.setdefault(fold(typed), cell.place) if typed else cell.place
        if first is not cell.place:
            message = f"Rule ID {typed} already stands in {first.sheet}!{first.address}."
            self._report.error("T303", cell.place, message, "give each rule its own Rule ID")

    def read(
        self,
        layer: str,
        line: Line,
        order: Decimal,
        columns: Mapping[str, Fact],
        targets: Mapping[str, str],
    ) -> Row | None:
        """The row, or nothing if it has no Rule ID or does nothing."""
        conditions = tuple(self._conditions(line, columns))
        sets = tuple(self._sets(line, targets))
        decided = dict(sets)
        self._check_decision(line, targets)
        begin, end = fields.span(line, "From", "Until", self._report)
        row = Row(
            layer=layer,
            sheet=line.sheet,
            row=line.row,
            rule_id=line["Rule ID"].text,
            order=order,
            conditions=conditions,
            sets=tuple((name, text) for name, text in sets if name not in ("team", "owner", "hold")),
            team=decided.get("team"),
            owner=decided.get("owner"),
            hold=decided.get("hold"),
            from_=begin,
            until=end,
            cells=line.addresses,
            texts=line.texts,
        )
        self._check_effect(row, line, targets)
        return row if row.rule_id else None

    def _conditions(self, line: Line, columns: Mapping[str, Fact]) -> Iterator[tuple[str, Condition]]:
        for header, fact in columns.items():
            reading = line.readings.get(header)
            if reading and reading.raw.kind == "text" and not reading.broken:
                known = self._parsed.get((fact.name, reading.text))
                if isinstance(known, ParsedCell) and not known.warnings:
                    yield fact.name, known.condition
                    continue
            cell = line[header]
            if cell.broken or not self._is_text(cell, fact):
                continue
            parsed = self._parse(cell.place.text, fact)
            if isinstance(parsed, CellError):
                if parsed.code == "T204" and self._names_broken_group(cell):
                    continue  # the group's own cell is reported
                self._report.error(
                    parsed.code, cell.place, parsed.message, parsed.fix, suggestion=parsed.suggestion
                )
                continue
            for warning in parsed.warnings:
                self._warn(warning, cell.place, fact)
            yield fact.name, parsed.condition

    def _warn(self, warning: CellWarning, place: Place, fact: Fact) -> None:
        if warning.about:
            self._doubts.append((fact_key(fact.name), place, warning))
        else:
            self._report.warn(
                warning.code, place, warning.message, warning.fix, suggestion=warning.suggestion
            )

    def _names_broken_group(self, cell: Cell) -> bool:
        return any(name in fold(cell.text) for name in self._context.broken_groups)

    def _parse(self, text: str, fact: Fact) -> ParsedCell | CellError:
        """What the cell means, or what is wrong with it; many cells of a sheet say the same."""
        found = self._parsed.get((fact.name, text))
        if found is None:
            found = self._parsed[fact.name, text] = self._parse_anew(text, fact)
        return found

    def _parse_anew(self, text: str, fact: Fact) -> ParsedCell | CellError:
        blank_means_any = self._context.blank_means_any
        known = self._quiet if self._report.crowded else self._context.vocabulary
        try:
            parsed = parse_cell(text, fact, known, blank_means_any=blank_means_any)
        except CellError as error:
            return error
        self._named.setdefault(fact_key(fact.name), set()).update(parsed.condition.literals)
        return parsed

    def _is_text(self, cell: Cell, fact: Fact) -> bool:
        """Whether the cell can hold a condition on this fact; a number in a column of codes cannot."""
        wrong = (
            ("date",) if fact.type == "number" else ("number",) if fact.type == "date" else ("date", "number")
        )
        if cell.raw.kind not in wrong:
            return True
        if fact.type in ("number", "date"):
            fields.turned(
                cell, self._report, wanted=f"a {fact.type} or a range", likely=as_range(cell.raw.value)
            )
        else:
            fields.turned(cell, self._report, known=self._context.vocabulary.codes(fact.name))
        return False

    def _sets(self, line: Line, targets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for header, name in targets.items():
            if line.is_blank(header):
                continue
            cell = line[header]
            if name == "team":
                text = find_team(cell, self._context.teams, self._report, code="T306")
            elif name == "owner":
                text = find_person(cell, self._context.people, self._report, code="T307")
            else:
                text = fields.text(cell, self._report)
            if text:
                self._named.setdefault(fact_key(name), set()).add(fold(text))
                yield name, self._normal(name, text)

    def _normal(self, name: str, text: str) -> str:
        return (self._context.vocabulary.code(name, text) or fold(text)) if name == "language" else text

    def _check_decision(self, line: Line, targets: Mapping[str, str]) -> None:
        given = [
            h for h, name in targets.items() if name in ("team", "owner", "hold") and not line.is_blank(h)
        ]
        if len(given) > 1:
            message = f"The rule decides twice, by {' and '.join(given)}."
            self._report.error(
                "T302", line[given[1]].place, message, f"empty all but one of {', '.join(given)}"
            )

    def _check_effect(self, row: Row, line: Line, targets: Mapping[str, str]) -> None:
        effects = (reading for name, reading in line.readings.items() if name.startswith("Then "))
        if row.decides or row.sets or any(effect.broken or effect.text for effect in effects):
            return
        header = next(iter(targets), "Rule ID")
        message = f"Rule {row.rule_id} does nothing: all its Then cells are empty."
        self._report.error("T301", line[header].place, message, "fill in a Then cell, or set Active to no")
