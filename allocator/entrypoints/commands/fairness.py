"""`allocator fairness`: what each person of a team was due, got, and lost by being out."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.statement import COUNTED, Period, Statement
from allocator.entrypoints import console, fairness_page
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.fairness_chart import signed
from allocator.entrypoints.fairness_words import besides, leads_in_words, plain_number
from allocator.entrypoints.files import write_report
from allocator.entrypoints.problem_list import harmless
from allocator.service.statement import (
    ROWS,
    OfTeam,
    as_object,
    days,
    headline,
    key,
    rows,
    statements,
    title,
)
from rules.shares import U


class By(StrEnum):
    """Into what a team's statement is parted."""

    LANE = "lane"


Team = Annotated[str | None, typer.Option(metavar="NAME", help="One team; all when left out.")]
First = Annotated[str | None, typer.Option("--from", metavar="DATE", help="Leads of this day or later.")]
Last = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Leads of this day or earlier.")]
ByOption = Annotated[By | None, typer.Option(help="A statement for each lane of a team.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="A table for spreadsheets.")]
SvgOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the chart.")]
HtmlOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page: chart and tables.")]


def register(app: typer.Typer) -> None:
    example = 'Example:  allocator fairness --team "Enterprise" --from 2026-01-01 --html fairness.html'
    app.command("fairness", epilog=example)(command)


def command(
    team: Team = None,
    first: First = None,
    last: Last = None,
    by: ByOption = None,
    as_csv: CsvOption = False,
    svg: SvgOption = None,
    html: HtmlOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """What each person could have taken, was due and got, and what absences, skills and caps cost them."""
    period = period_of(first, last)
    if as_csv and as_json:
        raise typer.BadParameter("Standard output holds one of --json and --csv.")
    settings = load_settings(config)
    store = bootstrap.store_of(settings)
    try:
        tables = bootstrap.current_tables(settings, store)
        found = statements(store, tables, team=team, period=period, by_lane=by is By.LANE)
    finally:
        store.close()
    names = {i: rows[0].name for i, rows in tables.people_by_id.items()}
    _write(found, names, svg, html)
    if as_json:
        objects = [as_object(one, names) for one in found]
        console.emit(objects[0] if team else {"teams": objects})
    elif as_csv:
        write_csv(sys.stdout, found, names)
    elif not (svg or html):
        _print(found, names)
    return console.OK


def period_of(first: str | None, last: str | None) -> Period:
    """The days that were typed. BadParameter for what is no day, or where they are the wrong way round."""
    period = Period(_day(first, "--from"), _day(last, "--to"))
    if period.first and period.last and period.first > period.last:
        said = f"--to {period.last} is before --from {period.first}. Both days belong to the period."
        raise typer.BadParameter(said)
    return period


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        said = f"{text!r} is not a date. Type it as 2026-11-02."
        raise typer.BadParameter(said, param_hint=option) from None


def _write(found: Sequence[OfTeam], names: Mapping[str, str], svg: Path | None, html: Path | None) -> None:
    if svg:
        write_report(svg, fairness_page.picture(found, names).encode(errors="replace"))
    if html:
        text = fairness_page.page(found, names, at=clock_from(None).now())
        write_report(html, text.encode(errors="replace"))
    for path in (svg, html):
        if path:
            console.err.print(f"Wrote {plain(path)}.")


def write_csv(stream: TextIO, found: Sequence[OfTeam], names: Mapping[str, str]) -> None:
    """A row for each person; texts that a spreadsheet might run are made harmless, numbers are left."""
    columns = [*ROWS, *(key(name) for name in COUNTED)]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows(found, names):
        cells = [row[column] for column in columns]
        writer.writerow([harmless(c) if c is None or isinstance(c, str) else c for c in cells])


# --- in a terminal ---


def _print(found: Sequence[OfTeam], names: Mapping[str, str]) -> None:
    for n, part in enumerate(part for one in found for part in one.parts):
        console.out.print(f"{chr(10) if n else ''}[bold]{plain(title(part))}[/]{days(part, begin=' ')}")
        console.out.print(plain(headline(part)))
        if part.lines:
            console.out.print()
            console.out.print(_dues(part, names))
            console.out.print()
            console.out.print(_sources(part, names))
        columns, counts = besides(part)
        if counts:
            console.out.print()
            console.out.print(_table(columns, [(i, *row) for i, row in counts], names))
        console.out.print(f"\n{leads_in_words(part)}" if part.total else leads_in_words(part))


def _dues(one: Statement, names: Mapping[str, str]) -> Table:
    headers = ("Could have", "Fair share", "Got", "Got − fair", "Owed before", "Owed now")
    lines = [
        (
            line.id, f"{line.could_have:,}", plain_number(line.fair_share), f"{line.got // U:,}",
            *(signed(units / U) for units in (line.difference, line.opening, line.closing)),
        )
        for line in one.lines
    ]  # fmt: skip
    return _table(headers, lines, names)


def _sources(one: Statement, names: Mapping[str, str]) -> Table:
    """Share of all + absence + skill + cap = fair share: what is lost is below zero."""
    costs = ["absence", "skill", "cap", *(["limit"] if any(line.limit for line in one.lines) else [])]
    lines = [
        (
            line.id, plain_number(line.share_of_all),
            *(signed(-getattr(line, cost) / U) for cost in costs),
            plain_number(line.fair_share), plain_number(line.totals_share),
        )
        for line in one.lines
    ]  # fmt: skip
    return _table(
        ("Share of all", *(c.capitalize() for c in costs), "= Fair share", "By totals"), lines, names
    )


def _table(headers: Sequence[str], lines: Sequence[tuple[str, ...]], names: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Person", overflow="fold", max_width=32)
    for header in headers:
        table.add_column(header, justify="right")
    for person, *cells in lines:
        table.add_row(plain(names.get(person) or person, width=64), *cells)
    return table
