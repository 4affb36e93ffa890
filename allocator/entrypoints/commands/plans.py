"""`allocator plans show`: which record of the CRM a marketing record writes to, when and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption
from allocator.errors import UnknownName
from rules.conversion import PROFILES
from rules.plans.profile import REASONS, Profile, Row, flaws

app = typer.Typer(help="Which record a marketing record writes to.", no_args_is_help=True)

EPILOG = "Examples:  allocator plans show   |   allocator plans show --profile contact-with-leads --json"


@app.callback()
def group() -> None:
    """Which record a marketing record writes to."""


@app.command("show", epilog=EPILOG)
def show(
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"One kind of CRM: {' or '.join(PROFILES)}.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """The plans of each kind of CRM: their conditions, where they write, and the reasons they hold for."""
    chosen = [_named(profile)] if profile is not None else list(PROFILES.values())
    if as_json:
        console.emit({"profiles": [_object(p) for p in chosen], "reasons": _reasons()})
        return console.OK
    for one in chosen:
        _print(one)
    _print_reasons(chosen)
    return console.OK


def _named(name: str) -> Profile:
    """The profile of that name. Raises UnknownName with the names there are."""
    if name not in PROFILES:
        raise UnknownName(f"There is no profile {name!r}; choose {' or '.join(PROFILES)}.")
    return PROFILES[name]


def _object(profile: Profile) -> dict[str, Any]:
    facts = [{"fact": f.name, "read_from": f.read_from, "values": list(f.values)} for f in profile.facts]
    return {
        "name": profile.name,
        "crm": profile.crm,
        "about": profile.about,
        "facts": facts,
        "plans": [_row(row) for row in profile.rows],
        "states": profile.states,
        "flaws": list(flaws(profile)),
    }


def _row(row: Row) -> dict[str, Any]:
    when = {name: list(values) for name, values in row.when.items()}
    return {
        "plan": row.plan,
        "reason": row.reason,
        "target": row.target or None,
        "when": when,
        "why": row.why,
    }


def _reasons() -> dict[str, dict[str, str]]:
    return {reason: {"meaning": meaning, "fix": fix} for reason, (meaning, fix) in REASONS.items()}


# --- in words ---


def _print(profile: Profile) -> None:
    console.out.print(f"[bold]{profile.name}[/] ({profile.crm}): {profile.about}")
    console.out.print(_proof(profile))
    console.out.print("\nWhat is read")
    for fact in profile.facts:
        console.hang(f"  {fact.name:<17}", f"{', '.join(fact.values)}: {fact.read_from}")
    for title, rows in _by_plan(profile).items():
        console.out.print(f"\n[bold]{title}[/]")
        for row in rows:
            console.hang("  ", f"{row.why}\n[dim]{_when(row)}[/]")
    console.out.print()


def _proof(profile: Profile) -> str:
    found = list(flaws(profile))
    if found:
        return f"[red]not proven: {'; '.join(found)}[/]"
    return f"{len(profile.rows)} conditions; in each of {profile.states:,} states exactly one of them holds"


def _by_plan(profile: Profile) -> dict[str, list[Row]]:
    """The rows under a title for each plan and target, what writes before what holds."""
    titled: dict[str, list[Row]] = {}
    for row in sorted(profile.rows, key=lambda row: (row.plan == "held", row.reason or "")):
        title = f"held: {row.reason}" if row.reason else f"{row.plan} plan: write to {row.target}"
        titled.setdefault(title, []).append(row)
    return titled


def _when(row: Row) -> str:
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in row.when.items())


def _print_reasons(chosen: list[Profile]) -> None:
    given = {row.reason for profile in chosen for row in profile.rows}
    console.out.print("[bold]Reasons[/]")
    for reason, (meaning, fix) in REASONS.items():
        if reason in given:
            console.hang(f"  {reason:<21}", f"{meaning}. To do: {fix}")
