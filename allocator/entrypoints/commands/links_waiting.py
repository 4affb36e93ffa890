"""`allocator links held | conflicts | problems`: records that wait for a person, values that were lost, and
fields that are not carried over."""

from __future__ import annotations

from typing import Annotated

import typer

from allocator import bootstrap
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.service.waiting_links import (
    conflict_object,
    held_object,
    held_rows,
    problem_objects,
    problem_rows,
)

WIDEST = 40
"""Of a value; --json has all of it."""


def register(app: typer.Typer) -> None:
    app.command("held", epilog="Example:  allocator links held --json")(held)
    app.command("conflicts", epilog="Example:  allocator links conflicts --limit 20")(conflicts)
    app.command("problems", epilog="Example:  allocator links problems --json")(problems)


def held(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Linked records that the sync holds, with what the reason means and what to do, newest first."""
    store = bootstrap.store_of(load_settings(config))
    try:
        rows = [held_object(row) for row in held_rows(store)]
    finally:
        store.close()
    if as_json:
        console.emit({"held": rows})
        return console.OK
    for row in rows:
        console.out.print(
            f"[bold]{plain(row['record'])}[/]  {plain(row['reason'])}, since {_day(row['since'])}"
        )
        parts = [plain(part) for part in (row["meaning"], row["detail"]) if part]
        if parts:
            console.hang("    ", "; ".join(parts))
        if row["fix"]:
            console.hang("    to do: ", plain(row["fix"]))
    if not rows:
        console.out.print("No linked record is held.")
    return console.OK


def conflicts(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Values that one system wrote over in the other, newest first: the value kept, the one lost, and why."""
    store = bootstrap.store_of(load_settings(config))
    try:
        rows = [conflict_object(row) for row in store.conflicts(limit=limit)]
    finally:
        store.close()
    if as_json:
        console.emit({"conflicts": rows})
        return console.OK
    for row in rows:
        console.out.print(f"[bold]{plain(row['record'])}[/]  {plain(row['field'])}, {_day(row['at'])}")
        told = f"{_value(row['kept'])} kept, {_value(row['lost'])} lost: {plain(row['why'])}"
        console.hang("    ", told)
    if not rows:
        console.out.print("No conflict is known.")
    return console.OK


def problems(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Fields of linked records that are not carried over, with what to do, the last one looked at first."""
    store = bootstrap.store_of(load_settings(config))
    try:
        rows = [one for row in problem_rows(store) for one in problem_objects(row)]
    finally:
        store.close()
    if as_json:
        console.emit({"problems": rows})
        return console.OK
    for row in rows:
        console.out.print(
            f"[bold]{plain(row['record'])}[/]  {plain(row['field'])}, {row['code']}, {_day(row['at'])}"
        )
        console.hang("    ", f"{_value(row['value'])} of {plain(row['from'])}: {plain(row['message'])}")
        console.hang("    to do: ", plain(row["fix"]))
    if not rows:
        console.out.print("Every field is carried over.")
    return console.OK


def _day(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC"


def _value(text: str | None) -> str:
    return "(empty)" if text is None else f'"{plain(text, width=WIDEST)}"'
