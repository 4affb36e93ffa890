"""`allocator tables check`: every mistake of a workbook, by its cell."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.bootstrap_marketing import field_doubts
from allocator.config import Settings, load_settings
from allocator.domain.tables import doubts_about, perhaps_renamed, problems_with
from allocator.entrypoints import console, files, problem_list
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.errors import ConfigError, SourceError
from allocator.service.versions import standing
from rules.errors import Problem
from rules.model import RoutingTables
from rules.workbook.check import Checked, check
from rules.workbook.lock import opened_by

MOST = 200
"""Problems that a terminal shows."""
LONGEST = 1_000
"""Letters of one line."""


class Format(StrEnum):
    """How a result is written."""

    TEXT, CSV, HTML = "text", "csv", "html"


@dataclass(frozen=True, slots=True)
class Examined:
    """A workbook that was checked, also against the configuration and the CRM where there is one."""

    path: Path
    settings: Settings | None
    checked: Checked
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        return not any(p.severity == "error" for p in self.problems)


def examine(file: Path | None, config: Path) -> Examined:
    """Check a workbook, the configured one if none is named."""
    settings = load_settings(config) if file is None or config.exists() else None
    path = file or (settings.workbook if settings else Path("routing_tables.xlsx"))
    if who := opened_by(path):
        console.err.print(
            f"{who} seems to have {path.name} open: this is how it was saved last.", markup=False
        )
    checked = check(path, on=clock_from().now().date())
    problems = list(checked.problems)
    if checked.tables is not None and settings is not None:
        problems = _in_order(
            [*problems, *_against_crm(checked.tables, settings), *_renamed(checked.tables, settings)]
        )
    return Examined(path, settings, checked, problems)


def _against_crm(tables: RoutingTables, settings: Settings) -> list[Problem]:
    """What configuration and CRM show besides; one line on standard error when the CRM cannot be asked."""
    owners = bootstrap.owners_of(settings)
    if owners is None:
        console.err.print("The CRM could not be asked: its users, queues and intake owners were not checked.")
    intake = owners.intake if owners else ()
    found = problems_with(tables, fact_names=settings.fact_fields(), intake=intake)
    return [*found, *(doubts_about(tables, owners) if owners else ()), *_about_fields(tables, settings)]


def _about_fields(tables: RoutingTables, settings: Settings) -> tuple[Problem, ...]:
    """What the marketing systems and the CRM show of sheet Fields; a line where they cannot be asked."""
    found = field_doubts(settings, tables, lambda: bootstrap.crm_of(settings, sleep=lambda seconds: None))
    if found is None:
        console.err.print(
            "Marketing and the CRM could not both be asked: sheet Fields was not checked there."
        )
    return found or ()


def _renamed(tables: RoutingTables, settings: Settings) -> tuple[Problem, ...]:
    """What the ledgers show besides; nothing where the store cannot be asked."""
    try:
        store = bootstrap.store_if_there(settings)
        if store is None:
            return ()
        try:
            return perhaps_renamed(tables, store.ledgers())
        finally:
            store.close()
    except (ConfigError, SourceError):
        return ()


def check_command(
    file: Annotated[
        Path | None, typer.Argument(help="The workbook; the configured one when left out.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="text, csv or html.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the csv or html to this file.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Say everything that is wrong at once: sheet, cell, rule, what to do. Exit code 3 when refused."""
    if as_json and format_ is not Format.TEXT:
        raise typer.BadParameter("--json and --format exclude each other.")
    if output is not None and format_ is Format.TEXT:
        raise typer.BadParameter("--output needs --format csv or --format html.")
    examined = examine(file, config)
    if as_json:
        _emit(examined)
    elif format_ is Format.TEXT:
        _print(examined.path, examined.problems, ok=examined.ok)
        if examined.settings is not None and (runs := _standing(examined.settings)):
            console.out.print(f"{runs}.", markup=False)
    else:
        _write(examined, format_, output)
    return console.OK if examined.ok else console.REFUSED


def _emit(examined: Examined) -> None:
    live = _live_version(examined.settings) if examined.settings is not None else None
    shown = [asdict(p) for p in examined.problems]
    sha = examined.checked.sha256
    console.emit({"ok": examined.ok, "sha256": sha, "live_version": live, "problems": shown})


def _write(examined: Examined, format_: Format, output: Path | None) -> None:
    result = problem_list.Result(
        name=examined.path.name,
        at=clock_from().now(),
        problems=examined.problems,
        ok=examined.ok,
        sha256=examined.checked.sha256,
    )
    page = format_ is Format.HTML
    text = problem_list.as_page(result, most=MOST) if page else problem_list.as_csv(result)
    data = text.encode("utf-8", "replace")
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    files.refuse_same(output, [examined.path])
    files.write_report(output, data)
    console.err.print(f"Wrote {output}.", markup=False)


def _live_version(settings: object) -> str | None:
    store = bootstrap.store_if_there(settings)  # type: ignore[arg-type]
    if store is None:
        return None
    try:
        last = store.tables()
    finally:
        store.close()
    return last.sha256 if last else None


def _standing(settings: Settings) -> str:
    """Which version runs, how old it is and what waits."""
    store = bootstrap.store_if_there(settings)
    if store is None:
        return ""
    try:
        return standing(store, clock_from().now())
    finally:
        store.close()


def _print(path: Path, problems: list[Problem], *, ok: bool) -> None:
    for problem in problem_list.gravest(problems, MOST):
        console.out.print(_line(problem), markup=False, soft_wrap=True)
    if len(problems) > MOST:
        console.out.print(f"and {len(problems) - MOST} more")
    errors = sum(p.severity == "error" for p in problems)
    warnings = sum(p.severity == "warning" for p in problems)
    said = "can go live" if ok else "is refused; the last good version keeps running"
    counted = f"{console.count(errors, 'error')}, {console.count(warnings, 'warning')}"
    console.out.print(f"{path.name} {said}: {counted}.", markup=False)


def _line(problem: Problem) -> str:
    """One line, however long the cell is and whatever line breaks it holds."""
    line = re.sub(r"\s*[\r\n\t]+\s*", " ", str(problem))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    """By sheet, in the order in which the check names the sheets, and row."""
    sheets = list(dict.fromkeys(problem.sheet for problem in problems))
    return sorted(problems, key=lambda problem: (sheets.index(problem.sheet), problem.row or 0))
