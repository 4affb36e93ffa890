"""`allocator doctor`: everything the allocator needs, looked at; what is wrong, with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain
from allocator.errors import ConfigError
from allocator.service import doctor
from allocator.service.doctor import Check, Status

MARKS = {Status.OK: "[green]✓[/]", Status.WARNING: "[yellow]![/]", Status.ERROR: "[red]✗[/]"}
EPILOG = "Examples:  allocator doctor   |   allocator doctor --send   |   allocator doctor --json"


def register(app: typer.Typer) -> None:
    app.command("doctor", epilog=EPILOG)(command)


def command(
    config: ConfigOption = DEFAULT_CONFIG,
    send: Annotated[bool, typer.Option("--send", help="Mail everybody who gets alerts, once.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Look at everything the allocator needs, and say what to do about what is wrong.

    Exit code 0 when nothing is an error (warnings are none), else the code of the first error: 7
    configuration, 3 workbook, 5 CRM, store or mail server, 1 anything else.
    """
    checks = _look(config, send=send)
    code = doctor.exit_code(checks)
    if as_json:
        console.emit({"ok": code == 0, "checks": [_shown(check) for check in checks]})
    else:
        _print(checks)
    return code


def _look(config: Path, *, send: bool) -> Sequence[Check]:
    """A configuration that cannot be used is a finding like any other."""
    try:
        subject = bootstrap.subject_of(load_settings(config), config)
    except ConfigError as error:
        return doctor.unconfigured(str(error), bootstrap.refuse_clash)
    return doctor.examine(subject, send=send)


def _shown(check: Check) -> dict[str, Any]:
    return {key: str(value) for key, value in asdict(check).items() if key != "code"}


def _print(checks: Sequence[Check]) -> None:
    width = max(len(check.id) for check in checks)
    for check in checks:
        for line in check.message.splitlines() or [""]:
            console.hang(f"{MARKS[check.status]} {check.id:<{width}}  ", plain(line))
        if check.fix:
            console.hang(" " * (width + 4), f"[bold]Fix:[/] {plain(check.fix)}")
    wrong = sum(check.status is Status.ERROR for check in checks)
    warned = sum(check.status is Status.WARNING for check in checks)
    console.out.print(f"{console.count(wrong, 'error')}, {console.count(warned, 'warning')}.")
