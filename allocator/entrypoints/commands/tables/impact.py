"""`allocator tables impact`: what a workbook would have meant for past leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import Settings, load_settings
from allocator.domain.impact import Counts, Impact, Place, in_words
from allocator.domain.tables import problems_with
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.ports import Store
from allocator.service.impact import DAYS, measure
from rules.errors import WorkbookError
from rules.model import RoutingTables
from rules.workbook import load

EPILOG = "Example:  allocator tables impact routing_tables.draft.xlsx --days 7"
_FILE = "The workbook to try; the configured one when left out."


def command(
    file: Annotated[Path | None, typer.Argument(help=_FILE)] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How many days back.")] = DAYS,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Past leads decided and shared out again under this workbook, beside the live version: which would move.

    Writes nothing anywhere. Exit code 3 when the file would be refused.
    """
    settings = load_settings(config)
    tables = _tables(settings, file or settings.workbook)
    store = bootstrap.store_if_there(settings)
    try:
        found = _measure(settings, store, tables, days) if store else None
    finally:
        if store:
            store.close()
    if as_json:
        console.emit(as_object(found, days))
    elif found is None:
        console.out.print(f"There are no leads of the last {days} days to try it on.")
    else:
        _show(found, {i: rows[0].name for i, rows in tables.people_by_id.items()})
    return console.OK


def as_object(found: Impact | None, days: int) -> dict[str, Any]:
    """The contract's `tables impact` object."""
    if found is None:
        nothing: dict[str, Any] = {"moved": [], "rows_hit": {}, "rows_never": [], "shares": {}}
        return {"leads": 0, **nothing, "days": days, "older": 0, "cut": False}
    return {
        "leads": found.leads,
        "moved": [
            {"lead": m.lead, "from": _place(m.before), "to": _place(m.after), "because": asdict(m.because)}
            for m in found.moved
        ],
        "rows_hit": {rule: after for rule, (_, after) in found.rows_hit.items() if after},
        "rows_hit_before": {rule: before for rule, (before, _) in found.rows_hit.items() if before},
        "rows_never": list(found.rows_never),
        "shares": {team: _both(people) for team, people in found.shares.items()},
        "held": {"before": found.held[0], "after": found.held[1]},
        "days": found.days,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "older": found.older,
        "cut": found.cut,
    }


def _place(place: Place) -> dict[str, str | None]:
    return {"team": place.team, "person": place.person, "held": place.held or None}


def _both(people: Mapping[str, Counts]) -> dict[str, dict[str, int]]:
    return {person: {"before": before, "after": after} for person, (before, after) in people.items()}


def _tables(settings: Settings, path: Path) -> RoutingTables:
    """The tables of a file that would not be refused. Raises WorkbookError with all that is wrong."""
    tables = load(path)
    intake = bootstrap.intake_of(settings) or ()
    problems = problems_with(tables, fact_names=settings.fact_fields(), intake=intake)
    if problems:
        raise WorkbookError(problems, version=tables.version)
    return tables


def _measure(settings: Settings, store: Store, tables: RoutingTables, days: int) -> Impact | None:
    files = bootstrap.tables_of(settings)

    def read(sha256: str) -> RoutingTables | None:
        version = store.tables_version(sha256)
        return files.read(version) if version and version.content else None

    live = store.tables()
    before = files.read(live) if live else None
    if before is None:
        return None
    return measure(
        store,
        before,
        tables,
        read=read,
        fact_fields=settings.fact_fields(),
        now=clock_from().now(),
        days=days,
    )


def _show(found: Impact, names: Mapping[str, str]) -> None:
    for number, section in enumerate(in_words(found, names)):
        if number:
            console.out.print()
        console.out.print(f"[bold]{plain(section.title)}[/]")
        for line in section.lines:
            console.hang("  ", plain(line))
