"""`allocator runs undo`: take back what a run gave; shown first, done when somebody says yes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.commands.run import names_of
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.service.run import Job
from allocator.service.undo import Undone, following, undo
from rules.model import RoutingTables

SHOWN = 20
"""Leads that are printed one by one; --json gives all."""


def register(app: typer.Typer) -> None:
    app.command("undo", epilog="Example:  allocator runs undo 12")(command)


def command(
    number: Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ahead: Annotated[int, typer.Option("--next", min=1, max=1000, help="How many next turns to show.")] = 5,
    by: Annotated[str, typer.Option("--by", help="Who says so; kept with each lead.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Put back what a run gave, where nobody has touched the lead since, and give its turns back.

    First shows the leads that go back and those that stay, with why, the turns given back, and whose turns
    are next then. Exit code 0: done, or nothing left to undo. 2: nobody said yes. 4: some leads that were to
    go back did not. 5: the CRM cannot be reached or refused us. 6: a run is at work.
    """
    settings = load_settings(config)
    with console.progress_bars(quiet=True) as progress:
        job = bootstrap.job(settings, progress=progress)
        try:
            tables = bootstrap.current_tables(settings, job.store)
            planned, ahead_of = _foresee(job, tables, number, ahead)
            if not as_json:
                _show(planned, ahead_of, tables, done=False)
            if not planned.back:
                return _nothing(planned, ahead_of, as_json=as_json)
            _agree(planned, yes=yes, quiet=as_json)
            done = undo(job, number, said_by=by)
            now_ahead = following(job, tables, done, ahead)
        finally:
            job.store.close()
    if as_json:
        console.emit({**done.shown, "planned": planned.shown, "next": now_ahead})
    else:
        _show(done, now_ahead, tables, done=True)
    if done.trouble is not None:
        console.err.print(str(done.trouble), markup=False)
        return console.exit_code(done.trouble)
    return console.OK if len(done.back) >= len(planned.back) else console.HELD


def _foresee(job: Job, tables: RoutingTables, number: int, n: int) -> tuple[Undone, list[dict[str, Any]]]:
    """The same undo on a copy of the store, with a CRM that only seems to be written to."""
    with bootstrap.preview(job) as copy:
        planned = undo(copy, number)
        return planned, following(copy, tables, planned, n)


def _nothing(planned: Undone, ahead_of: list[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        shown = {**planned.shown, "undo": None}
        console.emit({**shown, "planned": shown, "next": ahead_of})
    return console.OK


def _agree(planned: Undone, *, yes: bool, quiet: bool) -> None:
    """Raises BadParameter where nobody can be asked, Abort when the answer is no."""
    if yes:
        return
    if quiet or not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at: say --yes to undo", param_hint="--yes")
    typer.confirm(f"Put {console.count(len(planned.back), 'lead')} back?", abort=True, err=True)


# --- shown --------------------------------------------------------------------------------------------------


def _show(found: Undone, ahead_of: list[dict[str, Any]], tables: RoutingTables, *, done: bool) -> None:
    names = names_of(tables)
    if not (found.back or found.left or found.later):
        console.out.print(f"Run {found.run} gave no lead to anybody: there is nothing to undo.")
        return
    goes = "went" if done else "will go"
    title = f"Undo of run {found.run}" + (f" (as run {found.number})" if done else "")
    console.out.print(f"[bold]{title}[/]")
    console.out.print(f"  {console.count(len(found.back), 'lead')} {goes} back into intake")
    for (team, person), n in _split(found).items():
        who = plain(names.get(person, person) if person else "(queue)")
        console.out.print(f"    {plain(team or '-')}  {who}  {n}")
    _show_left(found, names, done=done)
    for (team, lane), n in found.turns.items():
        given = "given back" if done else "will be given back"
        console.out.print(f"  {console.count(n, 'turn')} of {_place(team, lane)} {given}")
    for one in ahead_of:
        order = (plain(names.get(turn["id"], turn["id"])) for turn in one["next"])
        console.pack(f"  next in {_place(one['team'], one['lane'])}: ", order)
    if done and found.back:
        console.out.print("  The next run decides these leads again. Mend the tables before it.")


def _show_left(found: Undone, names: dict[str, str], *, done: bool) -> None:
    if found.left:
        console.out.print(f"  {console.count(len(found.left), 'lead')} {'stayed' if done else 'will stay'}")
    for one in found.left[:SHOWN]:
        person = one.given.person or "(queue)"
        who = plain(names.get(person, person))
        console.hang(f"    {plain(one.given.key.source_id)}  {who}  ", plain(one.why))
    if len(found.left) > SHOWN:
        console.out.print(f"    and {len(found.left) - SHOWN} more: --json lists all")
    if found.later:
        console.out.print(
            f"  {console.count(len(found.later), 'lead')} could not be settled: the next run carries on"
        )


def _place(team: str, lane: str) -> str:
    return plain(f"{team}, lane {lane}" if lane else team)


def _split(found: Undone) -> dict[tuple[str, str], int]:
    split: dict[tuple[str, str], int] = {}
    for one in found.back:
        place = (one.team or "", one.person or "")
        split[place] = split.get(place, 0) + 1
    return dict(sorted(split.items()))
