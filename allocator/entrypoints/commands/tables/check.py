"""`allocator tables check`: every mistake of a workbook, by its cell."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import Settings, load_settings
from allocator.domain.tables import problems_with
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.service.versions import standing
from rules.errors import Problem
from rules.workbook.check import check

MOST = 200


def check_command(
    file: Annotated[
        Path | None, typer.Argument(help="The workbook; the configured one when left out.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Say everything that is wrong at once: sheet, cell, rule, what to do. Exit code 3 when refused."""
    settings = load_settings(config) if file is None or config.exists() else None
    path = file or (settings.workbook if settings else Path("routing_tables.xlsx"))
    checked = check(path, on=clock_from().now().date())
    problems = list(checked.problems)
    if checked.tables is not None and settings is not None:
        intake = bootstrap.intake_of(settings)
        if intake is None:
            console.err.print("The CRM could not be asked whether an owner here is also an intake owner.")
        problems += problems_with(checked.tables, fact_names=settings.fact_fields(), intake=intake or ())
    ok = not any(p.severity == "error" for p in problems)
    if as_json:
        live = None
        if settings is not None:
            live = _live_version(settings)
        shown = [asdict(p) for p in problems]
        console.emit({"ok": ok, "sha256": checked.sha256, "live_version": live, "problems": shown})
    else:
        _print(path, problems, ok=ok)
        if settings is not None and (runs := _standing(settings)):
            console.out.print(f"{runs}.", markup=False)
    return console.OK if ok else console.REFUSED


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
    for problem in problems[:MOST]:
        console.out.print(str(problem), markup=False, soft_wrap=True)
    if len(problems) > MOST:
        console.out.print(f"and {len(problems) - MOST} more")
    errors = sum(p.severity == "error" for p in problems)
    warnings = sum(p.severity == "warning" for p in problems)
    said = "can go live" if ok else "is refused; the last good version keeps running"
    counted = f"{console.count(errors, 'error')}, {console.count(warnings, 'warning')}"
    console.out.print(f"{path.name} {said}: {counted}.", markup=False)
