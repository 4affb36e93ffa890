"""A person's timeline on the terminal: a line for each thing that happened, and one for each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.padding import Padding
from rich.table import Table

from allocator.entrypoints import console
from allocator.entrypoints.console import plain

WIDEST = 40
"""Of a field's value; --json has all of it."""


def show_timeline(found: Mapping[str, Any]) -> None:
    """The plan of a marketing record, then everything that happened, oldest first."""
    if plan := found.get("plan"):
        _show_plan(plan)
    if not found.get("timeline"):
        return
    console.out.print("  timeline (UTC)")
    grid = Table.grid(padding=(0, 2))
    for no_wrap in (True, True, False):
        grid.add_column(no_wrap=no_wrap, overflow="fold")
    for entry in found["timeline"]:
        grid.add_row(f"    {_instant(entry['at'])}", f"[bold]{entry['what']}[/]", _told(entry))
        for field in entry["fields"]:
            grid.add_row("", "", Padding(_field(field, entry["what"]), (0, 0, 0, 2)))
    console.out.print(grid)


def _show_plan(plan: Mapping[str, Any]) -> None:
    if plan["plan"] != "held":
        console.out.print(f"  plan: {plan['plan']}, since {_instant(plan['since'])}")
        return
    detail = f" ({plain(plan['detail'])})" if plan["detail"] else ""
    console.hang("  plan: ", f"[yellow]held, {plan['reason']}[/]: {plain(plan['meaning'] or '')}{detail}")
    if plan["fix"]:
        console.hang("    to do: ", plain(plan["fix"]))


def _instant(at: str) -> str:
    return at[:19].replace("T", " ")


def _told(entry: Mapping[str, Any]) -> str:
    """Where, then why."""
    side = {"crm": "CRM", "marketing": "marketing"}.get(entry["side"], "")
    where = plain(" ".join(part for part in (side, entry["object"], entry["id"]) if part))
    return f"{where}: {plain(entry['why'])}" if where and entry["why"] else where or plain(entry["why"])


def _field(field: Mapping[str, Any], what: str) -> str:
    """The value before and after; of a conflict the one that was lost, and the one that is kept."""
    before, after = _value(field["before"]), _value(field["after"])
    name, because = plain(field["field"]), plain(field["because"])
    if what == "problem":
        return f"{name} {before}: {because}"
    if what == "conflict":
        return f"{name}: {after} kept, {before} lost, because {because}"
    return f"{name}: {before} -> {after}, because {because}"


def _value(text: str | None) -> str:
    return "(empty)" if text is None else f'"{plain(text, width=WIDEST)}"'
