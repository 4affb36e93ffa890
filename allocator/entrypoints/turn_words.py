"""A turn on the terminal: who could take the lead, who was out, and what the others would have needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from allocator.entrypoints import console
from allocator.entrypoints.console import plain
from allocator.entrypoints.out_words import out

Names = Mapping[str, str]
SHOWN = 12
"""Sentences about what others would have needed; --json has all."""


def show_turn(turn: Mapping[str, Any], names: Names) -> None:
    """One turn with its numbers in leads."""
    console.hang("  ", _title(turn, names))
    console.out.print(_table(turn, names))
    show_out(turn["skipped"], names)
    if turn["error"]:
        console.hang("  ", f"[red]{plain(turn['error'])}[/]")
    elif turn["kind"] in ("by hand", "override"):
        console.hang("  ", f"the charge worked out again from the turn's own numbers: {_paid(turn, names)}")
    else:
        console.hang("  ", f"worked out again from the turn's own numbers: {_name(turn['rederived'], names)}")
    _show_what_if(turn["what_if"], names)


def show_out(skipped: Sequence[Mapping[str, Any]], names: Names) -> None:
    """Each person who could not take the lead, why and until when."""
    for one in skipped:
        console.hang("    out: ", f"{_name(one['id'], names)}, {plain(out(one))}")


def charge(turn: Mapping[str, Any]) -> str:
    """What a lead outside the rotation cost who has it."""
    return "charged one lead" if turn["paid"] else "beyond the limit, so no credit moved"


def _title(turn: Mapping[str, Any], names: Names) -> str:
    where = f"turn {turn['number']} of {plain(turn['team'])}"
    if turn["lane"]:
        where += f", lane {plain(turn['lane'])}"
    kind = turn["kind"]
    if kind == "delegated":
        where += f": {_name(turn['payer'], names)}'s, served by {_name(turn['owner'], names)}"
    elif kind != "turn":
        where += f": {kind}, {_name(turn['owner'], names)}"
    return f"{where} (given back)" if turn.get("given_back") else where


def _paid(turn: Mapping[str, Any], names: Names) -> str:
    return f"{_name(turn['payer'], names)}, {charge(turn)}"


def _table(turn: Mapping[str, Any], names: Names) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=True)
    for header in ("who could", "share", "credit before", "after"):
        table.add_column(header, justify="left" if header == "who could" else "right")
    for one in (*turn["eligible"], *turn["also_earned"]):
        numbers = (f"{one[k] / turn['unit']:.3f}" for k in ("share", "before", "after"))
        table.add_row(_name(one["id"], names) + _mark(one, turn, names), *numbers)
    return table


def _mark(one: Mapping[str, Any], turn: Mapping[str, Any], names: Names) -> str:
    if one in turn["also_earned"]:
        return " (earned only)"
    if "served_by" in one:
        return f" (away, {_name(one['served_by'], names)} serves)"
    return " (got it)" if one["id"] == turn["owner"] else ""


def _show_what_if(others: Sequence[Mapping[str, Any]], names: Names) -> None:
    if not others:
        return
    console.out.print("  to get it instead, the others would have needed")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    alike: dict[str, list[str]] = {}
    for one in others:
        alike.setdefault(one["sentence"], []).append(_name(one["id"], names))
    for said, people in list(alike.items())[:SHOWN]:
        grid.add_row(f"    {_listed(people)}", plain(said))
    console.out.print(grid)
    if len(alike) > SHOWN:
        console.out.print(f"    and {sum(map(len, list(alike.values())[SHOWN:]))} more (--json shows all)")


def _listed(people: Sequence[str]) -> str:
    """Three at most by name."""
    more = len(people) - 3
    return f"{', '.join(people[:3])} and {more} more" if more > 0 else ", ".join(people)


def _name(person: str, names: Names) -> str:
    return plain(names.get(person, person))
