"""`allocator runs export --turns`: every turn as CSV, so that anybody can recompute a fairness statement."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, TextIO

import typer

from allocator import bootstrap
from allocator.config import load_settings
from allocator.domain.statement import ExportRow
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.entrypoints.files import report_stream
from allocator.entrypoints.problem_list import harmless
from rules.shares import U

COLUMNS = (
    "team", "lane", "turn", "lead", "at", "person", "weight", "share", "before", "served", "refunded",
    "kind", "paid", "could", "why",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    app.command("export", epilog="Example:  allocator runs export --turns turns.csv")(command)


def command(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Write to this file, not to standard output.")
    ] = None,
    turns: Annotated[bool, typer.Option("--turns", help="Every turn, a row for each who earned.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Every turn of every team as CSV: who could take the lead, their shares and credits, and who got it."""
    if not turns:
        raise typer.BadParameter("Say what to export: --turns.")
    if as_json and file is None:
        raise typer.BadParameter("With --json, name a FILE for the CSV: standard output holds the object.")
    store = bootstrap.store_of(load_settings(config))
    try:
        pages = store.export_turns()
        if file is None:
            _to_stdout(pages)
        else:
            with report_stream(file) as stream:
                written = write_turns(stream, pages)
            _say(file, *written, as_json=as_json)
    finally:
        store.close()
    return console.OK


def write_turns(stream: TextIO, pages: Iterable[Sequence[ExportRow]]) -> tuple[int, int]:
    """The whole table; how many turns and how many rows it holds."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    turns = rows = 0
    for page in pages:
        lines = [line for one in page for line in turn_lines(one)]
        writer.writerows(lines)
        turns, rows = turns + len(page), rows + len(lines)
    return turns, rows


def turn_lines(one: ExportRow) -> Iterator[tuple[object, ...]]:
    """A line for each person who earned or could take the lead. Shares hold the payer's remainder."""
    turn, earned, could = one.turn, one.turn.earned, frozenset(one.turn.could)
    at = one.at.isoformat()
    place = (_cell(one.team), _cell(one.lane), turn.number, harmless(one.lead), at)
    why = {s.id: s.why for s in one.skipped}
    paid = U if turn.paid else 0
    for person, weight in turn.weights.items():
        yield (
            *place, _cell(person), weight, earned.get(person, 0), turn.before.get(person, 0),
            int(person == turn.owner), int(one.given_back), turn.kind, paid if person == turn.payer else 0,
            int(person in could), "" if person in could else harmless(why.get(person, "")),
        )  # fmt: skip


@lru_cache(maxsize=10_000)
def _cell(name: str) -> str:
    """`harmless`, of names that come again and again."""
    return harmless(name)


def _to_stdout(pages: Iterable[Sequence[ExportRow]]) -> None:
    try:
        write_turns(sys.stdout, pages)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(file: Path, turns: int, rows: int, *, as_json: bool) -> None:
    if as_json:
        console.emit({"file": str(file), "turns": turns, "rows": rows})
    else:
        console.out.print(
            f"Wrote {console.count(turns, 'turn')} in {console.count(rows, 'row')} to {console.plain(file)}."
        )
