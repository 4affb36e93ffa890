"""`allocator links show | search | held | ...`: what marketing records are in the CRM."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import Settings, load_settings
from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.link_file import COLUMNS, RowProblem, read_rows
from allocator.domain.sync.relations import means
from allocator.domain.sync.values import SyncRow
from allocator.entrypoints import console
from allocator.entrypoints.commands import links_waiting
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.entrypoints.files import report_stream
from allocator.entrypoints.problem_list import harmless
from allocator.errors import ConfigError, UnknownName
from allocator.ports import Store
from allocator.service.sync.relink import Finding, Hand, Imported, Repaired, import_links, repair

app = typer.Typer(
    help="Links between marketing records and the CRM's Leads and Contacts.", no_args_is_help=True
)

CRM, SOURCES = "salesforce", ("hubspot", "drop")
SHOWN = 50
"""Problems that are printed one by one; --json gives all."""


@app.command("show", epilog="Example:  allocator links show hubspot:1204")
def show(
    name: Annotated[str, typer.Argument(metavar="KEY|ID", help="SOURCE:ID, an id, or the CRM's id.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Every link of a record, and how its sync stands."""
    store = bootstrap.store_of(load_settings(config))
    try:
        keys = _keys(store, name)
        links, rows = store.links(keys=keys), store.syncs(keys)
    finally:
        store.close()
    if not links:
        raise UnknownName(f"No link of {name!r} is known here. See: allocator links search TEXT")
    if as_json:
        console.emit({"links": [as_object(link) for link in links], "sync": [_synced(row) for row in rows]})
        return console.OK
    console.out.print(_table(links))
    for row in rows:
        why = f" ({row.reason}{': ' if row.detail else ''}{row.detail})" if row.reason else ""
        console.hang("  ", plain(f"{row.key}: plan {row.plan}{why} since {row.since:%Y-%m-%d %H:%M} UTC"))
    return console.OK


@app.command("search", epilog="Example:  allocator links search merged")
def search(
    text: Annotated[str, typer.Argument(help="Part of an id or key, or a state.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Links with this text in their record's key or their CRM id, or in this state."""
    store = bootstrap.store_of(load_settings(config))
    try:
        links = [link for link in store.links() if _fits(link, text)]
    finally:
        store.close()
    if as_json:
        console.emit({"links": [as_object(link) for link in links[:limit]], "found": len(links)})
        return console.OK
    console.out.print(_table(links[:limit]) if links else f"No link fits {plain(text)}.")
    if len(links) > limit:
        console.out.print(f"and {len(links) - limit} more: --limit shows them")
    return console.OK


@app.command("export", epilog="Example:  allocator links export links.csv")
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Write to this file, not to standard output.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Every link as CSV."""
    if as_json and file is None:
        raise typer.BadParameter("With --json, name a FILE for the CSV: standard output holds the object.")
    store = bootstrap.store_of(load_settings(config))
    try:
        links = store.links()
    finally:
        store.close()
    if file is None:
        _to_stdout(links)
        return console.OK
    with report_stream(file) as stream:
        write_links(stream, links)
    if as_json:
        console.emit({"file": str(file), "links": len(links)})
    else:
        console.out.print(f"Wrote {console.count(len(links), 'link')} to {plain(file)}.")
    return console.OK


@app.command("import", epilog="Example:  allocator links import links.csv")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns of links export.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Add the links of a file, or bring them to the state that it says: all of them, or none.

    Exit code 2: rows are wrong; each is named with its fix, and nothing was changed. 6: a run is at work.
    """
    settings = load_settings(config)
    with _hand(settings) as hand, _open(file) as stream:
        try:
            rows, problems = read_rows(_cells(stream), crm=CRM, sources=SOURCES, now=hand.now())
        except (UnicodeDecodeError, csv.Error) as error:
            raise typer.BadParameter(f"{file} cannot be read as CSV in UTF-8: {error}") from None
        done = Imported(problems=tuple(problems)) if problems else import_links(hand, rows)
    _say_imported(done, as_json=as_json)
    return console.USAGE if done.problems else console.OK


@app.command("repair", epilog="Example:  allocator links repair --apply")
def repair_links(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY|ID...]", help="Only these; else every live link.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Mend what has one answer.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Read the object of each live link of a marketing record afresh, and say what is wrong with it.

    With --apply the link to a merged record goes to the winner, one to a converted Lead to its Contact, and
    one to a deleted record says so. Whatever has two answers is left for a person. Exit code 4: something is
    wrong still. 5: the CRM cannot be reached. 6: a run is at work.
    """
    settings = load_settings(config)
    with _hand(settings) as hand:
        keys = {key for name in names for key in _known(hand.store, name)} if names else None
        done = repair(hand, bootstrap.crm_of(settings), keys, apply=apply)
    if as_json:
        console.emit(
            {
                "looked_at": done.looked_at,
                "applied": done.applied,
                "problems": [_found(one, applied=done.applied) for one in done.findings],
            }
        )
    else:
        _say_repaired(done)
    return console.HELD if done.left else console.OK


links_waiting.register(app)


# --- reading and writing ------------------------------------------------------------------------------------


@contextmanager
def _hand(settings: Settings) -> Iterator[Hand]:
    store, clock = bootstrap.store_of(settings), clock_from()
    try:
        yield Hand(store, clock.now, settings.lease_seconds, settings.live)
    finally:
        store.close()


def _open(file: Path) -> TextIO:
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}. Name a CSV file") from None


def _cells(stream: TextIO) -> Iterable[list[str]]:
    """The rows; a spreadsheet of some countries puts semicolons between cells."""
    first = stream.readline()
    stream.seek(0)
    return csv.reader(stream, delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)


def write_links(stream: TextIO, links: Sequence[Link]) -> None:
    """A table that `import` reads back."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([harmless(cell) for cell in as_object(link).values()] for link in links)


def _to_stdout(links: Sequence[Link]) -> None:
    try:
        write_links(sys.stdout, links)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# --- finding ------------------------------------------------------------------------------------------------


def _keys(store: Store, text: str) -> set[LeadKey]:
    """The records that a text names: by key, by the CRM's id, or by the bare id."""
    source, colon, source_id = text.partition(":")
    if colon and store.links(keys=[LeadKey(source, source_id)]):
        return {LeadKey(source, source_id)}
    found = {link.key for link in store.links_of(text)} | {row.key for row in store.find(text)}
    return found or {k.key for k in store.links() if text == k.key.source_id or means(k.crm_id, text)}


def _known(store: Store, text: str) -> set[LeadKey]:
    found = _keys(store, text)
    if not found:
        raise UnknownName(f"No link of {text!r} is known here. See: allocator links search TEXT")
    return found


def _fits(link: Link, text: str) -> bool:
    folded = text.casefold()
    return folded in str(link.key).casefold() or folded in link.crm_id.casefold() or folded == link.state


# --- shown --------------------------------------------------------------------------------------------------


def as_object(link: Link) -> dict[str, str]:
    """A link as JSON, with the columns of the table."""
    return {
        "source": link.key.source, "source_id": link.key.source_id, "crm": link.crm, "object": link.object,
        "crm_id": link.crm_id, "state": str(link.state), "since": link.since.isoformat(),
    }  # fmt: skip


def _synced(row: SyncRow) -> dict[str, Any]:
    return {
        "record": str(row.key), "plan": row.plan, "reason": row.reason, "detail": row.detail,
        "since": row.since.isoformat(), "at": row.at.isoformat(), "again": row.again,
    }  # fmt: skip


def _table(links: Sequence[Link]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in ("Record", "CRM", "Object", "Id", "State", "Since"):
        table.add_column(header, no_wrap=True)
    for link in links:
        since = f"{link.since:%Y-%m-%d %H:%M}"
        table.add_row(plain(link.key), link.crm, link.object, plain(link.crm_id), link.state, since)
    return table


def _problem(one: RowProblem) -> dict[str, Any]:
    return {
        "row": one.row, "column": one.column, "value": one.value, "message": one.message, "fix": one.fix,
    }  # fmt: skip


def _say_imported(done: Imported, *, as_json: bool) -> None:
    if as_json:
        counts = {"added": done.added, "changed": done.changed, "same": done.same}
        problems = [_problem(one) for one in done.problems]
        console.emit({"ok": not problems, **counts, "problems": problems})
        return
    if not done.problems:
        console.out.print(
            f"{console.count(done.added, 'link')} added, {done.changed} changed, {done.same} as they were."
        )
        return
    console.err.print(f"Nothing was imported: {console.count(len(done.problems), 'problem')}.")
    for one in done.problems[:SHOWN]:
        console.err.print(f"  {one}", markup=False, soft_wrap=True)
    if len(done.problems) > SHOWN:
        console.err.print(f"  and {len(done.problems) - SHOWN} more: --json lists all")


def _found(one: Finding, *, applied: bool) -> dict[str, Any]:
    mends = [as_object(link) for link in one.mends]
    return {
        "record": str(one.link.key), "object": one.link.object, "crm_id": one.link.crm_id, "what": one.what,
        "message": one.said, "fix": one.fix, "mends": mends, "mended": applied and bool(mends),
    }  # fmt: skip


def _say_repaired(done: Repaired) -> None:
    looked = console.count(done.looked_at, "live link")
    wrong = console.count(len(done.findings), "problem") if done.findings else "nothing is wrong"
    console.out.print(f"{looked} looked at: {wrong}.")
    for one in done.findings:
        mended = done.applied and one.mends
        end = "mended" if mended else f"fix: {one.fix}"
        console.hang(f"  {plain(one.link.key)}  ", plain(f"{one.said}; {end}"))
