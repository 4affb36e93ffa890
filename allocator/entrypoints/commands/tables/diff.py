"""`allocator tables diff A B`: what differs between two versions, by Rule ID and Person ID."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.config import Settings, load_settings
from allocator.domain.versions import code_of, is_prefix
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.errors import UnknownName
from rules.model import RoutingTables
from rules.workbook import load, load_bytes
from rules.workbook.diff import Change, Difference, diff

EPILOG = "Examples:  allocator tables diff live file   |   allocator tables diff 4ecd9a21 live --json"
DIFFERENT = 4
FILE = "file"
_HELP = "A version's first characters, live, file (the workbook as saved), or the path of a workbook."


def command(
    before: Annotated[str, typer.Argument(metavar="A", help=_HELP)],
    after: Annotated[str, typer.Argument(metavar="B", help=_HELP)],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with code 4 when they differ.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """What was added, removed and changed from A to B; rows that only stand elsewhere are the same rows.

    Exit code 3 when one of them is a file that would be refused.
    """
    first, second = _tables(before, config), _tables(after, config)
    found = diff(first, second)
    if as_json:
        console.emit({"a": first.version, "b": second.version, **as_object(found)})
    else:
        _show(found, first.version, second.version)
    return DIFFERENT if exit_code and found else console.OK


def as_object(found: Difference) -> dict[str, Any]:
    return {
        "added": [_change(c) for c in found.added],
        "removed": [_change(c) for c in found.removed],
        "changed": [_change(c) for c in found.changed],
    }


def _change(change: Change) -> dict[str, str]:
    """`id` is the Rule ID or Person ID; `name` says more where several rows are about one person."""
    told = {"sheet": change.sheet, "id": change.person or change.id, "name": change.id}
    return {**told, "field": change.field, "before": change.before, "after": change.after}


def _tables(name: str, config: Path) -> RoutingTables:
    """The tables that a word names. Raises UnknownName, or WorkbookError with all that is wrong."""
    path = Path(name)
    if name.casefold() == FILE:
        return load(load_settings(config).workbook)
    if not is_prefix(name.casefold()) and name.casefold() != "live" and path.exists():
        return load(path)
    return _stored(name, load_settings(config))


def _stored(name: str, settings: Settings) -> RoutingTables:
    store = bootstrap.store_of(settings)
    try:
        version = bootstrap.shelf_of(settings, store).named(name)
    finally:
        store.close()
    if not version.content:
        raise UnknownName(f"The content of {code_of(version.sha256)} is no longer kept: it never ran.")
    return load_bytes(version.content, name=settings.workbook.name)


def _show(found: Difference, before: str, after: str) -> None:
    if not found:
        console.out.print(f"{code_of(before)} and {code_of(after)} mean the same.")
        return
    console.out.print(f"From {code_of(before)} to {code_of(after)}:")
    signs = [
        *((c, "[red]-[/]", c.before) for c in found.removed),
        *((c, "[green]+[/]", c.after) for c in found.added),
        *((c, "~", f"{c.field}: {c.before or 'nothing'} -> {c.after or 'nothing'}") for c in found.changed),
    ]
    for sheet, lines in _by_sheet(signs):
        console.out.print(f"[bold]{plain(sheet)}[/]")
        for change, sign, said in lines:
            console.hang(f"  {sign} {plain(change.id)}  ", plain(said))
    cells = console.count(len(found.changed), "cell")
    console.out.print(f"{len(found.added):,} added, {cells} changed, {len(found.removed):,} removed.")


_Signed = tuple[Change, str, str]


def _by_sheet(signs: Iterable[_Signed]) -> Iterable[tuple[str, Iterable[_Signed]]]:
    """By sheet and name, removed before added before changed."""
    ordered = sorted(signs, key=lambda one: (one[0].sheet, one[0].id))
    return groupby(ordered, key=lambda one: one[0].sheet)
